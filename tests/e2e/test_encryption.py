"""Encrypted states and plans, from the command line to the files: who reads what, and who not."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.e2e.cli import Cli
from tests.e2e.encryption import ALL_ENCRYPTED, PLANS_ENCRYPTED

WORDS = "correct horse battery staple"
WRONG = "another passphrase"
HUSH = "hunter2hunter2"
NODES = 40
CONFIGURATION = f"""
variable "passphrase" {{
  type      = string
  sensitive = true
}}

variable "token" {{
  type      = string
  sensitive = true
}}

resource "mlform_data" "a" {{
  input = var.token
}}

resource "mlform_data" "many" {{
  count = {NODES}
  input = "${{var.token}} ${{count.index}}"
}}

resource "dataset" "d" {{
  source "file" {{
    path = "data.csv"
  }}
  where = "note <> '${{var.token}}'"
}}

output "token" {{
  value     = mlform_data.a.output
  sensitive = true
}}
"""
ENCRYPTION = """
mlform {
  encryption {
    key_provider "pbkdf2" "main" {
      passphrase = var.passphrase
      iterations = 200000
    }
    method "aes_gcm" "main" {
      keys = key_provider.pbkdf2.main
    }
    state {
      method   = method.aes_gcm.main
      enforced = true
    }
    plan {
      method   = method.aes_gcm.main
      enforced = true
    }
  }
}
"""
# Artifacts are data, which anybody may fetch who may fetch the others; logs are what tasks print.
# Neither gets sensitive arguments from mlform, and here neither holds one.


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return (
        Cli(tmp_path, MLF_VAR_token=HUSH, MLF_VAR_passphrase=WORDS)
        .file("main.mlf.hcl", CONFIGURATION)
        .file("encryption.mlf.hcl", ENCRYPTION)
        .file("data.csv", "a,note\n1,x\n2,y\n")
    )


def leaks(folder: Path, *words: str) -> dict[str, list[str]]:
    """Files below a folder, hidden ones too, that hold one of the words."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            held = [word for word in words if word.encode() in content]
            if held:
                found[str(path.relative_to(folder))] = held
    return found


def test_a_whole_story_leaves_nothing_in_plain_text(cli: Cli) -> None:
    said: list[str] = []

    def run(*words: str, status: int = 0) -> str:
        outcome = cli.run(*words)
        assert outcome.status == status, outcome.stdout + outcome.stderr
        said.append(outcome.stderr)
        return outcome.stdout

    run("init")
    run("plan", "-out=p")
    assert leaks(cli.folder, HUSH, WORDS) == {}
    run("show", "p")
    document = json.loads(run("show", "-json", "p"))
    assert document.get("variables", {}) == {}
    run("apply", "p")
    assert leaks(cli.folder, HUSH, WORDS) == {}
    assert run("output", "-raw", "token") == HUSH
    assert "mlform_data.a" in run("state", "list").splitlines()
    run("state", "show", "mlform_data.a")
    run("state", "mv", "-backup=before.mlfstate", "mlform_data.a", "mlform_data.b")
    run("state", "mv", "mlform_data.b", "mlform_data.a")
    run("taint", "mlform_data.a")
    run("apply", "-auto-approve")
    pulled = run("state", "pull")
    assert HUSH in pulled  # decrypted, as in OpenTofu
    pushed = json.loads(pulled)
    pushed["serial"] += 1
    cli.file("pushed.mlfstate", json.dumps(pushed))
    run("state", "push", "pushed.mlfstate")
    (cli.folder / "pushed.mlfstate").unlink()
    run("state", "push", "-force", "before.mlfstate")
    run("workspace", "new", "other")
    run("apply", "-auto-approve")
    run("plan", "-destroy", "-out=q")
    run("apply", "q")
    run("workspace", "select", "default")
    run("state", "rm", "mlform_data.a")
    assert leaks(cli.folder, HUSH, WORDS) == {}
    assert not any(word in text for text in said for word in (HUSH, WORDS))


