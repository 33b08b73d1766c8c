"""Trying expressions against configuration and state."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

from mlform.addresses import ResourceAddress
from mlform.config.blocks import ModuleCall, ResourceBlock
from mlform.config.variable_sources import OptionFile, OptionValue
from mlform.dataclass import dataclass, replace
from mlform.diagnostics import Diagnostic, Diagnostics, Severity, Source
from mlform.graph.evaluation import Evaluation
from mlform.graph.nodes import CheckNode, ResourceNode, ValidationNode
from mlform.graph.repetition import Repetition, repetition_of, supposed_repetition
from mlform.hcl import ast
from mlform.hcl.parser import parse_expression
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.types import ObjectType, Type
from mlform.lang.values import Value
from mlform.operations.access import locked, open_backend
from mlform.operations.environment import Environment
from mlform.operations.loading import Loaded, load
from mlform.operations.pins import resolve_pins
from mlform.operations.world import World
from mlform.plan.changes import Basis
from mlform.plan.planner import make_plan
from mlform.plan.recorded import recorded_value
from mlform.plan.wishes import Wishes
from mlform.state.snapshot import State

Answer: TypeAlias = Value | Type
"""What an expression gives: a value, or a type where it is a call of `type`."""

_CONTEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "path": ("cwd", "module", "root"),
    "mlform": ("workspace",),
    "terraform": ("workspace",),
}
_IDENTIFIER: Final = re.compile(r"[^\W\d][\w-]*")
_FUNCTION_NAME: Final = re.compile(r"[\w:]*")
_TYPE_FUNCTION: Final = "type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """Resolves expressions; what was not applied yet is unknown.

    Attributes:
        evaluation: Of the root module, with everything that is known.
        warnings: Problems of the configuration that do not stop anything.
    """

    evaluation: Evaluation
    warnings: tuple[Diagnostic, ...] = ()

    def evaluate(self, text: str) -> tuple[Answer | None, tuple[Diagnostic, ...]]:
        """Return the answer to an expression, or None with what is wrong."""
        expression, problems = parse_expression(Source("<console>", text))
        if expression is None or any(item.severity is Severity.ERROR for item in problems):
            return None, problems
        diagnostics = Diagnostics()
        diagnostics.extend(problems)
        asked = _asked_type(expression)
        value = resolve(asked or expression, self._scope(), diagnostics)
        if diagnostics.has_errors:
            return None, tuple(diagnostics)
        return (value if asked is None else value.type), tuple(diagnostics)

    def complete(self, path: str) -> list[str]:
        """Return what a reference or function name begun could become, sorted.

        Args:
            path: What is typed of it, such as `var.re`, `mlform_data.a.` or `provider::ml`.
        """
        stem, dot, begun = path.rpartition(".")
        if dot:
            return [f"{stem}.{name}" for name in self._members(stem) if name.startswith(begun)]
        roots = [f"{name}." for name in self._scope().names()]
        found = [name for name in roots if name.startswith(path)]
        if _FUNCTION_NAME.fullmatch(path):
            known = [*self.evaluation.known.surroundings.functions, _TYPE_FUNCTION]
            found += [f"{name}(" for name in known if name.startswith(path)]
        return sorted(found)

    def _members(self, stem: str) -> list[str]:
        """Return the names that can follow a reference and a dot."""
        if stem in _CONTEXTS:
            return list(_CONTEXTS[stem])
        expression, problems = parse_expression(Source("<console>", stem))
        if expression is None or problems or isinstance(expression, ast.Call):
            return []
        found = Diagnostics()
        value = resolve(expression, self._scope(), found)
        names = set() if found.has_errors else set(_attributes(value))
        return sorted(name for name in names if _IDENTIFIER.fullmatch(name))

    def _scope(self) -> Scope:
        return self.evaluation.everything()


def _attributes(value: Value) -> Iterator[str]:
    if isinstance(value.payload, dict):
        yield from value.payload
    elif isinstance(value.type, ObjectType):
        for name, _ in value.type.attributes:
            yield name


def _asked_type(expression: ast.Expression) -> ast.Expression | None:
    """Return what `type(…)` as the outermost call asks for, or None where it is none."""
    while isinstance(expression, ast.Parentheses):
        expression = expression.inner
    if (
        isinstance(expression, ast.Call)
        and expression.name.removeprefix("core::") == _TYPE_FUNCTION
        and len(expression.arguments) == 1
        and not expression.expand_final
    ):
        return expression.arguments[0]
    return None


def open_console(
    environment: Environment,
    variables: Sequence[OptionValue | OptionFile] = (),
    *,
    planned: bool = False,
) -> Console:
    """Return a console on the configuration and state of the working folder.

    Args:
        environment: The outside world.
        variables: `-var` and `-var-file`.
        planned: Whether values are as a plan would make them, instead of as they are recorded.

    Raises:
        ConfigurationError: If the configuration is broken.
        BackendError: If the state cannot be read.
        MlformError: If a plan is asked for and cannot be made.
    """
    loaded = load(environment, options=variables, partial=not planned)
    evaluation = loaded.evaluation(environment)
    if planned:
        warnings = _plan(environment, loaded, evaluation)
        return Console(evaluation=evaluation, warnings=(*loaded.warnings, *warnings))
    evaluation = replace(evaluation, repeat=_as_recorded)
    _recall(environment, loaded, evaluation)
    return Console(evaluation=evaluation, warnings=loaded.warnings)


def _recall(environment: Environment, loaded: Loaded, evaluation: Evaluation) -> None:
    """Take resources as the state has them, and resolve the values."""
    state = open_backend(environment, loaded).read()
    recorded: set[ResourceAddress] = set()
    for record in () if state is None else state.records:
        if record.address.kind in environment.kinds:
            kind = environment.kinds[record.address.kind]
            evaluation.record(record.address, partial(recorded_value, record, kind))
            recorded.add(record.address.block)
    ignored = Diagnostics()
    for node in loaded.graph.dag.order():
        if isinstance(node, CheckNode | ValidationNode):
            continue
        if not isinstance(node, ResourceNode):
            evaluation.resolve_node(node, ignored)
        elif node.address not in recorded:
            block = evaluation.config.resource(node.address)
            _ = block is None or evaluation.instances(block, ignored)


def _as_recorded(
    block: ResourceBlock | ModuleCall, scope: Scope, diagnostics: Diagnostics
) -> Repetition:
    """Return the instances of a module, and for a resource that is not recorded any number."""
    if isinstance(block, ModuleCall):
        found = Diagnostics()
        repetition = repetition_of(block, scope, found)
        if not found.has_errors:
            return repetition
    return supposed_repetition(block, scope, diagnostics)


def _plan(
    environment: Environment, loaded: Loaded, evaluation: Evaluation
) -> tuple[Diagnostic, ...]:
    """Plan, so that the evaluation knows every resource as the plan would make it."""
    backend = open_backend(environment, loaded)
    with locked(backend, environment, "console", 0):
        state = backend.read() or State(lineage=environment.new_id())
    pins = resolve_pins(environment, loaded.runtimes.values(), readonly=False)
    basis = Basis(  # the plan is thrown away: nothing will be compared with it
        lineage=state.lineage,
        serial=state.serial,
        config_digest=pins.digest,
        lock_digest=pins.digest,
    )
    world = World(environment, loaded.runtimes, pins.images, state)
    try:
        plan = make_plan(evaluation, environment.kinds, state, world, Wishes(), basis)
    finally:
        world.close()
    return plan.warnings
