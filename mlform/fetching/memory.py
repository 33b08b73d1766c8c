"""Packages in memory, for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from mlform.config.sources import GitSource, RemoteSource
from mlform.dataclass import dataclass, field
from mlform.digests import digest_bytes, digest_json
from mlform.errors import ModuleChanged, ModuleUnavailable

Files = Mapping[str, bytes]


@dataclass(slots=True)
class MemoryFetcher:
    """Gives the packages it was made with.

    Attributes:
        packages: Files by path, by `RemoteSource.package`.
        fetched: The packages asked for, in order.
    """

    packages: Mapping[str, Files]
    fetched: list[str] = field(default_factory=list)

    def fetch(
        self, source: RemoteSource, folder: Path, *, pinned: str | None, say: Callable[[str], None]
    ) -> str:
        """Fetch the package; see `ModuleFetcher.fetch`."""
        self.fetched.append(source.package)
        say(f"Looking for {source.package}")
        files = self.packages.get(source.package)
        if files is None:
            detail = f"There is no package {source.package} in memory."
            raise ModuleUnavailable("A module could not be downloaded", detail)
        pin = str(digest_json({name: digest_bytes(content) for name, content in files.items()}))
        if isinstance(source, GitSource):
            pin = pin.removeprefix("sha256:")
        if pinned not in {None, pin}:
            detail = f"{source.package} is pinned to {pinned}, and now it is {pin}."
            raise ModuleChanged("A module is not what was pinned", detail)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return pin
