"""Values as the text of a resource block, and back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlform.addresses import parse_address
from mlform.config.write import generated_text, resource_text
from mlform.diagnostics import Diagnostics, Source
from mlform.digests import Json
from mlform.graph.arguments import BodyResolver
from mlform.hcl.parser import parse
from mlform.lang.construct import object_of, set_of
from mlform.lang.encode import from_json, to_json
from mlform.lang.scope import Scope
from mlform.lang.types import STRING
from mlform.lang.values import SENSITIVE, Value, string
from mlform.resources import data, dataset, endpoint, model, split
from mlform.schema import ResourceSchema
from tests.language import FUNCTIONS


def written(address: str, schema: ResourceSchema, values: dict[str, Json]) -> str:
    return resource_text(
        parse_address(address), schema, {name: from_json(item) for name, item in values.items()}
    )


def read_back(
    text: str, schema: ResourceSchema, variables: dict[str, Value] | None = None
) -> Value:
    body, problems = parse(Source("generated.mlf.hcl", text))
    assert not problems, (text, problems)
    (block,) = body.blocks
    diagnostics = Diagnostics()
    scope = Scope(variables=variables or {}, functions=FUNCTIONS)
    found = BodyResolver(scope=scope, diagnostics=diagnostics).resolve(
        schema.body, block.body, block.range
    )
    assert not list(diagnostics), (text, list(diagnostics))
    return found


SPLIT: dict[str, Json] = {
    "id": "0123456789ab",
    "digest": "sha256:00",
    "dataset": "dataset.titanic",
    "seed": 7,
    "train": "train",
    "ratio": {"partitions": {"train": 0.7, "eval": 0.3}, "stratify": "survived", "group": None},
    "sorted": None,
    "transform": [
        {"op": "impute", "columns": ["age"], "strategy": "median", "value": None},
        {"op": "one_hot", "columns": ["sex", "embarked"], "max_categories": 5},
    ],
    "requirements": None,
}


def test_block_has_what_differs_from_the_defaults_by_schema() -> None:
    assert (
        written("split.titanic", split.SCHEMA, SPLIT)
        == """\