def test_a_killed_apply_leaves_nothing_in_plain_text_and_goes_on(cli: Cli) -> None:
    with cli.started("apply", "-auto-approve", "-parallelism=1") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "mlform_data.many[" in line and "complete" in line:
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (cli.folder / "mlform.mlfstate.journal").exists()
    assert leaks(cli.folder / ".mlform" / "results", HUSH, WORDS) == {}
    assert leaks(cli.folder, HUSH, WORDS) == {}
    recorded = cli.run("state", "list").ok().stdout.splitlines()
    assert any(each.startswith("mlform_data.many") for each in recorded)
    wrong = cli.with_variables(MLF_VAR_passphrase=WORDS[::-1]).run("state", "list")
    assert wrong.status == 1
    assert "cannot be decrypted" in wrong.stderr
    cli.run("apply", "-auto-approve").ok()
    assert len(cli.run("state", "list").ok().stdout.splitlines()) == NODES + 2
    assert "No changes." in cli.run("plan").ok().stdout
    assert leaks(cli.folder, HUSH, WORDS) == {}


def test_a_wrong_passphrase_changes_nothing(cli: Cli) -> None:
    cli.run("apply", "-auto-approve").ok()
    cli.run("plan", "-out=p").ok()
    before = {
        path.name: path.read_bytes()
        for path in cli.folder.glob("mlform.mlfstate*")
        if path.is_file()
    }
    wrong = cli.with_variables(MLF_VAR_passphrase=WRONG)
    for words in (("plan",), ("apply", "-auto-approve"), ("state", "list"), ("output",)):
        outcome = wrong.run(*words)
        assert outcome.status == 1
        assert "The state cannot be decrypted" in outcome.stderr
        assert "key_provider.pbkdf2.main: check the passphrase" in outcome.stderr
        assert WRONG not in outcome.stdout + outcome.stderr
    for words in (("show", "p"), ("apply", "p")):
        outcome = wrong.run(*words)
        assert outcome.status == 1
        assert "The plan cannot be decrypted" in outcome.stderr
    now = {
        path.name: path.read_bytes()
        for path in cli.folder.glob("mlform.mlfstate*")
        if path.is_file()
    }
    assert now == before
    assert (
        "at least 16 characters"
        in cli.with_variables(MLF_VAR_passphrase=WORDS[:8]).run("plan").stderr
    )


def test_a_passphrase_is_asked_for_again_where_a_plan_is_applied(cli: Cli) -> None:
    asked = Cli(cli.folder, MLF_VAR_token=HUSH)
    asked.run("plan", "-out=p", "-var", f"passphrase={WORDS}").ok()
    without = asked.run("apply", "p")
    assert without.status == 1
    assert "var.passphrase" in without.stderr
    asked.run("apply", "-var", f"passphrase={WORDS}", "p").ok()
    other = cli.run("apply", "-var", "token=x", "p")
    assert other.status == 1
    assert "only ephemeral variables and passphrases" in " ".join(other.stderr.split())


def test_validate_needs_no_passphrase(cli: Cli) -> None:
    Cli(cli.folder).run("validate").ok()


def test_tests_of_modules_need_no_passphrase(cli: Cli) -> None:
    suite = """
variables {
  passphrase = "x"
}

run "all" {
  assert {
    condition     = length(mlform_data.many) > 1
    error_message = "There are more."
  }
}
"""
    assert "1 passed" in cli.file("all.mlftest.hcl", suite).run("test").ok().stdout


def test_without_the_block_nothing_encrypted_is_read(cli: Cli) -> None:
    cli.run("apply", "-auto-approve").ok()
    cli.run("plan", "-out=p").ok()
    (cli.folder / "encryption.mlf.hcl").unlink()
    for words in (("plan",), ("state", "list"), ("apply", "-auto-approve")):
        outcome = cli.run(*words)
        assert outcome.status == 1
        assert "The state is encrypted" in outcome.stderr
        assert "MLF_ENCRYPTION" in outcome.stderr
    assert "The plan is encrypted" in cli.run("apply", "p").stderr


