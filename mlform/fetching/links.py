"""Symbolic links of what was fetched must stay inside it."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

from mlform.errors import ModuleRefused


def stays_inside(entry: str, target: str) -> bool:
    """Whether a link leads to somewhere in the same package.

    Args:
        entry: Path of the link from the top of the package.
        target: As stored in the link.
    """
    if not target or target.startswith("/") or "\0" in target:
        return False
    reached = posixpath.normpath(posixpath.join(posixpath.dirname(entry), target))
    return reached != ".." and not reached.startswith("../")


def check_links(folder: Path, what: str) -> None:
    """Refuse a package with a link that leads out of it, also by way of other links.

    Args:
        folder: The package.
        what: The package as people know it.

    Raises:
        ModuleRefused: If there is such a link.
    """
    top = folder.resolve()
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            if path.is_symlink() and not _leads_into(path, top):
                raise unsafe_link(path.relative_to(folder).as_posix(), str(path.readlink()), what)


def _leads_into(link: Path, top: Path) -> bool:
    try:
        return link.resolve().is_relative_to(top)
    except (OSError, RuntimeError):  # links in a circle
        return False


def unsafe_link(entry: str, target: str, what: str) -> ModuleRefused:
    """Return the failure to raise for a link that leads out of its package."""
    detail = (
        f'In {what}, "{entry}" is a link to "{target}", which is outside of the package. mlform '
        "installs no such modules. Ask whoever maintains it to put the file itself there."
    )
    return ModuleRefused("Unsafe file in module package", detail)
