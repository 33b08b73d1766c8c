from __future__ import annotations

from pathlib import Path

import pytest

from mlform.diagnostics import ConfigurationError
from mlform.errors import UsageError
from mlform.operations.suite_outcomes import LeftBehind, TearingDown
from mlform.plan.changes import Mode
from tests.engine import DATA, PIPELINE
from tests.suites import Project

VALUES = """
variable "name" {
  type    = string
  default = "default"
  validation {
    condition     = var.name != ""
    error_message = "the name is empty"
  }
}
resource "mlform_data" "a" {
  input = var.name
  lifecycle {
    precondition {
      condition     = var.name != "pre"
      error_message = "pre fails"
    }
    postcondition {
      condition     = self.output != "post"
      error_message = "post fails"
    }
  }
}
output "name" {
  value = mlform_data.a.output
}
check "c" {
  assert {
    condition     = var.name != "checked"
    error_message = "c fails"
  }
}
"""
SECOND = """
resource "mlform_data" "m" {
  input = var.x
}
variable "x" {
  default = "x"
}
output "out" {
  value = mlform_data.m.output
}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path).file("main.mlf.hcl", VALUES)


def asserting(condition: str, *, command: str = "apply", more: str = "") -> str:
    return f"""
    run "a" {{
      command = {command}
      {more}
      assert {{
        condition     = {condition}
        error_message = "it is ${{var.name}}"
      }}
    }}
    """


def test_assertions_see_all_of_the_module(project: Project) -> None:
    condition = (
        'mlform_data.a.output == "default" && output.name == "default" && var.name == "default"'
        ' && path.module == "."'
    )
    project.file("a.mlftest.hcl", asserting(condition)).run().passed()


def test_a_failing_assertion_tells_its_message_and_the_values(project: Project) -> None:
    ran = project.file("a.mlftest.hcl", asserting('output.name == "x"')).run()
    assert ran.statuses == {"a": "fail"}
    assert (ran.problem.summary, ran.problem.detail) == ("Test assertion failed", "it is default")
    assert [(item.traversal, item.statement) for item in ran.problem.values] == [
        ("output.name", 'is "default"')
    ]


def test_what_is_not_known_before_apply_cannot_be_asserted_of_a_plan(project: Project) -> None:
    text = asserting('output.name == "default"', command="plan")
    ran = project.file("a.mlftest.hcl", text).run()
    assert ran.statuses == {"a": "error"}
    assert ran.summaries == ["Unknown condition value"]


@pytest.mark.parametrize(
    ("condition", "summary"),
    [
        ('mlform_data.zz.id != ""', "Reference to undeclared resource"),
        ('output.nam == ""', "Reference to undeclared output value"),
        ('var.nam == ""', "Reference to undeclared input variable"),
        ('run.later.name == ""', "Reference to unknown run block"),
        ('var.name == "" ? true : null', "Invalid condition result"),
        ("var.name", "Invalid condition result"),
    ],
)
def test_assertions_that_cannot_be_evaluated(
    project: Project, condition: str, summary: str
) -> None:
    ran = project.file("a.mlftest.hcl", asserting(condition)).run()
    assert ran.statuses == {"a": "error"}
    assert ran.summaries == [summary]


def test_state_and_outputs_go_from_run_to_run(project: Project) -> None:
    ran = project.file(
        "a.mlftest.hcl",
        """
        run "first" {
          variables {
            name = "one"
          }
        }
        run "second" {
          command = plan
          variables {
            name = run.first.name
          }
          assert {
            condition     = mlform_data.a.id != "" && run.first.name == output.name
            error_message = "the object was not kept"
          }
        }
        """,
    ).run()
    ran.passed()
    plan = ran.run("second").plan
    assert plan is not None
    assert not plan.has_changes


def test_files_do_not_share_their_state(project: Project) -> None:
    text = 'run "%s" {\n command = plan\n}'
    project.file("a.mlftest.hcl", 'run "made" {}').file("b.mlftest.hcl", text % "planned")
    plan = project.run().passed().run("planned").plan
    assert plan is not None
    assert plan.counts == (1, 0, 0)


def test_values_of_a_run_count_before_those_of_its_file_and_of_the_world(project: Project) -> None:
    project.file(
        "a.mlftest.hcl",
        'variables {\n name = "file"\n}\n'
        + asserting('var.name == "run"', more='variables {\n name = "run"\n}')
        + asserting('var.name == "file"').replace('"a"', '"b"'),
    )
    project.file("b.mlftest.hcl", asserting('var.name == "option"').replace('"a"', '"c"'))
    project.run(variables={"name": "option"}, environment={"MLF_VAR_name": "world"}).passed()
    project.file("b.mlftest.hcl", asserting('var.name == "world"').replace('"a"', '"c"'))
    project.run(environment={"MLF_VAR_name": "world"}).passed()
    project.file("b.mlftest.hcl", asserting('var.name == "folder"').replace('"a"', '"c"'))
    project.file("tests/mlform.mlfvars.hcl", 'name = "folder"')
    project.run(variables={"name": "option"}).passed()


def test_a_variable_without_value_is_told_with_its_run(project: Project) -> None:
    project.file("more.mlf.hcl", 'variable "needed" {}')
    ran = project.file("a.mlftest.hcl", 'run "a" {}\nrun "b" {}').run()
    assert ran.statuses == {"a": "error", "b": "skip"}
    assert ran.problem.summary == "No value for required variable"
    assert 'run block "a"' in ran.problem.detail
    assert ran.run("b").because == 'Previous testcase "a" ended in error'


def test_values_of_the_wrong_type_and_of_no_variable(project: Project) -> None:
    project.file("more.mlf.hcl", 'variable "size" {\n type = number\n default = 1\n}')
    ran = project.file(
        "a.mlftest.hcl", 'run "a" {\n variables {\n size = "many"\n nmae = 1\n}\n}'
    ).run()
    assert sorted(ran.summaries) == [
        "Invalid value for input variable",
        "Value for undeclared variable",
    ]
    warning = next(item for item in ran.problems if item.summary.startswith("Value"))
    assert 'Did you mean "name"?' in warning.detail


@pytest.mark.parametrize(
    ("name", "command", "expected"),
    [
        ("", "plan", "var.name"),
        ("pre", "plan", "mlform_data.a"),
        ("checked", "plan", "check.c"),
        ("checked", "apply", "check.c"),
        ("post", "apply", "mlform_data.a"),
    ],
)
def test_expected_failures(project: Project, name: str, command: str, expected: str) -> None:
    text = 'run "a" {{\n command = {}\n {}\n variables {{\n name = "{}"\n}}\n}}'
    expecting = text.format(command, f"expect_failures = [{expected}]", name)
    project.file("a.mlftest.hcl", expecting).run().passed()
    ran = project.file("a.mlftest.hcl", text.format(command, "", name)).run()
    assert ran.statuses == {"a": "error"}


def test_a_failure_that_does_not_come_is_an_error(project: Project) -> None:
    ran = project.file("a.mlftest.hcl", 'run "a" {\n expect_failures = [check.c]\n}').run()
    assert ran.statuses == {"a": "error"}
    assert ran.problem.summary == "Missing expected failure"


def test_a_failure_while_planning_is_none_of_an_apply(project: Project) -> None:
    ran = project.file(
        "a.mlftest.hcl",
        """
        run "a" {
          expect_failures = [mlform_data.a]
          variables {
            name = "pre"
          }
        }
        """,
    ).run()
    assert ran.statuses == {"a": "error"}
    assert ran.summaries == ["Expected failure while planning", "Resource precondition failed"]


def test_only_what_is_declared_can_be_expected_to_fail(project: Project) -> None:
    ran = project.file("a.mlftest.hcl", 'run "a" {\n expect_failures = [check.d]\n}').run()
    assert ran.problem.summary == "Reference to undeclared object"
    assert 'Did you mean "check.c"?' in ran.problem.detail


def test_another_module_has_a_state_of_its_own(project: Project) -> None:
    project.file("second/main.mlf.hcl", SECOND).file(
        "a.mlftest.hcl",
        """
        run "second" {
          module {
            source = "./second"
          }
          variables {
            x = "y"
          }
          assert {
            condition     = output.out == "y" && mlform_data.m.id != ""
            error_message = "second"
          }
        }
        run "first" {
          variables {
            name = run.second.out
          }
          assert {
            condition     = output.name == "y"
            error_message = "first"
          }
        }
        run "second_again" {
          command = plan
          module {
            source = "./second"
          }
          variables {
            x = "y"
          }
        }
        """,
    )
    ran = project.run().passed()
    plan = ran.run("second_again").plan
    assert plan is not None
    assert not plan.has_changes
    torn = [event.run for event in ran.events if isinstance(event, TearingDown)]
    assert torn == ["", "second_again", "first"]


@pytest.mark.parametrize("source", ["git::https://example.com/x.git", "./nowhere"])
def test_other_modules_are_folders_of_the_project(project: Project, source: str) -> None:
    text = f'run "a" {{\n module {{\n source = "{source}"\n}}\n}}'
    ran = project.file("a.mlftest.hcl", text).run()
    assert ran.statuses == {"a": "error"}
    assert ran.problem.range is not None
    assert source in ran.problem.range.text


def test_a_state_key_chooses_the_state(project: Project) -> None:
    ran = project.file(
        "a.mlftest.hcl",
        'run "a" {}\n'
        'run "b" {\n command = plan\n state_key = "own"\n}\n'
        'run "c" {\n command = plan\n}',
    ).run()
    plans = {name: ran.run(name).plan for name in ("b", "c")}
    assert {name: plan is not None and plan.counts for name, plan in plans.items()} == {
        "b": (1, 0, 0),
        "c": (0, 0, 0),
    }


def test_options_of_the_plan(project: Project) -> None:
    project.file("more.mlf.hcl", 'resource "mlform_data" "b" {}')
    ran = project.file(
        "a.mlftest.hcl",
        """
        run "targeted" {
          command = plan
          plan_options {
            target = [mlform_data.b]
          }
        }
        run "all" {}
        run "replaced" {
          command = plan
          plan_options {
            replace = [mlform_data.b]
          }
        }
        run "recorded" {
          command = plan
          plan_options {
            mode = refresh-only
          }
          variables {
            name = "other"
          }
          assert {
            condition     = output.name == "default"
            error_message = "the state is what counts"
          }
        }
        """,
    ).run()
    ran.passed()
    plans = {name: ran.run(name).plan for name in ("targeted", "replaced")}
    counts = {name: plan is not None and plan.counts for name, plan in plans.items()}
    assert counts == {"targeted": (1, 0, 0), "replaced": (1, 0, 1)}
    recorded = ran.run("recorded").plan
    assert recorded is not None
    assert (recorded.mode, recorded.changes) == (Mode.REFRESH_ONLY, ())


def test_what_cannot_be_destroyed_is_told(project: Project) -> None:
    text = 'resource "mlform_data" "b" {\n lifecycle {\n prevent_destroy = true\n}\n}'
    ran = project.file("more.mlf.hcl", text).file("a.mlftest.hcl", 'run "a" {}').run()
    assert ran.statuses == {"a": "pass"}
    (suite,) = ran.suites
    assert suite.status.value == "error"
    (left,) = suite.leftovers
    assert [str(address) for address in left.addresses] == ["mlform_data.a", "mlform_data.b"]
    assert [item.summary for item in left.diagnostics] == ["Instance cannot be destroyed"]
    assert any(isinstance(event, LeftBehind) for event in ran.events)


def test_after_a_wish_to_stop_the_rest_is_skipped_and_all_destroyed(project: Project) -> None:
    project.stop_at = "second"
    ran = project.file("a.mlftest.hcl", 'run "first" {}\nrun "second" {}\nrun "third" {}').run()
    assert ran.statuses["first"] == "pass"
    assert ran.statuses["third"] == "skip"
    assert not ran.suites[0].leftovers


def test_files_can_be_chosen(project: Project) -> None:
    project.file("a.mlftest.hcl", 'run "a" {}').file("tests/b.mlftest.hcl", 'run "b" {}')
    assert project.run(filters=("./tests/b.mlftest.hcl",)).statuses == {"b": "pass"}
    with pytest.raises(UsageError, match=r"tests/c\.mlftest\.hcl"):
        project.run(filters=("tests/c.mlftest.hcl",))


def test_a_broken_file_stops_everything(project: Project) -> None:
    project.file("a.mlftest.hcl", 'run "a" {}').file("b.mlftest.hcl", "run")
    with pytest.raises(ConfigurationError):
        project.run()


def test_a_broken_configuration_is_told_by_each_file(project: Project) -> None:
    project.file("more.mlf.hcl", "output {")
    with pytest.raises(ConfigurationError):
        project.file("a.mlftest.hcl", 'run "a" {}').run()


@pytest.fixture
def pipeline(tmp_path: Path) -> Project:
    return Project(tmp_path).file("main.mlf.hcl", PIPELINE)


def test_real_work_is_done_on_the_bench(pipeline: Project) -> None:
    text = asserting("output.score == 1 && dataset.d.rows == 2").replace("${var.name}", "")
    pipeline.file("data.csv", DATA).file("a.mlftest.hcl", text).run().passed()
    assert set(pipeline.opened) == {"process"}
    assert not (pipeline.folder / "mlform.mlfstate").exists()


def test_a_plan_opens_no_runtime(pipeline: Project) -> None:
    text = 'run "a" {\n command = plan\n}'
    pipeline.file("data.csv", DATA).file("a.mlftest.hcl", text).run().passed()
    assert pipeline.opened == []


def test_a_gate_can_be_expected_to_fail(pipeline: Project) -> None:
    pipeline.file("data.csv", DATA + "score=0.1,\n")
    text = 'run "a" {\n expect_failures = [evaluation.e]\n}'
    pipeline.file("a.mlftest.hcl", text).run().passed()
    assert pipeline.file("a.mlftest.hcl", 'run "a" {}').run().statuses == {"a": "error"}


MOCKED = """
mock_provider "mlform" {
  mock_resource "dataset" {
    defaults        = { rows = 42 }
    override_during = plan
  }
  mock_resource "evaluation" {
    defaults = { metrics = { score = SCORE } }
  }
}
run "planned" {
  command = plan
  assert {
    condition     = dataset.d.rows == 42
    error_message = "rows"
  }
}
run "applied" {
  EXPECTED
  assert {
    condition     = startswith(model.m.digest, "sha256:") && model.m.split_digest == split.s.digest
    error_message = "model"
  }
}
"""


def test_mocks_need_neither_data_nor_runtime(pipeline: Project) -> None:
    text = MOCKED.replace("SCORE", "0.9").replace("EXPECTED", "")
    text += """
    run "served" {
      assert {
        condition     = output.score == 0.9 && evaluation.e.passed && endpoint.p.status == "serving"
        error_message = "endpoint"
      }
    }
    """
    pipeline.file("a.mlftest.hcl", text).run().passed()
    assert pipeline.opened == []


def test_gates_judge_mocked_figures(pipeline: Project) -> None:
    text = MOCKED.replace("SCORE", "0.1").replace("EXPECTED", "expect_failures = [evaluation.e]")
    pipeline.file("a.mlftest.hcl", text).run().passed()


def test_attributes_that_a_kind_does_not_have_are_told_once(pipeline: Project) -> None:
    text = 'mock_provider "mlform" {}\nmock_resource "dataset" {\n defaults = { rosw = 1 }\n}\n'
    text += 'mock_resource "evaluation" {\n defaults = { metrics = { score = 1 } }\n}\n'
    ran = pipeline.file("a.mlftest.hcl", text + 'run "a" {}\nrun "b" {}').run()
    assert ran.problem.summary == "Unknown attribute"
    assert ran.problem.range is not None
    assert ran.problem.range.text == "rosw"


def test_modules_are_overridden_as_a_whole(project: Project) -> None:
    project.file("second/main.mlf.hcl", SECOND).file(
        "more.mlf.hcl",
        'module "s" {\n source = "./second"\n x = var.name\n}\n'
        'output "s" {\n value = module.s.out\n}',
    )
    ran = project.file(
        "a.mlftest.hcl",
        """
        override_module {
          target  = module.s
          outputs = { out = "given" }
        }
        run "a" {
          command = plan
          assert {
            condition     = output.s == "given" && module.s.out == "given"
            error_message = "s"
          }
        }
        run "b" {
          override_module {
            target  = module.s
            outputs = { out = run.a.s == "given" ? "again" : "" }
          }
          assert {
            condition     = output.s == "again"
            error_message = "s"
          }
        }
        """,
    ).run()
    ran.passed()
    state = ran.run("b").state
    assert state is not None
    assert [str(record.address) for record in state.records] == ["mlform_data.a"]


def test_overrides_of_what_there_is_not_are_told(project: Project) -> None:
    text = "override_resource {\n target = mlform_data.zz\n}\n"
    text += 'run "a" {\n override_module {\n target = module.zz\n}\n}'
    ran = project.file("a.mlftest.hcl", text).run()
    assert ran.summaries == ["Invalid override target", "Invalid override target"]
    assert ran.statuses == {"a": "pass"}


def test_the_log_of_a_failed_task_is_quoted(pipeline: Project) -> None:
    pipeline.file("data.csv", DATA).file(
        "main.mlf.hcl", PIPELINE.replace("rounds = 10", "rounds = 10\n    params = { depth = 99 }")
    )
    ran = pipeline.file("a.mlftest.hcl", 'run "a" {}').run()
    assert ran.statuses == {"a": "error"}
    assert ran.problem.summary == "Too deep"
    assert ran.problem.log_tail == ("out of depth",)


def test_hidden_outputs_stay_hidden_in_the_runs_after(project: Project) -> None:
    project.file(
        "more.mlf.hcl", 'output "secret" {\n value = sensitive("hush")\n sensitive = true\n}'
    )
    ran = project.file(
        "a.mlftest.hcl",
        """
        run "a" {
          command = plan
        }
        run "b" {
          command = plan
          variables {
            name = run.a.secret
          }
          assert {
            condition     = var.name == "x"
            error_message = "no"
          }
        }
        """,
    ).run()
    assert [item.statement for item in ran.problem.values] == ["has a sensitive value"]
