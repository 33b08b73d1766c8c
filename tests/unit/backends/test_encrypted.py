"""Encrypted states in files: keys change, plain text comes and goes, runs die in between."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from mlform.backends.base import StateBackend
from mlform.backends.http import HttpBackend
from mlform.backends.http_document import decode_document
from mlform.backends.journaled import JournaledBackend
from mlform.backends.local import LocalBackend
from mlform.backends.memory import MemoryBackend, MemoryLock, MemoryPlace, MemoryStorage
from mlform.ciphers.base import KeyProvider
from mlform.ciphers.keyring import KeyRing
from mlform.dataclass import replace
from mlform.errors import EncryptionError, StateConflict, StateCorrupt
from mlform.state.encryption import PLAIN, Cipher, is_sealed
from mlform.state.journal import Damaged, Journal
from mlform.state.snapshot import Recorded
from mlform.wiring import utc_now
from tests.ciphers import OTHER, RAW, SCRYPT, cipher_of
from tests.contracts.faulty_backend import Died
from tests.contracts.faulty_storage import FaultyStorage
from tests.contracts.places import SEALING
from tests.contracts.state_samples import MODEL, RUN, TRAIN, journals, record, state
from tests.state_server import StateServer, http_place

HUSH = "hunter2hunter2"
OLD = cipher_of(OTHER)
PLAIN_TEXT = cipher_of(None)
ROTATIONS = {
    "plain to encrypted": (PLAIN_TEXT, cipher_of(RAW, None)),
    "encrypted to plain": (OLD, cipher_of(None, OTHER)),
    "old key to new key": (OLD, cipher_of(RAW, OTHER)),
}


def _apply(backend: StateBackend, serial: int) -> None:
    """What an apply does that changes something; `serial` is that of the new state."""
    found = backend.read() or state()
    backend.begin(found, RUN)
    changed = record(TRAIN, note=f"{HUSH} {serial}")
    backend.append((Recorded(step="s1", record=changed),))
    backend.write(state(changed, serial=serial), expected_serial=found.serial)


def _die(backend: StateBackend) -> None:
    """What an apply leaves that is killed after its first step."""
    found = backend.read() or state()
    backend.begin(found, RUN)
    backend.append((Recorded(step="s9", record=record(MODEL, note=HUSH)),))


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mlform.mlfstate"


def test_nothing_is_ever_written_in_plain_text(path: Path) -> None:
    cipher = cipher_of(RAW)
    _apply(LocalBackend(path, cipher=cipher), 1)
    _apply(LocalBackend(path, cipher=cipher), 2)
    _die(LocalBackend(path, cipher=cipher))
    found = _files(path.parent)
    assert {name.partition(".mlfstate")[2][:8] for name in found} >= {
        "",
        ".backup",
        ".journal",
        ".history",
    }
    assert [name for name, content in found.items() if HUSH.encode() in content] == []


def test_a_server_gets_nothing_in_plain_text(http_states: StateServer, tmp_path: Path) -> None:
    def opened() -> HttpBackend:
        place = http_place(http_states, tmp_path / "data", interval=0)
        return HttpBackend(place, now=utc_now, cipher=cipher_of(RAW))

    for serial in (1, 2):
        _apply(opened(), serial)
    _die(opened())
    sent = [request.body for request in http_states.requests]
    document = decode_document(http_states.state("/state").content, "there")
    assert len(document.journals) == 2
    assert document.journal
    for content in (*sent, *document.journals, *_files(tmp_path).values()):
        assert HUSH.encode() not in content


def test_what_cannot_be_written_is_kept_encrypted(path: Path) -> None:
    backend = LocalBackend(path, cipher=cipher_of(RAW))
    backend.begin(state(), RUN)
    path.unlink()
    with pytest.raises(StateConflict, match="errored"):
        backend.append((Recorded(step="s1", record=record(TRAIN, note=HUSH)),))
    (kept,) = path.parent.glob("*.errored*")
    assert is_sealed(kept.read_bytes())
    assert HUSH.encode() not in kept.read_bytes()


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_one_write_is_enough(rotation: str, path: Path) -> None:
    before, after = ROTATIONS[rotation]
    for serial in (1, 2, 3):
        _apply(LocalBackend(path, cipher=before), serial)
    backend = LocalBackend(path, cipher=after)
    assert backend.read() == state(record(TRAIN, note=f"{HUSH} 3"), serial=3)
    assert backend.is_outdated()
    _apply(backend, 4)
    # From now on the first key alone opens everything, the version before and the history too.
    alone = _alone(after)
    found = LocalBackend(path, cipher=alone)
    assert found.read() == state(record(TRAIN, note=f"{HUSH} 4"), serial=4)
    assert not found.is_outdated()
    backup = LocalBackend(path.with_name("mlform.mlfstate.backup"), cipher=alone)
    assert backup.read() == state(record(TRAIN, note=f"{HUSH} 3"), serial=3)
    assert [journal.base.serial for journal in journals(found)] == [0, 1, 2, 3]
    plain = [name for name, content in _files(path.parent).items() if HUSH.encode() in content]
    assert bool(plain) is (rotation == "encrypted to plain")


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("name", SEALING)
def test_the_history_goes_along_with_a_new_key(
    name: str, rotation: str, request: pytest.FixtureRequest
) -> None:
    before, after = ROTATIONS[rotation]
    opened = SEALING[name](request)
    for serial in (1, 2):
        _apply(opened(before), serial)
    _die(opened(before))
    _apply(opened(after), 3)
    found = opened(_alone(after))
    assert [journal.base.serial for journal in journals(found)] == [0, 1, 2, 2]
    assert [journal.died for journal in journals(found)].count(True) == 1


@pytest.mark.parametrize("name", SEALING)
def test_the_history_goes_along_where_a_state_is_written_at_once(
    name: str, request: pytest.FixtureRequest
) -> None:
    opened = SEALING[name](request)
    _apply(opened(OLD), 1)
    new = opened(cipher_of(RAW, OTHER))
    new.write(state(serial=2), expected_serial=1, run=replace(RUN, operation="state rm"))
    assert [each.run.operation for each in journals(opened(cipher_of(RAW)))] == [
        "apply",
        "state rm",
    ]


class _OneByOne(MemoryStorage):
    """Whose calls are made one after the other, so that one can die between any two."""

    def together(self, work: Callable[[], None]) -> None:
        work()


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("rotation", ROTATIONS)
def test_whoever_dies_at_a_new_key_begins_anew(rotation: str, *, done: bool) -> None:
    before, after = ROTATIONS[rotation]
    for dies_at in count(1):
        place = MemoryPlace()
        for serial in (1, 2):
            _apply(MemoryBackend(place, cipher=before), serial)
        _die(MemoryBackend(place, cipher=before))
        faulty = FaultyStorage(_OneByOne(place), dies_at=dies_at, done=done)
        with suppress(Died):
            _apply(JournaledBackend(faulty, MemoryLock(place), cipher=after), 3)
        recovered = MemoryBackend(place, cipher=after)
        found = recovered.read()
        assert found is not None
        _apply(recovered, found.serial + 1)
        kept = journals(MemoryBackend(place, cipher=_alone(after)))
        assert [journal.base.serial for journal in kept][:3] == [0, 1, 2]
        if faulty.survived:
            break
    assert dies_at > 8, "it makes many calls"


def test_a_new_key_costs_a_server_no_more_requests_however_long_the_history(
    http_states: StateServer, tmp_path: Path
) -> None:
    asked = []
    for runs in (2, 20):
        place = http_place(http_states, tmp_path / str(runs), path=f"/{runs}")
        for serial in range(1, runs + 1):
            _apply(HttpBackend(place, now=utc_now, cipher=OLD), serial)
        http_states.requests.clear()
        _apply(HttpBackend(place, now=utc_now, cipher=cipher_of(RAW, OTHER)), runs + 1)
        asked.append(http_states.methods())
    assert asked[0] == asked[1]


@pytest.mark.parametrize("name", SEALING)
def test_history_without_its_key_is_told_of_and_stays(
    name: str, request: pytest.FixtureRequest
) -> None:
    """Somebody put a state of another key in the place of the one before."""
    opened = SEALING[name](request)
    _apply(opened(OLD), 1)
    both = opened(cipher_of(None, OTHER))
    _apply(both, 2)
    _apply(opened(cipher_of(RAW, None)), 3)
    stray = MemoryBackend(cipher=cipher_of(SCRYPT))
    _apply(stray, 1)
    lost = replace(journals(stray)[0], run=replace(RUN, id="stray", who="bob@far"))
    opened(cipher_of(SCRYPT)).keep((lost,))
    _apply(opened(cipher_of(RAW)), 4)
    told = [each for each in opened(cipher_of(RAW)).history() if isinstance(each, Damaged)]
    (only,) = told
    assert "bob@far" in only.where
    assert "key provider of type scrypt" in only.problem
    assert "fallback" in only.problem
    again = list(opened(cipher_of(RAW, SCRYPT)).history())
    assert [each.run.who for each in again if isinstance(each, Journal)].count("bob@far") == 1


def _alone(cipher: KeyRing) -> Cipher:
    return {
        ROTATIONS["plain to encrypted"][1]: cipher_of(RAW),
        ROTATIONS["encrypted to plain"][1]: PLAIN_TEXT,
        ROTATIONS["old key to new key"][1]: cipher_of(RAW),
    }[cipher]


@pytest.mark.parametrize("rotation", ROTATIONS)
@pytest.mark.parametrize("where", ["local", "memory"])
def test_a_run_that_died_before_is_recovered(rotation: str, where: str, path: Path) -> None:
    before, after = ROTATIONS[rotation]
    place = MemoryPlace()

    def opened(cipher: Cipher) -> StateBackend:
        if where == "memory":
            return MemoryBackend(place, cipher=cipher)
        return LocalBackend(path, cipher=cipher)

    _apply(opened(before), 1)
    _die(opened(before))
    backend = opened(after)
    recovered = backend.read()
    assert recovered is not None
    assert recovered.current(MODEL) == record(MODEL, note=HUSH)
    assert backend.is_outdated()
    backend.begin(recovered, RUN)
    _die(opened(after))  # the next run dies too: what it left is of the new kind
    following = opened(after)
    found = following.read()
    assert found is not None
    assert found.current(MODEL) == record(MODEL, note=HUSH)
    following.begin(found, RUN)
    following.write(
        state(*(each for each in found.records), serial=found.serial + 1),
        expected_serial=found.serial,
    )
    assert opened(_alone(after)).read() == state(*found.records, serial=found.serial + 1)


def test_a_snapshot_with_a_journal_of_another_key_is_read(path: Path) -> None:
    _apply(LocalBackend(path, cipher=OLD), 1)
    _die(LocalBackend(path, cipher=cipher_of(RAW, OTHER)))
    found = LocalBackend(path, cipher=cipher_of(RAW, OTHER)).read()
    assert found is not None
    assert found.current(MODEL) is not None
    with pytest.raises(EncryptionError, match="another key"):
        LocalBackend(path, cipher=cipher_of(RAW)).read()
    with pytest.raises(EncryptionError, match="journal of the state cannot be decrypted"):
        LocalBackend(path, cipher=OLD).read()


@pytest.mark.parametrize(
    ("written", "read", "said"),
    [
        (RAW, OTHER, "cannot be decrypted"),
        (RAW, None, "cannot be decrypted"),
        (None, RAW, "is not encrypted"),
    ],
)
def test_what_does_not_open_is_left_as_it_is(
    written: KeyProvider | None, read: KeyProvider | None, said: str, path: Path
) -> None:
    _apply(LocalBackend(path, cipher=cipher_of(written)), 1)
    _die(LocalBackend(path, cipher=cipher_of(written)))
    before = _files(path.parent)
    backend = LocalBackend(path, cipher=cipher_of(read))
    for attempt in (
        backend.read,
        lambda: backend.begin(state(serial=1), RUN),
        lambda: backend.write(state(serial=2), expected_serial=1),
    ):
        with pytest.raises(EncryptionError, match=said) as caught:
            attempt()
        assert str(path) in caught.value.detail
    assert _files(path.parent) == before


@pytest.mark.parametrize(
    ("written", "read", "said"),
    [
        (RAW, cipher_of(OTHER), "another key than that of key_provider.raw.old"),
        (RAW, cipher_of(SCRYPT, None), "key provider of type raw"),
        (RAW, PLAIN, "no encryption is configured"),
        (None, cipher_of(RAW), "unencrypted.NAME"),
        (None, cipher_of(RAW, OTHER), "unencrypted.NAME"),
    ],
)
@pytest.mark.parametrize("name", SEALING)
def test_what_does_not_open_is_told_with_its_place_and_left(
    name: str,
    written: KeyProvider | None,
    read: Cipher,
    said: str,
    request: pytest.FixtureRequest,
) -> None:
    opened, own = SEALING[name](request), cipher_of(written)
    _apply(opened(own), 1)
    _die(opened(own))
    before = opened(own).read()
    backend = opened(read)
    for attempt in (
        backend.read,
        lambda: backend.begin(state(serial=1), RUN),
        lambda: backend.write(state(serial=2), expected_serial=1),
    ):
        with pytest.raises(EncryptionError, match=said) as caught:
            attempt()
        assert backend.describe() in caught.value.detail
    assert opened(own).read() == before
    assert [each.base.serial for each in journals(opened(own))] == [0, 1]


def test_a_damaged_envelope_names_the_backup(path: Path) -> None:
    cipher = cipher_of(RAW)
    for serial in (1, 2):
        _apply(LocalBackend(path, cipher=cipher), serial)
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(StateCorrupt, match=r"mlform\.mlfstate\.backup"):
        LocalBackend(path, cipher=cipher).read()


def test_history_from_before_encryption_is_read_where_plain_text_is_refused() -> None:
    place = MemoryPlace()
    _apply(MemoryBackend(place), 1)
    _apply(MemoryBackend(place, cipher=cipher_of(RAW, None)), 2)
    enforced = MemoryBackend(place, cipher=cipher_of(RAW))
    assert [journal.base.serial for journal in journals(enforced)] == [0, 1]


def test_history_that_does_not_open_stays_where_keys_change(path: Path) -> None:
    _apply(LocalBackend(path, cipher=cipher_of(OTHER)), 1)
    (lost,) = path.with_name("mlform.mlfstate.history").iterdir()
    before = lost.read_bytes()
    path.unlink()
    _apply(LocalBackend(path, cipher=cipher_of(None)), 1)
    _apply(LocalBackend(path, cipher=cipher_of(RAW, None)), 2)
    assert lost.read_bytes() == before
    told = [
        each
        for each in LocalBackend(path, cipher=cipher_of(RAW)).history()
        if isinstance(each, Damaged)
    ]
    assert [each.where for each in told] == [f"{lost} (apply of ada@lab at {RUN.started})"]
