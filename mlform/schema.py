"""What arguments and attributes a kind of resource has.

The JSON form of arguments, used in state, plans, recipes and tasks, follows from the schema:
an attribute is its value; a single block an object or null; repeated blocks a list of objects; the
label of a block is one more attribute of its object.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Protocol, TypeVar

from mlform.dataclass import dataclass, field
from mlform.digests import Json
from mlform.lang.types import Type


class Effect(Enum):
    """What a changed argument does to an existing object."""

    REBUILD = "rebuild"
    """It is part of the recipe: the object is made anew."""
    REPLACE = "replace"
    """The object is destroyed and created."""
    UPDATE = "update"
    """The object is brought in line in place; nothing runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceReference:
    """The type of an argument that takes whole resources, such as `split = split.titanic`.

    Attributes:
        kinds: Kinds accepted.
        many: Whether it takes a list of them.
    """

    kinds: tuple[str, ...]
    many: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One argument or computed attribute.

    Attributes:
        name: As written.
        type: Type it is converted to, or what resources it takes.
        description: One sentence for the reference pages.
        required: Whether it must be set.
        default: Value when absent, or null.
        computed: Whether it is set by apply and cannot be written.
        sensitive: Whether its value is always hidden.
        effect: What a change of it does.
        allowed: The values it may have, or empty for any.
    """

    name: str
    type: Type | ResourceReference
    description: str
    required: bool = False
    default: Json = None
    computed: bool = False
    sensitive: bool = False
    effect: Effect = Effect.REBUILD
    allowed: tuple[str, ...] = ()


class _Named(Protocol):
    """What has a name."""

    @property
    def name(self) -> str:
        """The name."""
        ...


Item = TypeVar("Item", bound=_Named)


def _by_name(items: tuple[Item, ...]) -> dict[str, Item]:
    return {item.name: item for item in reversed(items)}  # of two with one name the first counts


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSchema:
    """What stands between the braces of a block.

    Attributes:
        attributes: Arguments and computed attributes.
        blocks: The blocks inside.
        one_of: Exactly one of these blocks.
        references: The arguments that take whole resources.
    """

    attributes: tuple[Attribute, ...] = ()
    blocks: tuple[NestedBlock, ...] = ()
    one_of: tuple[str, ...] = ()
    references: tuple[Attribute, ...] = field(init=False, compare=False, repr=False)
    _attributes: Mapping[str, Attribute] = field(init=False, compare=False, repr=False)
    _blocks: Mapping[str, NestedBlock] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Note which attributes and blocks there are: every body of a configuration asks."""
        references = [each for each in self.attributes if isinstance(each.type, ResourceReference)]
        object.__setattr__(self, "references", tuple(references))
        object.__setattr__(self, "_attributes", _by_name(self.attributes))
        object.__setattr__(self, "_blocks", _by_name(self.blocks))

    def attribute(self, name: str) -> Attribute | None:
        """Return the attribute of a name, or None."""
        return self._attributes.get(name)

    def block(self, name: str) -> NestedBlock | None:
        """Return the block of a name, or None."""
        return self._blocks.get(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedBlock:
    """A block inside a resource.

    Attributes:
        name: As written.
        description: One sentence for the reference pages.
        body: What it holds; with `variants`, what every variant holds besides its own.
        label: Name of the attribute that takes the block's label, or None without label.
        variants: Schema by label, where the label chooses one; otherwise any label is fine.
        refused: Labels that people try and that cannot be, each with the reason.
        repeated: Whether there may be several, kept in order.
        required: Whether there must be one.
        effect: What a change in it does.
    """

    name: str
    description: str
    body: BlockSchema = field(default_factory=BlockSchema)
    label: str | None = None
    variants: Mapping[str, BlockSchema] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    repeated: bool = False
    required: bool = False
    effect: Effect = Effect.REBUILD
    _whole: dict[str, BlockSchema] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def schema_of(self, label: str | None) -> BlockSchema:
        """Return the schema of a block with this label: the common part and the variant's."""
        name = label or ""
        variant = self.variants.get(name)
        if variant is None:
            return self.body
        if name not in self._whole:
            self._whole[name] = BlockSchema(
                attributes=(*self.body.attributes, *variant.attributes),
                blocks=(*self.body.blocks, *variant.blocks),
                one_of=(*self.body.one_of, *variant.one_of),
            )
        return self._whole[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSchema:
    """A kind of resource.

    Attributes:
        kind: Its name in configuration.
        version: Grows when the meaning of arguments or the form of artifacts changes; part of
            every recipe.
        description: What it is, for the reference pages.
        body: Its arguments, blocks and computed attributes.
        exposed: Computed attributes that expressions read under the name of an argument, by that
            name: `evaluation.a.metrics` gives the figures, not the list of names.
    """

    kind: str
    version: int
    description: str
    body: BlockSchema
    exposed: Mapping[str, str] = field(default_factory=dict)
