from __future__ import annotations

import pytest

from mlform.addresses import ModuleStep, ResourceAddress, parse_target
from tests.unit.config.trees import load, loaded, told

KID = 'module "kid" {\n  source = "./kid"\n}\n'


@pytest.mark.parametrize(
    "text",
    [
        "mlform_data.a",
        "mlform_data.a[3]",
        'mlform_data.a["k.x"]',
        "module.a",
        'module.a["k"]',
        "module.a[0].module.b",
        'module.a["k"].module.b.mlform_data.c[1]',
    ],
)
def test_addresses_of_moved_objects(text: str) -> None:
    other = "module.z" if isinstance(parse_target(text), tuple) else "mlform_data.z"
    config = loaded({"a.mlf.hcl": f"moved {{\n  from = {text}\n  to = {other}\n}}\n"})
    [moved] = config.root.moved
    assert moved.source == parse_target(text)
    assert moved.target == parse_target(other)
    assert moved.module == ()


@pytest.mark.parametrize(
    ("source", "target", "summary"),
    [
        ("a.b", "module.c", 'Invalid "moved" addresses'),
        ("a.b", "a.b", "Redundant move statement"),
        ("a.b.c", "a.b", "Invalid address"),
        ("a[0].b", "a.b", "Invalid address"),
        ("a.b[0][1]", "a.b", "Invalid address"),
        ("a", "a.b", "Invalid address"),
        ("module", "module.b", "Invalid address"),
        ("module.a.b", "module.b", "Invalid address"),
        ("var.a", "a.b", "Invalid address"),
        ("data.a.b", "a.b", "Invalid address"),
        ("resource.a", "a.b", "Invalid address"),
        ('"a.b"', "a.c", "Invalid address"),
        ("a.b[each.key]", "a.c", "Invalid expression"),
        ("f(a.b)", "a.c", "Invalid expression"),
    ],
)
def test_addresses_that_are_none(source: str, target: str, summary: str) -> None:
    _, problems = load({"a.mlf.hcl": f"moved {{\n  from = {source}\n  to = {target}\n}}\n"})
    assert [each.summary for each in problems] == [summary]


def test_statements_of_modules_are_seen_from_there() -> None:
    config = loaded(
        {
            "a.mlf.hcl": KID,
            "kid/a.mlf.hcl": "moved {\n  from = a.b\n  to = a.c\n}\n"
            "removed {\n  from = a.d\n  lifecycle {\n    destroy = false\n  }\n}\n"
            "removed {\n  from = module.e\n}\n",
        }
    )
    path = (ModuleStep("kid"),)
    kid = config.modules[path]
    [moved] = kid.moved
    assert (moved.module, moved.source) == (path, ResourceAddress("a", "b"))
    first, second = kid.removed
    assert (first.target, first.destroy) == (ResourceAddress("a", "d", module=path), False)
    assert (second.target, second.destroy) == ((*path, ModuleStep("e")), True)


@pytest.mark.parametrize(
    ("target", "summary"),
    [
        ("mlform_data.a", "Removed resource still exists"),
        ("module.kid", "Removed module still exists"),
        ("module.kid.mlform_data.b", "Removed resource still exists"),
        ("mlform_data.c[0]", "Instance keys not allowed"),
        ("module.kid[0].mlform_data.b", "Instance keys not allowed"),
        ("module.c", None),
        ("module.kid.module.c", None),
        ("module.kid.mlform_data.c", None),
        ("mlform_data.b", None),
    ],
)
def test_what_is_removed_must_not_be_declared(target: str, summary: str | None) -> None:
    _, problems = load(
        {
            "a.mlf.hcl": f'{KID}resource "mlform_data" "a" {{}}\nremoved {{\n  from = {target}\n}}',
            "kid/a.mlf.hcl": 'resource "mlform_data" "b" {}',
        }
    )
    assert [each.summary for each in problems] == ([] if summary is None else [summary])


def test_imports() -> None:
    config = loaded(
        {
            "a.mlf.hcl": "import {\n  for_each = local.ids\n"
            "  to = module.a[each.key].m.b[each.value]\n"
            "  id = each.value\n}\n"
        }
    )
    [found] = config.root.imports
    assert found.target.range.text == "module.a[each.key].m.b[each.value]"
    assert found.id.range.text == "each.value"
    assert found.for_each is not None


@pytest.mark.parametrize(
    "target", ["a.b.c", "module.a", "var.a", "data.a.b", '"a.b"', "f(a.b)", "a"]
)
def test_imports_into_nothing(target: str) -> None:
    _, problems = load({"a.mlf.hcl": f'import {{\n  to = {target}\n  id = "x"\n}}\n'})
    assert told(problems) == [("Invalid address", "a.mlf.hcl:2")]


