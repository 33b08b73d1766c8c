"""Plans with modules, moves, imports, checks and forgotten objects, as programs read them.

What Terraform says of the same configuration is what mlform has to say, but for names of its own.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess  # noqa: TID251 - the other program
from collections.abc import Mapping
from pathlib import Path

import pytest

from mlform.digests import Json
from tests.e2e.cli import Cli
from tests.e2e.encryption import PLANS_IN_PLAIN_TEXT

TERRAFORM = shutil.which("terraform")
pytestmark = pytest.mark.skipif(TERRAFORM is None, reason="the terraform program is not installed")
FIRST = {
    "main": """
variable "word" {
  type        = string
  description = "A word."
  default     = "q"
}
locals {
  twice = "${var.word}${var.word}"
}
module "m" {
  source   = "./m"
  for_each = toset(["a"])
  x        = local.twice
}
resource "terraform_data" "z" {
  input = module.m["a"].o
}
resource "terraform_data" "gone" {
  input = 1
}
resource "terraform_data" "mv" {
  input            = { a = [1, "b"], c = terraform_data.z.input }
  triggers_replace = upper("x")
  depends_on       = [terraform_data.z]
}
check "c1" {
  assert {
    condition     = terraform_data.z.input == "zz"
    error_message = "It is ${terraform_data.z.input}."
  }
}
check "c2" {
  assert {
    condition     = terraform_data.z.id != "zz"
    error_message = "no zz"
  }
}
output "o" {
  value       = module.m["a"].o
  description = "What comes out."
}
output "hidden" {
  value     = sensitive(terraform_data.mv.output)
  sensitive = true
}
""",
    "m/main": """
