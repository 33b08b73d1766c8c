"""The one document that a server of Terraform's http protocol keeps of a state.

It is JSON::

    {"serial":7,"lineage":"…","mlform_document":1,"posted":"2026-03-01T12:00:00Z",
     "snapshot":"{…}","journal_id":"…","journal":"…","journal_of":"lab:/home/ada/project/…",
     "history":[["00000003-…","<compressed>"], …]}

`serial` counts how often the document was posted: GitLab takes every serial once, and a run posts
several times. Snapshot and journals stand in it as texts, so that they come back to the byte from a
server that writes JSON in a way of its own; what is sealed stays sealed.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import Final

from mlform.dataclass import dataclass
from mlform.digests import digest_bytes
from mlform.errors import BackendError, StateCorrupt

_VERSION: Final = 1
_MARK: Final = "mlform_document"
HISTORY_SIZE: Final = 1 << 20
"""Bytes of compressed journals that the document keeps at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a server keeps.

    Attributes:
        serial: How often it was posted; 0 where nothing was.
        lineage: Of the state; empty where it is not known.
        posted: When, in UTC, ISO 8601.
        snapshot: Or None.
        journal: Of the run that works or died, as far as it was posted.
        journal_id: Its identity; empty where there is none.
        journal_of: Machine and folder that have the whole of it; empty where this is all.
        history: Journals that are over, compressed, by name, the oldest first.
    """

    serial: int = 0
    lineage: str = ""
    posted: str = ""
    snapshot: bytes | None = None
    journal: bytes = b""
    journal_id: str = ""
    journal_of: str = ""
    history: tuple[tuple[str, str], ...] = ()

    @property
    def version(self) -> str:
        """What tells the snapshot from others; empty where there is none."""
        return "" if self.snapshot is None else digest_bytes(self.snapshot)

    @property
    def journals(self) -> tuple[bytes, ...]:
        """The journals that are over."""
        return tuple(_expanded(text) for _, text in self.history)


EMPTY: Final = Document()
"""Of a server that keeps nothing yet."""


def encode_document(document: Document) -> bytes:
    """Return the document as it is posted."""
    members: dict[str, object] = {
        "serial": document.serial,
        "lineage": document.lineage,
        _MARK: _VERSION,
        "posted": document.posted,
    }
    if document.snapshot is not None:
        members["snapshot"] = document.snapshot.decode()
    if document.journal_id:
        members["journal_id"] = document.journal_id
        members["journal"] = document.journal.decode()
        members["journal_of"] = document.journal_of
    members["history"] = [list(kept) for kept in document.history]
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def decode_document(content: bytes, where: str) -> Document:
    """Return the document that a server answered with.

    A state by itself, as somebody may have put it there by hand, is a document too.

    Raises:
        BackendError: If it belongs to something else, or to a newer mlform.
        StateCorrupt: If it is damaged.
    """
    try:
        members = json.loads(content)
    except ValueError:
        raise _unreadable(where, "it is no JSON") from None
    if not isinstance(members, dict):
        raise _unreadable(where, "it is no JSON object")
    if _MARK not in members:
        if "terraform_version" in members:
            raise BackendError(
                "The address holds a state of Terraform",
                f"{where}: mlform does not touch it. Give another address.",
            )
        lineage = str(members.get("lineage", ""))
        return Document(serial=_integer(members.get("serial")), lineage=lineage, snapshot=content)
    if members[_MARK] != _VERSION:
        raise BackendError(
            "The state was stored by a newer mlform",
            f"{where}: its document has version {members[_MARK]}, and this mlform reads version "
            f"{_VERSION}. Install that mlform.",
        )
    try:
        return _document(members)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise _unreadable(where, f"a member is missing or wrong ({problem})") from None


def _document(members: dict[str, object]) -> Document:
    snapshot = members.get("snapshot")
    history = members["history"]
    if not isinstance(history, list):
        raise TypeError("history")
    return Document(
        serial=_integer(members["serial"]),
        lineage=str(members["lineage"]),
        posted=str(members["posted"]),
        snapshot=None if snapshot is None else _text(snapshot).encode(),
        journal=_text(members.get("journal", "")).encode(),
        journal_id=_text(members.get("journal_id", "")),
        journal_of=_text(members.get("journal_of", "")),
        history=tuple((_text(name), _text(text)) for name, text in history),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value


def _integer(value: object) -> int:
    return value if isinstance(value, int) else 0


def _unreadable(where: str, why: str) -> StateCorrupt:
    return StateCorrupt(
        "The document of the state cannot be understood",
        f"{where}: {why}. It was left as it is. Restore an earlier version of it, where the "
        "server keeps those.",
    )


def lineage_of(snapshot: bytes) -> str:
    """Return the lineage that a snapshot shows, sealed or not; empty where it shows none."""
    try:
        members = json.loads(snapshot)
    except ValueError:
        return ""
    return str(members.get("lineage", "")) if isinstance(members, dict) else ""


def compressed(journal: bytes) -> str:
    """Return a journal as the history keeps it."""
    return base64.b85encode(zlib.compress(journal, 9)).decode()


def _expanded(text: str) -> bytes:
    try:
        return zlib.decompress(base64.b85decode(text))
    except (ValueError, zlib.error):
        return text.encode() + b"\n"  # whoever reads it finds that it is damaged, and says so


def shortened(
    history: tuple[tuple[str, str], ...],
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Return the newest journals that a document has room for, and the others."""
    size, count = 0, 0
    for _, text in reversed(history):
        size += len(text)
        if count and size > HISTORY_SIZE:
            break
        count += 1
    at = len(history) - count
    return history[at:], history[:at]
