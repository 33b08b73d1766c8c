"""What `--check` says of an image: the versions that decide what the worker makes."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Final

from mlform import __version__
from mlform.digests import JsonObject
from mlform.tasks import TASK_FORMAT
from mlform.worker.execution import KINDS

PACKAGES: Final = (
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "xgboost-cpu",
    "xgboost",
    "uvicorn",
    "msgspec",
)


def versions() -> JsonObject:
    """Return `{"python", "mlform", "task_format", "kinds", "packages": {name: version or null}}`.

    Nothing is imported. `xgboost` comes as `xgboost` or as `xgboost-cpu`; one of them is null.
    """
    return {
        "python": platform.python_version(),
        "mlform": __version__,
        "task_format": TASK_FORMAT,
        "kinds": sorted(KINDS),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
