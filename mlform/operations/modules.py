"""Installing the modules that a configuration calls, and pinning what they come from."""

from __future__ import annotations

import os
import posixpath
import shutil
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from mlform.addresses import ModulePath
from mlform.config.blocks import Module
from mlform.config.lockfile import (
    LOCK_FILE_NAME,
    LockedModule,
    LockFile,
    read_lock,
    write_lock,
)
from mlform.config.sources import LocalSource, RemoteSource, parse_source
from mlform.dataclass import dataclass, field, replace
from mlform.diagnostics import Diagnostics, SourceRange, did_you_mean
from mlform.errors import ModuleError, ModuleUnavailable
from mlform.fetching.base import ModuleFetcher
from mlform.operations.environment import Environment, Settings
from mlform.operations.installed import (
    InstalledModule,
    is_as_wanted,
    key_of,
    left_over,
    modules_folder,
    read_manifest,
    write_manifest,
)

_PATIENCE: Final = 60.0
_NAMES_SHOWN: Final = 12


@dataclass(slots=True, kw_only=True)
class ModuleInstaller:
    """Finds modules as `InstalledModules` does, and installs those that are not installed.

    A package is put beside its place and renamed into it, so an interrupted run leaves either the
    old module or the new one, and something that the next run removes.

    Attributes:
        settings: Folders.
        fetcher: Fetches packages.
        say: Takes what is going on, one line each.
        upgrade: Whether to take what is there now instead of what is pinned.
        readonly: Whether the lock file must not be changed.
        lock: The lock file as it is.
        before: What was installed before, by key.
        installed: What is installed now, by key; grows while modules are asked for.
        pins: Of the packages in use.
        problems: What went wrong, with places.
        held: Takes the lock that keeps other runs from installing at the same time.
    """

    settings: Settings
    fetcher: ModuleFetcher
    say: Callable[[str], None]
    upgrade: bool = False
    readonly: bool = False
    lock: LockFile = field(default_factory=LockFile)
    before: dict[str, InstalledModule] = field(default_factory=dict)
    installed: dict[str, InstalledModule] = field(default_factory=dict)
    pins: dict[str, str] = field(default_factory=dict)
    problems: Diagnostics = field(default_factory=Diagnostics)
    held: ExitStack = field(default_factory=ExitStack)
    _alone: bool = False
    _busy: ModuleError | None = None
    _fetched: dict[str, Path] = field(default_factory=dict)
    _failed: dict[str, ModuleError] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Where fetched modules are, relative to the working folder."""
        return modules_folder(self.settings)

    def find(
        self, path: ModulePath, source: str, version: str | None, place: SourceRange
    ) -> str | None:
        """Return the folder of a module, installing it first; None after recording a problem.

        Args:
            path: Of the module, without keys; its callers were asked for before.
            source: As its call gives it; never a local one.
            version: As its call gives it: only a registry could heed it.
            place: Of the source, for problems.

        Returns:
            Relative to the working folder.
        """
        del version
        wanted = parse_source(source)
        if isinstance(wanted, LocalSource):
            return None
        if self._calls_itself(path, wanted, place):
            return None
        try:
            return self._remote(key_of(path), wanted)
        except ModuleError as error:
            self.problems.error(error.summary, error.detail, range=place)
            return None

    def _calls_itself(self, path: ModulePath, source: RemoteSource, place: SourceRange) -> bool:
        for length in range(1, len(path)):
            caller = self.installed.get(key_of(path[:length]))
            if caller is not None and caller.source == source.text:
                self.problems.error(
                    "Module calls itself",
                    f"{source.text} is the source of the module {caller.key} as well, in which "
                    "this call is: there would be no end. Remove one of the calls.",
                    range=place,
                )
                return True
        return False

    def _remote(self, key: str, source: RemoteSource) -> str:
        """Return the folder of a module that is fetched.

        Raises:
            ModuleError: If it cannot be installed.
        """
        pinned = self._pinned(source)
        before = self.before.get(key)
        fresh = not self.upgrade or source.package in self.pins
        if fresh and is_as_wanted(before, source, pinned, self.folder) and self._is_there(before):
            self.pins[source.package] = before.pin
            self._fetched.setdefault(source.package, self._package_folder(key))
            self._add(before)
            return before.folder
        if source.package in self._failed:
            raise self._failed[source.package]
        try:
            return self._install(key, source, pinned)
        except BrokenPipeError:  # nobody listens any more: `say` ends the run
            raise
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def _pinned(self, source: RemoteSource) -> str | None:
        """Return the pin that a package must have.

        Raises:
            ModuleError: If it has none and must have one.
        """
        if source.package in self.pins:
            return self.pins[source.package]
        locked = self.lock.modules.get(source.package)
        if locked is None and self.readonly:
            detail = (
                f"{LOCK_FILE_NAME} has no pin for {source.package}, and -lockfile=readonly "
                'forbids to add one. Run "mlform init" and commit the lock file.'
            )
            raise ModuleError("Module is not pinned", detail)
        return None if locked is None or self.upgrade else locked.pin

    def _install(self, key: str, source: RemoteSource, pinned: str | None) -> str:
        """Put a package into the folder of a module.

        Raises:
            ModuleError: If it cannot be fetched, or lacks the folder that the source names.
            OSError: If it cannot be written.
        """
        self._be_alone()
        place = self._package_folder(key)
        temporary = place.parent / f".{key}.{os.urandom(4).hex()}.tmp"
        package = temporary / "package"
        package.mkdir(parents=True)
        try:
            other = self._fetched.get(source.package)
            if other is not None:
                shutil.copytree(other, package, symlinks=True, dirs_exist_ok=True)
            else:
                self.say(f"Downloading {source.text} for {key}...")
                self.pins[source.package] = self._fetch(source, package, pinned)
            inner = _inner_folder(package, source)
            # Until it is in its place, no record may say that it is.
            if self.before.pop(key, None) is not None:
                self._write()
            if place.exists():
                place.rename(temporary / "old")
            package.rename(place)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        self._fetched[source.package] = place
        folder = f"{self.folder}/{key}/{inner}".rstrip("/")
        pin = self.pins[source.package]
        self._add(InstalledModule(key=key, source=source.text, folder=folder, pin=pin))
        self._write()
        return folder

    def _fetch(self, source: RemoteSource, package: Path, pinned: str | None) -> str:
        """Fetch a package; return its pin.

        Raises:
            ModuleError: If it cannot be fetched; nobody tries again then.
        """
        try:
            return self.fetcher.fetch(source, package, pinned=pinned, say=self.say)
        except ModuleError as error:
            self._failed[source.package] = error
            raise

    def _be_alone(self) -> None:
        """Keep other runs from installing until this one is done; clean up after dead ones.

        Raises:
            ModuleError: If another run takes too long.
            OSError: If the folder cannot be written.
        """
        if self._alone:
            return
        if self._busy is not None:  # patience is for the run, not for each of its modules
            raise self._busy
        import filelock

        folder = self.settings.folder / self.folder
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self.held.enter_context(filelock.FileLock(folder / ".lock", timeout=_PATIENCE))
        except filelock.Timeout:
            detail = f"It holds {self.folder}/.lock. Wait until it is done, then run this again."
            self._busy = ModuleError("Another run of mlform is installing modules", detail)
            raise self._busy from None
        for item in folder.iterdir():
            if left_over(item.name):
                shutil.rmtree(item, ignore_errors=True)
        self._alone = True

    def _is_there(self, module: InstalledModule) -> bool:
        return (self.settings.folder / module.folder).is_dir()

    def _package_folder(self, key: str) -> Path:
        return self.settings.folder / self.folder / key

    def _add(self, module: InstalledModule) -> None:
        self.installed[module.key] = module
        if self.before.get(module.key) != module:
            self.say(f"- {module.key} in {module.folder}")

    def _write(self) -> None:
        write_manifest(
            self.settings.folder / self.folder, {**self.before, **self.installed}.values()
        )

    def finish(self, modules: Mapping[ModulePath, Module]) -> tuple[str, ...]:
        """Record what is installed and pinned, and remove what is no longer called.

        To be called when every module was asked for and there was no problem.

        Args:
            modules: All modules of the configuration, callers first.

        Returns:
            The packages whose pin is new.

        Raises:
            ModuleError: If it cannot be written.
            MlformError: If the lock file cannot be written.
        """
        folder = self.settings.folder / self.folder
        for module in local_modules(modules, self.installed):
            self._add(module)
        is_new = self.installed != self.before
        self.before.clear()
        kept = {item.key for item in self.installed.values() if item.pin}
        try:
            if is_new:
                self._be_alone()
                self._write()
            if _unneeded(folder, kept):
                self._be_alone()  # what looks left over may be what another run is installing
                for item in _unneeded(folder, kept):
                    shutil.rmtree(item, ignore_errors=True)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        pinned = {
            package: LockedModule(package=package, pin=pin) for package, pin in self.pins.items()
        }
        if pinned != dict(self.lock.modules) and not self.readonly:
            write_lock(self.settings.folder / LOCK_FILE_NAME, replace(self.lock, modules=pinned))
        old = self.lock.modules
        return tuple(sorted(name for name in pinned if old.get(name) != pinned[name]))


def local_modules(
    modules: Mapping[ModulePath, Module], fetched: Mapping[str, InstalledModule]
) -> Iterator[InstalledModule]:
    """Give the modules that were not fetched, the root left out."""
    for path, module in modules.items():
        key = key_of(path)
        if path and key not in fetched:
            way = posixpath.relpath(module.folder, modules[path[:-1]].folder)
            source = way if way.startswith("..") else f"./{way}"
            yield InstalledModule(key=key, source=source, folder=module.folder)


def _inner_folder(package: Path, source: RemoteSource) -> str:
    """Return the folder of a source in its package; `*` stands for any one name.

    Raises:
        ModuleError: If there is no such folder, or several.
    """
    if not source.folder:
        return ""
    if "*" in source.folder:
        matches = sorted(item for item in package.glob(source.folder) if item.is_dir())
    else:
        matches = [item for item in (package / source.folder,) if item.is_dir()]
    if len(matches) == 1:
        return matches[0].relative_to(package).as_posix()
    folders = sorted(
        item.relative_to(package).as_posix()
        for item in package.rglob("*")
        if item.is_dir() and not item.name.startswith(".")
    )
    shown = ", ".join(folders[:_NAMES_SHOWN]) + (", …" if len(folders) > _NAMES_SHOWN else "")
    found = "several folders match" if matches else "there is no folder"
    detail = (
        f'In {source.package} {found} "{source.folder}", which the source names after "//".'
        f"{did_you_mean(source.folder, folders)} Folders there: {shown or 'none'}."
    )
    raise ModuleUnavailable("Folder not found in module package", detail)


def _unneeded(folder: Path, kept: AbstractSet[str]) -> list[Path]:
    """Return what no module is in: those no longer called, and what interrupted runs left."""
    if not folder.is_dir():
        return []
    return [item for item in folder.iterdir() if item.is_dir() and item.name not in kept]


def _unwritable(folder: str, error: OSError) -> ModuleError:
    detail = (
        f"{folder} cannot be written: {error.strerror or error}. Check the free space and that "
        "you may write there."
    )
    return ModuleError("Modules could not be installed", detail)


@contextmanager
def module_installer(
    environment: Environment,
    *,
    say: Callable[[str], None],
    upgrade: bool = False,
    readonly: bool = False,
) -> Iterator[ModuleInstaller]:
    """Give what installs modules; when left, other runs may install some in the same folder.

    Args:
        environment: The outside world.
        say: Takes what is going on, one line each.
        upgrade: Whether to take what is there now instead of what is pinned.
        readonly: Whether the lock file must not be changed.

    Raises:
        ConfigurationError: If the lock file is broken.
    """
    settings = environment.settings
    lock, problems = read_lock(settings.folder / LOCK_FILE_NAME, shown=LOCK_FILE_NAME)
    diagnostics = Diagnostics()
    diagnostics.extend(problems)
    diagnostics.raise_if_errors()
    with ExitStack() as held:
        yield ModuleInstaller(
            settings=settings,
            fetcher=environment.fetcher(),
            say=say,
            upgrade=upgrade,
            readonly=readonly,
            lock=lock,
            before=read_manifest(settings.folder / modules_folder(settings)),
            held=held,
        )
