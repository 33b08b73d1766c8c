"""Configuration that mlform writes: for imports, from examples; and what may stand in it."""

from __future__ import annotations

import json
import shutil
import subprocess  # noqa: TID251 - the other program
from pathlib import Path

import pytest

from mlform.digests import Json
from tests.e2e.cli import ROOT, Cli

IMPORTS = """\
locals {
  name = "abc"
}

import {
  to = mlform_data.a
  id = local.name
}

import {
  to = mlform_data.b
  id = "with \\"quotes\\" and $${more}"
}

resource "mlform_data" "c" {
  input = "y"
}

resource "mlform_data" "d" {
  input = "z"
}

import {
  to = mlform_data.d
  id = "known"
}
"""
GENERATED = """\
# __generated__ by mlform
# Please review these resources and move them into your main configuration files.

# __generated__ by mlform from "abc"
resource "mlform_data" "a" {
}

# __generated__ by mlform from "with \\"quotes\\" and ${more}"
resource "mlform_data" "b" {
}
"""


def test_blocks_are_written_for_imports_without_one(tmp_path: Path) -> None:
    cli = Cli(tmp_path).file("main.mlf.hcl", IMPORTS)
    missing = cli.run("plan")
    assert missing.status == 1
    assert "mlform_data.a. Write one, or let mlform write it" in missing.stderr
    keyed = 'import {\n  to = mlform_data.many["x"]\n  id = "abc"\n}\n'
    several = cli.file("keyed.mlf.hcl", keyed).run("plan")
    assert "mlform_data.many. Write one: mlform writes blocks" in several.stderr
    (tmp_path / "keyed.mlf.hcl").unlink()
    shown = cli.run("plan", "-generate-config-out=generated.mlf.hcl").ok().stdout
    assert "# mlform_data.a will be imported" in shown
    assert "Plan: 3 to import, 1 to add, 1 to change, 0 to destroy." in shown
    assert "written it to generated.mlf.hcl." in shown
    assert (tmp_path / "generated.mlf.hcl").read_text() == GENERATED
    cli.run("fmt", "-check").ok()
    cli.run("validate").ok()
    again = cli.run("plan", "-generate-config-out=generated.mlf.hcl")
    assert again.status == 1
    assert "Target generated file already exists" in again.stderr
    other = cli.run("plan", "-generate-config-out=other.mlf.hcl").ok()
    assert not other.file("other.mlf.hcl").exists()
    assert "written it to" not in other.stdout
    done = cli.run("apply", "-auto-approve").ok().stdout
    assert "Apply complete! Resources: 3 imported, 1 added, 1 changed, 0 destroyed." in done
    assert "No changes." in cli.run("plan").ok().stdout


def test_saved_plan_holds_what_was_generated(tmp_path: Path) -> None:
    cli = Cli(tmp_path).file("main.mlf.hcl", IMPORTS)
    cli.run("plan", "-generate-config-out=../generated.mlf.hcl", "-out=saved").ok()
    assert (tmp_path.parent / "generated.mlf.hcl").read_text() == GENERATED
    (tmp_path.parent / "generated.mlf.hcl").unlink()
    assert "3 imported" in cli.run("apply", "saved").ok().stdout
    listed = cli.run("state", "list").ok().stdout.split()
    assert listed == ["mlform_data.a", "mlform_data.b", "mlform_data.c", "mlform_data.d"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("generated.tf", "configuration files end in .mlf.hcl"),
        ("main.mlf.hcl", "Target generated file already exists"),
        ("nowhere/x.mlf.hcl", "Failed to write generated configuration"),
    ],
)
def test_generated_configuration_goes_where_it_is_read(
    name: str, said: str, tmp_path: Path
) -> None:
    outcome = (
        Cli(tmp_path).file("main.mlf.hcl", IMPORTS).run("plan", f"-generate-config-out={name}")
    )
    assert outcome.status == 1
    assert said in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_only_single_blocks_of_the_root_module_are_written(tmp_path: Path) -> None:
    text = """\
import {
  for_each = { a = "1" }
  to       = mlform_data.each[each.key]
  id       = each.value
}
"""
    outcome = Cli(tmp_path).file("main.mlf.hcl", text).run("plan", "-generate-config-out=x.mlf.hcl")
    assert outcome.status == 1
    assert "Configuration for import target does not exist" in outcome.stderr
    assert not outcome.file("x.mlf.hcl").exists()


