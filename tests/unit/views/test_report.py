"""Reports: headlines, reasons, and the rows of differences."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mlform.digests import Json
from mlform.plan.changes import Action, Cause, Change, Reason
from mlform.views.diff import Marks, body_rows
from mlform.views.report import change_reasons, make_report
from tests.unit.views import plans


def headline(change: Change) -> str:
    report = make_report(plans.plan(change))
    return "".join(piece.text for piece in report.changes[0].headline)


def rows(
    before: Mapping[str, Json] | None, after: Mapping[str, Json] | None, marks: Marks | None = None
) -> list[str]:
    found = body_rows(before, after, marks=marks or Marks(), depth=0)
    return [row.line().text.rstrip() for row in found]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (plans.creation(), "dataset.titanic will be created"),
        (plans.rebuild(), "model.survival will be rebuilt"),
        (plans.reuse(), "split.titanic will be rebuilt (from cache)"),
        (plans.conditional(), "evaluation.survival will be rebuilt if model.survival changes"),
        (plans.replacement(), "endpoint.survival must be replaced"),
        (plans.removal(), 'model.old["a b"] will be destroyed'),
    ],
)
def test_headline_says_what_happens(change: Change, expected: str) -> None:
    assert headline(change) == expected


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (Cause.TAINTED, "mlform_data.a is tainted, so must be replaced"),
        (Cause.REQUESTED, "mlform_data.a will be replaced, as requested"),
        (Cause.CONFIG, "mlform_data.a must be replaced"),
    ],
)
def test_headline_of_a_replacement_follows_its_cause(cause: Cause, expected: str) -> None:
    change = Change(
        address=plans.address("mlform_data.a"),
        action=Action.DELETE_THEN_CREATE,
        before={"input": 1},
        after={"input": 1},
        reasons=(Reason(cause=cause, message="x"),),
    )
    assert headline(change) == expected


def test_a_deposed_object_is_named_by_its_key() -> None:
    change = Change(
        address=plans.address("endpoint.e"),
        action=Action.DELETE,
        deposed="ab12",
        before={},
        after=None,
    )
    assert headline(change) == "endpoint.e (deposed object ab12) will be destroyed"


def test_reasons_are_clauses_and_capped() -> None:
    reasons = tuple(Reason(cause=Cause.CONFIG, message=f"a{index} changed") for index in range(7))
    change = Change(
        address=plans.address("model.a"),
        action=Action.REBUILD,
        before={},
        after={},
        reasons=reasons,
    )
    assert change_reasons(change) == (
        "because a0 changed",
        "and a1 changed",
        "and a2 changed",
        "and a3 changed",
        "and a4 changed",
        "and for 2 more reasons",
    )
    assert change_reasons(plans.creation()) == ()


def test_changes_keep_the_order_of_apply_and_leave_out_what_stays() -> None:
    report = make_report(plans.plan(plans.rebuild(), plans.kept(), plans.creation()))
    names = [item.headline[0].text.split(" ")[0] for item in report.changes]
    assert names == ["model.survival", "dataset.titanic"]


def test_unchanged_attributes_are_counted() -> None:
    assert rows({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "c": 3}) == [
        "  ~ b = 2 -> 5",
        "    # (2 unchanged attributes hidden)",
    ]


def test_null_is_the_same_as_absent() -> None:
    assert rows({"a": None, "b": 1}, {"b": None, "c": 2}) == ["  - b = 1 -> null", "  + c = 2"]


def test_true_is_not_one() -> None:
    assert rows({"a": 1}, {"a": True}) == ["  ~ a = 1 -> true"]


def test_unknown_values() -> None:
    marks = Marks(unknown=frozenset({("a",), ("b",)}))
    assert rows({"a": "x"}, {"a": None, "b": None}, marks) == [
        '  ~ a = "x" -> (known after apply)',
        "  + b = (known after apply)",
    ]


def test_an_unknown_place_inside_a_value() -> None:
    marks = Marks(unknown=frozenset({("a", "inner"), ("list", 1)}))
    assert rows(None, {"a": {"inner": None, "known": 1}, "list": [1, None]}, marks) == [
        "  + a    = {",
        "      + inner = (known after apply)",
        "      + known = 1",
        "    }",
        "  + list = [",
        "      + 1,",
        "      + (known after apply),",
        "    ]",
    ]


def test_sensitive_values_are_never_shown() -> None:
    marks = Marks(hidden=frozenset({("token",)}))
    assert rows({"token": "old"}, {"token": "new"}, marks) == ["  ~ token = (sensitive value)"]
    assert rows(None, {"token": "new"}, marks) == ["  + token = (sensitive value)"]


def test_elements_of_a_list() -> None:
    assert rows({"l": ["a", "b", "c"]}, {"l": ["a", "x", "c", "d"]}) == [
        "  ~ l = [",
        '      - "b",',
        '      + "x",',
        '      + "d",',
        "        # (2 unchanged elements hidden)",
        "    ]",
    ]


def test_lines_of_a_text() -> None:
    assert rows({"t": "a\nb\n"}, {"t": "a\nc\n"}) == [
        "  ~ t = <<-EOT",
        "        a",
        "      - b",
        "      + c",
        "    EOT",
    ]


def test_a_long_value_is_unfolded_when_new_and_brief_when_it_goes() -> None:
    value: Json = {f"key_{index}": index for index in range(9)}
    assert rows(None, {"v": value})[0] == "  + v = {"
    assert rows({"v": value}, None) == ["  - v = {...} -> null"]


def test_digests_are_shortened() -> None:
    assert rows(None, {"digest": plans.OLD}) == ['  + digest = "sha256:1a2b3c4d5e6f…"']


def test_a_block_that_changes_its_label_goes_and_comes() -> None:
    from mlform.schema import BlockSchema, NestedBlock

    schema = BlockSchema(blocks=(NestedBlock(name="algorithm", description="", label="type"),))
    found = body_rows(
        {"algorithm": {"type": "xgboost", "rounds": 3}},
        {"algorithm": {"type": "python", "path": "code"}},
        marks=Marks(unknown=frozenset({("digest",)})),
        schema=schema,
        depth=0,
    )
    assert [row.line().text.rstrip() for row in found] == [
        "  + digest = (known after apply)",
        "",
        '  - algorithm "xgboost" {',
        "      - rounds = 3 -> null",
        "    }",
        '  + algorithm "python" {',
        '      + path = "code"',
        "    }",
    ]
