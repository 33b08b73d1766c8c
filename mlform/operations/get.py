"""Fetching the modules that a configuration calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from mlform.config.blocks import Config
from mlform.config.folders import DiskFiles
from mlform.config.load import read_root
from mlform.config.tree import NOT_INSTALLED
from mlform.config.variable_sources import OptionFile, OptionValue
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostic, Diagnostics
from mlform.errors import UsageError
from mlform.operations.environment import Environment
from mlform.operations.installed import (
    InstalledModule,
    find_installed,
    key_of,
    modules_folder,
)
from mlform.operations.loading import early_context, variable_values
from mlform.operations.modules import local_modules, module_installer


@dataclass(frozen=True, slots=True, kw_only=True)
class ModulesInPlace:
    """The modules of a configuration, all of them installed.

    Attributes:
        modules: In order of key.
        new_pins: Packages whose pin was not in the lock file before.
    """

    modules: tuple[InstalledModule, ...]
    new_pins: tuple[str, ...] = ()


def get_modules(
    environment: Environment,
    *,
    say: Callable[[str], None],
    upgrade: bool = False,
    readonly: bool = False,
    options: Sequence[OptionValue | OptionFile] = (),
) -> ModulesInPlace:
    """Install every module that is called, directly or by other modules, and pin its package.

    Args:
        environment: The outside world.
        say: Takes what is going on, one line each.
        upgrade: Take what is there now instead of what is pinned.
        readonly: Refuse to change the lock file.
        options: `-var` and `-var-file`: sources may depend on them.

    Raises:
        ConfigurationError: If a module cannot be installed, or the configuration is broken.
        MlformError: If the modules or the lock file cannot be written.
        UsageError: If the lock file is to be changed and not to be changed.
    """
    check_may_upgrade(upgrade=upgrade, readonly=readonly)
    root = read_root(DiskFiles(environment.settings.folder))
    # What is wrong with values of variables is told by those who use them all.
    values = variable_values(environment, root, Diagnostics(), options=options)
    with module_installer(environment, say=say, upgrade=upgrade, readonly=readonly) as installer:
        config, problems = root.load(
            values,
            context=early_context(environment, partial=True),
            find_modules=lambda files: installer,  # noqa: ARG005 - it reads the disk, not the plan
            modules_folder=installer.folder,
        )
        _joined(installer.problems, problems, config).raise_if_errors()
        new = installer.finish(config.modules)
    return ModulesInPlace(modules=_sorted(installer.installed.values()), new_pins=new)


def _joined(
    installing: Diagnostics, loading: tuple[Diagnostic, ...], config: Config
) -> Diagnostics:
    """Return why modules could not be installed with what else is wrong, in order of place."""
    failed = {item.range for item in installing}
    known = [
        item
        for item in loading
        # Why it is not there is told by the installer.
        if item.summary != NOT_INSTALLED or item.range not in failed
    ]
    files = {shown: position for position, shown in enumerate(config.files)}

    def place(item: Diagnostic) -> tuple[int, int]:
        if item.range is None:
            return (-1, 0)
        return (files.get(item.range.filename, -1), item.range.start_offset)

    joined = Diagnostics()
    joined.extend(sorted([*installing, *known], key=place))
    return joined


def check_may_upgrade(*, upgrade: bool, readonly: bool) -> None:
    """Refuse to change a lock file that must not be changed.

    Raises:
        UsageError: If both are asked for.
    """
    if upgrade and readonly:
        detail = "New pins were asked for, and -lockfile=readonly forbids any. Leave one out."
        raise UsageError("Conflicting options", detail)


def list_modules(environment: Environment) -> ModulesInPlace:
    """Return the modules that a configuration calls; fetches nothing.

    Raises:
        ConfigurationError: If one is not installed, or the configuration is broken.
    """
    settings = environment.settings
    root = read_root(DiskFiles(settings.folder))
    values = variable_values(environment, root, Diagnostics())
    find = find_installed(settings)
    config, problems = root.load(
        values,
        context=early_context(environment, partial=True),
        find_modules=find,
        modules_folder=modules_folder(settings),
    )
    diagnostics = Diagnostics()
    diagnostics.extend(problems)
    diagnostics.raise_if_errors()
    folders = {key_of(path): module.folder for path, module in config.modules.items() if path}
    recorded = find(DiskFiles(settings.folder)).installed()
    # A module that has become local since is still recorded with what was fetched for it.
    fetched = {
        key: item for key, item in recorded.items() if item.pin and item.folder == folders.get(key)
    }
    found = [*fetched.values(), *local_modules(config.modules, fetched)]
    return ModulesInPlace(modules=_sorted(found))


def _sorted(modules: Iterable[InstalledModule]) -> tuple[InstalledModule, ...]:
    return tuple(sorted(modules, key=lambda item: item.key))
