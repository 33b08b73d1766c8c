"""A lock in a place that frees nothing by itself: a lease that its holder renews.

The lock is a register that says who holds it, or nothing. It only ever changes from a version that
was seen, so of two who take it at once one wins. The holder renews it every few seconds, and by
that notices when somebody else took it. Whoever waits takes over a lock whose holder is a dead
process of this machine, or has not renewed it for a time that is measured here, by a clock that
never jumps: what any clock of the holder says does not count.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

from mlform.backends.base import (
    LockInfo,
    check_broken,
    check_held,
    describe_holder,
    lock_from_json,
    lock_to_json,
)
from mlform.backends.holders import is_dead
from mlform.dataclass import dataclass, replace
from mlform.errors import BackendError, StateLocked

_BREAK_ATTEMPTS: Final = 5
_FREE: Final = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a register holds.

    Attributes:
        content: Empty where nobody holds the lock.
        version: Changes with every change of the content; empty where nothing was ever there.
    """

    content: bytes = b""
    version: str = ""


class Register(Protocol):
    """A few bytes in a place, replaced only by who knows their version."""

    def read(self) -> Found:
        """Return what is there.

        Raises:
            BackendError: If it cannot be read.
        """
        ...

    def swap(self, content: bytes, *, expected: str) -> str | None:
        """Replace what has the version `expected`; return the new version, or None if it has not.

        Where it cannot be told whether it was replaced, it is looked up.

        Raises:
            BackendError: If it cannot be written.
        """
        ...

    def describe(self) -> str:
        """Return where it is, for people."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How often things are done, in seconds.

    Attributes:
        renewal: Between two renewals of the holder.
        silence: Without any renewal after which a holder counts as dead; several renewals may
            fail within it.
        poll: Between two looks of somebody who waits.
    """

    renewal: float = 15.0
    silence: float = 60.0
    poll: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """The lock as this process wrote it last."""

    info: LockInfo
    version: str
    renewals: int
    over: threading.Event


