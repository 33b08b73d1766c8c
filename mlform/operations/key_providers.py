"""Blocks of key providers to where their keys come from."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Final

from mlform.ciphers.base import HASH_FUNCTIONS, KeyProvider, Pbkdf2, RawKey, Scrypt, problems_of
from mlform.config.blocks import KeyProviderBlock
from mlform.config.early import EarlyScope
from mlform.config.early_arguments import body_references
from mlform.config.encryption_blocks import VARIABLE
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostics, did_you_mean
from mlform.lang.types import NUMBER, STRING
from mlform.operations.early_blocks import early_arguments
from mlform.schema import Attribute, BlockSchema

_PASSPHRASE: Final = Attribute(
    name="passphrase",
    type=STRING,
    required=True,
    sensitive=True,
    description="At least 16 characters; from a variable, or set in `MLF_ENCRYPTION`.",
)
_LENGTHS: Final = (
    Attribute(
        name="key_length", type=NUMBER, default=32, description="Bytes of the key: 16, 24 or 32."
    ),
    Attribute(
        name="salt_length", type=NUMBER, default=32, description="Bytes of random salt, from 16."
    ),
)
_ENCODINGS: Final = ("base64", "hex")
KEY_PROVIDERS: Final[Mapping[str, BlockSchema]] = {
    "pbkdf2": BlockSchema(
        attributes=(
            _PASSPHRASE,
            Attribute(
                name="iterations",
                type=NUMBER,
                default=600_000,
                description="How often the hash is taken; at least 200,000.",
            ),
            Attribute(
                name="hash_function",
                type=STRING,
                default="sha512",
                allowed=HASH_FUNCTIONS,
                description="Which hash.",
            ),
            *_LENGTHS,
        )
    ),
    "scrypt": BlockSchema(
        attributes=(
            _PASSPHRASE,
            Attribute(
                name="n", type=NUMBER, default=131_072, description="The cost: a power of two."
            ),
            Attribute(
                name="r",
                type=NUMBER,
                default=8,
                description="Size of a block; 128 * n * r bytes of memory are used.",
            ),
            Attribute(
                name="p", type=NUMBER, default=1, description="How often all of that is done."
            ),
            *_LENGTHS,
        )
    ),
    "raw": BlockSchema(
        attributes=(
            Attribute(
                name="key",
                type=STRING,
                required=True,
                sensitive=True,
                description="The key itself: 16, 24 or 32 bytes, written as `encoding` says.",
            ),
            Attribute(
                name="encoding",
                type=STRING,
                default="base64",
                allowed=_ENCODINGS,
                description="How the bytes are written.",
            ),
        )
    ),
}
"""Arguments by type of key provider."""
SECRETS: Final = ("passphrase", "key")
"""Arguments that no message may show."""
_ROOTS: Final = ("key_provider", "method")


def provider_of(
    block: KeyProviderBlock, scope: EarlyScope, diagnostics: Diagnostics
) -> KeyProvider | None:
    """Return where the keys of a block come from, or None after a problem.

    Args:
        block: As declared.
        scope: Of the root module.
        diagnostics: Takes what is wrong.
    """
    schema = KEY_PROVIDERS.get(block.type)
    if schema is None:
        diagnostics.error(
            "Unsupported key provider",
            f'There is no key provider of type "{block.type}".'
            f"{did_you_mean(block.type, KEY_PROVIDERS)} Known are: {', '.join(KEY_PROVIDERS)}.",
            range=block.range,
        )
        return None
    chained = [each for each in body_references([block.body]) if each.root in _ROOTS]
    for reference in chained:
        diagnostics.error(
            "Key providers cannot be chained",
            "A key provider takes variables, local values and functions of them, not what another "
            "block of the encryption gives.",
            range=reference.range,
        )
    if chained:
        return None
    before = len(diagnostics)
    arguments = early_arguments(schema, block.body, scope, diagnostics, is_needed=False)
    making = _Making(block, schema, arguments, diagnostics)
    if not making.is_complete(scope):
        return None
    provider = making.provider()
    for name, problem in () if provider is None else problems_of(provider):
        making.refuse(name, problem)
    return provider if len(diagnostics) == before else None


@dataclass(frozen=True, slots=True)
class _Making:
    """A key provider that is made of its arguments."""

    block: KeyProviderBlock
    schema: BlockSchema
    arguments: Mapping[str, object]
    diagnostics: Diagnostics

    def is_complete(self, scope: EarlyScope) -> bool:
        """Whether all is there that has to be; says so where it is not.

        That something is not known in time is told by who asks for it.
        """
        written = {each.name: each.expression for each in self.block.body.attributes}
        missing = [
            each.name
            for each in self.schema.attributes
            if each.required and each.name not in self.arguments
        ]
        for name in missing:
            if name not in written:
                self.refuse(name, f"It is required, but set neither here nor in {VARIABLE}.")
                continue
            value = scope.value(written[name], Diagnostics())
            if value is not None and value.is_null:
                self.refuse(name, "It must not be null.")
        return not missing

    def refuse(self, name: str, problem: str) -> None:
        """Record a problem with an argument, at its name: never at its value."""
        place = next(
            (each.name_range for each in self.block.body.attributes if each.name == name),
            self.block.range,
        )
        self.diagnostics.error(
            "Invalid key provider", f'The argument "{name}": {problem}', range=place
        )

    def provider(self) -> KeyProvider | None:
        """Return it, or None after a problem; its limits are not checked yet."""
        address = self.block.address
        match self.block.type:
            case "raw":
                key = self._key()
                return None if key is None else RawKey(address=address, key=key)
            case "scrypt":
                return Scrypt(
                    address=address,
                    passphrase=self._text("passphrase"),
                    n=self._number("n"),
                    r=self._number("r"),
                    p=self._number("p"),
                    key_length=self._number("key_length"),
                    salt_length=self._number("salt_length"),
                )
            case _:
                return Pbkdf2(
                    address=address,
                    passphrase=self._text("passphrase"),
                    iterations=self._number("iterations"),
                    hash_function=self._text("hash_function"),
                    key_length=self._number("key_length"),
                    salt_length=self._number("salt_length"),
                )

    def _given(self, name: str) -> object:
        argument = self.schema.attribute(name)
        default = None if argument is None else argument.default
        return self.arguments.get(name, default)

    def _text(self, name: str) -> str:
        return str(self._given(name))

    def _number(self, name: str) -> int:
        value = self._given(name)
        if isinstance(value, int | float) and value == int(value):
            return int(value)
        self.refuse(name, "It must be a whole number.")
        argument = self.schema.attribute(name)
        assert argument is not None  # noqa: S101 - it was given
        assert isinstance(argument.default, int)  # noqa: S101 - as all numbers have
        return argument.default

    def _key(self) -> bytes | None:
        encoding = self._text("encoding")
        if encoding not in _ENCODINGS:
            self.refuse("encoding", f"It must be one of: {', '.join(_ENCODINGS)}.")
            return None
        text = self._text("key").strip()
        try:
            if encoding == "hex":
                return bytes.fromhex(text)
            return b64decode(text, validate=True)
        except (ValueError, binascii.Error):
            self.refuse("key", f"It is not written in {encoding}, as encoding says.")
            return None
