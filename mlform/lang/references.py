"""What an expression refers to, without resolving it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Final, TypeAlias

from mlform.addresses import print_key
from mlform.dataclass import dataclass, field
from mlform.diagnostics import SourceRange
from mlform.hcl import ast


@dataclass(frozen=True, slots=True)
class Reference:
    """A traversal that starts at a name from outside the expression.

    Attributes:
        root: The first name, such as `dataset`.
        steps: Attribute names and constant keys after it, up to the first that is not constant.
        range: The root and these steps in the source.
    """

    root: str
    steps: tuple[str | int | None, ...]
    range: SourceRange = field(compare=False, repr=False)

    def __str__(self) -> str:
        written = [self.root]
        for step in self.steps:
            if isinstance(step, str) and step.replace("-", "_").isidentifier():
                written.append(f".{step}")
            else:
                written.append(print_key(step))
        return "".join(written)


def name_range(reference: Reference) -> SourceRange:
    """Return the range of the root and the first step, where the name is."""
    text = reference.range.text
    dot = text.find(".", text.find(".") + 1)
    bracket = text.find("[")
    ends = [end for end in (dot, bracket) if end > 0]
    if not ends:
        return reference.range
    start = reference.range.start_offset
    return SourceRange(reference.range.source, start, start + min(ends))


def references(expression: ast.Expression) -> tuple[Reference, ...]:
    """Return every reference in source order, repeated as often as it is written.

    Names bound by a `for` expression, a `for` directive or a splat are no references.
    """
    found: list[Reference] = []
    _gather(expression, frozenset(), found)
    return tuple(found)


Bound: TypeAlias = frozenset[str]
Found: TypeAlias = list[Reference]


def _gather(expression: ast.Expression, bound: Bound, found: Found) -> None:
    gather = _GATHER.get(type(expression))
    if gather is not None:
        gather(expression, bound, found)
        return
    for child in _CHILDREN[type(expression)](expression):
        _gather(child, bound, found)


def _of_for(expression: ast.ForTuple | ast.ForObject, bound: Bound, found: Found) -> None:
    _gather(expression.collection, bound, found)
    inner = bound | {expression.value} | ({expression.key} if expression.key else set())
    if isinstance(expression, ast.ForObject):
        _gather(expression.result_key, inner, found)
    _gather(expression.result, inner, found)
    if expression.condition is not None:
        _gather(expression.condition, inner, found)


def _of_template(expression: ast.Template, bound: Bound, found: Found) -> None:
    if expression.constant is None:
        _of_parts(expression.parts, bound, found)


def _of_parts(parts: tuple[ast.TemplatePart, ...], bound: Bound, found: Found) -> None:
    for part in parts:
        match part:
            case ast.Text():
                continue
            case ast.Interpolation():
                _gather(part.expression, bound, found)
            case ast.IfDirective():
                _gather(part.condition, bound, found)
                _of_parts(part.then, bound, found)
                _of_parts(part.otherwise, bound, found)
            case ast.ForDirective():
                _gather(part.collection, bound, found)
                inner = bound | {part.value} | ({part.key} if part.key else set())
                _of_parts(part.body, inner, found)


def _of_variable(expression: ast.Variable, bound: Bound, found: Found) -> None:
    if expression.name not in bound:
        found.append(Reference(expression.name, (), expression.range))


def _of_traversal(expression: ast.GetAttribute | ast.Index, bound: Bound, found: Found) -> None:
    links: list[ast.GetAttribute | ast.Index] = []
    node: ast.Expression = expression
    while isinstance(node, ast.GetAttribute | ast.Index):
        links.append(node)
        node = node.target
    links.reverse()
    if not isinstance(node, ast.Variable):
        _gather(node, bound, found)
    elif node.name not in bound:
        steps: list[str | int | None] = []
        end: ast.Expression = node
        for link in links:
            step = constant_step(link)
            if step is None:
                break
            steps.append(step)
            end = link
        found.append(Reference(node.name, tuple(steps), end.range))
    for link in links:
        if isinstance(link, ast.Index):
            _gather(link.key, bound, found)


def _nothing(_: ast.Expression, __: Bound, ___: Found) -> None:
    """Literals refer to nothing."""


# By class, because a large configuration has very many expressions.
_GATHER: Final[Mapping[type, Callable[..., None]]] = {
    ast.Literal: _nothing,
    ast.SplatItem: _nothing,
    ast.Variable: _of_variable,
    ast.GetAttribute: _of_traversal,
    ast.Index: _of_traversal,
    ast.Template: _of_template,
    ast.ForTuple: _of_for,
    ast.ForObject: _of_for,
}
_CHILDREN: Final[Mapping[type, Callable[..., Iterable[ast.Expression]]]] = {
    ast.Splat: attrgetter("target", "each"),
    ast.Call: attrgetter("arguments"),
    ast.Conditional: attrgetter("condition", "then", "otherwise"),
    ast.Binary: attrgetter("left", "right"),
    ast.Unary: lambda expression: (expression.operand,),
    ast.Parentheses: lambda expression: (expression.inner,),
    ast.Tuple: attrgetter("items"),
    ast.Object: lambda expression: [
        part for item in expression.items for part in (item.key, item.value)
    ],
}


def constant_step(link: ast.GetAttribute | ast.Index) -> str | int | None:
    """Return the constant name or key of one step of a traversal, or None if it is computed."""
    if isinstance(link, ast.GetAttribute):
        return int(link.name) if link.name.isdigit() else link.name
    key = link.key
    if isinstance(key, ast.Template):
        return key.constant
    if (
        isinstance(key, ast.Literal)
        and isinstance(key.value, int)
        and not isinstance(key.value, bool)
    ):
        return key.value
    return None
