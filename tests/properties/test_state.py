"""The state survives everything: any value, any truncation, death at any instant."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from mlform.addresses import ModuleStep, ResourceAddress
from mlform.backends.local import LocalBackend
from mlform.digests import Digest, Json, digest_bytes
from mlform.errors import StateCorrupt
from mlform.state.codec import decode_line, decode_state, encode_entry, encode_state, entry_of
from mlform.state.journal import UNKNOWN_RUN, Base, decode_journal, encode_header
from mlform.state.snapshot import (
    Abandoned,
    CheckedObject,
    CheckRecord,
    ChecksSet,
    Deposed,
    Entry,
    Intent,
    OutputRecord,
    OutputsSet,
    Provenance,
    Recorded,
    Removed,
    ResourceRecord,
    State,
)
from mlform.state.stored import understand
from tests.contracts.state_samples import TRAIN, record

NAMES = st.from_regex(r"[a-z_][a-z0-9_-]{0,6}", fullmatch=True)
KEYS = st.none() | st.integers(0, 10**6) | st.text(max_size=6)
ADDRESSES = st.builds(
    ResourceAddress,
    NAMES.filter(lambda name: name != "module"),
    NAMES,
    KEYS,
    st.lists(st.builds(ModuleStep, NAMES, KEYS), max_size=2).map(tuple),
)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)
OBJECTS = st.dictionaries(st.text(max_size=5), VALUES, max_size=3)
DIGESTS = st.binary(max_size=4).map(digest_bytes)
PATHS = st.lists(st.text(max_size=4) | st.integers(0, 99), max_size=3).map(tuple)
TEXTS = st.text(max_size=8)
RECORDS = st.builds(
    ResourceRecord,
    address=ADDRESSES,
    schema_version=st.integers(1, 9),
    attributes=OBJECTS,
    sensitive=st.lists(PATHS, max_size=2).map(tuple),
    recipe=OBJECTS,
    recipe_digest=st.none() | DIGESTS,
    artifact=st.none() | DIGESTS,
    handle=OBJECTS,
    dependencies=st.lists(TEXTS, max_size=2).map(tuple),
    tainted=st.booleans(),
    create_before_destroy=st.booleans(),
    provenance=st.builds(
        Provenance,
        applied_at=TEXTS,
        applied_by=TEXTS,
        mlform_version=TEXTS,
        runtime=TEXTS,
        image=TEXTS,
        duration=st.floats(0, 1e9),
        reused=st.booleans(),
    ),
)
INTENTS = st.builds(Intent, step=TEXTS, address=ADDRESSES, operation=TEXTS, runtime=TEXTS)
OUTPUTS = st.dictionaries(
    TEXTS, st.builds(OutputRecord, value=VALUES, type=VALUES, sensitive=st.booleans()), max_size=2
)
CHECKS = st.lists(
    st.builds(
        CheckRecord,
        kind=TEXTS,
        block=TEXTS,
        status=TEXTS,
        objects=st.lists(
            st.builds(
                CheckedObject,
                address=TEXTS,
                status=TEXTS,
                messages=st.lists(TEXTS, max_size=2).map(tuple),
            ),
            max_size=2,
        ).map(tuple),
    ),
    max_size=2,
).map(tuple)
ENTRIES: st.SearchStrategy[Entry] = st.one_of(
    INTENTS,
    st.builds(Recorded, step=TEXTS, record=RECORDS, deposed=TEXTS),
    st.builds(Removed, step=TEXTS, address=ADDRESSES, deposed=TEXTS),
    st.builds(Deposed, address=ADDRESSES, deposed=TEXTS),
    st.builds(Abandoned, step=TEXTS),
    st.builds(OutputsSet, outputs=OUTPUTS),
    st.builds(ChecksSet, checks=CHECKS),
)


def _state(
    lineage: str,
    serial: int,
    records: list[tuple[str, ResourceRecord]],
    outputs: dict[str, OutputRecord],
    checks: tuple[CheckRecord, ...],
    intents: tuple[Intent, ...],
) -> State:
    return State(
        lineage=lineage,
        serial=serial,
        objects={(item.address, deposed): item for deposed, item in records},
        outputs=outputs,
        checks=checks,
        intents=intents,
    )


STATES = st.builds(
    _state,
    TEXTS,
    st.integers(0, 10**9),
    st.lists(st.tuples(TEXTS, RECORDS), max_size=3),
    OUTPUTS,
    CHECKS,
    st.lists(INTENTS, max_size=2).map(tuple),
)


@given(STATES)
@settings(max_examples=100, deadline=None)
def test_a_state_comes_back_as_it_was(state: State) -> None:
    content = encode_state(state)
    assert decode_state(content) == state
    assert encode_state(decode_state(content)) == content


@given(ENTRIES, st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_an_entry_comes_back_as_it_was(entry: Entry, sequence: int) -> None:
    assert entry_of(decode_line(encode_entry(entry, sequence), sequence)) == entry


def _journal(entries: list[Entry]) -> bytes:
    base = Base(lineage="line", serial=1, digest=Digest("sha256:0"))
    lines = [encode_entry(entry, at) for at, entry in enumerate(entries, start=1)]
    return encode_header(base) + b"".join(lines)


@given(st.lists(ENTRIES, max_size=4), st.data())
@settings(max_examples=100, deadline=None)
def test_any_truncation_of_a_journal_is_a_prefix(entries: list[Entry], data: st.DataObject) -> None:
    content = _journal(entries)
    cut = content[: data.draw(st.integers(0, len(content)))]
    whole_lines = cut.count(b"\n")
    journal = decode_journal(cut)
    if whole_lines == 0:
        assert journal is None
    else:
        assert journal is not None
        assert journal.entries == tuple(entries[: whole_lines - 1])
        assert content.startswith(cut[: journal.size])
        assert journal.lines == whole_lines


@given(st.lists(ENTRIES, min_size=1, max_size=4), st.data())
@settings(max_examples=100, deadline=None)
def test_damage_in_a_journal_never_goes_unnoticed(
    entries: list[Entry], data: st.DataObject
) -> None:
    content = bytearray(_journal(entries))
    at = data.draw(st.integers(0, len(content) - 2))
    content[at] ^= data.draw(st.integers(1, 255))
    try:
        journal = decode_journal(bytes(content))
    except StateCorrupt:
        return
    # Only a damaged end of the last line can look like a line that was cut off.
    assert journal is None or journal.entries == tuple(entries[: journal.lines - 1])
    assert journal is None or journal.lines <= len(entries)


@given(STATES, st.binary(max_size=60), st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_a_damaged_file_is_refused_or_read_but_never_a_bug(
    state: State, noise: bytes, position: int
) -> None:
    content = encode_state(state)
    at = position % len(content)
    for damaged in (content[:at], content[:at] + noise + content[at:], noise):
        try:
            understand(damaged, noise)
        except StateCorrupt as problem:
            assert problem.detail  # noqa: PT017 - most damage is refused, harmless edits are not


SLOTS: Final = 5


def _work(path: Path, acknowledge: int) -> None:
    """Append for ever, folding now and then; say each number once it is safe."""
    backend = LocalBackend(path)
    state = backend.read() or State(lineage="line")
    number = max((_number(item) for item in state.records), default=0)
    while True:
        backend.begin(state, UNKNOWN_RUN)
        for _ in range(7):
            number += 1
            address = replace(TRAIN, name=f"n{number % SLOTS}")
            entry = Recorded(step=f"s{number}", record=record(address, number=number))
            backend.append((Intent(step=f"s{number}", address=address, operation="create"),))
            backend.append((entry,))
            os.write(acknowledge, number.to_bytes(8, "big"))
        read = backend.read()
        assert read is not None
        state = replace(read, serial=read.serial + 1)
        backend.write(state, expected_serial=read.serial)


def _number(item: ResourceRecord) -> int:
    number = item.attributes["number"]
    assert isinstance(number, int)
    return number


def _acknowledged(path: Path, seconds: float) -> int:
    """Let a process work on the state, kill it after that time, return the last number it said."""
    reading, writing = os.pipe()
    child = multiprocessing.get_context("fork").Process(target=_work, args=(path, writing))
    child.start()
    os.close(writing)
    time.sleep(seconds)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert child.exitcode == -signal.SIGKILL, "it worked until it was killed"
    with os.fdopen(reading, "rb") as stream:
        said = stream.read()
    return int.from_bytes(said[-8:], "big")


def test_a_killed_run_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "mlform.mlfstate"
    newest = 0
    for attempt in range(40):
        newest = max(newest, _acknowledged(path, 0.005 + (attempt * 37 % 101) / 1000))
        state = LocalBackend(path).read()
        if state is None:
            assert newest == 0
            continue
        numbers = {item.address.name: _number(item) for item in state.records}
        for number in range(max(1, newest - SLOTS + 1), newest + 1):
            assert numbers[f"n{number % SLOTS}"] >= number
        assert len(state.intents) <= 1
    assert newest > 40, "the runs got far enough to say something"
