"""`drop`: the column is left out. Parameters: `{}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from mlform.digests import JsonObject
    from mlform.features.arguments import Arguments
    from mlform.features.columns import Column


class Drop:
    """Leaves a column out."""

    def fit(self, column: Column, values: pl.Series, arguments: Arguments) -> JsonObject:  # noqa: ARG002 - protocol
        """Fit nothing."""
        return {}

    def outputs(self, column: Column, parameters: JsonObject) -> tuple[Column, ...]:  # noqa: ARG002 - protocol
        """Return no column."""
        return ()

    def expressions(
        self,
        column: Column,  # noqa: ARG002 - protocol
        parameters: JsonObject,  # noqa: ARG002 - protocol
        value: pl.Expr,  # noqa: ARG002 - protocol
    ) -> tuple[pl.Expr, ...]:
        """Return no expression."""
        return ()
