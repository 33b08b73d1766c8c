"""What is encrypted comes back whole or not at all, whatever it is and however keys change."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mlform.backends.memory import MemoryBackend, MemoryPlace
from mlform.ciphers.base import KeyProvider, RawKey
from mlform.digests import digest_bytes
from mlform.errors import EncryptionError, StateCorrupt
from mlform.state.encryption import is_sealed
from mlform.state.journal import UNKNOWN_RUN, Base, begin_journal, decode_journal, renewed_journal
from mlform.state.snapshot import Entry, State
from mlform.state.stored import decode_stored, encode_stored, renewed
from tests.ciphers import cipher_of
from tests.properties.test_state import ENTRIES, STATES

PROVIDERS: tuple[KeyProvider | None, ...] = (
    None,
    *(RawKey(address=f"key_provider.raw.k{at}", key=bytes([at]) * 32) for at in range(3)),
)
CIPHER = cipher_of(PROVIDERS[1])
CHANGES = st.binary(min_size=1, max_size=3).filter(any)


@given(STATES)
@settings(max_examples=30, deadline=None)
def test_a_state_comes_back_as_it_was(state: State) -> None:
    content = encode_stored(state, CIPHER)
    assert is_sealed(content)
    assert decode_stored(content, CIPHER) == state
    assert renewed(content, CIPHER) == content


@given(st.lists(ENTRIES, max_size=4), st.text(max_size=5), st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_a_journal_comes_back_as_it_was(entries: list[Entry], lineage: str, serial: int) -> None:
    base = Base(lineage=lineage, serial=serial, digest=digest_bytes(b""))
    head = begin_journal(base, UNKNOWN_RUN, CIPHER)
    content = head.line + head.encode(entries, 1)
    journal = decode_journal(content, CIPHER)
    assert journal is not None
    assert (journal.base, journal.entries) == (base, tuple(entries))
    plain = decode_journal(renewed_journal(content, cipher_of(None, PROVIDERS[1])))
    assert plain is not None
    assert (plain.base, plain.entries) == (base, tuple(entries))


@given(STATES, st.integers(0, 10**6), CHANGES)
@settings(max_examples=100, deadline=None)
def test_no_change_goes_unnoticed(state: State, place: int, change: bytes) -> None:
    content = bytearray(encode_stored(state, CIPHER))
    at = place % (len(content) - len(change))
    for offset, bits in enumerate(change):
        content[at + offset] ^= bits
    try:
        found = decode_stored(bytes(content), CIPHER)
    except (StateCorrupt, EncryptionError):
        return
    assert found == state  # white space between members, or base64 of the same bytes


@given(st.lists(st.sampled_from(range(len(PROVIDERS))), min_size=1, max_size=6), st.data())
@settings(max_examples=30, deadline=None)
def test_any_sequence_of_keys_goes_on(sequence: list[int], data: st.DataObject) -> None:
    """Each run knows its key and the one before; some die, and the next goes on from there."""
    place = MemoryPlace()
    expected: State | None = None
    before = sequence[0]
    for at in sequence:
        backend = MemoryBackend(place, cipher=cipher_of(PROVIDERS[at], PROVIDERS[before]))
        found = backend.read()
        assert found == expected
        state = found or State(lineage="l")
        backend.begin(state, UNKNOWN_RUN)
        entries = tuple(data.draw(st.lists(ENTRIES, max_size=2)))
        if entries:
            backend.append(entries)
        expected = MemoryBackend(place, cipher=cipher_of(PROVIDERS[at], PROVIDERS[before])).read()
        assert expected is not None
        if data.draw(st.booleans()):
            after = State(
                lineage=expected.lineage,
                serial=expected.serial + 1,
                objects=expected.objects,
                outputs=expected.outputs,
                intents=expected.intents,
            )
            backend.write(after, expected_serial=state.serial)
            expected = after
            alone = MemoryBackend(place, cipher=cipher_of(PROVIDERS[at]))
            assert alone.read() == expected
            before = at
        elif at != before:
            # The snapshot may still be sealed with the key before: nobody changes keys again now.
            return
