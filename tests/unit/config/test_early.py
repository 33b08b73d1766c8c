from __future__ import annotations

import pytest

from mlform.addresses import ResourceAddress
from mlform.config.early import EarlyContext, EarlyScope
from mlform.config.early_arguments import check_known
from mlform.diagnostics import Diagnostics
from mlform.hcl.ast import Body
from mlform.lang.values import FALSE, SENSITIVE, TRUE, Value, string
from tests.unit.config.trees import FUNCTIONS, load, loaded, paths, told

BLOCK = ResourceAddress("mlform_data", "a")


def resource(inside: str, around: str = "") -> dict[str, str]:
    return {"main.mlf.hcl": f'resource "mlform_data" "a" {{\n{inside}\n}}\n{around}'}


def test_sources_and_flags_may_be_expressions() -> None:
    config = loaded(
        {
            "main.mlf.hcl": """variable "where" {}
locals {
  folder = "./${var.where}"
  strict = local.folder != ""
}
module "a" {
  source = local.folder
  strict = local.strict
  suffix = upper("x")
}
mlform {
  required_version = ">= ${1 - 1}.1"
}
""",
            "kid/main.mlf.hcl": """variable "strict" {
  type = bool
}
variable "suffix" {}
variable "secret" {
  default = "yes"
  nullable = false
}
locals {
  secret = var.secret == "yes"
}
resource "mlform_data" "a" {
  lifecycle {
    prevent_destroy       = var.strict
    create_before_destroy = path.module == "kid" && mlform.workspace == "default"
    destroy               = var.suffix != "X"
  }
}
output "a" {
  value     = 1
  sensitive = local.secret
  ephemeral = !local.secret
}
""",
        },
        values={"where": string("kid")},
    )
    assert [each.constraint for each in config.root.required_versions] == [">= 0.1"]
    kid = list(config.modules.values())[1]
    [block] = kid.resources.values()
    assert block.lifecycle.prevent_destroy is True
    assert block.lifecycle.create_before_destroy is True
    assert block.lifecycle.destroy is False
    assert (kid.outputs["a"].sensitive, kid.outputs["a"].ephemeral) == (True, False)


@pytest.mark.parametrize(("value", "runtime"), [(TRUE, "docker.a"), (FALSE, "docker.b")])
def test_a_runtime_may_be_chosen_by_an_expression(value: Value, runtime: str) -> None:
    config = loaded(
        resource(
            "  runtime = var.big ? runtime.docker.a : runtime.docker.b",
            'runtime "docker" "a" {}\nruntime "docker" "b" {}\nvariable "big" {}\n',
        ),
        values={"big": value},
    )
    assert config.root.resources[BLOCK].runtime == runtime


def test_a_runtime_may_be_none_or_looked_up() -> None:
    around = 'runtime "docker" "a" {}\nvariable "name" {}\n'
    config = loaded(
        resource("  runtime = runtime.docker[var.name]", around), values={"name": string("a")}
    )
    assert config.root.resources[BLOCK].runtime == "docker.a"
    config = loaded(
        resource('  runtime = var.name == "" ? runtime.docker.a : null', around),
        values={"name": string("a")},
    )
    assert config.root.resources[BLOCK].runtime is None


@pytest.mark.parametrize(
    ("expression", "summary"),
    [
        ('"docker.a"', "Invalid runtime reference"),
        ("runtime.docker", "Invalid runtime reference"),
        ("runtime.docker.a.image", "Invalid runtime reference"),
        ("local.a", "Invalid runtime reference"),
        ("runtime.docker.b", "Reference to undeclared runtime"),
        ("true ? runtime.docker.a : runtime.docker.b", "Reference to undeclared runtime"),
        ("mlform_data.b.id ? runtime.docker.a : null", "Value not known in time"),
    ],
)
def test_a_runtime_that_is_none(expression: str, summary: str) -> None:
    around = 'runtime "docker" "a" {}\nlocals {\n  a = "docker.a"\n}\n'
    _, problems = load(resource(f"  runtime = {expression}", around))
    assert told(problems) == [(summary, "main.mlf.hcl:2")]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("mlform_data.b.id", "depends on mlform_data.b.id, which is known only when"),
        ("module.b.c", "depends on module.b.c, which is known only when"),
        ("each.key", "depends on each.key, which differs from instance to instance"),
        ("local.near", "depends on mlform_data.b.id, through local.near at main.mlf.hcl:8"),
        ("local.near", "and local.far at main.mlf.hcl:7"),
    ],
)
def test_what_is_not_known_in_time_is_named(expression: str, said: str) -> None:
    lifecycle = f"  lifecycle {{\n    prevent_destroy = {expression} == 1\n  }}"
    around = "locals {\n  far  = [mlform_data.b.id]\n  near = local.far[0]\n}\n"
    _, problems = load(resource(lifecycle, around))
    [problem] = problems
    assert problem.summary == "Value not known in time"
    assert 'The argument "prevent_destroy" has to be known' in problem.detail
    assert said in problem.detail
    assert problem.range is not None
    assert problem.range.text == expression


