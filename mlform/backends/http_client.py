"""Requests over HTTP: on one connection that is kept, again where they fail, by proxies and TLS."""

from __future__ import annotations

import base64
import hashlib
import http.client
import ssl
import tempfile
import threading
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from mlform import __version__
from mlform.dataclass import dataclass, field
from mlform.errors import BackendError

_HOPS: Final = 5
_MOVED_WITH_METHOD: Final = frozenset({307, 308})
_MOVED: Final = frozenset({301, 302, 303})
_TOO_MANY_REQUESTS: Final = 429
_NOT_IMPLEMENTED: Final = 501
_SERVER_ERROR: Final = 500
_TOLD: Final = 300
"""Characters of an answer that a message repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """How requests are made.

    Attributes:
        username: For basic authentication; none where it is empty.
        password: The same.
        headers: Sent with every request.
        verify: Whether the certificate of the server is checked.
        ca_pem: Certificates to check it by; those of the system where it is empty.
        certificate_pem: Of this client, for a server that asks for one.
        key_pem: Its private key.
        retries: How often a request that failed is made again.
        wait_min: Seconds before the first of these; each next one waits twice as long.
        wait_max: Seconds at most.
        silence: Seconds without a byte after which a server is given up.
        variables: The process environment, for proxies.
    """

    username: str = ""
    password: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    verify: bool = True
    ca_pem: str = ""
    certificate_pem: str = ""
    key_pem: str = ""
    retries: int = 2
    wait_min: float = 1.0
    wait_max: float = 30.0
    silence: float = 60.0
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server answered.

    Attributes:
        status: The HTTP status.
        body: What it sent.
        headers: By name in small letters.
    """

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def is_done(self) -> bool:
        """Whether it says that it did what it was asked for; a web page does not say so."""
        return self.status in {200, 201, 204} and not self.is_page

    @property
    def is_page(self) -> bool:
        """Whether it is a page for people, such as one to sign in."""
        return "html" in self.headers.get("content-type", "") or self.body.lstrip()[:1] == b"<"


class HttpClient:
    """Makes requests; may be used from several threads, one request at a time."""

    def __init__(self, settings: HttpSettings) -> None:
        """Take settings; nothing is connected yet."""
        self._settings = settings
        self._mutex = threading.Lock()
        self._connection: http.client.HTTPConnection | None = None
        self._origin = ""
        self._tls: ssl.SSLContext | None = None

    def request(self, method: str, url: str, body: bytes | None = None) -> Answer:
        """Make a request; where it fails for a while, again.

        Args:
            method: Any word.
            url: With or without a user and password in it.
            body: JSON to send.

        Raises:
            BackendError: If the server cannot be reached.
        """
        with self._mutex:
            attempt = 0
            while True:
                last = attempt >= self._settings.retries
                try:
                    answer = self._follow(method, url, body)
                except (OSError, http.client.HTTPException) as problem:
                    self._drop()
                    if last or isinstance(problem, ssl.SSLCertVerificationError):
                        raise unreachable(url, self.without_secrets(_reason(problem))) from None
                    answer = None
                if answer is not None and (last or not _is_passing(answer.status)):
                    return answer
                time.sleep(self._wait(attempt, answer))
                attempt += 1

    def close(self) -> None:
        """Close the connection; the next request makes a new one."""
        with self._mutex:
            self._drop()

    def without_secrets(self, text: str) -> str:
        """Return a text in one line, with everything taken out that lets somebody in."""
        settings = self._settings
        for secret in (settings.password, *settings.headers.values()):
            if secret:
                text = text.replace(secret, "(hidden)")
        return " ".join(text.split())[:_TOLD]

    def _wait(self, attempt: int, answer: Answer | None) -> float:
        told = "" if answer is None else answer.headers.get("retry-after", "")
        wait = float(told) if told.isdecimal() else self._settings.wait_min * 2**attempt
        return min(wait, self._settings.wait_max)

    def _follow(self, method: str, url: str, body: bytes | None) -> Answer:
        first = urlsplit(url)
        for _ in range(_HOPS):
            answer = self._exchange(method, url, body, trusted=_same_origin(first, urlsplit(url)))
            location = answer.headers.get("location", "")
            follows = answer.status in _MOVED_WITH_METHOD or (
                answer.status in _MOVED and method == "GET"
            )
            if not follows or not location:
                return answer
            url = urljoin(url, location)
            if urlsplit(url).scheme != "https" and first.scheme == "https":
                raise http.client.HTTPException(f"it redirects to {shown(url)}, which is less safe")
        raise http.client.HTTPException("it redirects again and again")

    def _exchange(self, method: str, url: str, body: bytes | None, *, trusted: bool) -> Answer:
        """Make a request once; a kept connection that the server closed meanwhile is no failure."""
        was_open = self._is_open(url)
        try:
            return self._send(method, url, body, trusted=trusted)
        except (ConnectionError, http.client.RemoteDisconnected):
            self._drop()
            if not was_open:
                raise
            return self._send(method, url, body, trusted=trusted)

    def _send(self, method: str, url: str, body: bytes | None, *, trusted: bool) -> Answer:
        parts = urlsplit(url)
        connection, by_proxy = self._connect(parts)
        headers = self._headers(parts, body, trusted=trusted)
        target = parts.path or "/"
        if parts.query:
            target += f"?{parts.query}"
        if by_proxy and parts.scheme == "http":
            target = f"http://{_host(parts)}{target}"
            headers |= by_proxy
        connection.request(method, target, body=body, headers=headers)
        response = connection.getresponse()
        content = response.read()
        found = {name.lower(): value for name, value in response.getheaders()}
        if response.will_close:
            self._drop()
        return Answer(status=response.status, body=content, headers=found)

    def _headers(self, parts: SplitResult, body: bytes | None, *, trusted: bool) -> dict[str, str]:
        """Return the headers of a request; what lets us in goes to the server that was named."""
        headers = {"Host": _host(parts), "User-Agent": f"mlform/{__version__}"}
        if body is not None:
            digest = hashlib.md5(body, usedforsecurity=False).digest()
            headers["Content-Type"] = "application/json"
            headers["Content-MD5"] = base64.b64encode(digest).decode()
        if trusted:
            headers.update(self._settings.headers)
            user = self._settings.username or unquote(parts.username or "")
            password = self._settings.password or unquote(parts.password or "")
            if user:
                headers["Authorization"] = _basic(user, password)
        return headers

    def _is_open(self, url: str) -> bool:
        return self._connection is not None and self._origin == _origin(urlsplit(url))

    def _connect(self, parts: SplitResult) -> tuple[http.client.HTTPConnection, dict[str, str]]:
        """Return a connection to a server or its proxy, and what the proxy wants to be sent."""
        proxy = self._proxy(parts)
        wanted = {}
        if proxy is not None and proxy.username:
            token = _basic(unquote(proxy.username), unquote(proxy.password or ""))
            wanted["Proxy-Authorization"] = token
        by_proxy = {} if proxy is None else {"Proxy-Connection": "keep-alive", **wanted}
        if self._connection is not None and self._origin == _origin(parts):
            return self._connection, by_proxy
        self._drop()
        at = parts if proxy is None else proxy
        silence = self._settings.silence
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(
                at.hostname or "", at.port, timeout=silence, context=self._context()
            )
            if proxy is not None:
                connection.set_tunnel(parts.hostname or "", parts.port or 443, headers=wanted)
        else:
            connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=silence)
        self._connection, self._origin = connection, _origin(parts)
        return connection, by_proxy

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _proxy(self, parts: SplitResult) -> SplitResult | None:
        """Return the proxy that the environment names for a server."""
        told: dict[str, str] = {}
        for name, value in sorted(self._settings.variables.items()):  # small letters come last
            if name.lower().endswith("_proxy") and value:
                told[name.lower().removesuffix("_proxy")] = value
        if parts.scheme not in told or _goes_by(parts, told.get("no", "")):
            return None
        address = told[parts.scheme]
        return urlsplit(address if "://" in address else f"http://{address}")

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = _tls_context(self._settings)
        return self._tls


