"""The program with its state in an object store: applied, locked, killed, misconfigured."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess  # noqa: TID251 - what is killed is the program
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random  # noqa: TID251 - seeded
from zipfile import ZipFile

import pytest

from mlform.addresses import parse_address
from mlform.backends.base import StateBackend
from mlform.backends.object_settings import open_objects
from mlform.backends.object_store import ObjectStoreWorkspaces, Surroundings
from mlform.digests import Json
from mlform.state.journal import Journal
from mlform.state.snapshot import Recorded, State
from tests.contracts.faulty_objects import surroundings
from tests.contracts.state_samples import lock_info
from tests.e2e.cli import Cli, ended, printed_until
from tests.e2e.test_kill import killed_after
from tests.gcs_server import Bucket, serving
from tests.object_servers import BUCKET, fresh, gcs_arguments, s3_arguments
from tests.ports import free_port

SEED = 20260102
NODES = 30
SECRET = "secret-of-the-key"  # noqa: S105 - of a server that looks at none
CONFIG = """
mlform {
  backend "object_store" {
    url        = var.url
    endpoint   = var.endpoint
    access_key = "key"
    secret_key = var.secret
    options    = { unsigned_payload = true }
  }
}

variable "url" {}

variable "endpoint" {}

variable "secret" {
  sensitive = true
}

variable "nodes" {
  default = 3
}

variable "round" {
  default = 0
}

resource "mlform_data" "many" {
  count = var.nodes
  input = var.round
}

