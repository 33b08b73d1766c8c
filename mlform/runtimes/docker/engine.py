"""The connection to a container engine, and its errors in mlform's words."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from mlform.errors import EngineFailed, EngineUnavailable, ImageMissing, RuntimeFailure
from mlform.tasks import PinnedImage

if TYPE_CHECKING:
    import docker

_TIMEOUT: Final = 120
_CONFLICT: Final = 409
_WITHOUT_DEVICES: Final = (
    "could not select device driver",
    "nvidia-container-cli",
    "unknown device",
)
_DEVICE_HELP: Final = (
    "Install the NVIDIA driver and the NVIDIA Container Toolkit, or ask for no GPU."
)
_DEFAULT_HOST: Final = "unix:///var/run/docker.sock"


class Engine:
    """Clients of one engine, one for each thread: a client's connection is not to be shared."""

    def __init__(self, docker_host: str | None) -> None:
        """Remember where the engine is; connects to nothing.

        Args:
            docker_host: As `DOCKER_HOST` gives it, or None for the local socket.
        """
        self.docker_host = docker_host or _DEFAULT_HOST
        self._local = threading.local()
        self._clients: list[docker.APIClient] = []
        self._lock = threading.Lock()

    @property
    def api(self) -> docker.APIClient:
        """The client of this thread.

        Raises:
            EngineUnavailable: If no engine answers.
        """
        client: docker.APIClient | None = getattr(self._local, "client", None)
        if client is None:
            client = self._connect()
            self._local.client = client
        return client

    def close(self) -> None:
        """Close every connection; the next use opens a new one."""
        with self._lock:
            clients, self._clients = self._clients, []
            self._local = threading.local()
        for client in clients:
            client.close()

    def _connect(self) -> docker.APIClient:
        import docker
        from docker.errors import DockerException

        try:
            client = docker.APIClient(base_url=self.docker_host, version="auto", timeout=_TIMEOUT)
        except DockerException as error:
            raise unavailable(self.docker_host, error) from error
        with self._lock:
            self._clients.append(client)
        return client


def unavailable(docker_host: str, error: Exception) -> EngineUnavailable:
    """Return the failure of an engine that does not answer."""
    text = str(error)
    if "Permission denied" in text or "PermissionError" in text:
        fix = "Add your user to the group `docker` and log in again, or use rootless Docker."
    else:
        fix = (
            "Start it (`systemctl start docker`, or Docker Desktop), point DOCKER_HOST at one that "
            'runs, or use `runtime "process"`.'
        )
    return EngineUnavailable(
        "Docker engine cannot be reached",
        f"Nothing answers at {docker_host}: {_cause(error)}. {fix}",
    )


def _cause(error: BaseException) -> str:
    """Return the operating system's words for an error, which the client wraps several times."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        cause = cause.__cause__ or cause.__context__
    return str(error)


@contextmanager
def engine_errors(docker_host: str, doing: str) -> Iterator[None]:
    """Translate what the engine's client raises.

    Args:
        docker_host: Where the engine is.
        doing: What is being done, such as `start the container`.

    Raises:
        EngineUnavailable: It no longer answers.
        EngineFailed: It failed at what it may do the next time.
        RuntimeFailure: It refused.
    """
    from docker.errors import APIError, DockerException
    from requests.exceptions import ConnectionError as ConnectionLost
    from requests.exceptions import RequestException, Timeout

    try:
        yield
    except APIError as error:
        said = explanation(error)
        if any(words in said for words in _WITHOUT_DEVICES):
            detail = f"It could not {doing}: {said} {_DEVICE_HELP}"
            raise RuntimeFailure("Docker engine has no such GPU", detail) from error
        # What the engine calls its own mistake, or in use just now, it may do the next time.
        passing = error.is_server_error() or error.status_code == _CONFLICT
        kind = EngineFailed if passing else RuntimeFailure
        raise kind("Docker engine refused", f"It could not {doing}: {said}") from error
    except Timeout as error:
        raise EngineUnavailable(
            "Docker engine does not answer",
            f"It did not {doing} within {_TIMEOUT} s. See the log of the engine.",
        ) from error
    except (ConnectionLost, RequestException, DockerException) as error:
        raise unavailable(docker_host, error) from error


def explanation(error: Exception) -> str:
    """Return the engine's own words of an API error."""
    text = getattr(error, "explanation", None)
    return str(text or error).strip().rstrip(".") + "."


def text_of(document: object, *path: str) -> str:
    """Return a string inside nested JSON objects, or an empty one."""
    value = inside(document, *path)
    return value if isinstance(value, str) else ""


def inside(document: object, *path: str) -> object:
    """Return what lies at a path of keys inside nested JSON objects, or None."""
    for key in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(key)
    return document


def image_labels(engine: Engine, image: PinnedImage) -> Mapping[str, str]:
    """Return the labels of an image that is here; none if it would have to be pulled first."""
    found = look_up(engine, image.reference)
    labels = inside(found, "Config", "Labels")
    if not isinstance(labels, Mapping):
        return {}
    return {str(key): str(value) for key, value in labels.items()}


def look_up(engine: Engine, reference: str) -> Mapping[str, object] | None:
    """Return what the engine knows of a local image, or None; asks no registry."""
    from docker.errors import ImageNotFound

    with engine_errors(engine.docker_host, f"look up image {reference}"):
        try:
            return dict(engine.api.inspect_image(reference))  # type: ignore[no-untyped-call]
        except ImageNotFound:
            return None


def ensure_image(engine: Engine, image: PinnedImage) -> str:
    """Make sure that a pinned image is here; pull it by digest if it can be pulled.

    Returns:
        The id of the image.

    Raises:
        ImageMissing: It is neither here nor in its registry.
        EngineUnavailable: No engine answers.
    """
    from docker.errors import APIError

    found = look_up(engine, image.reference)
    if found is None and "@" not in image.reference:
        raise ImageMissing(
            "Image is missing",
            f"Image {image.name} is pinned to the local image {image.reference}, which this engine "
            "does not have. Build it again with `mlform runtime build` and pin it with `mlform "
            "init -upgrade`, or push it to a registry so that it can be pulled.",
        )
    if found is None:
        repository, _, digest = image.reference.rpartition("@")
        with engine_errors(engine.docker_host, f"pull image {image.reference}"):
            try:
                engine.api.pull(repository, tag=digest)
            except APIError as error:
                raise ImageMissing(
                    "Image is missing",
                    f"Image {image.name} is pinned to {image.reference}, which is neither here nor "
                    f"to be had from its registry: {explanation(error)} If the tag moved and the "
                    "old image was deleted, pin the new one with `mlform init -upgrade`.",
                ) from error
        found = look_up(engine, image.reference)
    identity = text_of(found, "Id")
    if not identity:
        raise ImageMissing(
            "Image is missing", f"The engine pulled {image.reference} but does not have it."
        )
    return identity
