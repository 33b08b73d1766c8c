"""`evaluation`: a model scored on a partition, with gates that hold back what requires it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from mlform.diagnostics import did_you_mean
from mlform.digests import Digest, Json, JsonObject
from mlform.lang.types import BOOL, DYNAMIC, NUMBER, STRING
from mlform.resources.base import Made, Problem, SourceAnswer, SourceQuery, Upstream
from mlform.resources.common import (
    STRINGS,
    UNDECISIVE,
    argument_steps,
    artifact_attributes,
    digest_of,
    mapping,
    objects,
    renamed,
    requirements_block,
    retry_block,
    strings,
    without,
)
from mlform.schema import (
    Attribute,
    BlockSchema,
    Effect,
    NestedBlock,
    ResourceReference,
    ResourceSchema,
)
from mlform.tasks import ArtifactInput, FolderInput, Requirements, Task, TaskInput

LOWER_IS_BETTER: Final = frozenset(
    {"log_loss", "brier", "rmse", "mae", "mape", "median_absolute_error", "max_error"}
)
"""Metrics of which a smaller figure is the better one; of all others, own ones too, a larger."""

_GATE: Final = BlockSchema(
    attributes=(
        Attribute(name="metric", type=STRING, required=True, description="Metric that is judged."),
        Attribute(name="min", type=NUMBER, description="Smallest figure that passes."),
        Attribute(name="max", type=NUMBER, description="Largest figure that passes."),
        Attribute(
            name="better_than",
            type=NUMBER,
            description="Figure to beat, such as `evaluation.other.metrics.rmse`.",
        ),
    )
)

SCHEMA: Final = ResourceSchema(
    kind="evaluation",
    version=1,
    description="A model scored on rows it has not learnt from.",
    exposed={"metrics": "values"},
    body=BlockSchema(
        attributes=(
            Attribute(
                name="model",
                type=ResourceReference(kinds=("model",)),
                required=True,
                description="The model.",
            ),
            Attribute(
                name="partition",
                type=STRING,
                required=True,
                description="Partition of the model's split that is scored.",
            ),
            Attribute(
                name="metrics",
                type=STRINGS,
                description="Metrics to take.",
                default=[],
            ),
            Attribute(
                name="code",
                type=STRING,
                description="Folder with own metric code; relative to the working folder.",
            ),
            *artifact_attributes(),
            Attribute(
                name="values",
                type=DYNAMIC,
                description="Figures by name of metric.",
                computed=True,
            ),
            Attribute(name="rows", type=NUMBER, description="Rows scored.", computed=True),
            Attribute(
                name="passed", type=BOOL, description="Whether all gates passed.", computed=True
            ),
            Attribute(
                name="gates",
                type=DYNAMIC,
                description="Outcome of each gate, in order.",
                computed=True,
            ),
        ),
        blocks=(
            NestedBlock(
                name="metric",
                description="A metric of one's own.",
                label="name",
                repeated=True,
                body=BlockSchema(
                    attributes=(
                        Attribute(
                            name="module",
                            type=STRING,
                            required=True,
                            description="Module in the code folder.",
                        ),
                        Attribute(
                            name="function",
                            type=STRING,
                            required=True,
                            description="Function of the predictions that returns a number.",
                        ),
                    )
                ),
            ),
            NestedBlock(
                name="gate",
                description="A condition for whatever requires this evaluation.",
                repeated=True,
                effect=Effect.UPDATE,
                body=_GATE,
            ),
            requirements_block(),
            retry_block(),
        ),
    ),
)


class EvaluationKind:
    """The kind `evaluation`."""

    schema = SCHEMA
    sort: Literal["artifact"] = "artifact"

    def check(self, arguments: JsonObject, upstream: Upstream) -> tuple[Problem, ...]:  # noqa: ARG002 - partitions are the split's
        """Check metrics and gates."""
        own = objects(arguments.get("metric"))
        names = (*strings(arguments.get("metrics")), *(str(item.get("name")) for item in own))
        problems: list[Problem] = []
        if not names and arguments.get("metrics") is not None:
            problems.append(
                Problem(
                    summary="Missing metrics",
                    detail='Name at least one metric, such as metrics = ["accuracy"].',
                    path=("metrics",),
                )
            )
        if own and arguments.get("code") is None:
            problems.append(
                Problem(
                    summary="Missing required argument",
                    detail="A metric of one's own needs code, the folder of its module.",
                    path=("metric", 0),
                )
            )
        for position, gate in enumerate(objects(arguments.get("gate"))):
            problems += _check_gate(gate, names, position)
        return tuple(problems)

    def sources(self, arguments: JsonObject) -> tuple[SourceQuery, ...]:
        """Return the folder of own metric code, where there is one."""
        code = arguments.get("code")
        if not isinstance(code, str):
            return ()
        return (SourceQuery(name="code", form="tree", path=code, argument=("code",)),)

    def inputs(self, upstream: Upstream) -> Mapping[str, Digest | None]:
        """Return the model and the split it was trained on."""
        model = upstream.get("model", ())
        return {"model": digest_of(model), "split": digest_of(model, "split_digest")}

    def recipe_arguments(self, arguments: JsonObject) -> JsonObject:
        """Return partition and metrics; gates are judged on their figures without a new run."""
        return without(arguments, (*UNDECISIVE, "model", "gate", "code"))

    def task(
        self,
        arguments: JsonObject,
        inputs: Mapping[str, Digest],
        sources: Mapping[str, SourceAnswer],
        requirements: Requirements,
    ) -> Task:
        """Return the scoring."""
        folders: dict[str, TaskInput] = {
            name: ArtifactInput(digest=digest) for name, digest in inputs.items()
        }
        if "code" in sources:
            folders["code"] = FolderInput(path=sources["code"].folder)
        return Task(
            kind="evaluation",
            arguments={
                "partition": arguments.get("partition"),
                "metrics": arguments.get("metrics"),
                "custom_metrics": arguments.get("metric"),
            },
            inputs=folders,
            requirements=requirements,
        )

    def attributes(self, made: Made) -> Mapping[str, Json]:
        """Return the figures and the outcome of the gates."""
        found = {"values": made.result.get("metrics"), "rows": made.result.get("rows")}
        return {**found, **self.judged(made.arguments, found)}

    def foreseen(
        self,
        arguments: JsonObject,  # noqa: ARG002
        upstream: Upstream,  # noqa: ARG002
        sources: Mapping[str, Digest],  # noqa: ARG002
    ) -> Mapping[str, Json]:
        """Return nothing: all attributes come from the task."""
        return {}

    def argument_path(self, argument: str, arguments: JsonObject) -> tuple[str | int, ...]:  # noqa: ARG002
        """Return where in the arguments a problem of the task is."""
        return renamed(argument_steps(argument), ("custom_metrics",), ("metric",))

    def judged(self, arguments: JsonObject, attributes: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the outcome of the gates on figures that are known."""
        values = mapping(attributes.get("values"))
        gates = [judge(gate, values) for gate in objects(arguments.get("gate"))]
        return {"gates": gates, "passed": all(gate["passed"] for gate in gates)}

    def failures(self, attributes: Mapping[str, Json]) -> tuple[Problem, ...]:
        """Return the gates that did not pass."""
        return tuple(
            Problem(summary="Gate not passed", detail=str(gate.get("message")), path=("gate", at))
            for at, gate in enumerate(objects(attributes.get("gates")))
            if not gate.get("passed")
        )


