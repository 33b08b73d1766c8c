"""Getting a folder ready: its modules installed, pins for all images, a backend that answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlform.config.variable_sources import OptionFile, OptionValue
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostics
from mlform.operations.environment import Environment
from mlform.operations.get import check_may_upgrade, get_modules
from mlform.operations.given_arguments import given_arguments
from mlform.operations.init_backend import BackendOptions, set_up_backend
from mlform.operations.loading import Loaded, load
from mlform.operations.pins import resolve_pins
from mlform.operations.results import Initialized


@dataclass(frozen=True, slots=True, kw_only=True)
class InitOptions:
    """What to get ready.

    Attributes:
        upgrade: Find out anew what each image name and each module's source means.
        get: Whether to install modules.
        backend: How the backend is set up; None to leave it alone.
        backend_config: Arguments of the backend that the configuration leaves open; None for
            those that were given last.
        readonly: Refuse to change the lock file.
        variables: From the command line, in order.
    """

    upgrade: bool = False
    get: bool = True
    backend: BackendOptions | None = BackendOptions()
    backend_config: Sequence[OptionValue | OptionFile] | None = None
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
    loaded = _loaded(environment, options)
    backend = None
    if options.backend is not None:
        diagnostics = Diagnostics()
        diagnostics.extend(loaded.backend_problems)
        diagnostics.raise_if_errors()
        backend = set_up_backend(environment, loaded.backend, options.backend)
    pins = resolve_pins(
        environment,
        loaded.runtimes.values(),
        readonly=options.readonly,
        upgrade=options.upgrade,
    )
    return Initialized(
        backend=backend,
        images=pins.images,
        new_images=pins.new,
        new_modules=new_modules,
        warnings=(*loaded.warnings, *(() if backend is None else backend.warnings)),
    )


def _loaded(environment: Environment, options: InitOptions) -> Loaded:
    if options.backend_config is None:
        return load(environment, options=options.variables, partial=True)
    diagnostics = Diagnostics()
    given = given_arguments(options.backend_config, diagnostics)
    diagnostics.raise_if_errors()
    return load(environment, options=options.variables, partial=True, given=given)
