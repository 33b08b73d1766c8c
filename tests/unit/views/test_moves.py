"""Moved, imported and forgotten objects and conditions, as Terraform shows them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from mlform.addresses import parse_address
from mlform.digests import Json
from mlform.graph.conditions import Status, Verdict
from mlform.plan.changes import Absence, Action, Cause, Change, Mode, Plan, Reason
from mlform.plan.checked import check_records
from mlform.views.checks import checks_document
from mlform.views.documents import plan_document
from mlform.views.human import render_counts, render_generated, render_plan
from mlform.views.machine import MessageStream
from tests.unit.views.plans import BASIS

ATTRIBUTES: dict[str, Json] = {"id": "abc", "input": "x", "output": "x", "triggers_replace": None}


def moved() -> Change:
    return Change(
        address=parse_address('module.n["b"].mlform_data.i[0]'),
        previous_address=parse_address('module.m["a"].mlform_data.i[0]'),
        action=Action.NO_OP,
        before=ATTRIBUTES,
        after=ATTRIBUTES,
    )


def imported() -> Change:
    return Change(
        address=parse_address("mlform_data.a"),
        importing="abc",
        action=Action.NO_OP,
        before=ATTRIBUTES,
        after=ATTRIBUTES,
    )


def imported_and_changed() -> Change:
    return Change(
        address=parse_address("mlform_data.b"),
        importing="abc",
        action=Action.UPDATE,
        before={"id": "abc", "input": None, "output": None, "triggers_replace": None},
        after={"id": "abc", "input": "x", "output": None, "triggers_replace": None},
        after_unknown=(("output",),),
        reasons=(Reason(cause=Cause.CONFIG, message="input changed", path=("input",)),),
    )


def forgotten() -> Change:
    return Change(
        address=parse_address("mlform_data.gone"),
        action=Action.FORGET,
        before=ATTRIBUTES,
        after=None,
        absence=Absence.NO_BLOCK,
        reasons=(
            Reason(cause=Cause.REMOVED, message="mlform_data.gone is not in the configuration"),
        ),
    )


def plan(*changes: Change, checks: tuple[Verdict, ...] = ()) -> Plan:
    return Plan(mode=Mode.NORMAL, changes=changes, basis=BASIS, checks=checks)


def messages(shown: Plan) -> list[dict[str, Json]]:
    lines: list[str] = []
    stream = MessageStream(
        lines.append, now=lambda: datetime(2026, 1, 1, tzinfo=UTC), clock=lambda: 0.0, version="1"
    )
    stream.plan(shown)
    return [json.loads(line) for line in lines]


def test_people_are_told_of_moves_imports_and_what_is_forgotten() -> None:
    shown = plan(forgotten(), moved(), imported(), imported_and_changed())
    assert (
        render_plan(shown)
        == """\
Resource actions are indicated with the following symbols:
  ~ rebuild or update in place
  . forget: no longer managed, not destroyed

mlform will perform the following actions:

  # mlform_data.gone will no longer be managed by mlform, but will not be destroyed
  # (destroy = false is set in the configuration)
  # because mlform_data.gone is not in the configuration
  . resource "mlform_data" "gone" {
        id = "abc"
        # (2 unchanged attributes hidden)
    }

  # module.m["a"].mlform_data.i[0] has moved to module.n["b"].mlform_data.i[0]
    resource "mlform_data" "i" {
        id = "abc"
        # (2 unchanged attributes hidden)
    }

  # mlform_data.a will be imported
    resource "mlform_data" "a" {
        id     = "abc"
        input  = "x"
        output = "x"
    }

  # mlform_data.b will be updated in-place
  # (imported from "abc")
  # because input changed
  ~ resource "mlform_data" "b" {
        id     = "abc"
      + input  = "x"
      + output = (known after apply)
    }

