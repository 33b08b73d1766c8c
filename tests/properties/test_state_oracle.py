"""`state mv`, `state rm` and `workspace` beside those of Terraform: the same addresses afterwards,
the same exit statuses. Runs where the program is present."""

from __future__ import annotations

import json
import os
import subprocess  # noqa: TID251 - the other program
from pathlib import Path

import pytest

from tests.commands import Commands
from tests.terraform import TERRAFORM

CONFIG = """
resource "KIND" "a" {
  input = 1
}

resource "KIND" "c" {
  count = 3
  input = count.index
}

module "m" {
  source = "./m"
}

module "n" {
  source = "./m"
  count  = 2
}

output "x" {
  value = KIND.a.output
}

check "later" {
  assert {
    condition     = KIND.a.output == 2
    error_message = "It is ${KIND.a.output}."
  }
}
"""
CHILD = 'resource "KIND" "b" {\n  input = 2\n}\n'
STEPS = [
    "state mv KIND.a KIND.z",
    "state mv KIND.z KIND.c[0]",
    "state mv KIND.none KIND.q",
    "state mv KIND.none[0] KIND.q",
    "state mv KIND.z module.q",
    "state mv module.m KIND.q",
    "state mv module.m module.o",
    "state mv -dry-run module.o module.o[0]",
    'state mv module.o module.o["k"]',
    "state mv module.n[0] module.p",
    "state mv module.n[1] module.p",
    "state mv KIND.z KIND.z[0]",
    "state mv KIND.c KIND.d",
    'state mv KIND.d[1] KIND.d["x"]',
    "state mv KIND.d module.k",
    "state mv KIND.d KIND.e[0]",
    "state mv KIND.d module.k.KIND.d",
    "state mv KIND.z[0] KIND.z",
    "state mv KIND.z KIND.z",
    "state mv module.k.KIND.d KIND.z",
    "state mv module.none module.q",
    "state list KIND.none",
    "state list module.k",
    "state rm -dry-run module.k",
    "state rm KIND.none",
    "state rm module.k.KIND.d[0]",
    "state rm module.n",
    "state show KIND.z",
    "state show KIND.none",
    "state push none.json",
    "output",
    "output none",
    "output -raw x",
    "output -raw",
    "output -json -raw x",
    "workspace new w1",
    "workspace new w1",
    "workspace new a/b",
    "workspace select none",
    "workspace select -or-create w2",
    "workspace delete w2",
    "workspace select default",
    "workspace delete w2",
    "workspace delete default",
    "workspace delete none",
    "workspace list",
    "force-unlock -force none",
]


def terraform(folder: Path, *words: str) -> tuple[int, str]:
    assert TERRAFORM is not None
    settings = folder / "settings"
    settings.write_text("disable_checkpoint = true\n")
    done = subprocess.run(  # noqa: S603 - found on the PATH on purpose
        [TERRAFORM, *words],
        cwd=folder,
        env={**os.environ, "TF_CLI_CONFIG_FILE": str(settings)},  # noqa: TID251 - to start it
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.skipif(TERRAFORM is None, reason="needs the terraform program")
def test_the_same_steps_lead_to_the_same_addresses(tmp_path: Path) -> None:
    ours = Commands(tmp_path / "ours")
    theirs = tmp_path / "theirs"
    for folder, kind, suffix in (
        (ours.folder, "mlform_data", ".mlf.hcl"),
        (theirs, "terraform_data", ".tf"),
    ):
        (folder / "m").mkdir(parents=True)
        (folder / f"main{suffix}").write_text(CONFIG.replace("KIND", kind))
        (folder / "m" / f"main{suffix}").write_text(CHILD.replace("KIND", kind))
    ours("init").ok()
    ours("apply", "-auto-approve").ok()
    for command in (("init",), ("apply", "-auto-approve")):
        assert terraform(theirs, *command)[0] == 0
    for step in STEPS:
        words = step.split(" ")
        said = ours(*(word.replace("KIND", "mlform_data") for word in words))
        status, printed = terraform(
            theirs, *(word.replace("KIND", "terraform_data") for word in words)
        )
        assert said.status == status, f"{step}\n{said.out}\n{said.err}\n{printed}"
        if words[:2] in (["state", "list"], ["workspace", "list"]):
            assert said.out == printed.replace("terraform_data", "mlform_data"), step
        _, listed = terraform(theirs, "state", "list")
        found = sorted(listed.replace("terraform_data", "mlform_data").split())
        assert sorted(ours("state", "list").out.split()) == found, step
    # What was done by hand leaves alone how conditions stood.
    _, shown = terraform(theirs, "show", "-json")
    checks = json.loads(shown)["checks"]
    assert json.loads(ours("show", "-json").out)["checks"] == checks
    assert [item["status"] for item in checks] == ["fail"]
