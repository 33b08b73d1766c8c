"""Trying expressions against configuration and state."""

from __future__ import annotations

from collections.abc import Sequence

from mlform.config.variable_sources import OptionFile, OptionValue
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostic, Diagnostics, Source
from mlform.graph.evaluation import Evaluation
from mlform.graph.nodes import LocalNode
from mlform.hcl.parser import parse_expression
from mlform.lang.resolve import resolve
from mlform.lang.values import Value
from mlform.operations.access import open_backend
from mlform.operations.environment import Environment
from mlform.operations.loading import load
from mlform.plan.recorded import recorded_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """Resolves expressions; what was not applied yet is unknown."""

    evaluation: Evaluation

    def evaluate(self, text: str) -> tuple[Value | None, tuple[Diagnostic, ...]]:
        """Return the value of an expression, or None with what is wrong."""
        expression, problems = parse_expression(Source("<console>", text))
        if expression is None or any(problems):
            return None, problems
        diagnostics = Diagnostics()
        value = resolve(expression, self.evaluation.everything(), diagnostics)
        return (None if diagnostics.has_errors else value), tuple(diagnostics)

    def names(self) -> tuple[str, ...]:
        """Return what can be referred to, and the functions, sorted."""
        module = self.evaluation.module
        return tuple(
            sorted(
                [
                    *(f"var.{name}" for name in module.variables),
                    *(f"local.{name}" for name in module.locals),
                    *(str(address) for address in module.resources),
                    *self.evaluation.surroundings.functions,
                ]
            )
        )


def open_console(
    environment: Environment, variables: Sequence[OptionValue | OptionFile] = ()
) -> Console:
    """Return a console on the configuration and state of the working folder.

    Raises:
        ConfigurationError: If the configuration is broken.
        BackendError: If the state cannot be read.
    """
    loaded = load(environment, options=variables, partial=True)
    evaluation = loaded.evaluation(environment)
    state = open_backend(environment, loaded).read()
    for record in () if state is None else state.records:
        if record.address.kind in environment.kinds:
            kind = environment.kinds[record.address.kind]
            evaluation.record(record.address, recorded_value(record, kind))
    ignored = Diagnostics()
    for node in loaded.graph.dag.order():
        if isinstance(node, LocalNode):
            evaluation.resolve_local(node.name, ignored)
    return Console(evaluation=evaluation)
