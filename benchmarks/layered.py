"""A graph in layers, for mlform and for Terraform, and Terraform's state of it.

`count` resources in ten layers; each takes a part of the outputs of two in the layer above. To let
Terraform make the state takes minutes for a thousand resources, so it is written here; `plan` of it
must find no changes, which the benchmarks check.
"""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

LAYERS = 10
_SHOWN = 8
_PROVIDER = 'provider["terraform.io/builtin/terraform"]'


def parents(number: int, count: int) -> tuple[int, ...]:
    """Return the resources in the layer above that one takes its input from."""
    width = count // LAYERS
    layer, at = divmod(number, width)
    if layer == 0:
        return ()
    above = (layer - 1) * width
    return tuple(dict.fromkeys((above + at, above + (at * 7 + 3) % width)))


def configuration(kind: str, count: int) -> str:
    """Return the resources as HCL, of the kind `mlform_data` or `terraform_data`."""
    blocks = []
    for number in range(count):
        parts = [
            f"${{substr({kind}.n{item}.output, 0, {_SHOWN})}}" for item in parents(number, count)
        ]
        text = " ".join([str(number), *parts])
        blocks.append(f'resource "{kind}" "n{number}" {{\n  input = "{text}"\n}}\n')
    return "\n".join(blocks)


def terraform_state(count: int) -> str:
    """Return the state that Terraform would have made."""
    outputs: list[str] = []
    resources = []
    for number in range(count):
        above = parents(number, count)
        outputs.append(" ".join([str(number), *(outputs[item][:_SHOWN] for item in above)]))
        value = {"value": outputs[number], "type": "string"}
        instance = {
            "schema_version": 0,
            "attributes": {
                "id": str(UUID(int=number)),
                "input": value,
                "output": value,
                "triggers_replace": None,
            },
            "sensitive_attributes": [],
            "dependencies": sorted(f"terraform_data.n{item}" for item in ancestors(number, count)),
        }
        resources.append(
            {
                "mode": "managed",
                "type": "terraform_data",
                "name": f"n{number}",
                "provider": _PROVIDER,
                "instances": [instance],
            }
        )
    document = {
        "version": 4,
        "terraform_version": "1.11.0",
        "serial": 1,
        "lineage": str(UUID(int=0)),
        "outputs": {},
        "resources": resources,
        "check_results": None,
    }
    return json.dumps(document, indent=2)


def ancestors(number: int, count: int) -> set[int]:
    """Return everything that a resource depends on; Terraform's state lists all of it."""
    found: set[int] = set()
    waiting = list(parents(number, count))
    while waiting:
        item = waiting.pop()
        if item not in found:
            found.add(item)
            waiting.extend(parents(item, count))
    return found


def write_ours(folder: Path, count: int) -> Path:
    """Write mlform's configuration to a new folder."""
    folder.mkdir()
    (folder / "main.mlf.hcl").write_text(configuration("mlform_data", count))
    return folder


def write_theirs(folder: Path, count: int) -> Path:
    """Write Terraform's configuration to a new folder."""
    folder.mkdir()
    (folder / "main.tf").write_text(configuration("terraform_data", count))
    return folder
