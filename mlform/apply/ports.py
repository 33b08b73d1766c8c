"""What apply needs from outside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mlform.addresses import ResourceAddress
from mlform.dataclass import dataclass
from mlform.digests import digest_bytes, short

if TYPE_CHECKING:  # a plan opens runtimes too, and needs nothing of the rest
    from datetime import datetime

    from mlform.apply.events import Event
    from mlform.apply.stop import Stop
    from mlform.backends.base import StateBackend
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
        now: The clock, in UTC.
        new_id: Makes identities that were never used before.
        who: `user@host`.
        data_folder: Work, logs and endpoints of the workspace go below it.
        parallelism: How many steps run at the same time at most.
        cpus: Cores to share among tasks.
        on_event: Called from one thread at a time.
        stop: The wish to stop.
    """

    backend: StateBackend
    store: ArtifactStore
    reality: Reality
    runtime: Callable[[str], OpenRuntime]
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    who: str
    data_folder: Path
    parallelism: int
    cpus: int
    on_event: Callable[[Event], None]
    stop: Stop

    def timestamp(self) -> str:
        """Return the time in UTC as ISO 8601 with seconds."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def folder_name(address: ResourceAddress) -> str:
    """Return a folder name for an address: readable, and unique even after replacing characters."""
    text = str(address)
    plain = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in text)
    return plain if plain == text else f"{plain}-{short(digest_bytes(text.encode()))}"


def log_folder(data_folder: Path, address: ResourceAddress) -> Path:
    """Return where the logs of an object's attempts are kept."""
    return data_folder / "logs" / folder_name(address)


def log_file(ports: Ports, address: ResourceAddress, step: str) -> Path:
    """Return a new log file for an attempt at an object; its folder exists."""
    folder = log_folder(ports.data_folder, address)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{ports.now().strftime('%Y%m%dT%H%M%S%f')}-{step}.log"
