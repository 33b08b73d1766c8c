"""The addresses of a state on a server of Terraform's http protocol, and what its answers mean."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from mlform.backends.arguments import Arguments
from mlform.backends.base import LockInfo, describe_holder
from mlform.backends.http_client import Answer, HttpClient, HttpSettings, shown
from mlform.backends.http_document import EMPTY, Document, decode_document, encode_document
from mlform.dataclass import dataclass, field, replace
from mlform.digests import digest_bytes, short
from mlform.errors import BackendError, LockLost, StateConflict, StateLocked

INTERVAL: Final = 20.0
"""Seconds between two posts of a run that works."""
RECHECK: Final = 1.0
"""Seconds for which a lock counts as held after the server said so."""
_PATIENCE: Final = 5.0
"""Seconds that a server has to say whether the lock is held, while a step waits for it."""
NOTHING: Final = frozenset({204, 404})
LOCKED: Final = frozenset({409, 423})
_ADVICE: Final[Mapping[int, str]] = {
    401: "It asks for other credentials. Set username and password (or MLF_HTTP_USERNAME and "
    "MLF_HTTP_PASSWORD), or headers.",
    403: "It knows who asks and does not allow it. Ask for the right to change this state; a token "
    "may lack a scope or have expired.",
    404: "There is nothing at this address. Check address, lock_address and unlock_address.",
    405: "It does not know this method here. Check update_method, lock_method and unlock_method.",
    413: "The state is larger than it takes. Have its limit raised.",
    429: "It is asked too often. Run the command again later.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPlace:
    """Where a state is.

    Attributes:
        address: Of the document.
        update_method: That posts it.
        lock_address: Of the lock; empty where there is none.
        lock_method: That takes it.
        unlock_address: That gives it back.
        unlock_method: The same.
        settings: Of the requests.
        interval: Seconds between two posts of a run that works; with 0 everything is posted at
            once, and nothing is kept on this machine.
        recheck: Seconds for which a lock counts as held after the server said so.
        folder: On this machine, for the journals of runs.
        host: Name of this machine.
    """

    address: str
    update_method: str = "POST"
    lock_address: str = ""
    lock_method: str = "LOCK"
    unlock_address: str = ""
    unlock_method: str = "UNLOCK"
    settings: HttpSettings = field(default_factory=HttpSettings)
    interval: float = INTERVAL
    recheck: float = RECHECK
    folder: Path
    host: str


def make_place(
    given: Mapping[str, object], variables: Mapping[str, str], *, data_folder: Path, host: str
) -> HttpPlace:
    """Return the place that a backend block names.

    Args:
        given: Its arguments.
        variables: The process environment: `MLF_HTTP_…` for arguments that are not given.
        data_folder: Where this machine keeps journals, in a folder for each address.
        host: Name of this machine.

    Raises:
        BackendError: If an argument is missing or wrong.
    """
    arguments = Arguments(given=given, variables=variables, prefix="MLF_HTTP_")
    addresses = {
        name: arguments.text(name) for name in ("address", "lock_address", "unlock_address")
    }
    if not addresses["address"]:
        raise BackendError(
            "The address of the state is missing",
            'Set address in the block backend "http", or the variable MLF_HTTP_ADDRESS.',
        )
    for name, address in addresses.items():
        _check_address(name, address)
    return HttpPlace(
        address=addresses["address"],
        update_method=arguments.text("update_method", "POST"),
        lock_address=addresses["lock_address"],
        lock_method=arguments.text("lock_method", "LOCK"),
        unlock_address=addresses["unlock_address"] or addresses["lock_address"],
        unlock_method=arguments.text("unlock_method", "UNLOCK"),
        settings=_settings(arguments, variables),
        interval=arguments.number("persist_interval", INTERVAL),
        folder=data_folder / "http" / short(digest_bytes(shown(addresses["address"]).encode())),
        host=host,
    )


def _settings(arguments: Arguments, variables: Mapping[str, str]) -> HttpSettings:
    certificate = arguments.text("client_certificate_pem")
    key = arguments.text("client_private_key_pem")
    if bool(certificate) is not bool(key):
        raise BackendError(
            "A certificate and its key belong together",
            "Set both client_certificate_pem and client_private_key_pem, or neither.",
        )
    return HttpSettings(
        username=arguments.text("username"),
        password=arguments.text("password"),
        headers=arguments.texts("headers"),
        verify=not arguments.flag("skip_cert_verification"),
        ca_pem=arguments.text("client_ca_certificate_pem"),
        certificate_pem=certificate,
        key_pem=key,
        retries=int(arguments.number("retry_max", 2)),
        wait_min=arguments.number("retry_wait_min", 1),
        wait_max=arguments.number("retry_wait_max", 30),
        variables=variables,
    )


def _check_address(name: str, address: str) -> None:
    try:
        parts = urlsplit(address)
        is_right = not address or (parts.scheme in {"http", "https"} and bool(parts.hostname))
        is_right = is_right and (not address or parts.port is None or parts.port > 0)
    except ValueError:
        is_right = False
    if not is_right:
        raise BackendError(
            "The address of the state is wrong",
            f"{name} must be a URL that begins with http:// or https:// and names a server.",
        )


class HttpSite:
    """The server of one state, as a run meets it that may hold the lock.

    Attributes:
        place: The addresses.
        lock_id: Under which the lock was taken; empty where it was not.
        lost: Why the lock is lost, once it is.
    """

    def __init__(self, place: HttpPlace, now: Callable[[], datetime]) -> None:
        """Name the server; nothing is asked yet."""
        self.place = place
        self.lock_id = ""
        self.lost: LockLost | None = None
        self._now = now
        self._client = HttpClient(place.settings)
        # Of its own, so that nobody waits for a post that is on its way.
        patience = min(_PATIENCE, place.settings.silence)
        self._asking = HttpClient(replace(place.settings, retries=0, silence=patience))

    @property
    def shown(self) -> str:
        """The address for people."""
        return shown(self.place.address)

    @property
    def journal_of(self) -> str:
        """Where this machine keeps journals, as the document tells others."""
        return f"{self.place.host}:{self.place.folder}"

    def fetch(self) -> Document:
        """Return what the server keeps.

        Raises:
            BackendError: If it does not answer, or with something else.
        """
        answer = self._client.request("GET", self.place.address)
        if answer.status in NOTHING or (answer.is_done and not answer.body):
            return EMPTY
        if not answer.is_done:
            raise self.refused(answer, "read", self.place.address)
        check_whole(answer, self.shown)
        return decode_document(answer.body, self.shown)

    def post(self, document: Document) -> Document:
        """Store a document in place of the one before; return it as it was posted.

        Raises:
            LockLost: If the lock that was taken is held no more.
            StateLocked: If none was taken, and somebody else holds it.
            BackendError: If it is refused for another reason, or nobody answers.
        """
        posted = replace(
            document,
            serial=document.serial + 1,
            posted=self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        try:
            self._post(posted)
        except (LockLost, StateLocked):
            raise
        except BackendError as problem:
            if not self._is_stored(posted):
                self.check_lock()
                raise problem from None
        return posted

    def ask_lock(self, info: LockInfo) -> Answer:
        """Ask for the lock; `LOCKED` says that somebody has it.

        Raises:
            BackendError: If nobody answers, or with something else.
        """
        place = self.place
        return self._ask(self._client, place.lock_method, place.lock_address, info, "locked")

    def ask_unlock(self, info: LockInfo) -> Answer:
        """Ask to give a lock back; `LOCKED` says that it is another one's.

        Raises:
            BackendError: If nobody answers, or with something else.
        """
        place = self.place
        return self._ask(self._client, place.unlock_method, place.unlock_address, info, "unlocked")

    def remote_holder(self, *, patient: bool = True) -> LockInfo | None:
        """Return who holds the lock. The protocol knows no question: it is tried.

        Args:
            patient: Whether to ask again where the server does not answer.

        Raises:
            BackendError: If that cannot be told.
        """
        trial = LockInfo(
            id=f"trial-{os.urandom(8).hex()}",
            operation="look",
            who="",
            pid=os.getpid(),
            created=self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            version="",
        )
        place = self.place
        client = self._client if patient else self._asking
        answer = self._ask(client, place.lock_method, place.lock_address, trial, "locked")
        if answer.is_done:
            self.ask_unlock(trial)
            return None
        holder = lock_of(answer.body)
        if holder is None:
            raise BackendError(
                "Who holds the lock of the state cannot be told",
                f"{shown(place.lock_address)} says that it is locked and does not say by "
                "whom. Wait for that run to end.",
            )
        return holder

    def lose(self, holder: LockInfo | None) -> LockLost:
        """Return the failure to raise once the lock turns out to be held no more."""
        by = "" if holder is None or not holder.id else f", and {holder.who} holds it now"
        self.lost = LockLost(
            "The lock of the state was taken from this run",
            f"{self.shown}: somebody forced it open while this run worked, or the server forgot "
            f"it{by}. To keep two runs from writing the same state, this one stops; what it "
            "finished before is recorded. Make sure that nobody else is at work and run the "
            "command again.",
        )
        return self.lost

    def refused(self, answer: Answer, done: str, url: str) -> BackendError:
        """Return the failure to raise where the server does not do what it was asked for."""
        said = self._client.without_secrets(answer.body.decode(errors="replace"))
        advice = _ADVICE.get(answer.status, "Look into its log, or run the command again later.")
        if answer.is_page:
            said = "a web page, perhaps one to sign in or of a proxy"
            if answer.status not in _ADVICE:
                advice = "Check that the address is that of the state, and the credentials."
        elif answer.headers.get("location"):
            said = f"that it moved to {shown(answer.headers['location'])}"
            advice = "Give the address it moved to."
        said = f", saying: {said.rstrip('.')}" if said else ""
        return BackendError(
            f"The state cannot be {done}",
            f"{shown(url)} answered with status {answer.status}{said}. {advice}",
        )

    def _ask(self, client: HttpClient, method: str, url: str, info: LockInfo, done: str) -> Answer:
        answer = client.request(method, url, lock_document(info, self.place))
        if not answer.is_done and answer.status not in LOCKED:
            raise self.refused(answer, done, url)
        return answer

    def _post(self, document: Document) -> None:
        place = self.place
        url = _with_id(place.address, self.lock_id)
        answer = self._client.request(place.update_method, url, encode_document(document))
        if answer.is_done:
            return
        if answer.status in LOCKED:
            holder = lock_of(answer.body)
            if self.lock_id and (holder is None or holder.id != self.lock_id):
                raise self.lose(holder)
            if not self.lock_id:
                raise StateLocked("The state is locked", describe_holder(holder))
        raise self.refused(answer, "written", place.address)

    def _is_stored(self, document: Document) -> bool:
        """Whether the server has a document although it did not say so."""
        try:
            return self.fetch() == document
        except BackendError:
            return False

    def check_lock(self, *, patient: bool = True) -> bool:
        """Ask whether the lock that was taken is still held; not all servers say so by themselves.

        Args:
            patient: Whether to ask again where the server does not answer.

        Returns:
            Whether the server said anything; what it did not say counts as nothing.

        Raises:
            LockLost: If it is not.
        """
        if not self.lock_id:
            return True
        try:
            holder = self.remote_holder(patient=patient)
        except BackendError:
            return False
        if holder is None or holder.id != self.lock_id:
            raise self.lose(holder)
        return True


def replaced_document(found: Document, where: str) -> StateConflict:
    """Return the failure to raise where the server has another document than this run left."""
    return StateConflict(
        "The state was replaced while this run worked",
        f"{where} is not as this run left it: somebody else wrote it at "
        f"{found.posted or 'an unknown time'}, or removed it. Nothing was written to it.",
    )


def check_whole(answer: Answer, where: str) -> None:
    """Check an answer against the digest that the server sent with it, if it did.

    Raises:
        BackendError: If something was lost on the way.
    """
    told = answer.headers.get("content-md5")
    found = base64.b64encode(hashlib.md5(answer.body, usedforsecurity=False).digest()).decode()
    if told and told.strip() != found:
        raise BackendError(
            "The state was damaged on its way",
            f"{where}: the answer does not have the digest that came with it (Content-MD5). Run "
            "the command again; if that does not help, look for a proxy that changes answers.",
        )


def lock_document(info: LockInfo, place: HttpPlace) -> bytes:
    """Return a lock as Terraform sends it; what else we know of the holder goes into `Info`."""
    own = {
        "id": info.id,
        "pid": info.pid,
        "host": info.host,
        "started": info.started,
    }
    return json.dumps(
        {
            "ID": info.id,
            "Operation": info.operation,
            "Info": json.dumps(own, separators=(",", ":")),
            "Who": info.who,
            "Version": info.version,
            "Created": info.created,
            "Path": f"{place.host}:{place.folder}",
        },
        separators=(",", ":"),
    ).encode()


def lock_of(body: bytes) -> LockInfo | None:
    """Return the lock that a server tells of, ours or Terraform's; None where it does not.

    GitLab answers with the holder's id, person and time, and for the rest with what was just sent
    to it: only where `Info` has the id of the lock too, the rest is the holder's.
    """
    try:
        told = json.loads(body)
        lock_id = str(told["ID"])
    except (ValueError, KeyError, TypeError):
        return None
    try:
        own = json.loads(str(told.get("Info") or "{}"))
    except ValueError:
        own = {}
    info = LockInfo(
        id=lock_id,
        operation=str(told.get("Operation", "")),
        who=str(told.get("Who", "")),
        pid=0,
        created=str(told.get("Created", "")),
        version=str(told.get("Version", "")),
    )
    if not isinstance(own, dict) or "id" not in own:
        return info  # Terraform's, or that of another program
    if own["id"] != lock_id:
        return replace(info, operation="", version="")
    pid = own.get("pid")
    return replace(
        info,
        pid=pid if isinstance(pid, int) else 0,
        host=str(own.get("host", "")),
        started=str(own.get("started", "")),
    )


def _with_id(url: str, lock_id: str) -> str:
    if not lock_id:
        return url
    parts = urlsplit(url)
    query = f"{parts.query}&" if parts.query else ""
    return urlunsplit(parts._replace(query=query + urlencode({"ID": lock_id})))
