"""The envelope of a snapshot and sealed journals: bound to what they are and where they stand."""

from __future__ import annotations

import json
from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mlform.digests import canonical_json, digest_bytes
from mlform.errors import EncryptionError, SealBroken, StateCorrupt
from mlform.state.codec import encode_entry, encode_state
from mlform.state.encryption import PLAIN, is_sealed, opened, sealed
from mlform.state.journal import UNKNOWN_RUN, Base, begin_journal, decode_journal
from mlform.state.snapshot import Abandoned, Entry, Recorded
from mlform.state.stored import decode_stored, encode_stored
from tests.ciphers import OTHER, RAW, cipher_of
from tests.contracts.state_samples import RUN, TRAIN, record, state

CIPHER = cipher_of(RAW)
STATE = state(record(TRAIN, note="hunter2hunter2"), serial=7)
SEALED = encode_stored(STATE, CIPHER)
BASE = Base(lineage="line-1", serial=7, digest=digest_bytes(SEALED))
ENTRIES: tuple[Entry, ...] = (
    Recorded(step="s1", record=record(TRAIN, note="hunter2hunter2")),
    Abandoned(step="s2"),
    Abandoned(step="s3"),
)


def _journal(
    *, base: Base = BASE, run: str = "id-1", entries: tuple[Entry, ...] = ENTRIES
) -> bytes:
    from mlform.dataclass import replace

    head = begin_journal(base, replace(RUN, id=run), CIPHER)
    return head.line + head.encode(entries, 1)


def test_serial_and_lineage_can_be_read_and_nothing_else() -> None:
    document = json.loads(SEALED)
    assert (document["serial"], document["lineage"]) == (7, "line-1")
    assert b"hunter2" not in SEALED
    assert b"dataset" not in SEALED
    assert is_sealed(SEALED)
    assert decode_stored(SEALED, CIPHER) == STATE


def test_the_envelope_opens_with_the_library_alone() -> None:
    document = json.loads(SEALED)
    data = b64decode(document.pop("encrypted_data"))
    plain = AESGCM(RAW.key).decrypt(data[:12], data[12:], canonical_json(document))
    assert plain == encode_state(STATE)


def test_plain_stays_as_it_is() -> None:
    assert encode_stored(STATE) == encode_state(STATE)
    assert not is_sealed(encode_state(STATE))


def test_every_change_of_the_envelope_is_noticed() -> None:
    for at in range(0, len(SEALED), 3):
        changed = bytearray(SEALED)
        changed[at] ^= 1
        with pytest.raises((StateCorrupt, EncryptionError)):
            decode_stored(bytes(changed), CIPHER)


@pytest.mark.parametrize(
    ("name", "value"), [("serial", 8), ("lineage", "other"), ("content", "plan"), ("more", 1)]
)
def test_what_is_readable_cannot_be_changed(name: str, value: object) -> None:
    changed = json.dumps({**json.loads(SEALED), name: value}).encode()
    with pytest.raises(StateCorrupt, match="restore"[1:]):
        decode_stored(changed, CIPHER)


@pytest.mark.parametrize(
    "content",
    [
        b'{"encryption_version":1}',
        b'{"encryption_version":1,"content":"state","encrypted_data":"AAAA"}',
        b'{"encryption_version":1,"content":"state","key":7,"encrypted_data":"AAAA"}',
        b'{"encryption_version":1,"content":"state","key":{},"encrypted_data":7}',
        b'{"encryption_version":1,',
        b'{"encryption_version":1,"content":"state","key":{},"encrypted_data":"no base64!"}',
    ],
)
def test_half_an_envelope_is_damage(content: bytes) -> None:
    with pytest.raises((StateCorrupt, EncryptionError)) as caught:
        decode_stored(content, CIPHER)
    assert caught.value.detail


def test_an_envelope_of_the_future_is_named() -> None:
    with pytest.raises(EncryptionError, match="newer mlform"):
        decode_stored(b'{"encryption_version":2,"encrypted_data":""}', CIPHER)


