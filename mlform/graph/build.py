"""Configurations to graphs: references and `depends_on` become edges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mlform.addresses import ModulePath, ResourceAddress
from mlform.config.blocks import Condition, Config, Module, ModuleCall, ResourceBlock
from mlform.config.variable_values import is_checked_early
from mlform.dataclass import dataclass, field
from mlform.diagnostics import Diagnostics, SourceRange, did_you_mean
from mlform.graph.bodies import body_references
from mlform.graph.dag import Dag
from mlform.graph.imports import import_block
from mlform.graph.names import Names
from mlform.graph.nodes import (
    CallNode,
    CheckNode,
    LocalNode,
    ModuleNode,
    Node,
    OutputNode,
    ResourceNode,
    ValidationNode,
    VariableNode,
)
from mlform.hcl import ast
from mlform.lang.references import Reference, references
from mlform.schema import ResourceSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A configuration as a graph.

    Attributes:
        dag: Every node with the nodes it needs.
        references: The references of each node, as seen from the module in which they are
            written: for calls and variables of a module that is its caller.
    """

    dag: Dag[Node]
    references: Mapping[Node, tuple[Reference, ...]]
    _resource_needs: dict[Node, tuple[ResourceAddress, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def resource_needs(self, node: Node) -> tuple[ResourceAddress, ...]:
        """Return the resource blocks a node refers to directly or through values, sorted."""
        known = self._resource_needs.get(node)
        if known is None:
            known = self._resource_needs[node] = self._found_needs(node)
        return known

    def _found_needs(self, node: Node) -> tuple[ResourceAddress, ...]:
        found: set[ResourceAddress] = set()
        waiting = list(self.dag.needs[node])
        seen: set[Node] = set()
        while waiting:
            needed = waiting.pop()
            if isinstance(needed, ResourceNode):
                found.add(needed.address)
            elif needed not in seen:
                seen.add(needed)
                waiting.extend(self.dag.needs[needed])
        if len(found) < 2:  # noqa: PLR2004 - nothing to sort
            return tuple(found)
        return tuple(sorted(found, key=lambda address: address.order))


def build_graph(
    config: Config, schemas: Mapping[str, ResourceSchema], diagnostics: Diagnostics
) -> Graph:
    """Return the graph of a configuration.

    Records unknown kinds, references to nothing and cycles as problems.
    """
    draft = _Draft(config, schemas, diagnostics)
    for module in config.modules.values():
        draft.add_module(module)
    draft.add_imports()
    dag = Dag({node: tuple(item) for node, item in draft.needs.items()})
    if len(dag.order()) < len(draft.needs):
        _report_cycles(dag, draft, diagnostics)
    return Graph(dag=dag, references={node: tuple(item) for node, item in draft.found.items()})


@dataclass(slots=True)
class _Draft:
    """A graph while its nodes are being gathered.

    Attributes:
        found: The references of each node.
        needs: The nodes that each node needs, with the place where it refers to them first; None
            where it does not refer to them itself.
    """

    config: Config
    schemas: Mapping[str, ResourceSchema]
    diagnostics: Diagnostics
    found: dict[Node, list[Reference]] = field(default_factory=dict)
    needs: dict[Node, dict[Node, SourceRange | None]] = field(default_factory=dict)

    def add_module(self, module: Module) -> None:
        """Add the nodes of one module, and of the calls in it."""
        _check_kinds(module, self.schemas, self.diagnostics)
        path = module.path
        names = Names(module, self.config, self.schemas, self.diagnostics)
        inside = self._inside(path)
        for local in module.locals.values():
            self._add(LocalNode(local.name, path), references(local.expression), names, inside)
        for block in module.resources.values():
            node = ResourceNode(block.address)
            self._add(node, self._of_resource(block), names, inside)
            if node in self.needs[node] and self._may_refer_to_itself(block):
                del self.needs[node][node]
        for output in module.outputs.values():
            given = [
                *references(output.value),
                *output.depends_on,
                *_of_conditions(output.preconditions),
            ]
            self._add(OutputNode(output.name, path), given, names, inside)
        for variable in module.variables.values():
            # Those of the root that refer to variables alone were checked before all else.
            if variable.validations:
                late = [each for each in variable.validations if path or not is_checked_early(each)]
                given = list(_of_conditions(tuple(late)))
                self._add(ValidationNode(variable.name, path), given, names, inside)
        for check in module.checks.values():
            given = list(_of_conditions(check.assertions))
            self._add(CheckNode(check.name, path), given, names, inside)
        for call in module.calls.values():
            self._add_call(call, names, inside)

    def _add_call(self, call: ModuleCall, names: Names, outside: Iterable[Node]) -> None:
        """Add a call, the variables it sets, and the called module as a whole."""
        given = [*_of_expressions(call.count, call.for_each, call.enabled), *call.depends_on]
        self._add(CallNode(call.path), given, names, outside)
        child = self.config.modules.get(call.path)
        if child is None:
            return
        inside = self._inside(call.path)
        for name in child.variables:
            argument = call.arguments.get(name)
            found = () if argument is None else references(argument.expression)
            self._add(VariableNode(name, call.path), found, names, inside)
        content: list[Node] = [
            *inside,
            *(ResourceNode(address) for address in child.resources),
            *(OutputNode(name, child.path) for name in child.outputs),
            *(ModuleNode(inner.path) for inner in child.calls.values()),
        ]
        self._add(ModuleNode(call.path), (), names, content)

    def add_imports(self) -> None:
        """Let what is imported wait for what its identity is made of."""
        names = Names(self.config.root, self.config, self.schemas, self.diagnostics)
        for block in self.config.root.imports:
            address = import_block(block.target)
            if address is None or self.config.resource(address) is None:
                continue
            node = ResourceNode(address)
            for reference in (
                *_keys_of(block.target),
                *_of_expressions(block.id, block.for_each),
            ):
                target = names.target(reference)
                if target is not None:
                    self.needs[node].setdefault(target, reference.range)

    @staticmethod
    def _inside(path: ModulePath) -> tuple[Node, ...]:
        """Return what everything in a module needs."""
        return (CallNode(path),) if path else ()

    def _add(
        self, node: Node, given: Iterable[Reference], names: Names, always: Iterable[Node]
    ) -> None:
        found = self.found[node] = list(given)
        needed: dict[Node, SourceRange | None] = dict.fromkeys(always)
        for reference in found:
            target = names.target(reference)
            if target is not None:
                needed.setdefault(target, reference.range)
        self.needs[node] = needed

    def _may_refer_to_itself(self, block: ResourceBlock) -> bool:
        """Whether only a resource's own conditions refer to it by its address."""
        inside = [
            *self._of_body(block),
            *_of_expressions(block.count, block.for_each, block.lifecycle.enabled),
        ]
        named = {(item.root, item.steps[:1]) for item in inside}
        return (block.address.kind, (block.address.name,)) not in named

    def _of_body(self, block: ResourceBlock) -> list[Reference]:
        schema = self.schemas.get(block.address.kind)
        return list(body_references(block.body, None if schema is None else schema.body))

    def _of_resource(self, block: ResourceBlock) -> list[Reference]:
        lifecycle = block.lifecycle
        return [
            *_of_expressions(block.count, block.for_each, lifecycle.enabled),
            *self._of_body(block),
            *block.depends_on,
            *_of_expressions(*lifecycle.replace_triggered_by),
            *_of_conditions(lifecycle.preconditions),
            *_of_conditions(lifecycle.postconditions),
        ]


def _of_expressions(*expressions: ast.Expression | None) -> Iterator[Reference]:
    for expression in expressions:
        if expression is not None:
            yield from references(expression)


def _of_conditions(conditions: tuple[Condition, ...]) -> Iterator[Reference]:
    for condition in conditions:
        yield from references(condition.condition)
        yield from references(condition.error_message)


def _keys_of(target: ast.Expression) -> Iterator[Reference]:
    """Return what the keys in a reference refer to, without the reference itself."""
    node = target
    while isinstance(node, ast.GetAttribute | ast.Index):
        if isinstance(node, ast.Index):
            yield from references(node.key)
        node = node.target


def _check_kinds(
    module: Module, schemas: Mapping[str, ResourceSchema], diagnostics: Diagnostics
) -> None:
    for block in module.resources.values():
        if block.address.kind not in schemas:
            diagnostics.error(
                "Invalid resource kind",
                f'There is no resource kind "{block.address.kind}".'
                f"{did_you_mean(block.address.kind, schemas)} Known are: "
                f"{', '.join(sorted(schemas))}.",
                range=block.range,
            )


def _report_cycles(dag: Dag[Node], draft: _Draft, diagnostics: Diagnostics) -> None:
    for cycle in dag.cycles():
        lines = []
        first: SourceRange | None = None
        for node, needed in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            place = draft.needs[node].get(needed)
            if place is None:
                relation = "is in" if isinstance(needed, CallNode) else "has in it"
                lines.append(f"  {node} {relation} {needed}")
                continue
            first = first or place
            lines.append(f"  {node} refers to {needed} at {place}")
        path = " → ".join(str(node) for node in (*cycle, cycle[0]))
        diagnostics.error(
            "Cycle",
            f"{path}\n\n" + "\n".join(lines) + "\n\nRemove one of these references.",
            range=first,
        )