def test_plain_text_is_refused_and_the_way_there_is_told(cli: Cli) -> None:
    cli.file("encryption.mlf.hcl", "")
    cli.run("apply", "-auto-approve").ok()
    assert HUSH in (cli.folder / "mlform.mlfstate").read_text()
    cli.file("encryption.mlf.hcl", ENCRYPTION)
    refused = cli.run("plan")
    assert refused.status == 1
    assert "The state is not encrypted" in refused.stderr
    migrating = ENCRYPTION.replace(
        "method   = method.aes_gcm.main\n      enforced = true\n    }\n    plan",
        "method = method.aes_gcm.main\n      fallback {\n"
        "        method = method.unencrypted.migrate\n      }\n    }\n    plan",
    ).replace("    state {", '    method "unencrypted" "migrate" {}\n    state {')
    cli.file("encryption.mlf.hcl", migrating)
    assert "No changes." in cli.run("plan").ok().stdout
    cli.run("apply", "-auto-approve").ok()  # nothing to do, but the state is written anew
    cli.file("encryption.mlf.hcl", ENCRYPTION)
    assert "No changes." in cli.run("plan").ok().stdout
    assert leaks(cli.folder, HUSH, WORDS) == {}
    assert cli.run("output", "-raw", "token").ok().stdout == HUSH


def test_a_plan_in_plain_text_is_refused_once_plans_are_encrypted(cli: Cli) -> None:
    cli.file("main.mlf.hcl", 'resource "mlform_data" "a" {\n  input = 1\n}\n')
    cli.file("encryption.mlf.hcl", "")
    cli.run("plan", "-out=p").ok()
    outcome = cli.with_variables(MLF_ENCRYPTION=PLANS_ENCRYPTED).run("apply", "p")
    assert outcome.status == 1
    assert "The plan is not encrypted" in outcome.stderr


def test_a_plan_is_not_written_in_plain_text_where_the_state_is_not(cli: Cli) -> None:
    cli.file("main.mlf.hcl", 'resource "mlform_data" "a" {\n  input = 1\n}\n')
    states_only = ALL_ENCRYPTED.replace(PLANS_ENCRYPTED[PLANS_ENCRYPTED.index("plan {") :], "")
    cli.file("encryption.mlf.hcl", "")
    outcome = cli.with_variables(MLF_ENCRYPTION=states_only).run("plan", "-out=p")
    assert outcome.status == 1
    assert "The state is encrypted, but saved plans are not" in outcome.stderr
    assert not (cli.folder / "p").exists()


def test_the_environment_alone_is_enough(cli: Cli) -> None:
    cli.file("encryption.mlf.hcl", "")
    with_key = cli.with_variables(MLF_ENCRYPTION=ALL_ENCRYPTED)
    with_key.run("plan", "-out=p").ok()
    with_key.run("apply", "p").ok()
    assert leaks(cli.folder, HUSH) == {}
    assert cli.run("plan").status == 1
    assert with_key.run("output", "-raw", "token").ok().stdout == HUSH


def test_keys_are_rotated(cli: Cli) -> None:
    cli.run("apply", "-auto-approve").ok()
    rotating = """
      key_provider "scrypt" "new" {
        passphrase = "a passphrase of the new year"
        n          = 16384
      }
      method "aes_gcm" "new" {
        keys = key_provider.scrypt.new
      }
      state {
        method = method.aes_gcm.new
        fallback {
          method = method.aes_gcm.main
        }
      }
    """
    during = cli.with_variables(MLF_ENCRYPTION=rotating)
    assert "No changes." in during.run("plan").ok().stdout
    during.run("apply", "-auto-approve").ok()
    before, _, after = rotating.partition("        fallback {")
    alone = before + after.partition("        }\n")[2]
    later = cli.with_variables(MLF_ENCRYPTION=alone)
    assert "No changes." in later.run("plan").ok().stdout
    assert '"provider":"scrypt"' in (cli.folder / "mlform.mlfstate").read_text()
    for path in (cli.folder / "mlform.mlfstate.history").iterdir():
        assert '"provider":"scrypt"' in path.read_text()
    old = cli.run("plan")
    assert old.status == 1
    assert "of type scrypt" in old.stderr
