"""Opening, locking and reading the state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from mlform import __version__
from mlform.backends.base import LockInfo, StateBackend, Workspaces
from mlform.config.early import EarlyScope
from mlform.config.folders import DiskFiles
from mlform.config.load import read_root
from mlform.config.variable_sources import OptionFile, OptionValue
from mlform.dataclass import replace
from mlform.diagnostics import Diagnostics
from mlform.digests import Digest, JsonObject, digest_bytes, digest_json
from mlform.errors import BackendError, StateLocked, WaitEnded
from mlform.operations.chosen_backend import check_chosen
from mlform.operations.environment import BackendSettings, Environment, Sealing
from mlform.operations.loading import (
    Loaded,
    backend_of,
    early_context,
    sealing_of,
    variable_values,
)
from mlform.state.codec import state_document
from mlform.state.journal import Run
from mlform.state.snapshot import State

if TYPE_CHECKING:  # a plan is not stopped half-way
    from mlform.apply.stop import Stop

_LOOK: Final = 1.0
"""Seconds of waiting for the lock before it is told, and between looks at the wish to stop."""


def open_backend(environment: Environment, loaded: Loaded) -> StateBackend:
    """Return the state of the workspace in the backend that a configuration names.

    Raises:
        ConfigurationError: If its arguments are not known or wrong.
        UsageError: If it is not the one that `init` chose.
    """
    diagnostics = Diagnostics()
    diagnostics.extend(loaded.backend_problems)
    diagnostics.raise_if_errors()
    check_chosen(environment, loaded.backend)
    return in_workspace(environment, environment.open_backend(loaded.backend))


def all_workspaces(environment: Environment) -> Workspaces:
    """Return the states of all workspaces in the backend that the configuration names.

    Raises:
        ConfigurationError: If the backend block cannot be understood.
        UsageError: If it is not the one that `init` chose.
    """
    settings = backend_settings(environment)
    check_chosen(environment, settings)
    return environment.open_backend(settings)


def in_workspace(environment: Environment, workspaces: Workspaces) -> StateBackend:
    """Return the state of the workspace that is in use."""
    return workspaces.open(environment.settings.workspace)


def backend_alone(environment: Environment) -> StateBackend:
    """Return the state for commands that need no more of the configuration than where it is.

    Raises:
        ConfigurationError: If the backend block cannot be understood.
    """
    return in_workspace(environment, all_workspaces(environment))


def backend_settings(environment: Environment) -> BackendSettings:
    """Return which backend the configuration of the working folder names.

    Raises:
        ConfigurationError: If the backend or encryption block cannot be understood.
    """
    return _storage(environment, ())[0]


def sealing_alone(
    environment: Environment, options: Sequence[OptionValue | OptionFile] = ()
) -> Sealing:
    """Return how the configuration of the working folder encrypts state and plans.

    Args:
        environment: The outside world.
        options: `-var` and `-var-file`.

    Raises:
        ConfigurationError: If the backend or encryption block cannot be understood.
    """
    return _storage(environment, options)[1]


def _storage(
    environment: Environment, options: Sequence[OptionValue | OptionFile]
) -> tuple[BackendSettings, Sealing]:
    diagnostics = Diagnostics()
    root = read_root(DiskFiles(environment.settings.folder))
    context = early_context(environment, partial=True)
    if root.is_empty:
        sealing = sealing_of(None, EarlyScope(context=context), environment, diagnostics)
        diagnostics.raise_if_errors()
        return BackendSettings(cipher=sealing.state), sealing
    # A variable may be without value as long as the backend does not depend on it.
    values = variable_values(environment, root, Diagnostics(), options=options)
    backend, encryption, problems = root.storage(values, context=context)
    diagnostics.extend(problems)
    diagnostics.raise_if_errors()
    scope = EarlyScope(context=context, variables=root.variables, locals=root.locals, values=values)
    sealing = sealing_of(encryption, scope, environment, diagnostics)
    settings = backend_of(environment, backend, scope, diagnostics)
    settings = replace(settings, cipher=sealing.state)
    diagnostics.raise_if_errors()
    return settings, sealing


def _lock(
    backend: StateBackend,
    info: LockInfo,
    environment: Environment,
    timeout: float,
    stop: Stop | None,
) -> None:
    deadline = environment.monotonic() + timeout
    tell = environment.on_wait
    while True:
        left = max(0.0, deadline - environment.monotonic())
        try:
            backend.lock(info, timeout=min(left, _LOOK))
        except StateLocked as problem:
            if stop is not None and stop.requested:
                detail = f"Interrupted while it waited; nothing was done. {problem.detail}"
                raise WaitEnded(problem.summary, detail) from problem
            if left <= _LOOK:
                raise
            if tell is not None:
                with suppress(BackendError):  # it waits all the same
                    tell(backend.holder())
                tell = None
        else:
            return


@contextmanager
def locked(
    backend: StateBackend,
    environment: Environment,
    operation: str,
    timeout: float | None,
    stop: Stop | None = None,
) -> Iterator[Run]:
    """Hold the lock of the state, for the run that the block is given.

    With no timeout at all (None) it goes without the lock.

    Raises:
        StateLocked: If another run holds it for longer than `timeout` seconds.
        WaitEnded: If `stop` was requested while it waited.
    """
    info = LockInfo(
        id=environment.new_id(),
        operation=operation,
        who=environment.who,
        pid=environment.pid,
        created=environment.timestamp(),
        version=__version__,
        host=environment.host,
        started=environment.started,
    )
    if timeout is None:
        yield info.run
        return
    _lock(backend, info, environment, timeout, stop)
    try:
        yield info.run
    except BaseException:
        with suppress(BackendError):  # what went wrong before is what has to be known
            backend.unlock(info.id)
        raise
    backend.unlock(info.id)


def state_digest(state: State) -> Digest:
    """Return the digest of the objects and outputs of a state."""
    return digest_json(state_document(replace(state, intents=())))


def config_digest(files: Mapping[str, bytes], variables: JsonObject) -> Digest:
    """Return the digest of configuration files and the values of variables."""
    return digest_json(
        {
            "files": {name: digest_bytes(content) for name, content in files.items()},
            "variables": variables,
        }
    )
