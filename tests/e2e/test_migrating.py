"""A state on its way from a file to PostgreSQL and back, by the commands a person types."""

from __future__ import annotations

from pathlib import Path

from tests.commands import Commands
from tests.postgres import PostgresServer

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
