"""The lock of a state on a server of Terraform's http protocol.

Beside the lock on the server, a run holds one on a file of this machine. The system gives that
back when the run dies, and its content says under which id the run held the lock of the server: so
the next run here knows that the holder is dead, and takes over.

The protocol tells nobody that his lock was forced open. So a run asks before it goes on, unless it
did a moment ago: it announces no touch of the world longer than that after its lock was taken.
"""

from __future__ import annotations

import time
from typing import Final

from mlform.backends.base import LockInfo, check_broken, describe_holder
from mlform.backends.flock import FileLock
from mlform.backends.holders import is_dead
from mlform.backends.http_journals import LocalJournals
from mlform.backends.http_site import INTERVAL, HttpSite, lock_of
from mlform.dataclass import dataclass, replace
from mlform.errors import BackendError, LockLost, StateLocked
from mlform.state.journal import decode_journal

_PAUSES: Final = (0.25, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class _Told:
    """What was found out about a holder, which is good until its next post."""

    lock_id: str
    until: float
    text: str


class HttpLock:
    """The lock on the server and the one on this machine; see `Lock`."""

    def __init__(self, site: HttpSite, journals: LocalJournals) -> None:
        self._site = site
        self._journals = journals
        self._file = FileLock(journals.folder / "lock")
        self._held: LockInfo | None = None
        self._asks_at = 0.0
        # Of one wait, in however many calls: the server is asked no more often for that.
        self._due, self._attempts = 0.0, 0
        self._told: _Told | None = None

    def lock(self, info: LockInfo, *, timeout: float = 0.0) -> None:
        """Take the lock."""
        deadline = time.monotonic() + timeout
        with self._journals.translated():
            self._journals.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            before = self._file.left_behind()
            self._file.take(info, timeout=timeout)
        try:
            if self._site.place.lock_address:
                self._take(info, before, deadline)
        except BaseException:
            # Who was found dead here may hold the server's lock still: the next run has to know.
            with self._journals.translated():
                self._file.give_back(info.id, leaving=before)
            raise
        self._held = info
        self._site.lock_id = info.id if self._site.place.lock_address else ""
        self._site.lost = None
        self._asks_at = time.monotonic() + self._site.place.recheck

    def unlock(self, lock_id: str) -> None:
        """Give the lock back.

        Raises:
            BackendError: If the server does not take it. The file of this machine stays, so that
                the next run here takes over.
        """
        held = self._held
        if held is None or held.id != lock_id:
            return
        self._held, self._site.lock_id = None, ""
        if self._site.place.lock_address and self._site.lost is None:
            try:
                self._site.ask_unlock(held)
            except BackendError as problem:
                raise BackendError(
                    "The lock of the state could not be given back",
                    f"{problem.detail} The next run on this machine takes it over; others need "
                    f"mlform force-unlock {lock_id}",
                ) from problem
        with self._journals.translated():
            self._file.give_back(lock_id)

    def holder(self) -> LockInfo | None:
        """Return who holds the lock."""
        with self._journals.translated():
            here = self._file.holder()
        if not self._site.place.lock_address:
            return here
        holder = self._site.remote_holder()
        if holder is not None and here is not None and here.id == holder.id:
            holder = here
        return None if holder is None else self._last_post(holder)[0]

    def break_lock(self, lock_id: str) -> None:
        """Take the lock from its holder."""
        holder = self.holder()
        check_broken(holder, lock_id)
        if holder is not None and self._site.place.lock_address:
            answer = self._site.ask_unlock(holder)
            if not answer.is_done:
                check_broken(self.holder(), lock_id)
                raise self._site.refused(answer, "unlocked", self._site.place.unlock_address)
        with self._journals.translated():
            here = self._file.holder()
            if here is not None and here.id == lock_id:
                self._file.break_open(lock_id)

    def check(self) -> None:
        """Check that the lock is still held.

        Of the file of this machine that is certain. The server is asked where it said so too long
        ago; one that does not answer takes nothing away, and is left alone for a while.
        """
        if self._held is None:
            return
        if self._site.lost is not None:
            raise self._site.lost
        with self._journals.translated():
            try:
                self._file.check()
            except LockLost as problem:
                self._site.lost = problem
                raise
        place = self._site.place
        if time.monotonic() >= self._asks_at:
            pause = place.recheck if self._site.check_lock(patient=False) else place.interval
            self._asks_at = time.monotonic() + pause

    def _take(self, info: LockInfo, before: LockInfo | None, deadline: float) -> None:
        """Take the lock of the server.

        Args:
            info: Who takes it.
            before: Who held the file of this machine before, and does not any more.
            deadline: Until when to try.
        """
        took_over = False
        while True:
            now = time.monotonic()
            if now < min(self._due, deadline):
                time.sleep(min(self._due, deadline) - now)
                continue
            answer = self._site.ask_lock(info)
            holder = None if answer.is_done else lock_of(answer.body)
            if answer.is_done or (holder is not None and holder.id == info.id):
                break  # in the second case it was asked before, and the answer was lost
            if holder is not None and before is not None and before.id == holder.id:
                holder, over = before, True
            else:
                over = holder is not None and is_dead(holder)
            if holder is not None and over and not took_over:
                took_over = self._site.ask_unlock(holder).is_done
                if took_over:
                    continue
            now = time.monotonic()
            self._due = now + _PAUSES[min(self._attempts, len(_PAUSES) - 1)]
            self._attempts += 1
            if now >= deadline:
                raise StateLocked("The state is locked", self._described(holder))
        self._due, self._attempts = 0.0, 0

    def _described(self, holder: LockInfo | None) -> str:
        """Return who holds the lock, and where the rest is of what it did if it is dead."""
        if holder is None:
            return describe_holder(None)
        now = time.monotonic()
        if self._told is None or self._told.lock_id != holder.id or now >= self._told.until:
            self._told = _Told(holder.id, now + INTERVAL, self._described_anew(holder))
        return self._told.text

    def _described_anew(self, holder: LockInfo) -> str:
        holder, place = self._last_post(holder)
        told = describe_holder(holder)
        if place in {"", self._site.journal_of}:
            return told
        return (
            f"{told}. What it did since {holder.heartbeat} is known on its own machine only "
            f"({place}): if it is dead, rather run a command there, which takes the lock over and "
            "loses nothing."
        )

    def _last_post(self, holder: LockInfo) -> tuple[LockInfo, str]:
        """Return what the document tells of a holder, and where the whole of its journal is."""
        try:
            document = self._site.fetch()
            header = document.journal[: document.journal.find(b"\n") + 1]
            journal = decode_journal(header) if header else None
        except BackendError:
            return holder, ""
        if journal is None or journal.run.id != holder.id:
            return holder, ""
        run = journal.run
        told = replace(
            holder,
            who=run.who,
            operation=run.operation,
            version=run.version,
            heartbeat=document.posted,
        )
        return told, document.journal_of
