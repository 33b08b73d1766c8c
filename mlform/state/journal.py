"""The journal of a run: what happened since the snapshot it began with.

Line 0 is the header: lineage, serial and digest of that snapshot. Every other line is an entry, or
a seal: the digest of a snapshot into which all lines above were about to be folded. So whoever
finds snapshot and journal side by side knows whether the entries are in the snapshot already, at
whatever instant the run died.

Entries may be encrypted, one by one: the header then names the key, and each entry is bound to that
header and to its place, so that it opens nowhere else. Header and seals are readable by everybody:
they hold no values of resources.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from mlform.dataclass import dataclass, field
from mlform.digests import Digest, Json, JsonObject, canonical_json, digest_bytes
from mlform.errors import SealBroken, StateCorrupt
from mlform.state.codec import decode_line, encode_entry, encode_line, entry_document, entry_of
from mlform.state.documents import Document, corrupt
from mlform.state.encryption import JOURNAL, PLAIN, Cipher, Key
from mlform.state.snapshot import Entry

_SEAL: Final = "seal"
_SEALED: Final = "sealed"
"""Type of a line whose entry is encrypted."""
_RECOVERED: Final = "recovered"
"""Marks a seal that was not written by the run itself, which died, but by the one after it."""
_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Who works on the state, since when and with what.

    Attributes:
        id: Identity of the run; that of its lock, if it holds one.
        operation: The command, such as `apply`.
        who: `user@host`.
        started: Time in UTC, ISO 8601.
        version: mlform's version.
    """

    id: str = ""
    operation: str = ""
    who: str = ""
    started: str = ""
    version: str = ""


