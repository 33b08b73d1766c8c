"""What a task makes that nobody watches any more, taken into the store all the same.

Before a task runs, `work/<attempt>/purpose.json` says which recipe it is for. Where mlform dies and
the task goes on, as containers do, the next run finds its result by that. One that still runs then
is waited for, if what it makes is what the plan wants.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlform.apply.attempt_logs import find_log
from mlform.apply.events import Recovered
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
_HEARTBEAT: Final = 10.0
"""Seconds after which it is said again that a task is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What a task is run for.

    Attributes:
        recipe: Digest of the recipe, or None if nobody else can use what comes out.
        origin: What the store keeps with the result.
        limit: Seconds that it may take, or None for any time.
    """

    recipe: Digest | None
    origin: JsonObject
    limit: float | None = None


def keep_purpose(work: Path, purpose: Purpose) -> None:
    """Write down what a task is run for, in its working folder.

    Raises:
        OSError: If that cannot be written.
    """
    if purpose.recipe is None:
        return
    path = work / _NAME
    path.touch(mode=_OWNER_ONLY)
    document: JsonObject = {
        "recipe": purpose.recipe,
        "origin": purpose.origin,
        "limit": purpose.limit,
    }
    path.write_bytes(canonical_json(document))


def adopt(
    intent: Intent, owner: Owner, runtime: Runtime, ports: Ports, awaited: frozenset[Digest]
) -> tuple[str, ...]:
    """Take the result of an interrupted attempt into the store, if its task ends well.

    Args:
        intent: Of the attempt.
        owner: Who its task belongs to.
        runtime: Where that ran, or runs.
        ports: The outside world.
        awaited: Recipes whose task is waited for where it still runs: not longer than its limit,
            and not once somebody asks to stop at once.

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
    patience = _Patience(intent, purpose, ports)
    result = runtime.salvage(owner, work, log, patience if purpose.recipe in awaited else _not_now)
    if result is None:
        return ()
    try:
        artifact = ports.store.put(work / "output" / ARTIFACT_FOLDER)
        told: JsonObject = {"artifact": artifact.digest, "attributes": dict(result.attributes)}
        ports.store.remember(purpose.recipe, {**told, **purpose.origin})
    except (StoreError, OSError):
        return ()  # then it is made again
    return (f"kept what its task had made when it was left alone: {short(artifact.digest)}",)


def _not_now() -> bool:
    """Wait for nothing."""
    return False


class _Patience:
    """Waits for a task, saying so, and gives up where it is too late or nobody wants to."""

    def __init__(self, intent: Intent, purpose: Purpose, ports: Ports) -> None:
        self._intent, self._ports = intent, ports
        self._limit = purpose.limit
        self._since: float | None = None
        self._tells_at = 0.0

    def __call__(self) -> bool:
        """Whether to go on waiting."""
        ports, now = self._ports, self._ports.monotonic()
        if self._since is None:
            self._since, self._tells_at = now, now + _HEARTBEAT
            self._tell(
                "its task still runs, though the run that began it died; waiting for its end"
            )
        waited = now - self._since
        if now >= self._tells_at:
            self._tells_at = now + _HEARTBEAT
            self._tell(f"its task still runs [{waited:.0f}s elapsed]")
        in_time = self._limit is None or waited <= self._limit
        return in_time and not ports.stop.now.is_set()

    def _tell(self, message: str) -> None:
        self._ports.on_event(Recovered(address=self._intent.address, message=message))


def _read(work: Path) -> Purpose | None:
    try:
        document = json.loads((work / _NAME).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(document, dict) or not isinstance(document.get("origin"), dict):
        return None
    limit = document.get("limit")
    return Purpose(
        recipe=Digest(str(document.get("recipe"))),
        origin=document["origin"],
        limit=float(limit) if isinstance(limit, int | float) else None,
    )
