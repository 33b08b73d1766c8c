"""`encryption { … }`, in the settings of the root module or in an environment variable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol, TypeVar

from mlform.config.blocks import (
    EncryptedBlock,
    EncryptionBlock,
    KeyProviderBlock,
    MethodBlock,
)
from mlform.config.file_reading import parsed
from mlform.config.reading import Content, Reader, Shape
from mlform.config.static import check_name
from mlform.dataclass import replace
from mlform.diagnostics import Diagnostic, Diagnostics, SourceRange, did_you_mean
from mlform.hcl.ast import (
    Attribute,
    Block,
    Body,
    Expression,
    GetAttribute,
    Interpolation,
    Template,
    Variable,
)
from mlform.hcl.json_tree import JsonProperty, bare
from mlform.lang.references import Reference, references

VARIABLE: Final = "MLF_ENCRYPTION"
"""The environment variable that holds what may stand in the block, in HCL or JSON."""
UNENCRYPTED: Final = "unencrypted"
"""The method that leaves everything as it is."""
AES_GCM: Final = "aes_gcm"

_ENCRYPTION: Final = Shape(
    blocks={
        "key_provider": ("type", "name"),
        "method": ("type", "name"),
        "state": (),
        "plan": (),
    },
    elsewhere={
        "remote_state_data_sources": "mlform reads no states of other projects. Remove this block.",
        "encryption": "What stands here is what stands inside an encryption block: leave out the "
        "block itself.",
    },
)
_METHODS: Final[Mapping[str, Shape]] = {
    AES_GCM: Shape(
        required=("keys",),
        elsewhere={"aad": "mlform says itself what it seals: remove this argument."},
    ),
    UNENCRYPTED: Shape(),
}
_ENCRYPTED: Final = Shape(optional=("method", "enforced"), blocks={"fallback": ()})
_FALLBACK: Final = Shape(required=("method",), blocks={"fallback": ()})
_STEPS: Final = 2


class _Named(Protocol):
    @property
    def address(self) -> str: ...

    @property
    def range(self) -> SourceRange: ...


_Item = TypeVar("_Item", bound=_Named)


def decode_encryption(body: Body, header: SourceRange, reader: Reader) -> EncryptionBlock:
    """Read what stands in an `encryption` block.

    Arguments of key providers are left as they are. References are not followed: what they name may
    be declared in the environment variable.
    """
    content = reader.read(body, _ENCRYPTION, header)
    providers = (_provider(block, reader) for block in content.blocks_of("key_provider"))
    methods = (_method(block, reader) for block in content.blocks_of("method"))
    state = reader.single(content.blocks_of("state"), "encryption block")
    plan = reader.single(content.blocks_of("plan"), "encryption block")
    return EncryptionBlock(
        providers=_by_address(providers, reader.diagnostics),
        methods=_by_address(methods, reader.diagnostics),
        state=None if state is None else _encrypted(state, reader),
        plan=None if plan is None else _encrypted(plan, reader),
        range=header,
    )


def encryption_of_variable(text: str) -> tuple[EncryptionBlock | None, tuple[Diagnostic, ...]]:
    """Read the value of the environment variable `MLF_ENCRYPTION`.

    Returns:
        What it says, or None where it is empty, and the problems. Their places are told in words:
        a snippet would show the passphrase.
    """
    if not text.strip():
        return None, ()
    name = f"{VARIABLE}.json" if text.lstrip().startswith("{") else VARIABLE
    body, problems = parsed(name, text.encode())
    diagnostics = Diagnostics()
    diagnostics.extend(problems)
    broken = tuple(each.range for each in problems if each.range is not None)
    reader = Reader(diagnostics=diagnostics, syntax_errors=broken)
    block = decode_encryption(body, body.range, reader)
    return block, tuple(map(without_snippet, diagnostics))


def without_snippet(problem: Diagnostic) -> Diagnostic:
    """Return a problem without its place if that is in the environment variable, but told of it."""
    place = problem.range
    if place is None or not place.filename.startswith(VARIABLE):
        return problem
    where = f"{VARIABLE}, line {place.start.line}, column {place.start.column}"
    detail = f"{where}: {problem.detail}"
    return replace(problem, range=None, context=None, values=(), detail=detail)


def merged(base: EncryptionBlock | None, over: EncryptionBlock | None) -> EncryptionBlock | None:
    """Return what a block says with what another one says instead or in addition."""
    if base is None or over is None:
        return base or over
    providers = dict(base.providers)
    for address, provider in over.providers.items():
        known = providers.get(address)
        providers[address] = provider if known is None else _merged_provider(known, provider)
    return EncryptionBlock(
        providers=providers,
        methods={**base.methods, **over.methods},
        state=_merged_encrypted(base.state, over.state),
        plan=_merged_encrypted(base.plan, over.plan),
        range=base.range,
    )


def _merged_provider(base: KeyProviderBlock, over: KeyProviderBlock) -> KeyProviderBlock:
    names = {each.name for each in over.body.attributes}
    kept = tuple(each for each in base.body.attributes if each.name not in names)
    body = Body((*kept, *over.body.attributes), over.body.blocks, over.body.range)
    return replace(over, body=body)


def _merged_encrypted(
    base: EncryptedBlock | None, over: EncryptedBlock | None
) -> EncryptedBlock | None:
    if base is None or over is None:
        return base or over
    return EncryptedBlock(
        method=over.method or base.method,
        fallbacks=over.fallbacks or base.fallbacks,
        enforced=(*base.enforced, *over.enforced),
        range=base.range,
    )


def _by_address(items: Iterable[_Item | None], diagnostics: Diagnostics) -> Mapping[str, _Item]:
    found: dict[str, _Item] = {}
    for item in items:
        if item is None:
            continue
        first = found.setdefault(item.address, item)
        if first is not item:
            what = item.address.partition(".")[0].replace("_", " ")
            diagnostics.error(
                f"Duplicate {what}",
                f"{item.address} was already declared at {first.range}. Rename or remove one of "
                "the two.",
                range=item.range,
            )
    return found


def _provider(block: Block, reader: Reader) -> KeyProviderBlock | None:
    if not check_name(block.labels[1], block.label_ranges[1], "key provider", reader.diagnostics):
        return None
    return KeyProviderBlock(
        type=block.labels[0],
        name=block.labels[1],
        body=reader.native(block.body, Shape()),
        range=block.range,
    )


def _method(block: Block, reader: Reader) -> MethodBlock | None:
    type_, name = block.labels
    if not check_name(name, block.label_ranges[1], "method", reader.diagnostics):
        return None
    shape = _METHODS.get(type_)
    if shape is None:
        reader.diagnostics.error(
            "Unsupported method",
            f'There is no method of type "{type_}".{did_you_mean(type_, _METHODS)} Known are: '
            f"{', '.join(_METHODS)}.",
            range=block.label_ranges[0],
        )
        return None
    content = reader.read(block.body, shape, block.range)
    keys = _reference(content, "keys", "key_provider", reader)
    if type_ != UNENCRYPTED and keys is None:
        return None
    return MethodBlock(type=type_, name=name, keys=keys, range=block.range)


def _encrypted(block: Block, reader: Reader) -> EncryptedBlock:
    content = reader.read(block.body, _ENCRYPTED, block.range)
    enforced = content.arguments.get("enforced")
    return EncryptedBlock(
        method=_reference(content, "method", "method", reader),
        fallbacks=tuple(_fallbacks(content, reader)),
        enforced=() if enforced is None else (enforced.expression,),
        range=block.range,
    )


def _fallbacks(content: Content, reader: Reader) -> Iterator[Reference]:
    """Return the methods of `fallback` blocks, one after the other or one inside the other."""
    for block in content.blocks_of("fallback"):
        inner = reader.read(block.body, _FALLBACK, block.range)
        method = _reference(inner, "method", "method", reader)
        if method is not None:
            yield method
        yield from _fallbacks(inner, reader)


def _reference(content: Content, name: str, root: str, reader: Reader) -> Reference | None:
    """Return what an argument refers to, or None."""
    argument = content.arguments.get(name)
    if argument is None:
        return None
    expression = _unquoted(argument, reader.diagnostics)
    found = None if expression is None else _traversal(expression)
    if found is not None and found.root == root and len(found.steps) == _STEPS:
        return found
    example = "method.aes_gcm.main" if root == "method" else "key_provider.pbkdf2.main"
    reader.diagnostics.error(
        f"Invalid reference to a {root.replace('_', ' ')}",
        f"{name} names a {root} block of this encryption block by its two labels, such as "
        f"{name} = {example}.",
        range=argument.expression.range,
    )
    return None


def _unquoted(argument: Attribute, diagnostics: Diagnostics) -> Expression | None:
    """Return what the string of a JSON property refers to: `"${…}"`, or that without the signs."""
    expression = argument.expression
    if not isinstance(argument, JsonProperty) or not isinstance(expression, Template):
        return expression
    if expression.constant is None:
        only = expression.parts[0] if len(expression.parts) == 1 else None
        return only.expression if isinstance(only, Interpolation) else expression
    found, problems = bare(argument.value)
    diagnostics.extend(problems)
    return found


def _traversal(expression: Expression) -> Reference | None:
    node = expression
    while isinstance(node, GetAttribute):
        node = node.target
    return references(expression)[0] if isinstance(node, Variable) else None
