"""Fetches every kind of package by the adapter for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mlform.config.sources import GitSource, RemoteSource
from mlform.dataclass import dataclass
from mlform.fetching.archive import ArchiveFetcher
from mlform.fetching.git import GitFetcher


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFetcher:
    """Fetches git repositories and archives."""

    git: GitFetcher
    archive: ArchiveFetcher

    def fetch(
        self, source: RemoteSource, folder: Path, *, pinned: str | None, say: Callable[[str], None]
    ) -> str:
        """Fetch the package; see `ModuleFetcher.fetch`."""
        if isinstance(source, GitSource):
            return self.git.fetch(source, folder, pinned=pinned, say=say)
        return self.archive.fetch(source, folder, pinned=pinned, say=say)
