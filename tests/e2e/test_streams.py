"""Standard streams that are closed, full, or of another encoding than mlform writes."""

from __future__ import annotations

import subprocess  # noqa: TID251 - the streams of the program are what is tested
from pathlib import Path

import pytest

from tests.e2e.cli import Cli

_VALUES = """
resource "mlform_data" "a" {
  input = "Größe → 😀"
}
output "a" {
  value = mlform_data.a.output
}
"""


@pytest.fixture
def applied(tmp_path: Path) -> Cli:
    cli = Cli(tmp_path).file("main.mlf.hcl", _VALUES)
    cli.run("apply", "-auto-approve").ok()
    return cli


def _in_shell(cli: Cli, redirection: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    script = f'exec "$@" {redirection}'
    return subprocess.run(  # noqa: S603 - this Python, in a shell that closes streams
        ["/bin/sh", "-c", script, "sh", *cli.command(*words)],
        cwd=cli.folder,
        env=dict(cli.environment()),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_are_done_without(applied: Cli, redirection: str) -> None:
    for words in (("version",), ("-help",), ("plan",), ("output", "-json")):
        done = _in_shell(applied, redirection, *words)
        assert (done.returncode, done.stderr) == (0, b""), words
        assert bool(done.stdout) == (">&-" not in redirection.split()), words


def test_no_file_is_taken_for_a_closed_output(applied: Cli) -> None:
    done = _in_shell(applied, "<&- >&- 2>&-", "apply", "-auto-approve", "-replace=mlform_data.a")
    assert done.returncode == 0
    assert "😀" in applied.run("output", "a").ok().stdout
    assert applied.run("state", "list").ok().stdout == "mlform_data.a\n"


@pytest.mark.parametrize("words", [("version",), ("-help",), ("plan",), ("output", "-json")])
def test_an_output_that_is_full_is_told(applied: Cli, words: tuple[str, ...]) -> None:
    done = _in_shell(applied, ">/dev/full", *words)
    assert done.returncode == 1
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_text_is_utf_8_whatever_the_locale(applied: Cli, encoding: str) -> None:
    cli = applied.with_variables(PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    done = _in_shell(cli, "", "output", "-raw", "a")
    assert (done.returncode, done.stdout.decode()) == (0, "Größe → 😀")
    refused = _in_shell(cli, "", "output", "b")
    assert refused.stderr.decode().startswith("╷\n│ Error: ")
