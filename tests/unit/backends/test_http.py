"""What is particular to Terraform's http protocol: one document, journals here, locks that lie."""

from __future__ import annotations

import json
import multiprocessing
import os
import random as randomness  # noqa: TID251 - seeded
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mlform.backends.holders import host_name, process_start
from mlform.backends.http import HttpBackend, HttpWorkspaces
from mlform.backends.http_site import HttpPlace, make_place
from mlform.errors import BackendError, LockLost, StateConflict, StateCorrupt, StateLocked
from mlform.state.codec import encode_state
from mlform.state.snapshot import Intent, Recorded
from mlform.wiring import utc_now
from tests.ciphers import RAW, cipher_of
from tests.contracts.state_samples import MODEL, RUN, TRAIN, journals, lock_info, record, state
from tests.state_server import Fault, StateServer, http_place
from tests.waiting import wait_until

TRAINED = (Recorded(step="s1", record=record(TRAIN)),)
FITTED = (Recorded(step="s2", record=record(MODEL)),)


@pytest.fixture
def here(http_states: StateServer, tmp_path: Path) -> HttpPlace:
    """As this machine sees the state."""
    return http_place(http_states, tmp_path / "here")


@pytest.fixture
def there(here: HttpPlace, tmp_path: Path) -> HttpPlace:
    """As another machine sees it."""
    return replace(here, folder=tmp_path / "there", host="elsewhere")


def _open(place: HttpPlace) -> HttpBackend:
    return HttpBackend(place, now=utc_now, rescue=lambda content: f"a file of {len(content)}")


def test_requests_of_a_plan_and_of_an_apply(http_states: StateServer, here: HttpPlace) -> None:
    backend = _open(replace(here, lock_method="LOCK", unlock_method="UNLOCK"))
    backend.lock(lock_info("id-1"))
    backend.read()
    backend.unlock("id-1")
    assert http_states.methods() == ["LOCK", "GET", "UNLOCK"]
    http_states.requests.clear()
    backend.lock(lock_info("id-2"))
    backend.begin(state(), RUN)
    for number in range(50):
        backend.append((Recorded(step=f"s{number}", record=record(TRAIN, number=number)),))
    backend.write(state(record(TRAIN, number=49), serial=1), expected_serial=0)
    backend.unlock("id-2")
    assert http_states.methods() == ["LOCK", "GET", "POST", "GET", "POST", "UNLOCK"]
    serials = [each.json["serial"] for each in http_states.requests if each.method == "POST"]
    assert serials == [1, 2]
    assert not list(here.folder.iterdir())


def test_what_was_appended_is_posted_after_a_while(
    http_states: StateServer, here: HttpPlace, there: HttpPlace
) -> None:
    run = _open(replace(here, interval=0.2))
    run.begin(state(), RUN)
    run.append(TRAINED)
    run.append(FITTED)
    assert _open(here).read() == state(record(TRAIN), record(MODEL))
    assert _open(there).read() == state()
    wait_until(lambda: _open(there).read() == state(record(TRAIN), record(MODEL)), limit=10)
    assert http_states.methods().count("POST") == 2


def test_a_server_that_is_away_for_a_while_is_not_missed(
    http_states: StateServer, here: HttpPlace, there: HttpPlace
) -> None:
    run = _open(replace(here, interval=0.1))
    run.begin(state(), RUN)
    http_states.faults["POST"] = [Fault.SILENT] * 3 + [Fault.FORBIDDEN]
    run.append(TRAINED)
    wait_until(lambda: not http_states.faults["POST"], limit=10)
    run.append(FITTED)
    wait_until(lambda: _open(there).read() == state(record(TRAIN), record(MODEL)), limit=10)
    run.write(state(record(TRAIN), record(MODEL), serial=1), expected_serial=0)
    assert _open(there).read() == state(record(TRAIN), record(MODEL), serial=1)


def test_a_server_that_is_away_in_the_end_loses_nothing(
    http_states: StateServer, here: HttpPlace
) -> None:
    run = _open(here)
    run.begin(state(), RUN)
    run.append(TRAINED)
    http_states.faults["POST"] = [Fault.BROKEN] * 3
    with pytest.raises(BackendError, match=r"status 500, saying: broken\..*kept in a file"):
        run.write(state(record(TRAIN), serial=1), expected_serial=0)
    assert _open(here).read() == state(record(TRAIN))
    run.append(FITTED)
    run.write(state(record(TRAIN), record(MODEL), serial=1), expected_serial=0)
    assert _open(here).read() == state(record(TRAIN), record(MODEL), serial=1)


