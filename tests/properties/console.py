"""Terraform's console as an oracle: what it says of many expressions in a few runs."""

from __future__ import annotations

import re
import shutil
import subprocess  # noqa: TID251 - the oracle is another program
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from mlform.diagnostics import Diagnostics
from mlform.lang.construct import object_of
from mlform.lang.numbers import format_number
from mlform.lang.resolve import resolve
from mlform.lang.type_text import type_name
from mlform.lang.types import DYNAMIC, ListType, MapType, Primitive, SetType
from mlform.lang.values import UNKNOWN, UNKNOWN_VALUE, Mark, Value, string
from tests.language import expression, scope
from tests.properties.expressions import LOCALS

TERRAFORM = shutil.which("terraform")
_ESCAPES = {
    '"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\a": "\\a", "\b": "\\b",
    "\f": "\\f", "\v": "\\v",
}  # fmt: skip
_CALLS: dict[type, str] = {ListType: "tolist", SetType: "toset", MapType: "tomap"}
_CONFIG = f"""\
variable "eph" {{
  default   = "eph"
  ephemeral = true
}}
resource "terraform_data" "u" {{
  input = "x"
}}
locals {{
{LOCALS}}}
"""


@dataclass(frozen=True)
class Answer:
    """What a program says: a value as the console prints it, or the summary of an error."""

    printed: str = ""
    error: str = ""


class Console:
    """Runs of Terraform's console in a folder with the locals that expressions refer to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "main.tf").write_text(_CONFIG, encoding="utf-8")
        (folder / "terraform.rc").touch()

    def answer(self, text: str) -> Answer:
        """Return what Terraform says of one expression."""
        done = subprocess.run(  # noqa: S603 - a program found on the path, on text of our own
            [str(TERRAFORM), "console"],
            input=f"{text}\n".encode(),
            capture_output=True,
            cwd=self._folder,
            env={
                "TF_CLI_CONFIG_FILE": str(self._folder / "terraform.rc"),
                "CHECKPOINT_DISABLE": "1",
                "PATH": "/usr/bin:/bin",
            },
            check=False,
        )
        said = re.sub(
            r"\x1b\[[0-9;]*m", "", (done.stdout if done.returncode == 0 else done.stderr).decode()
        )
        if done.returncode == 0:
            return Answer(printed=said.rstrip("\n"))
        summary = re.search(r"Error: (.*)", said)
        return Answer(error=summary[1].strip() if summary else said)

    def differing(self, texts: Sequence[str], ours: Sequence[Value]) -> list[str]:
        """Return the expressions that have another value in Terraform, which gives all a value."""
        if self.answer(f"[{', '.join(texts)}]").printed == _listed(ours):
            return []
        if len(texts) == 1:
            return list(texts)
        half = len(texts) // 2
        return [
            *self.differing(texts[:half], ours[:half]),
            *self.differing(texts[half:], ours[half:]),
        ]


def our_scope() -> dict[str, Value]:
    """Return the variables of the expressions."""
    around = {
        "terraform_data": object_of({"u": object_of({"id": UNKNOWN_VALUE})}),
        "var": object_of({"eph": string("eph").with_marks(frozenset({Mark.EPHEMERAL}))}),
    }
    found: dict[str, Value] = {}
    for line in LOCALS.splitlines():
        name, _, text = line.partition(" = ")
        found[name] = resolve(expression(text), scope(around), Diagnostics())
    return {**around, "local": object_of(found)}


def _listed(values: Sequence[Value]) -> str:
    return "[\n" + "".join(f"  {printed(value, 2)},\n" for value in values) + "]"


def printed(value: Value, depth: int = 0) -> str:
    """Return a value as Terraform's console prints it."""
    hidden = _hidden(value)
    if hidden:
        return hidden
    payload = value.payload
    if isinstance(payload, tuple):
        lines = [f"{' ' * (depth + 2)}{printed(item, depth + 2)},\n" for item in payload]
        return _wrapped(value, "[", lines, "]", depth)
    if isinstance(payload, dict):
        lines = [
            f"{' ' * (depth + 2)}{_text(key, depth + 2)} = {printed(item, depth + 2)}\n"
            for key, item in payload.items()
        ]
        return _wrapped(value, "{", lines, "}", depth)
    if isinstance(payload, str):
        return _text(payload, depth)
    if isinstance(payload, bool):
        return "true" if payload else "false"
    assert isinstance(payload, int | Decimal)
    return format_number(payload)


def _hidden(value: Value) -> str:
    if value.payload is UNKNOWN:
        return "(known after apply)"
    if value.marks:
        return f"({'sensitive' if Mark.SENSITIVE in value.marks else 'ephemeral'} value)"
    if value.payload is not None:
        return ""
    type_ = value.type
    if isinstance(type_, Primitive):
        return "null" if type_ is DYNAMIC else f"to{type_.name}(null)"
    if isinstance(type_, ListType | SetType | MapType):
        return f"{_CALLS[type(type_)]}(null) /* of {type_name(type_.element)} */"
    return f"null /* {type_name(type_)} */"


def _wrapped(value: Value, opening: str, lines: list[str], closing: str, depth: int) -> str:
    inside = f"\n{''.join(lines)}{' ' * depth}" if lines else ""
    body = f"{opening}{inside}{closing}"
    call = _CALLS.get(type(value.type))
    return f"{call}({body})" if call else body


def _text(content: str, depth: int) -> str:
    if "\n" in content:
        pad = " " * depth
        lines = "".join(f"{pad}{line}\n" for line in content.split("\n"))
        return f"<<{'-' if depth else ''}EOT\n{lines}{pad}EOT"
    return '"' + "".join(map(_escaped, content)) + '"'


def _escaped(rune: str) -> str:
    if rune in _ESCAPES:
        return _ESCAPES[rune]
    if rune.isprintable():
        return rune
    return f"\\u{ord(rune):04x}" if ord(rune) > 0x7F else f"\\x{ord(rune):02x}"
