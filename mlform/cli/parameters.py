"""From words on the command line to the struct of a command.

Terraform's flags have one dash and long names, bool flags may have a value (`-refresh=false`), and
values may follow in a word of their own. No library for command lines reads flags of one dash with
long names, and loading one takes longer than a plan without changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Final, TypeVar, get_args, get_origin, get_type_hints

from mlform.cli.arguments import Flag, Operand
from mlform.dataclass import REQUIRED, attributes, dataclass
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
    for name, default in attributes(struct).items():
        type_, notes = get_args(hints[name])[0], hints[name].__metadata__
        note: Flag | Operand = notes[0]
        repeated = get_origin(type_) is tuple
        if repeated or isinstance(type_, UnionType):
            type_ = get_args(type_)[0]
        found.append(
            Parameter(
                field=name,
                type=type_,
                repeated=repeated,
                required=default is REQUIRED,
                default=None if default is REQUIRED else default,
                help=note.help,
                value=note.name if isinstance(note, Operand) else note.value,
                also=note.also if isinstance(note, Flag) else "",
                also_help=note.also_help if isinstance(note, Flag) else "",
                is_operand=isinstance(note, Operand),
            )
        )
    return tuple(found)


def read_arguments(struct: type[Struct], command: str, words: Sequence[str]) -> Struct:
    """Return the struct that the words of a command stand for.

    Raises:
        UsageError: If they do not fit; the message says what is wrong and names the help.
        HelpRequested: If help is asked for.
    """
    parameters = parameters_of(struct)
    given = _given(command, words, parameters)
    values: dict[str, object] = {}
    for item in parameters:
        texts = given.get(item.field, [])
        if texts:
            read = [_read(command, item, text) for text in texts]
            values[item.field] = tuple(read) if item.repeated else read[-1]
        elif item.required:
            raise _invalid(command, f"{item.value or item.flag} is missing")
    return struct(**values)


def _given(
    command: str, words: Sequence[str], parameters: tuple[Parameter, ...]
) -> dict[str, list[str]]:
    """Return the texts given for each field.

    Raises:
        UsageError: If a flag is not known or lacks its value, or there are too many operands.
        HelpRequested: If help is asked for.
    """
    flags = {item.flag: item for item in parameters if not item.is_operand}
    flags |= {item.also: item for item in parameters if item.also}
    found: dict[str, list[str]] = {}
    operands: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            operands += rest
        elif word.startswith("-") and word != "-":
            field, text = _flag(command, word, rest, flags)
            found.setdefault(field, []).append(text)
        else:
            operands.append(word)
    for item in parameters:
        if item.is_operand:
            taken = len(operands) if item.repeated else 1
            found[item.field], operands = operands[:taken], operands[taken:]
    if operands:
        raise _invalid(command, f"Nothing takes the argument {operands[0]}")
    return found


def _flag(
    command: str, word: str, rest: Iterator[str], flags: Mapping[str, Parameter]
) -> tuple[str, str]:
    """Return the field that a flag stands for, and the text of its value."""
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
        return parameter.field, _switch(name, value if equals else "true")
    if not equals:
        following = next(rest, None)
        if following is None:
            message = f"-{name} takes a value: -{name}={parameter.value}."
            raise UsageError("Missing value for an option", message)
        value = following
    return parameter.field, f"{name}:{value}" if parameter.also else value


def _switch(name: str, value: str) -> str:
    if value.lower() in _TRUE:
        return "true"
    if value.lower() in _FALSE:
        return ""
    message = f"-{name} takes true or false, not {value!r}. Without a value it means true."
    raise UsageError("Invalid value for an option", message)


def _read(command: str, parameter: Parameter, text: str) -> object:
    if parameter.type is bool:
        return bool(text)
    if parameter.type is not int:
        return text
    try:
        return int(text)
    except ValueError:
        name = parameter.value if parameter.is_operand else f"-{parameter.flag}"
        raise _invalid(command, f"{name} takes a whole number, not {text!r}") from None


def _invalid(command: str, problem: str) -> UsageError:
    detail = f'{problem}. Run "mlform {command} -help" to see its options.'
    return UsageError("Invalid arguments", detail)
