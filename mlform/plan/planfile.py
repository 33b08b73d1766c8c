"""A plan as a file: everything apply needs to do exactly that plan and nothing else.

The file is a ZIP archive: `plan.json` (the plan, variables and pins), `state.json` (the state it
was made from), the configuration files below `config/`, and `checksum` over all of these. Equal
plans give equal bytes.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Final

from mlform.addresses import (
    ModulePath,
    ResourceAddress,
    parse_address,
    parse_target,
    print_path,
)
from mlform.dataclass import dataclass, field
from mlform.diagnostics import Diagnostic, Severity
from mlform.digests import Digest, Json, JsonObject, canonical_json, digest_bytes, digest_json
from mlform.errors import PlanError
from mlform.graph.conditions import Status, Verdict
from mlform.plan.changes import (
    Absence,
    Action,
    Attribution,
    Basis,
    Cause,
    Change,
    Drift,
    Mode,
    Move,
    OutputChange,
    Plan,
    Reason,
)
from mlform.plan.steps import Operation, Step
from mlform.state.codec import decode_state, encode_state, record_from_json, record_to_json
from mlform.state.snapshot import Path, State

FORMAT: Final = 6
PLAN: Final = "plan"
"""What an encrypted plan file says that it is."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_DOCUMENT: Final = "plan.json"
_STATE: Final = "state.json"
_CONFIG: Final = "config/"
_CHECKSUM: Final = "checksum"
_MAGIC: Final = b"PK"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """The content of a plan file.

    Attributes:
        plan: The plan.
        state: The state it was made from.
        files: Configuration files by shown path.
        variables: Root variables: `type`, `value` and `sensitive` by name.
        images: Pinned reference by image name.
        modules: Pinned commit or digest by package of modules.
    """

    plan: Plan
    state: State
    files: Mapping[str, bytes]
    variables: JsonObject
    images: Mapping[str, str]
    modules: Mapping[str, str] = field(default_factory=dict)


def encode_planfile(content: PlanFile) -> bytes:
    """Return the bytes of a plan file."""
    document: JsonObject = {
        "format": FORMAT,
        "plan": plan_to_json(content.plan),
        "variables": content.variables,
        "images": dict(content.images),
        "modules": dict(content.modules),
    }
    import zipfile

    entries = {_DOCUMENT: canonical_json(document), _STATE: encode_state(content.state)}
    entries |= {_CONFIG + name: content.files[name] for name in sorted(content.files)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**entries, _CHECKSUM: _checksum(entries).encode()}.items():
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return buffer.getvalue()


def _checksum(entries: Mapping[str, bytes]) -> Digest:
    return digest_json({name: digest_bytes(data) for name, data in entries.items()})


def decode_planfile(content: bytes, shown: str) -> PlanFile:
    """Read a plan file.

    Args:
        content: Its bytes.
        shown: Its path as people are shown it.

    Raises:
        PlanError: If it is no plan file of this version, or damaged.
    """
    entries = _read_archive(content, shown)
    document = _read_document(entries, shown)
    if entries.pop(_CHECKSUM, b"") != _checksum(entries).encode():
        raise _damaged(shown, "its content is not what was written")
    files = {
        name.removeprefix(_CONFIG): data
        for name, data in entries.items()
        if name.startswith(_CONFIG)
    }
    return PlanFile(
        plan=plan_from_json(_object(document["plan"])),
        state=decode_state(entries[_STATE]),
        files=files,
        variables=_object(document["variables"]),
        images={name: str(item) for name, item in _object(document["images"]).items()},
        modules={name: str(item) for name, item in _object(document["modules"]).items()},
    )


def _read_archive(content: bytes, shown: str) -> dict[str, bytes]:
    """Return the entries of a plan file, each checked by the archive's own sums."""
    import zipfile
    import zlib

    if not content.startswith(_MAGIC):
        raise PlanError(
            "Not a saved plan",
            f"{shown} is no plan file. Make one with mlform plan -out=FILE, and apply that.",
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        ValueError,
        LookupError,
        RuntimeError,  # also what the archive is said to be packed or encrypted with
        OSError,
        struct.error,
    ) as error:
        raise _damaged(shown, f"{str(error) or 'it ends early'}") from error


def _read_document(entries: Mapping[str, bytes], shown: str) -> JsonObject:
    """Return the main document, if it is of this version."""
    try:
        document = _object(json.loads(entries[_DOCUMENT]))
        version = document["format"]
    except (KeyError, ValueError, TypeError) as error:
        raise PlanError(
            "Not a saved plan",
            f"{shown} is an archive, but no plan of mlform's. Make one with mlform plan -out=FILE, "
            "and apply that.",
        ) from error
    if version != FORMAT:
        raise PlanError(
            "Plan of another version",
            f"{shown} has plan format {version}, this mlform reads {FORMAT}. Make the plan anew "
            "with this version, or apply it with the one that made it.",
        )
    return document


