"""The functions of the language: Terraform's, by the same names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mlform.lang.function import (
    ArgumentError,
    Function,
    FunctionError,
    Parameter,
)
from mlform.lang.functions import (
    casting,
    choosing,
    datetimes,
    encoding,
    experiments,
    filesystem,
    formatting,
    hashing,
    mapping,
    network,
    numeric,
    pattern,
    secrets,
    sequence,
    sets,
    tables,
    text,
    variable_files,
    yaml_documents,
)
from mlform.lang.functions.context import FunctionContext
from mlform.lang.functions.documents import template_functions

__all__ = [
    "ArgumentError",
    "Function",
    "FunctionContext",
    "FunctionError",
    "Parameter",
    "functions",
]

_CONSTANT: Final[Mapping[str, Function]] = {
    function.name: function
    for family in (
        casting.FUNCTIONS,
        choosing.FUNCTIONS,
        datetimes.PURE,
        encoding.FUNCTIONS,
        experiments.FUNCTIONS,
        filesystem.PURE,
        formatting.FUNCTIONS,
        hashing.FUNCTIONS,
        mapping.FUNCTIONS,
        network.FUNCTIONS,
        numeric.FUNCTIONS,
        pattern.FUNCTIONS,
        secrets.PURE,
        sequence.FUNCTIONS,
        sets.FUNCTIONS,
        text.FUNCTIONS,
        variable_files.FUNCTIONS,
        yaml_documents.FUNCTIONS,
    )
    for function in family
}


def functions(context: FunctionContext) -> Mapping[str, Function]:
    """Return every function by name, seeing the world through a context."""
    every = dict(_CONSTANT)
    for function in (
        *filesystem.file_functions(context),
        *datetimes.clock_functions(context),
        *secrets.salted_functions(context),
        *tables.table_functions(context),
        *template_functions(context, lambda: every),
    ):
        every[function.name] = function
    return every
