"""What saved plans keep of variables: ephemeral values are given again."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from mlform.config.variable_sources import OptionValue
from mlform.diagnostics import ConfigurationError
from mlform.operations.kept_variables import with_ephemeral
from mlform.operations.results import Planned
from mlform.operations.saved_plans import load_plan, save_plan
from tests.engine import Engine

HCL = """
variable "token" {
  type      = string
  ephemeral = true
}

variable "word" {
  type = string
}

output "o" {
  value = "${var.word} ${ephemeralasnull(var.token) == null}"
}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path, HCL)


def saved(engine: Engine) -> Planned:
    path = engine.folder / "p"
    save_plan(engine.plan(variables={"token": "geheim", "word": "w"}), path)
    with zipfile.ZipFile(path) as archive:
        assert not any(b"geheim" in archive.read(name) for name in archive.namelist())
    return load_plan(engine.environment([]), path)


def completed(engine: Engine, planned: Planned, *options: str) -> Planned:
    given = [OptionValue(text=text) for text in options]
    return with_ephemeral(engine.environment([]), planned, given)


def test_they_are_given_again(engine: Engine) -> None:
    planned = completed(engine, saved(engine), "token=other")
    assert not engine.carry_out(planned).failed
    assert engine.outputs() == {"o": "w true"}


@pytest.mark.parametrize(
    ("options", "summary"),
    [
        ((), "No value for required variable"),
        (("token=t", "word=x"), "Can't set variable when applying a saved plan"),
    ],
)
def test_neither_more_nor_less(engine: Engine, options: tuple[str, ...], summary: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        completed(engine, saved(engine), *options)
    assert [item.summary for item in caught.value.diagnostics] == [summary]
