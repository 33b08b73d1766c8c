"""Keys of AES-GCM: derived once in a process, found again by their notes."""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mlform.ciphers.base import KeyProvider, Pbkdf2, RawKey, Scrypt, problems_of
from mlform.dataclass import dataclass, replace
from mlform.digests import JsonObject
from mlform.errors import EncryptionError, SealBroken
from mlform.state.encryption import Key

if TYPE_CHECKING:  # costs a tenth of a second
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

METHOD: Final = "aes_gcm"
_NONCE: Final = 12
_CHECK: Final = b"mlform: check of a key"
_CHECK_LENGTH: Final = 16
_NO_NOTE: Final = "It does not say which key it is sealed with"


class AesGcmKey:
    """A key of AES-GCM; every sealing has a nonce of its own, which stands before what is sealed.

    Nonces are random: one key is good for four thousand million sealings.
    """

    def __init__(self, key: bytes, note: JsonObject, random_bytes: Callable[[int], bytes]) -> None:
        """Use a key.

        Args:
            key: Of 16, 24 or 32 bytes.
            note: Where it comes from; a check of it is added.
            random_bytes: Makes nonces.
        """
        self._key = key
        self._note = {"method": METHOD, **note, "check": _check(key)}
        self._random_bytes = random_bytes
        self._cipher: AESGCM | None = None

    @property
    def note(self) -> JsonObject:
        """What finds the key again; see `Key`."""
        return self._note

    def seal(self, content: bytes, about: bytes) -> bytes:
        """Seal; see `Key`."""
        nonce = self._random_bytes(_NONCE)
        return nonce + self._aes_gcm().encrypt(nonce, content, about)

    def open(self, content: bytes, about: bytes) -> bytes:
        """Open; see `Key`."""
        from cryptography.exceptions import InvalidTag

        nonce, data = content[:_NONCE], content[_NONCE:]
        try:
            return self._aes_gcm().decrypt(nonce, data, about)
        except (InvalidTag, ValueError) as problem:  # the latter where there is hardly anything
            raise SealBroken(
                "What is encrypted is damaged", "It was changed since it was encrypted."
            ) from problem

    def _aes_gcm(self) -> AESGCM:
        if self._cipher is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._cipher = AESGCM(self._key)
        return self._cipher


def _check(key: bytes) -> str:
    """Return what tells a key from others without giving it away."""
    return hmac.new(key, _CHECK, hashlib.sha256).hexdigest()[:_CHECK_LENGTH]


@dataclass(frozen=True, slots=True)
class _Recipe:
    """What a derived key is made of."""

    provider: KeyProvider
    salt: bytes


