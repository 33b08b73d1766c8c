"""Addresses of resources, as printed, parsed and used as keys everywhere.

`module.NAME[KEY].KIND.NAME[KEY]`: module steps first, keys are integers (`count`) or quoted
strings (`for_each`).
"""

from __future__ import annotations

import json
import re
from functools import total_ordering
from typing import TypeAlias

from mlform.dataclass import dataclass

InstanceKey: TypeAlias = int | str | None
"""`None` without `count` and `for_each`."""


def _print_key(key: InstanceKey) -> str:
    if key is None:
        return ""
    if isinstance(key, int):
        return f"[{key}]"
    return "[" + json.dumps(key, ensure_ascii=False) + "]"


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
        return f"module.{self.name}{_print_key(self.key)}"


ModulePath: TypeAlias = tuple[ModuleStep, ...]
"""From the root module (an empty path) down."""


@total_ordering
@dataclass(frozen=True, slots=True)
class ResourceAddress:
    """One instance of a resource; with `key` None also the resource block itself."""

    kind: str
    name: str
    key: InstanceKey = None
    module: ModulePath = ()

    def __str__(self) -> str:
        steps = [str(step) for step in self.module]
        return ".".join([*steps, f"{self.kind}.{self.name}{_print_key(self.key)}"])

    @property
    def block(self) -> ResourceAddress:
        """The address of the block this is an instance of."""
        return (
            self if self.key is None else ResourceAddress(self.kind, self.name, None, self.module)
        )

    def _order(self) -> tuple[object, ...]:
        path = tuple((step.name, _key_order(step.key)) for step in self.module)
        return (path, self.kind, self.name, _key_order(self.key))

    def __lt__(self, other: ResourceAddress) -> bool:
        return self._order() < other._order()


_STEP = re.compile(
    r'(?P<name>[^\W\d][\w-]*)(?:\[(?:(?P<index>\d+)|(?P<key>"(?:[^"\\]|\\.)*"))\])?(?:\.|$)'
)


def parse_address(text: str) -> ResourceAddress:
    """Read an address as printed.

    Raises:
        ValueError: If the text is not an address; the message says what one looks like.
    """
    steps: list[tuple[str, InstanceKey]] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            break
        key: InstanceKey = None
        if match["index"] is not None:
            key = int(match["index"])
        elif match["key"] is not None:
            key = str(json.loads(match["key"]))
        steps.append((match["name"], key))
        at = match.end()
    path: list[ModuleStep] = []
    while len(steps) > 2 and steps[0] == ("module", None):  # noqa: PLR2004 - kind and name remain
        path.append(ModuleStep(*steps[1]))
        steps = steps[2:]
    if at < len(text) or text.endswith(".") or len(steps) != 2 or steps[0][1] is not None:  # noqa: PLR2004
        message = (
            f'"{text}" is not the address of a resource. Write KIND.NAME, KIND.NAME[0] or '
            'KIND.NAME["key"], such as dataset.titanic.'
        )
        raise ValueError(message)
    (kind, _), (name, key) = steps
    return ResourceAddress(kind, name, key, tuple(path))
