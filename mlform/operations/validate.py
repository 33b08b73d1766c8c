"""Checking a configuration without values, state, engine or network."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Final

from mlform.config.suite_load import DEFAULT_FOLDER, check_mocked_kinds, load_suites
from mlform.config.variable_values import without_value
from mlform.dataclass import replace
from mlform.diagnostics import ConfigurationError, Diagnostic, Diagnostics, SourceRange, in_order
from mlform.graph.evaluation import CHECKED_LATER
from mlform.graph.repetition import supposed_repetition
from mlform.lang.values import Value
from mlform.operations.early_blocks import NOT_KNOWN
from mlform.operations.environment import Environment
from mlform.operations.loading import Loaded, load_for_checks
from mlform.plan.checking import check_configuration

_UNKNOWN: Final = "known only after apply"


def validate(
    environment: Environment, *, tests_folder: str | None = DEFAULT_FOLDER
) -> tuple[Diagnostic, ...]:
    """Return everything that is wrong in the configuration of the working folder, in order.

    As in Terraform the values of variables do not matter: every expression is resolved with unknown
    values for what only the caller or apply can tell, and once for all instances of a block.

    Args:
        environment: The outside world, of which only files of the configuration are read.
        tests_folder: Where files of tests are besides the working folder; None to leave tests out.
    """
    diagnostics = Diagnostics()
    try:
        loaded, diagnostics = load_for_checks(environment)
    except ConfigurationError as error:
        diagnostics.extend(error.diagnostics)
    else:
        problems = loaded.backend_problems
        diagnostics.extend(each for each in problems if each.summary != NOT_KNOWN)
        _check(environment, loaded, diagnostics)
    if tests_folder is not None:
        suites, faults = load_suites(environment.settings.folder, tests_folder=tests_folder)
        diagnostics.extend(faults)
        for suite in suites:
            check_mocked_kinds(suite, environment.kinds, diagnostics)
    return in_order(diagnostics)


def _check(environment: Environment, loaded: Loaded, diagnostics: Diagnostics) -> None:
    loaded = replace(loaded, variables=_unknown_variables(loaded))
    evaluation = replace(loaded.evaluation(environment), repeat=supposed_repetition)
    found = Diagnostics()
    check_configuration(evaluation, environment.kinds, found)
    causes = _Places(item.range for item in diagnostics if item.range is not None)
    diagnostics.extend(
        _told(item)
        for item in found
        if item.summary != CHECKED_LATER and not causes.touch(item.range)
    )


def _told(item: Diagnostic) -> Diagnostic:
    """Leave out what is unknown only because nothing is known while checking."""
    if not item.values:
        return item
    known = tuple(each for each in item.values if not each.statement.endswith(_UNKNOWN))
    return replace(item, values=known)


class _Places:
    """Places where a problem was found: another one there says the same again."""

    def __init__(self, ranges: Iterable[SourceRange]) -> None:
        self._spans: dict[str, list[tuple[int, int]]] = {}
        for place in sorted(ranges, key=lambda item: (item.filename, item.start_offset)):
            spans = self._spans.setdefault(place.filename, [])
            if spans and place.start_offset < spans[-1][1]:
                spans[-1] = (spans[-1][0], max(spans[-1][1], place.end_offset))
            else:
                spans.append((place.start_offset, place.end_offset))

    def touch(self, place: SourceRange | None) -> bool:
        """Whether a place has a character in common with one of them."""
        spans = [] if place is None else self._spans.get(place.filename, [])
        if place is None or not spans:
            return False
        before = bisect_left(spans, (place.end_offset, 0))
        return before > 0 and spans[before - 1][1] > place.start_offset


def _unknown_variables(loaded: Loaded) -> Mapping[str, Value]:
    declared = loaded.config.root.variables
    return {name: without_value(variable) for name, variable in declared.items()}
