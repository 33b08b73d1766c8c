"""Loading whole configurations: modules, variables, runtimes and the backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlform.config.blocks import VariableBlock
from mlform.config.variable_sources import OptionValue
from mlform.diagnostics import ConfigurationError
from mlform.lang.values import Value, string
from mlform.operations.access import backend_alone, open_backend
from mlform.operations.environment import Environment
from mlform.operations.loading import Loaded, load, load_snapshot
from tests.engine import Engine

MODULES = {
    "main.mlf.hcl": """mlform {
  backend "local" {
    path = "${local.name}.mlfstate"
  }
}
variable "name" {}
locals {
  name  = "x-${var.name}"
  cores = 2
}
runtime "process" "default" {
  cpus = local.cores + 1
}
module "kid" {
  source = "./${var.name}"
}
""",
    "kid/main.mlf.hcl": 'resource "mlform_data" "a" {\n  input = path.module\n}\n',
}


@pytest.fixture
def place(tmp_path: Path) -> Callable[[Mapping[str, str]], Environment]:
    def write(files: Mapping[str, str]) -> Environment:
        engine = Engine(tmp_path)
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            engine.file(name, text)
        return engine.environment([])

    return write


Place = Callable[[Mapping[str, str]], Environment]


def problems(work: Callable[[], object]) -> list[tuple[str, str]]:
    with pytest.raises(ConfigurationError) as caught:
        work()
    return [(each.summary, str(each.range)) for each in caught.value.diagnostics]


def kid(loaded: Loaded) -> list[str]:
    return [
        str(address) for module in loaded.config.modules.values() for address in module.resources
    ]


def test_everything_is_resolved_with_the_values_of_variables(place: Place) -> None:
    loaded = load(place(MODULES), options=[OptionValue(text="name=kid")])
    assert kid(loaded) == ["module.kid.mlform_data.a"]
    assert loaded.backend.type == "local"
    assert loaded.backend.arguments == {"path": "x-kid.mlfstate"}
    assert loaded.runtimes["process.default"].arguments["cpus"] == 3
    assert loaded.warnings == ()


def test_what_was_loaded_loads_again_from_its_files(place: Place) -> None:
    environment = place(MODULES)
    loaded = load(environment, options=[OptionValue(text="name=kid")])
    again = load_snapshot(environment, loaded.config.files, loaded.variables)
    assert again.config == loaded.config
    assert again.backend == loaded.backend


def test_a_variable_without_value_is_told_once(place: Place) -> None:
    found = problems(lambda: load(place(MODULES)))
    assert found == [("No value for required variable", "main.mlf.hcl:6")]


def test_without_values_modules_are_not_found_but_the_rest_is_checked(place: Place) -> None:
    files = {**MODULES, "more.mlf.hcl": 'output "a" {}\n'}
    found = problems(lambda: load(place(files), partial=True))
    assert found == [
        ("Value not known in time", "main.mlf.hcl:15"),
        ("Missing required argument", "more.mlf.hcl:1"),
    ]


def test_nobody_is_asked_before_all_is_told(place: Place) -> None:
    asked: list[str] = []

    def ask(variable: VariableBlock) -> str:
        asked.append(variable.name)
        return "kid"

    fixed = {**MODULES, "main.mlf.hcl": MODULES["main.mlf.hcl"].replace("${var.name}", "kid")}
    wrong = {**fixed, "more.mlf.hcl": 'output "a" {}\n'}
    found = problems(lambda: load(place(wrong), ask=ask))
    assert found == [("Missing required argument", "more.mlf.hcl:1")]
    assert asked == []
    (place(fixed).settings.folder / "more.mlf.hcl").unlink()
    loaded = load(place(fixed), ask=ask)
    assert asked == ["name"]
    assert loaded.variables == {"name": string("kid")}


BACKEND = """mlform {
  backend "local" {
    path = "${var.name}.mlfstate"
  }
}
variable "name" {}
variable "other" {}
"""


def test_the_backend_alone_needs_its_own_variables_only(place: Place) -> None:
    environment = place({"main.mlf.hcl": BACKEND + 'resource "no" "such" {\n  banana {}\n}\n'})
    assert problems(lambda: backend_alone(environment)) == [
        ("Value not known in time", "main.mlf.hcl:3")
    ]
    environment = place({"mlform.mlfvars.hcl": 'name = "x"\n'})
    assert backend_alone(environment).read() is None


def test_validation_needs_no_backend_but_its_state_does(place: Place) -> None:
    environment = place({"main.mlf.hcl": BACKEND})
    loaded = load(environment, partial=True)
    assert problems(lambda: open_backend(environment, loaded)) == [
        ("Value not known in time", "main.mlf.hcl:3")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            (
                'mlform {\n  backend "local" {\n    path = mlform_data.a.id\n  }\n}\n'
                'resource "mlform_data" "a" {}\n'
            ),
            [("Value not known in time", "main.mlf.hcl:3")],
        ),
        (
            'mlform {\n  backend "local" {\n    pat = 1\n  }\n}\n',
            [("Unsupported argument", "main.mlf.hcl:3")],
        ),
        ('mlform {\n  backend "s4" {}\n}\n', [("Unsupported backend type", "main.mlf.hcl:2")]),
        (
            (
                'runtime "process" "default" {\n  cpus = mlform_data.a.id\n}\n'
                'resource "mlform_data" "a" {}\n'
            ),
            [("Value not known in time", "main.mlf.hcl:2")],
        ),
        (
            'mlform {\n  required_version = "> 900"\n}\n',
            [("Unsupported mlform version", "main.mlf.hcl:2")],
        ),
    ],
)
def test_what_cannot_be_used(place: Place, text: str, expected: list[tuple[str, str]]) -> None:
    assert problems(lambda: load(place({"main.mlf.hcl": text}))) == expected


def test_modules_ask_for_versions_too(place: Place) -> None:
    files = {
        "main.mlf.hcl": 'module "a" {\n  source = "./kid"\n}\n',
        "kid/main.mlf.hcl": 'mlform {\n  required_version = "> 900"\n}\n',
    }
    [(_, where)] = problems(lambda: load(place(files)))
    assert where == "kid/main.mlf.hcl:2"


def test_values_are_given_where_the_plan_was_made(place: Place) -> None:
    values: dict[str, Value] = {"name": string("kid")}
    files = {name: text.encode() for name, text in MODULES.items()}
    loaded = load_snapshot(place({}), files, values)
    assert kid(loaded) == ["module.kid.mlform_data.a"]