def test_checks() -> None:
    config = loaded(
        {
            "a.mlf.hcl": 'check "c" {\n  assert {\n    condition = a.b.c\n    error_message = "A"\n'
            '  }\n  assert {\n    condition = local.a\n    error_message = "B"\n  }\n}\n'
        }
    )
    check = config.root.checks["c"]
    assert [each.error_message.range.text for each in check.assertions] == ['"A"', '"B"']


def test_outputs() -> None:
    config, problems = load(
        {
            "a.mlf.hcl": KID + 'output "x" {\n  value = 1\n  ephemeral = true\n}\n',
            "kid/a.mlf.hcl": 'output "x" {\n  value = 1\n  ephemeral = true\n  deprecated = "No."\n'
            '  precondition {\n    condition = local.a\n    error_message = "A"\n  }\n}\n',
        }
    )
    assert told(problems) == [("Ephemeral output not allowed", "a.mlf.hcl:6")]
    output = config.modules[(ModuleStep("kid"),)].outputs["x"]
    assert (output.ephemeral, output.deprecated) == (True, "No.")
    assert len(output.preconditions) == 1


def resource(inside: str) -> str:
    return f'resource "mlform_data" "a" {{\n  {inside}\n}}\n'


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("all", "all"),
        ("[a, b.c]", (("a",), ("b", "c"))),
        ('[a[0], a["k"].x]', (("a", 0), ("a", "k", "x"))),
        ("[]", ()),
    ],
)
def test_ignored_changes(written: str, read: object) -> None:
    config = loaded({"a.mlf.hcl": resource(f"lifecycle {{\n    ignore_changes = {written}\n  }}")})
    [block] = config.root.resources.values()
    assert block.lifecycle.ignore_changes == read


@pytest.mark.parametrize(
    ("item", "summary"),
    [
        ("model.m", None),
        ("model.m.digest", None),
        ("model.m[each.key].digest", None),
        ("model.m[count.index]", None),
        ("model.m[0]", None),
        ("model.m[each.value]", "Invalid replace_triggered_by expression"),
        ("model.m[local.a]", "Invalid replace_triggered_by expression"),
        ("model.m[count.index + 1]", "Invalid replace_triggered_by expression"),
        ("model.m[*].digest", "Invalid expression"),
        ("module.m.x", "Invalid replace_triggered_by reference"),
        ("local.x", "Invalid replace_triggered_by reference"),
        ("each.key", "Invalid replace_triggered_by reference"),
        ("model", "Invalid replace_triggered_by reference"),
        ('"model.m"', "Invalid expression"),
    ],
)
def test_what_may_trigger_a_replacement(item: str, summary: str | None) -> None:
    text = resource(f"lifecycle {{\n    replace_triggered_by = [{item}]\n  }}")
    config, problems = load({"a.mlf.hcl": text})
    assert [each.summary for each in problems] == ([] if summary is None else [summary])
    [block] = config.root.resources.values()
    found = [each.range.text for each in block.lifecycle.replace_triggered_by]
    assert found == ([item] if summary is None else [])


@pytest.mark.parametrize(
    ("item", "accepted"),
    [
        ("model.m", True),
        ("model.m[0]", True),
        ('model.m["k"]', True),
        ("module.a", True),
        ('module.a["k"]', True),
        ("module.a.out", True),
        ("module.a[0].out", True),
        ("var.a", True),
        ("local.a", True),
        ("model.m.digest", False),
        ("model.m[0].digest", False),
        ("module.a.out.x", False),
        ("local.a.b", False),
        ("path.module", False),
        ("each.key", False),
        ("data.a.b", False),
        ("model", False),
    ],
)
def test_what_may_be_waited_for(item: str, *, accepted: bool) -> None:
    config, problems = load({"a.mlf.hcl": resource(f"depends_on = [{item}]")})
    assert [each.summary for each in problems] == (
        [] if accepted else ["Invalid depends_on reference"]
    )
    [block] = config.root.resources.values()
    assert [each.range.text for each in block.depends_on] == ([item] if accepted else [])


@pytest.mark.parametrize(
    ("inside", "summary"),
    [
        ("lifecycle {\n    enabled = var.x\n  }", None),
        (
            "count = 1\n  lifecycle {\n    enabled = true\n  }",
            'Invalid combination of "count" and "enabled"',
        ),
        (
            "for_each = {}\n  lifecycle {\n    enabled = true\n  }",
            'Invalid combination of "for_each" and "enabled"',
        ),
        ("count = 1\n  for_each = {}", 'Invalid combination of "count" and "for_each"'),
    ],
)
def test_one_way_to_repeat(inside: str, summary: str | None) -> None:
    call = f'module "kid" {{\n  source = "./kid"\n  {inside}\n}}\n'
    _, problems = load({"a.mlf.hcl": resource(inside) + call, "kid/a.mlf.hcl": ""})
    assert [each.summary for each in problems] == ([] if summary is None else [summary] * 2)
