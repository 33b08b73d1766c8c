"""Finding the command, and what an exception turns into."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from mlform.cli.dispatch import Streams, dispatch, make_session, understand
from mlform.cli.failures import Declined, problems_of, report_bug, status_of
from mlform.diagnostics import ConfigurationError, Diagnostic
from mlform.errors import ServerFailed, StateLocked, StoreError, UsageError


def streams() -> Streams:
    return Streams(io.StringIO(), io.StringIO(), io.StringIO())


def test_global_options_come_before_the_command() -> None:
    request = understand(["-chdir=x", "state", "list", "a.b"], {})
    assert request.command is not None
    assert (request.command.name, request.words, request.folder) == ("state list", ("a.b",), "x")
    assert understand(["-chdir", "y", "plan"], {}).folder == "y"


def test_words_from_the_environment() -> None:
    variables = {
        "MLF_CLI_ARGS": "-no-color",
        "MLF_CLI_ARGS_plan": "-var 'a=b c'",
        "MLF_CLI_ARGS_state_list": "x.y",
    }
    assert understand(["plan", "-json"], variables).words == (
        "-no-color",
        "-var",
        "a=b c",
        "-json",
    )
    assert understand(["state", "list"], variables).words == ("-no-color", "x.y")


@pytest.mark.parametrize("words", [["-chdir"], ["-nope", "plan"], ["nope"], ["state", "nope"]])
def test_what_is_no_request(words: list[str]) -> None:
    with pytest.raises(UsageError):
        understand(words, {})


def test_the_session_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plain = make_session({}, streams())
    assert (plain.folder, plain.data_folder) == (tmp_path, tmp_path / ".mlform")
    assert (plain.workspace, plain.automation, plain.asks) == ("default", False, False)
    assert (plain.out.color, plain.out.width) == (False, None)
    other = make_session(
        {"MLF_DATA_DIR": "d", "MLF_WORKSPACE": "w", "MLF_IN_AUTOMATION": "1"}, streams()
    )
    assert (other.data_folder, other.workspace, other.automation) == (tmp_path / "d", "w", True)


def test_statuses() -> None:
    assert status_of(ConfigurationError((Diagnostic(summary="x"),))) == 1
    assert status_of(StoreError("x")) == 1
    assert status_of(StateLocked("x")) == 4
    assert status_of(Declined("x")) == 5


def test_the_tail_of_a_log_is_part_of_the_problem() -> None:
    error = ServerFailed("It died", "Why.", log_tail="one\ntwo\n")
    assert problems_of(error)[0].detail == "Why."
    assert problems_of(error)[0].log_tail == ("one", "two")
    known = ServerFailed("It died", "Why.", log_tail="one\nWhy.")
    assert problems_of(known)[0].log_tail == ("one",)


def test_a_bug_is_owned_up_to(tmp_path: Path) -> None:
    session = replace(make_session({}, streams()), data_folder=tmp_path / "data")
    try:
        raise KeyError("x")  # noqa: TRY301 - an exception with a traceback
    except KeyError as error:
        short = report_bug(error, session, detailed=False)
        long = report_bug(error, session, detailed=True)
    assert short.startswith("This is a bug in mlform")
    assert "KeyError: 'x'" in short
    assert "Traceback" not in short + long
    assert not list(tmp_path.glob("*")) or (tmp_path / "data" / "crash.log").exists()
    assert "Traceback" in (tmp_path / "data" / "crash.log").read_text(encoding="utf-8")


def test_help_is_data_and_no_command_is_a_failure() -> None:
    asked = streams()
    assert dispatch(["-help"], {}, asked) == 0
    assert isinstance(asked.stdout, io.StringIO)
    assert asked.stdout.getvalue().startswith("Usage: mlform")
    silent = streams()
    assert dispatch([], {}, silent) == 127
    assert isinstance(silent.stdout, io.StringIO)
    assert silent.stdout.getvalue() == ""


@pytest.mark.parametrize(("number", "is_ours"), [(28, False), (5, False), (30, False), (2, True)])
def test_a_file_that_nobody_could_write_is_no_bug(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    is_ours: bool,  # noqa: FBT001 - by pytest
) -> None:
    def fail(arguments: object, session: object) -> int:
        del arguments, session
        raise OSError(number, os.strerror(number), "/disk/file")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mlform.cli.workspace_show.run", fail)
    given = streams()
    assert dispatch(["workspace", "show"], {}, given) == 1
    assert isinstance(given.stderr, io.StringIO)
    said = given.stderr.getvalue()
    assert ("This is a bug in mlform" in said) == is_ours
    assert ("Error: Files cannot be read or written" in said) != is_ours
    assert f"/disk/file: {os.strerror(number)}." in said or is_ours


def test_a_traceback_that_cannot_be_kept_is_no_second_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".mlform").write_text("a file in the way")
    said = report_bug(KeyError("x"), make_session({}, streams()), detailed=True)
    assert said.startswith("This is a bug in mlform")
    assert "The traceback cannot be kept" in said