def test_variables_of_modules_lead_to_what_their_caller_gives() -> None:
    _, problems = load(
        {
            "main.mlf.hcl": 'module "a" {\n  source = "./kid"\n  keep = mlform_data.b.id\n}\n',
            "kid/main.mlf.hcl": 'variable "keep" {}\noutput "x" {\n  value = 1\n'
            "  sensitive = var.keep\n}\n",
        }
    )
    [problem] = problems
    assert str(problem.range) == "kid/main.mlf.hcl:4"
    assert "mlform_data.b.id, through module.a.var.keep at main.mlf.hcl:3" in problem.detail


def test_without_a_value_a_flag_is_as_if_unset_but_a_source_is_needed() -> None:
    files = {
        "main.mlf.hcl": """variable "x" {}
module "a" {
  source = "./${var.x}"
}
resource "mlform_data" "a" {
  lifecycle {
    prevent_destroy = var.x
  }
}
"""
    }
    config, problems = load(files, partial=True)
    assert told(problems) == [("Value not known in time", "main.mlf.hcl:3")]
    assert "var.x, which has no value here" in problems[0].detail
    assert config.root.resources[BLOCK].lifecycle.prevent_destroy is False
    # Where values are needed, whoever collects them has said that this one is missing.
    assert load(files)[1] == ()


def test_locals_that_refer_to_each_other() -> None:
    _, problems = load(
        resource(
            "  lifecycle {\n    prevent_destroy = local.a\n  }",
            "locals {\n  a = local.b\n  b = !local.c\n  c = local.a\n}\n",
        )
    )
    [problem] = problems
    assert problem.summary == "Cycle"
    assert "local.a → local.b → local.c → local.a" in problem.detail
    assert "local.c refers to local.a at main.mlf.hcl:9" in problem.detail


def test_a_chain_of_locals_may_be_long() -> None:
    chain = "".join(f"  l{n} = local.l{n + 1}\n" for n in range(3000))
    config = loaded(
        resource(
            "  lifecycle {\n    prevent_destroy = local.l0\n  }",
            f"locals {{\n{chain}  l3000 = true\n}}\n",
        )
    )
    assert config.root.resources[BLOCK].lifecycle.prevent_destroy is True


@pytest.mark.parametrize(
    ("expression", "summary"),
    [
        ("var.none", "Reference to undeclared input variable"),
        ("local.none", "Reference to undeclared local value"),
        ("local.wrong", "Invalid operand"),
        ("none()", "Call to unknown function"),
        ("yes", "Invalid reference"),
        ('"maybe"', "Unsuitable value type"),
        ("null", "Unsuitable value type"),
        ("[]", "Unsuitable value type"),
    ],
)
def test_wrong_expressions_are_told_once(expression: str, summary: str) -> None:
    inside = f"  lifecycle {{\n    prevent_destroy = {expression}\n    destroy = {expression}\n  }}"
    _, problems = load(resource(inside, 'locals {\n  wrong = -"x" == 1\n}\n'))
    assert {each.summary for each in problems} == {summary}
    assert len(problems) == (1 if expression == "local.wrong" else 2)


def test_a_source_must_not_be_secret() -> None:
    text = 'variable "x" {}\nmodule "a" {\n  source = var.x\n}\n'
    value = string("./kid").with_marks(SENSITIVE)
    _, problems = load({"main.mlf.hcl": text}, values={"x": value})
    assert told(problems) == [("Sensitive value not allowed", "main.mlf.hcl:3")]


def test_an_argument_of_a_module_that_does_not_fit_is_told_where_it_is_set() -> None:
    _, problems = load(
        {
            "main.mlf.hcl": 'module "a" {\n  source = "./kid"\n  n = "x"\n}\n',
            "kid/main.mlf.hcl": 'variable "n" {\n  type = number\n}\noutput "x" {\n  value = 1\n'
            "  sensitive = var.n == 1\n}\n",
        }
    )
    assert told(problems) == [("Invalid value for input variable", "main.mlf.hcl:3")]


def test_modules_with_the_same_folder_know_their_own_values() -> None:
    kid = """variable "next" {}
module "b" {
  source = var.next
  next   = ""
}
"""
    config, problems = load(
        {
            "main.mlf.hcl": 'module "a" {\n  source = "./kid"\n  next = "../x"\n}\n'
            'module "c" {\n  source = "./kid"\n  next = "../y"\n}\n',
            "kid/main.mlf.hcl": kid,
            "x/main.mlf.hcl": 'variable "next" {}',
            "y/main.mlf.hcl": 'variable "next" {}',
        }
    )
    assert problems == ()
    assert paths(config) == ["", "module.a", "module.a.module.b", "module.c", "module.c.module.b"]
    assert [module.folder for module in config.modules.values()] == [".", "kid", "x", "kid", "y"]


def test_bodies_of_blocks_are_checked_to_be_known() -> None:
    found = Diagnostics()
    body = loaded({"main.mlf.hcl": 'mlform {\n  backend "local" {\n    path = a.b.c\n  }\n}'})
    backend = body.root.backend
    assert backend is not None
    scope = EarlyScope(context=EarlyContext(functions=FUNCTIONS))
    check_known([backend.body, Body((), (), backend.range)], scope, found, is_needed=True)
    assert told(tuple(found)) == [("Value not known in time", "main.mlf.hcl:3")]
