"""Finding and reading files of tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mlform.config.load import read_file
from mlform.config.reading import Reader
from mlform.config.static import constant_text
from mlform.config.suite_decode import decode_mock_file, decode_suite
from mlform.config.suite_mocks import unique_overrides
from mlform.config.suites import MockKind, Mocks, Override, Suite
from mlform.dataclass import replace
from mlform.diagnostics import Diagnostic, Diagnostics, did_you_mean
from mlform.hcl.ast import Body, Expression
from mlform.hcl.json_syntax import parse_json
from mlform.hcl.parser import decode_source, parse

SUFFIXES = (".mlftest.hcl", ".mlftest.json")
"""Of files of tests."""
MOCK_SUFFIXES = (".mlfmock.hcl", ".mlfmock.json")
"""Of files of mocks, in folders that `mock_provider` names."""
DEFAULT_FOLDER = "tests"
"""Where tests are looked for besides the working folder."""


def load_suites(
    folder: Path, *, tests_folder: str = DEFAULT_FOLDER
) -> tuple[tuple[Suite, ...], tuple[Diagnostic, ...]]:
    """Read all files of tests of a module.

    Args:
        folder: The module's.
        tests_folder: Where tests are looked for besides it, relative to it.

    Returns:
        The suites in order of their paths, and the problems of all files. The suites are only to
        be used if no problem is an error.
    """
    diagnostics = Diagnostics()
    names = _names(folder, "", SUFFIXES, diagnostics)
    if tests_folder not in {"", "."}:
        if (folder / tests_folder).is_dir():
            names += _names(folder, tests_folder, SUFFIXES, diagnostics)
        elif tests_folder != DEFAULT_FOLDER:
            diagnostics.warning(
                "Test directory does not exist",
                f"Requested test directory {tests_folder} does not exist. It is looked up from "
                "the working folder.",
            )
    suites = (_suite(folder, name, diagnostics) for name in sorted(names))
    return tuple(each for each in suites if each is not None), tuple(diagnostics)


def _names(
    folder: Path, inside: str, suffixes: Sequence[str], diagnostics: Diagnostics
) -> list[str]:
    try:
        names = sorted(each.name for each in (folder / inside).iterdir())
    except OSError as error:
        diagnostics.error(
            "Failed to read test directory",
            f"The folder {inside or '.'} cannot be listed: {error.strerror or error}. Check its "
            "name and that you may read it.",
        )
        return []
    prefix = f"{Path(inside).as_posix()}/" if inside else ""
    return [
        prefix + name
        for name in names
        if name.endswith(tuple(suffixes)) and not name.startswith(".")
    ]


def _suite(folder: Path, name: str, diagnostics: Diagnostics) -> Suite | None:
    parsed = _parsed(folder, name, diagnostics)
    if parsed is None:
        return None
    body, reader = parsed
    suite, sources = decode_suite(name, body, reader)
    mocks = suite.mocks
    for source in sources:
        mocks = _joined(mocks, _mock_files(folder, source, diagnostics), diagnostics)
    return replace(suite, mocks=mocks)


def _parsed(folder: Path, name: str, diagnostics: Diagnostics) -> tuple[Body, Reader] | None:
    content = read_file(folder / name, name, diagnostics)
    if content is None:
        return None
    source, problems = decode_source(name, content)
    body, more = (parse_json if name.endswith(".json") else parse)(source)
    places = tuple(each.range for each in (*problems, *more) if each.range is not None)
    diagnostics.extend((*problems, *more))
    return body, Reader(diagnostics=diagnostics, syntax_errors=places)


def _mock_files(folder: Path, source: Expression, diagnostics: Diagnostics) -> list[Mocks]:
    path = constant_text(source, diagnostics)
    if path is None:
        return []
    if not (folder / path).is_dir():
        diagnostics.error(
            "Mock folder does not exist",
            f"There is no folder {path}, looked up from the working folder. It is to hold files "
            f"*{MOCK_SUFFIXES[0]}.",
            range=source.range,
        )
        return []
    found: list[Mocks] = []
    for name in _names(folder, path, MOCK_SUFFIXES, diagnostics):
        parsed = _parsed(folder, name, diagnostics)
        if parsed is not None:
            found.append(decode_mock_file(*parsed))
    return found


def _joined(mocks: Mocks, more: Sequence[Mocks], diagnostics: Diagnostics) -> Mocks:
    """Add the mocks of files to those of the suite, which count first."""
    kinds: dict[str, MockKind] = {}
    overrides: list[Override] = []
    for each in more:
        kinds |= each.kinds
        overrides += each.overrides
    own = {each.target for each in mocks.overrides}
    added = unique_overrides([each for each in overrides if each.target not in own], diagnostics)
    return replace(mocks, kinds={**kinds, **mocks.kinds}, overrides=(*mocks.overrides, *added))


def check_mocked_kinds(suite: Suite, kinds: Mapping[str, object], diagnostics: Diagnostics) -> None:
    """Record an error for each mock of a kind that there is not."""
    for mock in suite.mocks.kinds.values():
        if mock.kind not in kinds:
            diagnostics.error(
                "Invalid resource kind",
                f'There is no resource kind "{mock.kind}". Known are: {", ".join(sorted(kinds))}.'
                f"{did_you_mean(mock.kind, kinds)}",
                range=mock.range,
            )
