"""Plans as the tests of views need them: a whole pipeline, made by hand."""

from __future__ import annotations

from dataclasses import replace

from mlform.addresses import ResourceAddress, parse_address
from mlform.digests import Digest, Json
from mlform.plan.changes import (
    Absence,
    Action,
    Basis,
    Cause,
    Change,
    Drift,
    Mode,
    OutputChange,
    Plan,
    Reason,
)
from mlform.state.snapshot import Provenance, ResourceRecord

OLD = "sha256:" + "1a2b3c4d5e6f" + "0" * 52
NEW = "sha256:" + "9f8e7d6c5b4a" + "0" * 52
BASIS = Basis(
    lineage="11111111-2222-3333-4444-555555555555",
    serial=7,
    config_digest=Digest(NEW),
    lock_digest=Digest(OLD),
)
MODEL_ARGUMENTS: dict[str, Json] = {
    "split": "split.titanic",
    "target": "survived",
    "algorithm": {
        "type": "xgboost",
        "objective": "binary:logistic",
        "rounds": 200,
        "params": {"learning_rate": 0.1, "max_depth": 4},
    },
}


def drift(name: str, problem: str) -> Drift:
    """Return what somebody did to a served object."""
    before = ResourceRecord(
        address=parse_address(name),
        attributes={"status": "serving"},
        provenance=Provenance(applied_at="", applied_by="", mlform_version=""),
    )
    after = replace(before, tainted=True, attributes={"status": "changed"})
    return Drift(address=before.address, problems=(problem,), before=before, after=after)


def address(text: str) -> ResourceAddress:
    """Return an address as written."""
    return parse_address(text)


def model_after(depth: int) -> dict[str, Json]:
    """Return the arguments of the model with another depth."""
    algorithm = MODEL_ARGUMENTS["algorithm"]
    assert isinstance(algorithm, dict)
    params = {"learning_rate": 0.1, "max_depth": depth}
    return {**MODEL_ARGUMENTS, "algorithm": {**algorithm, "params": params}, "digest": None}


def rebuild() -> Change:
    """Return the change that a new `max_depth` makes."""
    return Change(
        address=address("model.survival"),
        action=Action.REBUILD,
        before={**MODEL_ARGUMENTS, "digest": OLD},
        after=model_after(6),
        after_unknown=(("digest",),),
        reasons=(
            Reason(
                cause=Cause.CONFIG,
                message="max_depth changed from 4 to 6",
                path=("algorithm", "params", "max_depth"),
            ),
        ),
        expected_seconds=12.4,
        runtime="docker.default",
    )


def conditional() -> Change:
    """Return the evaluation that follows from the model."""
    return Change(
        address=address("evaluation.survival"),
        action=Action.REBUILD,
        before={"model": "model.survival", "metrics": {"roc_auc": 0.871}, "passed": True},
        after={"model": "model.survival", "metrics": None, "passed": None},
        after_unknown=(("metrics",), ("passed",)),
        reasons=(
            Reason(
                cause=Cause.UPSTREAM,
                message="model.survival may come out new",
                upstream="model.survival",
            ),
        ),
        conditional=True,
        expected_seconds=0.8,
        runtime="docker.default",
    )


def replacement() -> Change:
    """Return the endpoint that is replaced, new one first."""
    return Change(
        address=address("endpoint.survival"),
        action=Action.CREATE_THEN_DELETE,
        before={
            "model": "model.survival",
            "port": 8080,
            "token": "secret-1",
            "url": "http://127.0.0.1:8080",
        },
        after={"model": "model.survival", "port": 8081, "token": "secret-2", "url": None},
        after_unknown=(("url",),),
        before_sensitive=(("token",),),
        after_sensitive=(("token",),),
        replace_paths=(("port",),),
        reasons=(
            Reason(cause=Cause.CONFIG, message="port changed from 8080 to 8081", path=("port",)),
        ),
        runtime="docker.default",
    )


def creation() -> Change:
    """Return a data set that is new."""
    return Change(
        address=address("dataset.titanic"),
        action=Action.CREATE,
        before=None,
        after={
            "source": {"type": "file", "path": "titanic.csv"},
            "columns": ["survived", "pclass", "sex", "age"],
            "where": "fare < 300",
            "sample": None,
            "rows": None,
            "digest": None,
        },
        after_unknown=(("digest",), ("rows",)),
        reasons=(Reason(cause=Cause.NEW, message="not in the state"),),
        runtime="docker.default",
    )


def reuse() -> Change:
    """Return a split whose result is stored already."""
    return Change(
        address=address("split.titanic"),
        action=Action.REUSE,
        before={"seed": 7, "columns": ["age", "fare"], "digest": OLD},
        after={"seed": 8, "columns": ["age", "sex", "fare"], "digest": NEW},
        reasons=(Reason(cause=Cause.CONFIG, message="seed changed from 7 to 8", path=("seed",)),),
        reused=True,
        runtime="docker.default",
    )


def removal() -> Change:
    """Return a model that is destroyed."""
    return Change(
        address=address('model.old["a b"]'),
        action=Action.DELETE,
        before={"target": "survived", "digest": OLD},
        after=None,
        absence=Absence.NO_BLOCK,
        reasons=(Reason(cause=Cause.REMOVED, message="it is no longer in the configuration"),),
    )


def kept() -> Change:
    """Return a change that changes nothing."""
    return Change(
        address=address("dataset.kept"),
        action=Action.NO_OP,
        before={"digest": OLD},
        after={"digest": OLD},
    )


def plan(
    *changes: Change, outputs: tuple[OutputChange, ...] = (), drifted: tuple[Drift, ...] = ()
) -> Plan:
    """Return a plan of these changes."""
    return Plan(
        mode=Mode.NORMAL,
        changes=changes,
        outputs={item.name: item for item in outputs},
        drift=drifted,
        basis=BASIS,
        environments={
            "docker.default": "docker (mlform-runtime:0.1, sha256:1a2b3c4d5e6f)",
            "process.small": "process (Python 3.11.7)",
        },
        expected_seconds=13.2 if changes else None,
        critical_path=("model.survival", "evaluation.survival") if changes else (),
    )


def whole() -> Plan:
    """Return a plan with a bit of everything."""
    return plan(
        creation(),
        reuse(),
        rebuild(),
        conditional(),
        replacement(),
        removal(),
        kept(),
        outputs=(
            OutputChange(
                name="auc", action=Action.UPDATE, before=0.871, after=None, after_unknown=((),)
            ),
            OutputChange(name="url", action=Action.CREATE, before=None, after="http://x"),
            OutputChange(
                name="token",
                action=Action.UPDATE,
                before="secret-3",
                after="secret-4",
                sensitive=True,
            ),
        ),
        drifted=(drift("endpoint.survival", "container 4f2a51c0de77 was entered at 10:02"),),
    )
