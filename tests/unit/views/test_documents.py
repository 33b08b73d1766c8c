"""Plans and states as Terraform's JSON: what is in them, and what is left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlform.digests import JsonObject
from mlform.operations.show import planned_config
from mlform.plan.changes import Mode
from mlform.views.documents import plan_document
from mlform.wiring import KindTable
from tests.engine import Engine

MAIN = """\
variable "word" {
  type    = object({ a = string, b = optional(number, 3) })
  default = { a = "x" }
}
resource "mlform_data" "z" {
  input = var.word
  lifecycle {
    precondition {
      condition     = var.word.a != ""
      error_message = "empty"
    }
  }
}
resource "mlform_data" "none" {
  count = 0
  lifecycle {
    postcondition {
      condition     = self.id != ""
      error_message = "empty"
    }
  }
}
resource "mlform_data" "a" {
  input = [mlform_data.z.id, mlform_data.z[*].output]
}
output "known" {
  value = { a = 1, b = ["x", true] }
}
output "partly" {
  value = { a = 1, b = mlform_data.z.id }
}
output "unknown" {
  value = mlform_data.z.id
}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path, hcl=MAIN)


def document(engine: Engine, *targets: str, mode: Mode = Mode.NORMAL) -> JsonObject:
    planned = engine.plan(targets=targets, mode=mode)
    made = plan_document(
        planned.plan,
        state=planned.state,
        variables={"word": {"a": "x"}},
        version="0.1.0",
        schemas={name: kind.schema for name, kind in KindTable().items()},
        config=planned_config(engine.environment([]), planned),
    )
    found: JsonObject = json.loads(json.dumps(made))
    return found


def part(data: object, *steps: str | int) -> object:
    """What is found by going down these steps."""
    for step in steps:
        assert isinstance(data, dict | list)
        data = data[step]  # type: ignore[index] # a list has numbers, an object names
    return data


def test_outputs_have_types_where_they_are_known(engine: Engine) -> None:
    found = document(engine)
    assert part(found, "planned_values", "outputs") == {
        "known": {
            "sensitive": False,
            "type": ["object", {"a": "number", "b": ["tuple", ["string", "bool"]]}],
            "value": {"a": 1, "b": ["x", True]},
        },
        "partly": {"sensitive": False},
        "unknown": {"sensitive": False},
    }
    changes = part(found, "output_changes")
    assert part(changes, "partly", "after") == {"a": 1}
    assert part(changes, "partly", "after_unknown") == {"b": True}
    assert part(changes, "unknown") == {
        "actions": ["create"],
        "before": None,
        "after_unknown": True,
        "before_sensitive": False,
        "after_sensitive": False,
    }
    assert part(changes, "known", "after_unknown") is False


def test_resources_are_in_order_of_address_and_steps_in_that_of_apply(engine: Engine) -> None:
    found = document(engine)
    for path in (("planned_values", "root_module", "resources"), ("resource_changes",)):
        resources = part(found, *path)
        assert isinstance(resources, list)
        assert [item["address"] for item in resources] == ["mlform_data.a", "mlform_data.z"]
    steps = part(found, "steps")
    assert isinstance(steps, list)
    assert [item["id"] for item in steps] == ["create mlform_data.z", "create mlform_data.a"]


def test_readers_find_versions_and_the_provider(engine: Engine) -> None:
    found = document(engine)
    assert found["format_version"] == "1.2"
    assert found["terraform_version"] == "1.11.0"
    assert found["mlform_version"] == "0.1.0"
    assert part(found, "configuration", "provider_config") == {
        "mlform": {"name": "mlform", "full_name": "mlform.io/builtin/mlform"}
    }
    planned = part(found, "planned_values", "root_module", "resources", 0)
    assert part(planned, "schema_version") == 1
    assert part(planned, "provider_name") == "mlform.io/builtin/mlform"


def test_defaults_are_converted(engine: Engine) -> None:
    variables = part(document(engine), "configuration", "root_module", "variables")
    assert variables == {"word": {"default": {"a": "x", "b": 3}}}


def test_what_is_empty_is_left_out(engine: Engine) -> None:
    found = document(engine)
    assert not {"resource_drift", "prior_state"} & set(found)
    engine.hcl = ""
    found = document(engine)
    assert part(found, "planned_values") == {"root_module": {}}
    assert not {"output_changes", "resource_changes", "checks", "relevant_attributes"} & set(found)


def test_conditions_nobody_looked_at_are_unknown(engine: Engine) -> None:
    def statuses(found: JsonObject) -> list[tuple[object, object]]:
        checks = part(found, "checks")
        assert isinstance(checks, list)
        return [(part(item, "address", "to_display"), item["status"]) for item in checks]

    whole = [("mlform_data.none", "pass"), ("mlform_data.z", "pass")]
    assert statuses(document(engine)) == whole
    engine.ok()
    unknown = [(name, "unknown") for name, _ in whole]
    assert statuses(document(engine, mode=Mode.DESTROY)) == unknown


def test_a_plan_with_targets_is_not_complete(engine: Engine) -> None:
    assert document(engine)["complete"] is True
    assert document(engine, "mlform_data.z")["complete"] is False
