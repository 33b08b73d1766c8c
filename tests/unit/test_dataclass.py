"""`mlform.dataclass` does what the standard library's does."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import ClassVar, cast

import pytest

from mlform.dataclass import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Point:
    """A frozen class with positional parameters."""

    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list, compare=False, repr=False)
    origin: ClassVar[int] = 0

    def moved(self) -> Point:
        return replace(self, x=self.x + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A frozen class with named parameters."""

    name: str
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Longer(Named):
    """A class that adds to another."""

    size: int = 1
    more: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError(self.size)


@dataclass(slots=True)
class Tally:
    """A class whose attributes may be set."""

    count: int = 0
    seen: int = field(default=5, init=False)
    names: list[str] = field(default_factory=list, init=False)


@dataclass(slots=True, unsafe_hash=True)
class Hashed:
    """A class whose attributes may be set and that has a hash nevertheless."""

    value: int
    where: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class OwnMethods:
    """A class that compares and prints itself."""

    text: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnMethods) and self.text.lower() == other.text.lower()

    def __hash__(self) -> int:
        return hash(self.text.lower())

    def __repr__(self) -> str:
        return f"<{self.text}>"


@dataclass(frozen=True, slots=True)
class Empty:
    """A class without attributes."""


@dataclasses.dataclass(frozen=True, slots=True)
class StandardPoint:
    """`Point` by the standard library."""

    x: int
    y: int = 2
    tags: list[str] = dataclasses.field(default_factory=list, compare=False, repr=False)


def test_makes_compares_and_prints_as_the_standard_library() -> None:
    ours, theirs = Point(1, y=3), StandardPoint(1, y=3)
    assert repr(ours) == repr(theirs).removeprefix("Standard")
    assert hash(ours) == hash(theirs)
    assert ours == Point(1, 3, ["not compared"])
    assert ours != Point(1, 4)
    assert ours != cast("object", theirs)
    assert Point.__match_args__ == StandardPoint.__match_args__
    assert repr(Empty()) == "Empty()"
    assert Empty() == Empty()
    assert hash(Empty()) == hash(())
    assert repr(Named(name="a")) == "Named(name='a', size=0)"


def test_every_instance_has_its_own_default() -> None:
    Point(1).tags.append("a")
    assert Point(1).tags == []


def test_other_instances_take_changes_but_only_of_attributes() -> None:
    tally = Tally()
    tally.count += 1
    tally.names.append("a")
    assert tally == tally  # noqa: PLR0124 - that it compares itself with itself
    assert (tally.count, tally.seen, Tally().names) == (1, 5, [])
    with pytest.raises(AttributeError):
        tally.other = 1  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        hash(tally)
    assert hash(Hashed(1, "a")) == hash(Hashed(1, "b"))


@pytest.mark.parametrize(
    ("given", "named", "message"),
    [
        ((), {}, "missing"),
        ((), {"x": 1, "z": 2}, "unexpected"),
        ((1,), {"x": 1}, "multiple values"),
        ((1, 2, [], 4), {}, "positional"),
    ],
)
@pytest.mark.parametrize("made_before", [0, 1000])
def test_wrong_parameters_are_refused(
    given: tuple[int, ...], named: dict[str, int], message: str, made_before: int
) -> None:
    @dataclass(frozen=True, slots=True)
    class Fresh:
        x: int
        y: int = 2
        tags: list[str] = field(default_factory=list)

    for _ in range(made_before):
        Fresh(1)
    with pytest.raises(TypeError, match=message):
        Fresh(*given, **named)  # type: ignore[arg-type]


def test_the_first_instances_are_made_like_all_later_ones() -> None:
    @dataclass(frozen=True, slots=True)
    class Fresh(Longer):
        last: int = field(default=3, init=False)

    @dataclass(slots=True)
    class Open:
        x: int
        later: int = field(init=False)

    made = [Fresh(name="a", more={"b": number}) for number in range(100)]
    assert [item.more["b"] for item in made] == list(range(100))
    assert {repr(item).partition("more")[0] for item in made} == {
        repr(made[0]).partition("more")[0]
    }
    assert {item.last for item in made} == {3}
    assert len({id(item.more) for item in made}) == 100
    for number in range(100):
        opened = Open(number)
        assert opened.x == number
        with pytest.raises(AttributeError):
            _ = opened.later
    with pytest.raises(ValueError, match="-1"):
        Longer(name="a", size=-1)


def test_named_parameters_cannot_be_given_by_position() -> None:
    with pytest.raises(TypeError):
        Named("a")  # type: ignore[call-arg]


def test_inheritance_keeps_the_order_of_attributes() -> None:
    longer = Longer(name="a")
    assert repr(longer) == "Longer(name='a', size=1, more={})"
    assert replace(longer, size=2).size == 2
    with pytest.raises(ValueError, match="-1"):
        Longer(name="a", size=-1)


def test_methods_of_the_class_itself_stay() -> None:
    assert OwnMethods("A") == OwnMethods("a")
    assert hash(OwnMethods("A")) == hash(OwnMethods("a"))
    assert repr(OwnMethods("A")) == "<A>"


def test_copies_and_pickles() -> None:
    point = Point(1, 2, ["a"])
    assert point.moved() == Point(2, 2)
    assert point.moved().tags is point.tags
    assert copy.deepcopy(point).tags == ["a"]
    assert pickle.loads(pickle.dumps(point)) == point  # noqa: S301 - made just here


def test_the_standard_library_takes_it_for_its_own() -> None:
    assert dataclasses.is_dataclass(Point)
    assert [item.name for item in dataclasses.fields(Longer(name="a"))] == ["name", "size", "more"]
    assert dataclasses.fields(Point)[1].default == 2
    assert dataclasses.asdict(Point(1, tags=["a"])) == {"x": 1, "y": 2, "tags": ["a"]}
    assert dataclasses.replace(Point(1), x=4) == Point(4)

    @dataclasses.dataclass(frozen=True)
    class Below(Point):
        z: int = 7

    assert Below(1) == Below(1, 2, [], 7)


def test_matches_by_position() -> None:
    match Point(1, 5):
        case Point(x, 5):
            assert x == 1
        case _:
            pytest.fail("no match")


def test_slots_are_a_must() -> None:
    with pytest.raises(TypeError, match="slots"):
        dataclass(slots=False)(Empty)
