"""What is said of configurations: where values come from, and what a plan's values depend on."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mlform.addresses import ModuleStep, parse_address
from mlform.config.blocks import Config
from mlform.config.early import EarlyContext
from mlform.config.folders import SavedFiles
from mlform.config.load import read_root
from mlform.diagnostics import Source
from mlform.digests import Json
from mlform.hcl.parser import parse_expression
from mlform.resources import data, dataset, split
from mlform.views.configuration import configuration_document, expression_document
from mlform.views.relevance import relevant_attributes

MAIN = """\
variable "seed" {
  type      = number
  default   = 7
  sensitive = true
}
locals {
  path = "${path.module}/a.csv"
}
resource "dataset" "d" {
  for_each = toset(["a", "b"])
  source "file" {
    path = local.path
  }
  columns = ["x", upper("y")]
}
resource "split" "s" {
  dataset    = dataset.d["a"]
  seed       = var.seed
  depends_on = [dataset.d]
  ratio {
    partitions = { train = 0.5, eval = 0.5 }
  }
  transform "impute" {
    columns = [dataset.d["b"].column_names[0]]
  }
  transform "one_hot" {
    columns = ["x"]
  }
}
module "m" {
  source = "./m"
  count  = 2
  x      = split.s.features
}
output "o" {
  value       = module.m[1].names[0]
  description = "A name."
  depends_on  = [split.s]
}
"""
MODULE = """\
variable "x" {}
resource "dataset" "inner" {
  source "file" {
    path = var.x[0]
  }
}
output "names" {
  value = dataset.inner.column_names
}
"""
SCHEMAS = {"dataset": dataset.SCHEMA, "split": split.SCHEMA, "mlform_data": data.SCHEMA}
BODIES = {name: schema.body for name, schema in SCHEMAS.items()}


def loaded(files: Mapping[str, str]) -> Config:
    saved = SavedFiles({name: text.encode() for name, text in files.items()})
    found, problems = read_root(saved).load({}, context=EarlyContext(partial=True))
    assert not problems, problems
    return found


@pytest.fixture(scope="module")
def config() -> Config:
    return loaded({"main.mlf.hcl": MAIN, "m/main.mlf.hcl": MODULE})


def test_blocks_are_told_by_schema(config: Config) -> None:
    root = configuration_document(config, SCHEMAS)["root_module"]
    assert isinstance(root, dict)
    data, parts = root["resources"]
    assert data == {
        "address": "dataset.d",
        "mode": "managed",
        "type": "dataset",
        "name": "d",
        "provider_config_key": "mlform",
        "schema_version": dataset.SCHEMA.version,
        "expressions": {
            "columns": {},
            "source": {
                "type": {"constant_value": "file"},
                "path": {"references": ["local.path"]},
            },
        },
    }
    assert parts["depends_on"] == ["dataset.d"]
    expressions = parts["expressions"]
    assert expressions["dataset"] == {"references": ['dataset.d["a"]', "dataset.d"]}
    assert expressions["seed"] == {"references": ["var.seed"]}
    assert expressions["ratio"] == {"partitions": {"constant_value": {"train": 0.5, "eval": 0.5}}}
    assert expressions["transform"] == [
        {
            "op": {"constant_value": "impute"},
            "columns": {
                "references": [
                    'dataset.d["b"].column_names[0]',
                    'dataset.d["b"].column_names',
                    'dataset.d["b"]',
                    "dataset.d",
                ]
            },
        },
        {"op": {"constant_value": "one_hot"}, "columns": {"constant_value": ["x"]}},
    ]


def test_modules_outputs_and_variables(config: Config) -> None:
    root = configuration_document(config, SCHEMAS)["root_module"]
    assert isinstance(root, dict)
    assert root["variables"] == {"seed": {"default": 7, "sensitive": True}}
    assert root["outputs"] == {
        "o": {
            "expression": {
                "references": ["module.m[1].names[0]", "module.m[1].names", "module.m[1]"]
            },
            "description": "A name.",
            "depends_on": ["split.s"],
        }
    }
    call = root["module_calls"]["m"]
    assert call["source"] == "./m"
    assert call["count_expression"] == {"constant_value": 2}
    assert call["expressions"] == {"x": {"references": ["split.s.features", "split.s"]}}
    assert call["module"]["variables"] == {"x": {}}
    assert call["module"]["resources"][0]["address"] == "dataset.inner"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1 + 1", {"constant_value": 2}),
        ("upper(1)", {}),
        ("var.a.b[0]", {"references": ["var.a.b[0]", "var.a.b", "var.a"]}),
        ("each.value.x", {"references": ["each.value.x", "each.value"]}),
        ("count.index", {"references": ["count.index"]}),
        ("[local.x, local.x]", {"references": ["local.x", "local.x"]}),
        ("split.s", {"references": ["split.s"]}),
    ],
)
def test_expressions(text: str, told: Json, config: Config) -> None:
    expression, problems = parse_expression(Source("x", text))
    assert expression is not None, problems
    assert expression_document(expression, config.root) == told


def test_relevance_is_followed_through_modules_and_locals(config: Config) -> None:
    found = relevant_attributes(
        config,
        BODIES,
        resources=[parse_address("split.s"), parse_address("module.m[1].dataset.inner")],
        outputs=[((), "o"), ((ModuleStep("m", 0),), "names")],
    )
    assert found == [
        {"resource": 'dataset.d["a"]', "attribute": []},
        {"resource": 'dataset.d["b"]', "attribute": ["column_names", 0]},
        {"resource": "module.m[0].dataset.inner", "attribute": ["column_names"]},
        {"resource": "module.m[1].dataset.inner", "attribute": ["column_names"]},
        {"resource": "split.s", "attribute": ["features"]},
    ]
    assert relevant_attributes(config, BODIES, resources=[], outputs=[]) == []


def relevant(text: str, inner: str = "", *, resources: tuple[str, ...] = ()) -> list[str]:
    files = {"main.mlf.hcl": text, "m/main.mlf.hcl": inner}
    found = relevant_attributes(
        loaded(files),
        BODIES,
        resources=[parse_address(item) for item in resources],
        outputs=[((), "o")],
    )
    return [f"{item['resource']} {item['attribute']}" for item in found]


VALUES = """
resource "mlform_data" "a" {}
resource "mlform_data" "b" {
  input            = mlform_data.a.output
  triggers_replace = mlform_data.c[*].id
}
resource "mlform_data" "c" {
  count = length(mlform_data.d.output)
  input = count.index
}
resource "mlform_data" "d" {}
"""
INNER = """
variable "x" {}
resource "mlform_data" "e" {
  input = var.x
}
output "known" {
  value = mlform_data.e.input
}
output "made" {
  value = mlform_data.e.output
}
"""


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("mlform_data.b.input", ["mlform_data.a ['output']", "mlform_data.b ['input']"]),
        ("mlform_data.b.output", ["mlform_data.b ['output']"]),
        (
            "mlform_data.c[1].input",
            ["mlform_data.c[1] ['input']", "mlform_data.d ['output']"],
        ),
        ("mlform_data.c[*].output", ["mlform_data.c []", "mlform_data.d ['output']"]),
    ],
)
def test_relevance_is_followed_through_arguments(value: str, found: list[str]) -> None:
    assert relevant(f'{VALUES}output "o" {{\n  value = {value}\n}}\n') == found


def test_a_module_stands_for_its_outputs_where_no_key_is_written() -> None:
    called = 'module "m" {\n  source = "./m"\n  count = 2\n  x = mlform_data.a.id\n}\n'
    called += 'resource "mlform_data" "a" {}\noutput "o" {\n  value = WHAT\n}\n'
    every = ["mlform_data.a ['id']", "{m}.mlform_data.e ['input']", "{m}.mlform_data.e ['output']"]
    for value, expected in (
        ("module.m[*].made", [item.format(m="module.m") for item in every]),
        ("module.m[1]", [item.format(m="module.m[1]") for item in every]),
        ("module.m[1].made", ["module.m[1].mlform_data.e ['output']"]),
    ):
        assert relevant(called.replace("WHAT", value), INNER) == expected