def _die_with_the_lock(place: HttpPlace, host: str) -> None:
    backend = _open(place)
    pid = os.getpid()
    backend.lock(replace(lock_info("id-1"), pid=pid, host=host, started=process_start(pid)))
    backend.begin(state(), RUN)
    backend.append(TRAINED)
    os._exit(9)


def _dead_run(place: HttpPlace, *, host: str = "") -> None:
    """Leave what a run leaves that is killed."""
    process = multiprocessing.get_context("fork").Process(
        target=_die_with_the_lock, args=(place, host or host_name())
    )
    process.start()
    process.join(30)
    assert process.exitcode == 9


@pytest.mark.parametrize("like_gitlab", [False, True])
def test_the_next_run_here_takes_over_from_a_dead_one(
    http_states: StateServer, here: HttpPlace, *, like_gitlab: bool
) -> None:
    http_states.like_gitlab = like_gitlab
    _dead_run(here)
    following = _open(here)
    following.lock(lock_info("id-2"))
    assert following.read() == state(record(TRAIN))
    following.begin(state(record(TRAIN)), replace(RUN, id="id-2"))
    following.write(state(record(TRAIN), serial=1), expected_serial=0)
    following.unlock("id-2")
    assert [journal.run.id for journal in journals(_open(here))] == ["id-1", "id-2"]
    assert not http_states.state("/state").lock


@pytest.mark.parametrize("fault", [Fault.BROKEN, Fault.FORBIDDEN])
def test_a_dead_run_is_not_forgotten_where_the_server_was_away(
    http_states: StateServer, here: HttpPlace, fault: Fault
) -> None:
    """Of a container that is gone nothing else tells that it is."""
    _dead_run(here, host="a container that is gone")
    http_states.faults["POST"] = [fault] * 3
    with pytest.raises(BackendError):
        _open(here).lock(lock_info("id-2"))
    http_states.faults["POST"] = []
    following = _open(here)
    following.lock(lock_info("id-3"))
    assert http_states.state("/state").lock["ID"] == "id-3"
    assert following.read() == state(record(TRAIN))
    following.unlock("id-3")
    assert not list(here.folder.glob("lock"))


def test_a_run_in_another_folder_of_this_machine_takes_over_from_a_dead_one(
    http_states: StateServer, here: HttpPlace, there: HttpPlace
) -> None:
    _dead_run(here)
    _open(there).lock(lock_info("id-2"))
    assert http_states.state("/state").lock["ID"] == "id-2"


@pytest.mark.parametrize("like_gitlab", [False, True])
def test_another_machine_hears_where_the_rest_is(
    http_states: StateServer, here: HttpPlace, there: HttpPlace, *, like_gitlab: bool
) -> None:
    http_states.like_gitlab = like_gitlab
    _dead_run(here, host="lab")
    with pytest.raises(StateLocked) as caught:
        _open(there).lock(lock_info("id-2"))
    for part in ("ada@lab", "for apply", "id-1", f"lab:{here.folder}", "last heard of at 20"):
        assert part in caught.value.detail
    found = _open(there).holder()
    assert found is not None
    assert found.heartbeat.startswith("20")


def test_who_waits_in_several_calls_looks_the_holder_up_once(
    http_states: StateServer, here: HttpPlace, there: HttpPlace
) -> None:
    """As commands do, which look in between whether they were told to stop."""
    holder = _open(here)
    holder.lock(lock_info("id-1"))
    http_states.requests.clear()
    waiter = _open(there)
    for _ in range(8):
        with pytest.raises(StateLocked, match="id-1"):
            waiter.lock(lock_info("id-2"), timeout=0.01)
    assert http_states.methods().count("GET") == 1
    holder.unlock("id-1")
    waiter.lock(lock_info("id-2"))
    assert http_states.state("/state").lock["ID"] == "id-2"


