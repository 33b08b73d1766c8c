"""Which problems of a run are those that it expects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlform.addresses import covers, parse_address
from mlform.config.blocks import Module, VariableBlock
from mlform.config.suites import ExpectedFailure
from mlform.dataclass import dataclass, field, replace
from mlform.diagnostics import Diagnostic, Diagnostics, Severity, did_you_mean

_CONDITIONS = frozenset(
    {
        "Check block assertion failed",
        "Module output value precondition failed",
        "Resource precondition failed",
        "Resource postcondition failed",
        "Gate not passed",
    }
)
_VALIDATION = "Invalid value for variable"


@dataclass(slots=True, kw_only=True)
class Expectations:
    """What a run expects to fail, and what of it did.

    Attributes:
        expected: As the run names it.
        variables: Declared by the module under test.
        met: What failed already.
    """

    expected: Sequence[ExpectedFailure]
    variables: Mapping[str, VariableBlock] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)

    def sort(self, problems: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return the problems that are not expected; conditions among them are errors."""
        left: list[Diagnostic] = []
        for problem in problems:
            expected = self._expecting(problem)
            if expected is not None:
                self.met.add(expected.name)
            elif problem.summary in _CONDITIONS and problem.severity is Severity.WARNING:
                left.append(replace(problem, severity=Severity.ERROR))
            else:
                left.append(problem)
        return left

    def explain(self, problems: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return the problems of a plan that was to be applied, with a word on expected ones."""
        found = Diagnostics()
        for problem in problems:
            expected = self._expecting(problem)
            if problem.severity is Severity.ERROR and expected is not None:
                found.warning(
                    "Expected failure while planning",
                    f"A condition of {expected.name} failed while planning, so that nothing could "
                    "be applied. This failure is expected, but the run has command = apply, so it "
                    "fails. Use command = plan.",
                    range=expected.range,
                )
            again = problem.summary in _CONDITIONS and problem.severity is Severity.WARNING
            if not again:  # apply looks at those once more
                found.add(problem)
        return list(found)

    def missing(self) -> list[Diagnostic]:
        """Return an error for everything that was expected to fail and did not."""
        found = Diagnostics()
        for expected in self.expected:
            if expected.name not in self.met:
                found.error(
                    "Missing expected failure",
                    f"The checkable object, {expected.name}, was expected to report an error but "
                    "did not.",
                    range=expected.range,
                )
        return list(found)

    def _expecting(self, problem: Diagnostic) -> ExpectedFailure | None:
        """Return the expectation that a problem meets, or None."""
        if problem.summary == _VALIDATION:
            failed = [item for item in self.variables.values() if item.range == problem.range]
            return self._named([f"var.{item.name}" for item in failed])
        if problem.summary not in _CONDITIONS or problem.address is None:
            return None
        direct = self._named([problem.address])
        return direct or self._covering(problem.address)

    def _named(self, names: list[str]) -> ExpectedFailure | None:
        return next((each for each in self.expected if each.name in names), None)

    def _covering(self, text: str) -> ExpectedFailure | None:
        try:
            address = parse_address(text)
        except ValueError:
            return None
        for expected in self.expected:
            if expected.resource is not None and covers(expected.resource, address):
                return expected
        return None

    def undeclared(self, module: Module) -> list[Diagnostic]:
        """Return an error for everything that is expected to fail and is not declared.

        Args:
            module: The module under test.
        """
        found = Diagnostics()
        known = [
            *(f"var.{name}" for name in module.variables),
            *(f"output.{name}" for name in module.outputs),
            *(f"check.{name}" for name in module.checks),
            *map(str, module.resources),
        ]
        for expected in self.expected:
            block = expected.name if expected.resource is None else str(expected.resource.block)
            if block not in known:
                found.error(
                    "Reference to undeclared object",
                    f"{expected.name} is expected to fail, but the module under test declares no "
                    f"such thing.{did_you_mean(block, known)}",
                    range=expected.range,
                )
        return list(found)
