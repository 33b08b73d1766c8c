"""Called modules: values in and out, instances, order, targets, and what may not be."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlform.addresses import print_path
from mlform.plan.changes import Mode
from tests.engine import Engine, actions, change_of, read_back

CHILD = """
variable "word" {
  type    = string
  default = "none"
}

variable "parts" {
  type = object({ size = number, unit = optional(string, "rows") })
  default = { size = 1 }
}

locals {
  upper = upper(var.word)
}

resource "mlform_data" "a" {
  input = { word = local.upper, parts = var.parts, here = path.module }
}

output "word" {
  value = mlform_data.a.output.word
}

output "parts" {
  value = mlform_data.a.output.parts
}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path).file("m/main.mlf.hcl", CHILD)


def call(arguments: str, name: str = "m") -> str:
    return f'module "{name}" {{\n  source = "./m"\n  {arguments}\n}}\n'


def output(expression: str) -> str:
    return f'output "o" {{\n  value = {expression}\n}}\n'


def test_values_go_in_and_come_out(engine: Engine) -> None:
    engine.hcl = call('word = "x"\n  parts = { size = "3" }') + output("module.m")
    engine.ok()
    assert engine.outputs() == {"o": {"word": "X", "parts": {"size": 3, "unit": "rows"}}}
    attributes = engine.record("module.m.mlform_data.a").attributes["input"]
    assert attributes["value"]["here"] == "m"  # type: ignore[call-overload, index]


@pytest.mark.parametrize(
    ("repeats", "expression", "expected"),
    [
        ("count = 2\n  word = count.index", "module.m[*].word", ["0", "1"]),
        ("count = 2\n  word = count.index", "module.m[1].word", "1"),
        ('for_each = { k = "v" }\n  word = each.value', "module.m", {"k": "V"}),
        ('for_each = toset(["k"])\n  word = each.key', 'module.m["k"].word', "K"),
    ],
)
def test_instances(engine: Engine, repeats: str, expression: str, expected: object) -> None:
    if expression == "module.m":
        expression = "{ for k, m in module.m : k => m.word }"
    engine.hcl = call(repeats) + output(expression)
    engine.ok()
    assert engine.outputs() == {"o": expected}


def test_a_module_that_is_not_enabled_is_null(engine: Engine) -> None:
    engine.hcl = call("lifecycle {\n    enabled = false\n  }") + output(
        'module.m == null ? "absent" : "there"'
    )
    engine.ok()
    assert engine.outputs() == {"o": "absent"}
    assert engine.state.records == ()


def test_a_resource_that_is_not_enabled_is_null(engine: Engine) -> None:
    engine.hcl = (
        'variable "on" {\n  default = true\n}\n'
        'resource "mlform_data" "r" {\n  input = 1\n  lifecycle {\n    enabled = var.on\n  }\n}\n'
    ) + output("try(mlform_data.r.output, 0)")
    engine.ok()
    assert engine.outputs() == {"o": 1}
    planned = engine.plan(variables={"on": "false"})
    assert actions(planned.plan) == {"mlform_data.r": "delete"}
    engine.carry_out(planned)
    assert engine.outputs() == {"o": 0}


def test_modules_follow_each_other(engine: Engine) -> None:
    engine.hcl = call('word = "x"') + call("word = module.m.word\n  depends_on = [module.m]", "n")
    planned = engine.plan()
    steps = [step.id for step in planned.plan.steps]
    assert steps == ["create module.m.mlform_data.a", "create module.n.mlform_data.a"]
    engine.carry_out(planned)
    assert engine.record("module.n.mlform_data.a").dependencies == ("module.m.mlform_data.a",)
    engine.edit('"x"', '"y"')
    assert actions(engine.plan().plan) == {
        "module.m.mlform_data.a": "update",
        "module.n.mlform_data.a": "update",
    }
    destroyed = [step.id for step in engine.plan(mode=Mode.DESTROY).plan.steps]
    assert destroyed == ["delete module.n.mlform_data.a", "delete module.m.mlform_data.a"]


