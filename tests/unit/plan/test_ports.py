"""Two endpoints that need the same port are told by the plan, before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlform.diagnostics import ConfigurationError, Diagnostic
from tests.engine import DATA, PIPELINE, Engine

MODEL = PIPELINE.partition('resource "endpoint"')[0]
FIRST = 'resource "endpoint" "a" {\n  model = model.m\n  port  = 8080\n}\n'


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path, MODEL + FIRST).file("data.csv", DATA)


def refused(engine: Engine) -> tuple[Diagnostic, ...]:
    with pytest.raises(ConfigurationError) as caught:
        engine.plan()
    return caught.value.diagnostics


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::"])  # noqa: S104 - never listened on
def test_the_second_on_a_port_is_refused(engine: Engine, host: str) -> None:
    engine.ok()
    engine.hcl += f"""
resource "endpoint" "b" {{
  count = 2
  model = model.m
  host  = "{host}"
  port  = 8080
}}
"""
    found = refused(engine)
    assert [(each.summary, each.address) for each in found] == [
        ("Port is given twice", "endpoint.b[0]"),
        ("Port is given twice", "endpoint.b[1]"),
    ]
    assert found[0].detail.startswith("endpoint.a serves on port 8080 of 127.0.0.1.")
    assert found[0].range is not None
    assert found[0].range.text == "8080"


def test_other_ports_and_other_hosts_are_no_matter(engine: Engine) -> None:
    engine.hcl += FIRST.replace('"a"', '"b"').replace("8080", "8081")
    engine.hcl += FIRST.replace('"a"', '"c"').replace("port", 'host = "127.0.0.2"\n  port')
    assert engine.ok().counts == (7, 0, 0)


def test_ports_that_change_hands_are_free(engine: Engine) -> None:
    engine.hcl += FIRST.replace('"a"', '"b"').replace("8080", "8081")
    engine.ok()
    engine.edit("8080", "1").edit("8081", "8080").edit("port  = 1\n", "port  = 8081\n")
    assert engine.ok().counts == (2, 0, 2)
    engine.hcl = MODEL + FIRST.replace('"a"', '"d"')
    assert engine.ok().counts == (1, 0, 2)