class Keys:
    """The keys of one process. To derive one takes a second on purpose, so none is made twice."""

    def __init__(self, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        """Begin without keys; `random_bytes` makes salts and nonces."""
        self._random_bytes = random_bytes
        self._known: dict[_Recipe, AesGcmKey] = {}

    def to_write(self, provider: KeyProvider) -> Key:
        """Return the key to seal with: one that is known already, or one with a new salt.

        Raises:
            EncryptionError: If there is not enough memory to derive it.
        """
        wanted = _nameless(provider)
        for recipe, key in self._known.items():
            if recipe.provider == wanted:
                return key
        salt = b"" if isinstance(wanted, RawKey) else self._random_bytes(wanted.salt_length)
        return self._key(_Recipe(wanted, salt))

    def to_read(self, provider: KeyProvider, note: JsonObject) -> Key | None:
        """Return the key of a note if it comes from a provider, or None.

        Raises:
            SealBroken: If the note is none.
            EncryptionError: If there is not enough memory to derive the key.
        """
        recipe = _recipe(provider, note)
        if recipe is None:
            return None
        key = self._key(recipe)
        return key if key.note["check"] == note.get("check") else None

    def is_of(self, provider: KeyProvider, note: JsonObject) -> bool:
        """Whether a note is of a key from a provider, derived as it says now.

        Raises:
            SealBroken: If the note is none.
            EncryptionError: If there is not enough memory to derive the key.
        """
        recipe = _recipe(provider, note)
        is_alike = recipe is not None and recipe.provider == _nameless(provider)
        return is_alike and self.to_read(provider, note) is not None

    def _key(self, recipe: _Recipe) -> AesGcmKey:
        key = self._known.get(recipe)
        if key is None:
            note = {"provider": type_of(recipe.provider), **_cost(recipe)}
            key = AesGcmKey(_derived(recipe), note, self._random_bytes)
            self._known[recipe] = key
        return key


def type_of(provider: KeyProvider) -> str:
    """Return the type of a key provider as the configuration names it."""
    match provider:
        case Pbkdf2():
            return "pbkdf2"
        case Scrypt():
            return "scrypt"
        case RawKey():
            return "raw"


def _nameless(provider: KeyProvider) -> KeyProvider:
    """Return a provider without its name: two that differ in nothing else give the same keys."""
    return replace(provider, address="")


def _cost(recipe: _Recipe) -> JsonObject:
    salt = b64encode(recipe.salt).decode()
    match recipe.provider:
        case Pbkdf2(iterations=iterations, hash_function=hash_function, key_length=length):
            return {
                "salt": salt,
                "iterations": iterations,
                "hash_function": hash_function,
                "key_length": length,
            }
        case Scrypt(n=n, r=r, p=p, key_length=length):
            return {"salt": salt, "n": n, "r": r, "p": p, "key_length": length}
        case RawKey():
            return {}


def _recipe(provider: KeyProvider, note: JsonObject) -> _Recipe | None:
    """Return what the key of a note is made of if it comes from a provider.

    What it costs is taken from the note, so that what was written before still opens after the
    configuration asks for more; within the limits of configurations, as a note can be forged.
    """
    if note.get("method") != METHOD or note.get("provider") != type_of(provider):
        return None
    salt, found = b"", _nameless(provider)
    if isinstance(found, Pbkdf2):
        salt = _salt(note)
        found = replace(
            found,
            iterations=_number(note, "iterations"),
            hash_function=str(note.get("hash_function")),
            key_length=_number(note, "key_length"),
            salt_length=len(salt),
        )
    elif isinstance(found, Scrypt):
        salt = _salt(note)
        found = replace(
            found,
            n=_number(note, "n"),
            r=_number(note, "r"),
            p=_number(note, "p"),
            key_length=_number(note, "key_length"),
            salt_length=len(salt),
        )
    if any(True for _ in problems_of(found)):
        raise SealBroken(_NO_NOTE, "What it says of its key is beyond all limits.")
    return _Recipe(found, salt)


def _salt(note: JsonObject) -> bytes:
    try:
        return b64decode(str(note.get("salt")), validate=True)
    except ValueError as problem:
        raise SealBroken(_NO_NOTE, "The salt of its key is damaged.") from problem


def _number(note: JsonObject, name: str) -> int:
    value = note.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise SealBroken(_NO_NOTE, f'"{name}" of its key is missing or no number.')
    return value


def _derived(recipe: _Recipe) -> bytes:
    provider = recipe.provider
    if isinstance(provider, RawKey):
        return provider.key
    passphrase = provider.passphrase.encode()
    try:
        if isinstance(provider, Pbkdf2):
            return _by_pbkdf2(provider, passphrase, recipe.salt)
        return _by_scrypt(provider, passphrase, recipe.salt)
    except MemoryError as problem:
        raise EncryptionError(
            "Not enough memory for a key",
            "scrypt needs 128 * n * r bytes. Free some memory, or lower n.",
        ) from problem


def _by_pbkdf2(provider: Pbkdf2, passphrase: bytes, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

    sha = hashes.SHA256() if provider.hash_function == "sha256" else hashes.SHA512()
    function = PBKDF2HMAC(
        algorithm=sha, length=provider.key_length, salt=salt, iterations=provider.iterations
    )
    return function.derive(passphrase)


def _by_scrypt(provider: Scrypt, passphrase: bytes, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt as Function

    function = Function(
        salt=salt, length=provider.key_length, n=provider.n, r=provider.r, p=provider.p
    )
    return function.derive(passphrase)
