"""Where keys come from and which of them is used, as configured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from mlform.dataclass import dataclass, field

KEY_LENGTHS: Final = (16, 24, 32)
"""Bytes of an AES key."""
HASH_FUNCTIONS: Final = ("sha256", "sha512")
SHORTEST_PASSPHRASE: Final = 16
"""Characters."""
_ITERATIONS: Final = (200_000, 10_000_000)
_SALT_LENGTH: Final = (16, 1024)
_COST: Final = (1 << 14, 1 << 24)
_MOST_MEMORY: Final = 1 << 30
_BLOCK: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Pbkdf2:
    """A key from a passphrase, by PBKDF2.

    Attributes:
        address: As the configuration names it, for messages.
        passphrase: Never shown.
        iterations: How often the hash is taken.
        hash_function: `sha256` or `sha512`.
        key_length: Bytes of the key.
        salt_length: Bytes of random salt.
    """

    address: str
    passphrase: str = field(repr=False)
    iterations: int = 600_000
    hash_function: str = "sha512"
    key_length: int = 32
    salt_length: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrypt:
    """A key from a passphrase, by scrypt, which costs memory too.

    Attributes:
        address: As the configuration names it, for messages.
        passphrase: Never shown.
        n: Cost: a power of two.
        r: Size of a block; with `n` it says how much memory is needed: 128 * n * r bytes.
        p: How often that is done.
        key_length: Bytes of the key.
        salt_length: Bytes of random salt.
    """

    address: str
    passphrase: str = field(repr=False)
    n: int = 1 << 17
    r: int = 8
    p: int = 1
    key_length: int = 32
    salt_length: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class RawKey:
    """A key as it is.

    Attributes:
        address: As the configuration names it, for messages.
        key: Never shown.
    """

    address: str
    key: bytes = field(repr=False)


KeyProvider: TypeAlias = "Pbkdf2 | Scrypt | RawKey"


@dataclass(frozen=True, slots=True, kw_only=True)
class CipherSettings:
    """How something is sealed; None stands for plain text.

    Attributes:
        method: Where the key comes from that seals what is written.
        fallbacks: Where keys come from that open what the first does not open, in order.
    """

    method: KeyProvider | None
    fallbacks: tuple[KeyProvider | None, ...] = ()

    @property
    def providers(self) -> tuple[KeyProvider, ...]:
        """Where all its keys come from, in the order in which they are tried."""
        return tuple(each for each in (self.method, *self.fallbacks) if each is not None)

    @property
    def accepts_plain(self) -> bool:
        """Whether plain text may be read."""
        return self.method is None or None in self.fallbacks


def problems_of(provider: KeyProvider) -> Iterator[tuple[str, str]]:
    """Return what is wrong with a key provider: the argument, and what it has to be."""
    match provider:
        case Pbkdf2():
            yield from _passphrase_problems(provider)
            yield from _outside("iterations", provider.iterations, _ITERATIONS)
            if provider.hash_function not in HASH_FUNCTIONS:
                yield "hash_function", f"It must be one of: {', '.join(HASH_FUNCTIONS)}."
        case Scrypt():
            yield from _passphrase_problems(provider)
            yield from _scrypt_problems(provider)
        case RawKey():
            if len(provider.key) not in KEY_LENGTHS:
                lengths = ", ".join(map(str, KEY_LENGTHS))
                need = f"It has {len(provider.key)} bytes, but a key must have one of: {lengths}."
                yield "key", f"{need} Make one with: openssl rand -base64 32"


def _passphrase_problems(provider: Pbkdf2 | Scrypt) -> Iterator[tuple[str, str]]:
    if len(provider.passphrase) < SHORTEST_PASSPHRASE:
        least = f"It must have at least {SHORTEST_PASSPHRASE} characters."
        yield "passphrase", f"{least} Use a longer one."
    if provider.key_length not in KEY_LENGTHS:
        yield "key_length", f"It must be one of: {', '.join(map(str, KEY_LENGTHS))}."
    yield from _outside("salt_length", provider.salt_length, _SALT_LENGTH)


def _scrypt_problems(provider: Scrypt) -> Iterator[tuple[str, str]]:
    yield from _outside("n", provider.n, _COST)
    yield from _outside("r", provider.r, (1, 1 << 10))
    yield from _outside("p", provider.p, (1, 1 << 10))
    if provider.n & (provider.n - 1):
        yield "n", "It must be a power of two, such as 131072."
    if _BLOCK * provider.n * provider.r > _MOST_MEMORY:
        yield "n", "With r it asks for more than 1 GiB of memory (128 * n * r bytes). Lower one."


def _outside(name: str, value: int, bounds: tuple[int, int]) -> Iterator[tuple[str, str]]:
    least, most = bounds
    if not least <= value <= most:
        yield name, f"It is {value}, but must be between {least} and {most}."
