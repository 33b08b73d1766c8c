"""From the arguments of a backend block to an object store: address, credentials, patience."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from mlform.backends.aws_profile import Profile, find_profile
from mlform.backends.object_errors import Place
from mlform.backends.objects import StoredObjects
from mlform.dataclass import replace
from mlform.errors import UsageError

if TYPE_CHECKING:  # only those who keep their state there load it
    from obstore.store import ClientConfig, ObjectStore, RetryConfig, S3Config, S3CredentialProvider

_KEYS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "s3": {
            "region": "region",
            "endpoint": "endpoint",
            "access_key": "access_key_id",
            "secret_key": "secret_access_key",
            "token": "session_token",
        },
        "gcs": {"endpoint": "base_url", "token": "bearer_token"},
        "azure": {
            "endpoint": "endpoint",
            "account": "account_name",
            "account_key": "account_key",
            "sas_token": "sas_key",
            "tenant_id": "tenant_id",
            "client_id": "client_id",
            "client_secret": "client_secret",
        },
    }
)
"""What `obstore` calls the arguments, by provider."""
_ALSO: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"s3": ("profile",), "gcs": ("credentials",), "azure": ()}
)
_EVERYWHERE: Final = ("url", "options")
_NAMES: Final = MappingProxyType(
    {"s3": "S3", "gcs": "Google Cloud Storage", "azure": "Azure Blob Storage"}
)
_SECRETS: Final = (
    "access_key",
    "secret_key",
    "token",
    "account_key",
    "sas_token",
    "client_secret",
)
_SECRET_VARIABLES: Final = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "GOOGLE_BEARER_TOKEN",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TOKEN",
    "AZURE_CLIENT_SECRET",
)
_ENDPOINT_VARIABLES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
        "gcs": ("GOOGLE_BASE_URL",),
        "azure": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
    }
)
_CONNECT: Final = timedelta(seconds=5)
_REQUEST: Final = timedelta(seconds=60)
_RETRIES: Final = 8
"""With pauses that grow from 0.1 to 5 seconds; Google wants one object changed once a second."""


def open_objects(
    arguments: Mapping[str, object], *, variables: Mapping[str, str], folder: Path
) -> StoredObjects:
    """Open the objects of a store; see `open_store`."""
    return StoredObjects(*open_store(arguments, variables=variables, folder=folder))


def open_store(
    arguments: Mapping[str, object], *, variables: Mapping[str, str], folder: Path
) -> tuple[ObjectStore, Place]:
    """Open an object store; nothing is asked of it yet.

    Args:
        arguments: Of the backend block.
        variables: The process environment, which `obstore` reads too.
        folder: Names of files are relative to it.

    Returns:
        The store, and what to say of it.

    Raises:
        UsageError: If the arguments do not fit each other, or are refused.
    """
    from obstore.exceptions import BaseError
    from obstore.store import from_url

    url = _checked_url(str(arguments.get("url") or ""))
    provider = _provider(url)
    _check_arguments(arguments, provider)
    config = {
        key: str(arguments[name]) for name, key in _KEYS[provider].items() if arguments.get(name)
    }
    config |= _google_credentials(arguments, folder)
    config |= _options(arguments)
    found = _profile(arguments, provider, variables)
    config = {**found.config, **config}
    endpoint = config.get("endpoint") or config.get("base_url") or _from(variables, provider)
    secrets = (
        *(str(arguments[name]) for name in _SECRETS if arguments.get(name)),
        *_options(arguments).values(),
        *(variables[name] for name in _SECRET_VARIABLES if variables.get(name)),
        *(found.config.get(name, "") for name in ("secret_access_key", "session_token")),
        config.get("service_account_key", ""),
    )
    place = Place(url=url, provider=provider, endpoint=endpoint, secrets=secrets)
    try:
        # What the keys are is checked by obstore; its types know those of one provider only.
        store = from_url(
            url,
            config=cast("S3Config", config),
            client_options=_client(endpoint, provider, variables),
            retry_config=_patience(),
            credential_provider=cast("S3CredentialProvider | None", found.provider),
        )
    except (BaseError, ValueError, TypeError) as problem:
        reason = place.without_secrets(str(problem).partition("\n\nDebug source")[0])
        raise UsageError(
            "The object store cannot be used as configured",
            f'{url}: {" ".join(reason.split())}. Correct the block backend "object_store", '
            "or the variables of the environment that belong to it.",
        ) from problem
    named = cast("Mapping[str, str]", getattr(store, "config", {}))
    bucket = named.get("bucket") or named.get("container_name") or ""
    return store, replace(place, bucket=bucket)


def _checked_url(url: str) -> str:
    if not url:
        raise UsageError(
            "The object store has no address",
            'Set url in the block backend "object_store", such as url = "s3://bucket/project".',
        )
    parts = urlsplit(url)
    if parts.query or parts.fragment or parts.password:
        raise UsageError(
            "The address of the object store holds more than an address",
            "Leave user names, keys and what follows a question mark out of url; there are "
            "arguments of their own for credentials, such as sas_token.",
        )
    return url.rstrip("/")


def _provider(url: str) -> str:
    from obstore import parse_scheme
    from obstore.exceptions import BaseError

    try:
        provider = parse_scheme(url)
    except (BaseError, ValueError):
        provider = "local"
    if provider not in _KEYS:
        raise UsageError(
            "The address is not one of an object store",
            f'url = "{url}": give s3://bucket/prefix, gs://bucket/prefix or az://container/prefix '
            "(with account), or the address of a bucket at amazonaws.com or of a container at "
            "windows.net. A store that speaks S3 is s3://bucket/prefix with its endpoint.",
        )
    return provider


def _check_arguments(arguments: Mapping[str, object], provider: str) -> None:
    known = (*_EVERYWHERE, *_KEYS[provider], *_ALSO[provider])
    other = [name for name, value in arguments.items() if value and name not in known]
    if other:
        raise UsageError(
            "An argument belongs to another object store",
            f"{', '.join(sorted(other))}: not of {_NAMES[provider]}, which the url names. Known "
            f"here are {', '.join(known)}.",
        )


def _google_credentials(arguments: Mapping[str, object], folder: Path) -> dict[str, str]:
    """Return credentials that are given as the name of a file, or as what it holds."""
    given = str(arguments.get("credentials") or "")
    if not given:
        return {}
    if given.lstrip().startswith("{"):
        return {"service_account_key": given}
    return {"application_credentials": str(folder / Path(given).expanduser())}


def _options(arguments: Mapping[str, object]) -> dict[str, str]:
    options = arguments.get("options")
    if not isinstance(options, Mapping):
        return {}
    return {str(name): str(value) for name, value in options.items() if value is not None}


def _profile(
    arguments: Mapping[str, object], provider: str, variables: Mapping[str, str]
) -> Profile:
    if provider != "s3" or arguments.get("access_key"):
        return Profile()
    return find_profile(str(arguments.get("profile") or ""), variables)


def _from(variables: Mapping[str, str], provider: str) -> str:
    given = (variables.get(name) for name in _ENDPOINT_VARIABLES[provider])
    return next((endpoint for endpoint in given if endpoint), "")


def _client(endpoint: str, provider: str, variables: Mapping[str, str]) -> ClientConfig:
    client: ClientConfig = {"connect_timeout": _CONNECT, "timeout": _REQUEST}
    if endpoint.startswith("http://"):
        client["allow_http"] = True
    bundle = variables.get("AWS_CA_BUNDLE")
    if bundle and provider == "s3" and not endpoint.startswith("http://"):
        try:
            client["root_certificate"] = Path(bundle).read_bytes()
        except OSError as problem:
            raise UsageError(
                "The certificates cannot be read",
                f"AWS_CA_BUNDLE names {bundle}: {problem.strerror}. Correct or unset it.",
            ) from problem
    return client


def _patience() -> RetryConfig:
    return {
        "max_retries": _RETRIES,
        "retry_timeout": _REQUEST,
        "backoff": {
            "init_backoff": timedelta(seconds=0.1),
            "max_backoff": timedelta(seconds=5),
            "base": 2,
        },
    }
