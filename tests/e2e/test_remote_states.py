"""Real applies whose state is in PostgreSQL or on an http server: killed, at once, cut off."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess  # noqa: TID251 - the other program
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random  # noqa: TID251 - seeded

import pytest

from mlform.addresses import parse_address
from mlform.backends.base import StateBackend
from mlform.backends.http import HttpBackend
from mlform.backends.http_site import make_place as make_http_place
from mlform.backends.pg import PgBackend, make_place
from mlform.state.snapshot import Recorded
from mlform.wiring import utc_now
from tests.contracts.state_samples import journals
from tests.e2e.cli import Cli
from tests.postgres import PostgresServer
from tests.state_server import Fault, Request, StateServer

NODES = 600
"""As many as it takes to stop in the midst of it."""
SEED = 20260301
_COMPLETE = re.compile(r"^(\S+): Creation complete after \S+ \[id=(\S+)\]$")
_LOCK_ID = re.compile(r"lock id (\S+?),")

CONFIGURATION = f"""
mlform {{
  backend "TYPE" {{}}
}}

resource "mlform_data" "many" {{
  count = {NODES}
  input = "n${{count.index}}"
}}
"""


@dataclass(frozen=True, kw_only=True)
class Project:
    """A folder whose state is elsewhere.

    Attributes:
        cli: The folder.
        opened: Opens the state, as the next run does.
        interrupt: Makes the server break off what it is at, and be there again.
    """

    cli: Cli
    opened: Callable[[], StateBackend]
    interrupt: Callable[[], None]
    printed: list[str] = field(default_factory=list)

    @contextmanager
    def applying(self, lines: int) -> Iterator[subprocess.Popen[str]]:
        """Apply one node after the other, until so many are said to be complete."""
        with self.cli.started("apply", "-auto-approve", "-parallelism=1") as process:
            assert process.stdout is not None
            while lines and (line := process.stdout.readline()):
                self.printed.append(line.rstrip())
                lines -= bool(_COMPLETE.match(self.printed[-1]))
            yield process

    def finish(self, process: subprocess.Popen[str]) -> int:
        """Wait for the end of an apply; return its status."""
        rest, _ = process.communicate(timeout=120)
        self.printed.extend(rest.splitlines())
        return process.returncode

    def check_recorded(self) -> int:
        """Fail if what was said to be complete is not in the state; return how many nodes are."""
        state = self.opened().read()
        for line in self.printed:
            if match := _COMPLETE.match(line):
                assert state is not None
                found = state.current(parse_address(match[1]))
                assert found is not None, f"{match[1]} was said to be complete and is not there"
                assert found.attributes["id"] == match[2]
        return 0 if state is None else len(state.records)

    @property
    def said(self) -> str:
        """All that was printed, in one line without frames."""
        return " ".join(" ".join(self.printed).replace("│", " ").split())


def _in_postgres(request: pytest.FixtureRequest, folder: Path) -> Project:
    server: PostgresServer = request.getfixturevalue("postgres")
    variables = {"PG_CONN_STR": server.url, "PG_SCHEMA_NAME": server.new_schema()}
    place = make_place({}, variables)

    def interrupt() -> None:
        server.stop(signal.SIGQUIT)
        server.start()

    return Project(
        cli=_project(folder, "pg", variables),
        opened=lambda: PgBackend(place),
        interrupt=interrupt,
    )


def _over_http(request: pytest.FixtureRequest, folder: Path) -> Project:
    server: StateServer = request.getfixturevalue("http_states")
    server.credentials = "ada:open sesame"
    variables = {
        "MLF_HTTP_ADDRESS": f"{server.url}/state",
        "MLF_HTTP_LOCK_ADDRESS": f"{server.url}/state",
        "MLF_HTTP_USERNAME": "ada",
        "MLF_HTTP_PASSWORD": "open sesame",
        "MLF_HTTP_RETRY_WAIT_MIN": "0.05",
    }
    cli = _project(folder, "http", variables)
    place = make_http_place({}, variables, data_folder=cli.folder / ".mlform", host="lab")

    def interrupt() -> None:
        server.faults["GET"] = [Fault.SILENT, Fault.UNAVAILABLE]
        server.faults["POST"] = [Fault.SILENT_AFTER, Fault.BROKEN]

    return Project(cli=cli, opened=lambda: HttpBackend(place, now=utc_now), interrupt=interrupt)


def _project(folder: Path, type_: str, variables: Mapping[str, str]) -> Cli:
    cli = Cli(folder / "project", **variables)
    return cli.file("main.mlf.hcl", CONFIGURATION.replace("TYPE", type_))


@pytest.fixture(params=[_in_postgres, _over_http], ids=["pg", "http"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    made: Project = request.param(request, tmp_path)
    return made


def test_killed_at_random_instants(project: Project) -> None:
    random = Random(SEED)  # noqa: S311 - instants, no secrets
    before = 0
    for number in range(10):
        # By the clock, so that it is anywhere; by what was said, so that it is in the midst.
        with project.applying(0 if number % 3 == 0 else random.randint(1, 30)) as process:
            try:
                process.wait(random.uniform(0.2, 1.2) if number % 3 == 0 else 0)
            except subprocess.TimeoutExpired:
                process.kill()
            project.finish(process)
        found = project.check_recorded()
        assert found >= before, "an object was lost"
        before = found
    assert 0 < before < NODES
    project.cli.run("apply", "-auto-approve").ok()
    assert project.cli.run("plan", "-detailed-exitcode").status == 0
    state = project.opened().read()
    assert state is not None
    assert (len(state.records), state.intents) == (NODES, ())
    history = journals(project.opened())
    kept = {
        str(entry.record.address)
        for journal in history
        for entry in journal.entries
        if isinstance(entry, Recorded)
    }
    assert kept == {str(record.address) for record in state.records}
    assert len(history) > 1
    assert not list(project.cli.folder.glob("*.mlfstate*"))


def test_of_two_at_once_one_goes_without(project: Project) -> None:
    with project.applying(3) as process:
        process.send_signal(signal.SIGSTOP)
        second = project.cli.run("apply", "-auto-approve")
        assert second.status == 4
        said = " ".join(second.stderr.replace("│", " ").split())
        assert f"(process {process.pid}) holds it for apply since" in said
        process.send_signal(signal.SIGCONT)
        assert project.finish(process) == 0
    assert project.check_recorded() == NODES


def test_forced_open_it_stops(project: Project) -> None:
    with project.applying(3) as process:
        process.send_signal(signal.SIGSTOP)
        refused = project.cli.run("apply", "-auto-approve")
        found = _LOCK_ID.search(" ".join(refused.stderr.replace("│", " ").split()))
        assert found is not None
        wrong = project.cli.run("force-unlock", "-force", "wrong")
        assert wrong.status == 1
        project.cli.run("force-unlock", "-force", found[1]).ok()
        process.send_signal(signal.SIGCONT)
        assert project.finish(process) != 0
    assert "The lock of the state was taken from this run" in project.said
    assert 3 <= project.check_recorded() < NODES
    project.cli.run("apply", "-auto-approve").ok()
    assert project.check_recorded() == NODES


def test_a_server_that_breaks_off_is_got_over(project: Project) -> None:
    with project.applying(3) as process:
        process.send_signal(signal.SIGSTOP)
        project.interrupt()
        process.send_signal(signal.SIGCONT)
        assert project.finish(process) == 0, project.said
    assert project.check_recorded() == NODES
    assert project.cli.run("plan", "-detailed-exitcode").status == 0


def test_a_server_that_stays_away_loses_nothing(
    tmp_path: Path, request: pytest.FixtureRequest, http_states: StateServer
) -> None:
    project = _over_http(request, tmp_path)
    with project.applying(1) as process:
        http_states.faults["POST"] = [Fault.BROKEN] * 3
        assert project.finish(process) != 0
    assert "answered with status 500" in project.said
    assert "kept in" in project.said
    assert project.check_recorded() == NODES
    assert project.cli.run("plan", "-detailed-exitcode").status == 0


def _without_values(request: Request) -> tuple[object, ...]:
    """What a request says whatever the state is."""
    told = ("authorization", "content-type")
    headers = tuple(request.headers.get(name, "") for name in told)
    body = tuple(sorted(request.json)) if "ID" in request.body[:8].decode() else bool(request.body)
    checked = "content-md5" in request.headers
    return (request.method, request.path, tuple(request.query), headers, checked, body)


@pytest.mark.skipif(shutil.which("terraform") is None, reason="there is no terraform")
def test_requests_are_those_of_terraform(tmp_path: Path, http_states: StateServer) -> None:
    http_states.credentials = "ada:open sesame"
    arguments = f"""
        address        = "{http_states.url}/NAME"
        lock_address   = "{http_states.url}/NAME/lock"
        unlock_address = "{http_states.url}/NAME/lock"
        lock_method    = "POST"
        unlock_method  = "DELETE"
        username       = "ada"
        password       = "open sesame"
    """
    text = f"""
