"""What an object is made from, and in which way two recipes differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mlform.dataclass import dataclass
from mlform.digests import Digest, Json, JsonObject, digest_json
from mlform.graph.desired import DesiredResource
from mlform.lang.construct import has_unknown
from mlform.plan.changes import Cause, Reason
from mlform.plan.differing import Difference, differences, path_text
from mlform.plan.reality import Reality
from mlform.resources.base import ArtifactKind, Recipe, ServerKind, SourceAnswer
from mlform.state.snapshot import Path

SHOWN_LENGTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredients:
    """A recipe with what was found on the way.

    Attributes:
        recipe: What the object depends on.
        digest: Of the recipe, or None while an input or argument is unknown.
        sources: The files it is made from, by name.
        problems: `(path into the arguments, message)` of sources that cannot be read.
    """

    recipe: Recipe
    digest: Digest | None
    sources: Mapping[str, SourceAnswer]
    problems: tuple[tuple[Path, str], ...] = ()


def gather(
    kind: ArtifactKind | ServerKind,
    desired: DesiredResource,
    runtime: str,
    reality: Reality,
) -> Ingredients:
    """Return what an object would be made from now."""
    arguments = desired.document
    sources: dict[str, SourceAnswer] = {}
    digests: dict[str, Digest] = {}
    problems: list[tuple[Path, str]] = []
    for query in kind.sources(arguments):
        answer = sources[query.name] = reality.source(query)
        if answer.digest is None:
            problems.append((query.argument, answer.problem))
        else:
            digests[query.name] = answer.digest
    recipe = Recipe(
        kind=desired.address.kind,
        version=kind.schema.version,
        arguments=kind.recipe_arguments(arguments),
        inputs=kind.inputs(desired.upstream),
        sources=digests,
        environment=reality.environment(runtime).digest,
    )
    complete = (
        None not in recipe.inputs.values() and not problems and not _decisive_unknown(kind, desired)
    )
    return Ingredients(
        recipe=recipe,
        digest=digest_json(recipe.to_json()) if complete else None,
        sources=sources,
        problems=tuple(problems),
    )


def _decisive_unknown(kind: ArtifactKind | ServerKind, desired: DesiredResource) -> bool:
    payload = desired.arguments.payload
    if not isinstance(payload, dict):
        return True
    if not has_unknown(desired.arguments):
        return False
    decisive = kind.recipe_arguments(desired.document)
    return any(has_unknown(value) for name, value in payload.items() if name in decisive)


def recipe_reasons(
    prior: JsonObject,
    recipe: Recipe,
    desired: DesiredResource,
    hidden: frozenset[str],
    upstream: Callable[[Path], tuple[str, ...]],
) -> tuple[Reason, ...]:
    """Return why a recipe is not the prior one, most telling first.

    Args:
        prior: The recorded recipe.
        recipe: The recipe now; inputs that are unknown count as changed.
        desired: The resource, for the addresses of its inputs.
        hidden: Names of arguments whose values must not be shown.
        upstream: Returns the changes that an argument follows from.
    """
    before = _object(prior.get("arguments"))
    reasons = [
        reason
        for change in differences(before, recipe.arguments)
        for reason in argument_reasons(
            change.path, upstream(change.path), _argument_message(change, hidden)
        )
    ]
    reasons += _source_reasons(_object(prior.get("sources")), recipe.sources)
    reasons += _input_reasons(_object(prior.get("inputs")), recipe.inputs, desired)
    if prior.get("environment") != recipe.environment:
        message = "the runtime's environment changed"
        reasons.append(Reason(cause=Cause.ENVIRONMENT, message=message))
    if prior.get("version") != recipe.version:
        message = f"this version of mlform makes a {recipe.kind} in another way"
        reasons.append(Reason(cause=Cause.ENVIRONMENT, message=message))
    return tuple(reasons)


def argument_reasons(path: Path, upstream: tuple[str, ...], message: str) -> tuple[Reason, ...]:
    """Return why an argument changed: the changes it follows from, or else an edit.

    Args:
        path: Of the argument.
        upstream: Addresses of what it follows from.
        message: What an edit made of it.
    """
    if not upstream:
        return (Reason(cause=Cause.CONFIG, message=message, path=path),)
    return tuple(
        Reason(
            cause=Cause.UPSTREAM,
            message=f"{path_text(path)} follows from {address}",
            path=path,
            upstream=address,
        )
        for address in upstream
    )


def _source_reasons(before: JsonObject, after: Mapping[str, Digest]) -> Iterator[Reason]:
    for name in sorted({*before, *after}):
        if before.get(name) == after.get(name):
            continue
        if name == "code":
            yield Reason(cause=Cause.CODE, message="the code changed")
        else:
            yield Reason(cause=Cause.DRIFT, message="the source files changed")


def _input_reasons(
    before: JsonObject, after: Mapping[str, Digest | None], desired: DesiredResource
) -> Iterator[Reason]:
    named = any(digest is None and _input_address(name, desired) for name, digest in after.items())
    for name, digest in sorted(after.items()):
        if digest is None or before.get(name) != digest:
            address = _input_address(name, desired)
            if digest is None and address is None and named:
                continue  # it comes with an input that is named, such as the split of a model
            verb = "changed" if digest is not None else "changes"
            yield Reason(
                cause=Cause.UPSTREAM, message=f"{address or name} {verb}", upstream=address
            )


def _input_address(name: str, desired: DesiredResource) -> str | None:
    """Return the address of the resource an input comes from, if an argument names it."""
    for item in desired.upstream.get(name, ()):
        address = item.get("address")
        if isinstance(address, str):
            return address
    return None


def _argument_message(change: Difference, hidden: frozenset[str]) -> str:
    name = path_text(change.path)
    if change.path and change.path[0] in hidden:
        return f"{name} changed"
    if change.before is None:
        return f"{name} set to {shown(change.after)}"
    if change.after is None:
        return f"{name} removed"
    return f"{name} changed from {shown(change.before)} to {shown(change.after)}"


def shown(value: Json) -> str:
    """Return a short text of a JSON value, in the language's syntax."""
    from json import dumps

    text = dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 1] + "…"


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, Mapping) else {}
