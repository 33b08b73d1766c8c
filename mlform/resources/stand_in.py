"""Kinds that make nothing: what their objects give is made up, for tests.

The arguments are checked as ever, but no source is read and no task or server is run. Attributes
are those that the test gives; others are made up by their type as Terraform does: 0, false, eight
letters, an empty collection. Digests look like digests, and what is made up passes its gates. The
same object gets the same attributes each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from string import ascii_lowercase
from typing import Final, Literal

from mlform.dataclass import dataclass, field
from mlform.digests import Digest, Json, JsonObject, digest_json
from mlform.lang.types import (
    BOOL,
    NUMBER,
    STRING,
    MapType,
    ObjectType,
    Primitive,
    Type,
)
from mlform.resources.base import (
    AnyKind,
    Made,
    Problem,
    RecipeKind,
    SourceAnswer,
    SourceQuery,
    Upstream,
)
from mlform.runtimes.base import MADE_UP
from mlform.schema import ResourceReference, ResourceSchema
from mlform.tasks import Requirements, Server, Task

_LETTERS: Final = 8
_PASSED: Final = "passed"
"""The attribute that says whether gates passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a test says of an object.

    Attributes:
        attributes: Computed attributes, by the names that expressions use.
        at_plan: Whether they are known before anything is applied.
    """

    attributes: Mapping[str, Json] = field(default_factory=dict)
    at_plan: bool = False


def stand_in(kind: AnyKind, given: Given) -> AnyKind:
    """Return a kind with the arguments of another one that makes nothing."""
    return ServerStandIn(kind, given) if kind.sort == "server" else ArtifactStandIn(kind, given)


class _StandIn:
    """What stand-ins of artifacts and servers share."""

    def __init__(self, kind: AnyKind, given: Given) -> None:
        self._kind = kind
        exposed = kind.schema.exposed
        self._given = {exposed.get(name, name): data for name, data in given.attributes.items()}
        self._at_plan = given.at_plan

    @property
    def schema(self) -> ResourceSchema:
        """The one of the kind it stands in for."""
        return self._kind.schema

    @property
    def _real(self) -> RecipeKind | None:
        return None if self._kind.sort == "value" else self._kind

    def check(self, arguments: JsonObject, upstream: Upstream) -> tuple[Problem, ...]:
        """Check the arguments as for a real object."""
        return self._kind.check(arguments, upstream)

    def sources(self, arguments: JsonObject) -> tuple[SourceQuery, ...]:  # noqa: ARG002 - none is read
        """Return nothing: no file is needed."""
        return ()

    def recipe_arguments(self, arguments: JsonObject) -> JsonObject:
        """Return what decides the result: what the test says, too, so that nothing is mixed up."""
        real = self._real
        found = arguments if real is None else real.recipe_arguments(arguments)
        return {**found, "made_up": self._given}

    def foreseen(
        self, arguments: JsonObject, upstream: Upstream, sources: Mapping[str, Digest]
    ) -> Mapping[str, Json]:
        """Return what is known before anything is applied."""
        real = self._real
        found = {} if real is None else dict(real.foreseen(arguments, upstream, sources))
        return {**found, **self._given} if self._at_plan else found

    def _made_up(self, address: str) -> dict[str, Json]:
        found = {
            attribute.name: made_up(attribute.name, attribute.type, address)
            for attribute in self.schema.body.attributes
            if attribute.computed and attribute.name not in {"id", "address", "digest"}
        }
        return {**found, **self._given}


class ArtifactStandIn(_StandIn):
    """Stands in for kinds of artifacts and of values."""

    sort: Literal["artifact"] = "artifact"

    def inputs(self, upstream: Upstream) -> Mapping[str, Digest | None]:
        """Return the digest of each input artifact, where the real kind has any."""
        real = self._real
        return {} if real is None else real.inputs(upstream)

    def task(
        self,
        arguments: JsonObject,
        inputs: Mapping[str, Digest],
        sources: Mapping[str, SourceAnswer],  # noqa: ARG002 - nothing is read
        requirements: Requirements,
    ) -> Task:
        """Return a task that is over at once and reads nothing."""
        decisive = {"arguments": self.recipe_arguments(arguments), "inputs": dict(inputs)}
        return Task(kind=MADE_UP, arguments=decisive, requirements=requirements)

    def attributes(self, made: Made) -> Mapping[str, Json]:
        """Return what the test gives, what inputs and arguments say, and made-up values."""
        found = self._made_up(str(made.result.get("address")))
        known = {f"{name}_digest": digest for name, digest in made.inputs.items()}
        found |= {name: digest for name, digest in known.items() if name in found}
        found |= {**self.foreseen(made.arguments, {}, {}), **self._given}
        return {**found, **self.judged(made.arguments, found)}

    def argument_path(self, argument: str, arguments: JsonObject) -> tuple[str | int, ...]:  # noqa: ARG002 - no task complains
        """Return nothing: no task runs that could name an argument."""
        return ()

    def judged(self, arguments: JsonObject, attributes: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return what follows from given attributes; made-up ones pass every gate."""
        if self._kind.sort != "artifact" or not self._given:
            return {}
        found = self._kind.judged(arguments, {**attributes, **self._given})
        return {name: data for name, data in found.items() if name not in self._given}

    def failures(self, attributes: Mapping[str, Json]) -> tuple[Problem, ...]:
        """Return why an object with these attributes does not pass."""
        return self._kind.failures(attributes) if self._kind.sort == "artifact" else ()


