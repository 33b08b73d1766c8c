"""A key to write with, and keys to read with that were used before."""

from __future__ import annotations

from mlform.ciphers.base import CipherSettings
from mlform.ciphers.keys import METHOD, Keys, type_of
from mlform.digests import JsonObject
from mlform.errors import EncryptionError
from mlform.state.encryption import Key


class KeyRing:
    """Seals with the method of a configuration, and opens with that or its fallbacks."""

    def __init__(self, settings: CipherSettings, keys: Keys) -> None:
        """Use a configuration; no key is derived yet.

        Args:
            settings: Which keys.
            keys: Of this process.
        """
        self._settings = settings
        self._keys = keys

    def key(self) -> Key | None:
        """Return the key that seals; see `Cipher`."""
        method = self._settings.method
        return None if method is None else self._keys.to_write(method)

    def is_current(self, note: JsonObject) -> bool:
        """Whether a note is of the key that seals; see `Cipher`."""
        method = self._settings.method
        if method is None or not note:
            return method is None and not note
        return self._keys.is_of(method, note)

    def find(self, note: JsonObject, what: str) -> Key:
        """Return the key of a note; see `Cipher`."""
        for provider in self._settings.providers:
            key = self._keys.to_read(provider, note)
            if key is not None:
                return key
        raise EncryptionError(f"The {what} cannot be decrypted", self._why(note))

    def accept_plain(self, what: str) -> None:
        """Let plain text pass where the configuration says so; see `Cipher`."""
        if self._settings.accepts_plain:
            return
        raise EncryptionError(
            f"The {what} is not encrypted",
            "It is plain text, but the configuration asks for encryption. To encrypt what was "
            "written before, add fallback { method = method.unencrypted.NAME } beside the method "
            "(without enforced), apply once, and remove it again. If it was encrypted before, "
            "somebody replaced it: restore it from a backup.",
        )

    def _why(self, note: JsonObject) -> str:
        if note.get("method") != METHOD:
            return (
                f"It is encrypted by the method {note.get('method')}, which this mlform does not "
                "know. Install the mlform that wrote it."
            )
        used = str(note.get("provider"))
        known = self._settings.providers
        alike = [each.address for each in known if type_of(each) == used]
        advice = (
            "If the key was changed since, add a fallback block whose method has the old one. "
            "Nothing was changed."
        )
        if alike:
            secret = "key" if used == "raw" else "passphrase"
            return (
                f"It was encrypted with another key than that of {' or '.join(alike)}: check the "
                f"{secret}. {advice}"
            )
        have = " and ".join(each.address for each in known) or "none"
        return (
            f"Its key comes from a key provider of type {used}; those that are configured: {have}. "
            f"Configure the one that it was encrypted with. {advice}"
        )
