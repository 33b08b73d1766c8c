"""The graph of a configuration as text for Graphviz."""

from __future__ import annotations

import json

from mlform.graph.dag import Dag
from mlform.graph.nodes import ResourceNode
from mlform.operations.environment import Environment
from mlform.operations.loading import load


def graph_dot(environment: Environment) -> str:
    """Return the resources and what they need, in DOT, without edges that follow from others.

    Raises:
        ConfigurationError: If the configuration is broken.
    """
    loaded = load(environment, partial=True)
    graph = loaded.graph
    blocks = [node for node in graph.dag.needs if isinstance(node, ResourceNode)]
    # Locals are looked through, so that only resources are drawn.
    dag = Dag({str(node): tuple(map(str, graph.resource_needs(node))) for node in blocks})
    lines = ["digraph G {", '  rankdir = "RL";', "  node [shape = rect, fontname = sans-serif];"]
    lines += [f"  {_quoted(name)};" for name in dag.needs]
    lines += [
        f"  {_quoted(name)} -> {_quoted(needed)};"
        for name, needs in dag.reduced().needs.items()
        for needed in needs
    ]
    return "\n".join([*lines, "}", ""])


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
