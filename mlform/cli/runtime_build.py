"""`mlform runtime build`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.errors import UsageError

if TYPE_CHECKING:
    from mlform.cli.arguments import RuntimeBuildArguments
    from mlform.cli.session import Session


def run(arguments: RuntimeBuildArguments, session: Session) -> int:
    """Build the runtime image, telling what goes on, and say how to use it."""
    if not arguments.base:
        detail = (
            "Name an image to build on with -base. It holds Python 3.11 or later and nothing else "
            "that matters, such as python:3.11-slim."
        )
        raise UsageError("No base image", detail)
    from mlform.operations.runtime_build import build

    image = build(
        session.environment(),
        arguments.base,
        arguments.tag,
        lambda text: session.err.write(text.rstrip("\n") + "\n"),
    )
    session.err.write(
        f'\nBuilt {image.name}. Use it in a runtime block and run "mlform init":\n\n'
        f'  runtime "docker" "default" {{\n    image = "{image.name}"\n  }}\n\n'
    )
    session.out.write(f"{image.reference}\n")
    return 0
