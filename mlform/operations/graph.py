"""The graph of a configuration as text for Graphviz."""

from __future__ import annotations

import json

from mlform.graph.nodes import ResourceNode
from mlform.operations.environment import Environment
from mlform.operations.loading import load


def graph_dot(environment: Environment) -> str:
    """Return the resources and what they need, in DOT, without edges that follow from others.

    Raises:
        ConfigurationError: If the configuration is broken.
    """
    loaded = load(environment, partial=True)
    dag = loaded.graph.dag.reduced()
    resources = [node for node in dag.needs if isinstance(node, ResourceNode)]
    lines = ["digraph G {", '  rankdir = "RL";', "  node [shape = rect, fontname = sans-serif];"]
    lines += [f"  {_quoted(node)};" for node in resources]
    lines += [
        f"  {_quoted(node)} -> {_quoted(needed)};"
        for node in resources
        for needed in loaded.graph.resource_needs(node)
    ]
    return "\n".join([*lines, "}", ""])


def _quoted(node: object) -> str:
    return json.dumps(str(node), ensure_ascii=False)
