"""Keeping the state up to date while steps run: intents before, outcomes after."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mlform.addresses import ResourceAddress
from mlform.backends.base import StateBackend
from mlform.dataclass import replace
from mlform.plan.steps import Operation
from mlform.state.journal import Run
from mlform.state.snapshot import (
    CURRENT,
    Abandoned,
    CheckRecord,
    ChecksSet,
    Deposed,
    Entry,
    Intent,
    ObjectKey,
    OutputRecord,
    OutputsSet,
    Recorded,
    Removed,
    ResourceRecord,
    State,
    Unfolded,
)


class Recorder:
    """The one writer of the state during an apply; used from one thread."""

    def __init__(
        self, backend: StateBackend, state: State, run: Run, *, timestamp: Callable[[], str]
    ) -> None:
        self._backend = backend
        self._timestamp = timestamp
        self._run = run
        self._stored_serial = state.serial
        self._unfolded = Unfolded(state)
        self.lineage = state.lineage
        self._waiting: list[Entry] = []

    @property
    def state(self) -> State:
        """The state with everything recorded so far; costs as much as it has objects."""
        return self._unfolded.state

    @property
    def objects(self) -> Mapping[ObjectKey, ResourceRecord]:
        """The objects recorded so far; it changes with everything that is recorded."""
        return self._unfolded.objects

    def current(self, address: ResourceAddress) -> ResourceRecord | None:
        """Return the current object at an address, or None."""
        return self._unfolded.objects.get((address, CURRENT))

    def begin(self) -> None:
        """Make the state ready for entries."""
        self._backend.begin(self.state, self._run)

    def intend(
        self, step: str, address: ResourceAddress, operation: Operation, runtime: str
    ) -> None:
        """Make it known that a step is about to touch the world."""
        self._add(Intent(step=step, address=address, operation=operation.value, runtime=runtime))
        self.flush()

    def recorded(self, step: str, record: ResourceRecord, *, set_aside: str = CURRENT) -> None:
        """Record an object; its predecessor is kept under the deposed key `set_aside`, if given."""
        if set_aside != CURRENT:
            self._add(Deposed(address=record.address, deposed=set_aside))
        self._add(Recorded(step=step, record=record))

    def removed(self, step: str, address: ResourceAddress, deposed: str) -> None:
        """Record that an object is gone."""
        self._add(Removed(step=step, address=address, deposed=deposed))

    def abandoned(self, step: str) -> None:
        """Record that a step failed and left nothing behind."""
        self._add(Abandoned(step=step))

    def adopt(self, entries: Iterable[Entry]) -> None:
        """Record moves and imports, and make them durable."""
        for entry in entries:
            self._add(entry)
        self.flush()

    def outputs(self, outputs: Mapping[str, OutputRecord]) -> None:
        """Record the root outputs, if they are others than before."""
        if outputs != self.state.outputs:
            self._add(OutputsSet(outputs=outputs))

    def checks(self, checks: tuple[CheckRecord, ...]) -> None:
        """Record how conditions stand, if it is otherwise than before."""
        if checks != self.state.checks:
            self._add(ChecksSet(checks=checks))

    def flush(self) -> None:
        """Make everything recorded so far durable.

        Raises:
            BackendError: If the backend cannot take it; it is then kept for `fold`.
        """
        if self._waiting:
            now = self._timestamp()
            entries = tuple(replace(entry, at=now) for entry in self._waiting)
            self._waiting = []
            self._backend.append(entries)

    def fold(self) -> State:
        """Write the state as a new snapshot and return it.

        Raises:
            BackendError: If it cannot be written; the journal then still holds every entry.
        """
        self.flush()
        state = replace(self.state, serial=self._stored_serial + 1)
        self._unfolded = Unfolded(state)
        self._backend.write(state, expected_serial=self._stored_serial)
        return state

    def _add(self, entry: Entry) -> None:
        self._unfolded.add(entry)
        self._waiting.append(entry)
