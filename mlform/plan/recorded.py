"""What the state says of an object, as values with their marks."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.digests import JsonObject, LateDocument
from mlform.errors import PlanError
from mlform.graph.arguments import plain_object
from mlform.graph.attributes import Loaded, exposed
from mlform.lang.construct import entries_of, object_of
from mlform.lang.encode import mark_paths
from mlform.lang.values import SENSITIVE, Value
from mlform.resources.base import AnyKind
from mlform.state.snapshot import Path, ResourceRecord, State


def recorded_attributes(record: ResourceRecord, kind: AnyKind) -> dict[str, Value]:
    """Return the attributes of a recorded object, sensitive ones marked."""
    return entries_of(_recorded(record, kind))


def _recorded(record: ResourceRecord, kind: AnyKind) -> Value:
    attributes = object_of(Loaded(kind.schema, record.attributes))
    return mark_paths(attributes, record.sensitive, SENSITIVE)


def hidden_paths(sensitive: tuple[Path, ...], kind: AnyKind) -> tuple[Path, ...]:
    """Return what people are not shown of an object: sensitive values, and where they come out.

    As in Terraform the output of a value carries no mark; to show it would still give it away.
    """
    if kind.sort != "value":
        return sensitive
    copies = [("output", *path[1:]) for path in sensitive if path[:1] == ("input",)]
    return (*sensitive, *copies)


def recorded_value(record: ResourceRecord, kind: AnyKind) -> Value:
    """Return what a reference to a recorded object gives."""
    return exposed(kind.schema, _recorded(record, kind))


def recorded_document(record: ResourceRecord, kinds: Mapping[str, AnyKind]) -> JsonObject:
    """Return the attributes of a recorded object as plain JSON."""
    schema = kinds[record.address.kind].schema
    return LateDocument(lambda: plain_object(object_of(Loaded(schema, record.attributes))))


def check_kinds(state: State, kinds: Mapping[str, AnyKind]) -> None:
    """Refuse a state with objects of kinds that there are not.

    Raises:
        PlanError: If it has any.
    """
    for record in state.records:
        address = record.address
        if address.kind not in kinds:
            raise PlanError(
                "Unknown kind in the state",
                f"The state holds {address}, and this mlform knows no kind {address.kind}. Use the "
                f'version that applied it, or forget the object with "mlform state rm {address}".',
            )
