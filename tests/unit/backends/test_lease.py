"""A lease: one holder at a time, noticed when it is lost, taken over from the dead only."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from mlform.backends.base import LockInfo
from mlform.backends.holders import host_name, process_start
from mlform.backends.lease import Found, Lease, Periods
from mlform.errors import BackendError, LockLost, StateLocked
from tests.contracts.state_samples import lock_info
from tests.waiting import wait_until

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHORT = Periods(renewal=0.05, silence=0.4, poll=0.02)
SLOW = Periods(renewal=30.0, silence=0.3, poll=0.02)
"""Whose holder never renews it in the length of a test."""


@dataclass
class MemoryRegister:
    """A register that several leases share; it can be out of reach."""

    content: bytes = b""
    version: int = 0
    swaps: int = 0
    out_of_reach: bool = False
    lands_unheard: bool = False
    guard: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> Found:
        self._reach()
        with self.guard:
            return Found(content=self.content, version=str(self.version or ""))

    def swap(self, content: bytes, *, expected: str) -> str | None:
        self._reach()
        with self.guard:
            if expected != str(self.version or ""):
                return None
            self.content, self.version, self.swaps = content, self.version + 1, self.swaps + 1
            if self.lands_unheard:
                raise BackendError("The store cannot be reached", "No answer.")
            return str(self.version)

    def describe(self) -> str:
        return "memory/lock"

    def _reach(self) -> None:
        if self.out_of_reach:
            raise BackendError("The store cannot be reached", "No network.")


def lease(
    register: MemoryRegister,
    periods: Periods = SHORT,
    *,
    now: Callable[[], datetime] = lambda: START,
    on_taken: Callable[[], None] = lambda: None,
) -> Lease:
    return Lease(register, now=now, periods=periods, on_taken=on_taken)


def lost(held: Lease) -> bool:
    try:
        held.check()
    except LockLost:
        return True
    return False


def test_a_holder_renews_it_although_the_clock_stands_still() -> None:
    register = MemoryRegister()
    held = lease(register)
    held.lock(lock_info("id-1"))
    wait_until(lambda: register.swaps > 3, limit=10)
    held.check()
    found = held.holder()
    assert found is not None
    assert found == replace(lock_info("id-1"), heartbeat="2026-03-01T12:00:00Z")
    held.unlock("id-1")
    swaps = register.swaps
    time.sleep(0.2)
    assert register.swaps == swaps
    assert held.holder() is None


def winners(register: MemoryRegister, periods: Periods, count: int, timeout: float) -> list[str]:
    """Let so many take the lock at the same instant; return who got it, all holding on to it."""
    ready = threading.Barrier(count)

    def won(name: str) -> str:
        ready.wait()
        try:
            lease(register, periods).lock(lock_info(name), timeout=timeout)
        except StateLocked:
            return ""
        return name

    with ThreadPoolExecutor(count) as pool:
        return [name for name in pool.map(won, map(str, range(count))) if name]


def test_of_many_who_take_it_at_once_one_wins() -> None:
    for _ in range(20):
        register = MemoryRegister()
        won = winners(register, SLOW, 8, 0)
        assert len(won) == 1
        found = lease(register).holder()
        assert found is not None
        assert found.id == won[0]


def test_a_stolen_lock_is_noticed_without_asking() -> None:
    register = MemoryRegister()
    held = lease(register)
    held.lock(lock_info("id-1"))
    taken: list[str] = []
    lease(register, on_taken=lambda: taken.append("taken")).break_lock("id-1")
    assert taken == ["taken"]
    wait_until(lambda: lost(held), limit=10)
    lease(register).lock(lock_info("id-2"))
    held.unlock("id-1")
    found = held.holder()
    assert found is not None
    assert found.id == "id-2"


def test_a_lost_lock_names_who_took_it() -> None:
    register = MemoryRegister()
    held, thief = lease(register, SLOW), lease(register, SLOW)
    held.lock(lock_info("id-1"))
    thief.break_lock("id-1")
    thief.lock(replace(lock_info("id-2"), who="eve@lab"))
    held.check()
    with pytest.raises(LockLost, match="eve@lab holds it now"):
        held.confirm()
    with pytest.raises(LockLost, match="eve@lab"):
        held.check()


def test_a_lock_that_was_given_back_can_be_taken_again() -> None:
    held = lease(MemoryRegister(), SLOW)
    for at in range(3):
        held.lock(lock_info(f"id-{at}"))
        held.confirm()
        held.unlock(f"id-{at}")
        held.confirm()


def test_renewals_that_fail_for_a_while_lose_nothing() -> None:
    register = MemoryRegister()
    held = lease(register)
    held.lock(lock_info("id-1"))
    register.out_of_reach = True
    time.sleep(0.3)
    held.check()
    with pytest.raises(BackendError, match="No network"):
        held.confirm()
    register.out_of_reach = False
    swaps = register.swaps
    wait_until(lambda: register.swaps > swaps, limit=10)
    held.check()


def test_a_renewal_that_arrived_unheard_is_the_holders_own() -> None:
    register = MemoryRegister()
    held = lease(register)
    held.lock(lock_info("id-1"))
    register.lands_unheard = True
    wait_until(lambda: register.swaps > 1, limit=10)
    register.lands_unheard = False
    swaps = register.swaps
    wait_until(lambda: register.swaps > swaps + 1, limit=10)
    held.check()


def test_somebody_silent_is_taken_over_by_who_waits_only() -> None:
    register = MemoryRegister()
    taken: list[str] = []
    dead = lease(register, SLOW)
    dead.lock(lock_info("id-1"))
    with pytest.raises(StateLocked, match="id-1"):
        lease(register, SLOW).lock(lock_info("id-2"))
    with pytest.raises(StateLocked, match="id-1"):
        lease(register, SLOW).lock(lock_info("id-2"), timeout=0.1)
    began = time.monotonic()
    waiting = lease(register, SLOW, on_taken=lambda: taken.append("taken"))
    waiting.lock(lock_info("id-2"), timeout=5)
    assert 0.3 <= time.monotonic() - began < 3
    assert taken == ["taken"]
    with pytest.raises(LockLost):
        dead.confirm()


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=-400)])
def test_a_living_holder_is_not_taken_over_wherever_clocks_jump(jump: timedelta) -> None:
    register = MemoryRegister()
    times = iter(range(10_000))
    held = lease(register, now=lambda: START + jump * (next(times) % 2))
    held.lock(lock_info("id-1"))
    with pytest.raises(StateLocked):
        lease(register, now=lambda: START + jump).lock(lock_info("id-2"), timeout=1.0)
    held.check()
    held.unlock("id-1")


def test_a_dead_process_of_this_machine_is_taken_over_at_once() -> None:
    register = MemoryRegister()
    ours = replace(
        lock_info("id-1"), host=host_name(), pid=os.getpid(), started=process_start(os.getpid())
    )
    lease(register, SLOW).lock(ours)
    with pytest.raises(StateLocked):
        lease(register, SLOW).lock(lock_info("id-2"))
    register = MemoryRegister()
    lease(register, SLOW).lock(replace(ours, started=f"{ours.started}9"))
    lease(register, SLOW).lock(lock_info("id-2"))


def test_who_waits_in_several_calls_watches_in_all_of_them() -> None:
    """As apply does, which looks in between whether it was told to stop."""
    register = MemoryRegister()
    lease(register, SLOW).lock(lock_info("id-dead"))
    waiter = lease(register, SLOW)
    deadline = time.monotonic() + 20

    def taken() -> bool:
        try:
            waiter.lock(lock_info("id-2"), timeout=0.05)
        except StateLocked:
            return False
        return True

    while not taken():
        assert time.monotonic() < deadline


def test_of_many_who_take_over_one_wins() -> None:
    for _ in range(3):
        register = MemoryRegister()
        lease(register, SLOW).lock(lock_info("id-dead"))
        assert len(winners(register, SHORT, 3, 1.0)) == 1


def test_silence_is_told_with_what_to_do() -> None:
    register = MemoryRegister()
    dead = lease(register, Periods())
    dead.lock(lock_info("id-1"))
    later = lease(register, Periods(), now=lambda: START + timedelta(minutes=12))
    with pytest.raises(StateLocked) as caught:
        later.lock(lock_info("id-2"))
    for part in (
        "last heard of at 2026-03-01T12:00:00Z",
        "mlform force-unlock id-1",
        "not been heard of for 0:12:00",
        "-lock-timeout=90s",
    ):
        assert part in caught.value.detail
    with pytest.raises(StateLocked) as caught:
        lease(register, Periods()).lock(lock_info("id-2"))
    assert "not been heard" not in caught.value.detail


@pytest.mark.parametrize("content", [b"{", b"[]", json.dumps({"pid": 1}).encode()])
def test_a_lock_that_is_none_is_named(content: bytes) -> None:
    register = MemoryRegister(content=content, version=1)
    for ask in (
        lease(register).holder,
        lambda: lease(register).lock(lock_info("id-1")),
        lambda: lease(register).break_lock("id-1"),
    ):
        with pytest.raises(BackendError, match="memory/lock is not what mlform writes there"):
            ask()


def test_a_lock_that_cannot_be_given_back_is_told_of() -> None:
    register = MemoryRegister()
    held = lease(register, SLOW)
    held.lock(lock_info("id-1"))
    register.out_of_reach = True
    with pytest.raises(BackendError, match="mlform force-unlock id-1"):
        held.unlock("id-1")
    held.unlock("id-1")


def test_giving_back_removes_a_renewal_that_arrived_unheard() -> None:
    register = MemoryRegister()
    held = lease(register, SLOW)
    held.lock(lock_info("id-1"))
    register.lands_unheard = True
    with pytest.raises(BackendError):
        held.confirm()
    register.lands_unheard = False
    held.unlock("id-1")
    assert held.holder() is None


def test_threads_end_with_the_lock_and_never_keep_the_process() -> None:
    def renewing() -> list[threading.Thread]:
        return [each for each in threading.enumerate() if each.name == "lock of the state"]

    before = set(renewing())
    held = lease(MemoryRegister())
    held.lock(lock_info("id-1"))
    (thread,) = set(renewing()) - before
    assert thread.daemon
    held.unlock("id-1")
    thread.join(5)
    assert not thread.is_alive()


def test_holders_are_told_whole() -> None:
    info: LockInfo = lock_info("id-1")
    held = lease(MemoryRegister(), SLOW)
    held.lock(info)
    assert held.holder() == replace(info, heartbeat="2026-03-01T12:00:00Z")
