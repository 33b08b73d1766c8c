"""Keys: what they seal anybody with the key can open, and nobody else; each is derived once."""

from __future__ import annotations

from base64 import b64decode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt as ScryptFunction

from mlform.ciphers.base import KeyProvider, Pbkdf2, RawKey, Scrypt, problems_of
from mlform.ciphers.keys import Keys
from mlform.dataclass import replace
from mlform.digests import Json
from mlform.errors import SealBroken
from tests.ciphers import OTHER, PBKDF2, RAW, SCRYPT, WORDS

OTHER_WORDS = "another passphrase"


def _salt(note: object) -> bytes:
    assert isinstance(note, dict)
    return b64decode(note["salt"])


def test_what_pbkdf2_seals_opens_with_the_library_alone() -> None:
    key = Keys().to_write(PBKDF2)
    stored = key.seal(b"content", b"about")
    derived = PBKDF2HMAC(
        algorithm=hashes.SHA512(), length=32, salt=_salt(key.note), iterations=200_000
    ).derive(WORDS.encode())
    assert AESGCM(derived).decrypt(stored[:12], stored[12:], b"about") == b"content"
    assert len(_salt(key.note)) == 32


def test_what_scrypt_seals_opens_with_the_library_alone() -> None:
    key = Keys().to_write(SCRYPT)
    stored = key.seal(b"content", b"about")
    derived = ScryptFunction(salt=_salt(key.note), length=32, n=1 << 14, r=8, p=1).derive(
        WORDS.encode()
    )
    assert AESGCM(derived).decrypt(stored[:12], stored[12:], b"about") == b"content"


def test_what_the_library_sealed_alone_opens() -> None:
    nonce = bytes(12)
    stored = nonce + AESGCM(RAW.key).encrypt(nonce, b"content", b"about")
    assert Keys().to_write(RAW).open(stored, b"about") == b"content"


@pytest.mark.parametrize("provider", [PBKDF2, SCRYPT, RAW], ids=lambda each: each.address)
def test_a_key_is_found_again_by_its_note(provider: KeyProvider) -> None:
    written = Keys().to_write(provider)
    found = Keys().to_read(replace(provider, address="renamed"), written.note)
    assert found is not None
    assert found.open(written.seal(b"content", b"about"), b"about") == b"content"


def test_what_was_written_opens_after_the_cost_was_raised() -> None:
    note = Keys().to_write(PBKDF2).note
    raised = replace(PBKDF2, iterations=300_000, hash_function="sha256", salt_length=64)
    keys = Keys()
    assert keys.to_read(raised, note) is not None
    written = keys.to_write(raised)
    assert (written.note["iterations"], written.note["hash_function"]) == (300_000, "sha256")
    assert len(_salt(written.note)) == 64


@pytest.mark.parametrize(
    "other",
    [replace(PBKDF2, passphrase=OTHER_WORDS), SCRYPT, RAW],
    ids=lambda each: each.address,
)
def test_another_provider_does_not_give_the_key(other: KeyProvider) -> None:
    assert Keys().to_read(other, Keys().to_write(PBKDF2).note) is None


def test_another_raw_key_is_noticed_before_anything_is_opened() -> None:
    assert Keys().to_read(OTHER, Keys().to_write(RAW).note) is None


class _Bytes:
    """Random bytes that count how often salts are asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, count: int) -> bytes:
        self.asked.append(count)
        return bytes([len(self.asked)]) * count


def test_a_key_that_was_read_with_is_written_with() -> None:
    before = Keys().to_write(PBKDF2).note
    counted = _Bytes()
    keys = Keys(counted)
    read = keys.to_read(PBKDF2, before)
    assert keys.to_write(replace(PBKDF2, address="renamed")) is read
    assert keys.to_read(PBKDF2, before) is read
    assert counted.asked == []


def test_keys_that_begin_have_salts_of_their_own() -> None:
    assert _salt(Keys().to_write(PBKDF2).note) != _salt(Keys().to_write(PBKDF2).note)


def test_equal_contents_are_sealed_differently() -> None:
    key = Keys().to_write(RAW)
    assert key.seal(b"content", b"about") != key.seal(b"content", b"about")


def test_the_secret_shows_nowhere() -> None:
    key = Keys().to_write(PBKDF2)
    assert "horse" not in repr(PBKDF2)
    assert "horse" not in str(key.note)
    assert repr(RAW.key) not in repr(RAW)


@pytest.mark.parametrize("about", [b"", b"other"])
def test_what_is_sealed_opens_only_as_what_it_is(about: bytes) -> None:
    key = Keys().to_write(RAW)
    with pytest.raises(SealBroken):
        key.open(key.seal(b"content", b"about"), about)


@pytest.mark.parametrize("length", range(40))
def test_a_piece_of_what_is_sealed_does_not_open(length: int) -> None:
    key = Keys().to_write(RAW)
    stored = key.seal(b"twelve bytes and more", b"about")
    with pytest.raises(SealBroken):
        key.open(stored[:length], b"about")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iterations", 10**12),
        ("iterations", 1),
        ("iterations", "many"),
        ("iterations", True),
        ("key_length", 7),
        ("hash_function", "md5"),
        ("salt", "AAAA"),
        ("salt", "no base64!"),
        ("salt", "A" * 40_000),
        ("salt", None),
    ],
)
def test_a_note_that_asks_for_too_much_or_too_little_is_refused(name: str, value: Json) -> None:
    note = {**Keys().to_write(PBKDF2).note, name: value}
    with pytest.raises(SealBroken, match="key"):
        Keys().to_read(PBKDF2, note)


def test_a_note_of_scrypt_cannot_ask_for_all_memory() -> None:
    note = {**Keys().to_write(SCRYPT).note, "n": 1 << 40}
    with pytest.raises(SealBroken):
        Keys().to_read(SCRYPT, note)


@pytest.mark.parametrize(
    ("provider", "argument"),
    [
        (replace(PBKDF2, passphrase=WORDS[:15]), "passphrase"),
        (replace(PBKDF2, iterations=199_999), "iterations"),
        (replace(PBKDF2, hash_function="md5"), "hash_function"),
        (replace(PBKDF2, key_length=20), "key_length"),
        (replace(PBKDF2, salt_length=8), "salt_length"),
        (replace(SCRYPT, passphrase=WORDS[:5]), "passphrase"),
        (replace(SCRYPT, n=100_000), "n"),
        (replace(SCRYPT, n=1 << 13), "n"),
        (replace(SCRYPT, n=1 << 20, r=16), "n"),
        (replace(SCRYPT, r=0), "r"),
        (replace(SCRYPT, p=0), "p"),
        (RawKey(address="key_provider.raw.main", key=b"short"), "key"),
    ],
)
def test_weak_and_impossible_providers_are_refused(provider: KeyProvider, argument: str) -> None:
    assert [name for name, _ in problems_of(provider)] == [argument]
    assert all("corre" not in text for _, text in problems_of(provider))


def test_defaults_are_strong() -> None:
    for provider in (
        Pbkdf2(address="a", passphrase=WORDS),
        Scrypt(address="a", passphrase=WORDS),
    ):
        assert list(problems_of(provider)) == []
        assert provider.key_length == 32
