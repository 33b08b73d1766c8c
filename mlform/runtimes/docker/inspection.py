"""What a look at a served container can tell: whether it is still what mlform started.

A `Baseline` is taken once a server is ready and kept in the state; a later look is compared with
it by pure functions, one sentence for each difference. What cannot be seen: a command that was
run inside and left nothing, once the engine's buffer of 256 events has moved on or the engine was
restarted; what was done to memory by somebody with root on the machine.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

from mlform.dataclass import dataclass
from mlform.digests import Digest, Json, digest_json
from mlform.runtimes.docker import lifecycle
from mlform.runtimes.docker.engine import Engine, engine_errors, inside, text_of

_INIT: Final = "/sbin/docker-init"
_CONFIG_FIELDS: Final = ("Path", "Args")
_CONFIG_FIELDS_INSIDE: Final = ("Env", "Labels", "User", "Entrypoint", "Cmd")
_LIMIT_FIELDS: Final = (
    "Memory",
    "MemorySwap",
    "NanoCpus",
    "CpuShares",
    "CpuQuota",
    "CpuPeriod",
    "CpusetCpus",
    "PidsLimit",
    "ReadonlyRootfs",
    "Privileged",
    "CapAdd",
    "CapDrop",
    "SecurityOpt",
    "NetworkMode",
    "PortBindings",
    "RestartPolicy",
    "Mounts",
    "Tmpfs",
    "DeviceRequests",
)
_CHANGES: Final = {0: "changed", 1: "added", 2: "deleted"}
_PAUSED: Final = "was paused"
_TELLING: Final = {
    "exec_create": "was entered: a command was run in it ({what})",
    "exec_start": "was entered: a command was run in it ({what})",
    "attach": "was attached to",
    "extract-to-dir": "had files copied into it",
    "update": "had its limits changed",
    "pause": _PAUSED,
    "rename": "was renamed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at a container shows.

    Attributes:
        image: Image id.
        config: Digest of program, arguments, variables, labels and user.
        limits: Digest of limits, mounts and hardening.
        networks: Names of its networks, sorted.
        status: Of its state, such as `running`.
        started: When it was last started, as the engine writes it.
        restarts: How often the engine restarted it.
        executions: Ids of commands running in it beside its own.
        processes: Command lines of its processes, sorted.
        changes: Changes of its file system, such as `added /etc/x`, sorted.
        acts: What the engine remembers was done to it since it was started, one each.
    """

    image: str
    config: Digest
    limits: Digest
    networks: tuple[str, ...]
    status: str
    started: str
    restarts: int
    executions: tuple[str, ...]
    processes: tuple[str, ...]
    changes: tuple[str, ...]
    acts: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        """Return what a later look is compared with."""
        return {
            "image": self.image,
            "config": self.config,
            "limits": self.limits,
            "networks": list(self.networks),
            "started": self.started,
            "restarts": self.restarts,
            "processes": list(self.processes),
            "changes": list(self.changes),
        }


def look_at(engine: Engine, container: str, since: str = "") -> Look | None:
    """Look at a container; None if it is gone.

    Args:
        engine: Where it is.
        container: Its id.
        since: From when on acts count, as the engine writes times; empty means none are asked for.
    """
    found = lifecycle.inspect(engine, container)
    if found is None:
        return None
    running = text_of(found, "State", "Status") == "running"
    host = inside(found, "HostConfig")
    networks = inside(found, "NetworkSettings", "Networks")
    restarts = found.get("RestartCount")
    return Look(
        image=text_of(found, "Image"),
        config=_digest(
            {
                **{key: found.get(key) for key in _CONFIG_FIELDS},
                **{key: inside(found, "Config", key) for key in _CONFIG_FIELDS_INSIDE},
            }
        ),
        limits=_digest({key: inside(host, key) for key in _LIMIT_FIELDS}),
        networks=tuple(sorted(networks)) if isinstance(networks, Mapping) else (),
        status=text_of(found, "State", "Status"),
        started=text_of(found, "State", "StartedAt"),
        restarts=restarts if isinstance(restarts, int) else 0,
        executions=_strings(found.get("ExecIDs")),
        processes=_processes(engine, container) if running else (),
        changes=_changes(engine, container),
        acts=_acts(engine, text_of(found, "Id"), since) if since else (),
    )


