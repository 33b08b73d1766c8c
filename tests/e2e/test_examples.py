"""The examples, run as their READMEs say, in child processes and in containers."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess  # noqa: TID251 - data.py is run as people run it
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import httpx
import pytest

from mlform.operations.examples import copy_example
from mlform.runtimes.docker.containers import PROJECT_LABEL
from mlform.runtimes.docker.engine import Engine
from mlform.tasks import PinnedImage
from tests.contracts.runtime_harness import docker_host
from tests.e2e.cli import ROOT, Cli
from tests.ports import free_port
from tests.second_opinion import same_tree
from tests.waiting import wait_until

EXAMPLES = ROOT / "examples"
NAMES = ("breast_cancer", "wine", "diabetes", "iris")
ENDPOINTS = {
    "breast_cancer": "endpoint.tumours",
    "wine": "endpoint.wine",
    "diabetes": "endpoint.progression",
    "iris": "module.iris.endpoint.this",
}
MODELS = {
    "breast_cancer": "model.tumours",
    "wine": "model.wine",
    "diabetes": "model.challenger",
    "iris": "module.iris.model.this",
}
TARGETS = {
    "breast_cancer": "malignant",
    "wine": "cultivar",
    "diabetes": "progression",
    "iris": "species",
}
RuntimeName = Literal["process", "docker"]


class Example:
    """A copy of an example, with its table and a free port."""

    def __init__(self, name: str, folder: Path, runtime: RuntimeName, image: str) -> None:
        copy_example(name, folder)
        subprocess.run(
            [sys.executable, "data.py"], cwd=folder, check=True, capture_output=True, timeout=300
        )
        self.name = name
        self.runtime = runtime
        self.port = free_port()
        self.cli = Cli(folder, MLF_VAR_port=str(self.port))
        if runtime == "docker":
            shutil.copy(folder / "docker.mlf.hcl.example", folder / "docker.mlf.hcl")
            self.cli = self.cli.with_variables(MLF_VAR_image=image)

    @property
    def state(self) -> dict[str, object]:
        """The state file."""
        document = json.loads((self.cli.folder / "mlform.mlfstate").read_text(encoding="utf-8"))
        assert isinstance(document, dict)
        return document

    def digests(self) -> dict[str, str]:
        """Digests of the artifacts by address."""
        values = self.cli.run("show", "-json").ok().json
        assert isinstance(values, dict)
        modules = [values["values"]["root_module"]]
        found: dict[str, str] = {}
        while modules:
            module = modules.pop()
            modules += module.get("child_modules", [])
            found |= {
                item["address"]: item["values"]["digest"]
                for item in module.get("resources", [])
                if "digest" in item["values"]
            }
        return found

    def rows(self, count: int) -> tuple[list[dict[str, object]], list[str]]:
        """The first rows of the table without the target, and the target of each."""
        (table,) = (self.cli.folder / "data").glob("*.csv")
        with table.open(newline="", encoding="utf-8") as lines:
            rows: list[dict[str, object]] = []
            targets: list[str] = []
            for row in list(csv.DictReader(lines))[:count]:
                targets.append(row.pop(TARGETS[self.name]))
                rows.append({name: float(value) for name, value in row.items()})
        return rows, targets

    def predictions(self, count: int) -> list[dict[str, object]]:
        """What the endpoint answers to the first rows."""
        rows, _ = self.rows(count)
        answer = httpx.post(
            f"http://127.0.0.1:{self.port}/predict", json={"rows": rows}, timeout=30
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        found = answer.json()["predictions"]
        assert isinstance(found, list)
        return found

    def leftovers(self) -> list[str]:
        """Processes and containers of this project that are still there."""
        if self.runtime == "process":
            return _processes_in(self.cli.folder)
        engine = Engine(docker_host())
        try:
            label = f"{PROJECT_LABEL}={self.state['lineage']}"
            found = engine.api.containers(all=True, filters={"label": label})
            return [str(container["Names"]) for container in found]
        finally:
            engine.close()


def _processes_in(folder: Path) -> list[str]:
    """Command lines of the processes that name a folder or work in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            inside = (process / "cwd").resolve().is_relative_to(folder)
        except OSError:  # it has just ended, or is another user's
            continue
        if words and (inside or str(folder) in words):
            found.append(words)
    return found


@pytest.fixture
def start(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[str, RuntimeName], Example]]:
    """Make copies of examples; whatever they started is gone afterwards."""
    made: list[Example] = []

    def make(name: str, runtime: RuntimeName) -> Example:
        image = ""
        if runtime == "docker":
            pinned: PinnedImage = request.getfixturevalue("runtime_image")
            image = pinned.name
        made.append(Example(name, tmp_path / f"{runtime}-{name}", runtime, image))
        return made[-1]

    yield make
    for example in made:
        if (example.cli.folder / "mlform.mlfstate").exists():
            example.cli.run("destroy", "-auto-approve")


