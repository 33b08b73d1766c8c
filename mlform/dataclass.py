"""`dataclass`, `field` and `replace` of the standard library, defined and made faster.

The standard library writes and compiles six methods for each class. A plan loads more than two
hundred classes, and to define them took half of the time of a plan without changes. Here classes
share most of their methods, `__init__` is compiled only for a class that makes more than a few
instances, and `dataclasses`, with all that it imports, is loaded only by who asks for
`dataclasses.fields` and the like, which work as ever. Type checkers see the standard library's
functions.

A frozen class is frozen for type checkers only, which see every line of mlform. At run time nothing
stops an assignment: refusing it would make each instance take two to three times as long to make,
a tenth of the time of a large plan.

Every class has slots; of the other options there are those that mlform uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeVar, cast

__all__ = ["REQUIRED", "attributes", "dataclass", "field", "replace"]

Item = TypeVar("Item")


class _Missing:
    """The type of the one value that stands for none."""


_MISSING: Final = _Missing()
REQUIRED: Final = _MISSING
"""In the answer of `attributes`: there is no default."""
_LAYOUT: Final = "__layout__"
_COMPILED_AT: Final = 24
"""Instances after which `__init__` is compiled, which takes about as long as to make so many."""


class _Field:
    """What `field` says of an attribute."""

    __slots__ = ("compare", "default", "factory", "init", "kw_only", "repr")

    def __init__(
        self,
        default: object = _MISSING,
        *,
        factory: Callable[[], object] | None = None,
        init: bool = True,
        repr: bool = True,  # noqa: A002 - named by the standard library
        compare: bool = True,
        kw_only: bool = False,
    ) -> None:
        self.default = default
        self.factory = factory
        self.init = init
        self.repr = repr
        self.compare = compare
        self.kw_only = kw_only


class _Layout:
    """What a class was defined with, and how many instances were made without compiling."""

    __slots__ = ("fields", "frozen", "instances", "types", "unsafe_hash")

    def __init__(
        self,
        fields: Mapping[str, _Field],
        types: Mapping[str, object],
        *,
        frozen: bool,
        unsafe_hash: bool,
    ) -> None:
        self.fields = fields
        self.types = types
        self.frozen = frozen
        self.unsafe_hash = unsafe_hash
        self.instances = 0


def _field(
    *,
    default: object = _MISSING,
    default_factory: Callable[[], object] | None = None,
    init: bool = True,
    repr: bool = True,  # noqa: A002 - named by the standard library
    compare: bool = True,
) -> object:
    """Return what stands for the default of an attribute; see `dataclasses.field`."""
    return _Field(default, factory=default_factory, init=init, repr=repr, compare=compare)


def _dataclass(
    *, slots: bool, frozen: bool = False, kw_only: bool = False, unsafe_hash: bool = False
) -> Callable[[type[Item]], type[Item]]:
    """Return what makes a class a data class; see `dataclasses.dataclass`.

    Raises:
        TypeError: If the class is to have no slots.
    """
    if not slots:
        message = "Say slots=True, or take dataclasses.dataclass."
        raise TypeError(message)

    def define(cls: type[Item]) -> type[Item]:
        layout = _layout(cls, frozen=frozen, kw_only=kw_only, unsafe_hash=unsafe_hash)
        return _with_slots(cls, layout)

    return define


def _layout(cls: type, *, frozen: bool, kw_only: bool, unsafe_hash: bool) -> _Layout:
    fields: dict[str, _Field] = {}
    types: dict[str, object] = {}
    for base in cls.__mro__[:0:-1]:
        inherited: _Layout | None = base.__dict__.get(_LAYOUT)
        if inherited is not None:
            fields |= inherited.fields
            types |= inherited.types
    own = vars(cls)
    for name, type_ in own.get("__annotations__", {}).items():
        if not str(type_).startswith("ClassVar"):
            default = own.get(name, _MISSING)
            if isinstance(default, _Field):
                default.kw_only = kw_only
            else:
                default = _Field(default, kw_only=kw_only)
            fields[name] = default
            types[name] = type_
    return _Layout(fields, types, frozen=frozen, unsafe_hash=unsafe_hash)


def _with_slots(cls: type[Item], layout: _Layout) -> type[Item]:
    """Return the class anew with its methods and slots, which a class cannot get later."""
    own = cls.__dict__
    inherited = {name for base in cls.__mro__[1:] for name in base.__dict__.get("__slots__", ())}
    left_out = {"__dict__", "__weakref__", *layout.fields}
    if own.get("__hash__", _MISSING) is None:  # because the class has an __eq__ of its own
        left_out.add("__hash__")
    members: dict[str, object] = {
        _LAYOUT: layout,
        "__init__": _rare_init,
        "__repr__": _repr,
        **_comparison(layout),
        "__match_args__": tuple(
            name for name, item in layout.fields.items() if item.init and not item.kw_only
        ),
        **_ON_DEMAND,
        **{name: value for name, value in own.items() if name not in left_out},
        "__slots__": tuple(name for name in layout.fields if name not in inherited),
        "__qualname__": cls.__qualname__,
    }
    make = cast("Callable[[str, tuple[type, ...], dict[str, object]], type[Item]]", type(cls))
    return make(cls.__name__, cls.__bases__, members)


def _comparison(layout: _Layout) -> dict[str, object]:
    names = [name for name, item in layout.fields.items() if item.compare]
    values = _values_of(names)

    def equal(self: object, other: object) -> object:
        if self is other:
            return True
        if other.__class__ is self.__class__:
            return values(self) == values(other)
        return NotImplemented

    def hashed(self: object) -> int:
        return hash(values(self))

    return {"__eq__": equal, "__hash__": hashed if layout.frozen or layout.unsafe_hash else None}


def _values_of(names: list[str]) -> Callable[[object], object]:
    """Return what gives the attribute of this name, or a tuple of those of several."""
    return attrgetter(*names) if names else lambda _: ()


def _repr(self: object) -> str:
    layout: _Layout = getattr(type(self), _LAYOUT)
    shown = [f"{name}={getattr(self, name)!r}" for name, item in layout.fields.items() if item.repr]
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _rare_init(self: object, *given: object, **named: object) -> None:
    """Set the attributes of one of the first instances; compile `__init__` for all later ones.

    Most classes make a few instances in a run, and to compile takes as long as to make very many.
    """
    owner = next(cls for cls in type(self).__mro__ if cls.__dict__.get("__init__") is _rare_init)
    layout: _Layout = getattr(owner, _LAYOUT)
    layout.instances += 1
    values = _values_given(layout, given, named)
    if values is None or layout.instances > _COMPILED_AT:
        init = _compiled_init(owner)
        type.__setattr__(owner, "__init__", init)
        init(self, *given, **named)
        return
    for name, value in values.items():
        setattr(self, name, value)
    if hasattr(self, "__post_init__"):
        self.__post_init__()


def _values_given(
    layout: _Layout, given: tuple[object, ...], named: Mapping[str, object]
) -> dict[str, object] | None:
    """Return the values of all attributes, or None if the parameters are wrong.

    What is wrong with them is then said by the compiled `__init__`, in Python's own words.
    """
    fields = layout.fields
    positional = [name for name, item in fields.items() if item.init and not item.kw_only]
    values = dict(zip(positional, given, strict=False))
    if len(given) > len(positional) or not named.keys().isdisjoint(values):
        return None
    values.update(named)
    for name, item in fields.items():
        if name in values:
            if not item.init:
                return None
        elif item.factory is not None:
            values[name] = item.factory()
        elif item.default is not _MISSING:
            values[name] = item.default
        elif item.init:
            return None
    return values if values.keys() <= fields.keys() else None


def _compiled_init(cls: type) -> Callable[..., None]:
    layout: _Layout = getattr(cls, _LAYOUT)
    scope: dict[str, object] = {"_MISSING": _MISSING}
    parameters = ["self"]
    lines = []
    for name, item in sorted(layout.fields.items(), key=lambda entry: entry[1].kw_only):
        if item.kw_only and item.init and "*" not in parameters:
            parameters.append("*")
        value = _declared(name, item, parameters, scope)
        if value:
            lines.append(f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    body = "\n    ".join(lines or ["pass"])
    source = f"def __init__({', '.join(parameters)}):\n    {body}"
    exec(source, scope)  # noqa: S102 - of names of attributes only, as the standard library does it
    init = cast("Callable[..., None]", scope["__init__"])
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__annotations__ = {**layout.types, "return": None}
    return init


def _declared(name: str, item: _Field, parameters: list[str], scope: dict[str, object]) -> str:
    """Declare an attribute's parameter; return the expression of its value, or nothing."""
    if item.factory is not None:
        scope[f"_new_{name}"] = item.factory
        if not item.init:
            return f"_new_{name}()"
        parameters.append(f"{name}=_MISSING")
        return f"_new_{name}() if {name} is _MISSING else {name}"
    if item.default is _MISSING:
        if not item.init:
            return ""
        parameters.append(name)
        return name
    scope[f"_default_{name}"] = item.default
    if not item.init:
        return f"_default_{name}"
    parameters.append(f"{name}=_default_{name}")
    return name


