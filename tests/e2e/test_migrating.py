"""A state on its way from a file to PostgreSQL and back, by the commands a person types."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path
from shutil import copytree

from tests.commands import Commands
from tests.e2e.cli import Cli
from tests.postgres import PostgresServer
from tests.state_server import StateServer

CONFIG = """
resource "mlform_data" "a" {
  input = terraform.workspace
}
"""
POSTGRES = """
variable "database" {
  sensitive = true
}

mlform {
  backend "pg" {
    conn_str = var.database
  }
}
"""
HTTP = """
mlform {
  backend "http" {
    address        = "URL"
    lock_address   = "URL"
    unlock_address = "URL"
  }
}
"""


def test_local_to_postgres_and_back(tmp_path: Path, postgres: PostgresServer) -> None:
    mlform = Commands(tmp_path).file("main.mlf.hcl", CONFIG)
    mlform("apply", "-auto-approve").ok()
    mlform("workspace", "new", "spring").ok()
    mlform("apply", "-auto-approve").ok()
    mlform("taint", "mlform_data.a").ok()
    states = {"spring": mlform("state", "pull").ok().out}
    mlform("workspace", "select", "default").ok()
    states["default"] = mlform("state", "pull").ok().out
    told = mlform("state", "history", "-json").ok().out

    schema = postgres.new_schema()
    mlform.file("backend.mlf.hcl", POSTGRES)
    with mlform.with_variables(MLF_VAR_database=postgres.url) as there:
        there("plan").refused("Backend initialization required")
        option = f"-backend-config=schema_name={schema}"
        said = there("init", option, typed="yes\n").ok().out
        assert 'Copied the state of the workspace "spring"' in said
        assert there("state", "pull").ok().out == states["default"]
        assert there("state", "history", "-json").ok().out == told
        assert there("workspace", "list").ok().lines == ["* default", "  spring", ""]
        assert there("plan").ok().out.startswith("No changes.")
        there("workspace", "select", "spring").ok()
        assert there("state", "pull").ok().out == states["spring"]
        there("apply", "-auto-approve").ok()
        states["spring"] = there("state", "pull").ok().out
        there("workspace", "select", "default").ok()
    remembered = (tmp_path / ".mlform" / "backend.json").read_text()
    assert schema in remembered
    assert postgres.url not in remembered

    mlform.file(
        "backend.mlf.hcl", 'mlform {\n  backend "local" {\n    path = "back.json"\n  }\n}\n'
    )
    mlform("plan").refused('Backend type changed from "pg" to "local"')
    mlform("init", "-force-copy").refused("conn_str", "-old-backend-config")
    mlform("init", "-force-copy", f"-old-backend-config=conn_str={postgres.url}").ok()
    assert mlform("state", "pull").ok().out == states["default"]
    assert mlform("state", "history", "-json").ok().out == told
    mlform("workspace", "select", "spring").ok()
    assert mlform("state", "pull").ok().out == states["spring"]
    assert mlform("plan").ok().out.startswith("No changes.")
    postgres.end_sessions()


def test_killed_at_every_request_it_is_done_again(tmp_path: Path, http_states: StateServer) -> None:
    """On the way to a server, from a file."""
    before = Commands(tmp_path / "before").file("main.mlf.hcl", CONFIG)
    before("apply", "-auto-approve").ok()
    before("taint", "mlform_data.a").ok()
    state = before("state", "pull").ok().out
    told = before("state", "history", "-json").ok().out
    for requests in count(1):
        folder = tmp_path / str(requests)
        copytree(before.folder, folder)
        url = f"{http_states.url}/{requests}"
        mlform = Commands(folder).file("backend.mlf.hcl", HTTP.replace("URL", url))
        http_states.requests.clear()
        with Cli(folder).started("init", "-force-copy") as process:
            while process.poll() is None and len(http_states.requests) < requests:
                time.sleep(0.001)
            process.kill()
            process.communicate(timeout=60)
        made = len(http_states.requests)
        mlform("init", "-force-copy").ok()
        assert mlform("state", "pull").ok().out == state
        assert mlform("state", "history", "-json").ok().out == told
        mlform("plan").ok()  # it takes over a lock that was left behind
        assert http_states.state(f"/{requests}").lock == {}
        if made < requests:
            break
    assert requests > 8, "it makes many requests"
