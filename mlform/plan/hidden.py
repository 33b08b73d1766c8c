"""What a saved plan would give away: the places where it holds something sensitive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlform.digests import Json, JsonObject
from mlform.plan.changes import Change
from mlform.plan.planfile import PlanFile
from mlform.state.snapshot import Path


def sensitive_places(content: PlanFile) -> tuple[str, ...]:
    """Return what of a plan has sensitive values: variables, objects and outputs, in that order.

    It does not matter where a value comes from: what was recorded with an object before is in the
    plan just as what it is going to be.
    """
    found = [
        *_variables(content.variables),
        *_objects(content),
        *_outputs(content),
    ]
    return tuple(dict.fromkeys(found))


def _variables(variables: JsonObject) -> Iterator[str]:
    for name, item in sorted(variables.items()):
        if isinstance(item, Mapping) and item["sensitive"] and item.get("value") is not None:
            yield f"var.{name}"


def _objects(content: PlanFile) -> Iterator[str]:
    for _, record in content.state.in_order:
        if _has_any(record.attributes, record.sensitive):
            yield str(record.address)
    for record in content.plan.imports:
        if _has_any(record.attributes, record.sensitive):
            yield str(record.address)
    yield from (str(change.address) for change in content.plan.changes if _shows(change))


def _shows(change: Change) -> bool:
    return _has_any(change.before, change.before_sensitive) or _has_any(
        change.after, change.after_sensitive
    )


def _outputs(content: PlanFile) -> Iterator[str]:
    for name, output in sorted(content.state.outputs.items()):
        if output.sensitive and output.value is not None:
            yield f"output.{name}"
    for name, planned in sorted(content.plan.outputs.items()):
        if planned.sensitive and (planned.before is not None or planned.after is not None):
            yield f"output.{name}"


def _has_any(document: JsonObject | None, paths: Sequence[Path]) -> bool:
    """Whether anything is at one of the paths: an attribute that is null gives nothing away.

    Further steps of a path are not followed, since an attribute of any type is kept as type and
    value. So rather too much is found than too little.
    """
    return document is not None and any(
        not path or _is_there(document.get(str(path[0]))) for path in paths
    )


def _is_there(attribute: Json) -> bool:
    if isinstance(attribute, Mapping) and set(attribute) == {"type", "value"}:
        attribute = attribute["value"]
    return attribute is not None
