"""Terraform as oracle for the JSON syntax: the same files, planned and applied by both programs."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random  # noqa: TID251 - seeded

import pytest

from mlform.operations.results import Planned
from tests.engine import Engine
from tests.properties.json_form import in_json
from tests.properties.oracle import Story
from tests.properties.terraform import (
    TERRAFORM,
    Terraform,
    TurnedRoundError,
    Uuids,
    ours_applied,
    ours_planned,
    theirs_applied,
    theirs_planned,
)

pytestmark = pytest.mark.skipif(TERRAFORM is None, reason="the terraform program is not installed")

RESOURCES = {
    "//": "a comment",
    "variable": {
        "a": {"type": "list(string)", "default": ["${x}", "$${y}", "%{"], "description": "${a"},
        "b": {"type": "number", "default": 3},
        "o": {"type": "object({ x = string, y = optional(number, 2) })", "default": {"x": "${"}},
        "untyped": {"default": {"k": [1, "${z}"]}},
        "none": None,
    },
    "locals": [{"l1": "${var.b + 1}", "//": "c"}, {"l2": {"k${var.b}": "${upper(\"x\")}!"}}],
    "resource": {
        "terraform_data": {
            "x": {
                "input": {"//": "a key", "l": "${local.l2}", "${var.o.x}": "${var.o.y}"},
                "count": 2,
                "lifecycle": {"ignore_changes": "all"},
            },
            "y": [
                {
                    "input": "$${var.b} %{ if var.b > 2 }yes%{ else }no%{ endif }\n",
                    "depends_on": ["terraform_data.x"],
                    "lifecycle": [{"create_before_destroy": True}, ],
                }
            ],
            "z": {
                "for_each": {"p": 1, "q": "${null}"},
                "input": ["${each.key}", "${each.value}", "\u00e9e\u0301\U0001f600"],
                "triggers_replace": "${terraform_data.y.input}",
                "lifecycle": {
                    "ignore_changes": ["input"],
                    "replace_triggered_by": ["terraform_data.y.id"],
                    "precondition": [
                        {"condition": "${var.b == 3}", "error_message": "b is ${var.b}"},
                        {"condition": "${var.b != 4}", "error_message": "no"},
                    ],
                },
            },
        }
    },
    "output": {
        "a": {"value": "${var.a}", "description": "${x"},
        "b": [{"value": "${local.l1}", "depends_on": ["terraform_data.y"]}],
        "c": {"value": {"a": [1, True, None, "s", -0.5e1, 12345678901234567890]}},
        "d": {"value": "${var.untyped}"},
        "e": {"value": "%{ for v in var.a ~}\n ${v}, \n%{ endfor ~}"},
    },
}  # fmt: skip
CALLER = {
    "module": {
        "one": {"source": "./child", "word": "w", "list": ["${1 + 1}"]},
        "many": {"source": "./child", "for_each": '${toset(["k"])}', "word": "${each.key}"},
        "none": {"source": "./child", "count": 0, "word": "", "depends_on": ["module.one"]},
    },
    "resource": {"terraform_data": {"r": {"input": "${module.one.said}"}}},
    "moved": [{"from": "terraform_data.gone", "to": "terraform_data.r"}],
    "output": {"said": {"value": '${module.many["k"].said}'}},
}
CHILD = {
    "variable": {
        "word": {
            "type": "string",
            "validation": {"condition": "${length(var.word) < 3}", "error_message": "long"},
        },
        "list": {"type": "list(number)", "default": []},
    },
    "resource": {"terraform_data": {"x": {"input": "${var.word}", "lifecycle": {}}}},
    "output": {"said": {"value": "${terraform_data.x.input} ${length(var.list)}"}},
}


def compare(folder: Path, files: dict[str, str]) -> None:
    """Plan and apply files in JSON with both programs.

    Args:
        folder: An empty folder.
        files: Texts by name without `.tf.json`, in Terraform's words.
    """
    shown = "\n\n".join(f"{name}:\n{text}" for name, text in files.items())
    (folder / "ours").mkdir()
    terraform = Terraform(folder / "theirs")
    engine = Engine(folder / "ours", new_id=Uuids())
    for name, text in files.items():
        path = terraform.folder / f"{name}.tf.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        engine.file(f"{name}.mlf.json", text.replace("terraform_data", "mlform_data"))
    if any("/" in name for name in files):
        terraform.run("init", "-no-color")
    try:
        theirs = terraform.plan("")
    except TurnedRoundError:
        return
    planned: Planned = engine.plan()
    assert ours_planned(planned.plan) == theirs_planned(theirs), shown
    terraform.apply(theirs)
    state = theirs_applied(terraform.state)
    ran = engine.carry_out(planned)
    assert not ran.failed, shown
    assert ours_applied(engine.state) == state, shown


@pytest.mark.parametrize("seed", range(6))
def test_random_configurations(seed: int, tmp_path: Path) -> None:
    random = Random(seed)  # noqa: S311 - a generator of cases
    story = Story(random)
    story.begin()
    compare(tmp_path, {"main": in_json(story.text(), random)})


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2000, 2100))
def test_very_many_random_configurations(seed: int, tmp_path: Path) -> None:
    test_random_configurations(seed, tmp_path)


def test_resources_with_everything(tmp_path: Path) -> None:
    compare(tmp_path, {"main": json.dumps(RESOURCES)})


def test_modules(tmp_path: Path) -> None:
    compare(tmp_path, {"main": json.dumps(CALLER), "child/main": json.dumps(CHILD)})
