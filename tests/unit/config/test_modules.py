from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlform.addresses import ModulePath, ModuleStep, ResourceAddress, print_path
from mlform.config.folders import ConfigFiles, DiskFiles, SavedFiles
from mlform.config.load import load_config, read_root
from mlform.diagnostics import Severity, SourceRange
from tests.unit.config.trees import load, loaded, paths, told

CALL = 'module "a" {\n  source = "./kid"\n}\n'


def test_callers_come_before_the_called_and_resources_carry_their_path() -> None:
    config = loaded(
        {
            "a.mlf.hcl": 'module "a" {\n  source = "./x"\n}\nmodule "b" {\n  source = "./y"\n}\n',
            "x/main.mlf.hcl": 'module "c" {\n  source = "../y"\n}\n',
            "y/main.mlf.hcl": 'resource "mlform_data" "d" {}\n',
        }
    )
    assert paths(config) == ["", "module.a", "module.a.module.c", "module.b"]
    path = (ModuleStep("a"), ModuleStep("c"))
    address = ResourceAddress("mlform_data", "d", module=path)
    block = config.resource(address)
    assert block is not None
    assert str(block.address) == "module.a.module.c.mlform_data.d"
    assert [module.folder for module in config.modules.values()] == [".", "x", "y", "y"]
    assert sorted(config.files) == ["a.mlf.hcl", "x/main.mlf.hcl", "y/main.mlf.hcl"]


def test_a_call_as_it_is_written() -> None:
    config = loaded(
        {
            "main.mlf.hcl": """module "a" {
  source     = "./kid"
  for_each   = toset(["x"])
  depends_on = [mlform_data.b, module.c.done, module.c]
  size       = each.key
}
module "c" {
  source = "./kid"
  size   = 1
  lifecycle {
    enabled = false
  }
}
resource "mlform_data" "b" {}
""",
            "kid/main.mlf.hcl": 'variable "size" {}\noutput "done" {\n  value = 1\n}\n',
        }
    )
    call = config.root.calls["a"]
    assert print_path(call.path) == "module.a"
    assert call.for_each is not None
    assert call.count is None
    assert {name: each.expression.range.text for name, each in call.arguments.items()} == {
        "size": "each.key"
    }
    assert [str(each) for each in call.depends_on] == ["mlform_data.b", "module.c.done", "module.c"]
    enabled = config.root.calls["c"].enabled
    assert enabled is not None
    assert enabled.range.text == "false"


def test_arguments_are_checked_against_the_variables() -> None:
    _, problems = load(
        {
            "main.mlf.hcl": 'module "a" {\n  source = "./kid"\n  sise = 1\n  z = 2\n  old = 3\n}\n',
            "kid/main.mlf.hcl": 'variable "size" {}\nvariable "old" {\n  default = 1\n'
            '  deprecated = "Use size."\n}\n',
        }
    )
    assert told(problems) == [
        ("Missing required argument", "main.mlf.hcl:1"),
        ("Unsupported argument", "main.mlf.hcl:3"),
        ("Unsupported argument", "main.mlf.hcl:4"),
        ("Deprecated variable set", "main.mlf.hcl:5"),
    ]
    assert 'Did you mean "size"?' in problems[1].detail
    assert "Variables of the module: old, size." in problems[2].detail
    assert problems[3].severity is Severity.WARNING


def test_nothing_is_missing_in_a_module_with_syntax_errors() -> None:
    _, problems = load(
        {
            "main.mlf.hcl": 'module "a" {\n  source = "./kid"\n  size = 1\n}\n',
            "kid/main.mlf.hcl": 'variable "size {}\n',
        }
    )
    assert "Unsupported argument" not in [each.summary for each in problems]
    assert all(each.range and each.range.filename == "kid/main.mlf.hcl" for each in problems)


@pytest.mark.parametrize(
    ("files", "detail"),
    [
        ({"kit/main.mlf.hcl": ""}, "The folder kid of module.a cannot be read"),
        ({"kid/readme.md": ""}, "has no files that end in .mlf.hcl"),
    ],
)
def test_a_folder_that_is_no_module(files: dict[str, str], detail: str) -> None:
    _, problems = load({"main.mlf.hcl": CALL, **files})
    [problem] = problems
    assert detail in problem.detail
    assert str(problem.range) == "main.mlf.hcl:2"


def test_a_folder_of_a_similar_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "main.mlf.hcl").write_text(CALL)
    (tmp_path / "kids").mkdir()
    _, [problem] = load_config(tmp_path)
    assert 'Did you mean "kids"?' in problem.detail


def test_modules_that_call_themselves() -> None:
    _, problems = load(
        {
            "main.mlf.hcl": 'module "a" {\n  source = "./x"\n}\n',
            "x/main.mlf.hcl": 'module "b" {\n  source = "../y"\n}\n',
            "y/main.mlf.hcl": 'module "c" {\n  source = "../x"\n}\n'
            'module "d" {\n  source = "./"\n}\n',
        }
    )
    assert told(problems) == [
        ("Module cycle", "y/main.mlf.hcl:2"),
        ("Module cycle", "y/main.mlf.hcl:5"),
    ]
    assert "x → y → x" in problems[0].detail
    assert "y is called as module.a.module.b at x/main.mlf.hcl:2" in problems[0].detail
    assert "y → y" in problems[1].detail


