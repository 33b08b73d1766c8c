"""`mlform test`: finding, running and summing up tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from mlform.apply.stop import Stop
from mlform.config.suite_load import DEFAULT_FOLDER, check_mocked_kinds, load_suites
from mlform.config.suites import Suite
from mlform.config.variable_sources import (
    OptionFile,
    OptionValue,
    VariableSource,
    gather_sources,
)
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostic, Diagnostics, did_you_mean
from mlform.errors import UsageError
from mlform.operations.bench import Bench
from mlform.operations.environment import Environment
from mlform.operations.suite_engine import SubjectLoader
from mlform.operations.suite_outcomes import (
    Audience,
    Found,
    LeftBehind,
    RunFinished,
    RunOutcome,
    RunStarted,
    Status,
    SuiteFinished,
    SuiteOutcome,
    SuiteStarted,
    TearingDown,
)
from mlform.operations.suite_runs import SuiteRunner


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteOptions:
    """Which tests to run, and with what.

    Attributes:
        filters: Paths of files to run; empty for all.
        tests_folder: Where tests are looked for besides the working folder.
        variables: From the command line, in order.
    """

    filters: tuple[str, ...] = ()
    tests_folder: str = DEFAULT_FOLDER
    variables: Sequence[OptionValue | OptionFile] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SuitesFound:
    """Tests that are ready to run.

    Attributes:
        suites: The files, in order.
        sources: What gives values to variables from outside, lowest first.
        warnings: Problems that do not stop anything.
    """

    suites: tuple[Suite, ...]
    sources: tuple[VariableSource, ...]
    warnings: tuple[Diagnostic, ...] = ()


def find_tests(environment: Environment, options: SuiteOptions) -> SuitesFound:
    """Read all tests of the working folder, those that are filtered out included.

    Raises:
        ConfigurationError: With everything that is wrong in the files of tests.
        UsageError: If a filter names no file of tests.
    """
    folder = environment.settings.folder
    suites, problems = load_suites(folder, tests_folder=options.tests_folder)
    diagnostics = Diagnostics()
    diagnostics.extend(problems)
    for suite in suites:
        check_mocked_kinds(suite, environment.kinds, diagnostics)
    sources = gather_sources(
        folder,
        environment=environment.settings.variables,
        options=options.variables,
        diagnostics=diagnostics,
    )
    if options.tests_folder not in {"", "."}:
        sources += gather_sources(
            folder / options.tests_folder,
            environment={},
            options=(),
            diagnostics=diagnostics,
            shown_folder=PurePosixPath(options.tests_folder).as_posix(),
        )
    diagnostics.raise_if_errors()
    return SuitesFound(
        suites=_filtered(suites, options.filters), sources=sources, warnings=tuple(diagnostics)
    )


def _filtered(suites: tuple[Suite, ...], filters: tuple[str, ...]) -> tuple[Suite, ...]:
    if not filters:
        return suites
    paths = [suite.path for suite in suites]
    wanted = {PurePosixPath(text).as_posix().removeprefix("./"): text for text in filters}
    for path, text in wanted.items():
        if path not in paths:
            known = f" Known are: {', '.join(paths)}." if paths else " There are none."
            detail = (
                f"There is no test file {text}. Write the path as seen from the working folder."
                f"{did_you_mean(path, paths)}{known}"
            )
            raise UsageError("Unknown test file", detail)
    return tuple(suite for suite in suites if suite.path in wanted)


def run_tests(
    environment: Environment,
    bench: Bench,
    found: SuitesFound,
    audience: Audience,
    stop: Stop,
) -> tuple[SuiteOutcome, ...]:
    """Run tests, file by file, and destroy what each of them made.

    Args:
        environment: The real world; of it only files are read, unless a run applies something
            that is not made up.
        bench: What tests run on instead.
        found: The tests.
        audience: Takes what happens.
        stop: The wish to stop: what runs is finished, the rest skipped, and all is destroyed.

    Raises:
        ConfigurationError: If the module of the working folder cannot be read at all.
    """
    loader = SubjectLoader(environment=environment)
    root_variables = dict(loader.variables(None))
    audience(Found(found.suites))
    outcomes: list[SuiteOutcome] = []
    for suite in found.suites:
        runner = SuiteRunner(
            environment=environment,
            bench=bench,
            loader=loader,
            suite=suite,
            sources=found.sources,
            root_variables=root_variables,
            stop=stop,
        )
        outcomes.append(_run_suite(runner, audience, stop))
    return tuple(outcomes)


def _run_suite(runner: SuiteRunner, audience: Audience, stop: Stop) -> SuiteOutcome:
    path = runner.suite.path
    audience(SuiteStarted(path))
    runs: list[RunOutcome] = []
    because = ""
    for block in runner.suite.runs:
        if not because and stop.requested:
            because = "The tests were stopped"
        if because:
            outcome = RunOutcome(name=block.name, status=Status.SKIP, because=because)
        else:
            audience(RunStarted(path, block.name))
            outcome = runner.run(block)
            if outcome.status is Status.ERROR:
                because = f'Previous testcase "{block.name}" ended in error'
        runs.append(outcome)
        audience(RunFinished(path, block, outcome))
    audience(TearingDown(path))
    leftovers = runner.tear_down(lambda run: audience(TearingDown(path, run)))
    for leftover in leftovers:
        audience(LeftBehind(path, leftover))
    finished = SuiteOutcome(path=path, runs=tuple(runs), leftovers=leftovers)
    audience(SuiteFinished(path, finished))
    return finished
