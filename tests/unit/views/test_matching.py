"""What two lists have in common: right for all lists, and quick for very long ones."""

from __future__ import annotations

from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlform.views import matching
from mlform.views.matching import Span, spans

_LISTS = st.lists(st.sampled_from("abcdefgh"), max_size=30) | st.permutations(list("abcdefgh"))


def check(old: list[str], new: list[str], found: list[Span]) -> None:
    """Spans cover both lists in order, take turns, and say what is so."""
    at = to = 0
    for number, (tag, start, end, begin, stop) in enumerate(found):
        assert (start, begin) == (at, to)
        at, to = end, stop
        assert (tag == "equal") == (old[start:end] == new[begin:stop])
        if number:
            assert (tag == "equal") != (found[number - 1][0] == "equal")
        names = {(False, True): "delete", (True, False): "insert"}
        if tag != "equal":
            assert tag == names.get((start == end, begin == stop), "replace")
    assert (at, to) == (len(old), len(new))


@given(_LISTS, _LISTS)
def test_short_lists_are_matched_as_difflib_does(old: list[str], new: list[str]) -> None:
    found = spans(old, new)
    assert found == SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


@given(_LISTS, _LISTS, st.integers(0, 30))
def test_long_lists_are_matched_soundly(old: list[str], new: list[str], small: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "_SMALL", small)
        check(old, new, spans(old, new))


def test_a_long_list_keeps_all_that_stayed() -> None:
    old = [f"line {number}" for number in range(20_000)]
    new = [f"{line} changed" if number % 7 == 0 else line for number, line in enumerate(old)]
    new[100:100] = ["new"] * 5
    del new[15_000:15_003]
    found = spans(old, new)
    check(old, new, found)
    kept = sum(end - start for tag, start, end, _, _ in found if tag == "equal")
    assert kept == len(set(old) & set(new))


def test_long_lists_with_little_in_common_are_told_apart_at_once() -> None:
    old = ["ab"[number**2 % 11 % 2] for number in range(20_000)]
    new = ["ba"[number**2 % 13 % 2] for number in range(20_000)]
    found = spans(old, new)
    check(old, new, found)
    assert len(found) <= 3
