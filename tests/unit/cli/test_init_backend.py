"""A backend that changed: noticed by every command, states copied by `init -migrate-state`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlform.backends.local import LocalBackend
from mlform.dataclass import replace
from mlform.operations.chosen_backend import check_chosen, choose_backend, chosen_backend
from mlform.operations.environment import BackendSettings
from mlform.state.codec import decode_state, encode_state
from mlform.state.journal import Run
from mlform.state.snapshot import Intent, Removed
from tests.commands import Commands
from tests.contracts.state_samples import journals, lock_info
from tests.engine import Engine

RESOURCE = 'resource "mlform_data" "a" {\n  input = terraform.workspace\n}\n'


def backend(arguments: str, type_: str = "local") -> str:
    return f'mlform {{\n  backend "{type_}" {{\n    {arguments}\n  }}\n}}\n'


@pytest.fixture
def mlform(tmp_path: Path) -> Commands:
    return Commands(tmp_path).file("main.mlf.hcl", RESOURCE)


def use(mlform: Commands, path: str) -> Commands:
    return mlform.file("backend.mlf.hcl", backend(f'path = "{path}"'))


def applied(mlform: Commands) -> str:
    mlform("apply", "-auto-approve").ok()
    return mlform("state", "pull").ok().out


def test_a_first_backend_needs_no_init(mlform: Commands) -> None:
    use(mlform, "one/s.json")
    applied(mlform)
    assert (mlform.folder / "one" / "s.json").exists()
    use(mlform, "two/s.json")
    mlform("plan").refused(
        "Backend initialization required", "configuration block has changed: path"
    )


def test_every_command_notices_that_it_changed(mlform: Commands) -> None:
    state = applied(mlform)
    use(mlform, "one/s.json")
    for words in (
        ("plan",),
        ("apply", "-auto-approve"),
        ("destroy", "-auto-approve"),
        ("state", "list"),
        ("state", "push", "-"),
        ("output",),
        ("show",),
        ("workspace", "list"),
        ("workspace", "new", "x"),
        ("import", "mlform_data.a", "x"),
        ("force-unlock", "-force", "x"),
    ):
        said = mlform(*words, stdin=state).refused("Backend initialization required")
        assert 'Initial configuration of the requested backend "local"' in said.problem
    mlform("validate").ok()
    assert not (mlform.folder / "one").exists()


def test_going_back_is_no_change(mlform: Commands) -> None:
    applied(mlform)
    use(mlform, "one/s.json")
    mlform("plan").refused("Backend initialization required")
    mlform.file("backend.mlf.hcl", backend('path = "mlform.mlfstate"'))
    mlform("plan").ok()
    mlform.file("backend.mlf.hcl", "")
    mlform("plan").ok()


def test_states_are_copied_with_their_history(mlform: Commands) -> None:
    state = applied(mlform)
    mlform("taint", "mlform_data.a").ok()
    mlform("untaint", "mlform_data.a").ok()
    state = mlform("state", "pull").ok().out
    use(mlform, "one/s.json")
    said = mlform("init", typed="yes\n").ok().out
    assert "Do you want to copy existing state to the new backend?" in said
    assert 'the workspace "default" with 1 object' in said
    assert 'Successfully configured the backend "local"!' in said
    assert mlform("state", "pull").ok().out == state
    old = LocalBackend(mlform.folder / "mlform.mlfstate")
    new = LocalBackend(mlform.folder / "one" / "s.json")
    assert encode_state(old.read() or decode_state(b"")).decode() == state
    assert journals(new) == journals(old)
    assert mlform("state", "history", "-json").ok().out.count('"tainted"') == 2
    assert mlform("plan").ok().out.startswith("No changes.")


def test_no_starts_with_an_empty_state(mlform: Commands) -> None:
    applied(mlform)
    use(mlform, "one/s.json")
    mlform("init", typed="no\n").ok()
    assert mlform("state", "pull").ok().out == ""
    assert "1 to add" in mlform("plan").ok().out


def test_any_other_answer_changes_nothing(mlform: Commands) -> None:
    applied(mlform)
    use(mlform, "one/s.json")
    assert mlform("init", typed="maybe\n").status == 5
    mlform("init").refused("nobody can be asked", "-force-copy")
    assert not (mlform.folder / "one").exists()
    mlform("plan").refused("Backend initialization required")


def test_a_change_has_to_be_meant(mlform: Commands) -> None:
    use(mlform, "one/s.json")
    state = applied(mlform)
    use(mlform, "two/s.json")
    mlform("init").refused("Backend configuration changed", "-migrate-state", "-reconfigure")
    mlform("init", "-migrate-state", "-reconfigure").refused("mutually-exclusive")
    mlform("init", "-force-copy").ok()
    assert mlform("state", "pull").ok().out == state
    assert (mlform.folder / "one" / "s.json").exists()
    mlform.file("backend.mlf.hcl", "")
    mlform("plan").refused('Unsetting the previously set backend "local"')
    mlform("init", "-migrate-state", typed="yes\n").ok()
    assert mlform("state", "pull").ok().out == state
    assert not (mlform.folder / ".mlform" / "backend.json").exists()


def test_reconfigure_copies_nothing(mlform: Commands) -> None:
    use(mlform, "one/s.json")
    applied(mlform)
    use(mlform, "two/s.json")
    mlform("init", "-reconfigure").ok()
    assert mlform("state", "pull").ok().out == ""
    use(mlform, "one/s.json")
    mlform("init", "-reconfigure").ok()
    assert mlform("state", "list").ok().out == "mlform_data.a\n"


def test_all_workspaces_are_copied(mlform: Commands) -> None:
    states = {"default": applied(mlform)}
    mlform("workspace", "new", "empty").ok()
    mlform("workspace", "new", "spring").ok()
    states["spring"] = applied(mlform)
    mlform.file("backend.mlf.hcl", backend('workspace_dir = "w"\n    path = "one.json"'))
    said = mlform("init", "-migrate-state", typed="yes\n").ok().out
    assert 'Copied the state of the workspace "spring"' in said
    assert mlform("workspace", "list").ok().lines == ["  default", "  empty", "* spring", ""]
    assert mlform("state", "pull").ok().out == states["spring"]
    mlform("workspace", "select", "default").ok()
    assert mlform("state", "pull").ok().out == states["default"]


def test_a_state_that_is_there_is_overwritten_after_a_yes_only(mlform: Commands) -> None:
    use(mlform, "two/s.json")
    other = applied(mlform)
    use(mlform, "one/s.json")
    mlform("init", "-reconfigure").ok()
    state = applied(mlform)
    use(mlform, "two/s.json")
    said = mlform("init", "-migrate-state", typed="no\n").ok().out
    assert "there is another state already" in said
    assert '"yes" to overwrite' in said
    assert mlform("state", "pull").ok().out == other
    use(mlform, "one/s.json")
    mlform("init", "-reconfigure").ok()
    use(mlform, "two/s.json")
    mlform("init", "-force-copy").ok()
    written = decode_state(mlform("state", "pull").ok().out.encode())
    assert written.serial == 2
    assert replace(written, serial=1) == decode_state(state.encode())
    told = journals(LocalBackend(mlform.folder / "two" / "s.json"))
    assert [journal.run.operation for journal in told] == ["apply", "init -migrate-state"]


def test_a_state_that_was_copied_before_is_not_asked_about(mlform: Commands) -> None:
    use(mlform, "one/s.json")
    state = applied(mlform)
    use(mlform, "two/s.json")
    mlform("state", "push", "-", stdin=state).refused("initialization")
    mlform("init", "-reconfigure").ok()
    mlform("state", "push", "-", stdin=state).ok()
    use(mlform, "one/s.json")
    mlform("init", "-migrate-state").ok()
    assert mlform("state", "pull").ok().out == state


def test_a_locked_state_is_not_copied(mlform: Commands) -> None:
    applied(mlform)
    use(mlform, "one/s.json")
    LocalBackend(mlform.folder / "mlform.mlfstate").lock(lock_info("id-7"))
    mlform("init", "-force-copy").refused("id-7", status=4)
    mlform("plan").refused("Backend initialization required")
    mlform("init", "-force-copy", "-lock=false").ok()


def test_a_dead_run_is_copied_with_what_it_recorded(mlform: Commands) -> None:
    applied(mlform)
    old = LocalBackend(mlform.folder / "mlform.mlfstate")
    state = old.read()
    assert state is not None

    old.begin(state, Run(id="dead", operation="apply", started="2026-01-01T00:00:00Z"))
    address = state.records[0].address
    old.append(
        (Intent(step="s", address=address, operation="create"), Removed(step="x", address=address))
    )
    use(mlform, "one/s.json")
    mlform("init", "-force-copy").ok()
    copied = LocalBackend(mlform.folder / "one" / "s.json").read()
    assert copied is not None
    assert (copied.objects, [intent.step for intent in copied.intents]) == ({}, ["s"])
    mlform("apply", "-auto-approve").ok()
    assert mlform("state", "list").ok().out == "mlform_data.a\n"
    told = json.loads(mlform("state", "history", "-json").ok().out)["history"]
    assert [item["run"]["died"] for item in told] == [False, True, False]


def test_damaged_journals_stay_behind(mlform: Commands) -> None:
    applied(mlform)
    (kept,) = (mlform.folder / "mlform.mlfstate.history").iterdir()
    kept.write_bytes(b"broken\n")
    use(mlform, "one/s.json")
    said = mlform("init", "-force-copy").ok()
    assert "Part of the history was not copied" in said.err
    assert kept.name in said.err


def test_a_damaged_state_is_not_left_behind_silently(mlform: Commands) -> None:
    applied(mlform)
    (mlform.folder / "mlform.mlfstate").write_bytes(b"{")
    use(mlform, "one/s.json")
    mlform("plan").refused("Backend initialization required")
    mlform("init", "-force-copy").refused("cannot be understood")


def test_what_the_block_leaves_open_is_given_and_remembered(mlform: Commands) -> None:
    mlform.file("backend.mlf.hcl", backend(""))
    mlform.file("given.hcl", 'path = "one/s.json"\nworkspace_dir = "w"\n')
    mlform("init", "-backend-config=given.hcl").ok()
    applied(mlform)
    assert (mlform.folder / "one" / "s.json").exists()
    mlform("init").ok()
    assert mlform("plan").ok().out.startswith("No changes.")
    mlform("init", "-backend-config=given.hcl", "-backend-config=path=two/s.json").refused(
        "Backend configuration changed"
    )
    mlform("init", "-backend-config=path=${two}/s.json", "-reconfigure").ok()
    remembered = json.loads((mlform.folder / ".mlform" / "backend.json").read_text())
    assert remembered["given"] == {"path": "${two}/s.json"}
    assert (mlform.folder / ".mlform" / "backend.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("zzz=5", 'argument named "zzz" is not expected'),
        ("nofile", "nofile"),
    ],
)
def test_what_is_no_argument_of_the_backend(mlform: Commands, given: str, said: str) -> None:
    mlform.file("backend.mlf.hcl", backend(""))
    mlform("init", f"-backend-config={given}").refused(said)


def test_without_a_block_nothing_can_be_given(mlform: Commands) -> None:
    mlform("init", "-backend-config=path=x").refused("without a backend block")


def test_init_can_leave_the_backend_alone(mlform: Commands) -> None:
    applied(mlform)
    use(mlform, "one/s.json")
    mlform("init", "-backend=false").ok()
    mlform("plan").refused("Backend initialization required")


def test_what_is_remembered_and_damaged_is_said(mlform: Commands) -> None:
    mlform.file(".mlform/backend.json", "{").file("backend.mlf.hcl", backend(""))
    mlform("plan").refused("backend.json", "init -reconfigure")


def test_secrets_are_compared_and_never_kept(mlform: Commands) -> None:
    mlform.file("backend.mlf.hcl", backend('conn_str = "postgres://u:hunter2@127.0.0.1:1/d"', "pg"))

    environment = Engine(mlform.folder).environment([])
    secret = BackendSettings(type="pg", arguments={"conn_str": "a:hunter2@b", "schema_name": "s"})
    choose_backend(environment, secret)
    remembered = (mlform.folder / ".mlform" / "backend.json").read_text()
    assert "hunter2" not in remembered
    assert json.loads(remembered)["arguments"] == {"schema_name": "s"}
    check_chosen(environment, secret)
    chosen = chosen_backend(environment)
    assert chosen is not None
    assert chosen.fits(secret)
    changed = replace(secret, arguments={**secret.arguments, "conn_str": "other"})
    assert not chosen.fits(changed)
    mlform("plan").refused("Backend configuration block has changed: conn_str, schema_name")
    mlform.file("backend.mlf.hcl", "")
    mlform("init", "-migrate-state").refused(
        "was used so far cannot be opened", "conn_str", "-old-backend-config"
    )
    mlform("init", "-migrate-state", "-old-backend-config=conn_str=guess").refused(
        "are not the ones it had"
    )
    mlform("init", "-reconfigure").ok()


def test_the_value_of_a_sensitive_variable_is_a_secret_wherever_it_stands(mlform: Commands) -> None:
    mlform.file(
        "backend.mlf.hcl",
        'variable "place" {\n  sensitive = true\n}\n' + backend("path = var.place"),
    )
    with mlform.with_variables(MLF_VAR_place="one/hunter2.json") as there:
        state = applied(there)
        assert "hunter2" not in (mlform.folder / ".mlform" / "backend.json").read_text()
        assert there("plan").ok().out.startswith("No changes.")
    with mlform.with_variables(MLF_VAR_place="two/hunter3.json") as there:
        there("plan").refused("configuration block has changed: path")
        there("init", "-force-copy").refused("path were not written down")
        there("init", "-force-copy", "-old-backend-config=path=one/hunter2.json").ok()
        assert there("state", "pull").ok().out == state