def test_what_others_went_past_is_not_forgotten(
    http_states: StateServer, here: HttpPlace, there: HttpPlace
) -> None:
    _dead_run(here, host="lab")
    _open(there).break_lock("id-1")
    other = _open(there)
    other.lock(lock_info("id-2"))
    assert other.read() == state()
    other.begin(state(), replace(RUN, id="id-2"))
    other.append(FITTED)
    other.write(state(record(MODEL), serial=1), expected_serial=0)
    other.unlock("id-2")
    with pytest.raises(StateCorrupt, match="holds its 1 entries") as caught:
        _open(here).read()
    (left,) = here.folder.glob("*.journal")
    assert str(left) in caught.value.detail
    left.rename(left.with_suffix(".aside"))
    assert _open(here).read() == state(record(MODEL), serial=1)
    assert http_states.state("/state").lock == {}


def test_a_kill_between_post_and_clearing_up_is_nothing(here: HttpPlace, tmp_path: Path) -> None:
    run = _open(here)
    run.begin(state(), RUN)
    run.append(TRAINED)
    (left,) = here.folder.glob("*.journal")
    content = left.read_bytes()
    run.write(state(record(TRAIN), serial=1), expected_serial=0)
    left.write_bytes(content)
    assert _open(here).read() == state(record(TRAIN), serial=1)
    again = _open(here)
    again.begin(state(record(TRAIN), serial=1), RUN)
    assert not left.exists()
    assert _open(here).read() == state(record(TRAIN), serial=1)
    del tmp_path


def test_a_torn_line_is_dropped(here: HttpPlace) -> None:
    run = _open(here)
    run.begin(state(), RUN)
    run.append(TRAINED)
    (left,) = here.folder.glob("*.journal")
    with left.open("ab") as stream:
        stream.write(b'{"seq":2,"sum')
    following = _open(here)
    assert following.read() == state(record(TRAIN))
    following.begin(state(record(TRAIN)), RUN)
    following.append(FITTED)
    assert _open(here).read() == state(record(TRAIN), record(MODEL))


@pytest.mark.parametrize("interval", [0, 20])
@pytest.mark.parametrize("fault", [Fault.SILENT_AFTER, Fault.BROKEN_AFTER])
def test_a_post_whose_answer_was_lost_is_found_out(
    http_states: StateServer, here: HttpPlace, fault: Fault, interval: float
) -> None:
    """GitLab takes no serial twice, so the same post once more is refused."""
    http_states.like_gitlab = True
    run = _open(replace(here, interval=interval))
    run.lock(lock_info("id-1"))
    http_states.faults["POST"] = [fault]
    run.begin(state(), RUN)
    http_states.faults["POST"] = [fault]
    run.append(TRAINED)
    http_states.faults["POST"] = [fault]
    run.write(state(record(TRAIN), serial=1), expected_serial=0)
    run.unlock("id-1")
    assert _open(here).read() == state(record(TRAIN), serial=1)
    assert [journal.entries for journal in journals(_open(here))] == [TRAINED]


def test_a_lock_whose_answer_was_lost_is_held(http_states: StateServer, here: HttpPlace) -> None:
    http_states.faults["POST"] = [Fault.BROKEN_AFTER, Fault.SILENT_AFTER]
    run = _open(here)
    run.lock(lock_info("id-1"))
    assert http_states.state("/state").lock["ID"] == "id-1"
    run.begin(state(), RUN)
    run.unlock("id-1")
    assert not http_states.state("/state").lock


@pytest.mark.parametrize("fault", [Fault.WEB_PAGE, Fault.SIGN_IN, Fault.FORBIDDEN, Fault.BROKEN])
def test_what_was_not_stored_is_said_not_to_be(
    http_states: StateServer, here: HttpPlace, fault: Fault
) -> None:
    run = _open(replace(here, settings=replace(here.settings, retries=0)))
    run.begin(state(), RUN)
    run.append(TRAINED)
    http_states.faults["POST"] = [fault]
    with pytest.raises(BackendError, match="kept in a file") as caught:
        run.write(state(record(TRAIN), serial=1), expected_serial=0)
    assert "http://127.0.0.1" in caught.value.detail
    assert _open(here).read() == state(record(TRAIN))


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault.WEB_PAGE, "a web page"),
        (Fault.SIGN_IN, "it moved to http"),
        (Fault.UNAUTHORIZED, "MLF_HTTP_PASSWORD"),
        (Fault.FORBIDDEN, "the right to change this state"),
        (Fault.TOO_LARGE, "limit raised"),
    ],
)
def test_refusals_of_the_lock(
    http_states: StateServer, here: HttpPlace, fault: Fault, told: str
) -> None:
    http_states.faults["POST"] = [fault]
    with pytest.raises(BackendError, match=told):
        _open(here).lock(lock_info("id-1"))
    _open(here).lock(lock_info("id-1"))


