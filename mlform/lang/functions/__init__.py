"""The functions of the language: Terraform's, by the same names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mlform.lang.function import (
    ArgumentError,
    Closure,
    Function,
    FunctionError,
    Parameter,
)
from mlform.lang.functions import (
    casting,
    datetimes,
    encoding,
    filesystem,
    formatting,
    hashing,
    mapping,
    network,
    numeric,
    pattern,
    sequence,
    sets,
    text,
    yaml_documents,
)
from mlform.lang.functions.context import FunctionContext
from mlform.lang.functions.documents import template_functions
from mlform.lang.values import Value

__all__ = [
    "ArgumentError",
    "Function",
    "FunctionContext",
    "FunctionError",
    "Parameter",
    "functions",
]

_MISSING: Final = ("bcrypt", "rsadecrypt")


def _missing(name: str) -> Function:
    def implementation(*_: Closure) -> Value:
        raise FunctionError(
            "mlform does not have this function of Terraform yet; compute the value outside and "
            "pass it in a variable"
        )

    return Function(
        name=name,
        description="Not available in mlform yet.",
        variadic=Parameter(name="args"),
        implementation=implementation,
        lazy=True,
    )


_CONSTANT: Final[Mapping[str, Function]] = {
    function.name: function
    for family in (
        casting.FUNCTIONS,
        datetimes.PURE,
        encoding.FUNCTIONS,
        filesystem.PURE,
        formatting.FUNCTIONS,
        hashing.FUNCTIONS,
        mapping.FUNCTIONS,
        network.FUNCTIONS,
        numeric.FUNCTIONS,
        pattern.FUNCTIONS,
        sequence.FUNCTIONS,
        sets.FUNCTIONS,
        text.FUNCTIONS,
        yaml_documents.FUNCTIONS,
        tuple(map(_missing, _MISSING)),
    )
    for function in family
}


def functions(context: FunctionContext) -> Mapping[str, Function]:
    """Return every function by name, seeing the world through a context."""
    every = dict(_CONSTANT)
    for function in (
        *filesystem.file_functions(context),
        *datetimes.clock_functions(context),
        *template_functions(context, lambda: every),
    ):
        every[function.name] = function
    return every
