"""Copies of the shipped examples."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlform.config.load import SUFFIX
from mlform.errors import UsageError
from mlform.operations.examples import copy_example, example_names, examples_folder


def files_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_there_are_examples() -> None:
    names = example_names(examples_folder())
    assert {"breast_cancer", "diabetes", "wine"} <= set(names)
    for name in names:
        assert (examples_folder() / name / "README.md").is_file()


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "wine"])
def test_copy_has_the_files_of_the_example(name: str, tmp_path: Path) -> None:
    copied = copy_example(name, tmp_path / "new")
    found = files_of(tmp_path / "new")
    assert tuple(found) == copied.files
    assert copied.title
    original = examples_folder() / name
    assert found[f"main{SUFFIX}"] == (original / f"main{SUFFIX}").read_text()
    assert found["data.py"] == (original / "data.py").read_text()


def test_what_runs_left_behind_is_not_copied(tmp_path: Path) -> None:
    examples = tmp_path / "examples"
    example = examples / "a"
    (example / ".mlform").mkdir(parents=True)
    (example / "__pycache__").mkdir()
    for name in ("main.mlf.hcl", "mlform.mlfstate", "mlform.mlfstate.backup", ".mlform/x"):
        (example / name).write_text("")
    (example / "__pycache__" / "x.pyc").write_text("")
    (example / "data").mkdir()
    for name in ("data/a.csv", "docker.mlf.hcl", "rows.csv", ".mlform.lock.hcl"):
        (example / name).write_text("")
    assert copy_example("a", tmp_path / "new", examples=examples).files == ("main.mlf.hcl",)


def test_modules_beside_the_examples_come_along(tmp_path: Path) -> None:
    example, module = tmp_path / "examples" / "a", tmp_path / "modules" / "grow"
    (module / "tests").mkdir(parents=True)
    example.mkdir(parents=True)
    call = 'module "m" {\n  source = "../../modules/grow"\n  path   = "../../x"\n}\n'
    (example / "main.mlf.hcl").write_text(call)
    (module / "main.mlf.hcl").write_text("# grow\n")
    (module / "tests" / "a.mlftest.hcl").write_text("# test\n")
    copy_example("a", tmp_path / "new", examples=tmp_path / "examples")
    assert files_of(tmp_path / "new") == {
        "main.mlf.hcl": call.replace('"../../modules/grow"', '"./modules/grow"'),
        "modules/grow/main.mlf.hcl": "# grow\n",
        "modules/grow/tests/a.mlftest.hcl": "# test\n",
    }


def test_folder_with_configuration_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "own.mlf.hcl").write_text("# mine\n")
    with pytest.raises(UsageError, match="not empty") as raised:
        copy_example("wine", tmp_path)
    assert "own.mlf.hcl" in raised.value.detail
    assert files_of(tmp_path) == {"own.mlf.hcl": "# mine\n"}


def test_files_in_the_way_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "data.py").write_text("mine")
    with pytest.raises(UsageError) as raised:
        copy_example("wine", tmp_path)
    assert "data.py" in raised.value.detail
    assert files_of(tmp_path) == {"data.py": "mine"}


def test_wrong_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        copy_example("wien", tmp_path)
    assert 'Did you mean "wine"?' in raised.value.detail
    assert "breast_cancer, diabetes, iris, wine" in raised.value.detail
    assert files_of(tmp_path) == {}
