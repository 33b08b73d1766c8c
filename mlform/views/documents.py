"""States, plans and outputs as the JSON documents that Terraform's tools read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mlform.addresses import ModulePath, ResourceAddress
from mlform.config.blocks import Config
from mlform.dataclass import replace
from mlform.digests import Json, JsonObject
from mlform.plan.changes import Action, Cause, Change, Drift, OutputChange, Plan
from mlform.plan.checked import planned_checks
from mlform.schema import BlockSchema, ResourceSchema
from mlform.state.codec import provenance_to_json
from mlform.state.snapshot import CURRENT, OutputRecord, ResourceRecord, State
from mlform.views.attributes import plain_attributes
from mlform.views.checks import checks_document
from mlform.views.configuration import PROVIDER_NAME, configuration_document
from mlform.views.places import hidden_places, places, unknown_places, without_unknown
from mlform.views.relevance import relevant_attributes

PLAN_FORMAT: Final = "1.2"
STATE_FORMAT: Final = "1.0"
TERRAFORM_VERSION: Final = "1.11.0"
"""The Terraform whose documents these are like: its readers look for a version."""

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
    document["provider_name"] = PROVIDER_NAME
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
    document: dict[str, Json] = {
        "format_version": STATE_FORMAT,
        "terraform_version": TERRAFORM_VERSION,
        "mlform_version": version,
    }
    if state is None:
        return document
    document["lineage"] = state.lineage
    document["serial"] = state.serial
    objects = [(record, CURRENT) for record in state.records]
    objects += [(record, key) for key, record in state.deposed]
    if objects or state.outputs:
        document["values"] = {
            **_present({"outputs": outputs_document(state.outputs)}),
            "root_module": _modules(
                [
                    (record.address.module, _record(record, key, schemas or {}))
                    for record, key in objects
                ]
            ),
        }
        document |= _present({"checks": checks_document(state.checks)})
    return document


def without_secrets(document: JsonObject) -> JsonObject:
    """Return a state as `show -json` prints it, with null in the place of sensitive values."""

    def inside(value: Json) -> Json:
        if isinstance(value, Mapping):
            found = {name: inside(item) for name, item in value.items()}
            if found.get("sensitive") is True and "value" in found:
                found["value"] = None
            if "sensitive_values" in found:
                found["values"] = _hidden(found["values"], found["sensitive_values"])
            return found
        return [inside(item) for item in value] if isinstance(value, list) else value

    return {name: inside(value) for name, value in document.items()}


def _hidden(value: Json, places_: Json) -> Json:
    if places_ is True:
        return None
    if isinstance(value, Mapping) and isinstance(places_, Mapping):
        return {name: _hidden(item, places_.get(name)) for name, item in value.items()}
    if isinstance(value, list | tuple) and isinstance(places_, list):
        marks = [*places_, *[None] * len(value)]
        return [_hidden(item, mark) for item, mark in zip(value, marks, strict=False)]
    return value


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
    if record.recipe_digest is not None:
        document["recipe_digest"] = record.recipe_digest
    document["provenance"] = provenance_to_json(record.provenance)
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


def _made(document: JsonObject | None) -> JsonObject | None:
    """Return a document that may not have been made yet as a dictionary, for the encoder."""
    return None if document is None else dict(document)


def change_document(change: Change) -> JsonObject:
    """Return one of `resource_changes`."""
    document = resource_document(change.address)
    if change.previous_address is not None:
        document["previous_address"] = str(change.previous_address)
    if change.deposed != CURRENT:
        document["deposed"] = change.deposed
    before, after = _made(change.before), _made(change.after)
    document["change"] = {
        "actions": change.action.terraform_actions,
        "before": before,
        "after": without_unknown(after, change.after_unknown),
        "after_unknown": unknown_places(change.after_unknown, after),
        "before_sensitive": hidden_places(change.before_sensitive, before),
        "after_sensitive": hidden_places(change.after_sensitive, after),
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
    if change.attributions:
        document["attribute_causes"] = [
            {
                "path": item.path,
                "causes": [cause.value for cause in item.causes],
                **({"upstream": item.upstream} if item.upstream else {}),
            }
            for item in change.attributions
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
        if change.is_triggered:
            return "replace_by_triggers"
        for cause, word in _ACTION_REASONS.items():
            if cause in causes:
                return word
        return "replace_because_cannot_update"
    if change.action in {Action.DELETE, Action.FORGET} and change.absence is not None:
        return change.absence.value
    return ""


def drift_document(drift: Drift, schemas: Mapping[str, BlockSchema]) -> JsonObject:
    """Return one of `resource_drift`."""
    schema = schemas.get(drift.address.kind)
    before, after = (
        None if record is None else plain_attributes(record.attributes, schema)
        for record in (drift.before, drift.after)
    )
    document = resource_document(drift.address)
    if drift.previous_address is not None:
        document["previous_address"] = str(drift.previous_address)
    if drift.deposed != CURRENT:
        document["deposed"] = drift.deposed
    document["change"] = {
        "actions": drift.action.terraform_actions,
        "before": before,
        "after": after,
        "after_unknown": {},
        "before_sensitive": hidden_places(drift.before.sensitive, before),
        "after_sensitive": hidden_places(drift.after.sensitive if drift.after else (), after),
    }
    document["problems"] = drift.problems
    return document


def output_change_document(output: OutputChange) -> JsonObject:
    """Return one of `output_changes`."""
    unknown = output.after_unknown
    return {
        "actions": output.action.terraform_actions,
        "before": output.before,
        **_known_after(output),
        "after_unknown": places(unknown, output.after) if unknown else False,
        "before_sensitive": output.sensitive,
        "after_sensitive": output.sensitive,
    }


def _known_after(output: OutputChange) -> JsonObject:
    """Return what is known of an output once applied, under `after`; nothing if nothing is."""
    if () in output.after_unknown:
        return {}
    return {"after": without_unknown(output.after, output.after_unknown)}


def plan_document(
    plan: Plan,
    *,
    state: State | None,
    variables: Mapping[str, object],
    version: str,
    schemas: Mapping[str, ResourceSchema] | None = None,
    config: Config | None = None,
) -> JsonObject:
    """Return a plan as `show -json PLANFILE` prints it, with Terraform's field names.

    As there, what has no entries is left out, and resources are in order of address; `steps` has
    the order of apply.

    Args:
        plan: The plan.
        state: The state it was made from.
        variables: Values of the root variables as JSON, hidden ones left out.
        version: Of mlform.
        schemas: Schema of each kind.
        config: What the plan was made from, or None to leave out what is said of it.
    """
    known = schemas or {}
    bodies = {name: schema.body for name, schema in known.items()}
    changes = sorted(plan.changes, key=lambda item: (len(item.address.module), item.address))
    given = {name: {"value": _json(value)} for name, value in sorted(variables.items())}
    return {
        "format_version": PLAN_FORMAT,
        "terraform_version": TERRAFORM_VERSION,
        "mlform_version": version,
        **_present({"variables": given}),
        "planned_values": _planned_values(plan, changes, known),
        **_present(
            {
                "resource_drift": [drift_document(item, bodies) for item in plan.drift],
                "resource_changes": [change_document(change) for change in changes],
                "output_changes": {
                    name: output_change_document(item)
                    for name, item in sorted(plan.outputs.items())
                },
            }
        ),
        **(
            {}
            if state is None or not (state.objects or state.outputs)
            else {
                # How conditions stood before is not told, as there.
                "prior_state": state_document(
                    replace(state, checks=()), version=version, schemas=bodies
                )
            }
        ),
        **(_configured(plan, config, known) if config is not None else {}),
        **_present({"checks": checks_document(planned_checks(plan, config))}),
        "environments": dict(plan.environments),
        "steps": [{"id": step.id, "needs": step.needs} for step in plan.steps],
        "expected_seconds": plan.expected_seconds,
        "critical_path": plan.critical_path,
        **_present({"timestamp": plan.basis.planned_at}),
        "applyable": plan.has_changes,
        "complete": plan.complete,
        "errored": False,
    }


def _present(document: JsonObject) -> JsonObject:
    """Return what has something in it."""
    return {key: item for key, item in document.items() if item}


def _configured(plan: Plan, config: Config, schemas: Mapping[str, ResourceSchema]) -> JsonObject:
    relevant = relevant_attributes(
        config,
        {name: schema.body for name, schema in schemas.items()},
        resources=[item.address for item in plan.active],
        # Those of modules count as new: no state tells what they were.
        outputs=[
            *(((), item.name) for item in plan.outputs.values() if item.action is not Action.NO_OP),
            *plan.module_outputs,
        ],
    )
    return {
        "configuration": configuration_document(config, schemas),
        **_present({"relevant_attributes": relevant}),
    }


def _planned_values(
    plan: Plan, changes: Iterable[Change], schemas: Mapping[str, ResourceSchema]
) -> JsonObject:
    outputs = {
        name: {
            "sensitive": item.sensitive,
            **({} if item.after_unknown else {"type": item.type, "value": item.after}),
        }
        for name, item in sorted(plan.outputs.items())
        if item.action is not Action.DELETE
    }
    resources = [
        (item.address.module, _planned(item, schemas.get(item.address.kind)))
        for item in changes
        if item.after is not None
    ]
    return {**_present({"outputs": outputs}), "root_module": _modules(resources)}


def _planned(change: Change, schema: ResourceSchema | None) -> JsonObject:
    document = _in_its_module(change.address)
    if schema is not None:
        document["schema_version"] = schema.version
    values = without_unknown(_made(change.after), change.after_unknown)
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
