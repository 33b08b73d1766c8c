"""What `init` and `get` say while they work: lines for people, or messages for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlform.dataclass import dataclass
from mlform.views.paper import BLANK, Line, line, render

if TYPE_CHECKING:
    from mlform.cli.session import Session


def tell(session: Session, lines: Sequence[Line], *, code: str = "") -> None:
    """Say something at once.

    Args:
        session: Where to say it.
        lines: What to say.
        code: What kind of message it is, as `terraform init -json` names it; without one it is
            told as `log`.
    """
    if session.messages is None:
        session.out.write(render(lines, color=session.out.color, width=session.out.width))
        return
    text = "\n".join(item.text for item in lines).strip("\n")
    if code:
        session.messages.message("init_output", text, {"message_code": code})
    elif text:
        session.messages.message("log", text, {})


@dataclass(slots=True, kw_only=True)
class Progress:
    """Says what goes on, under a heading that comes with the first line.

    Attributes:
        session: Where to say it.
        heading: The heading; empty for none.
        code: What kind of message the heading is.
        told: Whether anything was said.
    """

    session: Session
    heading: str = ""
    code: str = ""
    told: bool = False

    def __call__(self, text: str) -> None:
        """Say one line."""
        if self.heading and not self.told:
            tell(self.session, [line(self.heading)], code=self.code)
        self.told = True
        tell(self.session, [line(text, hang=2)])

    def end(self) -> None:
        """Leave a blank line for people after what was said, if anything was."""
        if self.told and self.session.messages is None:
            tell(self.session, [BLANK])
