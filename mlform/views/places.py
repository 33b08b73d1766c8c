"""Places in attribute documents, as Terraform's JSON marks them: nested `true`s."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlform.digests import Json, JsonObject
from mlform.state.snapshot import Path


def places(paths: Iterable[Path], document: Json = None) -> Json:
    """Return paths as the nested `true`s of Terraform's `after_unknown` and `…_sensitive`.

    Of objects only what is marked, or holds more, is told; of lists every item.

    Args:
        paths: Places that are marked.
        document: What they lead into; without it lists are as long as the last place needs.
    """
    found = tuple(paths)
    if () in found:
        return True
    below: dict[str | int, list[Path]] = {}
    for path in found:
        below.setdefault(path[0], []).append(path[1:])
    is_list = isinstance(document, Sequence) and not isinstance(document, str)
    if is_list or (below and all(isinstance(at, int) for at in below)):
        items = document if isinstance(document, Sequence) else ()
        count = max(len(items), *(at + 1 for at in below if isinstance(at, int)), 0)
        return [
            _item_places(below.get(at, ()), items[at] if at < len(items) else None)
            for at in range(count)
        ]
    entries = document if isinstance(document, Mapping) else {}
    keys = [key for key, item in entries.items() if _is_nested(item)]
    return {
        str(key): places(below.get(key, ()), entries.get(str(key)))
        for key in dict.fromkeys([*keys, *below])
    }


def hidden_places(paths: Iterable[Path], document: JsonObject | None) -> Json:
    """Return the places that people must not see; `false` where there is no document."""
    return False if document is None else places(paths, document)


def unknown_places(paths: Iterable[Path], document: Json) -> Json:
    """Return the places that are known only after apply, with `{}` where all is known."""
    found = tuple(paths)
    return places(found, document) if found else {}


def _item_places(paths: Iterable[Path], document: Json) -> Json:
    found = tuple(paths)
    return places(found, document) if found or _is_nested(document) else False


def _is_nested(document: Json) -> bool:
    return isinstance(document, Mapping | Sequence) and not isinstance(document, str)


def without_unknown(document: Json, unknown: Iterable[Path]) -> Json:
    """Return a document without the entries that are not known yet; items of lists stay null."""
    paths = tuple(unknown)
    if not paths or () in paths:
        return None if () in paths else document

    def inside(step: str | int) -> tuple[Path, ...]:
        return tuple(path[1:] for path in paths if path[0] == step)

    if isinstance(document, Mapping):
        return {
            key: without_unknown(item, inside(key))
            for key, item in document.items()
            if (key,) not in paths
        }
    if isinstance(document, list | tuple):
        return [without_unknown(item, inside(at)) for at, item in enumerate(document)]
    return document
