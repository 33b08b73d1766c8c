"""The command line as a process, as far as it needs no project."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlform.cli.commands import COMMANDS
from tests.e2e.cli import Cli


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


@pytest.mark.parametrize("word", ["version", "-version", "--version", "-v"])
def test_version_names_version_and_platform(cli: Cli, word: str) -> None:
    lines = cli.run(word).ok().stdout.splitlines()
    assert lines[0].startswith("mlform v")
    assert lines[1].startswith("on ")


def test_version_as_json(cli: Cli) -> None:
    document = cli.run("version", "-json").ok().json
    assert isinstance(document, dict)
    assert set(document) == {"mlform_version", "platform", "python"}


def test_no_command_shows_the_commands_and_fails(cli: Cli) -> None:
    outcome = cli.run()
    assert (outcome.status, outcome.stdout) == (127, "")
    assert "Main commands:" in outcome.stderr
    for command in COMMANDS:
        assert re.search(
            rf"^  {command.name} {{2,}}{command.summary}$", outcome.stderr, re.MULTILINE
        )


def test_help_of_a_command_shows_its_flags_with_one_dash(cli: Cli) -> None:
    text = cli.run("plan", "-help").ok().stdout
    assert text.startswith("Usage: mlform [global options] plan [options]\n")
    assert "-out=PATH" in text
    assert "-refresh=false" in text
    assert "--" not in text
    assert cli.run("-help", "plan").ok().stdout == text
    assert cli.run("help", "plan").ok().stdout == text


def test_help_of_a_group_lists_what_is_below_it(cli: Cli) -> None:
    text = cli.run("state").ok().stdout
    assert all(name in text for name in ("state list", "state show", "state rm"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("aply",), 'Did you mean "apply"?'),
        (("state", "lst"), 'Did you mean "state list"?'),
        (("plan", "-ot=p"), 'Did you mean "-out"?'),
        (("-chdr=x", "plan"), "no global option -chdr=x"),
        (("-chdir=nowhere", "plan"), 'names "nowhere", and there is no such folder'),
        (("plan", "-parallelism=x"), "-parallelism"),
        (("plan", "-parallelism=0"), "must be at least 1"),
        (("plan", "-lockfile=maybe"), 'takes "readonly", not "maybe"'),
        (("plan", "-target=what"), '"what" is not the address'),
        (("plan", "-lock-timeout=soon"), '"soon" is no duration'),
        (("plan", "-destroy", "-refresh-only"), "-destroy and -refresh-only are mutually"),
        (("apply", "-destroy", "-refresh-only"), "-destroy and -refresh-only are mutually"),
        (("plan", "-refresh-only", "-refresh=false"), "would leave nothing to do"),
        (("plan", "-destroy", "-generate-config-out=g.mlf.hcl"), "does not go with -destroy"),
        (("plan", "-refresh-only", "-replace=model.m"), "-replace does not go with -refresh-only"),
        (("destroy", "-replace=model.m"), "-replace does not go with -destroy"),
        (("plan", "-target=model.m", "-exclude=model.n"), "mutually exclusive"),
        (("refresh", "-target=model.m", "-exclude=model.n"), "mutually exclusive"),
        (("refresh", "-refresh=false"), '"mlform refresh" has no option -refresh'),
        (("apply", "-refresh-only", "p"), "-refresh-only belongs to plan"),
        (
            ("apply", "-destroy", "-refresh=false", "-exclude=model.m", "-target=model.n", "p"),
            "-destroy, -refresh=false, -target, -exclude belong to plan",
        ),
        (("state", "rm"), "ADDRESS"),
        (("runtime", "build"), "-base"),
    ],
)
def test_a_mistake_is_said_in_a_box_on_stderr(cli: Cli, words: tuple[str, ...], said: str) -> None:
    outcome = cli.run(*words)
    assert outcome.status == 1
    assert outcome.stdout == ""
    assert "Error: " in outcome.stderr
    assert said in " ".join(outcome.stderr.replace("│", " ").split())
    assert not list(outcome.folder.iterdir())


def test_words_from_the_environment_come_before_those_given(cli: Cli) -> None:
    outcome = cli.with_variables(MLF_CLI_ARGS_version="-json").run("version", "-json=true")
    assert outcome.ok().stdout.startswith("{")
    broken = cli.with_variables(MLF_CLI_ARGS="'").run("validate")
    assert broken.status == 1
    assert "MLF_CLI_ARGS" in broken.stderr
