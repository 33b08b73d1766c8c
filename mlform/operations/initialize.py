"""Getting a folder ready: its modules installed, pins for all images, a backend that answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlform.config.variable_sources import OptionFile, OptionValue
from mlform.dataclass import dataclass
from mlform.operations.access import open_backend
from mlform.operations.environment import Environment
from mlform.operations.get import check_may_upgrade, get_modules
from mlform.operations.loading import load
from mlform.operations.pins import resolve_pins
from mlform.operations.results import Initialized


@dataclass(frozen=True, slots=True, kw_only=True)
class InitOptions:
    """What to get ready.

    Attributes:
        upgrade: Find out anew what each image name and each module's source means.
        get: Whether to install modules.
        backend: Whether to look whether the state can be reached.
        readonly: Refuse to change the lock file.
        variables: From the command line, in order.
    """

    upgrade: bool = False
    get: bool = True
    backend: bool = True
    readonly: bool = False
    variables: Sequence[OptionValue | OptionFile] = ()


def initialize(
    environment: Environment, options: InitOptions, *, say: Callable[[str], None]
) -> Initialized:
    """Install the modules, read the configuration, reach the backend and pin every image.

    Args:
        environment: The outside world.
        options: What to get ready.
        say: Takes what is going on with modules, one line each.

    Raises:
        ConfigurationError: If the configuration or the lock file is broken, or a module cannot be
            installed.
        MlformError: If an image or the state cannot be reached.
        UsageError: If the lock file is to be changed and not to be changed.
    """
    check_may_upgrade(upgrade=options.upgrade, readonly=options.readonly)
    new_modules: tuple[str, ...] = ()
    if options.get:
        new_modules = get_modules(
            environment,
            say=say,
            upgrade=options.upgrade,
            readonly=options.readonly,
            options=options.variables,
        ).new_pins
    loaded = load(environment, options=options.variables, partial=True)
    where = ""
    if options.backend:
        backend = open_backend(environment, loaded)
        backend.read()
        where = backend.describe()
    pins = resolve_pins(
        environment,
        loaded.runtimes.values(),
        readonly=options.readonly,
        upgrade=options.upgrade,
    )
    return Initialized(
        backend=where,
        images=pins.images,
        new_images=pins.new,
        new_modules=new_modules,
        warnings=loaded.warnings,
    )
