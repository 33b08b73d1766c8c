"""Terraform as oracle: a folder that it works in, and what both programs say in one form.

Left out is what the two cannot have in common: identities, names of kinds, and the types of nulls.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess  # noqa: TID251 - the oracle is another program
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from mlform.digests import Json
from mlform.operations.results import Planned as OurPlan
from mlform.plan.changes import Plan
from mlform.resources.data import KIND
from mlform.state.snapshot import ResourceRecord, State
from mlform.views.documents import (
    change_document,
    drift_document,
    output_change_document,
    plan_document,
)

TERRAFORM = shutil.which("terraform")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_KEY = re.compile(r"\[[^\]]*\]")
_COUNTED = re.compile(r"(\d+) added, (\d+) changed, (\d+) destroyed\.")
_TURNED_ROUND = ("Error: Cycle", "Cycle: ")


Counts: TypeAlias = tuple[int, int, int]


class Uuids:
    """Identities that look like Terraform's."""

    def __init__(self) -> None:
        self._given = 0

    def __call__(self) -> str:
        self._given += 1
        return f"{self._given:08x}-0000-4000-8000-000000000000"


class TurnedRoundError(Exception):
    """Terraform cannot order the steps after dependencies were turned round; mlform can."""


class RefusedError(Exception):
    """Terraform does not do what was asked for."""


@dataclass(frozen=True)
class Planned:
    """A plan of Terraform's, and the exit status that -detailed-exitcode gave it."""

    document: dict[str, object]
    status: int

    @property
    def open_outputs(self) -> frozenset[str]:
        """Names of the outputs that are known only after apply."""
        found = self.document.get("output_changes", {})
        assert isinstance(found, dict)
        return frozenset(name for name, item in found.items() if has_true(item["after_unknown"]))

    @property
    def outputs(self) -> set[str]:
        """Names of the outputs that are planned."""
        found = self.document.get("output_changes", {})
        assert isinstance(found, dict)
        return set(found)


class Terraform:
    """A folder that Terraform works in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def run(self, *words: str, fine: tuple[int, ...] = (0,)) -> tuple[str, int]:
        """Run it; return what it printed and its exit status."""
        assert TERRAFORM is not None
        done = subprocess.run(  # noqa: S603 - the program that was found
            [TERRAFORM, *words],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "CHECKPOINT_DISABLE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if any(words in done.stderr for words in _TURNED_ROUND):
            raise TurnedRoundError
        if done.returncode not in fine:
            raise RefusedError(f"terraform {words}\n{done.stdout}\n{done.stderr}")
        return done.stdout, done.returncode

    def plan(self, text: str, *options: str) -> Planned:
        """Make a plan of a configuration and save it."""
        (self.folder / "main.tf").write_text(text)
        words = ("plan", "-input=false", "-no-color", "-out=p", "-detailed-exitcode", *options)
        _, status = self.run(*words, fine=(0, 2))
        shown, _ = self.run("show", "-json", "p")
        return Planned(json.loads(shown), status)

    def apply(self, plan: Planned) -> Counts:
        """Carry out the saved plan, if it can be; return what was added, changed, destroyed."""
        if not plan.document["applyable"]:
            return (0, 0, 0)
        said, _ = self.run("apply", "-no-color", "p")
        told = _COUNTED.search(said)
        assert told is not None, said
        added, changed, destroyed = map(int, told.groups())
        return (added, changed, destroyed)

    @property
    def state(self) -> dict[str, object]:
        """The state; empty where there is none."""
        path = self.folder / "terraform.tfstate"
        found: dict[str, object] = json.loads(path.read_text()) if path.exists() else {}
        return found


def masked(data: object) -> Json:
    """Return JSON data without identities and without the names of the two programs' kinds."""
    text = _UUID.sub("<id>", json.dumps(data, sort_keys=True))
    found: Json = json.loads(text.replace("terraform_data", "mlform_data"))
    return found


# Plans


def planned(
    document: Mapping[str, object], *, ordered: bool = True, ignored: frozenset[str] = frozenset()
) -> Json:
    """Return what a plan says, in either program's JSON.

    Args:
        document: The plan.
        ordered: Whether it matters which of two actions comes first.
        ignored: Names of outputs that are left out.
    """
    changes, outputs = document.get("resource_changes", []), document.get("output_changes", {})
    drift = document.get("resource_drift", [])
    assert isinstance(changes, list)
    assert isinstance(drift, list)
    assert isinstance(outputs, dict)
    return masked(
        {
            "changes": {
                _key(item): _change(item, ordered=ordered) for item in changes if _matters(item)
            },
            "outputs": {
                name: [
                    # After a refresh Terraform may have nulls recorded.
                    ["create"] if _is_new(item) else item["actions"],
                    has_true(item["after_unknown"]),
                    item["before_sensitive"],
                    item["after_sensitive"],
                ]
                for name, item in outputs.items()
                if name not in ignored and _is_told(item)
            },
            "drift": {
                _key(item): [item["change"]["actions"], item.get("previous_address")]
                for item in drift
            },
            "complete": document["complete"],
        }
    )


def _is_told(output: Mapping[str, object]) -> bool:
    if output["actions"] == ["delete"] and output["before"] is None:
        return False  # Terraform destroys outputs that never were
    return output["actions"] != ["no-op"]


def _is_new(output: Mapping[str, object]) -> bool:
    return output["actions"] == ["update"] and output["before"] is None


def _key(item: Mapping[str, str]) -> str:
    # Both programs make up the keys of what was set aside.
    return item["address"] + (" deposed" if "deposed" in item else "")


