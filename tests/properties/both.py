"""Both programs side by side: the same step, planned and applied by each, and compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mlform.addresses import parse_address, parse_target
from mlform.digests import Json
from mlform.operations.results import Planned
from mlform.operations.state import Edit, move, remove
from mlform.operations.state_taint import set_tainted
from mlform.plan.changes import Action, Mode, Plan
from mlform.state.snapshot import ResourceRecord, State
from tests.engine import Engine, Ran, read_back
from tests.properties.oracle import Wish
from tests.properties.terraform import Planned as TheirPlan
from tests.properties.terraform import (
    RefusedError,
    Terraform,
    TurnedRoundError,
    Uuids,
    document_of,
    our_checks,
    our_document,
    ours_applied,
    relevant_of,
    their_checks,
    their_needs,
    theirs_applied,
)
from tests.properties.terraform import planned as planned_as


def ours(text: str) -> str:
    """Return a text with the name that the kind has here."""
    return text.replace("terraform_data", "mlform_data")


def theirs(text: str) -> str:
    """Return a text with the name that the kind has there."""
    return text.replace("mlform_data", "terraform_data")


def by_hand(engine: Engine, terraform: Terraform, words: tuple[str, ...]) -> None:
    """Change both states by hand."""
    terraform.run(*words)
    environment = engine.environment([])
    given = [ours(word) for word in words]
    match given:
        case ["taint", address]:
            set_tainted(environment, parse_address(address), Edit(), tainted=True)
        case ["untaint", address]:
            set_tainted(environment, parse_address(address), Edit(), tainted=False)
        case ["state", "rm", address]:
            remove(environment, (parse_target(address),), Edit())
        case ["state", "mv", source, target]:
            move(environment, parse_target(source), parse_target(target), Edit())
        case _:
            raise AssertionError(words)


def plan_as(engine: Engine, wish: Wish) -> Planned:
    """Plan what is asked for; the plan was written and read."""
    planned = engine.plan(
        mode=Mode(wish.mode),
        targets=tuple(map(ours, wish.targets)),
        replaced=tuple(map(ours, wish.replaced)),
    )
    return replace(planned, plan=read_back(planned.plan))


class Both:
    """Both programs, each in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "ours").mkdir()
        self.terraform = Terraform(folder / "theirs")
        self.engine = Engine(folder / "ours", new_id=Uuids())

    @property
    def recorded(self) -> dict[str, ResourceRecord]:
        """What is in the state, by address in Terraform's words."""
        if self.engine.place.snapshot is None:
            return {}
        return {theirs(str(record.address)): record for record in self.engine.state.records}

    @property
    def tainted(self) -> list[str]:
        """What is tainted of it."""
        return [address for address, record in self.recorded.items() if record.tainted]

    def step(self, text: str, wish: Wish, shown: str) -> bool:
        """Plan and apply a configuration; return whether the two can go on from there.

        Args:
            text: The configuration.
            wish: What is asked of the step.
            shown: Said of a difference.
        """
        engine = self.engine
        engine.hcl = ours(text + wish.text)
        for words in wish.commands:
            by_hand(engine, self.terraform, words)
        try:
            theirs = self.terraform.plan(text + wish.text, *wish.options)
        except TurnedRoundError:
            engine.ok()
            return False
        except RefusedError as error:
            # What moved must be a target there, on both sides; and postconditions of instances that
            # are wanted no more cannot be resolved in a refresh.
            unresolved = wish.mode == "refresh-only" and "Invalid index" in str(error)
            if not (wish.targets or unresolved):
                raise
            return False
        planned = plan_as(engine, wish)
        if wish.targets and planned.plan.outputs.keys() < theirs.outputs:
            # Values of blocks some of whose instances are missing are wrong there, or an error.
            return False
        if wish.mode == "destroy" and wish.targets and is_broken(direct_needs(planned.state)):
            return False  # what depends on a target through what is not there is destroyed there
        check_plans(planned.plan, theirs, wish, shown)
        if wish.is_whole:
            assert relevant_of(our_document(planned)) == relevant_of(theirs.document), shown
        if wish.mode == "refresh-only" and not theirs.document["applyable"]:
            return True  # Terraform does not apply it, though it says that outputs change
        return self._apply(planned, theirs, wish, shown)

    def _apply(self, planned: Planned, theirs: TheirPlan, wish: Wish, shown: str) -> bool:
        engine = self.engine
        try:
            counts = self.terraform.apply(theirs)
        except TurnedRoundError:
            return False
        document = self.terraform.state
        state = theirs_applied(document)
        ran = engine.carry_out(planned)
        assert not ran.failed, shown
        if engine.place.snapshot is None or left_behind(wish, planned.plan, state, engine):
            return engine.place.snapshot is None
        assert ran.counts == counts, shown
        found = ours_applied(engine.state)
        if wish.targets and wish.mode == "destroy":
            # Terraform records what edited outputs would be if nothing were destroyed.
            assert instances(found) == instances(state), shown
            return False
        if wish.mode == "refresh-only" and theirs.open_outputs:
            # What Terraform calls known after a refresh it records as null, or with nulls inside.
            assert instances(found) == instances(state), shown
            return False
        assert found == state, shown
        if wish.is_whole:
            if theirs.document["applyable"]:  # what is not, Terraform was not asked to carry out
                assert our_checks(engine.state) == their_checks(document), shown
            check_needs(engine.state, document, idle_blocks(ran), shown)
            assert not engine.plan().plan.has_changes, f"not settled\n{shown}"
        return True


