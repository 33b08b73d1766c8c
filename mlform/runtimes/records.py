"""Notes of who started which process, so that a later run finds what an interrupted one left.

A note is written before its process starts and names an argument no other process has (the path
of the attempt's document or the server's configuration): a run killed between the start and the
next line still leaves a way to find the process. The process's number and start time are added
once known.
"""

from __future__ import annotations

import json
from pathlib import Path

from mlform.dataclass import dataclass
from mlform.digests import canonical_json, digest_json, short
from mlform.runtimes import proc
from mlform.runtimes.base import Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessNote:
    """A process that belongs to a step.

    Attributes:
        role: `task` or `server`.
        argument: The argument that only this process has.
        name: The process, or None as long as it is not known.
        endpoint: Folder of the endpoint of a server, or empty.
        gateway: The argument that only the gateway has that the step started, or empty.
    """

    role: str
    argument: str
    name: proc.ProcessName | None = None
    endpoint: str = ""
    gateway: str = ""


def identity_of(owner: Owner) -> str:
    """Return the identity of a step: 12 hexadecimal digits."""
    return short(
        digest_json({"project": owner.project, "address": owner.address, "step": owner.step})
    )


def write_note(folder: Path, owner: Owner, note: ProcessNote) -> None:
    """Write or replace the note of a step."""
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(folder, owner)
    temporary = path.with_suffix(".new")
    temporary.write_bytes(
        canonical_json(
            {
                "role": note.role,
                "argument": note.argument,
                "pid": note.name.pid if note.name else None,
                "started": note.name.started if note.name else None,
                "endpoint": note.endpoint,
                "gateway": note.gateway,
            }
        )
    )
    temporary.replace(path)


def read_note(folder: Path, owner: Owner) -> ProcessNote | None:
    """Return the note of a step, or None."""
    try:
        document = json.loads(_path(folder, owner).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(document, dict):
        return None
    pid, started = document.get("pid"), document.get("started")
    name = (
        proc.ProcessName(pid=pid, started=started)
        if isinstance(pid, int) and isinstance(started, int)
        else None
    )
    return ProcessNote(
        role=str(document.get("role", "task")),
        argument=str(document.get("argument", "")),
        name=name,
        endpoint=str(document.get("endpoint", "")),
        gateway=str(document.get("gateway", "")),
    )


def remove_note(folder: Path, owner: Owner) -> None:
    """Forget a step; unknown is fine."""
    _path(folder, owner).unlink(missing_ok=True)


def processes_of(note: ProcessNote) -> list[proc.ProcessName]:
    """Return the living processes a note speaks of; strangers with a used-again number are not."""
    found = proc.running_with_argument(note.argument) if note.argument else []
    if note.name is not None and proc.is_running(note.name) and note.name not in found:
        found.append(note.name)
    return found


def _path(folder: Path, owner: Owner) -> Path:
    return folder / f"{identity_of(owner)}.json"
