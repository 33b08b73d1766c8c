"""Several states for one configuration: `mlform workspace`."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlform.backends.local import LocalBackend
from mlform.operations.environment import Settings
from tests.commands import Commands
from tests.contracts.state_samples import lock_info

CONFIG = """
resource "mlform_data" "a" {
  input = terraform.workspace
}

output "where" {
  value = mlform.workspace
}
"""


@pytest.fixture
def mlform(tmp_path: Path) -> Commands:
    return Commands(tmp_path).file("main.mlf.hcl", CONFIG)


def listed(mlform: Commands) -> list[str]:
    return mlform("workspace", "list").ok().lines


def test_the_default_one_is_always_there(mlform: Commands) -> None:
    assert listed(mlform) == ["* default", ""]
    assert mlform("workspace", "show").ok().out == "default\n"
    assert not (mlform.folder / ".mlform").exists()


def test_a_new_one_is_empty_and_in_use(mlform: Commands) -> None:
    mlform("apply", "-auto-approve").ok()
    said = mlform("workspace", "new", "spring").ok().out
    assert said.startswith('Created and switched to workspace "spring"!\n\nYou\'re now on a new,')
    assert listed(mlform) == ["  default", "* spring", ""]
    assert (mlform.folder / ".mlform" / "environment").read_text() == "spring"
    mlform("state", "list").refused("No state file was found")
    assert "1 to add" in mlform("plan").ok().out


def test_each_has_a_state_and_expressions_of_its_own(mlform: Commands) -> None:
    for name in ("spring", "autumn"):
        mlform("workspace", "new", name).ok()
        mlform("apply", "-auto-approve").ok()
    assert mlform("output", "-raw", "where").out == "autumn"
    assert mlform("workspace", "select", "spring").ok().out == 'Switched to workspace "spring".\n'
    assert mlform("workspace", "select", "spring").ok().out == ""
    assert mlform("output", "-raw", "where").out == "spring"
    assert mlform("state", "show", "mlform_data.a").ok().lines[4].split() == [
        "input",
        "=",
        '"spring"',
    ]
    mlform("workspace", "select", "default").ok()
    mlform("state", "list").refused("No state file was found")


@pytest.mark.parametrize("name", ["", "a/b", "a b", "..", ".", "ä", "a\n", "a%2f"])
def test_names_that_no_url_takes_are_refused(mlform: Commands, name: str) -> None:
    for words in (("new",), ("select", "-or-create")):
        mlform("workspace", *words, name).refused("Invalid workspace name", "URL safe")
    with mlform.with_variables(MLF_WORKSPACE=name or "a/b") as there:
        there("plan").refused("Invalid workspace name")
    assert listed(mlform) == ["* default", ""]


def test_one_that_exists_is_not_made_again(mlform: Commands) -> None:
    mlform("workspace", "new", "spring").ok()
    mlform("workspace", "new", "spring").refused('Workspace "spring" already exists')
    mlform("workspace", "new", "default").refused('Workspace "default" already exists')


def test_one_that_is_not_there_is_selected_only_with_or_create(mlform: Commands) -> None:
    mlform("workspace", "select", "spring").refused('Workspace "spring" doesn\'t exist', "-or-cre")
    said = mlform("workspace", "select", "-or-create", "spring").ok().out
    assert said.startswith('Created and switched to workspace "spring"!')
    assert mlform("workspace", "select", "-or-create=true", "default").ok().out.startswith("Switch")


def test_one_in_use_is_not_deleted(mlform: Commands) -> None:
    mlform("workspace", "delete", "default").refused('"default" is your active workspace')
    mlform("workspace", "new", "spring").ok()
    mlform("workspace", "delete", "spring").refused('"spring" is your active workspace')
    mlform("workspace", "delete", "default").refused("The default workspace stays")
    mlform("workspace", "delete", "autumn").refused('Workspace "autumn" doesn\'t exist')


def test_one_that_holds_objects_is_deleted_by_force_only(mlform: Commands) -> None:
    mlform("workspace", "new", "spring").ok()
    mlform("apply", "-auto-approve").ok()
    mlform("workspace", "select", "default").ok()
    mlform("workspace", "delete", "spring").refused("Workspace is not empty", "- mlform_data.a")
    said = mlform("workspace", "delete", "-force", "spring").ok().out
    assert said.startswith('Deleted workspace "spring"!\nWARNING: "spring" was non-empty.\n')
    assert listed(mlform) == ["* default", ""]


def test_one_whose_objects_were_destroyed_is_empty(mlform: Commands) -> None:
    mlform("workspace", "new", "spring").ok()
    mlform("apply", "-auto-approve").ok()
    mlform("destroy", "-auto-approve").ok()
    mlform("workspace", "select", "default").ok()
    assert mlform("workspace", "delete", "spring").ok().out == 'Deleted workspace "spring"!\n'


def test_one_in_which_a_run_works_is_not_deleted(mlform: Commands) -> None:
    mlform("workspace", "new", "spring").ok()
    mlform("workspace", "select", "default").ok()
    backend = LocalBackend(mlform.folder / "mlform.mlfstate.d" / "spring" / "mlform.mlfstate")
    backend.lock(lock_info("id-7"))
    mlform("workspace", "delete", "spring").refused("id-7", status=4)
    mlform("workspace", "delete", "-lock=false", "spring").ok()


def test_the_environment_decides(mlform: Commands) -> None:
    mlform("workspace", "new", "autumn").ok()
    with mlform.with_variables(MLF_WORKSPACE="spring") as there:
        assert there("workspace", "show").ok().out == "spring\n"
        said = there("workspace", "list").ok()
        assert said.lines == ["  default", "  autumn", ""]
        assert "overridden using the MLF_WORKSPACE" in said.err
        there("workspace", "select", "autumn").refused("overridden using the MLF_WORKSPACE")
        there("workspace", "new", "winter").refused("cannot create a new workspace when using")
        there("workspace", "new", "spring").ok()
        there("apply", "-auto-approve").ok()
        assert there("output", "-raw", "where").out == "spring"
    assert mlform("workspace", "show").ok().out == "spring\n"


def test_one_that_is_gone_is_made_again_by_apply(mlform: Commands) -> None:
    mlform("workspace", "new", "spring").ok()
    (mlform.folder / "mlform.mlfstate.d" / "spring").rmdir()
    assert mlform("workspace", "show").ok().out == "spring\n"
    assert listed(mlform) == ["  default", ""]
    assert "1 to add" in mlform("plan").ok().out
    mlform("apply", "-auto-approve").ok()
    assert listed(mlform) == ["  default", "* spring", ""]


def test_a_state_can_be_brought_along(mlform: Commands) -> None:
    mlform("apply", "-auto-approve").ok()
    mlform.file("kept.json", mlform("state", "pull").ok().out)
    said = mlform("workspace", "new", "-state=kept.json", "spring").ok().out
    assert said == 'Created and switched to workspace "spring"!\n'
    assert mlform("state", "list").ok().out == "mlform_data.a\n"
    assert mlform("state", "pull").ok().out == (mlform.folder / "kept.json").read_text()


@pytest.mark.parametrize("content", [None, "{", "{}"])
def test_a_state_that_cannot_be_read_makes_no_workspace(
    mlform: Commands, content: str | None
) -> None:
    if content is not None:
        mlform.file("kept.json", content)
    mlform("workspace", "new", "-state=kept.json", "spring").refused("kept.json")
    assert listed(mlform) == ["* default", ""]


def test_a_data_folder_that_cannot_be_written_is_named(mlform: Commands) -> None:
    mlform.file(".mlform", "a file in the way")
    mlform("workspace", "select", "default").refused(".mlform", "MLF_WORKSPACE=default")


def test_the_question_before_apply_names_it(mlform: Commands) -> None:
    assert "perform these actions?" in mlform("apply", typed="no\n").out
    mlform("workspace", "new", "spring").ok()
    assert 'perform these actions in workspace "spring"?' in mlform("apply", typed="no\n").out
    mlform("apply", "-auto-approve").ok()
    said = mlform("destroy", typed="no\n").out
    assert 'really want to destroy all resources in workspace "spring"?' in said


def test_a_saved_plan_belongs_to_its_workspace(mlform: Commands) -> None:
    mlform("workspace", "new", "spring").ok()
    mlform("plan", "-out=p").ok()
    mlform("workspace", "select", "default").ok()
    mlform("apply", "p").refused("Saved plan is for another workspace", "workspace select spring")
    mlform("state", "list").refused("No state file was found")
    mlform("workspace", "select", "spring").ok()
    mlform("apply", "p").ok()
    assert mlform("output", "-raw", "where").out == "spring"


def test_logs_and_routes_of_each_are_kept_apart(mlform: Commands) -> None:
    environment = Commands(mlform.folder, {"MLF_WORKSPACE": "spring"})
    environment("apply", "-auto-approve").ok()

    settings = Settings(folder=mlform.folder, data_folder=mlform.folder / ".mlform")
    assert settings.work_folder == settings.data_folder
    spring = Settings(
        folder=mlform.folder, data_folder=mlform.folder / ".mlform", workspace="spring"
    )
    assert spring.work_folder == mlform.folder / ".mlform" / "workspaces" / "spring"
