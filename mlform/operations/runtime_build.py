"""Building the image that tasks run in."""

from __future__ import annotations

from collections.abc import Callable

from mlform.operations.environment import Environment
from mlform.tasks import PinnedImage


def build(
    environment: Environment, base: str, tag: str, on_progress: Callable[[str], None]
) -> PinnedImage:
    """Build a runtime image from the installed mlform on a base image.

    Raises:
        RuntimeFailure: If there is no engine, or the base is not usable.
    """
    return environment.build_image(base, tag, on_progress)
