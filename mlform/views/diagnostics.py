"""Diagnostics as text in Terraform's shape, and as the JSON of `validate -json`."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from mlform.dataclass import replace
from mlform.diagnostics import Diagnostic, Position, Severity, Source, SourceRange, in_order
from mlform.digests import Json, JsonObject
from mlform.hcl.ast import Block
from mlform.hcl.parser import parse
from mlform.views.paper import letter_columns

_TAB = 4
"""Columns between tab stops in a shown line."""
_SHOWN_LINES = 6
"""Of a longer range only the first lines and the last one are shown."""
_GUTTER = 4
"""Columns for the line number, as in Terraform."""
_UNWRAPPED = 160
"""Columns of a shown source line where the width of the terminal is not known."""
_NARROWEST = 40
_MOST = 100
"""Problems that one report shows at most."""
_RULE = "├" + "─" * 16
_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33"}
_TITLES = {Severity.ERROR: "Error", Severity.WARNING: "Warning"}


def render_diagnostics(diagnostics: Iterable[Diagnostic], *, color: bool, width: int) -> str:
    """Return several diagnostics as text, one after the other, each ended by a line break."""
    return "".join(
        render_diagnostic(diagnostic, color=color, width=width) + "\n" for diagnostic in diagnostics
    )


def render_report(diagnostics: Iterable[Diagnostic], *, color: bool, width: int) -> str:
    """Return the problems of a run as text, in order, each said once.

    What went wrong at one place for many instances alike is shown for the first of them, and of a
    flood only the beginning.
    """
    every = _once(in_order(diagnostics))
    # Errors come last, and are what must be mended.
    errors = [item for item in every if item.severity is Severity.ERROR]
    warnings = [item for item in every if item.severity is Severity.WARNING]
    shown_errors = errors[:_MOST]
    shown_warnings = warnings[: _MOST - len(shown_errors)]
    text = render_diagnostics([*shown_warnings, *shown_errors], color=color, width=width)
    return text + _left_out(len(errors) - len(shown_errors), len(warnings) - len(shown_warnings))


def _once(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Join those that differ only in the instance they concern and in its values."""
    found: dict[tuple[object, ...], list[Diagnostic]] = {}
    for item in diagnostics:
        place = item.range
        at = None if place is None else (place.filename, place.start_offset, place.end_offset)
        # Without a place only the address tells one problem from another.
        key = (item.severity, item.summary, item.detail, at or item.address)
        found.setdefault(key, []).append(item)
    return [_joined(alike) for alike in found.values()]


def _joined(alike: Sequence[Diagnostic]) -> Diagnostic:
    addresses = list(dict.fromkeys(item.address for item in alike if item.address is not None))
    if len(addresses) <= 1:
        return alike[0]
    others = len(addresses) - 1
    return replace(alike[0], address=f"{addresses[0]} and {others} more like it")