class Lease:
    """The lock of one state; see `Lock`. Used by one run, and by a thread that renews it."""

    def __init__(
        self,
        register: Register,
        *,
        now: Callable[[], datetime],
        periods: Periods | None = None,
        on_taken: Callable[[], None] = lambda: None,
    ) -> None:
        """Name the lock; nothing is read or written yet.

        Args:
            register: Where it says who holds it.
            now: The time in UTC, to tell people.
            periods: How often things are done.
            on_taken: Called when the lock was taken from somebody who may still be at work.
        """
        self._register = register
        self._now = now
        self._periods = periods or Periods()
        self._on_taken = on_taken
        self._guard = threading.Lock()
        self._watch = _Watch()
        self._held: _Held | None = None
        self._taker: LockInfo | None = None
        self._is_lost = False

    def lock(self, info: LockInfo, *, timeout: float = 0.0) -> None:
        """Take the lock; see `StateBackend`.

        Whoever waits in several calls has watched the holder in all of them.
        """
        deadline = time.monotonic() + timeout
        while True:
            found = self._register.read()
            holder = self._holder(found)
            silence = self._watch.seen(found.version)
            if holder is None or is_dead(holder) or silence >= self._periods.silence:
                if self._try(info, found.version):
                    self._shut_out(holder, info.id)
                    return
                found = self._register.read()  # somebody was faster
                holder = self._holder(found)
            left = deadline - time.monotonic()
            if left <= 0:
                raise StateLocked("The state is locked", self._describe(holder))
            time.sleep(min(self._periods.poll, left))

    def unlock(self, lock_id: str) -> None:
        """Give the lock back; see `StateBackend`."""
        with self._guard:
            held = self._held
            if held is None or held.info.id != lock_id:
                return
            self._held = None
            held.over.set()
            if self._is_lost:
                self._is_lost = False
                return
            try:
                self._free(held)
            except BackendError as problem:
                raise BackendError(
                    "The lock of the state could not be given back",
                    f"{problem.detail} Other runs wait until they have watched it for "
                    f"{self._periods.silence:.0f} seconds. To give it back at once: "
                    f"mlform force-unlock {lock_id}",
                ) from problem

    def holder(self) -> LockInfo | None:
        """Return who holds the lock; see `StateBackend`."""
        return self._holder(self._register.read())

    def break_lock(self, lock_id: str) -> None:
        """Take the lock from its holder; see `StateBackend`."""
        for _ in range(_BREAK_ATTEMPTS):  # the holder may renew it in between
            found = self._register.read()
            check_broken(self._holder(found), lock_id)
            if self._register.swap(_FREE, expected=found.version) is not None:
                self._on_taken()
                return
        raise BackendError(
            "The lock keeps changing",
            f"{self._register.describe()} is written all the time. Run the command again.",
        )

    def check(self) -> None:
        """Check that nobody is known to have taken the lock; asks nobody.

        Raises:
            LockLost: If somebody took it.
        """
        held = self._held
        if held is not None and self._is_lost:
            check_held(self._taker, held.info.id)

    def confirm(self) -> None:
        """Check that the lock is still held, by renewing it; nothing where none was taken.

        Raises:
            LockLost: If somebody took it.
            BackendError: If that cannot be told.
        """
        self._renew()
        self.check()

    def _shut_out(self, holder: LockInfo | None, lock_id: str) -> None:
        if holder is None:
            return
        try:
            self._on_taken()
        except BackendError:
            self.unlock(lock_id)
            raise

    def _try(self, info: LockInfo, expected: str) -> bool:
        with self._guard:
            version = self._register.swap(self._content(info, 0), expected=expected)
            if version is None:
                return False
            over = threading.Event()
            self._held = _Held(info=info, version=version, renewals=0, over=over)
            self._taker, self._is_lost = None, False
        # Never keeps the process alive: a lock of a process that is gone is found to be one.
        threading.Thread(
            target=self._keep_renewing, args=(over,), name="lock of the state", daemon=True
        ).start()
        return True

    def _keep_renewing(self, over: threading.Event) -> None:
        pause = self._periods.renewal
        while not over.wait(pause):
            try:
                self._renew()
            except BackendError:
                # Others wait far longer than this before they think that this run is dead.
                pause = self._periods.renewal / 3
            else:
                pause = self._periods.renewal

    def _renew(self) -> None:
        with self._guard:
            held = self._held
            if held is None or self._is_lost:
                return
            renewals = held.renewals + 1
            version = self._register.swap(self._content(held.info, renewals), expected=held.version)
            if version is None:
                found = self._register.read()
                self._taker = self._holder(found)
                if self._taker is None or self._taker.id != held.info.id:
                    self._is_lost = True
                    held.over.set()
                    return
                version = found.version  # a renewal that was told to have failed had arrived
            self._held = replace(held, version=version, renewals=renewals)

    def _free(self, held: _Held) -> None:
        if self._register.swap(_FREE, expected=held.version) is not None:
            return
        found = self._register.read()
        holder = self._holder(found)
        if holder is not None and holder.id == held.info.id:
            self._register.swap(_FREE, expected=found.version)

    def _content(self, info: LockInfo, renewals: int) -> bytes:
        """Return what the register says; never the same twice, whatever the clock does."""
        heartbeat = self._now().strftime("%Y-%m-%dT%H:%M:%SZ")
        told = lock_to_json(replace(info, heartbeat=heartbeat))
        return json.dumps({**told, "renewals": renewals}, indent=2).encode()

    def _holder(self, found: Found) -> LockInfo | None:
        if found.content == _FREE:
            return None
        try:
            holder = lock_from_json(json.loads(found.content))
        except ValueError:
            holder = None
        if holder is None:
            raise BackendError(
                "The lock of the state cannot be understood",
                f"{self._register.describe()} is not what mlform writes there. If nobody is at "
                "work on this state, remove it.",
            )
        return holder

    def _describe(self, holder: LockInfo | None) -> str:
        told = describe_holder(holder)
        silence = timedelta() if holder is None else self._silence(holder)
        if silence.total_seconds() < self._periods.silence:
            return told
        enough = self._periods.silence + 2 * self._periods.renewal
        return (
            f"{told}. By the clock of this machine it has not been heard of for {silence}; if it "
            f"is dead, -lock-timeout={enough:.0f}s watches it for long enough to be sure, and "
            "takes the lock over"
        )

    def _silence(self, holder: LockInfo) -> timedelta:
        try:
            heard = datetime.fromisoformat(holder.heartbeat)
            return (self._now() - heard) // timedelta(seconds=1) * timedelta(seconds=1)
        except (ValueError, TypeError):
            return timedelta()


class _Watch:
    """For how long a version has stayed the same, by the clock of this process."""

    def __init__(self) -> None:
        self._version = ""
        self._since = 0.0

    def seen(self, version: str) -> float:
        """Take in what was just seen; return for how many seconds it has been that."""
        now = time.monotonic()
        if version != self._version:
            self._version, self._since = version, now
        return now - self._since