def test_a_plan_is_no_state() -> None:
    plan = sealed(b"content", "plan", {}, CIPHER)
    with pytest.raises(SealBroken, match="something else: plan"):
        opened(plan, "state", CIPHER)


def test_white_space_around_an_envelope_has_no_meaning() -> None:
    pretty = json.dumps(json.loads(SEALED), indent=2).encode()
    assert decode_stored(pretty, CIPHER) == STATE


def test_a_sealed_journal_comes_back() -> None:
    content = _journal()
    assert b"hunter2" not in content
    assert b"dataset" not in content
    found = decode_journal(content, CIPHER)
    assert found is not None
    assert (found.base, found.entries) == (BASE, ENTRIES)


def test_an_entry_opens_with_the_library_alone() -> None:
    header, line, *_ = _journal().splitlines(keepends=True)
    data = b64decode(json.loads(line)["entry"]["content"])
    about = canonical_json({"journal": digest_bytes(header), "seq": 1})
    plain = json.loads(AESGCM(RAW.key).decrypt(data[:12], data[12:], about))
    assert plain["type"] == "recorded"


def _with_entry(content: bytes, at: int, line: bytes) -> bytes:
    """Put an entry's line in another place, its number and checksum mended as anybody could."""
    from mlform.state.codec import encode_line

    lines = content.splitlines(keepends=True)
    lines[at] = encode_line(json.loads(line)["entry"], at)
    return b"".join(lines)


@pytest.mark.parametrize(
    "other",
    [
        _journal(run="id-2"),
        _journal(base=Base(lineage="line-2", serial=7, digest=BASE.digest)),
        _journal(base=Base(lineage="line-1", serial=8, digest=BASE.digest)),
    ],
    ids=["of another run", "of another lineage", "of another serial"],
)
def test_an_entry_of_another_journal_is_noticed(other: bytes) -> None:
    foreign = other.splitlines(keepends=True)[2]
    with pytest.raises(StateCorrupt, match="entry 2"):
        decode_journal(_with_entry(_journal(), 2, foreign), CIPHER)


def test_entries_that_changed_places_are_noticed() -> None:
    content = _journal()
    third = content.splitlines(keepends=True)[3]
    with pytest.raises(StateCorrupt, match="entry 2"):
        decode_journal(_with_entry(content, 2, third), CIPHER)


def test_a_changed_header_is_noticed() -> None:
    from mlform.state.codec import encode_line

    header, *entries = _journal().splitlines(keepends=True)
    document = {**json.loads(header)["entry"], "lineage": "line-2"}
    with pytest.raises(StateCorrupt, match="entry 1"):
        decode_journal(encode_line(document, 0) + b"".join(entries), CIPHER)


def test_a_plain_entry_does_not_slip_into_a_sealed_journal() -> None:
    content = _journal(entries=())
    with pytest.raises(StateCorrupt, match="not sealed"):
        decode_journal(content + encode_entry(Abandoned(step="s1"), 1), CIPHER)


def test_a_sealed_entry_in_a_plain_journal_is_noticed() -> None:
    plain = begin_journal(BASE, UNKNOWN_RUN, PLAIN).line
    sealed_line = _journal().splitlines(keepends=True)[1]
    with pytest.raises(StateCorrupt, match="it is sealed"):
        decode_journal(plain + sealed_line, CIPHER)


def test_a_plain_journal_is_refused_where_plain_text_is() -> None:
    head = begin_journal(BASE, UNKNOWN_RUN, PLAIN)
    content = head.line + head.encode(ENTRIES, 1)
    with pytest.raises(EncryptionError, match="not encrypted"):
        decode_journal(content, CIPHER)
    found = decode_journal(content, cipher_of(RAW, None))
    assert found is not None
    assert found.entries == ENTRIES


def test_a_journal_that_says_nothing_needs_no_key() -> None:
    for content in (_journal(entries=()), begin_journal(BASE, UNKNOWN_RUN, PLAIN).line):
        found = decode_journal(content, cipher_of(OTHER))
        assert found is not None
        assert found.entries == ()
