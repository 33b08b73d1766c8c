"""Plans, states, outputs and messages beside those of Terraform: the same but for a short list."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from mlform.digests import Json
from tests.e2e.cli import Cli
from tests.e2e.terraform_stories import STORIES
from tests.two_programs import ABSENT, TERRAFORM, Difference, Programs, common, differences

pytestmark = pytest.mark.skipif(TERRAFORM is None, reason="the terraform program is not installed")

ENDED: Final = frozenset({"names", "removal"})
"""Stories that end by validating, refreshing and destroying."""
Accepts = Callable[[Json, Json], bool]
NEW: Final = frozenset(
    {
        "attribute_causes",
        "critical_path",
        "conditional",
        "environments",
        "expected_seconds",
        "from_cache",
        "lineage",
        "mlform_action",
        "mlform_version",
        "provenance",
        "reasons",
        "reused",
        "serial",
        "steps",
        "unchanged",
    }
)
"""Members that only mlform has."""


@dataclass(frozen=True, slots=True)
class Intended:
    """A difference that is meant: where, which values, and why."""

    path: str
    accepts: Accepts
    why: str

    def covers(self, found: Difference) -> bool:
        """Whether a difference is this one."""
        return bool(re.search(self.path, found.path)) and self.accepts(found.ours, found.theirs)


def _any(ours: Json, theirs: Json) -> bool:
    return ours != theirs


def _only_theirs(ours: Json, theirs: Json) -> bool:
    return ours == ABSENT and theirs != ABSENT


def _only_ours(ours: Json, theirs: Json) -> bool:
    return ours != ABSENT and theirs == ABSENT


def _fewer(ours: Json, theirs: Json) -> bool:
    return isinstance(ours, list) and isinstance(theirs, list) and set(ours) <= set(theirs)


def _unknown(ours: Json, theirs: Json) -> bool:
    return theirs in {"unknown", ABSENT} and ours != theirs


def _without_shape(ours: Json, theirs: Json) -> bool:
    return theirs in ({}, []) and ours in (ABSENT, False)


INTENDED: Final = (
    Intended(rf"\.({'|'.join(NEW)})$", _only_ours, "what Terraform has no word for"),
    Intended(r"\.terraform_version$|^version\.(mlform|@message)$", _any, "another version"),
    Intended(r"\.schema_version$", lambda o, t: (o, t) == (1, 0), "mlform_data is at version 1"),
    Intended(
        r"(_sensitive|sensitive_values)\.output",
        _any,
        "what mlform_data gives back is as sensitive as what it took",
    ),
    Intended(
        r"(after_sensitive|sensitive_values)\.",
        _without_shape,
        "what is not known yet has no shape",
    ),
    Intended(
        r"^plan\.prior_state(\.values\.outputs.*)?$",
        _any,
        "outputs before are those of the state; Terraform shows new ones that are known",
    ),
    Intended(r"values.*\.depends_on$", _fewer, "the state has direct dependencies only"),
    Intended(
        r"^plan\.planned_values.*(\.mlform_data\.gone|\.child_modules)$",
        _only_theirs,
        "what is forgotten is not there afterwards",
    ),
    Intended(
        r"^plan\.variables\.(secret|eph)$",
        _only_theirs,
        "sensitive and ephemeral values stay out of documents",
    ),
    Intended(
        r"^diagnostic Check block assertion",
        _only_ours,
        "with targets, mlform still checks what it can",
    ),
    Intended(
        r"^(plan|state)\.checks\..*\.(status|instances)$",
        _unknown,
        "with targets, mlform still checks what it can",
    ),
    Intended(
        r"^refresh (types|version|change_summary)",
        _any,
        "refresh tells all that apply -refresh-only tells",
    ),
    Intended(r"^(plan|state)\.checks \(order\)$", _any, "another name of the kind, another order"),
    Intended(r"^outputs\.outputs\.\w+\.value$", _only_ours, "plans tell known values of outputs"),
    Intended(
        r"^apply_(start|complete) .* remove",
        _only_ours,
        "forgetting is told as any other step",
    ),
    Intended(
        r"^(refresh )?diagnostic .*\.diagnostic\.(detail|address|range|snippet)",
        _any,
        "details say what to do, and more places are told",
    ),
)


@dataclass(slots=True)
class Compared:
    """What was found in one story."""

    unexpected: list[str] = field(default_factory=list)
    intended: set[str] = field(default_factory=set)

    def take(self, found: Iterable[Difference], of: str) -> None:
        """Sort differences into those that are meant and those that are not."""
        for item in found:
            reasons = [intended.why for intended in INTENDED if intended.covers(item)]
            self.intended.update(reasons)
            if not reasons:
                self.unexpected.append(f"{of}: {item}")


@cache
def compared(name: str) -> Compared:
    """Go through a story with both programs."""
    found = Compared()
    with TemporaryDirectory() as folder:
        programs = Programs(Path(folder))
        for number, step in enumerate(STORIES[name], start=1):
            of = f"step {number}"
            programs.write(step.files)
            programs.run("init")
            planning = programs.messages("plan", "-json", "-out=saved", *step.flags)
            found.take(message_differences(*planning), f"{of}, plan -json")
            found.take(document_differences(programs, "plan", "show", "-json", "saved"), of)
            found.take(message_differences(*programs.messages("apply", "-json", "saved")), of)
            found.take(document_differences(programs, "state", "show", "-json"), of)
            found.take(document_differences(programs, "outputs", "output", "-json"), of)
        if name in ENDED:
            found.take(document_differences(programs, "validate", "validate", "-json"), "the end")
            refreshed = programs.messages("refresh", "-json")
            found.take(message_differences(*refreshed, what="refresh "), "refresh")
            destroyed = programs.messages("destroy", "-json", "-auto-approve")
            found.take(message_differences(*destroyed), "destroy")
    return found


def document_differences(programs: Programs, what: str, *words: str) -> Iterator[Difference]:
    ours, theirs = map(_with_order, programs.documents(*words))
    return differences(ours, theirs, what)


def _sorting(item: Json) -> str:
    return json.dumps(item, sort_keys=True)


def _with_order(document: Json) -> Json:
    """Return a plan with its relevant attributes in order: Terraform's have none."""
    if not isinstance(document, Mapping) or "relevant_attributes" not in document:
        return document
    relevant = document["relevant_attributes"]
    assert isinstance(relevant, list)
    return {**document, "relevant_attributes": sorted(relevant, key=_sorting)}


