"""Terraform and mlform refuse the same declarations, at the same lines."""

from __future__ import annotations

import json
import shutil
import subprocess  # noqa: TID251 - the oracle is another program
from pathlib import Path

import pytest

from mlform.config.early import EarlyContext
from mlform.config.load import load_config
from mlform.diagnostics import Severity
from mlform.lang.functions import FunctionContext, functions

TERRAFORM = shutil.which("terraform")
CONTEXT = EarlyContext(functions=functions(FunctionContext()), partial=True)
RESOURCE = 'resource "terraform_data" "a" {\n  %s\n}\n'
OVERRIDE = "---\n"


def resource(inside: str) -> str:
    return RESOURCE % inside


CASES = {
    "moved": "moved {\n  from = terraform_data.b\n  to = terraform_data.c\n}\n",
    "moved with keys": (
        'moved {\n  from = terraform_data.b[0]\n  to = module.m["k"].terraform_data.c\n}\n'
    ),
    "moved across": "moved {\n  from = terraform_data.b\n  to = module.c\n}\n",
    "moved nothing": "moved {\n  from = terraform_data\n  to = terraform_data.c\n}\n",
    "moved attribute": "moved {\n  from = terraform_data.b.id\n  to = terraform_data.c\n}\n",
    "moved text": 'moved {\n  from = "terraform_data.b.x"\n  to = terraform_data.c\n}\n',
    "moved half": "moved {\n  to = terraform_data.c\n}\n",
    "removed": "removed {\n  from = terraform_data.b\n  lifecycle {\n    destroy = false\n  }\n}\n",
    "removed instance": (
        "removed {\n  from = terraform_data.b[0]\n  lifecycle {\n    destroy = false\n  }\n}\n"
    ),
    "removed module": "removed {\n  from = module.b\n  lifecycle {\n    destroy = false\n  }\n}\n",
    "removed with a wrong flag": (
        'removed {\n  from = terraform_data.b\n  lifecycle {\n    destroy = "no"\n  }\n}\n'
    ),
    "check": (
        resource("") + 'check "c" {\n  assert {\n    condition = terraform_data.a.id != ""\n'
        '    error_message = "x"\n  }\n}\n'
    ),
    "check without assertions": 'check "c" {\n}\n',
    "check of nothing": (
        'check "c" {\n  assert {\n    condition = true\n    error_message = "x"\n  }\n}\n'
    ),
    "check half": (
        resource("") + 'check "c" {\n  assert {\n    condition = terraform_data.a.id\n  }\n}\n'
    ),
    "two checks": 'check "c" {\n}\ncheck "c" {\n}\n',
    "import without id": resource("") + "import {\n  to = terraform_data.a\n}\n",
    "import into an attribute": (
        resource("") + 'import {\n  to = terraform_data.a.id\n  id = "x"\n}\n'
    ),
    "triggers": (
        'resource "terraform_data" "b" {}\n'
        + resource(
            "lifecycle {\n    replace_triggered_by = [terraform_data.b, terraform_data.b.id]\n  }"
        )
    ),
    "triggers by a local": (
        "locals {\n  x = 1\n}\n"
        + resource("lifecycle {\n    replace_triggered_by = [local.x]\n  }")
    ),
    "triggers with a value as key": (
        'resource "terraform_data" "b" {\n  count = 1\n}\n'
        + resource(
            "for_each = toset([])\n  lifecycle {\n"
            "    replace_triggered_by = [terraform_data.b[each.value]]\n  }"
        )
    ),
    "ignored paths": resource(
        'lifecycle {\n    ignore_changes = [input, input["a"], input[0].b]\n  }'
    ),
    "all ignored": resource("lifecycle {\n    ignore_changes = all\n  }"),
    "all in brackets": resource("lifecycle {\n    ignore_changes = [all]\n  }"),
    "ignored call": resource("lifecycle {\n    ignore_changes = [upper(input)]\n  }"),
    "flag of a wrong type": resource('lifecycle {\n    prevent_destroy = "maybe"\n  }'),
    "count and for_each": resource("count = 1\n  for_each = {}"),
    "depends on an attribute": (
        'resource "terraform_data" "b" {}\n' + resource("depends_on = [terraform_data.b.id]")
    ),
    "depends on a local and a variable": (
        'variable "v" {\n  default = 1\n}\nlocals {\n  x = 1\n}\n'
        + resource("depends_on = [local.x, var.v]")
    ),
    "depends on text": resource('depends_on = ["terraform_data.b x"]'),
    "ephemeral output": 'output "o" {\n  value = 1\n  ephemeral = true\n}\n',
    "output with a precondition": (
        resource("")
        + 'output "o" {\n  value = 1\n  precondition {\n    condition = terraform_data.a.id != ""\n'
        '    error_message = "x"\n  }\n}\n'
    ),
    "ephemeral variable": 'variable "v" {\n  ephemeral = true\n  default = 1\n}\n',
    "validation by a local": (
        'locals {\n  x = 1\n}\nvariable "v" {\n  default = 1\n  validation {\n'
        '    condition = var.v >= local.x\n    error_message = "x"\n  }\n}\n'
    ),
    "validation of something else": (
        'locals {\n  x = 1\n}\nvariable "v" {\n  default = 1\n  validation {\n'
        '    condition = local.x > 0\n    error_message = "x"\n  }\n}\n'
    ),
    "reserved variable": 'variable "source" {\n  default = 1\n}\n',
    "variable default with a reference": (
        'variable "a" {\n  default = 1\n}\nvariable "v" {\n  default = var.a\n}\n'
    ),
    "override": resource("input = 1") + OVERRIDE + resource("input = 2"),
    "override nothing": OVERRIDE + resource("input = 2") + 'variable "v" {\n}\noutput "o" {\n}\n',
    "override locals": "locals {\n  a = 1\n}\n" + OVERRIDE + "locals {\n  a = 2\n  b = 3\n}\n",
    "override depends_on": resource("") + OVERRIDE + resource("depends_on = [terraform_data.a]"),
    "override by statements": (
        OVERRIDE + "moved {\n  from = terraform_data.b\n  to = terraform_data.c\n}\n"
    ),
    "override check": OVERRIDE + 'check "c" {\n}\n',
    "override type": (
        'variable "v" {\n  type = string\n  default = "x"\n}\n'
        + OVERRIDE
        + 'variable "v" {\n  type = number\n}\n'
    ),
}
OURS = {
    # Terraform says that there are no assertions where the only one is wrong itself.
    "check of nothing": {("main", 3)},
    "check half": {("main", 5)},
    # Terraform points at the whole block, or at the override that changes only half of it.
    "ephemeral output": {("main", 3)},
    "override type": {("main", 3)},
}
"""What mlform says where Terraform's place is wider."""


