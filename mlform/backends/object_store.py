"""States in an object store: S3, Google Cloud Storage, Azure Blob Storage and what speaks alike.

Below the address of the backend, the folder of each workspace holds:

::

    workspaces/NAME/current.jsonl            which snapshot is the state; the journal of the run
                                             that works, or died
    workspaces/NAME/snapshots/….mlfstate     that snapshot, and the one before
    workspaces/NAME/journal/ID/000000.jsonl  older lines of the journal, moved there as it grows
    workspaces/NAME/history/….jsonl          the journals of runs that are over
    workspaces/NAME/lock.json                who holds the lock; empty when nobody does

All but the first and the last are written once and never changed, but for a history that is
encrypted anew. `current.jsonl` alone says what
the state is, and is only ever replaced on condition that it is as the writer saw it: so whoever is
not the one that works any more is refused, at whatever instant, and a reader sees one moment. A
store that ignores such conditions is found out before its first state is written; that `lock.json`
or `current.jsonl` is there means that it was tried.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Final, TypeVar
from urllib.parse import quote, unquote

from mlform.backends.base import DEFAULT_WORKSPACE, StateBackend, workspace_exists
from mlform.backends.conditions import Conditions
from mlform.backends.journaled import JournaledBackend
from mlform.backends.lease import Found, Lease, Periods
from mlform.backends.objects import Objects
from mlform.backends.storage import Content, check_unchanged, replaced_meanwhile
from mlform.dataclass import dataclass, field, replace
from mlform.digests import digest_bytes
from mlform.errors import BackendError, StateConflict, StateCorrupt
from mlform.state.encryption import PLAIN, Cipher
from mlform.waiting import together

Item = TypeVar("Item")
Result = TypeVar("Result")

_CURRENT: Final = "current.jsonl"
_SNAPSHOTS: Final = "snapshots"
_JOURNALS: Final = "journal"
_HISTORY: Final = "history"
_SUFFIX: Final = ".jsonl"
_LOCK: Final = "lock.json"
_WORKSPACES: Final = "workspaces"
_SEGMENT_SIZE: Final = 32 * 1024
"""What every `append` sends at most besides its own lines."""
_ATTEMPTS: Final = 20
_PARALLEL: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Current:
    """What `current.jsonl` says.

    Attributes:
        generation: Grows with every change but that of the journal.
        snapshot: Name of the snapshot; empty where there is none.
        before: Name of the one before, which is kept; empty where there is none.
        journal_id: Identity of the journal; empty where no run works or died.
        segments: How many objects hold its older lines.
        lines: The lines after those.
        version: Of the object; empty where there is none.
    """

    generation: int = 0
    snapshot: str = ""
    before: str = ""
    journal_id: str = ""
    segments: int = 0
    lines: bytes = b""
    version: str = ""

    def encode(self) -> bytes:
        """Return it as it is stored."""
        told = {
            "type": "current",
            "generation": self.generation,
            "snapshot": self.snapshot,
            "before": self.before,
            "journal": self.journal_id,
            "segments": self.segments,
        }
        return json.dumps(told).encode() + b"\n" + self.lines


class ObjectStorage:
    """Keeps bytes in objects; see `Storage`."""

    def __init__(
        self,
        objects: Objects,
        folder: str,
        *,
        conditions: Conditions,
        confirm: Callable[[], None],
    ) -> None:
        """Name the folder; nothing is read or written yet.

        Args:
            objects: The store.
            folder: Of the workspace.
            conditions: Tries whether the store heeds conditions.
            confirm: Checks that the lock is still held, if it was taken.
        """
        self._objects = objects
        self._folder = folder
        self._conditions = conditions
        self._confirm = confirm
        self._current = _Current()
        self._begun = ""
        self._is_unheard = False

    def load(self) -> Content:
        """Return what is kept."""
        for _ in range(_ATTEMPTS):
            current = self._read_current()
            snapshot = self._objects.get(self._key(current.snapshot)) if current.snapshot else None
            journal = self._journal(current)
            if journal is not None and (snapshot is not None or not current.snapshot):
                self._current = current
                return Content(
                    snapshot=None if snapshot is None else snapshot.content,
                    version=current.snapshot,
                    journal=journal,
                    journal_id=current.journal_id,
                )
            # Another run may have written a newer state, and removed what this one is of.
            if self._read_current().version == current.version:
                raise self._incomplete(current, snapshot_is_gone=journal is not None)
        raise BackendError(
            f"{self.describe()} keeps changing while it is read",
            "Another run is writing it. Wait for that run to end.",
        )

    def replace(self, snapshot: bytes, *, expected: str) -> str:
        """Store a snapshot."""
        current = self._current
        check_unchanged(current.snapshot, expected, self.describe())
        self._confirm()
        if not current.version:
            self._conditions.try_once()
        generation = current.generation + 1
        name = f"{_SNAPSHOTS}/{generation:08d}-{digest_bytes(snapshot)[7:19]}.mlfstate"
        self._objects.put(self._key(name), snapshot)
        self._swap_current(
            replace(current, generation=generation, snapshot=name, before=current.snapshot)
        )
        if current.before:
            with suppress(BackendError):  # it is in nobody's way
                self._objects.delete([self._key(current.before)])
        return name

    def begin(self, header: bytes, journal_id: str) -> None:
        """Start a journal."""
        self._confirm()
        before = self._current
        leavings = self._leavings(before) if before.journal_id else []
        self._advance(replace(before, journal_id=journal_id, segments=0, lines=header))
        self._begun = journal_id
        if leavings:
            with suppress(BackendError):  # they are in nobody's way
                self._objects.delete(leavings)

    def append(self, lines: bytes, journal_id: str) -> None:
        """Add to a journal."""
        current = self._current
        check_unchanged(current.journal_id, journal_id, self.describe())
        if len(current.lines) < _SEGMENT_SIZE:
            longer = replace(current, lines=current.lines + lines)
        else:
            self._objects.put(self._segment(journal_id, current.segments), current.lines)
            longer = replace(current, segments=current.segments + 1, lines=lines)
        self._swap_current(longer)

    def keep(self, journals: Mapping[str, bytes]) -> None:
        """Add journals to the history: an object each, several being on their way at once."""
        keys = {self._kept(name): lines for name, lines in journals.items()}
        if len(keys) > 1:  # most are there already where a migration is done again
            for key in self._objects.keys(self._key(_HISTORY)):
                keys.pop(key, None)
        tuple(self._at_once(lambda key: self._objects.swap(key, keys[key], expected=""), [*keys]))

    def renew(self, journals: Mapping[str, bytes]) -> None:
        """Replace journals of the history."""
        put = self._objects.put
        tuple(self._at_once(lambda name: put(self._kept(name), journals[name]), [*journals]))

    def end(self, journal_id: str) -> None:
        """Remove a journal."""
        before = self._current
        if not journal_id or before.journal_id != journal_id:
            return
        self._begun = ""
        needs_sweeping = before.segments or self._is_unheard
        leavings = self._leavings(before) if needs_sweeping else []
        try:
            self._advance(replace(before, journal_id="", segments=0, lines=b""))
        except StateConflict:
            return  # whoever shut this run out has that journal now
        if leavings:
            self._objects.delete(leavings)

    def history(self) -> Iterator[tuple[str, bytes]]:
        """Return the journals that were kept."""
        keys = sorted(self._objects.keys(self._key(_HISTORY)))
        for key, content in zip(keys, self._fetched(keys), strict=True):
            if content is not None:
                yield key.rpartition("/")[2].removesuffix(_SUFFIX), content

    def describe(self) -> str:
        """Return where it is."""
        return self._objects.describe(self._key(_CURRENT))

    def shut_out(self) -> None:
        """Let the run that works now, if one does, append no more; it finds out why by itself."""
        for _ in range(_ATTEMPTS):  # it may append in between
            current = self._read_current()
            if not current.version:
                return
            self._current = current
            with suppress(StateConflict):
                self._advance(current)
                return

    def _advance(self, current: _Current) -> None:
        self._swap_current(replace(current, generation=current.generation + 1))

    def _swap_current(self, new: _Current) -> None:
        """Replace `current.jsonl`, on condition that it is what this run saw or wrote last."""
        expected = self._current.version
        if not expected:
            self._conditions.try_once()
        version = self._swapped(new, expected)
        if version is None and self._is_unheard:
            found = self._read_current()
            if (found.journal_id, found.generation) == (self._begun, self._current.generation):
                # Lines that were told to have failed had arrived: they are sent once more.
                version = self._swapped(new, found.version)
        if version is None:
            self._confirm()  # says who took the lock, if that is why
            raise replaced_meanwhile(self.describe())
        self._current, self._is_unheard = replace(new, version=version), False

    def _swapped(self, new: _Current, expected: str) -> str | None:
        try:
            return self._objects.swap(self._key(_CURRENT), new.encode(), expected=expected)
        except BackendError:
            self._is_unheard = True
            raise

    def _read_current(self) -> _Current:
        found = self._objects.get(self._key(_CURRENT))
        if found is None:
            return _Current()
        told, _, lines = found.content.partition(b"\n")
        try:
            document = json.loads(told)
            return _Current(
                generation=int(document["generation"]),
                snapshot=str(document["snapshot"]),
                before=str(document["before"]),
                journal_id=str(document["journal"]),
                segments=int(document["segments"]),
                lines=lines,
                version=found.version,
            )
        except (ValueError, TypeError, KeyError) as problem:
            raise StateCorrupt(
                "The state cannot be understood",
                f"{self.describe()} is not what mlform writes there. Put back the version of it "
                "before, if the bucket keeps versions.",
            ) from problem

    def _journal(self, current: _Current) -> bytes | None:
        """Return all lines, or None if some of them are not there."""
        keys = [self._segment(current.journal_id, at) for at in range(current.segments)]
        older = list(self._fetched(keys))
        whole = [content for content in older if content is not None]
        return b"".join((*whole, current.lines)) if len(whole) == len(older) else None

    def _incomplete(self, current: _Current, *, snapshot_is_gone: bool) -> StateCorrupt:
        if snapshot_is_gone:
            where, backup = self._key(current.snapshot), self._key(current.before)
            kept = f" The one before is {self._objects.describe(backup)}." if current.before else ""
            return StateCorrupt(
                "The snapshot of the state is gone",
                f"{self._objects.describe(where)} is not there, and {self.describe()} says that "
                f"it is the state. Somebody removed it: put it back.{kept}",
            )
        folder = self._objects.describe(self._key(_folder_of(current.journal_id)))
        return StateCorrupt(
            "A part of the journal of the state is gone",
            f"{folder} lacks some of the {current.segments} objects that should be there. "
            "Somebody removed them: put them back.",
        )

    def _fetched(self, keys: list[str]) -> Iterator[bytes | None]:
        """Return objects in order, several being on their way at the same time."""
        for found in self._at_once(self._objects.get, keys):
            yield None if found is None else found.content

    def _at_once(
        self, request: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[Result]:
        """Make a request for each item, several being on their way at the same time."""
        for start in range(0, len(items), _PARALLEL):
            yield from together(partial(request, each) for each in items[start : start + _PARALLEL])

    def _leavings(self, current: _Current) -> list[str]:
        """Return what is there and will be of no use when the journal is over.

        To be listed before `current.jsonl` is replaced, so that nothing is listed which somebody
        wrote who saw the new one.
        """
        used = {self._key(current.snapshot), self._key(current.before)}
        return [
            key
            for folder in (_JOURNALS, _SNAPSHOTS)
            for key in self._objects.keys(self._key(folder))
            if key not in used
        ]

    def _kept(self, name: str) -> str:
        return self._key(f"{_HISTORY}/{name}{_SUFFIX}")

    def _segment(self, journal_id: str, number: int) -> str:
        return self._key(f"{_folder_of(journal_id)}/{number:06d}.jsonl")

    def _key(self, name: str) -> str:
        return f"{self._folder}/{name}"


def _folder_of(journal_id: str) -> str:
    """Return where the older lines of a journal are; its identity is a digest."""
    return f"{_JOURNALS}/{journal_id.rpartition(':')[2]}"


class LockObject:
    """The object that says who holds the lock; see `Register`."""

    def __init__(self, objects: Objects, key: str, conditions: Conditions) -> None:
        self._objects = objects
        self._key = key
        self._conditions = conditions

    def read(self) -> Found:
        """Return what is there."""
        found = self._objects.get(self._key)
        return Found() if found is None else Found(content=found.content, version=found.version)

    def swap(self, content: bytes, *, expected: str) -> str | None:
        """Replace what is there."""
        if not expected:
            self._conditions.try_once()
        return self._objects.swap(self._key, content, expected=expected)

    def describe(self) -> str:
        """Return where it is."""
        return self._objects.describe(self._key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a state in an object store needs of this machine.

    Attributes:
        now: The time in UTC.
        new_id: Makes identities that were never used before.
        rescue: Keeps a snapshot on this machine, and returns where.
        periods: How often the lock is renewed and looked at.
    """

    now: Callable[[], datetime]
    new_id: Callable[[], str]
    rescue: Callable[[bytes], str] | None = None
    periods: Periods = field(default_factory=Periods)


