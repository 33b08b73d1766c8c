"""The functions of the language: Terraform's, by the same names.

A configuration calls a handful of them, and to load all takes longer than to plan a hundred
resources, so the module of a function is loaded when the function is first called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Final, cast

from mlform.lang.function import (
    ArgumentError,
    Function,
    FunctionError,
    Parameter,
)
from mlform.lang.functions.context import FunctionContext

__all__ = [
    "ArgumentError",
    "Function",
    "FunctionContext",
    "FunctionError",
    "Parameter",
    "functions",
]

_MODULES: Final[Mapping[str, str]] = {
    "casting": (
        "can ephemeralasnull issensitive nonsensitive sensitive tobool tolist tomap tonumber toset "
        "tostring try"
    ),
    "choosing": "alltrue anytrue coalesce coalescelist contains index one",
    "datetimes": "formatdate plantimestamp timeadd timecmp timestamp uuid",
    "documents": "templatefile templatestring",
    "encoding": (
        "base64decode base64encode base64gzip csvdecode jsondecode jsonencode textdecodebase64 "
        "textencodebase64 urlencode"
    ),
    "experiments": (
        "provider::mlform::bytes provider::mlform::duration_seconds "
        "provider::mlform::hash_fraction provider::mlform::linspace provider::mlform::logspace "
        "provider::mlform::params_grid provider::mlform::slugify"
    ),
    "filesystem": (
        "abspath basename dirname file filebase64 filebase64sha256 filebase64sha512 fileexists "
        "filemd5 fileset filesha1 filesha256 filesha512 pathexpand"
    ),
    "formatting": "format formatlist",
    "hashing": "base64sha256 base64sha512 md5 sha1 sha256 sha512 uuidv5",
    "mapping": "keys lookup merge transpose values zipmap",
    "network": "cidrhost cidrnetmask cidrsubnet cidrsubnets",
    "numeric": "abs ceil floor log max min parseint pow signum sum",
    "pattern": "regex regexall replace",
    "secrets": "bcrypt rsadecrypt",
    "sequence": (
        "chunklist compact concat distinct element flatten length matchkeys range reverse slice "
        "sort"
    ),
    "sets": "setintersection setproduct setsubtract setunion",
    "tables": (
        "provider::mlform::file_fingerprint provider::mlform::table_columns "
        "provider::mlform::table_rows provider::mlform::table_schema"
    ),
    "text": (
        "chomp endswith indent join lower split startswith strcontains strrev substr title trim "
        "trimprefix trimspace trimsuffix upper"
    ),
    "variable_files": (
        "provider::mlform::decode_mlfvars provider::mlform::encode_expr "
        "provider::mlform::encode_mlfvars"
    ),
    "yaml_documents": "yamldecode yamlencode",
}
_HOMES: Final = {name: module for module, names in _MODULES.items() for name in names.split()}


def functions(context: FunctionContext) -> Mapping[str, Function]:
    """Return every function by name, seeing the world through a context."""
    return _Functions(context)


class _Functions(Mapping[str, Function]):
    """All functions, each loaded with its module when it is first asked for."""

    def __init__(self, context: FunctionContext) -> None:
        self._context = context
        self._loaded: dict[str, Function] = {}

    def __getitem__(self, name: str) -> Function:
        found = self._loaded.get(name)
        if found is None:
            for function in self._functions_of(_HOMES[name]):
                self._loaded[function.name] = function
            found = self._loaded[name]
        return found

    def __contains__(self, name: object) -> bool:
        return name in _HOMES

    def __iter__(self) -> Iterator[str]:
        return iter(_HOMES)

    def __len__(self) -> int:
        return len(_HOMES)

    def _functions_of(self, module: str) -> tuple[Function, ...]:
        context = self._context
        match module:
            case "datetimes":
                from mlform.lang.functions import datetimes

                return (*datetimes.PURE, *datetimes.clock_functions(context))
            case "documents":
                from mlform.lang.functions.documents import template_functions

                return template_functions(context, self)
            case "filesystem":
                from mlform.lang.functions import filesystem

                return (*filesystem.PURE, *filesystem.file_functions(context))
            case "secrets":
                from mlform.lang.functions import secrets

                return (*secrets.PURE, *secrets.salted_functions(context))
            case "tables":
                from mlform.lang.functions.tables import table_functions

                return table_functions(context)
            case _:
                found = import_module(f"mlform.lang.functions.{module}")
                return cast("tuple[Function, ...]", found.FUNCTIONS)
