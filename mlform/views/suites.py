"""Tests as they run: lines for people, and the messages of `test -json`.

Words and field names are Terraform's: those of `terraform test`, version 1.11.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, assert_never

from mlform.diagnostics import Diagnostic, Severity
from mlform.digests import Json, JsonObject
from mlform.operations.suite_outcomes import (
    Found,
    LeftBehind,
    RunFinished,
    RunOutcome,
    RunStarted,
    Status,
    SuiteEvent,
    SuiteFinished,
    SuiteStarted,
    Tally,
    TearingDown,
)
from mlform.schema import BlockSchema
from mlform.views.diagnostics import diagnostic_json
from mlform.views.documents import change_document, output_change_document, state_document
from mlform.views.human import render_outputs, render_plan, render_state
from mlform.views.machine import MessageStream
from mlform.views.paper import BLANK, Ink, Line, Piece, line, render
from mlform.views.values import SENSITIVE_VALUE

_WORDS: Final[Mapping[Status, str]] = {
    Status.PASS: "pass",
    Status.FAIL: "fail",
    Status.ERROR: "fail",
    Status.SKIP: "skip",
}
"""For people an error is a failure too, as Terraform has it."""
_INKS: Final[Mapping[Status, Ink]] = {
    Status.PASS: Ink.ADD,
    Status.FAIL: Ink.REMOVE,
    Status.ERROR: Ink.REMOVE,
    Status.SKIP: Ink.FAINT,
}
_PLAN_FORMAT: Final = "1.2"
_STATE_FORMAT: Final = "1.0"

Schemas = Callable[[Iterable[str]], Mapping[str, BlockSchema]]
"""Gives the schema of the body of each of these kinds."""


def totals_text(tally: Tally) -> str:
    """Return the last line: `Success! 2 passed, 0 failed.`."""
    word = "Success!" if tally.status in {Status.PASS, Status.SKIP} else "Failure!"
    skipped = f", {tally.skipped} skipped" if tally.skipped else ""
    return f"{word} {tally.passed} passed, {tally.failed + tally.errored} failed{skipped}."


class SuiteLines:
    """Writes lines for people; problems go where the others of a command go."""

    def __init__(
        self,
        write: Callable[[str], None],
        report: Callable[[Iterable[Diagnostic]], None],
        schemas: Schemas | None = None,
        *,
        color: bool = False,
        width: int | None = None,
    ) -> None:
        """Make the view.

        Args:
            write: Takes text.
            report: Takes problems.
            schemas: Shows plans and states of runs, with these schemas; None not to show them.
            color: Whether to use colour.
            width: Columns to wrap at, or None for no wrapping.
        """
        self._write = write
        self._report = report
        self._schemas = schemas
        self._color = color
        self._width = width

    def __call__(self, event: SuiteEvent) -> None:
        """Write the lines of an event."""
        match event:
            case Found() | RunStarted():
                return
            case SuiteStarted():
                self._said(event.path, "in progress")
            case RunFinished():
                self._run(event.outcome)
            case TearingDown():
                if not event.run:
                    self._said(event.path, "tearing down")
            case LeftBehind():
                self._left_behind(event)
            case SuiteFinished():
                status = event.outcome.status
                self._said(event.path, _WORDS[status], _INKS[status])
                self._report(event.outcome.diagnostics)
            case _:
                assert_never(event)

    def _lines(self, content: list[Line]) -> None:
        self._write(render(content, color=self._color, width=self._width))

    def _said(self, path: str, word: str, ink: Ink = Ink.FAINT) -> None:
        self._lines([Line((Piece(f"{path}... "), Piece(word, ink)))])

    def _run(self, outcome: RunOutcome) -> None:
        status = outcome.status
        name = Piece(f'  run "{outcome.name}"... ')
        self._lines([Line((name, Piece(_WORDS[status], _INKS[status])))])
        if self._schemas is not None:
            self._show(outcome, self._schemas)
        self._report(outcome.diagnostics)

    def _show(self, outcome: RunOutcome, schemas: Schemas) -> None:
        """Show the state that a run left, or else the plan that it made."""
        text = ""
        if outcome.state is not None:
            kinds = [record.address.kind for record in outcome.state.records]
            text = render_state(
                outcome.state, schemas=schemas(kinds), color=self._color, width=self._width
            )
            if outcome.state.outputs:
                text += "\nOutputs:\n\n" + render_outputs(
                    outcome.state.outputs, hidden=SENSITIVE_VALUE
                )
        elif outcome.plan is not None:
            kinds = [change.address.kind for change in outcome.plan.changes]
            text = render_plan(
                outcome.plan, schemas=schemas(kinds), color=self._color, width=self._width
            )
        if text:
            self._write(f"\n{text}\n")

    def _left_behind(self, event: LeftBehind) -> None:
        where = f"{event.path}/{event.leftover.run}"
        content = [line(f"mlform could not destroy all that was made while running {where}.")]
        self._lines([*content, BLANK])
        self._report(event.leftover.diagnostics)
        text = f"mlform left the following resources in state after executing {where}:"
        rows = [line(f"  - {address}") for address in event.leftover.addresses]
        self._lines([line(text), *rows])

    def finish(self, tally: Tally) -> None:
        """Write the last line."""
        good = tally.status in {Status.PASS, Status.SKIP}
        first, _, rest = totals_text(tally).partition(" ")
        ink = Ink.GOOD if good else Ink.ALARM
        self._lines([BLANK, Line((Piece(first, ink), Piece(f" {rest}")))])


class SuiteMessages:
    """Writes a JSON message for each event."""

    def __init__(
        self, stream: MessageStream, *, version: str, schemas: Schemas | None = None
    ) -> None:
        """Make the view.

        Args:
            stream: Takes the messages.
            version: Of mlform.
            schemas: As for `SuiteLines`.
        """
        self._stream = stream
        self._version = version
        self._schemas = schemas

    def __call__(self, event: SuiteEvent) -> None:
        """Write the messages of an event."""
        match event:
            case Found():
                self._found(event)
            case SuiteStarted():
                self._file(event.path, "starting", "in progress", {})
            case RunStarted():
                fields: JsonObject = {"progress": "starting", "elapsed": 0}
                self._run(event.path, event.run, "in progress", fields)
            case RunFinished():
                self._finished(event)
            case TearingDown():
                self._tearing_down(event)
            case LeftBehind():
                self._left_behind(event)
            case SuiteFinished():
                status = event.outcome.status
                fields = {"status": status.value}
                self._file(event.path, "complete", _WORDS[status], fields)
                self._problems(event.outcome.diagnostics, {"@testfile": event.path})
            case _:
                assert_never(event)

    def _found(self, event: Found) -> None:
        runs: dict[str, Json] = {
            suite.path: [run.name for run in suite.runs] for suite in event.suites
        }
        count = sum(len(suite.runs) for suite in event.suites)
        text = f"Found {_counted(len(runs), 'file')} and {_counted(count, 'run block')}"
        self._stream.message("test_abstract", text, {"test_abstract": runs})

    def _file(self, path: str, progress: str, word: str, fields: JsonObject) -> None:
        document: JsonObject = {"path": path, "progress": progress, **fields}
        self._stream.message(
            "test_file", f"{path}... {word}", {"@testfile": path, "test_file": document}
        )

    def _run(self, path: str, run: str, word: str, fields: JsonObject) -> None:
        document: JsonObject = {"path": path, "run": run, **fields}
        self._stream.message(
            "test_run",
            f'  "{run}"... {word}',
            {"@testfile": path, "@testrun": run, "test_run": document},
        )

    def _finished(self, event: RunFinished) -> None:
        outcome = event.outcome
        fields: JsonObject = {"progress": "complete", "status": outcome.status.value}
        self._run(event.path, outcome.name, _WORDS[outcome.status], fields)
        place: JsonObject = {"@testfile": event.path, "@testrun": outcome.name}
        if self._schemas is not None:
            self._show(outcome, self._schemas, place)
        self._problems(outcome.diagnostics, place)

    def _show(self, outcome: RunOutcome, schemas: Schemas, place: JsonObject) -> None:
        if outcome.state is not None:
            kinds = [record.address.kind for record in outcome.state.records]
            whole = state_document(outcome.state, version=self._version, schemas=schemas(kinds))
            values = whole.get("values")
            document: JsonObject = {
                "state_format_version": _STATE_FORMAT,
                **(values if isinstance(values, Mapping) else {}),
            }
            text = "-verbose flag enabled, printing state"
            self._stream.message("test_state", text, {**place, "test_state": document})
        elif outcome.plan is not None:
            document = {
                "plan_format_version": _PLAN_FORMAT,
                "output_changes": {
                    name: output_change_document(item)
                    for name, item in sorted(outcome.plan.outputs.items())
                },
                "resource_changes": [change_document(each) for each in outcome.plan.changes],
            }
            text = "-verbose flag enabled, printing plan"
            self._stream.message("test_plan", text, {**place, "test_plan": document})

    def _tearing_down(self, event: TearingDown) -> None:
        if event.run:
            fields: JsonObject = {"progress": "teardown", "elapsed": 0}
            self._run(event.path, event.run, "tearing down", fields)
        else:
            self._file(event.path, "teardown", "tearing down", {})

    def _left_behind(self, event: LeftBehind) -> None:
        leftover = event.leftover
        where = f"{event.path}/{leftover.run}"
        place: JsonObject = {"@testfile": event.path, "@testrun": leftover.run}
        objects = [{"instance": str(address)} for address in leftover.addresses]
        self._stream.message(
            "test_cleanup",
            f"mlform left some resources in state after executing {where}.",
            {**place, "test_cleanup": {"failed_resources": objects}},
            level="error",
        )
        self._problems(leftover.diagnostics, place)

    def _problems(self, problems: Iterable[Diagnostic], place: JsonObject) -> None:
        for item in problems:
            error = item.severity is Severity.ERROR
            self._stream.message(
                "diagnostic",
                f"{'Error' if error else 'Warning'}: {item.summary}",
                {**place, "diagnostic": diagnostic_json(item)},
                level="error" if error else "warn",
            )

    def finish(self, tally: Tally) -> None:
        """Write the summary."""
        document: JsonObject = {
            "status": tally.status.value,
            "passed": tally.passed,
            "failed": tally.failed,
            "errored": tally.errored,
            "skipped": tally.skipped,
        }
        self._stream.message("test_summary", totals_text(tally), {"test_summary": document})


def _counted(amount: int, noun: str) -> str:
    return f"{amount} {noun}{'' if amount == 1 else 's'}"
