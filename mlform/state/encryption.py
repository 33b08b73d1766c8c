"""What keeps a state from being read by others: the ports, the envelope, and keeping nothing.

What is sealed as a whole is one JSON object on one line::

    {"encryption_version":1,"content":"state","lineage":"…","serial":3,"key":{…},
     "encrypted_data":"…"}

`content` says what it is, `key` finds the key again (its provider, salt and cost, and a check of
the key itself), `encrypted_data` is in base64. All other members are readable and sealed against
changes. Journals are sealed entry by entry; see `mlform.state.journal`.
"""

from __future__ import annotations

import json
import re
from typing import Final, Protocol, cast

from mlform.digests import Json, JsonObject, canonical_json
from mlform.errors import EncryptionError, SealBroken

STATE: Final = "state"
"""What a whole snapshot is."""
JOURNAL: Final = "journal of the state"
"""What the journal of a run is."""

_VERSION: Final = 1
_VERSION_NAME: Final = "encryption_version"
_DATA: Final = "encrypted_data"
_ENVELOPE: Final = re.compile(rb'\s*\{\s*"%s"\s*:' % _VERSION_NAME.encode())


class Key(Protocol):
    """Seals and opens."""

    @property
    def note(self) -> JsonObject:
        """What finds the key again; anybody may read it."""
        ...

    def seal(self, content: bytes, about: bytes) -> bytes:
        """Return the content as it is stored.

        Args:
            content: What to keep.
            about: What it is and where it belongs; it opens as nothing else.
        """
        ...

    def open(self, content: bytes, about: bytes) -> bytes:
        """Return what was sealed.

        Raises:
            SealBroken: If it was changed, or is something else.
        """
        ...


class Cipher(Protocol):
    """Chooses the key that seals, and finds those that open."""

    def key(self) -> Key | None:
        """Return the key that seals what is written, or None where it is kept as it is.

        Raises:
            EncryptionError: If there is no such key.
        """
        ...

    def is_current(self, note: JsonObject) -> bool:
        """Whether what has this note, or none, is sealed as it would be if it were written now.

        Raises:
            SealBroken: If the note is none.
        """
        ...

    def find(self, note: JsonObject, what: str) -> Key:
        """Return the key of a note.

        Args:
            note: As a key gave it.
            what: Is to be opened, for messages.

        Raises:
            EncryptionError: If it is none of the keys that are known.
        """
        ...

    def accept_plain(self, what: str) -> None:
        """Let something pass that is not sealed.

        Raises:
            EncryptionError: If everything has to be sealed.
        """
        ...


class PlainText:
    """Keeps everything as it is."""

    def key(self) -> Key | None:
        """Return no key; see `Cipher`."""
        return None

    def is_current(self, note: JsonObject) -> bool:
        """Whether it is plain text; see `Cipher`."""
        return not note

    def find(self, note: JsonObject, what: str) -> Key:
        """Refuse; see `Cipher`."""
        del note
        raise EncryptionError(
            f"The {what} is encrypted",
            "It is encrypted, but no encryption is configured that opens it. Add the encryption "
            "block that it was written with to the mlform block, or set MLF_ENCRYPTION.",
        )

    def accept_plain(self, what: str) -> None:
        """Accept it; see `Cipher`."""


PLAIN: Final[Cipher] = PlainText()


def sealed(content: bytes, what: str, shown: JsonObject, cipher: Cipher) -> bytes:
    """Return something whole as it is stored.

    Args:
        content: What to keep.
        what: It is; it opens as nothing else.
        shown: What stays readable of it.
        cipher: Seals it, or leaves it as it is.

    Raises:
        EncryptionError: If there is no key to seal it.
    """
    key = cipher.key()
    if key is None:
        return content
    from base64 import b64encode

    head: dict[str, Json] = {_VERSION_NAME: _VERSION, "content": what, **shown, "key": key.note}
    data = b64encode(key.seal(content, canonical_json(head))).decode()
    return json.dumps({**head, _DATA: data}, ensure_ascii=False, separators=(",", ":")).encode()


def opened(content: bytes, what: str, cipher: Cipher) -> bytes:
    """Return what was given to `sealed`.

    Raises:
        EncryptionError: If no key opens it, or it is not sealed but has to be.
        SealBroken: If it was changed, or is something else.
    """
    return opened_with_note(content, what, cipher)[0]


def opened_with_note(content: bytes, what: str, cipher: Cipher) -> tuple[bytes, JsonObject]:
    """Return what was given to `sealed`, and the note of its key; empty if it was not sealed.

    Raises:
        EncryptionError: If no key opens it, or it is not sealed but has to be.
        SealBroken: If it was changed, or is something else.
    """
    if not is_sealed(content):
        cipher.accept_plain(what)
        return content, {}
    head, data = _parts(content, what)
    note = head.get("key")
    if not isinstance(note, dict) or not note:
        raise broken(what, "It does not say which key it is sealed with")
    try:
        return cipher.find(note, what).open(data, canonical_json(head)), note
    except SealBroken as problem:
        raise broken(what, problem.detail.rstrip(".")) from problem


def is_sealed(content: bytes) -> bool:
    """Whether something whole is in an envelope."""
    return _ENVELOPE.match(content) is not None


def broken(what: str, problem: str) -> SealBroken:
    """Return the failure to raise for something sealed that is not as it was written."""
    return SealBroken(
        f"The encrypted {what} is damaged",
        f"{problem}. It was left as it is. Restore it from its backup or from version control.",
    )


def _parts(content: bytes, what: str) -> tuple[dict[str, Json], bytes]:
    from base64 import b64decode

    try:
        found = json.loads(content)
        head = {name: value for name, value in found.items() if name != _DATA}
        data = b64decode(found[_DATA], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise broken(what, "Its envelope cannot be read") from problem
    version = head[_VERSION_NAME]
    if version != _VERSION:
        raise EncryptionError(
            f"The {what} was encrypted by a newer mlform",
            f"Its envelope has version {version}; this mlform reads version {_VERSION}. Install "
            "that mlform. Nothing was changed.",
        )
    if head.get("content") != what:
        raise broken(what, f"It is the envelope of something else: {head.get('content')}")
    return cast("dict[str, Json]", head), data  # it came out of a JSON parser
