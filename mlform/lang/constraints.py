"""Type constraints: `list(string)`, `object({ a = optional(number, 1) })` and so on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mlform.diagnostics import Diagnostics, SourceRange, did_you_mean
from mlform.hcl import ast
from mlform.lang.conversion import ConversionError, apply_defaults, convert
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.types import (
    BOOL,
    DYNAMIC,
    NUMBER,
    STRING,
    ListType,
    MapType,
    ObjectType,
    SetType,
    TupleType,
    Type,
)

_KEYWORDS: Final[dict[str, Type]] = {
    "string": STRING,
    "number": NUMBER,
    "bool": BOOL,
    "any": DYNAMIC,
}
_COLLECTIONS: Final[dict[str, Callable[[Type], Type]]] = {
    "list": ListType,
    "set": SetType,
    "map": MapType,
}
_STRUCTURES: Final = ("object", "tuple")
_SUMMARY: Final = "Invalid type specification"
_OPTIONAL_ARGUMENTS: Final = (1, 2)


def type_from_expression(expression: ast.Expression, diagnostics: Diagnostics) -> Type:
    """Return the type that a type constraint means; `any` where it is wrong, with a diagnostic.

    Attributes declared with `optional(type, default)` are in `ObjectType.optional`, their defaults,
    converted to their type, in `ObjectType.defaults`.
    """
    if isinstance(expression, ast.Variable):
        return _keyword(expression, diagnostics)
    if isinstance(expression, ast.Call):
        return _constructed(expression, diagnostics)
    hint = ""
    if isinstance(expression, ast.Template) and expression.constant in _KEYWORDS:
        hint = f" Write {expression.constant} without quotes."
    return _invalid(
        "A type specification is either a primitive type keyword (bool, number, string), the "
        f"keyword any, or a complex type constructor call, like list(string).{hint}",
        expression.range,
        diagnostics,
    )


def _invalid(detail: str, place: SourceRange, diagnostics: Diagnostics) -> Type:
    diagnostics.error(_SUMMARY, detail, range=place)
    return DYNAMIC


def _keyword(expression: ast.Variable, diagnostics: Diagnostics) -> Type:
    name = expression.name
    found = _KEYWORDS.get(name)
    if found is not None:
        return found
    if name in _COLLECTIONS:
        detail = (
            f"The {name} type constructor requires one argument specifying the element type, such "
            f"as {name}(string)."
        )
    elif name in _STRUCTURES:
        detail = f"The {name} type constructor requires one argument specifying its contents."
    else:
        known = [*_KEYWORDS, *_COLLECTIONS, *_STRUCTURES]
        detail = (
            f'The keyword "{name}" is not a valid type specification.{did_you_mean(name, known)}'
        )
    return _invalid(detail, expression.range, diagnostics)


def _constructed(expression: ast.Call, diagnostics: Diagnostics) -> Type:
    name, arguments = expression.name, expression.arguments
    if name in _COLLECTIONS or name in _STRUCTURES:
        if len(arguments) != 1:
            detail = f"The {name} type constructor requires exactly one argument."
            return _invalid(detail, expression.range, diagnostics)
        if name == "object":
            return _object(arguments[0], diagnostics)
        if name == "tuple":
            return _tuple(arguments[0], diagnostics)
        return _COLLECTIONS[name](type_from_expression(arguments[0], diagnostics))
    if name in _KEYWORDS:
        detail = f"The primitive type keyword {name} takes no arguments. Write {name} alone."
    elif name == "optional":
        detail = 'Keyword "optional" is valid only as a modifier for object type attributes.'
    else:
        hint = did_you_mean(name, [*_COLLECTIONS, *_STRUCTURES])
        detail = f'Keyword "{name}" is not a valid type constructor.{hint}'
    return _invalid(detail, expression.name_range, diagnostics)


def _tuple(expression: ast.Expression, diagnostics: Diagnostics) -> Type:
    if isinstance(expression, ast.Tuple):
        return TupleType(
            tuple(type_from_expression(item, diagnostics) for item in expression.items)
        )
    detail = (
        "Tuple type constructor requires a list of element types, such as tuple([string, number])."
    )
    return _invalid(detail, expression.range, diagnostics)


def _object(expression: ast.Expression, diagnostics: Diagnostics) -> Type:
    if not isinstance(expression, ast.Object):
        detail = (
            "Object type constructor requires a map whose keys are attribute names, such as "
            "object({ a = string })."
        )
        return _invalid(detail, expression.range, diagnostics)
    attributes: dict[str, Type] = {}
    optional: set[str] = set()
    defaults: dict[str, object] = {}
    for item in expression.items:
        name = item.key.constant if isinstance(item.key, ast.Template) else None
        if name is None:
            _invalid(
                "Object constructor map keys must be attribute names.", item.key.range, diagnostics
            )
            continue
        value = item.value
        if isinstance(value, ast.Call) and value.name == "optional":
            optional.add(name)
            attributes[name] = _optional(name, value, defaults, diagnostics)
        else:
            attributes[name] = type_from_expression(value, diagnostics)
    return ObjectType(
        tuple(sorted(attributes.items(), key=lambda entry: entry[0])),
        frozenset(optional),
        tuple((name, defaults[name]) for name in sorted(defaults)),
    )


def _optional(
    name: str, call: ast.Call, defaults: dict[str, object], diagnostics: Diagnostics
) -> Type:
    if len(call.arguments) not in _OPTIONAL_ARGUMENTS:
        detail = (
            "Optional attribute modifier requires the attribute type as its argument, and may have "
            "a default value after it."
        )
        return _invalid(detail, call.range, diagnostics)
    type_ = type_from_expression(call.arguments[0], diagnostics)
    if len(call.arguments) == 1:
        return type_
    place = call.arguments[1]
    default = resolve(place, Scope(), diagnostics)
    try:
        defaults[name] = convert(apply_defaults(default, type_), type_)
    except ConversionError as error:
        diagnostics.error(
            "Invalid default value for optional attribute",
            f"This default value is not compatible with the attribute's type constraint: {error}.",
            range=place.range,
        )
    return type_
