"""Help, laid out as Terraform's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mlform.cli.commands import BY_NAME, COMMANDS, FIRST, Command

if TYPE_CHECKING:
    from mlform.cli.parameters import Parameter

_COLUMN: Final = 26
_WIDTH: Final = 80
_NAME: Final = max(len(command.name) for command in COMMANDS) + 2
"""Columns for the name of a command and the space after it."""

_GLOBAL: Final = """\
Global options (use these before the command, if any):
  -chdir=DIR        Switch to another folder before doing anything.
  -help             Show this help, or the help of a command.
  -version          An alias for the "version" command.
  -install-autocomplete
                    Add completion to the shell this runs in.
"""


def overview() -> str:
    """Return the help of mlform itself."""
    main = "".join(f"  {name:<{_NAME}}{BY_NAME[name].summary}\n" for name in FIRST)
    rest = "".join(
        f"  {command.name:<{_NAME}}{command.summary}\n"
        for command in COMMANDS
        if command.name not in FIRST
    )
    return (
        "Usage: mlform [global options] <command> [args]\n\n"
        "Terraform for machine learning: declare data sets, models and endpoints, see what would\n"
        "change and why, and apply just that.\n\n"
        f"Main commands:\n{main}\nAll other commands:\n{rest}\n{_GLOBAL}"
    )


def group_help(name: str) -> str:
    """Return the help of a command that only has commands below it, such as `state`."""
    below = [command for command in COMMANDS if command.name.startswith(f"{name} ")]
    listed = "".join(f"  {command.name:<{_NAME}}{command.summary}\n" for command in below)
    return f"Usage: mlform [global options] {name} <subcommand> [options] [args]\n\n{listed}"


def command_help(command: Command, parameters: tuple[Parameter, ...]) -> str:
    """Return the help of one command."""
    flags = [parameter for parameter in parameters if not parameter.is_operand]
    operands = [parameter for parameter in parameters if parameter.is_operand]
    words = [command.name, *(["[options]"] if flags else [])]
    words += [_operand(parameter) for parameter in operands]
    text = f"Usage: mlform [global options] {' '.join(words)}\n\n"
    text += _wrapped(command.description, "  ") + "\n"
    if operands:
        text += "\nArguments:\n\n" + "".join(_entry(item.value, item.help) for item in operands)
    if flags:
        entries = [(_flag(item), item.help) for item in flags]
        entries += [(f"-{item.also}=PATH", item.also_help) for item in flags if item.also]
        text += "\nOptions:\n\n" + "".join(_entry(*entry) for entry in sorted(entries))
    return text


def _operand(parameter: Parameter) -> str:
    name = f"{parameter.value}..." if parameter.repeated else parameter.value
    return name if parameter.required else f"[{name}]"


def _flag(parameter: Parameter) -> str:
    if not parameter.value:
        return f"-{parameter.flag}" + ("=false" if parameter.default is True else "")
    joint = " " if parameter.value.startswith("'") else "="
    return f"-{parameter.flag}{joint}{parameter.value}"


def _entry(term: str, meaning: str) -> str:
    import textwrap

    lines = textwrap.wrap(meaning, _WIDTH - _COLUMN)
    lead = f"  {term}".ljust(_COLUMN)
    if len(term) + 3 > _COLUMN:
        lead += f"\n{' ' * _COLUMN}"
    return lead + f"\n{' ' * _COLUMN}".join(lines) + "\n"


def _wrapped(text: str, indent: str) -> str:
    import textwrap

    return textwrap.fill(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)
