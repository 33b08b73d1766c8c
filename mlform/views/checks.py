"""How conditions stand, as the `checks` of Terraform's JSON documents."""

from __future__ import annotations

from collections.abc import Iterable

from mlform.addresses import parse_address, print_path
from mlform.digests import Json, JsonObject
from mlform.state.snapshot import CheckedObject, CheckRecord

_LOCAL_PARTS = 2
"""An address that is no resource's ends in its sort and its name, such as `output.auc`."""


def checks_document(checks: Iterable[CheckRecord]) -> list[JsonObject]:
    """Return one entry for each thing that has conditions."""
    return [
        {
            "address": _block(check.kind, check.block),
            "status": check.status,
            **(
                {"instances": [_instance(check.kind, item) for item in check.objects]}
                if check.objects
                else {}
            ),
        }
        for check in checks
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


def _instance(kind: str, checked: CheckedObject) -> JsonObject:
    address: dict[str, Json] = {"to_display": checked.address}
    if kind == "resource":
        resource = parse_address(checked.address)
        module = print_path(resource.module)
        if resource.key is not None:
            address["instance_key"] = resource.key
    else:
        module, _ = _split(checked.address)
    if module:
        address["module"] = module
    document: dict[str, Json] = {"address": address, "status": checked.status}
    if checked.messages:
        document["problems"] = [{"message": message} for message in checked.messages]
    return document


def _split(address: str) -> tuple[str, str]:
    """Return the module and the name of a check, output or variable."""
    parts = address.rsplit(".", _LOCAL_PARTS)
    return (parts[0] if len(parts) > _LOCAL_PARTS else "", parts[-1])
