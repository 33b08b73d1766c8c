"""The values of the root module's variables, from defaults and everything given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mlform.config.blocks import Condition, Module, VariableBlock
from mlform.config.static import constant, is_name
from mlform.config.variable_sources import (
    ENVIRONMENT_PREFIX,
    EnvironmentValues,
    FileValues,
    OptionValue,
    VariableSource,
)
from mlform.dataclass import dataclass, replace
from mlform.diagnostics import Diagnostic, Diagnostics, Source, SourceRange, did_you_mean
from mlform.hcl.ast import Attribute
from mlform.hcl.parser import parse_expression
from mlform.lang.construct import object_of, string_value
from mlform.lang.conversion import ConversionError, apply_defaults, convert, without_optional
from mlform.lang.failure import reference_values
from mlform.lang.function import Function
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.types import BOOL, STRING, Primitive
from mlform.lang.values import SENSITIVE, Value, null, unknown

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
    root: Module,
    given: Sequence[VariableSource],
    *,
    diagnostics: Diagnostics,
    functions: Mapping[str, Function],
    ask: Callable[[VariableBlock], str] | None = None,
) -> Mapping[str, Value]:
    """Return the value of every variable of the root module.

    Args:
        root: Declares the variables.
        given: What gives values, lowest first; see `gather_sources`.
        diagnostics: Takes every problem.
        functions: For the conditions of `validation` blocks.
        ask: Asks a person for the value of a required variable that has none, as `-var` takes it.

    Returns:
        Values by name in source order, converted to the declared types, sensitive ones marked. A
        variable with a problem has an unknown value.
    """
    chosen = _chosen(root, given, diagnostics)
    values: dict[str, Value] = {}
    for name, variable in root.variables.items():
        value = _value(variable, chosen.get(name), diagnostics, ask)
        if value is None:
            value = unknown(without_optional(variable.type))
        values[name] = value.with_marks(SENSITIVE) if variable.sensitive else value
    scope = Scope(variables={"var": object_of(values)}, functions=functions)
    for variable in root.variables.values():
        for validation in variable.validations:
            _validate(variable, validation, scope, diagnostics)
    return values


def _chosen(
    root: Module, given: Sequence[VariableSource], diagnostics: Diagnostics
) -> dict[str, _Written | _Text]:
    """Return what gives each variable its value; later sources win."""
    chosen: dict[str, _Written | _Text] = {}
    undeclared: dict[str, Attribute] = {}
    for source in given:
        match source:
            case EnvironmentValues():
                chosen.update(_from_environment(root, source))
            case FileValues():
                for attribute in source.body.attributes:
                    if attribute.name in root.variables:
                        chosen[attribute.name] = _Written(attribute)
                    else:
                        undeclared.setdefault(attribute.name, attribute)
            case OptionValue():
                chosen.update(_from_option(root, source, diagnostics))
    _report_undeclared(root, list(undeclared.values()), diagnostics)
    return chosen


def _from_environment(root: Module, source: EnvironmentValues) -> dict[str, _Text]:
    found: dict[str, _Text] = {}
    for name in root.variables:
        key = ENVIRONMENT_PREFIX + name
        if key in source.values:
            found[name] = _Text(source.values[key], f"the environment variable {key}")
    return found


def _from_option(root: Module, option: OptionValue, diagnostics: Diagnostics) -> dict[str, _Text]:
    name, equals, text = option.text.partition("=")
    if not equals or not is_name(name):
        diagnostics.error(
            "Invalid -var option",
            f'The option -var "{name}" is not correctly specified. It takes the name of a variable '
            "and a value, separated by an equals sign without spaces before it, like "
            '-var="name=value".',
        )
        return {}
    if name in root.variables:
        return {name: _Text(text, f'-var="{name}=..."')}
    diagnostics.error(
        "Value for undeclared variable",
        f'A variable named "{name}" was assigned on the command line, but the root module does not '
        f"declare a variable of that name.{did_you_mean(name, root.variables)} To use this value, "
        'add a "variable" block to the configuration.',
    )
    return {}


def _report_undeclared(
    root: Module, undeclared: Sequence[Attribute], diagnostics: Diagnostics
) -> None:
    for attribute in undeclared[:_SHOWN_UNDECLARED]:
        diagnostics.warning(
            "Value for undeclared variable",
            f'The root module does not declare a variable named "{attribute.name}" but a value was '
            f'found in file "{attribute.range.filename}".'
            f"{did_you_mean(attribute.name, root.variables)} If you meant to use this value, add a "
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
        return _default(variable, diagnostics)
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
    if value.is_null and not variable.nullable:
        return _instead_of_null(variable, said, place, diagnostics)
    return _converted(variable, value, said, place, diagnostics)


def _default(variable: VariableBlock, diagnostics: Diagnostics) -> Value | None:
    if variable.default is None:
        return null(without_optional(variable.type))
    value = constant(variable.default, diagnostics)
    if value is None:
        return None
    return _converted(variable, value, "The default", variable.default.range, diagnostics)


def _instead_of_null(
    variable: VariableBlock, said: str, place: SourceRange, diagnostics: Diagnostics
) -> Value | None:
    if variable.default is not None:
        return _default(variable, diagnostics)
    diagnostics.error(
        "Required variable not set",
        f"{said} is not suitable for var.{variable.name} declared at {variable.range}: a required "
        "variable may not be set to null. Give it a value.",
        range=place,
    )
    return None


def _converted(
    variable: VariableBlock,
    value: Value,
    said: str,
    place: SourceRange,
    diagnostics: Diagnostics,
) -> Value | None:
    try:
        return convert(apply_defaults(value, variable.type), variable.type)
    except ConversionError as error:
        diagnostics.error(
            "Invalid value for input variable",
            f"{said} is not suitable for var.{variable.name} declared at {variable.range}: "
            f"{error}.",
            range=place,
        )
        return None


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


def _validate(
    variable: VariableBlock, validation: Condition, scope: Scope, diagnostics: Diagnostics
) -> None:
    before = len(diagnostics)
    outcome = resolve(validation.condition, scope, diagnostics)
    if len(diagnostics) > before or not outcome.is_known:
        return
    values = reference_values(validation.condition, scope)
    try:
        held = convert(outcome, BOOL).payload
    except ConversionError as error:
        problem = error.message
    else:
        if held is True:
            return
        problem = "true or false is required, not null" if held is None else ""
    if problem:
        diagnostics.add(
            Diagnostic(
                summary="Invalid variable validation result",
                detail=f"Invalid validation condition result value: {problem}.",
                range=validation.condition.range,
                values=values,
            )
        )
        return
    message = _error_message(validation, scope, diagnostics)
    diagnostics.add(
        Diagnostic(
            summary="Invalid value for variable",
            detail=f"{message}\n\nThis was checked by the validation rule at {validation.range}.",
            range=variable.range,
            values=values,
        )
    )


def _error_message(validation: Condition, scope: Scope, diagnostics: Diagnostics) -> str:
    place = validation.error_message.range
    before = len(diagnostics)
    value = resolve(validation.error_message, scope, diagnostics)
    if len(diagnostics) > before or not value.is_known:
        return "The error message could not be put together, so it will not be displayed."
    try:
        text = convert(value, STRING)
    except ConversionError as error:
        diagnostics.error(
            "Invalid error message",
            f"Unsuitable value for error message: {error.message}.",
            range=place,
        )
        return "The error message is no string, so it will not be displayed."
    if text.is_sensitive:
        diagnostics.error(
            "Error message refers to sensitive values",
            "The error expression used to explain this condition refers to sensitive values, so "
            "its text is not displayed. Remove the references to sensitive values, or use "
            "nonsensitive() if the text will not reveal them.",
            range=place,
        )
        return "The error message included a sensitive value, so it will not be displayed."
    return str(text.payload)
