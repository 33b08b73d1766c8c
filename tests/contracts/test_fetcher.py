"""What every adapter that fetches packages does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlform.config.sources import LocalSource, RemoteSource, parse_source
from mlform.errors import ModuleChanged, ModuleUnavailable
from mlform.fetching.archive import ArchiveFetcher
from mlform.fetching.base import ModuleFetcher
from mlform.fetching.git import GitFetcher
from mlform.fetching.memory import MemoryFetcher
from mlform.fetching.packages import PackageFetcher
from tests.packages import Repository, site, tar_of

FILES = {"main.mlf.hcl": b"# one\n", "sub/x.mlf.hcl": b"# two\n"}
Change = Callable[[], None]


def remote(text: str) -> RemoteSource:
    source = parse_source(text)
    assert not isinstance(source, LocalSource)
    return source


class World:
    """A package that can be fetched, changed, and one that is not there."""

    def __init__(self, fetcher: ModuleFetcher, source: str, missing: str, change: Change) -> None:
        self.fetcher = fetcher
        self.source = remote(source)
        self.missing = remote(missing)
        self.change = change


@pytest.fixture(params=["memory", "git", "archive"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    real = PackageFetcher(
        git=GitFetcher(variables=dict(os.environ)),  # noqa: TID251
        archive=ArchiveFetcher(),
    )
    if request.param == "memory":
        packages = {"https://h/x.zip": FILES}
        fetcher = MemoryFetcher(packages)

        def change() -> None:
            packages["https://h/x.zip"] = {"main.mlf.hcl": b"# changed\n"}

        yield World(fetcher, "https://h/x.zip", "https://h/y.zip", change)
    elif request.param == "git":
        repository = Repository(tmp_path / "repository")
        repository.commit({name: content.decode() for name, content in FILES.items()})
        repository.git("tag", "v1")

        def move() -> None:
            repository.commit({"main.mlf.hcl": "# changed\n"})
            repository.git("tag", "--force", "v1")

        yield World(real, f"{repository.source}?ref=v1", f"{repository.source}-none", move)
    else:
        with site() as served:
            served.files["/x.tar.gz"] = tar_of(FILES)

            def replace() -> None:
                served.files["/x.tar.gz"] = tar_of({"main.mlf.hcl": b"# changed\n"})

            url = served.url
            yield World(real, f"{url}/x.tar.gz//sub", f"{url}/y.tar.gz", replace)


def fetched(world: World, folder: Path, pinned: str | None = None) -> tuple[str, dict[str, bytes]]:
    folder.mkdir()
    pin = world.fetcher.fetch(world.source, folder, pinned=pinned, say=print)
    files = {
        item.relative_to(folder).as_posix(): item.read_bytes()
        for item in folder.rglob("*")
        if item.is_file()
    }
    return pin, files


def test_the_whole_package_is_fetched(world: World, tmp_path: Path) -> None:
    pin, files = fetched(world, tmp_path / "one")
    assert files == FILES
    assert fetched(world, tmp_path / "two") == (pin, files)


def test_what_is_pinned_is_fetched_again(world: World, tmp_path: Path) -> None:
    pin, files = fetched(world, tmp_path / "one")
    assert fetched(world, tmp_path / "two", pin) == (pin, files)


def test_what_changed_is_refused(world: World, tmp_path: Path) -> None:
    pin, _ = fetched(world, tmp_path / "one")
    world.change()
    with pytest.raises(ModuleChanged) as caught:
        fetched(world, tmp_path / "two", pin)
    assert pin in caught.value.detail
    new, files = fetched(world, tmp_path / "three")
    assert new != pin
    assert files["main.mlf.hcl"] == b"# changed\n"


def test_what_is_not_there_is_told(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    with pytest.raises(ModuleUnavailable) as caught:
        world.fetcher.fetch(world.missing, folder, pinned=None, say=print)
    assert world.missing.package in caught.value.detail


def test_nothing_but_the_package_is_left_behind(world: World, tmp_path: Path) -> None:
    before = {item.name for item in tmp_path.iterdir()}
    fetched(world, tmp_path / "one")
    assert {item.name for item in tmp_path.iterdir()} == before | {"one"}
