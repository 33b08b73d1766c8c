"""Terraform as oracle: the same configurations, planned and applied by both programs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess  # noqa: TID251 - the oracle is another program
from pathlib import Path
from random import Random  # noqa: TID251 - seeded

import pytest

from mlform.digests import Json
from mlform.plan.changes import Plan
from mlform.state.snapshot import State
from mlform.views.documents import change_document, output_change_document
from tests.engine import Engine
from tests.properties.oracle import Story

TERRAFORM = shutil.which("terraform")
STEPS = 5
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

pytestmark = pytest.mark.skipif(TERRAFORM is None, reason="the terraform program is not installed")


class Uuids:
    """Identities that look like Terraform's."""

    def __init__(self) -> None:
        self._given = 0

    def __call__(self) -> str:
        self._given += 1
        return f"{self._given:08x}-0000-4000-8000-000000000000"


def masked(data: object) -> Json:
    """Return JSON data without identities and without the names of the two programs' kinds."""
    text = _UUID.sub("<id>", json.dumps(data, sort_keys=True))
    found: Json = json.loads(text.replace("terraform_data", "mlform_data"))
    return found


class TurnedRoundError(Exception):
    """Terraform cannot order the steps after dependencies were turned round; mlform can."""


class Terraform:
    """A folder that Terraform works in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def run(self, *words: str) -> str:
        assert TERRAFORM is not None
        done = subprocess.run(  # noqa: S603 - the program that was found
            [TERRAFORM, *words],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "CHECKPOINT_DISABLE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if "Error: Cycle" in done.stderr:
            raise TurnedRoundError
        assert done.returncode == 0, f"terraform {words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def plan(self, text: str) -> dict[str, object]:
        (self.folder / "main.tf").write_text(text)
        self.run("plan", "-input=false", "-no-color", "-out=p")
        found: dict[str, object] = json.loads(self.run("show", "-json", "p"))
        return found

    def apply(self) -> dict[str, object]:
        self.run("apply", "-no-color", "p")
        path = self.folder / "terraform.tfstate"
        found: dict[str, object] = json.loads(path.read_text()) if path.exists() else {}
        return found


def theirs_planned(document: dict[str, object]) -> Json:
    """Return what Terraform plans, in the form of `ours_planned`."""
    changes = document.get("resource_changes", [])
    assert isinstance(changes, list)
    outputs = document.get("output_changes", {})
    assert isinstance(outputs, dict)
    return masked(
        {
            "changes": {
                item["address"] + item.get("deposed", ""): [
                    item["change"]["actions"],
                    item.get("previous_address"),
                    sorted(item["change"].get("replace_paths", [])),
                    known(item["change"]["after"], item["change"]["after_unknown"]),
                ]
                for item in changes
                if item["change"]["actions"] != ["no-op"] or "previous_address" in item
            },
            "outputs": {
                name: [item["actions"], has_true(item["after_unknown"])]
                for name, item in outputs.items()
                if item["actions"] != ["no-op"]
            },
        }
    )


def known(after: object, unknown: object) -> object:
    """Return the planned input and triggers, without what only apply can tell."""
    if not isinstance(after, dict):
        return after
    assert isinstance(unknown, dict)
    return {
        name: "unknown" if has_true(unknown.get(name)) else after.get(name)
        for name in ("input", "triggers_replace")
    }


def has_true(data: object) -> bool:
    """Whether anything inside is true."""
    if isinstance(data, dict):
        return any(map(has_true, data.values()))
    if isinstance(data, list):
        return any(map(has_true, data))
    return data is True


def ours_planned(plan: Plan) -> Json:
    """Return what mlform plans."""
    document = {
        "resource_changes": [change_document(change) for change in plan.changes],
        "output_changes": {
            name: output_change_document(item) for name, item in plan.outputs.items()
        },
    }
    return theirs_planned(json.loads(json.dumps(document)))


def theirs_applied(document: dict[str, object]) -> Json:
    """Return what Terraform's state holds, in the form of `ours_applied`."""
    instances: dict[str, object] = {}
    resources = document.get("resources", [])
    outputs = document.get("outputs", {})
    assert isinstance(resources, list)
    assert isinstance(outputs, dict)
    for block in resources:
        for item in block["instances"]:
            key = item.get("index_key")
            tail = "" if key is None else f"[{json.dumps(key)}]"
            sensitive = {path[0]["value"] for path in item.get("sensitive_attributes", [])}
            outer = f"{block['module']}." if "module" in block else ""
            instances[f"{outer}{block['type']}.{block['name']}{tail}"] = [
                item["attributes"],
                sorted(sensitive),
            ]
    values = {name: typed(item["value"], item["type"]) for name, item in outputs.items()}
    return masked({"instances": without_null_types(instances), "outputs": values})


def typed(value: object, type_: object) -> object:
    """Return a value with its type, unless that hangs on which kind of null is inside."""
    return [value, "any" if "null" in json.dumps(value) else type_]


def without_null_types(data: object) -> object:
    """Return the data without the types of nulls."""
    if isinstance(data, dict):
        if data.keys() == {"type", "value"} and "null" in json.dumps(data["value"]):
            return data["value"]
        return {key: without_null_types(item) for key, item in data.items()}
    if isinstance(data, list):
        return [without_null_types(item) for item in data]
    return data


def ours_applied(state: State) -> Json:
    """Return what mlform's state holds."""
    return masked(
        {
            "instances": without_null_types(
                {
                    str(record.address): [
                        dict(record.attributes),
                        sorted({str(path[0]) for path in record.sensitive}),
                    ]
                    for record in state.records
                }
            ),
            "outputs": {name: typed(item.value, item.type) for name, item in state.outputs.items()},
        }
    )


def check_story(seed: int, folder: Path, steps: int) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "ours").mkdir()
    terraform = Terraform(folder / "theirs")
    engine = Engine(folder / "ours", new_id=Uuids())
    story = Story(Random(seed))  # noqa: S311 - a generator of cases
    story.begin()
    texts: list[str] = []
    for step in range(steps):
        if step:
            story.edit()
        texts.append(story.text())
        shown = f"seed {seed}, step {step}:\n" + "\n# then\n".join(texts[-2:])
        engine.hcl = texts[-1].replace("terraform_data", "mlform_data")
        try:
            theirs = theirs_planned(terraform.plan(texts[-1]))
        except TurnedRoundError:
            engine.ok()
            return
        planned = engine.plan()
        assert ours_planned(planned.plan) == theirs, shown
        try:
            state = theirs_applied(terraform.apply())
        except TurnedRoundError:
            return
        ran = engine.carry_out(planned)
        assert not ran.failed, shown
        if engine.place.snapshot is not None:
            assert ours_applied(engine.state) == state, shown
        assert not engine.plan().plan.has_changes, f"not settled\n{shown}"


@pytest.mark.parametrize("seed", range(8))
def test_both_programs_do_the_same(seed: int, tmp_path: Path) -> None:
    check_story(seed, tmp_path / "story", STEPS)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 1100))
def test_both_programs_do_the_same_for_long(seed: int, tmp_path: Path) -> None:
    check_story(seed, tmp_path / "story", 12)
