"""Text to tree for HCL's JSON syntax, after its published specification.

The text is JSON; what each property means is left to whoever knows the schema, see
`mlform.hcl.json_tree`. Written by hand because every name and value needs its place in the file
and numbers stay exact. As in the native syntax the parser goes on after an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Final, NoReturn

from mlform.diagnostics import Diagnostic, Source, SourceRange, did_you_mean
from mlform.hcl.ast import Body, Literal, Object, ObjectItem, Tuple
from mlform.hcl.cursor import MAX_DEPTH, SyntaxFailure
from mlform.hcl.json_strings import read_template, written
from mlform.hcl.json_tree import (
    JsonArray,
    JsonLiteral,
    JsonObject,
    JsonProperty,
    JsonText,
    JsonValue,
    body_of,
)
from mlform.hcl.strings import normalized

_LEXEME: Final = (
    r"[ \t\r\n]*(?:"
    r"(?P<punctuation>[{}\[\],:=])"
    r'|(?P<string>"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*")'
    r"|(?P<number>[-+.]?[0-9](?:[0-9a-zA-Z_.]|(?<=[eE])[+-])*)"
    r"|(?P<word>[^\W\d]\w*)"
    r"|(?P<open_string>\"(?:[^\"\\\x00-\x1f]++|\\[^\x00-\x1f])*)"
    r"|(?P<comment>//|/\*|\#)"
    r"|(?P<end>\Z)"
    r"|(?P<bad>(?s:.)))"
)
_NUMBER: Final = r"-?(?:0|[1-9][0-9]*)(?P<rest>(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_OPENING: Final = {"{": "}", "[": "]"}
_CLOSING: Final = frozenset(_OPENING.values())
_MAX_ERRORS: Final = 200
_MAX_INTEGER_DIGITS: Final = 4000


def parse_json(source: Source) -> tuple[Body, tuple[Diagnostic, ...]]:
    """Return the tree of a whole file in JSON syntax, and its errors.

    All properties are attributes of the tree, each a `JsonProperty`; properties with errors are
    left out. The file holds one object, or an array of objects. Templates in strings are read,
    but what is wrong with them is said by `json_tree.problems_of`, because not every string is
    a template. Never raises.
    """
    parser = _Parser(source)
    value = parser.file()
    whole = SourceRange(source, 0, len(source.text))
    if value is None:
        return Body((), (), whole), tuple(parser.diagnostics)
    if not isinstance(value, JsonArray | JsonObject):
        parser.report(
            "Root value must be object",
            "A file in JSON syntax holds one object with arguments and blocks, or an array of such "
            "objects. Write { … } around the content.",
            value.range,
        )
        return Body((), (), whole), tuple(parser.diagnostics)
    body, problems = body_of(value)
    return Body(body.attributes, (), whole), (*parser.diagnostics, *problems)


class _Parser:
    """One pass over the tokens of a source; `kind`, `start` and `end` are of the next one."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.diagnostics: list[Diagnostic] = []
        self.open: list[str] = []
        self.matches = re.finditer(_LEXEME, source.text)
        self.kind = ""
        self.start = self.end = 0
        self.advance()

    def advance(self) -> None:
        """Go to the next token; the kind of punctuation is the punctuation itself."""
        if self.kind == "end":
            return
        match = next(self.matches)
        kind = match.lastgroup or "end"
        self.start, self.end = match.span(kind)
        self.kind = match[kind] if kind == "punctuation" else kind

    def word(self) -> str:
        return self.source.text[self.start : self.end]

    def place(self) -> SourceRange:
        return SourceRange(self.source, self.start, self.end)

    def found(self) -> str:
        """Say in words what the next token is."""
        match self.kind:
            case "end":
                return "the end of the file"
            case "string" | "open_string":
                return "a string"
            case _:
                return f'"{self.word()}"'

    def report(self, summary: str, detail: str, place: SourceRange) -> None:
        self.diagnostics.append(Diagnostic(summary=summary, detail=detail, range=place))

    def fail(self, summary: str, detail: str, place: SourceRange | None = None) -> NoReturn:
        """Record an error, by default at the next token, and give the value up."""
        if place is None:
            place = self.place()
            summary, detail = self._lexical() or (summary, detail)
        self.report(summary, detail, place)
        raise SyntaxFailure

    def _lexical(self) -> tuple[str, str] | None:
        """Say what is wrong with the next token wherever it stands."""
        if self.kind == "open_string":
            return (
                "Invalid JSON string",
                (
                    "The line ends before the string's closing quote. Add the quote; write a line "
                    "break inside a string as \\n and a tab as \\t."
                ),
            )
        if self.kind == "comment":
            return (
                "Invalid JSON comment",
                (
                    'JSON has no comments. Among arguments and blocks write a property "//" with '
                    "the comment as its value: it is ignored."
                ),
            )
        if self.kind != "bad":
            return None
        character = self.word()
        if character == "'":
            detail = (
                "Single quotes do not enclose strings in JSON. Write the string in double "
                'quotes: "…".'
            )
        elif character == "\0":
            detail = "The file holds a NUL character here. Remove it; configuration is plain text."
        else:
            detail = (
                f"The character U+{ord(character):04X} has no meaning outside strings. Remove it, "
                "or put the text in double quotes."
            )
        return ("Invalid character", detail)

    def file(self) -> JsonValue | None:
        """Read the only value of a file."""
        try:
            value = self.value()
            if self.kind != "end":
                self.fail(
                    "Extraneous data after value",
                    "A file in JSON syntax holds one value, and after its end there is "
                    f"{self.found()}. Remove what follows.",
                )
        except SyntaxFailure:
            return None
        return value

    def value(self) -> JsonValue:
        """Read any value.

        Raises:
            SyntaxFailure: If there is none; it is recorded.
        """
        match self.kind:
            case "{":
                return self._object()
            case "[":
                return self._array()
            case "string":
                return self._string()
            case "number":
                return self._number()
            case "word":
                return self._word()
            case _:
                return self._no_value()

    def _no_value(self) -> NoReturn:
        self.fail(
            "Missing value" if self.kind == "end" else "Invalid start of value",
            "A value has to start here: an object, an array, a string, a number, true, false or "
            f"null. There is {self.found()}.",
        )

    def _items(self, read: Callable[[], None], what: str) -> SourceRange:
        """Read the items of an object or array, with `read` for each; return its range."""
        opening = self.place()
        self._check_depth(opening)
        closing = _OPENING[self.kind]
        self.open.append(closing)
        faults, depth = len(self.diagnostics), len(self.open)
        self.advance()
        while self.kind != closing:
            try:
                read()
                self._separator(what, closing)
            except SyntaxFailure:
                del self.open[depth:]
                self._recover()
            if self.kind == "end":
                if len(self.diagnostics) == faults:
                    self.report(
                        f"Unclosed {what}",
                        f'This "{opening.text}" is never closed: the file ends first. Add '
                        f'"{closing}" after what belongs to it.',
                        opening,
                    )
                raise SyntaxFailure
            if self.kind in _CLOSING and self.kind != closing:
                # It closes what is around this, whose own end is missing then.
                self.open.pop()
                return opening.to(self.place())
        whole = opening.to(self.place())
        self.open.pop()
        self.advance()
        return whole

    def _check_depth(self, opening: SourceRange) -> None:
        if len(self.open) < MAX_DEPTH:
            return
        while self.kind != "end":
            self.advance()
        self.fail(
            "Nesting too deep",
            f"Objects and arrays may be nested {MAX_DEPTH} levels deep, and this is one more. "
            "Give inner parts names of their own with local values.",
            opening,
        )

    def _separator(self, what: str, closing: str) -> None:
        if self.kind == ",":
            comma = self.place()
            self.advance()
            if self.kind == closing:
                self.report(
                    f"Trailing comma in {what}",
                    "JSON has commas between items only. Remove the one after the last.",
                    comma,
                )
        elif self.kind in _CLOSING and self.kind != closing:
            self.report(
                "Mismatched braces" if closing == "}" else "Mismatched brackets",
                f'This {what} has to be closed with "{closing}", not {self.found()}.',
                self.place(),
            )
            if self.kind not in self.open:
                self.kind = closing
        elif self.kind not in (closing, "end"):
            self.fail(
                "Missing attribute separator comma",
                f'After an item of the {what} comes a comma or "{closing}", not {self.found()}.',
            )

    def _recover(self) -> None:
        """Go behind the comma after an item with an error, or to the bracket around it."""
        if len(self.diagnostics) >= _MAX_ERRORS:
            while self.kind != "end":
                self.advance()
        depth = 0
        while self.kind != "end":
            if self.kind in _OPENING:
                depth += 1
            elif self.kind in _CLOSING and depth:
                depth -= 1
            elif self.kind in self.open:
                return
            elif self.kind == "," and depth == 0:
                self.advance()
                return
            self.advance()

    def _object(self) -> JsonObject:
        properties: list[JsonProperty] = []
        place = self._items(lambda: properties.append(self._property()), "object")
        items = (ObjectItem(each.key.expression, each.expression) for each in properties)
        return JsonObject(tuple(properties), Object(tuple(items), place), place)

    def _property(self) -> JsonProperty:
        if self.kind != "string":
            quoted = f' Write "{self.word()}" in double quotes.' if self.kind == "word" else ""
            self.fail(
                "Invalid object property name",
                f"A property starts with its name, a string, not {self.found()}.{quoted}",
            )
        key = self._string()
        if self.kind != ":":
            sign = " JSON has no equals signs." if self.kind == "=" else ""
            self.fail(
                "Missing property value colon",
                f"After the name of a property comes a colon and its value, not {self.found()}."
                f"{sign}",
            )
        self.advance()
        value = self.value()
        whole = key.range.to(value.range)
        return JsonProperty(key.value, value.expression, whole, key.range, key, value)

    def _array(self) -> JsonArray:
        items: list[JsonValue] = []
        place = self._items(lambda: items.append(self.value()), "array")
        expressions = tuple(item.expression for item in items)
        return JsonArray(tuple(items), Tuple(expressions, place), place)

    def _string(self) -> JsonText:
        string = written(self.place())
        for start, end, fault in string.faults:
            self.report("Invalid JSON string", fault, SourceRange(self.source, start, end))
        expression, problems = read_template(string)
        self.advance()
        return JsonText(normalized(string.text), expression, problems, string.range)

    def _number(self) -> JsonLiteral:
        text = self.word()
        match = re.fullmatch(_NUMBER, text)
        if match is None:
            self.fail(
                "Invalid JSON number",
                f'"{text}" is no number in JSON: digits without zeros before them, a point and '
                "digits after it, an exponent. Put text in double quotes.",
            )
        number: int | Decimal
        try:
            whole = not match["rest"] and len(text) < _MAX_INTEGER_DIGITS
            number = int(text) if whole else Decimal(text)
        except InvalidOperation:
            self.fail(
                "Invalid JSON number",
                f'The exponent of "{text}" is too large to calculate with. Write a smaller number.',
            )
        return self._literal(number)

    def _word(self) -> JsonLiteral:
        text = self.word()
        if text not in _WORDS:
            self.fail(
                "Invalid JSON keyword",
                f'"{text}" is no value in JSON.{did_you_mean(text.lower(), _WORDS)} Put text in '
                "double quotes.",
            )
        return self._literal(_WORDS[text])

    def _literal(self, value: int | Decimal | bool | None) -> JsonLiteral:  # noqa: FBT001 - a value
        place = self.place()
        self.advance()
        return JsonLiteral(Literal(value, place), place)
