"""Everything an operation needs from outside, in one frozen value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlform.apply.events import Event
from mlform.backends.base import DEFAULT_WORKSPACE, LockInfo, Workspaces
from mlform.dataclass import dataclass, field
from mlform.machine import Machine
from mlform.resources.base import AnyKind
from mlform.runtimes.base import Runtime
from mlform.state.encryption import PLAIN, Cipher
from mlform.store.base import ArtifactStore
from mlform.tasks import PinnedImage

if TYPE_CHECKING:  # most commands fetch, encrypt and plan nothing
    from mlform.ciphers.base import CipherSettings
    from mlform.fetching.base import ModuleFetcher
    from mlform.plan.reality import Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the command line and the process environment say, read once in `cli`.

    Attributes:
        folder: The working folder, absolute.
        data_folder: `.mlform`, or what `MLF_DATA_DIR` says, absolute.
        variables: The process environment: read for `MLF_VAR_…` and for runtimes.
        workspace: Name of the workspace.
        parallelism: How many steps run at the same time at most.
        patience: Seconds that a runtime gets beyond a limit before nobody waits for it any more.
    """

    folder: Path
    data_folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    workspace: str = DEFAULT_WORKSPACE
    parallelism: int = 10
    patience: float = 60.0

    @property
    def work_folder(self) -> Path:
        """Where what is done in the workspace leaves its logs, routes and unfinished work."""
        if self.workspace == DEFAULT_WORKSPACE:
            return self.data_folder
        return self.data_folder / "workspaces" / self.workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSettings:
    """Where the states are kept.

    Attributes:
        type: Such as `local`.
        arguments: As the schema of the type has them; absent ones are left out.
        given: Names of those that `-backend-config` gave.
        hidden: Names of those whose value is sensitive, whatever the schema says.
        cipher: Seals what is kept there.
    """

    type: str = "local"
    arguments: Mapping[str, object] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    cipher: Cipher = PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """How what mlform writes is encrypted.

    Attributes:
        state: Seals states.
        plan: Seals saved plans; None where nothing is said of them.
        variables: Those of the root module that keys are made of: they are kept nowhere.
    """

    state: Cipher = PLAIN
    plan: Cipher | None = None
    variables: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The outside world behind ports.

    Attributes:
        settings: As given.
        now: The clock, in UTC; it may jump.
        monotonic: Seconds of a clock that never jumps, for how long something takes.
        machine: Measures what the machine has for tasks.
        new_id: Makes identities that were never used before.
        who: `user@host`.
        pid: Of this process.
        host: Name of this machine.
        started: When this process started; with the two above it names it for all time.
        kinds: Resource kinds by name.
        open_backend: Opens the states of all workspaces in a backend.
        make_cipher: Makes what seals as a configuration says.
        open_store: Opens the artifact store.
        open_runtime: Opens the runtime of a type, given its resolved arguments and pinned image.
        resolve_image: Finds out which image a name means now.
        fetcher: Makes what fetches the packages of modules.
        build_image: Builds a runtime image from a base and a tag; the last argument is called
            with what is going on.
        on_event: Called, from one thread at a time, with what happens.
        on_wait: Called with who holds the lock of the state, once a command has begun to wait
            for it (None stands for somebody unknown); None where nobody is told.
        on_look: Called, from one thread at a time, when a plan looks at an object; None where
            nobody watches that.
    """

    settings: Settings
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    machine: Callable[[], Machine]
    new_id: Callable[[], str]
    who: str
    pid: int
    host: str = ""
    started: str = ""
    kinds: Mapping[str, AnyKind]
    open_backend: Callable[[BackendSettings], Workspaces]
    make_cipher: Callable[[CipherSettings], Cipher]
    open_store: Callable[[], ArtifactStore]
    open_runtime: Callable[[str, Mapping[str, object]], Runtime]
    resolve_image: Callable[[str], PinnedImage]
    fetcher: Callable[[], ModuleFetcher]
    build_image: Callable[[str, str, Callable[[str], None]], PinnedImage]
    on_event: Callable[[Event], None]
    on_wait: Callable[[LockInfo | None], None] | None = None
    on_look: Callable[[Look], None] | None = None

    def timestamp(self) -> str:
        """Return the time in UTC as RFC 3339 with seconds."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")
