"""What was asked of a plan."""

from __future__ import annotations

from mlform.addresses import ResourceAddress, Target
from mlform.dataclass import dataclass
from mlform.graph.evaluation import Evaluation
from mlform.plan.changes import Mode
from mlform.plan.targets import Selection, leave_out, select
from mlform.state.snapshot import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What was asked of the plan.

    Attributes:
        mode: What kind of plan.
        refresh: Whether to look at reality beyond what the state says.
        replace: Instances to make anew.
        targets: Resources and modules to limit the plan to; empty for all.
        excluded: Resources and modules to leave out, with what depends on them; not with targets.
    """

    mode: Mode = Mode.NORMAL
    refresh: bool = True
    replace: frozenset[ResourceAddress] = frozenset()
    targets: tuple[Target, ...] = ()
    excluded: tuple[Target, ...] = ()

    @property
    def is_partial(self) -> bool:
        """Whether the plan is not about everything."""
        return bool(self.targets or self.excluded)


def selection_of(wishes: Wishes, evaluation: Evaluation, state: State) -> Selection | None:
    """Return what is planned, or None for everything."""
    config, graph = evaluation.config, evaluation.graph
    if wishes.targets:
        return select(wishes.targets, config, graph)
    return leave_out(wishes.excluded, config, graph, state) if wishes.excluded else None