def _tls_context(settings: HttpSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=settings.ca_pem or None)
    except (ssl.SSLError, ValueError):
        raise _no_pem("client_ca_certificate_pem", "certificates") from None
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.certificate_pem:
        # OpenSSL takes a certificate from files only. They are for this user's eyes.
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(f"{settings.certificate_pem}\n{settings.key_pem}\n".encode())
            file.flush()
            try:
                context.load_cert_chain(file.name, password=lambda: "")
            except (ssl.SSLError, ValueError):
                names = "client_certificate_pem and client_private_key_pem"
                raise _no_pem(names, "a certificate and its key, without passphrase") from None
    return context


def _no_pem(names: str, what: str) -> BackendError:
    return BackendError(
        "The certificates for the server of the state cannot be used",
        f"{names} must hold {what} in PEM, the text and not the name of a file; use file() to "
        "read one.",
    )


def unreachable(url: str, reason: str) -> BackendError:
    """Return the failure to raise where a server cannot be reached."""
    return BackendError(
        "The server of the state cannot be reached",
        f"{shown(url)}: {reason.rstrip('.')}. Check the address, the network, its proxies "
        "(HTTPS_PROXY, NO_PROXY) and certificates, and run the command again.",
    )


def shown(url: str) -> str:
    """Return a URL for people: without user, password and query, which may be secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{_host(parts)}{parts.path}"


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _goes_by(parts: SplitResult, exceptions: str) -> bool:
    """Whether a server is one of those for which there is no proxy."""
    host = parts.hostname or ""
    for each in exceptions.split(","):
        name = each.strip().lower().lstrip(".")
        if name == "*" or (name and name in {host, _host(parts).lower()}):
            return True
        if name and host.endswith(f".{name}"):
            return True
    return False


def _origin(parts: SplitResult) -> str:
    return f"{parts.scheme}://{_host(parts)}"


def _same_origin(first: SplitResult, other: SplitResult) -> bool:
    return _origin(first) == _origin(other)


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _is_passing(status: int) -> bool:
    """Whether another try may have another outcome."""
    if status == _TOO_MANY_REQUESTS:
        return True
    return status >= _SERVER_ERROR and status != _NOT_IMPLEMENTED


def _reason(problem: Exception) -> str:
    match problem:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not to be trusted ({problem.verify_message})"
        case ssl.SSLError(reason="WRONG_VERSION_NUMBER"):
            return "it does not speak TLS there: perhaps its address begins with http://"
        case TimeoutError():
            return "it does not answer"
        case http.client.RemoteDisconnected():
            return "it closed the connection without an answer"
        case OSError():
            return problem.strerror or str(problem) or type(problem).__name__
        case _:
            return str(problem) or type(problem).__name__
