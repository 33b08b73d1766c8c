"""The values of the root module's variables, from defaults and everything given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mlform.config.blocks import VariableBlock
from mlform.config.static import constant, is_name
from mlform.config.variable_sources import (
    ENVIRONMENT_PREFIX,
    EnvironmentValues,
    FileValues,
    OptionValue,
    VariableSource,
)
from mlform.config.variable_values import (
    accepted,
    check_validation,
    default_of,
    is_checked_early,
    marked,
    without_value,
)
from mlform.dataclass import dataclass, replace
from mlform.diagnostics import Diagnostic, Diagnostics, Source, did_you_mean
from mlform.hcl.ast import Attribute
from mlform.hcl.parser import parse_expression
from mlform.lang.construct import object_of, string_value
from mlform.lang.function import Function
from mlform.lang.scope import Scope
from mlform.lang.types import Primitive
from mlform.lang.values import Value

_SHOWN_UNDECLARED = 2
"""Warnings about undeclared values of files beyond these are counted, not listed."""


@dataclass(frozen=True, slots=True)
class _Written:
    """A value as an argument in a file."""

    attribute: Attribute


@dataclass(frozen=True, slots=True)
class _Text:
    """A value as text; `origin` says where from."""

    text: str
    origin: str


def collect_variables(
    declared: Mapping[str, VariableBlock],
    given: Sequence[VariableSource],
    *,
    diagnostics: Diagnostics,
    functions: Mapping[str, Function],
    ask: Callable[[VariableBlock], str] | None = None,
) -> Mapping[str, Value]:
    """Return the value of every variable of the root module.

    Args:
        declared: The variables of the root module.
        given: What gives values, lowest first; see `gather_sources`.
        diagnostics: Takes every problem.
        functions: For the conditions of `validation` blocks.
        ask: Asks a person for the value of a required variable that has none, as `-var` takes it.

    Returns:
        Values by name in source order, converted to the declared types, sensitive and ephemeral
        ones marked. A variable with a problem has an unknown value.
    """
    chosen = _chosen(declared, given, diagnostics)
    values: dict[str, Value] = {}
    for name, variable in declared.items():
        value = _value(variable, chosen.get(name), diagnostics, ask)
        values[name] = without_value(variable) if value is None else marked(variable, value)
        if variable.deprecated and name in chosen:
            _report_deprecated(variable, chosen[name], diagnostics)
    scope = Scope(variables={"var": object_of(values)}, functions=functions)
    for variable in declared.values():
        for validation in variable.validations:
            if is_checked_early(validation):
                check_validation(variable, validation, scope, diagnostics)
    return values


def _report_deprecated(
    variable: VariableBlock, chosen: _Written | _Text, diagnostics: Diagnostics
) -> None:
    origin = "" if isinstance(chosen, _Written) else f", which {chosen.origin} sets,"
    diagnostics.warning(
        "Deprecated variable set",
        f"The variable {variable.name}{origin} is deprecated: {variable.deprecated}",
        range=chosen.attribute.name_range if isinstance(chosen, _Written) else None,
    )


def _chosen(
    declared: Mapping[str, VariableBlock], given: Sequence[VariableSource], diagnostics: Diagnostics
) -> dict[str, _Written | _Text]:
    """Return what gives each variable its value; later sources win."""
    chosen: dict[str, _Written | _Text] = {}
    undeclared: dict[str, Attribute] = {}
    for source in given:
        match source:
            case EnvironmentValues():
                chosen.update(_from_environment(declared, source))
            case FileValues():
                for attribute in source.body.attributes:
                    if attribute.name in declared:
                        chosen[attribute.name] = _Written(attribute)
                    else:
                        undeclared.setdefault(attribute.name, attribute)
            case OptionValue():
                chosen.update(_from_option(declared, source, diagnostics))
    _report_undeclared(declared, list(undeclared.values()), diagnostics)
    return chosen


def _from_environment(
    declared: Mapping[str, VariableBlock], source: EnvironmentValues
) -> dict[str, _Text]:
    found: dict[str, _Text] = {}
    for name in declared:
        key = ENVIRONMENT_PREFIX + name
        if key in source.values:
            found[name] = _Text(source.values[key], f"the environment variable {key}")
    return found


def _from_option(
    declared: Mapping[str, VariableBlock], option: OptionValue, diagnostics: Diagnostics
) -> dict[str, _Text]:
    name, equals, text = option.text.partition("=")
    if not equals or not is_name(name):
        diagnostics.error(
            "Invalid -var option",
            f'The option -var "{name}" is not correctly specified. It takes the name of a variable '
            "and a value, separated by an equals sign without spaces before it, like "
            '-var="name=value".',
        )
        return {}
    if name in declared:
        return {name: _Text(text, f'-var="{name}=..."')}
    diagnostics.error(
        "Value for undeclared variable",
        f'A variable named "{name}" was assigned on the command line, but the root module does not '
        f"declare a variable of that name.{did_you_mean(name, declared)} To use this value, "
        'add a "variable" block to the configuration.',
    )
    return {}


def _report_undeclared(
    declared: Mapping[str, VariableBlock], undeclared: Sequence[Attribute], diagnostics: Diagnostics
) -> None:
    for attribute in undeclared[:_SHOWN_UNDECLARED]:
        diagnostics.warning(
            "Value for undeclared variable",
            f'The root module does not declare a variable named "{attribute.name}" but a value was '
            f'found in file "{attribute.range.filename}".'
            f"{did_you_mean(attribute.name, declared)} If you meant to use this value, add a "
            '"variable" block to the configuration.',
            range=attribute.name_range,
        )
    more = len(undeclared) - _SHOWN_UNDECLARED
    if more > 0:
        diagnostics.warning(
            "Values for undeclared variables",
            f"In addition to the other similar warnings shown, {more} other variable(s) defined "
            "without being declared.",
        )


def _value(
    variable: VariableBlock,
    chosen: _Written | _Text | None,
    diagnostics: Diagnostics,
    ask: Callable[[VariableBlock], str] | None,
) -> Value | None:
    if chosen is None and variable.default is None:
        if ask is None:
            diagnostics.error(
                "No value for required variable",
                f'The variable "{variable.name}" is not set, and has no default value. Give it one '
                f'with -var="{variable.name}=...", in a file with -var-file, or in the '
                f"environment as {ENVIRONMENT_PREFIX}{variable.name}.",
                range=variable.range,
            )
            return None
        chosen = _Text(ask(variable), "the answer given")
    if chosen is None:
        return default_of(variable, diagnostics)
    if isinstance(chosen, _Written):
        place = variable.range if variable.sensitive else chosen.attribute.expression.range
        said = f"The value given at {chosen.attribute.range}"
        own = Diagnostics()
        value = constant(chosen.attribute.expression, own)
        diagnostics.extend(_without_secret(problem, variable) for problem in own)
    else:
        place = variable.range
        said = f"The value set with {chosen.origin}"
        value = _parsed(variable, chosen, diagnostics)
    if value is None:
        return None
    return accepted(variable, value, said=said, place=place, diagnostics=diagnostics)


def _parsed(variable: VariableBlock, given: _Text, diagnostics: Diagnostics) -> Value | None:
    """Read a value given as text: itself where a simple type is declared, else an expression."""
    if variable.untyped or _is_simple(variable):
        return string_value(given.text)
    expression, problems = parse_expression(Source(f"<value for var.{variable.name}>", given.text))
    own = Diagnostics()
    own.extend(problems)
    value = None if expression is None or problems else constant(expression, own)
    diagnostics.extend(_without_secret(problem, variable) for problem in own)
    return value


def _is_simple(variable: VariableBlock) -> bool:
    return isinstance(variable.type, Primitive) and variable.type.name != "dynamic"


def _without_secret(problem: Diagnostic, variable: VariableBlock) -> Diagnostic:
    """Keep the text of a sensitive value out of the snippet."""
    if not variable.sensitive:
        return problem
    detail = (
        f"The value given for var.{variable.name}, which is sensitive, is not a well-formed "
        "expression. Check its quotes and brackets."
    )
    return replace(problem, detail=detail, range=variable.range, context=None, values=())
