"""Which adapters there are: the only module that names concrete ones.

Everything is a name with a function that imports and makes what it stands for, so importing this
module costs nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, cast

from mlform.dataclass import replace
from mlform.diagnostics import did_you_mean
from mlform.errors import UsageError

if TYPE_CHECKING:
    from mlform.apply.events import Event
    from mlform.backends.base import StateBackend, Workspaces
    from mlform.ciphers.base import CipherSettings
    from mlform.ciphers.keys import Keys
    from mlform.fetching.base import ModuleFetcher
    from mlform.machine import Machine
    from mlform.operations.bench import Bench, MadeUp
    from mlform.operations.environment import BackendSettings, Environment, Settings
    from mlform.resources.base import AnyKind
    from mlform.runtimes.base import Runtime
    from mlform.state.encryption import Cipher
    from mlform.store.base import ArtifactStore
    from mlform.tasks import PinnedImage

Item = TypeVar("Item")

KINDS: Final[Mapping[str, str]] = {
    "mlform_data": "data",
    "dataset": "dataset",
    "split": "split",
    "model": "model",
    "evaluation": "evaluation",
    "endpoint": "endpoint",
}
"""Module of each kind of resource, under `mlform.resources`; its constant `KIND` is the kind."""

STATE_FILE: Final = "mlform.mlfstate"
WORKSPACES_FOLDER: Final = "mlform.mlfstate.d"
_INHERITED: Final = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
)
"""Variables of mlform's own environment that processes it starts may see."""


class KindTable(Mapping[str, "AnyKind"]):
    """The kinds by name; a kind is imported when it is first asked for."""

    def __getitem__(self, name: str) -> AnyKind:
        """Return the kind of a name."""
        return _kind(KINDS[name])

    def __iter__(self) -> Iterator[str]:
        """Return the names."""
        return iter(KINDS)

    def __len__(self) -> int:
        """Return how many kinds there are."""
        return len(KINDS)

    def __contains__(self, name: object) -> bool:
        """Whether there is a kind of this name; imports nothing."""
        return name in KINDS


@cache
def _kind(module: str) -> AnyKind:
    return cast("AnyKind", import_module(f"mlform.resources.{module}").KIND)


def build_environment(settings: Settings, on_event: Callable[[Event], None]) -> Environment:
    """Return the real world behind the ports."""
    from mlform.backends.holders import host_name, process_start
    from mlform.operations.environment import Environment

    return Environment(
        settings=settings,
        now=utc_now,
        monotonic=monotonic,
        machine=lambda: measure_machine(settings),
        new_id=new_id,
        who=who_runs(),
        pid=os.getpid(),
        host=host_name(),
        started=process_start(os.getpid()),
        kinds=KindTable(),
        open_backend=lambda backend: open_backend(settings, backend),
        make_cipher=cipher_maker(),
        open_store=lambda: open_store(settings),
        open_runtime=lambda type_, arguments: open_runtime(settings, type_, arguments),
        resolve_image=lambda name: resolve_image(settings, name),
        fetcher=lambda: make_fetcher(settings),
        build_image=lambda base, tag, say: build_image(settings, base, tag, say),
        on_event=on_event,
    )


def build_bench(settings: Settings, folder: Path) -> Bench:
    """Return what tests run on.

    Args:
        settings: As of the real world.
        folder: An empty folder that is removed afterwards; everything is kept there.
    """
    from mlform.operations.bench import Bench

    apart = replace(settings, data_folder=folder)
    return Bench(
        data_folder=folder,
        open_state=_memory_backend,
        alone=_one_state,
        open_store=lambda: _store_in(folder),
        open_runtime=lambda type_, arguments: _rehearsal_runtime(apart, type_, arguments),
        stand_in=_stand_in,
    )


def _memory_backend() -> StateBackend:
    from mlform.backends.memory import MemoryBackend

    return MemoryBackend()


