"""Notes of what runs: so that a server which no state knows any more can be imported again.

`<data folder>/served/<instance>.json` holds what the state holds of a served object. It is written
when a server took over, and removed with the server. A server with sensitive arguments gets none.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from mlform.apply.ports import Ports
from mlform.apply.servers import handle_part
from mlform.digests import Json, JsonObject, canonical_json
from mlform.durable import write_file
from mlform.state.snapshot import ResourceRecord

_VERSION: Final = 1
_OWNER_ONLY: Final = 0o600


def keep_note(record: ResourceRecord, ports: Ports) -> None:
    """Write the note of a served object; that it cannot be written is no failure."""
    if record.sensitive:
        return
    document: JsonObject = {
        "version": _VERSION,
        "kind": record.address.kind,
        "attributes": record.attributes,
        "recipe": record.recipe,
        "recipe_digest": record.recipe_digest,
        "handle": record.handle,
    }
    path = _path(record, ports)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, canonical_json(document), mode=_OWNER_ONLY)


def remove_note(record: ResourceRecord, ports: Ports) -> None:
    """Remove the note of a served object; there need not be one."""
    with contextlib.suppress(OSError):
        _path(record, ports).unlink(missing_ok=True)


def notes(data_folder: Path) -> Iterator[Mapping[str, Json]]:
    """Return all notes that can be read, in order of instance."""
    for path in sorted((data_folder / "served").glob("*.json")):
        try:
            document = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(document, dict) and document.get("version") == _VERSION:
            yield document


def _path(record: ResourceRecord, ports: Ports) -> Path:
    instance = handle_part(record, "server").get("instance") or record.handle.get("step")
    name = "".join(letter for letter in str(instance) if letter.isalnum() or letter in "-_")
    return ports.data_folder / "served" / f"{name}.json"
