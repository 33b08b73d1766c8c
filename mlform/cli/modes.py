"""Which options of plan, apply and show go together, and what kind of plan they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.errors import UsageError
from mlform.plan.changes import Mode

if TYPE_CHECKING:
    from mlform.cli.arguments import ApplyArguments, PlanArguments, PlanningArguments


def mode_of(arguments: PlanArguments | ApplyArguments) -> Mode:
    """Return the kind of plan that `-destroy` and `-refresh-only` ask for.

    Raises:
        UsageError: If both are given.
    """
    if arguments.destroy and arguments.refresh_only:
        raise UsageError(
            "Incompatible plan mode options",
            "-destroy and -refresh-only are mutually exclusive: a plan either destroys, or takes "
            "note of what is there. Give one of them.",
        )
    if arguments.refresh_only:
        return Mode.REFRESH_ONLY
    return Mode.DESTROY if arguments.destroy else Mode.NORMAL


def check_together(arguments: PlanningArguments, mode: Mode) -> None:
    """Refuse options that contradict each other.

    Raises:
        UsageError: If there are such.
    """
    if mode is Mode.REFRESH_ONLY and not arguments.refresh:
        raise UsageError(
            "Incompatible refresh options",
            "-refresh-only with -refresh=false would leave nothing to do. Give one of them.",
        )
    if arguments.replace and mode is not Mode.NORMAL:
        raise UsageError(
            "Incompatible plan mode options",
            f"-replace does not go with -{mode.value}: only a plan that makes objects can "
            "replace them. Leave one of them out.",
        )
    if arguments.target and arguments.exclude:
        raise UsageError(
            "Incompatible target options",
            "-target and -exclude are mutually exclusive: say what to take, or what to leave out.",
        )


def check_generation(arguments: PlanArguments, mode: Mode) -> None:
    """Refuse to write configuration for imports where nothing is imported.

    Raises:
        UsageError: If that is asked for.
    """
    if arguments.generate_config_out and mode is not Mode.NORMAL:
        raise UsageError(
            "Invalid generate-config-out flag",
            f"-generate-config-out does not go with -{mode.value}: only a normal plan imports. "
            "Leave one of them out.",
        )


def refuse_with_saved_plan(arguments: ApplyArguments) -> None:
    """Refuse options that say how to plan: a saved plan is carried out as it is.

    Raises:
        UsageError: If there are such.
    """
    given = {
        "-destroy": arguments.destroy,
        "-refresh-only": arguments.refresh_only,
        "-refresh=false": not arguments.refresh,
        "-replace": arguments.replace,
        "-target": arguments.target,
        "-exclude": arguments.exclude,
    }
    names = [name for name, is_given in given.items() if is_given]
    if names:
        verb = "belongs" if len(names) == 1 else "belong"
        raise UsageError(
            "Options do not go with a saved plan",
            f"A saved plan is carried out as it is: {', '.join(names)} {verb} to plan. Leave it "
            "out, or make a new plan with it.",
        )


def refuse_both(*, json: bool, markdown: bool) -> None:
    """Refuse two forms at once.

    Raises:
        UsageError: If both are asked for.
    """
    if json and markdown:
        detail = "-json and -markdown are two forms of the same output. Choose one of them."
        raise UsageError("Options do not go together", detail)
