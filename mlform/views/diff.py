"""The difference of two attribute documents, as rows with Terraform's signs.

An attribute that did not change is not shown, unless it says which object this is; a note counts
those. A block (known from the schema) is shown as a block, every other object as a value.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from mlform.dataclass import dataclass
from mlform.digests import Json, JsonObject, canonical_json
from mlform.schema import BlockSchema, NestedBlock
from mlform.state.snapshot import Path
from mlform.views.matching import spans
from mlform.views.paper import Ink, Piece, columns
from mlform.views.rows import (
    ADD,
    CHANGE,
    REMOVE,
    Marks,
    Row,
    closing,
    row,
    text_lines,
    text_row,
    text_rows,
    unchanged_note,
)
from mlform.views.values import (
    KNOWN_AFTER_APPLY,
    SENSITIVE_VALUE,
    fitting,
    inline,
    key_text,
    quoted,
    scalar,
    shortened,
)

_BRIEF: Final = 60
_NAMING: Final = frozenset({"id", "name"})
_DECODED: Final = "(decoded)"
"""Below a text, in paths: inside of what it is the JSON of."""
_EMPTY: Final[JsonObject] = {}
_NOWHERE: Final[Path] = (-1,)
"""Where something that is gone would be in the new document."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One key of an object on both sides; absent and null are the same."""

    key: str
    path: Path
    before: Json
    after: Json
    sign: str


def body_rows(
    before: JsonObject | None,
    after: JsonObject | None,
    *,
    marks: Marks,
    schema: BlockSchema | None = None,
    depth: int = 1,
) -> list[Row]:
    """Return the rows between the braces of a resource."""
    return _Differ(marks).object_rows(
        before or _EMPTY, after or _EMPTY, (), schema=schema, depth=depth, noun="attribute"
    )


def resting_rows(
    attributes: JsonObject,
    *,
    marks: Marks,
    schema: BlockSchema | None = None,
    shown: frozenset[str],
    depth: int = 1,
) -> list[Row]:
    """Return the rows of an object that nothing happens to, without signs.

    Args:
        attributes: Of the object.
        marks: What is known of places in it.
        schema: Of the kind's body.
        shown: Names of what to show; of the rest it is said how much there is.
        depth: How many braces are open.
    """
    told = {key: value for key, value in attributes.items() if key in shown}
    hidden = sum(value is not None for key, value in attributes.items() if key not in shown)
    rows = [
        *body_rows(None, told, marks=marks, schema=schema, depth=depth),
        *unchanged_note(hidden, "attribute", depth),
    ]
    return [Row(row.depth, "", row.pieces) for row in rows]


def value_rows(key: str, before: Json, after: Json, *, marks: Marks, pad: int) -> list[Row]:
    """Return the rows of one value under a name, such as a root output; none if it is the same.

    Args:
        key: The name.
        before: The old value, or None.
        after: The new value, or None.
        marks: Places, below the name.
        pad: Width of the widest name beside it.
    """
    differ = _Differ(marks)
    entry = differ.entry(key, before, after, (key,))
    return differ.value_rows(entry, depth=0, pad=pad) if entry.sign else []


