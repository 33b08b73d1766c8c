"""Bodies and schemas to values: what the arguments of one block come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from mlform.addresses import ResourceAddress, parse_target
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostic, Diagnostics, SourceRange, did_you_mean
from mlform.digests import Json, JsonObject
from mlform.graph.bodies import DYNAMIC_BLOCK, expression_at, read_dynamic, sorted_body
from mlform.graph.dynamic import Expansion, PlacedBlock, expand
from mlform.hcl import ast
from mlform.hcl.json_tree import JsonProperty, blocks_of, json_problems, with_blocks
from mlform.lang.construct import object_of, tuple_of
from mlform.lang.convert import ConversionError, convert, format_path, type_name
from mlform.lang.encode import from_json
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.types import DYNAMIC, STRING
from mlform.lang.values import UNKNOWN, UNKNOWN_VALUE, Value, null, string
from mlform.schema import Attribute, BlockSchema, NestedBlock, ResourceReference

_NO_BLOCKS: Final = tuple_of(())


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
        return object_of(self._members(schema, body, place))

    def _members(self, schema: BlockSchema, body: ast.Body, place: SourceRange) -> dict[str, Value]:
        found: dict[str, Value] = {}
        body, problems = sorted_body(body, schema)
        self.diagnostics.extend((*problems, *json_problems(body.attributes)))
        given = {attribute.name: attribute for attribute in body.attributes}
        for attribute in schema.attributes:
            if not attribute.computed:
                found[attribute.name] = self._argument(attribute, given.get(attribute.name), place)
        blocks = expand(body.blocks, schema, self.scope, self.diagnostics)
        present = {*blocks.open_types, *(each.block.type for each in blocks.blocks)}
        for block in schema.blocks:
            if block.required or block.name in present:
                found[block.name] = self._nested(block, blocks, place)
            else:
                found[block.name] = _NO_BLOCKS if block.repeated else null(DYNAMIC)
        self._refuse_unknown(schema, body)
        self._check_one_of(schema, blocks, place)
        return found

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
                got = f"a {found} resource" if found else _with_article(type_name(item.type))
                self._invalid(
                    given,
                    "Incorrect attribute value type",
                    f'The argument "{attribute.name}" takes a whole {wanted} resource, such as '
                    f"{example}, but this is {got}.",
                    place=_item_range(given.expression, position),
                )
                return Value(DYNAMIC, UNKNOWN)
        return tuple_of(items) if reference.many else value

    def _nested(self, block: NestedBlock, blocks: Expansion, place: SourceRange) -> Value:
        given = blocks.of_type(block.name)
        is_open = block.name in blocks.open_types
        if block.required and not given and not is_open:
            label = f' "{block.label.upper()}"' if block.label else ""
            self.diagnostics.error(
                f"Insufficient {block.name} blocks",
                f'At least 1 "{block.name}" block is required: {block.name}{label} {{ … }}. '
                f"{block.description}",
                range=place,
            )
        if not block.repeated:
            self._refuse_several(block, given)
        of_type = (each for each in blocks.blocks if each.block.type == block.name)
        resolved = [self._placed(block, each) for each in of_type]
        if is_open:
            return UNKNOWN_VALUE
        values = [value for value in resolved if value is not None]
        if block.repeated:
            return tuple_of(values)
        return values[0] if values else null(DYNAMIC)

    def _refuse_several(self, block: NestedBlock, given: tuple[PlacedBlock, ...]) -> None:
        for extra in given[1:]:
            self.diagnostics.error(
                f"Too many {block.name} blocks",
                f'No more than 1 "{block.name}" block is allowed. Remove this one or the one '
                f"at {given[0].block.range}.",
                range=extra.block.range,
            )

    def _placed(self, block: NestedBlock, given: PlacedBlock) -> Value | None:
        """Return the value of a block, in what its place can see; None if it has none."""
        if block.label and not given.block.labels and not given.is_certain:
            return None
        inside = BodyResolver(scope=given.scope, diagnostics=self.diagnostics)
        return inside._block(block, given.block)

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
        inside = self._members(block.schema_of(label), given.body, given.range)
        if block.label is not None and label is not None:
            inside.setdefault(block.label, string(label))
        return object_of(inside)

    def _refuse_label(self, block: NestedBlock, label: str, place: SourceRange) -> None:
        choices = ", ".join(f'"{name}"' for name in block.variants)
        reason = block.refused.get(label)
        if reason is None:
            reason = f'There is no {block.name} "{label}".{did_you_mean(label, block.variants)}'
        self.diagnostics.error(
            f"Unsupported {block.name}", f"{reason} Known are: {choices}.", range=place
        )

    def _refuse_unknown(self, schema: BlockSchema, body: ast.Body) -> None:
        for given in body.attributes:
            attribute = schema.attribute(given.name)
            if attribute is None:
                arguments, blocks = _expected(schema)
                unsupported = (
                    _unsupported_property
                    if isinstance(given, JsonProperty)
                    else _unsupported_argument
                )
                summary, detail = unsupported(given.name, arguments, blocks)
                self.diagnostics.error(summary, detail, range=given.name_range)
            elif attribute.computed:
                self.diagnostics.error(
                    "Value for unconfigurable attribute",
                    f'"{given.name}" is set by apply and cannot be written. Remove the argument.',
                    range=given.name_range,
                )
        for block in body.blocks:
            if schema.block(block.type) is None and block.type != DYNAMIC_BLOCK:
                arguments, blocks = _expected(schema)
                self.diagnostics.error(
                    "Unsupported block type",
                    _unsupported_block(block.type, arguments, blocks),
                    range=block.type_range,
                )

    def _check_one_of(self, schema: BlockSchema, blocks: Expansion, place: SourceRange) -> None:
        if not schema.one_of:
            return
        given = [
            each.block
            for each in blocks.blocks
            if each.block.type in schema.one_of and each.is_certain
        ]
        choices = ", ".join(schema.one_of)
        if not given and blocks.open_types.isdisjoint(schema.one_of):
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


def _expected(schema: BlockSchema) -> tuple[list[str], list[str]]:
    """Return the names of the arguments and of the blocks that can be written."""
    arguments = [item.name for item in schema.attributes if not item.computed]
    return arguments, [block.name for block in schema.blocks]


def plain(value: Value) -> Json:
    """Return the JSON of a value, with null for what is unknown; marks are dropped."""
    payload = value.payload
    if type(payload) is str or payload is None:  # most are
        return payload
    if payload is UNKNOWN:
        return None
    if isinstance(payload, Decimal):
        return float(payload)
    if isinstance(payload, tuple):
        return [plain(item) for item in payload]
    if isinstance(payload, dict):
        return {
            name: None if item.payload is None else plain(item) for name, item in payload.items()
        }
    return payload


def plain_object(value: Value) -> JsonObject:
    """Return the JSON of an object value."""
    document = plain(value)
    return document if isinstance(document, Mapping) else {}


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
    if not isinstance(arguments.payload, dict) or not schema.references:
        return arguments
    replaced = dict(arguments.payload)
    for attribute, value in _references(schema, arguments):
        if isinstance(value.payload, tuple):
            replaced[attribute.name] = tuple_of([_address(item) for item in value.payload])
        else:
            replaced[attribute.name] = _address(value)
    return object_of(replaced)


def range_of(body: ast.Body, path: Sequence[str | int], place: SourceRange) -> SourceRange:
    """Return the narrowest range in a body that a path into its arguments leads to.

    What came from a `dynamic` block is found in its content; which of several in a row made it
    depends on values, so the first one is taken.
    """
    if not path:
        return place
    name, rest = path[0], path[1:]
    position = rest[0] if rest and isinstance(rest[0], int) else 0
    inside = rest[1:] if rest and isinstance(rest[0], int) else rest
    body, _ = with_blocks(body, {DYNAMIC_BLOCK: ("type",)})
    for attribute in body.attributes:
        if attribute.name == name:
            block = _json_block(attribute, position, inside)
            if block is not None:
                return range_of(block.body, inside, block.range)
            return _expression_range(attribute.expression, rest)
    found = _block_at(body, name, position)
    return place if found is None else range_of(found.body, inside, found.range)


def _block_at(body: ast.Body, name: str | int, position: int) -> ast.Block | None:
    """Return the block of a type at a position, or the content of what may have made it."""
    at = 0
    for block in body.blocks:
        if block.type == DYNAMIC_BLOCK and block.labels == (name,):
            contents = read_dynamic(block)[0].contents
            return contents[0] if contents else block
        if block.type == name:
            if at == position:
                return block
            at += 1
    return None


def _json_block(
    attribute: ast.Attribute, position: int, inside: Sequence[str | int]
) -> ast.Block | None:
    """Return the block that a JSON property has at a position, if that has what is looked for."""
    if not isinstance(attribute, JsonProperty) or not inside:
        return None
    for labels in ((), ("label",)):
        blocks, _ = blocks_of(attribute, labels)
        if position < len(blocks):
            block = blocks[position]
            if any(each.name == inside[0] for each in block.body.attributes):
                return block
    return None


def _expression_range(expression: ast.Expression, path: Sequence[str | int]) -> SourceRange:
    found = expression_at(expression, path)
    if not path and isinstance(found, ast.Tuple) and len(found.items) == 1:
        return found.items[0].range
    return found.range


def _references(schema: BlockSchema, arguments: Value) -> list[tuple[Attribute, Value]]:
    payload = arguments.payload
    if not isinstance(payload, dict):
        return []
    return [(attribute, payload[attribute.name]) for attribute in schema.references]


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
    try:
        target = parse_target(address)
    except ValueError:  # an object of somebody's own that happens to have such an attribute
        return None
    return target.kind if isinstance(target, ResourceAddress) else None


def _item_range(expression: ast.Expression, position: int) -> SourceRange:
    if isinstance(expression, ast.Tuple) and position < len(expression.items):
        return expression.items[position].range
    return expression.range


def _at(error: ConversionError) -> str:
    return f", at {format_path(error.path)}" if error.path else ""


def _unsupported_argument(name: str, arguments: list[str], blocks: list[str]) -> tuple[str, str]:
    if name in blocks:
        detail = (
            f'An argument named "{name}" is not expected here, but there is a block of that name: '
            f"write {name} {{ … }} without the equals sign."
        )
    else:
        detail = (
            f'An argument named "{name}" is not expected here.{did_you_mean(name, arguments)}'
            f"{_listing('Arguments', arguments)}"
        )
    return "Unsupported argument", detail


def _unsupported_property(name: str, arguments: list[str], blocks: list[str]) -> tuple[str, str]:
    known = [*arguments, *blocks]
    detail = (
        f'No argument or block type is named "{name}".{did_you_mean(name, known)}'
        f"{_listing('Arguments and blocks', known)}"
    )
    return "Extraneous JSON object property", detail


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


def _with_article(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"
