"""`mlform version`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from mlform import __version__

if TYPE_CHECKING:
    from mlform.cli.arguments import VersionArguments
    from mlform.cli.session import Session


def version_text() -> str:
    """Return version and platform for people."""
    return f"mlform v{__version__}\non {platform_name()}\n"


def platform_name() -> str:
    """Return system and machine, such as `linux_x86_64`."""
    import os

    machine = os.uname().machine if hasattr(os, "uname") else "unknown"
    return f"{sys.platform}_{machine}"


def run(arguments: VersionArguments, session: Session) -> int:
    """Print the version."""
    if not arguments.json:
        session.out.write(version_text())
        return 0
    import json

    python = ".".join(str(part) for part in sys.version_info[:3])
    document = {"mlform_version": __version__, "platform": platform_name(), "python": python}
    session.out.write(json.dumps(document, indent=2) + "\n")
    return 0
