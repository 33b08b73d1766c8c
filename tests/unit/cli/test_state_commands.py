"""`mlform state …`, `import`, `force-unlock` and `output`: what they print and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlform.addresses import parse_address
from mlform.backends.local import LocalBackend
from mlform.dataclass import replace
from mlform.state.codec import decode_state, encode_state
from mlform.state.journal import Run
from mlform.state.snapshot import State
from tests.commands import Commands
from tests.contracts.state_samples import journals, lock_info

CONFIG = """
resource "mlform_data" "a" {
  input = 1
}

resource "mlform_data" "b" {
  count = 2
  input = mlform_data.a.output
}

output "number" {
  value = mlform_data.a.output
}

output "secret" {
  value     = "hidden"
  sensitive = true
}

output "list" {
  value = [1, 2]
}
"""


@pytest.fixture
def mlform(tmp_path: Path) -> Commands:
    found = Commands(tmp_path).file("main.mlf.hcl", CONFIG)
    found("apply", "-auto-approve").ok()
    return found


def state_of(mlform: Commands) -> State:
    return decode_state(mlform("state", "pull").ok().out.encode())


def operations(mlform: Commands) -> list[str]:
    backend = LocalBackend(mlform.folder / "mlform.mlfstate")
    return [journal.run.operation for journal in journals(backend)]


def test_moving_renames_and_what_refers_to_it_follows(mlform: Commands) -> None:
    before = state_of(mlform)
    said = mlform("state", "mv", "mlform_data.a", "module.m.mlform_data.z").ok()
    assert said.lines == [
        'Move "mlform_data.a" to "module.m.mlform_data.z"',
        "Successfully moved 1 object(s).",
    ]
    after = state_of(mlform)
    assert after.serial == before.serial + 1
    moved = after.current(parse_address("module.m.mlform_data.z"))
    assert moved is not None
    assert moved.attributes == before.records[0].attributes
    assert [each.dependencies for each in after.records if each.address.name == "b"] == [
        ("module.m.mlform_data.z",),
        ("module.m.mlform_data.z",),
    ]
    assert operations(mlform) == ["apply", "state mv"]


def test_a_dry_run_moves_nothing(mlform: Commands) -> None:
    said = mlform("state", "mv", "-dry-run", "mlform_data.b", "mlform_data.c").ok()
    assert said.lines == ['Would move "mlform_data.b" to "mlform_data.c"']
    assert operations(mlform) == ["apply"]


def test_a_moved_object_is_found_by_the_next_plan(mlform: Commands) -> None:
    mlform("state", "mv", "mlform_data.a", "mlform_data.z").ok()
    mlform.file("main.mlf.hcl", CONFIG.replace('"a"', '"z"').replace("data.a.", "data.z."))
    assert mlform("plan").ok().out.startswith("No changes.")


def test_where_there_is_no_state(tmp_path: Path) -> None:
    mlform = Commands(tmp_path).file("main.mlf.hcl", CONFIG)
    assert mlform("state", "pull").ok().out == ""
    for words in (
        ("list",),
        ("show", "a.b"),
        ("rm", "a.b"),
        ("mv", "a.b", "a.c"),
    ):
        mlform("state", *words).refused("No state file was found")


def test_a_backup_is_kept_where_asked(mlform: Commands) -> None:
    before = mlform("state", "pull").ok().out
    mlform("state", "rm", "-backup=before.json", "mlform_data.b").ok()
    assert (mlform.folder / "before.json").read_text() == before
    assert (mlform.folder / "before.json").stat().st_mode & 0o777 == 0o600
    mlform("state", "mv", "-backup=no/such.json", "mlform_data.a", "mlform_data.c").refused(
        "no/such.json", "not changed"
    )
    assert mlform("state", "list").out == "mlform_data.a\n"


def test_listing_takes_addresses_keys_and_ids(mlform: Commands) -> None:
    identity = str(state_of(mlform).records[1].attributes["id"])
    assert mlform("state", "list", "mlform_data.b").lines == [
        "mlform_data.b[0]",
        "mlform_data.b[1]",
    ]
    assert mlform("state", "list", "mlform_data.b[1]").lines == ["mlform_data.b[1]"]
    assert mlform("state", "list", f"-id={identity}").lines == ["mlform_data.b[0]"]
    assert mlform("state", "list", "-id=none").ok().out == ""
    mlform("state", "list", "module.m").refused("Unknown resource", "no module.m")
    mlform("state", "list", "x").refused("Invalid address")


def test_showing_takes_one_instance_and_tells_deposed_and_tainted_ones(mlform: Commands) -> None:
    mlform("state", "show", "mlform_data.b").refused("one specific instance")
    state = state_of(mlform)
    record = replace(state.records[0], tainted=True)
    objects = {
        **state.objects,
        (record.address, ""): record,
        (record.address, "0a1b2c3d"): replace(record, tainted=False),
    }
    mlform(
        "state",
        "push",
        "-",
        stdin=encode_state(replace(state, objects=objects, serial=9)).decode(),
    ).ok()
    said = mlform("state", "show", "mlform_data.a").ok().out
    assert "# mlform_data.a (tainted):" in said
    assert "# mlform_data.a (deposed object 0a1b2c3d):" in said
    assert mlform("state", "list", "mlform_data.a").lines == [
        "mlform_data.a",
        "mlform_data.a (deposed object 0a1b2c3d)",
    ]
    assert mlform("state", "rm", "mlform_data.a").ok().lines == [
        "Removed mlform_data.a",
        "Successfully removed 1 resource instance(s).",
    ]
    assert mlform("state", "list").lines == ["mlform_data.b[0]", "mlform_data.b[1]"]


def test_sensitive_values_are_hidden_from_people(tmp_path: Path) -> None:
    mlform = Commands(tmp_path).file(
        "main.mlf.hcl",
        'variable "v" {\n  default   = "hidden"\n  sensitive = true\n}\n'
        'resource "mlform_data" "a" {\n  input = var.v\n}\n',
    )
    mlform("apply", "-auto-approve").ok()
    said = mlform("state", "show", "mlform_data.a").ok().out
    assert "(sensitive value)" in said
    assert "input  = (sensitive value)" in said
    assert said.count("hidden") <= 1  # the output carries no mark, as in Terraform


def test_what_was_pulled_can_be_pushed(mlform: Commands) -> None:
    pulled = mlform("state", "pull").ok().out
    mlform("state", "push", "-", stdin=pulled).ok()
    assert operations(mlform) == ["apply"]
    mlform("state", "rm", "mlform_data.b").ok()
    mlform.file("old.json", pulled)
    mlform("state", "push", "old.json").refused("serial 1 over newer state with serial 2")
    mlform("state", "push", "-force", "old.json").ok()
    assert replace(state_of(mlform), serial=1) == decode_state(pulled.encode())
    assert state_of(mlform).serial == 3
    assert operations(mlform) == ["apply", "state rm", "state push"]
    assert mlform("plan").ok().out.startswith("No changes.")


def test_push_refuses_another_state_of_the_same_serial_and_another_lineage(
    mlform: Commands,
) -> None:
    state = state_of(mlform)
    same = encode_state(replace(state, outputs={})).decode()
    mlform("state", "push", "-", stdin=same).refused("different state that has the same serial")
    other = encode_state(replace(state, lineage="other", serial=7)).decode()
    mlform("state", "push", "-", stdin=other).refused('lineage "other" over unrelated state')
    assert state_of(mlform) == state
    mlform("state", "push", "-force", "-", stdin=other).ok()
    assert (state_of(mlform).lineage, state_of(mlform).serial) == ("other", 7)
    mlform("state", "push", "-force", "-", stdin=encode_state(state).decode()).ok()
    assert replace(state_of(mlform), serial=1) == state
    assert state_of(mlform).serial == 8


@pytest.mark.parametrize("content", ["", "{", '{"version": 99}', "[]"])
def test_push_checks_the_document_before_it_writes(mlform: Commands, content: str) -> None:
    before = state_of(mlform)
    mlform("state", "push", "-force", "-", stdin=content).refused("standard input")
    mlform.file("bad.json", content)
    mlform("state", "push", "bad.json").refused("bad.json")
    assert state_of(mlform) == before


def test_push_fills_an_empty_place(mlform: Commands, tmp_path: Path) -> None:
    pulled = mlform("state", "pull").ok().out
    other = Commands(tmp_path / "other").file("main.mlf.hcl", CONFIG)
    other("state", "push", "-", stdin=pulled).ok()
    assert other("state", "pull").ok().out == pulled
    assert operations(other) == ["state push"]


def test_a_locked_state_is_not_changed(mlform: Commands) -> None:
    backend = LocalBackend(mlform.folder / "mlform.mlfstate")
    backend.lock(lock_info("id-7"))
    pulled = mlform("state", "pull").ok().out
    for words in (
        ("state", "rm", "mlform_data.a"),
        ("state", "mv", "mlform_data.a", "mlform_data.c"),
        ("state", "push", "-force", "-"),
        ("import", "mlform_data.a", "x"),
    ):
        mlform(*words, stdin=pulled).refused("id-7", status=4)
    mlform("state", "rm", "-lock=false", "mlform_data.a").ok()


def test_an_object_is_imported(mlform: Commands) -> None:
    mlform("state", "rm", "mlform_data.b[1]").ok()
    said = mlform("import", "mlform_data.b[1]", "known-as").ok()
    assert said.lines[:2] == [
        'mlform_data.b[1]: Importing from ID "known-as"...',
        "mlform_data.b[1]: Import complete [id=known-as]",
    ]
    assert "Import successful!" in said.out
    record = state_of(mlform).current(parse_address("mlform_data.b[1]"))
    assert record is not None
    assert record.attributes["id"] == "known-as"
    assert record.dependencies == ("mlform_data.a",)
    assert record.provenance.applied_by
    assert operations(mlform)[-1] == "import"
    mlform("import", "mlform_data.b[1]", "again").refused("already managed by mlform")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mlform_data.c", "does not exist in the configuration"),
        ("module.m.mlform_data.c", "module.m is not defined in the configuration"),
        ("mlform_data.b[7]", "no instance mlform_data.b[7]"),
        ("module.m", "Name a resource in it"),
    ],
)
def test_only_what_is_declared_is_imported(mlform: Commands, address: str, said: str) -> None:
    mlform("import", address, "x").refused(said)
    assert operations(mlform) == ["apply"]


def test_an_id_that_names_nothing(tmp_path: Path) -> None:
    mlform = Commands(tmp_path).file("data.csv", "x,y\n1,0\n")
    mlform.file(
        "main.mlf.hcl",
        'resource "dataset" "d" {\n  source "file" {\n    path = "data.csv"\n  }\n}\n',
    )
    mlform("import", "dataset.d", "sha256:" + "0" * 64).refused("non-existent object")
    assert mlform("state", "pull").ok().out == ""


def test_a_lock_is_forced_open_after_a_yes(mlform: Commands) -> None:
    path = mlform.folder / "mlform.mlfstate"
    LocalBackend(path).lock(lock_info("id-7"))
    said = mlform("force-unlock", "id-7", typed="no\n")
    assert said.status == 5
    assert "ada@lab (process 4711) holds it for apply" in said.out
    assert "cancelled" in said.problem
    mlform("force-unlock", "id-8", typed="yes\n").refused("another id", "id-7")
    mlform("force-unlock", "id-7").refused("-force")
    assert LocalBackend(path).holder() is not None
    done = mlform("force-unlock", "id-7", typed="yes\n").ok()
    assert "successfully unlocked!" in done.out
    mlform("force-unlock", "-force", "id-7").refused("not locked")


def test_outputs(mlform: Commands) -> None:
    assert mlform("output").ok().lines == [
        "list = [",
        "  1,",
        "  2,",
        "]",
        "number = 1",
        "secret = <sensitive>",
    ]
    assert mlform("output", "secret").ok().out == '"hidden"\n'
    assert mlform("output", "-raw", "secret").ok().out == "hidden"
    assert mlform("output", "-raw", "number").ok().out == "1"
    assert mlform("output", "-json", "list").ok().json == [1, 2]
    document = mlform("output", "-json").ok().json
    assert isinstance(document, dict)
    assert document["secret"] == {"sensitive": True, "type": "string", "value": "hidden"}
    mlform("output", "nothing").refused('Output "nothing" not found', "Outputs: list, number")
    mlform("output", "-json", "nothing").refused('Output "nothing" not found')
    mlform("output", "-raw").refused("Output name required")
    mlform("output", "-raw", "-json", "number").refused("Invalid output format")
    mlform("output", "-raw", "list").refused("Unsupported value for raw output")
    mlform("output", "number", "list").refused("list")


def test_no_outputs_are_a_warning(tmp_path: Path) -> None:
    mlform = Commands(tmp_path).file("main.mlf.hcl", CONFIG)
    for words in ((), ("number",), ("-raw", "number")):
        said = mlform("output", *words).ok()
        assert (said.out, "No outputs found" in said.err) == ("", True)
    assert mlform("output", "-json").ok().json == {}
    mlform("output", "-json", "number").refused("not found")


def test_the_state_as_json_tells_who_made_what(mlform: Commands) -> None:
    document = mlform("show", "-json").ok().json
    resources = json.loads(json.dumps(document))["values"]["root_module"]["resources"]
    made = resources[0]["provenance"]
    assert set(made) == {"applied_at", "applied_by", "mlform_version"}


def test_a_dead_run_is_recovered_by_commands_that_change_the_state(mlform: Commands) -> None:
    backend = LocalBackend(mlform.folder / "mlform.mlfstate")
    state = backend.read()
    assert state is not None
    run = Run(id="dead", operation="apply", who="ada@lab", started="2026-01-01T00:00:00Z")
    backend.begin(state, run)
    mlform("state", "rm", "mlform_data.b[0]").ok()
    assert mlform("state", "list").lines == ["mlform_data.a", "mlform_data.b[1]"]


def test_a_state_in_a_file_is_shown_as_the_one_in_use(mlform: Commands) -> None:
    mlform.file("kept.json", mlform("state", "pull").ok().out)
    assert mlform("show", "kept.json").ok().out == mlform("show").ok().out
    assert mlform("show", "-json", "kept.json").ok().out == mlform("show", "-json").ok().out
    mlform("show", "-markdown", "kept.json").refused("No plan to show")
    mlform.file("kept.json", "{")
    mlform("show", "kept.json").refused("kept.json")
    mlform("show", "none").refused("Failed to read the plan")
    mlform.file("main.mlf.hcl", CONFIG[: CONFIG.index('output "secret"')])
    mlform("apply", "-auto-approve").ok()
    mlform("plan", "-out=p", "-replace=mlform_data.a").ok()
    assert "1 to add" in mlform("show", "p").ok().out
