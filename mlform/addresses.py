"""Addresses of resources, as printed, parsed and used as keys everywhere.

`module.NAME[KEY].KIND.NAME[KEY]`: module steps first, keys are integers (`count`) or strings
(`for_each`), which are quoted as in Terraform: what an expression would have to say for them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import total_ordering
from typing import TypeAlias

from mlform.dataclass import dataclass, field

InstanceKey: TypeAlias = int | str | None
"""`None` without `count` and `for_each`."""


_ORDINARY = re.compile(r'[^"\\$%]*')
"""Keys that are written as they are, where they can be seen."""
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}
_ESCAPE = re.compile(r"(?s)\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))|\$\$\{|%%\{")
_MEANT = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f"}
"""What may follow a backslash in a key: HCL's escapes, and those of JSON, which programs write."""
_FIRST_LONG = 0x10000
"""The first code point that is escaped by eight digits."""


def print_key(key: InstanceKey) -> str:
    """Return a key in brackets; empty for `None`."""
    if key is None:
        return ""
    if isinstance(key, int):
        return f"[{key}]"
    if key.isprintable() and _ORDINARY.fullmatch(key):
        return f'["{key}"]'
    written = "".join(
        _SHORT.get(letter) or (letter if letter.isprintable() else _by_number(letter))
        for letter in key
    )
    return '["' + written.replace("${", "$${").replace("%{", "%%{") + '"]'


def _by_number(letter: str) -> str:
    code = ord(letter)
    return f"\\u{code:04x}" if code < _FIRST_LONG else f"\\U{code:08x}"


def _read_key(quoted: str) -> str:
    """Return the key that stands between quotes.

    Raises:
        ValueError: If it has an escape that stands for nothing.
    """
    if quoted.isascii() and _ORDINARY.fullmatch(quoted):
        return quoted
    text = _ESCAPE.sub(_meant, quoted)
    try:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise _no_key(quoted) from None
    return unicodedata.normalize("NFC", text)


def _meant(match: re.Match[str]) -> str:
    number = match[1] or match[2]
    if number is None:
        letter = match[3]
        meant = match[0][1:] if letter is None else _MEANT.get(letter)
        if meant is None:
            raise _no_key(match[0])
        return meant
    try:
        return chr(int(number, 16))
    except (ValueError, OverflowError):
        raise _no_key(match[0]) from None


def _no_key(written: str) -> ValueError:
    return ValueError(
        f'"{written}" in a key stands for no character. Write "\\\\" for a backslash itself; the '
        'escapes are \\n, \\r, \\t, \\", \\\\, \\uNNNN and \\UNNNNNNNN.'
    )


def _key_order(key: InstanceKey) -> tuple[int, int, str]:
    if key is None:
        return (0, 0, "")
    if isinstance(key, int):
        return (1, key, "")
    return (2, 0, key)


@dataclass(frozen=True, slots=True)
class ModuleStep:
    """One step down into a module instance."""

    name: str
    key: InstanceKey = None

    def __str__(self) -> str:
        return f"module.{self.name}{print_key(self.key)}"


ModulePath: TypeAlias = tuple[ModuleStep, ...]
"""From the root module (an empty path) down; without keys a module, with them an instance of it."""


def without_keys(path: ModulePath) -> ModulePath:
    """Return the module of which this path leads to an instance."""
    if not path or all(step.key is None for step in path):
        return path
    return tuple(ModuleStep(step.name) for step in path)


def print_path(path: ModulePath) -> str:
    """Return `module.a.module.b["key"]`; empty for the root module."""
    return ".".join(str(step) for step in path)