def message_differences(
    ours: list[Json], theirs: list[Json], *, what: str = ""
) -> Iterator[Difference]:
    """Return where two streams differ: each message, and the order of their types."""
    sides = [[item for item in side if not _is_refresh(item)] for side in (ours, theirs)]
    order = [[key for key, _ in groupby(map(_type, side)) if key not in _MIXED] for side in sides]
    if order[0] != order[1]:
        yield Difference(f"{what}types", *order)
    mine, other = ({_title(item): item for item in side} for side in sides)
    for title in sorted({*mine, *other}):
        one, two = _bare(mine.get(title, ABSENT)), _bare(other.get(title, ABSENT))
        yield from differences(one, two, what + title)


_MIXED: Final = frozenset({"apply_start", "apply_complete"})
"""Types that come in any order while several things go on."""


def _type(message: Json) -> str:
    assert isinstance(message, Mapping)
    return str(message["type"])


def _is_refresh(message: Json) -> bool:
    return _type(message).startswith("refresh_")


def _title(message: Json) -> str:
    assert isinstance(message, Mapping)
    about = message.get("change", message.get("hook", {}))
    assert isinstance(about, Mapping)
    resource = about.get("resource", {})
    assert isinstance(resource, Mapping)
    action = about.get("action", "") if "hook" in message else ""
    problem = message.get("diagnostic", {})
    assert isinstance(problem, Mapping)
    parts = [resource.get("addr"), action, problem.get("summary")]
    return " ".join([_type(message), *(str(part) for part in parts if part)])


def _bare(message: Json) -> Json:
    if not isinstance(message, Mapping):
        return message
    bare = {key: item for key, item in message.items() if key != "@timestamp"}
    hook = message.get("hook")
    if isinstance(hook, Mapping):
        bare["hook"] = {key: item for key, item in hook.items() if key != "elapsed_seconds"}
    return bare


@pytest.mark.parametrize("name", sorted(STORIES))
def test_documents_and_messages_are_terraforms(name: str) -> None:
    assert compared(name).unexpected == []


def test_looks_are_told_as_terraform_tells_them(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    programs.write({"main": 'resource "terraform_data" "d" {}\n'})
    programs.run("init")
    programs.run("apply", "-auto-approve")
    table = Cli(tmp_path / "table").file("data.csv", "x,y\n1,2\n").file("main.mlf.hcl", _TABLE)
    table.run("apply", "-auto-approve").ok()
    said = table.run("plan", "-json").ok().stdout.replace("dataset", "mlform_data")
    ours = [common(json.loads(line)) for line in said.splitlines()]
    nothing, theirs = programs.messages("plan", "-json")
    looks = [[_hidden(item) for item in side if _is_refresh(item)] for side in (ours, theirs)]
    assert looks[0] == looks[1]
    assert [_type(item) for item in looks[0]] == ["refresh_start", "refresh_complete"]
    assert not any(map(_is_refresh, nothing))  # there is nothing to look at
    assert "refresh_" not in table.run("plan", "-json", "-refresh=false").ok().stdout


_TABLE: Final = 'resource "dataset" "d" {\n  source "file" {\n    path = "data.csv"\n  }\n}\n'


def _hidden(message: Json) -> Json:
    """Return a message without time and identity; what of it is there shows."""
    assert isinstance(message, Mapping)
    hook = message["hook"]
    assert isinstance(hook, Mapping)
    text = re.sub(r"id=\w+", "id=ID", str(message["@message"]))
    return {**message, "@timestamp": "TIME", "@message": text, "hook": {**hook, "id_value": "ID"}}


def test_every_difference_that_is_meant_is_there() -> None:
    found = {why for name in STORIES for why in compared(name).intended}
    assert [item.why for item in INTENDED if item.why not in found] == []
