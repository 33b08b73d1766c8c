"""Plan files that were cut off, changed or made by others are refused in plain words."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlform.errors import PlanError
from mlform.operations.saved_plans import load_plan, save_plan
from mlform.plan.planfile import FORMAT, PlanFile, decode_planfile, encode_planfile
from tests.engine import Engine


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("plan")
    engine = Engine(folder).with_pipeline()
    engine.ok()
    engine.edit("rounds = 10", "rounds = 11")
    save_plan(engine.plan(), folder / "p")
    assert (folder / "p").stat().st_mode & 0o777 == 0o600
    return (folder / "p").read_bytes()


def read(content: bytes) -> PlanFile | None:
    """What a file is read as; None if it is refused as it should be."""
    try:
        return decode_planfile(content, "p")
    except PlanError:
        return None


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_flipped_bit_is_noticed_or_changes_nothing(saved: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(saved) - 1))
    changed = bytearray(saved)
    changed[at] ^= 1 << data.draw(st.integers(0, 7))
    assert read(bytes(changed)) in (None, decode_planfile(saved, "p"))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_what_was_cut_off_is_noticed(saved: bytes, data: st.DataObject) -> None:
    assert read(saved[: data.draw(st.integers(0, len(saved) - 1))]) is None


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_anything_else_is_no_plan(content: bytes) -> None:
    assert read(content) is None
    assert read(b"PK" + content) is None


def archive(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as writing:
        for name, data in entries.items():
            writing.writestr(name, data)
    return buffer.getvalue()


def entries_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as reading:
        return {name: reading.read(name) for name in reading.namelist()}


@pytest.mark.parametrize(
    ("entries", "summary"),
    [
        ({"tfplan": b"x", "tfstate": b"{}"}, "Not a saved plan"),
        ({"plan.json": b"[]"}, "Not a saved plan"),
        ({"plan.json": b"{"}, "Not a saved plan"),
        ({"plan.json": b'{"format": 99}'}, "Plan of another version"),
        ({"plan.json": b'{"format": 1}'}, "Plan of another version"),
        ({"plan.json": b'{"format": %d}' % FORMAT}, "The saved plan is damaged"),
    ],
)
def test_archives_of_others(entries: dict[str, bytes], summary: str) -> None:
    with pytest.raises(PlanError) as caught:
        decode_planfile(archive(entries), "p")
    assert caught.value.summary == summary
    assert caught.value.detail.startswith("p ")


def test_an_edited_plan_is_refused(saved: bytes) -> None:
    entries = entries_of(saved)
    document = json.loads(entries["plan.json"])
    document["plan"]["mode"] = "destroy"
    for name, data in (
        ("plan.json", json.dumps(document).encode()),
        ("state.json", b"{}"),
        ("config/main.mlf.hcl", b"# nothing\n"),
        ("config/more.mlf.hcl", b"# more\n"),
    ):
        with pytest.raises(PlanError) as caught:
            decode_planfile(archive({**entries, name: data}), "p")
        assert caught.value.summary == "The saved plan is damaged"


def test_equal_plans_are_equal_files(saved: bytes) -> None:
    assert encode_planfile(decode_planfile(saved, "p")) == saved


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="Failed to read the plan"):
        load_plan(Engine(tmp_path).file("main.mlf.hcl", "").environment([]), tmp_path / "none")
