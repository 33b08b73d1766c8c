"""The journal of a run: what happened since the snapshot it began with.

Line 0 is the header: lineage, serial and digest of that snapshot. Every other line is an entry, or
a seal: the digest of a snapshot into which all lines above were about to be folded. So whoever
finds snapshot and journal side by side knows whether the entries are in the snapshot already, at
whatever instant the run died.
"""

from __future__ import annotations

from typing import Final

from mlform.dataclass import dataclass
from mlform.digests import Digest
from mlform.errors import StateCorrupt
from mlform.state.codec import decode_line, encode_line, entry_of, opened
from mlform.state.documents import Document
from mlform.state.encryption import PLAIN, Cipher
from mlform.state.snapshot import Entry

_SEAL: Final = "seal"
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
    """

    base: Base
    run: Run = UNKNOWN_RUN
    entries: tuple[Entry, ...]
    seals: tuple[Digest, ...]
    lines: int
    size: int

    def continues(self, base: Base) -> bool:
        """Whether the entries come on top of this snapshot."""
        return self.base == base

    def folded_into(self, base: Base) -> bool:
        """Whether this snapshot holds the entries already."""
        return base.digest in self.seals or (
            self.base.lineage == base.lineage and self.base.serial < base.serial
        )


def encode_header(base: Base, run: Run = UNKNOWN_RUN) -> bytes:
    """Return the first line of a journal of a run that continues a snapshot."""
    return encode_line(
        {
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
        },
        0,
    )


def encode_seal(digest: Digest, sequence: int) -> bytes:
    """Return the line to write before the snapshot with this digest takes the journal's place."""
    return encode_line({"type": _SEAL, "snapshot": digest}, sequence)


def decode_journal(content: bytes, cipher: Cipher = PLAIN) -> Journal | None:
    """Return what a journal holds, or None if it ends within its header.

    A last line without line end was cut off while it was written, before anybody was told that it
    is safe; it is dropped.

    Raises:
        StateCorrupt: If any other line is damaged or missing.
    """
    *lines, torn = content.split(b"\n")
    if not lines:
        return None
    header = decode_line(lines[0] + b"\n", 0)
    base = _base(header)
    entries: list[Entry] = []
    seals: list[Digest] = []
    for sequence, line in enumerate(lines[1:], start=1):
        document = decode_line(line + b"\n", sequence)
        if document.text("type") == _SEAL:
            seals.append(Digest(document.text("snapshot")))
        else:
            entries.append(entry_of(opened(document, sequence, cipher), f"entry {sequence}"))
    return Journal(
        base=base,
        run=_run(header),
        entries=tuple(entries),
        seals=tuple(seals),
        lines=len(lines),
        size=len(content) - len(torn),
    )


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
