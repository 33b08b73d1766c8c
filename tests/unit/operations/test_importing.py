"""Objects that exist already, found by an id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mlform.addresses import parse_address, parse_target
from mlform.config.write import resource_text
from mlform.dataclass import replace
from mlform.digests import Digest, Json, short
from mlform.operations.importing import Surroundings, find
from mlform.operations.plan import make_plan
from mlform.operations.results import PlanOptions
from mlform.operations.world import World
from mlform.plan.origins import ImportedObject, ImportProblem
from mlform.state.snapshot import Provenance, State
from mlform.store.memory import MemoryStore
from mlform.wiring import KindTable
from tests.engine import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = Engine(tmp_path).with_pipeline()
    engine.ok()
    return engine


def looked_up(
    engine: Engine, kind: str, id_: str, state: State | None = None
) -> ImportedObject | ImportProblem:
    world = World(engine.environment([]), {}, {}, state)
    try:
        return world.imported(kind, id_)
    finally:
        world.close()


def found(engine: Engine, kind: str, id_: str, state: State | None = None) -> ImportedObject:
    item = looked_up(engine, kind, id_, state)
    assert isinstance(item, ImportedObject), item
    return item


def problem(engine: Engine, kind: str, id_: str) -> ImportProblem:
    item = looked_up(engine, kind, id_)
    assert isinstance(item, ImportProblem), item
    return item


ARTIFACTS = ("dataset.d", "split.s", "model.m", "evaluation.e")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        *((address, name) for address in ARTIFACTS for name in ("id", "recipe", "artifact")),
        *(("endpoint.p", name) for name in ("id", "container")),
    ],
)
def test_import_of_what_apply_made_gives_the_same_record(
    engine: Engine, address: str, name: str
) -> None:
    record = engine.record(address)
    ids = {
        "id": str(record.attributes["id"]),
        "recipe": str(record.recipe_digest),
        "artifact": str(record.artifact),
        "container": str(record.attributes.get("container")),
    }
    item = found(engine, record.address.kind, ids[name])
    again = item.record(
        record.address,
        provenance=record.provenance,
        runtime=str(record.handle["runtime"]),
        dependencies=record.dependencies,
    )
    made = replace(again, create_before_destroy=record.create_before_destroy)
    assert made == record


def test_arguments_name_what_upstream_is_called_now(engine: Engine) -> None:
    record = engine.record("split.s")
    dataset = engine.record("dataset.d")
    other = replace(dataset, address=parse_address("dataset.other"))
    state = State(lineage="x", objects={(other.address, ""): other})
    assert (
        found(engine, "split", str(record.artifact), state).attributes["dataset"] == "dataset.other"
    )
    assert found(engine, "split", str(record.artifact)).attributes["dataset"] == "dataset.d"


def test_what_is_written_of_an_import_is_what_was_configured(engine: Engine) -> None:
    item = found(engine, "model", str(engine.record("model.m").artifact))
    text = resource_text(parse_address("model.m"), KindTable()["model"].schema, item.values)
    assert text == (
        'resource "model" "m" {\n  split  = split.s\n  target = "y"\n\n'
        '  algorithm "xgboost" {\n    rounds = 10\n  }\n}\n'
    )


def test_value_has_its_id_and_nothing_else(engine: Engine) -> None:
    item = found(engine, "mlform_data", "abc")
    assert item.attributes == {
        "id": "abc",
        "input": None,
        "output": None,
        "triggers_replace": None,
    }
    provenance = Provenance(applied_at="", applied_by="", mlform_version="")
    record = item.record(parse_address("mlform_data.a"), provenance=provenance)
    assert record.handle == {}
    assert record.schema_version == 1


def test_ids_that_name_nothing(engine: Engine) -> None:
    unknown = Digest("sha256:" + "0" * 64)
    assert problem(engine, "dataset", "").summary == "Invalid import id"
    assert problem(engine, "mlform_data", "").summary == "Invalid import id"
    assert problem(engine, "dataset", "titanic").summary == "Invalid import id"
    assert problem(engine, "dataset", "abc").summary == "Invalid import id"
    assert problem(engine, "dataset", unknown).summary == "Cannot import non-existent object"
    assert problem(engine, "endpoint", "nobody").summary == "Cannot import non-existent object"


def test_import_as_another_kind(engine: Engine) -> None:
    record = engine.record("dataset.d")
    said = problem(engine, "split", str(record.artifact))
    assert said.summary == "Import of another kind"
    assert "is a dataset, not a split" in said.detail


def test_result_without_origin_is_told_apart(engine: Engine) -> None:
    record = engine.record("dataset.d")
    digest = record.recipe_digest
    assert digest is not None
    result = dict(engine.store.recall(digest) or {})
    del result["origin"]
    engine.store.remember(digest, result)
    said = problem(engine, "dataset", digest)
    assert said.summary == "Cannot import what is not told"
    assert "run apply" in said.detail


def test_sensitive_arguments_are_not_kept(tmp_path: Path) -> None:
    engine = Engine(tmp_path).with_pipeline()
    engine.edit('target = "y"', 'target = sensitive("y")').edit(
        "port     = 8080", 'port     = 8080\n  env = { A = sensitive("secret") }'
    ).ok()
    record = engine.record("model.m")
    said = problem(engine, "model", str(record.artifact))
    assert "sensitive" in said.detail
    endpoint = engine.record("endpoint.p")
    assert problem(engine, "endpoint", str(endpoint.attributes["id"])).summary == (
        "Cannot import non-existent object"
    )
    notes = [path.read_text() for path in (tmp_path / ".mlform").rglob("*.json")]
    assert not any("secret" in note for note in notes)


def test_server_that_does_not_run_is_not_imported(engine: Engine) -> None:
    record = engine.record("endpoint.p")
    id_ = str(record.attributes["id"])
    server = record.handle["server"]
    assert isinstance(server, dict)
    engine.runtime.stop_server(server)
    assert problem(engine, "endpoint", id_).summary == "Cannot import an object that does not work"


def test_note_of_a_server_goes_with_the_server(engine: Engine) -> None:
    folder = engine.folder / ".mlform" / "served"
    assert len(list(folder.iterdir())) == 1
    engine.edit("rounds = 10", "rounds = 11").ok()
    (path,) = folder.iterdir()
    assert str(engine.record("endpoint.p").recipe_digest) in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_name_that_dvc_has_for_an_artifact(engine: Engine) -> None:
    artifact = engine.record("dataset.d").artifact
    assert artifact is not None
    name = engine.store.describe(artifact).folder_md5
    assert found(engine, "dataset", name).artifact == artifact
    assert problem(engine, "dataset", "0" * 32 + ".dir").summary == "Invalid import id"


def test_short_digest_names_one_of_several(engine: Engine) -> None:
    records = [engine.record("model.m")]
    engine.edit("rounds = 10", "rounds = 11").ok()
    records.append(engine.record("model.m"))
    for record in records:
        assert record.artifact is not None
        assert found(engine, "model", short(record.artifact)).artifact == record.artifact


class AlikeStore(MemoryStore):
    """Two artifacts whose digests begin alike, which nobody could make."""

    def recipes(self) -> Iterator[Digest]:
        return iter((Digest(f"sha256:{'1' * 64}"), Digest(f"sha256:{'2' * 64}")))

    def recall(self, recipe: Digest) -> Mapping[str, Json] | None:
        return {"artifact": f"sha256:{'a' * 12}{recipe[-52:]}"}


def test_short_digest_that_fits_several(tmp_path: Path) -> None:
    where = Surroundings(
        store=AlikeStore(tmp_path), data_folder=tmp_path, observe=lambda _: (), addresses={}
    )
    said = find(KindTable()["model"], "a" * 12, where)
    assert isinstance(said, ImportProblem)
    assert said.summary == "Ambiguous import id"
    assert f"{'a' * 12}{'1' * 52}, sha256:{'a' * 12}{'2' * 52}" in said.detail
    one = find(KindTable()["model"], f"sha256:{'a' * 12}{'1' * 52}", where)
    assert isinstance(one, ImportProblem)
    assert one.summary == "Cannot import what is not told"


def test_only_what_is_planned_is_generated(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    engine.hcl = "".join(
        f'import {{\n  to = mlform_data.{name}\n  id = "{name}"\n}}\n' for name in "abc"
    )
    engine.file("main.mlf.hcl", engine.hcl)
    for given, expected in (
        ({"targets": "mlform_data.b"}, ["b"]),
        ({"excluded": "mlform_data.b"}, ["a", "c"]),
    ):
        path = tmp_path / "generated.mlf.hcl"
        options = PlanOptions(
            generate_config_out=path,
            **{name: (parse_target(text),) for name, text in given.items()},  # type: ignore[arg-type]
        )
        planned = make_plan(engine.environment([]), options)
        assert [str(item.address) for item in planned.plan.imports] == [
            f"mlform_data.{name}" for name in expected
        ]
        written = [f'"{name}" {{' in path.read_text() for name in "abc"]
        assert written == [name in expected for name in "abc"]
        path.unlink()