@total_ordering
@dataclass(frozen=True, slots=True)
class ResourceAddress:
    """One instance of a resource; without any keys also the resource block itself.

    Hash and text are kept, because every table of resources asks for them again and again.
    """

    kind: str
    name: str
    key: InstanceKey = None
    module: ModulePath = ()
    _hash: int | None = field(default=None, init=False, compare=False, repr=False)
    _text: str = field(default="", init=False, compare=False, repr=False)

    def __hash__(self) -> int:
        known = self._hash
        if known is None:
            known = hash((self.kind, self.name, self.key, self.module))
            object.__setattr__(self, "_hash", known)
        return known

    def __str__(self) -> str:
        known = self._text
        if not known:
            steps = [str(step) for step in self.module]
            known = ".".join([*steps, f"{self.kind}.{self.name}{print_key(self.key)}"])
            object.__setattr__(self, "_text", known)
        return known

    def __reduce__(self) -> tuple[type[ResourceAddress], tuple[object, ...]]:
        # Another process has other hashes.
        return ResourceAddress, (self.kind, self.name, self.key, self.module)

    @property
    def block(self) -> ResourceAddress:
        """The address of the block this is an instance of: without any keys."""
        path = without_keys(self.module)
        if self.key is None and path is self.module:
            return self
        return ResourceAddress(self.kind, self.name, None, path)

    @property
    def order(self) -> tuple[object, ...]:
        """What addresses are sorted by: cheaper as the key of a sort than the addresses."""
        module = self.module
        path = tuple([(step.name, _key_order(step.key)) for step in module]) if module else ()
        return (path, self.kind, self.name, _key_order(self.key))

    def __lt__(self, other: ResourceAddress) -> bool:
        return self.order < other.order


Target: TypeAlias = ResourceAddress | ModulePath
"""A resource or a module, or one instance of either."""


def print_target(target: Target) -> str:
    """Return a target as it is written."""
    return str(target) if isinstance(target, ResourceAddress) else print_path(target)


def covers(target: Target, address: ResourceAddress) -> bool:
    """Whether an instance is, or lies in, what a target names; no key stands for all of them."""
    if isinstance(target, ResourceAddress):
        return (
            (target.kind, target.name) == (address.kind, address.name)
            and target.key in {None, address.key}
            and len(target.module) == len(address.module)
            and _leads_to(target.module, address.module)
        )
    return _leads_to(target, address.module)


def _leads_to(path: ModulePath, place: ModulePath) -> bool:
    return len(path) <= len(place) and all(
        step.name == other.name and step.key in {None, other.key}
        for step, other in zip(path, place, strict=False)
    )


# Of most states most addresses; to read all of them takes a third of the time then.
_PLAIN = re.compile(r"([A-Za-z_][\w-]*)\.([A-Za-z_][\w-]*)(?:\[(\d+)\])?", re.ASCII)
_STEP = re.compile(
    r'(?P<name>[^\W\d][\w-]*)(?:\[(?:(?P<index>\d+)|(?P<key>"(?:[^"\\]|\\.)*"))\])?(?:\.|$)'
)


def parse_target(text: str) -> Target:
    """Read the address of a resource or of a module, with or without keys.

    Raises:
        ValueError: If the text is neither; the message says what one looks like.
    """
    steps = _steps(text)
    path: list[ModuleStep] = []
    while len(steps) > 1 and steps[0] == ("module", None):
        path.append(ModuleStep(*steps[1]))
        steps = steps[2:]
    if path and not steps:
        return tuple(path)
    if len(steps) != 2 or steps[0][1] is not None:  # noqa: PLR2004 - kind and name
        message = (
            f'"{text}" is not the address of a resource or module. Write KIND.NAME, KIND.NAME[0] '
            'or KIND.NAME["key"], such as dataset.titanic, after module.NAME where it is in one.'
        )
        raise ValueError(message)
    (kind, _), (name, key) = steps
    return ResourceAddress(kind, name, key, tuple(path))


def _steps(text: str) -> list[tuple[str, InstanceKey]]:
    """Return names with their keys; empty if the text is no address."""
    steps: list[tuple[str, InstanceKey]] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            return []
        key: InstanceKey = None
        if match["index"] is not None:
            key = int(match["index"])
        elif match["key"] is not None:
            key = _read_key(match["key"][1:-1])
        steps.append((match["name"], key))
        at = match.end()
    return [] if text.endswith(".") else steps


def parse_address(text: str) -> ResourceAddress:
    """Read the address of a resource as printed.

    Raises:
        ValueError: If the text is not one; the message says what one looks like.
    """
    plain = _PLAIN.fullmatch(text)
    if plain is not None and plain[1] != "module":
        return ResourceAddress(plain[1], plain[2], None if plain[3] is None else int(plain[3]))
    target = parse_target(text)
    if isinstance(target, ResourceAddress):
        return target
    message = f'"{text}" is the address of a module. Name a resource in it: {text}.KIND.NAME.'
    raise ValueError(message)
