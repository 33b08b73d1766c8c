"""Which key opens what, and what is said where none does."""

from __future__ import annotations

import pytest

from mlform.dataclass import replace
from mlform.errors import EncryptionError
from mlform.state.encryption import PLAIN, Cipher, is_sealed, opened, sealed
from tests.ciphers import OTHER, PBKDF2, RAW, SCRYPT, WORDS, cipher_of


def _through(written: Cipher, read: Cipher) -> bytes:
    return opened(sealed(b"content", "state", {"serial": 3}, written), "state", read)


def test_a_fallback_opens_what_the_old_key_sealed() -> None:
    assert _through(cipher_of(OTHER), cipher_of(RAW, OTHER)) == b"content"
    assert _through(cipher_of(RAW), cipher_of(RAW, OTHER)) == b"content"
    assert _through(cipher_of(SCRYPT), cipher_of(RAW, PBKDF2, SCRYPT)) == b"content"


def test_what_is_written_has_the_new_key() -> None:
    with pytest.raises(EncryptionError, match=r"another key than that of key_provider\.raw\.old"):
        _through(cipher_of(RAW, OTHER), cipher_of(OTHER))


def test_plain_text_passes_in_both_directions_where_it_is_named() -> None:
    assert _through(PLAIN, cipher_of(RAW, None)) == b"content"
    assert _through(cipher_of(RAW), cipher_of(None, RAW)) == b"content"
    assert _through(cipher_of(None, RAW), PLAIN) == b"content"
    assert not is_sealed(sealed(b"content", "state", {}, cipher_of(None, RAW)))


def test_plain_text_is_refused_where_it_is_not_named() -> None:
    with pytest.raises(EncryptionError, match=r"unencrypted") as caught:
        _through(PLAIN, cipher_of(RAW, OTHER))
    assert caught.value.summary == "The state is not encrypted"


def test_without_encryption_nothing_encrypted_is_read() -> None:
    with pytest.raises(EncryptionError, match="MLF_ENCRYPTION") as caught:
        _through(cipher_of(RAW), PLAIN)
    assert caught.value.summary == "The state is encrypted"


def test_a_wrong_passphrase_is_told_from_damage() -> None:
    other = replace(PBKDF2, passphrase=WORDS[::-1])
    with pytest.raises(EncryptionError, match="check the passphrase") as caught:
        _through(cipher_of(PBKDF2), cipher_of(other))
    assert caught.value.summary == "The state cannot be decrypted"
    assert type(caught.value) is EncryptionError


def test_a_provider_of_another_type_is_named() -> None:
    with pytest.raises(EncryptionError, match=r"of type scrypt.*key_provider.raw.main"):
        _through(cipher_of(SCRYPT), cipher_of(RAW))
    with pytest.raises(EncryptionError, match="configured: none"):
        _through(cipher_of(SCRYPT), cipher_of(None))


def test_a_method_of_the_future_is_named() -> None:
    content = sealed(b"content", "state", {}, cipher_of(RAW)).replace(b"aes_gcm", b"better")
    with pytest.raises(EncryptionError, match="method better"):
        opened(content, "state", cipher_of(RAW))
