"""Plans, outcomes and states as text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mlform.plan.changes import Action, Mode, OutputChange
from mlform.schema import BlockSchema, NestedBlock
from mlform.state.snapshot import OutputRecord, Provenance, ResourceRecord, State
from mlform.views.human import (
    render_counts,
    render_outputs,
    render_plan,
    render_saved,
    render_state,
)
from tests.unit.views import plans

SCHEMAS = {
    "model": BlockSchema(blocks=(NestedBlock(name="algorithm", description="", label="type"),)),
}
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def test_a_rebuild_as_a_whole() -> None:
    text = render_plan(plans.plan(plans.rebuild(), plans.conditional()), schemas=SCHEMAS)
    assert text == (
        "Tasks run on these runtimes:\n"
        "  runtime.docker.default: docker (mlform-runtime:0.1, sha256:1a2b3c4d5e6f)\n"
        "  runtime.process.small: process (Python 3.11.7)\n"
        "\n"
        "Resource actions are indicated with the following symbols:\n"
        "  ~ rebuild or update in place\n"
        "\n"
        "mlform will perform the following actions:\n"
        "\n"
        "  # model.survival will be rebuilt\n"
        "  # because max_depth changed from 4 to 6\n"
        "  # runs on runtime.docker.default, about 12s, as last time\n"
        '  ~ resource "model" "survival" {\n'
        '      ~ digest = "sha256:1a2b3c4d5e6f…" -> (known after apply)\n'
        "        # (2 unchanged attributes hidden)\n"
        "\n"
        '      ~ algorithm "xgboost" {\n'
        "          ~ params = {\n"
        "              ~ max_depth = 4 -> 6\n"
        "                # (1 unchanged element hidden)\n"
        "            }\n"
        "            # (2 unchanged attributes hidden)\n"
        "        }\n"
        "    }\n"
        "\n"
        "  # evaluation.survival will be rebuilt if model.survival changes\n"
        "  # runs on runtime.docker.default, about 0.8s, as last time\n"
        '  ~ resource "evaluation" "survival" {\n'
        "      ~ metrics = { roc_auc = 0.871 } -> (known after apply)\n"
        "      ~ passed  = true -> (known after apply)\n"
        "        # (1 unchanged attribute hidden)\n"
        "    }\n"
        "\n"
        "Plan: 0 to add, 2 to change, 0 to destroy.\n"
        "\n"
        "Expected: about 13s: model.survival, then evaluation.survival.\n"
    )


def test_one_runtime_is_named_once() -> None:
    plan = replace(
        plans.plan(plans.rebuild()), environments={"process.default": "process (Python 3.11.7)"}
    )
    text = render_plan(plan)
    assert text.startswith("Tasks run on runtime.process.default: process (Python 3.11.7)\n")
    assert "# takes about 12s, as last time\n" in text
    assert text.count("runtime.") == 1


def test_no_changes_come_first_even_where_something_drifted() -> None:
    drift = plans.drift("endpoint.kept", "the file changed")
    text = render_plan(plans.plan(plans.kept(), drifted=(drift,)))
    assert text.startswith("No changes. Your models match the configuration.\n")
    assert "~ the file changed" in text


def test_nothing_to_destroy() -> None:
    text = render_plan(replace(plans.plan(), mode=Mode.DESTROY))
    assert text.startswith("No changes. No objects need to be destroyed.\n")


def test_only_outputs_change() -> None:
    output = OutputChange(name="a", action=Action.CREATE, before=None, after=[1, "x"])
    text = render_plan(plans.plan(plans.kept(), outputs=(output,)))
    assert "Plan:" not in text
    assert 'Changes to Outputs:\n  + a = [1, "x"]\n' in text
    assert "nothing runs" in text


def test_secrets_show_nowhere() -> None:
    text = render_plan(plans.whole())
    assert "(sensitive value)" in text
    assert "secret" not in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_colour_and_width_change_no_words(width: int) -> None:
    plain = render_plan(plans.whole(), schemas=SCHEMAS)
    shown = render_plan(plans.whole(), schemas=SCHEMAS, color=True, width=width)
    assert "\x1b[" in shown
    bare = _ESCAPE.sub("", shown)
    assert all(len(line) <= width for line in bare.splitlines())
    assert bare.replace("─", "").split() == plain.replace("─", "").split()


def test_what_to_do_with_a_plan() -> None:
    assert 'mlform apply "p lan"' in render_saved("p lan")
    assert "didn't use the -out option" in render_saved("")


def test_sentence_after_an_apply() -> None:
    assert render_counts((1, 2, 0), mode=Mode.NORMAL, whole=True) == (
        "\nApply complete! Resources: 1 added, 2 changed, 0 destroyed.\n"
    )
    assert render_counts((0, 0, 3), mode=Mode.DESTROY, whole=True) == (
        "\nDestroy complete! Resources: 3 destroyed.\n"
    )
    assert "incomplete" in render_counts((1, 0, 0), mode=Mode.NORMAL, whole=False)


def test_outputs_as_terraform_prints_them() -> None:
    outputs = {
        "url": OutputRecord(value="http://x", type="string"),
        "names": OutputRecord(value=["a", "b"], type=["list", "string"]),
        "pair": OutputRecord(value=["a", 1], type=["tuple", ["string", "number"]]),
        "secret": OutputRecord(value="x", type="string", sensitive=True),
    }
    assert render_outputs(outputs) == (
        'names = tolist([\n  "a",\n  "b",\n])\n'
        'pair = [\n  "a",\n  1,\n]\n'
        "secret = <sensitive>\n"
        'url = "http://x"\n'
    )


def test_a_state() -> None:
    record = ResourceRecord(
        address=plans.address("model.survival"),
        attributes={"digest": plans.OLD, "password": "p", "absent": None},
        sensitive=(("password",),),
        tainted=True,
        provenance=Provenance(
            applied_at="2026-01-02T03:04:05Z",
            applied_by="ada@host",
            mlform_version="0.1.0",
            runtime="process (Python 3.11.7)",
            duration=12.0,
        ),
    )
    state = State(
        lineage="l",
        objects={(record.address, ""): record},
        outputs={"a": OutputRecord(value=1, type="number")},
    )
    assert render_state(state) == (
        "# model.survival (tainted):\n"
        "# applied 2026-01-02T03:04:05Z by ada@host with mlform 0.1.0\n"
        "# made in 12s on process (Python 3.11.7)\n"
        'resource "model" "survival" {\n'
        '    digest   = "sha256:1a2b3c4d5e6f…"\n'
        "    password = (sensitive value)\n"
        "}\n"
        "\n\n"
        "Outputs:\n\n"
        "a = 1\n"
    )
    assert render_state(State(lineage="l")).startswith("The state is empty.")