def test_a_web_page_is_no_state(http_states: StateServer, here: HttpPlace) -> None:
    http_states.faults["GET"] = [Fault.WEB_PAGE]
    with pytest.raises(BackendError, match="Check that the address is that of the state"):
        _open(here).read()


def test_a_damaged_answer_is_noticed(http_states: StateServer, here: HttpPlace) -> None:
    _open(here).write(state(serial=1), expected_serial=None)
    http_states.faults["GET"] = [Fault.GARBLES]
    with pytest.raises(BackendError, match="damaged on its way"):
        _open(here).read()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "it is no JSON"),
        (b"[]", "no JSON object"),
        (b'{"version":4,"terraform_version":"1.11.4","serial":1}', "Give another address"),
        (b'{"mlform_document":2,"serial":1}', "Install that mlform"),
        (b'{"mlform_document":1,"serial":1}', "a member is missing"),
        (b'{"mlform_document":1,"serial":1,"lineage":"","posted":"","history":[["a"]]}', "missing"),
    ],
)
def test_what_is_no_state_of_ours_is_left_alone(
    http_states: StateServer, here: HttpPlace, content: bytes, told: str
) -> None:
    http_states.state("/state").content = content
    with pytest.raises(BackendError, match=told):
        _open(here).read()
    with pytest.raises(BackendError, match=told):
        _open(here).begin(state(), RUN)
    assert http_states.state("/state").content == content


def test_a_state_put_there_by_hand_is_taken(http_states: StateServer, here: HttpPlace) -> None:
    http_states.state("/state").content = encode_state(state(record(TRAIN), serial=5))
    run = _open(here)
    assert run.read() == state(record(TRAIN), serial=5)
    run.begin(state(record(TRAIN), serial=5), RUN)
    run.write(state(record(MODEL), serial=6), expected_serial=5)
    document = json.loads(http_states.state("/state").content)
    assert (document["lineage"], document["serial"]) == ("line-1", 7)
    assert _open(here).read() == state(record(MODEL), serial=6)


@pytest.mark.parametrize("careless", [False, True])
def test_a_lock_that_the_server_forgot_stops_the_run(
    http_states: StateServer, here: HttpPlace, there: HttpPlace, *, careless: bool
) -> None:
    http_states.careless = careless
    run = _open(replace(here, interval=0.1))
    run.lock(lock_info("id-1"))
    run.begin(state(), RUN)
    http_states.state("/state").lock = {}
    other = _open(there)
    other.lock(lock_info("id-2"))
    other.begin(state(), replace(RUN, id="id-2"))
    run.append(TRAINED)

    def is_told() -> bool:
        try:
            run.append(FITTED)
        except LockLost:
            return True
        return False

    wait_until(is_told, limit=10)
    with pytest.raises(LockLost, match="the server forgot it, and ada@lab holds it now"):
        run.write(state(record(TRAIN), serial=1), expected_serial=0)
    run.unlock("id-1")
    assert http_states.state("/state").lock["ID"] == "id-2"
    other.write(state(record(MODEL), serial=1), expected_serial=0)
    assert _open(there).read() == state(record(MODEL), serial=1)


@pytest.mark.parametrize("careless", [False, True])
@pytest.mark.parametrize("like_gitlab", [False, True])
def test_a_lock_forced_open_elsewhere_stops_the_run_before_its_next_step(
    http_states: StateServer,
    here: HttpPlace,
    there: HttpPlace,
    *,
    careless: bool,
    like_gitlab: bool,
) -> None:
    http_states.careless, http_states.like_gitlab = careless, like_gitlab
    run = _open(replace(here, recheck=0))
    run.lock(lock_info("id-1"))
    run.begin(state(), RUN)
    run.append(TRAINED)
    _open(there).break_lock("id-1")
    with pytest.raises(LockLost, match="taken from this run"):
        run.append((Intent(step="s2", address=MODEL, operation="create"),))
    (left,) = here.folder.glob("*.journal")
    assert b"s2" not in left.read_bytes()
    assert http_states.state("/state").lock == {}
    _open(there).lock(lock_info("id-2"))
    run.unlock("id-1")
    assert http_states.state("/state").lock["ID"] == "id-2"


