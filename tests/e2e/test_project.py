"""A project of values through its whole life, as a person and as a program drive it."""

from __future__ import annotations

import json
import os
import pty
import subprocess  # noqa: TID251 - a pipeline of two programs
from pathlib import Path

import pytest

from tests.e2e.cli import Cli
from tests.e2e.encryption import PLANS_ENCRYPTED, PLANS_IN_PLAIN_TEXT

CONFIGURATION = """\
variable "depth" {
  type    = number
  default = 4
}

variable "secret" {
  type      = string
  default   = "hush"
  sensitive = true
}

resource "mlform_data" "a" {
  input = { depth = var.depth, names = ["x", "y"] }
}

resource "mlform_data" "b" {
  input            = mlform_data.a.output
  triggers_replace = [var.depth]
}

output "depth" {
  value = mlform_data.b.output.depth
}

output "token" {
  value     = var.secret
  sensitive = true
}
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path).file("main.mlf.hcl", CONFIGURATION)


@pytest.fixture
def applied(cli: Cli) -> Cli:
    cli.run("apply", "-auto-approve").ok()
    return cli


def answered(cli: Cli, arguments: list[str], answer: str) -> tuple[int, str]:
    """Run mlform on a terminal of its own, type one line, return status and screen."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cli.folder)
        environment = {**cli.environment(), "TERM": "xterm", "COLUMNS": "70"}
        command = cli.command(*arguments)
        os.execve(command[0], command, environment)  # noqa: S606 - this Python
    screen = b""
    typed = False
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the other side is gone
            break
        screen += piece
        if b"Enter a value:" in screen and not typed:
            os.write(terminal, answer.encode() + b"\n")
            typed = True
        if not piece:
            break
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), screen.decode()


def test_from_nothing_to_nothing(cli: Cli) -> None:
    assert "successfully initialized" in cli.run("init").ok().stdout
    assert cli.run("validate").ok().stdout == "Success! The configuration is valid.\n"
    planned = cli.run("plan", "-detailed-exitcode")
    assert planned.status == 2
    assert "Plan: 2 to add, 0 to change, 0 to destroy.\n" in planned.stdout
    assert "\x1b" not in planned.stdout
    assert "hush" not in planned.stdout
    applied = cli.run("apply", "-auto-approve").ok().stdout
    assert "mlform_data.a: Creating...\nmlform_data.a: Creation complete after 0s [id=" in applied
    assert "\nApply complete! Resources: 2 added, 0 changed, 0 destroyed.\n" in applied
    assert "\nOutputs:\n\ndepth = 4\ntoken = <sensitive>\n" in applied
    again = cli.run("plan", "-detailed-exitcode").ok().stdout
    assert again.startswith("No changes. Your models match the configuration.\n")
    assert cli.run("state", "list").ok().stdout == "mlform_data.a\nmlform_data.b\n"
    destroyed = cli.run("destroy", "-auto-approve").ok().stdout
    assert "Destroy complete! Resources: 2 destroyed.\n" in destroyed
    assert cli.run("state", "list").ok().stdout == ""


def test_what_is_not_configured_any_more_is_destroyed_without_files(tmp_path: Path) -> None:
    cli = Cli(tmp_path).file("main.mlf.hcl", 'resource "mlform_data" "a" {\n  count = 2\n}\n')
    cli.run("apply", "-auto-approve").ok().file("main.mlf.hcl").unlink()
    planned = cli.run("plan")
    assert planned.status == 1
    assert '"mlform plan -destroy"' in planned.stderr
    assert '"mlform destroy"' in planned.stderr
    assert "destroy" not in cli.run("validate").stderr
    saved = cli.run("plan", "-destroy", "-out=gone.mlfplan").ok()
    assert "Plan: 0 to add, 0 to change, 2 to destroy." in saved.stdout
    assert "2 destroyed" in cli.run("apply", "gone.mlfplan").ok().stdout
    again = cli.run("destroy", "-auto-approve").ok().stdout
    assert again.startswith("No changes. No objects need to be destroyed.")


def test_outputs_in_every_form(applied: Cli) -> None:
    assert applied.run("output").ok().stdout == "depth = 4\ntoken = <sensitive>\n"
    assert applied.run("output", "token").ok().stdout == '"hush"\n'
    assert applied.run("output", "-raw", "token").ok().stdout == "hush"
    assert applied.run("output", "-json").ok().json == {
        "depth": {"sensitive": False, "type": "number", "value": 4},
        "token": {"sensitive": True, "type": "string", "value": "hush"},
    }
    missing = applied.run("output", "dept")
    assert missing.status == 1
    assert 'Did you mean "depth"?' in missing.stderr


