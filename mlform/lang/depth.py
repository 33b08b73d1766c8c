"""How deeply values may be nested.

Whatever walks through values calls itself once or twice a level, so a limit here is what keeps all
of mlform from running out of stack.
"""

from __future__ import annotations

from typing import Final

from mlform.lang.values import Value

MAX_VALUE_DEPTH: Final = 100


def is_too_deep(value: Value) -> bool:
    """Return whether lists and objects are nested in a value more than `MAX_VALUE_DEPTH` levels."""
    return _is_deeper(value, MAX_VALUE_DEPTH)


def _is_deeper(value: Value, room: int) -> bool:
    payload = value.payload
    if type(payload) is tuple:
        items = payload
    elif type(payload) is dict:
        items = tuple(payload.values())
    else:
        return False
    if room == 0:
        return True
    for item in items:
        inner = item.payload
        # asked here, because most elements are no collections and a call each would cost
        if (type(inner) is tuple or type(inner) is dict) and _is_deeper(item, room - 1):
            return True
    return False
