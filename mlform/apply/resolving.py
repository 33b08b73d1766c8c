"""Resolving again what a plan could only foresee, node by node as results become known."""

from __future__ import annotations

from mlform.addresses import ResourceAddress
from mlform.diagnostics import Diagnostics
from mlform.graph.desired import DesiredResource
from mlform.graph.evaluation import Evaluation
from mlform.graph.nodes import (
    CheckNode,
    Node,
    OutputNode,
    ResourceNode,
    ValidationNode,
    VariableNode,
)


class Resolver:
    """Resolves what steps need, each value once; resources must have been recorded before."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self._done: set[Node] = set()

    def desired(self, address: ResourceAddress, diagnostics: Diagnostics) -> DesiredResource:
        """Return what the configuration asks of an instance that was planned."""
        block = self.evaluation.config.resource(address.block)
        assert block is not None  # noqa: S101 - it was planned from its block
        node = ResourceNode(block.address)
        self.prepare(node, diagnostics)
        if node not in self._done:
            self.evaluation.instances(block, diagnostics)
            self._done.add(node)
        return self.evaluation.desired(block, address, diagnostics)

    def prepare(self, node: Node, diagnostics: Diagnostics) -> None:
        """Resolve the values that a node refers to, directly or not."""
        waiting = [node]
        while waiting:
            at = waiting[-1]
            left = [
                needed
                for needed in self.evaluation.graph.dag.needs[at]
                if not isinstance(needed, ResourceNode) and needed not in self._done
            ]
            if left:
                waiting.extend(left)
                continue
            waiting.pop()
            if at is not node and at not in self._done:
                assert not isinstance(at, ResourceNode)  # noqa: S101 - left out above
                self.evaluation.resolve_node(at, diagnostics)
                self._done.add(at)

    def check_all(
        self,
        planned: frozenset[str],
        unfinished: frozenset[ResourceAddress],
        diagnostics: Diagnostics,
    ) -> None:
        """Check conditions that nothing waits for, once all is finished that they refer to.

        Args:
            planned: Checks, variables and outputs of modules whose conditions are still open,
                as printed.
            unfinished: Blocks of which a step failed or was skipped.
            diagnostics: Takes a warning for each assertion, and an error for each validation, that
                does not hold.
        """
        graph = self.evaluation.graph
        for node in graph.dag.needs:
            if isinstance(node, ValidationNode):
                address = str(VariableNode(node.name, node.module))
            elif isinstance(node, CheckNode) or (isinstance(node, OutputNode) and node.module):
                address = str(node)
            else:
                continue
            if address not in planned or node in self._done:
                continue
            if not unfinished.intersection(graph.resource_needs(node)):
                self.prepare(node, diagnostics)
                self.evaluation.resolve_node(node, diagnostics)