def test_problems_of_ids_name_the_import(tmp_path: Path) -> None:
    text = 'import {\n  to = dataset.a\n  id = "sha256:00"\n}\n'
    outcome = Cli(tmp_path).file("main.mlf.hcl", text).run("plan", "-generate-config-out=x.mlf.hcl")
    assert outcome.status == 1
    assert "Invalid import id" in outcome.stderr
    assert "main.mlf.hcl line 1" in outcome.stderr
    assert not outcome.file("x.mlf.hcl").exists()


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_terraform_writes_the_same_but_for_defaults(tmp_path: Path) -> None:
    text = IMPORTS.replace("mlform_data", "terraform_data")
    (tmp_path / "main.tf").write_text(text)
    for words in (["init"], ["plan", "-generate-config-out=generated.tf"]):
        subprocess.run(  # noqa: S603 - found on the path
            [shutil.which("terraform") or "", *words],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "CHECKPOINT_DISABLE": "1"},
            check=True,
            capture_output=True,
        )
    theirs = (tmp_path / "generated.tf").read_text().replace("Terraform", "mlform")
    plain = theirs.replace("terraform_data", "mlform_data")
    for default in ("  input            = null\n", "  triggers_replace = null\n"):
        plain = plain.replace(default, "")
    # In which order Terraform writes the blocks differs from run to run.
    assert sorted(plain.strip().split("\n\n")) == sorted(GENERATED.strip().split("\n\n"))


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "iris", "wine"])
def test_an_example_to_start_from(name: str, tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    said = cli.run("init", f"-from-example={name}").ok().stdout
    assert f"Copied the example {name}" in said
    assert "successfully initialized" in said
    cli.run("fmt", "-check").ok()
    cli.run("validate").ok()
    again = cli.run("init", f"-from-example={name}")
    assert again.status == 1
    assert "The folder is not empty" in again.stderr


def test_wrong_name_of_an_example(tmp_path: Path) -> None:
    outcome = Cli(tmp_path).run("init", "-from-example=wien")
    assert outcome.status == 1
    assert 'Did you mean "wine"?' in outcome.stderr
    assert list(tmp_path.iterdir()) == []


def schema_document(tmp_path: Path, *words: str) -> dict[str, Json]:
    found: dict[str, Json] = json.loads(Cli(tmp_path).run("schema", *words, "-json").ok().stdout)
    return found


def test_schema_as_a_document(tmp_path: Path) -> None:
    document = schema_document(tmp_path)
    assert document["format_version"] == "1.0"
    kinds = document["resource_schemas"]
    assert isinstance(kinds, dict)
    assert set(kinds) == {"mlform_data", "dataset", "split", "model", "evaluation", "endpoint"}
    model = kinds["model"]["block"]
    assert model["attributes"]["target"] == {
        "type": "string",
        "description": "Column to predict.",
        "description_kind": "markdown",
        "required": True,
        "effect": "rebuild",
    }
    assert model["attributes"]["digest"]["computed"] is True
    assert model["attributes"]["split"]["references"] == ["split"]
    algorithm = model["block_types"]["algorithm"]
    assert (algorithm["nesting_mode"], algorithm["min_items"], algorithm["max_items"]) == (
        "single",
        1,
        1,
    )
    assert set(algorithm["variants"]) >= {"xgboost", "python"}
    assert kinds["split"]["block"]["exactly_one_of"]
    assert kinds["split"]["block"]["block_types"]["transform"]["nesting_mode"] == "list"
    assert document["runtime_schemas"]["docker"]["block"]["attributes"]["image"]["required"]  # type: ignore[call-overload, index]
    assert set(schema_document(tmp_path, "split")["resource_schemas"]) == {"split"}  # type: ignore[arg-type]


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_signatures_of_functions_are_terraforms(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - found on the path
        [shutil.which("terraform") or "", "metadata", "functions", "-json"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "CHECKPOINT_DISABLE": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    theirs = json.loads(done.stdout)["function_signatures"]
    ours = schema_document(tmp_path)["function_signatures"]
    assert isinstance(ours, dict)
    bare = {name for name in theirs if not name.startswith("core::")}
    assert bare <= set(ours)
    for name in sorted(bare):
        # Where Terraform leaves open what is returned, mlform may know more.
        returned = theirs[name]["return_type"]
        assert returned in ("dynamic", ours[name]["return_type"]), name
        for key in ("parameters", "variadic_parameter"):
            assert types_of(ours[name].get(key)) == types_of(theirs[name].get(key)), (name, key)


def types_of(told: Json) -> Json:
    """Names and types alone."""
    if isinstance(told, dict):
        return {key: told[key] for key in ("name", "type")}
    if isinstance(told, list):
        return [types_of(item) if isinstance(item, dict) else item for item in told]
    return told


def test_schema_for_people_and_as_markdown(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    listed = cli.run("schema").ok().stdout
    assert "  split        A data set in partitions" in listed
    assert "Types of runtimes: process, docker" in listed
    shown = cli.run("schema", "model").ok().stdout
    assert "  split     split, required: The split it is trained on.\n" in shown
    assert '    algorithm "xgboost"\n' in shown
    page = (ROOT / "docs" / "reference" / "kinds.md").read_text()
    part = cli.run("schema", "-markdown", "endpoint").ok().stdout
    assert part.partition("\n## requirements")[0] in page
    whole = cli.run("schema", "-markdown").ok().stdout
    assert whole.partition("\n## dataset")[2] == page.partition("\n## dataset")[2]
    wrong = cli.run("schema", "modle")
    assert wrong.status == 1
    assert 'Did you mean "model"?' in wrong.stderr
    both = cli.run("schema", "-json", "-markdown")
    assert both.status == 1
    assert "either -json or -markdown" in both.stderr


SAMPLES = {'"string"': '"x"', '"bool"': "true", '"number"': "1", '["map", "string"]': '{ a = "x" }'}
"""A value of each type."""


def given(block: dict[str, dict[str, dict[str, object]]]) -> str:
    """All arguments of a block of the schema, each with a value of its type."""
    attributes = block["attributes"].items()
    return "".join(f"{name} = {SAMPLES[json.dumps(each['type'])]}\n" for name, each in attributes)


def test_backends_of_the_schema_are_accepted(tmp_path: Path) -> None:
    backends = schema_document(tmp_path)["backend_schemas"]
    assert isinstance(backends, dict)
    for name, schema in backends.items():
        text = f'mlform {{\n  backend "{name}" {{\n{given(schema["block"])}  }}\n}}\n'
        Cli(tmp_path / name).file("main.mlf.hcl", text).run("validate").ok()
        wrong = text.replace("\n  }\n}", "\n    wrong = 1\n  }\n}", 1)
        cli = Cli(tmp_path / name).file("main.mlf.hcl", wrong + 'resource "mlform_data" "a" {\n}\n')
        assert "Unsupported argument" in cli.run("plan").stderr


def test_key_providers_of_the_schema_are_known(tmp_path: Path) -> None:
    providers = schema_document(tmp_path)["key_provider_schemas"]
    assert isinstance(providers, dict)
    assert set(providers) == {"pbkdf2", "scrypt", "raw"}
    for name, schema in providers.items():
        variable = (
            f'key_provider "{name}" "a" {{\n{given(schema["block"])}}}\n'
            f'method "aes_gcm" "a" {{\n  keys = key_provider.{name}.a\n}}\n'
            "state {\n  method = method.aes_gcm.a\n}\n"
        )
        cli = Cli(tmp_path / name, MLF_ENCRYPTION=variable).file("main.mlf.hcl", "")
        told = cli.run("validate").stderr
        assert "Invalid key provider" in told  # too short, too few
        assert "Unsupported argument" not in told
