"""Modules from git repositories and archives, as people use them."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cli import Cli
from tests.packages import Repository, Site, site, tar_of, tar_of_entries, zip_of

OUTPUT = 'output "x" {{\n  value = "{}"\n}}\n'
VALUE = 'resource "mlform_data" "a" {{\n  input = "{}"\n}}\n' + OUTPUT.replace(
    '"{}"', "mlform_data.a.output"
)
INNER = """\
variable "name" {{
  type = string
}}
module "leaf" {{
  source = "{leaf}"
}}
module "beside" {{
  source = "../beside"
}}
output "x" {{
  value = "${{var.name}} ${{module.leaf.x}} ${{module.beside.x}} ${{path.module}}"
}}
"""


def call(source: str, more: str = "") -> str:
    return (
        f'module "m" {{\n  source = "{source}"\n{more}}}\noutput "x" {{\n  value = module.m.x\n}}\n'
    )


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    folder = tmp_path / "project"
    folder.mkdir()
    return Cli(folder)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


@pytest.fixture
def served() -> Iterator[Site]:
    with site() as made:
        yield made


def lock(cli: Cli) -> str:
    return (cli.folder / ".mlform.lock.hcl").read_text()


def test_a_module_from_git_with_one_from_an_archive_in_it(
    cli: Cli, repository: Repository, served: Site
) -> None:
    served.files["/leaf.tar.gz"] = tar_of({"leaf-1/main.mlf.hcl": VALUE.format("leaf").encode()})
    leaf = f"{served.url}/leaf.tar.gz//leaf-1"
    commit = repository.commit(
        {
            "inner/main.mlf.hcl": INNER.format(leaf=leaf),
            "beside/main.mlf.hcl": OUTPUT.format("beside"),
        }
    )
    repository.git("tag", "v1")
    source = f"{repository.source}//inner?ref=v1"
    cli.file("main.mlf.hcl", call(source, '  name = "me"\n'))
    for command in ("validate", "plan"):
        refused = cli.run(command)
        assert refused.status == 1
        assert "Module not installed" in refused.stderr
        assert 'Run "mlform init"' in refused.stderr
    said = cli.run("init").ok().stdout
    assert said.startswith(
        "Initializing modules...\n"
        f"Downloading {source} for m...\n"
        "- m in .mlform/modules/m/inner\n"
        f"Downloading {leaf} for m.leaf...\n"
        "- m.leaf in .mlform/modules/m.leaf/leaf-1\n"
        "- m.beside in .mlform/modules/m/beside\n"
    )
    assert f'module "{repository.source}?ref=v1" {{\n  commit = "{commit}"\n}}\n' in lock(cli)
    assert f'module "{served.url}/leaf.tar.gz" {{\n  digest = "sha256:' in lock(cli)
    cli.run("validate").ok()
    cli.run("apply", "-auto-approve").ok()
    shown = cli.run("output", "-raw", "x").ok().stdout
    assert shown == "me leaf beside .mlform/modules/m/inner"
    assert cli.run("state", "list").ok().stdout == "module.m.module.leaf.mlform_data.a\n"
    assert cli.run("plan", "-detailed-exitcode").status == 0
    document = cli.run("modules", "-json").ok().json
    assert isinstance(document, dict)
    assert [item["key"] for item in document["modules"]] == ["m", "m.beside", "m.leaf"]


def test_a_pin_holds_until_an_upgrade(cli: Cli, repository: Repository) -> None:
    repository.commit({"main.mlf.hcl": OUTPUT.format("one")})
    cli.file("main.mlf.hcl", call(f"{repository.source}?ref=main"))
    cli.run("get").ok()
    pinned = lock(cli)
    repository.commit({"main.mlf.hcl": OUTPUT.format("two")})
    shutil.rmtree(cli.folder / ".mlform")
    cli.run("init", "-lockfile=readonly").ok()
    cli.run("apply", "-auto-approve").ok()
    assert cli.run("output", "-raw", "x").stdout == "one"
    assert lock(cli) == pinned
    said = cli.run("init", "-upgrade").ok().stdout
    assert said.startswith("Upgrading modules...\n")
    assert lock(cli) != pinned
    cli.run("apply", "-auto-approve").ok()
    assert cli.run("output", "-raw", "x").stdout == "two"


def test_what_was_changed_behind_a_pin_is_refused(
    cli: Cli, repository: Repository, served: Site
) -> None:
    repository.commit({"main.mlf.hcl": OUTPUT.format("one")})
    repository.git("tag", "v1")
    served.files["/a.zip"] = zip_of({"main.mlf.hcl": OUTPUT.format("one").encode()})
    main = call(f"{repository.source}?ref=v1")
    cli.file("main.mlf.hcl", main + f'module "z" {{\n  source = "{served.url}/a.zip"\n}}\n')
    cli.run("init").ok()
    repository.commit({"main.mlf.hcl": OUTPUT.format("evil")})
    repository.git("tag", "--force", "v1")
    served.files["/a.zip"] = zip_of({"main.mlf.hcl": OUTPUT.format("evil").encode()})
    cli.run("init").ok()
    shutil.rmtree(cli.folder / ".mlform")
    refused = cli.run("init")
    assert refused.status == 1
    assert refused.stderr.count("Error: A module is not what was pinned") == 2
    assert "on main.mlf.hcl line 2" in refused.stderr
    assert "on main.mlf.hcl line 8" in refused.stderr
    assert refused.stderr.count('run "mlform init -upgrade"') == 2
    cli.run("get", "-update").ok()
    cli.run("apply", "-auto-approve").ok()
    assert cli.run("output", "-raw", "x").stdout == "evil"


def test_a_saved_plan_is_applied_without_its_modules(cli: Cli, repository: Repository) -> None:
    repository.commit({"main.mlf.hcl": VALUE.format("one")})
    cli.file("main.mlf.hcl", call(repository.source))
    cli.run("init").ok()
    cli.run("plan", "-out=p").ok()
    shutil.rmtree(cli.folder / ".mlform" / "modules")
    cli.run("apply", "p").ok()
    assert cli.run("output", "-raw", "x").stdout == "one"


def test_json_messages(cli: Cli, repository: Repository) -> None:
    repository.commit({"main.mlf.hcl": OUTPUT.format("one")})
    cli.file("main.mlf.hcl", call(repository.source))
    messages = cli.run("init", "-json").ok().messages
    kinds = [(item["type"], item.get("message_code")) for item in messages]
    assert kinds[:4] == [
        ("version", None),
        ("init_output", "initializing_modules_message"),
        ("log", None),
        ("log", None),
    ]
    assert ("init_output", "output_init_success_message") in kinds
    cli.file("main.mlf.hcl", call(f"{repository.source}?ref=none"))
    refused = cli.run("init", "-json")
    assert refused.status == 1
    last = refused.messages[-1]
    assert (last["type"], last["@level"]) == ("diagnostic", "error")


def test_options_leave_things_out(cli: Cli, repository: Repository) -> None:
    repository.commit({"main.mlf.hcl": OUTPUT.format("one")})
    cli.file("main.mlf.hcl", call(repository.source))
    assert "Module not installed" in cli.run("init", "-get=false").stderr
    said = cli.run("init", "-backend=false").ok().stdout
    assert "backend" not in said.partition("successfully")[0]
    assert "Conflicting options" in cli.run("init", "-upgrade", "-lockfile=readonly").stderr
    assert 'takes "readonly"' in cli.run("get", "-lockfile=x").stderr
    shutil.rmtree(cli.folder / ".mlform")
    (cli.folder / ".mlform.lock.hcl").unlink()
    assert "Module is not pinned" in cli.run("get", "-lockfile=readonly").stderr


def test_a_source_may_depend_on_a_variable(cli: Cli, repository: Repository) -> None:
    repository.commit({"main.mlf.hcl": OUTPUT.format("one")})
    repository.git("tag", "v1")
    variable = 'variable "ref" {\n  type = string\n}\n'
    cli.file("main.mlf.hcl", variable + call(f"{repository.source}?ref=${{var.ref}}"))
    cli.run("init", "-var", "ref=v1").ok()
    assert "?ref=v1" in lock(cli)
    cli.run("validate", "-json")
    cli.run("apply", "-auto-approve", "-var", "ref=v1").ok()


BAD = {
    "git::file:///nowhere/at/all": "Check the URL of the repository",
    "git::https://h/x?ref=-x": "not the name of a branch",
    "ns/name/provider": "mlform has no registry yet",
    "/abs": "absolute path",
    "ftp://h/x.zip": 'by "ftp://"',
}


@pytest.mark.parametrize("source", list(BAD))
def test_bad_sources_are_told_at_their_place(source: str, cli: Cli) -> None:
    cli.file("main.mlf.hcl", f'module "m" {{\n  source = "{source}"\n}}\n')
    refused = cli.run("init")
    assert refused.status == 1
    assert BAD[source] in refused.stderr.replace("\n│ ", " ")
    assert "on main.mlf.hcl line 2" in refused.stderr
    assert refused.stderr.count("Error:") == 1
    assert not (cli.folder / ".mlform.lock.hcl").exists()


def test_an_archive_that_reaches_out_leaves_nothing(cli: Cli, served: Site) -> None:
    served.files["/x.zip"] = zip_of({"main.mlf.hcl": b"", "../../../../out": b"evil"})
    link = tarfile_link("main.mlf.hcl", "/etc/passwd")
    served.files["/y.tar.gz"] = link
    cli.file("main.mlf.hcl", call(f"{served.url}/x.zip"))
    cli.file("b.mlf.hcl", f'module "n" {{\n  source = "{served.url}/y.tar.gz"\n}}\n')
    refused = cli.run("init")
    assert refused.status == 1
    assert refused.stderr.count("Error: Unsafe file in module package") == 2
    left = [item.name for item in (cli.folder / ".mlform").rglob("*") if item.is_file()]
    assert left in ([], [".lock"])
    assert not list(cli.folder.parent.rglob("out"))


def tarfile_link(name: str, target: str) -> bytes:
    import tarfile

    entry = tarfile.TarInfo(name)
    entry.type = tarfile.SYMTYPE
    entry.linkname = target
    return tar_of_entries([(entry, b"")])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_ends_early_does_no_harm(how: signal.Signals, cli: Cli, served: Site) -> None:
    served.files["/x.zip"] = zip_of({"main.mlf.hcl": OUTPUT.format("one").encode()})
    cli.file("main.mlf.hcl", call(f"{served.url}/x.zip"))
    cli.run("init").ok()
    before = lock(cli)
    served.silent.add("/x.zip")
    asked = len(served.asked)
    with cli.started("init", "-upgrade") as process:
        deadline = time.monotonic() + 20
        while len(served.asked) == asked and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(how)
        assert process.wait(timeout=20) == (130 if how is signal.SIGINT else -how)
    served.silent.clear()
    assert lock(cli) == before
    cli.run("validate").ok()
    cli.run("init", "-upgrade").ok()
    names = sorted(item.name for item in (cli.folder / ".mlform" / "modules").iterdir())
    assert names in ([".lock", "m", "modules.json"], ["m", "modules.json"])


def test_the_manifest_holds_no_password(cli: Cli, served: Site) -> None:
    served.files["/x.zip"] = zip_of({"main.mlf.hcl": OUTPUT.format("one").encode()})
    url = served.url.replace("//", "//me:s3cret@")
    cli.file("main.mlf.hcl", call(f"{url}/x.zip"))
    done = cli.run("init").ok()
    manifest = (cli.folder / ".mlform" / "modules" / "modules.json").read_text()
    for text in (done.stdout, done.stderr, lock(cli), manifest, cli.run("modules").stdout):
        assert "s3cret" not in text
        assert json.dumps(text)
    assert served.asked[0][1] is not None
