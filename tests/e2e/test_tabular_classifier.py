"""The module tabular_classifier as its callers meet it, with child processes doing the work."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.cli import ROOT, Cli
from tests.ports import free_port

MODULE = ROOT / "modules" / "tabular_classifier"
CALL = """\
module "buyers" {
  source = "./modules/tabular_classifier"

  path   = "${path.root}/people.csv"
  target = "bought"
%s}

output "buyers" {
  value = module.buyers
}
"""
PEOPLE = """\
  where       = "age >= 20"
  schema      = { age = { type = "int64", nullable = false, min = 0, max = 120 } }
  numeric     = ["age", "income"]
  categorical = ["city"]
  drop        = ["id"]
  params      = { max_depth = 2, booster = "gbtree" }
  gates       = { accuracy = { min = 0.7 } }
"""


def people() -> str:
    """A table with numbers, some of them missing, texts, truth values, and an identifier."""
    cities = ("Bergen", "Oslo", "Trondheim")
    lines = ["id,age,city,active,income,bought"]
    for number in range(240):
        age = 18 + number * 37 % 63
        active = "true" if number % 2 else "false"
        income = "" if number % 9 == 0 else str(20_000 + number * 7919 % 100_000)
        bought = "yes" if (age > 45) != (number % 11 == 0) else "no"
        lines.append(f"{number},{age},{cities[number % 3]},{active},{income},{bought}")
    return "\n".join(lines) + "\n"


def caller(folder: Path, arguments: str) -> Cli:
    """A configuration that calls a copy of the module."""
    shutil.copytree(
        MODULE, folder / "modules" / MODULE.name, ignore=shutil.ignore_patterns(".*", "*.mlfstate*")
    )
    return Cli(folder).file("people.csv", people()).file("main.mlf.hcl", CALL % arguments)


@pytest.fixture
def buyers(tmp_path: Path) -> Iterator[Cli]:
    cli = caller(tmp_path, PEOPLE)
    yield cli
    cli.run("destroy", "-auto-approve").ok()
    assert cli.run("state", "list").ok().stdout == ""


def output_of(cli: Cli) -> dict[str, object]:
    found = cli.run("output", "-json", "buyers").ok().json
    assert isinstance(found, dict)
    return found


def test_a_model_is_made_served_held_back_and_taken_down(buyers: Cli) -> None:
    buyers.run("apply", "-auto-approve").ok()
    made = output_of(buyers)
    assert made["url"] is None
    assert made["features"] == [
        "age",
        "city_Bergen",
        "city_Oslo",
        "city_Trondheim",
        "active",
        "income",
    ]
    assert 0 < int(str(made["rows"])) < 240
    assert isinstance(made["metrics"], dict)
    assert set(made["metrics"]) == {"accuracy", "log_loss"}

    port = free_port()
    served = f"{PEOPLE}  serve = {{ port = {port} }}\n"
    buyers.file("main.mlf.hcl", CALL % served)
    assert "1 added, 0 changed, 0 destroyed" in buyers.run("apply", "-auto-approve").ok().stdout
    assert output_of(buyers) == made | {"url": f"http://127.0.0.1:{port}"}
    row = {"age": 60, "city": "Oslo", "active": True, "income": None}
    assert answer(port, row) in {"yes", "no"}
    assert buyers.run("plan", "-detailed-exitcode").ok().stdout.startswith("No changes.")

    # A better model is asked for than there is: nothing of what is served changes.
    buyers.file("main.mlf.hcl", CALL % served.replace("min = 0.7", "min = 1"))
    buyers.replace("main.mlf.hcl", "max_depth = 2", "max_depth = 1")
    refused = buyers.run("apply", "-auto-approve")
    assert refused.status != 0
    assert "the gate asks for at least 1" in refused.stderr
    assert answer(port, row) in {"yes", "no"}

    buyers.file("main.mlf.hcl", CALL % PEOPLE)
    buyers.run("apply", "-auto-approve").ok()
    assert output_of(buyers) == made
    with pytest.raises(httpx.TransportError):
        answer(port, row)


def answer(port: int, row: dict[str, object]) -> object:
    """What the endpoint predicts for a row."""
    found = httpx.post(f"http://127.0.0.1:{port}/predict", json=row, timeout=30)
    assert found.status_code == httpx.codes.OK, found.text
    return found.json()["predictions"][0]["prediction"]


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ('columns = ["age"]', 'The target "bought" has to be one of the columns.'),
        ('numeric = ["bought"]', 'The target "bought" is no feature. Take it out of numeric.'),
        ('drop = ["bought"]', 'The target "bought" cannot be dropped.'),
        ("partitions = { train = 0.9 }", "The shares have to sum to 1, and sum to 1.3."),
        ("partitions = { valid = 0 }", "Every share has to be greater than 0."),
        ("seed = 1.5", "The seed has to be a whole number of at least 0, not 1.5."),
        ("rounds = 0", "The number of rounds has to be a whole number of at least 1, not 0."),
        ("patience = -1", "The patience has to be a whole number of at least 1, not -1."),
        ("params = 3", "The parameters are given by name, such as { max_depth = 4 }."),
        ("gates = { accuracy = { minimum = 1 } }", "Every gate needs a min or a max."),
        ("gates = { f1 = { min = 1 } }", "Add to metrics: f1."),
    ],
)
def test_what_is_wrong_is_said_at_the_callers_argument(
    argument: str, said: str, tmp_path: Path
) -> None:
    outcome = caller(tmp_path, f"  serve = {{ port = 8080 }}\n  {argument}\n").run("validate")
    assert outcome.status == 1
    assert said in outcome.stderr
    place = outcome.stderr[: outcome.stderr.index(said)].rpartition("Error: ")[2]
    assert f'main.mlf.hcl line 7, in module "buyers":\n│    7:   {argument}\n' in place


def test_one_module_makes_several_models(tmp_path: Path) -> None:
    arguments = '  for_each = toset(["a", "b"])\n  seed = each.key == "a" ? 1 : 2\n'
    cli = caller(tmp_path, arguments + PEOPLE)
    planned = cli.run("plan").ok().stdout
    assert "Plan: 8 to add" in planned
    for key in ("a", "b"):
        assert f'# module.buyers["{key}"].model.this will be created' in planned


def test_only_a_path_and_a_target_are_needed(tmp_path: Path) -> None:
    cli = caller(tmp_path, "")
    cli.run("validate").ok()
    assert "Plan: 4 to add" in cli.run("plan").ok().stdout


def test_its_readme_tells_of_every_variable_and_output() -> None:
    text = "".join(path.read_text() for path in sorted(MODULE.glob("*.mlf.hcl")))
    readme = (MODULE / "README.md").read_text()
    variables, outputs = re.split(r"^\| output", readme, maxsplit=1, flags=re.MULTILINE)
    row = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)
    assert row.findall(variables) == re.findall(r'^variable "(\w+)"', text, re.MULTILINE)
    assert row.findall(outputs) == re.findall(r'^output "(\w+)"', text, re.MULTILINE)
