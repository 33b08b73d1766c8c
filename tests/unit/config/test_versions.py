from __future__ import annotations

import pytest

from mlform.config.blocks import RequiredVersion
from mlform.config.versions import check_required_versions, parse_constraints, parse_version
from mlform.diagnostics import Source, SourceRange

ACCEPTED = [
    (">= 0.1, < 2", "0.1.0"),
    (">= 0.1, < 2", "1.99.0"),
    ("~> 0.1", "0.9.3"),
    ("~> 1.4.2", "1.4.9"),
    ("~> 1", "2.0.0"),
    ("0.1", "0.1.0"),
    ("= 0.1.0", "0.1"),
    ("!= 0.2.0", "0.1.0"),
    ("<= 0.1.0", "0.1.0"),
    ("> 0.1.0-beta1", "0.1.0-beta2"),
    (">=0.1,<1", "v0.10.0"),
    ("= 1.0.0+build5", "1.0.0"),
]
REFUSED = [
    (">= 0.1, < 2", "2.0.0"),
    ("~> 0.1", "1.0.0"),
    ("~> 1.4.2", "1.5.0"),
    ("~> 1.4.2", "1.4.1"),
    ("0.1", "0.1.1"),
    ("!= 0.2.0", "0.2"),
    ("> 0.1.0", "0.1.0"),
    ("< 0.10.0", "0.10.0"),
    (">= 0.1", "0.2.0-beta1"),
    ("< 1.0.0", "1.0.0-rc1"),
    ("= 1.0.0", "1.0.0-rc1"),
]


def allows(constraint: str, version: str) -> bool:
    return all(each.allows(parse_version(version)) for each in parse_constraints(constraint))


@pytest.mark.parametrize(("constraint", "version"), ACCEPTED)
def test_accepted(constraint: str, version: str) -> None:
    assert allows(constraint, version)


@pytest.mark.parametrize(("constraint", "version"), REFUSED)
def test_refused(constraint: str, version: str) -> None:
    assert not allows(constraint, version)


@pytest.mark.parametrize("text", ["", "x", ">= ", ">= 1,", "=> 1", "1.x", "~> 1..2", "1 2"])
def test_what_is_no_constraint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="version"):
        parse_constraints(text)


def test_versions_are_ordered_by_number_and_pre_release() -> None:
    written = [
        "0.9",
        "1.0-alpha",
        "1.0-alpha.1",
        "1.0-beta.2",
        "1.0-beta.11",
        "1.0",
        "1.0.1",
        "1.10",
    ]
    versions = [parse_version(text) for text in written]
    shuffled = versions[4:] + versions[:4]
    assert sorted(shuffled, key=lambda each: each.order()) == versions


def test_every_constraint_of_the_configuration_is_checked() -> None:
    source = Source("main.mlf.hcl", '">= 9" "x" ">= 0.1"')
    places = [SourceRange(source, 0, 6), SourceRange(source, 7, 10), SourceRange(source, 11, 19)]
    required = [RequiredVersion(constraint=place.text.strip('"'), range=place) for place in places]
    found = check_required_versions(required, "0.1.0")
    assert [each.summary for each in found] == [
        "Unsupported mlform version",
        "Invalid version constraint",
    ]
    assert [each.range for each in found] == places[:2]
    assert "this is mlform 0.1.0" in found[0].detail