def _one_state(backend: StateBackend) -> Workspaces:
    from mlform.backends.memory import OneState

    return OneState(backend)


def _store_in(folder: Path) -> ArtifactStore:
    from mlform.store.local import LocalStore

    return LocalStore(cache=folder / "cache", metadata=folder, checkouts=folder / "checkouts")


def _rehearsal_runtime(settings: Settings, type_: str, arguments: Mapping[str, object]) -> Runtime:
    from mlform.runtimes.rehearsal import RehearsalRuntime

    declared = {name: str(value) for name, value in arguments.items() if value is not None}
    return RehearsalRuntime(type_, declared, lambda: open_runtime(settings, type_, arguments))


def _stand_in(kind: AnyKind, made_up: MadeUp) -> AnyKind:
    from mlform.resources.stand_in import Given, stand_in

    return stand_in(kind, Given(attributes=made_up.attributes, at_plan=made_up.at_plan))


def utc_now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - the clock that Environment hands out


def monotonic() -> float:
    """Return the seconds of a clock that never goes back."""
    return time.monotonic()


def new_id() -> str:
    """Return an identity that was never used before."""
    # A random UUID, as `uuid.uuid4` makes it; that module loads `platform` for its other kinds.
    number = int.from_bytes(os.urandom(16)) & ~(0xF << 76) & ~(0b11 << 62) | 4 << 76 | 0b10 << 62
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def who_runs() -> str:
    """Return `user@host`."""
    import getpass

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in containers
        user = str(os.getuid())
    return f"{user}@{os.uname().nodename}"


def measure_machine(settings: Settings) -> Machine:
    """Return what this machine has for tasks.

    Raises:
        UsageError: If a variable that says so cannot be read.
    """
    from mlform.runtimes.hardware import measure

    return measure(settings.variables)


def open_backend(settings: Settings, backend: BackendSettings) -> Workspaces:
    """Open the states of all workspaces in a backend.

    Raises:
        UsageError: If there is no such type.
    """
    backends: Mapping[str, Callable[[Settings, BackendSettings], Workspaces]] = {
        "local": _local_backend,
        "pg": _pg_backend,
        "object_store": _object_store_backend,
        "http": _http_backend,
    }
    return _chosen(backends, backend.type, "backend")(settings, backend)


def _local_backend(settings: Settings, backend: BackendSettings) -> Workspaces:
    from mlform.backends.local import LocalWorkspaces

    arguments = backend.arguments
    return LocalWorkspaces(
        settings.folder / str(arguments.get("path") or STATE_FILE),
        folder=settings.folder / str(arguments.get("workspace_dir") or WORKSPACES_FOLDER),
        cipher=backend.cipher,
    )


def _pg_backend(settings: Settings, backend: BackendSettings) -> Workspaces:
    from mlform.backends.pg import PgWorkspaces, make_place
    from mlform.backends.rescue import rescue_into

    return PgWorkspaces(
        make_place(backend.arguments, settings.variables),
        cipher=backend.cipher,
        rescue=rescue_into(settings.folder),
    )


def _http_backend(settings: Settings, backend: BackendSettings) -> Workspaces:
    from mlform.backends.holders import host_name
    from mlform.backends.http import HttpBackend, HttpWorkspaces
    from mlform.backends.http_site import make_place
    from mlform.backends.rescue import rescue_into

    place = make_place(
        backend.arguments,
        settings.variables,
        data_folder=settings.data_folder,
        host=host_name(),
    )
    rescue = rescue_into(settings.folder)
    state = HttpBackend(place, now=utc_now, cipher=backend.cipher, rescue=rescue)
    return HttpWorkspaces(state)


def cipher_maker() -> Callable[[CipherSettings], Cipher]:
    """Return what makes ciphers; all of them share their keys, which take long to derive."""

    @cache
    def keys() -> Keys:
        from mlform.ciphers.keys import Keys

        return Keys()

    def make(chosen: CipherSettings) -> Cipher:
        from mlform.ciphers.keyring import KeyRing

        return KeyRing(chosen, keys())

    return make


