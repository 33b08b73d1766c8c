"""The syntax tree of HCL, after the published specification of its native syntax.

Every node carries the `SourceRange` it was read from; ranges take no part in equality, so that
`parse(print(tree)) == tree` holds.
"""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import TypeAlias

from mlform.dataclass import dataclass, field
from mlform.diagnostics import SourceRange


class BinaryOperator(Enum):
    """The operators between two operands."""

    OR = "||"
    AND = "&&"
    EQUAL = "=="
    NOT_EQUAL = "!="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    MODULO = "%"


class UnaryOperator(Enum):
    """The operators before one operand."""

    NEGATE = "-"
    NOT = "!"


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, `true`, `false` or `null`. Strings are templates."""

    value: int | Decimal | bool | None
    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Template:
    """A quoted or heredoc template: literal text and expressions, joined to a string.

    A template of exactly one `Interpolation` gives that expression's value unchanged.
    Escapes, heredoc indentation and strip markers are already applied to the text parts.
    """

    parts: tuple[TemplatePart, ...]
    range: SourceRange = field(compare=False, repr=False)

    @property
    def constant(self) -> str | None:
        """The text, if the template has no interpolation or directive."""
        if not self.parts:
            return ""
        if len(self.parts) == 1 and isinstance(self.parts[0], Text):
            return self.parts[0].value
        return None


@dataclass(frozen=True, slots=True)
class Text:
    """Literal text in a template."""

    value: str
    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Interpolation:
    """`${expression}` in a template."""

    expression: Expression
    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class IfDirective:
    """`%{ if condition }…%{ else }…%{ endif }` in a template."""

    condition: Expression
    then: tuple[TemplatePart, ...]
    otherwise: tuple[TemplatePart, ...]
    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ForDirective:
    """`%{ for key, value in collection }…%{ endfor }` in a template."""

    key: str | None
    value: str
    collection: Expression
    body: tuple[TemplatePart, ...]
    range: SourceRange = field(compare=False, repr=False)


TemplatePart: TypeAlias = Text | Interpolation | IfDirective | ForDirective


@dataclass(frozen=True, slots=True)
class Variable:
    """A name that starts a traversal: `local` in `local.a[0]`."""

    name: str
    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class GetAttribute:
    """`target.name`; also the legacy index `target.0`, whose name is then digits."""

    target: Expression
    name: str
    range: SourceRange = field(compare=False, repr=False)
    name_range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Index:
    """`target[key]`."""

    target: Expression
    key: Expression
    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Splat:
    """`target[*].each` (full) or `target.*.each` (attribute only).

    `each` is applied to every element; the element itself is `SplatItem`.
    """

    target: Expression
    each: Expression
    full: bool
    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SplatItem:
    """The element that a splat is at, at the root of its `each` expression."""

    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """`name(arguments…)`; `name` may have a namespace, as `provider::mlform::schema`."""

    name: str
    arguments: tuple[Expression, ...]
    expand_final: bool
    range: SourceRange = field(compare=False, repr=False)
    name_range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Conditional:
    """`condition ? then : otherwise`."""

    condition: Expression
    then: Expression
    otherwise: Expression
    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """`left operator right`."""

    operator: BinaryOperator
    left: Expression
    right: Expression
    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`operator operand`."""

    operator: UnaryOperator
    operand: Expression
    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Parentheses:
    """`(inner)`; kept because it decides whether an object key is an expression."""

    inner: Expression
    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Tuple:
    """`[a, b]`."""

    items: tuple[Expression, ...]
    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ObjectItem:
    """`key = value` in an object. A bare name as key is a constant `Template`."""

    key: Expression
    value: Expression


@dataclass(frozen=True, slots=True)
class Object:
    """`{ a = 1, (b) = 2 }`."""

    items: tuple[ObjectItem, ...]
    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ForTuple:
    """`[for key, value in collection : result if condition]`."""

    key: str | None
    value: str
    collection: Expression
    result: Expression
    condition: Expression | None
    range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ForObject:
    """`{for key, value in collection : result_key => result if condition}`.

    With `group` (`...` after the result) the values of equal keys are collected in a tuple.
    """

    key: str | None
    value: str
    collection: Expression
    result_key: Expression
    result: Expression
    group: bool
    condition: Expression | None
    range: SourceRange = field(compare=False, repr=False)


Expression: TypeAlias = (
    Literal
    | Template
    | Variable
    | GetAttribute
    | Index
    | Splat
    | SplatItem
    | Call
    | Conditional
    | Binary
    | Unary
    | Parentheses
    | Tuple
    | Object
    | ForTuple
    | ForObject
)


@dataclass(frozen=True, slots=True)
class Attribute:
    """`name = expression` in a body."""

    name: str
    expression: Expression
    range: SourceRange = field(compare=False, repr=False)
    name_range: SourceRange = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Block:
    """`type "label" { body }`. `range` covers the header: type and labels."""

    type: str
    labels: tuple[str, ...]
    body: Body
    range: SourceRange = field(compare=False, repr=False)
    type_range: SourceRange = field(compare=False, repr=False)
    label_ranges: tuple[SourceRange, ...] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Body:
    """Attributes and blocks, each in source order; `range` is the whole body or file."""

    attributes: tuple[Attribute, ...]
    blocks: tuple[Block, ...]
    range: SourceRange = field(compare=False, repr=False)
