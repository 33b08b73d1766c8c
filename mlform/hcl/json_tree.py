"""Trees of HCL's JSON syntax, where the schema decides whether a property is argument or block.

A file in JSON syntax gives the same `Body` as one in native syntax, but all of its properties are
attributes: `JsonProperty`, which keeps the JSON value beside the expression that it stands for.
Whoever knows what is allowed in a body asks `with_blocks` for the properties that are blocks,
`literal` and `bare` for values that are no expressions, and `problems_of` for those that are.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from mlform.dataclass import dataclass, field
from mlform.diagnostics import Diagnostic, SourceRange
from mlform.hcl.ast import (
    Attribute,
    Block,
    Body,
    Expression,
    Literal,
    Object,
    ObjectItem,
    Template,
    Text,
    Tuple,
)
from mlform.hcl.json_strings import read_expression

COMMENT: Final = "//"
"""The name of properties that are comments, among arguments and blocks and among labels."""
_MISTYPED: Final = "Incorrect JSON value type"


@dataclass(frozen=True, slots=True)
class JsonText:
    """A string.

    Attributes:
        value: The text itself, escapes of JSON resolved.
        expression: The template that it is where an expression is wanted.
        problems: What is wrong with that template.
        range: With the quotes.
    """

    value: str
    expression: Template
    problems: tuple[Diagnostic, ...] = field(compare=False, repr=False)
    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class JsonArray:
    """An array, with the tuple that it is where an expression is wanted."""

    items: tuple[JsonValue, ...]
    expression: Tuple
    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class JsonObject:
    """An object, with the one that it is where an expression is wanted: its keys are templates."""

    properties: tuple[JsonProperty, ...]
    expression: Object
    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class JsonLiteral:
    """A number, `true`, `false` or `null`."""

    expression: Literal
    range: SourceRange = field(compare=False, repr=False)


JsonValue: TypeAlias = JsonText | JsonArray | JsonObject | JsonLiteral


@dataclass(frozen=True, slots=True)
class JsonProperty(Attribute):
    """A property of an object.

    Attributes:
        key: Its name, which is a template in expressions.
        value: Its value; `expression` is that of it.
    """

    key: JsonText
    value: JsonValue


def with_blocks(
    body: Body, labels: Mapping[str, tuple[str, ...]]
) -> tuple[Body, tuple[Diagnostic, ...]]:
    """Return a body with blocks for the properties that mean blocks, and what is wrong with them.

    Args:
        body: Of JSON syntax; one of native syntax is returned as it is.
        labels: The types of blocks, each with what its labels are, for messages.
    """
    attributes: list[Attribute] = []
    blocks = list(body.blocks)
    problems: list[Diagnostic] = []
    for attribute in body.attributes:
        if isinstance(attribute, JsonProperty) and attribute.name in labels:
            found, faults = blocks_of(attribute, labels[attribute.name])
            blocks.extend(found)
            problems.extend(faults)
        else:
            attributes.append(attribute)
    if len(attributes) == len(body.attributes):
        return body, ()
    return Body(tuple(attributes), tuple(blocks), body.range), tuple(problems)


def blocks_of(
    attribute: JsonProperty, labels: tuple[str, ...]
) -> tuple[tuple[Block, ...], tuple[Diagnostic, ...]]:
    """Return the blocks that a property stands for, and what is wrong with it.

    Each label is one level of objects; what they hold is the content of one block, or an array
    with that of several. Objects may be split into arrays of objects everywhere.

    Args:
        attribute: Its name is the type of the blocks.
        labels: What the labels are, for messages.
    """
    reader = _Blocks(attribute.name, attribute.name_range)
    reader.read(attribute.value, labels, ())
    return tuple(reader.blocks), tuple(reader.problems)


def body_of(value: JsonValue) -> tuple[Body, tuple[Diagnostic, ...]]:
    """Return the body that an object, or an array of objects, stands for."""
    problems: list[Diagnostic] = []
    wanted = "to set arguments and blocks"
    properties = tuple(_properties(value, wanted, problems))
    return Body(properties, (), value.range), tuple(problems)


def _properties(
    value: JsonValue, wanted: str, problems: list[Diagnostic]
) -> Iterator[JsonProperty]:
    objects = value.items if isinstance(value, JsonArray) else (value,)
    for each in objects:
        if isinstance(each, JsonObject):
            yield from (item for item in each.properties if item.name != COMMENT)
        elif not _is_null(each) or isinstance(value, JsonArray):
            detail = f"A JSON object, or an array of objects, has to stand here {wanted}."
            problems.append(Diagnostic(summary=_MISTYPED, detail=detail, range=each.range))


def _is_null(value: JsonValue) -> bool:
    return isinstance(value, JsonLiteral) and value.expression.value is None


@dataclass(slots=True)
class _Blocks:
    """The blocks of one type in a body, while they are collected."""

    type: str
    type_range: SourceRange
    blocks: list[Block] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)

    def read(
        self, value: JsonValue, missing: tuple[str, ...], given: tuple[JsonProperty, ...]
    ) -> None:
        """Add the blocks of a value below the labels that are given already."""
        if missing:
            self._label(value, missing, given)
        elif isinstance(value, JsonObject):
            self._add(value, given)
        elif isinstance(value, JsonArray):
            for item in value.items:
                self._add(item, given)
        elif not _is_null(value):
            self._fail(
                _MISTYPED,
                f"The content of {self.type} blocks has to stand here: a JSON object for one "
                "block, an array of objects for several.",
                value.range,
            )

    def _label(
        self, value: JsonValue, missing: tuple[str, ...], given: tuple[JsonProperty, ...]
    ) -> None:
        faults = len(self.problems)
        wanted = f"whose property names are each the {missing[0]} of a {self.type} block"
        found = tuple(_properties(value, wanted, self.problems))
        if not found and len(self.problems) == faults:
            self._fail(
                "Missing block label",
                f"Each {self.type} block needs its {missing[0]}: write it as the name of a "
                "property here, and the content of the block as its value.",
                value.range,
            )
        for each in found:
            self.read(each.value, missing[1:], (*given, each))

    def _add(self, content: JsonValue, given: tuple[JsonProperty, ...]) -> None:
        body, problems = body_of(content)
        self.problems.extend(problems)
        ranges = tuple(each.name_range for each in given)
        header = ranges[-1] if ranges else self.type_range
        labels = tuple(each.name for each in given)
        self.blocks.append(Block(self.type, labels, body, header, self.type_range, ranges))

    def _fail(self, summary: str, detail: str, place: SourceRange) -> None:
        self.problems.append(Diagnostic(summary=summary, detail=detail, range=place))


def json_problems(
    given: Iterable[Attribute], no_templates: Container[str] = ()
) -> Iterator[Diagnostic]:
    """Yield what is wrong with the arguments of one body that only JSON can have wrong.

    That is templates that cannot be read, and names given twice. Of native syntax there is
    nothing: the parser has said it.

    Args:
        given: The arguments.
        no_templates: Names of those whose strings are no templates.
    """
    first: dict[str, Attribute] = {}
    for attribute in given:
        if not isinstance(attribute, JsonProperty):
            continue
        if attribute.name not in no_templates:
            yield from problems_of(attribute.value)
        if first.setdefault(attribute.name, attribute) is not attribute:
            yield _twice("Duplicate argument", attribute, first[attribute.name])


def problems_of(value: JsonValue) -> Iterator[Diagnostic]:
    """Yield what is wrong with a value where an expression is wanted."""
    match value:
        case JsonText():
            yield from value.problems
        case JsonArray():
            for item in value.items:
                yield from problems_of(item)
        case JsonObject():
            first: dict[str, JsonProperty] = {}
            for each in value.properties:
                yield from each.key.problems
                yield from problems_of(each.value)
                if first.setdefault(each.name, each) is not each:
                    yield _twice("Duplicate object attribute", each, first[each.name])
        case JsonLiteral():
            return


def _twice(summary: str, second: JsonProperty, first: Attribute) -> Diagnostic:
    detail = (
        f'"{second.name}" is set on line {first.name_range.start.line} already, and each may be '
        "set only once. Remove one of the two."
    )
    return Diagnostic(summary=summary, detail=detail, range=second.name_range)


def literal(value: JsonValue) -> Expression:
    """Return the expression of a value whose strings are no templates but their own text."""
    match value:
        case JsonText():
            return _constant(value)
        case JsonArray():
            return Tuple(tuple(literal(item) for item in value.items), value.range)
        case JsonObject():
            items = (
                ObjectItem(_constant(each.key), literal(each.value)) for each in value.properties
            )
            return Object(tuple(items), value.range)
        case JsonLiteral():
            return value.expression


def bare(value: JsonValue) -> tuple[Expression | None, tuple[Diagnostic, ...]]:
    """Return the expression of a value whose strings hold expressions, and what is wrong with it.

    That is how references and types are written where the native syntax takes no calculation:
    `"depends_on": ["dataset.titanic"]`. Strings that hold no expression are left out of arrays
    and objects; a value that is just such a string gives None.
    """
    problems: list[Diagnostic] = []
    return _bare(value, problems), tuple(problems)


def _bare(value: JsonValue, problems: list[Diagnostic]) -> Expression | None:
    match value:
        case JsonText():
            expression, faults = read_expression(value.range)
            problems.extend(faults)
            return expression
        case JsonArray():
            items = (_bare(item, problems) for item in value.items)
            return Tuple(tuple(item for item in items if item is not None), value.range)
        case JsonObject():
            pairs = [
                (_constant(each.key), _bare(each.value, problems)) for each in value.properties
            ]
            read = (ObjectItem(key, found) for key, found in pairs if found is not None)
            return Object(tuple(read), value.range)
        case JsonLiteral():
            return value.expression


def _constant(text: JsonText) -> Template:
    return Template((Text(text.value, text.range),) if text.value else (), text.range)