def test_a_plan_with_sensitive_values_is_not_written_in_plain_text(applied: Cli) -> None:
    refused = applied.run("plan", "-out", "p", "-var", "depth=5")
    assert refused.status == 1
    assert "The plan holds sensitive values" in refused.stderr
    assert "var.secret and output.token" in refused.stderr
    assert "hush" not in refused.stderr
    assert not refused.file("p").exists()
    openly = applied.with_variables(MLF_ENCRYPTION=PLANS_IN_PLAIN_TEXT)
    openly.run("plan", "-out", "p").ok()
    openly.run("apply", "p").ok()


def test_a_saved_plan_is_obeyed_once(applied: Cli) -> None:
    applied = applied.with_variables(MLF_ENCRYPTION=PLANS_ENCRYPTED)
    saved = applied.run("plan", "-out", "p", "-var", "depth=5").ok().stdout
    assert 'mlform apply "p"' in saved
    assert "Plan: 1 to add, 1 to change, 1 to destroy." in applied.run("show", "p").ok().stdout
    document = applied.run("show", "-json", "p").ok().json
    assert isinstance(document, dict)
    assert document["variables"] == {"depth": {"value": 5}}
    assert [item["change"]["actions"] for item in document["resource_changes"]] == [
        ["update"],
        ["delete", "create"],
    ]
    assert "depth = 5" in applied.run("apply", "p").ok().stdout
    stale = applied.run("apply", "p")
    assert stale.status == 1
    assert "stale" in stale.stderr


def test_variables_from_every_place(applied: Cli) -> None:
    applied.file("x.mlfvars.hcl", "depth = 7\n")
    for words, variables in (
        (("-var", "depth=7"), {}),
        (("-var-file", "x.mlfvars.hcl"), {}),
        ((), {"MLF_VAR_depth": "7"}),
        ((), {"MLF_CLI_ARGS_plan": "-var depth=7"}),
        (("-var=depth=1", "-var-file=x.mlfvars.hcl"), {}),
    ):
        text = applied.with_variables(**variables).run("plan", *words).ok().stdout
        assert "~ depth = 4 -> 7" in text, (words, variables)


def test_approval_needs_somebody(cli: Cli) -> None:
    outcome = cli.run("apply", stdin="yes\n")
    assert outcome.status == 1
    assert "Approval is needed" in outcome.stderr
    assert not outcome.file("mlform.mlfstate").exists()
    assert "2 added" in cli.run("apply", "-input=true", stdin="yes\n").ok().stdout


def test_the_end_of_the_input_is_no_value(tmp_path: Path) -> None:
    cli = Cli(tmp_path).file("main.mlf.hcl", _ASKING)
    for given in ("", "one\n"):
        ended = cli.run("apply", "-input=true", stdin=given)
        assert ended.status == 1
        name = "second" if given else "first"
        assert f'The input ended before the variable "{name}" had a value' in ended.stderr
    whole = cli.run("apply", "-input=true", stdin="\n2\nyes\n").ok()
    assert 'both = "-2"' in whole.stdout


_ASKING = """
variable "first" {
  type = string
}
variable "second" {
  type      = string
  sensitive = true
}
output "both" {
  value = nonsensitive("${var.first}-${var.second}")
}
"""


@pytest.mark.parametrize(
    ("answer", "status", "said"), [("yes", 0, "2 added"), ("y", 5, "Apply cancelled")]
)
def test_only_yes_is_yes(cli: Cli, answer: str, status: int, said: str) -> None:
    ended, screen = answered(cli, ["apply"], answer)
    assert ended == status, screen
    assert "Only 'yes' will be accepted to approve." in screen
    assert said in screen
    assert cli.folder.joinpath("mlform.mlfstate").exists() == (answer == "yes")


def test_no_color_on_a_terminal(cli: Cli) -> None:
    _, coloured = answered(cli, ["plan"], "")
    assert "\x1b[32m+" in coloured
    _, plain = answered(cli.with_variables(NO_COLOR="1"), ["plan"], "")
    assert "\x1b" not in plain
    _, asked = answered(cli, ["plan", "-no-color"], "")
    assert "\x1b" not in asked
    assert max(len(line) for line in plain.splitlines()) <= 70


