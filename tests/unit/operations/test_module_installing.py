"""Installing modules: what is fetched, kept, pinned, refused and removed."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import filelock
import pytest

from mlform.addresses import ModuleStep
from mlform.config.folders import DiskFiles
from mlform.config.lockfile import LOCK_FILE_NAME, LockedImage, LockFile, read_lock, write_lock
from mlform.config.sources import RemoteSource
from mlform.config.variable_sources import OptionValue
from mlform.dataclass import replace
from mlform.diagnostics import ConfigurationError, Source, SourceRange
from mlform.errors import ModuleError, ModuleUnavailable, UsageError
from mlform.fetching.archive import ArchiveFetcher
from mlform.fetching.base import ModuleFetcher
from mlform.fetching.git import GitFetcher
from mlform.fetching.memory import MemoryFetcher
from mlform.fetching.packages import PackageFetcher
from mlform.operations.environment import Environment
from mlform.operations.get import ModulesInPlace, get_modules, list_modules
from mlform.operations.initialize import InitOptions, initialize
from mlform.operations.installed import (
    InstalledModule,
    find_installed,
    modules_folder,
    parse_manifest,
    read_manifest,
    write_manifest,
)
from mlform.operations.modules import module_installer
from tests.engine import Engine
from tests.packages import site, zip_of

GIT = "git::https://h/r.git"
ZIP = "https://h/x.zip"
OTHER = "https://h/y.zip"
MODULE = b'output "x" {\n  value = 1\n}\n'
CHANGED = b'output "x" {\n  value = 2\n}\n'
PLACE = SourceRange(Source("main.mlf.hcl", "source"), 0, 6)
FOLDER = Path(".mlform/modules")


def main(content: bytes = MODULE, *folders: str) -> dict[str, bytes]:
    """Return a package with the same module in each folder."""
    return {f"{folder}/main.mlf.hcl".lstrip("/"): content for folder in folders or ("",)}


@dataclass
class Project:
    """A working folder, and what can be fetched.

    Attributes:
        folder: The working folder.
        packages: Files by package, as they are now.
        fetcher: Fetches them.
        data_folder: Where `.mlform` is.
        said: What was told.
    """

    folder: Path
    packages: dict[str, Mapping[str, bytes]]
    fetcher: ModuleFetcher
    data_folder: Path
    said: list[str] = field(default_factory=list)

    @property
    def environment(self) -> Environment:
        """The world of one run."""
        world = Engine(self.folder).environment([])
        settings = replace(world.settings, data_folder=self.data_folder)
        return replace(world, settings=settings, fetcher=lambda: self.fetcher)

    def calls(self, **sources: str) -> None:
        """Let the root module call modules, each in three lines, and nothing else."""
        text = "".join(
            f'module "{name}" {{\n  source = "{source}"\n}}\n' for name, source in sources.items()
        )
        (self.folder / "main.mlf.hcl").write_text(text)

    def get(self, *, upgrade: bool = False, readonly: bool = False) -> ModulesInPlace:
        """Install what is called."""
        return get_modules(
            self.environment, say=self.said.append, upgrade=upgrade, readonly=readonly
        )

    def problems(self, *, upgrade: bool = False, readonly: bool = False) -> list[tuple[str, int]]:
        """Install what is called in vain; return summaries and lines."""
        with pytest.raises(ConfigurationError) as caught:
            self.get(upgrade=upgrade, readonly=readonly)
        return [
            (item.summary, item.range.start.line if item.range is not None else 0)
            for item in caught.value.diagnostics
        ]

    def detail(self, *, upgrade: bool = False, readonly: bool = False) -> str:
        """Install what is called in vain; return why, for the one problem there is."""
        with pytest.raises(ConfigurationError) as caught:
            self.get(upgrade=upgrade, readonly=readonly)
        (problem,) = caught.value.diagnostics
        return problem.detail

    def found(self, source: str, *names: str) -> str | None:
        """Return the folder of a module as every command but `init` and `get` finds it."""
        find = find_installed(self.environment.settings)(DiskFiles(self.folder)).find
        return find(tuple(ModuleStep(name) for name in names or ("m",)), source, None, PLACE)

    @property
    def fetched(self) -> list[str]:
        """The packages fetched so far."""
        assert isinstance(self.fetcher, MemoryFetcher)
        return self.fetcher.fetched

    @property
    def manifest(self) -> Path:
        """The file that says what is installed."""
        return self.folder / FOLDER / "modules.json"

    @property
    def pins(self) -> dict[str, str]:
        """Pins by package."""
        lock, problems = read_lock(self.folder / LOCK_FILE_NAME, shown=LOCK_FILE_NAME)
        assert problems == ()
        return {package: module.pin for package, module in lock.modules.items()}

    def files(self) -> dict[str, bytes]:
        """Return everything below the modules folder by path; the lock left out."""
        top = self.folder / FOLDER
        return {
            item.relative_to(top).as_posix(): item.read_bytes() if item.is_file() else b"/"
            for item in top.rglob("*")
            if item.name != ".lock"
        }

    def edit_manifest(self, **values: object) -> None:
        """Change the one module in the manifest."""
        document = json.loads(self.manifest.read_bytes())
        (module,) = document["modules"]
        module.update(values)
        self.manifest.write_text(json.dumps(document))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    packages: dict[str, Mapping[str, bytes]] = {
        GIT: main(MODULE, "a", "b", "deep/c"),
        ZIP: main(),
        OTHER: main(),
    }
    return Project(folder, packages, MemoryFetcher(packages), folder / ".mlform")


class HalfWay:
    """Writes one file of a package and then breaks off."""

    def __init__(self, problem: BaseException) -> None:
        self.problem = problem
        self.folders: list[Path] = []

    def fetch(
        self, source: RemoteSource, folder: Path, *, pinned: str | None, say: Callable[[str], None]
    ) -> str:
        del source, pinned, say
        self.folders.append(folder)
        (folder / "main.mlf.hcl").write_bytes(b'output "half')
        raise self.problem


class Slow:
    """Waits half-way through a package until it may go on."""

    def __init__(self, packages: Mapping[str, Mapping[str, bytes]]) -> None:
        self.inner = MemoryFetcher(packages)
        self.began = threading.Event()
        self.may_go_on = threading.Event()

    def fetch(
        self, source: RemoteSource, folder: Path, *, pinned: str | None, say: Callable[[str], None]
    ) -> str:
        pin = self.inner.fetch(source, folder, pinned=pinned, say=say)
        self.began.set()
        assert self.may_go_on.wait(20)
        return pin


class Linking:
    """Puts a link into every package, as git does."""

    def __init__(self, packages: Mapping[str, Mapping[str, bytes]]) -> None:
        self.inner = MemoryFetcher(packages)

    def fetch(
        self, source: RemoteSource, folder: Path, *, pinned: str | None, say: Callable[[str], None]
    ) -> str:
        (folder / "link").symlink_to("a")
        return self.inner.fetch(source, folder, pinned=pinned, say=say)


# What is fetched


def test_a_package_is_fetched_once_for_all_its_modules(project: Project) -> None:
    project.calls(m=f"{GIT}//a", n=f"{GIT}//deep/c", z=ZIP)
    got = project.get()
    assert project.fetched == [GIT, ZIP]
    assert [(item.key, item.source, item.folder) for item in got.modules] == [
        ("m", f"{GIT}//a", ".mlform/modules/m/a"),
        ("n", f"{GIT}//deep/c", ".mlform/modules/n/deep/c"),
        ("z", ZIP, ".mlform/modules/z"),
    ]
    for item in got.modules:
        assert (project.folder / item.folder / "main.mlf.hcl").read_bytes() == MODULE
        assert item.pin == project.pins[item.source.partition("//a")[0].partition("//deep")[0]]
    assert got.new_pins == (GIT, ZIP)


def test_the_second_run_fetches_and_changes_nothing(project: Project) -> None:
    project.calls(m=f"{GIT}//a", z=ZIP)
    first = project.get()
    before, pins, said = project.files(), project.pins, list(project.said)
    assert any(line.startswith("Downloading") for line in said)
    second = project.get()
    assert project.fetched == [GIT, ZIP]
    assert (project.files(), project.pins, project.said) == (before, pins, said)
    assert second.modules == first.modules
    assert second.new_pins == ()


def test_one_more_call_of_an_installed_package_fetches_nothing(project: Project) -> None:
    project.calls(m=f"{GIT}//a")
    project.get()
    project.calls(m=f"{GIT}//a", n=f"{GIT}//b")
    project.get()
    assert project.fetched == [GIT]
    assert project.found(f"{GIT}//b", "n") == ".mlform/modules/n/b"
    # The first one had no such neighbour: what it is a copy of must still be there.
    assert project.found(f"{GIT}//a") == ".mlform/modules/m/a"


def test_modules_of_modules_are_installed_too(project: Project) -> None:
    project.packages[ZIP] = {
        "main.mlf.hcl": f'module "in" {{\n  source = "{OTHER}"\n}}\n'.encode()
        + b'module "by" {\n  source = "./by"\n}\n',
        "by/main.mlf.hcl": MODULE,
    }
    project.calls(m=ZIP)
    got = project.get()
    assert {item.key: (item.source, item.folder, bool(item.pin)) for item in got.modules} == {
        "m": (ZIP, ".mlform/modules/m", True),
        "m.by": ("./by", ".mlform/modules/m/by", False),
        "m.in": (OTHER, ".mlform/modules/m.in", True),
    }
    assert list_modules(project.environment) == ModulesInPlace(modules=got.modules)


def test_a_fetched_module_that_calls_itself_is_refused(project: Project) -> None:
    project.packages[ZIP] = main(f'module "again" {{\n  source = "{ZIP}"\n}}\n'.encode())
    project.calls(m=ZIP)
    assert project.problems() == [("Module calls itself", 2)]
    assert project.fetched == [ZIP]


def test_a_module_that_calls_itself_further_down_is_refused(project: Project) -> None:
    project.packages[ZIP] = main(f'module "in" {{\n  source = "{OTHER}"\n}}\n'.encode())
    project.packages[OTHER] = main(f'module "again" {{\n  source = "{OTHER}"\n}}\n'.encode())
    project.calls(m=ZIP)
    detail = project.detail()
    assert f"{OTHER} is the source of the module m.in as well" in detail
    assert project.fetched == [ZIP, OTHER]


def test_links_of_a_package_are_copied_as_links(project: Project) -> None:
    project.fetcher = Linking(project.packages)
    project.calls(m=f"{GIT}//a", n=f"{GIT}//b")
    project.get()
    for name in ("m", "n"):
        assert (project.folder / FOLDER / name / "link").readlink() == Path("a")


def test_a_star_stands_for_the_one_folder_of_an_archive(project: Project) -> None:
    project.packages[ZIP] = main(MODULE, "repo-0123/inner")
    project.calls(m=f"{ZIP}//*/inner")
    assert project.get().modules[0].folder == ".mlform/modules/m/repo-0123/inner"
    project.packages[ZIP] = main(MODULE, "one/inner", "two/inner")
    detail = project.detail(upgrade=True)
    assert "several folders match" in detail
    assert "one/inner" in detail


def test_a_star_stands_for_no_file(project: Project) -> None:
    project.packages[ZIP] = {**main(MODULE, "two/inner"), "one/inner": b""}
    project.calls(m=f"{ZIP}//*/inner")
    assert project.get().modules[0].folder == ".mlform/modules/m/two/inner"


def test_a_source_may_depend_on_an_option(project: Project) -> None:
    project.calls(m="https://h/${var.name}.zip")
    with (project.folder / "main.mlf.hcl").open("a") as file:
        file.write('variable "name" {\n  type = string\n}\n')
    options = [OptionValue(text="name=y")]
    get_modules(project.environment, say=project.said.append, options=options)
    assert project.fetched == [OTHER]
    options = [OptionValue(text="name=x")]
    initialize(project.environment, InitOptions(variables=options), say=project.said.append)
    assert project.fetched == [OTHER, ZIP]


def test_the_data_folder_may_lie_elsewhere(project: Project, tmp_path: Path) -> None:
    project.data_folder = tmp_path / "elsewhere"
    assert modules_folder(project.environment.settings) == "../elsewhere/modules"
    project.calls(m=f"{GIT}//a")
    (module,) = project.get().modules
    assert module.folder == "../elsewhere/modules/m/a"
    assert (tmp_path / "elsewhere/modules/m/a/main.mlf.hcl").is_file()
    assert not (project.folder / ".mlform").exists()
    assert project.found(f"{GIT}//a") == module.folder
    project.get()
    assert project.fetched == [GIT]


def test_a_fetched_module_elsewhere_cannot_lead_out_of_its_package(
    project: Project, tmp_path: Path
) -> None:
    project.data_folder = tmp_path / "elsewhere"
    out = b'module "out" {\n  source = "../x"\n}\n'
    project.calls(m=ZIP)
    project.get()
    (tmp_path / "elsewhere/modules/m/main.mlf.hcl").write_bytes(out)
    (tmp_path / "elsewhere/modules/x").mkdir()
    (tmp_path / "elsewhere/modules/x/main.mlf.hcl").write_bytes(MODULE)
    with pytest.raises(ConfigurationError, match="Invalid module source"):
        list_modules(project.environment)
    assert "leads out of what was fetched" in project.detail()


# What is recorded


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    fetched = InstalledModule(
        key="m.é", source=f"{GIT}//ä?ref=v1", folder=".mlform/modules/m.é/ä", pin="0" * 40
    )
    local = InstalledModule(key="a", source="./a b", folder="a b")
    write_manifest(tmp_path, [fetched, local])
    assert read_manifest(tmp_path) == {"m.é": fetched, "a": local}
    content = (tmp_path / "modules.json").read_bytes()
    write_manifest(tmp_path, reversed(parse_manifest(content).values()))
    assert (tmp_path / "modules.json").read_bytes() == content
    assert read_manifest(tmp_path / "none") == {}


def test_what_is_installed_is_found(project: Project) -> None:
    project.calls(m=f"{GIT}//a")
    assert project.found(f"{GIT}//a") is None
    project.get()
    assert project.found(f"{GIT}//a") == ".mlform/modules/m/a"
    assert project.found(f"{GIT}//a", "n") is None
    assert project.found(f"{GIT}//a", "m", "m") is None
    assert project.found("./a") is None


@pytest.mark.parametrize(
    "source", [f"{GIT}//b", GIT, f"{GIT}//a?ref=v1", "git::https://h/other.git//a", ZIP]
)
def test_another_source_is_not_installed(source: str, project: Project) -> None:
    project.calls(m=f"{GIT}//a")
    project.get()
    assert project.found(source) is None


def test_a_source_that_was_changed_is_fetched_again(project: Project) -> None:
    project.calls(m=ZIP)
    project.get()
    project.packages[OTHER] = main(CHANGED)
    project.calls(m=OTHER)
    with pytest.raises(ConfigurationError, match="Module not installed"):
        list_modules(project.environment)
    project.get()
    assert project.fetched == [ZIP, OTHER]
    assert (project.folder / FOLDER / "m/main.mlf.hcl").read_bytes() == CHANGED
    assert list(project.pins) == [OTHER]


def test_what_is_pinned_otherwise_is_not_installed(project: Project) -> None:
    project.calls(m=ZIP)
    project.get()
    old = (project.folder / LOCK_FILE_NAME).read_bytes()
    project.packages[ZIP] = main(CHANGED)
    project.get(upgrade=True)
    new = (project.folder / LOCK_FILE_NAME).read_bytes()
    assert project.found(ZIP) == ".mlform/modules/m"
    (project.folder / LOCK_FILE_NAME).write_bytes(old)
    assert project.found(ZIP) is None
    (project.folder / LOCK_FILE_NAME).unlink()
    assert project.found(ZIP) is None
    (project.folder / LOCK_FILE_NAME).write_bytes(new)
    assert project.found(ZIP) == ".mlform/modules/m"


def test_what_another_person_pinned_is_fetched(project: Project) -> None:
    project.calls(m=ZIP)
    project.get()
    mine = (project.folder / LOCK_FILE_NAME).read_bytes()
    project.packages[ZIP] = main(CHANGED)
    project.get(upgrade=True)
    project.packages[ZIP] = main()
    (project.folder / LOCK_FILE_NAME).write_bytes(mine)
    assert project.get(readonly=True).new_pins == ()
    assert (project.folder / FOLDER / "m/main.mlf.hcl").read_bytes() == MODULE
    assert project.found(ZIP) == ".mlform/modules/m"


def test_a_checksum_that_was_added_counts(project: Project) -> None:
    project.calls(m=ZIP)
    (module,) = project.get().modules
    assert project.found(f"{ZIP}?checksum={module.pin}") == module.folder
    assert project.found(f"{ZIP}?checksum=sha256:{'0' * 64}") is None


def test_a_folder_that_was_deleted_is_fetched_again(project: Project) -> None:
    project.calls(m=ZIP)
    project.get()
    shutil.rmtree(project.folder / FOLDER / "m")
    assert project.found(ZIP) is None
    project.get()
    assert project.fetched == [ZIP, ZIP]
    assert project.found(ZIP) == ".mlform/modules/m"


def test_pins_of_images_are_kept(project: Project) -> None:
    image = LockedImage(name="i", reference=f"i@sha256:{'0' * 64}")
    write_lock(project.folder / LOCK_FILE_NAME, LockFile(images={"i": image}))
    project.calls(m=ZIP)
    project.get()
    lock, _ = read_lock(project.folder / LOCK_FILE_NAME, shown=LOCK_FILE_NAME)
    assert lock.images == {"i": image}
    assert list(lock.modules) == [ZIP]


# Local modules


def test_local_modules_are_listed_and_not_copied(project: Project) -> None:
    for name in ("near", "near/inner", "../beside"):
        (project.folder / name).mkdir()
        (project.folder / name / "main.mlf.hcl").write_bytes(MODULE)
    (project.folder / "near/main.mlf.hcl").write_text('module "in" {\n  source = "./inner"\n}\n')
    project.calls(m="./near/", n="../beside", z=ZIP)
    got = project.get()
    assert [item for item in got.modules if item.key != "z"] == [
        InstalledModule(key="m", source="./near", folder="near"),
        InstalledModule(key="m.in", source="./inner", folder="near/inner"),
        InstalledModule(key="n", source="../beside", folder="../beside"),
    ]
    assert tuple(read_manifest(project.folder / FOLDER).values()) == got.modules
    assert set(project.files()) == {"modules.json", "z", "z/main.mlf.hcl"}
    assert list(project.pins) == [ZIP]
    assert list_modules(project.environment).modules == got.modules


def test_a_module_that_became_local_is_listed_as_such(project: Project) -> None:
    project.calls(m=ZIP)
    project.get()
    (project.folder / "near").mkdir()
    (project.folder / "near/main.mlf.hcl").write_bytes(MODULE)
    project.calls(m="./near")
    local = InstalledModule(key="m", source="./near", folder="near")
    assert list_modules(project.environment).modules == (local,)
    assert project.get().modules == (local,)
    assert set(project.files()) == {"modules.json"}
    assert project.pins == {}


def test_nothing_is_written_where_nothing_is_called(project: Project) -> None:
    project.calls()
    assert project.get() == ModulesInPlace(modules=())
    assert [item.name for item in project.folder.iterdir()] == ["main.mlf.hcl"]


# Runs that end early

BREAKS = [
    pytest.param(ModuleUnavailable("Gone", "The line broke."), ConfigurationError, id="told"),
    pytest.param(OSError(28, "No space left on device"), ConfigurationError, id="full"),
    pytest.param(KeyboardInterrupt(), KeyboardInterrupt, id="interrupted"),
]


@pytest.mark.parametrize(("problem", "raised"), BREAKS)
def test_a_fetch_that_breaks_off_leaves_nothing(
    problem: BaseException, raised: type[BaseException], project: Project
) -> None:
    project.calls(m=ZIP)
    broken = project.fetcher = HalfWay(problem)
    with pytest.raises(raised):
        project.get()
    assert len(broken.folders) == 1
    assert project.files() == {}
    assert not (project.folder / LOCK_FILE_NAME).exists()
    assert project.found(ZIP) is None
    project.fetcher = MemoryFetcher(project.packages)
    project.get()
    assert (project.folder / FOLDER / "m/main.mlf.hcl").read_bytes() == MODULE


@pytest.mark.parametrize(("problem", "raised"), BREAKS)
def test_an_upgrade_that_breaks_off_leaves_the_old_module(
    problem: BaseException, raised: type[BaseException], project: Project
) -> None:
    project.calls(m=ZIP)
    project.get()
    before, pins = project.files(), project.pins
    broken = project.fetcher = HalfWay(problem)
    with pytest.raises(raised):
        project.get(upgrade=True)
    assert len(broken.folders) == 1
    assert (project.files(), project.pins) == (before, pins)
    assert project.found(ZIP) == ".mlform/modules/m"


def test_an_upgrade_that_ends_before_it_is_recorded_is_not_taken_for_the_old_module(
    project: Project,
) -> None:
    project.calls(m=ZIP)
    project.get()
    pins = project.pins
    project.packages[ZIP] = main(CHANGED)

    def say(line: str) -> None:
        if line == "- m in .mlform/modules/m":
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        get_modules(project.environment, say=say, upgrade=True)
    assert (project.folder / FOLDER / "m/main.mlf.hcl").read_bytes() == CHANGED
    assert project.pins == pins
    assert project.found(ZIP) is None


def test_a_full_disk_is_told_at_the_call(project: Project) -> None:
    project.calls(m=ZIP)
    project.fetcher = HalfWay(OSError(28, "No space left on device"))
    assert project.problems() == [("Modules could not be installed", 2)]
    detail = project.detail()
    assert "No space left on device" in detail
    assert "Check the free space" in detail


def test_a_modules_folder_that_is_a_file_is_told(project: Project) -> None:
    project.calls(m=ZIP)
    (project.folder / ".mlform").mkdir()
    (project.folder / FOLDER).write_text("")
    assert ".mlform/modules cannot be written: File exists" in project.detail()


def test_a_folder_that_cannot_be_written_is_told_though_nothing_is_fetched(
    project: Project,
) -> None:
    (project.folder / "near").mkdir()
    (project.folder / "near/main.mlf.hcl").write_bytes(MODULE)
    project.calls(m="./near")
    (project.folder / ".mlform").mkdir()
    (project.folder / FOLDER).write_text("")
    with pytest.raises(ModuleError, match="Modules could not be installed") as caught:
        project.get()
    assert ".mlform/modules cannot be written: File exists" in caught.value.detail


def test_a_run_that_ends_early_forgets_no_module_it_did_not_reach(project: Project) -> None:
    project.calls(m=ZIP)
    project.get()
    project.calls(a=OTHER, b=f"{GIT}//a", m=ZIP)

    def say(line: str) -> None:
        if line.startswith(f"Downloading {GIT}"):
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        get_modules(project.environment, say=say)
    assert list(read_manifest(project.folder / FOLDER)) == ["a", "m"]
    assert project.found(ZIP) == ".mlform/modules/m"
    project.get()
    assert project.fetched == [ZIP, OTHER, GIT]


def test_a_download_that_breaks_off_leaves_nothing(project: Project) -> None:
    project.fetcher = PackageFetcher(git=GitFetcher(variables={}), archive=ArchiveFetcher())
    with site() as served:
        served.files["/x.zip"] = zip_of(main())
        served.cut.add("/x.zip")
        project.calls(m=f"{served.url}/x.zip")
        assert "broke after" in project.detail()
        assert project.files() == {}
        served.cut.clear()
        project.get()
    assert set(project.files()) == {"m", "m/main.mlf.hcl", "modules.json"}


def test_modules_installed_before_a_problem_are_not_fetched_again(project: Project) -> None:
    missing = "https://h/missing.zip"
    project.calls(m=ZIP, n=missing)
    assert [line for _, line in project.problems()] == [5]
    assert not (project.folder / LOCK_FILE_NAME).exists()
    project.packages[missing] = main()
    project.get()
    assert project.fetched == [ZIP, missing, missing]
    assert list(project.pins) == [missing, ZIP]


def leave(project: Project) -> None:
    """Leave what a killed run leaves."""
    left = project.folder / FOLDER / ".m.0123abcd.tmp"
    (left / "package/sub").mkdir(parents=True)
    (left / "old").mkdir()
    (left / "package/sub/main.mlf.hcl").write_bytes(MODULE)


def test_what_dead_runs_left_is_removed(project: Project) -> None:
    leave(project)
    project.calls(m=ZIP)
    project.get()
    whole = {"m", "m/main.mlf.hcl", "modules.json"}
    assert set(project.files()) == whole
    leave(project)
    assert set(project.files()) > whole
    project.get()
    assert set(project.files()) == whole
    assert project.fetched == [ZIP]


def test_what_dead_runs_left_is_removed_though_a_module_cannot_be_had(project: Project) -> None:
    leave(project)
    project.calls(m="https://h/missing.zip")
    project.problems()
    assert project.files() == {}


def test_modules_no_longer_called_are_removed(project: Project) -> None:
    project.calls(m=f"{GIT}//a", n=f"{GIT}//b", z=ZIP)
    project.get()
    project.calls(n=f"{GIT}//b")
    got = project.get()
    assert [item.key for item in got.modules] == ["n"]
    assert {name.partition("/")[0] for name in project.files()} == {"modules.json", "n"}
    assert list(read_manifest(project.folder / FOLDER)) == ["n"]
    assert list(project.pins) == [GIT]
    assert project.found(f"{GIT}//a") is None
    assert project.fetched == [GIT, ZIP]


def test_nothing_is_removed_while_there_are_problems(project: Project) -> None:
    project.calls(m=ZIP, n=OTHER)
    project.get()
    before, pins = project.files(), project.pins
    project.calls(m=ZIP, x="https://h/missing.zip")
    project.problems()
    assert (project.files(), project.pins) == (before, pins)


# Several runs at the same time


@pytest.fixture
def slow(project: Project) -> Iterator[Slow]:
    fetcher = Slow(project.packages)
    yield fetcher
    fetcher.may_go_on.set()


def in_background(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_run_waits_while_another_installs(project: Project, slow: Slow) -> None:
    project.calls(m=ZIP)
    first = replace_fetcher(project, slow)
    one = in_background(first.get)
    assert slow.began.wait(20)
    two = in_background(project.get)
    two.join(0.4)
    assert two.is_alive()
    assert project.fetched == []
    slow.may_go_on.set()
    for thread in (one, two):
        thread.join(20)
        assert not thread.is_alive()
    assert set(project.files()) == {"m", "m/main.mlf.hcl", "modules.json"}
    assert project.found(ZIP) == ".mlform/modules/m"


def replace_fetcher(project: Project, fetcher: ModuleFetcher) -> Project:
    """Return the same folder as another process sees it."""
    return Project(project.folder, project.packages, fetcher, project.data_folder)


def test_a_run_with_nothing_to_fetch_leaves_alone_what_another_installs(
    project: Project, slow: Slow
) -> None:
    project.calls(m=ZIP)
    project.get()
    project.packages[ZIP] = main(CHANGED)
    upgrading = replace_fetcher(project, slow)
    one = in_background(lambda: upgrading.get(upgrade=True))
    assert slow.began.wait(20)
    two = in_background(project.get)
    two.join(0.4)
    slow.may_go_on.set()
    for thread in (one, two):
        thread.join(20)
        assert not thread.is_alive()
    assert (project.folder / FOLDER / "m/main.mlf.hcl").read_bytes() == CHANGED
    assert project.found(ZIP) == ".mlform/modules/m"


def test_who_waits_too_long_is_told_and_waits_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlform.operations.modules._PATIENCE", 0.5)
    project.calls(**{f"m{number}": ZIP for number in range(5)}, n=OTHER, o=GIT)
    (project.folder / FOLDER).mkdir(parents=True)
    with filelock.FileLock(project.folder / FOLDER / ".lock"):
        summary = "Another run of mlform is installing modules"
        began = time.monotonic()
        assert project.problems() == [(summary, 2 + 3 * number) for number in range(7)]
        assert time.monotonic() - began < 3
        project.calls(m=ZIP)
        assert ".mlform/modules/.lock" in project.detail()
        assert project.files() == {}
        assert project.fetched == []
    project.get()
    assert project.fetched == [ZIP]


def test_a_run_with_nothing_to_change_does_not_wait(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlform.operations.modules._PATIENCE", 0.1)
    project.calls(m=ZIP)
    first = project.get()
    with filelock.FileLock(project.folder / FOLDER / ".lock"):
        assert project.get().modules == first.modules


def test_the_lock_is_given_back(project: Project) -> None:
    project.calls(m=ZIP)
    lock = project.folder / FOLDER / ".lock"
    with module_installer(project.environment, say=project.said.append) as installer:
        installer.find((ModuleStep("m"),), ZIP, None, PLACE)
        with pytest.raises(filelock.Timeout), filelock.FileLock(lock, timeout=0):
            pass
    with filelock.FileLock(lock, timeout=0) as held:
        assert held.is_locked


# Pins


def test_a_pin_holds_until_an_upgrade(project: Project) -> None:
    project.calls(m=ZIP, n=OTHER)
    project.get()
    old = project.pins
    project.packages[ZIP] = main(CHANGED)
    assert project.get().new_pins == ()
    assert project.pins == old
    assert project.get(upgrade=True).new_pins == (ZIP,)
    assert project.fetched == [ZIP, OTHER, ZIP, OTHER]
    assert project.pins[OTHER] == old[OTHER]
    assert project.pins[ZIP] != old[ZIP]
    assert (project.folder / FOLDER / "m/main.mlf.hcl").read_bytes() == CHANGED


def test_an_upgrade_fetches_a_package_once(project: Project) -> None:
    project.calls(m=f"{GIT}//a", n=f"{GIT}//b")
    project.get()
    project.packages[GIT] = main(CHANGED, "a", "b")
    project.get(upgrade=True)
    assert project.fetched == [GIT, GIT]
    for name in ("m/a", "n/b"):
        assert (project.folder / FOLDER / name / "main.mlf.hcl").read_bytes() == CHANGED
    recorded = read_manifest(project.folder / FOLDER)
    assert {item.pin for item in recorded.values()} == {project.pins[GIT]}


def test_what_is_not_what_was_pinned_is_refused(project: Project) -> None:
    project.calls(m=ZIP)
    project.get()
    pins = project.pins
    shutil.rmtree(project.folder / ".mlform")
    project.packages[ZIP] = main(CHANGED)
    assert project.problems() == [("A module is not what was pinned", 2)]
    assert pins[ZIP] in project.detail()
    assert project.pins == pins
    assert project.files() == {}


def test_readonly_fetches_what_is_pinned_and_pins_nothing(project: Project) -> None:
    project.calls(m=ZIP, n=OTHER)
    project.get()
    lock = (project.folder / LOCK_FILE_NAME).read_bytes()
    shutil.rmtree(project.folder / ".mlform")
    project.calls(m=ZIP)
    assert project.get(readonly=True).new_pins == ()
    assert project.found(ZIP) == ".mlform/modules/m"
    assert (project.folder / LOCK_FILE_NAME).read_bytes() == lock
    project.calls(m=ZIP, g=f"{GIT}//a")
    assert project.problems(readonly=True) == [("Module is not pinned", 5)]
    detail = project.detail(readonly=True)
    assert GIT in detail
    assert 'Run "mlform init"' in detail
    assert GIT not in project.fetched
    assert (project.folder / LOCK_FILE_NAME).read_bytes() == lock


def test_new_pins_are_not_both_wanted_and_forbidden(project: Project) -> None:
    project.calls(m=ZIP)
    with pytest.raises(UsageError, match="Conflicting options"):
        project.get(upgrade=True, readonly=True)
    assert project.fetched == []


def test_a_broken_lock_file_is_told_before_anything_is_fetched(project: Project) -> None:
    project.calls(m=ZIP)
    broken = f'module "{ZIP}" {{\n  digest = "sha256:0"\n}}\n'
    (project.folder / LOCK_FILE_NAME).write_text(broken)
    assert project.problems() == [("Invalid module pin in lock file", 2)]
    assert project.fetched == []
    assert (project.folder / LOCK_FILE_NAME).read_text() == broken


# Problems


def test_all_problems_are_told_together_with_their_places(project: Project) -> None:
    project.calls(
        a="https://h/missing.zip",
        b=f"{GIT}//none",
        c="./none",
        d=ZIP,
        e="no source",
        f=f"{GIT}//a",
        g="https://h/missing.zip//x",
    )
    assert project.problems() == [
        ("A module could not be downloaded", 2),
        ("Folder not found in module package", 5),
        ("Unreadable module folder", 8),
        ("Invalid module source", 14),
        ("A module could not be downloaded", 20),
    ]
    assert project.fetched.count("https://h/missing.zip") == 1


def test_problems_of_fetched_modules_are_told_with_those_of_the_root(project: Project) -> None:
    project.packages[ZIP] = main(b'module "in" {\n  source = "https://h/missing.zip"\n}\n')
    project.calls(m=ZIP, n="https://h/gone.zip")
    with pytest.raises(ConfigurationError) as caught:
        project.get()
    places = [item.range.filename for item in caught.value.diagnostics if item.range is not None]
    assert places == ["main.mlf.hcl", ".mlform/modules/m/main.mlf.hcl"]
    assert {item.summary for item in caught.value.diagnostics} == {
        "A module could not be downloaded"
    }


def test_a_folder_that_is_not_in_the_package_gets_a_hint(project: Project) -> None:
    project.calls(m=f"{GIT}//deep/d")
    detail = project.detail()
    assert 'there is no folder "deep/d"' in detail
    assert 'Did you mean "deep/c"?' in detail
    assert "Folders there: a, b, deep, deep/c." in detail
    assert project.files() == {}


def test_a_file_is_no_folder_of_a_package(project: Project) -> None:
    project.calls(m=f"{ZIP}//main.mlf.hcl")
    detail = project.detail()
    assert 'there is no folder "main.mlf.hcl"' in detail
    assert "Folders there: none." in detail


def test_of_many_folders_the_first_twelve_that_are_not_hidden_are_shown(project: Project) -> None:
    names = [f"f{number:02}" for number in range(13)]
    for count, end in ((12, "."), (13, ", ….")):
        project.packages[ZIP] = main(MODULE, ".git", *names[:count])
        project.calls(m=f"{ZIP}//zzzzzz")
        assert project.detail().endswith(f"Folders there: {', '.join(names[:12])}{end}")


# Manifests that somebody or something damaged

DAMAGED = {
    "empty": b"",
    "half": b'{"format_version": 1, "modules": [{"key": "m", "sou',
    "no text": b"\xff\xfe\x00\x01",
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "no list": b'{"format_version": 1, "modules": {"key": "m"}}',
    "a number": b'{"format_version": 1, "modules": 3}',
    "no object": b'{"format_version": 1, "modules": ["m", null, 1]}',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_manifest_is_told_and_mended(content: bytes, project: Project) -> None:
    project.calls(m=ZIP)
    project.get()
    whole = project.files()
    project.manifest.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        list_modules(project.environment)
    (problem,) = caught.value.diagnostics
    assert problem.summary == "Module not installed"
    assert "module.m is not there yet" in problem.detail
    assert 'Run "mlform init"' in problem.detail
    assert problem.range is not None
    assert problem.range.start.line == 2
    project.get()
    assert project.files() == whole
    assert project.found(ZIP) == ".mlform/modules/m"


def test_a_manifest_of_another_format_is_not_believed(project: Project) -> None:
    project.calls(m=ZIP)
    project.get()
    document = json.loads(project.manifest.read_bytes())
    assert document["format_version"] == 1
    project.manifest.write_text(json.dumps({**document, "format_version": 2}))
    assert project.found(ZIP) is None
    project.get()
    assert json.loads(project.manifest.read_bytes()) == document


@pytest.mark.parametrize(
    "values",
    [{"pin": None}, {"folder": 1}, {"source": ["x"]}, {"key": {}}, {"folder": "\0"}],
    ids=str,
)
def test_an_entry_that_is_damaged_is_not_believed(
    values: dict[str, object], project: Project
) -> None:
    project.calls(m=ZIP)
    project.get()
    whole = project.files()
    project.edit_manifest(**values)
    assert project.found(ZIP) is None
    project.get()
    assert project.files() == whole


def test_an_entry_that_cannot_be_written_again_is_dropped(project: Project) -> None:
    project.calls(m=ZIP)
    project.get()
    project.edit_manifest(key="old", source="\ud800")
    project.get()
    assert list(read_manifest(project.folder / FOLDER)) == ["m"]


@pytest.mark.parametrize(
    "folder",
    [
        "..",
        "../outside",
        "{outside}",
        ".",
        "",
        "near",
        ".mlform",
        ".mlform/modules",
        ".mlform/modules/n",
        ".mlform/modules/mm",
        ".mlform/modules/m/../n",
        ".mlform/modules/m/../../../../outside",
        ".mlform/modules/m/\0",
    ],
)
def test_a_manifest_cannot_lead_elsewhere(folder: str, project: Project, tmp_path: Path) -> None:
    project.calls(m=ZIP)
    project.get()
    whole = project.files()
    outside = tmp_path / "outside"
    for place in (outside, project.folder / "near", project.folder / FOLDER / "n"):
        place.mkdir()
        (place / "main.mlf.hcl").write_bytes(CHANGED)
    (project.folder / FOLDER / "mm").mkdir()
    project.edit_manifest(folder=folder.format(outside=outside))
    assert project.found(ZIP) is None
    with pytest.raises(ConfigurationError, match="Module not installed"):
        list_modules(project.environment)
    (module,) = project.get().modules
    assert module.folder == ".mlform/modules/m"
    assert project.files() == whole
    assert (outside / "main.mlf.hcl").read_bytes() == CHANGED


def test_a_key_in_a_manifest_cannot_lead_elsewhere(project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "main.mlf.hcl").write_bytes(CHANGED)
    project.calls(m=ZIP)
    project.get()
    project.edit_manifest(key="../../../outside", folder="../outside")
    project.get(upgrade=True)
    assert list(read_manifest(project.folder / FOLDER)) == ["m"]
    assert (outside / "main.mlf.hcl").read_bytes() == CHANGED


# init


def test_init_installs_modules_and_tells_new_pins(project: Project) -> None:
    project.calls(m=ZIP)
    done = initialize(project.environment, InitOptions(), say=project.said.append)
    assert done.new_modules == (ZIP,)
    assert project.said == [
        f"Downloading {ZIP} for m...",
        f"Looking for {ZIP}",
        "- m in .mlform/modules/m",
    ]
    again = initialize(project.environment, InitOptions(), say=project.said.append)
    assert again.new_modules == ()
    project.packages[ZIP] = main(CHANGED)
    upgraded = initialize(project.environment, InitOptions(upgrade=True), say=project.said.append)
    assert upgraded.new_modules == (ZIP,)


def test_init_without_get_fetches_nothing(project: Project) -> None:
    project.calls(m=ZIP)
    options = InitOptions(get=False)
    with pytest.raises(ConfigurationError, match="Module not installed"):
        initialize(project.environment, options, say=project.said.append)
    assert project.fetched == []
    project.get()
    assert initialize(project.environment, options, say=project.said.append).new_modules == ()
    assert project.fetched == [ZIP]


def test_init_refuses_what_get_refuses(project: Project) -> None:
    project.calls(m=ZIP)
    both = InitOptions(upgrade=True, readonly=True, get=False)
    with pytest.raises(UsageError, match="Conflicting options"):
        initialize(project.environment, both, say=project.said.append)
    with pytest.raises(ConfigurationError, match="Module is not pinned"):
        initialize(project.environment, InitOptions(readonly=True), say=project.said.append)
    assert project.fetched == []
