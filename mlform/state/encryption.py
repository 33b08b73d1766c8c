"""What keeps a state from being read by others: the port, and the one that keeps nothing."""

from __future__ import annotations

from typing import Final, Protocol


class Cipher(Protocol):
    """Turns what is stored into something that only a key opens, and back."""

    @property
    def seals(self) -> bool:
        """Whether what is stored differs from what was given."""
        ...

    def seal(self, content: bytes, about: str) -> bytes:
        """Return the content as it is stored.

        Args:
            content: What to keep.
            about: What it is; it opens as nothing else.
        """
        ...

    def open(self, content: bytes, about: str) -> bytes:
        """Return what was sealed.

        Raises:
            StateCorrupt: If it was changed, is something else, or no key opens it.
        """
        ...


class PlainText:
    """Keeps everything as it is."""

    @property
    def seals(self) -> bool:
        """Whether what is stored differs from what was given; see `Cipher`."""
        return False

    def seal(self, content: bytes, about: str) -> bytes:
        """Return the content as it is; see `Cipher`."""
        del about
        return content

    def open(self, content: bytes, about: str) -> bytes:
        """Return the content as it is; see `Cipher`."""
        del about
        return content


PLAIN: Final[Cipher] = PlainText()
STATE: Final = "state"
"""What a whole snapshot is about."""