def test_outputs_are_told_of_a_whole_apply_only(tmp_path: Path) -> None:
    cli = Cli(tmp_path).file("main.mlf.hcl", _HALF)
    broken = cli.run("apply", "-auto-approve")
    assert broken.status == 6
    assert "Apply incomplete. Resources: 2 added, 0 changed, 0 destroyed." in broken.stdout
    assert "\nOutputs:" not in broken.stdout
    broken.file("mlform.mlfstate").unlink()
    streamed = cli.run("apply", "-auto-approve", "-json")
    assert streamed.status == 6
    kinds = [message["type"] for message in streamed.messages]
    assert "outputs" not in kinds[kinds.index("apply_start") :]
    whole = cli.replace("main.mlf.hcl", "1 == 2", "1 == 1").run("apply", "-auto-approve").ok()
    assert 'a = "one"' in whole.stdout.partition("\nOutputs:")[2]


_HALF = """
resource "mlform_data" "a" {
  input = "one"
}
resource "mlform_data" "b" {
  input = mlform_data.a.output
  lifecycle {
    postcondition {
      condition     = self.id != "" && 1 == 2
      error_message = "b is never right"
    }
  }
}
output "a" {
  value = mlform_data.a.output
}
"""


def test_a_stream_of_messages(cli: Cli) -> None:
    messages = cli.run("apply", "-json", "-auto-approve").ok().messages
    types = [message["type"] for message in messages]
    assert types[0] == "version"
    assert types.count("apply_complete") == 2
    assert types[-2:] == ["change_summary", "outputs"]
    assert "hush" not in json.dumps(messages)
    cli.file("bad.mlf.hcl", 'output "x" {\n  value = nope.y\n}\n')
    broken = cli.run("plan", "-json")
    assert broken.status == 1
    assert broken.messages[-1]["@level"] == "error"
    assert broken.stderr == ""


def test_validate_as_json(cli: Cli) -> None:
    assert cli.run("validate", "-json").ok().json == {
        "format_version": "1.0",
        "valid": True,
        "error_count": 0,
        "warning_count": 0,
        "diagnostics": [],
    }
    outcome = cli.file("bad.mlf.hcl", 'resource "modle" "x" {}\n').run("validate", "-json")
    assert outcome.status == 1
    assert isinstance(outcome.json, dict)
    assert outcome.json["valid"] is False
    assert outcome.json["diagnostics"][0]["range"]["filename"] == "bad.mlf.hcl"


def test_the_state_for_people_and_programs(applied: Cli) -> None:
    text = applied.run("show").ok().stdout
    assert 'input  = { depth = 4, names = ["x", "y"] }' in text
    document = applied.run("show", "-json").ok().json
    assert isinstance(document, dict)
    resources = document["values"]["root_module"]["resources"]
    assert resources[0]["values"]["input"] == {"depth": 4, "names": ["x", "y"]}
    one = applied.run("state", "show", "-json", "mlform_data.a").ok().json
    assert one == resources[0]["values"]
    wrong = applied.run("state", "show", "mlform_data.aa")
    assert wrong.status == 1
    assert 'Did you mean "mlform_data.a"?' in wrong.stderr


def test_objects_are_forgotten_only_when_meant(applied: Cli) -> None:
    dry = applied.run("state", "rm", "-dry-run", "mlform_data.b").ok().stdout
    assert dry == "Would remove mlform_data.b\n"
    assert applied.run("state", "list").ok().stdout.count("\n") == 2
    applied.run("state", "rm", "mlform_data.b").ok()
    assert applied.run("state", "list").ok().stdout == "mlform_data.a\n"


def test_expressions_can_be_piped(applied: Cli) -> None:
    outcome = applied.run("console", stdin="mlform_data.a.output.depth + 1\n[for x in [1] :\n x]\n")
    assert outcome.ok().stdout == "5\n[\n  1,\n]\n"
    wrong = applied.run("console", stdin="nope.x\n1\n")
    assert (wrong.status, wrong.stdout) == (1, "")
    assert "nope" in wrong.stderr


def test_another_folder(applied: Cli, tmp_path: Path) -> None:
    elsewhere = Cli(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    assert elsewhere.run(f"-chdir={applied.folder}", "output", "-raw", "depth").ok().stdout == "4"
    assert elsewhere.run("-chdir", "..", "output", "-raw", "depth").ok().stdout == "4"
    assert not list(elsewhere.folder.iterdir())


def test_nobody_reads_to_the_end(applied: Cli) -> None:
    command = applied.command("show", "-json")
    with subprocess.Popen(  # noqa: S603 - this Python
        command,
        cwd=applied.folder,
        env=dict(applied.environment()),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_a_plan_that_cannot_be_saved_is_not_made(tmp_path: Path) -> None:
    cli = Cli(tmp_path).file("main.mlf.hcl", 'resource "mlform_data" "a" {}\n')
    refused = cli.run("plan", "-out=none/p")
    assert refused.status == 1
    assert "The plan could not be saved" in refused.stderr
    assert refused.stdout == ""
