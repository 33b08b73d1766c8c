"""Resolving a module node by node, as results become known.

Plan and apply share this: plan records what it knows of each instance (unknown where a task has to
run first), apply records what really came out. The caller goes along the graph's order, so that
everything a node refers to has been recorded before it is resolved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlform.addresses import InstanceKey, ResourceAddress
from mlform.config.blocks import Condition, Module, ResourceBlock
from mlform.dataclass import dataclass, field
from mlform.diagnostics import Diagnostic, Diagnostics
from mlform.graph.arguments import BodyResolver, upstream_of, with_addresses
from mlform.graph.build import Graph
from mlform.graph.desired import DesiredResource
from mlform.graph.nodes import LocalNode, Node, OutputNode, ResourceNode
from mlform.lang.construct import object_of, string_value, tuple_of
from mlform.lang.convert import ConversionError, convert
from mlform.lang.function import Function
from mlform.lang.references import Reference
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.types import BOOL, NUMBER, SetType
from mlform.lang.values import UNKNOWN, UNKNOWN_VALUE, Value, number, string
from mlform.schema import ResourceSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every expression of a module can see.

    Attributes:
        variables: Values of the module's variables.
        functions: By name.
        folder: What `path.module` and `path.root` give.
        working_folder: What `path.cwd` gives.
        workspace: What `mlform.workspace` gives.
    """

    variables: Mapping[str, Value]
    functions: Mapping[str, Function]
    folder: str = "."
    working_folder: str = "."
    workspace: str = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A module with what is known of it so far; `record` and `resolve_local` add to it."""

    module: Module
    graph: Graph
    schemas: Mapping[str, ResourceSchema]
    surroundings: Surroundings
    _locals: dict[str, Value] = field(default_factory=dict)
    _instances: dict[ResourceAddress, dict[InstanceKey, Value]] = field(default_factory=dict)
    _blocks: dict[ResourceAddress, Value] = field(default_factory=dict)
    _each: dict[ResourceAddress, dict[str, Value]] = field(default_factory=dict)
    _base: list[Scope] = field(default_factory=list)

    def resolve_local(self, name: str, diagnostics: Diagnostics) -> Value:
        """Resolve a local value and remember it."""
        local = self.module.locals[name]
        value = resolve(local.expression, self._scope(LocalNode(name)), diagnostics)
        self._locals[name] = value
        return value

    def output(self, name: str, diagnostics: Diagnostics) -> Value:
        """Return the value of a root output, marked sensitive if it is declared so."""
        block = self.module.outputs[name]
        return resolve(block.value, self._scope(OutputNode(name)), diagnostics)

    def keys(self, block: ResourceBlock, diagnostics: Diagnostics) -> tuple[InstanceKey, ...]:
        """Return the instance keys that `count` or `for_each` ask for."""
        if block.count is None and block.for_each is None:
            return (None,)
        scope = self._scope(ResourceNode(block.address))
        if block.count is not None:
            return _count_keys(block, resolve(block.count, scope, diagnostics), diagnostics)
        assert block.for_each is not None  # noqa: S101 - looked at above
        value = resolve(block.for_each, scope, diagnostics)
        items = self._each[block.address] = _for_each_items(block, value, diagnostics)
        return tuple(items)

    def desired(
        self, block: ResourceBlock, key: InstanceKey, diagnostics: Diagnostics
    ) -> DesiredResource:
        """Resolve the arguments of one instance and check its preconditions."""
        scope = self._instance_scope(block, key)
        schema = self.schemas[block.address.kind].body
        resolver = BodyResolver(scope=scope, diagnostics=diagnostics)
        arguments = resolver.resolve(schema, block.body, block.range)
        address = instance_of(block.address, key)
        for condition in block.lifecycle.preconditions:
            check_condition(
                condition, scope, diagnostics, what="Resource precondition", address=str(address)
            )
        node = ResourceNode(block.address)
        return DesiredResource(
            address=address,
            block=block,
            arguments=with_addresses(schema, arguments),
            upstream=upstream_of(schema, arguments),
            dependencies=tuple(str(item) for item in self.graph.resource_needs(node)),
        )

    def check_postconditions(
        self, block: ResourceBlock, key: InstanceKey, value: Value, diagnostics: Diagnostics
    ) -> None:
        """Check the postconditions of an instance against its planned or applied value."""
        if block.lifecycle.postconditions:
            scope = self._instance_scope(block, key).child({"self": value})
            for condition in block.lifecycle.postconditions:
                check_condition(
                    condition,
                    scope,
                    diagnostics,
                    what="Resource postcondition",
                    address=str(instance_of(block.address, key)),
                )

    def record(self, address: ResourceAddress, value: Value) -> None:
        """Remember what an instance is, for all that refer to it from now on."""
        self._instances.setdefault(address.block, {})[address.key] = value
        self._blocks.pop(address.block, None)

    def recorded(self, address: ResourceAddress) -> Value | None:
        """Return what was recorded for an instance."""
        return self._instances.get(address.block, {}).get(address.key)

    def scope_for(self, wanted: Iterable[Reference]) -> Scope:
        """Return a scope in which these references can be looked up."""
        roots: dict[str, dict[str, Value]] = {}
        for reference in wanted:
            name = reference.steps[0] if reference.steps else None
            if not isinstance(name, str):
                continue
            if reference.root == "local":
                roots.setdefault("local", {})[name] = self._locals.get(name, UNKNOWN_VALUE)
            else:
                address = ResourceAddress(reference.root, name)
                if address in self.module.resources:
                    roots.setdefault(reference.root, {})[name] = self._block_value(address)
        return self._base_scope().child(
            {root: object_of(members) for root, members in roots.items()}
        )

    def everything(self) -> Scope:
        """Return a scope with every local and resource recorded so far, for the console."""
        roots: dict[str, dict[str, Value]] = {"local": dict(self._locals)}
        for address in self.module.resources:
            roots.setdefault(address.kind, {})[address.name] = self._block_value(address)
        return self._base_scope().child(
            {root: object_of(members) for root, members in roots.items()}
        )

    def _scope(self, node: Node) -> Scope:
        return self.scope_for(self.graph.references[node])

    def _base_scope(self) -> Scope:
        if not self._base:
            around = self.surroundings
            paths = {
                "module": string_value(around.folder),
                "root": string_value(around.folder),
                "cwd": string_value(around.working_folder),
            }
            workspace = object_of({"workspace": string_value(around.workspace)})
            self._base.append(
                Scope(
                    variables={
                        "var": object_of(around.variables),
                        "path": object_of(paths),
                        "mlform": workspace,
                        "terraform": workspace,
                    },
                    functions=around.functions,
                )
            )
        return self._base[0]

    def _instance_scope(self, block: ResourceBlock, key: InstanceKey) -> Scope:
        scope = self._scope(ResourceNode(block.address))
        if isinstance(key, int):
            return scope.child({"count": object_of({"index": number(key)})})
        if isinstance(key, str):
            item = self._each.get(block.address, {}).get(key, UNKNOWN_VALUE)
            return scope.child({"each": object_of({"key": string(key), "value": item})})
        return scope

    def _block_value(self, address: ResourceAddress) -> Value:
        known = self._blocks.get(address)
        if known is None:
            known = self._blocks[address] = self._assembled(address)
        return known

    def _assembled(self, address: ResourceAddress) -> Value:
        block = self.module.resources[address]
        instances = self._instances.get(address, {})
        if block.count is not None:
            count = max((key + 1 for key in instances if isinstance(key, int)), default=0)
            return tuple_of([instances.get(key, UNKNOWN_VALUE) for key in range(count)])
        if block.for_each is not None:
            return object_of({key: item for key, item in instances.items() if isinstance(key, str)})
        return instances.get(None, UNKNOWN_VALUE)


def check_condition(
    condition: Condition,
    scope: Scope,
    diagnostics: Diagnostics,
    *,
    what: str,
    address: str | None = None,
) -> None:
    """Record a problem if a condition is known to be false.

    Args:
        condition: The block.
        scope: Where its names are looked up.
        diagnostics: Where problems are recorded.
        what: What kind of condition it is, which starts the summary.
        address: The resource it belongs to.
    """
    truth = resolve(condition.condition, scope, diagnostics)
    try:
        truth = convert(truth, BOOL)
    except ConversionError as error:
        diagnostics.error(
            "Invalid condition result",
            f"The condition must be true or false: {error.message}.",
            range=condition.condition.range,
            address=address,
        )
        return
    if truth.payload is not False:
        return
    message = resolve(condition.error_message, scope, diagnostics).payload
    from mlform.lang.failure import reference_values

    diagnostics.add(
        Diagnostic(
            summary=f"{what} failed",
            detail=message if isinstance(message, str) else "The condition is false.",
            range=condition.condition.range,
            address=address,
            values=reference_values(condition.condition, scope),
        )
    )


def instance_of(block: ResourceAddress, key: InstanceKey) -> ResourceAddress:
    """Return the address of an instance of a block."""
    if key is None:
        return block
    return ResourceAddress(block.kind, block.name, key, block.module)


def _count_keys(
    block: ResourceBlock, value: Value, diagnostics: Diagnostics
) -> tuple[InstanceKey, ...]:
    assert block.count is not None  # noqa: S101 - the caller looked
    if value.is_sensitive:
        diagnostics.error(
            "Invalid count argument",
            "Sensitive values cannot be used: how many instances there are shows everywhere.",
            range=block.count.range,
        )
        return ()
    try:
        amount = convert(value, NUMBER).payload
    except ConversionError as error:
        amount, reason = None, f"the value is not suitable: {error.message}"
    else:
        reason = "it must be a whole number of at least 0"
    if amount is UNKNOWN:
        diagnostics.error(
            "Invalid count argument",
            "The count depends on values that are known only after apply, so the number of "
            "instances cannot be planned. Use a value that is known now.",
            range=block.count.range,
        )
        return ()
    if not isinstance(amount, int) or amount < 0:
        diagnostics.error(
            "Invalid count argument",
            f"The count cannot be used: {reason}.",
            range=block.count.range,
        )
        return ()
    return tuple(range(amount))


def _for_each_items(
    block: ResourceBlock, value: Value, diagnostics: Diagnostics
) -> dict[str, Value]:
    assert block.for_each is not None  # noqa: S101 - the caller looked
    problem = ""
    payload = value.payload
    if value.is_sensitive:
        problem = "Sensitive values cannot be used: they would show in addresses."
    elif payload is UNKNOWN:
        problem = (
            "It depends on values that are known only after apply, so the instances cannot be "
            "planned. Use keys that are known now."
        )
    elif isinstance(payload, dict):
        return payload
    elif isinstance(value.type, SetType) and isinstance(payload, tuple):
        if all(isinstance(item.payload, str) for item in payload):
            return {str(item.payload): item for item in payload}
        problem = "A set must hold known, non-null strings."
    else:
        problem = "It must be a map or a set of strings. Use toset() for a list."
    diagnostics.error("Invalid for_each argument", problem, range=block.for_each.range)
    return {}
