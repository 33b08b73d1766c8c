"""States, plans and outputs as the JSON documents that Terraform's tools read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from mlform.addresses import ModulePath, ResourceAddress
from mlform.config.blocks import Config
from mlform.digests import Json, JsonObject
from mlform.plan.changes import Action, Cause, Change, Drift, OutputChange, Plan
from mlform.schema import BlockSchema
from mlform.state.snapshot import CURRENT, OutputRecord, Path, ResourceRecord, State
from mlform.views.attributes import plain_attributes
from mlform.views.checks import checks_document
from mlform.views.configuration import configuration_document
from mlform.views.relevance import relevant_attributes

PLAN_FORMAT: Final = "1.2"
STATE_FORMAT: Final = "1.0"
PROVIDER: Final = "mlform"

_ACTION_REASONS: Final[Mapping[Cause, str]] = {
    Cause.TAINTED: "replace_because_tainted",
    Cause.REQUESTED: "replace_by_request",
}


def outputs_document(outputs: Mapping[str, OutputRecord]) -> JsonObject:
    """Return `{name: {sensitive, type, value}}`, as `output -json` prints it."""
    return {
        name: {"sensitive": record.sensitive, "type": record.type, "value": record.value}
        for name, record in sorted(outputs.items())
    }


def resource_document(address: ResourceAddress) -> dict[str, Json]:
    """Return what names a resource: address, mode, type, name, index, provider_name."""
    document: dict[str, Json] = {"address": str(address)}
    if address.module:
        document["module_address"] = module_address(address.module)
    document |= {"mode": "managed", "type": address.kind, "name": address.name}
    if address.key is not None:
        document["index"] = address.key
    document["provider_name"] = PROVIDER
    return document


def _in_its_module(address: ResourceAddress) -> dict[str, Json]:
    """Return what names a resource where the module around it is named already."""
    return {
        key: item for key, item in resource_document(address).items() if key != "module_address"
    }


def module_address(path: ModulePath) -> str:
    """Return the address of a module, empty for the root."""
    return ".".join(str(step) for step in path)


def state_document(
    state: State | None, *, version: str, schemas: Mapping[str, BlockSchema] | None = None
) -> JsonObject:
    """Return a state as `show -json` prints it.

    Args:
        state: The state, or None where there is none.
        version: Of mlform.
        schemas: Schema of the body of each kind, to print values of open type plainly.
    """
    document: dict[str, Json] = {"format_version": STATE_FORMAT, "mlform_version": version}
    if state is None:
        return document
    document["lineage"] = state.lineage
    document["serial"] = state.serial
    resources = [_record(record, CURRENT, schemas or {}) for record in state.records]
    resources += [_record(record, key, schemas or {}) for key, record in state.deposed]
    document["values"] = {
        "outputs": outputs_document(state.outputs),
        "root_module": _modules(
            [
                (record.address.module, item)
                for record, item in zip(_records(state), resources, strict=True)
            ]
        ),
    }
    return document


def _records(state: State) -> list[ResourceRecord]:
    return [*state.records, *(record for _, record in state.deposed)]


def _record(record: ResourceRecord, deposed: str, schemas: Mapping[str, BlockSchema]) -> JsonObject:
    document = _in_its_module(record.address)
    document["schema_version"] = record.schema_version
    values = plain_attributes(record.attributes, schemas.get(record.address.kind))
    document["values"] = values
    document["sensitive_values"] = places(record.sensitive, values)
    if record.dependencies:
        document["depends_on"] = record.dependencies
    if record.tainted:
        document["tainted"] = True
    if deposed:
        document["deposed_key"] = deposed
    if record.artifact is not None:
        document["artifact"] = record.artifact
    return document


def _modules(
    resources: Iterable[tuple[ModulePath, JsonObject]], path: ModulePath = ()
) -> JsonObject:
    """Return the tree of modules below `path` with their resources."""
    found = list(resources)
    depth = len(path)
    document: dict[str, Json] = {"address": module_address(path)} if path else {}
    here = [item for module, item in found if module == path]
    if here:
        document["resources"] = here
    below = dict.fromkeys(module[: depth + 1] for module, _ in found if len(module) > depth)
    children = [
        _modules([pair for pair in found if pair[0][: depth + 1] == child], child)
        for child in below
    ]
    if children:
        document["child_modules"] = children
    return document


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


def _hidden(paths: Iterable[Path], document: JsonObject | None) -> Json:
    return False if document is None else places(paths, document)


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


def change_document(change: Change) -> JsonObject:
    """Return one of `resource_changes`."""
    document = resource_document(change.address)
    if change.previous_address is not None:
        document["previous_address"] = str(change.previous_address)
    if change.deposed != CURRENT:
        document["deposed"] = change.deposed
    document["change"] = {
        "actions": change.action.terraform_actions,
        "before": change.before,
        "after": without_unknown(change.after, change.after_unknown),
        "after_unknown": places(change.after_unknown, change.after) if change.after_unknown else {},
        "before_sensitive": _hidden(change.before_sensitive, change.before),
        "after_sensitive": _hidden(change.after_sensitive, change.after),
        **({"replace_paths": change.replace_paths} if change.replace_paths else {}),
        **({"importing": {"id": change.importing}} if change.importing is not None else {}),
    }
    reason = action_reason(change)
    if reason:
        document["action_reason"] = reason
    document["mlform_action"] = change.action.value
    document["reasons"] = [
        {
            "cause": reason.cause.value,
            "message": reason.message,
            **({"path": reason.path} if reason.path else {}),
            **({"upstream": reason.upstream} if reason.upstream else {}),
        }
        for reason in change.reasons
    ]
    document["conditional"] = change.conditional
    document["from_cache"] = change.reused or change.action is Action.REUSE
    if change.expected_seconds is not None:
        document["expected_seconds"] = change.expected_seconds
    if change.runtime:
        document["runtime"] = change.runtime
    return document


def action_reason(change: Change) -> str:
    """Return Terraform's word for why an object is replaced or destroyed, or an empty string."""
    causes = {reason.cause for reason in change.reasons}
    if change.action.is_replace:
        for cause, word in _ACTION_REASONS.items():
            if cause in causes:
                return word
        return "replace_because_cannot_update"
    if change.action in {Action.DELETE, Action.FORGET} and change.absence is not None:
        return change.absence.value
    return ""


