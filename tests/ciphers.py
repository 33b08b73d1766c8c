"""Ciphers to test with; keys that are raw cost nothing."""

from __future__ import annotations

from mlform.ciphers.base import CipherSettings, KeyProvider, Pbkdf2, RawKey, Scrypt
from mlform.ciphers.keyring import KeyRing
from mlform.ciphers.keys import Keys

WORDS = "correct horse battery"
RAW = RawKey(address="key_provider.raw.main", key=bytes(range(32)))
OTHER = RawKey(address="key_provider.raw.old", key=bytes(range(1, 33)))
PBKDF2 = Pbkdf2(address="key_provider.pbkdf2.main", passphrase=WORDS, iterations=200_000)
SCRYPT = Scrypt(address="key_provider.scrypt.main", passphrase=WORDS, n=1 << 14)


def cipher_of(
    method: KeyProvider | None, *fallbacks: KeyProvider | None, keys: Keys | None = None
) -> KeyRing:
    """A cipher as a process would make it; None stands for plain text."""
    settings = CipherSettings(method=method, fallbacks=fallbacks)
    return KeyRing(settings, Keys() if keys is None else keys)
