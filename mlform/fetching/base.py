"""The port through which modules are fetched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from mlform.config.sources import RemoteSource


class ModuleFetcher(Protocol):
    """Fetches whole packages."""

    def fetch(
        self, source: RemoteSource, folder: Path, *, pinned: str | None, say: Callable[[str], None]
    ) -> str:
        """Fetch the package of a source.

        Args:
            source: What to fetch; its folder in the package takes no part.
            folder: Empty and absolute. Filled with the package; if this raises, anything may be
                left in it.
            pinned: The pin that the package must have, or None if what is there now will do. A
                branch is then taken as it was; a tag, or an archive, must not have changed.
            say: Takes what is going on while it takes long, one sentence each.

        Returns:
            The pin of what was fetched: the commit of a git repository, the `sha256:…` of an
            archive.

        Raises:
            ModuleUnavailable: If it cannot be had.
            ModuleChanged: If it has another pin, or another checksum than the source says.
            ModuleRefused: If its content would be unsafe to keep.
        """
        ...
