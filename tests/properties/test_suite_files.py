"""Whatever stands in a file of tests: problems with their places, never an exception."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from mlform.config.suite_load import load_suites

TEXT = """
variables {
  a = "x"
}
mock_provider "mlform" {
  override_during = plan
  mock_resource "dataset" {
    defaults = { rows = 3 }
  }
}
override_module {
  target  = module.a
  outputs = { b = 1 }
}
run "first" {
  command         = plan
  expect_failures = [var.a, check.b, mlform_data.c["d"]]
  plan_options {
    mode   = refresh-only
    target = [module.a, mlform_data.c[0]]
  }
  module {
    source = "./other"
  }
  override_resource {
    target = mlform_data.c
    values = { id = "x" }
  }
  assert {
    condition     = output.x == run.second.y
    error_message = "no ${var.a}"
  }
}
"""
JSON = """
{
  "variables": {"a": "x"},
  "mock_provider": {"mlform": {"mock_resource": {"dataset": {"defaults": {"rows": 3}}}}},
  "override_module": {"target": "module.a", "outputs": {"b": 1}},
  "run": {
    "first": {
      "command": "plan",
      "expect_failures": ["var.a", "mlform_data.c[\\"d\\"]"],
      "plan_options": {"mode": "refresh-only", "target": ["module.a"]},
      "module": {"source": "./other"},
      "assert": [{"condition": "${output.x == 1}", "error_message": "no"}]
    }
  }
}
"""
PIECES = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        '"',
        "=",
        "run",
        "target",
        "null",
        "${",
        "module.a",
        "\x00",
        "é",
        "1",
        ",",
        ":",
        "\n",
    ]
)
EDITS = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 12), PIECES), min_size=1, max_size=4)


@settings(max_examples=200, deadline=None)
@given(EDITS, st.sampled_from([("hcl", TEXT), ("json", JSON)]))
def test_changed_files_give_problems_and_no_exceptions(
    edits: list[tuple[int, int, str]], given_text: tuple[str, str]
) -> None:
    suffix, text = given_text
    for at, length, piece in edits:
        text = text[:at] + piece + text[at + length :]
    name = f"a.mlftest.{suffix}"
    with TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(text.encode())
        _, problems = load_suites(Path(folder))
    for problem in problems:
        assert problem.summary
        assert problem.range is not None
        assert problem.range.filename == name


def test_the_files_are_right_before_they_are_changed(tmp_path: Path) -> None:
    (tmp_path / "a.mlftest.hcl").write_text(TEXT)
    (tmp_path / "b.mlftest.json").write_text(JSON)
    suites, problems = load_suites(tmp_path)
    assert problems == ()
    assert [len(suite.runs) for suite in suites] == [1, 1]
