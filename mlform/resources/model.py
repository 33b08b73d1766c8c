"""`model`: trained on the training partition of a split, kept with its preprocessing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from mlform.diagnostics import did_you_mean
from mlform.digests import Digest, Json, JsonObject
from mlform.lang.types import DYNAMIC, NUMBER, STRING
from mlform.resources.base import Made, Problem, SourceAnswer, SourceQuery, Upstream
from mlform.resources.common import (
    STRINGS,
    UNDECISIVE,
    argument_steps,
    artifact_attributes,
    digest_of,
    mapping,
    requirements_block,
    retry_block,
    strings,
    unknown_names,
    without,
)
from mlform.resources.split import partition_names
from mlform.schema import Attribute, BlockSchema, NestedBlock, ResourceReference, ResourceSchema
from mlform.tasks import ArtifactInput, FolderInput, Requirements, Task, TaskInput

_TASK: Final = Attribute(
    name="task",
    type=STRING,
    description="What is predicted; by default told from the target.",
    allowed=("binary", "multiclass", "regression"),
)

_XGBOOST: Final = BlockSchema(
    attributes=(
        _TASK,
        Attribute(
            name="objective",
            type=STRING,
            description="XGBoost's objective; by default the usual one of the task.",
        ),
        Attribute(
            name="rounds", type=NUMBER, description="Rounds of boosting at most.", default=100
        ),
        Attribute(
            name="params",
            type=DYNAMIC,
            description="Other parameters of XGBoost, such as `{ max_depth = 4 }`.",
        ),
    ),
    blocks=(
        NestedBlock(
            name="early_stopping",
            description="Stop when the metric of a partition no longer improves.",
            body=BlockSchema(
                attributes=(
                    Attribute(
                        name="partition",
                        type=STRING,
                        required=True,
                        description="Partition to watch.",
                    ),
                    Attribute(
                        name="rounds",
                        type=NUMBER,
                        required=True,
                        description="Rounds without improvement.",
                    ),
                    Attribute(name="metric", type=STRING, description="XGBoost's metric to watch."),
                )
            ),
        ),
    ),
)
_PYTHON: Final = BlockSchema(
    attributes=(
        _TASK,
        Attribute(
            name="code",
            type=STRING,
            required=True,
            description="Folder of the code; relative to the working folder.",
        ),
        Attribute(
            name="module",
            type=STRING,
            required=True,
            description="Module in that folder with `fit`, `predict`, `save` and `load`.",
        ),
        Attribute(name="params", type=DYNAMIC, description="Passed to `fit`."),
    )
)

SCHEMA: Final = ResourceSchema(
    kind="model",
    version=1,
    description="A model trained on a split and stored with its preprocessing.",
    body=BlockSchema(
        attributes=(
            Attribute(
                name="split",
                type=ResourceReference(kinds=("split",)),
                required=True,
                description="The split it is trained on.",
            ),
            Attribute(name="target", type=STRING, required=True, description="Column to predict."),
            Attribute(
                name="features",
                type=STRINGS,
                description="Columns to learn from; by default all but target and weight.",
            ),
            Attribute(name="weight", type=STRING, description="Column with the weight of rows."),
            Attribute(
                name="train", type=STRING, description="Partition to learn from.", default="train"
            ),
            Attribute(name="seed", type=NUMBER, description="Seed of training.", default=0),
            *artifact_attributes(),
            Attribute(
                name="split_digest",
                type=STRING,
                description="Digest of the split it was trained on.",
                computed=True,
            ),
            Attribute(
                name="task",
                type=STRING,
                description="`binary`, `multiclass` or `regression`.",
                computed=True,
            ),
            Attribute(
                name="classes", type=DYNAMIC, description="The classes, in order.", computed=True
            ),
            Attribute(
                name="signature",
                type=DYNAMIC,
                description="Inputs and outputs of the served model.",
                computed=True,
            ),
            Attribute(
                name="training",
                type=DYNAMIC,
                description="Rounds, best iteration and best score.",
                computed=True,
            ),
            Attribute(
                name="importance",
                type=DYNAMIC,
                description="Gain by feature, where the algorithm tells.",
                computed=True,
            ),
            Attribute(
                name="code_digest",
                type=STRING,
                description="Digest of the training code, or null.",
                computed=True,
            ),
        ),
        blocks=(
            NestedBlock(
                name="algorithm",
                description="How it is trained.",
                label="type",
                required=True,
                variants={"xgboost": _XGBOOST, "python": _PYTHON},
            ),
            requirements_block(),
            retry_block(),
        ),
    ),
)


class ModelKind:
    """The kind `model`."""

    schema = SCHEMA
    sort: Literal["artifact"] = "artifact"

    def check(self, arguments: JsonObject, upstream: Upstream) -> tuple[Problem, ...]:
        """Check names of columns and partitions, as far as they are known, and rounds."""
        columns, partitions = _split_names(upstream)
        target = arguments.get("target")
        weight = arguments.get("weight")
        features = strings(arguments.get("features"))
        problems: list[Problem] = []
        for given, name in (((target,), "target"), ((weight,), "weight"), (features, "features")):
            problems += unknown_names(
                [item for item in given if isinstance(item, str)],
                columns,
                summary="Unknown column",
                what="column",
                path=(name,),
            )
        if isinstance(target, str) and target in features:
            problems.append(
                Problem(
                    summary="Target among the features",
                    detail=f'"{target}" is what the model predicts, it cannot learn from it: '
                    "remove it from features.",
                    path=("features", features.index(target)),
                )
            )
        problems += _check_partitions(arguments, partitions)
        return (*problems, *_check_rounds(arguments))

    def sources(self, arguments: JsonObject) -> tuple[SourceQuery, ...]:
        """Return the folder of training code, where there is one."""
        code = mapping(arguments.get("algorithm")).get("code")
        if not isinstance(code, str):
            return ()
        return (SourceQuery(name="code", form="tree", path=code, argument=("algorithm", "code")),)

    def inputs(self, upstream: Upstream) -> Mapping[str, Digest | None]:
        """Return the split."""
        return {"split": digest_of(upstream.get("split", ()))}

    def recipe_arguments(self, arguments: JsonObject) -> JsonObject:
        """Return all but requirements and the place of the code."""
        decisive = without(arguments, (*UNDECISIVE, "split"))
        decisive["algorithm"] = without(mapping(arguments.get("algorithm")), ("code",))
        return decisive

    def task(
        self,
        arguments: JsonObject,
        inputs: Mapping[str, Digest],
        sources: Mapping[str, SourceAnswer],
        requirements: Requirements,
    ) -> Task:
        """Return the training."""
        folders: dict[str, TaskInput] = {"split": ArtifactInput(digest=inputs["split"])}
        if "code" in sources:
            folders["code"] = FolderInput(path=sources["code"].folder)
        return Task(
            kind="model",
            arguments=self.recipe_arguments(arguments),
            inputs=folders,
            requirements=requirements,
        )

    def attributes(self, made: Made) -> Mapping[str, Json]:
        """Return what training found out, and the split and code it belongs to."""
        names = ("task", "classes", "signature", "training", "importance")
        return {
            "split_digest": made.inputs["split"],
            "code_digest": made.sources.get("code"),
            **{name: made.result.get(name) for name in names},
        }

    def foreseen(
        self, arguments: JsonObject, upstream: Upstream, sources: Mapping[str, Digest]
    ) -> Mapping[str, Json]:
        """Return the digests of split and code, also that there is no code."""
        found: dict[str, Json] = {}
        split = digest_of(upstream.get("split", ()))
        if split is not None:
            found["split_digest"] = split
        if "code" in sources or not self.sources(arguments):
            found["code_digest"] = sources.get("code")
        return found

    def argument_path(self, argument: str, arguments: JsonObject) -> tuple[str | int, ...]:  # noqa: ARG002
        """Return where in the arguments a problem of the task is."""
        return argument_steps(argument)

    def judged(self, arguments: JsonObject, attributes: Mapping[str, Json]) -> Mapping[str, Json]:  # noqa: ARG002
        """Return nothing: all attributes come from the task."""
        return {}

    def failures(self, attributes: Mapping[str, Json]) -> tuple[Problem, ...]:  # noqa: ARG002
        """Return nothing: what exists is fine."""
        return ()


def _split_names(upstream: Upstream) -> tuple[tuple[str, ...], tuple[str, ...]]:
    split = upstream.get("split", ())
    if len(split) != 1:
        return (), ()
    return strings(split[0].get("features")), partition_names(split[0])


def _check_partitions(arguments: JsonObject, partitions: tuple[str, ...]) -> tuple[Problem, ...]:
    stopping = mapping(mapping(arguments.get("algorithm")).get("early_stopping"))
    problems: list[Problem] = []
    for given, path in (
        (arguments.get("train"), ("train",)),
        (stopping.get("partition"), ("algorithm", "early_stopping", "partition")),
    ):
        if isinstance(given, str) and partitions and given not in partitions:
            detail = (
                f'The split has no partition "{given}". It has: {", ".join(partitions)}.'
                + did_you_mean(given, partitions)
            )
            problems.append(Problem(summary="Unknown partition", detail=detail, path=path))
    return tuple(problems)


def _check_rounds(arguments: JsonObject) -> tuple[Problem, ...]:
    rounds = mapping(arguments.get("algorithm")).get("rounds")
    if isinstance(rounds, int | float) and (rounds < 1 or rounds != int(rounds)):
        detail = f"The number of rounds is {rounds:g}, it must be a whole number of at least 1."
        return (
            Problem(
                summary="Invalid number of rounds", detail=detail, path=("algorithm", "rounds")
            ),
        )
    return ()


KIND: Final = ModelKind()