_TOLD = {"create", "update"}


def check_plans(plan: Plan, theirs: TheirPlan, wish: Wish, shown: str) -> None:
    """Compare two plans."""
    # With targets Terraform forgets who else wants to be replaced by creating first. What it calls
    # known after a refresh becomes null, and before it destroys it resolves edited outputs anew.
    ordered = not wish.targets
    ignored: frozenset[str] = frozenset()
    if wish.mode == "refresh-only":
        ignored = theirs.open_outputs
    elif wish.mode == "destroy":
        ignored = frozenset(plan.outputs.keys() ^ theirs.outputs)
    found, expected = (
        planned_as(document, ordered=ordered, ignored=ignored)
        for document in (document_of(plan), theirs.document)
    )
    assert found == expected, shown
    told = plan.drift or any(item.action.value in _TOLD for item in plan.outputs.values())
    if wish.mode != "refresh-only" or (told and not ignored):
        # In a refresh Terraform counts entries of its state that nobody is shown, such as
        # dependencies, and does not count outputs that go.
        assert (2 if plan.has_changes else 0) == theirs.status, shown


def instances(state: Json) -> Mapping[str, Json]:
    """Return the objects of what `ours_applied` and `theirs_applied` give."""
    assert isinstance(state, Mapping)
    found = state["instances"]
    assert isinstance(found, Mapping)
    return found


def direct_needs(state: State) -> dict[str, set[str]]:
    """Return what each block depends on directly."""
    direct: dict[str, set[str]] = {}
    for record in state.objects.values():
        direct.setdefault(str(record.address.block), set()).update(record.dependencies)
    return direct


def is_broken(direct: Mapping[str, set[str]]) -> bool:
    """Whether a block depends on one without instances: what that depends on is not kept."""
    return any(not needs <= direct.keys() for needs in direct.values())


def idle_blocks(ran: Ran) -> set[str]:
    """Return the blocks with an update that turned out to change nothing."""
    planned = ran.planned.plan.changes
    return {
        str(change.address.block)
        for change in planned
        if change.action is Action.UPDATE and f"update {change.address}" not in ran.finished
    }


def check_needs(state: State, document: Mapping[str, object], idle: set[str], shown: str) -> None:
    """Compare what blocks depend on, directly or not: mlform keeps what is direct.

    Args:
        state: Ours.
        document: Terraform's state.
        idle: Blocks that turned out not to change: Terraform keeps what they depended on before.
        shown: Said of a difference.
    """
    direct = direct_needs(state)
    if is_broken(direct):
        return
    for block, needed in their_needs(document).items():
        reached: set[str] = set()
        waiting = list(direct[ours(block)])
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting += direct[name]
        # Terraform keeps the names of what is gone until the object itself changes.
        there = {name for name in needed if ours(name) in direct}
        found = {theirs(name) for name in reached}
        same = found <= there if ours(block) in idle else found == there
        assert same, f"{block}: {found ^ there}\n{shown}"


def left_behind(wish: Wish, plan: Plan, state: Json, engine: Engine) -> bool:
    """Whether Terraform did not destroy what it planned to: with targets it destroys it later."""
    if not wish.targets or engine.place.snapshot is None:
        return False
    left = instances(state).keys() - instances(ours_applied(engine.state)).keys()
    gone = {str(change.address) for change in plan.changes if change.action.destroys}
    assert {name.removesuffix(" deposed") for name in left} <= gone
    return bool(left)