def _damaged(shown: str, problem: str) -> PlanError:
    return PlanError(
        "The saved plan is damaged",
        f"{shown} cannot be used: {problem}. Nothing was done. Fetch the file again, or make the "
        "plan anew.",
    )


def plan_to_json(plan: Plan) -> JsonObject:
    """Return a plan as JSON; `plan_from_json` gives it back."""
    return {
        "mode": plan.mode.value,
        "changes": [_change_to_json(change) for change in plan.changes],
        "outputs": [
            {
                "name": item.name,
                "action": item.action.value,
                "before": item.before,
                "after": item.after,
                "after_unknown": _paths_to_json(item.after_unknown),
                "type": item.type,
                "sensitive": item.sensitive,
            }
            for item in plan.outputs.values()
        ],
        "drift": [
            {
                "address": str(item.address),
                "deposed": item.deposed,
                "problems": list(item.problems),
                "before": record_to_json(item.before),
                "after": None if item.after is None else record_to_json(item.after),
                "previous_address": _address(item.previous_address),
            }
            for item in plan.drift
        ],
        "steps": [
            {
                "id": step.id,
                "address": str(step.address),
                "operation": step.operation.value,
                "deposed": step.deposed,
                "replaces": step.replaces,
                "needs": list(step.needs),
            }
            for step in plan.steps
        ],
        "basis": {
            "lineage": plan.basis.lineage,
            "serial": plan.basis.serial,
            "config_digest": plan.basis.config_digest,
            "lock_digest": plan.basis.lock_digest,
            "planned_at": plan.basis.planned_at,
            "workspace": plan.basis.workspace,
        },
        "environments": dict(plan.environments),
        "expected_seconds": plan.expected_seconds,
        "critical_path": list(plan.critical_path),
        # Places in the sources are not kept; the sentences are.
        "warnings": [
            {"summary": item.summary, "detail": item.detail, "address": item.address}
            for item in plan.warnings
        ],
        "moves": [[str(item.source), str(item.target)] for item in plan.moves],
        "imports": [record_to_json(item) for item in plan.imports],
        "checks": [
            {
                "kind": item.kind,
                "address": item.address,
                "block": item.block,
                "status": item.status.value,
                "messages": list(item.messages),
            }
            for item in plan.checks
        ],
        "module_outputs": [[print_path(path), name] for path, name in plan.module_outputs],
        "complete": plan.complete,
    }


def _change_to_json(change: Change) -> JsonObject:
    return {
        "address": str(change.address),
        "action": change.action.value,
        "deposed": change.deposed,
        "before": change.before,
        "after": change.after,
        "after_unknown": _paths_to_json(change.after_unknown),
        "before_sensitive": _paths_to_json(change.before_sensitive),
        "after_sensitive": _paths_to_json(change.after_sensitive),
        "replace_paths": _paths_to_json(change.replace_paths),
        "reasons": [
            {
                "cause": reason.cause.value,
                "message": reason.message,
                "path": list(reason.path),
                "upstream": reason.upstream,
            }
            for reason in change.reasons
        ],
        "attributions": [
            {
                "path": list(item.path),
                "causes": [cause.value for cause in item.causes],
                "upstream": list(item.upstream),
            }
            for item in change.attributions
        ],
        "conditional": change.conditional,
        "reused": change.reused,
        "expected_seconds": change.expected_seconds,
        "runtime": change.runtime,
        "recipe_digest": change.recipe_digest,
        "sources": dict(change.sources),
        "previous_address": _address(change.previous_address),
        "importing": change.importing,
        "absence": None if change.absence is None else change.absence.value,
    }


def _address(address: ResourceAddress | None) -> str | None:
    return None if address is None else str(address)


def _paths_to_json(paths: Sequence[Path]) -> list[Json]:
    return [list(path) for path in paths]


