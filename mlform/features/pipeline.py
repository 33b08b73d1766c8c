"""A fitted sequence of transforms: raw columns in, feature columns out.

JSON form: `{"format": 1, "inputs": [{"name", "type", "nullable"}…], "steps": [{"op", "columns":
[{"name", "parameters"}…]}…], "outputs": [name…]}`; parameters as the module of each family says.

Every output is one expression over the raw columns of the same row, so a row transformed alone
equals the row transformed within a table, and training and serving run the same code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import polars as pl

from mlform.dataclass import dataclass
from mlform.digests import Json, JsonObject
from mlform.features.arguments import Arguments
from mlform.features.columns import Column, Schema, schema_from_json, schema_to_json
from mlform.features.problems import TaskFailure, quoted, require_columns, unknown_column
from mlform.features.transforms import FAMILIES

PIPELINE_FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedColumn:
    """What a step learned about one column.

    Attributes:
        name: The column, which the outputs of the step replace.
        parameters: As the module of the family documents them.
    """

    name: str
    parameters: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A fitted transform.

    Attributes:
        op: Name of its family.
        columns: The columns it works on.
    """

    op: str
    columns: tuple[FittedColumn, ...]

    def to_json(self) -> JsonObject:
        """Return the step as JSON."""
        columns: list[Json] = [
            {"name": column.name, "parameters": column.parameters} for column in self.columns
        ]
        return {"op": self.op, "columns": columns}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    column: Column
    expression: pl.Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Fitted transforms with their raw inputs and the outputs they are kept for.

    Attributes:
        inputs: The raw columns that are read.
        steps: The transforms, in order.
        outputs: Names of the columns that come out, in order.
    """

    inputs: Schema
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]

    @classmethod
    def fit(cls, steps: Sequence[JsonObject], frame: pl.DataFrame, schema: Schema) -> Pipeline:
        """Fit transforms, each on what the ones before it make of the frame.

        Args:
            steps: Objects with `op`, `columns` and the arguments of the family.
            frame: The raw rows of the training partition.
            schema: The columns of the frame.

        Raises:
            TaskFailure: If a column is unknown, has the wrong type or cannot be fitted; the
                argument says which transform.
        """
        columns = {column.name: column for column in schema}
        current = frame
        fitted: list[Step] = []
        for index, document in enumerate(steps):
            step = _fit_step(Arguments(values=document), current, columns, f"transforms[{index}]")
            values = _advance(
                {
                    name: _Value(column=column, expression=pl.col(name))
                    for name, column in columns.items()
                },
                step,
                f"transforms[{index}]",
            )
            current = current.select(value.expression.alias(name) for name, value in values.items())
            columns = {name: value.column for name, value in values.items()}
            fitted.append(step)
        return cls(inputs=schema, steps=tuple(fitted), outputs=tuple(columns))

    def expressions(self) -> list[pl.Expr]:
        """Return an expression over the raw columns for each output."""
        values = self._values()
        return [values[name].expression.alias(name) for name in self.outputs]

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the outputs for the rows of a frame that has the inputs.

        Raises:
            TaskFailure: If an input column is absent.
        """
        require_columns((column.name for column in self.inputs), frame.columns, "inputs")
        return frame.select(self.expressions())

    def output_schema(self) -> Schema:
        """Return the columns that come out."""
        values = self._values()
        return tuple(values[name].column for name in self.outputs)

    def input_schema(self) -> Schema:
        """Return the raw columns that are read."""
        return self.inputs

    def unchanged(self) -> tuple[str, ...]:
        """Return the outputs that are raw columns as they came: no step works on them."""
        changed = {fitted.name for step in self.steps for fitted in step.columns}
        raw = {column.name for column in self.inputs} - changed
        return tuple(name for name in self.outputs if name in raw)

    def restrict(self, outputs: Iterable[str]) -> Pipeline:
        """Return the part that the given outputs need: fewer steps, columns and inputs.

        Raises:
            TaskFailure: If one of them does not come out of this pipeline.
        """
        wanted = tuple(outputs)
        for name in wanted:
            if name not in self.outputs:
                raise unknown_column(name, self.outputs)
        before = self._schemas()
        needed = set(wanted)
        steps: list[Step] = []
        for step, columns in zip(reversed(self.steps), reversed(before), strict=True):
            family = FAMILIES[step.op]
            kept = []
            for fitted in step.columns:
                made = {out.name for out in family.outputs(columns[fitted.name], fitted.parameters)}
                if made & needed:
                    needed = (needed - made) | {fitted.name}
                    kept.append(fitted)
            if kept:
                steps.append(Step(op=step.op, columns=tuple(kept)))
        inputs = tuple(column for column in self.inputs if column.name in needed)
        return Pipeline(inputs=inputs, steps=tuple(reversed(steps)), outputs=wanted)

    def to_json(self) -> JsonObject:
        """Return the pipeline as JSON."""
        return {
            "format": PIPELINE_FORMAT,
            "inputs": schema_to_json(self.inputs),
            "steps": [step.to_json() for step in self.steps],
            "outputs": list(self.outputs),
        }

    @classmethod
    def from_json(cls, document: JsonObject) -> Pipeline:
        """Read a pipeline.

        Raises:
            ValueError: If the document has another format or names an unknown transform.
        """
        if document.get("format") != PIPELINE_FORMAT:
            message = (
                f"the pipeline has format {document.get('format')!r}, "
                f"this mlform reads format {PIPELINE_FORMAT}"
            )
            raise ValueError(message)
        read = Arguments(values=document)
        steps = []
        for step in read.blocks("steps"):
            if step.text("op") not in FAMILIES:
                message = f"the pipeline has an unknown transform {step.text('op')!r}"
                raise ValueError(message)
            columns = tuple(
                FittedColumn(name=column.text("name"), parameters=column.block("parameters").values)
                for column in step.blocks("columns")
            )
            steps.append(Step(op=step.text("op"), columns=columns))
        return cls(
            inputs=schema_from_json(document.get("inputs")),
            steps=tuple(steps),
            outputs=read.texts("outputs"),
        )

    def _values(self) -> dict[str, _Value]:
        values = {
            column.name: _Value(column=column, expression=pl.col(column.name))
            for column in self.inputs
        }
        for step in self.steps:
            values = _advance(values, step, "")
        return values

    def _schemas(self) -> list[dict[str, Column]]:
        """Return the columns before each step."""
        values = {
            column.name: _Value(column=column, expression=pl.col(column.name))
            for column in self.inputs
        }
        schemas = []
        for step in self.steps:
            schemas.append({name: value.column for name, value in values.items()})
            values = _advance(values, step, "")
        return schemas


