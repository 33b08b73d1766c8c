"""The pieces of a template put together: strip markers, heredoc indentation, directives.

Pieces come flat, as they stand in the text, because strip markers and indentation work on
neighbouring pieces whatever directive they are in. `assemble` then makes the tree.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from mlform.dataclass import dataclass
from mlform.diagnostics import SourceRange
from mlform.hcl.ast import Expression, ForDirective, IfDirective, Interpolation, TemplatePart, Text


@dataclass(slots=True)
class Chunk:
    """Literal text: of a heredoc at most one line. `value` has its escapes resolved."""

    value: str
    range: SourceRange


@dataclass(slots=True)
class If:
    """`%{ if condition }`."""

    condition: Expression
    range: SourceRange


@dataclass(slots=True)
class For:
    """`%{ for key, value in collection }`."""

    key: str | None
    value: str
    collection: Expression
    range: SourceRange


@dataclass(slots=True)
class Keyword:
    """`%{ else }`, `%{ endif }` or `%{ endfor }`."""

    name: str
    range: SourceRange


Piece: TypeAlias = Chunk | Interpolation | If | For | Keyword
Report: TypeAlias = Callable[[str, str, SourceRange], None]

_MAX_OPEN: Final = 50


def strip_indentation(pieces: list[Piece]) -> None:
    """Remove, as `<<-` asks, the indentation that all lines of a heredoc have in common.

    A line that starts with a sequence has none; a blank line does not count.
    """
    line_starts: list[Chunk] = []
    common: int | None = None
    at_line_start = True
    for piece in pieces:
        chunk = piece if isinstance(piece, Chunk) else None
        if at_line_start:
            at_line_start = False
            indentation = 0
            if chunk is not None:
                body = chunk.value.lstrip()
                if not body and chunk.value.endswith("\n"):
                    at_line_start = True
                    continue
                indentation = len(chunk.value) - len(body)
                line_starts.append(chunk)
            common = indentation if common is None else min(common, indentation)
        if chunk is not None and chunk.value.endswith("\n"):
            at_line_start = True
    for chunk in line_starts:
        chunk.value = chunk.value[common:]


def assemble(pieces: list[Piece], end: SourceRange, report: Report) -> tuple[TemplatePart, ...]:
    """Return the parts of a template from its flat pieces.

    Args:
        pieces: The pieces in the order of the text, already stripped.
        end: The place where the template ends, for what is still open there.
        report: Called with summary, detail and place of each unbalanced directive.
    """
    plain = [piece for piece in pieces if isinstance(piece, Chunk | Interpolation)]
    if len(plain) == len(pieces):
        parts = _parts(plain)
    else:
        builder = _Builder(report)
        for piece in pieces:
            builder.take(piece)
        parts = builder.finish(end)
    if len(parts) == 1 and isinstance(parts[0], Interpolation):
        # Text stripped to nothing still makes this a string, not the expression's own value.
        chunks = [piece for piece in pieces if isinstance(piece, Chunk)]
        if chunks:
            return (parts[0], Text("", chunks[0].range))
    return parts


@dataclass(slots=True)
class _Open:
    """A directive, or the template itself, whose end has not come yet."""

    directive: If | For | None
    parts: list[TemplatePart | Chunk]
    then: tuple[TemplatePart, ...] | None = None


class _Builder:
    """The directives that are open at a place in a template, outermost first."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.open = [_Open(None, [])]
        self.broken = False

    def take(self, piece: Piece) -> None:
        match piece:
            case If() | For():
                self._begin(piece)
            case Keyword():
                self._keyword(piece)
            case _:
                self.open[-1].parts.append(piece)

    def _begin(self, piece: If | For) -> None:
        if len(self.open) > _MAX_OPEN:
            self._fault(
                "Nesting too deep",
                f"Template directives may be nested {_MAX_OPEN} levels deep. Give inner parts "
                "names of their own with local values.",
                piece.range,
            )
        self.open.append(_Open(piece, []))

    def _fault(self, summary: str, detail: str, place: SourceRange) -> None:
        # One fault puts every later directive out of step: only the first says anything.
        if not self.broken:
            self.report(summary, detail, place)
        self.broken = True

    def _keyword(self, piece: Keyword) -> None:
        innermost = self.open[-1]
        match piece.name, innermost.directive:
            case "else", If() if innermost.then is None:
                innermost.then = _parts(innermost.parts)
                innermost.parts = []
            case ("endif", If()) | ("endfor", For()):
                self._end(piece.range)
            case _:
                summary = f"Unexpected {piece.name} directive"
                self._fault(summary, _misplaced(piece, innermost), piece.range)

    def _end(self, end: SourceRange) -> None:
        closed = self.open.pop()
        parts = _parts(closed.parts)
        into = self.open[-1].parts
        match closed.directive:
            case If() as opening:
                whole = opening.range.to(end)
                if closed.then is None:
                    into.append(IfDirective(opening.condition, parts, (), whole))
                else:
                    into.append(IfDirective(opening.condition, closed.then, parts, whole))
            case For() as opening:
                whole = opening.range.to(end)
                into.append(
                    ForDirective(opening.key, opening.value, opening.collection, parts, whole)
                )
            case None:
                into.extend(parts)

    def finish(self, end: SourceRange) -> tuple[TemplatePart, ...]:
        while len(self.open) > 1:
            opening = self.open[-1].directive
            if opening is not None:
                name = "if" if isinstance(opening, If) else "for"
                self._fault(
                    "Unexpected end of template",
                    f'The "%{{ {name} }}" on line {opening.range.start.line} is still open '
                    "where "
                    "the template "
                    f'ends. Add "%{{ end{name} }}".',
                    end,
                )
            self._end(end)
        return _parts(self.open[0].parts)


def _misplaced(piece: Keyword, innermost: _Open) -> str:
    opening = innermost.directive
    if opening is None:
        begin = "for" if piece.name == "endfor" else "if"
        return (
            f'No "%{{ {begin} }}" is open here that this could belong to. Add it before, or '
            "remove this."
        )
    line = opening.range.start.line
    if piece.name == "else":
        if isinstance(opening, If):
            return f'The "%{{ if }}" on line {line} has an else already. Remove one of the two.'
        return (
            f'The "%{{ for }}" on line {line} is still open, and a loop has no else. Close it '
            'with "%{ endfor }" first.'
        )
    name = "if" if isinstance(opening, If) else "for"
    return (
        f'The "%{{ {name} }}" on line {line} is still open. Close it with "%{{ end{name} }}" first.'
    )


def _parts(pieces: Sequence[TemplatePart | Chunk]) -> tuple[TemplatePart, ...]:
    """Join neighbouring chunks to one text each and drop the empty ones."""
    parts: list[TemplatePart] = []
    pending: list[Chunk] = []
    for piece in pieces:
        if isinstance(piece, Chunk):
            if piece.value:
                pending.append(piece)
            continue
        if pending:
            parts.append(_joined(pending))
            pending = []
        parts.append(piece)
    if pending:
        parts.append(_joined(pending))
    return tuple(parts)


def _joined(chunks: list[Chunk]) -> Text:
    if len(chunks) == 1:
        value, place = chunks[0].value, chunks[0].range
    else:
        value = "".join(chunk.value for chunk in chunks)
        place = chunks[0].range.to(chunks[-1].range)
    return Text(value if value.isascii() else unicodedata.normalize("NFC", value), place)
