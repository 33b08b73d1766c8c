"""What an expression refers to, without resolving it."""

from __future__ import annotations

from collections.abc import Iterator

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
                written.append(f"[{step}]" if isinstance(step, int) else f'["{step}"]')
        return "".join(written)


def references(expression: ast.Expression) -> tuple[Reference, ...]:
    """Return every reference in source order, repeated as often as it is written.

    Names bound by a `for` expression, a `for` directive or a splat are no references.
    """
    return tuple(_of(expression, frozenset()))


def _of(expression: ast.Expression, bound: frozenset[str]) -> Iterator[Reference]:
    match expression:
        case ast.Literal() | ast.SplatItem():
            return
        case ast.Variable() | ast.GetAttribute() | ast.Index():
            yield from _of_traversal(expression, bound)
        case ast.Template():
            yield from _of_parts(expression.parts, bound)
        case ast.ForTuple() | ast.ForObject():
            yield from _of_for(expression, bound)
        case _:
            for child in _children(expression):
                yield from _of(child, bound)


def _children(expression: ast.Expression) -> tuple[ast.Expression, ...]:
    children: tuple[ast.Expression, ...]
    match expression:
        case ast.Splat():
            children = (expression.target, expression.each)
        case ast.Call():
            children = expression.arguments
        case ast.Conditional():
            children = (expression.condition, expression.then, expression.otherwise)
        case ast.Binary():
            children = (expression.left, expression.right)
        case ast.Unary():
            children = (expression.operand,)
        case ast.Parentheses():
            children = (expression.inner,)
        case ast.Tuple():
            children = expression.items
        case ast.Object():
            children = tuple(part for item in expression.items for part in (item.key, item.value))
        case _:
            raise TypeError(expression)
    return children


def _of_for(expression: ast.ForTuple | ast.ForObject, bound: frozenset[str]) -> Iterator[Reference]:
    yield from _of(expression.collection, bound)
    inner = bound | {expression.value} | ({expression.key} if expression.key else set())
    if isinstance(expression, ast.ForObject):
        yield from _of(expression.result_key, inner)
    yield from _of(expression.result, inner)
    if expression.condition is not None:
        yield from _of(expression.condition, inner)


def _of_parts(parts: tuple[ast.TemplatePart, ...], bound: frozenset[str]) -> Iterator[Reference]:
    for part in parts:
        match part:
            case ast.Text():
                continue
            case ast.Interpolation():
                yield from _of(part.expression, bound)
            case ast.IfDirective():
                yield from _of(part.condition, bound)
                yield from _of_parts(part.then, bound)
                yield from _of_parts(part.otherwise, bound)
            case ast.ForDirective():
                yield from _of(part.collection, bound)
                inner = bound | {part.value} | ({part.key} if part.key else set())
                yield from _of_parts(part.body, inner)


def _of_traversal(expression: ast.Expression, bound: frozenset[str]) -> Iterator[Reference]:
    links: list[ast.GetAttribute | ast.Index] = []
    node = expression
    while isinstance(node, ast.GetAttribute | ast.Index):
        links.append(node)
        node = node.target
    links.reverse()
    if not isinstance(node, ast.Variable):
        yield from _of(node, bound)
    elif node.name not in bound:
        steps: list[str | int | None] = []
        end: ast.Expression = node
        for link in links:
            step = constant_step(link)
            if step is None:
                break
            steps.append(step)
            end = link
        yield Reference(node.name, tuple(steps), end.range)
    for link in links:
        if isinstance(link, ast.Index):
            yield from _of(link.key, bound)


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