def test_a_lock_that_was_confirmed_is_not_asked_about_for_a_while(
    http_states: StateServer, here: HttpPlace
) -> None:
    for recheck, expected in ((3600, 0), (0, 11)):
        run = _open(replace(here, recheck=recheck))
        run.lock(lock_info("id-1"))
        run.begin(run.read() or state(), RUN)
        http_states.requests.clear()
        for number in range(11):
            run.append((Recorded(step=f"s{number}", record=record(TRAIN, number=number)),))
        asked = [each for each in http_states.requests if each.path == "/state/lock"]
        assert (len(asked), len(http_states.requests)) == (expected, expected)
        run.unlock("id-1")


def test_a_server_that_cannot_say_who_holds_the_lock_stops_nobody(
    http_states: StateServer, here: HttpPlace
) -> None:
    run = _open(replace(here, recheck=0))
    run.lock(lock_info("id-1"))
    run.begin(state(), RUN)
    http_states.requests.clear()
    http_states.faults["POST"] = [Fault.BROKEN, Fault.SILENT]
    run.append(TRAINED)
    run.append(FITTED)
    assert http_states.methods() == ["POST"]  # it is left alone for as long as between two posts
    http_states.faults["POST"] = []
    run.write(state(record(TRAIN), record(MODEL), serial=1), expected_serial=0)
    assert _open(here).read() == state(record(TRAIN), record(MODEL), serial=1)


def test_without_lock_another_run_is_noticed_before_anything_is_written(
    here: HttpPlace, there: HttpPlace
) -> None:
    run = _open(replace(here, lock_address=""))
    run.begin(state(), RUN)
    _open(replace(there, lock_address="")).write(state(serial=1), expected_serial=0)
    with pytest.raises(StateConflict, match="somebody else wrote it at 20"):
        run.write(state(record(TRAIN), serial=1), expected_serial=0)
    assert _open(there).read() == state(serial=1)


def test_without_lock_address_runs_in_one_folder_exclude_each_other(
    http_states: StateServer, here: HttpPlace
) -> None:
    alone = replace(here, lock_address="")
    _open(alone).lock(lock_info("id-1"))
    with pytest.raises(StateLocked, match="id-1"):
        _open(alone).lock(lock_info("id-2"))
    _open(alone).break_lock("id-1")
    _open(alone).lock(lock_info("id-2"))
    assert not http_states.requests


def test_a_lock_that_cannot_be_given_back_is_taken_over(
    http_states: StateServer, here: HttpPlace
) -> None:
    run = _open(here)
    run.lock(lock_info("id-1"))
    http_states.faults["DELETE"] = [Fault.BROKEN] * 3
    with pytest.raises(BackendError, match="mlform force-unlock id-1"):
        run.unlock("id-1")


def test_somebody_unknown_holds_the_lock(http_states: StateServer, here: HttpPlace) -> None:
    http_states.state("/state").lock = {"Who": "?"}
    with pytest.raises(StateLocked, match="Another run holds the lock"):
        _open(here).lock(lock_info("id-1"))
    with pytest.raises(BackendError, match="does not say by whom"):
        _open(here).holder()


def test_terraform_holds_the_lock(http_states: StateServer, here: HttpPlace) -> None:
    http_states.state("/state").lock = {
        "ID": "abc",
        "Operation": "OperationTypeApply",
        "Info": "",
        "Who": "bob@lab",
        "Version": "1.11.4",
        "Created": "2026-01-02T03:04:05.6Z",
        "Path": "",
    }
    with pytest.raises(StateLocked, match="bob@lab holds it for OperationTypeApply since 2026-01-"):
        _open(here).lock(lock_info("id-1"))
    _open(here).break_lock("abc")
    assert not http_states.state("/state").lock


def test_the_oldest_history_moves_to_this_machine(
    http_states: StateServer, here: HttpPlace, there: HttpPlace
) -> None:
    random = randomness.Random(1)  # noqa: S311 - what cannot be compressed
    backend = _open(here)
    for serial in range(4):
        text = random.randbytes(300_000).hex()
        before = state(serial=serial) if serial else None
        run = replace(RUN, id=f"id-{serial}")
        now = state(record(TRAIN, text=text), serial=serial + 1)
        expected = None if before is None else serial
        backend.write(now, expected_serial=expected, run=run)
    assert [journal.run.id for journal in journals(_open(here))] == [
        f"id-{serial}" for serial in range(4)
    ]
    newest = [journal.run.id for journal in journals(_open(there))]
    assert newest == ["id-1", "id-2", "id-3"][-len(newest) :]
    assert 1 <= len(newest) < 4
    assert len(json.loads(http_states.state("/state").content)["history"]) == len(newest)


