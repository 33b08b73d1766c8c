"""A saved plan is refused when what it was made from is not what there is."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mlform.config.lockfile import LockedImage, LockedModule, LockFile, write_lock
from mlform.errors import PlanStale
from mlform.operations.freshness import check_unmoved
from mlform.operations.results import Planned
from mlform.tasks import PinnedImage
from tests.engine import Engine

CALL = 'module "m" {\n  source = "./m"\n}\nresource "mlform_data" "a" {\n  input = "one"\n}\n'
CHILD = 'resource "mlform_data" "x" {}\n'
OLD, NEW = f"app@sha256:{'a' * 64}", f"app@sha256:{'b' * 64}"
PACKAGE = "git::https://example.org/m.git"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    folder = tmp_path / "project"
    folder.mkdir()
    return Engine(folder, CALL).file("m/main.mlf.hcl", CHILD)


def moved(engine: Engine, planned: Planned) -> str:
    """What is said to have moved; nothing where nothing has."""
    try:
        check_unmoved(engine.environment([]), planned)
    except PlanStale as stale:
        lines = stale.detail.splitlines()
        return "\n".join(line.removeprefix("  - ") for line in lines if line.startswith("  - "))
    return ""


def test_nothing_moved(engine: Engine) -> None:
    assert moved(engine, engine.plan()) == ""


def test_another_checkout_of_the_same_is_as_good(engine: Engine, tmp_path: Path) -> None:
    planned = engine.plan()
    shutil.copytree(engine.folder, tmp_path / "other")
    assert moved(Engine(tmp_path / "other"), planned) == ""


def test_a_folder_without_configuration_has_nothing_that_differs(
    engine: Engine, tmp_path: Path
) -> None:
    planned = engine.plan()
    (tmp_path / "empty").mkdir()
    assert moved(Engine(tmp_path / "empty"), planned) == ""


def test_edited_new_and_missing_files(engine: Engine) -> None:
    engine.file("more.mlf.hcl", "")
    planned = engine.plan()
    engine.file("m/main.mlf.hcl", CHILD + "# edited\n").file("m/new.mlf.hcl", "")
    (engine.folder / "more.mlf.hcl").unlink()
    engine.file("notes.txt", "no configuration").file("apart/main.mlf.hcl", "not called")
    assert moved(engine, planned).splitlines() == [
        "m/main.mlf.hcl was changed",
        "more.mlf.hcl is not there any more",
        "m/new.mlf.hcl is new",
    ]


def test_what_to_do_is_said(engine: Engine) -> None:
    planned = engine.plan()
    engine.file("more.mlf.hcl", "")
    with pytest.raises(PlanStale) as caught:
        check_unmoved(engine.environment([]), planned)
    assert caught.value.summary == "Saved plan is stale"
    assert "Nothing was done. Make a new plan" in caught.value.detail


def test_very_many_are_not_all_named(engine: Engine) -> None:
    planned = engine.plan()
    for number in range(15):
        engine.file(f"new{number:02}.mlf.hcl", "")
    lines = moved(engine, planned).splitlines()
    assert (len(lines), lines[-1]) == (11, "and 5 more")


def test_fetched_modules_may_be_away_but_not_changed(engine: Engine) -> None:
    planned = engine.plan()
    shown = ".mlform/modules/m/main.mlf.hcl"
    planned = replace(planned, files={**planned.files, shown: b"# fetched\n"})
    assert moved(engine, planned) == ""
    engine.file(shown, "# by hand\n")
    assert moved(engine, planned) == f"{shown} was changed"


def test_pins(engine: Engine) -> None:
    planned = replace(
        engine.plan(),
        images={"app": PinnedImage(name="app", reference=OLD)},
        modules={PACKAGE: "1" * 40},
    )
    assert moved(engine, planned) == ""  # not pinned here is no other pin
    path = engine.folder / ".mlform.lock.hcl"
    for reference, commit, expected in (
        (OLD, "1" * 40, []),
        (
            NEW,
            "2" * 40,
            [
                f'.mlform.lock.hcl pins the image "app" to sha256:{"b" * 64} now',
                f'.mlform.lock.hcl pins the module "{PACKAGE}" to {"2" * 40} now',
            ],
        ),
    ):
        locked = LockFile(
            images={"app": LockedImage(name="app", reference=reference)},
            modules={PACKAGE: LockedModule(package=PACKAGE, pin=commit)},
        )
        write_lock(path, locked)
        assert moved(engine, planned).splitlines() == expected
