"""What several kinds declare alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from mlform.diagnostics import did_you_mean
from mlform.digests import Digest, Json, JsonObject
from mlform.lang.types import BOOL, NUMBER, STRING, ListType
from mlform.resources.base import Problem
from mlform.schema import Attribute, BlockSchema, Effect, NestedBlock

STRINGS: Final = ListType(STRING)
NUMBERS: Final = ListType(NUMBER)


def artifact_attributes() -> tuple[Attribute, ...]:
    """Return the computed attributes that every artifact has."""
    return (
        Attribute(name="id", type=STRING, description="The start of the digest.", computed=True),
        Attribute(
            name="address", type=STRING, description="The address of the object.", computed=True
        ),
        Attribute(
            name="digest",
            type=STRING,
            description="Digest of the artifact: `sha256:` and 64 digits.",
            computed=True,
        ),
    )


def requirements_block() -> NestedBlock:
    """Return the block `requirements`: what a task or server needs of a machine."""
    return NestedBlock(
        name="requirements",
        description="Cores, memory, GPUs and time limit; what is absent comes from the runtime.",
        effect=Effect.UPDATE,
        body=BlockSchema(
            attributes=(
                Attribute(name="cpus", type=NUMBER, description="Cores, such as `2` or `0.5`."),
                Attribute(name="memory", type=STRING, description='Memory, such as `"4GiB"`.'),
                Attribute(name="gpus", type=NUMBER, description="Whole GPUs."),
                Attribute(name="timeout", type=STRING, description='Time limit, such as `"30m"`.'),
            )
        ),
    )


def retry_block() -> NestedBlock:
    """Return the block `retry`: how often something that fails is tried again."""
    return NestedBlock(
        name="retry",
        description="How often it is tried again; without it, twice after an accident such as a "
        "killed worker or an engine that does not answer.",
        effect=Effect.UPDATE,
        body=BlockSchema(
            attributes=(
                Attribute(
                    name="attempts",
                    type=NUMBER,
                    description="How often it is tried in all; 1 for no second time.",
                    default=3,
                ),
                Attribute(
                    name="delay",
                    type=STRING,
                    description='Pause before the second attempt, such as `"10s"`; it doubles with '
                    "each further one.",
                    default="2s",
                ),
                Attribute(
                    name="when",
                    type=STRING,
                    description="`transient` after accidents alone, `failure` also where the task "
                    "itself failed, ran out of time or out of memory.",
                    default="transient",
                    allowed=("transient", "failure"),
                ),
            )
        ),
    )


UNDECISIVE: Final = ("requirements", "retry")
"""Blocks that take no part in what comes out, and so none in a recipe."""


def flag(name: str, description: str, *, default: bool) -> Attribute:
    """Return a bool argument with a default."""
    return Attribute(name=name, type=BOOL, description=description, default=default)


def objects(value: Json) -> tuple[JsonObject, ...]:
    """Return the objects of a JSON list; anything else counts as none."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    return tuple(item for item in value if isinstance(item, Mapping))


def strings(value: Json) -> tuple[str, ...]:
    """Return the strings of a JSON list; anything else counts as none."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    return tuple(item for item in value if isinstance(item, str))


def mapping(value: Json) -> JsonObject:
    """Return a JSON object; anything else counts as an empty one."""
    return value if isinstance(value, Mapping) else {}


def without(arguments: JsonObject, names: Iterable[str]) -> dict[str, Json]:
    """Return the arguments but those names."""
    left_out = frozenset(names)
    return {name: value for name, value in arguments.items() if name not in left_out}


def argument_steps(argument: str) -> tuple[str | int, ...]:
    """Return the steps of an argument as tasks name it: `schema.columns[0]` is three steps."""
    return tuple(
        int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", argument)
    )


def renamed(
    path: tuple[str | int, ...], before: tuple[str, ...], after: tuple[str, ...]
) -> tuple[str | int, ...]:
    """Return the path with its first steps replaced, if it begins with them."""
    if path[: len(before)] == before:
        return (*after, *path[len(before) :])
    return path


def digest_of(upstream: Sequence[JsonObject], name: str = "digest") -> Digest | None:
    """Return a digest among the attributes of the one upstream object, or None if unknown."""
    if len(upstream) != 1:
        return None
    digest = upstream[0].get(name)
    return Digest(digest) if isinstance(digest, str) else None


def unknown_names(
    given: Sequence[str],
    known: Sequence[str],
    *,
    summary: str,
    what: str,
    path: tuple[str | int, ...],
) -> tuple[Problem, ...]:
    """Return a problem for each given name that is not known; none while `known` is empty."""
    if not known:
        return ()
    return tuple(
        Problem(
            summary=summary,
            detail=f'There is no {what} "{name}". Known are: {", ".join(known)}.'
            + did_you_mean(name, known),
            path=path if len(given) == 1 else (*path, position),
        )
        for position, name in enumerate(given)
        if name not in known
    )


def fractions_problem(partitions: JsonObject, path: tuple[str | int, ...]) -> tuple[Problem, ...]:
    """Return what is wrong with fractions that must be positive and add up to 1."""
    fractions = {
        name: amount
        for name, amount in partitions.items()
        if isinstance(amount, int | float) and not isinstance(amount, bool)
    }
    if not partitions or len(fractions) < len(partitions):
        return ()
    wrong = [name for name, amount in fractions.items() if amount <= 0]
    if wrong:
        return (
            Problem(
                summary="Invalid partition",
                detail=f'The fraction of "{wrong[0]}" must be greater than 0.',
                path=path,
            ),
        )
    total = sum(fractions.values())
    if abs(total - 1) > 1e-9:  # noqa: PLR2004 - rounding of decimal fractions
        return (
            Problem(
                summary="Invalid partition",
                detail=f"The fractions add up to {total:g}, they must add up to 1.",
                path=path,
            ),
        )
    return ()
