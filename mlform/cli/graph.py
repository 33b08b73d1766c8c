"""`mlform graph`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlform.cli.arguments import GraphArguments
    from mlform.cli.session import Session


def run(arguments: GraphArguments, session: Session) -> int:
    """Print the dependency graph."""
    del arguments
    from mlform.operations.graph import graph_dot

    session.out.write(graph_dot(session.environment()).rstrip("\n") + "\n")
    return 0