@dataclass(frozen=True, slots=True)
class _Differ:
    marks: Marks

    def entry(self, key: str, before: Json, after: Json, path: Path) -> _Entry:
        """Return the entry of a key with the sign of what happens to it."""
        unknown = self.marks.touches_unknown(path)
        if before is None and (after is not None or unknown):
            sign = ADD
        elif before is not None and after is None and not unknown:
            sign = REMOVE
        else:
            sign = CHANGE if unknown or not same(before, after) else ""
        return _Entry(key, path, before, after, sign)

    def object_rows(
        self,
        before: JsonObject,
        after: JsonObject,
        path: Path,
        *,
        schema: BlockSchema | None,
        depth: int,
        noun: str,
    ) -> list[Row]:
        """Return the rows of an object's entries, blocks last."""
        keys = sorted({*before, *after, *self.marks.unknown_keys(path)})
        entries = [self.entry(key, before.get(key), after.get(key), (*path, key)) for key in keys]
        blocks = {block.name: block for block in (schema.blocks if schema else ())}
        plain = [entry for entry in entries if entry.key not in blocks]
        shown = [entry for entry in plain if _is_shown(entry)]
        pad = max((columns(key_text(entry.key)) for entry in shown), default=0)
        rows = [item for entry in shown for item in self.value_rows(entry, depth=depth, pad=pad)]
        rest = sum(item.before is not None and not _is_shown(item) for item in plain)
        rows += unchanged_note(rest, noun, depth)
        nested = {entry.key: entry for entry in entries if entry.key in blocks}
        for name, block in blocks.items():
            if name in nested:
                found = self._block_rows(nested[name], block, depth)
                rows += [Row(depth), *found] if found and rows else found
        unchanged = sum(
            not entry.sign and entry.before not in (None, [], ()) for entry in nested.values()
        )
        return rows + unchanged_note(unchanged, "block", depth)

    def value_rows(self, entry: _Entry, *, depth: int, pad: int) -> list[Row]:
        """Return the rows of one attribute."""
        key = key_text(entry.key)
        head = f"{key}{' ' * (pad - columns(key))} = "
        note = self._note(entry.path)
        if entry.path in self.marks.hidden:
            return [row(depth, entry.sign, head + SENSITIVE_VALUE, note)]
        if entry.path in self.marks.unknown:
            return [self._to_unknown(entry, head, depth, note)]
        if not entry.sign:
            return [row(depth, "", head + self._old(entry))]
        if entry.sign == REMOVE:
            text = self._old(entry)
            return [row(depth, REMOVE, head + text, Piece(" -> "), Piece("null", Ink.FAINT), note)]
        if entry.sign == ADD or not _alike(entry.before, entry.after):
            return self._whole(entry, head, depth, note)
        return self._changed(entry, head, depth, note)

    def _note(self, path: Path, *, open_: bool = False) -> Piece:
        """Return what stands behind a row: that it forces a replacement, and why it changes.

        Args:
            path: Of the row.
            open_: Whether rows follow that say for themselves why they change.
        """
        tags = "" if open_ else self.marks.tags_in(path)
        if path in self.marks.forcing:
            return Piece(f" # forces replacement{', ' if tags else ''}{tags}", Ink.REMOVE)
        return Piece(f" # {tags}" if tags else "", Ink.FAINT)

    def _to_unknown(self, entry: _Entry, head: str, depth: int, note: Piece) -> Row:
        after = Piece(KNOWN_AFTER_APPLY, Ink.FAINT)
        if entry.before is None:
            return row(depth, ADD, head, after, note)
        return row(depth, CHANGE, head + self._old(entry), _ARROW, after, note)

    def _old(self, entry: _Entry) -> str:
        """Return the old value in short, or that there is something in it to hide."""
        if self.marks.touches_hidden(entry.path):
            return SENSITIVE_VALUE
        if isinstance(entry.before, str):
            text = shortened(entry.before)
            return quoted(text) if len(text) <= _BRIEF else quoted(text[:_BRIEF])[:-1] + '…"'
        return shortened(inline(entry.before, _BRIEF))

    def _old_beside_new(self, entry: _Entry) -> str:
        """Return the old value, texts in full, to be compared with the new one."""
        if isinstance(entry.before, str) and not self.marks.touches_hidden(entry.path):
            return shortened(quoted(entry.before))
        return self._old(entry)

    def _whole(self, entry: _Entry, head: str, depth: int, note: Piece) -> list[Row]:
        """Return the rows of a new value, after the old one where there was one."""
        before = self._old_beside_new(entry) if entry.sign == CHANGE else ""
        lead = (Piece(head + before), *((_ARROW,) if before else ()))
        brief = fitting(entry.after, _BRIEF)
        sign = entry.sign
        if brief is None or "\\n" in brief or self._unfolds(entry.path):
            open_, rows, close = self._unfolded(entry.after, entry.path, ADD, depth)
            return [row(depth, sign, *lead, open_, note), *rows, *closing(depth, close)]
        return [row(depth, sign, *lead, brief, note)]

    def _unfolds(self, path: Path) -> bool:
        """Whether a value cannot stand on one line, because of what is inside."""
        return self.marks.touches_unknown(path) or self.marks.touches_hidden(path)

    def _unfolded(
        self, value: Json, path: Path, sign: str, depth: int
    ) -> tuple[str, list[Row], str]:
        """Return a value over several rows: the opening, the rows inside, the closing."""
        if isinstance(value, Mapping):
            rows = self.object_rows(
                _EMPTY, value, path, schema=None, depth=depth + 1, noun="element"
            )
            return "{", rows, "}"
        if isinstance(value, str):
            if "\n" not in value:
                return shortened(quoted(value)), [], ""
            rows = [text_row(depth + 1, "", item) for item in text_lines(value)]
            return "<<-EOT", rows, "EOT"
        if isinstance(value, Sequence):
            # Objects side by side are all on one line, or none of them is.
            fits = all(fitting(item, _BRIEF) is not None for item in value)
            rows = [
                row
                for index, item in enumerate(value)
                for row in self._element(item, (*path, index), sign, depth + 1, fits=fits)
            ]
            return "[", rows, "]"
        return scalar(value), [], ""

    def _element(
        self, item: Json, path: Path, sign: str, depth: int, *, fits: bool = True
    ) -> list[Row]:
        if path in self.marks.hidden:
            return [row(depth, sign, SENSITIVE_VALUE + ",")]
        if path in self.marks.unknown:
            return [row(depth, sign, Piece(KNOWN_AFTER_APPLY, Ink.FAINT), ",")]
        brief = fitting(item, _BRIEF) if fits or not isinstance(item, Mapping) else None
        if brief is not None and not self._unfolds(path):
            return [row(depth, sign, brief + ",")]
        open_, rows, close = self._unfolded(item, path, sign, depth)
        if not close:
            return [row(depth, sign, open_ + ",")]
        return [row(depth, sign, open_), *rows, *closing(depth, close + ",")]

    def _changed(self, entry: _Entry, head: str, depth: int, note: Piece) -> list[Row]:
        before, after = entry.before, entry.after
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            rows = self.object_rows(
                before, after, entry.path, schema=None, depth=depth + 1, noun="element"
            )
            note = self._note(entry.path, open_=True)
            return [row(depth, CHANGE, head + "{", note), *rows, *closing(depth, "}")]
        if isinstance(before, str) and isinstance(after, str):
            old, new = _decoded(before), _decoded(after)
            if old is not None and new is not None:
                rows = self._nested(old, new, (*entry.path, _DECODED), depth + 1)
                return [row(depth, CHANGE, head + "jsonencode(", note), *rows, row(depth, "", ")")]
            rows = text_rows(before, after, depth + 1)
            return [row(depth, CHANGE, head + "<<-EOT", note), *rows, *closing(depth, "EOT")]
        if isinstance(before, Sequence) and isinstance(after, Sequence):
            rows = self._sequence_rows(before, after, entry.path, depth + 1)
            return [row(depth, CHANGE, head + "[", note), *rows, *closing(depth, "]")]
        return []

    def _sequence_rows(
        self, before: Sequence[Json], after: Sequence[Json], path: Path, depth: int
    ) -> list[Row]:
        """Return the rows of a list's elements; the longest common part stays unsigned."""
        rows: list[Row] = []
        unknown = {at for at in range(len(after)) if self.marks.touches_unknown((*path, at))}
        for tag, start, end, begin, stop in _matches(before, after, unknown):
            if tag == "equal":
                places = (start, begin) if end - start == 1 else ()
                rows += self._same_elements(before[start:end], path, places, depth)
                continue
            old, new = before[start:end], after[begin:stop]
            for offset in range(max(len(old), len(new))):
                left, right = old[offset : offset + 1], new[offset : offset + 1]
                side_by_side = start == begin and _are_objects(left, right)
                hidden = self.marks.touches_hidden((*path, start + offset))
                if hidden and left and not side_by_side:
                    rows.append(row(depth, REMOVE, SENSITIVE_VALUE + ","))
                    left = ()
                rows += self._pair(left, right, (*path, begin + offset), depth)
        return rows

    def _same_elements(
        self, items: Sequence[Json], path: Path, places: Sequence[int], depth: int
    ) -> list[Row]:
        """Return how many elements are the same there, or one that takes no more room than that.

        Args:
            items: The elements.
            path: Of the list.
            places: Of a single element, before and after.
            depth: How many braces are open.
        """
        brief = fitting(items[0], _BRIEF) if places else None
        if brief is not None and not any(self._unfolds((*path, at)) for at in places):
            return [row(depth, "", brief + ",")]
        return unchanged_note(len(items), "element", depth)

    def _pair(self, old: Sequence[Json], new: Sequence[Json], path: Path, depth: int) -> list[Row]:
        """Return the rows of what was an element and what it becomes, one of which may be empty."""
        if _are_objects(old, new):
            return self._nested(old[0], new[0], path, depth, end=",")
        removed = [
            line for item in old for line in self._element(item, (*path, "before"), REMOVE, depth)
        ]
        return [
            *removed,
            *(line for item in new for line in self._element(item, path, ADD, depth)),
        ]

    def _nested(self, old: Json, new: Json, path: Path, depth: int, *, end: str = "") -> list[Row]:
        """Return two objects, or two lists, as one value that changes in its parts."""
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            rows = self.object_rows(old, new, path, schema=None, depth=depth + 1, noun="attribute")
            return [row(depth, CHANGE, "{"), *rows, row(depth, "", "}" + end)]
        assert isinstance(old, list) and isinstance(new, list)  # noqa: S101, PT018 - alike
        rows = self._sequence_rows(old, new, path, depth + 1)
        return [row(depth, CHANGE, "["), *rows, row(depth, "", "]" + end)]

    def _block_rows(self, entry: _Entry, block: NestedBlock, depth: int) -> list[Row]:
        pairs = _block_pairs(entry, block)
        return [
            row for old, new, path in pairs for row in self._one_block(old, new, path, block, depth)
        ]

    def _one_block(
        self,
        old: JsonObject | None,
        new: JsonObject | None,
        path: Path,
        block: NestedBlock,
        depth: int,
    ) -> list[Row]:
        entry = self.entry(block.name, old, new, path)
        if not entry.sign:
            return []
        label = (new or old or _EMPTY).get(block.label or "")
        title = f"{block.name} {quoted(label)} {{" if isinstance(label, str) else f"{block.name} {{"
        sign = entry.sign
        if path in self.marks.unknown:
            return [row(depth, sign, f"{title} ", Piece(KNOWN_AFTER_APPLY, Ink.FAINT), " }")]
        rows = self.object_rows(
            _without(old, block.label),
            _without(new, block.label),
            path,
            schema=block.schema_of(label if isinstance(label, str) else None),
            depth=depth + 1,
            noun="attribute",
        )
        note = self._note(path, open_=old is not None and new is not None)
        return [row(depth, sign, title, note), *rows, *closing(depth, "}")]