RUNTIMES = ("process", pytest.param("docker", marks=pytest.mark.docker))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_an_example_lives_from_apply_to_destroy(
    start: Callable[[str, RuntimeName], Example], name: str, runtime: RuntimeName
) -> None:
    example = start(name, runtime)
    cli = example.cli
    applied = cli.run("apply", "-auto-approve").ok()
    assert "Apply complete!" in applied.stdout
    assert f'url = "http://127.0.0.1:{example.port}"' in applied.stdout
    assert applied.stderr == ""

    served = example.predictions(8)
    _check_predictions(name, served, example.rows(8)[1])
    rows = [f"-row={json.dumps(row)}" for row in example.rows(8)[0]]
    predicted = cli.run("predict", ENDPOINTS[name], *rows).ok().json
    assert isinstance(predicted, dict)
    assert predicted["predictions"] == served
    asked = cli.run("predict", MODELS[name], *rows).ok().json
    assert isinstance(asked, dict)
    assert asked["predictions"] == served

    again = cli.run("plan", "-detailed-exitcode")
    assert again.ok().stdout.startswith("No changes.")
    if runtime == "docker":
        assert 'image "mlform-runtime:' in (cli.folder / ".mlform.lock.hcl").read_text()
        locked = cli.run("plan", "-lockfile=readonly").ok()
        assert locked.stdout.startswith("No changes.")

    assert example.leftovers()
    gone = cli.run("destroy", "-auto-approve").ok()
    assert "Destroy complete!" in gone.stdout
    wait_until(lambda: not example.leftovers())
    with pytest.raises(httpx.ConnectError):
        example.predictions(1)


def _check_predictions(name: str, served: list[dict[str, object]], truth: list[str]) -> None:
    """Hold predictions against what the table says; most of these rows were trained on."""
    assert len(served) == len(truth)
    if name == "diabetes":
        errors = [
            abs(float(str(answer["prediction"])) - float(target))
            for answer, target in zip(served, truth, strict=True)
        ]
        assert sum(errors) / len(errors) < 100
        return
    for answer in served:
        shares = answer["probabilities"]
        assert isinstance(shares, dict)
        assert sum(shares.values()) == pytest.approx(1, abs=1e-6)
        assert str(answer["prediction"]) == max(shares, key=lambda key: float(shares[key]))
    hits = [
        str(answer["prediction"]) == target for answer, target in zip(served, truth, strict=True)
    ]
    assert sum(hits) >= len(hits) - 1


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_changed_depth_runs_model_evaluation_and_endpoint_only(
    start: Callable[[str, RuntimeName], Example], runtime: RuntimeName
) -> None:
    example = start("breast_cancer", runtime)
    cli = example.cli
    cli.run("apply", "-auto-approve").ok()
    before = example.digests()
    served = example.predictions(3)
    cli.replace("main.mlf.hcl", "default     = 3", "default     = 2")

    cli.run("plan", "-out=deeper.mlfplan").ok()
    document = cli.run("show", "-json", "deeper.mlfplan").ok().json
    assert isinstance(document, dict)
    actions = {item["address"]: item["change"]["actions"] for item in document["resource_changes"]}
    assert actions == {
        "dataset.tumours": ["no-op"],
        "split.tumours": ["no-op"],
        "model.tumours": ["update"],
        "evaluation.tumours": ["update"],
        "endpoint.tumours": ["create", "delete"],
    }

    applied = cli.run("apply", "deeper.mlfplan").ok()
    assert "Apply complete! Resources: 1 added, 2 changed, 1 destroyed." in applied.stdout
    ran = {line.partition(":")[0] for line in applied.stdout.splitlines() if ".tumours:" in line}
    assert ran == {"model.tumours", "evaluation.tumours", "endpoint.tumours"}
    after = example.digests()
    changed = {address for address in after if after[address] != before[address]}
    assert changed == {"model.tumours", "evaluation.tumours"}
    assert example.predictions(3) != served
    assert cli.run("plan").ok().stdout.startswith("No changes.")

    # The first depth again: its artifacts are still in the store, so nothing is trained.
    cli.replace("main.mlf.hcl", "default     = 2", "default     = 3")
    back = cli.run("apply", "-auto-approve").ok()
    assert "model.tumours: Reused from cache" in back.stdout
    assert example.digests() == before
    assert example.predictions(3) == served


@pytest.mark.docker
@pytest.mark.parametrize("name", NAMES)
def test_processes_and_containers_make_the_same_bytes(
    start: Callable[[str, RuntimeName], Example], name: str
) -> None:
    digests = []
    for runtime in ("process", "docker"):
        example = start(name, runtime)
        targets = _evaluations(example)
        example.cli.run("apply", "-auto-approve", *targets).ok()
        digests.append(example.digests())
    assert digests[0] == digests[1]
    assert len(digests[0]) >= 4


def _evaluations(example: Example) -> list[str]:
    """Options that leave the endpoint out."""
    if example.name == "iris":
        return ["-target=module.iris.evaluation.this"]
    text = (example.cli.folder / "main.mlf.hcl").read_text(encoding="utf-8")
    named = [
        line.split('"')[3] for line in text.splitlines() if line.startswith('resource "evaluation"')
    ]
    return [f"-target=evaluation.{name}" for name in named]


@pytest.mark.parametrize(
    "path", sorted(EXAMPLES.rglob("*.mlf.hcl*")), ids=lambda path: str(path.relative_to(EXAMPLES))
)
def test_both_parsers_see_the_same_tree(path: Path) -> None:
    same_tree(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_complete(name: str) -> None:
    folder = EXAMPLES / name
    present = {path.name for path in folder.iterdir()}
    assert present >= {"main.mlf.hcl", "docker.mlf.hcl.example", "data.py", "README.md"}
    assert not _kept_tables(folder)


def _kept_tables(folder: Path) -> list[str]:
    """Tables that version control would take in."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this is no checkout of a repository")
    listed = subprocess.run(  # noqa: S603 - git only reads here
        [
            git,
            "-C",
            str(ROOT),
            "ls-files",
            "--others",
            "--cached",
            "--exclude-standard",
            str(folder),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return [line for line in listed.stdout.splitlines() if line.endswith((".csv", ".parquet"))]


def test_the_modules_pass_their_own_tests() -> None:
    for folder in sorted((ROOT / "modules").iterdir()):
        cli = Cli(folder)
        cli.run("validate").ok()
        assert "0 failed." in cli.run("test").ok().stdout
