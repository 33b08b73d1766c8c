"""Artifacts in a project that is also a DVC repository.

The `dvc` package is loaded only where a `.dvc` folder exists: it takes half a second.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Final

from mlform.errors import StoreError
from mlform.store.base import Artifact

_PLAIN: Final = r"(?a)(?!(?:true|false|yes|no|on|off|null|y|n)$)[A-Za-z_][\w./-]*"


def find_cache(folder: Path) -> Path | None:
    """Return the cache folder of the DVC repository that a folder lies in, or None outside of one.

    The repository's configuration decides, with that of user and system: `cache.dir`, relative to
    the file it stands in; `.dvc/cache` where it is not set.

    Raises:
        StoreError: If that configuration cannot be read, or names no local folder.
    """
    found = _find_dvc_folder(folder.resolve())
    if found is None:
        return None
    from dvc.config import Config  # type: ignore[import-untyped]
    from dvc.exceptions import DvcException  # type: ignore[import-untyped]

    try:
        settings = Config(os.fspath(found)).get("cache", {})
    except (DvcException, OSError) as problem:
        raise StoreError(
            "The configuration of the DVC repository cannot be read",
            f"{found / 'config'}: {problem}. Correct it; `dvc config --list` shows it.",
        ) from problem
    location: str = settings.get("dir") or os.fspath(found / "cache")
    if re.match(r"\w+://", location):
        raise StoreError(
            "The cache of the DVC repository is no local folder",
            f"cache.dir is {location}. Set it to a folder: dvc cache dir PATH.",
        )
    return Path(location)


def _find_dvc_folder(folder: Path) -> Path | None:
    """Look upward as DVC does: to the first `.dvc` folder, but no further than the file system."""
    for current in (folder, *folder.parents):
        if (current / ".dvc").is_dir():
            return current / ".dvc"
        if os.path.ismount(current):
            return None
    return None


def pointer(artifact: Artifact, path: str) -> str:
    """Return the text of the `.dvc` file that stands for an artifact in a repository.

    Args:
        artifact: A stored artifact.
        path: Of the artifact's folder, relative to the `.dvc` file (POSIX).

    Returns:
        YAML as `dvc add` writes it. Committed as `NAME.dvc`, it makes `dvc status`, `push`, `pull`
        and `checkout` know the artifact.
    """
    shown = path if re.fullmatch(_PLAIN, path) else json.dumps(path)
    return (
        "outs:\n"
        f"- md5: {artifact.folder_md5}\n"
        f"  size: {artifact.size}\n"
        f"  nfiles: {len(artifact.files)}\n"
        "  hash: md5\n"
        f"  path: {shown}\n"
    )
