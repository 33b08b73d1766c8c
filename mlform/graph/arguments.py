"""Bodies and schemas to values: what the arguments of one block come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostic, Diagnostics, SourceRange, did_you_mean
from mlform.digests import Json, JsonObject
from mlform.hcl import ast
from mlform.lang.construct import object_of, tuple_of
from mlform.lang.convert import ConversionError, convert, format_path, type_name
from mlform.lang.encode import from_json
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.types import DYNAMIC, STRING
from mlform.lang.values import UNKNOWN, Value, null, string
from mlform.schema import Attribute, BlockSchema, NestedBlock, ResourceReference


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyResolver:
    """Resolves bodies in one scope, recording problems.

    Attributes:
        scope: Where names are looked up.
        diagnostics: Where problems are recorded.
    """

    scope: Scope
    diagnostics: Diagnostics

    def resolve(self, schema: BlockSchema, body: ast.Body, place: SourceRange) -> Value:
        """Return an object with every argument and block of the schema.

        Absent ones have their default or null; broken ones are unknown, with a diagnostic.

        Args:
            schema: What may stand in the body.
            body: What stands there.
            place: The header of the block, for what is missing.
        """
        found: dict[str, Value] = {}
        given = {attribute.name: attribute for attribute in body.attributes}
        for attribute in schema.attributes:
            if not attribute.computed:
                found[attribute.name] = self._argument(attribute, given.get(attribute.name), place)
        for block in schema.blocks:
            found[block.name] = self._nested(block, body, place)
        self._refuse_unknown(schema, body)
        self._check_one_of(schema, body, place)
        return object_of(found)

    def _argument(
        self, attribute: Attribute, given: ast.Attribute | None, place: SourceRange
    ) -> Value:
        if given is None:
            if attribute.required:
                self.diagnostics.error(
                    "Missing required argument",
                    f'The argument "{attribute.name}" is required, but no definition was found. '
                    f"{attribute.description}",
                    range=place,
                )
            return _default(attribute)
        value = resolve(given.expression, self.scope, self.diagnostics)
        if isinstance(attribute.type, ResourceReference):
            return self._reference(attribute, attribute.type, value, given)
        try:
            converted = convert(value, attribute.type)
        except ConversionError as error:
            self._invalid(
                given,
                "Incorrect attribute value type",
                f'Inappropriate value for attribute "{attribute.name}"{_at(error)}: '
                f"{error.message}.",
            )
            return Value(attribute.type, UNKNOWN)
        if converted.is_null:
            if attribute.required:
                self._invalid(
                    given,
                    "Missing required argument",
                    f'The argument "{attribute.name}" is required, but its value is null. '
                    f"{attribute.description}",
                )
            if attribute.default is None:
                return converted
            return _default(attribute).with_marks(converted.marks)
        self._check_allowed(attribute, converted, given)
        return converted

    def _check_allowed(self, attribute: Attribute, value: Value, given: ast.Attribute) -> None:
        text = value.payload
        if attribute.allowed and isinstance(text, str) and text not in attribute.allowed:
            choices = ", ".join(f'"{name}"' for name in attribute.allowed)
            shown = "The value" if value.is_sensitive else f'"{text}"'
            self._invalid(
                given,
                "Invalid argument value",
                f"{shown} is not one of the values {attribute.name} can have: {choices}."
                f"{'' if value.is_sensitive else did_you_mean(text, attribute.allowed)}",
            )

    def _reference(
        self,
        attribute: Attribute,
        reference: ResourceReference,
        value: Value,
        given: ast.Attribute,
    ) -> Value:
        items = value.payload if reference.many else (value,)
        if items is UNKNOWN or (value.payload is UNKNOWN):
            return value
        wanted = " or ".join(reference.kinds)
        example = f"{reference.kinds[0]}.NAME"
        if reference.many and not isinstance(items, tuple):
            self._invalid(
                given,
                "Incorrect attribute value type",
                f'The argument "{attribute.name}" takes a list of {wanted} resources, such as '
                f"[{example}].",
            )
            return Value(DYNAMIC, UNKNOWN)
        assert isinstance(items, tuple)  # noqa: S101 - for the type checker
        for position, item in enumerate(items):
            if item.payload is not UNKNOWN and _kind_of(item) not in reference.kinds:
                found = _kind_of(item)
                got = f"a {found} resource" if found else type_name(item.type)
                self._invalid(
                    given,
                    "Incorrect attribute value type",
                    f'The argument "{attribute.name}" takes a whole {wanted} resource, such as '
                    f"{example}, but this is {got}.",
                    place=_item_range(given.expression, position),
                )
                return Value(DYNAMIC, UNKNOWN)
        return tuple_of(items) if reference.many else value

    def _nested(self, block: NestedBlock, body: ast.Body, place: SourceRange) -> Value:
        given = [item for item in body.blocks if item.type == block.name]
        if block.required and not given:
            label = f' "{block.label.upper()}"' if block.label else ""
            self.diagnostics.error(
                f"Insufficient {block.name} blocks",
                f'At least 1 "{block.name}" block is required: {block.name}{label} {{ … }}. '
                f"{block.description}",
                range=place,
            )
        if not block.repeated:
            for extra in given[1:]:
                self.diagnostics.error(
                    f"Too many {block.name} blocks",
                    f'No more than 1 "{block.name}" block is allowed. Remove this one or the one '
                    f"at {given[0].range}.",
                    range=extra.range,
                )
        values = [value for item in given if (value := self._block(block, item)) is not None]
        if block.repeated:
            return tuple_of(values)
        return values[0] if values else null(DYNAMIC)

    def _block(self, block: NestedBlock, given: ast.Block) -> Value | None:
        wanted = 1 if block.label else 0
        if len(given.labels) != wanted:
            what = f"one label, its {block.label}" if block.label else "no label"
            self.diagnostics.error(
                f"Wrong number of labels for {block.name}",
                f"A {block.name} block takes {what}.",
                range=given.label_ranges[wanted] if len(given.labels) > wanted else given.range,
            )
            return None
        label = given.labels[0] if wanted else None
        if block.variants and label not in block.variants:
            self._refuse_label(block, label or "", given.label_ranges[0])
            return None
        inside = self.resolve(block.schema_of(label), given.body, given.range)
        if block.label is None or label is None or not isinstance(inside.payload, dict):
            return inside
        return object_of({block.label: string(label), **inside.payload})

    def _refuse_label(self, block: NestedBlock, label: str, place: SourceRange) -> None:
        choices = ", ".join(f'"{name}"' for name in block.variants)
        reason = block.refused.get(label)
        if reason is None:
            reason = f'There is no {block.name} "{label}".{did_you_mean(label, block.variants)}'
        self.diagnostics.error(
            f"Unsupported {block.name}", f"{reason} Known are: {choices}.", range=place
        )

    def _refuse_unknown(self, schema: BlockSchema, body: ast.Body) -> None:
        blocks = [block.name for block in schema.blocks]
        arguments = [item.name for item in schema.attributes if not item.computed]
        for given in body.attributes:
            attribute = schema.attribute(given.name)
            if attribute is None:
                self.diagnostics.error(
                    "Unsupported argument",
                    _unsupported_argument(given.name, arguments, blocks),
                    range=given.name_range,
                )
            elif attribute.computed:
                self.diagnostics.error(
                    "Value for unconfigurable attribute",
                    f'"{given.name}" is set by apply and cannot be written. Remove the argument.',
                    range=given.name_range,
                )
        for block in body.blocks:
            if schema.block(block.type) is None:
                self.diagnostics.error(
                    "Unsupported block type",
                    _unsupported_block(block.type, arguments, blocks),
                    range=block.type_range,
                )

    def _check_one_of(self, schema: BlockSchema, body: ast.Body, place: SourceRange) -> None:
        if not schema.one_of:
            return
        given = [block for block in body.blocks if block.type in schema.one_of]
        choices = ", ".join(schema.one_of)
        if not given:
            self.diagnostics.error(
                "Missing required block",
                f"Exactly one of these blocks is required: {choices}.",
                range=place,
            )
        for extra in given[1:]:
            if extra.type != given[0].type:
                self.diagnostics.error(
                    "Conflicting blocks",
                    f"Exactly one of these blocks is allowed: {choices}. There is a "
                    f"{given[0].type} block at {given[0].range} already.",
                    range=extra.range,
                )

    def _invalid(
        self, given: ast.Attribute, summary: str, detail: str, place: SourceRange | None = None
    ) -> None:
        self.diagnostics.add(
            Diagnostic(
                summary=summary,
                detail=detail,
                range=place or given.expression.range,
                context=given.range,
            )
        )


def plain(value: Value) -> Json:
    """Return the JSON of a value, with null for what is unknown; marks are dropped."""
    payload = value.payload
    if payload is UNKNOWN:
        return None
    if isinstance(payload, Decimal):
        return float(payload)
    if isinstance(payload, tuple):
        return [plain(item) for item in payload]
    if isinstance(payload, dict):
        return {name: plain(item) for name, item in payload.items()}
    return payload


def upstream_of(schema: BlockSchema, arguments: Value) -> Mapping[str, tuple[JsonObject, ...]]:
    """Return the attributes of the resources that the reference arguments name."""
    found: dict[str, tuple[JsonObject, ...]] = {}
    for attribute, value in _references(schema, arguments):
        items = value.payload if isinstance(value.payload, tuple) else (value,)
        objects = [plain(item) for item in items]
        found[attribute.name] = tuple(item for item in objects if isinstance(item, Mapping))
    return found


def with_addresses(schema: BlockSchema, arguments: Value) -> Value:
    """Return the arguments with the address in place of each whole resource."""
    if not isinstance(arguments.payload, dict):
        return arguments
    replaced = dict(arguments.payload)
    for attribute, value in _references(schema, arguments):
        if isinstance(value.payload, tuple):
            replaced[attribute.name] = tuple_of([_address(item) for item in value.payload])
        else:
            replaced[attribute.name] = _address(value)
    return object_of(replaced)


def range_of(body: ast.Body, path: Sequence[str | int], place: SourceRange) -> SourceRange:
    """Return the narrowest range in a body that a path into its arguments leads to."""
    if not path:
        return place
    name, rest = path[0], path[1:]
    for attribute in body.attributes:
        if attribute.name == name:
            return _expression_range(attribute.expression, rest)
    position = rest[0] if rest and isinstance(rest[0], int) else 0
    blocks = [block for block in body.blocks if block.type == name]
    if position < len(blocks):
        block = blocks[position]
        inside = rest[1:] if rest and isinstance(rest[0], int) else rest
        return range_of(block.body, inside, block.range)
    return place


def _expression_range(expression: ast.Expression, path: Sequence[str | int]) -> SourceRange:
    if path and isinstance(expression, ast.Tuple) and isinstance(path[0], int):
        if path[0] < len(expression.items):
            return _expression_range(expression.items[path[0]], path[1:])
    elif path and isinstance(expression, ast.Object):
        for item in expression.items:
            if isinstance(item.key, ast.Template) and item.key.constant == path[0]:
                return _expression_range(item.value, path[1:])
    elif not path and isinstance(expression, ast.Tuple) and len(expression.items) == 1:
        return expression.items[0].range
    return expression.range


def _references(schema: BlockSchema, arguments: Value) -> list[tuple[Attribute, Value]]:
    payload = arguments.payload
    if not isinstance(payload, dict):
        return []
    return [
        (attribute, payload[attribute.name])
        for attribute in schema.attributes
        if isinstance(attribute.type, ResourceReference)
    ]


def _default(attribute: Attribute) -> Value:
    if isinstance(attribute.type, ResourceReference):
        return tuple_of(()) if attribute.type.many else null(DYNAMIC)
    if attribute.default is None:
        return null(attribute.type)
    return convert(from_json(attribute.default), attribute.type)


def _address(value: Value) -> Value:
    if isinstance(value.payload, dict):
        return value.payload.get("address", null(STRING))
    return Value(STRING, UNKNOWN if value.payload is UNKNOWN else None)


def _kind_of(value: Value) -> str | None:
    address = _address(value).payload
    if not isinstance(address, str):
        return None
    return address.split("[")[0].rsplit(".", 2)[-2]


def _item_range(expression: ast.Expression, position: int) -> SourceRange:
    if isinstance(expression, ast.Tuple) and position < len(expression.items):
        return expression.items[position].range
    return expression.range


def _at(error: ConversionError) -> str:
    return f", at {format_path(error.path)}" if error.path else ""


def _unsupported_argument(name: str, arguments: list[str], blocks: list[str]) -> str:
    if name in blocks:
        return (
            f'An argument named "{name}" is not expected here, but there is a block of that name: '
            f"write {name} {{ … }} without the equals sign."
        )
    return (
        f'An argument named "{name}" is not expected here.{did_you_mean(name, arguments)}'
        f"{_listing('Arguments', arguments)}"
    )


def _unsupported_block(name: str, arguments: list[str], blocks: list[str]) -> str:
    if name in arguments:
        return (
            f'Blocks of type "{name}" are not expected here, but there is an argument of that '
            f"name: write {name} = …."
        )
    return (
        f'Blocks of type "{name}" are not expected here.{did_you_mean(name, blocks)}'
        f"{_listing('Blocks', blocks)}"
    )


def _listing(what: str, names: list[str]) -> str:
    return f" {what} here are: {', '.join(names)}." if names else ""
