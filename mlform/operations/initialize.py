"""Getting a folder ready: pins for all images, a backend that answers."""

from __future__ import annotations

from mlform.operations.access import open_backend
from mlform.operations.environment import Environment
from mlform.operations.loading import load
from mlform.operations.pins import resolve_pins
from mlform.operations.results import Initialized


def initialize(environment: Environment, *, upgrade: bool) -> Initialized:
    """Read the configuration, reach the backend and pin every image.

    Args:
        environment: The outside world.
        upgrade: Find out anew what each image name means.

    Raises:
        ConfigurationError: If the configuration or the lock file is broken.
        MlformError: If an image or the state cannot be reached.
    """
    loaded = load(environment, partial=True)
    backend = open_backend(environment, loaded)
    backend.read()
    pins = resolve_pins(environment, loaded.runtimes.values(), upgrade=upgrade)
    return Initialized(backend=backend.describe(), images=pins.images, new_images=pins.new)