output "ids" {
  value = mlform_data.many[*].id
}
"""
_COMPLETE = re.compile(r"^(\S+): (?:Creation|Modifications) complete after ")


@pytest.fixture
def cli(s3_server: str, tmp_path: Path) -> Cli:
    """A folder whose state is in a fresh place."""
    return cli_on(s3_arguments(s3_server), tmp_path).file("main.mlf.hcl", CONFIG)


def cli_on(arguments: dict[str, object], folder: Path) -> Cli:
    """A folder with variables that say where the state is."""
    return Cli(
        folder,
        HOME=str(folder),
        MLF_VAR_endpoint=str(arguments["endpoint"]),
        MLF_VAR_url=str(arguments["url"]),
        MLF_VAR_secret=SECRET,
    )


def backend_of(cli: Cli) -> StateBackend:
    """The state of a folder, as another machine sees it."""
    variables = cli.environment()
    arguments = {
        **s3_arguments(variables["MLF_VAR_endpoint"]),
        "url": variables["MLF_VAR_url"],
    }
    around: Surroundings = surroundings()
    objects = open_objects(arguments, variables={}, folder=cli.folder)
    return ObjectStoreWorkspaces(objects, around).open("default")


def journals(cli: Cli) -> list[Journal]:
    """What the runs of a folder did."""
    found = list(backend_of(cli).history())
    whole = [journal for journal in found if isinstance(journal, Journal)]
    assert len(whole) == len(found)
    return whole


def words(text: str) -> str:
    """What was printed, without frames and line breaks."""
    return " ".join(text.replace("│", " ").split())


def test_everything_is_kept_in_the_bucket(cli: Cli) -> None:
    cli.run("init").ok()
    cli.run("apply", "-auto-approve").ok()
    assert not (cli.folder / "mlform.mlfstate").exists()
    assert cli.run("plan", "-detailed-exitcode").status == 0
    listed = cli.run("state", "list").ok().stdout.split()
    assert listed == [f"mlform_data.many[{at}]" for at in range(3)]
    assert len(json.loads(cli.run("output", "-json", "ids").ok().stdout)) == 3
    (journal,) = journals(cli)
    assert journal.run.operation == "apply"
    cli.run("workspace", "new", "lab").ok()
    cli.run("apply", "-auto-approve", "-var", "nodes=1").ok()
    assert cli.run("state", "list").ok().stdout.split() == ["mlform_data.many[0]"]
    cli.run("workspace", "select", "default").ok()
    cli.run("workspace", "delete", "-force", "lab").ok()
    assert cli.run("workspace", "list").ok().stdout.split() == ["*", "default"]
    assert cli.run("plan", "-detailed-exitcode").status == 0
    cli.run("destroy", "-auto-approve").ok()
    state = backend_of(cli).read()
    assert state is not None
    assert state.objects == {}


@contextmanager
def frozen_apply(cli: Cli) -> Iterator[subprocess.Popen[str]]:
    """Start an apply and stop its process within it; it goes on when the block is left."""
    with cli.started("apply", "-auto-approve") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "Creating..." in line:
                break
        process.send_signal(signal.SIGSTOP)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)


def test_of_two_applies_at_once_one_is_told_who_is_at_work(cli: Cli) -> None:
    many = cli.with_variables(MLF_VAR_nodes="300")
    with frozen_apply(many) as first:
        second = many.run("apply", "-auto-approve")
        first.send_signal(signal.SIGCONT)
        rest, _ = first.communicate(timeout=120)
    assert second.status == 4, f"{second.stdout}{second.stderr}"
    told = words(second.stderr)
    assert "The state is locked" in told
    assert f"(process {first.pid}) holds it for apply since" in told
    assert "mlform force-unlock" in told
    assert first.returncode == 0, rest
    state = backend_of(cli).read()
    assert state is not None
    assert len(state.objects) == 300
    assert backend_of(cli).holder() is None


def test_who_waits_gets_its_turn(cli: Cli) -> None:
    many = cli.with_variables(MLF_VAR_nodes="300")
    with frozen_apply(many) as first, many.started("plan", "-lock-timeout=120s") as second:
        told = printed_until(second, "Waiting for the lock of the state")
        assert f"(process {first.pid}) holds it for apply since" in told
        first.send_signal(signal.SIGCONT)
        printed = ended(second, limit=120)
        assert "No changes." in printed
        first.communicate(timeout=120)
        assert first.returncode == 0


def test_an_apply_whose_lock_is_forced_open_stops(cli: Cli) -> None:
    many = cli.with_variables(MLF_VAR_nodes="300")
    with frozen_apply(many) as first:
        holder = backend_of(cli).holder()
        assert holder is not None
        many.run("force-unlock", "-force", holder.id).ok()
        first.send_signal(signal.SIGCONT)
        printed, _ = first.communicate(timeout=120)
        assert first.returncode == 1, printed
    assert "The lock of the state was taken from this run" in words(printed)
    many.run("apply", "-auto-approve").ok()
    assert many.run("plan", "-detailed-exitcode").status == 0


def test_what_was_done_while_the_network_was_cut_is_kept_and_pushed(tmp_path: Path) -> None:
    bucket = Bucket()
    with serving(bucket) as endpoint:
        cli = cli_on(gcs_arguments(endpoint), tmp_path).with_variables(MLF_VAR_nodes="300")
        (before, _), after = CONFIG.split("    access_key")[:2], CONFIG.split("= true }\n", 1)[1]
        cli.file("main.mlf.hcl", f"{before}    token = var.secret\n{after}")
        with frozen_apply(cli) as process:
            bucket.is_out_of_reach = True
            process.send_signal(signal.SIGCONT)
            printed, _ = process.communicate(timeout=200)
        assert process.returncode == 1, printed
        told = words(printed)
        assert "The object store cannot be reached" in told
        assert '"mlform state push' in told
        assert "bug in mlform" not in told
        finished = [match[1] for line in printed.splitlines() if (match := _COMPLETE.match(line))]
        bucket.is_out_of_reach = False
        cli.run("state", "push", "mlform.errored.mlfstate").ok()
        assert set(finished) <= set(cli.run("state", "list").ok().stdout.split())
        cli.run("apply", "-auto-approve").ok()
        assert cli.run("plan", "-detailed-exitcode").status == 0


def of_round(number: int) -> Json:
    """How a state holds the number of a round, which was given as a string."""
    return {"type": "string", "value": str(number)}


def check_recorded(state: State | None, printed: list[str], round_: int) -> int:
    """Fail if something that was said to be finished is not in the state; return how many are."""
    finished = [match[1] for line in printed if (match := _COMPLETE.match(line))]
    for address in finished:
        assert state is not None
        record = state.current(parse_address(address))
        assert record is not None, f"{address} was said to be complete and is not in the state"
        assert record.attributes["input"] == of_round(round_)
    return len(finished)


def test_killed_at_random_instants(cli: Cli) -> None:
    many = cli.with_variables(MLF_VAR_nodes=str(NODES))
    began = time.monotonic()
    many.with_variables(
        MLF_VAR_url=f"s3://{BUCKET}/{fresh()}", MLF_DATA_DIR=str(cli.folder / "other")
    ).run("apply", "-auto-approve").ok()
    whole = time.monotonic() - began
    random = Random(SEED)  # noqa: S311 - instants, no secrets
    finished, last = 0, 10
    for at in range(last):
        before = backend_of(cli).read()
        trying = many.with_variables(MLF_VAR_round=str(at))
        printed = killed_after(trying, whole * random.uniform(0.3, 1.0))
        after = backend_of(cli).read()
        finished += check_recorded(after, printed, at)
        known = set() if before is None else set(before.objects)
        assert known <= (set() if after is None else set(after.objects)), "an object was lost"
    done = many.with_variables(MLF_VAR_round=str(last))
    done.run("apply", "-auto-approve").ok()
    assert done.run("plan", "-detailed-exitcode").status == 0
    state = backend_of(cli).read()
    assert state is not None
    assert not state.intents
    assert len(state.records) == NODES
    recorded = [
        entry.record.attributes["input"]
        for journal in journals(cli)
        for entry in journal.entries
        if isinstance(entry, Recorded)
    ]
    assert recorded.count(of_round(last)) == NODES
    assert len(recorded) >= finished + NODES


def test_a_lock_that_is_left_behind_is_forced_open(cli: Cli) -> None:
    backend_of(cli).lock(lock_info("id-1"))
    locked = cli.run("apply", "-auto-approve")
    assert locked.status == 4
    told = words(locked.stderr)
    assert "ada@lab (process 4711) holds it for apply" in told
    assert "last heard of at 2026-03-01T12:00:00Z" in told
    assert "takes the lock over" in told
    cli.run("force-unlock", "-force", "id-1").ok()
    cli.run("apply", "-auto-approve").ok()
    assert backend_of(cli).holder() is None


@pytest.mark.parametrize(
    ("variables", "summary", "advice"),
    [
        ({"MLF_VAR_url": "s3://nowhere/x"}, "The bucket of the state is missing", "Make it"),
        ({"MLF_VAR_url": "nowhere"}, "not one of an object store", "give s3://bucket/prefix"),
        ({"MLF_VAR_url": ""}, "has no address", "Set url"),
        ({"MLF_VAR_endpoint": ""}, "cannot be reached", "Check the network"),
    ],
)
def test_what_is_wrong_is_said(
    cli: Cli, variables: dict[str, str], summary: str, advice: str
) -> None:
    if "MLF_VAR_endpoint" in variables:
        variables = {"MLF_VAR_endpoint": f"http://127.0.0.1:{free_port()}"}
    for command in ("init", "plan"):
        done = cli.with_variables(**variables).run(command)
        assert done.status == 1
        told = words(done.stderr)
        assert summary in told
        assert advice in told
        assert "Traceback" not in told
        assert "bug in mlform" not in told
        assert SECRET not in done.stdout + done.stderr


def test_plans_hold_no_secret_of_the_backend(cli: Cli) -> None:
    cli.replace("main.mlf.hcl", "sensitive = true", "ephemeral = true")
    cli.run("plan", "-out=saved.plan").ok()
    with ZipFile(cli.folder / "saved.plan") as archive:
        names = archive.namelist()
        assert len(names) > 1
        assert not [name for name in names if SECRET.encode() in archive.read(name)]
    assert SECRET not in cli.run("show", "-json", "saved.plan").ok().stdout
    cli.run("apply", "saved.plan").ok()
    kept = [path for path in cli.folder.rglob("*") if path.is_file()]
    assert not [path for path in kept if SECRET.encode() in path.read_bytes()]


def test_the_address_is_needed(cli: Cli) -> None:
    cli.replace("main.mlf.hcl", "    url        = var.url\n", "")
    done = cli.run("plan")
    assert done.status == 1
    assert "The object store has no address" in words(done.stderr)


def test_a_store_that_says_nothing_is_not_waited_for_after_ctrl_c(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with cli.with_variables(MLF_VAR_endpoint=endpoint).started("plan") as process:
            connection, _ = listener.accept()
            with connection:
                process.send_signal(signal.SIGINT)
                printed, _ = process.communicate(timeout=50)  # a request is tried for longer
    assert process.returncode == 130, printed
    assert printed.endswith("Interrupted.\n")
