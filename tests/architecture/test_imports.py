"""What may import what, and what a command loads."""

from __future__ import annotations

import json
import subprocess  # noqa: TID251 - other programs are what is looked at
import sys
from pathlib import Path

import pytest

from tests.e2e.cli import ROOT, Cli
from tests.e2e.encryption import ALL_ENCRYPTED

HEAVY = (
    "pandas",
    "numpy",
    "polars",
    "pyarrow",
    "sklearn",
    "xgboost",
    "docker",
    "dvc",
    "networkx",
    "rich",
    "uvicorn",
    "obstore",
    "psycopg",
    "http",
    "ssl",
    "cryptography",
)
CONFIG = """
variable "v" {
  default = 1
}

locals {
  doubled = var.v * 2
}

resource "mlform_data" "a" {
  count = local.doubled
  input = "n${count.index}"
}

resource "dataset" "d" {
  source "file" {
    path = "data.csv"
  }
}

output "all" {
  value = mlform_data.a[*].output
}
"""
_RUN = """
import sys
from mlform.cli.main import run
status = run(sys.argv[1:], {}, sys.stdin, sys.stdout, sys.stderr)
assert status in (0, 2), status
print("\\nloaded:", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_contracts_of_the_layout_are_kept() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    if not program.exists():
        pytest.skip("import-linter is not installed")
    done = subprocess.run(  # noqa: S603 - beside this Python
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("version",),
        ("-help",),
        ("validate",),
        ("plan",),
        ("plan", "-json"),
        ("plan", "-destroy"),
        ("show",),
        ("output",),
    ],
    ids=" ".join,
)
def test_light_commands_load_nothing_heavy(words: tuple[str, ...], tmp_path: Path) -> None:
    cli = Cli(tmp_path).file("main.mlf.hcl", CONFIG).file("data.csv", "a\n1\n")
    done = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", _RUN, *words],
        cwd=tmp_path,
        env=dict(cli.environment()),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.rpartition("loaded:")[2].split()
    assert [name for name in HEAVY if name in loaded] == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        path.relative_to(ROOT)
        for path in sorted((ROOT / "mlform").rglob("*.py"))
        if not path.read_text(encoding="utf-8").lstrip().startswith('"""')
    ]
    assert silent == []


def test_modules_stay_short() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sorted((ROOT / "mlform").rglob("*.py"))
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 500
    }
    assert long == {}


def test_keys_are_loaded_only_where_something_is_encrypted(tmp_path: Path) -> None:
    cli = Cli(tmp_path).file("main.mlf.hcl", CONFIG).file("data.csv", "a\n1\n")
    names = _modules(cli, {}, "apply", "-auto-approve", "-target=mlform_data.a")
    assert not {name for name in names if name.startswith(("cryptography", "mlform.ciphers"))}
    names = _modules(cli, {"MLF_ENCRYPTION": ALL_ENCRYPTED}, "validate")
    assert "cryptography" not in names


_GIVEN = """
import json, sys
given = json.loads(sys.argv.pop())
"""


def _modules(cli: Cli, variables: dict[str, str], *words: str) -> set[str]:
    """All modules that a command loads."""
    program = _RUN.replace("{}", "given", 1).replace(
        '{name.partition(".")[0] for name in sys.modules}', "sys.modules"
    )
    done = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", _GIVEN + program, *words, json.dumps(variables)],
        cwd=cli.folder,
        env=dict(cli.environment()),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("loaded:")[2].split())
