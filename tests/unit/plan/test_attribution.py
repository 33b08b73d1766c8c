"""Which change an attribute follows from: named by address, wherever its value came through."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlform.addresses import ResourceAddress
from mlform.plan.attribution import attributions
from mlform.plan.changes import Action, Cause, Change
from tests.engine import Engine, change_of, read_back

CHILD = """
variable "word" {}
variable "other" {
  default = "o"
}
resource "mlform_data" "x" {
  input = var.word
}
output "word" {
  value = mlform_data.x.output
}
output "other" {
  value = var.other
}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path).file("m/main.mlf.hcl", CHILD)


def upstreams(engine: Engine, before: str, after: str, address: str) -> list[str]:
    """Apply, edit, plan, and return what the input of an object follows from."""
    engine.ok()
    engine.edit(before, after)
    planned = engine.plan()
    assert read_back(planned.plan) == planned.plan
    change = change_of(planned, address)
    told = [reason for reason in change.reasons if reason.path[:1] == ("input",)]
    assert {item.cause for item in told} <= {Cause.UPSTREAM, Cause.CONFIG}
    found = [reason.upstream for reason in told if reason.upstream]
    inputs = [item for item in change.attributions if item.path[:1] == ("input",)]
    assert {name for item in inputs for name in item.upstream} == set(found)
    assert {item.causes for item in inputs} == {(Cause.UPSTREAM,) if found else (Cause.CONFIG,)}
    return found


def user(expression: str, more: str = "") -> str:
    return f'resource "mlform_data" "user" {{\n  {more}\n  input = {expression}\n}}\n'


A = 'resource "mlform_data" "a" {\n  input = "one"\n}\n'
B = 'resource "mlform_data" "b" {\n  input = "b"\n}\n'
EDIT = ('"one"', '"two"')


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("mlform_data.a.output", ["mlform_data.a"]),
        ("[mlform_data.a.output, mlform_data.b.output]", ["mlform_data.a"]),
        ("mlform_data.a.input", ["mlform_data.a"]),
        ('"${local.deep}-${mlform_data.b.id}"', ["mlform_data.a"]),
        ("mlform_data.a", ["mlform_data.a"]),
        ("{ k = [mlform_data.b.id], l = mlform_data.a.output }", ["mlform_data.a"]),
    ],
)
def test_what_changes_is_named_and_what_does_not_is_not(
    engine: Engine, expression: str, expected: list[str]
) -> None:
    engine.hcl = A + B + user(expression)
    engine.hcl += "locals {\n  deep = local.base\n  base = mlform_data.a.output\n}\n"
    assert upstreams(engine, *EDIT, "mlform_data.user") == expected


def test_a_block_is_named_for_very_many_of_its_instances(engine: Engine) -> None:
    many = 'resource "mlform_data" "m" {\n  count = 17\n  input = "one"\n}\n'
    engine.hcl = many + user("mlform_data.m[count.index].output", "count = 17")
    assert upstreams(engine, *EDIT, "mlform_data.user[3]") == ["mlform_data.m"]


def test_all_of_several_are_named(engine: Engine) -> None:
    engine.hcl = A + 'resource "mlform_data" "c" {\n  input = mlform_data.a.output\n}\n'
    engine.hcl += user("[mlform_data.a.output, mlform_data.c.output]")
    found = upstreams(engine, *EDIT, "mlform_data.user")
    assert found == ["mlform_data.a", "mlform_data.c"]


def test_an_edit_is_an_edit_though_something_upstream_changes_elsewhere(engine: Engine) -> None:
    engine.hcl = A + user('"v1-${mlform_data.a.id}"')
    engine.ok()
    engine.edit(*EDIT)
    assert upstreams(engine, '"v1-', '"v2-', "mlform_data.user") == []


@pytest.mark.parametrize(
    ("call", "expression"),
    [
        ("word = mlform_data.a.output", "module.m.word"),
        ("word = mlform_data.a.output", "module.m"),
        ("count = 2\n  word = mlform_data.a.output", "module.m[*].word"),
        ("for_each = { k = mlform_data.a.input }\n  word = each.value", 'module.m["k"].word'),
        ("for_each = { k = mlform_data.a.input }\n  word = each.value", "values(module.m)[*].word"),
    ],
)
def test_modules_are_looked_through(engine: Engine, call: str, expression: str) -> None:
    engine.hcl = A + f'module "m" {{\n  source = "./m"\n  {call}\n}}\n' + user(expression)
    found = upstreams(engine, *EDIT, "mlform_data.user")
    assert found
    assert all(item.startswith("module.m") and item.endswith(".mlform_data.x") for item in found)
    inside = change_of(engine.plan(), found[0])
    assert [reason.upstream for reason in inside.reasons] == ["mlform_data.a"]


def test_what_only_passes_through_a_module_is_named_itself(engine: Engine) -> None:
    engine.hcl = A + (
        'module "m" {\n  source = "./m"\n  word = "w"\n  other = mlform_data.a.output\n}\n'
    )
    engine.hcl += user("module.m.other")
    assert upstreams(engine, *EDIT, "mlform_data.user") == ["mlform_data.a"]


