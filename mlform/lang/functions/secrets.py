"""Functions on passwords and keys; their libraries are loaded by the first call."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Final

from mlform.lang.construct import string_value, text
from mlform.lang.function import ArgumentError, Function, FunctionError, Parameter
from mlform.lang.functions.context import FunctionContext
from mlform.lang.functions.wholes import whole
from mlform.lang.types import NUMBER, STRING
from mlform.lang.values import Value, unknown

_LEAST_COST: Final = 4
_MOST_COST: Final = 31
_USUAL_COST: Final = 10
_MOST_BYTES: Final = 72  # what the algorithm takes; more would be cut off silently
# bcrypt writes base64 in an alphabet of its own
_ALPHABET: Final = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
)


def _hashed(salt: Callable[[], bytes] | None, value: Value, *cost: Value) -> Value:
    if len(cost) > 1:
        raise FunctionError("bcrypt() takes no more than two arguments")
    rounds = whole(cost[0]) if cost else _USUAL_COST
    if rounds > _MOST_COST:
        raise FunctionError(
            f"the cost {rounds} is outside the range from {_LEAST_COST} to {_MOST_COST}"
        )
    password = text(value).encode()
    if len(password) > _MOST_BYTES:
        raise FunctionError(f"the string has {len(password)} bytes, bcrypt takes {_MOST_BYTES}")
    if salt is None:
        return unknown(STRING)
    import bcrypt

    # a cost below the least one means the usual one, as in Terraform
    rounds = rounds if rounds >= _LEAST_COST else _USUAL_COST
    written = base64.b64encode(salt()).rstrip(b"=").translate(_ALPHABET)
    return string_value(bcrypt.hashpw(password, b"$2a$%02d$%s" % (rounds, written)).decode())


def _rsadecrypt(ciphertext: Value, key: Value) -> Value:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import (
        load_pem_private_key,
        load_ssh_private_key,
    )

    try:
        encrypted = base64.b64decode(text(ciphertext), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ArgumentError(0, "the ciphertext is not valid base64") from error
    pem = text(key).encode()
    load = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in pem else load_pem_private_key
    try:
        private = load(pem, password=None)
    except TypeError as error:
        raise ArgumentError(
            1, "the key is encrypted with a password; give the key without one"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ArgumentError(1, "the key is no RSA private key in PEM form") from error
    if not isinstance(private, RSAPrivateKey):
        raise ArgumentError(1, "the key is a private key of another kind than RSA")
    try:
        return string_value(private.decrypt(encrypted, PKCS1v15()).decode())
    except ValueError as error:
        raise FunctionError(
            "decryption failed; the ciphertext was made for another key or is damaged"
        ) from error


def salted_functions(context: FunctionContext) -> tuple[Function, ...]:
    """Return the function that needs random bytes."""

    def bcrypt(value: Value, *cost: Value) -> Value:
        return _hashed(context.new_salt, value, *cost)

    return (
        Function(
            name="bcrypt",
            description="A bcrypt hash of a string, with a new salt at each apply.",
            parameters=(Parameter(name="str", type=STRING),),
            variadic=Parameter(name="cost", type=NUMBER),
            returns=STRING,
            implementation=bcrypt,
        ),
    )


PURE: Final = (
    Function(
        name="rsadecrypt",
        description="The string that was encrypted for an RSA key (PKCS #1 v1.5), from base64.",
        parameters=(
            Parameter(name="ciphertext", type=STRING),
            Parameter(name="privatekey", type=STRING),
        ),
        returns=STRING,
        implementation=_rsadecrypt,
    ),
)