resource "split" "titanic" {
  dataset = dataset.titanic
  seed    = 7

  ratio {
    partitions = {
      eval  = 0.3
      train = 0.7
    }
    stratify = "survived"
  }

  transform "impute" {
    columns = ["age"]
  }

  transform "one_hot" {
    columns        = ["sex", "embarked"]
    max_categories = 5
  }
}
"""
    )


def test_nested_blocks_in_a_variant_and_objects_of_open_type() -> None:
    values: dict[str, Json] = {
        "split": 'split.titanic["a b"]',
        "target": "survived",
        "algorithm": {
            "type": "xgboost",
            "objective": "binary:logistic",
            "params": {"max_depth": 4, "for": [1, {"a b": True}], "empty": {}},
            "early_stopping": {"partition": "eval", "rounds": 20, "metric": None},
        },
    }
    text = written("model.survival", model.SCHEMA, values)
    assert 'split  = split.titanic["a b"]\n' in text
    assert '  algorithm "xgboost" {\n    objective = "binary:logistic"\n' in text
    assert '    early_stopping {\n      partition = "eval"\n      rounds    = 20\n    }\n' in text
    known = object_of({"titanic": object_of({"a b": object_of({"address": string("split.x")})})})
    back = to_json(read_back(text, model.SCHEMA, {"split": known}))
    assert isinstance(back, dict)
    given = values["algorithm"]
    assert isinstance(given, dict)
    assert isinstance(back["algorithm"], dict)
    assert {name: back["algorithm"][name] for name in given} == given


def test_required_arguments_are_written_even_if_they_are_not_known() -> None:
    text = resource_text(parse_address("endpoint.e"), endpoint.SCHEMA, {"port": from_json(8080)})
    assert text == 'resource "endpoint" "e" {\n  model = null\n  port  = 8080\n}\n'


def test_list_of_references_and_resources_of_other_modules() -> None:
    values: dict[str, Json] = {
        "model": "module.m.model.survival",
        "requires": ["evaluation.a", "evaluation.b[0]"],
        "port": 1,
    }
    text = written("endpoint.e", endpoint.SCHEMA, values)
    assert "  model    = null /* module.m.model.survival */\n" in text
    assert "  requires = [evaluation.a, evaluation.b[0]]\n" in text
    inside = written("module.m.endpoint.e", endpoint.SCHEMA, values)
    assert "  model    = model.survival\n" in inside


def test_long_lists_take_a_line_for_each_item() -> None:
    columns: list[Json] = [f"a rather long column name {number}" for number in range(4)]
    values: dict[str, Json] = {"source": {"type": "file", "path": "a.csv"}, "columns": columns}
    text = written("dataset.d", dataset.SCHEMA, values)
    assert '  columns = [\n    "a rather long column name 0",\n' in text
    assert to_json(read_back(text, dataset.SCHEMA))["columns"] == columns  # type: ignore[index, call-overload]


def test_sensitive_values_are_not_written() -> None:
    hidden = object_of({"user": string("ann"), "password": string("secret").with_marks(SENSITIVE)})
    text = resource_text(parse_address("mlform_data.d"), data.SCHEMA, {"input": hidden})
    assert "password = null # sensitive\n" in text
    assert "secret" not in text
    whole = string("secret").with_marks(SENSITIVE)
    text = resource_text(parse_address("mlform_data.d"), data.SCHEMA, {"input": whole})
    assert "  input = null # sensitive\n" in text


def test_texts_of_several_lines_become_heredocs_where_that_gives_the_same_text() -> None:
    text = written("mlform_data.d", data.SCHEMA, {"input": "select ${x}\n\n  from y\n"})
    assert text == (
        'resource "mlform_data" "d" {\n  input = <<-EOT\n'
        "    select $${x}\n\n      from y\n  EOT\n}\n"
    )
    for other in ("no break\nat the end", "  indented\n  all\n", "a\r\nb\r\n", "a\n \nb\n"):
        assert "<<" not in written("mlform_data.d", data.SCHEMA, {"input": other})


def test_set_comes_back_as_a_set() -> None:
    value = set_of([string("b"), string("a")], STRING)
    text = resource_text(parse_address("mlform_data.d"), data.SCHEMA, {"input": value})
    assert '  input = toset(["a", "b"])\n' in text
    assert read_back(text, data.SCHEMA).payload["input"] == value  # type: ignore[index, call-overload]


def test_file_of_generated_blocks() -> None:
    text = generated_text([("abc", 'resource "mlform_data" "a" {\n}\n')])
    assert text == (
        "# __generated__ by mlform\n"
        "# Please review these resources and move them into your main configuration files.\n"
        '\n# __generated__ by mlform from "abc"\nresource "mlform_data" "a" {\n}\n'
    )


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    [
        '"$${a}',
        '\\"${',
        "%{ if",
        "a\nb\n",
        "EOT\nEOT_\nx\n",
        "mlform_text_0",
        "$$${",
        "<<EOT\na\nEOT",
    ]
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
DOCUMENTS = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)


@given(DOCUMENTS)
@settings(max_examples=150, deadline=None)
def test_what_is_written_reads_back(document: Json) -> None:
    value = from_json(document)
    text = resource_text(parse_address("mlform_data.d"), data.SCHEMA, {"input": value})
    back = read_back(text, data.SCHEMA)
    assert isinstance(back.payload, dict)
    assert back.payload["input"] == value, text


@pytest.mark.parametrize("name", ["a", "über-modell"])
def test_name_of_the_block(name: str) -> None:
    text = written(f"mlform_data.{name}[3]", data.SCHEMA, {})
    assert text.startswith(f'resource "mlform_data" "{name}" {{')