@pytest.mark.parametrize(
    ("repeats", "expression", "address", "expected"),
    [
        ("count = 2", "mlform_data.a.output", "mlform_data.user[1]", ["mlform_data.a"]),
        (
            "for_each = { k = mlform_data.a.input }",
            "each.value",
            'mlform_data.user["k"]',
            ["mlform_data.a"],
        ),
    ],
)
def test_instances(
    engine: Engine, repeats: str, expression: str, address: str, expected: list[str]
) -> None:
    engine.hcl = A + user(expression, repeats)
    assert upstreams(engine, *EDIT, address) == expected


MANY = 'resource "mlform_data" "n" {\n  count = 3\n  input = "i${count.index}"\n}\n'


def test_one_instance_of_many(engine: Engine) -> None:
    engine.hcl = MANY + user("mlform_data.n[1].output")
    engine.ok()
    engine.edit('"i${count.index}"', 'count.index == 1 ? "x" : "i${count.index}"')
    change = change_of(engine.plan(), "mlform_data.user")
    assert [reason.upstream for reason in change.reasons] == ["mlform_data.n[1]"]


def test_instances_that_come_and_go(engine: Engine) -> None:
    engine.hcl = MANY + user("mlform_data.n[*].input")
    assert upstreams(engine, "count = 3", "count = 2", "mlform_data.user") == ["mlform_data.n[2]"]
    engine.ok()
    assert upstreams(engine, "count = 2", "count = 3", "mlform_data.user") == ["mlform_data.n[2]"]


def test_values_that_only_apply_can_tell_are_an_edit(engine: Engine) -> None:
    engine.hcl = A + user('"one"').replace('"one"', "1")
    engine.ok()
    engine.edit("input = 1", "input = timestamp()")
    change = change_of(engine.plan(), "mlform_data.user")
    assert [(item.cause, item.message) for item in change.reasons] == [
        (Cause.CONFIG, "input is known only after apply")
    ]


def test_arguments_inside_of_blocks(engine: Engine) -> None:
    engine.with_pipeline()
    engine.edit("rounds = 10", "rounds = mlform_data.r.output\n    params = { depth = 4 }")
    engine.hcl += 'resource "mlform_data" "r" {\n  input = 10\n}\n'
    engine.ok()
    engine.edit("input = 10", "input = 12").edit("depth = 4", "depth = 5")
    planned = engine.plan()
    change = change_of(planned, "model.m")
    assert [(item.cause, item.path, item.upstream) for item in change.reasons] == [
        (Cause.CONFIG, ("algorithm", "params", "depth"), None),
        (Cause.UPSTREAM, ("algorithm", "rounds"), "mlform_data.r"),
    ]
    tags = {item.path: item.causes for item in change.attributions}
    assert tags["algorithm", "params", "depth"] == (Cause.CONFIG,)
    assert tags["algorithm", "rounds"] == (Cause.UPSTREAM,)
    assert tags["digest",] == (Cause.CONFIG, Cause.UPSTREAM)
    engine.carry_out(planned)
    assert not engine.plan().plan.has_changes


def test_an_argument_that_may_turn_out_as_it_was_makes_a_condition(engine: Engine) -> None:
    engine.with_pipeline()
    engine.edit("rounds = 10", "rounds = mlform_data.r.output[1]")
    engine.hcl += 'resource "mlform_data" "r" {\n  input = [1, 2]\n}\n'
    engine.ok()
    engine.edit("[1, 2]", "[3, 2]")
    planned = engine.plan()
    assert change_of(planned, "model.m").conditional
    ran = engine.carry_out(planned)
    assert "model.m" not in ran.ran
    assert not engine.plan().plan.has_changes


def test_dynamic_blocks(engine: Engine) -> None:
    engine.with_pipeline()
    engine.edit(
        '  gate {\n    metric = "score"\n    min    = 0.5\n  }',
        '  dynamic "gate" {\n    for_each = mlform_data.r.input\n    content {\n'
        '      metric = "score"\n      min    = gate.value\n    }\n  }',
    )
    engine.hcl += 'resource "mlform_data" "r" {\n  input = [0.5]\n}\n'
    engine.ok()
    engine.edit("[0.5]", "[0.4]")
    change = change_of(engine.plan(), "evaluation.e")
    assert [(item.path, item.upstream) for item in change.reasons] == [
        (("gate", 0, "min"), "mlform_data.r")
    ]


def test_secrets_are_not_told(engine: Engine) -> None:
    engine.hcl = 'variable "key" {\n  sensitive = true\n}\n' + user("{ k = var.key }")
    engine.ok({"key": "first"})
    change = change_of(engine.plan(variables={"key": "second"}), "mlform_data.user")
    assert "second" not in " ".join(reason.message for reason in change.reasons)


def test_of_very_many_places_it_is_said_once(engine: Engine) -> None:
    engine.hcl = 'variable "by" {\n  default = 1\n}\n' + user(
        "[for i in range(1, 99) : i * var.by]"
    )
    engine.ok()
    change = change_of(engine.plan(variables={"by": "2"}), "mlform_data.user")
    assert [item.path for item in change.reasons] == [("input",)]
    assert [item.path for item in change.attributions] == [("input",), ("output",)]


def test_of_very_many_places_those_that_were_null_are_told_once() -> None:
    many = 20_000
    change = Change(
        address=ResourceAddress("mlform_data", "user"),
        action=Action.UPDATE,
        before={"input": [*range(many), None]},
        after={"input": [None] * (many + 1)},
        after_unknown=tuple(("input", at) for at in range(many + 1)),
    )
    (found,) = attributions(change, frozenset(), lambda path: (str(len(path)),))
    assert (found.path, found.upstream) == (("input",), ("1",))