Plan: 2 to import, 0 to add, 1 to change, 0 to destroy.
"""
    )


def test_stream_names_what_was_there_and_what_is_imported() -> None:
    found = messages(plan(forgotten(), moved(), imported(), imported_and_changed()))
    planned = [item["change"] for item in found if item["type"] == "planned_change"]
    assert [item["action"] for item in planned if isinstance(item, dict)] == [
        "remove",
        "move",
        "import",
        "update",
    ]
    gone, move, first, second = planned
    assert isinstance(gone, dict)
    assert gone["reason"] == "delete_because_no_resource_config"
    assert isinstance(move, dict)
    assert move["previous_resource"] == {
        "addr": 'module.m["a"].mlform_data.i[0]',
        "module": 'module.m["a"]',
        "resource": "mlform_data.i[0]",
        "implied_provider": "mlform",
        "resource_type": "mlform_data",
        "resource_name": "i",
        "resource_key": 0,
    }
    for item in (first, second):
        assert isinstance(item, dict)
        assert item["importing"] == {"id": "abc"}
    (summary,) = (item for item in found if item["type"] == "change_summary")
    assert summary["@message"] == "Plan: 2 to import, 0 to add, 1 to change, 0 to destroy."
    assert summary["changes"] == {
        "add": 0,
        "change": 1,
        "import": 2,
        "remove": 0,
        "operation": "plan",
    }


def test_document_has_terraforms_fields_of_moves_and_imports() -> None:
    document = plan_document(
        plan(forgotten(), moved(), imported_and_changed()),
        state=None,
        variables={},
        version="1",
    )
    changes = document["resource_changes"]
    assert isinstance(changes, list)
    update, gone, move = changes
    assert gone["change"]["actions"] == ("forget",)
    assert gone["change"]["after_sensitive"] is False
    assert gone["action_reason"] == "delete_because_no_resource_config"
    assert move["previous_address"] == 'module.m["a"].mlform_data.i[0]'
    assert move["module_address"] == 'module.n["b"]'
    assert move["change"]["actions"] == ("no-op",)
    assert "importing" not in move["change"]
    assert update["change"]["importing"] == {"id": "abc"}
    assert "previous_address" not in update


def test_checks_are_grouped_by_what_has_them() -> None:
    def verdict(kind: str, address: str, block: str, status: Status, *said: str) -> Verdict:
        return Verdict(kind=kind, address=address, block=block, status=status, messages=said)

    block = "module.m.mlform_data.i"
    checks = (
        verdict("var", 'module.m["a"].var.x', "module.m.var.x", Status.PASS),
        verdict("resource", 'module.m["a"].mlform_data.i[0]', block, Status.PASS),
        verdict("resource", 'module.m["a"].mlform_data.i[1]', block, Status.FAIL, "empty"),
        verdict("output_value", 'module.m["a"].output.o', "module.m.output.o", Status.PASS),
        verdict("check", "check.c1", "check.c1", Status.UNKNOWN),
    )
    assert checks_document(check_records(checks)) == [
        {
            "address": {"kind": "check", "name": "c1", "to_display": "check.c1"},
            "status": "unknown",
            "instances": [{"address": {"to_display": "check.c1"}, "status": "unknown"}],
        },
        {
            "address": {
                "kind": "resource",
                "mode": "managed",
                "module": "module.m",
                "name": "i",
                "to_display": "module.m.mlform_data.i",
                "type": "mlform_data",
            },
            "status": "fail",
            "instances": [
                {
                    "address": {
                        "instance_key": 0,
                        "module": 'module.m["a"]',
                        "to_display": 'module.m["a"].mlform_data.i[0]',
                    },
                    "status": "pass",
                },
                {
                    "address": {
                        "instance_key": 1,
                        "module": 'module.m["a"]',
                        "to_display": 'module.m["a"].mlform_data.i[1]',
                    },
                    "status": "fail",
                    "problems": [{"message": "empty"}],
                },
            ],
        },
        {
            "address": {
                "kind": "output_value",
                "module": "module.m",
                "name": "o",
                "to_display": "module.m.output.o",
            },
            "status": "pass",
            "instances": [
                {
                    "address": {
                        "module": 'module.m["a"]',
                        "to_display": 'module.m["a"].output.o',
                    },
                    "status": "pass",
                }
            ],
        },
        {
            "address": {
                "kind": "var",
                "module": "module.m",
                "name": "x",
                "to_display": "module.m.var.x",
            },
            "status": "pass",
            "instances": [
                {
                    "address": {"module": 'module.m["a"]', "to_display": 'module.m["a"].var.x'},
                    "status": "pass",
                }
            ],
        },
    ]
    shown = plan(moved(), checks=checks)
    document = plan_document(shown, state=None, variables={}, version="1")
    assert document["checks"] == checks_document(check_records(checks))


def test_import_that_is_replaced_is_warned_of() -> None:
    change = Change(
        address=parse_address("mlform_data.a"),
        previous_address=parse_address("mlform_data.old"),
        importing="abc",
        action=Action.DELETE_THEN_CREATE,
        before=ATTRIBUTES,
        after={**ATTRIBUTES, "id": None},
        after_unknown=(("id",),),
    )
    shown = render_plan(plan(change))
    assert '  # (imported from "abc")\n' in shown
    assert "  # Warning: this will destroy the imported resource\n" in shown
    assert "  # (moved from mlform_data.old)\n" in shown


def test_sentences_count_imports() -> None:
    assert render_counts((1, 2, 0), mode=Mode.NORMAL, whole=True, imported=3) == (
        "\nApply complete! Resources: 3 imported, 1 added, 2 changed, 0 destroyed.\n"
    )
    assert "written it to generated.mlf.hcl." in render_generated("generated.mlf.hcl")
