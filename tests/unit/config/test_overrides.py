from __future__ import annotations

import pytest

from mlform.addresses import ResourceAddress
from mlform.config.blocks import Module
from mlform.hcl.ast import Template
from tests.unit.config.trees import load, loaded, told

BLOCK = ResourceAddress("mlform_data", "a")


def merged(primary: str, override: str, name: str = "override.mlf.hcl") -> Module:
    # The primary file comes later by name: overrides come last all the same.
    return loaded({"z.mlf.hcl": primary, name: override}).root


def resource(inside: str) -> str:
    return f'resource "mlform_data" "a" {{\n{inside}\n}}\n'


def arguments(module: Module) -> dict[str, str]:
    body = module.resources[BLOCK].body
    return {each.name: each.expression.range.text for each in body.attributes}


@pytest.mark.parametrize(
    ("name", "override"),
    [
        ("override.mlf.hcl", resource("  input = 2")),
        ("my_override.mlf.hcl", resource("  input = 2")),
        ("override.mlf.json", '{"resource": {"mlform_data": {"a": {"input": 2}}}}'),
    ],
)
def test_arguments_replace_arguments(name: str, override: str) -> None:
    module = merged(resource("  input = 1\n  triggers_replace = 3"), override, name)
    assert arguments(module) == {"input": "2", "triggers_replace": "3"}


def test_only_files_of_the_right_name_override() -> None:
    _, problems = load(
        {"a.mlf.hcl": resource(""), "overrides.mlf.hcl": resource(""), "xoverride.mlf.hcl": ""}
    )
    assert told(problems) == [
        ('Duplicate resource "mlform_data" configuration', "overrides.mlf.hcl:1")
    ]


def test_later_overrides_win() -> None:
    module = loaded(
        {
            "a_override.mlf.hcl": resource("  input = 2") + resource("  input = 3"),
            "b_override.mlf.hcl": resource("  input = 4"),
            "main.mlf.hcl": resource("  input = 1"),
        }
    ).root
    assert arguments(module) == {"input": "4"}


def test_nested_blocks_of_a_type_replace_all_of_that_type_and_what_makes_them() -> None:
    module = merged(
        resource('  x {\n    a = 1\n  }\n  dynamic "x" {\n  }\n  y {\n  }\n  z = 1'),
        resource("  x {\n    a = 2\n  }\n  x {\n    a = 3\n  }\n  z {\n  }"),
    )
    body = module.resources[BLOCK].body
    shown = [
        (each.type, [item.expression.range.text for item in each.body.attributes])
        for each in body.blocks
    ]
    assert shown == [("y", []), ("x", ["2"]), ("x", ["3"]), ("z", [])]
    assert body.attributes == ()


def test_a_dynamic_block_replaces_the_blocks_it_makes() -> None:
    module = merged(resource("  x {\n  }\n  y {\n  }"), resource('  dynamic "x" {\n  }'))
    assert [each.type for each in module.resources[BLOCK].body.blocks] == ["y", "dynamic"]


@pytest.mark.parametrize(
    ("name", "override"),
    [
        (
            "override.mlf.hcl",
            resource("  lifecycle {\n    prevent_destroy = false\n    ignore_changes = [b]\n  }"),
        ),
        (
            "override.mlf.json",
            (
                '{"resource": {"mlform_data": {"a": {"lifecycle": '
                '{"prevent_destroy": false, "ignore_changes": ["b"]}}}}}'
            ),
        ),
    ],
)
def test_lifecycle_is_merged_argument_by_argument(name: str, override: str) -> None:
    module = merged(
        resource(
            "  lifecycle {\n    prevent_destroy = true\n    create_before_destroy = true\n"
            "    ignore_changes = [a]\n    precondition {\n      condition = local.a\n"
            '      error_message = "x"\n    }\n  }'
        ),
        override,
        name,
    )
    lifecycle = module.resources[BLOCK].lifecycle
    assert lifecycle.prevent_destroy is False
    assert lifecycle.create_before_destroy is True
    assert lifecycle.ignore_changes == (("b",),)
    assert len(lifecycle.preconditions) == 1