def test_a_target_may_be_a_module_or_an_instance_of_it(engine: Engine) -> None:
    engine.hcl = call("count = 2") + call("", "n")
    assert list(actions(engine.plan(targets=("module.m",)).plan)) == [
        "module.m[0].mlform_data.a",
        "module.m[1].mlform_data.a",
    ]
    assert list(actions(engine.plan(targets=("module.m[1]",)).plan)) == [
        "module.m[1].mlform_data.a"
    ]
    assert list(actions(engine.plan(targets=("module.n.mlform_data.a",)).plan)) == [
        "module.n.mlform_data.a"
    ]
    found = engine.problem(targets=("module.zzz",))
    assert found.summary == "Unknown target"


@pytest.mark.parametrize(
    ("text", "summary", "said"),
    [
        (call("wrod = 1"), "Unsupported argument", 'Did you mean "word"'),
        (call("word = []"), "Invalid value for input variable", "string required"),
        (call("") + output("module.m.wrod"), "Unsupported attribute", 'Did you mean "word"'),
        (call("") + output("module.n.word"), "Reference to undeclared module", "Declared are: m"),
        (
            call("count = 1") + output("module.m.word"),
            "Missing resource instance key",
            "module.m[0].word",
        ),
        (
            call("count = module.n.word", "m") + call("", "n"),
            "Invalid count argument",
            "",
        ),
        (call("word = module.n.word") + call("word = module.m.word", "n"), "Cycle", "module.n"),
    ],
)
def test_mistakes_in_calls(engine: Engine, text: str, summary: str, said: str) -> None:
    engine.hcl = text
    found = engine.problem()
    assert (found.summary, found.range is not None) == (summary, True)
    assert said in found.detail


def test_validations_of_a_module_show_at_the_argument(engine: Engine) -> None:
    child = CHILD.replace(
        'default = "none"\n',
        'default = "none"\n  validation {\n    condition = length(var.word) < local.most\n'
        '    error_message = "Too long."\n  }\n',
    ).replace("locals {", "locals {\n  most = 3")
    engine.file("m/main.mlf.hcl", child)
    engine.hcl = call('word = "much too long"')
    found = engine.problem()
    assert found.summary == "Invalid value for variable"
    assert "Too long." in found.detail
    assert found.range is not None
    assert found.range.filename == "main.mlf.hcl"


# Checks and conditions


def test_a_failed_check_warns_and_does_not_stop(engine: Engine) -> None:
    engine.hcl = (
        'resource "mlform_data" "r" {\n  input = 1\n}\n'
        'check "c" {\n  assert {\n    condition = mlform_data.r.output == 2\n'
        '    error_message = "It is ${mlform_data.r.output}."\n  }\n}\n'
    )
    planned = engine.plan()
    assert [(item.address, item.status.value) for item in planned.plan.checks] == [
        ("check.c", "unknown")
    ]
    ran = engine.carry_out(planned)
    assert [item.detail for item in ran.applied.warnings] == ["It is 1."]
    again = engine.plan().plan
    assert [item.summary for item in again.warnings] == ["Check block assertion failed"]
    assert [item.status.value for item in again.checks] == ["fail"]


def test_a_precondition_of_an_output_stops(engine: Engine) -> None:
    engine.hcl = (
        'output "o" {\n  value = 1\n  precondition {\n    condition = length(path.module) > 9\n'
        '    error_message = "No."\n  }\n}\n'
    )
    assert engine.problem().summary == "Module output value precondition failed"


# Ephemeral values

EPHEMERAL = 'variable "token" {\n  type = string\n  ephemeral = true\n}\n'


def test_ephemeral_values_are_used_and_not_kept(engine: Engine) -> None:
    engine.hcl = EPHEMERAL + output("ephemeralasnull(var.token) == null")
    planned = engine.plan(variables={"token": "t"})
    engine.carry_out(planned)
    assert engine.outputs() == {"o": True}


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        (
            'resource "mlform_data" "r" {\n  input = [var.token]\n}\n',
            "Invalid use of ephemeral value",
        ),
        (output("var.token"), "Output refers to ephemeral values"),
        (call("word = var.token"), "Ephemeral value not allowed"),
        (
            'resource "mlform_data" "r" {\n  count = length(var.token)\n}\n',
            "Invalid count argument",
        ),
    ],
)
def test_ephemeral_values_go_nowhere_they_would_be_kept(
    engine: Engine, text: str, summary: str
) -> None:
    engine.hcl = EPHEMERAL + text
    assert summary in [item.summary for item in engine.problems(variables={"token": "t"})]