class _OnDemand:
    """A member that `dataclasses` looks for, made by the standard library when it is."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, item: object, cls: type) -> object:
        import dataclasses

        layout: _Layout = getattr(cls, _LAYOUT)
        members: dict[str, object] = {"__annotations__": dict(layout.types)}
        for name, given in layout.fields.items():
            declared: dataclasses.Field[object] = dataclasses.field(
                init=given.init, repr=given.repr, compare=given.compare, kw_only=given.kw_only
            )
            if given.factory is not None:
                declared.default_factory = given.factory
            elif given.default is not _MISSING:
                declared.default = given.default
            members[name] = declared
        plain: type[object] = type(cls.__name__, (), members)
        made = dataclasses.dataclass(
            init=False, repr=False, frozen=layout.frozen, unsafe_hash=layout.unsafe_hash
        )(plain)
        found: object = getattr(made, self._name)
        type.__setattr__(cls, self._name, found)
        return found


_ON_DEMAND: Final = {
    name: _OnDemand(name) for name in ("__dataclass_fields__", "__dataclass_params__")
}


def attributes(cls: type) -> dict[str, object]:
    """Return the names of a data class' attributes with their defaults; of others, nothing.

    `REQUIRED` stands for no default, or for one that is made anew for each instance.
    """
    layout: _Layout | None = getattr(cls, _LAYOUT, None)
    return {} if layout is None else {name: item.default for name, item in layout.fields.items()}


def _replace(item: Item, **changes: object) -> Item:
    """Return a copy with some attributes changed; see `dataclasses.replace`."""
    cls = type(item)
    layout: _Layout = getattr(cls, _LAYOUT)
    kept = {
        name: getattr(item, name)
        for name, given in layout.fields.items()
        if given.init and name not in changes
    }
    return cls(**kept, **changes)


if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    dataclass, field, replace = _dataclass, _field, _replace
