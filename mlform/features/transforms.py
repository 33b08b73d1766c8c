"""The families of transforms, by the name the configuration gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mlform.features.categories import OneHot, Ordinal
from mlform.features.clip import Clip
from mlform.features.drop import Drop
from mlform.features.family import Family
from mlform.features.impute import Impute
from mlform.features.log import Log
from mlform.features.scaling import Normalize, Standardize

FAMILIES: Final[Mapping[str, Family]] = {
    "impute": Impute(),
    "standardize": Standardize(),
    "normalize": Normalize(),
    "log": Log(),
    "clip": Clip(),
    "one_hot": OneHot(),
    "ordinal": Ordinal(),
    "drop": Drop(),
}
