"""The world as plan and apply see it: files, runtimes, store and servers behind one port."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import Final

from mlform.addresses import ResourceAddress
from mlform.apply.ports import OpenRuntime
from mlform.apply.servers import server_from_json
from mlform.dataclass import dataclass, field, replace
from mlform.digests import (
    Digest,
    Json,
    canonical_json,
    digest_file,
    digest_files,
    digest_named,
    tree_files,
)
from mlform.durable import write_file
from mlform.errors import MlformError
from mlform.graph.runtimes import RuntimeSettings
from mlform.operations.environment import Environment
from mlform.plan.origins import ImportedObject, ImportProblem
from mlform.plan.reality import Look
from mlform.resources.base import SourceAnswer, SourceQuery
from mlform.runtimes.base import RuntimeEnvironment, ServerObservation
from mlform.state.snapshot import ResourceRecord, State
from mlform.store.base import ArtifactStore
from mlform.tasks import PinnedImage

_GLOB: Final = frozenset("*?[")
_SETTLED_NANOSECONDS: Final = 2_000_000_000
"""A file changed less than this ago may change again within one tick of its time stamp."""


class World:
    """Looks at the real world, remembering every answer for the length of one operation."""

    def __init__(
        self,
        environment: Environment,
        runtimes: Mapping[str, RuntimeSettings],
        images: Mapping[str, PinnedImage],
        state: State | None = None,
    ) -> None:
        """Make a world in which nothing was looked at yet.

        Args:
            environment: The outside world.
            runtimes: As configured, by `type.name`.
            images: Pins by image name.
            state: Tells the images of objects whose runtime is not configured any more.
        """
        self._environment = environment
        self._runtimes = runtimes
        self._images = images
        self._recorded = {} if state is None else _recorded_images(state)
        self._addresses = {} if state is None else _artifact_addresses(state)
        self._open: dict[str, OpenRuntime] = {}
        self._sources: dict[SourceQuery, SourceAnswer] = {}
        self._folders: dict[Path, str] = {}
        self._seen: dict[bytes, ServerObservation | MlformError] = {}
        self._told: set[ResourceAddress] = set()
        self._telling = Lock()
        self._fingerprints = Fingerprints(environment.settings.data_folder / "fingerprints.json")
        self.store: ArtifactStore = environment.open_store()

    def source(self, query: SourceQuery) -> SourceAnswer:
        """Return what the named files are now."""
        if query not in self._sources:
            look = self._tree if query.form == "tree" else self._files
            try:
                self._sources[query] = look(query.path)
            except OSError as error:
                problem = f"{error.filename or query.path} cannot be read: {error.strerror}."
                self._sources[query] = SourceAnswer(folder="", problem=problem)
        return self._sources[query]

    def environment(self, runtime: str) -> RuntimeEnvironment:
        """Return the environment of a runtime."""
        return self.runtime(runtime).runtime.environment

    def recall(self, recipe: Digest) -> Mapping[str, Json] | None:
        """Return the stored result of a recipe, or None."""
        return self.store.recall(recipe)

    def has_artifact(self, record: ResourceRecord) -> bool:
        """Whether the artifact of an object is in the store whole; so if it has none."""
        if record.artifact is None:
            return True
        if self._environment.on_look is None or record.address in self._told:
            return self.store.has(record.artifact)
        self._told.add(record.address)
        with self._looking(record):
            return self.store.has(record.artifact)

    def imported(self, kind: str, id: str) -> ImportedObject | ImportProblem:  # noqa: A002 - the name of the argument in an import block
        """Return the object that an id names in the world, or why there is none."""
        from mlform.operations.importing import Surroundings, find

        return find(
            self._environment.kinds[kind],
            id,
            Surroundings(
                store=self.store,
                data_folder=self._environment.settings.work_folder,
                observe=lambda handle: self._look(handle).problems,
                addresses=self._addresses,
            ),
        )

    def observe(self, record: ResourceRecord) -> ServerObservation:
        """Look at a served object."""
        identity = canonical_json(record.handle)
        if identity not in self._seen:
            self._seen[identity] = self._try(record)
        seen = self._seen[identity]
        if isinstance(seen, MlformError):
            raise seen
        return seen

    def look_ahead(self, records: Iterable[ResourceRecord]) -> None:
        """Look at served objects, several at a time: one look may take the engine a second.

        What goes wrong is raised where somebody asks for the answer.
        """
        served = {canonical_json(item.handle): item for item in records if "spec" in item.handle}
        if len(served) <= 1:
            return
        from concurrent.futures import ThreadPoolExecutor

        for record in served.values():
            with contextlib.suppress(MlformError):
                self.runtime(str(record.handle["runtime"]))  # opened here, where nobody else does
        with ThreadPoolExecutor(max_workers=self._environment.settings.parallelism) as pool:
            for identity, seen in zip(served, pool.map(self._try, served.values()), strict=True):
                self._seen[identity] = seen

    def _try(self, record: ResourceRecord) -> ServerObservation | MlformError:
        try:
            with self._looking(record):
                return self._look(record.handle)
        except MlformError as error:
            return error

    @contextlib.contextmanager
    def _looking(self, record: ResourceRecord) -> Iterator[None]:
        """Tell that an object is looked at, and afterwards that it was."""
        tell = self._environment.on_look
        if tell is None:
            yield
            return
        begin = Look(address=record.address, id=str(record.attributes.get("id", "")), over=False)
        with self._telling:
            tell(begin)
        yield
        with self._telling:
            tell(replace(begin, over=True))

    def _look(self, handle: Mapping[str, Json]) -> ServerObservation:
        spec, server, route = (handle.get(name) for name in ("spec", "server", "route"))
        if not (
            isinstance(spec, Mapping) and isinstance(server, Mapping) and isinstance(route, Mapping)
        ):
            return ServerObservation(problems=("the state does not say what serves it",))
        runtime = self.runtime(str(handle["runtime"])).runtime
        return runtime.observe_server(server_from_json(spec), server, route)

    def runtime(self, address: str) -> OpenRuntime:
        """Open a runtime, the same one each time.

        Raises:
            MlformError: If it cannot be opened.
        """
        opened = self._open.get(address)
        if opened is None:
            opened = self._open[address] = self._opened(address)
        return opened

    def _opened(self, address: str) -> OpenRuntime:
        settings = self._runtimes.get(address)
        if settings is None:
            # An object of a runtime that was taken out of the configuration can still be removed.
            settings = RuntimeSettings(
                address=address, type=address.partition(".")[0], arguments={}
            )
        arguments: dict[str, object] = dict(settings.arguments)
        image = self._images.get(settings.image) or self._recorded.get(address)
        if image is not None:
            arguments["image"] = image
        return OpenRuntime(
            runtime=self._environment.open_runtime(settings.type, arguments),
            requirements=settings.requirements,
            image="" if image is None else image.reference,
        )

    def close(self) -> None:
        """Let go of runtimes and keep what was learnt of files."""
        for opened in self._open.values():
            opened.runtime.close()
        self._fingerprints.save()

    def _files(self, path: str) -> SourceAnswer:
        root = self._environment.settings.folder
        place = root / path
        if not _GLOB.intersection(path):
            return self._file(path, place)
        fixed = Path(*_before_glob(Path(path).parts))
        folder = root / fixed
        pattern = str(Path(*Path(path).parts[len(fixed.parts) :]))
        found = sorted(
            item.relative_to(folder).as_posix() for item in folder.glob(pattern) if item.is_file()
        )
        if not found:
            problem = f"No file matches {path}, looked up from {root}. Check the pattern."
            return SourceAnswer(folder="", problem=problem)
        return self._answer(folder, tuple(found))

    def _file(self, path: str, place: Path) -> SourceAnswer:
        try:
            digest = digest_named(((place.name, self._fingerprints.digest(place)),))
            folder = self._absolute(place.parent)
            return SourceAnswer(folder=folder, files=(place.name,), digest=digest)
        except IsADirectoryError:
            problem = f'{path} is a folder. Name its files, such as "{path.rstrip("/")}/*.csv".'
        except (FileNotFoundError, NotADirectoryError, ValueError):  # no file has such a name
            problem = _absent(path, place)
        return SourceAnswer(folder="", problem=problem)

    def _tree(self, path: str) -> SourceAnswer:
        folder = self._environment.settings.folder / path
        if not folder.is_dir():
            problem = f"{path} is no folder, looked up from {self._environment.settings.folder}."
            return SourceAnswer(folder="", problem=problem)
        return self._answer(folder, tuple(tree_files(folder)))

    def _answer(self, folder: Path, files: tuple[str, ...]) -> SourceAnswer:
        digest = digest_files(folder, files, self._fingerprints.digest)
        return SourceAnswer(folder=self._absolute(folder), files=files, digest=digest)

    def _absolute(self, folder: Path) -> str:
        known = self._folders.get(folder)
        if known is None:
            known = self._folders[folder] = str(folder.resolve())
        return known


def _recorded_images(state: State) -> dict[str, PinnedImage]:
    return {
        str(record.handle["runtime"]): PinnedImage(
            name=record.provenance.image, reference=record.provenance.image
        )
        for record in state.objects.values()
        if record.provenance.image and "runtime" in record.handle
    }


def _artifact_addresses(state: State) -> dict[str, str]:
    return {
        record.artifact: str(record.address)
        for record in reversed(state.records)
        if record.artifact is not None
    }


def _before_glob(parts: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for part in parts[:-1]:
        if _GLOB.intersection(part):
            break
        found.append(part)
    return found


def _absent(path: str, place: Path) -> str:
    from mlform.diagnostics import did_you_mean

    siblings = [item.name for item in place.parent.iterdir()] if place.parent.is_dir() else []
    return f"There is no file {path}.{did_you_mean(place.name, siblings)}"


@dataclass(slots=True)
class Fingerprints:
    """Digests of files, kept between runs so that unchanged files are not read again.

    A digest is used again while path, size, inode and time of change are the same, the rule that
    DVC and git follow too.
    """

    path: Path
    _known: dict[str, list[Json]] = field(default_factory=dict)
    _loaded: bool = False
    _changed: bool = False

    def digest(self, file: Path) -> Digest:
        """Return the digest of a file.

        Raises:
            OSError: If it cannot be read.
        """
        self._load()
        name = str(file)
        status = os.stat(name)  # noqa: PTH116 - called often
        identity: list[Json] = [status.st_size, status.st_ino, status.st_mtime_ns]
        known = self._known.get(name)
        if known is not None and known[:3] == identity:
            return Digest(str(known[3]))
        digest = digest_file(file)
        settled = file.stat()
        if settled.st_ctime_ns == status.st_ctime_ns and self._is_settled(settled.st_mtime_ns):
            self._known[name] = [*identity, digest]
            self._changed = True
        return digest

    def save(self) -> None:
        """Keep what was learnt; not being able to is no failure, it only costs time."""
        if self._changed:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                write_file(self.path, json.dumps(self._known).encode())
            except (OSError, MlformError):
                return

    def _is_settled(self, changed_at: int) -> bool:
        # The newest time stamp of the file system stands for the clock, which is not read here.
        marker = self.path.parent
        return marker.exists() and marker.stat().st_mtime_ns - changed_at > _SETTLED_NANOSECONDS

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        try:
            document = json.loads(self.path.read_bytes())
        except (OSError, ValueError):
            return
        if isinstance(document, dict):
            self._known = {
                name: entry
                for name, entry in document.items()
                if isinstance(entry, list) and len(entry) == 4  # noqa: PLR2004 - as written above
            }