class ObjectStoreBackend(JournaledBackend):
    """A state in an object store."""

    def __init__(
        self, objects: Objects, folder: str, surroundings: Surroundings, *, cipher: Cipher = PLAIN
    ) -> None:
        """Name the folder; nothing is read or written yet.

        Args:
            objects: The store.
            folder: Of the workspace.
            surroundings: Of this machine.
            cipher: Seals what is kept.
        """

        def shut_out() -> None:
            storage.shut_out()

        conditions = Conditions(objects, f"{folder}/conditions-{surroundings.new_id()}")
        lock = Lease(
            LockObject(objects, f"{folder}/{_LOCK}", conditions),
            now=surroundings.now,
            periods=surroundings.periods,
            on_taken=shut_out,
        )
        storage = ObjectStorage(objects, folder, conditions=conditions, confirm=lock.confirm)
        super().__init__(storage, lock, cipher=cipher, rescue=surroundings.rescue)


class ObjectStoreWorkspaces:
    """States in an object store by workspace; see `Workspaces`."""

    def __init__(
        self, objects: Objects, surroundings: Surroundings, *, cipher: Cipher = PLAIN
    ) -> None:
        """Use a store; nothing is read or written yet; see `ObjectStoreBackend`."""
        self._objects = objects
        self._surroundings = surroundings
        self._cipher = cipher

    def names(self) -> tuple[str, ...]:
        """Return the workspaces that exist."""
        found = sorted(map(unquote, self._objects.folders(_WORKSPACES)))
        return (DEFAULT_WORKSPACE, *(name for name in found if name != DEFAULT_WORKSPACE))

    def open(self, name: str) -> StateBackend:
        """Return the state of a workspace."""
        return ObjectStoreBackend(
            self._objects, _folder(name), self._surroundings, cipher=self._cipher
        )

    def create(self, name: str) -> None:
        """Make a workspace exist: with a lock that nobody holds."""
        if name in self.names():
            raise workspace_exists(name)
        folder = _folder(name)
        conditions = Conditions(self._objects, f"{folder}/conditions-{self._surroundings.new_id()}")
        LockObject(self._objects, f"{folder}/{_LOCK}", conditions).swap(b"", expected="")

    def delete(self, name: str) -> None:
        """Remove a workspace; its lock goes last, so that what is left of it is still seen."""
        lock = f"{_folder(name)}/{_LOCK}"
        others = [key for key in self._objects.keys(_folder(name)) if key != lock]
        for keys in (others, [lock]):
            if keys:
                self._objects.delete(keys)


def _folder(name: str) -> str:
    return f"{_WORKSPACES}/{quote(name, safe='')}"
