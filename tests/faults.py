"""Ports at a chosen call of which something happens, wherever that is: state, store or runtime.

The process dies of it, or somebody wishes that it stops.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from mlform.apply.events import Event
from mlform.apply.stop import Stop
from mlform.backends.base import LockInfo, StateBackend
from mlform.digests import Digest, Json
from mlform.runtimes.base import (
    Cancellation,
    Owner,
    Runtime,
    RuntimeEnvironment,
    ServerObservation,
    ServerPaths,
    TaskPaths,
    TaskRequest,
)
from mlform.state.journal import Damaged, Journal, Run
from mlform.state.snapshot import Entry, State
from mlform.store.base import Artifact, ArtifactStore
from mlform.tasks import Server, Task, TaskEvent, TaskResult
from tests.engine import Engine, actions

Answer = TypeVar("Answer")


class Died(BaseException):
    """The process is gone: nothing in it may handle this."""


class Fate(Protocol):
    """What befalls a process at one of its calls."""

    def spend(self, call: Callable[[], Answer]) -> Answer:
        """Make a call, if it comes to that."""
        ...


@dataclass(slots=True)
class Life:
    """What is left of a process.

    Attributes:
        left: Calls until it dies; that one and all after it do nothing. (To die after a call is
            to die before the next one: nothing is kept but by calls.)
    """

    left: int

    @property
    def over(self) -> bool:
        """Whether it died."""
        return self.left <= 0

    def spend(self, call: Callable[[], Answer]) -> Answer:
        """Make a call, or die of it."""
        self.left -= 1
        if self.over:
            raise Died
        return call()


@dataclass(slots=True)
class Wish:
    """Somebody's wish to stop.

    Attributes:
        left: Calls until it comes; it comes right before that one, which is made all the same.
        stop: Whom it is told.
        now: Whether what runs is to be stopped, too.
    """

    left: int
    stop: Stop
    now: bool

    @property
    def came(self) -> bool:
        """Whether it came."""
        return self.left <= 0

    def spend(self, call: Callable[[], Answer]) -> Answer:
        """Make a call, after the wish has come if it is its turn."""
        self.left -= 1
        if self.left == 0:
            (self.stop.request_now if self.now else self.stop.request)()
        return call()


@dataclass(slots=True)
class Broken:
    """Something that does not work at one call, or from that one on.

    Attributes:
        left: Calls until it fails.
        error: What it raises.
        lasting: Whether all later calls fail, too.
    """

    left: int
    error: Callable[[], Exception]
    lasting: bool

    @property
    def failed(self) -> bool:
        """Whether a call failed."""
        return self.left <= 0

    def spend(self, call: Callable[[], Answer]) -> Answer:
        """Make a call, or fail at it."""
        self.left -= 1
        if self.left == 0 or (self.failed and self.lasting):
            raise self.error()
        return call()


@dataclass(slots=True)
class MortalBackend:
    """A backend of a process with a fate; see `StateBackend`."""

    inner: StateBackend
    life: Fate

    def describe(self) -> str:
        return self.inner.describe()

    def read(self) -> State | None:
        return self.life.spend(self.inner.read)

    def is_outdated(self) -> bool:
        return self.inner.is_outdated()

    def begin(self, state: State, run: Run) -> None:
        self.life.spend(lambda: self.inner.begin(state, run))

    def append(self, entries: tuple[Entry, ...]) -> None:
        self.life.spend(lambda: self.inner.append(entries))

    def write(self, state: State, *, expected_serial: int | None, run: Run | None = None) -> None:
        self.life.spend(lambda: self.inner.write(state, expected_serial=expected_serial, run=run))

    def history(self) -> Iterator[Journal | Damaged]:
        return self.life.spend(self.inner.history)

    def keep(self, journals: Sequence[Journal]) -> None:
        self.life.spend(lambda: self.inner.keep(journals))

    def holder(self) -> LockInfo | None:
        return self.life.spend(self.inner.holder)

    def break_lock(self, lock_id: str) -> None:
        self.life.spend(lambda: self.inner.break_lock(lock_id))

    def lock(self, info: LockInfo, *, timeout: float = 0.0) -> None:
        self.life.spend(lambda: self.inner.lock(info, timeout=timeout))

    def unlock(self, lock_id: str) -> None:
        self.life.spend(lambda: self.inner.unlock(lock_id))


@dataclass(slots=True)
class MortalStore:
    """A store of a process with a fate; see `ArtifactStore`."""

    inner: ArtifactStore
    life: Fate

    def has(self, digest: Digest) -> bool:
        return self.life.spend(lambda: self.inner.has(digest))

    def get(self, digest: Digest) -> Path:
        return self.life.spend(lambda: self.inner.get(digest))

    def put(self, folder: Path) -> Artifact:
        return self.life.spend(lambda: self.inner.put(folder))

    def describe(self, digest: Digest) -> Artifact:
        return self.life.spend(lambda: self.inner.describe(digest))

    def verify(self, digest: Digest) -> tuple[str, ...]:
        return self.life.spend(lambda: self.inner.verify(digest))

    def remember(self, recipe: Digest, result: Mapping[str, Json]) -> None:
        self.life.spend(lambda: self.inner.remember(recipe, result))

    def recall(self, recipe: Digest) -> Mapping[str, Json] | None:
        return self.life.spend(lambda: self.inner.recall(recipe))

    def digests(self) -> Iterator[Digest]:
        return self.life.spend(self.inner.digests)

    def recipes(self) -> Iterator[Digest]:
        return self.life.spend(self.inner.recipes)


@dataclass(slots=True)
class MortalRuntime:
    """A runtime of a process with a fate; see `Runtime`."""

    inner: Runtime
    life: Fate

    @property
    def environment(self) -> RuntimeEnvironment:
        return self.inner.environment

    def fetch(self) -> None:
        self.inner.fetch()

    def prepare(self, task: Task, paths: TaskPaths, owner: Owner) -> TaskRequest:
        return self.inner.prepare(task, paths, owner)

    def run(
        self,
        request: TaskRequest,
        on_event: Callable[[TaskEvent], None],
        cancellation: Cancellation,
    ) -> TaskResult:
        return self.life.spend(lambda: self.inner.run(request, on_event, cancellation))

    def start_server(
        self, server: Server, paths: ServerPaths, owner: Owner, cancellation: Cancellation
    ) -> Mapping[str, Json]:
        return self.life.spend(lambda: self.inner.start_server(server, paths, owner, cancellation))

    def switch(
        self, server: Server, paths: ServerPaths, owner: Owner, handle: Mapping[str, Json]
    ) -> Mapping[str, Json]:
        return self.life.spend(lambda: self.inner.switch(server, paths, owner, handle))

    def observe_server(
        self, server: Server, handle: Mapping[str, Json], route: Mapping[str, Json]
    ) -> ServerObservation:
        return self.life.spend(lambda: self.inner.observe_server(server, handle, route))

    def stop_server(self, handle: Mapping[str, Json]) -> None:
        self.life.spend(lambda: self.inner.stop_server(handle))

    def close_route(self, route: Mapping[str, Json]) -> None:
        self.life.spend(lambda: self.inner.close_route(route))

    def server_log(self, handle: Mapping[str, Json]) -> str:
        return self.life.spend(lambda: self.inner.server_log(handle))

    def salvage(
        self, owner: Owner, work: Path, log: Path, go_on: Callable[[], bool]
    ) -> TaskResult | None:
        return self.life.spend(lambda: self.inner.salvage(owner, work, log, go_on))

    def abandon(self, owner: Owner) -> tuple[str, ...]:
        return self.life.spend(lambda: self.inner.abandon(owner))

    def close(self) -> None:
        self.inner.close()


PORTS = frozenset({"backend", "store", "runtime"})


def befallen(
    engine: Engine,
    fate: Fate,
    on_event: Callable[[Event], None] = lambda event: None,  # noqa: ARG005
    *,
    through: Collection[str] = PORTS,
) -> Engine:
    """Return the same project for one run that something happens to, at calls of some ports."""
    other = Engine(
        engine.folder,
        engine.hcl,
        place=engine.place,
        now=engine.now,
        new_id=engine.new_id,
        on_event=on_event,
    )
    if "backend" in through:
        other.wrap_backend = lambda inner: MortalBackend(inner, fate)
    if "store" in through:
        other.wrap_store = lambda inner: MortalStore(inner, fate)
    if "runtime" in through:
        other.wrap_runtime = lambda inner: MortalRuntime(inner, fate)
    other.share(engine)
    return other


def check_converges(engine: Engine, when: str) -> None:
    """The next apply does the rest: the endpoint of the pipeline answers, and nothing else runs."""
    engine.ok()
    assert actions(engine.plan().plan) == {}, f"not settled after {when}"
    assert not engine.state.intents
    assert not engine.state.deposed
    serving = engine.record("endpoint.p").handle["server"]
    assert isinstance(serving, dict)
    assert engine.runtime.running() == (serving["instance"],), f"orphans after {when}"
    assert engine.runtime.answering("127.0.0.1", 8080) == serving["instance"]
