"""`/predict`: rows of JSON in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlform.features.problems import suggestion
from mlform.serving.answers import Refusal

_SHAPE = 'Send {"rows": [{column: value, …}, …]}, a list of such objects, or one such object.'


def rows_of(document: object, columns: Sequence[str]) -> list[object]:
    """Return the rows a body holds; their content is checked where they are scored.

    An object with the key `rows` is a list of rows unless `rows` is a column and no list.

    Raises:
        Refusal: If it holds none.
    """
    if isinstance(document, list):
        return document
    if not isinstance(document, Mapping):
        raise Refusal(400, "The body holds no rows", _SHAPE)
    if "rows" not in document:
        close = suggestion(next(iter(document), ""), ["rows"]) if len(document) == 1 else ""
        if close and "rows" not in columns:
            raise Refusal(400, "The body holds no rows", _SHAPE + close)
        return [document]
    rows = document["rows"]
    if not isinstance(rows, list):
        if "rows" in columns:
            return [document]
        raise Refusal(400, "The body holds no rows", f'"rows" must be a list. {_SHAPE}')
    others = [str(key) for key in document if key != "rows"]
    if others:
        detail = f'Beside "rows" there is "{others[0]}", which means nothing here. {_SHAPE}'
        raise Refusal(400, "The body has an unknown key", detail)
    return rows
