"""`mlform fmt` as a process."""

from __future__ import annotations

import stat
import subprocess  # noqa: TID251 - what is tested is the program as people start it
from pathlib import Path

import pytest

from tests.e2e.cli import Cli
from tests.terraform import TERRAFORM, terraform_fmt

WANTED = "a = 1\nbb = [\n  2\n]\n"
ODD = "a=1\nbb=[\n2\n  ]\n"


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    cli = Cli(tmp_path)
    cli.file("main.mlf.hcl", ODD).file("good.mlf.hcl", WANTED).file("some.mlfvars.hcl", ODD)
    cli.file("tests/one.mlftest.hcl", ODD).file("deep/er/two.mlf.hcl", ODD)
    cli.file(".hidden/three.mlf.hcl", ODD).file(".four.mlf.hcl", ODD).file("notes.txt", ODD)
    return cli.file("main.mlf.json", "{}").file("main.mlf.hcl~", ODD)


def test_files_of_the_folder_are_rewritten_and_listed(cli: Cli) -> None:
    outcome = cli.run("fmt").ok()
    assert outcome.stdout == "main.mlf.hcl\nsome.mlfvars.hcl\n"
    assert outcome.file("main.mlf.hcl").read_text() == WANTED
    assert outcome.file("deep/er/two.mlf.hcl").read_text() == ODD
    assert outcome.file("notes.txt").read_text() == ODD
    assert cli.run("fmt").ok().stdout == ""


def test_folders_below_are_taken_where_asked_for_but_hidden_ones_are_not(cli: Cli) -> None:
    outcome = cli.run("fmt", "-recursive").ok()
    assert outcome.stdout.splitlines() == [
        "deep/er/two.mlf.hcl",
        "main.mlf.hcl",
        "some.mlfvars.hcl",
        "tests/one.mlftest.hcl",
    ]
    assert outcome.file(".hidden/three.mlf.hcl").read_text() == ODD


def test_check_writes_nothing_and_exits_with_3(cli: Cli) -> None:
    outcome = cli.run("fmt", "-check")
    assert (outcome.status, outcome.stdout) == (3, "main.mlf.hcl\nsome.mlfvars.hcl\n")
    assert outcome.file("main.mlf.hcl").read_text() == ODD
    assert cli.run("fmt", "-check", "-list=false").stdout == ""
    assert cli.run("fmt", "-check", "good.mlf.hcl").ok().stdout == ""


def test_files_can_be_named_whatever_their_suffix(cli: Cli) -> None:
    named = ("deep/../notes.txt", str(cli.folder / "deep" / "er"))
    outcome = cli.run("fmt", *named).ok()
    assert outcome.stdout == "notes.txt\ndeep/er/two.mlf.hcl\n"
    assert outcome.file("notes.txt").read_text() == WANTED


def test_a_diff_is_one_that_patch_understands(cli: Cli) -> None:
    outcome = cli.run("fmt", "-diff", "-list=false", "-write=false", "main.mlf.hcl").ok()
    assert outcome.stdout == (
        "--- old/main.mlf.hcl\n+++ new/main.mlf.hcl\n@@ -1,4 +1,4 @@\n"
        "-a=1\n-bb=[\n-2\n-  ]\n+a = 1\n+bb = [\n+  2\n+]\n"
    )
    assert outcome.file("main.mlf.hcl").read_text() == ODD


def test_a_diff_says_where_a_last_line_break_is_missing(cli: Cli) -> None:
    outcome = cli.run("fmt", "-diff", "-", stdin="a=1").ok()
    assert outcome.stdout.splitlines()[3:] == [
        "-a=1",
        "\\ No newline at end of file",
        "+a = 1",
        "\\ No newline at end of file",
    ]


def test_standard_input_goes_to_standard_output(cli: Cli) -> None:
    assert cli.run("fmt", "-", stdin=ODD).ok().stdout == WANTED
    assert cli.run("fmt", "-", stdin="a=1").ok().stdout == "a = 1\n"
    assert cli.run("fmt", "-check", "-", stdin=ODD).status == 3
    refused = cli.run("fmt", "-", "main.mlf.hcl")
    assert (refused.status, refused.file("main.mlf.hcl").read_text()) == (1, ODD)


def test_line_breaks_of_standard_input_stay_as_they_are(cli: Cli) -> None:
    done = subprocess.run(  # noqa: S603 - this Python
        cli.command("fmt", "-"), input=b"a=1\r\n", capture_output=True, env=cli.environment(),
        check=True,
    )  # fmt: skip
    assert done.stdout == b"a = 1\r\n"


def test_nothing_listed_written_or_shown_prints_the_files(cli: Cli) -> None:
    outcome = cli.run("fmt", "-list=false", "-write=false", "main.mlf.hcl", "good.mlf.hcl").ok()
    assert outcome.stdout == WANTED * 2


def test_all_errors_are_reported_and_the_other_files_formatted(cli: Cli) -> None:
    cli.file("bad.mlf.hcl", "x = {\n").file("worse.mlf.hcl", b"\xff\n").file("c.mlf.hcl", "b=1\n")
    outcome = cli.run("fmt", ".", "nowhere", "main.mlf.json")
    assert outcome.status == 1
    assert outcome.stdout == "c.mlf.hcl\nmain.mlf.hcl\nsome.mlfvars.hcl\n"
    for text in ("on bad.mlf.hcl line", "on worse.mlf.hcl line 1", '"nowhere"', "is JSON"):
        assert text in outcome.stderr
    assert outcome.file("bad.mlf.hcl").read_bytes() == b"x = {\n"
    assert outcome.file("worse.mlf.hcl").read_bytes() == b"\xff\n"
    assert cli.run("fmt", "-check").status == 1


def test_permissions_and_links_stay(cli: Cli) -> None:
    cli.file("link/target.txt", ODD)
    target, link = cli.folder / "link/target.txt", cli.folder / "link/l.mlf.hcl"
    target.chmod(0o640)
    link.symlink_to("target.txt")
    assert cli.run("fmt", "link").ok().stdout == "link/l.mlf.hcl\n"
    assert link.is_symlink()
    assert target.read_text() == WANTED
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_file_that_cannot_be_read_is_an_error_of_its_own(cli: Cli) -> None:
    (cli.folder / "gone.mlf.hcl").symlink_to("nowhere")
    outcome = cli.run("fmt", "-list=false")
    assert outcome.status == 1
    assert '"gone.mlf.hcl" cannot be read: No such file or directory' in outcome.stderr
    assert outcome.file("main.mlf.hcl").read_text() == WANTED


@pytest.mark.skipif(TERRAFORM is None, reason="needs the terraform program")
def test_terraform_gives_the_same(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> None:
    text = cli.folder / "main.mlf.hcl"
    (theirs,) = terraform_fmt(tmp_path_factory.mktemp("terraform"), [text.read_bytes()])
    cli.run("fmt").ok()
    assert text.read_bytes() == theirs
