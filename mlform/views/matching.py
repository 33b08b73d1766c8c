"""What two lists have in common, in reasonable time also where they are very long."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Final, TypeAlias

Span: TypeAlias = tuple[str, int, int, int, int]
"""As in `difflib`: a word, and from where to where it holds in the old and in the new list."""

_SMALL: Final = 1_000_000
"""Pairs of elements up to which every one of them may be looked at."""


def spans(
    old: Sequence[Hashable], new: Sequence[Hashable], *, autojunk: bool = False
) -> list[Span]:
    """Return the spans that are the same, which begin with `equal`, and those that are not.

    Of very long lists, elements that occur once on both sides are matched first, as many as are in
    the same order, and then what lies between them.

    Args:
        old: The old list.
        new: The new list.
        autojunk: Whether elements that occur very often may be left unmatched, which saves time.
    """
    if len(old) * len(new) <= _SMALL:
        return _searched(old, new, autojunk=autojunk)
    found: list[Span] = []
    at, to = 0, 0
    for here, there in [*_anchors(old, new), (len(old), len(new))]:
        between = _between(old[at:here], new[to:there], autojunk=autojunk)
        found += [(tag, at + a, at + b, to + c, to + d) for tag, a, b, c, d in between]
        if here < len(old):
            found.append(("equal", here, here + 1, there, there + 1))
        at, to = here + 1, there + 1
    return list(_joined(found))


def _searched(old: Sequence[Hashable], new: Sequence[Hashable], *, autojunk: bool) -> list[Span]:
    from difflib import SequenceMatcher

    return list(SequenceMatcher(None, old, new, autojunk=autojunk).get_opcodes())


def _anchors(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return where elements are that occur once on both sides: the most that keep their order."""
    once = {item for item, count in Counter(old).items() if count == 1}
    once &= {item for item, count in Counter(new).items() if count == 1}
    places = {item: to for to, item in enumerate(new) if item in once}
    pairs = [(at, places[item]) for at, item in enumerate(old) if item in once]
    # The longest rising sequence: the last pair of the best of each length, and who came before.
    ends: list[int] = []
    lasts: list[int] = []
    before: list[int] = []
    for index, (_, to) in enumerate(pairs):
        length = bisect_left(ends, to)
        before.append(lasts[length - 1] if length else -1)
        ends[length : length + 1] = [to]
        lasts[length : length + 1] = [index]
    kept: list[tuple[int, int]] = []
    index = lasts[-1] if lasts else -1
    while index >= 0:
        kept.append(pairs[index])
        index = before[index]
    return kept[::-1]


def _between(old: Sequence[Hashable], new: Sequence[Hashable], *, autojunk: bool) -> Iterator[Span]:
    """Yield the spans of what lies between two elements that are matched."""
    head = _alike(zip(old, new, strict=False))
    tail = _alike(zip(reversed(old[head:]), reversed(new[head:]), strict=False))
    end, stop = len(old) - tail, len(new) - tail
    if head:
        yield "equal", 0, head, 0, head
    if (end - head) * (stop - head) <= _SMALL:
        for tag, a, b, c, d in _searched(old[head:end], new[head:stop], autojunk=autojunk):
            yield tag, head + a, head + b, head + c, head + d
    else:
        yield "replace", head, end, head, stop
    if tail:
        yield "equal", end, len(old), stop, len(new)


def _alike(pairs: Iterable[tuple[Hashable, Hashable]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _joined(found: Iterable[Span]) -> Iterator[Span]:
    """Yield spans of which no two beside each other are equal, or both are not."""
    last: Span | None = None
    for span in found:
        if last is not None and (last[0] == "equal") == (span[0] == "equal"):
            last = (last[0], last[1], span[2], last[3], span[4])
            continue
        if last is not None:
            yield _named(last)
        last = span
    if last is not None:
        yield _named(last)


def _named(span: Span) -> Span:
    tag, start, end, begin, stop = span
    if tag != "equal":
        tag = "insert" if start == end else "delete" if begin == stop else "replace"
    return tag, start, end, begin, stop