class ServerStandIn(_StandIn):
    """Stands in for kinds of servers."""

    sort: Literal["server"] = "server"

    def inputs(self, upstream: Upstream) -> Mapping[str, Digest | None]:
        """Return the model."""
        real = self._real
        return {} if real is None else real.inputs(upstream)

    def blockers(self, upstream: Upstream) -> tuple[Problem, ...]:
        """Return why it must not be created: gates hold for what is made up, too."""
        return self._kind.blockers(upstream) if self._kind.sort == "server" else ()

    def server(
        self, name: str, arguments: JsonObject, model: Digest, requirements: Requirements
    ) -> Server:
        """Return a server that nothing runs for."""
        assert self._kind.sort == "server"  # noqa: S101 - chosen by `stand_in`
        real = self._kind.server(name, arguments, model, requirements)
        return Server(
            name=real.name,
            model=real.model,
            host=real.host,
            port=real.port,
            environment=real.environment,
            requirements=real.requirements,
            options={**real.options, MADE_UP: True},
        )

    def attributes(self, server: Server, handle: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return what the real kind says, and what the test gives."""
        assert self._kind.sort == "server"  # noqa: S101 - chosen by `stand_in`
        found = self._made_up(str(handle.get("address")))
        return {**found, **self._kind.attributes(server, handle), **self._given}

    def condition(self, *, sound: bool) -> Mapping[str, Json]:
        """Return what the real kind says."""
        assert self._kind.sort == "server"  # noqa: S101 - chosen by `stand_in`
        return self._kind.condition(sound=sound)


def made_up(name: str, type_: Type | ResourceReference, address: str) -> Json:
    """Return a value for a computed attribute of an object.

    Args:
        name: Of the attribute.
        type_: Of its value.
        address: Of the object; text is different for each.
    """
    if name == _PASSED:
        return True
    if isinstance(type_, ObjectType):
        return {key: made_up(key, inner, address) for key, inner in type_.attributes}
    if type_ == STRING:
        return _text(name, address)
    if isinstance(type_, Primitive):
        return _OF_PRIMITIVE.get(type_)
    return {} if isinstance(type_, MapType) else []


_OF_PRIMITIVE: Final[Mapping[Type, Json]] = {NUMBER: 0, BOOL: False}


def _text(name: str, address: str) -> str:
    seed = digest_json([address, name])
    if name.endswith(("digest", "fingerprint")):
        return seed
    figures = hashlib.sha256(seed.encode()).digest()[:_LETTERS]
    return "".join(ascii_lowercase[figure % len(ascii_lowercase)] for figure in figures)
