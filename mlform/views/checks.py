"""How conditions stand, as the `checks` of Terraform's JSON documents."""

from __future__ import annotations

from collections.abc import Iterable

from mlform.addresses import parse_address, print_path
from mlform.digests import Json, JsonObject
from mlform.graph.conditions import Verdict, worst

_LOCAL_PARTS = 2
"""An address that is no resource's ends in its sort and its name, such as `output.auc`."""


def checks_document(verdicts: Iterable[Verdict]) -> list[JsonObject]:
    """Return one entry for each thing that has conditions, in order of kind and address."""
    found: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        found.setdefault((verdict.kind, verdict.block), []).append(verdict)
    return [
        {
            "address": _block(kind, block),
            "status": worst([item.status for item in items]).value,
            "instances": [_instance(item) for item in items],
        }
        for (kind, block), items in sorted(found.items())
    ]


def _block(kind: str, block: str) -> JsonObject:
    document: dict[str, Json] = {"kind": kind, "to_display": block}
    if kind == "resource":
        address = parse_address(block)
        module = print_path(address.module)
        document |= {"mode": "managed", "type": address.kind, "name": address.name}
    else:
        module, document["name"] = _split(block)
    return {**document, "module": module} if module else document


def _instance(verdict: Verdict) -> JsonObject:
    address: dict[str, Json] = {"to_display": verdict.address}
    if verdict.kind == "resource":
        resource = parse_address(verdict.address)
        module = print_path(resource.module)
        if resource.key is not None:
            address["instance_key"] = resource.key
    else:
        module, _ = _split(verdict.address)
    if module:
        address["module"] = module
    document: dict[str, Json] = {"address": address, "status": verdict.status.value}
    if verdict.messages:
        document["problems"] = [{"message": message} for message in verdict.messages]
    return document


def _split(address: str) -> tuple[str, str]:
    """Return the module and the name of a check, output or variable."""
    parts = address.rsplit(".", _LOCAL_PARTS)
    return (parts[0] if len(parts) > _LOCAL_PARTS else "", parts[-1])
