"""Checking the assertions of a run against what came out of it."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.config.blocks import Condition, Module
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostic, Diagnostics, did_you_mean
from mlform.graph.conditions import Status as Truth
from mlform.graph.conditions import check_condition
from mlform.hcl.ast import Expression
from mlform.lang.failure import reference_values
from mlform.lang.references import Reference, references
from mlform.lang.scope import Scope
from mlform.operations.suite_values import Stage
from mlform.resources.base import AnyKind

_UNKNOWN = (
    "The condition could not be evaluated: one of the values it depends on is not known until the "
    "plan is applied, and this run has command = plan. Take the value out of the condition, use "
    "command = apply, or make the value known with override_during = plan in an override_resource "
    "or mock_resource block."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How the assertions of a run stand.

    Attributes:
        failed: How many do not hold.
        undecided: How many could not be evaluated.
        problems: What to say of them.
    """

    failed: int
    undecided: int
    problems: tuple[Diagnostic, ...]


def judge(stage: Stage, module: Module, kinds: Mapping[str, AnyKind], scope: Scope) -> Judgement:
    """Check the assertions of a run.

    Args:
        stage: The run.
        module: The module under test.
        kinds: That there are.
        scope: What assertions can see, outputs and earlier runs included.
    """
    failed = undecided = 0
    problems = Diagnostics()
    for condition in stage.run.assertions:
        found = Diagnostics()
        truth = _truth(condition, stage, module, kinds, scope, found)
        failed += truth is Truth.FAIL
        undecided += truth in {Truth.ERROR, Truth.UNKNOWN}
        problems.extend(found)
    return Judgement(failed=failed, undecided=undecided, problems=tuple(problems))


def _truth(
    condition: Condition,
    stage: Stage,
    module: Module,
    kinds: Mapping[str, AnyKind],
    scope: Scope,
    diagnostics: Diagnostics,
) -> Truth:
    for expression in (condition.condition, condition.error_message):
        stage.check_runs(expression, diagnostics)
        check_names(expression, module, kinds, diagnostics)
    if diagnostics.has_errors:
        return Truth.ERROR
    truth, _ = check_condition(condition, scope, diagnostics, what="Test assertion")
    if truth is Truth.UNKNOWN:
        diagnostics.add(
            Diagnostic(
                summary="Unknown condition value",
                detail=_UNKNOWN,
                range=condition.condition.range,
                values=reference_values(condition.condition, scope),
            )
        )
    return truth


def check_names(
    expression: Expression,
    module: Module,
    kinds: Mapping[str, AnyKind],
    diagnostics: Diagnostics,
) -> None:
    """Record a problem for each reference to something that the module does not declare."""
    for reference in references(expression):
        name = reference.steps[0] if reference.steps else None
        if not isinstance(name, str):
            continue
        declared = _declared(reference, module, kinds)
        if declared is not None and name not in declared:
            what = {"var": "input variable", "output": "output value", "local": "local value"}
            kind = what.get(reference.root, reference.root)
            diagnostics.error(
                f"Reference to undeclared {'resource' if kind in kinds else kind}",
                f'The module under test declares no {kind} "{name}".{did_you_mean(name, declared)}',
                range=reference.range,
            )


def _declared(
    reference: Reference, module: Module, kinds: Mapping[str, AnyKind]
) -> Mapping[str, object] | None:
    """Return what can be named under the root of a reference, or None where that is not known."""
    sorts: Mapping[str, Mapping[str, object]] = {
        "var": module.variables,
        "output": module.outputs,
        "local": module.locals,
        "module": module.calls,
    }
    found = sorts.get(reference.root)
    if found is None and reference.root in kinds:
        return {
            address.name: block
            for address, block in module.resources.items()
            if address.kind == reference.root
        }
    return found
