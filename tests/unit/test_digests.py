"""Documents that are made when somebody looks, and the one byte form of all."""

from __future__ import annotations

import pytest

from mlform.digests import JsonObject, LateDocument, canonical_json


def test_a_document_is_made_once_and_only_when_somebody_looks() -> None:
    made = []

    def make() -> JsonObject:
        made.append(1)
        return {"b": [1, 2], "a": {"c": None}}

    late = LateDocument(make)
    assert not made
    assert late["b"] == [1, 2]
    assert (list(late), len(late), late.get("x")) == (["b", "a"], 2, None)
    assert late == {"b": [1, 2], "a": {"c": None}}
    assert late == LateDocument(make)
    assert late != {"b": [1, 2]}
    assert repr(late) == "{'b': [1, 2], 'a': {'c': None}}"
    assert made == [1, 1]


def test_the_byte_form_is_that_of_what_it_makes() -> None:
    late = LateDocument(lambda: {"b": (1, 2), "a": "ü"})
    assert canonical_json({"x": late}) == '{"x":{"a":"ü","b":[1,2]}}'.encode()


def test_what_is_no_json_is_refused() -> None:
    for wrong in (float("nan"), {1, 2}, b"x", object()):
        with pytest.raises(ValueError, match="JSON"):
            canonical_json({"x": wrong})  # type: ignore[dict-item]