def _object_store_backend(settings: Settings, backend: BackendSettings) -> Workspaces:
    from mlform.backends.object_settings import open_objects
    from mlform.backends.object_store import ObjectStoreWorkspaces, Surroundings
    from mlform.backends.rescue import rescue_into

    return ObjectStoreWorkspaces(
        open_objects(backend.arguments, variables=settings.variables, folder=settings.folder),
        Surroundings(now=utc_now, new_id=new_id, rescue=rescue_into(settings.folder)),
        cipher=backend.cipher,
    )


def open_store(settings: Settings) -> ArtifactStore:
    """Open the artifact store: in the DVC cache of the repository, or in the data folder."""
    from mlform.store.dvc import find_cache
    from mlform.store.local import LocalStore

    cache: Path | None = find_cache(settings.folder)
    return LocalStore(
        cache=cache or settings.data_folder / "cache",
        metadata=settings.data_folder,
        checkouts=settings.data_folder / "checkouts",
    )


def open_runtime(settings: Settings, type_: str, arguments: Mapping[str, object]) -> Runtime:
    """Open the runtime of a type.

    Args:
        settings: Folders and variables.
        type_: Such as `docker`.
        arguments: As configured; `image` is the `PinnedImage`, not its name.

    Raises:
        UsageError: If there is no such type.
    """
    runtimes: Mapping[str, Callable[[Settings, Mapping[str, object]], Runtime]] = {
        "process": _process_runtime,
        "docker": _docker_runtime,
    }
    return _chosen(runtimes, type_, "runtime")(settings, arguments)


def _process_runtime(settings: Settings, arguments: Mapping[str, object]) -> Runtime:
    del arguments
    from mlform.runtimes.process import ProcessRuntime

    variables = settings.variables
    inherited = {name: variables[name] for name in _INHERITED if name in variables}
    return ProcessRuntime(settings.data_folder / "processes", inherited=inherited)


def _docker_runtime(settings: Settings, arguments: Mapping[str, object]) -> Runtime:
    from mlform.runtimes.docker.runtime import DockerRuntime
    from mlform.tasks import PinnedImage

    image = arguments.get("image")
    if not isinstance(image, PinnedImage):
        detail = 'Set image in the runtime block and run "mlform init" to pin it.'
        raise UsageError("The docker runtime needs a pinned image", detail)
    host = arguments.get("host")
    return DockerRuntime(image, docker_host=str(host) if host else _docker_host(settings))


def resolve_image(settings: Settings, name: str) -> PinnedImage:
    """Find out which image a name means now."""
    from mlform.runtimes.image import resolve_image as resolve

    return resolve(name, docker_host=_docker_host(settings))


def make_fetcher(settings: Settings) -> ModuleFetcher:
    """Return what fetches the packages of modules: by git and by HTTP."""
    from mlform.fetching.archive import ArchiveFetcher
    from mlform.fetching.git import GitFetcher
    from mlform.fetching.packages import PackageFetcher

    return PackageFetcher(git=GitFetcher(variables=settings.variables), archive=ArchiveFetcher())


def build_image(
    settings: Settings, base: str, tag: str, on_progress: Callable[[str], None]
) -> PinnedImage:
    """Build a runtime image on a base."""
    from mlform.runtimes.image import build_image as build

    host = _docker_host(settings)
    return build(base, tag, docker_host=host, on_progress=on_progress)


def _docker_host(settings: Settings) -> str | None:
    return settings.variables.get("DOCKER_HOST") or None


def _chosen(table: Mapping[str, Item], name: str, what: str) -> Item:
    item = table.get(name)
    if item is None:
        known = ", ".join(sorted(table))
        detail = f'There is no {what} of type "{name}".{did_you_mean(name, table)} Known: {known}.'
        raise UsageError(f"Unknown type of {what}", detail)
    return item
