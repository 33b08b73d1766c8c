"""A directed acyclic graph that never changes: nodes and what each of them needs.

Ordering is ours because it is on the path of every plan; questions about structure (cycles,
transitive reduction) are asked of networkx, which is loaded only then.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

from mlform.dataclass import dataclass, field

NodeT = TypeVar("NodeT", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Dag(Generic[NodeT]):
    """Nodes in a stable order, each with the nodes it needs."""

    needs: Mapping[NodeT, tuple[NodeT, ...]]
    _order: list[tuple[NodeT, ...]] = field(
        default_factory=list, init=False, compare=False, repr=False
    )

    def order(self) -> tuple[NodeT, ...]:
        """Return all nodes, each after those it needs, otherwise in the order given.

        Nodes on a cycle, and those that need them, are left out.
        """
        if not self._order:
            self._order.append(self._ordered())
        return self._order[0]

    def _ordered(self) -> tuple[NodeT, ...]:
        # By position in the order given: to look nodes up again and again takes longer.
        nodes = list(self.needs)
        position = {node: at for at, node in enumerate(nodes)}
        missing: list[int] = []
        followers: list[list[int]] = [[] for _ in nodes]
        for at, needed in enumerate(self.needs.values()):
            distinct = {position[item] for item in needed}
            missing.append(len(distinct))
            for item in distinct:
                followers[item].append(at)
        ready = [at for at, count in enumerate(missing) if count == 0]
        ordered: list[NodeT] = []
        while ready:
            at = heapq.heappop(ready)
            ordered.append(nodes[at])
            for follower in followers[at]:
                missing[follower] -= 1
                if missing[follower] == 0:
                    heapq.heappush(ready, follower)
        return tuple(ordered)

    def followers(self) -> Mapping[NodeT, tuple[NodeT, ...]]:
        """Return for each node those that need it directly."""
        found: dict[NodeT, list[NodeT]] = {node: [] for node in self.needs}
        for node, needed in self.needs.items():
            for item in dict.fromkeys(needed):
                found[item].append(node)
        return {node: tuple(items) for node, items in found.items()}

    def cycles(self) -> tuple[tuple[NodeT, ...], ...]:
        """Return one shortest cycle of every strongly connected part, in order of need."""
        import networkx as nx

        graph: nx.DiGraph[NodeT] = nx.DiGraph()
        graph.add_nodes_from(self.needs)
        graph.add_edges_from((node, item) for node, needed in self.needs.items() for item in needed)
        found: list[tuple[NodeT, ...]] = []
        for part in nx.strongly_connected_components(graph):
            if len(part) == 1 and not any(graph.has_edge(node, node) for node in part):
                continue
            first = min(part, key=list(self.needs).index)
            inside = graph.subgraph(part)
            back = min(
                (nx.shortest_path(inside, item, first) for item in inside.successors(first)),
                key=len,
            )
            found.append((first, *back[:-1]))
        return tuple(found)

    def reduced(self) -> Dag[NodeT]:
        """Return the graph without edges that follow from others."""
        import networkx as nx

        graph: nx.DiGraph[NodeT] = nx.DiGraph()
        graph.add_nodes_from(self.needs)
        graph.add_edges_from((node, item) for node, needed in self.needs.items() for item in needed)
        kept = nx.transitive_reduction(graph)
        return Dag(
            {
                node: tuple(item for item in dict.fromkeys(needed) if kept.has_edge(node, item))
                for node, needed in self.needs.items()
            }
        )

    def closure(self, nodes: tuple[NodeT, ...]) -> frozenset[NodeT]:
        """Return the nodes and everything they need, directly or not."""
        found: set[NodeT] = set()
        waiting = list(nodes)
        while waiting:
            node = waiting.pop()
            if node not in found:
                found.add(node)
                waiting.extend(self.needs[node])
        return frozenset(found)