variable "x" {
  type = string
}
resource "terraform_data" "i" {
  count = 2
  input = "${var.x}${count.index}"
  lifecycle {
    postcondition {
      condition     = self.input != ""
      error_message = "empty"
    }
  }
}
output "o" {
  value = terraform_data.i[0].input
  precondition {
    condition     = var.x != "1"
    error_message = "It is one."
  }
}
""",
}
EDITS = (
    (
        'resource "terraform_data" "gone" {\n  input = 1\n}',
        "removed {\n  from = terraform_data.gone\n  lifecycle {\n    destroy = false\n  }\n}",
    ),
    ('"terraform_data" "mv"', '"terraform_data" "mv2"'),
    ("terraform_data.mv.", "terraform_data.mv2."),
    ('module "m"', 'module "n"'),
    ('["a"]', '["b"]'),
    ('module.m["b"]', 'module.n["b"]'),
)
ADDED = """
moved {
  from = terraform_data.mv
  to   = terraform_data.mv2
}
moved {
  from = module.m["a"]
  to   = module.n["b"]
}
import {
  to = terraform_data.old
  id = "abc"
}
import {
  to = terraform_data.older
  id = "abd"
}
resource "terraform_data" "old" {}
resource "terraform_data" "older" {
  input = "new"
}
"""
IDENTITY = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def second() -> dict[str, str]:
    text = FIRST["main"]
    for old, new in EDITS:
        assert old in text, old
        text = text.replace(old, new)
    return {**FIRST, "main": text + ADDED}


class Theirs:
    """A folder that Terraform works in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def plan(self, files: Mapping[str, str]) -> dict[str, Json]:
        for name, text in files.items():
            path = self.folder / f"{name}.tf"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.run("init")
        self.run("plan", "-out=saved")
        shown: dict[str, Json] = json.loads(
            self.run("show", "-json", "saved").replace("terraform_data", "mlform_data")
        )
        return shown

    def apply(self) -> str:
        return self.run("apply", "-no-color", "saved")

    def run(self, *words: str) -> str:
        done = subprocess.run(  # noqa: S603 - found on the path
            [TERRAFORM or "terraform", *words],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "CHECKPOINT_DISABLE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


class Ours:
    """A folder that mlform works in."""

    def __init__(self, folder: Path) -> None:
        # Like Terraform, which writes plans with sensitive values in plain text.
        self.cli = Cli(folder, MLF_ENCRYPTION=PLANS_IN_PLAIN_TEXT)

    def plan(self, files: Mapping[str, str]) -> dict[str, Json]:
        for name, text in files.items():
            self.cli.file(f"{name}.mlf.hcl", text.replace("terraform_data", "mlform_data"))
        self.cli.run("init").ok()
        self.cli.run("plan", "-out=saved").ok()
        shown: dict[str, Json] = json.loads(self.cli.run("show", "-json", "saved").ok().stdout)
        return shown

    def apply(self) -> str:
        return self.cli.run("apply", "saved").ok().stdout


@pytest.fixture
def both(tmp_path: Path) -> tuple[Ours, Theirs]:
    (tmp_path / "ours").mkdir()
    return Ours(tmp_path / "ours"), Theirs(tmp_path / "theirs")


def common(document: Json) -> Json:
    """Leave out what each program says for itself, and give identities one name."""
    own = {
        "provider_name",
        "provider_config_key",
        "schema_version",
        "mlform_action",
        "reasons",
        "conditional",
        "from_cache",
        "expected_seconds",
        "runtime",
        "dependencies",
        "depends_on",
    }
    if isinstance(document, dict):
        kept = {key: common(item) for key, item in document.items() if key not in own}
        for name in ("after_sensitive", "sensitive_values"):
            told = kept.get(name)
            if isinstance(told, dict) and told.get("output") == {}:
                del told["output"]  # of an object that is known after apply Terraform says {}
        return kept
    if isinstance(document, list):
        return [common(item) for item in document]
    if isinstance(document, str):
        return IDENTITY.sub("ID", document)
    return document


def by_address(changes: Json) -> dict[str, Json]:
    assert isinstance(changes, list)
    return {str(item["address"]): item for item in changes if isinstance(item, dict)}


def resources(module: Json) -> dict[str, Json]:
    """The resources of a tree of modules, by address."""
    assert isinstance(module, dict)
    here = module.get("resources", [])
    found = by_address(here)
    children = module.get("child_modules", [])
    assert isinstance(children, list)
    for child in children:
        assert isinstance(child, dict)
        assert all(name.startswith(f"{child['address']}.") for name in resources(child))
        found |= resources(child)
    return found


def in_order(found: Json) -> list[str]:
    assert isinstance(found, list)
    return sorted(json.dumps(item, sort_keys=True) for item in found)


def compare(
    mine: dict[str, Json], other: dict[str, Json], *, forgotten: tuple[str, ...] = ()
) -> None:
    ours, theirs = common(mine), common(other)
    assert isinstance(ours, dict)
    assert isinstance(theirs, dict)
    assert by_address(ours["resource_changes"]) == by_address(theirs["resource_changes"])
    assert ours["output_changes"] == theirs["output_changes"]
    assert in_order(ours["relevant_attributes"]) == in_order(theirs["relevant_attributes"])
    for name in ("planned_values", "prior_state"):
        if name not in ours:
            continue  # nothing was applied yet; Terraform lists the outputs that are to be
        one, two = ours[name], theirs[name]
        assert isinstance(one, dict)
        assert isinstance(two, dict)
        one, two = one.get("values", one), two.get("values", two)
        assert isinstance(one, dict)
        assert isinstance(two, dict)
        expected = resources(two["root_module"])
        for address in forgotten if name == "planned_values" else ():
            del expected[address]  # Terraform plans nothing for it and lists it all the same
        assert resources(one["root_module"]) == expected, name
    described = mine["configuration"], other["configuration"]
    trees = [common(item["root_module"]) for item in described if isinstance(item, dict)]
    assert trees[0] == trees[1]


def test_documents_are_terraforms(both: tuple[Ours, Theirs]) -> None:
    ours, theirs = both
    compare(ours.plan(FIRST), theirs.plan(FIRST))
    ours.apply()
    theirs.apply()
    mine, other = ours.plan(second()), theirs.plan(second())
    compare(mine, other, forgotten=("mlform_data.gone",))
    changes = by_address(mine["resource_changes"])
    moved = changes['module.n["b"].mlform_data.i[0]']
    assert isinstance(moved, dict)
    assert moved["previous_address"] == 'module.m["a"].mlform_data.i[0]'
    assert in_order(common(mine["checks"])) == in_order(common(other["checks"]))
    done, said = ours.apply(), theirs.apply()
    sentence = "Apply complete! Resources: 2 imported, 0 added, 1 changed, 0 destroyed."
    assert sentence in said
    assert sentence in done
