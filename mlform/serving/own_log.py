"""The log of this very process, kept within bounds: servers and gateways may run for months."""

from __future__ import annotations

import os
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Final

from mlform.bounded import cut_middle

_LOOK: Final = 30.0
"""Seconds between looks at how long it has become."""


def bound_own_log() -> None:
    """Take out the middle of the file that standard error goes to, whenever it is too long.

    Nothing is done where it goes to a terminal, or to an engine that bounds it itself.
    """
    descriptor = sys.stderr.fileno()
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return
    log = Path(f"/proc/self/fd/{descriptor}").readlink()

    def look() -> None:
        while True:
            time.sleep(_LOOK)
            cut_middle(log)

    threading.Thread(target=look, name="mlform-log", daemon=True).start()