# lifecycle


def test_a_trigger_may_name_the_same_key(engine: Engine) -> None:
    engine.hcl = (
        'variable "v" {\n  type = map(string)\n  default = { a = "1", b = "1" }\n}\n'
        'resource "mlform_data" "r" {\n  for_each = var.v\n  input = each.value\n}\n'
        'resource "mlform_data" "s" {\n  for_each = var.v\n  lifecycle {\n'
        "    replace_triggered_by = [mlform_data.r[each.key].output]\n  }\n}\n"
    )
    engine.ok()
    planned = engine.plan(variables={"v": '{ a = "1", b = "2" }'})
    assert actions(planned.plan) == {
        'mlform_data.r["b"]': "update",
        'mlform_data.s["b"]': "delete-create",
    }


def test_a_path_of_an_argument_is_ignored(engine: Engine) -> None:
    engine.hcl = (
        'resource "mlform_data" "r" {\n  input = { a = 1, b = [1, 2] }\n  lifecycle {\n'
        "    ignore_changes = [input.a, input.b[0]]\n  }\n}\n"
    )
    engine.ok()
    engine.edit("{ a = 1, b = [1, 2] }", "{ a = 5, b = [6, 3] }")
    after = change_of(engine.plan(), "mlform_data.r").after
    assert after is not None
    assert after["input"] == {"a": 1, "b": [1, 3]}


def test_checks_outside_the_targets_are_left_alone(engine: Engine) -> None:
    engine.hcl = (
        'resource "mlform_data" "r" {\n  input = 1\n}\nresource "mlform_data" "s" {}\n'
        'check "c" {\n  assert {\n    condition = mlform_data.s.id == "x"\n'
        '    error_message = "No."\n  }\n}\n'
    )
    (warning,) = engine.apply(targets=("mlform_data.r",)).applied.warnings
    assert warning.summary == "Applied changes may be incomplete"


def test_times_and_random_values_are_known_when_applied(engine: Engine) -> None:
    engine.hcl = (
        'resource "mlform_data" "r" {\n  input = [timestamp(), uuid(), bcrypt("x")]\n}\n'
        'resource "mlform_data" "s" {\n  input = plantimestamp()\n}\n'
    )
    planned = engine.plan()
    assert ("input", 0) in change_of(planned, "mlform_data.r").after_unknown
    known = change_of(planned, "mlform_data.s").after
    assert known is not None
    engine.carry_out(planned)
    first, second = (engine.record(f"mlform_data.{name}").attributes["input"] for name in "rs")
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert second["value"] == known["input"]
    assert all(isinstance(item, str) and item for item in first["value"])


def test_conditions_that_had_to_wait_are_errors_after_apply(engine: Engine) -> None:
    engine.hcl = (
        'resource "mlform_data" "r" {\n  input = 1\n}\n'
        'variable "v" {\n  type = number\n  default = 5\n  validation {\n'
        '    condition = var.v < mlform_data.r.output\n    error_message = "Too much."\n  }\n}\n'
        'output "o" {\n  value = 1\n  precondition {\n    condition = mlform_data.r.output == 2\n'
        '    error_message = "Not two."\n  }\n}\n'
    )
    ran = engine.apply()
    assert [item.summary for item in ran.applied.problems] == [
        "Invalid value for variable",
        "Module output value precondition failed",
    ]
    assert not ran.applied.is_whole
    assert {item.summary for item in engine.problems()} == {
        item.summary for item in ran.applied.problems
    }


def test_a_plan_tells_which_outputs_of_modules_have_a_value(engine: Engine) -> None:
    engine.file("m/more.mlf.hcl", 'output "nothing" {\n  value = null\n}\n')
    engine.hcl = call("count = 2") + call('for_each = toset(["k"])', "other")
    plan = read_back(engine.plan().plan)
    paths = ("module.m[0]", "module.m[1]", 'module.other["k"]')
    assert {(print_path(path), name) for path, name in plan.module_outputs} == {
        (path, name) for path in paths for name in ("word", "parts")
    }
    assert engine.plan(targets=("module.other",)).plan.module_outputs == ()
    engine.ok()
    assert engine.plan(mode=Mode.DESTROY).plan.module_outputs == ()