def _matters(item: Mapping[str, object]) -> bool:
    change = item["change"]
    assert isinstance(change, dict)
    return change["actions"] != ["no-op"] or "previous_address" in item or "importing" in change


def _change(item: Mapping[str, object], *, ordered: bool) -> object:
    change = item["change"]
    assert isinstance(change, dict)
    return {
        "actions": change["actions"] if ordered else sorted(change["actions"]),
        # Terraform also says so of what is merely created.
        "reason": None if change["actions"] == ["create"] else item.get("action_reason"),
        "previous": item.get("previous_address"),
        "importing": change.get("importing"),
        "replace_paths": sorted(change.get("replace_paths", [])),
        "after": known(change["after"], change["after_unknown"]),
    }


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


def document_of(plan: Plan) -> dict[str, object]:
    """Return a plan of mlform's as far as it is compared."""
    document = {
        "resource_changes": [change_document(change) for change in plan.changes],
        "resource_drift": [drift_document(item, {}) for item in plan.drift],
        "output_changes": {
            name: output_change_document(item) for name, item in plan.outputs.items()
        },
        "complete": plan.complete,
    }
    found: dict[str, object] = json.loads(json.dumps(document))
    return found


def our_document(planned: OurPlan) -> Mapping[str, object]:
    """Return a plan of mlform's as `show -json` prints it."""
    assert planned.loaded is not None
    return plan_document(
        planned.plan,
        state=planned.state,
        variables={},
        version="",
        schemas={"mlform_data": KIND.schema},
        config=planned.loaded.config,
    )


def relevant_of(document: Mapping[str, object]) -> set[tuple[str, str]]:
    """Return the attributes that the values of a plan come from, in either program's JSON."""
    found: Iterable[Mapping[str, object]] = document.get("relevant_attributes", ())  # type: ignore[assignment]
    return {(str(masked(item["resource"])), json.dumps(item["attribute"])) for item in found}


def ours_planned(plan: Plan) -> Json:
    """Return what mlform plans."""
    return planned(document_of(plan))


def theirs_planned(plan: Planned) -> Json:
    """Return what Terraform plans."""
    return planned(plan.document)


# States


def theirs_applied(document: Mapping[str, object]) -> Json:
    """Return what Terraform's state holds, in the form of `ours_applied`."""
    instances: dict[str, object] = {}
    resources = document.get("resources", [])
    outputs = document.get("outputs", {})
    assert isinstance(resources, list)
    assert isinstance(outputs, dict)
    for block in resources:
        outer = f"{block['module']}." if "module" in block else ""
        for item in block["instances"]:
            key = item.get("index_key")
            tail = "" if key is None else f"[{json.dumps(key)}]"
            tail += " deposed" if "deposed" in item else ""
            sensitive = {path[0]["value"] for path in item.get("sensitive_attributes", [])}
            instances[f"{outer}{block['type']}.{block['name']}{tail}"] = [
                item["attributes"],
                sorted(sensitive),
                item.get("status") == "tainted",
            ]
    values = {
        name: [*typed(item["value"], item["type"]), item.get("sensitive", False)]
        for name, item in outputs.items()
        if item["value"] is not None
    }
    return masked({"instances": without_null_types(instances), "outputs": values})


def ours_applied(state: State) -> Json:
    """Return what mlform's state holds."""
    return masked(
        {
            "instances": without_null_types(
                {
                    str(record.address) + (" deposed" if deposed else ""): _instance(record)
                    for (_, deposed), record in state.objects.items()
                }
            ),
            "outputs": {
                name: [*typed(item.value, item.type), item.sensitive]
                for name, item in state.outputs.items()
            },
        }
    )


def their_checks(document: Mapping[str, object]) -> Json:
    """Return how conditions stand in Terraform's state, in the form of `our_checks`."""
    found: Iterable[Mapping[str, object]] = document.get("check_results") or ()  # type: ignore[assignment]
    checks = {}
    for item in found:
        objects: Iterable[Mapping[str, object]] = item["objects"] or ()  # type: ignore[assignment]
        checks[f"{item['config_addr']}"] = [
            item["status"],
            {
                str(each["object_addr"]): [each["status"], each.get("failure_messages", [])]
                for each in objects
            },
        ]
    return masked(checks)


def our_checks(state: State) -> Json:
    """Return how conditions stand in mlform's state."""
    return masked(
        {
            check.block: [
                check.status,
                {item.address: [item.status, list(item.messages)] for item in check.objects},
            ]
            for check in state.checks
        }
    )


def _instance(record: ResourceRecord) -> object:
    sensitive = {str(path[0]) for path in record.sensitive}
    return [dict(record.attributes), sorted(sensitive), record.tainted]


def typed(value: object, type_: object) -> list[object]:
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


def their_needs(document: Mapping[str, object]) -> dict[str, set[str]]:
    """Return what each block in Terraform's state depends on, directly or not."""
    found: dict[str, set[str]] = {}
    resources: Iterable[Mapping[str, object]] = document.get("resources", [])  # type: ignore[assignment]
    for block in resources:
        # Dependencies are between blocks, whatever instances of modules these are in.
        outer = _KEY.sub("", f"{block['module']}.") if "module" in block else ""
        instances: Iterable[Mapping[str, object]] = block["instances"]  # type: ignore[assignment]
        for item in instances:
            needed: Iterable[str] = item.get("dependencies", ())  # type: ignore[assignment]
            name = f"{outer}{block['type']}.{block['name']}"
            found.setdefault(name, set()).update(needed)
    return found
