"""A plan as Markdown for a comment on a pull request: a table first, everything else folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostic
from mlform.plan.changes import Mode, Plan
from mlform.schema import BlockSchema
from mlform.views.diagnostics import render_diagnostic
from mlform.views.markup import (
    cell,
    code,
    code_in_html,
    cut,
    diff_line,
    fence,
    folded,
    prose,
    prose_in_html,
    size,
)
from mlform.views.report import ChangeRows, DriftRows, Report, make_report
from mlform.views.values import visible_line

LIMIT: Final = 60_000
"""Characters at most; GitHub takes 65,536 in a comment, and bots add some of their own."""
_RESERVE: Final = 1_000
"""For the sentences that say what was left out."""
_LONGEST_NAME: Final = 200
_LONGEST_REASON: Final = 160
_LONGEST_SENTENCE: Final = 400
_LONGEST_LINE: Final = 300
_LARGEST_BLOCK: Final = 12_000
_MOST_ITEMS: Final = 100
_WIDTH: Final = 100
_TELLING: Final = (
    "destroy",
    "replace",
    "rebuild",
    "update",
    "forget",
    "create",
    "import",
    "move",
    "reuse",
)
"""Verbs, those first that people want to see most."""
_BEFORE_ROWS: Final = 0
"""Rank of what no row of the table takes the room of."""


_ONLY_NOTED: Final = (
    "This is a refresh-only plan: applying it records in the state what changed outside of mlform. "
    "Nothing is made, changed or destroyed."
)


@dataclass(frozen=True, slots=True)
class _Section:
    """Something folded.

    Attributes:
        rank: Of those with a higher one, more is left out.
        text: Markdown.
        is_change: Whether it is about one change of the table.
    """

    rank: int
    text: str
    is_change: bool = False


def render_markdown(
    plan: Plan, *, schemas: Mapping[str, BlockSchema] | None = None, command: str = "mlform plan"
) -> str:
    """Return a plan as Markdown of at most `LIMIT` characters.

    What does not fit is left out: details of changes first, then rows of the table, the least
    telling ones; it is said how much that is.

    Args:
        plan: The plan.
        schemas: Schema of the body of each kind, to show blocks as blocks.
        command: What shows all of it.
    """
    report = make_report(plan, schemas)
    sentences, every = _sentences(report), _sections(report)
    room = LIMIT - _RESERVE - sum(map(size, sentences))
    first = sum(size(item.text) + 2 for item in every if item.rank == _BEFORE_ROWS)
    table, rows_left_out = _table(report.changes, room - first, command)
    sections, left_out = _fitting(every, room - size(table))
    parts = [f"### {_title(report)}", table, rows_left_out, *sentences]
    parts += [item.text for item in sections]
    if left_out:
        parts.append(_left_out(left_out, command))
    return "\n\n".join(part for part in parts if part) + "\n"


def _title(report: Report) -> str:
    if not report.has_changes:
        return "No changes."
    return report.summary or "Plan: 0 to add, 0 to change, 0 to destroy."


def _sentences(report: Report) -> list[str]:
    """Return what is said of the plan as a whole, below the table."""
    found = []
    if report.mode is Mode.REFRESH_ONLY and report.has_changes:
        found.append(_ONLY_NOTED)
    elif report.has_changes and not report.changes:
        found.append("Only outputs change; nothing runs.")
    if report.expectation:
        found.append(prose(cut(report.expectation, _LONGEST_SENTENCE)))
    if not report.changes:
        return found
    if len(report.environments) == 1:
        found.append(f"Tasks run on {_environment(report.environments[0])}.")
    elif report.environments and size("".join(report.environments)) < _LONGEST_LINE:
        found.append(f"Tasks run on {'; '.join(map(_environment, report.environments))}.")
    return found


def _environment(text: str) -> str:
    name, _, rest = text.partition(": ")
    return f"{code(name)}: {prose(cut(rest, _LONGEST_LINE))}"


def _table(changes: Sequence[ChangeRows], room: int, command: str) -> tuple[str, str]:
    """Return the table, and a sentence on the rows that it has no room for."""
    if not changes:
        return "", ""
    timed = any(change.takes for change in changes)
    cached = any(change.reused for change in changes)
    head = [
        "Action",
        "Object",
        "Why",
        *(["Expected"] if timed else []),
        *(["Reuse"] if cached else []),
    ]
    rule = ["---", "---", "---", *(["---:"] if timed else []), *(["---"] if cached else [])]
    lines = [_row(head), _row(rule)]
    room -= sum(map(size, lines)) + len(lines)
    rows = [_row(_cells(change, timed=timed, cached=cached)) for change in changes]
    kept = set(
        _fit(
            [(_rank(change), size(row) + 1) for change, row in zip(changes, rows, strict=True)],
            room,
        )
    )
    lines += [row for at, row in enumerate(rows) if at in kept]
    missing = Counter(change.verb for at, change in enumerate(changes) if at not in kept)
    if not missing:
        return "\n".join(lines), ""
    figures = ", ".join(f"{missing[verb]:,} to {verb}" for verb in _TELLING if missing[verb])
    text = f"There is no room here for {_objects(missing.total())} more ({figures})"
    return "\n".join(lines), f"{text}: {code(command)} shows all."


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(change: ChangeRows, *, timed: bool, cached: bool) -> list[str]:
    action = f"{code(change.sign)}&nbsp;{change.verb}" if change.sign else change.verb
    cells = [
        action,
        cell(code(cut(change.name, _LONGEST_NAME))),
        cell(prose(cut(change.why, _LONGEST_REASON))) if change.why else "",
    ]
    if timed:
        cells.append(change.takes)
    if cached:
        cells.append("from cache" if change.reused else "")
    return cells


def _rank(change: ChangeRows) -> int:
    return _TELLING.index(change.verb)


def _fit(items: Sequence[tuple[int, int]], room: int) -> list[int]:
    """Return the positions of those items that fit, given rank and size of each.

    Those of the lowest rank are taken first; within a rank the first ones that fit.
    """
    kept = []
    for at in sorted(range(len(items)), key=lambda at: items[at][0]):
        if items[at][1] <= room:
            room -= items[at][1]
            kept.append(at)
    return sorted(kept)


def _sections(report: Report) -> list[_Section]:
    """Return everything folded, in the order in which it is shown."""
    outputs = [diff_line(row) for row in report.outputs]
    return [
        *([_Section(_BEFORE_ROWS, _warnings(report.warnings))] if report.warnings else []),
        *([_Section(_BEFORE_ROWS, _drift(report.drift))] if report.drift else []),
        *(_Section(1 + _rank(item), _change(item), is_change=True) for item in report.changes),
        *([_Section(1, folded("Changes to outputs", _difference(outputs)))] if outputs else []),
    ]


def _fitting(sections: Sequence[_Section], room: int) -> tuple[list[_Section], list[_Section]]:
    kept = set(_fit([(item.rank, size(item.text) + 2) for item in sections], room))
    return (
        [item for at, item in enumerate(sections) if at in kept],
        [item for at, item in enumerate(sections) if at not in kept],
    )


def _left_out(sections: Sequence[_Section], command: str) -> str:
    changes = sum(item.is_change for item in sections)
    others = len(sections) - changes
    figures = [f"the details of {_objects(changes)}"] if changes else []
    figures += [f"{others} of the other sections"] if others else []
    return f"There is no room here for {' and '.join(figures)}: {code(command)} shows all."


def _objects(count: int) -> str:
    return "1 object" if count == 1 else f"{count:,} objects"


def _warnings(warnings: Sequence[Diagnostic]) -> str:
    shown = [
        line
        for item in warnings[:_MOST_ITEMS]
        for line in render_diagnostic(item, color=False, width=_WIDTH).rstrip("\n").split("\n")
    ]
    title = f"Warnings ({len(warnings):,})"
    return folded(title, _block(shown, len(warnings) - _MOST_ITEMS))


def _drift(drift: Sequence[DriftRows]) -> str:
    shown = [
        line
        for item in drift[:_MOST_ITEMS]
        for line in (
            f"# {' '.join(item.headline)}",
            *(f"! {text}" for text in item.problems),
            *map(diff_line, item.rows),
        )
    ]
    title = f"Objects have changed outside of mlform ({len(drift):,})"
    return folded(title, _block(shown, len(drift) - _MOST_ITEMS, language="diff"))


def _change(change: ChangeRows) -> str:
    head = "".join(piece.text for piece in change.headline)
    _, _, rest = head.partition(change.name)
    sign = f"{code_in_html(change.sign)} " if change.sign else ""
    name = code_in_html(cut(change.name, _LONGEST_NAME))
    title = sign + (
        f"{name}{prose_in_html(cut(rest, _LONGEST_NAME))}" if rest else code_in_html(head)
    )
    notes = [f"# {note}" for note in change.notes]
    return folded(title, _difference([*notes, *map(diff_line, change.rows)]))


def _difference(lines: Sequence[str]) -> str:
    return _block(lines, 0, language="diff")


def _block(lines: Sequence[str], more_items: int, *, language: str = "") -> str:
    """Return lines as a block, long ones and too many of them cut.

    Args:
        lines: The lines.
        more_items: How many things the lines say nothing of.
        language: Of the block.
    """
    shown = []
    room = _LARGEST_BLOCK
    for line in lines:
        text = cut(visible_line(line), _LONGEST_LINE)
        room -= size(text) + 1
        if room < 0:
            break
        shown.append(text)
    missing = len(lines) - len(shown)
    if missing:
        shown.append(f"  ({missing:,} more lines)")
    if more_items > 0:
        shown.append(f"  (and {more_items:,} more)")
    return fence(shown, language)
