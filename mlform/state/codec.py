"""The state and its entries as bytes.

The state is one JSON document, a line for each object, so that a diff shows which objects changed::

    {
      "version": 1,
      "mlform_version": "0.1.0",
      "serial": 3,
      "lineage": "…",
      "outputs": {
        "auc": {"sensitive":true,"type":…,"value":…}
      },
      "resources": [
        {"address":"model.survival","attributes":{…},"provenance":{…},"schema_version":1}
      ],
      "checks": [
        {"block":"check.health","kind":"check","objects":[…],"status":"pass"}
      ],
      "intents": [
        {"address":"…","operation":"create","step":"…"}
      ]
    }

`resources` holds one object for each object of the state, in order of address, then deposed key;
members that have their default value are left out. White space has no meaning to the reader. An
entry is one line that checks itself::

    {"seq":7,"sum":"0123456789abcdef","entry":{"type":"removed","step":"…","address":"…"}}

`seq` counts the lines of a journal, `sum` is the start of the SHA-256 of sequence number and entry.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, assert_never

from mlform import __version__
from mlform.addresses import ResourceAddress, parse_address
from mlform.dataclass import replace
from mlform.digests import Json, JsonObject, canonical_json
from mlform.state.documents import Document, corrupt
from mlform.state.migrations import VERSION, migrate
from mlform.state.snapshot import (
    CURRENT,
    Abandoned,
    CheckedObject,
    CheckRecord,
    ChecksSet,
    Deposed,
    Entry,
    Intent,
    Moved,
    ObjectKey,
    OutputRecord,
    OutputsSet,
    Provenance,
    Recorded,
    Removed,
    ResourceRecord,
    State,
)

_LINE: Final = re.compile(rb'\{"seq":(\d{1,18}),"sum":"([0-9a-f]{16})","entry":(.*)\}\n', re.DOTALL)
_SUM_LENGTH: Final = 16
_OPTIONAL: Final = (
    *("sensitive", "recipe", "recipe_digest", "artifact", "handle", "dependencies"),
    *("tainted", "create_before_destroy", "stays"),
)
_OPTIONAL_OF_PROVENANCE: Final = ("runtime", "image", "duration", "reused")


def encode_state(state: State) -> bytes:
    """Return the state as a file; equal states give equal bytes.

    Raises:
        ValueError: If a value is no JSON, such as a number that is not finite.
    """
    members = (
        b'  "%s": %s' % (name.encode(), _lines(value))
        for name, value in state_document(state).items()
    )
    return b"{\n%s\n}\n" % b",\n".join(members)


def _lines(value: Json) -> bytes:
    """Return a member of the state as JSON, each item of a list or an object on its own line."""
    match value:
        case Mapping() if value:
            items = (
                canonical_json(name) + b": " + canonical_json(item) for name, item in value.items()
            )
            return b"{\n    %s\n  }" % b",\n    ".join(items)
        case Sequence() if value and not isinstance(value, str):
            return b"[\n    %s\n  ]" % b",\n    ".join(map(canonical_json, value))
        case _:
            return canonical_json(value)


def state_document(state: State) -> JsonObject:
    """Return the state as the JSON object that its file holds."""
    document: dict[str, Json] = {
        "version": VERSION,
        "mlform_version": __version__,
        "serial": state.serial,
        "lineage": state.lineage,
        "outputs": _outputs_document(state.outputs),
        "resources": [_record_document(record, deposed) for deposed, record in state.in_order],
    }
    if state.checks:
        document["checks"] = _checks_document(state.checks)
    if state.intents:
        document["intents"] = [_intent_document(intent) for intent in state.intents]
    return document


def decode_state(content: bytes) -> State:
    """Return the state that a file holds; lists come back as lists.

    Raises:
        StateCorrupt: If the file is damaged or of a newer version.
    """
    try:
        value = json.loads(content)
    except UnicodeDecodeError as problem:
        raise corrupt(f"byte {problem.start}", "not UTF-8 text") from problem
    except json.JSONDecodeError as problem:
        raise corrupt(
            f"line {problem.lineno}, column {problem.colno}", f"no JSON ({problem.msg})"
        ) from problem
    except (ValueError, RecursionError) as problem:
        raise corrupt("the whole file", f"no JSON ({problem})") from problem
    if not isinstance(value, dict):
        raise corrupt("the whole file", "expected one JSON object")
    document = Document(migrate(value), "")
    objects: dict[ObjectKey, ResourceRecord] = {}
    for item in document.documents("resources"):
        record = _record(item)
        key = (record.address, item.text("deposed", CURRENT))
        if key in objects:
            raise item.refuse("address", f"{record.address} is there twice")
        objects[key] = record
    return State(
        lineage=document.text("lineage"),
        serial=document.integer("serial"),
        objects=objects,
        outputs=_outputs(document),
        checks=_checks(document),
        intents=tuple(_intent(item) for item in document.documents("intents")),
    )


def encode_entry(entry: Entry, sequence: int) -> bytes:
    """Return an entry as one line, with its line end.

    Raises:
        ValueError: If a value is no JSON, such as a number that is not finite.
    """
    return encode_line(entry_document(entry), sequence)


def encode_line(document: JsonObject, sequence: int) -> bytes:
    """Return a journal line that holds any document."""
    body = canonical_json(document)
    return b'{"seq":%d,"sum":"%s","entry":%s}\n' % (sequence, _sum(sequence, body), body)


def decode_line(line: bytes, sequence: int) -> Document:
    """Return the document of a journal line.

    Raises:
        StateCorrupt: If the line is damaged or has another sequence number.
    """
    where = f"entry {sequence}"
    match = _LINE.fullmatch(line)
    if match is None:
        raise corrupt(where, "not a line of a journal")
    if int(match[1]) != sequence:
        raise corrupt(where, f"found entry {int(match[1])} in its place")
    if match[2] != _sum(sequence, match[3]):
        raise corrupt(where, "its checksum does not fit")
    return Document(json.loads(match[3]), where)


def _sum(sequence: int, body: bytes) -> bytes:
    return hashlib.sha256(b"%d:%s" % (sequence, body)).hexdigest()[:_SUM_LENGTH].encode()


def record_to_json(record: ResourceRecord) -> JsonObject:
    """Return one object as JSON; `record_from_json` gives it back."""
    return _record_document(record)


def record_from_json(document: JsonObject, where: str) -> ResourceRecord:
    """Read one object.

    Raises:
        StateCorrupt: If it describes none; `where` names the place.
    """
    return _record(Document(document, where))


def _record_document(record: ResourceRecord, deposed: str = CURRENT) -> dict[str, Json]:
    document: dict[str, Json] = {"address": str(record.address)}
    if deposed != CURRENT:
        document["deposed"] = deposed
    document["schema_version"] = record.schema_version
    document["attributes"] = record.attributes
    document |= _told(record, _OPTIONAL)
    document["provenance"] = provenance_to_json(record.provenance)
    return document


def _record(document: Document) -> ResourceRecord:
    return ResourceRecord(
        address=_address(document),
        schema_version=document.integer("schema_version"),
        attributes=document.mapping("attributes"),
        sensitive=document.paths("sensitive"),
        recipe=document.mapping("recipe"),
        recipe_digest=document.digest("recipe_digest"),
        artifact=document.digest("artifact"),
        handle=document.mapping("handle"),
        dependencies=document.texts("dependencies"),
        tainted=document.flag("tainted"),
        create_before_destroy=document.flag("create_before_destroy"),
        stays=document.flag("stays"),
        provenance=_provenance(document.document("provenance")),
    )


def provenance_to_json(provenance: Provenance) -> dict[str, Json]:
    """Return who made an object, when and with what, as JSON."""
    return {
        "applied_at": provenance.applied_at,
        "applied_by": provenance.applied_by,
        "mlform_version": provenance.mlform_version,
        **_told(provenance, _OPTIONAL_OF_PROVENANCE),
    }


def _told(item: ResourceRecord | Provenance, names: Iterable[str]) -> dict[str, Json]:
    """Return the members that have another value than nothing."""
    return {name: value for name in names if (value := getattr(item, name))}


def _provenance(document: Document) -> Provenance:
    return Provenance(
        applied_at=document.text("applied_at"),
        applied_by=document.text("applied_by"),
        mlform_version=document.text("mlform_version"),
        runtime=document.text("runtime", ""),
        image=document.text("image", ""),
        duration=document.number("duration", 0.0),
        reused=document.flag("reused"),
    )


def _outputs_document(outputs: Mapping[str, OutputRecord]) -> dict[str, Json]:
    return {
        name: {
            "value": output.value,
            "type": output.type,
            **({"sensitive": True} if output.sensitive else {}),
        }
        for name, output in sorted(outputs.items())
    }


def _outputs(document: Document) -> dict[str, OutputRecord]:
    return {
        name: OutputRecord(
            value=item.value("value"), type=item.value("type"), sensitive=item.flag("sensitive")
        )
        for name, item in document.named_documents("outputs").items()
    }


def _checks_document(checks: Iterable[CheckRecord]) -> list[Json]:
    return [
        {
            "kind": check.kind,
            "block": check.block,
            "status": check.status,
            "objects": [
                {
                    "address": item.address,
                    "status": item.status,
                    **({"messages": item.messages} if item.messages else {}),
                }
                for item in check.objects
            ],
        }
        for check in checks
    ]


def _checks(document: Document) -> tuple[CheckRecord, ...]:
    return tuple(
        CheckRecord(
            kind=check.text("kind"),
            block=check.text("block"),
            status=check.text("status"),
            objects=tuple(
                CheckedObject(
                    address=item.text("address"),
                    status=item.text("status"),
                    messages=item.texts("messages"),
                )
                for item in check.documents("objects")
            ),
        )
        for check in document.documents("checks")
    )


def _intent_document(intent: Intent) -> dict[str, Json]:
    document: dict[str, Json] = {
        "step": intent.step,
        "address": str(intent.address),
        "operation": intent.operation,
    }
    if intent.runtime:
        document["runtime"] = intent.runtime
    return document


def _intent(document: Document) -> Intent:
    return Intent(
        step=document.text("step"),
        address=_address(document),
        operation=document.text("operation"),
        runtime=document.text("runtime", ""),
    )


def entry_document(entry: Entry) -> dict[str, Json]:
    """Return an entry as the JSON object that its line holds."""
    document = _entry_members(entry)
    if entry.at:
        document["at"] = entry.at
    return document


def _entry_members(entry: Entry) -> dict[str, Json]:  # noqa: PLR0911 - one for each type
    match entry:
        case Intent():
            return {"type": "intent", **_intent_document(entry)}
        case Recorded():
            record = _record_document(entry.record, entry.deposed)
            return {"type": "recorded", "step": entry.step, "record": record}
        case Removed():
            return {
                "type": "removed",
                "step": entry.step,
                "address": str(entry.address),
                "deposed": entry.deposed,
            }
        case Deposed():
            return {"type": "deposed", "address": str(entry.address), "deposed": entry.deposed}
        case Moved():
            return {
                "type": "moved",
                "source": str(entry.source),
                "record": _record_document(entry.record, entry.deposed),
            }
        case Abandoned():
            return {"type": "abandoned", "step": entry.step}
        case OutputsSet():
            return {"type": "outputs", "outputs": _outputs_document(entry.outputs)}
        case ChecksSet():
            return {"type": "checks", "checks": _checks_document(entry.checks)}
        case _:
            assert_never(entry)


def entry_of(document: Document) -> Entry:
    """Return the entry that a journal line's document describes.

    Raises:
        StateCorrupt: If it describes none.
    """
    at = document.text("at", "")
    entry = _entry_without_time(document)
    return replace(entry, at=at) if at else entry


def _entry_without_time(document: Document) -> Entry:  # noqa: PLR0911 - one for each type
    match document.text("type"):
        case "intent":
            return _intent(document)
        case "recorded":
            record = document.document("record")
            return Recorded(
                step=document.text("step"),
                record=_record(record),
                deposed=record.text("deposed", CURRENT),
            )
        case "removed":
            return Removed(
                step=document.text("step"),
                address=_address(document),
                deposed=document.text("deposed"),
            )
        case "deposed":
            return Deposed(address=_address(document), deposed=document.text("deposed"))
        case "moved":
            record = document.document("record")
            return Moved(
                source=_address(document, "source"),
                record=_record(record),
                deposed=record.text("deposed", CURRENT),
            )
        case "abandoned":
            return Abandoned(step=document.text("step"))
        case "outputs":
            return OutputsSet(outputs=_outputs(document))
        case "checks":
            return ChecksSet(checks=_checks(document))
        case unknown:
            raise corrupt(
                document.where,
                f'"{unknown}" is no type of entry; a newer mlform may have written it',
            )


def _address(document: Document, name: str = "address") -> ResourceAddress:
    text = document.text(name)
    try:
        return parse_address(text)
    except ValueError as problem:
        raise document.refuse(name, str(problem).rstrip(".")) from problem
