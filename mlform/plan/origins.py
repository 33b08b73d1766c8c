"""Objects that exist already and are taken into the state: what is told of them.

What a recipe gave is remembered with its origin: the recipe itself and all arguments. So an
artifact, or a running server, can be imported as the object that apply made. The origin is left out
where an argument is sensitive, since what is remembered is no place for secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mlform.addresses import ResourceAddress
from mlform.dataclass import dataclass, field
from mlform.digests import Digest, Json, JsonObject, short
from mlform.graph.arguments import plain_object
from mlform.graph.attributes import Loaded, computed, stored
from mlform.graph.desired import DesiredResource
from mlform.lang.construct import object_of
from mlform.lang.encode import sensitive_paths
from mlform.lang.values import Value, string
from mlform.resources.base import ArtifactKind, Made, Recipe
from mlform.schema import ResourceReference, ResourceSchema
from mlform.state.snapshot import Provenance, ResourceRecord

ORIGIN: Final = "origin"
"""Key of a remembered result: `{version, arguments, recipe}`, or `{version, sensitive: true}`."""
_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedObject:
    """An object in the world, as the state would keep it.

    Attributes:
        schema: Of its kind.
        attributes: All arguments and computed attributes, as records have them; the address is
            that of the object it was, or null.
        recipe: What it was made from; empty for kinds without recipe.
        recipe_digest: Digest of the recipe, or None.
        artifact: The artifact, or None.
        handle: What the runtime needs to find a served object; empty otherwise.
    """

    schema: ResourceSchema
    attributes: JsonObject
    recipe: JsonObject = field(default_factory=dict)
    recipe_digest: Digest | None = None
    artifact: Digest | None = None
    handle: JsonObject = field(default_factory=dict)

    @property
    def values(self) -> Mapping[str, Value]:
        """The attributes as values."""
        return Loaded(self.schema, self.attributes)

    def record(
        self,
        address: ResourceAddress,
        *,
        provenance: Provenance,
        runtime: str = "",
        dependencies: tuple[str, ...] = (),
    ) -> ResourceRecord:
        """Return what the state keeps of it once it is imported.

        Args:
            address: What it becomes.
            provenance: Who imports it, when.
            runtime: `type.name` of the runtime of an artifact; a server has its own.
            dependencies: As the configuration refers to them.
        """
        attributes = dict(self.attributes)
        if "address" in attributes:
            attributes["address"] = str(address)
        handle = self.handle or ({"runtime": runtime} if self.artifact is not None else {})
        return ResourceRecord(
            address=address,
            schema_version=self.schema.version,
            attributes=attributes,
            recipe=self.recipe,
            recipe_digest=self.recipe_digest,
            artifact=self.artifact,
            handle=handle,
            dependencies=dependencies,
            provenance=provenance,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProblem:
    """Why there is nothing to import under an id; a fixed sentence, and what to do."""

    summary: str
    detail: str


def with_origin(
    result: JsonObject, schema: ResourceSchema, desired: DesiredResource, recipe: Recipe
) -> JsonObject:
    """Return a result as it is remembered: with what it was made from.

    Args:
        result: What the recipe gave.
        schema: Of the kind.
        desired: The resource with its arguments resolved.
        recipe: What it was made from.
    """
    payload = desired.arguments.payload
    if not isinstance(payload, dict) or sensitive_paths(desired.arguments):
        return {**result, ORIGIN: {"version": _VERSION, "sensitive": True}}
    origin: JsonObject = {
        "version": _VERSION,
        "arguments": stored(schema, payload),
        "recipe": recipe.to_json(),
    }
    return {**result, ORIGIN: origin}


def kind_of(result: Mapping[str, Json]) -> str | None:
    """Return the kind of the resource that a remembered result was made for, if that is told."""
    kind = _origin_recipe(result).get("kind")
    return kind if isinstance(kind, str) else None


def imported_value(schema: ResourceSchema, id_: str) -> ImportedObject:
    """Return an object that only holds values: it has the id and nothing else, as in Terraform."""
    attributes: dict[str, Json] = dict.fromkeys(Loaded(schema, {}))
    return ImportedObject(schema=schema, attributes={**attributes, "id": id_})


def imported_artifact(
    kind: ArtifactKind,
    recipe: Digest,
    result: Mapping[str, Json],
    addresses: Mapping[str, str],
) -> ImportedObject | ImportProblem:
    """Return the object whose artifact a recipe gave.

    Args:
        kind: Its kind.
        recipe: Digest of the recipe.
        result: What is remembered of it.
        addresses: Address of the resource in the state by the digest of its artifact: arguments
            that take whole resources then name what these are called now.
    """
    told = _origin_recipe(result)
    arguments = origin_arguments(result, kind.schema, addresses)
    if arguments is None:
        return _untold(result, kind.schema.kind)
    artifact = Digest(str(result["artifact"]))
    made = Made(
        arguments=plain_object(object_of(arguments)),
        inputs=_digests(told.get("inputs")),
        sources=_digests(told.get("sources")),
        result=_object(result.get("attributes")),
    )
    found = computed(
        kind.schema, {**kind.attributes(made), "id": short(artifact), "digest": artifact}
    )
    return ImportedObject(
        schema=kind.schema,
        attributes=stored(kind.schema, {**arguments, **found}),
        recipe=told,
        recipe_digest=recipe,
        artifact=artifact,
    )


def origin_arguments(
    result: Mapping[str, Json], schema: ResourceSchema, addresses: Mapping[str, str]
) -> dict[str, Value] | None:
    """Return the arguments that a remembered result was made with, or None if they are not told.

    Args:
        result: What is remembered.
        schema: Of the kind.
        addresses: As for `imported_artifact`.
    """
    told = _object(_object(result.get(ORIGIN)).get("arguments"))
    if not told:
        return None
    values = Loaded(schema, told)
    arguments = {
        name: value
        for name, value in values.items()
        if (attribute := schema.body.attribute(name)) is None or not attribute.computed
    }
    for name, digest in _digests(_origin_recipe(result).get("inputs")).items():
        attribute = schema.body.attribute(name)
        single = (
            attribute is not None
            and isinstance(attribute.type, ResourceReference)
            and not attribute.type.many
        )
        if single and digest in addresses:
            arguments[name] = string(addresses[digest])
    return arguments


def _untold(result: Mapping[str, Json], kind: str) -> ImportProblem:
    origin = _object(result.get(ORIGIN))
    if origin.get("sensitive") is True:
        because = "one of its arguments is sensitive, and those are not kept outside of states"
    else:
        because = "it was made by a version of mlform that did not keep what it was made from"
    return ImportProblem(
        summary="Cannot import what is not told",
        detail=f"The {kind} is there, but {because}. Write its resource block and run apply: the "
        "result is then taken from the store without running anything.",
    )


def _origin_recipe(result: Mapping[str, Json]) -> JsonObject:
    return _object(_object(result.get(ORIGIN)).get("recipe"))


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _digests(value: Json) -> dict[str, Digest]:
    return {
        name: Digest(digest) for name, digest in _object(value).items() if isinstance(digest, str)
    }