def test_a_fetched_module_that_calls_itself_ends_as_well() -> None:
    class Endless:
        def __init__(self, files: ConfigFiles) -> None:
            assert files.names(".") == ("main.mlf.hcl",)

        def find(
            self, path: ModulePath, source: str, version: str | None, place: SourceRange
        ) -> str | None:
            assert (source, version) == ("git::https://example.com/a.git", None)
            assert place.text == '"git::https://example.com/a.git"'
            return f"m/{len(path)}"

    text = 'module "a" {\n  source = "git::https://example.com/a.git"\n}\n'
    files = {"main.mlf.hcl": text} | {f"m/{n}/main.mlf.hcl": text for n in range(100)}
    config, problems = load(files, find_modules=Endless)
    [problem] = problems
    assert problem.summary == "Modules nested too deeply"
    assert len(config.modules) == 50


def test_sources_that_cannot_be_used() -> None:
    _, problems = load(
        {
            "main.mlf.hcl": """module "a" {
  source = "git::https://example.com/a.git"
}
module "b" {
  source = "kid"
}
module "c" {
  source  = "./kid"
  version = "1.0"
}
module "d" {
  source  = "git::https://example.com/a.git"
  version = "1.0"
}
module "e" {
  source = null
}
""",
            "kid/main.mlf.hcl": "",
        }
    )
    assert told(problems) == [
        ("Module not installed", "main.mlf.hcl:2"),
        ("Invalid module source", "main.mlf.hcl:5"),
        ("Invalid module version", "main.mlf.hcl:9"),
        ("Invalid module version", "main.mlf.hcl:13"),
        ("Unsuitable value type", "main.mlf.hcl:16"),
    ]


def test_what_only_the_root_module_may_have() -> None:
    _, problems = load(
        {
            "main.mlf.hcl": CALL,
            "kid/main.mlf.hcl": 'mlform {\n  required_version = "> 1"\n  backend "local" {}\n}\n'
            'runtime "docker" "default" {}\nimport {\n  to = a.b\n  id = "x"\n}\n'
            'output "a" {\n  value = 1\n  ephemeral = true\n}\n',
        }
    )
    assert told(problems) == [
        ("Backend in a module", "kid/main.mlf.hcl:3"),
        ("Runtime in a module", "kid/main.mlf.hcl:5"),
        ("Import in a module", "kid/main.mlf.hcl:6"),
    ]


def test_modules_name_the_runtimes_of_the_root() -> None:
    files = {
        "main.mlf.hcl": CALL + 'runtime "docker" "big" {}\n',
        "kid/main.mlf.hcl": 'resource "mlform_data" "a" {\n  runtime = runtime.docker.big\n}\n',
    }
    config = loaded(files)
    [resource] = config.modules[(ModuleStep("a"),)].resources.values()
    assert resource.runtime == "docker.big"
    _, problems = load({**files, "main.mlf.hcl": CALL})
    assert told(problems) == [("Reference to undeclared runtime", "kid/main.mlf.hcl:2")]
    _, problems = load({**files, "main.mlf.hcl": CALL + 'runtime "docker" "big {\n'})
    assert {each.range.filename for each in problems if each.range} == {"main.mlf.hcl"}


def test_what_was_read_is_enough_to_load_again(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "main.mlf.hcl").write_text(
        'module "a" {\n  source = "../shared"\n}\n'
        'module "far" {\n  source = "git::https://example.com/far.git"\n}\n'
    )
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "main.mlf.hcl").write_text('resource "mlform_data" "a" {}')
    (tmp_path / "live" / "m" / "far").mkdir(parents=True)
    (tmp_path / "live" / "m" / "far" / "x.mlf.hcl").write_text("locals {}")
    (tmp_path / "live" / "m" / "index.json").write_text('{"module.far": "m/far"}')

    class Indexed:
        def __init__(self, files: ConfigFiles) -> None:
            self.files = files

        def find(
            self, path: ModulePath, source: str, version: str | None, place: SourceRange
        ) -> str | None:
            assert (source, version) == ("git::https://example.com/far.git", None)
            assert str(place) == "main.mlf.hcl:5"
            folder = json.loads(self.files.read("m/index.json"))[print_path(path)]
            assert isinstance(folder, str)
            return folder

    first, problems = read_root(DiskFiles(tmp_path / "live")).load({}, find_modules=Indexed)
    assert problems == ()
    assert sorted(first.files) == [
        "../shared/main.mlf.hcl",
        "m/far/x.mlf.hcl",
        "m/index.json",
        "main.mlf.hcl",
    ]
    again, problems = read_root(SavedFiles(first.files)).load({}, find_modules=Indexed)
    assert problems == ()
    assert again == first


def test_names_are_unique_across_the_files_of_a_module_and_not_beyond() -> None:
    _, problems = load(
        {
            "a.mlf.hcl": CALL,
            "b.mlf.hcl": CALL,
            "kid/a.mlf.hcl": 'check "c" {\n  assert {\n    condition = local.x\n'
            '    error_message = "No."\n  }\n}\n',
            "kid/b.mlf.hcl": 'check "c" {\n  assert {\n    condition = local.x\n'
            '    error_message = "No."\n  }\n}\n',
        }
    )
    assert told(problems) == [
        ("Duplicate module call", "b.mlf.hcl:1"),
        ("Duplicate check configuration", "kid/b.mlf.hcl:1"),
    ]
