"""The port to the kinds of resources.

A kind decides nothing about the world: it says what its arguments mean and returns a `Task` or a
`Server`. There are three sorts: values (`mlform_data`), artifacts (made once by a task, kept in
the store, known by their recipe) and servers (run until replaced).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Literal, Protocol, TypeAlias

from mlform.addresses import ResourceAddress
from mlform.dataclass import dataclass, field
from mlform.digests import Digest, Json, JsonObject
from mlform.schema import ResourceSchema
from mlform.tasks import Requirements, Server, Task

Upstream: TypeAlias = Mapping[str, tuple[JsonObject, ...]]
"""Attributes of the resources that each reference argument names; unknown ones are null."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong with arguments that are each of the right type.

    Attributes:
        summary: A fixed sentence.
        detail: What is wrong and how to fix it.
        path: Into the arguments, as narrow as possible; block labels are not steps.
    """

    summary: str
    detail: str
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceQuery:
    """Files outside mlform that an object is made from.

    Attributes:
        name: Name of the task input they become, such as `source` or `code`.
        form: `files` for a path or glob, `tree` for a whole folder of code.
        path: As configured; relative paths start at the working folder.
        argument: Path into the arguments, for messages.
    """

    name: str
    form: Literal["files", "tree"]
    path: str
    argument: tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAnswer:
    """What the files are now.

    Attributes:
        folder: Absolute folder that holds them.
        files: Paths relative to it, sorted.
        digest: Over relative paths and contents, or None with a problem.
        problem: Why there is no digest, or empty.
    """

    folder: str
    files: tuple[str, ...] = ()
    digest: Digest | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything an object depends on. Names and places of things take no part.

    Attributes:
        kind: Of the resource.
        version: Of the kind's schema.
        arguments: Those that decide the result.
        inputs: Artifact digest of each input; None while it is unknown.
        sources: Digest of each source.
        environment: Digest of the runtime's environment.
    """

    kind: str
    version: int
    arguments: JsonObject
    inputs: Mapping[str, Digest | None] = field(default_factory=dict)
    sources: Mapping[str, Digest] = field(default_factory=dict)
    environment: str

    def to_json(self) -> JsonObject:
        """Return the recipe as JSON; its digest is the digest of this."""
        return {
            "kind": self.kind,
            "version": self.version,
            "arguments": self.arguments,
            "inputs": dict(self.inputs),
            "sources": dict(self.sources),
            "environment": self.environment,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What an artifact was made from and what its task answered.

    Attributes:
        arguments: All arguments.
        inputs: Digest of each input artifact.
        sources: Digest of each source.
        result: The attributes that the task answered.
    """

    arguments: JsonObject
    inputs: Mapping[str, Digest]
    sources: Mapping[str, Digest]
    result: Mapping[str, Json]


class ResourceKind(Protocol):
    """What every kind has."""

    @property
    def schema(self) -> ResourceSchema:
        """Its arguments and attributes."""
        ...

    def check(self, arguments: JsonObject, upstream: Upstream) -> tuple[Problem, ...]:
        """Return what is wrong with arguments of the right types; unknown ones are null."""
        ...


class ValueKind(ResourceKind, Protocol):
    """A kind without anything in the world."""

    sort: Literal["value"]
    """Tells the sorts of kinds apart."""


class RecipeKind(ResourceKind, Protocol):
    """What artifacts and servers share: they are made from a recipe."""

    def sources(self, arguments: JsonObject) -> tuple[SourceQuery, ...]:
        """Return the files outside mlform that it is made from."""
        ...

    def inputs(self, upstream: Upstream) -> Mapping[str, Digest | None]:
        """Return the digest of each input artifact; None while it is unknown."""
        ...

    def foreseen(
        self, arguments: JsonObject, upstream: Upstream, sources: Mapping[str, Digest]
    ) -> Mapping[str, Json]:
        """Return the computed attributes that are known before anything runs.

        Args:
            arguments: Of the resource.
            upstream: What its references name.
            sources: Digest of each source that could be read.
        """
        ...

    def recipe_arguments(self, arguments: JsonObject) -> JsonObject:
        """Return the arguments that decide the result."""
        ...


class ArtifactKind(RecipeKind, Protocol):
    """A kind whose objects are artifacts."""

    sort: Literal["artifact"]
    """Tells the sorts of kinds apart."""

    def task(
        self,
        arguments: JsonObject,
        inputs: Mapping[str, Digest],
        sources: Mapping[str, SourceAnswer],
        requirements: Requirements,
    ) -> Task:
        """Return the work that makes the artifact."""
        ...

    def attributes(self, made: Made) -> Mapping[str, Json]:
        """Return the computed attributes of a finished artifact, but id, address and digest."""
        ...

    def argument_path(self, argument: str, arguments: JsonObject) -> tuple[str | int, ...]:
        """Return where in the arguments the task's argument is that a problem names."""
        ...

    def judged(self, arguments: JsonObject, attributes: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the computed attributes that follow from others without a new run."""
        ...

    def failures(self, attributes: Mapping[str, Json]) -> tuple[Problem, ...]:
        """Return why a finished artifact does not pass: its gates."""
        ...


class ServerKind(RecipeKind, Protocol):
    """A kind whose objects run."""

    sort: Literal["server"]
    """Tells the sorts of kinds apart."""

    def blockers(self, upstream: Upstream) -> tuple[Problem, ...]:
        """Return why it must not be created now: required evaluations that did not pass."""
        ...

    def server(
        self, name: str, arguments: JsonObject, model: Digest, requirements: Requirements
    ) -> Server:
        """Return what to run."""
        ...

    def attributes(self, server: Server, handle: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the computed attributes of a started server; `handle` is the runtime's."""
        ...

    def condition(self, *, sound: bool) -> Mapping[str, Json]:
        """Return the computed attributes that a look at a server decides.

        Args:
            sound: Whether it serves, and is what was started.
        """
        ...


AnyKind: TypeAlias = ValueKind | ArtifactKind | ServerKind


class KindsByAddress(Mapping[str, AnyKind]):
    """Kinds by name, of which single objects may have one of their own, as in tests."""

    @abstractmethod
    def of(self, address: ResourceAddress) -> AnyKind:
        """Return the kind that looks after an object."""


def kind_of(kinds: Mapping[str, AnyKind], address: ResourceAddress) -> AnyKind:
    """Return the kind that looks after an object: the one of its name, or one of its own."""
    if isinstance(kinds, KindsByAddress):
        return kinds.of(address)
    return kinds[address.kind]
