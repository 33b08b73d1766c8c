"""What apply needs from outside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mlform.dataclass import dataclass

if TYPE_CHECKING:  # a plan opens runtimes too, and needs nothing of the rest
    from datetime import datetime

    from mlform.apply.events import Event
    from mlform.apply.stop import Stop
    from mlform.backends.base import StateBackend
    from mlform.machine import Machine
    from mlform.plan.reality import Reality
    from mlform.runtimes.base import Runtime
    from mlform.store.base import ArtifactStore
    from mlform.tasks import Requirements


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRuntime:
    """A runtime in use.

    Attributes:
        runtime: The adapter.
        requirements: What tasks get that ask for nothing themselves.
        image: Reference of the pinned image, or empty.
    """

    runtime: Runtime
    requirements: Requirements | None = None
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The outside world, as apply uses it.

    Attributes:
        backend: Where the state is kept; the lock is held.
        store: Where artifacts are kept.
        reality: What the plan looked at.
        runtime: Opens a runtime by `type.name`, the same one each time.
        now: The clock, in UTC; it may jump.
        monotonic: Seconds of a clock that never jumps.
        machine: Measures what the machine has for tasks.
        new_id: Makes identities that were never used before.
        who: `user@host`.
        data_folder: Work, logs and endpoints of the workspace go below it.
        patience: Seconds that a runtime gets beyond a limit before nobody waits for it any more.
        parallelism: How many steps run at the same time at most.
        on_event: Called from one thread at a time.
        stop: The wish to stop.
    """

    backend: StateBackend
    store: ArtifactStore
    reality: Reality
    runtime: Callable[[str], OpenRuntime]
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    machine: Callable[[], Machine]
    new_id: Callable[[], str]
    who: str
    data_folder: Path
    patience: float
    parallelism: int
    on_event: Callable[[Event], None]
    stop: Stop

    def timestamp(self) -> str:
        """Return the time in UTC as ISO 8601 with seconds."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")
