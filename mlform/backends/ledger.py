"""What a run recorded: the books that every backend keeps while a run works."""

from __future__ import annotations

from collections.abc import Callable

from mlform.dataclass import replace
from mlform.state.snapshot import Entry, State, apply_entries, entries_to


class Ledger:
    """The entries of one run: those that are durable, and those that are still to be."""

    def __init__(self, state: State) -> None:
        """Open the books of a run that begins with a state."""
        self.begun = state
        self._written: list[Entry] = []
        self._unwritten: list[Entry] = []

    def append(
        self, entries: tuple[Entry, ...], write: Callable[[tuple[Entry, ...]], None]
    ) -> None:
        """Make entries durable, after those that could not be before.

        Args:
            entries: In order.
            write: Makes all of the entries that it is given durable, or none.

        Raises:
            ValueError: If a value is no JSON; these entries are dropped, not to take later ones
                with them.
        """
        before = len(self._unwritten)
        self._unwritten.extend(entries)
        try:
            write(tuple(self._unwritten))
        except ValueError:
            del self._unwritten[before:]
            raise
        self._written.extend(self._unwritten)
        self._unwritten.clear()

    def complete(self, state: State, write: Callable[[tuple[Entry, ...]], None]) -> None:
        """Make durable by `write` what a state holds that the written entries do not lead to."""
        missing = entries_to(apply_entries(self.begun, tuple(self._written)), state)
        if missing:
            write(missing)
            self._written.extend(missing)
            self._unwritten.clear()

    @property
    def reached(self) -> State:
        """The state that the run came to, to be kept where its own place takes it no more."""
        # The next serial, so that the journal left behind counts as part of this state.
        entries = (*self._written, *self._unwritten)
        return replace(apply_entries(self.begun, entries), serial=self.begun.serial + 1)
