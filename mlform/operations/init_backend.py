"""What `init` does about the backend: notice that it changed, copy the states, remember it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from mlform.dataclass import dataclass, field
from mlform.diagnostics import Diagnostic, Severity
from mlform.errors import UsageError
from mlform.operations.access import in_workspace
from mlform.operations.chosen_backend import (
    DEFAULT,
    choose_backend,
    chosen_backend,
    chosen_settings,
    difference,
    has_state,
)
from mlform.operations.environment import BackendSettings, Environment
from mlform.operations.history import damage_told
from mlform.operations.migrating import Migration
from mlform.operations.results import BackendReady, Copy
from mlform.state.journal import Damaged


class Change(Enum):
    """What to do about a backend that is not the one that was chosen last."""

    REFUSE = "refuse"
    MIGRATE = "migrate"
    RECONFIGURE = "reconfigure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to ask before states are copied.

    Attributes:
        source: Type of the backend that was used so far.
        target: Type of the new one.
        copies: The states.
    """

    source: str
    target: str
    copies: tuple[Copy, ...]


def _nobody(question: Question) -> bool:
    raise UsageError(
        "Confirmation is needed",
        f'States of the "{question.source}" backend are to be copied to the new '
        f'"{question.target}" backend, and nobody can be asked here. Run it on a terminal, or give '
        "-force-copy.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendOptions:
    """How the backend is set up.

    Attributes:
        change: What to do if it is another one than before.
        old_secrets: Secret arguments of the one before.
        lock_timeout: Seconds to wait for locks while states are copied, or None to do without.
        confirm: Asks whether to copy; False leaves the new backend as it is.
    """

    change: Change = Change.REFUSE
    old_secrets: Mapping[str, str] = field(default_factory=dict)
    lock_timeout: float | None = 0.0
    confirm: Callable[[Question], bool] = _nobody


def set_up_backend(
    environment: Environment, settings: BackendSettings, options: BackendOptions
) -> BackendReady:
    """Reach the configured backend; copy the states to it if it is another one than before.

    Raises:
        UsageError: If it changed and it is not said what to do about that.
        BackendError: If a state cannot be read or written; the backend before is still whole then.
    """
    chosen = chosen_backend(environment)
    workspaces = environment.open_backend(settings)
    place = in_workspace(environment, workspaces).describe()
    if (chosen or DEFAULT).fits(settings):
        in_workspace(environment, workspaces).read()
        return BackendReady(place=place)
    if chosen is not None and options.change is Change.REFUSE:
        raise UsageError(
            "Backend configuration changed",
            "A change in the backend configuration has been detected, which may require migrating "
            f"existing state. {difference(chosen, settings)}.\n\n"
            "If you wish to attempt automatic migration of the state, use "
            '"mlform init -migrate-state".\n'
            "If you wish to store the current configuration with no changes to the state, use "
            '"mlform init -reconfigure".',
        )
    copied: tuple[Copy, ...] = ()
    damaged: list[Damaged] = []
    if options.change is not Change.RECONFIGURE:
        before = chosen or DEFAULT
        old = environment.open_backend(chosen_settings(before, settings, options.old_secrets))
        migration = Migration(source=old, target=workspaces, lock_timeout=options.lock_timeout)
        copied = migration.copies()
        question = Question(source=before.type, target=settings.type, copies=copied)
        if copied and not options.confirm(question):
            copied = ()
        elif copied or has_state(old) or len(old.names()) > 1:
            migration.carry_out(environment, copied, damaged.append)
    in_workspace(environment, workspaces).read()
    choose_backend(environment, settings)
    return BackendReady(
        place=place,
        configured=settings.type,
        copied=copied,
        warnings=tuple(map(_warning, damage_told(damaged))),
    )


def _warning(detail: str) -> Diagnostic:
    return Diagnostic(
        severity=Severity.WARNING, summary="Part of the history was not copied", detail=detail
    )
