"""`mlform test`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mlform import __version__
from mlform.cli.failures import FAILED, INTERRUPTED
from mlform.cli.planning import variable_options
from mlform.cli.watching import Watch
from mlform.errors import MlformError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mlform.cli.arguments import TestArguments
    from mlform.cli.session import Session
    from mlform.operations.environment import Environment
    from mlform.operations.suite_outcomes import SuiteOutcome
    from mlform.schema import BlockSchema
    from mlform.views.suites import SuiteLines, SuiteMessages


def run(arguments: TestArguments, session: Session) -> int:
    """Run the tests of the working folder and show how they went."""
    from mlform.operations.suite_outcomes import Status, tally_of
    from mlform.operations.testing import SuiteOptions, find_tests, run_tests
    from mlform.wiring import build_bench

    if arguments.parallelism < 1:
        raise UsageError("Invalid value for an option", "-parallelism must be at least 1.")
    environment = session.environment(parallelism=arguments.parallelism)
    found = find_tests(
        environment,
        SuiteOptions(
            filters=arguments.filter,
            tests_folder=arguments.test_directory,
            variables=variable_options(arguments.var, session),
        ),
    )
    session.report(found.warnings)
    view = _view(session, environment, verbose=arguments.verbose)
    with tempfile.TemporaryDirectory(prefix="mlform-test-") as folder, Watch(session) as watch:
        bench = build_bench(environment.settings, Path(folder))
        outcomes = run_tests(environment, bench, found, view, watch.stop)
    tally = tally_of(outcomes)
    view.finish(tally)
    if arguments.junit_xml:
        _write_junit(session.path(arguments.junit_xml), outcomes)
    if watch.stop.requested:
        return INTERRUPTED
    return 0 if tally.status in {Status.PASS, Status.SKIP} else FAILED


def _view(
    session: Session, environment: Environment, *, verbose: bool
) -> SuiteLines | SuiteMessages:
    from mlform.views.suites import SuiteLines, SuiteMessages

    def schemas(kinds: Iterable[str]) -> Mapping[str, BlockSchema]:
        return session.schemas(environment, kinds)

    shown = schemas if verbose else None
    if session.messages is not None:
        return SuiteMessages(session.messages, version=__version__, schemas=shown)
    out = session.out
    return SuiteLines(out.write, session.report, shown, color=out.color, width=out.width)


def _write_junit(path: Path, outcomes: Sequence[SuiteOutcome]) -> None:
    """Write the outcomes as JUnit XML.

    Raises:
        MlformError: If the file cannot be written.
    """
    from mlform.durable import write_file
    from mlform.views.junit import junit_xml

    try:
        write_file(path, junit_xml(outcomes).encode())
    except OSError as error:
        detail = f"{path} cannot be written: {error.strerror or error}."
        raise MlformError("Failed to write the JUnit XML", detail) from error
