"""What befalls a local state while an apply works: a clear error, nothing lost, the next converges.

Disks that fill and folders that cannot be written are small file systems that the test mounts,
where it may; a limit on the size of files stands in for a full disk elsewhere.
"""

from __future__ import annotations

import resource
import shutil
import subprocess  # noqa: TID251 - starts the program with a limit
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlform.backends.local import LocalBackend
from mlform.state.snapshot import State
from tests.e2e.cli import Cli, Outcome
from tests.e2e.disks import SmallDisk, mounted

NODES = 800
CONFIG = """
variable "nodes" {
  default = 800
}

resource "mlform_data" "a" {
  count = var.nodes
  input = format("%0200d", count.index)
}
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "project").file("main.mlf.hcl", CONFIG)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with mounted(tmp_path / "disk", "400k") as made:
        yield made


def state_of(cli: Cli) -> State:
    found = LocalBackend(cli.folder / "mlform.mlfstate").read()
    assert found is not None
    return found


def identities(state: State) -> dict[str, object]:
    return {str(record.address): record.attributes["id"] for record in state.records}


def refused(outcome: Outcome, *words: str) -> None:
    """Fail unless the command failed, said these words, and did not call it a bug."""
    assert outcome.status == 1, f"status {outcome.status}\n{outcome.stdout}\n{outcome.stderr}"
    said = " ".join(outcome.stderr.replace("│", " ").split())
    assert "bug in mlform" not in said
    assert "Traceback" not in said
    for word in words:
        assert word in said, said


def converges(cli: Cli, known: dict[str, object], nodes: int) -> None:
    """Apply once more, and fail unless everything is there and what was known is still the same."""
    cli.run("apply", "-auto-approve", f"-var=nodes={nodes}").ok()
    found = identities(state_of(cli))
    assert len(found) == nodes
    assert {address: found[address] for address in known} == known
    assert cli.run("plan", f"-var=nodes={nodes}").ok().stdout.startswith("No changes.")


def interfered(cli: Cli, act: str) -> tuple[Outcome, dict[str, object]]:
    """Apply, do something to the files while it works, and return how it ended and what it told.

    The identities are those that it had recorded when the files were touched.
    """
    names = {"state": "mlform.mlfstate", "journal": "mlform.mlfstate.journal"}
    path = {name: cli.folder / file for name, file in names.items()}
    printed = cli.folder.parent / "printed.txt"
    with (
        printed.open("w") as out,
        subprocess.Popen(  # noqa: S603 - this Python
            cli.command("apply", "-auto-approve"),
            cwd=cli.folder,
            env=dict(cli.environment()),
            stdout=out,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        while not (path["journal"].exists() and path["journal"].stat().st_size > 30_000):
            assert process.poll() is None, "it was over before it could be disturbed"
            time.sleep(0.001)
        known = identities(state_of(cli))
        match act:
            case "remove state":
                path["state"].unlink()
            case "replace state":
                path["state"].write_bytes(path["state"].read_bytes())
            case "restore state":
                path["state"].unlink()
                shutil.copy(cli.folder / "kept.mlfstate", path["state"])
            case "remove journal":
                path["journal"].rename(cli.folder / "away.journal")
            case "remove lock":
                (cli.folder / ".mlform.mlfstate.lock").unlink()
            case _:
                raise AssertionError(act)
        status = process.wait(120)
    return Outcome(status=status, stdout="", stderr=printed.read_text(), folder=cli.folder), known


@pytest.mark.parametrize(
    "act", ["remove state", "replace state", "restore state", "remove journal"]
)
def test_files_that_are_touched_while_an_apply_works(cli: Cli, act: str) -> None:
    cli.run("apply", "-auto-approve", "-var=nodes=5").ok()
    shutil.copy(cli.folder / "mlform.mlfstate", cli.folder / "kept.mlfstate")
    outcome, known = interfered(cli, act)
    refused(
        outcome, "The state was replaced while this run worked", "is not the file that this run"
    )
    kept = cli.folder / "mlform.errored.mlfstate"
    assert str(kept) in outcome.stderr.replace("\n", "").replace("│ ", "")
    assert identities(LocalBackend(kept).read() or State(lineage="")).items() >= known.items()
    # As the message says.
    shutil.copy(kept, cli.folder / "mlform.mlfstate")
    converges(cli, known, NODES)


def test_a_lock_file_that_is_removed_while_an_apply_works(cli: Cli) -> None:
    cli.run("apply", "-auto-approve", "-var=nodes=5").ok()
    outcome, known = interfered(cli, "remove lock")
    refused(outcome, "The lock of the state was taken from this run")
    converges(cli, known, NODES)


def test_a_disk_that_fills_while_an_apply_works(disk: SmallDisk) -> None:
    cli = Cli(disk.folder).file("main.mlf.hcl", CONFIG)
    cli.run("apply", "-auto-approve", "-var=nodes=5").ok()
    outcome = cli.run("apply", "-auto-approve")
    refused(outcome, "The state cannot be written", "Free some space")
    known = identities(state_of(cli))
    assert 5 <= len(known) < NODES
    assert len(cli.run("state", "list").ok().stdout.splitlines()) == len(known)
    disk.remount("size=20m")
    converges(cli, known, NODES)


def test_what_a_full_disk_did_not_take_is_kept_elsewhere(disk: SmallDisk) -> None:
    cli = Cli(disk.folder).file("main.mlf.hcl", CONFIG)
    cli.run("apply", "-auto-approve", "-var=nodes=5").ok()
    outcome = cli.run("apply", "-auto-approve")
    text = outcome.stderr.replace("\n", "").replace("│ ", "")
    kept = Path(text.partition("is kept in ")[2].partition(";")[0].strip())
    assert kept.is_file()
    assert not kept.is_relative_to(disk.folder)
    disk.remount("size=20m")
    cli.run("state", "push", str(kept)).ok()
    known = identities(LocalBackend(kept).read() or State(lineage=""))
    assert len(known) >= 5
    converges(cli, known, NODES)
    shutil.rmtree(kept.parent)


@pytest.mark.parametrize("what", ["apply", "state rm", "taint", "state push"])
def test_a_folder_that_cannot_be_written(disk: SmallDisk, what: str) -> None:
    cli = Cli(disk.folder).file("main.mlf.hcl", CONFIG)
    cli.run("apply", "-auto-approve", "-var=nodes=5").ok()
    pushed = cli.run("state", "pull").ok().stdout.replace('"serial": 1', '"serial": 7')
    before = (disk.folder / "mlform.mlfstate").read_bytes()
    known = identities(state_of(cli))
    disk.remount("ro")
    words = {
        "apply": ("apply", "-auto-approve", "-var=nodes=6"),
        "state rm": ("state", "rm", "mlform_data.a[0]"),
        "taint": ("taint", "mlform_data.a[0]"),
        "state push": ("state", "push", "-"),
    }[what]
    outcome = cli.run(*words, stdin=pushed)
    refused(outcome, "The state cannot be locked", "Read-only file system", str(disk.folder))
    assert (disk.folder / "mlform.mlfstate").read_bytes() == before
    assert ("mlform plan -lock=false" in outcome.stderr) == (what == "apply")
    assert cli.run("plan", "-lock=false", "-var=nodes=6").ok().stdout.count("will be created") == 1
    assert cli.run("state", "list").ok().stdout.count("\n") == 5
    disk.remount("rw")
    converges(cli, known, 6)


def limited(cli: Cli, size: int, *words: str) -> Outcome:
    """Run a command that can write no file beyond a size."""
    done = subprocess.run(  # noqa: S603 - this Python
        cli.command(*words),
        cwd=cli.folder,
        env=dict(cli.environment()),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Outcome(
        status=done.returncode, stdout=done.stdout, stderr=done.stderr, folder=cli.folder
    )


def test_a_journal_that_cannot_grow(cli: Cli) -> None:
    cli.run("apply", "-auto-approve", "-var=nodes=5").ok()
    outcome = limited(cli, 40_000, "apply", "-auto-approve", "-var=nodes=400")
    refused(outcome, "The state cannot be written", "mlform.mlfstate")
    known = identities(state_of(cli))
    assert 5 <= len(known) < 400
    converges(cli, known, 400)


def test_a_snapshot_that_cannot_be_written(cli: Cli) -> None:
    cli.run("apply", "-auto-approve", "-var=nodes=200").ok()
    before = (cli.folder / "mlform.mlfstate").read_bytes()
    assert len(before) > 60_000
    outcome = limited(cli, 60_000, "apply", "-auto-approve", "-var=nodes=201")
    refused(outcome, "The state cannot be written", "mlform.mlfstate")
    assert (cli.folder / "mlform.mlfstate").read_bytes() == before
    known = identities(state_of(cli))
    assert len(known) == 201, "the journal has what the snapshot lacks"
    converges(cli, known, 201)


def test_a_history_that_cannot_be_kept(cli: Cli) -> None:
    """The state is more than its history: the run is done, and the next one keeps what it did."""
    cli.run("apply", "-auto-approve", "-var=nodes=5").ok()
    history = cli.folder / "mlform.mlfstate.history"
    history.rename(cli.folder / "away")
    history.write_text("a file in the way")
    cli.run("apply", "-auto-approve", "-var=nodes=6").ok()
    assert len(state_of(cli).objects) == 6
    history.unlink()
    (cli.folder / "away").rename(history)
    converges(cli, identities(state_of(cli)), 7)
    told = cli.run("state", "history", "-json").ok().stdout
    assert told.count('"created"') == 7


def test_a_backup_that_cannot_be_written(cli: Cli) -> None:
    cli.run("apply", "-auto-approve", "-var=nodes=5").ok()
    (cli.folder / "mlform.mlfstate.backup").unlink(missing_ok=True)
    (cli.folder / "mlform.mlfstate.backup").mkdir()
    (cli.folder / "mlform.mlfstate.backup" / "full").write_text("x")
    outcome = cli.run("apply", "-auto-approve", "-var=nodes=6")
    refused(outcome, "The state cannot be written", "mlform.mlfstate.backup")
    known = identities(state_of(cli))
    assert len(known) == 6
    shutil.rmtree(cli.folder / "mlform.mlfstate.backup")
    converges(cli, known, 6)
