"""Copying the states of all workspaces from one backend to another; the old ones stay.

The history is copied before the state, and what was copied is read back. Whatever instant it stops
at, the old backend is whole and the chosen one, and it can be done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from mlform.backends.base import DEFAULT_WORKSPACE, StateBackend, Workspaces
from mlform.dataclass import dataclass
from mlform.errors import BackendError
from mlform.operations.access import locked
from mlform.operations.environment import Environment
from mlform.operations.results import Copy, Meeting
from mlform.operations.state import replace_state
from mlform.state.journal import Damaged, Journal, Run
from mlform.state.snapshot import State

_OPERATION: Final = "init -migrate-state"
_TOGETHER: Final = 64
"""Journals that are written at once: for some places that costs as much as a single one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """States to be copied from one backend to another.

    Attributes:
        source: The backend that was used so far.
        target: The new one.
        lock_timeout: Seconds to wait for each lock, or None to do without.
    """

    source: Workspaces
    target: Workspaces
    lock_timeout: float | None = 0.0

    def copies(self) -> tuple[Copy, ...]:
        """Return what there is to copy: every state that the new backend does not hold already.

        Raises:
            BackendError: If a state cannot be read.
        """
        existing = self.target.names()
        found = []
        for name in self.source.names():
            state = self.source.open(name).read()
            there = self.target.open(name).read() if name in existing else None
            if state is not None:
                copy = Copy(workspace=name, objects=len(state.objects), meets=_meets(state, there))
                found.append(copy)
        return tuple(each for each in found if each.meets is not Meeting.THE_SAME)

    def carry_out(
        self,
        environment: Environment,
        copies: tuple[Copy, ...],
        warn: Callable[[Damaged], None],
    ) -> None:
        """Copy states, and make the workspaces without one.

        Args:
            environment: The outside world.
            copies: What was agreed to.
            warn: Takes journals that cannot be copied, since they are damaged.

        Raises:
            BackendError: If a state moved since it was agreed to, or cannot be read or written.
        """
        missing = [name for name in self.source.names() if name not in self.target.names()]
        for name in missing:
            if name != DEFAULT_WORKSPACE:
                self.target.create(name)
        for copy in copies:
            source, target = self.source.open(copy.workspace), self.target.open(copy.workspace)
            with (
                locked(source, environment, _OPERATION, self.lock_timeout),
                locked(target, environment, _OPERATION, self.lock_timeout) as run,
            ):
                _copy(copy, source, target, run, warn)


def _meets(state: State, there: State | None) -> Meeting:
    if there is None:
        return Meeting.NOTHING
    if there == state:
        return Meeting.THE_SAME
    if there.lineage == state.lineage and there.serial < state.serial:
        return Meeting.OLDER
    return Meeting.OTHER


def _copy(
    copy: Copy,
    source: StateBackend,
    target: StateBackend,
    run: Run,
    warn: Callable[[Damaged], None],
) -> None:
    state, there = source.read(), target.read()
    if state is None or _meets(state, there) is not copy.meets:
        raise BackendError(
            "A state moved while it was to be copied",
            f'The state of the workspace "{copy.workspace}" was written by somebody else since it '
            "was looked at. It was not copied. Run the command again.",
        )
    if there is not None:
        written = replace_state(target, there, state, run)
    else:
        _copy_history(source, target, warn)
        written = state
        target.write(state, expected_serial=None)
    if target.read() != written:
        raise BackendError(
            "The copied state is not what was written",
            f'The state of the workspace "{copy.workspace}" reads otherwise from '
            f"{target.describe()} than it was written. The old one is whole, and still the one in "
            f"use: {source.describe()}.",
        )


def _copy_history(
    source: StateBackend, target: StateBackend, warn: Callable[[Damaged], None]
) -> None:
    """Copy the journals, unless the target has a history of its own."""
    known = {_identity(journal) for journal in _whole(target)}
    if known and not known <= {_identity(journal) for journal in _whole(source)}:
        return
    told = _told(source, warn)
    while journals := tuple(islice(told, _TOGETHER)):
        target.keep(journals)


def _told(source: StateBackend, warn: Callable[[Damaged], None]) -> Iterator[Journal]:
    for journal in source.history():
        if isinstance(journal, Damaged):
            warn(journal)
        else:
            yield journal


def _whole(backend: StateBackend) -> Iterator[Journal]:
    return (each for each in backend.history() if isinstance(each, Journal))


def _identity(journal: Journal) -> tuple[int, Run]:
    return journal.base.serial, journal.run
