"""Which backend `init` chose last: remembered in the data folder, so that a change is noticed.

`<data folder>/backend.json` holds the type and the arguments without secrets. Of secrets that the
configuration holds there is a salted digest, dear to guess: they are compared, never kept. Nothing
is remembered where the state is kept in the default file.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from mlform.dataclass import dataclass, field
from mlform.digests import Json, JsonObject, canonical_json
from mlform.durable import write_file
from mlform.errors import EncryptionError, MlformError, StateCorrupt, UsageError
from mlform.operations.backends import BACKENDS
from mlform.operations.environment import BackendSettings, Environment

if TYPE_CHECKING:
    from mlform.backends.base import Workspaces

_VERSION: Final = 1
_OWNER_ONLY: Final = 0o600
_COST: Final = 1 << 12
"""Of a guess at a secret: a hundredth of a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A backend that was chosen.

    Attributes:
        type: Such as `pg`.
        arguments: Those without secrets that differ from their default.
        given: Those of them that `-backend-config` gave.
        secret_names: Secrets that the configuration held.
        salt: Of their digest.
        secret_digest: Of these secrets.
    """

    type: str = "local"
    arguments: JsonObject = field(default_factory=dict)
    given: JsonObject = field(default_factory=dict)
    secret_names: tuple[str, ...] = ()
    salt: str = ""
    secret_digest: str = ""

    def fits(self, settings: BackendSettings) -> bool:
        """Whether these settings name the same backend."""
        return (
            settings.type == self.type
            and _open_arguments(settings) == self.arguments
            and self.has_secrets(_secrets(settings))
        )

    def has_secrets(self, found: Mapping[str, object]) -> bool:
        """Whether these are the secrets that the configuration held."""
        if tuple(sorted(found)) != self.secret_names:
            return False
        return not found or _digest(found, self.salt) == self.secret_digest


DEFAULT: Final = Chosen()
"""The backend of a configuration that names none."""


def chosen_backend(environment: Environment) -> Chosen | None:
    """Return what was chosen last, or None where nothing is remembered.

    Raises:
        MlformError: If what is remembered cannot be understood.
    """
    path = _file(environment)
    try:
        return _read(json.loads(path.read_bytes()))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is damaged"
        raise MlformError(
            "The backend that was chosen last cannot be told",
            f"{path} cannot be read: {reason}. Remove it and run mlform init -reconfigure.",
        ) from error


def _read(document: Mapping[str, Json]) -> Chosen:
    if document["version"] != _VERSION:
        raise ValueError(_VERSION)
    names = document["secret_names"]
    return Chosen(
        type=str(document["type"]),
        arguments=_object(document["arguments"]),
        given=_object(document["given"]),
        secret_names=tuple(map(str, names if isinstance(names, list) else ())),
        salt=str(document["salt"]),
        secret_digest=str(document["secret_digest"]),
    )


def _object(value: Json) -> JsonObject:
    if isinstance(value, Mapping):
        return value
    raise TypeError(type(value))


def choose_backend(environment: Environment, settings: BackendSettings) -> None:
    """Remember a backend as the one that was chosen.

    Raises:
        MlformError: If that cannot be written down.
    """
    path = _file(environment)
    try:
        _write(path, _choice(settings))
    except OSError as error:
        raise MlformError(
            "The backend cannot be remembered",
            f"{path} cannot be written: {error.strerror or error}.",
        ) from error


def check_chosen(environment: Environment, settings: BackendSettings) -> None:
    """Check that the configured backend is the one that was chosen.

    The first backend of a folder without any state needs no `init`: it is chosen here.

    Raises:
        UsageError: If it is another one; the message says how to go on.
    """
    chosen = chosen_backend(environment)
    if (chosen or DEFAULT).fits(settings):
        return
    if chosen is None and not has_state(environment.open_backend(_default_of(settings))):
        # Where the data folder cannot be written, a change goes unnoticed: no reason to stop.
        with contextlib.suppress(OSError):
            _write(_file(environment), _choice(settings))
        return
    raise UsageError(
        'Backend initialization required, please run "mlform init"',
        f"Reason: {difference(chosen or DEFAULT, settings)}\n\n"
        "The backend is where mlform keeps the state. Changes to its configuration require "
        "reinitialization: this allows mlform to set up the new configuration, copy existing "
        'state, etc. Please run "mlform init" with either the "-reconfigure" or "-migrate-state" '
        "flags to use the current configuration.\n\n"
        "If the change reason above is incorrect, please verify your configuration hasn't changed "
        "and try again. At this point, no changes to your existing configuration or state have "
        "been made.",
    )


def difference(chosen: Chosen, settings: BackendSettings) -> str:
    """Return in which way the configured backend is another one than the chosen one."""
    if chosen == DEFAULT:
        return f'Initial configuration of the requested backend "{settings.type}"'
    if DEFAULT.fits(settings):
        return f'Unsetting the previously set backend "{chosen.type}"'
    if settings.type != chosen.type:
        return f'Backend type changed from "{chosen.type}" to "{settings.type}"'
    before, after = chosen.arguments, _open_arguments(settings)
    names = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    found = _secrets(settings)
    if not chosen.has_secrets(found):
        names |= {*chosen.secret_names, *found}
    return f"Backend configuration block has changed: {', '.join(sorted(names))}"


def chosen_settings(
    chosen: Chosen, settings: BackendSettings, told: Mapping[str, str]
) -> BackendSettings:
    """Return the settings that open the backend that was chosen.

    Args:
        chosen: What is remembered of it.
        settings: The configured backend; its secrets and its cipher are tried.
        told: Secrets that were given on the command line, as they were not written down.

    Raises:
        UsageError: If its secrets are not to be had.
    """
    names = chosen.secret_names
    current = _secrets(settings) if settings.type == chosen.type else {}
    for found in ({name: told[name] for name in names if name in told}, current):
        if chosen.has_secrets(found):
            arguments = {**chosen.arguments, **found}
            return BackendSettings(type=chosen.type, arguments=arguments, cipher=settings.cipher)
    listed = ", ".join(names)
    problem = "are not the ones it had" if told else "were not written down, since they are secret"
    raise UsageError(
        f'The "{chosen.type}" backend that was used so far cannot be opened',
        f"Its arguments {listed} {problem}. Give them once more to copy the states from it, such "
        f"as -old-backend-config='{names[0]}=…'; or leave the states there: -reconfigure.",
    )


def has_state(workspaces: Workspaces) -> bool:
    """Whether a backend holds a state in any workspace.

    Raises:
        BackendError: If that cannot be told.
    """
    for name in workspaces.names():
        try:
            if workspaces.open(name).read() is not None:
                return True
        except (StateCorrupt, EncryptionError):
            return True
    return False


def _default_of(settings: BackendSettings) -> BackendSettings:
    return BackendSettings(cipher=settings.cipher)


def _choice(settings: BackendSettings) -> Chosen:
    found = _secrets(settings)
    open_arguments = _open_arguments(settings)
    salt = os.urandom(16).hex() if found else ""
    return Chosen(
        type=settings.type,
        arguments=open_arguments,
        given={name: open_arguments[name] for name in settings.given if name in open_arguments},
        secret_names=tuple(sorted(found)),
        salt=salt,
        secret_digest=_digest(found, salt) if found else "",
    )


def _write(path: Path, chosen: Chosen) -> None:
    if chosen == DEFAULT:
        path.unlink(missing_ok=True)
        return
    document: dict[str, Json] = {
        "version": _VERSION,
        "type": chosen.type,
        "arguments": chosen.arguments,
        "given": chosen.given,
        "secret_names": list(chosen.secret_names),
        "salt": chosen.salt,
        "secret_digest": chosen.secret_digest,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, json.dumps(document, indent=2).encode() + b"\n", mode=_OWNER_ONLY)


def _open_arguments(settings: BackendSettings) -> JsonObject:
    """Return the arguments without secrets that differ from their default."""
    schema = BACKENDS[settings.type]
    defaults = {attribute.name: attribute.default for attribute in schema.attributes}
    return {
        name: cast("Json", value)  # as the configuration language gives it
        for name, value in settings.arguments.items()
        if not _is_secret(name, settings) and value != defaults.get(name)
    }


def _secrets(settings: BackendSettings) -> Mapping[str, object]:
    """Return the secrets that the configuration itself holds."""
    return {
        name: value
        for name, value in settings.arguments.items()
        if name not in settings.given and _is_secret(name, settings)
    }


def _is_secret(name: str, settings: BackendSettings) -> bool:
    attribute = BACKENDS[settings.type].attribute(name)
    return name in settings.hidden or (attribute is not None and attribute.sensitive)


def _digest(found: Mapping[str, object], salt: str) -> str:
    import hashlib

    content = canonical_json(cast("JsonObject", dict(found)))
    return hashlib.scrypt(content, salt=salt.encode(), n=_COST, r=8, p=1, dklen=32).hex()


def _file(environment: Environment) -> Path:
    return environment.settings.data_folder / "backend.json"
