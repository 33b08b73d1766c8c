"""Runtime images: pinning a name to a digest, and building one from the installed mlform."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import mlform
from mlform.dataclass import dataclass
from mlform.digests import canonical_json, digest_file, digest_json, short
from mlform.errors import ImageMissing, ImageUnusable, RuntimeFailure
from mlform.runtimes.base import BoundFolder
from mlform.runtimes.docker import archive, lifecycle, packages
from mlform.runtimes.docker.containers import ContainerNeeds, ContainerRequest, body_of
from mlform.runtimes.docker.engine import (
    Engine,
    engine_errors,
    explanation,
    inside,
    look_up,
    text_of,
)
from mlform.runtimes.docker.runtime import PACKAGES_LABEL
from mlform.runtimes.preparation import thread_variables
from mlform.tasks import PinnedImage, Requirements

VERSION_LABEL: Final = "mlform.version"
LOCK_LABEL: Final = "mlform.lock"
IMAGE_USER: Final = "10001:10001"

_INSTALLED: Final = "/" + packages.LIBRARY
_BUILD_TARGET: Final = "/mlform/build"
_SEARCH_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NO_COMMAND: Final = 127
_RUN_LIMIT: Final = 600
_IMPORT_ALL: Final = (
    "import mlform.worker.dataset, mlform.worker.split, mlform.worker.model, "
    "mlform.worker.evaluation, mlform.serving, sklearn, xgboost, pandas, polars, pyarrow, "
    "uvicorn, httptools, uvloop, msgspec"
)
_ASK_PYTHON: Final = (
    "import json,platform,sys;"
    "print(json.dumps([sys.version_info[:2],platform.machine(),platform.libc_ver()]))"
)


def resolve_image(name: str, *, docker_host: str | None = None) -> PinnedImage:
    """Find out which image a name means now.

    An image that is here is pinned by its digest in a registry if it came from one or was pushed
    to one, else by its id; one that is not here by the digest that its registry tells.

    Args:
        name: As in the configuration: `name:tag`, `name@sha256:…` or an image id.
        docker_host: Where the engine is, as `DOCKER_HOST` gives it, or None for the local one.

    Raises:
        EngineUnavailable: If no engine answers.
        ImageMissing: If there is no such image.
    """
    if "@sha256:" in name:
        return PinnedImage(name=name, reference=name)
    engine = Engine(docker_host)
    try:
        found = look_up(engine, name)
        if found is not None:
            return PinnedImage(name=name, reference=reference_of(name, found))
        return PinnedImage(name=name, reference=_ask_registry(engine, name))
    finally:
        engine.close()


def reference_of(name: str, image: Mapping[str, object]) -> str:
    """Return how a local image is pinned: by a registry's digest of its own name, else by id.

    Args:
        name: The name that was asked for.
        image: What the engine tells of it.
    """
    digests = image.get("RepoDigests")
    own = repository_of(name) + "@"
    for digest in digests if isinstance(digests, list) else []:
        if str(digest).startswith(own):
            return str(digest)
    return text_of(image, "Id")


def repository_of(name: str) -> str:
    """Return an image name without its tag; a port of the registry is no tag."""
    head, slash, last = name.rpartition("/")
    return head + slash + last.partition(":")[0]


def build_image(
    base: str,
    tag: str,
    *,
    docker_host: str | None = None,
    on_progress: Callable[[str], None],
    environment: Mapping[str, str] | None = None,
) -> PinnedImage:
    """Build a runtime image: locked packages and the installed mlform on a base image.

    Packages are installed on this machine and laid on the base as one layer, so nothing inside the
    build needs a network. The same base, lock and mlform give the same image.

    Args:
        base: Name of an image with python3 3.11 or newer and the GNU C library.
        tag: Name of the new image.
        docker_host: Where the engine is, as `DOCKER_HOST` gives it, or None for the local one.
        on_progress: Takes what is going on, one sentence each.
        environment: Variables of the package installer, or None to hand on this process's.

    Raises:
        EngineUnavailable: If no engine answers.
        ImageMissing: If there is no such base.
        ImageUnusable: If the base cannot carry the worker; says what is missing.
        RuntimeFailure: If a step failed.
    """
    engine = Engine(docker_host)
    try:
        with tempfile.TemporaryDirectory(prefix="mlform-image-") as folder:
            # The container that compiles may run as another user.
            Path(folder).chmod(0o755)
            building = _Building(
                engine=engine,
                base=base,
                folder=Path(folder),
                on_progress=on_progress,
                environment=environment,
            )
            return _build(building, tag)
    finally:
        engine.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Building:
    """What the steps of a build share.

    Attributes:
        engine: Where the image is built.
        base: Name of the base image.
        folder: A temporary folder.
        on_progress: Takes what is going on.
        environment: Variables of the package installer, or None.
    """

    engine: Engine
    base: str
    folder: Path
    on_progress: Callable[[str], None]
    environment: Mapping[str, str] | None


def _build(building: _Building, tag: str) -> PinnedImage:
    engine = building.engine
    packaged = _packages_image(building)
    identity = text_of(packaged, "Id")
    library = building.folder / "mlform"
    library.mkdir()
    packages.lay_mlform(library)
    _compile(engine, identity, library)
    settings = archive.ImageSettings(
        tag=tag if ":" in tag.rpartition("/")[2] else f"{tag}:latest",
        variables=_image_variables(),
        labels={VERSION_LABEL: mlform.__version__},
        user=IMAGE_USER,
        command=("python3", "-m", "mlform.worker", "--check"),
        history=f"mlform {mlform.__version__}",
    )
    found = _add_layer(building, packaged, library, settings)
    building.on_progress("checking the worker in it")
    check_image(engine, settings.tag, text_of(found, "Id"))
    return PinnedImage(name=tag, reference=reference_of(tag, found))


def _packages_image(building: _Building) -> Mapping[str, object]:
    """Return the image of a base with the locked packages; made once for each base and lock.

    It is kept under a name of its own, so that a new mlform on the same lock is built in seconds.
    """
    engine = building.engine
    identity = _base_identity(engine, building.base)
    lock = digest_file(packages.LOCK)
    tag = f"mlform-packages:{short(digest_json([identity, lock, packages.LAYOUT]))}"
    found = look_up(engine, tag)
    if found is not None:
        building.on_progress(f"reusing locked packages of {tag}")
        return found
    python = _python_of(engine, building.base, identity)
    packages.check_base(building.base, python)
    dotted = ".".join(str(part) for part in python.version)
    building.on_progress(f"installing locked packages for Python {dotted}")
    library = building.folder / "packages"
    library.mkdir()
    packages.install(python, library, building.environment)
    packages.leave_out_tests(library)
    building.on_progress("compiling")
    _compile(engine, identity, library)
    versions = canonical_json(packages.versions_in(library)).decode()
    settings = archive.ImageSettings(
        tag=tag,
        variables=_image_variables(),
        labels={PACKAGES_LABEL: versions, LOCK_LABEL: lock},
        user=IMAGE_USER,
        command=("python3",),
        history=f"packages locked as {lock}",
    )
    base = look_up(engine, identity)
    return _add_layer(building, base or {}, library, settings)


def _add_layer(
    building: _Building,
    base: Mapping[str, object],
    library: Path,
    settings: archive.ImageSettings,
) -> Mapping[str, object]:
    """Lay a folder on an image; return what the engine knows of the new one."""
    building.on_progress(f"writing {settings.tag}")
    engine, folder = building.engine, building.folder
    layer = archive.write_layer(packages.layer_files(library), folder / "layer.tar")
    image = folder / "image.tar"
    archive.write_image(base, layer, settings, image, None)
    problem = _load(engine, image)
    if problem:
        # This engine wants every layer in the archive, those it has included.
        saved = folder / "base.tar"
        _save(engine, text_of(base, "Id"), saved)
        archive.write_image(base, layer, settings, image, saved)
        problem = _load(engine, image)
    found = look_up(engine, settings.tag)
    if problem or found is None:
        raise RuntimeFailure(
            "Image was not loaded", problem or f"The engine does not have {settings.tag}."
        )
    return found


def check_image(engine: Engine, name: str, identity: str) -> str:
    """Run the worker's own check in an image; return what it printed.

    Raises:
        ImageUnusable: It failed; the message says what is missing.
    """
    status, printed = _run(
        engine, identity, ("python3", "-m", "mlform.worker", "--check"), IMAGE_USER
    )
    if status == 0:
        status, trouble = _run(engine, identity, ("python3", "-c", _IMPORT_ALL), IMAGE_USER)
        printed = printed if status == 0 else trouble
    if status != 0:
        last = printed.strip().splitlines()[-1:] or [f"its check exits with {status}"]
        raise lifecycle.unusable(name, last[0].rstrip(".") + ".")
    return printed


def _image_variables() -> dict[str, str]:
    return {"PYTHONPATH": _INSTALLED, "PATH": _SEARCH_PATH, "PYTHONDONTWRITEBYTECODE": "1"}


def _base_identity(engine: Engine, base: str) -> str:
    """Return the id of a base image, pulled if it is not here."""
    from docker.errors import APIError

    found = look_up(engine, base)
    if found is None:
        repository, _, digest = base.partition("@")
        tag = digest or base[len(repository_of(base)) + 1 :] or "latest"
        with engine_errors(engine.docker_host, f"pull image {base}"):
            try:
                engine.api.pull(repository if digest else repository_of(base), tag=tag)
            except APIError as error:
                raise ImageMissing(
                    "Base image is missing",
                    f"{base} is neither here nor to be had from a registry: {explanation(error)} "
                    "Give an image with python3 3.11 or newer with -base.",
                ) from error
        found = look_up(engine, base)
    return text_of(found, "Id")


def _python_of(engine: Engine, base: str, identity: str) -> packages.BasePython:
    """Ask a base image for its Python."""
    missing = ImageUnusable(
        "Base image has no python3",
        f"{base} has no program python3. Install python3 3.11 or newer in it (on Debian: apt-get "
        "install python3), or give another base with -base.",
    )
    try:
        status, printed = _run(engine, identity, ("python3", "-c", _ASK_PYTHON), IMAGE_USER)
    except ImageUnusable as error:
        raise missing from error
    if status == _NO_COMMAND:
        raise missing
    try:
        version, machine, libc = json.loads(printed)
        numbers = tuple(int(part) for part in str(libc[1]).split(".")) if libc[0] else ()
        return packages.BasePython(
            version=(int(version[0]), int(version[1])),
            machine=str(machine),
            libc=numbers if libc[0] == "glibc" else (),
        )
    except (ValueError, TypeError, IndexError) as error:
        raise ImageUnusable(
            "Base image's python3 does not work",
            f"python3 of {base} ended with status {status} and said: {printed.strip()}",
        ) from error


def _compile(engine: Engine, identity: str, library: Path) -> None:
    """Compile every module with the base's own Python, to bytes that name no time.

    Containers have a read-only root: without this every task would compile all it imports.
    """
    command = (
        *("python3", "-m", "compileall", "-q", "-j", "0"),
        *("--invalidation-mode", "unchecked-hash"),
        *("-s", _BUILD_TARGET, "-p", _INSTALLED, _BUILD_TARGET),
    )
    mount = BoundFolder(source=str(library), target=_BUILD_TARGET, writable=True)
    # A file of a package that this Python cannot compile is one that it never imports.
    _run(engine, identity, command, f"{os.getuid()}:{os.getgid()}", mount)


def _run(
    engine: Engine, identity: str, command: tuple[str, ...], user: str, *folders: BoundFolder
) -> tuple[int, str]:
    """Run a command in a hardened container of an image; return status and what it printed."""
    needs = ContainerNeeds(
        image=identity,
        command=command,
        user=user,
        variables={**thread_variables(1), "HOME": "/tmp"},  # noqa: S108 - the container's own
        labels={"mlform.role": "build"},
        folders=folders,
        requirements=Requirements(cpus=float(os.cpu_count() or 1)),
        network="none",
    )
    name = f"mlform-build-{os.getpid()}-{os.urandom(4).hex()}"
    container = lifecycle.create(engine, ContainerRequest(name=name, body=body_of(needs)))
    try:
        lifecycle.start(engine, container, identity)
        with engine_errors(engine.docker_host, "wait for the container"):
            ended = engine.api.wait(container, timeout=_RUN_LIMIT)
        status = inside(ended, "StatusCode")
        printed = lifecycle.log_of(engine, container)
        return (status if isinstance(status, int) else 1), printed
    finally:
        lifecycle.remove(engine, container)


def _save(engine: Engine, identity: str, path: Path) -> None:
    with engine_errors(engine.docker_host, "save the base image"), path.open("wb") as stream:
        for chunk in engine.api.get_image(identity):
            stream.write(chunk)


def _load(engine: Engine, path: Path) -> str:
    """Load an archive; return what the engine says against it, or an empty string."""
    from docker.errors import APIError

    with engine_errors(engine.docker_host, "load the image"), path.open("rb") as stream:
        try:
            answer = engine.api.load_image(stream)  # type: ignore[no-untyped-call]
            said = [text_of(line, "error") for line in answer or ()]
        except APIError as error:
            return explanation(error)
    return " ".join(text for text in said if text)


def _ask_registry(engine: Engine, name: str) -> str:
    from docker.errors import APIError

    with engine_errors(engine.docker_host, f"look up {name}"):
        try:
            found = engine.api.inspect_distribution(name)  # type: ignore[no-untyped-call]
        except APIError as error:
            raise ImageMissing(
                "Image is missing",
                f"Image {name} is neither here nor to be had from its registry: "
                f"{explanation(error)} Build it with `mlform runtime build -tag {name} -base …`, "
                "or correct `image`.",
            ) from error
    digest = text_of(found, "Descriptor", "digest")
    return f"{repository_of(name)}@{digest}"
