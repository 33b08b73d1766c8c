"""Modules to graphs: references and `depends_on` become edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlform.addresses import ResourceAddress
from mlform.config.blocks import Condition, Module, ResourceBlock
from mlform.dataclass import dataclass, field
from mlform.diagnostics import Diagnostics, SourceRange, did_you_mean
from mlform.graph.dag import Dag
from mlform.graph.nodes import LocalNode, Node, OutputNode, ResourceNode
from mlform.hcl import ast
from mlform.lang.references import Reference, references
from mlform.schema import ResourceSchema

CONTEXT_ROOTS = frozenset({"each", "count", "self", "path", "mlform", "terraform"})
"""Roots that are there without being declared; where they are allowed is seen on resolving."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A module as a graph.

    Attributes:
        dag: Every local, resource and output with the nodes it refers to.
        references: The references of each node, for scopes and messages.
    """

    dag: Dag[Node]
    references: Mapping[Node, tuple[Reference, ...]]
    _resource_needs: dict[Node, tuple[ResourceAddress, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def resource_needs(self, node: Node) -> tuple[ResourceAddress, ...]:
        """Return the resource blocks a node refers to directly or through locals, sorted."""
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
            if needed in seen:
                continue
            seen.add(needed)
            if isinstance(needed, ResourceNode):
                found.add(needed.address)
            else:
                waiting.extend(self.dag.needs[needed])
        return tuple(sorted(found))


def build_graph(
    module: Module, schemas: Mapping[str, ResourceSchema], diagnostics: Diagnostics
) -> Graph:
    """Return the graph of a module.

    Records unknown kinds, references to nothing and cycles as problems.
    """
    _check_kinds(module, schemas, diagnostics)
    found: dict[Node, tuple[Reference, ...]] = {}
    for local in module.locals.values():
        found[LocalNode(local.name)] = references(local.expression)
    for block in module.resources.values():
        found[ResourceNode(block.address)] = tuple(_of_resource(block))
    for output in module.outputs.values():
        found[OutputNode(output.name)] = (*references(output.value), *output.depends_on)
    resolver = _Names(module, schemas, diagnostics)
    needs: dict[Node, tuple[Node, ...]] = {}
    for node, given in found.items():
        targets = [resolver.target(reference) for reference in given]
        needed = dict.fromkeys(item for item in targets if item is not None)
        if node in needed and _may_refer_to_itself(node, module):
            del needed[node]
        needs[node] = tuple(needed)
    dag = Dag(needs)
    if len(dag.order()) < len(needs):
        _report_cycles(dag, found, resolver, diagnostics)
    return Graph(dag=dag, references=found)


def _may_refer_to_itself(node: Node, module: Module) -> bool:
    """Whether a node is a resource to which only its own conditions refer, by address."""
    if not isinstance(node, ResourceNode):
        return False
    block = module.resources[node.address]
    inside = [*body_references(block.body), *_of_expressions(block.count, block.for_each)]
    named = {(item.root, item.steps[:1]) for item in inside}
    return (node.address.kind, (node.address.name,)) not in named


def body_references(body: ast.Body) -> Iterator[Reference]:
    """Return the references of all expressions in a body, in source order of arguments."""
    for attribute in body.attributes:
        yield from references(attribute.expression)
    for block in body.blocks:
        yield from body_references(block.body)


def _of_expressions(*expressions: ast.Expression | None) -> Iterator[Reference]:
    for expression in expressions:
        if expression is not None:
            yield from references(expression)


def _of_conditions(conditions: tuple[Condition, ...]) -> Iterator[Reference]:
    for condition in conditions:
        yield from references(condition.condition)
        yield from references(condition.error_message)


def _of_resource(block: ResourceBlock) -> Iterator[Reference]:
    yield from _of_expressions(block.count, block.for_each)
    yield from body_references(block.body)
    yield from block.depends_on
    yield from block.lifecycle.replace_triggered_by
    yield from _of_conditions(block.lifecycle.preconditions)
    yield from _of_conditions(block.lifecycle.postconditions)


def _check_kinds(
    module: Module, schemas: Mapping[str, ResourceSchema], diagnostics: Diagnostics
) -> None:
    for block in module.resources.values():
        if block.address.kind not in schemas:
            diagnostics.error(
                "Invalid resource kind",
                f'There is no resource kind "{block.address.kind}". Known are: '
                f"{', '.join(sorted(schemas))}.{did_you_mean(block.address.kind, schemas)}",
                range=block.range,
            )


@dataclass(frozen=True, slots=True)
class _Names:
    """Finds the node that a reference means."""

    module: Module
    schemas: Mapping[str, ResourceSchema]
    diagnostics: Diagnostics

    def target(self, reference: Reference) -> Node | None:
        first = reference.steps[0] if reference.steps else None
        if reference.root in CONTEXT_ROOTS:
            return None
        if not isinstance(first, str):
            self._report_bare(reference)
            return None
        if reference.root == "var":
            self._check("input variable", "variable", first, self.module.variables, reference)
            return None
        if reference.root == "local":
            known = self._check("local value", "local", first, self.module.locals, reference)
            return LocalNode(first) if known else None
        return self._resource(reference, first)

    def _resource(self, reference: Reference, name: str) -> Node | None:
        address = ResourceAddress(reference.root, name)
        if address in self.module.resources:
            return ResourceNode(address)
        kinds = {item.kind for item in self.module.resources} | set(self.schemas)
        if reference.root == "resource":
            hint = " References drop the word resource: write KIND.NAME."
        elif reference.root in kinds:
            names = [item.name for item in self.module.resources if item.kind == reference.root]
            hint = did_you_mean(name, names)
            if names and not hint:
                hint = f" Declared are: {', '.join(sorted(names))}."
        else:
            hint = did_you_mean(reference.root, [*kinds, "var", "local", "path", "each", "count"])
        self.diagnostics.error(
            "Reference to undeclared resource",
            f'A resource "{reference.root}" "{name}" has not been declared in this '
            f"configuration.{hint}",
            range=_start(reference),
        )
        return None

    def _check(
        self,
        what: str,
        block: str,
        name: str,
        declared: Mapping[str, object],
        reference: Reference,
    ) -> bool:
        if name in declared:
            return True
        add = (
            f'Declare it with a variable "{name}" {{}} block.'
            if block == "variable"
            else f'Add "{name}" to a locals block.'
        )
        self.diagnostics.error(
            f"Reference to undeclared {what}",
            f'There is no {what} named "{name}". {add}{did_you_mean(name, declared)}',
            range=_start(reference),
        )
        return False

    def _report_bare(self, reference: Reference) -> None:
        known = [*self.schemas, "var", "local", "path", "each", "count"]
        if reference.root in known:
            detail = f"Write {reference.root}.NAME: a reference needs the name as well."
        else:
            detail = (
                f'"{reference.root}" alone is no reference. Put a text in quotes; refer to things '
                f"by var.NAME, local.NAME or KIND.NAME.{did_you_mean(reference.root, known)}"
            )
        self.diagnostics.error("Invalid reference", detail, range=reference.range)


def _start(reference: Reference) -> SourceRange:
    """Return the range of the root and the first step, where the name is."""
    text = reference.range.text
    dot = text.find(".", text.find(".") + 1)
    bracket = text.find("[")
    ends = [end for end in (dot, bracket) if end > 0]
    if not ends:
        return reference.range
    start = reference.range.start_offset
    return SourceRange(reference.range.source, start, start + min(ends))


def _report_cycles(
    dag: Dag[Node],
    found: Mapping[Node, tuple[Reference, ...]],
    names: _Names,
    diagnostics: Diagnostics,
) -> None:
    for cycle in dag.cycles():
        lines = []
        first: SourceRange | None = None
        for node, needed in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            place = next((item.range for item in found[node] if names.target(item) == needed), None)
            first = first or place
            lines.append(f"  {node} refers to {needed} at {place}")
        path = " → ".join(str(node) for node in (*cycle, cycle[0]))
        diagnostics.error(
            "Cycle",
            f"{path}\n\n" + "\n".join(lines) + "\n\nRemove one of these references.",
            range=first,
        )
