"""Whether what a saved plan was made from is still what there is: configuration and pins.

The state is compared when it is locked, and source files and code when they are used.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlform.config.file_reading import file_names
from mlform.config.folders import DiskFiles
from mlform.config.lockfile import LOCK_FILE_NAME, read_lock
from mlform.config.write import is_generated
from mlform.diagnostics import Diagnostics
from mlform.errors import PlanStale
from mlform.operations.environment import Environment
from mlform.operations.results import Planned

_NAMED = 10
"""How many differences are named at most."""


def check_unmoved(environment: Environment, planned: Planned) -> None:
    """Refuse a saved plan whose configuration or pins are not those of the working folder.

    A folder without configuration has nothing that could differ.

    Raises:
        PlanStale: If something differs; it says what.
        ConfigurationError: If the lock file cannot be read.
    """
    folder = environment.settings.folder
    moved = [*_moved_files(environment, planned.files), *_moved_pins(folder, planned)]
    if not moved:
        return
    more = len(moved) - _NAMED
    lines = [f"  - {each}" for each in moved[:_NAMED]] + (
        [f"  - and {more} more"] if more > 0 else []
    )
    raise PlanStale(
        "Saved plan is stale",
        "What the plan was made from is not what there is now:\n"
        + "\n".join(lines)
        + "\n\nNothing was done. Make a new plan and apply that, or put back what it was.",
    )


def _moved_files(environment: Environment, files: Mapping[str, bytes]) -> Iterator[str]:
    disk = DiskFiles(environment.settings.folder)
    if not file_names(_names(disk, ".")):
        return
    fetched = posixpath.relpath(
        environment.settings.data_folder.as_posix(), environment.settings.folder.as_posix()
    )
    for shown, content in sorted(files.items()):
        try:
            now = disk.read(shown)
        except OSError:
            # What was fetched is pinned and may be away; what was generated may lie elsewhere.
            if not shown.startswith(f"{fetched}/") and not is_generated(content):
                yield f"{shown} is not there any more"
            continue
        if now != content:
            yield f"{shown} was changed"
    for folder in sorted({posixpath.dirname(shown) or "." for shown in files}):
        for name in file_names(_names(disk, folder)):
            shown = posixpath.normpath(posixpath.join(folder, name))
            if shown not in files:
                yield f"{shown} is new"


def _names(disk: DiskFiles, folder: str) -> tuple[str, ...]:
    try:
        return disk.names(folder)
    except OSError:
        return ()


def _moved_pins(folder: Path, planned: Planned) -> Iterator[str]:
    lock, problems = read_lock(folder / LOCK_FILE_NAME, shown=LOCK_FILE_NAME)
    diagnostics = Diagnostics()
    diagnostics.extend(problems)
    diagnostics.raise_if_errors()
    for name, image in sorted(planned.images.items()):
        locked = lock.images.get(name)
        if locked is not None and locked.reference != image.reference:
            yield f'{LOCK_FILE_NAME} pins the image "{name}" to {locked.digest} now'
    for package, pin in sorted(planned.modules.items()):
        module = lock.modules.get(package)
        if module is not None and module.pin != pin:
            yield f'{LOCK_FILE_NAME} pins the module "{package}" to {module.pin} now'
