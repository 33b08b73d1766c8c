"""Records of CSV, read by RFC 4180 and as strictly as in Terraform."""

from __future__ import annotations

import re
from typing import Final

_PLAIN: Final = re.compile(r'[^,\n"]*')
_QUOTED: Final = re.compile(r'"((?:[^"]|"")*)"')


class RecordFault(Exception):
    """The text is no CSV; the message says why and on which line."""


def records(source: str) -> list[tuple[int, list[str]]]:
    """Return the records that are not blank, each with the number of its first line.

    A line break may be one of Windows; inside quotes it becomes a plain one.

    Raises:
        RecordFault: If a quote stands where none may, or is not closed.
    """
    content = source.replace("\r\n", "\n")
    found: list[tuple[int, list[str]]] = []
    at, line = 0, 1
    while at < len(content):
        if content[at] == "\n":
            at, line = at + 1, line + 1
            continue
        fields, end = _fields(content, at, line)
        found.append((line, fields))
        line += content.count("\n", at, end)
        at = end
    return found


def _fields(content: str, at: int, line: int) -> tuple[list[str], int]:
    """Return the fields of one record and where the next one starts."""
    fields: list[str] = []
    while True:
        if content.startswith('"', at):
            match = _QUOTED.match(content, at)
            if match is None:
                raise RecordFault(f'on line {line}: extraneous or missing " in quoted-field')
            fields.append(match[1].replace('""', '"'))
        else:
            match = _PLAIN.match(content, at)
            if match is None:
                raise AssertionError(at)
            fields.append(match[0])
        at = match.end()
        following = content[at : at + 1]
        if following == '"':
            raise RecordFault(f'on line {line}: bare " in non-quoted-field')
        if following in {"", "\n"}:
            return fields, at + 1
        if following != ",":
            raise RecordFault(f'on line {line}: extraneous or missing " in quoted-field')
        at += 1
