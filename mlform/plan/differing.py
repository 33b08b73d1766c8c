"""Where two documents differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mlform.dataclass import dataclass
from mlform.digests import Json
from mlform.state.snapshot import Path

_MANY: Final = 20
"""Places in one argument beyond which it is said of the whole that it differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place in which two documents differ."""

    path: Path
    before: Json
    after: Json


def differences(before: Json, after: Json, path: Path = ()) -> tuple[Difference, ...]:
    """Return the narrowest places in which two documents differ, in order of path."""
    if before == after and isinstance(before, bool) == isinstance(after, bool):
        return ()
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return tuple(
            item
            for name in sorted({*before, *after})
            for item in differences(before.get(name), after.get(name), (*path, name))
        )
    if _is_list(before) and _is_list(after):
        assert isinstance(before, Sequence)  # noqa: S101 - for the type checker
        assert isinstance(after, Sequence)  # noqa: S101
        if len(before) == len(after):
            return tuple(
                item
                for at, (old, new) in enumerate(zip(before, after, strict=True))
                for item in differences(old, new, (*path, at))
            )
    return (Difference(path=path, before=before, after=after),)


def summed_up(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the paths, or where they are very many the one place that all of them are in."""
    return tuple(paths) if len(paths) <= _MANY else (shared_path(paths),)


def shared_path(paths: Sequence[Path]) -> Path:
    """Return what all of these paths, at least one, begin with."""
    first, last = min(paths, key=_order), max(paths, key=_order)
    size = 0
    while size < min(len(first), len(last)) and first[size] == last[size]:
        size += 1
    return first[:size]


def _order(path: Path) -> list[str]:
    return [str(step) for step in path]


def path_text(path: Path) -> str:
    """Return a path as written in an expression, such as `algorithm.params.max_depth`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def _is_list(value: Json) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
