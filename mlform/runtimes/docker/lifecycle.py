"""Creating, starting, reading, stopping and removing one container."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from time import sleep
from typing import TYPE_CHECKING, Final

from mlform.errors import EngineFailed, ImageUnusable
from mlform.runtimes.docker.containers import ContainerRequest
from mlform.runtimes.docker.engine import Engine, engine_errors, explanation, text_of

if TYPE_CHECKING:
    from docker.errors import APIError

_CONFLICT: Final = 409
_REMOVAL_LOOKS: Final = 100
_REMOVAL_PAUSE: Final = 0.1
"""Seconds between looks at a container that somebody else is removing."""
_WITHOUT_COMMAND: Final = ("executable file not found", "no such file or directory: unknown")


def create(engine: Engine, request: ContainerRequest) -> str:
    """Create a container and return its id; it does not run yet.

    Raises:
        EngineFailed: The name is in use.
        RuntimeFailure: The engine refused.
    """
    from docker.errors import APIError

    with engine_errors(engine.docker_host, f"create container {request.name}"):
        try:
            created = engine.api.create_container_from_config(  # type: ignore[no-untyped-call]
                dict(request.body), request.name
            )
        except APIError as error:
            if error.status_code != _CONFLICT:
                raise
            raise EngineFailed(
                "Container exists already",
                f"There is a container {request.name} for this very step: another run is at it, "
                f"or one was cut off. If no other run is, remove it: docker rm -f {request.name}",
            ) from error
    return text_of(created, "Id")


def start(engine: Engine, container: str, image: str) -> None:
    """Start a created container.

    Raises:
        ImageUnusable: Its program is not in the image.
        RuntimeFailure: The engine refused, for example for want of a GPU driver.
    """
    from docker.errors import APIError

    with engine_errors(engine.docker_host, "start the container"):
        try:
            engine.api.start(container)
        except APIError as error:
            said = explanation(error)
            if any(words in said for words in _WITHOUT_COMMAND):
                raise unusable(image, said) from error
            raise


def unusable(image: str, missing: str) -> ImageUnusable:
    """Return the failure of an image that cannot run the worker."""
    return ImageUnusable(
        "Image cannot run mlform's worker",
        f"Image {image} lacks what the worker needs: {missing} Build an image that has it with "
        "`mlform runtime build`, or install mlform in yours.",
    )


def remove(engine: Engine, container: str) -> bool:
    """Kill and remove a container; return whether it was there."""
    from docker.errors import APIError, NotFound

    with engine_errors(engine.docker_host, "remove the container"):
        try:
            engine.api.remove_container(container, force=True, v=True)
        except NotFound:
            return False
        except APIError as error:
            if not _is_being_removed(error):
                raise
            _wait_until_gone(engine, container)
    return True


def _is_being_removed(error: APIError) -> bool:
    """Whether the engine refuses only because somebody else's removal is under way."""
    return error.status_code == _CONFLICT and "in progress" in explanation(error)


def _wait_until_gone(engine: Engine, container: str) -> None:
    from docker.errors import NotFound

    for _ in range(_REMOVAL_LOOKS):
        try:
            engine.api.inspect_container(container)
        except NotFound:
            return
        sleep(_REMOVAL_PAUSE)


def stop(engine: Engine, container: str, grace: int) -> bool:
    """Ask a container to end, kill it after so many seconds; return whether it was there."""
    from docker.errors import NotFound

    with engine_errors(engine.docker_host, "stop the container"):
        try:
            engine.api.stop(container, timeout=grace)
        except NotFound:
            return False
    return True


def inspect(engine: Engine, container: str) -> Mapping[str, object] | None:
    """Return what the engine knows of a container, or None if there is none."""
    from docker.errors import NotFound

    with engine_errors(engine.docker_host, "inspect the container"):
        try:
            return dict(engine.api.inspect_container(container))
        except NotFound:
            return None


def log_of(engine: Engine, container: str, lines: int | None = None) -> str:
    """Return what a container printed; an empty string if it is gone."""
    from docker.errors import NotFound

    with engine_errors(engine.docker_host, "read the container's log"):
        try:
            printed = engine.api.logs(container, tail="all" if lines is None else lines)
        except NotFound:
            return ""
    return bytes(printed).decode(errors="replace")


def labelled(engine: Engine, labels: Mapping[str, str]) -> list[Mapping[str, object]]:
    """Return the containers, running or not, that carry all these labels."""
    wanted = [f"{key}={value}" for key, value in labels.items()]
    with engine_errors(engine.docker_host, "list containers"):
        return [dict(each) for each in engine.api.containers(all=True, filters={"label": wanted})]


class Output:
    """The output of a container while it runs, read by a thread of its own.

    Attributes:
        ended: Set once the container has closed its output.
    """

    def __init__(
        self,
        engine: Engine,
        container: str,
        on_line: Callable[[bytes], None],
        on_error: Callable[[bytes], None],
    ) -> None:
        """Attach to a created container; nothing is missed when it starts after this.

        Args:
            engine: Where it is.
            container: Its id.
            on_line: Takes each line of standard output, without its end.
            on_error: Takes standard error as it comes.
        """
        self.ended = threading.Event()
        self._on_line = on_line
        self._on_error = on_error
        with engine_errors(engine.docker_host, "attach to the container"):
            self._stream: Iterator[tuple[bytes | None, bytes | None]] = engine.api.attach(
                container, stdout=True, stderr=True, stream=True, demux=True
            )
        self._thread = threading.Thread(target=self._read, name="container-output", daemon=True)
        self._thread.start()

    def join(self, limit: float) -> None:
        """Wait until everything was read, at most so many seconds."""
        self._thread.join(limit)

    def _read(self) -> None:
        rest = b""
        # The connection ends with the container, or breaks; whoever waits asks the engine which.
        with contextlib.suppress(OSError, ValueError):
            for out, err in self._stream:
                if err:
                    self._on_error(err)
                if out:
                    *lines, rest = (rest + out).split(b"\n")
                    for line in lines:
                        self._on_line(line)
        if rest:
            self._on_line(rest)
        self.ended.set()
