"""What an object store refuses or fails at, said so that it can be mended.

The exceptions of `obstore` hold the answer of the store as text. Nothing of it is passed on but
the store's own code and sentence, and secrets are cut out of those.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from mlform.dataclass import dataclass
from mlform.errors import BackendError

_HIDDEN: Final = "(hidden)"
_SHORTEST_SECRET: Final = 4
_LONGEST_REASON: Final = 300
_SIGNATURE: Final = re.compile(r"(?i)\b(sig|signature|x-amz-[a-z-]+|token)=[^&\s\"<]+")
_STATUS: Final = re.compile(r"status code: (\d{3})")
_CODE: Final = re.compile(r"<Code>\s*(\w+)\s*</Code>")
_MESSAGE: Final = re.compile(r"<Message>\s*(.*?)\s*(?:</Message>|RequestId:)", re.DOTALL)
_NOT_SENT: Final = "error sending request"
"""All that `obstore` says by itself where no connection came about."""
_SYSTEM: Final = re.compile(r'\b(?:message|error): "([^"]+)"')
_CERTIFICATE: Final = re.compile(r"InvalidCertificate\((?:[\s(]|Other|OtherError)*(\w+)")

_NO_BUCKET: Final = frozenset({"NoSuchBucket", "ContainerNotFound", "FilesystemNotFound"})
_NOT_ACCEPTED: Final = frozenset(
    {
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "TokenRefreshRequired",
        "InvalidToken",
        "AuthFailure",
        "InvalidClientTokenId",
        "AuthenticationFailed",
        "AuthorizationFailure",
        "InvalidAuthenticationInfo",
        "NoAuthenticationInformation",
    }
)
_WRONG_REGION: Final = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
)
_TOO_MANY: Final = frozenset({"SlowDown", "ServerBusy", "TooManyRequests", "RequestLimitExceeded"})
_NO_CREDENTIALS: Final = (
    "token request",
    "Missing credentials",
    "No credentials",
    "Failed to get credentials",
    "instance credentials",
    # Where machines are asked for their role, which is the last thing tried.
    "/latest/api/token",
    "/latest/meta-data/",
    "169.254.169.254",
    "computeMetadata",
)


class Absent(Exception):
    """There is no such object."""


class Refused(Exception):
    """The object has not the version that was named."""


class Unheard(BackendError):
    """The store gave no answer: what was asked of it may have been done, or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What to say of a store.

    Attributes:
        url: Of the folder in the bucket, such as `s3://bucket/project`; holds no secret.
        provider: `s3`, `gcs` or `azure`.
        bucket: Name of the bucket, or container.
        endpoint: Where it answers, if not at the provider's own address.
        secrets: Values that are never shown.
    """

    url: str
    provider: str
    bucket: str = ""
    endpoint: str = ""
    secrets: tuple[str, ...] = ()

    def of(self, key: str) -> str:
        """Return where a key is, for people."""
        return f"{self.url}/{key}" if key else self.url

    def without_secrets(self, text: str) -> str:
        """Return a text that may have come from outside, fit to be shown."""
        for secret in self.secrets:
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, _HIDDEN)
        return _SIGNATURE.sub(rf"\1={_HIDDEN}", text)


@contextmanager
def translated(place: Place, done: str, key: str) -> Iterator[None]:
    """Turn the exceptions of `obstore` into ours.

    Args:
        place: Where it is.
        done: What was tried, such as `read`.
        key: Of the object, or a folder of keys.

    Raises:
        Absent: If there is no such object.
        Refused: If it has another version.
        BackendError: If the store refuses or fails.
    """
    from obstore import exceptions

    try:
        yield
    except (exceptions.AlreadyExistsError, exceptions.PreconditionError) as problem:
        answer = _Answer(problem)
        if answer.code in _NO_BUCKET:
            raise _failure(place, done, key, answer) from problem
        raise Refused from problem
    except FileNotFoundError as problem:
        answer = _Answer(problem)
        if answer.code in _NO_BUCKET or "specified bucket does not exist" in answer.text:
            raise _no_bucket(place) from problem
        raise Absent from problem
    except (exceptions.BaseError, OSError, ValueError) as problem:
        raise _failure(place, done, key, _Answer(problem)) from problem


class _Answer:
    """What the text of an exception tells."""

    def __init__(self, problem: BaseException) -> None:
        self.kind = type(problem).__name__
        self.text, _, self._debug = str(problem).partition("\n\nDebug source")
        status, code = _STATUS.search(self.text), _CODE.search(self.text)
        self.status = int(status[1]) if status is not None else 0
        self.code = code[1] if code is not None else ""

    def reason(self, place: Place) -> str:
        """Return the store's own words."""
        message = _MESSAGE.search(self.text)
        if message is not None:
            words = f"{self.code}: {message[1]}" if self.code else message[1]
        else:
            # After the address and what it was tried with come the words of the store.
            words = self.text.rpartition(" - ")[2] or self.text
        words = " ".join(words.split())
        if words.endswith(_NOT_SENT):
            words = self._cause() or words
        words = place.without_secrets(words).rstrip(".")
        return words if len(words) <= _LONGEST_REASON else f"{words[:_LONGEST_REASON]}…"

    def _cause(self) -> str:
        """Return why no connection came about; empty where nothing tells."""
        certificate, system = _CERTIFICATE.search(self._debug), _SYSTEM.search(self._debug)
        if certificate is not None:
            return f"its certificate is not to be trusted: {certificate[1]}"
        if "InvalidContentType" in self._debug:
            return "it does not speak TLS there: perhaps its address begins with http://"
        if "kind: Timeout" in self._debug:
            return "it does not answer in time"
        return "" if system is None else system[1]


