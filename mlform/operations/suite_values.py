"""The values of variables in one run, and what its expressions can refer to.

As in Terraform the `variables` of a run count most, then those of its file, then everything that
is given from outside: files of the tests folder, the command line, files of the working folder,
the environment, defaults.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlform.config.blocks import VariableBlock
from mlform.config.suites import RunBlock, Suite
from mlform.config.variable_sources import FileValues, OptionValue, VariableSource
from mlform.config.variable_values import (
    accepted,
    check_validation,
    is_checked_early,
    marked,
    without_value,
)
from mlform.config.variables import collect_variables
from mlform.dataclass import dataclass, field, replace
from mlform.diagnostics import Diagnostics, did_you_mean
from mlform.hcl.ast import Attribute, Body, Expression
from mlform.lang.construct import object_of
from mlform.lang.function import Function
from mlform.lang.references import references
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.values import Value

_NO_VALUE = "No value for required variable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What one run starts from.

    Attributes:
        suite: The file it is in.
        run: The run.
        sources: What gives values from outside, lowest first.
        root_variables: Declared by the module of the working folder.
        outputs: Of the runs before, by name of the run.
        functions: By name.
    """

    suite: Suite
    run: RunBlock
    sources: Sequence[VariableSource]
    root_variables: Mapping[str, VariableBlock]
    outputs: Mapping[str, Value]
    functions: Mapping[str, Function]
    _known: list[Mapping[str, Value]] = field(default_factory=list)

    def values(
        self, declared: Mapping[str, VariableBlock], diagnostics: Diagnostics
    ) -> Mapping[str, Value]:
        """Return the value of every variable of the module under test.

        Args:
            declared: The variables of that module.
            diagnostics: Takes every problem.
        """
        given = self._given(declared, diagnostics)
        self._warn_of_undeclared(declared, diagnostics)
        rest = {name: item for name, item in declared.items() if name not in given}
        values = {**self._from_outside(rest, diagnostics), **given}
        ordered = {name: values[name] for name in declared}
        scope = Scope(variables={"var": object_of(ordered)}, functions=self.functions)
        if not diagnostics.has_errors:
            for variable in declared.values():
                for validation in variable.validations:
                    if is_checked_early(validation):
                        check_validation(variable, validation, scope, diagnostics)
        return ordered

    def _given(
        self, declared: Mapping[str, VariableBlock], diagnostics: Diagnostics
    ) -> dict[str, Value]:
        """Return the values that the file and the run give, as the variables take them."""
        scope = self.scope(diagnostics)
        found: dict[str, Value] = {}
        for name, variable in declared.items():
            own = self.run.variables.get(name)
            attribute = own or self.suite.variables.get(name)
            if attribute is None:
                continue
            inner = scope if own is not None else self._file_scope()
            value = self.resolve(attribute.expression, inner, diagnostics)
            taken = None
            if value is not None:
                taken = accepted(
                    variable,
                    value,
                    said=f"The value given at {attribute.range}",
                    place=variable.range if variable.sensitive else attribute.expression.range,
                    diagnostics=diagnostics,
                )
            found[name] = without_value(variable) if taken is None else marked(variable, taken)
        return found

    def resolve(
        self, expression: Expression, scope: Scope, diagnostics: Diagnostics
    ) -> Value | None:
        """Resolve an expression of the file, or return None after a problem."""
        before = len(diagnostics)
        self.check_runs(expression, diagnostics)
        if len(diagnostics) > before:
            return None
        value = resolve(expression, scope, diagnostics)
        return value if len(diagnostics) == before else None

    def check_runs(self, expression: Expression, diagnostics: Diagnostics) -> None:
        """Record a problem for each reference to a run that has not been carried out."""
        names = [run.name for run in self.suite.runs]
        for reference in references(expression):
            name = reference.steps[0] if reference.steps else None
            if reference.root != "run" or name in self.outputs:
                continue
            if name in names:
                summary = "Reference to unavailable run block"
                detail = (
                    f'The run block "{name}" has not been carried out yet. Only run blocks that '
                    "stand before this one can be referred to."
                )
            else:
                summary = "Reference to unknown run block"
                detail = (
                    f'There is no run block "{name}" in this file.{did_you_mean(str(name), names)}'
                )
            diagnostics.error(summary, detail, range=reference.range)

    def scope(self, diagnostics: Diagnostics) -> Scope:
        """Return what expressions of the run's own blocks can see."""
        values = self._outside()
        inner = self._file_scope(values)
        named = {name for each in self._expressions() for name in _variables_in(each)}
        for name, attribute in self.suite.variables.items():
            if name in named:
                value = self.resolve(attribute.expression, inner, diagnostics)
                if value is not None:
                    values[name] = value
        return self._file_scope(values)

    def _expressions(self) -> Iterable[Expression]:
        for attribute in self.run.variables.values():
            yield attribute.expression
        for override in (*self.run.overrides, *self.suite.mocks.overrides):
            values = getattr(override, "values", None) or getattr(override, "outputs", None)
            if values is not None:
                yield values
        for mock in self.suite.mocks.kinds.values():
            if mock.defaults is not None:
                yield mock.defaults

    def _file_scope(self, values: Mapping[str, Value] | None = None) -> Scope:
        return Scope(
            variables={
                "var": object_of(self._outside() if values is None else values),
                "run": object_of(self.outputs),
            },
            functions=self.functions,
        )

    def _outside(self) -> dict[str, Value]:
        """Return the variables of the root module that have a value from outside."""
        if not self._known:
            self._known.append(self._found_outside())
        return dict(self._known[0])

    def _found_outside(self) -> Mapping[str, Value]:
        found = Diagnostics()
        bare = {name: replace(item, validations=()) for name, item in self.root_variables.items()}
        values = collect_variables(
            bare,
            relevant_sources(self.sources, bare),
            diagnostics=found,
            functions=self.functions,
        )
        missing = {item.range for item in found if item.summary == _NO_VALUE}
        return {name: item for name, item in values.items() if bare[name].range not in missing}

    def _from_outside(
        self, declared: Mapping[str, VariableBlock], diagnostics: Diagnostics
    ) -> Mapping[str, Value]:
        found = Diagnostics()
        values = collect_variables(
            {name: replace(item, validations=()) for name, item in declared.items()},
            relevant_sources(self.sources, declared),
            diagnostics=found,
            functions=self.functions,
        )
        names = {item.range: item.name for item in declared.values()}
        for problem in found:
            if problem.summary == _NO_VALUE and problem.range is not None:
                detail = (
                    f'The module under test for run block "{self.run.name}" has a required '
                    f'variable "{names.get(problem.range)}" with no set value. Add it to a '
                    '"variables" block of the test file or run block, or use -var or -var-file.'
                )
                problem = replace(problem, detail=detail)  # noqa: PLW2901 - the same, said better
            diagnostics.add(problem)
        return values

    def _warn_of_undeclared(
        self, declared: Mapping[str, VariableBlock], diagnostics: Diagnostics
    ) -> None:
        for name, attribute in self.run.variables.items():
            if name not in declared:
                diagnostics.warning(
                    "Value for undeclared variable",
                    f'The module under test does not declare a variable named "{name}", but it is '
                    f'set in run block "{self.run.name}".{did_you_mean(name, declared)}',
                    range=attribute.name_range,
                )


def _variables_in(expression: Expression) -> set[str]:
    return {
        str(reference.steps[0])
        for reference in references(expression)
        if reference.root == "var" and reference.steps
    }


def relevant_sources(
    sources: Iterable[VariableSource], declared: Mapping[str, VariableBlock]
) -> tuple[VariableSource, ...]:
    """Return the sources without values for other variables: other runs may need those."""
    found: list[VariableSource] = []
    for source in sources:
        if isinstance(source, FileValues):
            kept: tuple[Attribute, ...] = tuple(
                each for each in source.body.attributes if each.name in declared
            )
            found.append(FileValues(body=Body(kept, (), source.body.range)))
        elif not isinstance(source, OptionValue) or source.text.partition("=")[0] in declared:
            found.append(source)
    return tuple(found)