def test_a_sealed_state_shows_serial_and_lineage_only(
    http_states: StateServer, here: HttpPlace, there: HttpPlace
) -> None:
    http_states.like_gitlab = True
    sealed = HttpBackend(replace(here, interval=0.1), now=utc_now, cipher=cipher_of(RAW))
    sealed.begin(state(), RUN)
    sealed.append(TRAINED)
    wait_until(lambda: len(http_states.state("/state").serials) == 2, limit=10)
    other = HttpBackend(there, now=utc_now, cipher=cipher_of(RAW))
    assert other.read() == state(record(TRAIN))
    sealed.write(state(record(TRAIN), serial=1), expected_serial=0)
    for request in http_states.requests:
        assert b"dataset.train" not in request.body
    document = json.loads(http_states.state("/state").content)
    assert (document["serial"], document["lineage"]) == (3, "line-1")
    assert [journal.entries for journal in journals(other)] == [TRAINED]


def test_the_history_of_another_place_can_be_added(here: HttpPlace, there: HttpPlace) -> None:
    run = _open(here)
    run.begin(state(), RUN)
    run.append(TRAINED)
    run.write(state(record(TRAIN), serial=1), expected_serial=0)
    (journal,) = journals(_open(here))
    elsewhere = replace(there, address=f"{there.address}/other", lock_address="")
    _open(elsewhere).write(state(record(TRAIN), serial=1), expected_serial=None)
    _open(elsewhere).keep((journal,))
    assert journal in journals(_open(elsewhere))


def test_an_address_is_one_state(here: HttpPlace) -> None:
    workspaces = HttpWorkspaces(_open(here))
    assert workspaces.names() == ("default",)
    assert workspaces.open("default").read() is None
    for refused in (workspaces.open, workspaces.create, workspaces.delete):
        with pytest.raises(BackendError, match=r"address of its own"):
            refused("blue")


def test_arguments_and_variables(tmp_path: Path) -> None:
    variables = {
        "MLF_HTTP_ADDRESS": "https://ada:secret@git.test/state?x=secret",
        "MLF_HTTP_LOCK_ADDRESS": "https://git.test/state/lock",
        "MLF_HTTP_LOCK_METHOD": "POST",
        "MLF_HTTP_PASSWORD": "token",
        "MLF_HTTP_RETRY_MAX": "5",
    }
    place = make_place({"retry_max": 7}, variables, data_folder=tmp_path, host="lab")
    assert (place.lock_method, place.unlock_method) == ("POST", "UNLOCK")
    assert place.unlock_address == place.lock_address
    assert (place.settings.password, place.settings.retries) == ("token", 7)
    assert place.interval == 20
    assert "secret" not in _open(place).describe()
    for given, told in (
        ({}, "MLF_HTTP_ADDRESS"),
        ({"address": "git.test/state"}, "address must be a URL"),
        ({"address": "ftp://git.test/state"}, "address must be a URL"),
        ({"address": "https://git.test:x/"}, "address must be a URL"),
        ({"address": "https://git.test/", "lock_address": "x"}, "lock_address must be"),
        ({"address": "https://git.test/", "client_certificate_pem": "x"}, "Set both"),
        ({"address": "https://git.test/", "persist_interval": -1}, "persist_interval"),
    ):
        with pytest.raises(BackendError, match=told):
            make_place(given, {}, data_folder=tmp_path, host="lab")


def test_secrets_are_in_no_message(http_states: StateServer, here: HttpPlace) -> None:
    http_states.credentials = "ada:right"
    settings = replace(here.settings, username="ada", headers={"Token": "secret-2"})
    address = here.address.replace("://", "://bob:secret-3@") + "?key=secret-4"
    place = replace(
        here,
        settings=replace(settings, password="secret-1"),  # noqa: S106 - it must not be seen
        address=address,
        lock_address=address,
    )
    away = replace(place, address="http://x:secret-5@127.0.0.1:1/")
    works: list[Callable[[], object]] = [
        _open(place).read,
        _open(away).read,
        lambda: _open(place).lock(lock_info("id-1")),
        lambda: _open(place).write(state(), expected_serial=None),
    ]
    told = []
    for work in works:
        with pytest.raises(BackendError) as caught:
            work()
        told.append(str(caught.value))
    assert "secret" not in " ".join(told)
