"""Addresses, credentials and profiles of object stores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from obstore.store import AzureStore, GCSStore, S3Store

from mlform.backends import aws_profile
from mlform.backends.aws_profile import find_profile
from mlform.backends.object_settings import open_objects, open_store
from mlform.errors import UsageError

CREDENTIALS = """
[default]
aws_access_key_id = usual
aws_secret_access_key = usual-secret

[lab]
aws_access_key_id = of-the-lab
aws_secret_access_key = secret%of-the-lab
aws_session_token = token
"""
CONFIG = """
[default]
region = eu-west-1

[profile lab]
region = eu-north-1
endpoint_url = http://127.0.0.1:9

[profile borrowed]
role_arn = arn:aws:iam::1:role/x
source_profile = lab
"""


@pytest.fixture
def home(tmp_path: Path) -> Mapping[str, str]:
    """The variables of somebody who has profiles."""
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(CREDENTIALS)
    (folder / "config").write_text(CONFIG)
    return {"HOME": str(tmp_path)}


@pytest.mark.parametrize(
    ("url", "store", "config", "prefix"),
    [
        ("s3://bucket/a/b/", S3Store, {"bucket": "bucket"}, "a/b"),
        ("s3a://bucket", S3Store, {"bucket": "bucket"}, None),
        (
            "https://bucket.s3.eu-west-1.amazonaws.com/a",
            S3Store,
            {"bucket": "bucket", "region": "eu-west-1"},
            "a",
        ),
        ("gs://bucket/a", GCSStore, {"bucket": "bucket"}, "a"),
        ("az://box/a", AzureStore, {"container_name": "box", "account_name": "lab"}, "a"),
        ("abfss://box/a", AzureStore, {"container_name": "box", "account_name": "lab"}, "a"),
        (
            "abfs://box@lab.dfs.core.windows.net/a",
            AzureStore,
            {"container_name": "box", "account_name": "lab"},
            "a",
        ),
        (
            "https://lab.blob.core.windows.net/box/a",
            AzureStore,
            {"container_name": "box", "account_name": "lab"},
            "a",
        ),
    ],
)
def test_addresses(
    url: str, store: type[object], config: dict[str, str], prefix: str | None
) -> None:
    arguments = {"url": url, **({"account": "lab"} if store is AzureStore else {})}
    opened, place = open_store(arguments, variables={}, folder=Path())
    assert isinstance(opened, store)
    assert isinstance(opened, (S3Store, GCSStore, AzureStore))
    assert opened.prefix == prefix
    assert {name: opened.config.get(name) for name in config} == config
    assert place.url == url.rstrip("/")
    assert place.bucket in {"bucket", "box"}


def test_arguments_and_options_reach_the_store(tmp_path: Path) -> None:
    arguments = {
        "url": "s3://bucket",
        "endpoint": "http://127.0.0.1:9",
        "region": "eu-west-1",
        "access_key": "a",
        "secret_key": "b",
        "token": "c",
        "options": {"sse_kms_key_id": "k", "server_side_encryption": "aws:kms"},
    }
    opened, place = open_store(arguments, variables={}, folder=tmp_path)
    assert isinstance(opened, S3Store)
    assert dict(opened.config) == {
        "bucket": "bucket",
        "endpoint": "http://127.0.0.1:9",
        "region": "eu-west-1",
        "access_key_id": "a",
        "secret_access_key": "b",
        "session_token": "c",
        "sse_kms_key_id": "k",
        "server_side_encryption": "aws:kms",
    }
    assert opened.client_options is not None
    assert opened.client_options["allow_http"]
    assert place.endpoint == "http://127.0.0.1:9"
    assert {"a", "b", "c", "k"} <= set(place.secrets)


def test_only_who_says_http_gets_it() -> None:
    opened, _ = open_store({"url": "s3://bucket"}, variables={}, folder=Path())
    assert isinstance(opened, S3Store)
    assert opened.client_options is not None
    assert "allow_http" not in opened.client_options
    variables = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    opened, place = open_store({"url": "s3://bucket"}, variables=variables, folder=Path())
    assert isinstance(opened, S3Store)
    assert opened.client_options is not None
    assert opened.client_options["allow_http"]
    assert place.endpoint == "http://127.0.0.1:9"


def test_certificates_of_ones_own(tmp_path: Path) -> None:
    variables = {"AWS_CA_BUNDLE": str(tmp_path / "absent.pem")}
    with pytest.raises(UsageError, match=r"absent\.pem"):
        open_objects({"url": "s3://bucket"}, variables=variables, folder=tmp_path)


def test_a_profile_is_taken_where_nothing_else_is_given(home: Mapping[str, str]) -> None:
    opened, _ = open_store({"url": "s3://bucket"}, variables=home, folder=Path())
    assert isinstance(opened, S3Store)
    assert opened.config["access_key_id"] == "usual"
    assert opened.config["region"] == "eu-west-1"
    arguments = {"url": "s3://bucket", "profile": "lab", "region": "eu-west-3"}
    opened, place = open_store(arguments, variables=home, folder=Path())
    assert isinstance(opened, S3Store)
    assert dict(opened.config) == {
        "bucket": "bucket",
        "region": "eu-west-3",
        "endpoint": "http://127.0.0.1:9",
        "access_key_id": "of-the-lab",
        "secret_access_key": "secret%of-the-lab",
        "session_token": "token",
    }
    assert "secret%of-the-lab" in place.secrets
    opened, _ = open_store(
        {"url": "s3://bucket", "access_key": "mine", "secret_key": "x"},
        variables=home,
        folder=Path(),
    )
    assert isinstance(opened, S3Store)
    assert opened.config["access_key_id"] == "mine"


def test_variables_go_before_profiles_that_are_not_asked_for(home: Mapping[str, str]) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        assert find_profile("", {**home, name: "x", "AWS_PROFILE": "lab"}).config == {}
    found = find_profile("lab", {**home, "AWS_ACCESS_KEY_ID": "x", "AWS_REGION": "r"})
    assert found.config["access_key_id"] == "of-the-lab"
    assert "region" not in found.config
    assert find_profile("", {**home, "AWS_PROFILE": "lab"}).config == {
        **found.config,
        "region": "eu-north-1",
    }


def test_files_may_be_elsewhere(home: Mapping[str, str], tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("[default]\naws_access_key_id = elsewhere\n")
    found = find_profile("", {**home, "AWS_SHARED_CREDENTIALS_FILE": str(other)})
    assert found.config["access_key_id"] == "elsewhere"
    assert find_profile("", {"HOME": str(tmp_path / "nowhere")}).config == {}


def test_profiles_that_are_not_there_or_not_understood(
    home: Mapping[str, str], tmp_path: Path
) -> None:
    for variables, name in (({**home, "AWS_PROFILE": "lob"}, ""), (home, "lob")):
        with pytest.raises(UsageError, match='a profile "lob"'):
            find_profile(name, variables)
    (tmp_path / ".aws/config").write_text("no section")
    with pytest.raises(UsageError, match="not as AWS's programs write it"):
        find_profile("", home)


def test_profiles_that_ask_need_boto3(
    home: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(aws_profile, "import_module", absent)
    with pytest.raises(UsageError, match="Install boto3"):
        find_profile("borrowed", home)


def test_credentials_of_google_are_a_file_or_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="private_key"):
        open_objects({"url": "gs://bucket", "credentials": "{}"}, variables={}, folder=tmp_path)
    with pytest.raises(UsageError, match=rf"{tmp_path}/key\.json"):
        open_objects(
            {"url": "gs://bucket", "credentials": "key.json"}, variables={}, folder=tmp_path
        )