def terraform_lines(folder: Path) -> set[tuple[str, int]]:
    assert TERRAFORM is not None
    done = subprocess.run(  # noqa: S603 - a fixed command
        [TERRAFORM, "validate", "-json"], cwd=folder, capture_output=True, text=True, check=False
    )
    found = json.loads(done.stdout)["diagnostics"]
    return {
        (each["range"]["filename"].removesuffix(".tf"), each["range"]["start"]["line"])
        for each in found
        if each["severity"] == "error"
    }


def our_lines(folder: Path) -> set[tuple[str, int]]:
    _, problems = load_config(folder, context=CONTEXT)
    return {
        (each.range.filename.removesuffix(".mlf.hcl"), each.range.start.line)
        for each in problems
        if each.severity is Severity.ERROR and each.range is not None
    }


@pytest.mark.skipif(TERRAFORM is None, reason="no terraform on this machine")
@pytest.mark.parametrize("case", CASES)
def test_the_same_lines_are_wrong(case: str, tmp_path: Path) -> None:
    primary, _, override = CASES[case].partition(OVERRIDE)
    for suffix, prefix in ((".tf", "terraform_"), (".mlf.hcl", "mlform_")):
        (tmp_path / f"main{suffix}").write_text(primary.replace("terraform_", prefix))
        if override:
            (tmp_path / f"x_override{suffix}").write_text(override.replace("terraform_", prefix))
    theirs = terraform_lines(tmp_path)
    assert our_lines(tmp_path) == OURS.get(case, theirs)
    assert bool(theirs) == bool(our_lines(tmp_path))
