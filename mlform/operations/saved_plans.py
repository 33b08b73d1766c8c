"""Saving plans and loading them again, encrypted where that is configured."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mlform.config.variable_sources import OptionFile, OptionValue
from mlform.durable import write_file
from mlform.errors import EncryptionError, MlformError, PlanError, UsageError
from mlform.operations.access import sealing_alone
from mlform.operations.environment import Environment, Sealing
from mlform.operations.kept_variables import lasting
from mlform.operations.results import Planned
from mlform.plan.hidden import sensitive_places
from mlform.plan.planfile import PLAN, PlanFile, decode_planfile, encode_planfile
from mlform.state.encryption import PLAIN, opened, sealed
from mlform.tasks import PinnedImage

_NAMED: Final = 10
"""How many of them are named at most."""
_ENCRYPT: Final = (
    "  - encrypt saved plans: add plan { method = method.aes_gcm.NAME } to the encryption block of "
    "the mlform block;"
)
_IN_PLAIN_TEXT: Final = (
    "  - write them in plain text all the same, if whoever can read the file may know all that: "
    "plan { method = method.unencrypted.NAME } in the encryption block."
)
_EPHEMERAL: Final = (
    "  - keep variables out of plans and states: declare them with ephemeral = true, and give "
    "their values again to apply;"
)


def check_place(path: Path) -> None:
    """Refuse to make a plan that could not be saved where it is to be.

    Raises:
        UsageError: If there is no such folder, or it cannot be written to.
    """
    folder = path.parent
    if not folder.is_dir():
        reason = f"{folder} is no folder. Make it, or name another file with -out."
    elif path.is_dir():
        reason = f"{path} is a folder. Name a file with -out."
    elif not os.access(folder, os.W_OK | os.X_OK):
        reason = (
            f"You may not write in {folder}. Give yourself the right to, or name another file with "
            "-out."
        )
    else:
        return
    raise UsageError("The plan could not be saved", f"{reason} Nothing was planned.")


def save_plan(planned: Planned, path: Path) -> None:
    """Write a plan to a file that only its owner can read, encrypted where that is configured.

    Raises:
        PlanError: If it holds what must not be written in plain text.
        MlformError: If the file cannot be written.
    """
    saved = PlanFile(
        plan=planned.plan,
        state=planned.state,
        files=planned.files,
        variables=lasting(planned.variables),
        images={name: image.reference for name, image in planned.images.items()},
        modules=planned.modules,
    )
    cipher = planned.sealing.plan
    if cipher is None:
        _check_open(saved, planned.sealing, path)
    content = sealed(encode_planfile(saved), PLAN, {}, cipher or PLAIN)
    try:
        write_file(path, content, mode=0o600)
    except OSError as error:
        detail = (
            f"{path} cannot be written: {error.strerror or error}. Free some space there, give "
            "yourself the right to write, or name another file with -out. Nothing was changed."
        )
        raise MlformError("Failed to save the plan", detail) from error


def _check_open(saved: PlanFile, sealing: Sealing, path: Path) -> None:
    """Refuse to write in plain text what is sensitive, where nobody said that it may be.

    Raises:
        PlanError: If there is something; it says what, and the ways out.
    """
    if sealing.state.key() is not None:
        raise PlanError(
            "The state is encrypted, but saved plans are not",
            f"A plan holds the state that it was made from, and {path} would hold it in plain "
            f"text, so it was not written. Choose one:\n{_ENCRYPT}\n{_IN_PLAIN_TEXT}",
        )
    places = sensitive_places(saved)
    if places:
        raise PlanError(
            "The plan holds sensitive values",
            f"{path} would hold sensitive values of {_listed(places)} in plain text, so it was not "
            f"written. Choose one:\n{_ENCRYPT}\n{_EPHEMERAL}\n{_IN_PLAIN_TEXT}",
        )


def _listed(places: Sequence[str]) -> str:
    if len(places) > _NAMED:
        return f"{', '.join(places[:_NAMED])} and {len(places) - _NAMED} more"
    *first, last = places
    return f"{', '.join(first)} and {last}" if first else last


def load_plan(
    environment: Environment, path: Path, options: Sequence[OptionValue | OptionFile] = ()
) -> Planned:
    """Read a saved plan; ephemeral variables have no value in it.

    How it is encrypted is what the configuration of the working folder says.

    Args:
        environment: The outside world.
        path: Of the file.
        options: `-var` and `-var-file`, which may give the passphrase.

    Raises:
        PlanError: If it cannot be read or is no plan.
        EncryptionError: If no key opens it, or it is not encrypted but has to be.
        ConfigurationError: If the encryption of the working folder cannot be understood.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        detail = f"{path} cannot be read: {error.strerror or error}."
        raise PlanError("Failed to read the plan", detail) from error
    cipher = sealing_alone(environment, options).plan or PLAIN
    try:
        content = opened(content, PLAN, cipher)
    except EncryptionError as problem:
        raise type(problem)(problem.summary, f"{path}: {problem.detail}") from problem
    found = decode_planfile(content, str(path))
    return Planned(
        plan=found.plan,
        state=found.state,
        files=found.files,
        variables=found.variables,
        images={
            name: PinnedImage(name=name, reference=reference)
            for name, reference in found.images.items()
        },
        modules=found.modules,
        sensitive_variables=tuple(
            name
            for name, item in found.variables.items()
            if isinstance(item, dict) and item.get("sensitive")
        ),
    )
