"""`moved` and `removed` blocks, `count` that comes or goes, and `lifecycle { destroy = false }`."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlform.diagnostics import ConfigurationError
from tests.engine import Engine, actions, change_of

ONE = 'resource "mlform_data" "a" {\n  input = "x"\n}\n'
CHILD = (
    'resource "mlform_data" "a" {\n  input = "x"\n}\noutput "id" {\n  value = mlform_data.a.id\n}\n'
)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = Engine(tmp_path, ONE)
    engine.ok()
    return engine


def moved(source: str, target: str) -> str:
    return f"moved {{\n  from = {source}\n  to   = {target}\n}}\n"


def addresses(engine: Engine) -> list[str]:
    return [str(record.address) for record in engine.state.records]


def refusals(engine: Engine) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        engine.plan()
    return [item.summary for item in caught.value.diagnostics]


def test_a_renamed_object_keeps_its_identity(engine: Engine) -> None:
    identity = engine.record("mlform_data.a").attributes["id"]
    engine.hcl = ONE.replace('"a"', '"b"') + moved("mlform_data.a", "mlform_data.b")
    planned = engine.plan()
    change = change_of(planned, "mlform_data.b")
    assert (change.action.value, str(change.previous_address)) == ("no-op", "mlform_data.a")
    assert planned.plan.has_changes
    engine.carry_out(planned)
    assert addresses(engine) == ["mlform_data.b"]
    assert engine.record("mlform_data.b").attributes["id"] == identity
    assert not engine.plan().plan.has_changes


def test_chains_are_followed_to_their_end(engine: Engine) -> None:
    identity = engine.record("mlform_data.a").attributes["id"]
    engine.hcl = ONE.replace('"a"', '"c"')
    engine.hcl += moved("mlform_data.b", "mlform_data.c") + moved("mlform_data.a", "mlform_data.b")
    planned = engine.plan()
    assert str(change_of(planned, "mlform_data.c").previous_address) == "mlform_data.a"
    engine.carry_out(planned)
    assert engine.record("mlform_data.c").attributes["id"] == identity


def test_nothing_moves_to_where_something_is(engine: Engine) -> None:
    engine.hcl += ONE.replace('"a"', '"b"')
    engine.ok()
    engine.hcl = ONE.replace('"a"', '"b"') + moved("mlform_data.a", "mlform_data.b")
    planned = engine.plan()
    assert actions(planned.plan) == {"mlform_data.a": "delete"}
    assert [item.summary for item in planned.plan.warnings] == [
        "Unresolved resource instance address changes"
    ]


@pytest.mark.parametrize(
    ("repeats", "address"), [("count = 2", "mlform_data.a[0]"), ("", "mlform_data.a")]
)
def test_a_changed_count_moves_the_first(engine: Engine, repeats: str, address: str) -> None:
    other = "" if repeats else "count = 1"
    engine.hcl = ONE.replace("input", f"{other}\n  input")
    engine.ok()
    identity = engine.state.records[0].attributes["id"]
    engine.hcl = ONE.replace("input", f"{repeats}\n  input")
    planned = engine.plan()
    assert change_of(planned, address).action.value == "no-op"
    engine.carry_out(planned)
    assert engine.record(address).attributes["id"] == identity


def test_an_instance_moves_to_a_key(engine: Engine) -> None:
    identity = engine.record("mlform_data.a").attributes["id"]
    engine.hcl = ONE.replace("input", 'for_each = toset(["k"])\n  input')
    engine.hcl += moved("mlform_data.a", 'mlform_data.a["k"]')
    engine.ok()
    assert engine.record('mlform_data.a["k"]').attributes["id"] == identity


def test_into_a_module_out_of_it_and_with_it(engine: Engine) -> None:
    identity = engine.record("mlform_data.a").attributes["id"]
    engine.file("m/main.mlf.hcl", CHILD)
    call = 'module "NAME" {\n  source = "./m"\n}\n'
    engine.hcl = call.replace("NAME", "one") + moved("mlform_data.a", "module.one.mlform_data.a")
    engine.ok()
    assert addresses(engine) == ["module.one.mlform_data.a"]
    engine.hcl = call.replace("NAME", "two") + moved("module.one", "module.two")
    engine.ok()
    assert addresses(engine) == ["module.two.mlform_data.a"]
    engine.hcl = call.replace("NAME", "two").replace("source", "count = 2\n  source")
    engine.hcl += moved("module.two", "module.two[1]")
    engine.ok()
    assert engine.record("module.two[1].mlform_data.a").attributes["id"] == identity


def test_moves_inside_a_module_hold_for_each_instance(engine: Engine) -> None:
    engine.file("m/main.mlf.hcl", CHILD)
    engine.hcl = 'module "m" {\n  for_each = toset(["k", "l"])\n  source   = "./m"\n}\n'
    engine.ok()
    text = CHILD.replace('"a"', '"b"').replace("mlform_data.a", "mlform_data.b")
    engine.file("m/main.mlf.hcl", text + moved("mlform_data.a", "mlform_data.b"))
    planned = engine.plan()
    assert actions(planned.plan) == {}
    engine.carry_out(planned)
    assert addresses(engine) == ['module.m["k"].mlform_data.b', 'module.m["l"].mlform_data.b']


def test_who_refers_to_what_moved_does_not_change(tmp_path: Path) -> None:
    engine = Engine(tmp_path).with_pipeline()
    engine.ok()
    engine.hcl = engine.hcl.replace('"split" "s"', '"split" "t"').replace("split.s", "split.t")
    engine.hcl += moved("split.s", "split.t")
    planned = engine.plan()
    assert actions(planned.plan) == {}
    ran = engine.carry_out(planned)
    assert ran.ran == []
    assert engine.record("model.m").attributes["split"] == "split.t"
    assert engine.record("model.m").dependencies == ("split.t",)
    assert not engine.plan().plan.has_changes


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        (ONE + moved("mlform_data.a", "mlform_data.b"), "Moved object still exists"),
        (moved("mlform_data.a", "mlform_data.a"), "Redundant move statement"),
        (
            moved("mlform_data.a", "mlform_data.b") + moved("mlform_data.b", "mlform_data.a"),
            "Cyclic dependency in move statements",
        ),
        (
            moved("mlform_data.a", "mlform_data.b") + moved("mlform_data.a", "mlform_data.c"),
            "Ambiguous move statements",
        ),
        (
            moved("mlform_data.a", "mlform_data.c") + moved("mlform_data.b", "mlform_data.c"),
            "Ambiguous move statements",
        ),
    ],
)
def test_statements_that_contradict_are_refused(engine: Engine, text: str, summary: str) -> None:
    engine.hcl = text
    assert summary in refusals(engine)


# Going away


def test_what_is_removed_without_destroying_is_forgotten(engine: Engine) -> None:
    engine.hcl = "removed {\n  from = mlform_data.a\n  lifecycle {\n    destroy = false\n  }\n}\n"
    planned = engine.plan()
    assert actions(planned.plan) == {"mlform_data.a": "forget"}
    ran = engine.carry_out(planned)
    assert ran.counts == (0, 0, 0)
    assert addresses(engine) == []


def test_what_must_stay_is_forgotten_even_without_its_block(engine: Engine) -> None:
    engine.hcl = ONE.replace("input", "lifecycle {\n    destroy = false\n  }\n  input")
    engine.ok()
    engine.hcl = 'output "nothing" {\n  value = 1\n}\n'
    assert actions(engine.plan().plan) == {"mlform_data.a": "forget"}


def test_a_replacement_of_what_must_stay_forgets_the_old(engine: Engine) -> None:
    engine.hcl = ONE.replace(
        "input", "triggers_replace = 1\n  lifecycle {\n    destroy = false\n  }\n  input"
    )
    engine.ok()
    identity = engine.record("mlform_data.a").attributes["id"]
    engine.edit("triggers_replace = 1", "triggers_replace = 2")
    planned = engine.plan()
    change = change_of(planned, "mlform_data.a")
    assert change.action.terraform_actions == ("forget", "create")
    engine.carry_out(planned)
    assert engine.record("mlform_data.a").attributes["id"] != identity


def test_reasons_of_absence_are_terraforms(engine: Engine) -> None:
    engine.file("m/main.mlf.hcl", CHILD)
    engine.hcl = (
        ONE.replace("input", "count = 2\n  input")
        + ONE.replace('"a"', '"b"').replace("input", 'for_each = toset(["k", "l"])\n  input')
        + 'module "m" {\n  count  = 2\n  source = "./m"\n}\n'
    )
    engine.ok()
    engine.edit("count = 2\n  input", "count = 1\n  input").edit('["k", "l"]', '["k"]')
    engine.edit("count  = 2", "count  = 1")
    absences = {
        str(change.address): change.absence.value
        for change in engine.plan().plan.changes
        if change.absence is not None
    }
    assert absences == {
        "mlform_data.a[1]": "delete_because_count_index",
        'mlform_data.b["l"]': "delete_because_each_key",
        "module.m[1].mlform_data.a": "delete_because_no_module",
    }


def test_a_renamed_endpoint_gets_a_server_of_its_new_name(tmp_path: Path) -> None:
    engine = Engine(tmp_path).with_pipeline()
    engine.ok()
    engine.hcl = engine.hcl.replace('"endpoint" "p"', '"endpoint" "q"')
    planned = engine.plan()
    assert actions(planned.plan) == {"endpoint.p": "delete", "endpoint.q": "create"}
    engine.hcl += moved("endpoint.p", "endpoint.q")
    planned = engine.plan()
    assert actions(planned.plan) == {"endpoint.q": "create-delete"}
    assert "answers under the name p" in change_of(planned, "endpoint.q").reasons[0].message
    engine.carry_out(planned)
    assert engine.record("endpoint.q").handle["home"] == "endpoint.p"
    assert not engine.plan().plan.has_changes


def test_another_endpoint_of_the_old_name_has_a_route_of_its_own(tmp_path: Path) -> None:
    engine = Engine(tmp_path).with_pipeline()
    engine.ok()
    old = engine.hcl[engine.hcl.index('resource "endpoint"') : engine.hcl.index("output")]
    engine.hcl = engine.hcl.replace('"endpoint" "p"', '"endpoint" "q"')
    engine.hcl += moved("endpoint.p", "endpoint.q")
    engine.ok()
    engine.hcl = engine.hcl.replace(moved("endpoint.p", "endpoint.q"), "")
    engine.hcl += old.replace("8080", "8081")
    engine.ok()
    assert engine.record("endpoint.p").handle["home"] == "endpoint.p-2"
