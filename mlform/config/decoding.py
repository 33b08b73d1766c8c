"""What the readers of blocks share: where they are, what they know, and where problems go."""

from __future__ import annotations

from mlform.addresses import ModulePath
from mlform.config.early import EarlyScope
from mlform.config.early_arguments import early_flag, early_text
from mlform.config.reading import Content, Reader
from mlform.config.static import constant_text
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostics
from mlform.hcl.ast import Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """The reading of the blocks of one module.

    Attributes:
        path: Of the module, without keys.
        reader: Sorts bodies and collects the problems.
        scope: What is known of the module before anything is planned.
        runtimes: `type.name` of those that the root module declares; None if they are not known.
    """

    path: ModulePath
    reader: Reader
    scope: EarlyScope
    runtimes: tuple[str, ...] | None = None

    @property
    def diagnostics(self) -> Diagnostics:
        """Where problems go."""
        return self.reader.diagnostics

    def text(self, content: Content, name: str) -> str | None:
        """Return the text that an argument has before anything is planned, or None."""
        expression = expression_of(content, name)
        if expression is None:
            return None
        return early_text(expression, name, self.scope, self.diagnostics)

    def flag(self, content: Content, name: str) -> bool | None:
        """Return the truth value that an argument has before anything is planned, or None."""
        expression = expression_of(content, name)
        if expression is None:
            return None
        return early_flag(expression, name, self.scope, self.diagnostics)

    def constant_text(self, content: Content, name: str) -> str:
        """Return the text of an argument that may not refer to anything; empty if it is not set."""
        expression = expression_of(content, name)
        if expression is None:
            return ""
        return constant_text(expression, self.diagnostics) or ""


def expression_of(content: Content, name: str) -> Expression | None:
    """Return the value of an argument, or None if it is not set."""
    argument = content.arguments.get(name)
    return None if argument is None else argument.expression