def test_a_base_in_json_syntax_can_be_overridden() -> None:
    module = loaded(
        {
            "z.mlf.json": '{"resource": {"mlform_data": {"a": {"input": 1, "x": [{"a": 1}], '
            '"lifecycle": {"prevent_destroy": true}}}}, "locals": {"a": 1, "b": 2}}',
            "override.mlf.hcl": resource("  x {\n  }\n  lifecycle {\n    destroy = false\n  }")
            + "locals {\n  a = 3\n}\n",
        }
    ).root
    block = module.resources[BLOCK]
    assert arguments(module) == {"input": "1"}
    assert [each.type for each in block.body.blocks] == ["x"]
    assert (block.lifecycle.prevent_destroy, block.lifecycle.destroy) == (True, False)
    assert {name: each.expression.range.text for name, each in module.locals.items()} == {
        "a": "3",
        "b": "2",
    }


def test_variables_outputs_and_locals() -> None:
    module = merged(
        'variable "a" {\n  type = number\n  description = "A."\n}\n'
        'output "b" {\n  value = 1\n  description = "B."\n}\n'
        "locals {\n  c = 1\n  d = 2\n}\n",
        'variable "a" {\n  default = 3\n}\noutput "b" {\n  value = 2\n}\nlocals {\n  d = 4\n}\n',
    )
    variable = module.variables["a"]
    assert variable.description == "A."
    assert variable.default is not None
    assert variable.default.range.text == "3"
    output = module.outputs["b"]
    assert (output.value.range.text, output.description) == ("2", "B.")
    assert list(module.locals) == ["c", "d"]
    assert str(module.locals["d"].expression.range) == "override.mlf.hcl:8"


def test_a_call_can_be_sent_elsewhere() -> None:
    config = loaded(
        {
            "main.mlf.hcl": 'module "a" {\n  source = "./x"\n  n = 1\n}\n',
            "override.mlf.hcl": 'module "a" {\n  source = "./y"\n}\n',
            "x/a.mlf.hcl": "",
            "y/a.mlf.hcl": 'variable "n" {}\n',
        }
    )
    assert [each.folder for each in config.modules.values()] == [".", "y"]


def test_settings() -> None:
    module = merged(
        'mlform {\n  required_version = "> 1"\n  backend "http" {\n    url = "x"\n  }\n}\n'
        'mlform {\n  required_version = "< 9"\n}\nruntime "docker" "a" {\n  image = "x"\n'
        "  cpus = 1\n}\n",
        'mlform {\n  required_version = "> 0"\n  backend "local" {\n    path = "y"\n  }\n}\n'
        'runtime "docker" "a" {\n  image = "y"\n}\n',
    )
    assert [each.constraint for each in module.required_versions] == ["> 0"]
    assert module.backend is not None
    assert module.backend.type == "local"
    image = {each.name: each.expression for each in module.runtimes["docker.a"].body.attributes}
    assert isinstance(image["image"], Template)
    assert image["image"].constant == "y"
    assert "cpus" in image


def test_only_the_version_is_replaced_where_only_the_version_is_given() -> None:
    module = merged(
        'mlform {\n  required_version = "> 1"\n  backend "local" {}\n}\n',
        'mlform {\n  required_version = "> 0"\n}\n',
    )
    assert [each.constraint for each in module.required_versions] == ["> 0"]
    assert module.backend is not None


def test_there_has_to_be_something_to_override() -> None:
    _, problems = load(
        {
            "main.mlf.hcl": 'variable "rate" {}\n' + resource(""),
            "override.mlf.hcl": """variable "rat" {}
locals {
  a = 1
}
output "b" {
  value = 1
}
module "c" {
  source = "./c"
}
resource "mlform_data" "b" {}
runtime "docker" "d" {}
check "e" {}
moved {}
removed {}
import {}
resource "mlform_data" "a" {
  depends_on = []
}
""",
        }
    )
    assert told(problems) == [
        ("Missing base variable declaration to override", "override.mlf.hcl:1"),
        ("Missing base local value definition to override", "override.mlf.hcl:3"),
        ("Missing base output definition to override", "override.mlf.hcl:5"),
        ("Missing module call to override", "override.mlf.hcl:8"),
        ("Missing resource to override", "override.mlf.hcl:11"),
        ("Missing runtime to override", "override.mlf.hcl:12"),
        ('Cannot override "check" blocks', "override.mlf.hcl:13"),
        ('Cannot override "moved" blocks', "override.mlf.hcl:14"),
        ('Cannot override "removed" blocks', "override.mlf.hcl:15"),
        ('Cannot override "import" blocks', "override.mlf.hcl:16"),
        ("Unsupported override", "override.mlf.hcl:18"),
    ]
    assert 'Did you mean "rate"?' in problems[0].detail
