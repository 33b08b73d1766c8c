"""How conditions stand, as the `checks` of Terraform's JSON documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlform.addresses import parse_address, print_path
from mlform.config.blocks import Config
from mlform.digests import Json, JsonObject
from mlform.graph.conditions import Status, Verdict, worst
from mlform.graph.nodes import CheckNode, OutputNode, VariableNode

_LOCAL_PARTS = 2
"""An address that is no resource's ends in its sort and its name, such as `output.auc`."""


def checks_document(
    verdicts: Iterable[Verdict], config: Config | None = None, *, complete: bool = True
) -> list[JsonObject]:
    """Return one entry for each thing that has conditions, in order of address.

    Args:
        verdicts: How the conditions stand that were looked at.
        config: Declares the others, too, or None to leave them out.
        complete: Whether all were looked at that have instances.
    """
    found: dict[tuple[str, str], list[Verdict]] = {}
    for place in _declared(config) if config is not None else ():
        found[place] = []
    for verdict in verdicts:
        found.setdefault((verdict.kind, verdict.block), []).append(verdict)
    absent = Status.PASS if complete else Status.UNKNOWN
    return [
        {
            "address": _block(kind, block),
            "status": (worst([item.status for item in items]) if items else absent).value,
            **({"instances": [_instance(item) for item in items]} if items else {}),
        }
        for (kind, block), items in sorted(found.items(), key=lambda pair: pair[0][1])
    ]


def _declared(config: Config) -> Iterator[tuple[str, str]]:
    """Return sort and name, without keys, of everything that has conditions."""
    for path, module in config.modules.items():
        for address, resource in module.resources.items():
            if resource.lifecycle.preconditions or resource.lifecycle.postconditions:
                yield "resource", str(address)
        for name, output in module.outputs.items():
            if output.preconditions:
                yield "output_value", str(OutputNode(name, path))
        for name, variable in module.variables.items():
            if variable.validations:
                yield "var", str(VariableNode(name, path))
        for name in module.checks:
            yield "check", str(CheckNode(name, path))


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
