"""Small states to test with."""

from __future__ import annotations

from mlform.addresses import ResourceAddress, parse_address
from mlform.backends.base import LockInfo, StateBackend
from mlform.digests import Json, digest_json
from mlform.state.journal import Journal, Run
from mlform.state.snapshot import Provenance, ResourceRecord, State

PROVENANCE = Provenance(
    applied_at="2026-03-01T12:00:00Z", applied_by="ada@lab", mlform_version="0.1.0", duration=1.5
)
RUN = Run(
    id="id-1",
    operation="apply",
    who="ada@lab",
    started="2026-03-01T12:00:00Z",
    version="0.1.0",
)
TRAIN = parse_address("dataset.train")
MODEL = parse_address('module.fit["a b"].model.best[0]')


def record(address: ResourceAddress, **attributes: Json) -> ResourceRecord:
    """An object with these attributes, and something in every other member."""
    return ResourceRecord(
        address=address,
        schema_version=2,
        attributes=attributes,
        sensitive=(("password",), ("rows", 0)),
        recipe={"kind": address.kind},
        recipe_digest=digest_json("recipe"),
        artifact=digest_json("artifact"),
        handle={"container": "c1"},
        dependencies=("dataset.a", "dataset.b"),
        create_before_destroy=True,
        provenance=PROVENANCE,
    )


def state(*records: ResourceRecord, serial: int = 0, lineage: str = "line-1") -> State:
    """A state with these current objects."""
    objects = {(item.address, ""): item for item in records}
    return State(lineage=lineage, serial=serial, objects=objects)


def lock_info(lock_id: str) -> LockInfo:
    """Somebody who applies."""
    return LockInfo(
        id=lock_id,
        operation="apply",
        who="ada@lab",
        pid=4711,
        created="2026-03-01T12:00:00Z",
        version="0.1.0",
        host="lab",
        started="boot:1:2",
    )


def journals(backend: StateBackend) -> list[Journal]:
    """The history, in which nothing is damaged."""
    found = list(backend.history())
    whole = [each for each in found if isinstance(each, Journal)]
    assert whole == found
    return whole
