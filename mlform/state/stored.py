"""What a snapshot and a journal say when they are found side by side; shared by all backends."""

from __future__ import annotations

from mlform.dataclass import dataclass
from mlform.digests import JsonObject, digest_bytes
from mlform.errors import SealBroken, StateConflict, StateCorrupt
from mlform.state.codec import decode_state, encode_state
from mlform.state.encryption import PLAIN, STATE, Cipher, opened_with_note, sealed
from mlform.state.journal import Base, Journal, decode_journal
from mlform.state.snapshot import State, apply_entries


def encode_stored(state: State, cipher: Cipher = PLAIN) -> bytes:
    """Return a snapshot as it is stored; what is sealed still shows lineage and serial.

    Raises:
        EncryptionError: If there is no key to seal it.
        ValueError: If a value is no JSON, such as a number that is not finite.
    """
    return _sealed(encode_state(state), state, cipher)


def _sealed(content: bytes, state: State, cipher: Cipher) -> bytes:
    shown: JsonObject = {"lineage": state.lineage, "serial": state.serial}
    return sealed(content, STATE, shown, cipher)


def decode_stored(content: bytes, cipher: Cipher = PLAIN) -> State:
    """Return the state of a stored snapshot.

    Raises:
        StateCorrupt: If it is damaged or of a newer version.
        EncryptionError: If no key opens it, or it is not sealed but has to be.
    """
    return _opened(content, cipher)[0]


def _opened(content: bytes, cipher: Cipher) -> tuple[State, JsonObject]:
    """Return the state of a stored snapshot, and the note of its key."""
    try:
        plain, note = opened_with_note(content, STATE, cipher)
    except SealBroken as problem:
        raise StateCorrupt(problem.summary, problem.detail) from problem
    return decode_state(plain), note


def renewed(content: bytes, cipher: Cipher) -> bytes:
    """Return a stored snapshot sealed as it would be if it were written now.

    Raises:
        StateCorrupt: If it is damaged or of a newer version.
        EncryptionError: If no key opens it, or it is not sealed but has to be.
    """
    state, note = _opened(content, cipher)
    return content if cipher.is_current(note) else encode_stored(state, cipher)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A stored state.

    Attributes:
        snapshot: As it was written.
        recovered: The same with the entries of a run that died.
        base: What a journal of this snapshot names.
        journal: The journal with those entries, or None where all of them are in the snapshot.
        notes: Of the keys that both are sealed with; empty ones where they are not.
    """

    snapshot: State
    recovered: State
    base: Base
    journal: Journal | None
    notes: tuple[JsonObject, ...] = ()

    def is_outdated(self, cipher: Cipher) -> bool:
        """Whether it is sealed otherwise than it would be if it were written now."""
        return not all(map(cipher.is_current, self.notes))


def understand(
    snapshot: bytes | None, journal: bytes | None, cipher: Cipher = PLAIN
) -> Stored | None:
    """Return the stored state, or None where nothing is stored.

    Raises:
        StateCorrupt: If snapshot or journal is damaged, or they do not belong together.
        EncryptionError: If no key opens them, or they are not sealed but have to be.
    """
    journaled = _journal(journal or b"", cipher)
    if snapshot is None:
        if journaled is not None and journaled.entries:
            raise StateCorrupt(
                "The state is gone but its journal is not",
                f"The journal holds {len(journaled.entries)} entries that continue serial "
                f"{journaled.base.serial} of lineage {journaled.base.lineage}. Restore that state "
                "from its backup; or, to start over, remove the journal too.",
            )
        return None
    state, note = _opened(snapshot, cipher)
    base = Base(lineage=state.lineage, serial=state.serial, digest=digest_bytes(snapshot))
    if journaled is None or not journaled.entries:
        return Stored(snapshot=state, recovered=state, base=base, journal=None, notes=(note,))
    notes = (note, journaled.note)
    if journaled.continues(base):
        recovered = apply_entries(state, journaled.entries)
        return Stored(
            snapshot=state, recovered=recovered, base=base, journal=journaled, notes=notes
        )
    if journaled.folded_into(base):
        return Stored(snapshot=state, recovered=state, base=base, journal=None, notes=notes)
    raise StateCorrupt(
        "The state is not the one that its journal continues",
        f"The journal holds {len(journaled.entries)} entries of a run that began with serial "
        f"{journaled.base.serial} of lineage {journaled.base.lineage}; the state has serial "
        f"{base.serial} of lineage {base.lineage}, or was edited by hand. Put the other state "
        "back; or, to go on without what that run did, move the journal away.",
    )


def _journal(content: bytes, cipher: Cipher) -> Journal | None:
    try:
        return decode_journal(content, cipher)
    except StateCorrupt as problem:
        raise StateCorrupt(
            "The journal of the state cannot be understood",
            f"{problem.detail} To go on without what the last run did, move the journal away.",
        ) from problem


def snapshot_to_begin_with(
    stored: Stored | None, state: State, cipher: Cipher = PLAIN
) -> tuple[Base, bytes | None]:
    """Decide whether a run that begins must write its state first.

    Returns:
        What the journal of the run names as its base, and the bytes to store first, or None if
        the stored snapshot is that state already.

    Raises:
        StateConflict: If the stored state is not the one that the run read.
    """
    if stored is None:
        return _base_and(encode_state(state), state, cipher)
    check_same_version(stored.base, state)
    if stored.journal is None and state == stored.snapshot:
        return stored.base, None
    content = encode_state(state)
    if content != encode_state(stored.snapshot):
        return _base_and(content, state, cipher)
    if stored.journal is not None and content != encode_state(stored.recovered):
        raise StateConflict(
            "The state moved on since it was read",
            f"A run recorded {len(stored.journal.entries)} more entries and died. Run the command "
            "again.",
        )
    return stored.base, None


def _base_and(plain: bytes, state: State, cipher: Cipher) -> tuple[Base, bytes]:
    content = _sealed(plain, state, cipher)
    digest = digest_bytes(content)
    return Base(lineage=state.lineage, serial=state.serial, digest=digest), content


def check_same_version(stored: Base, state: State) -> None:
    """Check that a run which begins with `state` read what is stored.

    Raises:
        StateConflict: If lineage or serial differ.
    """
    if stored.lineage != state.lineage:
        raise StateConflict(
            "The stored state belongs to something else",
            f"It has lineage {stored.lineage}, the one that was read {state.lineage}. Check the "
            "backend's configuration; it may point at the state of another project.",
        )
    if stored.serial != state.serial:
        raise StateConflict(
            "The state moved on since it was read",
            f"It has serial {stored.serial}, the one that was read {state.serial}: another run "
            "wrote it. Run the command again.",
        )


def check_serial(stored: int | None, expected: int | None) -> None:
    """Check that the snapshot to replace is the expected one; None stands for no snapshot.

    Raises:
        StateConflict: If it is another one.
    """
    if stored == expected:
        return
    found = "no state is stored" if stored is None else f"the stored state has serial {stored}"
    wanted = "none" if expected is None else f"serial {expected}"
    raise StateConflict(
        "The state was written by somebody else",
        f"Expected {wanted}, but {found}: another run came between, or the file was replaced. "
        "Run the command again.",
    )
