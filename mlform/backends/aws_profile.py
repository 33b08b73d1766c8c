"""Credentials of AWS from the files that its own programs keep them in.

`obstore` knows the variables of the environment and the roles of machines; it does not read
`~/.aws`. Profiles with plain keys are read here. Those that must be asked for (single sign-on, a
program, another role) are left to `boto3`, if it is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

from mlform.dataclass import dataclass, field
from mlform.errors import UsageError

_DEFAULT: Final = "default"
_AHEAD: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""Where these are set, a profile counts only if it is asked for."""
_PLAIN: Final[Mapping[str, str]] = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
}
_ASKED_FOR: Final = ("credential_process", "sso_session", "sso_start_url", "role_arn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a profile says.

    Attributes:
        config: By the names that `obstore` has.
        provider: Asks for credentials when they are needed, or None.
    """

    config: Mapping[str, str] = field(default_factory=dict)
    provider: object = None


def find_profile(name: str, variables: Mapping[str, str]) -> Profile:
    """Return what the profile of a name says; the usual one where none is named.

    Args:
        name: As configured, or empty.
        variables: The process environment.

    Raises:
        UsageError: If it was named and is not there, or cannot be used.
    """
    named = name or variables.get("AWS_PROFILE", "") or variables.get("AWS_DEFAULT_PROFILE", "")
    has_other = any(variables.get(variable) for variable in _AHEAD)
    if has_other and not name:
        return Profile()
    told = _told(named or _DEFAULT, variables)
    if named and not told:
        places = " and ".join(str(path) for path, _ in _files(named, variables))
        raise UsageError(
            "There is no such profile",
            f'Neither of {places} has a profile "{named}". Correct profile in the backend block, '
            "or AWS_PROFILE.",
        )
    config = {key: told[name] for name, key in _PLAIN.items() if name in told}
    if "region" in told and not (
        variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION")
    ):
        config["region"] = told["region"]
    if "endpoint_url" in told and not variables.get("AWS_ENDPOINT_URL"):
        config["endpoint"] = told["endpoint_url"]
    if "access_key_id" not in config and any(key in told for key in _ASKED_FOR):
        return Profile(config=config, provider=_asking(named or _DEFAULT))
    return Profile(config=config)


def _told(name: str, variables: Mapping[str, str]) -> dict[str, str]:
    told: dict[str, str] = {}
    for path, section in _files(name, variables):
        if path.is_file():
            told |= _section(path, section)
    return told


def _section(path: Path, section: str) -> dict[str, str]:
    from configparser import ConfigParser, Error

    parser = ConfigParser(interpolation=None, default_section="")
    try:
        parser.read(path, encoding="utf-8")
    except (OSError, Error, UnicodeDecodeError) as problem:
        raise UsageError(
            "The profiles of AWS cannot be read",
            f"{path} is not as AWS's programs write it. Correct it, or set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY.",
        ) from problem
    return dict(parser.items(section)) if parser.has_section(section) else {}


def _files(name: str, variables: Mapping[str, str]) -> tuple[tuple[Path, str], ...]:
    """Return the files, the one that counts last, each with the name of the section."""
    home = Path(variables.get("HOME", "")) / ".aws"
    return (
        (
            Path(variables.get("AWS_CONFIG_FILE") or home / "config"),
            name if name == _DEFAULT else f"profile {name}",
        ),
        (Path(variables.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials"), name),
    )


def _asking(name: str) -> object:
    try:
        boto3 = import_module("boto3")
        providers = import_module("obstore.auth.boto3")
    except ImportError as problem:
        raise UsageError(
            "A profile of AWS needs boto3",
            f'The profile "{name}" gets its credentials from somewhere else. Install boto3 beside '
            "mlform, or set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.",
        ) from problem
    return providers.Boto3CredentialProvider(boto3.Session(profile_name=name))