def differences(name: str, before: Mapping[str, Json], now: Look | None) -> list[str]:
    """Compare a look with the baseline; one clear sentence for each difference.

    Args:
        name: How to name the container.
        before: `Look.to_json()` of the time it became ready.
        now: The look, or None if the container is gone.
    """
    if now is None:
        return [f"container {name} was removed"]
    told = []
    if now.status != "running":
        told.append(f"container {name} is not running: it is {now.status}")
    elif now.restarts != before.get("restarts"):
        told.append(f"container {name} died and was restarted {now.restarts} times")
    elif now.started != before.get("started"):
        told.append(f"container {name} was stopped and started again at {now.started}")
    if now.image != before.get("image"):
        told.append(f"container {name} runs another image: {now.image}")
    if now.config != before.get("config"):
        told.append(f"container {name} has another program, variables, labels or user")
    if now.limits != before.get("limits"):
        told.append(f"container {name} has other limits, mounts or rights than it was given")
    if list(now.networks) != _list(before, "networks"):
        told.append(
            f"container {name} is in other networks than it was put in: {', '.join(now.networks)}"
        )
    told.extend(_intrusions(name, before, now))
    return told


def _intrusions(name: str, before: Mapping[str, Json], now: Look) -> list[str]:
    told = []
    if now.executions:
        told.append(f"container {name} was entered: {len(now.executions)} commands run in it now")
    known = _list(before, "processes")
    extra = [line for line in now.processes if line not in known]
    if extra:
        told.append(f"container {name} runs a process it did not start with: {extra[0]}")
    kept = _list(before, "changes")
    fresh = [change for change in now.changes if change not in kept]
    if fresh:
        more = f" and {len(fresh) - 1} more" if len(fresh) > 1 else ""
        told.append(f"container {name} had its files changed: {fresh[0]}{more}")
    told.extend(
        f"container {name} {act}"
        for act in now.acts
        if act != _PAUSED or now.status != "paused"  # else its status has told
    )
    return told


def _digest(document: Mapping[str, object]) -> Digest:
    return digest_json({key: _json(value) for key, value in document.items()})


def _json(value: object) -> Json:
    """Return a value of the engine as JSON; it came as JSON, so nothing else can be in it."""
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _list(document: Mapping[str, Json], key: str) -> list[Json]:
    value = document.get(key)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []


def _processes(engine: Engine, container: str) -> tuple[str, ...]:
    from docker.errors import APIError

    with engine_errors(engine.docker_host, "list the container's processes"):
        try:
            table = engine.api.top(container)
        except APIError:
            # It ended between the two questions; its status tells.
            return ()
    titles, rows = inside(table, "Titles"), inside(table, "Processes")
    if not isinstance(titles, list) or not isinstance(rows, list) or "CMD" not in titles:
        return ()
    column = titles.index("CMD")
    return tuple(sorted({str(row[column]) for row in rows}))


def _changes(engine: Engine, container: str) -> tuple[str, ...]:
    with engine_errors(engine.docker_host, "compare the container's files"):
        found = engine.api.diff(container) or []
    return tuple(
        sorted(
            f"{_CHANGES.get(change['Kind'], 'changed')} {change['Path']}"
            for change in found
            if change["Path"] not in {_INIT, "/sbin"}
        )
    )


def _acts(engine: Engine, container: str, since: str) -> tuple[str, ...]:
    """Return what the engine remembers of hands on a container, oldest first, none twice."""
    with engine_errors(engine.docker_host, "read the engine's events"):
        # The engine takes fractions of a second, which the client's types do not know.
        events = engine.api.events(  # type: ignore[call-overload]
            since=f"{seconds(since):.6f}",
            until=f"{seconds(engine_time(engine)):.6f}",
            filters={"type": "container", "container": container},
            decode=True,
        )
        told: dict[str, None] = {}
        for event in events:
            action, _, what = text_of(event, "Action").partition(": ")
            sentence = _TELLING.get(action)
            if sentence:
                told[sentence.format(what=what.strip() or "unknown")] = None
    return tuple(told)


def seconds(moment: str) -> float:
    """Return a time that the engine wrote as seconds since 1970, to the microsecond."""
    return dt.datetime.fromisoformat(moment).timestamp()


def engine_time(engine: Engine) -> str:
    """Return the engine's clock, as it writes times."""
    with engine_errors(engine.docker_host, "tell the time"):
        return text_of(engine.api.info(), "SystemTime")
