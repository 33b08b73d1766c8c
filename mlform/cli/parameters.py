"""From words on the command line to the struct of a command.

Terraform's flags have one dash and long names, bool flags may have a value (`-refresh=false`), and
values may follow in a word of their own. They are brought into the one form that typer takes; typer
then checks number, type and presence.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from operator import getitem
from types import GenericAlias, UnionType
from typing import Annotated, Final, TypeVar, cast, get_args, get_origin, get_type_hints

from mlform.cli.arguments import Flag, Operand
from mlform.diagnostics import did_you_mean
from mlform.errors import UsageError

Struct = TypeVar("Struct")
_TRUE: Final = frozenset({"1", "t", "true"})
_FALSE: Final = frozenset({"0", "f", "false"})


class HelpRequested(Exception):
    """`-help` stands among the flags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One flag or operand of a command.

    Attributes:
        field: Name of the field.
        type: Of one value: bool, str or int.
        repeated: Whether the field is a tuple.
        required: Whether it must be given.
        default: Its value where it is not given.
        help: What it does.
        value: What its value is called; empty for a bool.
        also: A second flag into the same field.
        also_help: What that does.
        is_operand: Whether it is a word without dashes.
    """

    field: str
    type: type
    repeated: bool
    required: bool
    default: object
    help: str
    value: str
    also: str = ""
    also_help: str = ""
    is_operand: bool = False

    @property
    def flag(self) -> str:
        """Its name as written after the dash."""
        return self.field.replace("_", "-")


def parameters_of(struct: type) -> tuple[Parameter, ...]:
    """Return the flags and operands that a struct stands for."""
    hints = get_type_hints(struct, include_extras=True)
    found = []
    for item in fields(struct):
        type_, notes = get_args(hints[item.name])[0], hints[item.name].__metadata__
        note: Flag | Operand = notes[0]
        repeated = get_origin(type_) is tuple
        if repeated or isinstance(type_, UnionType):
            type_ = get_args(type_)[0]
        found.append(
            Parameter(
                field=item.name,
                type=type_,
                repeated=repeated,
                required=item.default is MISSING,
                default=None if item.default is MISSING else item.default,
                help=note.help,
                value=note.name if isinstance(note, Operand) else note.value,
                also=note.also if isinstance(note, Flag) else "",
                also_help=note.also_help if isinstance(note, Flag) else "",
                is_operand=isinstance(note, Operand),
            )
        )
    return tuple(found)


def normalise(command: str, words: Sequence[str], parameters: tuple[Parameter, ...]) -> list[str]:
    """Return the words with every flag as `--flag=value`, then `--`, then the operands.

    Raises:
        UsageError: If a flag is not known or lacks its value.
        HelpRequested: If help is asked for.
    """
    flags = {item.flag: item for item in parameters if not item.is_operand}
    flags |= {item.also: item for item in parameters if item.also}
    given: list[str] = []
    operands: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            operands += rest
        elif word.startswith("-") and word != "-":
            given.append(_flag(command, word, rest, flags))
        else:
            operands.append(word)
    return [*given, "--", *operands]


def _flag(command: str, word: str, rest: Iterator[str], flags: Mapping[str, Parameter]) -> str:
    name, equals, value = word.removeprefix("-").removeprefix("-").partition("=")
    if name in {"help", "h"}:
        raise HelpRequested
    parameter = flags.get(name)
    if parameter is None:
        suggestion = did_you_mean(f"-{name}", [f"-{flag}" for flag in flags])
        summary = "Unknown option"
        detail = (
            f'"mlform {command}" has no option -{name}.{suggestion} '
            f'Run "mlform {command} -help" to see its options.'
        )
        raise UsageError(summary, detail)
    if parameter.type is bool:
        return _switch(name, value if equals else "true")
    if not equals:
        following = next(rest, None)
        if following is None:
            message = f"-{name} takes a value: -{name}={parameter.value}."
            raise UsageError("Missing value for an option", message)
        value = following
    return f"--{parameter.flag}={_tagged(parameter, name, value)}"


def _tagged(parameter: Parameter, name: str, value: str) -> str:
    return f"{name}:{value}" if parameter.also else value


def _switch(name: str, value: str) -> str:
    if value.lower() in _TRUE:
        return f"--{name}"
    if value.lower() in _FALSE:
        return f"--no-{name}"
    message = f"-{name} takes true or false, not {value!r}. Without a value it means true."
    raise UsageError("Invalid value for an option", message)


def read_arguments(struct: type[Struct], command: str, words: Sequence[str]) -> Struct:
    """Return the struct that the words of a command stand for.

    Raises:
        UsageError: If they do not fit; the message says what is wrong and names the help.
        HelpRequested: If help is asked for.
    """
    parameters = parameters_of(struct)
    lines = normalise(command, words, parameters)
    import typer

    found: list[dict[str, object]] = []

    def collect(**values: object) -> None:
        found.append(values)

    _sign(collect, parameters)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(add_help_option=False)(collect)
    usage_error = cast("type[Exception]", typer.BadParameter.__base__)
    try:
        app(lines, standalone_mode=False, prog_name=f"mlform {command}")
    except usage_error as error:
        detail = f'{_sentence(error)} Run "mlform {command} -help" to see its options.'
        raise UsageError("Invalid arguments", detail) from None
    values = {
        item.field: tuple(cast("Sequence[object]", value or ())) if item.repeated else value
        for item in parameters
        for value in (found[0][item.field],)
    }
    return struct(**values)


def _sentence(error: Exception) -> str:
    described = getattr(error, "format_message", None)
    text = (str(described()) if callable(described) else str(error)).rstrip(".") + "."
    for flag in _LONG_FLAG.findall(text):
        text = text.replace(flag, flag[1:])
    return text


_LONG_FLAG: Final = re.compile(r"--[a-z]")


def _sign(collect: Callable[..., None], parameters: tuple[Parameter, ...]) -> None:
    """Give the function the signature that typer reads the command from."""
    import typer

    declared: list[inspect.Parameter] = []
    hints: dict[str, object] = {}
    for item in parameters:
        type_: object = GenericAlias(list, (item.type,)) if item.repeated else item.type
        default: object = [] if item.repeated else item.default
        if item.is_operand:
            information: object = typer.Argument(metavar=item.value)
        elif item.type is bool:
            information = typer.Option(f"--{item.flag}/--no-{item.flag}")
            type_ = type_ if item.default is not None else bool | None
        else:
            information = typer.Option(f"--{item.flag}")
        hint: object = getitem(Annotated, (type_, information))
        hints[item.field] = hint
        needed = inspect.Parameter.empty if item.required else default
        declared.append(
            inspect.Parameter(
                item.field, inspect.Parameter.KEYWORD_ONLY, default=needed, annotation=hint
            )
        )
    collect.__annotations__ = hints
    vars(collect)["__signature__"] = inspect.Signature(declared)
