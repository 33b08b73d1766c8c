"""What a Markdown parser makes of a comment, so that tests can say what users could do in it."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as a site would show it.

    Attributes:
        blocks: Types of the blocks at the outermost level, in order.
        cells: Text of the table's cells below its head, row by row.
        fences: Content of the blocks of code.
        summaries: What is seen of the folds.
        inline: Types of what stands in the text, without text and code.
        loose: All text outside of code, where a site looks for mentions and the like.
    """

    blocks: list[str]
    cells: list[list[str]]
    fences: list[str]
    summaries: list[str]
    inline: set[str]
    loose: str


def read_comment(text: str) -> Comment:
    """Return what a parser makes of a comment; folds have to be balanced and never nested."""
    tokens = _PARSER.parse(text)
    folds = _Folds()
    folds.feed("".join(token.content for token in tokens if token.type == "html_block"))
    folds.close()
    assert folds.depth == 0, "a fold stays open"
    children = [child for token in tokens for child in token.children or ()]
    loose = [child.content for child in children if child.type == "text"]
    return Comment(
        blocks=[token.type for token in tokens if token.level == 0 and token.nesting >= 0],
        cells=_cells(tokens),
        fences=[token.content for token in tokens if token.type == "fence"],
        summaries=folds.summaries,
        inline={child.type for child in children} - {"text", "code_inline"},
        loose="\n".join([*loose, *folds.loose]),
    )


def _cells(tokens: list[Token]) -> list[list[str]]:
    rows: list[list[str]] = []
    for at, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "td_open":
            shown = tokens[at + 1].children or ()
            rows[-1].append("".join(child.content for child in shown).replace("\xa0", " "))
    return rows[1:]


class _Folds(HTMLParser):
    """Reads the HTML of a comment, in which only folds with a summary may be."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.summaries: list[str] = []
        self.loose: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what opens."""
        assert tag in {"details", "summary", "code"}, tag
        assert not attrs, attrs
        self._open.append(tag)
        if tag == "details":
            self.depth += 1
            assert self.depth == 1, "a fold in a fold"
        if tag == "summary":
            self.summaries.append("")

    def handle_endtag(self, tag: str) -> None:
        """Note what closes."""
        assert self._open.pop() == tag, tag
        self.depth -= tag == "details"

    def handle_data(self, data: str) -> None:
        """Take text."""
        if "summary" in self._open:
            self.summaries[-1] += data
        if "code" not in self._open:
            self.loose.append(data)