UNKNOWN_RUN: Final = Run()
"""Of a journal that does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The snapshot that a journal continues: its lineage, serial, and digest of its bytes."""

    lineage: str
    serial: int
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A journal, read.

    Attributes:
        base: The snapshot it continues.
        run: The run that wrote it.
        entries: In order.
        seals: Digests of the snapshots it was about to be folded into.
        lines: How many whole lines it has, header included: the next sequence number.
        size: Bytes of those lines; what follows is a torn tail.
        note: Of the key that its entries are sealed with; empty where they are not.
        died: Whether the run did not come to its end: it works still, or it died.
    """

    base: Base
    run: Run = UNKNOWN_RUN
    entries: tuple[Entry, ...]
    seals: tuple[Digest, ...]
    lines: int
    size: int
    note: JsonObject = field(default_factory=dict)
    died: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether nothing came of the run: it recorded nothing and wrote no snapshot."""
        return not self.entries and not self.seals

    def continues(self, base: Base) -> bool:
        """Whether the entries come on top of this snapshot."""
        return self.base == base

    def folded_into(self, base: Base) -> bool:
        """Whether this snapshot holds the entries already."""
        return base.digest in self.seals or (
            self.base.lineage == base.lineage and self.base.serial < base.serial
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """A journal that was kept and cannot be read any more.

    Attributes:
        where: Its place.
        problem: What is wrong with it.
    """

    where: str
    problem: str


def encode_header(base: Base, run: Run = UNKNOWN_RUN, key: Key | None = None) -> bytes:
    """Return the first line of a journal of a run that continues a snapshot.

    Args:
        base: The snapshot.
        run: Who writes it.
        key: Seals its entries; None where they are kept as they are.
    """
    document: dict[str, Json] = {
        "type": "journal",
        "version": _VERSION,
        "lineage": base.lineage,
        "serial": base.serial,
        "base": base.digest,
        "run": {
            "id": run.id,
            "operation": run.operation,
            "who": run.who,
            "started": run.started,
            "version": run.version,
        },
    }
    if key is not None:
        document["key"] = key.note
    return encode_line(document, 0)


@dataclass(frozen=True, slots=True)
class Head:
    """How a journal begins, and how its entries are written.

    Attributes:
        line: Its header.
        key: Seals the entries, or None where they are kept as they are.
    """

    line: bytes
    key: Key | None

    def encode(self, entries: Iterable[Entry], start: int) -> bytes:
        """Return entries as lines; `start` is the sequence number of the first.

        Raises:
            ValueError: If a value is no JSON, such as a number that is not finite.
        """
        if self.key is None:
            lines = (encode_entry(entry, at) for at, entry in enumerate(entries, start))
        else:
            header = digest_bytes(self.line)
            lines = (
                _sealed_line(entry, at, header, self.key) for at, entry in enumerate(entries, start)
            )
        return b"".join(lines)


def begin_journal(base: Base, run: Run, cipher: Cipher) -> Head:
    """Return how the journal of a run begins.

    Raises:
        EncryptionError: If there is no key to seal it.
    """
    key = cipher.key()
    return Head(encode_header(base, run, key), key)


def _sealed_line(entry: Entry, sequence: int, header: Digest, key: Key) -> bytes:
    from base64 import b64encode

    content = key.seal(canonical_json(entry_document(entry)), _about(sequence, header))
    return encode_line({"type": _SEALED, "content": b64encode(content).decode()}, sequence)


def _about(sequence: int, header: Digest) -> bytes:
    """Return what a sealed entry is bound to: its journal and its place in it."""
    return canonical_json({"journal": header, "seq": sequence})


def encode_seal(digest: Digest, sequence: int, *, recovered: bool = False) -> bytes:
    """Return the line to write before the snapshot with this digest takes the journal's place.

    Args:
        digest: Of the snapshot.
        sequence: Number of the line.
        recovered: Whether it is written by another run than the journal, which died.
    """
    document: dict[str, Json] = {"type": _SEAL, "snapshot": digest}
    if recovered:
        document[_RECOVERED] = True
    return encode_line(document, sequence)


def encode_journal(journal: Journal, cipher: Cipher) -> bytes:
    """Return a whole journal as it is kept.

    Raises:
        EncryptionError: If there is no key to seal it.
    """
    head = begin_journal(journal.base, journal.run, cipher)
    lines = [head.line, head.encode(journal.entries, 1)]
    for sequence, digest in enumerate(journal.seals, len(journal.entries) + 1):
        lines.append(encode_seal(digest, sequence, recovered=journal.died))
    return b"".join(lines)


def decode_journal(
    content: bytes, cipher: Cipher = PLAIN, *, is_history: bool = False
) -> Journal | None:
    """Return what a journal holds, or None if it ends within its header.

    A last line without line end was cut off while it was written, before anybody was told that it
    is safe; it is dropped.

    Raises:
        StateCorrupt: If any other line is damaged or missing.
        EncryptionError: If no key opens it, or it is not sealed but has to be.
    """
    *lines, torn = content.split(b"\n")
    if not lines:
        return None
    header = decode_line(lines[0] + b"\n", 0)
    base = _base(header)
    reading = _Reading(
        header=header,
        digest=digest_bytes(lines[0] + b"\n"),
        cipher=cipher,
        accepted=is_history,
    )
    entries: list[Entry] = []
    seals: list[Digest] = []
    died = True
    for sequence, line in enumerate(lines[1:], start=1):
        document = decode_line(line + b"\n", sequence)
        if document.text("type") == _SEAL:
            seals.append(Digest(document.text("snapshot")))
            died = document.flag(_RECOVERED)
        else:
            entries.append(entry_of(reading.opened(document, sequence)))
    return Journal(
        base=base,
        run=_run(header),
        entries=tuple(entries),
        seals=tuple(seals),
        lines=len(lines),
        size=len(content) - len(torn),
        note=header.mapping("key"),
        died=died,
    )


def renewed_journal(content: bytes, cipher: Cipher) -> bytes:
    """Return a journal that is over, sealed as it would be if it were written now.

    Raises:
        StateCorrupt: If it is damaged.
        EncryptionError: If no key opens it, or there is none to seal it.
    """
    journal = decode_journal(content, cipher, is_history=True)
    if journal is None or cipher.is_current(journal.note):
        return content
    return encode_journal(journal, cipher)


@dataclass(slots=True, kw_only=True)
class _Reading:
    """Opens the entries of a journal; a key is looked for once there is one."""

    header: Document
    digest: Digest
    cipher: Cipher
    accepted: bool
    _key: Key | None = None

    def opened(self, document: Document, sequence: int) -> Document:
        note = self.header.mapping("key")
        is_sealed = document.text("type") == _SEALED
        if is_sealed is not bool(note):
            problem = "it is sealed" if is_sealed else "it is not sealed"
            raise corrupt(document.where, f"{problem}, unlike its journal")
        if not note:
            if not self.accepted:
                self.cipher.accept_plain(JOURNAL)
                self.accepted = True
            return document
        from base64 import b64decode

        try:
            if self._key is None:
                self._key = self.cipher.find(note, JOURNAL)
            content = b64decode(document.text("content"), validate=True)
            plain = self._key.open(content, _about(sequence, self.digest))
        except (ValueError, SealBroken) as problem:
            raise corrupt(document.where, "it was changed since it was encrypted") from problem
        return Document(json.loads(plain), document.where)


def _run(header: Document) -> Run:
    told = header.mapping("run")
    if not told:
        return UNKNOWN_RUN
    document = header.document("run")
    return Run(
        id=document.text("id", ""),
        operation=document.text("operation", ""),
        who=document.text("who", ""),
        started=document.text("started", ""),
        version=document.text("version", ""),
    )


def _base(header: Document) -> Base:
    if header.text("type") != "journal":
        raise header.refuse("type", "the first line is not a journal's header")
    if header.integer("version") != _VERSION:
        raise StateCorrupt(
            "The journal of the state was written by a newer mlform",
            f"It has format version {header.integer('version')}; this mlform reads version "
            f"{_VERSION}. Install that mlform. The journal was left as it is.",
        )
    return Base(
        lineage=header.text("lineage"),
        serial=header.integer("serial"),
        digest=Digest(header.text("base")),
    )
