"""`override_resource`: single objects that are not made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine import DATA, PIPELINE
from tests.suites import Project

CONFIG = """
variable "name" {
  default = "n"
}
resource "mlform_data" "a" {
  input = var.name
}
resource "mlform_data" "c" {
  count = 2
  input = "${mlform_data.a.id}-${count.index}"
}
module "m" {
  source = "./m"
}
output "m" {
  value = module.m.out
}
"""
MODULE = """
resource "mlform_data" "x" {
  input = 1
}
output "out" {
  value = mlform_data.x.output
}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path).file("main.mlf.hcl", CONFIG).file("m/main.mlf.hcl", MODULE)


def test_an_object_is_as_given_and_the_others_are_real(project: Project) -> None:
    project.file(
        "a.mlftest.hcl",
        """
        override_resource {
          target = mlform_data.a
          values = { id = "over", output = "o" }
        }
        run "a" {
          assert {
            condition     = mlform_data.a.id == "over" && mlform_data.a.output == "o"
            error_message = jsonencode(mlform_data.a)
          }
          assert {
            condition     = mlform_data.a.input == "n" && mlform_data.c[1].output == "over-1"
            error_message = jsonencode(mlform_data.c)
          }
        }
        run "b" {
          variables {
            name = "changed"
          }
          assert {
            condition     = mlform_data.a.id == "over" && mlform_data.a.input == "changed"
            error_message = jsonencode(mlform_data.a)
          }
        }
        """,
    ).run().passed()


def test_values_are_known_to_a_plan_if_that_is_said(project: Project) -> None:
    text = """
    override_resource {
      target = mlform_data.a
      values = { id = "over" }
      DURING
    }
    run "a" {
      command = plan
      assert {
        condition     = mlform_data.c[0].input == "over-0"
        error_message = "no"
      }
    }
    """
    during = "override_during = plan"
    project.file("a.mlftest.hcl", text.replace("DURING", during)).run().passed()
    ran = project.file("a.mlftest.hcl", text.replace("DURING", "")).run()
    assert ran.summaries == ["Unknown condition value"]


def test_instances_and_objects_of_modules(project: Project) -> None:
    project.file(
        "a.mlftest.hcl",
        """
        override_resource {
          target = mlform_data.c[1]
          values = { id = "one" }
        }
        override_resource {
          target = module.m.mlform_data.x
          values = { output = "inner" }
        }
        run "a" {
          assert {
            condition     = mlform_data.c[1].id == "one" && mlform_data.c[0].id != "one"
            error_message = jsonencode(mlform_data.c)
          }
          assert {
            condition     = output.m == "inner"
            error_message = jsonencode(output.m)
          }
        }
        """,
    ).run().passed()


def test_those_of_a_run_count_before_those_of_its_file(project: Project) -> None:
    project.file(
        "a.mlftest.hcl",
        """
        override_resource {
          target = mlform_data.a
          values = { id = "file" }
        }
        run "a" {
          override_resource {
            target = mlform_data.a
            values = { id = "run" }
          }
          assert {
            condition     = mlform_data.a.id == "run"
            error_message = mlform_data.a.id
          }
        }
        """,
    ).run().passed()


def test_a_model_need_not_be_trained(tmp_path: Path) -> None:
    project = Project(tmp_path).file("main.mlf.hcl", PIPELINE).file("data.csv", DATA)
    project.file(
        "a.mlftest.hcl",
        """
        override_resource {
          target = model.m
          values = { task = "binary" }
        }
        override_resource {
          target = evaluation.e
          values = { metrics = { score = 0.9 } }
        }
        override_resource {
          target = endpoint.p
        }
        run "a" {
          assert {
            condition     = model.m.task == "binary" && output.score == 0.9 && dataset.d.rows == 2
            error_message = jsonencode(model.m)
          }
          assert {
            condition     = endpoint.p.url == "http://127.0.0.1:8080"
            error_message = jsonencode(endpoint.p)
          }
        }
        """,
    ).run().passed()
