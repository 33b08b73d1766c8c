from __future__ import annotations

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from mlform.addresses import parse_address
from mlform.config.suites import RunBlock, Suite
from mlform.diagnostics import Diagnostic, Severity, Source, SourceRange
from mlform.operations.suite_outcomes import (
    Found,
    LeftBehind,
    Leftover,
    RunFinished,
    RunOutcome,
    RunStarted,
    Status,
    SuiteEvent,
    SuiteFinished,
    SuiteOutcome,
    SuiteStarted,
    TearingDown,
    tally_of,
)
from mlform.views.junit import junit_xml
from mlform.views.machine import MessageStream
from mlform.views.suites import SuiteLines, SuiteMessages

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PLACE = SourceRange(Source("a.mlftest.hcl", 'run "one" {}\n'), 0, 9)
FAILED = Diagnostic(summary="Test assertion failed", detail='it is "<&>"\x00', range=PLACE)
BROKEN = Diagnostic(summary="Broken", detail="It is.")
ODD = Diagnostic(summary="Odd", detail="It is.", severity=Severity.WARNING)
ONE = RunOutcome(
    name="one",
    status=Status.FAIL,
    diagnostics=(FAILED,),
    began=NOW,
    seconds=1.5,
    assertions=2,
    failed=1,
)
TWO = RunOutcome(name="two", status=Status.ERROR, diagnostics=(BROKEN,), began=NOW, assertions=1)
THREE = RunOutcome(name="three", status=Status.SKIP, because="because")
FOUR = RunOutcome(name="four", status=Status.PASS, diagnostics=(ODD,), began=NOW, seconds=0.25)
RUNS = (ONE, FOUR, TWO, THREE)
LEFT = Leftover(run="two", addresses=(parse_address("model.m"),), diagnostics=(BROKEN,))
PATH = "tests/a.mlftest.hcl"
WHOLE = SuiteOutcome(path=PATH, runs=RUNS, leftovers=(LEFT,))


def story() -> list[SuiteEvent]:
    blocks = {run.name: RunBlock(name=run.name, range=PLACE) for run in RUNS}
    events: list[SuiteEvent] = [
        Found((Suite(path=PATH, runs=tuple(blocks.values())),)),
        SuiteStarted(PATH),
    ]
    for run in RUNS:
        if run.began is not None:
            events.append(RunStarted(PATH, run.name))
        events.append(RunFinished(PATH, blocks[run.name], run))
    return [
        *events,
        TearingDown(PATH),
        TearingDown(PATH, "two"),
        LeftBehind(PATH, LEFT),
        SuiteFinished(PATH, WHOLE),
    ]


def test_people_see_lines_like_terraforms() -> None:
    written: list[str] = []
    told: list[Diagnostic] = []
    view = SuiteLines(written.append, told.extend)
    for event in story():
        view(event)
    view.finish(tally_of([WHOLE]))
    assert "".join(written) == (
        "tests/a.mlftest.hcl... in progress\n"
        '  run "one"... fail\n'
        '  run "four"... pass\n'
        '  run "two"... fail\n'
        '  run "three"... skip\n'
        "tests/a.mlftest.hcl... tearing down\n"
        "mlform could not destroy all that was made while running tests/a.mlftest.hcl/two.\n"
        "\n"
        "mlform left the following resources in state after executing tests/a.mlftest.hcl/two:\n"
        "  - model.m\n"
        "tests/a.mlftest.hcl... fail\n"
        "\n"
        "Failure! 1 passed, 2 failed, 1 skipped.\n"
    )
    assert told == [FAILED, ODD, BROKEN, BROKEN]


def test_nothing_to_run_is_a_success() -> None:
    written: list[str] = []
    SuiteLines(written.append, lambda problems: None).finish(tally_of([]))  # noqa: ARG005
    assert "".join(written) == "\nSuccess! 0 passed, 0 failed.\n"


def test_programs_get_messages_like_terraforms() -> None:
    lines: list[str] = []
    stream = MessageStream(lines.append, now=lambda: NOW, clock=lambda: 0.0, version="1")
    view = SuiteMessages(stream, version="1")
    for event in story():
        view(event)
    view.finish(tally_of([WHOLE]))
    messages = [json.loads(line) for line in lines][1:]
    assert [message["type"] for message in messages] == [
        "test_abstract",
        "test_file",
        *["test_run", "test_run", "diagnostic"] * 3,
        "test_run",
        "test_file",
        "test_run",
        "test_cleanup",
        "diagnostic",
        "test_file",
        "test_summary",
    ]
    abstract, _, _, first, problem, *_ = messages
    assert abstract["@message"] == "Found 1 file and 4 run blocks"
    assert abstract["test_abstract"] == {PATH: ["one", "four", "two", "three"]}
    assert (first["@testfile"], first["@testrun"]) == (PATH, "one")
    assert first["@message"] == '  "one"... fail'
    assert first["test_run"] == {
        "path": PATH,
        "run": "one",
        "progress": "complete",
        "status": "fail",
    }
    assert problem["diagnostic"]["summary"] == "Test assertion failed"
    assert (problem["@level"], problem["@testrun"]) == ("error", "one")
    assert messages[-1]["test_summary"] == {
        "status": "error",
        "passed": 1,
        "failed": 1,
        "errored": 1,
        "skipped": 1,
    }


def test_junit_xml_is_well_formed_and_counts() -> None:
    (suite,) = ET.fromstring(junit_xml([WHOLE]))  # noqa: S314 - written above
    assert suite.attrib == {
        "name": PATH,
        "tests": "4",
        "skipped": "1",
        "failures": "1",
        "errors": "1",
    }
    first, second, third, fourth = suite
    assert first.attrib == {
        "name": "one",
        "classname": PATH,
        "time": "1.500000000",
        "timestamp": "2026-01-02T03:04:05Z",
    }
    (failure,) = first
    assert failure.tag == "failure"
    assert (
        failure.get("message") == '1 of 2 assertions failed: it is "<&>"\N{REPLACEMENT CHARACTER}'
    )
    assert failure.text is not None
    assert "Test assertion failed" in failure.text
    assert [child.tag for child in second] == ["system-err"]
    assert [child.get("message") for child in third] == ["Encountered an error"]
    assert [child.tag for child in fourth] == ["skipped"]
    assert "time" not in fourth.attrib
