"""Which modules are installed, and where: `.mlform/modules/modules.json`.

The file is written by `init` and `get` and read by everything else::

    {
      "format_version": 1,
      "modules": [
        {"key": "data", "source": "./data", "folder": "data", "pin": ""},
        {"key": "data.clean", "source": "git::https://…//clean?ref=v1",
         "folder": ".mlform/modules/data.clean/clean", "pin": "0123…"}
      ]
    }

`key` is the path of names from the root; `folder` is relative to the working folder.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, TypeGuard

from mlform.addresses import ModulePath
from mlform.config.folders import ConfigFiles
from mlform.config.lockfile import LOCK_FILE_NAME, LockFile, parse_lock
from mlform.config.sources import ArchiveSource, LocalSource, RemoteSource, parse_source
from mlform.dataclass import attributes, dataclass
from mlform.diagnostics import SourceRange
from mlform.durable import write_file
from mlform.operations.environment import Settings

MANIFEST: Final = "modules.json"
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledModule:
    """One module.

    Attributes:
        key: The names of the calls from the root, with dots.
        source: In its one form, without passwords.
        folder: Relative to the working folder.
        pin: Commit or digest of its package; empty for local modules.
    """

    key: str
    source: str
    folder: str
    pin: str = ""


def key_of(path: ModulePath) -> str:
    """Return the key of a module."""
    return ".".join(step.name for step in path)


def modules_folder(settings: Settings) -> str:
    """Return where fetched modules are, relative to the working folder."""
    return Path(os.path.relpath(settings.data_folder / "modules", settings.folder)).as_posix()


def parse_manifest(content: bytes) -> dict[str, InstalledModule]:
    """Return the installed modules by key; none if the content cannot be understood."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(document, dict) or document.get("format_version") != _FORMAT:
        return {}
    items = document.get("modules")
    read = [_module(item) for item in items] if isinstance(items, list) else []
    return {item.key: item for item in read if item is not None}


def read_manifest(folder: Path) -> dict[str, InstalledModule]:
    """Return the installed modules by key; none if the file is not there or damaged.

    Args:
        folder: Where fetched modules are.
    """
    try:
        return parse_manifest((folder / MANIFEST).read_bytes())
    except OSError:
        return {}


def _module(item: object) -> InstalledModule | None:
    names = tuple(attributes(InstalledModule))
    if not isinstance(item, dict):
        return None
    values = {name: item.get(name) for name in names}
    texts = {
        name: value for name, value in values.items() if isinstance(value, str) and _is_clean(value)
    }
    return InstalledModule(**texts) if len(texts) == len(names) else None


def _is_clean(text: str) -> bool:
    """Whether a text can be part of a path and be written again."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def write_manifest(folder: Path, modules: Iterable[InstalledModule]) -> None:
    """Write the file as a whole.

    Raises:
        OSError: If it cannot be written; the old one is untouched then.
    """
    names = tuple(attributes(InstalledModule))
    document = {
        "format_version": _FORMAT,
        "modules": [
            {name: getattr(item, name) for name in names}
            for item in sorted(modules, key=lambda item: item.key)
        ],
    }
    write_file(folder / MANIFEST, json.dumps(document, indent=2, ensure_ascii=False).encode())


def is_as_wanted(
    module: InstalledModule | None, source: RemoteSource, pinned: str | None, modules: str
) -> TypeGuard[InstalledModule]:
    """Whether what is installed is what a source and its pin ask for.

    Args:
        module: As the manifest has it.
        source: As the configuration has it.
        pinned: As the lock file has it; None where it has none.
        modules: Where fetched modules are, relative to the working folder; a manifest that leads
            anywhere but to the module's own folder there is not believed.
    """
    if module is None or module.source != source.text or pinned not in {None, module.pin}:
        return False
    place = f"{modules}/{module.key}/"
    if not f"{posixpath.normpath(module.folder)}/".startswith(place):
        return False
    return not isinstance(source, ArchiveSource) or source.checksum in {None, module.pin}


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledModules:
    """Finds modules where `init` has put them; fetches nothing.

    Attributes:
        modules: Where fetched modules are, relative to the working folder.
        files: Reads the manifest and the lock file; what is not pinned, or otherwise than it is
            installed, counts as not installed.
    """

    modules: str
    files: ConfigFiles

    def find(
        self, path: ModulePath, source: str, version: str | None, place: SourceRange
    ) -> str | None:
        """Return the folder of a module, or None if it is not installed.

        Args:
            path: Of the module, without keys.
            source: As its call gives it; never a local one.
            version: As its call gives it: only a registry could heed it.
            place: Of the source.

        Returns:
            Relative to the working folder.
        """
        del version, place
        wanted = parse_source(source)
        if isinstance(wanted, LocalSource):
            return None
        module = self.installed().get(key_of(path))
        locked = self._lock().modules.get(wanted.package)
        if locked is None or not is_as_wanted(module, wanted, locked.pin, self.modules):
            return None
        try:
            self.files.names(module.folder)
        except OSError:
            return None
        return module.folder

    def installed(self) -> Mapping[str, InstalledModule]:
        """Return the installed modules by key."""
        return parse_manifest(self._read(f"{self.modules}/{MANIFEST}"))

    def _lock(self) -> LockFile:
        return parse_lock(LOCK_FILE_NAME, self._read(LOCK_FILE_NAME))[0]

    def _read(self, shown: str) -> bytes:
        try:
            return self.files.read(shown)
        except OSError:
            return b""


def find_installed(settings: Settings) -> Callable[[ConfigFiles], InstalledModules]:
    """Return what finds the installed modules of the working folder, given how to read files."""
    modules = modules_folder(settings)
    return lambda files: InstalledModules(modules=modules, files=files)


_LEFT_OVER: Final = r"\..*\.tmp"


def left_over(name: str) -> bool:
    """Whether a name in the modules folder is what an interrupted run left there."""
    return re.fullmatch(_LEFT_OVER, name) is not None