def _failure(place: Place, done: str, key: str, answer: _Answer) -> BackendError:
    where, reason = place.of(key), answer.reason(place)
    if answer.code in _NO_BUCKET:
        return _no_bucket(place)
    if any(words in answer.text for words in _NO_CREDENTIALS):
        return BackendError(
            "There are no credentials for the object store",
            f"{where}: {reason}. {_where_credentials_come_from(place.provider)}",
        )
    if answer.code in _WRONG_REGION or "incorrectly configured region" in answer.text:
        return BackendError(
            "The bucket is in another region",
            f"{where}: {reason}. Set region in the backend block, or AWS_REGION, to the region "
            f'of the bucket "{place.bucket}".',
        )
    if _is_not_accepted(answer):
        return BackendError(
            "The object store does not accept the credentials",
            f"{where}: {reason}. They are wrong, expired, or of another account. "
            f"{_where_credentials_come_from(place.provider)}",
        )
    if answer.kind == "PermissionDeniedError" or answer.status == 403:  # noqa: PLR2004 - HTTP
        return BackendError(
            "The object store does not permit it",
            f"{where} cannot be {done}: {reason}. Whoever runs mlform must be allowed to list "
            f"what is below {place.url}, and to read, write and remove it.",
        )
    return _unavailable(place, done, where, answer)


def _unavailable(place: Place, done: str, where: str, answer: _Answer) -> BackendError:
    reason = answer.reason(place)
    if answer.status in {429, 503} or answer.code in _TOO_MANY:
        return Unheard(
            "The object store is asked too much",
            f"{where} cannot be {done}: {reason}. It was tried again several times. Run the "
            "command again later.",
        )
    if answer.status == 501:  # noqa: PLR2004 - HTTP
        return conditions_ignored(place, f"It answers: {reason}.")
    if answer.status >= 500 or "HTTP error" in answer.text:  # noqa: PLR2004 - HTTP
        at = f" at {place.endpoint}" if place.endpoint else ""
        return Unheard(
            "The object store cannot be reached",
            f"{where} cannot be {done}: no useful answer{at} ({reason}). It was tried several "
            "times. Check the network, the proxy, and endpoint and region in the backend block.",
        )
    return BackendError(
        f"The state cannot be {done}",
        f"{where}: {reason}. Check url and the other arguments of the backend block.",
    )


def _is_not_accepted(answer: _Answer) -> bool:
    return (
        answer.code in _NOT_ACCEPTED
        or answer.kind == "UnauthenticatedError"
        or answer.status == 401  # noqa: PLR2004 - HTTP
    )


def _no_bucket(place: Place) -> BackendError:
    at = f" at {place.endpoint}" if place.endpoint else ""
    what = "container" if place.provider == "azure" else "bucket"
    return BackendError(
        f"The {what} of the state is missing",
        f'There is no {what} "{place.bucket}"{at}, which {place.url} names. Make it, or correct '
        "url in the backend block; mlform makes none.",
    )


def _where_credentials_come_from(provider: str) -> str:
    match provider:
        case "s3":
            return (
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN where "
                "there is one), or profile in the backend block, or give this machine a role."
            )
        case "gcs":
            return (
                "Set GOOGLE_APPLICATION_CREDENTIALS to a file of credentials, or credentials in "
                'the backend block, or run "gcloud auth application-default login".'
            )
        case _:
            return (
                "Set AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or "
                "AZURE_STORAGE_SAS_TOKEN, or account and tenant_id, client_id, client_secret in "
                "the backend block, or give this machine an identity."
            )


def conditions_ignored(place: Place, found: str) -> BackendError:
    """Return the failure to raise where a store does not do what keeps two runs apart."""
    at = f" at {place.endpoint}" if place.endpoint else ""
    return BackendError(
        "The object store cannot keep two runs apart",
        f"{place.url}{at} does not write on condition that nobody else has written (If-Match and "
        f"If-None-Match). {found} So two runs could hold the lock at once, and one would undo "
        "what the other did. Nothing was written. Use a store that has such writes (AWS S3, "
        "Google Cloud Storage, Azure Blob Storage, MinIO, Cloudflare R2), or another backend.",
    )
