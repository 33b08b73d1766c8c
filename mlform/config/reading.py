"""Bodies against the arguments and blocks that are allowed in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlform.dataclass import dataclass, field, replace
from mlform.diagnostics import Diagnostics, SourceRange, did_you_mean
from mlform.hcl.ast import Attribute, Block, Body
from mlform.hcl.json_tree import JsonProperty, bare, json_problems, literal, with_blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What may stand in a body.

    Attributes:
        required: Names of arguments that must be set.
        optional: Names of arguments that may be set.
        blocks: Types of blocks, each with the names of its labels.
        literal: Those arguments whose strings are their own text in JSON syntax, not templates.
        bare: Those arguments whose strings are expressions in JSON syntax, such as references.
        elsewhere: Names people may expect here, with what to write instead.
        is_open: Whether anything else is allowed too and kept for a later phase.
    """

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    blocks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    literal: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    is_open: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        """All names of arguments."""
        return (*self.required, *self.optional)

    def leaves(self, name: str) -> bool:
        """Whether a name is none of this shape's and left to a later phase."""
        known = name in self.arguments or name in self.blocks or name in self.elsewhere
        return self.is_open and not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A body sorted by its shape.

    Attributes:
        arguments: The known arguments by name.
        blocks: The known blocks with the right number of labels, in source order.
        rest: What an open shape leaves over.
    """

    arguments: Mapping[str, Attribute]
    blocks: tuple[Block, ...]
    rest: Body

    def blocks_of(self, type_: str) -> tuple[Block, ...]:
        """Return the blocks of one type."""
        return tuple(block for block in self.blocks if block.type == type_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads bodies and records what is wrong with them.

    Attributes:
        diagnostics: Where problems go.
        syntax_errors: Places of syntax errors. The parser leaves out what it could not read, so
            where there was such an error nothing is reported as missing.
    """

    diagnostics: Diagnostics
    syntax_errors: tuple[SourceRange, ...] = ()

    def read(self, body: Body, shape: Shape, header: SourceRange) -> Content:
        """Sort a body by its shape; `header` is where missing arguments are reported.

        Properties of JSON syntax become the blocks and the expressions that the shape says.
        """
        written = {attribute.name for attribute in body.attributes}
        body = self.native(body, shape)
        arguments, other = self._arguments(body, shape)
        blocks, other_blocks = self._blocks(body, shape)
        if not self.is_broken(body):
            for name in shape.required:
                if name not in written:
                    self._missing(name, header)
        rest = Body(tuple(other), tuple(other_blocks), body.range)
        return Content(arguments=arguments, blocks=tuple(blocks), rest=rest)

    def native(self, body: Body, shape: Shape) -> Body:
        """Return a body in which JSON properties are the blocks or arguments of its shape."""
        if not any(isinstance(each, JsonProperty) for each in body.attributes):
            return body
        body, problems = with_blocks(body, shape.blocks)
        self.diagnostics.extend(problems)
        no_templates = (*shape.literal, *shape.bare)
        self.diagnostics.extend(json_problems(body.attributes, no_templates))
        attributes: dict[str, Attribute] = {}
        for given in body.attributes:
            attribute = self._argument(given, shape)
            if attribute is not None:
                attributes.setdefault(attribute.name, attribute)
        return Body(tuple(attributes.values()), body.blocks, body.range)

    def _argument(self, attribute: Attribute, shape: Shape) -> Attribute | None:
        """Return an argument as its shape wants it; None if its string holds no expression."""
        if not isinstance(attribute, JsonProperty):
            return attribute
        if attribute.name in shape.literal:
            return replace(attribute, expression=literal(attribute.value))
        if attribute.name in shape.bare:
            expression, problems = bare(attribute.value)
            self.diagnostics.extend(problems)
            return None if expression is None else replace(attribute, expression=expression)
        return attribute

    def _arguments(self, body: Body, shape: Shape) -> tuple[dict[str, Attribute], list[Attribute]]:
        known: dict[str, Attribute] = {}
        other: list[Attribute] = []
        for attribute in body.attributes:
            if attribute.name in shape.arguments:
                known[attribute.name] = attribute
            elif shape.leaves(attribute.name):
                other.append(attribute)
            else:
                self._unexpected_argument(attribute, shape)
        return known, other

    def _blocks(self, body: Body, shape: Shape) -> tuple[list[Block], list[Block]]:
        known: list[Block] = []
        other: list[Block] = []
        for block in body.blocks:
            if block.type in shape.blocks:
                if self._has_labels(block, shape.blocks[block.type]):
                    known.append(block)
            elif shape.leaves(block.type):
                other.append(block)
            else:
                self._unexpected_block(block, shape)
        return known, other

    def is_broken(self, body: Body) -> bool:
        """Whether a syntax error lies in the body, so that something of it may be missing."""
        return any(
            place.source is body.range.source
            and body.range.start_offset <= place.start_offset <= body.range.end_offset
            for place in self.syntax_errors
        )

    def _has_labels(self, block: Block, names: tuple[str, ...]) -> bool:
        if len(block.labels) < len(names):
            missing = names[len(block.labels)]
            self.diagnostics.error(
                f"Missing {missing} for {block.type}",
                f'A "{block.type}" block needs {_count(names)}: '
                f"{block.type} {_labels(names)} {{ … }}",
                range=block.type_range,
            )
            return False
        if len(block.labels) > len(names):
            expected = (
                f"Only {_count(names)} ({', '.join(names)}) may follow"
                if names
                else "No labels may follow"
            )
            self.diagnostics.error(
                f"Extraneous label for {block.type}",
                f'{expected} the type of a "{block.type}" block. Remove this label.',
                range=block.label_ranges[len(names)],
            )
            return False
        return True

    def single(self, blocks: Iterable[Block], owner: str) -> Block | None:
        """Return the only block, or None; record a problem for each further one."""
        first: Block | None = None
        for block in blocks:
            if first is None:
                first = block
                continue
            self.diagnostics.error(
                f"Duplicate {block.type} block",
                f"This {owner} already has a {block.type} block at {first.range}. Join the two.",
                range=block.range,
            )
        return first

    def _unexpected_argument(self, attribute: Attribute, shape: Shape) -> None:
        name = attribute.name
        instead = shape.elsewhere.get(name)
        if isinstance(attribute, JsonProperty):
            known = (*shape.arguments, *shape.blocks)
            detail = f'No argument or block type is named "{name}".{did_you_mean(name, known)}'
            self.diagnostics.error(
                "Extraneous JSON object property", instead or detail, range=attribute.name_range
            )
            return
        detail = f'An argument named "{name}" is not expected here.'
        if instead is not None:
            detail = instead
        elif name in shape.blocks:
            header = " ".join((name, _labels(shape.blocks[name]))).rstrip()
            detail += f" Did you mean to define a block? Write: {header} {{ … }}"
        else:
            detail += did_you_mean(name, shape.arguments)
        self.diagnostics.error("Unsupported argument", detail, range=attribute.name_range)

    def _unexpected_block(self, block: Block, shape: Shape) -> None:
        name = block.type
        instead = shape.elsewhere.get(name)
        detail = f'Blocks of type "{name}" are not expected here.'
        if instead is not None:
            detail = instead
        elif name in shape.arguments:
            detail += f' Did you mean to set the argument "{name}"? Write: {name} = …'
        else:
            detail += did_you_mean(name, shape.blocks)
        self.diagnostics.error("Unsupported block type", detail, range=block.type_range)

    def _missing(self, name: str, header: SourceRange) -> None:
        self.diagnostics.error(
            "Missing required argument",
            f'The argument "{name}" is required, but it is not set here.',
            range=header,
        )


def _labels(names: tuple[str, ...]) -> str:
    return " ".join(f'"{name.upper()}"' for name in names)


def _count(names: tuple[str, ...]) -> str:
    return "one label" if len(names) == 1 else f"{len(names)} labels"
