"""Reports: headlines, reasons, and the rows of differences."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mlform.dataclass import replace
from mlform.digests import Json, JsonObject
from mlform.plan.changes import Action, Cause, Change, Reason
from mlform.views.diff import body_rows
from mlform.views.report import change_reasons, make_report
from mlform.views.rows import Marks
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
    ("cause", "expected", "told"),
    [
        (Cause.TAINTED, "mlform_data.a is tainted, so must be replaced", ()),
        (Cause.REQUESTED, "mlform_data.a will be replaced, as requested", ()),
        (Cause.CONFIG, "mlform_data.a must be replaced", ("because x",)),
    ],
)
def test_headline_of_a_replacement_follows_its_cause(
    cause: Cause, expected: str, told: tuple[str, ...]
) -> None:
    change = Change(
        address=plans.address("mlform_data.a"),
        action=Action.DELETE_THEN_CREATE,
        before={"input": 1},
        after={"input": 1},
        reasons=(Reason(cause=cause, message="x"),),
    )
    assert headline(change) == expected
    assert change_reasons(change) == told


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
        '        "a",',
        '      - "b",',
        '      + "x",',
        '        "c",',
        '      + "d",',
        "    ]",
    ]


def test_null_and_unknown_elements_are_elements() -> None:
    assert rows({"l": [None, 1]}, {"l": [2, 1]}) == [
        "  ~ l = [",
        "      - null,",
        "      + 2,",
        "        1,",
        "    ]",
    ]
    marks = Marks(unknown=frozenset({("l", 0)}))
    assert rows({"l": [None, 1]}, {"l": [None, 1]}, marks) == [
        "  ~ l = [",
        "      - null,",
        "      + (known after apply),",
        "        1,",
        "    ]",
    ]


def test_elements_that_stay_are_counted_where_they_are() -> None:
    assert rows({"l": [1, 2, 3, 4, 5]}, {"l": [0, 1, 2, 3, 5]}) == [
        "  ~ l = [",
        "      + 0,",
        "        # (3 unchanged elements hidden)",
        "      - 4,",
        "        5,",
        "    ]",
    ]


def test_one_element_that_stays_is_hidden_if_it_is_long_or_not_to_be_seen() -> None:
    long = "x" * 80
    assert rows({"l": [long, 1]}, {"l": [long, 2]})[1] == "        # (1 unchanged element hidden)"
    marks = Marks(hidden=frozenset({("l", 0)}))
    found = rows({"l": ["secret", 1]}, {"l": ["secret", 2]}, marks)
    assert found[1] == "        # (1 unchanged element hidden)"


def test_what_says_which_object_it_is_is_shown_though_it_stays() -> None:
    before: Json = [{"name": "a", "v": 1, "w": 1}, {"name": "b", "v": 2}]
    after: Json = [{"name": "a", "v": 3, "w": 1}, {"name": "b", "v": 2}]
    assert rows({"id": "i", "l": before}, {"id": "i", "l": after}) == [
        '    id = "i"',
        "  ~ l  = [",
        "      ~ {",
        '            name = "a"',
        "          ~ v    = 1 -> 3",
        "            # (1 unchanged attribute hidden)",
        "        },",
        '        { name = "b", v = 2 },',
        "    ]",
    ]
    hidden = Marks(hidden=frozenset({("id",)}))
    assert rows({"id": "secret", "a": 1}, {"id": "secret", "a": 2}, hidden)[1] == (
        "    id = (sensitive value)"
    )


def test_json_in_a_text_is_compared_as_what_it_says() -> None:
    before = '{"a": 1, "b": [1, 2], "c": {"d": "x"}}'
    after = '{"a":1,"b":[1,3],"c":{"d":"x"}}'
    assert rows({"t": before}, {"t": after}) == [
        "  ~ t = jsonencode(",
        "      ~ {",
        "          ~ b = [",
        "                1,",
        "              - 2,",
        "              + 3,",
        "            ]",
        "            # (2 unchanged attributes hidden)",
        "        }",
        "    )",
    ]
    assert rows({"t": "[1]"}, {"t": "[2]"}) == [
        "  ~ t = jsonencode(",
        "      ~ [",
        "          - 1,",
        "          + 2,",
        "        ]",
        "    )",
    ]


@pytest.mark.parametrize("after", ['{"a":1}', '["a"]', "{a}", "x"])
def test_a_text_that_is_no_longer_the_same_json_stays_a_text(after: str) -> None:
    assert len(rows({"t": '{"a": 1}'}, {"t": after})) == 1


def test_an_old_text_is_cut_unless_it_stands_beside_the_new_one() -> None:
    old, new = "x" * 100, "x" * 99 + "y"
    marks = Marks(unknown=frozenset({("t",)}))
    brief = '"' + "x" * 60 + '…"'
    assert rows({"t": old}, {"t": None}, marks) == [f"  ~ t = {brief} -> (known after apply)"]
    assert rows({"t": old}, None) == [f"  - t = {brief} -> null"]
    assert rows({"t": old}, {"t": new}) == [f'  ~ t = "{old}" -> "{new}"']


def test_wide_names_are_aligned_by_what_they_take_on_a_terminal() -> None:
    assert rows(None, {"漢字": 1, "abcde": 2}) == ["  + abcde = 2", "  + 漢字  = 1"]


def test_of_a_long_text_what_is_far_from_changes_is_hidden() -> None:
    before = "".join(f"{number}\n" for number in range(30))
    found = rows({"t": before}, {"t": before.replace("15\n", "x\n")})
    assert [line.strip() for line in found] == [
        "~ t = <<-EOT",
        "# (12 unchanged lines hidden)",
        "12",
        "13",
        "14",
        "- 15",
        "+ x",
        "16",
        "17",
        "18",
        "# (11 unchanged lines hidden)",
        "EOT",
    ]


def test_what_could_steer_a_terminal_is_shown_as_what_it_is() -> None:
    assert rows(None, {"t": "a\x1b[31m\u202e\n\tb\n"}) == [
        "  + t = <<-EOT",
        "        a\\x1b[31m\\u202e",
        "        \tb",
        "    EOT",
    ]
    assert rows(None, {"t": "\x7f\u202e"}) == ['  + t = "\\x7f\\u202e"']


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


def test_maps_and_lists_of_very_many_elements() -> None:
    many = 10_000
    names = [f"k{number:05}" for number in range(many)]
    marks = Marks(
        unknown=frozenset(("list", number) for number in range(0, many, 2)),
        hidden=frozenset(("map", name) for name in names[:100]),
        tags={("map", name): "edit" for name in names},
    )
    before: JsonObject = {"map": dict.fromkeys(names, 1), "list": [*range(many)]}
    after: JsonObject = {
        "map": {name: at % 2 for at, name in enumerate(names)},
        "list": [None] * many,
    }
    found = rows(before, after, marks)
    assert sum(row.endswith("= 1 -> 0 # edit") for row in found) == (many - 100) // 2
    assert sum("(sensitive value)" in row for row in found) == 50
    assert f"        # ({many // 2} unchanged elements hidden)" in found
    assert sum("(known after apply)" in row for row in found) == many // 2


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


def test_of_a_long_critical_path_the_beginning_and_the_end_are_told() -> None:
    path = tuple(f"model.m{number}" for number in range(20))
    told = make_report(replace(plans.plan(plans.rebuild()), critical_path=path)).expectation
    assert told == (
        "Expected: about 13s: model.m0, then model.m1, then model.m2, then model.m3, "
        "then model.m4, then model.m5, then 13 more, then model.m19."
    )
