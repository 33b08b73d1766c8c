from __future__ import annotations

import shutil
import subprocess  # noqa: TID251 - terraform is asked for its opinion
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlform.config.sources import (
    ArchiveSource,
    GitSource,
    LocalSource,
    Source,
    local_folder,
    parse_source,
    without_password,
    without_secret,
)

SUM = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("./x", LocalSource(path="./x")),
        ("./x/", LocalSource(path="./x")),
        ("././x//y", LocalSource(path="./x/y")),
        ("./", LocalSource(path="./")),
        ("../", LocalSource(path="..")),
        ("../x/../y", LocalSource(path="../y")),
        ("./x/../../y", LocalSource(path="../y")),
        ("git::https://h/x.git", GitSource(url="https://h/x.git")),
        (
            "git::https://h/x.git//a/b?ref=v1&depth=1",
            GitSource(url="https://h/x.git", folder="a/b", ref="v1", depth=1),
        ),
        ("git::https://h/x.git?ref=a%2Fb", GitSource(url="https://h/x.git", ref="a/b")),
        ("git::https://h/x.git?ref=v1+a", GitSource(url="https://h/x.git", ref="v1+a")),
        (
            "https://h/x.zip?sig=a%2Bb/~+c&x&x",
            ArchiveSource(url="https://h/x.zip?sig=a%2Bb/~+c&x&x", format="zip"),
        ),
        ("git::ssh://git@h:22/o/x.git", GitSource(url="ssh://git@h:22/o/x.git")),
        ("git::file:///a/b//c", GitSource(url="file:///a/b", folder="c")),
        (
            "git@h:o/x.git//a?ref=v1",
            GitSource(url="ssh://git@h/o/x.git", folder="a", ref="v1"),
        ),
        ("git::git@h:o/x.git", GitSource(url="ssh://git@h/o/x.git")),
        (
            "github.com/o/x//a?ref=v1",
            GitSource(url="https://github.com/o/x.git", folder="a", ref="v1"),
        ),
        ("github.com/o/x.git", GitSource(url="https://github.com/o/x.git")),
        ("bitbucket.org/o/x", GitSource(url="https://bitbucket.org/o/x.git")),
        ("gitlab.com/g/sub/x", GitSource(url="https://gitlab.com/g/sub/x.git")),
        ("https://h/x.zip//a", ArchiveSource(url="https://h/x.zip", format="zip", folder="a")),
        ("https://h/x.TGZ", ArchiveSource(url="https://h/x.TGZ", format="tar.gz")),
        ("http://h/x.tar", ArchiveSource(url="http://h/x.tar", format="tar")),
        ("https://h/x.tar.xz", ArchiveSource(url="https://h/x.tar.xz", format="tar.xz")),
        ("https://h/x.tar.bz2", ArchiveSource(url="https://h/x.tar.bz2", format="tar.bz2")),
        (
            f"https://h/x?archive=tar.gz&a=1&checksum={SUM}",
            ArchiveSource(url="https://h/x?a=1", format="tar.gz", checksum=SUM),
        ),
        (
            f"https://h/x.zip?checksum={SUM[7:].upper()}",
            ArchiveSource(url="https://h/x.zip", format="zip", checksum=SUM),
        ),
    ],
)
def test_all_forms_of_a_source_are_understood(text: str, expected: Source) -> None:
    assert parse_source(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("a b", "has blanks"),
        (".", 'Write "./"'),
        ("x", 'is "./x"'),
        ("x/y", 'is "./x/y"'),
        ("ns/name/provider", '"github.com/ns/name?ref=TAG"'),
        ("registry.example.com/ns/name/provider//sub", "has no registry"),
        ("/abs", "absolute path"),
        ("C:\\x", "absolute path"),
        ("./a\\b", "backslash"),
        ("s3::https://x/y", 'by "s3::"'),
        ("ext::sh", 'by "ext::"'),
        ("git::ext::sh", "no URL"),
        ("git::fd://7/x", "fd:// is not allowed"),
        ("git::-x", "no URL"),
        ("git::ssh://-oProxyCommand=x/y", "no valid host"),
        ("git::ssh://-x@h/y", "no valid host"),
        ("git::file://h/x", "git::file:///PATH"),
        ("git::https://h/x?ref=--upload-pack=x", "not the name of a branch"),
        ("git::https://h/x?ref=", "not the name of a branch"),
        ("git::https://h/x?ref=a..b", "not the name of a branch"),
        ("git::https://h/x?ref=a:b", "not the name of a branch"),
        ("git::https://h/x?depth=0", "at least 1"),
        ("git::https://h/x?rev=1", 'mean "ref"'),
        ("git::https://h/x?ref=1&ref=2", "twice"),
        ("https://h/x?archive=zip&archive=tar", "twice"),
        ("git::https://h/x#v1", "?ref=TAG"),
        ("git::https://h/x//a/../../b", "leads out"),
        ("git::ssh://git@h:org/x", "no valid URL"),
        ("https://h:99999/x.zip", "no valid URL"),
        ("https:///x.zip", "no valid host"),
        ("ssh://git@h/x", '"git::ssh://git@h/x"'),
        ("git+https://h/x", '"git::https://h/x"'),
        ("https://github.com/o/x", '"git::https://github.com/o/x"'),
        ("https://h/x", "?archive=tar.gz"),
        ("https://h/x?archive=rar", "rar is no format"),
        ("https://h/x.zip?checksum=md5:1", "sha256sum"),
        ("https://h/x.zip//../y", "leads out"),
        ("github.com/o", "names no repository"),
        ("github.com/o/x/y", "github.com/o/x//y"),
    ],
)
def test_what_is_no_source_says_what_to_write(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_source(text)
    assert said in str(caught.value)


@given(st.text(max_size=60) | st.text(alphabet="git::hps/@.x?=&-#%é\\ ", max_size=40))
def test_any_text_is_a_source_or_a_message(text: str) -> None:
    try:
        source = parse_source(text)
    except ValueError:
        return
    if not isinstance(source, LocalSource):
        again = parse_source(source.text)
        assert not isinstance(again, LocalSource)
        assert again.text == source.text


def test_no_password_is_shown() -> None:
    source = parse_source("git::https://me:s3cret@h/x.git?ref=v1")
    assert isinstance(source, GitSource)
    assert source.package == "git::https://me@h/x.git?ref=v1"
    assert source.url == "https://me:s3cret@h/x.git"
    archive = parse_source("https://me:s3cret@h/x.zip")
    assert isinstance(archive, ArchiveSource)
    assert archive.package == "https://me@h/x.zip"
    assert without_password("https://h/x") == "https://h/x"
    assert without_secret("fatal: 'https://me:s3cret@h/x'") == "fatal: 'https://me@h/x'"
    for text in ("https://me:s3cret@h/x", "https://me:s3cret@h:x/x.zip", "foo://me:s3cret@h/x"):
        with pytest.raises(ValueError, match=r".") as caught:
            parse_source(text)
        assert "s3cret" not in str(caught.value)


def test_one_package_has_one_name_however_it_is_written() -> None:
    texts = ("github.com/o/x//a?ref=v1", "git::https://github.com/o/x.git//b?ref=v1&depth=3")
    sources = [parse_source(text) for text in texts]
    packages = {each.package for each in sources if not isinstance(each, LocalSource)}
    assert packages == {"git::https://github.com/o/x.git?ref=v1"}


@pytest.mark.parametrize(
    ("caller", "path", "expected"),
    [
        (".", "./a", "a"),
        ("a", "../b", "b"),
        ("a/b", "./c", "a/b/c"),
        (".", "../x", "../x"),
        (".mlform/modules/m/sub", "../other", ".mlform/modules/m/other"),
        (".mlform/modules/m/sub", "..", ".mlform/modules/m"),
    ],
)
def test_local_folders(caller: str, path: str, expected: str) -> None:
    assert local_folder(caller, LocalSource(path=path)) == expected


@pytest.mark.parametrize("path", ["../../n", "../../..", "../../mm"])
def test_local_sources_of_a_fetched_module_stay_in_its_package(path: str) -> None:
    with pytest.raises(ValueError, match="leads out"):
        local_folder(".mlform/modules/m/sub", LocalSource(path=path))


@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
@pytest.mark.parametrize("text", ["ns/name/provider//../x", "git::https://h/x//../y", "x", ""])
def test_terraform_refuses_them_too(text: str, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(f'module "m" {{\n  source = "{text}"\n}}\n')
    done = subprocess.run(
        ["terraform", "get", "-no-color"],  # noqa: S607 - looked up above
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    with pytest.raises(ValueError, match=r"."):
        parse_source(text)
