"""The state as bytes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mlform import __version__
from mlform.errors import StateCorrupt
from mlform.state.codec import decode_line, decode_state, encode_entry, encode_state, entry_of
from mlform.state.snapshot import Abandoned, Intent, OutputRecord, Removed, ResourceRecord
from tests.contracts.state_samples import MODEL, PROVENANCE, TRAIN, record, state

FULL = replace(
    state(record(MODEL, score=0.5), record(TRAIN, rows=[1, 2]), serial=7),
    outputs={
        "b": OutputRecord(value=[1], type=["list", "number"]),
        "a": OutputRecord(value="x", type="string", sensitive=True),
    },
    intents=(Intent(step="s1", address=TRAIN, operation="create", runtime="docker.default"),),
)


def test_the_top_level_reads_like_terraforms() -> None:
    document = json.loads(encode_state(FULL))
    assert list(document) == [
        "version",
        "mlform_version",
        "serial",
        "lineage",
        "outputs",
        "resources",
        "intents",
    ]
    assert document["version"] == 1
    assert document["mlform_version"] == __version__
    assert [item["address"] for item in document["resources"]] == [
        "dataset.train",
        'module.fit["a b"].model.best[0]',
    ]
    assert list(document["outputs"]) == ["a", "b"]


def test_a_line_holds_one_object() -> None:
    lines = encode_state(FULL).decode().splitlines()
    held = [item for item in lines if item.startswith('    {"address"')]
    assert [json.loads(item.removesuffix(","))["address"] for item in held] == [
        "dataset.train",
        'module.fit["a b"].model.best[0]',
        "dataset.train",  # of the intent
    ]
    assert '    "a": {"sensitive":true,"type":"string","value":"x"},' in lines


def test_white_space_takes_no_part() -> None:
    indented = json.dumps(json.loads(encode_state(FULL)), indent=2)
    assert decode_state(indented.encode()) == FULL


def test_defaults_are_left_out() -> None:
    plain = ResourceRecord(address=TRAIN, attributes={}, provenance=PROVENANCE)
    (item,) = json.loads(encode_state(state(plain)))["resources"]
    assert item == {
        "address": "dataset.train",
        "schema_version": 1,
        "attributes": {},
        "provenance": {
            "applied_at": "2026-03-01T12:00:00Z",
            "applied_by": "ada@lab",
            "mlform_version": "0.1.0",
            "duration": 1.5,
        },
    }


def test_the_order_of_insertion_takes_no_part() -> None:
    one = state(record(TRAIN, a=1, b={"c": 1, "d": 2}), record(MODEL))
    other = state(record(MODEL), record(TRAIN, b={"d": 2, "c": 1}, a=1))
    assert encode_state(one) == encode_state(other)


def test_deposed_objects_keep_their_keys() -> None:
    both = replace(
        FULL, objects={(MODEL, ""): record(MODEL, v=2), (MODEL, "d1"): record(MODEL, v=1)}
    )
    assert decode_state(encode_state(both)) == both


def test_the_size_is_linear() -> None:
    def size(count: int) -> int:
        records = (record(replace(TRAIN, name=f"n{at:06}"), rows=at) for at in range(count))
        return len(encode_state(state(*records)))

    assert size(400) - size(200) < 2.1 * (size(200) - size(100))


def test_a_number_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode_state(state(record(TRAIN, score=float("inf"))))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda text: text[: len(text) // 2], "line "),
        (lambda _: "", "line 1, column 1"),
        (lambda _: "[]", "the whole file"),
        (lambda _: "[" * 100_000, "the whole file"),
        (lambda text: text.replace('"version": 1,', ""), "version: missing"),
        (lambda text: text.replace('"version": 1,', '"version": 0,'), "version: 0"),
        (lambda text: text.replace('"serial": 7', '"serial": "7"'), "serial: expected an integer"),
        (lambda text: text.replace('"lineage": "line-1",', ""), "lineage: missing"),
        (lambda text: text.replace('"dataset.train"', '"dataset"'), "resources[0].address"),
        (
            lambda text: text.replace('"applied_by":"ada@lab",', ""),
            "resources[0].provenance.applied_by: missing",
        ),
        (lambda text: text.replace('"password"', "1.5"), "resources[0].sensitive"),
        (lambda text: text.replace('"dataset.a"', "null"), "resources[0].dependencies"),
        (lambda text: text.replace('"type":"string"', '"kind":1'), "outputs.a.type: missing"),
        (
            lambda text: text.replace('module.fit[\\"a b\\"].model.best[0]', "dataset.train"),
            "twice",
        ),
        (lambda text: text.replace("true", '"yes"'), "expected a boolean"),
        (lambda text: text.replace("1.5", "null"), "duration: expected a number, found null"),
        (lambda text: text.replace("sha256:", "md5:"), "digest"),
    ],
)
def test_damage_is_named_with_its_place(change: object, place: str) -> None:
    assert callable(change)
    damaged = str(change(encode_state(FULL).decode()))
    with pytest.raises(StateCorrupt) as caught:
        decode_state(damaged.encode())
    assert place in caught.value.detail
    assert "Restore it" in caught.value.detail


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(StateCorrupt, match="UTF-8"):
        decode_state(b'{"lineage": "\xff\xff"}')


def test_an_entry_is_one_line() -> None:
    line = encode_entry(Removed(step="a\nb\r\u2028", address=MODEL, deposed="d"), 3)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert entry_of(decode_line(line, 3)) == Removed(
        step="a\nb\r\u2028", address=MODEL, deposed="d"
    )


@pytest.mark.parametrize("at", range(len(encode_entry(Abandoned(step="s1"), 3))))
def test_any_flipped_bit_of_an_entry_is_noticed(at: int) -> None:
    line = bytearray(encode_entry(Abandoned(step="s1"), 3))
    line[at] ^= 1
    with pytest.raises(StateCorrupt):
        decode_line(bytes(line), 3)


def test_an_entry_out_of_order_is_refused() -> None:
    with pytest.raises(StateCorrupt, match="entry 4"):
        decode_line(encode_entry(Abandoned(step="s1"), 3), 4)