def _fit_step(
    step: Arguments, frame: pl.DataFrame, columns: Mapping[str, Column], argument: str
) -> Step:
    names = step.texts("columns")
    require_columns(names, columns, f"{argument}.columns")
    family = FAMILIES[step.text("op")]
    fitted = []
    for index, name in enumerate(names):
        try:
            parameters = family.fit(columns[name], frame[name], step)
        except TaskFailure as failure:
            problem = failure.problem
            known = ", ".join(f'"{column.name}" {column.type}' for column in columns.values())
            detail = (
                f"{problem.detail} The columns here are: {known}."
                if problem.summary == "Transform on the wrong type"
                else problem.detail
            )
            raise TaskFailure(
                problem.summary, f"{step.text('op')}: {detail}", f"{argument}.columns[{index}]"
            ) from failure
        fitted.append(FittedColumn(name=name, parameters=parameters))
    return Step(op=step.text("op"), columns=tuple(fitted))


def _advance(values: Mapping[str, _Value], step: Step, argument: str) -> dict[str, _Value]:
    """Return the columns after a step; its outputs stand where the column stood."""
    family = FAMILIES[step.op]
    replaced = {fitted.name: fitted.parameters for fitted in step.columns}
    result: dict[str, _Value] = {}
    for name, value in values.items():
        outputs = [value.column]
        expressions: Sequence[pl.Expr] = [value.expression]
        if name in replaced:
            outputs = list(family.outputs(value.column, replaced[name]))
            expressions = family.expressions(value.column, replaced[name], value.expression)
        for column, expression in zip(outputs, expressions, strict=True):
            other = column.name != name and column.name in values and column.name not in replaced
            if column.name in result or other:
                detail = (
                    f'{step.op} of column {quoted([name])} makes a column "{column.name}", but '
                    "there is one of that name already; drop it before."
                )
                raise TaskFailure("Column name taken", detail, argument)
            result[column.name] = _Value(column=column, expression=expression)
    return result
