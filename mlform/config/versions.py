"""Version constraints as Terraform writes them: `>= 0.1, < 2`, `~> 0.1`, `!= 0.3.1`, `0.2`.

A constraint that names no pre-release never accepts one, except through `=` and `!=`; `~> 1.4.2`
accepts what differs from 1.4.2 in the last number written only, upwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mlform.config.blocks import RequiredVersion
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostic

_VERSION = (
    r"v?(?P<numbers>[0-9]+(?:\.[0-9]+)*)"
    r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
)
_CONSTRAINT = r"(?P<operator>=|!=|>=|<=|~>|>|<)?\s*(?P<version>\S+)"
_SEGMENTS = 3


@dataclass(frozen=True, slots=True)
class Version:
    """A version.

    Attributes:
        numbers: As written, at least one.
        pre_release: What stands after the dash, split at the dots; empty for a release.
    """

    numbers: tuple[int, ...]
    pre_release: tuple[str, ...] = ()

    @property
    def segments(self) -> tuple[int, ...]:
        """The numbers, filled up with zeros to at least three."""
        return self.numbers + (0,) * (_SEGMENTS - len(self.numbers))

    def order(self) -> tuple[tuple[int, ...], bool, tuple[tuple[int, int, str], ...]]:
        """Return a key to compare by; a pre-release comes before its release."""
        numbers = self.segments
        while numbers and numbers[-1] == 0:
            numbers = numbers[:-1]
        identifiers = tuple(
            (0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.pre_release
        )
        return (numbers, not self.pre_release, identifiers)


@dataclass(frozen=True, slots=True)
class VersionConstraint:
    """One operator and the version after it."""

    operator: str
    version: Version

    def allows(self, version: Version) -> bool:
        """Whether a version meets the constraint."""
        given, bound = version.order(), self.version.order()
        if self.operator in {"=", "!="}:
            return (given == bound) is (self.operator == "=")
        if version.pre_release and not (
            self.version.pre_release and version.segments == self.version.segments
        ):
            return False
        if self.operator == "~>":
            fixed = len(self.version.numbers) - 1
            return given >= bound and version.segments[:fixed] == self.version.segments[:fixed]
        return {
            ">": given > bound,
            ">=": given >= bound,
            "<": given < bound,
            "<=": given <= bound,
        }[self.operator]


def parse_version(text: str) -> Version:
    """Read a version.

    Raises:
        ValueError: If the text is no version.
    """
    match = re.fullmatch(_VERSION, text.strip())
    if match is None:
        message = (
            f'"{text.strip()}" is not a version. Write numbers with dots, such as 0.1 or 1.2.3.'
        )
        raise ValueError(message)
    numbers = tuple(int(part) for part in match["numbers"].split("."))
    return Version(numbers, tuple(match["pre"].split(".")) if match["pre"] else ())


def parse_constraints(text: str) -> tuple[VersionConstraint, ...]:
    """Read constraints separated by commas, of which a version has to meet all.

    Raises:
        ValueError: If the text is no such list; the message says what one looks like.
    """
    constraints: list[VersionConstraint] = []
    for part in text.split(","):
        match = re.fullmatch(_CONSTRAINT, part.strip())
        if match is None:
            message = (
                f'"{part.strip()}" is not a version constraint. Write an operator (=, !=, >, >=, '
                '<, <= or ~>) and a version, several separated by commas, such as ">= 0.1, < 2".'
            )
            raise ValueError(message)
        constraints.append(
            VersionConstraint(match["operator"] or "=", parse_version(match["version"]))
        )
    return tuple(constraints)


def check_required_versions(
    required: Iterable[RequiredVersion], version: str
) -> tuple[Diagnostic, ...]:
    """Return an error for each `required_version` that this version of mlform does not meet.

    Args:
        required: Well-formed constraints with their places; an ill-formed one is an error too.
        version: The version of the running mlform.

    Raises:
        ValueError: If `version` is no version.
    """
    running = parse_version(version)
    found: list[Diagnostic] = []
    for item in required:
        try:
            met = all(each.allows(running) for each in parse_constraints(item.constraint))
        except ValueError as error:
            found.append(
                Diagnostic(
                    summary="Invalid version constraint", detail=str(error), range=item.range
                )
            )
            continue
        if not met:
            detail = (
                f"This configuration asks for mlform {item.constraint}, and this is mlform "
                f"{version}. Install a version that fits, or change the constraint; it may stand "
                "there because other versions read the configuration differently."
            )
            found.append(
                Diagnostic(summary="Unsupported mlform version", detail=detail, range=item.range)
            )
    return tuple(found)
