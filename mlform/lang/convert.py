"""Everything about types and conversion that the rest of mlform uses."""

from __future__ import annotations

from mlform.lang.constraints import type_from_expression
from mlform.lang.conversion import (
    ConversionError,
    apply_defaults,
    convert,
    format_path,
    mismatch,
    without_optional,
)
from mlform.lang.type_text import constraint_name, type_expression, type_name, value_expression
from mlform.lang.unification import convertible, unify

__all__ = [
    "ConversionError",
    "apply_defaults",
    "constraint_name",
    "convert",
    "convertible",
    "format_path",
    "mismatch",
    "type_expression",
    "type_from_expression",
    "type_name",
    "unify",
    "value_expression",
    "without_optional",
]
