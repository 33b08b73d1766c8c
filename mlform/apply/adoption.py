"""What a task made that ended while nobody watched it, taken into the store all the same.

Before a task runs, `work/<attempt>/purpose.json` says which recipe it is for. Where mlform dies and
the task goes on to a good end, as containers do, the next run finds its result by that.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlform.apply.attempt_logs import find_log
from mlform.dataclass import dataclass
from mlform.digests import Digest, JsonObject, canonical_json, short
from mlform.errors import StoreError
from mlform.runtimes.base import Owner, Runtime
from mlform.tasks import ARTIFACT_FOLDER

if TYPE_CHECKING:
    from mlform.apply.ports import Ports
    from mlform.state.snapshot import Intent

_NAME: Final = "purpose.json"
_OWNER_ONLY: Final = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a task is run for.

    Attributes:
        recipe: Digest of the recipe, or None if nobody else can use what comes out.
        origin: What the store keeps with the result.
    """

    recipe: Digest | None
    origin: JsonObject


def keep_purpose(work: Path, purpose: Purpose) -> None:
    """Write down what a task is run for, in its working folder.

    Raises:
        OSError: If that cannot be written.
    """
    if purpose.recipe is None:
        return
    path = work / _NAME
    path.touch(mode=_OWNER_ONLY)
    path.write_bytes(canonical_json({"recipe": purpose.recipe, "origin": purpose.origin}))


def adopt(intent: Intent, owner: Owner, runtime: Runtime, ports: Ports) -> tuple[str, ...]:
    """Take the result of an interrupted attempt into the store, if its task ended well.

    Returns:
        A sentence if there was one.

    Raises:
        RuntimeFailure: If the engine does not tell.
    """
    work = ports.data_folder / "work" / intent.step
    purpose = _read(work)
    if purpose is None or purpose.recipe is None:
        return ()
    log = find_log(ports.data_folder, intent.address, intent.step) or work / "log"
    result = runtime.salvage(owner, work, log)
    if result is None:
        return ()
    try:
        artifact = ports.store.put(work / "output" / ARTIFACT_FOLDER)
        told: JsonObject = {"artifact": artifact.digest, "attributes": dict(result.attributes)}
        ports.store.remember(purpose.recipe, {**told, **purpose.origin})
    except (StoreError, OSError):
        return ()  # then it is made again
    return (f"kept what its task had made when it was left alone: {short(artifact.digest)}",)


def _read(work: Path) -> Purpose | None:
    try:
        document = json.loads((work / _NAME).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(document, dict) or not isinstance(document.get("origin"), dict):
        return None
    return Purpose(recipe=Digest(str(document.get("recipe"))), origin=document["origin"])
