"""Terraform as oracle for the native syntax: both programs take, and refuse, the same texts."""

from __future__ import annotations

import shutil
import subprocess  # noqa: TID251 - the oracle is another program
from random import Random  # noqa: TID251 - seeded

import pytest

from mlform.diagnostics import Source
from mlform.hcl.parser import parse

TERRAFORM = shutil.which("terraform")
PIECES = [
    "a", "b", "c.d", "1", "2.5", "1e5", '"s"', '"x${', '"', "${", "%{ if a }", "%{ endif }",
    "%{ else }", "%{ for x in y }", "%{ endfor }", "~}", *'{}[]()=:,.?+-*!\';\\é\t\n ', "...", "=>",
    "==", "&&", "for ", "in ", "if ", "x ", "<<E\n", "<<-E\n", " E \n", "E\n", "# c\n", "/* c */",
    "b {\n", "a = 1\n", "}\n", "true", "null", "[*]", ".*", ".0", "::",
]  # fmt: skip

pytestmark = pytest.mark.skipif(TERRAFORM is None, reason="the terraform program is not installed")


def refused(text: str) -> bool:
    assert TERRAFORM is not None
    done = subprocess.run(  # noqa: S603 - the program that was found
        [TERRAFORM, "fmt", "-"],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "CHECKPOINT_DISABLE": "1"},
        input=text.encode(),
        capture_output=True,
        check=False,
    )
    return done.returncode != 0


def check(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - a generator of cases
    pieces = [random.choice(PIECES) for _ in range(random.randint(1, 9))]
    text = "".join(["x = " if random.random() < 0.7 else "", *pieces, "\n"])
    _, diagnostics = parse(Source("main.tf", text))
    # What an object's key means is seen by Terraform when it is resolved.
    ours = [item for item in diagnostics if item.summary != "Ambiguous attribute key"]
    assert bool(ours) == refused(text), text


@pytest.mark.parametrize("seed", range(40))
def test_random_texts(seed: int) -> None:
    check(seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 4000))
def test_very_many_random_texts(seed: int) -> None:
    check(seed)
