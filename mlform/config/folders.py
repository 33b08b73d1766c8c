"""Where files of configurations and folders of modules come from: ports, and files at hand."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeAlias

from mlform.addresses import ModulePath
from mlform.dataclass import dataclass, field
from mlform.diagnostics import SourceRange


class ConfigFiles(Protocol):
    """Reads files by shown path: relative to the working folder, with slashes."""

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names of the files in a folder, sorted.

        Raises:
            OSError: If there is no such folder, or it cannot be listed.
        """
        ...

    def read(self, shown: str) -> bytes:
        """Return the content of a file.

        Raises:
            OSError: If there is no such file, or it cannot be read.
        """
        ...


class ModuleFolders(Protocol):
    """Knows where the modules are whose sources are not local."""

    def find(
        self, path: ModulePath, source: str, version: str | None, place: SourceRange
    ) -> str | None:
        """Return the folder of a module, relative to the working folder; None if it is not there.

        Args:
            path: Of the module, from the root, without keys; its callers were asked for before.
            source: As written in the call; never a local one.
            version: Constraint on the version, or None.
            place: Of the source in the call.
        """
        ...


FindModules: TypeAlias = Callable[[ConfigFiles], ModuleFolders]
"""Makes what finds modules, given how to read: what it reads is kept with a saved plan."""


class NoModules:
    """Finds no module: for configurations whose modules are all local."""

    def __init__(self, files: ConfigFiles) -> None:
        self._files = files

    def find(
        self,
        path: ModulePath,  # noqa: ARG002 - nothing is there
        source: str,  # noqa: ARG002
        version: str | None,  # noqa: ARG002
        place: SourceRange,  # noqa: ARG002
    ) -> str | None:
        """Return None."""
        return None


@dataclass(frozen=True, slots=True)
class DiskFiles:
    """Files on disk.

    Attributes:
        folder: Of the root module.
        shown_folder: The same as people are shown it.
    """

    folder: Path
    shown_folder: str = "."

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names of the files in a folder, sorted; hidden ones are left out."""
        names = (each.name for each in self._path(folder).iterdir())
        return tuple(sorted(name for name in names if not name.startswith(".")))

    def read(self, shown: str) -> bytes:
        """Return the content of a file."""
        return self._path(shown).read_bytes()

    def _path(self, shown: str) -> Path:
        return self.folder / posixpath.relpath(shown, self.shown_folder)


@dataclass(frozen=True, slots=True)
class SavedFiles:
    """Files that were read before, such as those in a saved plan, by shown path."""

    content: Mapping[str, bytes]

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names of the files in a folder, sorted."""
        found = sorted(
            posixpath.basename(shown)
            for shown in self.content
            if (posixpath.dirname(shown) or ".") == folder
        )
        if not found and folder != ".":
            raise FileNotFoundError(2, "No such folder", folder)
        return tuple(found)

    def read(self, shown: str) -> bytes:
        """Return the content of a file."""
        content = self.content.get(shown)
        if content is None:
            raise FileNotFoundError(2, "No such file", shown)
        return content


@dataclass(frozen=True, slots=True)
class RecordedFiles:
    """Files read from elsewhere, of which everything that was read is kept."""

    origin: ConfigFiles
    content: dict[str, bytes] = field(default_factory=dict)

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names of the files in a folder, sorted."""
        return self.origin.names(folder)

    def read(self, shown: str) -> bytes:
        """Return the content of a file."""
        content = self.content.get(shown)
        if content is None:
            content = self.content[shown] = self.origin.read(shown)
        return content
