"""What plan, apply and destroy share: flags to options, and showing a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mlform.cli.meanwhile import meanwhile
from mlform.cli.modes import check_together
from mlform.cli.session import Session, lock_wait, read_addresses, read_targets
from mlform.config.variable_sources import OptionFile, OptionValue
from mlform.dataclass import replace
from mlform.errors import UsageError
from mlform.operations.results import Planned, PlanOptions
from mlform.plan.changes import Mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlform.cli.arguments import PlanningArguments
    from mlform.config.blocks import VariableBlock
    from mlform.operations.environment import Environment


_LONGEST_COMMAND: Final = 200
"""Characters of a command in Markdown at most, where every character counts."""


def plan_options(arguments: PlanningArguments, session: Session, mode: Mode) -> PlanOptions:
    """Return what to plan.

    Raises:
        UsageError: If an address, a duration or a mode is none, or options contradict each other.
    """
    check_together(arguments, mode)
    if arguments.parallelism < 1:
        raise UsageError("Invalid value for an option", "-parallelism must be at least 1.")
    return PlanOptions(
        mode=mode,
        refresh=arguments.refresh,
        replace=read_addresses(arguments.replace),
        targets=read_targets(arguments.target),
        excluded=read_targets(arguments.exclude),
        variables=variable_options(arguments.var, session),
        lock_timeout=lock_wait(arguments.lock_timeout, lock=arguments.lock),
        lockfile_readonly=is_readonly(arguments.lockfile),
    )


def is_readonly(mode: str) -> bool:
    """Whether `-lockfile` forbids to change the lock file.

    Raises:
        UsageError: If there is no such mode.
    """
    if mode not in {"", "readonly"}:
        detail = f'-lockfile takes "readonly", not "{mode}".'
        raise UsageError("Invalid value for an option", detail)
    return mode == "readonly"


def variable_options(
    given: tuple[str, ...], session: Session
) -> tuple[OptionValue | OptionFile, ...]:
    """Return the values of `-var` and `-var-file` in the order given."""
    found: list[OptionValue | OptionFile] = []
    for item in given:
        flag, _, text = item.partition(":")
        if flag == "var":
            found.append(OptionValue(text=text))
        else:
            found.append(OptionFile(path=session.path(text), shown=text))
    return tuple(found)


def show_plan(session: Session, environment: Environment, planned: Planned) -> None:
    """Show a plan and its warnings."""
    if session.messages is not None:
        session.messages.plan(planned.plan)
        session.report(planned.plan.warnings)
        return
    from mlform.views.human import render_plan

    kinds = [change.address.kind for change in planned.plan.changes]
    text = render_plan(
        planned.plan,
        schemas=session.schemas(environment, kinds),
        color=session.out.color,
        width=session.out.width,
    )
    session.out.write(text)
    session.report(planned.plan.warnings)


def show_markdown(
    session: Session, environment: Environment, planned: Planned, *, saved: str = ""
) -> None:
    """Print a plan as Markdown.

    Args:
        session: Where to print it.
        environment: The outside world.
        planned: The plan.
        saved: Where it is saved, or empty.
    """
    import shlex

    from mlform.views.markdown import render_markdown

    kinds = [change.address.kind for change in planned.plan.changes]
    command = f"mlform show {shlex.quote(saved)}" if saved else "mlform plan"
    if len(command) > _LONGEST_COMMAND:
        command = "mlform show PLAN"
    schemas = session.schemas(environment, kinds)
    session.out.write(render_markdown(planned.plan, schemas=schemas, command=command))


def make_plan(session: Session, environment: Environment, options: PlanOptions) -> Planned:
    """Return the plan, saying on a terminal that it is being made.

    Programs are told of each object that is looked at.
    """
    if session.messages is not None:
        environment = replace(environment, on_look=session.messages.looked)
    with meanwhile(session, "Planning...") as clear:
        from mlform.operations.plan import make_plan

        return make_plan(environment, options, asker(session, before=clear))


def asker(
    session: Session, *, before: Callable[[], None] = lambda: None
) -> Callable[[VariableBlock], str] | None:
    """Return what asks a person for the value of a variable, or None where nobody can be asked.

    Args:
        session: Of the command.
        before: Is called before the terminal is used.
    """
    if not session.asks or session.messages is not None:
        return None
    from mlform.cli.asking import ask_variable

    def ask(variable: VariableBlock) -> str:
        before()
        return ask_variable(session, variable)

    return ask