def judge(gate: JsonObject, values: Mapping[str, Json]) -> dict[str, Json]:
    """Return the outcome of one gate: its metric, the figure, whether it passed, and why not."""
    metric = str(gate.get("metric"))
    figure = values.get(metric)
    failures: list[str] = []
    if not isinstance(figure, int | float):
        failures.append(f"{metric} was not measured")
    else:
        smallest, largest, rival = (gate.get(name) for name in ("min", "max", "better_than"))
        if isinstance(smallest, int | float) and figure < smallest:
            failures.append(f"{metric} is {figure:.6g}, the gate asks for at least {smallest:.6g}")
        if isinstance(largest, int | float) and figure > largest:
            failures.append(f"{metric} is {figure:.6g}, the gate asks for at most {largest:.6g}")
        if isinstance(rival, int | float):
            better = figure < rival if metric in LOWER_IS_BETTER else figure > rival
            if not better:
                failures.append(f"{metric} is {figure:.6g}, which is not better than {rival:.6g}")
    return {
        "metric": metric,
        "value": figure,
        "passed": not failures,
        "message": "; ".join(failures),
    }


def _check_gate(gate: JsonObject, names: tuple[str, ...], position: int) -> tuple[Problem, ...]:
    metric = gate.get("metric")
    problems: list[Problem] = []
    if isinstance(metric, str) and names and metric not in names:
        detail = (
            f'The evaluation does not take the metric "{metric}". It takes: {", ".join(names)}.'
            + did_you_mean(metric, names)
        )
        problems.append(
            Problem(summary="Unknown metric", detail=detail, path=("gate", position, "metric"))
        )
    return tuple(problems)


KIND: Final = EvaluationKind()
