"""How much a package may hold."""

from __future__ import annotations

from typing import Final

from mlform.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is refused if it is more.

    Attributes:
        download: Bytes of an archive.
        unpacked: Bytes of all files of a package together.
        entries: Files, folders and links of a package.
        seconds: That a download may take.
        silence: Seconds that a server may say nothing.
    """

    download: int = 512 << 20
    unpacked: int = 2 << 30
    entries: int = 50_000
    seconds: float = 900.0
    silence: float = 30.0


DEFAULT_LIMITS: Final = Limits()
