"""Outcomes of tests as JUnit XML, in the shape of `terraform test -junit-xml`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Final

from mlform.diagnostics import Severity
from mlform.operations.suite_outcomes import RunOutcome, Status, SuiteOutcome
from mlform.views.diagnostics import render_diagnostics

_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""
_WIDTH: Final = 78
_FAILURE: Final = "Test assertion failed"


def junit_xml(suites: Sequence[SuiteOutcome]) -> str:
    """Return the document: a `testsuite` for each file, a `testcase` for each run."""
    content = ['<?xml version="1.0" encoding="UTF-8"?><testsuites>']
    for suite in suites:
        statuses = [run.status for run in suite.runs]
        content.append(
            f"  <testsuite name={_quoted(suite.path)} tests={_number(len(statuses))} "
            f"skipped={_number(statuses.count(Status.SKIP))} "
            f"failures={_number(statuses.count(Status.FAIL))} "
            f"errors={_number(statuses.count(Status.ERROR))}>"
        )
        for run in suite.runs:
            content += _case(suite.path, run)
        content.append("  </testsuite>")
    return "\n".join([*content, "</testsuites>\n"])


def _case(path: str, run: RunOutcome) -> list[str]:
    head = f"    <testcase name={_quoted(run.name)} classname={_quoted(path)}"
    if run.began is not None:
        moment = run.began.strftime("%Y-%m-%dT%H:%M:%SZ")
        head += f' time="{run.seconds:.9f}" timestamp="{moment}"'
    outcome = _outcome(run)
    if not outcome:
        return [f"{head}></testcase>"]
    return [f"{head}>", outcome, "    </testcase>"]


def _outcome(run: RunOutcome) -> str:
    text = render_diagnostics(run.diagnostics, color=False, width=_WIDTH)
    match run.status:
        case Status.SKIP:
            reason = "Testcase skipped due to a previous testcase error"
            rest = f"{run.because}, which caused the remaining tests in the file to be skipped"
            return _element("skipped", reason, rest)
        case Status.FAIL:
            messages = [item.detail for item in run.diagnostics if item.summary == _FAILURE]
            counted = f"{run.failed} of {run.assertions} assertions failed"
            return _element("failure", ": ".join([counted, *messages[:1]]), text)
        case Status.ERROR:
            return _element("error", "Encountered an error", text)
        case Status.PASS:
            if not any(item.severity is Severity.WARNING for item in run.diagnostics):
                return ""
            return f"      <system-err>{_escaped(text)}</system-err>"


def _element(name: str, message: str, text: str) -> str:
    return f"      <{name} message={_quoted(message)}>{_escaped(text)}</{name}>"


def _number(amount: int) -> str:
    return f'"{amount}"'


def _quoted(text: str) -> str:
    return '"' + _escaped(text).replace("\n", "&#10;") + '"'


def _escaped(text: str) -> str:
    return escape(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text))
