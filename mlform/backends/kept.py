"""Journals of runs that are over: how they are named, made, read and encrypted anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from mlform.digests import digest_bytes
from mlform.errors import EncryptionError, StateCorrupt
from mlform.state.encryption import Cipher
from mlform.state.journal import (
    Base,
    Damaged,
    Journal,
    Run,
    decode_journal,
    encode_header,
    encode_journal,
    renewed_journal,
)
from mlform.state.snapshot import State, entries_to
from mlform.state.stored import Stored


def name_of(base: Base, run: Run) -> str:
    """Return the name under which a journal is kept: what it led to, and who wrote it."""
    return f"{base.serial + 1:08d}-{digest_bytes(encode_header(base, run))[7:19]}"


def journal_name(journal: Journal) -> str:
    """Return the name under which a journal is kept in the history."""
    return name_of(journal.base, journal.run)


def read_journal(content: bytes, cipher: Cipher, where: str) -> Journal | Damaged | None:
    """Return a journal that was kept, or what is wrong with it; None where it says nothing.

    Args:
        content: Its lines.
        cipher: Opens what is sealed.
        where: Its place, for people.
    """
    try:
        journal = decode_journal(content, cipher, is_history=True)
    except (StateCorrupt, EncryptionError) as problem:
        return Damaged(where=f"{where}{_told_of(content)}", problem=problem.detail)
    return None if journal is None or journal.is_blank else journal


def _told_of(content: bytes) -> str:
    """Return whose journal it is, which its header tells without any key."""
    try:
        journal = decode_journal(content[: content.find(b"\n") + 1])
    except StateCorrupt:
        return ""
    if journal is None or not journal.run.operation:
        return ""
    return f" ({journal.run.operation} of {journal.run.who} at {journal.run.started})"


def same_run(journal: Journal, other: Journal) -> bool:
    """Whether two journals are the same one, read at different times."""
    return (journal.base, journal.run) == (other.base, other.run)


def journal_between(
    stored: Stored | None, state: State, snapshot: bytes, run: Run | None, cipher: Cipher
) -> tuple[str, bytes] | None:
    """Return what a writer did that replaced a state at once, as a journal and its name.

    Args:
        stored: What it replaced.
        state: What it wrote.
        snapshot: The same as it is stored.
        run: Who it was; None tells nothing.
        cipher: Seals the journal.

    Returns:
        None where nothing is to be told.
    """
    if run is None:
        return None
    before = State(lineage=state.lineage, serial=-1) if stored is None else stored.recovered
    if before.lineage != state.lineage:
        return None
    entries = entries_to(before, state)
    base = Base(lineage=state.lineage, serial=before.serial, digest=digest_bytes(b""))
    if stored is not None:
        base = stored.base
    journal = Journal(
        base=base, run=run, entries=entries, seals=(digest_bytes(snapshot),), lines=0, size=0
    )
    return name_of(base, run), encode_journal(journal, cipher)


def renewed_anew(
    journals: Iterable[tuple[str, bytes]], cipher: Cipher
) -> Iterator[tuple[str, bytes]]:
    """Return those of some journals that are encrypted otherwise than they would be now, as that.

    Those that do not open stay as they are: whoever reads the history is told of them.
    """
    for name, content in journals:
        with suppress(StateCorrupt, EncryptionError):
            changed = renewed_journal(content, cipher)
            if changed != content:
                yield name, changed
