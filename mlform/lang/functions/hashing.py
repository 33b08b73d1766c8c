"""Functions that hash strings, and identifiers derived by hashing."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Final

from mlform.lang.construct import string_value, text
from mlform.lang.function import Function, FunctionError, Parameter
from mlform.lang.types import STRING
from mlform.lang.values import Value

# RFC 4122, appendix C
_NAMESPACES: Final = {
    "dns": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "url": "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
    "oid": "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
    "x500": "6ba7b814-9dad-11d1-80b4-00c04fd430c8",
}
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OTHER_FORMS: Final = re.compile(r"\{(?P<braced>.*)\}|(?i:urn:uuid:)(?P<named>.*)")
_BARE: Final = re.compile(r"[0-9a-fA-F]{32}")

Hash = Callable[[bytes], str]


def hexadecimal(algorithm: str) -> Hash:
    """Return the function from bytes to their hash in hexadecimal."""

    def hashed(content: bytes) -> str:
        return hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()

    return hashed


def in_base64(algorithm: str) -> Hash:
    """Return the function from bytes to their hash in base64."""

    def hashed(content: bytes) -> str:
        return base64.b64encode(hashlib.new(algorithm, content).digest()).decode()

    return hashed


HASHES: Final[dict[str, tuple[Hash, str]]] = {
    "md5": (hexadecimal("md5"), "MD5 hash in hexadecimal"),
    "sha1": (hexadecimal("sha1"), "SHA-1 hash in hexadecimal"),
    "sha256": (hexadecimal("sha256"), "SHA-256 hash in hexadecimal"),
    "sha512": (hexadecimal("sha512"), "SHA-512 hash in hexadecimal"),
    "base64sha256": (in_base64("sha256"), "SHA-256 hash in base64"),
    "base64sha512": (in_base64("sha512"), "SHA-512 hash in base64"),
}


def _of_string(hashed: Hash) -> Callable[[Value], Value]:
    return lambda value: string_value(hashed(text(value).encode()))


def _uuidv5(namespace: Value, name: Value) -> Value:
    given = text(namespace)
    known = _NAMESPACES.get(given, given)
    if other := _OTHER_FORMS.fullmatch(known):
        known = other["braced"] or other["named"]
    if not _UUID.fullmatch(known) and (other or not _BARE.fullmatch(known)):
        message = f'"{given}" is no UUID, nor one of {", ".join(_NAMESPACES)}'
        raise FunctionError(message)
    seed = bytes.fromhex(known.replace("-", "")) + text(name).encode()
    raw = bytearray(hashlib.sha1(seed, usedforsecurity=False).digest()[:16])
    raw[6] = (raw[6] & 0x0F) | 0x50  # version 5
    raw[8] = (raw[8] & 0x3F) | 0x80  # variant of RFC 4122
    digits = raw.hex()
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return string_value("-".join(parts))


FUNCTIONS: Final = (
    *(
        Function(
            name=name,
            description=f"The {what} of the UTF-8 bytes of a string.",
            parameters=(Parameter(name="str", type=STRING),),
            returns=STRING,
            implementation=_of_string(hashed),
        )
        for name, (hashed, what) in HASHES.items()
    ),
    Function(
        name="uuidv5",
        description="The UUID derived from a namespace and a name.",
        parameters=(Parameter(name="namespace", type=STRING), Parameter(name="name", type=STRING)),
        returns=STRING,
        implementation=_uuidv5,
    ),
)