def _drift_document(
    drift: Drift, state: State | None, schemas: Mapping[str, BlockSchema]
) -> JsonObject:
    record = state.current(drift.address) if state else None
    document = resource_document(drift.address)
    before = (
        plain_attributes(record.attributes, schemas.get(drift.address.kind)) if record else None
    )
    document["change"] = {
        "actions": ("update",),
        "before": before,
        "after": before,
        "after_unknown": {},
        "before_sensitive": places(record.sensitive if record else ()),
        "after_sensitive": places(record.sensitive if record else ()),
    }
    document["problems"] = drift.problems
    return document


def output_change_document(output: OutputChange) -> JsonObject:
    """Return one of `output_changes`."""
    return {
        "actions": output.action.terraform_actions,
        "before": output.before,
        **({} if output.after_unknown else {"after": output.after}),
        "after_unknown": output.after_unknown,
        "before_sensitive": output.sensitive,
        "after_sensitive": output.sensitive,
    }


def plan_document(
    plan: Plan,
    *,
    state: State | None,
    variables: Mapping[str, object],
    version: str,
    schemas: Mapping[str, BlockSchema] | None = None,
    config: Config | None = None,
) -> JsonObject:
    """Return a plan as `show -json PLANFILE` prints it, with Terraform's field names.

    Args:
        plan: The plan.
        state: The state it was made from.
        variables: Values of the root variables as JSON, hidden ones left out.
        version: Of mlform.
        schemas: As for `state_document`.
        config: What the plan was made from, or None to leave out what is said of it.
    """
    after = [change for change in plan.changes if change.after is not None]
    return {
        "format_version": PLAN_FORMAT,
        "mlform_version": version,
        **({"timestamp": plan.basis.planned_at} if plan.basis.planned_at else {}),
        "variables": {name: {"value": _json(value)} for name, value in sorted(variables.items())},
        "planned_values": {
            "outputs": {
                name: {"sensitive": item.sensitive}
                | ({} if item.after_unknown else {"value": item.after})
                for name, item in sorted(plan.outputs.items())
                if item.action is not Action.DELETE
            },
            "root_module": _modules([(item.address.module, _planned(item)) for item in after]),
        },
        "resource_drift": [_drift_document(item, state, schemas or {}) for item in plan.drift],
        "resource_changes": [change_document(change) for change in plan.changes],
        "output_changes": {
            name: output_change_document(item) for name, item in sorted(plan.outputs.items())
        },
        "prior_state": state_document(state, version=version, schemas=schemas),
        **(_configured(plan, config, schemas or {}) if config is not None else {}),
        **({"checks": checks_document(plan.checks)} if plan.checks else {}),
        "environments": dict(plan.environments),
        "steps": [{"id": step.id, "needs": step.needs} for step in plan.steps],
        "expected_seconds": plan.expected_seconds,
        "critical_path": plan.critical_path,
        "applyable": plan.has_changes,
        "complete": True,
        "errored": False,
    }


def _configured(plan: Plan, config: Config, schemas: Mapping[str, BlockSchema]) -> JsonObject:
    current = [change for change in plan.changes if change.deposed == CURRENT]
    relevant = relevant_attributes(
        config,
        schemas,
        resources=[item.address for item in current if item.action is not Action.NO_OP],
        outputs=[item.name for item in plan.outputs.values() if item.action is not Action.NO_OP],
        modules=dict.fromkeys(item.address.module for item in current if item.address.module),
    )
    return {
        "configuration": configuration_document(config, schemas),
        **({"relevant_attributes": relevant} if relevant else {}),
    }


def _planned(change: Change) -> JsonObject:
    document = _in_its_module(change.address)
    values = without_unknown(change.after, change.after_unknown)
    document["values"] = values
    document["sensitive_values"] = places(change.after_sensitive, values)
    return document


def _json(value: object) -> Json:
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
