"""Packages from archives behind URLs, by HTTP."""

from __future__ import annotations

import base64
import hashlib
import http.client
import ssl
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from mlform import __version__
from mlform.config.sources import ArchiveSource, without_password
from mlform.dataclass import dataclass
from mlform.errors import ModuleChanged, ModuleRefused, ModuleUnavailable
from mlform.fetching.limits import DEFAULT_LIMITS, Limits
from mlform.fetching.unpacking import unpack

_CHUNK: Final = 1 << 18
_TELL_EVERY: Final = 10.0
_UNAUTHORIZED: Final = frozenset({401, 403, 407})
_GONE: Final = frozenset({404, 410})


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFetcher:
    """Fetches by HTTP. Certificates are checked; proxies are those of the environment."""

    limits: Limits = DEFAULT_LIMITS

    def fetch(
        self, source: ArchiveSource, folder: Path, *, pinned: str | None, say: Callable[[str], None]
    ) -> str:
        """Fetch the package; see `ModuleFetcher.fetch`. The pin is known before it is unpacked."""
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".download.") as temporary:
            archive = Path(temporary, "archive")
            found = _download(source, archive, self.limits, say)
            _check(source, found, pinned)
            try:
                unpack(archive, source.format, folder, what=source.package, limits=self.limits)
            except OSError as error:
                detail = (
                    f"{source.package} could not be unpacked: {error.strerror or error}. Check the "
                    "free space and that you may write to .mlform."
                )
                raise ModuleUnavailable("A module could not be unpacked", detail) from error
        return found


def _check(source: ArchiveSource, found: str, pinned: str | None) -> None:
    """Compare the digest of an archive with what it should be.

    Raises:
        ModuleChanged: If it is another.
    """
    if source.checksum is not None and found != source.checksum:
        detail = (
            f"{source.package} has the checksum {found}, and the source says {source.checksum}. "
            "Find out why the archive is another. If it is right, write its checksum into the "
            "source."
        )
        raise ModuleChanged("A module has the wrong checksum", detail)
    if pinned is not None and found != pinned:
        detail = (
            f"{source.package} is pinned to {pinned} in .mlform.lock.hcl, and now it is {found}. "
            "The archive was changed: find out why before you trust it. To take what is there "
            'now, run "mlform init -upgrade".'
        )
        raise ModuleChanged("A module is not what was pinned", detail)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never to less security and with no password for another host."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if new.scheme not in {"http", "https"} or (old.scheme, new.scheme) == ("https", "http"):
            message = f"it redirects to {without_password(newurl)}, which is less secure"
            raise urllib.error.URLError(message)
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None and new.netloc != old.netloc:
            request.remove_header("Authorization")
        return request


def _opener() -> urllib.request.OpenerDirector:
    """Return what opens URLs: by HTTP only, not files or FTP."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=ssl.create_default_context()),
        urllib.request.HTTPDefaultErrorHandler(),
        _Redirects(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _request(url: str) -> urllib.request.Request:
    parts = urlsplit(url)
    credentials, at, host = parts.netloc.rpartition("@")
    request = urllib.request.Request(  # noqa: S310 - parse_source allows http and https only
        urlunsplit(parts._replace(netloc=host)), headers={"User-Agent": f"mlform/{__version__}"}
    )
    if at:
        user, _, password = credentials.partition(":")
        token = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    return request


def _download(source: ArchiveSource, path: Path, limits: Limits, say: Callable[[str], None]) -> str:
    """Write the archive to a file; return the digest of its bytes.

    Raises:
        ModuleUnavailable: If it cannot be had.
        ModuleRefused: If it is too large.
    """
    what = source.package
    try:
        with _opener().open(_request(source.url), timeout=limits.silence) as answer:
            return _save(answer, path, what, limits, say)
    except urllib.error.HTTPError as error:
        error.close()
        raise _refused(what, error) from error
    except urllib.error.URLError as error:
        raise _unavailable(what, error.reason) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unavailable(what, error) from error


def _save(
    answer: http.client.HTTPResponse,
    path: Path,
    what: str,
    limits: Limits,
    say: Callable[[str], None],
) -> str:
    length = answer.headers.get("Content-Length", "")
    expected = int(length) if length.isdecimal() else None
    state = hashlib.sha256()
    size = 0
    started = told = time.monotonic()
    with path.open("wb") as stream:
        while True:
            if max(size, expected or 0) > limits.download:
                raise _too_large(what, limits.download)
            chunk = answer.read(_CHUNK)
            if not chunk:
                break
            size += len(chunk)
            state.update(chunk)
            stream.write(chunk)
            now = time.monotonic()
            if now - started > limits.seconds:
                raise _unavailable(what, f"it took longer than {limits.seconds:.0f} seconds")
            if now - told >= _TELL_EVERY:
                told = now
                say(f"Still downloading {what}... [{now - started:.0f}s elapsed]")
    if expected is not None and size < expected:
        raise _unavailable(what, f"the connection broke after {size:,} of {expected:,} bytes")
    return f"sha256:{state.hexdigest()}"


def _too_large(what: str, most: int) -> ModuleRefused:
    detail = (
        f"{what} is larger than {most:,} bytes, the most that mlform downloads for a module. "
        "Modules are configuration and code: keep data elsewhere."
    )
    return ModuleRefused("Module package is too large", detail)


def _refused(what: str, error: urllib.error.HTTPError) -> ModuleUnavailable:
    hint = "Try again later, or ask whoever runs the server."
    if error.code in _GONE:
        hint = "Check the URL: there is no such file. A private file may be shown so as well."
    elif error.code in _UNAUTHORIZED:
        hint = "The server wants to know who you are: write https://USER:TOKEN@HOST/… as source."
    detail = f"{what} cannot be fetched: the server answers {error.code} {error.reason}. {hint}"
    return ModuleUnavailable("A module could not be downloaded", detail)


def _unavailable(what: str, reason: object) -> ModuleUnavailable:
    hint = "Check the name of the host, the network, and the proxy if you use one."
    if isinstance(reason, ssl.SSLCertVerificationError):
        why = reason.verify_message
        hint = "The certificate of the server is not trusted; SSL_CERT_FILE names further ones."
    elif isinstance(reason, TimeoutError):
        why = "the server does not answer in time"
    elif isinstance(reason, OSError) and reason.strerror:
        why = reason.strerror
    else:
        why = str(reason)
    detail = f"{what} cannot be fetched: {why}. {hint}"
    return ModuleUnavailable("A module could not be downloaded", detail)
