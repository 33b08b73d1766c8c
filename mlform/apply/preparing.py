"""Steps made ready: what is to be made, what that needs, and the work that a thread does."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlform.apply.as_planned import check_arguments
from mlform.apply.attempts import Attempt
from mlform.apply.making import Making, make_artifact, make_server
from mlform.apply.needs import needs_of
from mlform.apply.ports import Ports
from mlform.apply.record import Recorder
from mlform.apply.recovery import clean
from mlform.apply.removing import remove
from mlform.apply.resolving import Resolver
from mlform.apply.servers import is_served
from mlform.apply.workers import Work
from mlform.dataclass import replace
from mlform.diagnostics import Diagnostics
from mlform.digests import Digest
from mlform.graph.evaluation import Evaluation
from mlform.machine import Machine
from mlform.plan.changes import Cause, Change, Plan
from mlform.plan.lifecycle import create_first_blocks, ignoring_changes
from mlform.plan.steps import Operation, Step
from mlform.requirements import retry_of
from mlform.resources.base import AnyKind, kind_of
from mlform.state.snapshot import CURRENT, Intent, ObjectKey, ResourceRecord
from mlform.tasks import Requirements

_MAKING = {Operation.CREATE, Operation.REBUILD}


class Preparation:
    """Makes the steps of one plan ready; starts and records nothing.

    Attributes:
        resolver: Resolves what steps need.
    """

    def __init__(
        self,
        plan: Plan,
        evaluation: Evaluation,
        kinds: Mapping[str, AnyKind],
        recorder: Recorder,
        ports: Ports,
    ) -> None:
        self._kinds = kinds
        self._recorder = recorder
        self._ports = ports
        self._changes = {(change.address, change.deposed): change for change in plan.changes}
        self._leaving = {
            (step.address, step.deposed)
            for step in plan.steps
            if step.operation is Operation.DELETE and not step.replaces
        }
        self._moving = {
            step.address: step.deposed
            for step in plan.steps
            if step.operation is Operation.DELETE and step.replaces and _moves(self.change(step))
        }
        self._create_first = create_first_blocks(evaluation.config, evaluation.graph, kinds)
        self.resolver = Resolver(evaluation)

    def change(self, step: Step) -> Change:
        """Return the change that a step belongs to."""
        deposed = CURRENT if step.replaces else step.deposed
        return self._changes[(step.address, deposed)]

    def making(self, step: Step) -> Making:
        """Return what a step makes, resolved with everything that is known by now.

        Raises:
            ConfigurationError: If it cannot be resolved.
        """
        change = self.change(step)
        diagnostics = Diagnostics()
        desired = self.resolver.desired(step.address, diagnostics)
        prior = self._recorder.current(step.address)
        kind = kind_of(self._kinds, step.address)
        if kind.sort != "value" or not change.action.is_replace:
            desired = ignoring_changes(desired, prior, kind)
        diagnostics.raise_if_errors()
        check_arguments(change, desired)
        return Making(
            desired=desired,
            prior=prior,
            step=step.id,
            project=self._recorder.lineage,
            runtime=change.runtime,
            create_first=step.address.block in self._create_first,
            forced=_is_forced(change),
            expected_recipe=change.recipe_digest,
            expected_sources=change.sources,
        )

    def fill(self, attempt: Attempt, machine: Callable[[], Machine]) -> None:
        """Find out what a step makes, what that needs, and how often it is tried.

        Raises:
            ConfigurationError: If it cannot be resolved.
            MlformError: If this machine is too small for it, or its runtime cannot be opened.
        """
        step = attempt.step
        kind = kind_of(self._kinds, step.address)
        making = self.making(step)
        arguments = making.desired.document
        attempt.making = making
        attempt.retry = retry_of(arguments.get("retry"))
        attempt.needs = needs_of(kind, making, self._ports, machine())
        if self.change(step).reused:
            attempt.needs = replace(attempt.needs, idle=True)

    def work(self, attempt: Attempt, granted: Requirements) -> Work:
        """Return what the thread of an attempt does; everything it needs is resolved here."""
        ports, step, making = self._ports, attempt.step, attempt.making
        if making is None:
            key = (step.address, step.deposed)
            record, others = self._recorder.objects[key], tuple(self._served(key).values())
            return lambda tell: remove(record, others, ports)  # noqa: ARG005 - it is silent
        kind = kind_of(self._kinds, step.address)
        making = replace(making, step=attempt.identity, granted=granted)
        if kind.sort == "artifact":
            return lambda tell: make_artifact(kind, making, ports, tell)
        assert kind.sort == "server"  # noqa: S101 - values run inline
        served = self._served((step.address, CURRENT))
        leaving = tuple(each for at, each in served.items() if self._leaves_its_url(at))
        serving = replace(making, served=tuple(served.values()), leaving=leaving)
        return lambda tell: make_server(kind, serving, ports, tell)

    def _served(self, but: ObjectKey) -> dict[ObjectKey, ResourceRecord]:
        """Return the objects that a server runs for, except one."""
        objects = self._recorder.objects
        return {at: each for at, each in objects.items() if at != but and is_served(each)}

    def _leaves_its_url(self, at: ObjectKey) -> bool:
        """Whether an object is going to be destroyed, or replaced by one with another URL."""
        address, deposed = at
        if at in self._leaving:
            return True
        aside = self._moving.get(address)
        if aside is None:
            return False
        return deposed == aside or (
            deposed == CURRENT and (address, aside) not in self._recorder.objects
        )

    def cleaner(self, attempt: Attempt) -> Callable[[], None]:
        """Return what leaves nothing of a failed attempt."""
        step = attempt.step
        if step.operation is Operation.DELETE:
            return lambda: None
        intent = Intent(
            step=attempt.identity,
            address=step.address,
            operation=step.operation.value,
            runtime=self.change(step).runtime,
        )

        def leave_nothing() -> None:
            clean(intent, self._recorder, self._kinds, self._ports)

        return leave_nothing


def _moves(change: Change) -> bool:
    """Whether what replaces an object has another URL."""
    before, after = change.before or {}, change.after or {}
    return before.get("url") != after.get("url")


def wanted_recipes(plan: Plan) -> frozenset[Digest]:
    """Return the recipes whose result a plan makes, or takes from wherever it comes."""
    found = {(step.address, CURRENT) for step in plan.steps if step.operation in _MAKING}
    return frozenset(
        change.recipe_digest
        for change in plan.changes
        if (change.address, change.deposed) in found
        and change.recipe_digest is not None
        and not _is_forced(change)
    )


def _is_forced(change: Change) -> bool:
    """Whether an object is made anew whatever it is made from; not if early cut-off may hold."""
    if change.action.is_replace:
        return not change.conditional
    again = {Cause.REQUESTED, Cause.TAINTED}
    return any(reason.cause in again for reason in change.reasons)
