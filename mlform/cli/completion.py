"""Completion of commands, flags and addresses in shells, through typer.

Typer knows how bash, zsh, fish and PowerShell ask for completions. It is given the same table of
commands that mlform itself reads, so that the two cannot differ. What is typed is read by
`mlform.cli.parameters`: loading typer takes about as long as half a plan without changes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from operator import getitem
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated

from mlform.cli import arguments as structs
from mlform.cli.commands import COMMANDS, Command
from mlform.cli.parameters import Parameter, parameters_of

if TYPE_CHECKING:
    import typer

Addresses = Callable[[], Sequence[str]]


def answer(addresses: Addresses) -> None:
    """Answer the shell that asks, as the variables of this process say; ends the process."""
    _app(addresses)(prog_name="mlform")


def install() -> None:
    """Add completion to the shell this runs in, and say so; ends the process."""
    _app(list)(["--install-completion"], prog_name="mlform")


def _app(addresses: Addresses) -> typer.Typer:
    import typer

    root = typer.Typer(rich_markup_mode=None)
    groups: dict[str, typer.Typer] = {}
    for command in COMMANDS:
        *group, name = command.name.split(" ")
        parent = root
        if group:
            if group[0] not in groups:
                groups[group[0]] = typer.Typer()
                root.add_typer(groups[group[0]], name=group[0])
            parent = groups[group[0]]
        parent.command(name, help=command.summary)(_signed(command, addresses))
    return root


def _signed(command: Command, addresses: Addresses) -> Callable[..., None]:
    """Return a function with the signature that typer reads the command's parameters from."""

    def unused(**_: object) -> None:
        """Do nothing: only the signature is asked for."""

    declared: list[inspect.Parameter] = []
    hints: dict[str, object] = {}
    for item in parameters_of(getattr(structs, command.arguments)):
        hints[item.field] = _hint(item, addresses)
        declared.append(
            inspect.Parameter(
                item.field,
                inspect.Parameter.KEYWORD_ONLY,
                default=[] if item.repeated else item.default,
                annotation=hints[item.field],
            )
        )
    unused.__annotations__ = hints
    vars(unused)["__signature__"] = inspect.Signature(declared)
    return unused


def _hint(item: Parameter, addresses: Addresses) -> object:
    import typer

    def matching(incomplete: str) -> list[str]:
        return [address for address in addresses() if address.startswith(incomplete)]

    complete = matching if item.value == "ADDRESS" else None
    type_: object = GenericAlias(list, (item.type,)) if item.repeated else item.type
    if item.default is None:
        type_ = item.type | None
    if item.is_operand:
        information: object = typer.Argument(
            metavar=item.value, help=item.help, autocompletion=complete
        )
    else:
        names = [f"-{name}" for name in (item.flag, item.also) if name]
        information = typer.Option(*names, help=item.help, autocompletion=complete)
    hint: object = getitem(Annotated, (type_, information))
    return hint