_ARROW: Final = Piece(" -> ", Ink.CHANGE)


def same(before: Json, after: Json) -> bool:
    """Whether two documents are equal; `true` and 1 are not, 1 and 1.0 are."""
    return before == after and isinstance(before, bool) == isinstance(after, bool)


def _alike(before: Json, after: Json) -> bool:
    """Whether two values differ in their parts, so that the parts are worth showing."""
    if isinstance(before, str) and isinstance(after, str):
        old, new = _decoded(before), _decoded(after)
        if old is not None and new is not None and not same(old, new):
            return isinstance(old, Mapping) == isinstance(new, Mapping)
        return "\n" in before and "\n" in after
    if isinstance(before, str) or isinstance(after, str):
        return False
    kinds = (Mapping, Sequence)
    return any(isinstance(before, kind) and isinstance(after, kind) for kind in kinds)


def _is_shown(entry: _Entry) -> bool:
    """Whether an attribute changes, or tells its object from others."""
    return bool(entry.sign) or (entry.key in _NAMING and isinstance(entry.before, str | int))


def _decoded(text: str) -> Json:
    """Return the object or list that a text is the JSON of, or None."""
    if text[:1] not in {"{", "["}:
        return None
    try:
        found: Json = json.loads(text)
    except ValueError:
        return None
    return found