WORD {{
  backend "http" {{{arguments}}}
}}
resource "WORD_data" "a" {{
  input = 1
}}
"""
    ours = Cli(tmp_path / "ours").file(
        "main.mlf.hcl", text.replace("WORD", "mlform").replace("NAME", "ours")
    )
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "main.tf").write_text(text.replace("WORD", "terraform").replace("NAME", "ours"))
    settings = theirs / "settings"
    settings.write_text("disable_checkpoint = true\n")

    def terraform(*words: str) -> int:
        return subprocess.run(  # noqa: S603 - the other program
            ["terraform", *words],  # noqa: S607
            cwd=theirs,
            env={**os.environ, "TF_CLI_CONFIG_FILE": str(settings)},  # noqa: TID251 - to start it
            capture_output=True,
            check=False,
        ).returncode

    def requests(work: Callable[[], int], *, status: int) -> list[tuple[object, ...]]:
        http_states.requests.clear()
        assert work() == status
        return [_without_values(each) for each in http_states.requests]

    terraform("init")
    apply = ("apply", "-auto-approve")
    by_terraform = requests(lambda: terraform(*apply), status=0)
    http_states.states.clear()
    by_us = requests(lambda: ours.run(*apply).status, status=0)
    assert set(by_us) == set(by_terraform)
    locks = {each.json["ID"] for each in http_states.requests if each.path == "/ours/lock"}
    posts = [each for each in http_states.requests if (each.method, each.path) == ("POST", "/ours")]
    assert all(set(post.query["ID"]) <= locks for post in posts)
    assert posts
    planned = requests(lambda: ours.run("plan").status, status=0)
    http_states.states.clear()
    assert planned == requests(lambda: terraform("plan"), status=0)
    http_states.state("/ours").lock = {"ID": "x", "Who": "bob", "Created": "", "Info": ""}
    refused = requests(lambda: ours.run("plan").status, status=4)
    assert refused[:1] == requests(lambda: terraform("plan"), status=1)