def _left_out(errors: int, warnings: int) -> str:
    counts = [
        f"{count} more {noun}{'' if count == 1 else 's'}"
        for count, noun in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    if not counts:
        return ""
    return f"{' and '.join(counts)} not shown. Mend these first.\n"


def render_diagnostic(diagnostic: Diagnostic, *, color: bool, width: int) -> str:
    """Return a diagnostic as text in a frame, without a line break at the end.

    Args:
        diagnostic: What to show.
        color: Whether to use ANSI escapes. Carets mark the place in either case.
        width: Columns to wrap the detail at, frame included; 0 not to wrap. Source lines and
            indented lines of the detail are never wrapped; a longer source line is cut around
            the place.
    """
    paint = _Paint(enabled=color)
    tone = _COLOURS[diagnostic.severity]
    title = paint(f"{_TITLES[diagnostic.severity]}: ", "1", tone)
    content = [title + paint(_printable(diagnostic.summary), "1"), ""]
    content += _place(diagnostic, paint, max(width - 2, _NARROWEST) if width else _UNWRAPPED)
    content += _wrapped(diagnostic.detail, width - 2 if width else 0)
    content += _printed(diagnostic.log_tail, width - 2 if width else _UNWRAPPED)
    while content and not content[-1]:
        content.pop()
    bar = paint("│", tone)
    return "\n".join([paint("╷", tone), *(f"{bar} {line}" for line in content), paint("╵", tone)])


class _Paint:
    """Puts ANSI escapes around text, or does not."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled

    def __call__(self, text: str, *codes: str) -> str:
        if not self.enabled or not text:
            return text
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m"


def _place(diagnostic: Diagnostic, paint: _Paint, columns: int) -> list[str]:
    place = diagnostic.range
    if place is None:
        return [f"  with {diagnostic.address},", ""] if diagnostic.address else []
    where = f"on {_printable(place.filename)} line {place.start.line}"
    context = block_header(place)
    if context:
        where += f", in {_printable(context)}"
    lines = [f"  with {diagnostic.address}," if diagnostic.address else "", f"  {where}:"]
    lines = [line for line in lines if line]
    lines += _snippet(place, _shown_range(diagnostic, place), paint, columns - _GUTTER - 2)
    if diagnostic.values:
        lines.append(" " * _GUTTER + paint(_RULE, "90"))
        bar = paint("│", "90")
        lines += [
            f"{' ' * _GUTTER}{bar} {paint(each.traversal, '1')} {_printable(each.statement)}"
            for each in diagnostic.values
        ]
    return [*lines, ""]


def _shown_range(diagnostic: Diagnostic, place: SourceRange) -> SourceRange:
    context = diagnostic.context
    if context is None or context.source is not place.source:
        return place
    return SourceRange(
        place.source,
        min(place.start_offset, context.start_offset),
        max(place.end_offset, context.end_offset),
    )


def _last_line(place: SourceRange) -> int:
    """The last line with a character of the range: one that ends after a line break ends there."""
    last = max(place.start_offset, place.end_offset - 1)
    return place.source.position(last).line


def _snippet(place: SourceRange, shown: SourceRange, paint: _Paint, columns: int) -> list[str]:
    first, last = shown.start.line, _last_line(shown)
    marked_last = _last_line(place)
    if last - first >= _SHOWN_LINES:
        # Too long to be of use: begin at the place itself.
        first, last = place.start.line, marked_last
    numbers = list(range(first, last + 1))
    if len(numbers) > _SHOWN_LINES:
        numbers = [*numbers[: _SHOWN_LINES - 2], 0, numbers[-1]]
    lines: list[str] = []
    for number in numbers:
        if number == 0:
            lines.append(" " * _GUTTER + "…")
            continue
        text = place.source.line(number)
        marked = place.start.line <= number <= marked_last
        span = _marked(place, number, text) if marked else (0, 0)
        text, span = _cut(text, span, columns)
        lines.append(f"{number:{_GUTTER}d}: {_expanded(text)}".rstrip())
        if marked:
            lines.append(_carets(text, span, paint))
    return [line for line in lines if line]


def _cut(text: str, span: tuple[int, int], columns: int) -> tuple[str, tuple[int, int]]:
    """Return what is shown of a line, and where in it the range is.

    A line that is too long is cut so that the begin of the range stays in sight.
    """
    if len(text) <= columns and _columns(text) <= columns:
        return text, span
    begin, end = span
    room = columns - 2  # for the dots at both ends
    right, used = _fitting(text[begin : begin + room], room * 2 // 3)
    left, more = _fitting(reversed(text[max(0, begin - room) : begin]), room - used)
    rest = begin + right
    right += _fitting(text[rest : rest + room], room - used - more)[0]
    first, last = begin - left, begin + right
    before = "…" if first else ""
    after = "…" if last < len(text) else ""
    moved = len(before) - first
    return before + text[first:last] + after, (begin + moved, min(end, last) + moved)


def _fitting(characters: Iterable[str], room: int) -> tuple[int, int]:
    """Return how many of the characters fit, and the columns that they take."""
    count = used = 0
    for character in characters:
        wide = _TAB if character == "\t" else letter_columns(_printable(character))
        if used + wide > room:
            break
        count, used = count + 1, used + wide
    return count, used


def _marked(place: SourceRange, number: int, text: str) -> tuple[int, int]:
    """The characters of one line (begin, end) that are in the range."""
    start, end = place.start, place.end
    begin = start.column - 1 if number == start.line else len(text) - len(text.lstrip())
    until = end.column - 1 if number == end.line else len(text)
    return begin, max(begin, min(until, len(text)))


def _carets(text: str, marked: tuple[int, int], paint: _Paint) -> str:
    begin, end = marked
    before = _columns(text[:begin])
    wide = _columns(text[:end]) - before
    if not text.strip():
        return ""
    return " " * (_GUTTER + 2 + before) + paint("^" * max(wide, 1), "4")


def _columns(text: str) -> int:
    return sum(letter_columns(character) for character in _expanded(text))


def _expanded(text: str) -> str:
    """Put spaces for tabs, so that carets stand right, and show control characters."""
    shown: list[str] = []
    column = 0
    for character in text:
        if character == "\t":
            spaces = _TAB - column % _TAB
            shown.append(" " * spaces)
            column += spaces
        else:
            shown.append(_printable(character))
            column += letter_columns(shown[-1])
    return "".join(shown)


def _printable(text: str) -> str:
    """Replace control characters by their pictures: a file must not steer the terminal."""
    return "".join(
        character
        if unicodedata.category(character) != "Cc"
        else chr(0x2400 + ord(character))
        if ord(character) < ord(" ")
        else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def _printed(lines: Sequence[str], width: int) -> list[str]:
    """Return the last lines of a log, each on one line however long it is."""
    if not lines:
        return []
    cut = [f"  {_printable(line)}" for line in lines]
    cut = [line if len(line) <= width else line[: max(width - 1, 0)] + "…" for line in cut]
    return ["", "The last lines it printed:", *cut]


def _wrapped(detail: str, width: int) -> list[str]:
    lines: list[str] = []
    for line in detail.split("\n"):
        shown = _printable(line.replace("\t", " " * _TAB)).rstrip()
        if not width or len(shown) <= width or shown[:1] in {"", " "}:
            lines.append(shown)
        else:
            from textwrap import wrap

            lines += wrap(shown, width, break_long_words=False, break_on_hyphens=False)
    return lines


def block_header(place: SourceRange) -> str:
    """Return the header of the outermost block around a place, such as `model "m"`, or nothing.

    A place that starts with the header itself is not inside the block.
    """
    for start, end, header in _headers(place.source):
        if start < place.start_offset <= end:
            return header
    return ""


def _block_around(place: SourceRange) -> str:
    """Return the header of the outermost block that a place is in or is the header of."""
    for start, end, header in _headers(place.source):
        if start <= place.start_offset <= end:
            return header
    return ""


@lru_cache(maxsize=64)
def _headers(source: Source) -> Sequence[tuple[int, int, str]]:
    body, _ = parse(source)
    return [
        (block.range.start_offset, block.body.range.end_offset, _header(block))
        for block in body.blocks
    ]


def _header(block: Block) -> str:
    labels = (f'"{label}"' for label in block.labels)
    return " ".join((block.type, *labels))


def diagnostic_json(diagnostic: Diagnostic) -> JsonObject:
    """Return a diagnostic as Terraform's JSON: lines and columns from 1, `byte` from 0.

    Offsets in `snippet` count bytes of its `code`. Format: "Diagnostics" in the description of
    `terraform validate -json`, version 1.0.
    """
    document: dict[str, Json] = {
        "severity": diagnostic.severity.value,
        "summary": diagnostic.summary,
        "detail": diagnostic.detail,
    }
    if diagnostic.address is not None:
        document["address"] = diagnostic.address
    if diagnostic.log_tail:
        document["log_tail"] = list(diagnostic.log_tail)
    place = diagnostic.range
    if place is not None:
        document["range"] = {
            "filename": place.filename,
            "start": _position_json(place.source, place.start),
            "end": _position_json(place.source, place.end),
        }
        document["snippet"] = _snippet_json(diagnostic, place)
    return document


def _position_json(source: Source, position: Position) -> JsonObject:
    return {
        "line": position.line,
        "column": position.column,
        "byte": len(source.text[: position.offset].encode()),
    }


def _snippet_json(diagnostic: Diagnostic, place: SourceRange) -> JsonObject:
    shown = _shown_range(diagnostic, place)
    source = place.source
    first, last = shown.start.line, _last_line(shown)
    begin = shown.start_offset - (shown.start.column - 1)
    end_line_start = source.position(max(shown.start_offset, shown.end_offset - 1))
    end = end_line_start.offset - (end_line_start.column - 1) + len(source.line(last))
    code = source.text[begin:end]
    highlighted_end = min(max(place.end_offset, place.start_offset), end)
    return {
        "context": _block_around(place) or None,
        "code": code,
        "start_line": first,
        "highlight_start_offset": len(source.text[begin : place.start_offset].encode()),
        "highlight_end_offset": len(source.text[begin:highlighted_end].encode()),
        "values": [
            {"traversal": each.traversal, "statement": each.statement} for each in diagnostic.values
        ],
    }


def diagnostics_json(diagnostics: Sequence[Diagnostic]) -> JsonObject:
    """Return the document that `validate -json` prints."""
    errors = sum(each.severity is Severity.ERROR for each in diagnostics)
    return {
        "format_version": "1.0",
        "valid": errors == 0,
        "error_count": errors,
        "warning_count": len(diagnostics) - errors,
        "diagnostics": [diagnostic_json(each) for each in diagnostics],
    }
