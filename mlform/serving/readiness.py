"""The file by which a server says that it listens."""

from __future__ import annotations

import json
import os
from pathlib import Path


def announce(path: Path, *, port: int) -> None:
    """Write `{"port", "pid"}` atomically: a reader sees no file or the whole of it.

    Raises:
        OSError: If the file cannot be written.
    """
    process = os.getpid()
    temporary = path.with_name(f".{path.name}.{process}")
    temporary.write_text(json.dumps({"port": port, "pid": process}), encoding="utf-8")
    temporary.replace(path)
