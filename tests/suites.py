"""Tests of a project, run in memory: files in, how each run went out.

Real tasks are done by the engine's functions of text, as in `tests.engine`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mlform.apply.stop import Stop
from mlform.config.variable_sources import OptionValue
from mlform.dataclass import replace
from mlform.diagnostics import Diagnostic
from mlform.operations.bench import Bench
from mlform.operations.suite_outcomes import (
    RunOutcome,
    RunStarted,
    SuiteEvent,
    SuiteOutcome,
    tally_of,
)
from mlform.operations.testing import SuiteOptions, find_tests, run_tests
from mlform.runtimes.base import Runtime
from mlform.runtimes.rehearsal import RehearsalRuntime
from mlform.wiring import build_bench
from tests.engine import Engine


@dataclass(slots=True, kw_only=True)
class Ran:
    """How tests went, and what was told."""

    suites: tuple[SuiteOutcome, ...]
    events: list[SuiteEvent]

    @property
    def statuses(self) -> dict[str, str]:
        """The status of each run, by its name; runs of several files need names of their own."""
        return {run.name: run.status.value for suite in self.suites for run in suite.runs}

    @property
    def summaries(self) -> list[str]:
        """Summaries of all problems of runs, in order."""
        return [item.summary for item in self.problems]

    @property
    def problems(self) -> list[Diagnostic]:
        """All problems of runs, in order."""
        return [item for suite in self.suites for run in suite.runs for item in run.diagnostics]

    @property
    def problem(self) -> Diagnostic:
        """The one problem."""
        assert len(self.problems) == 1, self.problems
        return self.problems[0]

    def run(self, name: str) -> RunOutcome:
        """How a run went."""
        return next(run for suite in self.suites for run in suite.runs if run.name == name)

    def passed(self) -> Ran:
        """Fail with all problems unless every run passed."""
        assert set(self.statuses.values()) == {"pass"}, (self.statuses, self.problems)
        return self


@dataclass(slots=True)
class Project:
    """A folder with a configuration and tests of it."""

    folder: Path
    stop: Stop = field(default_factory=Stop)
    stop_at: str = ""
    opened: list[str] = field(default_factory=list)

    def file(self, name: str, content: str) -> Project:
        """Write a file; returns itself, so that calls can be chained."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return self

    def run(
        self,
        *,
        variables: dict[str, str] | None = None,
        environment: dict[str, str] | None = None,
        filters: tuple[str, ...] = (),
    ) -> Ran:
        """Run all tests, or those of some files."""
        engine = Engine(self.folder)
        real = engine.environment([])
        real = replace(real, settings=replace(real.settings, variables=environment or {}))
        bench = self._bench(engine)
        options = SuiteOptions(
            filters=filters,
            variables=tuple(
                OptionValue(text=f"{name}={text}") for name, text in (variables or {}).items()
            ),
        )
        events: list[SuiteEvent] = []

        def told(event: SuiteEvent) -> None:
            events.append(event)
            if isinstance(event, RunStarted) and event.run == self.stop_at:
                self.stop.request()

        found = find_tests(real, options)
        suites = run_tests(real, bench, found, told, self.stop)
        assert not (self.folder / ".mlform").exists()
        tally_of(suites)
        return Ran(suites=suites, events=events)

    def _bench(self, engine: Engine) -> Bench:
        bench = build_bench(engine.environment([]).settings, self.folder / "bench")

        def open_runtime(type_: str, arguments: object) -> Runtime:
            def open_real() -> Runtime:
                self.opened.append(type_)
                return engine.runtime

            return RehearsalRuntime(type_, {"arguments": str(arguments)}, open_real)

        return replace(bench, open_runtime=open_runtime)
