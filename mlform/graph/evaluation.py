"""Resolving a configuration node by node, as results become known.

Plan and apply share this: plan records what it knows of each instance (unknown where a task has to
run first), apply records what really came out. The caller goes along the graph's order, so that
everything a node refers to has been recorded before it is resolved.

A node stands for all instances of a thing. Which instances of a module there are is known once its
call has been resolved; from then on values are kept per instance of the module they are in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from mlform.addresses import InstanceKey, ModulePath, ResourceAddress, print_path
from mlform.config.blocks import CheckBlock, Condition, Config, ModuleCall, ResourceBlock
from mlform.config.variable_values import check_validation, is_checked_early
from mlform.dataclass import dataclass, field
from mlform.diagnostics import Diagnostics, Severity
from mlform.graph.arguments import BodyResolver, range_of, upstream_of, with_addresses
from mlform.graph.build import Graph
from mlform.graph.conditions import Status, Verdict, check_condition, worst
from mlform.graph.desired import DesiredResource
from mlform.graph.known import Known
from mlform.graph.module_values import argument_value, output_value
from mlform.graph.nodes import (
    CallNode,
    CheckNode,
    LocalNode,
    ModuleNode,
    Node,
    OutputNode,
    ResourceNode,
    ValidationNode,
    ValueNode,
    VariableNode,
)
from mlform.graph.repetition import SINGLE, Repetition, repetition_of
from mlform.lang.construct import marks_deep
from mlform.lang.references import Reference
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.types import DYNAMIC
from mlform.lang.values import Mark, Value, null
from mlform.schema import ResourceSchema

_HELD = {True: Status.PASS, False: Status.FAIL, None: Status.UNKNOWN}

CHECKED_LATER: Final = "Check block assertion known after apply"
"""Summary of what is said of an assertion that cannot be checked yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A configuration with what is known of it so far; `record` and `resolve_node` add to it.

    Attributes:
        known: The modules, and what is known of them.
        graph: Of the configuration.
        schemas: By kind.
        overridden_modules: Outputs of modules that are not looked into, by path without keys.
        repeat: Says which instances of a block there are.
    """

    known: Known
    graph: Graph
    schemas: Mapping[str, ResourceSchema]
    overridden_modules: Mapping[ModulePath, Mapping[str, Value]] = field(default_factory=dict)
    repeat: Callable[[ResourceBlock | ModuleCall, Scope, Diagnostics], Repetition] = repetition_of
    verdicts: dict[tuple[str, str], Verdict] = field(default_factory=dict)

    @property
    def config(self) -> Config:
        """The modules."""
        return self.known.config

    # Values

    def resolve_node(self, node: ValueNode, diagnostics: Diagnostics) -> None:
        """Resolve what a node stands for in every instance of its module, and remember it."""
        if self._is_overridden(node):
            return
        match node:
            case CallNode():
                self._expand(node, diagnostics)
            case VariableNode():
                self._each_module(node.module, lambda at: self._variable(node, at, diagnostics))
            case LocalNode():
                self._each_module(node.module, lambda at: self._local(node, at, diagnostics))
            case OutputNode():
                self._each_module(node.module, lambda at: self._output(node, at, diagnostics))
            case ValidationNode():
                self._each_module(node.module, lambda at: self._validate(node, at, diagnostics))
            case CheckNode():
                self._each_module(node.module, lambda at: self._check(node, at, diagnostics))
            case ModuleNode():
                pass

    def _is_overridden(self, node: ValueNode) -> bool:
        """Whether a node lies in a module that is not looked into; its outputs are looked at."""
        if not self.overridden_modules:
            return False
        inner = node.path[:-1] if isinstance(node, CallNode) else _module_of(node)
        if isinstance(node, OutputNode) and inner in self.overridden_modules:
            return False
        return self._is_closed(inner)

    def _is_closed(self, module: ModulePath) -> bool:
        """Whether a module, or one that it is in, is not looked into."""
        return any(module[: len(path)] == path for path in self.overridden_modules)

    def settle(self, diagnostics: Diagnostics) -> None:
        """Resolve all values, and find all instances, with what is recorded of resources."""
        for node in self.graph.dag.order():
            if isinstance(node, ResourceNode):
                block = self.config.resource(node.address)
                assert block is not None  # noqa: S101 - the graph was built from the configuration
                self.instances(block, diagnostics)
            elif not isinstance(node, OutputNode) or node.module:
                self.resolve_node(node, diagnostics)

    def _each_module(self, module: ModulePath, act: Callable[[ModulePath], None]) -> None:
        for instance in self.module_instances(module):
            act(instance)

    def module_instances(self, module: ModulePath) -> tuple[ModulePath, ...]:
        """Return the instances of a module that are known so far."""
        return self.known.module_instances(module)

    def _expand(self, node: CallNode, diagnostics: Diagnostics) -> None:
        call = self._call(node.path)
        repetitions = {
            outer: self.repeat(call, self._scope(node, outer), diagnostics)
            for outer in self.module_instances(node.path[:-1])
        }
        self.known.expand_call(node.path, repetitions)

    def _call(self, path: ModulePath) -> ModuleCall:
        return self.config.modules[path[:-1]].calls[path[-1].name]

    def _call_scope(self, node: Node, instance: ModulePath) -> Scope:
        """Return the scope of the arguments of a call, for one instance of the called module."""
        repetition = self.known.call_repetition(instance)
        return self._with(self._scope(node, instance[:-1]), repetition.names(instance[-1].key))

    @staticmethod
    def _with(scope: Scope, names: Mapping[str, Value]) -> Scope:
        return scope.child(names) if names else scope

    def _variable(self, node: VariableNode, instance: ModulePath, diagnostics: Diagnostics) -> None:
        variable = self.config.modules[node.module].variables[node.name]
        argument = self._call(node.module).arguments.get(node.name)
        given = None
        if argument is not None:
            scope = self._call_scope(node, instance)
            given = resolve(argument.expression, scope, diagnostics)
        value = argument_value(variable, given, argument, diagnostics)
        self.known.remember(instance, "var", node.name, value)

    def _local(self, node: LocalNode, instance: ModulePath, diagnostics: Diagnostics) -> None:
        local = self.config.modules[node.module].locals[node.name]
        value = resolve(local.expression, self._scope(node, instance), diagnostics)
        self.known.remember(instance, "local", node.name, value)

    def _output(self, node: OutputNode, instance: ModulePath, diagnostics: Diagnostics) -> None:
        overridden = self.overridden_modules.get(node.module)
        if overridden is not None:
            value = overridden.get(node.name, null(DYNAMIC))
        else:
            value = self.output(node, instance, diagnostics)
        self.known.remember(instance, "output", node.name, value)

    def output(self, node: OutputNode, instance: ModulePath, diagnostics: Diagnostics) -> Value:
        """Return the value of an output after checking its preconditions."""
        block = self.config.modules[node.module].outputs[node.name]
        scope = self._scope(node, instance)
        address = _inside(instance, f"output.{node.name}")
        results = [
            check_condition(
                condition,
                scope,
                diagnostics,
                what="Module output value precondition",
                address=address,
            )
            for condition in block.preconditions
        ]
        if results:
            self._judge("output_value", address, str(node), results)
        return output_value(block, resolve(block.value, scope, diagnostics), diagnostics)

    # Conditions

    def _validate(
        self, node: ValidationNode, instance: ModulePath, diagnostics: Diagnostics
    ) -> None:
        variable = self.config.modules[node.module].variables[node.name]
        scope = self._scope(node, instance)
        argument = self._call(node.module).arguments.get(node.name) if instance else None
        place = None if argument is None else argument.expression.range
        results: list[tuple[Status, str]] = []
        for validation in variable.validations:
            holds: bool | None = True
            if instance or not is_checked_early(validation):
                holds = check_validation(variable, validation, scope, diagnostics, place=place)
            results.append((_HELD[holds], ""))
        address = _inside(instance, f"var.{node.name}")
        self._judge("var", address, str(VariableNode(node.name, node.module)), results)

    def _check(self, node: CheckNode, instance: ModulePath, diagnostics: Diagnostics) -> None:
        block: CheckBlock = self.config.modules[node.module].checks[node.name]
        scope = self._scope(node, instance)
        address = _inside(instance, f"check.{node.name}")
        results = [
            check_condition(
                condition,
                scope,
                diagnostics,
                what="Check block assertion",
                address=address,
                severity=Severity.WARNING,
            )
            for condition in block.assertions
        ]
        for condition, (status, _) in zip(block.assertions, results, strict=True):
            if status is Status.UNKNOWN:
                diagnostics.warning(
                    CHECKED_LATER,
                    "The condition depends on values that are known only after apply, and is "
                    "checked then.",
                    range=condition.condition.range,
                    address=address,
                )
        self._judge("check", address, str(node), results)

    def _judge(
        self, kind: str, address: str, block: str, results: list[tuple[Status, str]]
    ) -> None:
        messages = tuple(message for _, message in results if message)
        before = self.verdicts.get((kind, address))
        statuses = [status for status, _ in results]
        if before is not None and kind == "resource":
            statuses.append(before.status)
            messages = (*before.messages, *messages)
        self.verdicts[(kind, address)] = Verdict(
            kind=kind, address=address, block=block, status=worst(statuses), messages=messages
        )

    # Resources

    def instances(
        self, block: ResourceBlock, diagnostics: Diagnostics
    ) -> tuple[ResourceAddress, ...]:
        """Return the instances that `count` and the like ask for, in every instance of the module.

        They have to be asked for before any of them can be resolved.
        """
        address = block.address
        if self._is_closed(address.module):
            return ()
        node = ResourceNode(address)
        found: list[ResourceAddress] = []
        for module in self.module_instances(address.module):
            holder = ResourceAddress(address.kind, address.name, None, module)
            repetition = SINGLE
            if _is_repeated(block):
                repetition = self.repeat(block, self._scope(node, module), diagnostics)
                self.known.expand_resource(holder, repetition)
            found.extend(instance_of(holder, key) for key in repetition.keys)
        return tuple(found)

    def desired(
        self, block: ResourceBlock, address: ResourceAddress, diagnostics: Diagnostics
    ) -> DesiredResource:
        """Resolve the arguments of one instance and check its preconditions."""
        scope = self.instance_scope(block, address)
        schema = self.schemas[block.address.kind].body
        resolver = BodyResolver(scope=scope, diagnostics=diagnostics)
        arguments = resolver.resolve(schema, block.body, block.range)
        _refuse_ephemeral(block, arguments, diagnostics)
        conditions = block.lifecycle.preconditions
        self._check_resource(block, address, conditions, scope, diagnostics, "precondition")
        node = ResourceNode(block.address)
        return DesiredResource(
            address=address,
            block=block,
            arguments=with_addresses(schema, arguments),
            upstream=upstream_of(schema, arguments),
            dependencies=tuple(map(str, self.graph.resource_needs(node))),
        )

    def check_postconditions(
        self,
        block: ResourceBlock,
        address: ResourceAddress,
        diagnostics: Diagnostics,
    ) -> None:
        """Check the postconditions of an instance against what is recorded of it."""
        conditions = block.lifecycle.postconditions
        if conditions:
            value = self.known.instance(address)
            scope = self.instance_scope(block, address).child({"self": value})
            self._check_resource(block, address, conditions, scope, diagnostics, "postcondition")

    def _check_resource(
        self,
        block: ResourceBlock,
        address: ResourceAddress,
        conditions: tuple[Condition, ...],
        scope: Scope,
        diagnostics: Diagnostics,
        which: str,
    ) -> None:
        results = [
            check_condition(
                condition, scope, diagnostics, what=f"Resource {which}", address=str(address)
            )
            for condition in conditions
        ]
        if results:
            self._judge("resource", str(address), str(block.address), results)

    def record(self, address: ResourceAddress, value: Value | Callable[[], Value]) -> None:
        """Remember what an instance is; see `Known.record`."""
        self.known.record(address, value)

    # Scopes

    def instance_scope(self, block: ResourceBlock, address: ResourceAddress) -> Scope:
        """Return what the expressions of one instance of a resource can see."""
        scope = self._scope(ResourceNode(block.address), address.module)
        repetition = self.known.resource_repetition(address)
        return self._with(scope, repetition.names(address.key))

    def _scope(self, node: Node, instance: ModulePath) -> Scope:
        return self.known.scope_for(self.graph.references[node], instance)

    def scope_for(self, wanted: Iterable[Reference], instance: ModulePath = ()) -> Scope:
        """Return a scope in which these references can be looked up, in an instance of a module."""
        return self.known.scope_for(wanted, instance)

    def everything(self, instance: ModulePath = ()) -> Scope:
        """Return a scope with all that is known in an instance of a module, for the console."""
        return self.known.everything(instance)


def _module_of(node: ValueNode) -> ModulePath:
    return node.path if isinstance(node, CallNode | ModuleNode) else node.module


def _is_repeated(block: ResourceBlock) -> bool:
    return not (block.count is None and block.for_each is None and block.lifecycle.enabled is None)


def _inside(instance: ModulePath, name: str) -> str:
    return f"{print_path(instance)}.{name}" if instance else name


def instance_of(holder: ResourceAddress, key: InstanceKey) -> ResourceAddress:
    """Return the address of an instance of a block."""
    if key is None:
        return holder
    return ResourceAddress(holder.kind, holder.name, key, holder.module)


def _refuse_ephemeral(block: ResourceBlock, arguments: Value, diagnostics: Diagnostics) -> None:
    """Record a problem for each argument with a value that must not be kept in the state."""
    if Mark.EPHEMERAL not in marks_deep(arguments) or not isinstance(arguments.payload, dict):
        return
    for name, value in arguments.payload.items():
        if Mark.EPHEMERAL in marks_deep(value):
            diagnostics.error(
                "Invalid use of ephemeral value",
                f"The value of {name} is ephemeral: it exists only while mlform runs and cannot be "
                "kept in the state, as arguments of resources are. Take a value that is not.",
                range=range_of(block.body, (name,), block.range),
                address=str(block.address),
            )
