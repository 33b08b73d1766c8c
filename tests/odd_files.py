"""Makes HCL files that are valid and written as oddly as the syntax allows.

For tests that compare what two programs make of the same file.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random  # noqa: TID251 - files for tests; the seed is given

_NAMES = ("a", "bc", "type", "for", "in", "if", "x-y", "_z", "é", "名前", "null", "variable")
_LABELS = (
    '"l"',
    "bare",
    '"two words"',
    '""',
    '"q\\"\\n\\u00e9\\t"',
    '"e\u0301"',
    '"\u00a0\\u200b"',
)
_TEXTS = (
    "",
    "t",
    "  two  ",
    "$${x}",
    "%%{y}",
    "\\n",
    '\\"',
    "é中",
    "👨‍👩‍👧",
    "e\u0301",
    "$",
    "a%b",
    "#no",
)
_NUMBERS = ("0", "1", "12.50", "1e9", "1E-3")
_OPERATORS = ("+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||")
_TYPES = ("list", "map", "set", "any", '"string"', '"list"', '"map"', '"any"', '"${x}"', '("map")')


Gap = Callable[[], str]
"""Makes what stands between two tokens, or a piece of text."""


class OddFiles:
    """A source of files; the same seed gives the same files."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - not for cryptography
        self._break = "\n"
        self._marker = 0

    def file(self) -> str:
        """Return the text of the next file."""
        self._break = self._random.choice(("\n", "\n", "\n", "\r\n"))
        self._marker = 0
        text = self._body(self._random.randint(0, 2))
        text += self._random.choice(("", "", "  ", "/* end */"))
        return self._sometimes(0.05 if text.strip() else 0, "\ufeff") + text

    # Space and comments.

    def _sometimes(self, chance: float, text: str) -> str:
        return text if self._random.random() < chance else ""

    def _gap(self) -> str:
        """Return what may stand between two tokens of a line."""
        if self._random.random() < 0.06:
            inside = self._random.choice((" c ", "", "é", f" one{self._break}   two ", "*"))
            return f" /*{inside}*/ "
        return self._random.choice(("", "", " ", " ", "  ", "\t", "   \t "))

    def _space(self) -> str:
        """Return what may stand between two words."""
        return self._gap() or " "

    def _loose(self) -> str:
        """Return what may stand between two tokens inside brackets."""
        if self._random.random() < 0.3:
            comment = self._sometimes(0.3, self._random.choice(("# in", "// in  ", "#")))
            return self._gap() + comment + self._break + self._gap()
        return self._gap()

    def _line_end(self) -> str:
        comment = self._sometimes(0.25, self._random.choice(("# end", "// end ", "#", "#\t中")))
        blank = self._sometimes(0.2, self._gap() + self._break)
        if "/*" in blank:
            blank = ""
        above = self._sometimes(0.1, f"{self._gap()}# above{self._break}")
        return self._gap() + comment + self._break + blank + above

    # Bodies.

    def _body(self, depth: int) -> str:
        items = [self._item(depth, number) for number in range(self._random.randint(0, 6))]
        return self._sometimes(0.2, f"# top{self._break}") + "".join(items)

    def _item(self, depth: int, number: int) -> str:
        if depth > 0 and self._random.random() < 0.4:
            return self._gap() + self._block(depth - 1) + self._line_end()
        return self._gap() + self._attribute(number) + self._line_end()

    def _attribute(self, number: int) -> str:
        name = self._random.choice(_NAMES) + self._random.choice(("", "long_name"))
        return f"{name}{number}{self._gap()}={self._gap()}{self._value()}"

    def _block(self, depth: int) -> str:
        kind = self._random.choice((*_NAMES, "variable", "variable"))
        labels = [
            self._space() + self._random.choice(_LABELS) for _ in range(self._random.randint(0, 2))
        ]
        head = kind + "".join(labels) + self._space()
        if self._random.random() < 0.2:
            inside = self._sometimes(0.7, self._gap() + self._attribute(1)).rstrip("\r\n")
            if "<<" not in inside:
                return f"{head}{{{inside}{self._gap()}}}"
        body = self._body(depth)
        if kind == "variable" and self._random.random() < 0.7:
            type_ = self._random.choice(_TYPES)
            body += f"{self._gap()}type{self._gap()}={self._gap()}{type_}{self._line_end()}"
        return f"{head}{{{self._line_end()}{body}{self._gap()}}}"

    # Expressions.

    def _value(self) -> str:
        choice = self._random.random()
        if choice < 0.15:
            return self._whole_template()
        if choice < 0.25:
            return self._heredoc(2)
        return self._expression(self._random.randint(0, 4), self._gap)

    def _whole_template(self) -> str:
        inside = self._expression(2, self._loose)
        strip = self._random.choice(("", "", "~"))
        return f'"${{{strip}{self._loose()}{inside}{self._loose()}{strip}}}"'

    def _expression(self, depth: int, gap: Gap) -> str:
        if depth == 0 or self._random.random() < 0.1:
            return self._leaf()
        makers: tuple[Callable[[int, Gap], str], ...] = (
            self._binary, self._unary, self._conditional, self._tuple, self._object,
            self._call, self._chain, self._for, self._parentheses, self._template,
        )  # fmt: skip
        return self._random.choice(makers)(depth - 1, gap)

    def _leaf(self) -> str:
        kind = self._random.random()
        if kind < 0.4:
            return self._random.choice(_NAMES)
        if kind < 0.6:
            return self._random.choice(_NUMBERS)
        return f'"{self._random.choice(_TEXTS)}{self._random.choice(_TEXTS)}"'

    def _binary(self, depth: int, gap: Gap) -> str:
        left, right = self._expression(depth, gap), self._expression(depth, gap)
        # A name takes a minus for one of its characters.
        return f"{left} {gap()}{self._random.choice(_OPERATORS)}{gap()}{right}"

    def _unary(self, depth: int, gap: Gap) -> str:
        return f"{self._random.choice('-!')}{gap()}{self._expression(depth, gap)}"

    def _conditional(self, depth: int, gap: Gap) -> str:
        one, two, three = (self._expression(depth, gap) for _ in range(3))
        return f"{one}{gap()}?{gap()}{two} {gap()}:{gap()}{three}"

    def _tuple(self, depth: int, _: Gap) -> str:
        comma = f"{self._loose()},{self._loose()}"
        items = [self._expression(depth, self._loose) for _ in range(self._random.randint(0, 4))]
        end = self._sometimes(0.3, ",") if items else ""
        return f"[{self._loose()}{comma.join(items)}{end}{self._loose()}]"

    def _object(self, depth: int, _: Gap) -> str:
        text = ""
        for _number in range(self._random.randint(0, 4)):
            key = self._random.choice(("k", "key-2", '"q"', "(a)", '"${a}"', "7", "é"))
            sign = self._random.choice(("=", "=", ":"))
            end = self._random.choice((",", self._line_end(), f",{self._line_end()}"))
            value = (
                self._heredoc(1)
                if self._random.random() < 0.05
                else self._expression(depth, self._gap)
            )
            if "<<" in value:
                end = self._break
            text += f"{self._gap()}{key} {self._gap()}{sign}{self._gap()}{value}{end}"
        return f"{{{self._sometimes(0.5, self._line_end())}{text}{self._gap()}}}"

    def _call(self, depth: int, _: Gap) -> str:
        name = self._random.choice(("f", "provider::mlform::g", "provider :: x :: y"))
        items = [self._expression(depth, self._loose) for _ in range(self._random.randint(0, 3))]
        comma = f"{self._loose()},{self._loose()}"
        end = self._random.choice(("", "", ",", "...", " ...")) if items else ""
        return f"{name}{self._gap()}({self._loose()}{comma.join(items)}{end}{self._loose()})"

    def _chain(self, depth: int, _: Gap) -> str:
        text = self._random.choice(("a", "var", "(b)", "f(x)", "[1]", '"t"'))
        for _number in range(self._random.randint(1, 3)):
            index = f"[{self._loose()}{self._expression(depth, self._loose)}{self._loose()}]"
            steps = (".b", ".c", ".*", ".0", "[*]", " .d", ". e", index, f"{self._gap()}{index}")
            text += self._random.choice(steps)
        return text

    def _for(self, depth: int, _: Gap) -> str:
        gap = self._loose
        names = self._random.choice(("k", f"k{gap()},{gap()}v"))
        collection, result = (f"{self._expression(depth, gap)} {gap()}" for _ in range(2))
        intro = f"{gap()}for{gap()} {names}{gap()} in{gap()} {collection}:"
        condition = self._sometimes(0.4, f"{gap()}if{gap()} {self._expression(depth, gap)}")
        if self._random.random() < 0.5:
            return f"[{intro}{gap()}{result}{condition}{gap()}]"
        group = self._random.choice(("", "", "...", " ..."))
        value = f"{self._expression(depth, gap)} {group}{gap()}"
        return f"{{{intro}{gap()}{result}=>{gap()}{value}{condition}{gap()}}}"

    def _parentheses(self, depth: int, _: Gap) -> str:
        return f"({self._loose()}{self._expression(depth, self._loose)}{self._loose()})"

    # Templates.

    def _template(self, depth: int, _: Gap) -> str:
        return f'"{self._parts(depth, lambda: self._random.choice(_TEXTS))}"'

    def _parts(self, depth: int, text: Gap) -> str:
        parts = ""
        for _ in range(self._random.randint(0, 3)):
            gap = self._random.choice((self._gap, self._loose))
            strip = self._random.choice(("", "", "~"))
            inner = f"{gap()}{self._expression(depth, gap)} {gap()}{strip}}}"
            kind = self._random.random()
            if kind < 0.7:
                part = f"${{{strip}{inner}"
            elif kind < 0.85:
                part = f"%{{{strip} if{gap()} {inner}{text()}%{{{gap()}else}}%{{endif {gap()}~}}"
            else:
                part = f"%{{for x{gap()} in{gap()} {inner}{text()}%{{ endfor }}"
            parts += f"{text()}{part}"
        return parts + text()

    def _heredoc(self, depth: int) -> str:
        self._marker += 1
        marker, end = f"E{self._marker}", self._break
        lines = ("", "x", "  y ", "  \t", end, f" l{end}    m", "\\", '"', "$${", "#")
        inside = self._parts(depth, lambda: self._random.choice(lines))
        flag = self._random.choice(("", "-"))
        return f"<<{flag}{marker}{end}{inside}{end}{self._sometimes(0.6, '   ')}{marker}"
