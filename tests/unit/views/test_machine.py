"""JSON for programs: the message stream, plans, states and outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from mlform.apply.events import StepFailed, StepFinished, StepProgress, StepStarted
from mlform.diagnostics import Diagnostic, Severity
from mlform.digests import Json
from mlform.lang.types import DYNAMIC
from mlform.plan.changes import Mode
from mlform.plan.reality import Look
from mlform.plan.steps import Operation
from mlform.schema import Attribute, BlockSchema
from mlform.state.snapshot import OutputRecord, Provenance, ResourceRecord, State
from mlform.tasks import TaskEvent
from mlform.views.documents import outputs_document, plan_document, state_document
from mlform.views.machine import MessageStream, message_totals
from mlform.views.places import places
from tests.unit.views import plans

MADE = Provenance(applied_at="2026-01-02T03:04:05Z", applied_by="a@b", mlform_version="0.1.0")


class Recorder:
    """A stream whose messages are kept."""

    def __init__(self) -> None:
        self.time = 0.0
        self.lines: list[str] = []
        self.stream = MessageStream(
            self.lines.append,
            now=lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            clock=lambda: self.time,
            version="0.1.0",
        )

    @property
    def messages(self) -> list[dict[str, object]]:
        assert all(line.endswith("\n") and line.count("\n") == 1 for line in self.lines)
        return [json.loads(line) for line in self.lines]

    def only(self, type_: str) -> list[dict[str, object]]:
        return [message for message in self.messages if message["type"] == type_]


def member(document: object, *keys: str | int) -> object:
    """Return what lies at a path in JSON."""
    for key in keys:
        if isinstance(key, int):
            assert isinstance(document, list)
            document = document[key]
        else:
            assert isinstance(document, Mapping), key
            document = document[key]
    return document


def test_the_first_message_is_the_version() -> None:
    assert Recorder().messages == [
        {
            "@level": "info",
            "@message": "mlform 0.1.0",
            "@module": "mlform.ui",
            "@timestamp": "2026-01-02T03:04:05.000000Z",
            "type": "version",
            "terraform": "1.11.0",
            "mlform": "0.1.0",
            "ui": "1.2",
        }
    ]


def test_messages_of_a_plan() -> None:
    recorder = Recorder()
    recorder.stream.plan(plans.whole())
    told = {
        member(message, "change", "resource", "addr"): member(message, "change", "action")
        for message in recorder.only("planned_change")
    }
    assert told == {
        "dataset.titanic": "create",
        "split.titanic": "update",
        "model.survival": "update",
        "evaluation.survival": "update",
        "endpoint.survival": "replace",
        'model.old["a b"]': "delete",
    }
    assert [m["type"] for m in recorder.messages][-2:] == ["change_summary", "outputs"]
    assert member(recorder.only("change_summary")[0], "changes") == {
        "add": 2,
        "change": 3,
        "import": 0,
        "remove": 2,
        "operation": "plan",
    }
    assert recorder.only("change_summary")[0]["@message"] == (
        "Plan: 2 to add, 3 to change, 2 to destroy."
    )
    assert len(recorder.only("resource_drift")) == 1
    assert "secret" not in "".join(recorder.lines)


def test_messages_of_a_look() -> None:
    recorder = Recorder()
    address = plans.address("model.survival[0]")
    recorder.stream.looked(Look(address=address, id="abc", over=False))
    recorder.stream.looked(Look(address=address, id="", over=True))
    assert [(item["type"], item["@message"]) for item in recorder.messages[1:]] == [
        ("refresh_start", "model.survival[0]: Refreshing state... [id=abc]"),
        ("refresh_complete", "model.survival[0]: Refresh complete"),
    ]
    assert member(recorder.messages[1], "hook", "id_value") == "abc"
    assert member(recorder.messages[2], "hook") == {
        "resource": member(recorder.messages[1], "hook", "resource")
    }


def test_messages_of_a_step() -> None:
    recorder = Recorder()
    address = plans.address('module.m["x"].model.survival[0]')
    recorder.stream.handle(StepStarted(address=address, operation=Operation.REBUILD))
    recorder.time = 12.0
    recorder.stream.tick()
    recorder.stream.handle(StepProgress(address=address, progress=TaskEvent(message="boosting")))
    recorder.stream.handle(
        StepFinished(address=address, operation=Operation.REBUILD, seconds=13.0, id="abc")
    )
    assert [message["type"] for message in recorder.messages[1:]] == [
        "apply_start",
        "apply_progress",
        "apply_progress",
        "apply_complete",
    ]
    assert member(recorder.messages[1], "hook", "resource") == {
        "addr": 'module.m["x"].model.survival[0]',
        "module": 'module.m["x"]',
        "resource": "model.survival[0]",
        "implied_provider": "mlform",
        "resource_type": "model",
        "resource_name": "survival",
        "resource_key": 0,
    }
    assert member(recorder.messages[2], "hook", "elapsed_seconds") == 12.0
    assert member(recorder.messages[4], "hook", "id_value") == "abc"


def test_messages_of_failures() -> None:
    recorder = Recorder()
    recorder.stream.handle(
        StepFailed(
            address=plans.address("model.a"),
            operation=Operation.CREATE,
            summary="Unknown column",
            detail="",
        )
    )
    recorder.stream.diagnostics(
        [
            Diagnostic(summary="Bad", detail="d"),
            Diagnostic(severity=Severity.WARNING, summary="Odd"),
        ]
    )
    assert [(m["type"], m["@level"], m["@message"]) for m in recorder.messages[1:]] == [
        ("apply_errored", "error", "model.a: Failed after 0s: Unknown column"),
        ("diagnostic", "error", "Error: Bad"),
        ("diagnostic", "warn", "Warning: Odd"),
    ]


def test_totals_and_outputs_after_an_apply() -> None:
    recorder = Recorder()
    recorder.stream.summary(message_totals((1, 2, 3), Mode.NORMAL))
    recorder.stream.summary(message_totals((0, 0, 3), Mode.DESTROY))
    secret = OutputRecord(value="secret", type="string", sensitive=True)
    recorder.stream.outputs({"a": OutputRecord(value=1, type="number"), "b": secret})
    assert recorder.messages[1]["@message"] == (
        "Apply complete! Resources: 1 added, 2 changed, 3 destroyed."
    )
    assert recorder.messages[2]["@message"] == "Destroy complete! Resources: 3 destroyed."
    assert recorder.messages[3]["outputs"] == {
        "a": {"sensitive": False, "type": "number", "value": 1},
        "b": {"sensitive": True, "type": "string"},
    }


def test_places_become_nested_truths() -> None:
    assert places([]) == {}
    assert places([()]) is True
    assert places([("a",), ("b", "c"), ("l", 2, "x")]) == {
        "a": True,
        "b": {"c": True},
        "l": [False, False, {"x": True}],
    }


def test_a_plan_has_terraforms_fields() -> None:
    document = json.loads(
        json.dumps(
            plan_document(plans.whole(), state=None, variables={"depth": 6}, version="0.1.0")
        )
    )
    assert document["format_version"] == "1.2"
    assert document["variables"] == {"depth": {"value": 6}}
    changes = {item["address"]: item for item in document["resource_changes"]}
    model = changes["model.survival"]
    assert model["mode"] == "managed"
    assert (model["type"], model["name"], model["provider_name"]) == (
        "model",
        "survival",
        "mlform.io/builtin/mlform",
    )
    assert model["change"]["actions"] == ["update"]
    assert model["change"]["after_unknown"] == {"algorithm": {"params": {}}, "digest": True}
    assert model["reasons"] == [
        {
            "cause": "config",
            "message": "max_depth changed from 4 to 6",
            "path": ["algorithm", "params", "max_depth"],
        }
    ]
    endpoint = changes["endpoint.survival"]
    assert endpoint["change"]["actions"] == ["create", "delete"]
    assert endpoint["change"]["replace_paths"] == [["port"]]
    assert endpoint["change"]["after_sensitive"] == {"token": True}
    assert endpoint["action_reason"] == "replace_because_cannot_update"
    old = changes['model.old["a b"]']
    assert old["index"] == "a b"
    assert old["action_reason"] == "delete_because_no_resource_config"
    assert old["change"]["after"] is None
    assert changes["dataset.kept"]["change"]["actions"] == ["no-op"]
    assert document["output_changes"]["auc"]["after_unknown"] is True
    planned = document["planned_values"]["root_module"]["resources"]
    assert 'model.old["a b"]' not in [item["address"] for item in planned]
    titanic = next(item for item in planned if item["address"] == "dataset.titanic")
    assert "digest" not in titanic["values"]
    assert document["resource_drift"][0]["problems"] == [
        "container 4f2a51c0de77 was entered at 10:02"
    ]


def test_a_state_is_a_tree_of_modules_with_plain_values() -> None:
    wrapped: Json = {"type": "string", "value": "x"}
    record = ResourceRecord(
        address=plans.address("mlform_data.a"),
        attributes={"id": "1", "input": wrapped},
        dependencies=("mlform_data.b",),
        provenance=MADE,
    )
    inner = replace(record, address=plans.address("module.m.module.n.mlform_data.b[1]"))
    old = replace(record, address=plans.address("mlform_data.c"))
    state = State(
        lineage="l",
        serial=3,
        objects={
            (record.address, ""): record,
            (inner.address, ""): inner,
            (old.address, "ab12"): old,
        },
        outputs={"o": OutputRecord(value=1, type="number")},
    )
    schema = BlockSchema(attributes=(Attribute(name="input", type=DYNAMIC, description=""),))
    document = cast(
        "dict[str, object]",
        json.loads(
            json.dumps(state_document(state, version="0.1.0", schemas={"mlform_data": schema}))
        ),
    )
    root = member(document, "values", "root_module")
    assert member(root, "resources", 0, "values") == {"id": "1", "input": "x"}
    assert member(root, "resources", 1, "deposed_key") == "ab12"
    assert member(root, "child_modules", 0, "address") == "module.m"
    deepest = member(root, "child_modules", 0, "child_modules", 0)
    assert member(deepest, "resources", 0, "address") == "module.m.module.n.mlform_data.b[1]"
    assert member(deepest, "resources", 0, "index") == 1
    assert member(document, "values", "outputs") == outputs_document(state.outputs)
    assert state_document(None, version="0.1.0") == {
        "format_version": "1.0",
        "terraform_version": "1.11.0",
        "mlform_version": "0.1.0",
    }