def plan_from_json(document: JsonObject) -> Plan:
    """Read a plan.

    Raises:
        KeyError: If a field is missing.
        ValueError: If a value is none of those possible.
        TypeError: If a field has another type.
    """
    basis = _object(document["basis"])
    return Plan(
        mode=Mode(document["mode"]),
        changes=tuple(_change_from_json(_object(item)) for item in _list(document["changes"])),
        outputs={
            str(item["name"]): OutputChange(
                name=str(item["name"]),
                action=Action(item["action"]),
                before=item["before"],
                after=item["after"],
                after_unknown=_paths(item["after_unknown"]),
                type=item["type"],
                sensitive=bool(item["sensitive"]),
            )
            for item in map(_object, _list(document["outputs"]))
        },
        drift=tuple(
            _drift_from_json(_object(item), f"drift[{at}]")
            for at, item in enumerate(_list(document["drift"]))
        ),
        steps=tuple(
            Step(
                id=str(item["id"]),
                address=parse_address(str(item["address"])),
                operation=Operation(item["operation"]),
                deposed=str(item["deposed"]),
                replaces=bool(item["replaces"]),
                needs=tuple(str(text) for text in _list(item["needs"])),
            )
            for item in map(_object, _list(document["steps"]))
        ),
        basis=Basis(
            lineage=str(basis["lineage"]),
            serial=int(str(basis["serial"])),
            config_digest=Digest(str(basis["config_digest"])),
            lock_digest=Digest(str(basis["lock_digest"])),
            planned_at=str(basis["planned_at"]),
            workspace=str(basis["workspace"]),
        ),
        environments={name: str(text) for name, text in _object(document["environments"]).items()},
        expected_seconds=_seconds(document["expected_seconds"]),
        critical_path=tuple(str(text) for text in _list(document["critical_path"])),
        warnings=tuple(
            Diagnostic(
                severity=Severity.WARNING,
                summary=str(item["summary"]),
                detail=str(item["detail"]),
                address=_text(item["address"]),
            )
            for item in map(_object, _list(document["warnings"]))
        ),
        moves=tuple(
            Move(source=parse_address(str(source)), target=parse_address(str(target)))
            for source, target in map(_list, _list(document["moves"]))
        ),
        imports=tuple(
            record_from_json(_object(item), f"imports[{at}]")
            for at, item in enumerate(_list(document["imports"]))
        ),
        checks=tuple(
            Verdict(
                kind=str(item["kind"]),
                address=str(item["address"]),
                block=str(item["block"]),
                status=Status(item["status"]),
                messages=tuple(str(text) for text in _list(item["messages"])),
            )
            for item in map(_object, _list(document["checks"]))
        ),
        module_outputs=tuple(
            (_module(str(path)), str(name))
            for path, name in map(_list, _list(document["module_outputs"]))
        ),
        complete=bool(document["complete"]),
    )


def _module(text: str) -> ModulePath:
    target = parse_target(text)
    if isinstance(target, ResourceAddress):
        raise ValueError(f"{text} is no module")  # noqa: TRY004 - what is read is damaged
    return target


def _drift_from_json(item: JsonObject, place: str) -> Drift:
    after = item["after"]
    previous = _text(item["previous_address"])
    return Drift(
        address=parse_address(str(item["address"])),
        deposed=str(item["deposed"]),
        problems=tuple(str(text) for text in _list(item["problems"])),
        before=record_from_json(_object(item["before"]), f"{place}.before"),
        after=None if after is None else record_from_json(_object(after), f"{place}.after"),
        previous_address=None if previous is None else parse_address(previous),
    )


def _change_from_json(item: JsonObject) -> Change:
    recipe = _text(item["recipe_digest"])
    previous = _text(item["previous_address"])
    absence = _text(item["absence"])
    return Change(
        address=parse_address(str(item["address"])),
        action=Action(item["action"]),
        deposed=str(item["deposed"]),
        before=None if item["before"] is None else _object(item["before"]),
        after=None if item["after"] is None else _object(item["after"]),
        after_unknown=_paths(item["after_unknown"]),
        before_sensitive=_paths(item["before_sensitive"]),
        after_sensitive=_paths(item["after_sensitive"]),
        replace_paths=_paths(item["replace_paths"]),
        reasons=tuple(
            Reason(
                cause=Cause(reason["cause"]),
                message=str(reason["message"]),
                path=_path(reason["path"]),
                upstream=_text(reason["upstream"]),
            )
            for reason in map(_object, _list(item["reasons"]))
        ),
        attributions=tuple(
            Attribution(
                path=_path(each["path"]),
                causes=tuple(Cause(cause) for cause in _list(each["causes"])),
                upstream=tuple(str(name) for name in _list(each["upstream"])),
            )
            for each in map(_object, _list(item["attributions"]))
        ),
        conditional=bool(item["conditional"]),
        reused=bool(item["reused"]),
        expected_seconds=_seconds(item["expected_seconds"]),
        runtime=str(item["runtime"]),
        recipe_digest=None if recipe is None else Digest(recipe),
        sources={name: Digest(str(digest)) for name, digest in _object(item["sources"]).items()},
        previous_address=None if previous is None else parse_address(previous),
        importing=_text(item["importing"]),
        absence=None if absence is None else Absence(absence),
    )


def _object(value: Json) -> JsonObject:
    if not isinstance(value, Mapping):
        message = "an object is missing"
        raise TypeError(message)
    return value


def _list(value: Json) -> Sequence[Json]:
    if not isinstance(value, list):
        message = "a list is missing"
        raise TypeError(message)
    return value


def _path(value: Json) -> Path:
    return tuple(step if isinstance(step, int) else str(step) for step in _list(value))


def _paths(value: Json) -> tuple[Path, ...]:
    return tuple(_path(item) for item in _list(value))


def _text(value: Json) -> str | None:
    return None if value is None else str(value)


def _seconds(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) else None
