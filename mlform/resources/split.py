"""`split`: a data set in partitions, with transforms fitted on the training partition only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from mlform.diagnostics import did_you_mean
from mlform.digests import Digest, Json, JsonObject
from mlform.lang.types import DYNAMIC, NUMBER, STRING, ListType, MapType
from mlform.resources.base import Made, Problem, SourceAnswer, SourceQuery, Upstream
from mlform.resources.common import (
    STRINGS,
    UNDECISIVE,
    argument_steps,
    artifact_attributes,
    digest_of,
    flag,
    fractions_problem,
    mapping,
    objects,
    renamed,
    requirements_block,
    retry_block,
    strings,
    unknown_names,
    without,
)
from mlform.schema import Attribute, BlockSchema, NestedBlock, ResourceReference, ResourceSchema
from mlform.tasks import ArtifactInput, Requirements, Task

STRATEGIES: Final = ("ratio", "sorted", "by_column", "hash")

_PARTITIONS: Final = Attribute(
    name="partitions",
    type=MapType(NUMBER),
    required=True,
    description="Share of the rows by name of partition; the shares add up to 1.",
)


def _columns() -> Attribute:
    return Attribute(
        name="columns", type=STRINGS, required=True, description="Columns it is applied to."
    )


_TRANSFORMS: Final[Mapping[str, BlockSchema]] = {
    "impute": BlockSchema(
        attributes=(
            _columns(),
            Attribute(
                name="strategy",
                type=STRING,
                description="What takes the place of a missing value.",
                default="median",
                allowed=("mean", "median", "most_frequent", "constant"),
            ),
            Attribute(
                name="value", type=DYNAMIC, description="The value of the strategy `constant`."
            ),
        )
    ),
    "standardize": BlockSchema(attributes=(_columns(),)),
    "normalize": BlockSchema(attributes=(_columns(),)),
    "log": BlockSchema(
        attributes=(
            _columns(),
            Attribute(
                name="offset",
                type=NUMBER,
                description="Added before the natural logarithm is taken.",
                default=1,
            ),
        )
    ),
    "clip": BlockSchema(
        attributes=(
            _columns(),
            Attribute(name="min", type=NUMBER, description="Smallest value kept."),
            Attribute(name="max", type=NUMBER, description="Largest value kept."),
            Attribute(
                name="lower_quantile",
                type=NUMBER,
                description="Quantile of the training partition used as smallest value.",
            ),
            Attribute(
                name="upper_quantile",
                type=NUMBER,
                description="Quantile of the training partition used as largest value.",
            ),
        )
    ),
    "one_hot": BlockSchema(
        attributes=(
            _columns(),
            Attribute(
                name="max_categories",
                type=NUMBER,
                description="Keep only so many of the most frequent categories.",
            ),
        )
    ),
    "ordinal": BlockSchema(
        attributes=(
            _columns(),
            Attribute(
                name="categories",
                type=ListType(STRING),
                description="The categories in order; by default sorted.",
            ),
        )
    ),
    "drop": BlockSchema(attributes=(_columns(),)),
}

_NEEDS_ROWS: Final = {
    "backward_fill": "the rows that come after",
    "forward_fill": "the rows that came before",
    "rank": "all other rows",
    "shuffle": "all other rows",
    "rolling": "the rows that came before",
    "shift": "the rows around it",
    "deduplicate": "all other rows",
}
_REFUSED: Final[Mapping[str, str]] = {
    op: f'"{op}" cannot run on one live row, because it needs {needs}. What is served is '
    "transformed row by row; do this before the data set is read."
    for op, needs in _NEEDS_ROWS.items()
}

_RATIO: Final = NestedBlock(
    name="ratio",
    description="Random partitions of given sizes.",
    body=BlockSchema(
        attributes=(
            _PARTITIONS,
            Attribute(
                name="stratify",
                type=STRING,
                description="Column whose values have the same shares in every partition.",
            ),
            Attribute(
                name="group",
                type=STRING,
                description="Column whose rows of one value stay in one partition.",
            ),
        )
    ),
)
_SORTED: Final = NestedBlock(
    name="sorted",
    description="Partitions one after the other along a sorted column, such as time.",
    body=BlockSchema(
        attributes=(
            _PARTITIONS,
            Attribute(name="by", type=STRING, required=True, description="Column to sort by."),
            Attribute(
                name="order",
                type=ListType(STRING),
                description="Partitions, first rows first; by default train first, test last.",
            ),
            flag("descending", "Sort from large to small.", default=False),
        )
    ),
)
_BY_COLUMN: Final = NestedBlock(
    name="by_column",
    description="Partitions by the values of a column, or by predicates.",
    body=BlockSchema(
        attributes=(
            Attribute(name="column", type=STRING, description="Column that `values` refer to."),
        ),
        blocks=(
            NestedBlock(
                name="partition",
                description="Which rows are in a partition.",
                label="name",
                repeated=True,
                required=True,
                body=BlockSchema(
                    attributes=(
                        Attribute(
                            name="values",
                            type=ListType(DYNAMIC),
                            description="Values of the column.",
                        ),
                        Attribute(
                            name="where", type=STRING, description="SQL predicate of the rows."
                        ),
                    )
                ),
            ),
        ),
    ),
)
_HASH: Final = NestedBlock(
    name="hash",
    description="Partitions by a hash of key columns: rows keep theirs as others are added.",
    body=BlockSchema(
        attributes=(
            _PARTITIONS,
            Attribute(name="key", type=STRINGS, required=True, description="Key columns."),
            Attribute(name="salt", type=STRING, description="Changes the assignment.", default=""),
        )
    ),
)

SCHEMA: Final = ResourceSchema(
    kind="split",
    version=1,
    description="A data set in partitions, with transforms fitted on the training partition.",
    body=BlockSchema(
        attributes=(
            Attribute(
                name="dataset",
                type=ResourceReference(kinds=("dataset",)),
                required=True,
                description="The data set.",
            ),
            Attribute(name="seed", type=NUMBER, description="Seed of random choices.", default=0),
            Attribute(
                name="train",
                type=STRING,
                description="Partition that transforms are fitted on.",
                default="train",
            ),
            *artifact_attributes(),
            Attribute(
                name="partitions",
                type=DYNAMIC,
                description="Number of rows by name of partition.",
                computed=True,
            ),
            Attribute(
                name="features",
                type=STRINGS,
                description="Columns after the transforms.",
                computed=True,
            ),
            Attribute(
                name="pipeline",
                type=DYNAMIC,
                description="Input columns and number of steps of the fitted transforms.",
                computed=True,
            ),
        ),
        blocks=(
            _RATIO,
            _SORTED,
            _BY_COLUMN,
            _HASH,
            NestedBlock(
                name="transform",
                description="A step of preprocessing, applied in order.",
                label="op",
                repeated=True,
                variants=_TRANSFORMS,
                refused=_REFUSED,
            ),
            requirements_block(),
            retry_block(),
        ),
        one_of=STRATEGIES,
    ),
)


class SplitKind:
    """The kind `split`."""

    schema = SCHEMA
    sort: Literal["artifact"] = "artifact"

    def check(self, arguments: JsonObject, upstream: Upstream) -> tuple[Problem, ...]:
        """Check fractions and names of columns and partitions, as far as they are known."""
        columns = _dataset_columns(upstream)
        return (
            *_check_partitions(arguments),
            *_check_strategy_columns(arguments, columns),
            *_check_transforms(arguments, columns),
        )

    def sources(self, arguments: JsonObject) -> tuple[SourceQuery, ...]:  # noqa: ARG002
        """Return nothing: a split is made from a data set."""
        return ()

    def inputs(self, upstream: Upstream) -> Mapping[str, Digest | None]:
        """Return the data set."""
        return {"dataset": digest_of(upstream.get("dataset", ()))}

    def recipe_arguments(self, arguments: JsonObject) -> JsonObject:
        """Return strategy, seed and transforms."""
        return without(arguments, (*UNDECISIVE, "dataset"))

    def task(
        self,
        arguments: JsonObject,
        inputs: Mapping[str, Digest],
        sources: Mapping[str, SourceAnswer],  # noqa: ARG002
        requirements: Requirements,
    ) -> Task:
        """Return the partitioning and fitting."""
        return Task(
            kind="split",
            arguments={
                "seed": arguments.get("seed"),
                "train": arguments.get("train"),
                "strategy": _strategy(arguments),
                "transforms": arguments.get("transform"),
            },
            inputs={"dataset": ArtifactInput(digest=inputs["dataset"])},
            requirements=requirements,
        )

    def attributes(self, made: Made) -> Mapping[str, Json]:
        """Return partitions, features and pipeline."""
        return {name: made.result.get(name) for name in ("partitions", "features", "pipeline")}

    def foreseen(
        self,
        arguments: JsonObject,
        upstream: Upstream,
        sources: Mapping[str, Digest],  # noqa: ARG002 - made from a data set only
    ) -> Mapping[str, Json]:
        """Return the features, where columns are known and no transform makes new ones."""
        features = list(_dataset_columns(upstream))
        for transform in objects(arguments.get("transform")):
            if transform.get("op") == "one_hot":
                return {}
            if transform.get("op") == "drop":
                dropped = strings(transform.get("columns"))
                features = [name for name in features if name not in dropped]
        return {"features": features} if features else {}

    def argument_path(self, argument: str, arguments: JsonObject) -> tuple[str | int, ...]:
        """Return where in the arguments a problem of the task is."""
        chosen = next((name for name in STRATEGIES if arguments.get(name) is not None), "ratio")
        path = renamed(argument_steps(argument), ("transforms",), ("transform",))
        return renamed(path, ("strategy",), (chosen,))

    def judged(self, arguments: JsonObject, attributes: Mapping[str, Json]) -> Mapping[str, Json]:  # noqa: ARG002
        """Return nothing: all attributes come from the task."""
        return {}

    def failures(self, attributes: Mapping[str, Json]) -> tuple[Problem, ...]:  # noqa: ARG002
        """Return nothing: what exists is fine."""
        return ()


def partition_names(arguments: JsonObject) -> tuple[str, ...]:
    """Return the names of the partitions that the arguments of a split declare."""
    for name in STRATEGIES:
        block = arguments.get(name)
        if isinstance(block, Mapping):
            if name == "by_column":
                return tuple(str(item.get("name")) for item in objects(block.get("partition")))
            return tuple(mapping(block.get("partitions")))
    return ()


def _strategy(arguments: JsonObject) -> JsonObject:
    for name in STRATEGIES:
        block = arguments.get(name)
        if not isinstance(block, Mapping):
            continue
        if name != "by_column":
            return {"type": name, **block}
        partitions: dict[str, Json] = {
            str(item.get("name")): without(item, ("name",))
            for item in objects(block.get("partition"))
        }
        return {"type": name, "column": block.get("column"), "partitions": partitions}
    return {}


def _dataset_columns(upstream: Upstream) -> tuple[str, ...]:
    dataset = upstream.get("dataset", ())
    if len(dataset) != 1:
        return ()
    known = strings(dataset[0].get("column_names"))
    return known or strings(dataset[0].get("columns"))


def _check_partitions(arguments: JsonObject) -> tuple[Problem, ...]:
    names = partition_names(arguments)
    problems: list[Problem] = []
    for strategy in ("ratio", "sorted", "hash"):
        block = arguments.get(strategy)
        if isinstance(block, Mapping):
            problems += fractions_problem(
                mapping(block.get("partitions")), (strategy, "partitions")
            )
    train = arguments.get("train")
    if names and isinstance(train, str) and train not in names and arguments.get("transform"):
        detail = (
            f'Transforms are fitted on the partition "{train}", which this split does not make. '
            f"It makes: {', '.join(names)}. Set train to one of them.{did_you_mean(train, names)}"
        )
        problems.append(Problem(summary="Unknown partition", detail=detail, path=("train",)))
    order = strings(mapping(arguments.get("sorted")).get("order"))
    if order and names and sorted(order) != sorted(names):
        detail = f"The order must name each partition once: {', '.join(sorted(names))}."
        problems.append(Problem(summary="Invalid order", detail=detail, path=("sorted", "order")))
    return tuple(problems)


def _check_strategy_columns(arguments: JsonObject, columns: tuple[str, ...]) -> tuple[Problem, ...]:
    problems: list[Problem] = []
    for strategy, names in {
        "ratio": ("stratify", "group"),
        "sorted": ("by",),
        "by_column": ("column",),
        "hash": ("key",),
    }.items():
        block = mapping(arguments.get(strategy))
        for name in names:
            given = block.get(name)
            problems += unknown_names(
                (given,) if isinstance(given, str) else strings(given),
                columns,
                summary="Unknown column",
                what="column",
                path=(strategy, name),
            )
    ratio = mapping(arguments.get("ratio"))
    if ratio.get("stratify") is not None and ratio.get("group") is not None:
        problems.append(
            Problem(
                summary="Conflicting arguments",
                detail="A ratio takes either stratify or group, not both.",
                path=("ratio", "group"),
            )
        )
    return tuple(problems)


def _check_transforms(arguments: JsonObject, columns: tuple[str, ...]) -> tuple[Problem, ...]:
    problems: list[Problem] = []
    known = list(columns)
    opaque = not columns
    for position, transform in enumerate(objects(arguments.get("transform"))):
        given = strings(transform.get("columns"))
        path = ("transform", position, "columns")
        if not opaque:
            problems += unknown_names(
                given, known, summary="Unknown column", what="column", path=path
            )
        if transform.get("op") == "drop":
            known = [name for name in known if name not in given]
        # The names of the columns that one_hot makes depend on the data.
        opaque = opaque or transform.get("op") == "one_hot"
        problems += _check_transform(transform, position)
    return tuple(problems)


def _check_transform(transform: JsonObject, position: int) -> tuple[Problem, ...]:
    if transform.get("op") == "impute":
        constant = transform.get("strategy") == "constant"
        if not constant and transform.get("value") is not None:
            return (
                Problem(
                    summary="Conflicting arguments",
                    detail='A value is only used with strategy = "constant".',
                    path=("transform", position, "value"),
                ),
            )
    if transform.get("op") == "clip":
        bounds = ("min", "max", "lower_quantile", "upper_quantile")
        if all(transform.get(name) is None for name in bounds):
            return (
                Problem(
                    summary="Missing required argument",
                    detail="A clip takes at least one of min, max, lower_quantile and "
                    "upper_quantile.",
                    path=("transform", position),
                ),
            )
    return ()


KIND: Final = SplitKind()