def _are_objects(old: Sequence[Json], new: Sequence[Json]) -> bool:
    """Whether there is an object on both sides."""
    return bool(old and new) and isinstance(old[0], Mapping) and isinstance(new[0], Mapping)


def _matches(
    before: Sequence[Json], after: Sequence[Json], unknown: Collection[int] = ()
) -> Iterable[tuple[str, int, int, int, int]]:
    """Return what is the same in two lists and what is not; the unknown is like nothing else."""
    old = [canonical_json(item) for item in before]
    new = [b"" if at in unknown else canonical_json(item) for at, item in enumerate(after)]
    return spans(old, new)


def _without(document: JsonObject | None, label: str | None) -> JsonObject:
    return {key: item for key, item in (document or _EMPTY).items() if key != label}


def _objects(value: Json) -> list[JsonObject]:
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [item for item in value if isinstance(item, Mapping)]
    return []


def _block_pairs(
    entry: _Entry, block: NestedBlock
) -> list[tuple[JsonObject | None, JsonObject | None, Path]]:
    """Pair the blocks of both sides: equal ones first, then those between them in order."""
    old, new = _objects(entry.before), _objects(entry.after)
    pairs: list[tuple[JsonObject | None, JsonObject | None, Path]] = []

    def place(index: int) -> Path:
        return (*entry.path, index) if block.repeated else entry.path

    if not old and not new:
        return [(None, None, entry.path)]
    for _, start, end, begin, stop in _matches(old, new):
        for offset in range(max(end - start, stop - begin)):
            left = old[start + offset] if start + offset < end else None
            right = new[begin + offset] if begin + offset < stop else None
            if left and right and left.get(block.label or "") != right.get(block.label or ""):
                pairs += [(left, None, _NOWHERE), (None, right, place(begin + offset))]
            else:
                pairs.append((left, right, place(begin + offset) if right else _NOWHERE))
    return pairs
