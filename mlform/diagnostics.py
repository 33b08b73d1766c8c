"""Problems in what the user wrote: where they are, what they are, how to mend them.

A phase records as many diagnostics as it can and calls `Diagnostics.raise_if_errors` at its end.
Failures of the world (a full disk, an absent engine) are exceptions: see `mlform.errors`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import partial
from typing import Final, NamedTuple, cast

from mlform.dataclass import dataclass, field


class Source:
    """The text of one configuration file; maps character offsets to lines and columns.

    Two sources are the same only when they are the same object.

    Attributes:
        filename: The path as shown to people, relative to the working folder.
        text: The whole text, after the byte order mark was removed.
    """

    __slots__ = ("_line_starts", "filename", "text")

    def __init__(self, filename: str, text: str) -> None:
        self.filename = filename
        self.text = text
        self._line_starts: list[int] | None = None

    def _starts(self) -> list[int]:
        if self._line_starts is None:
            starts = [0]
            find = self.text.find
            at = find("\n")
            while at >= 0:
                starts.append(at + 1)
                at = find("\n", at + 1)
            self._line_starts = starts
        return self._line_starts

    def position(self, offset: int) -> Position:
        """Return line and column (both from 1) of a character offset (from 0)."""
        starts = self._starts()
        line = bisect_right(starts, offset)
        return Position(line=line, column=offset - starts[line - 1] + 1, offset=offset)

    def line(self, number: int) -> str:
        """Return the text of a line (numbered from 1) without its line break."""
        starts = self._starts()
        begin = starts[number - 1]
        end = starts[number] if number < len(starts) else len(self.text)
        return self.text[begin:end].rstrip("\r\n")


class Position(NamedTuple):
    """A place in a source: line and column from 1, offset from 0, all in characters."""

    line: int
    column: int
    offset: int


class SourceRange(NamedTuple):
    """A half-open range of characters in one source; a tuple because parsing makes very many."""

    source: Source
    start_offset: int
    end_offset: int

    @property
    def filename(self) -> str:
        """The path of the source as shown to people."""
        return self.source.filename

    @property
    def start(self) -> Position:
        """The first character."""
        return self.source.position(self.start_offset)

    @property
    def end(self) -> Position:
        """One past the last character."""
        return self.source.position(self.end_offset)

    @property
    def text(self) -> str:
        """The characters in the range."""
        return self.source.text[self.start_offset : self.end_offset]

    def to(self, other: SourceRange) -> SourceRange:
        """Return the range from the start of this one to the end of `other`."""
        return range_of((self[0], self[1], other[2]))

    def __str__(self) -> str:
        return f"{self.filename}:{self.start.line}"


# The constructor of a named tuple takes twice as long as this, and ranges are made for all nodes.
range_of: Final = cast(
    "Callable[[tuple[Source, int, int]], SourceRange]", partial(tuple.__new__, SourceRange)
)
"""Return a range from its source and two character offsets."""


class Severity(Enum):
    """How bad a diagnostic is."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceValue:
    """The value that a reference had in a failing expression, for the snippet.

    Attributes:
        traversal: The reference as written, such as `var.rate`.
        statement: What is known of it, such as `is 3` or `is a string, known only after apply`.
    """

    traversal: str
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One problem.

    Attributes:
        severity: Error or warning.
        summary: A fixed sentence without names, such as `Unsupported argument`.
        detail: What is wrong, why, and how to fix it; may have several lines.
        range: The narrowest place, or None where no file is at fault.
        context: A wider range worth showing around `range`.
        address: The resource it concerns, as printed, or None.
        values: Values of the references in the failing expression.
        log_tail: The last lines that a task or server printed, fit to be shown.
    """

    severity: Severity = Severity.ERROR
    summary: str
    detail: str = ""
    range: SourceRange | None = None
    context: SourceRange | None = None
    address: str | None = None
    values: tuple[ReferenceValue, ...] = ()
    log_tail: tuple[str, ...] = ()


@dataclass(slots=True)
class Diagnostics:
    """The problems one phase has found so far, in the order found; no problem twice."""

    items: list[Diagnostic] = field(default_factory=list)
    _known: set[Diagnostic] = field(default_factory=set, compare=False, repr=False)

    def add(self, diagnostic: Diagnostic) -> None:
        """Record a problem unless the very same one is there already."""
        if diagnostic not in self._known:
            self._known.add(diagnostic)
            self.items.append(diagnostic)

    def error(
        self,
        summary: str,
        detail: str = "",
        *,
        range: SourceRange | None = None,  # noqa: A002 - the field's name in Terraform's JSON
        address: str | None = None,
    ) -> None:
        """Record an error."""
        self.add(Diagnostic(summary=summary, detail=detail, range=range, address=address))

    def warning(
        self,
        summary: str,
        detail: str = "",
        *,
        range: SourceRange | None = None,  # noqa: A002
        address: str | None = None,
    ) -> None:
        """Record a warning."""
        self.add(
            Diagnostic(
                severity=Severity.WARNING,
                summary=summary,
                detail=detail,
                range=range,
                address=address,
            )
        )

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Record several problems."""
        for diagnostic in diagnostics:
            self.add(diagnostic)

    @property
    def has_errors(self) -> bool:
        """Whether any of the problems is an error."""
        return any(item.severity is Severity.ERROR for item in self.items)

    def raise_if_errors(self) -> None:
        """End a phase.

        Raises:
            ConfigurationError: If any recorded problem is an error; it carries all of them.
        """
        if self.has_errors:
            raise ConfigurationError(tuple(self.items))

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


class ConfigurationError(Exception):
    """What the user wrote cannot be used; carries every problem of the phase."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("; ".join(item.summary for item in diagnostics))
        self.diagnostics = diagnostics


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return warnings and then errors, each by file and place; those without a place first.

    What a person reads last, next to the prompt, are the errors.
    """

    def place(item: Diagnostic) -> tuple[bool, str, int]:
        if item.range is None:
            return item.severity is Severity.ERROR, "", 0
        return item.severity is Severity.ERROR, item.range.filename, item.range.start_offset

    return tuple(sorted(diagnostics, key=place))


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Return ` Did you mean "x"?` for the nearest known name, or an empty string."""
    from difflib import get_close_matches

    near = get_close_matches(given, list(known), n=1, cutoff=0.6)
    return f' Did you mean "{near[0]}"?' if near else ""
