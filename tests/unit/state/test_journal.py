"""The journal as bytes, and what it says beside a snapshot."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlform.digests import Digest, digest_bytes
from mlform.errors import StateCorrupt
from mlform.state.codec import encode_entry, encode_line, encode_state
from mlform.state.encryption import PLAIN
from mlform.state.journal import (
    Base,
    decode_journal,
    encode_header,
    encode_journal,
    encode_seal,
)
from mlform.state.snapshot import Recorded, State
from mlform.state.stored import understand
from tests.contracts.state_samples import MODEL, TRAIN, record, state


def _base(stored: State) -> Base:
    digest = digest_bytes(encode_state(stored))
    return Base(lineage=stored.lineage, serial=stored.serial, digest=digest)


BEFORE = state(serial=3)
AFTER = state(record(TRAIN), serial=4)
ENTRY = encode_entry(Recorded(step="s1", record=record(TRAIN)), 1)
JOURNAL = encode_header(_base(BEFORE)) + ENTRY


def test_a_line_missing_in_the_middle_is_damage() -> None:
    second = encode_entry(Recorded(step="s2", record=record(MODEL)), 2)
    with pytest.raises(StateCorrupt, match="entry 1"):
        decode_journal(encode_header(_base(BEFORE)) + second)


def test_half_a_line_followed_by_a_whole_one_is_damage() -> None:
    with pytest.raises(StateCorrupt):
        decode_journal(JOURNAL[:-20] + b"\n" + encode_seal(Digest("sha256:0"), 2))


def test_a_torn_tail_is_dropped() -> None:
    whole = decode_journal(JOURNAL + ENTRY[:-1])
    assert whole is not None
    assert len(whole.entries) == 1
    assert whole.size == len(JOURNAL)


def test_a_journal_without_header_is_refused() -> None:
    with pytest.raises(StateCorrupt, match="header"):
        decode_journal(encode_seal(Digest("sha256:0"), 0))


def test_a_journal_of_a_newer_version_is_refused() -> None:
    with pytest.raises(StateCorrupt, match="newer"):
        decode_journal(encode_line({"type": "journal", "version": 2}, 0))


def test_an_unknown_entry_is_refused() -> None:
    line = encode_line({"type": "renamed"}, 1)
    with pytest.raises(StateCorrupt, match="renamed"):
        decode_journal(encode_header(_base(BEFORE)) + line)


def test_a_journal_continues_its_snapshot() -> None:
    stored = understand(encode_state(BEFORE), JOURNAL)
    assert stored is not None
    assert stored.recovered == state(record(TRAIN), serial=3)


def test_a_journal_older_than_the_snapshot_was_folded() -> None:
    stored = understand(encode_state(AFTER), JOURNAL)
    assert stored is not None
    assert stored.recovered == AFTER


def test_a_sealed_journal_was_folded_into_what_it_names() -> None:
    folded = encode_state(state(record(TRAIN), serial=3))
    sealed = JOURNAL + encode_seal(digest_bytes(folded), 2)
    stored = understand(folded, sealed)
    assert stored is not None
    assert stored.recovered == state(record(TRAIN), serial=3)


def test_a_seal_counts_for_nothing_before_the_snapshot_is_there() -> None:
    sealed = JOURNAL + encode_seal(digest_bytes(encode_state(AFTER)), 2)
    stored = understand(encode_state(BEFORE), sealed)
    assert stored is not None
    assert stored.recovered == state(record(TRAIN), serial=3)


@pytest.mark.parametrize(
    "snapshot", [state(serial=2), state(serial=4, lineage="other"), state(record(MODEL), serial=3)]
)
def test_a_journal_of_another_state_is_refused(snapshot: State) -> None:
    with pytest.raises(StateCorrupt, match="move the journal away"):
        understand(encode_state(snapshot), JOURNAL)


def test_a_journal_without_snapshot_is_refused() -> None:
    with pytest.raises(StateCorrupt, match="backup"):
        understand(None, JOURNAL)
    assert understand(None, JOURNAL[:-1]) is None


def test_a_journal_from_before_entries_had_times_is_read() -> None:
    content = (Path(__file__).parent / "journal-without-times.jsonl").read_bytes()
    journal = decode_journal(content)
    assert journal is not None
    assert [type(entry).__name__ for entry in journal.entries] == [
        "Intent",
        "Recorded",
        "Deposed",
        "Recorded",
        "Removed",
        "Moved",
        "Abandoned",
        "OutputsSet",
    ]
    assert {entry.at for entry in journal.entries} == {""}
    assert (journal.died, journal.run.operation, journal.base.serial) == (False, "apply", 3)
    assert encode_journal(journal, PLAIN) == content
