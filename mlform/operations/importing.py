"""Finding the object that an id names in the world, to take it into the state."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from mlform.apply.served import notes
from mlform.dataclass import dataclass
from mlform.digests import Digest, Json, JsonObject
from mlform.plan.origins import (
    ImportedObject,
    ImportProblem,
    imported_artifact,
    imported_value,
    kind_of,
)
from mlform.resources.base import AnyKind, ArtifactKind, ServerKind
from mlform.store.base import ArtifactStore

_PREFIX: Final = "sha256:"
_SHORTEST: Final = 6
"""Digits of a digest that are at least asked for."""
_FOLDER: Final = r"[0-9a-f]{32}\.dir"
_DIGITS: Final = rf"[0-9a-f]{{{_SHORTEST},64}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where objects are looked for.

    Attributes:
        store: Artifacts, and what is remembered of recipes.
        data_folder: Of the workspace, with the notes of what runs.
        observe: Says what is wrong with a served object, given its handle.
        addresses: Address of each artifact in the state, by digest.
    """

    store: ArtifactStore
    data_folder: Path
    observe: Callable[[Mapping[str, Json]], tuple[str, ...]]
    addresses: Mapping[str, str]


def find(kind: AnyKind, id_: str, where: Surroundings) -> ImportedObject | ImportProblem:
    """Return the object that an id names.

    `mlform_data` has no objects in the world, so any id will do. An artifact is named by its
    digest, by the digest of its recipe, or by the start of either, such as the `id` that its
    resource has; or as DVC knows it, by the MD5 of its folder that ends in `.dir`. A server is
    named by its `id`, its container or its process.

    Args:
        kind: Of the resource that it becomes.
        id_: As given.
        where: Where objects are looked for.
    """
    if not id_:
        return ImportProblem(
            summary="Invalid import id",
            detail="The id is empty. Give what the object is known as, such as the digest of an "
            "artifact.",
        )
    if kind.sort == "value":
        return imported_value(kind.schema, id_)
    if kind.sort == "artifact":
        return _artifact(kind, id_, where)
    return _server(kind, id_, where)


def _artifact(kind: ArtifactKind, id_: str, where: Surroundings) -> ImportedObject | ImportProblem:
    if re.fullmatch(_FOLDER, id_) is not None:
        id_ = _digest_of_folder(where.store, id_) or id_
    digits = id_.removeprefix(_PREFIX)
    if re.fullmatch(_DIGITS, digits) is None:
        return ImportProblem(
            summary="Invalid import id",
            detail=f'"{id_}" names no {kind.schema.kind}. The id is the digest of its artifact or '
            f'of its recipe, "sha256:" and 64 digits, or at least {_SHORTEST} digits that such a '
            "digest starts with.",
        )
    start = Digest(_PREFIX + digits)
    found = _results(where.store, start)
    if not found:
        return _absent(kind, id_, start, where.store)
    fitting = {key: item for key, item in found.items() if _fits(item, kind)}
    if not fitting:
        other = next(kind_of(item) for item in found.values())
        return ImportProblem(
            summary="Import of another kind",
            detail=f"{id_} is a {other}, not a {kind.schema.kind}. Import it as a resource of its "
            "own kind, or give another id.",
        )
    artifacts = {str(item.get("artifact")) for item in fitting.values()}
    if len(artifacts) > 1:
        return ImportProblem(
            summary="Ambiguous import id",
            detail=f"More than one {kind.schema.kind} starts with {id_}: "
            f"{', '.join(sorted(artifacts))}. Give more digits.",
        )
    # Several recipes may give one artifact: one that tells its arguments comes first.
    best = min(fitting, key=lambda key: (kind_of(fitting[key]) is None, key))
    return imported_artifact(kind, best, fitting[best], where.addresses)


def _digest_of_folder(store: ArtifactStore, name: str) -> Digest | None:
    """Return the digest of the artifact that DVC knows by the name of its folder."""
    for digest in sorted(store.digests()):
        if store.has(digest) and store.describe(digest).folder_md5 == name:
            return digest
    return None


def _fits(result: Mapping[str, Json], kind: ArtifactKind) -> bool:
    return kind_of(result) in {None, kind.schema.kind}


def _results(store: ArtifactStore, start: str) -> dict[Digest, Mapping[str, Json]]:
    """Return the results whose recipe or artifact starts so, in order of recipe."""
    found: dict[Digest, Mapping[str, Json]] = {}
    for recipe in sorted(store.recipes()):
        result = store.recall(recipe)
        if result is None or not isinstance(artifact := result.get("artifact"), str):
            continue
        if recipe.startswith(start) or artifact.startswith(start):
            found[recipe] = result
    return found


def _absent(kind: ArtifactKind, id_: str, start: str, store: ArtifactStore) -> ImportProblem:
    name = kind.schema.kind
    if any(digest.startswith(start) for digest in store.digests()):
        return ImportProblem(
            summary="Cannot import what is not told",
            detail=f"There is an artifact {id_} in the store, but not what it was made from. Write "
            f"the resource block of the {name} and run apply.",
        )
    return ImportProblem(
        summary="Cannot import non-existent object",
        detail=f"The store holds no artifact and no result of a recipe {id_}, so there is no "
        f"{name} to import. Only what was made in this working folder and is still in the store "
        'can be imported; fetch files that are missing with "dvc pull".',
    )


def _server(kind: ServerKind, id_: str, where: Surroundings) -> ImportedObject | ImportProblem:
    name = kind.schema.kind
    for note in notes(where.data_folder):
        if note.get("kind") != name or not _is_called(note, id_):
            continue
        handle = _object(note.get("handle"))
        problems = where.observe(handle)
        if problems:
            return ImportProblem(
                summary="Cannot import an object that does not work",
                detail=f"{id_} cannot be imported as it is: {'; '.join(problems)}. Remove it and "
                "let apply start a new one.",
            )
        digest = note.get("recipe_digest")
        return ImportedObject(
            schema=kind.schema,
            attributes=_object(note.get("attributes")),
            recipe=_object(note.get("recipe")),
            recipe_digest=Digest(digest) if isinstance(digest, str) else None,
            handle=handle,
        )
    return ImportProblem(
        summary="Cannot import non-existent object",
        detail=f"No server that runs from this working folder is known as {id_}. The id is that of "
        f"the {name}, its container, or its process as `process 4711`. Servers with sensitive "
        "arguments cannot be imported; let apply start a new one.",
    )


def _is_called(note: Mapping[str, Json], id_: str) -> bool:
    attributes = _object(note.get("attributes"))
    server = _object(_object(note.get("handle")).get("server"))
    container = str(server.get("container") or "")
    names = {attributes.get("id"), attributes.get("container"), server.get("name"), container}
    pid = server.get("pid")
    if pid is not None:
        names |= {str(pid), f"process {pid}"}
    return id_ in names or (len(id_) >= _SHORTEST and container.startswith(id_))


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
