"""`mlform state history`: what was applied when, and what there was at a time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from mlform.addresses import parse_address
from mlform.backends.local import LocalBackend
from mlform.cli.moments import read_moment
from mlform.errors import UsageError
from mlform.operations.history import Span, damage_told, read_history, state_at
from mlform.state.journal import Damaged, Run
from mlform.state.snapshot import Recorded
from mlform.views.history import history_document, render_history
from tests.commands import Commands
from tests.contracts.state_samples import lock_info
from tests.engine import Engine

CONFIG = """
variable "secret" {
  default   = "hidden"
  sensitive = true
}

resource "mlform_data" "a" {
  input = 1
}

resource "mlform_data" "b" {
  input = var.secret
}

output "secret" {
  value     = var.secret
  sensitive = true
}
"""


@pytest.fixture
def mlform(tmp_path: Path) -> Commands:
    found = Commands(tmp_path).file("main.mlf.hcl", CONFIG)
    found("apply", "-auto-approve").ok()
    return found


def words_of(mlform: Commands, *options: str) -> list[tuple[str, str, str]]:
    document = cast(
        "dict[str, list[dict[str, object]]]",
        mlform("state", "history", "-json", *options).ok().json,
    )
    return [
        (
            str(item["address"]),
            str(item["done"]),
            str(cast("dict[str, object]", item["run"])["operation"]),
        )
        for item in document["history"]
    ]


def test_every_change_is_told_with_its_command(mlform: Commands) -> None:
    mlform("state", "mv", "mlform_data.a", "mlform_data.c").ok()
    mlform("taint", "mlform_data.c").ok()
    mlform("untaint", "mlform_data.c").ok()
    mlform("state", "rm", "mlform_data.b").ok()
    mlform("import", "mlform_data.b", "x").ok()
    mlform("destroy", "-auto-approve").ok()
    told = words_of(mlform)
    assert [*told[:-2], *sorted(told[-2:])] == [
        ("mlform_data.a", "created", "apply"),
        ("mlform_data.b", "created", "apply"),
        ("mlform_data.c", "moved", "state mv"),
        ("mlform_data.c", "tainted", "taint"),
        ("mlform_data.c", "untainted", "untaint"),
        ("mlform_data.b", "forgotten", "state rm"),
        ("mlform_data.b", "imported", "import"),
        ("mlform_data.b", "destroyed", "apply"),
        ("mlform_data.c", "destroyed", "apply"),
    ]


def test_one_address_is_asked_about(mlform: Commands) -> None:
    mlform("state", "mv", "mlform_data.a", "mlform_data.c").ok()
    assert words_of(mlform, "mlform_data.a") == [
        ("mlform_data.a", "created", "apply"),
        ("mlform_data.c", "moved", "state mv"),
    ]
    said = mlform("state", "history", "mlform_data.c").ok().lines
    assert said[0] == "mlform_data.c"
    assert "moved" in said[1]
    assert said[1].endswith("(was mlform_data.a)")


def test_time_limits_what_is_told(mlform: Commands) -> None:
    assert len(words_of(mlform, "-since=1h")) == 2
    assert words_of(mlform, "-until=2000-01-01") == []
    said = mlform("state", "history", "-until=2000-01-01").ok()
    assert (said.out, "tells nothing of that" in said.err) == ("", True)
    mlform("state", "history", "-at=1h", "-since=1h").refused("exclude each other")
    mlform("state", "history", "-at=last tuesday").refused("no point in time", "7 days ago")


def test_the_state_of_then_hides_sensitive_values(mlform: Commands) -> None:
    said = mlform("state", "history", "-at=0m").ok().out
    assert "# mlform_data.a:" in said
    assert "input  = (sensitive value)" in said
    document = mlform("state", "history", "-at=0m", "-json").ok()
    assert '"secret"' in document.out
    found = cast("dict[str, dict[str, dict[str, list[dict[str, object]]]]]", document.json)
    b = found["values"]["root_module"]["resources"][1]
    assert b["address"] == "mlform_data.b"
    assert cast("dict[str, object]", b["values"])["input"] is None
    assert (
        cast("dict[str, dict[str, object]]", found["values"]["outputs"])["secret"]["value"] is None
    )
    before = mlform("state", "history", "-at=2000-01-01").ok().out
    assert "The state is empty" in before


def test_a_damaged_journal_is_named_and_the_rest_is_told(mlform: Commands) -> None:
    mlform("state", "rm", "mlform_data.b").ok()
    first = min((mlform.folder / "mlform.mlfstate.history").iterdir())
    first.write_bytes(first.read_bytes()[:-30] + b"\n")
    said = mlform("state", "history", "-json").ok()
    assert "Part of the history cannot be read" in said.err
    assert first.name in said.err
    assert said.json == {"format_version": "1.0", "history": []}
    mlform("state", "history", "-at=0m").ok()
    assert "# mlform_data.a:" in mlform("state", "history", "-at=0m").ok().out


def test_a_missing_key_is_told_once_for_all_journals_that_lack_it() -> None:
    lost = [Damaged(where=f"journal {number}", problem="No key.") for number in range(1, 6)]
    broken = Damaged(where="journal 6", problem="It is cut off.")
    assert list(damage_told([*lost, broken])) == [
        "journal 1; journal 2; journal 3 and 2 more: No key.",
        "journal 6: It is cut off.",
    ]


def test_a_run_at_work_did_not_die_and_one_that_died_is_told_as_that(mlform: Commands) -> None:
    backend = LocalBackend(mlform.folder / "mlform.mlfstate")
    state = backend.read()
    assert state is not None
    backend.begin(
        state, Run(id="dead", operation="apply", who="ada@lab", started="2026-01-01T00:00:00Z")
    )
    record = state.records[0]
    backend.append((Recorded(step="", record=record, deposed="0a1b"),))
    assert "by apply of ada@lab, which died (deposed object 0a1b)" in mlform("state", "history").out

    LocalBackend(mlform.folder / "mlform.mlfstate").lock(lock_info("dead"))
    assert "which died" not in mlform("state", "history").out


def test_the_whole_way_of_a_model_is_told(tmp_path: Path) -> None:
    engine = Engine(tmp_path).with_pipeline()
    engine.ok()
    first = engine.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    engine.edit("rounds = 10", "rounds = 11").ok()
    environment = engine.environment([])
    warnings: list[object] = []

    span = Span(targets=(parse_address("endpoint.p"), parse_address("model.m")))
    happened = list(read_history(environment, span, warnings.append))
    assert warnings == []
    assert [(str(each.address), each.done.value) for each in happened] == [
        ("model.m", "created"),
        ("endpoint.p", "created"),
        ("model.m", "changed"),
        ("endpoint.p", "deposed"),
        ("endpoint.p", "replaced"),
        ("endpoint.p", "destroyed"),
    ]
    then = state_at(environment, first, span, warnings.append)
    now = state_at(environment, "2027-01-01T00:00:00Z", span, warnings.append)
    served = [
        {each.address.kind: each.attributes.get("model_digest") for each in state.records}[
            "endpoint"
        ]
        for state in (then, now)
    ]
    models = [
        each.artifact
        for each in happened
        if each.done.value in {"created", "changed"} and each.address.kind == "model"
    ]
    assert served == models
    text = render_history(happened)
    assert text.startswith("endpoint.p\n  2026-01-02 03:0")
    assert "artifact sha256:" in text
    assert "made in " in text
    document = json.loads(json.dumps(history_document(happened)))
    replaced = document["history"][4]
    assert replaced["served"]["url"]
    assert replaced["run"]["who"] == "somebody@somewhere"


@pytest.mark.parametrize(
    ("text", "end_of_day", "expected"),
    [
        ("2026-11-24", True, "2026-11-24T23:59:59Z"),
        ("2026-11-24", False, "2026-11-24T00:00:00Z"),
        ("2026-11-24T10:00:00Z", True, "2026-11-24T10:00:00Z"),
        ("2026-11-24T10:00:00+02:00", True, "2026-11-24T08:00:00Z"),
        ("2026-11-24 10:00", True, "2026-11-24T10:00:00Z"),
        ("7d", True, "2026-11-20T12:00:00Z"),
        ("7 days ago", True, "2026-11-20T12:00:00Z"),
        ("90 minutes ago", True, "2026-11-27T10:30:00Z"),
        ("2w", False, "2026-11-13T12:00:00Z"),
    ],
)
def test_moments(text: str, *, end_of_day: bool, expected: str) -> None:
    now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert read_moment(text, now, end_of_day=end_of_day) == expected


@pytest.mark.parametrize("text", ["", "tuesday", "7", "7y", "2026-13-01", "999999w ago"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(UsageError, match="Invalid time"):
        read_moment(text, datetime(2026, 11, 27, 12, tzinfo=UTC), end_of_day=True)
