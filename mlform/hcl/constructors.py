"""Tokens to tuples, objects and `for` expressions."""

from __future__ import annotations

from abc import ABC
from typing import Final, NoReturn

from mlform.diagnostics import SourceRange
from mlform.hcl import lexer
from mlform.hcl.ast import (
    Expression,
    ForObject,
    ForTuple,
    GetAttribute,
    Index,
    Object,
    ObjectItem,
    Template,
    Text,
    Tuple,
    Variable,
)
from mlform.hcl.templates import TemplateParser

_FOR: Final = "Invalid 'for' expression"


class ConstructorParser(TemplateParser, ABC):
    """The part of the parser that reads what makes collections."""

    def tuple_constructor(self) -> Expression:
        """Read `[…]`: a list of items, or a loop."""
        start = self.token_range()
        outer = self.open_bracket()
        if self._at_for():
            return self._for_tuple(start, outer)
        items: list[Expression] = []
        while self.kinds[self.at] != "]":
            items.append(self.expression())
            kind = self.kinds[self.at]
            if kind == ",":
                self.advance()
            elif kind == lexer.END:
                self.fail(
                    "Unterminated tuple constructor expression",
                    'This bracket is never closed: the file ends first. Add "]" after the last '
                    "item.",
                    start,
                )
            elif kind != "]":
                self.fail(
                    "Missing item separator",
                    f'After an item comes a comma or "]", not {self.found()}. A line break does '
                    "not separate the items of a list.",
                )
        whole = start.to(self.token_range())
        self.close_bracket(outer)
        return Tuple(tuple(items), whole)

    def object_constructor(self) -> Expression:
        """Read `{…}`: keys and values, or a loop."""
        start = self.token_range()
        outer = self.open_bracket()
        if self._at_for():
            return self._for_object(start, outer)
        self.newlines = True
        items: list[ObjectItem] = []
        while True:
            self.skip_newlines()
            if self.kinds[self.at] == "}":
                break
            key = self._object_key()
            self._key_separator()
            items.append(ObjectItem(key, self.expression()))
            kind = self.kinds[self.at]
            if kind in (",", "newline"):
                self.advance()
            elif kind != "}":
                self._object_not_separated(start)
        whole = start.to(self.token_range())
        self.close_bracket(outer)
        return Object(tuple(items), whole)

    def _object_key(self) -> Expression:
        if self.kinds[self.at] == lexer.IDENTIFIER and self.kinds[self.at + 1] in ("=", ":"):
            place = self.token_range()
            name = self.word()
            self.advance()
            return Template((Text(name, place),), place)
        key = self.expression()
        root: Expression = key
        while isinstance(root, (GetAttribute, Index)):
            root = root.target
        if root is not key and isinstance(root, Variable):
            self.report(
                "Ambiguous attribute key",
                f'The key "{key.range.text}" could be a reference or a name. Write it in '
                "parentheses for the value it refers to, or in double quotes for the name "
                "itself.",
                key.range,
            )
        if isinstance(key, Variable):
            return Template((Text(key.name, key.range),), key.range)
        return key

    def _key_separator(self) -> None:
        kind = self.kinds[self.at]
        if kind in ("=", ":"):
            self.advance()
            return
        if kind in (lexer.NEWLINE, ","):
            ends = "the line ends" if kind == lexer.NEWLINE else "there is a comma"
            self.fail(
                "Missing attribute value",
                f'After a key comes "=" and its value on the same line, but {ends}. Add them; if '
                "this is a list, use brackets instead of braces.",
            )
        self.fail(
            "Missing key/value separator",
            f'After a key comes "=" and its value, but there is {self.found()}. Add them; if '
            "this is a list, use brackets instead of braces.",
        )

    def _object_not_separated(self, start: SourceRange) -> NoReturn:
        if self.kinds[self.at] == lexer.END:
            self.fail(
                "Unterminated object constructor expression",
                'This brace is never closed: the file ends first. Add "}" after the last item.',
                start,
            )
        self.fail(
            "Missing attribute separator",
            f'After a value comes a comma, a line break or "}}", but there is {self.found()}. '
            "Put each item on a line of its own, or separate them with commas.",
        )

    def _at_for(self) -> bool:
        return self.kinds[self.at] == lexer.IDENTIFIER and self.word() == "for"

    def for_names(self, kind: str) -> tuple[str | None, str]:
        """Read `key, value in` or `value in` of a loop."""
        summary = f"Invalid 'for' {kind}"
        key = None
        value = self._for_name(summary, 'after "for"')
        if self.kinds[self.at] == ",":
            self.advance()
            key, value = value, self._for_name(summary, "after the comma, for the value")
        if self.kinds[self.at] != lexer.IDENTIFIER or self.word() != "in":
            self.fail(
                summary,
                f'After the names of a loop comes "in" and a collection, not {self.found()}. A '
                "loop is written "
                '"for value in collection" or "for key, value in collection".',
            )
        self.advance()
        return key, value

    def _for_name(self, summary: str, where: str) -> str:
        if self.kinds[self.at] != lexer.IDENTIFIER:
            self.fail(
                summary,
                f"A name has to stand {where}, but there is {self.found()}. A loop is written "
                '"for value in collection"; to mean a key named "for", write it in double '
                "quotes.",
            )
        name = self.word()
        self.advance()
        return name

    def _for_collection(self) -> tuple[str | None, str, Expression]:
        self.advance()
        key, value = self.for_names("expression")
        collection = self.expression()
        if self.kinds[self.at] != ":":
            self.fail(
                _FOR,
                'After the collection of a loop comes ":" and the result for each element, not '
                f"{self.found()}.",
            )
        self.advance()
        return key, value, collection

    def _for_condition(self, closing: str) -> Expression | None:
        """Read `if condition`, if it is there, up to the closing bracket, which stays next."""
        condition = None
        if self.kinds[self.at] == lexer.IDENTIFIER and self.word() == "if":
            self.advance()
            condition = self.expression()
        if self.kinds[self.at] != closing:
            self.fail(
                _FOR,
                f'After the result of a loop comes "{closing}", or "if" and a condition, not '
                f"{self.found()}.",
            )
        return condition

    def _for_tuple(self, start: SourceRange, outer: bool) -> ForTuple:  # noqa: FBT001 - saved state
        key, value, collection = self._for_collection()
        result = self.expression()
        if self.kinds[self.at] == "=>":
            self.fail(
                _FOR,
                'A loop in brackets makes a list, which has no keys. Remove the key and "=>", '
                "or "
                "use braces to make an object.",
                result.range,
            )
        if self.kinds[self.at] == "...":
            self.fail(
                _FOR,
                'Only a loop in braces groups its results with "...". Remove it, or use braces '
                'and "key => value".',
            )
        condition = self._for_condition("]")
        whole = start.to(self.token_range())
        self.close_bracket(outer)
        return ForTuple(key, value, collection, result, condition, whole)

    def _for_object(self, start: SourceRange, outer: bool) -> ForObject:  # noqa: FBT001 - saved state
        key, value, collection = self._for_collection()
        result_key = self.expression()
        if self.kinds[self.at] != "=>":
            self.fail(
                _FOR,
                'A loop in braces makes an object and needs "key => value" as its result, but '
                f"after the first expression there is {self.found()}. Add it, or use brackets "
                "to make a list.",
                result_key.range,
            )
        self.advance()
        result = self.expression()
        group = self.kinds[self.at] == "..."
        if group:
            self.advance()
        condition = self._for_condition("}")
        whole = start.to(self.token_range())
        self.close_bracket(outer)
        return ForObject(key, value, collection, result_key, result, group, condition, whole)
