"""Objects to be taken into the state: what `import` blocks ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mlform.addresses import ResourceAddress
from mlform.config.blocks import Config, ImportBlock
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostics, SourceRange
from mlform.graph.desired import DesiredResource
from mlform.graph.evaluation import Evaluation
from mlform.graph.imports import import_address, import_block
from mlform.graph.repetition import SINGLE, for_each_of
from mlform.hcl.ast import Index
from mlform.lang.convert import ConversionError, convert
from mlform.lang.references import references
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.types import STRING
from mlform.plan.origins import ImportedObject, ImportProblem
from mlform.plan.reality import Reality
from mlform.state.snapshot import Provenance, ResourceRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """One object to import: `id` is what it is known as in the world."""

    address: ResourceAddress
    id: str
    range: SourceRange


def imports_by_block(config: Config) -> Mapping[ResourceAddress, list[ImportBlock]]:
    """Return the `import` blocks by the resource block that they name."""
    found: dict[ResourceAddress, list[ImportBlock]] = {}
    for item in config.root.imports:
        block = import_block(item.target)
        if block is not None:
            found.setdefault(block, []).append(item)
    return found


def writable_block(item: ImportBlock) -> ResourceAddress | None:
    """Return the block that mlform can write for an import: of a single one in the root module."""
    block = import_block(item.target)
    if block is None or block.module or item.for_each is not None or isinstance(item.target, Index):
        return None
    return block


def requests_for(
    items: Iterable[ImportBlock], evaluation: Evaluation, diagnostics: Diagnostics
) -> Iterator[ImportRequest]:
    """Return what is to be imported; what the imports refer to must be recorded."""
    for item in items:
        yield from _requests(item, evaluation, diagnostics)


def _requests(
    item: ImportBlock, evaluation: Evaluation, diagnostics: Diagnostics
) -> Iterator[ImportRequest]:
    expressions = [each for each in (item.target, item.id, item.for_each) if each is not None]
    wanted = [found for each in expressions for found in references(each)]
    scope = evaluation.scope_for(wanted)
    repetition = SINGLE
    if item.for_each is not None:
        repetition = for_each_of(item.for_each, scope, diagnostics)
    for key in repetition.keys:
        inside = scope.child(repetition.names(key))
        address = import_address(item.target, inside, diagnostics)
        identity = _identity(item, inside, diagnostics)
        if address is not None and identity is not None:
            yield ImportRequest(address=address, id=identity, range=item.range)


def _identity(item: ImportBlock, scope: Scope, diagnostics: Diagnostics) -> str | None:
    before = len(diagnostics)
    value = resolve(item.id, scope, diagnostics)
    if len(diagnostics) > before:
        return None
    try:
        text = convert(value, STRING)
    except ConversionError as error:
        problem = f"The import id must be text: {error.message}."
    else:
        if isinstance(text.payload, str) and text.payload and not text.marks:
            return text.payload
        if text.marks:
            problem = "The import id is sensitive or ephemeral, and it would show in the plan."
        elif text.payload is None or text.payload == "":
            problem = "The import id must not be null or empty."
        else:
            problem = (
                "The import id depends on values that are known only after apply. Use one that is "
                "known now."
            )
    diagnostics.error("Invalid import id argument", problem, range=item.id.range)
    return None


def imported_record(
    request: ImportRequest, desired: DesiredResource, runtime: str, reality: Reality
) -> ResourceRecord | ImportProblem | None:
    """Return the object to take into the state, why there is none, or None if nobody looks.

    Args:
        request: What is asked for.
        desired: What the configuration says of it.
        runtime: `type.name` of the runtime of an artifact.
        reality: Knows it.
    """
    found = reality.imported(request.address.kind, request.id)
    if not isinstance(found, ImportedObject):
        return found
    return found.record(
        request.address,
        # Who imported it, and when, is written down by apply.
        provenance=Provenance(applied_at="", applied_by="", mlform_version=""),
        runtime=runtime,
        dependencies=desired.dependencies,
    )


def check_targets(
    config: Config,
    planned: frozenset[ResourceAddress],
    requests: Mapping[ResourceAddress, ImportRequest],
    diagnostics: Diagnostics,
) -> None:
    """Record a problem for each import of something that the configuration does not ask for."""
    for item in config.root.imports:
        block = import_block(item.target)
        if block is None or config.resource(block) is None:
            remedy = (
                "Write one, or let mlform write it: mlform plan "
                "-generate-config-out=generated.mlf.hcl."
                if writable_block(item) is not None
                else "Write one: mlform writes blocks (-generate-config-out) for single resources "
                "of the root module only, not where count, for_each or a module is needed."
            )
            diagnostics.error(
                "Configuration for import target does not exist",
                f"There is no resource block for {block or 'what this import names'}. {remedy}",
                range=item.target.range,
            )
    for address, request in requests.items():
        if address not in planned and config.resource(address.block) is not None:
            diagnostics.error(
                "Configuration for import target does not exist",
                f"The configuration has no instance {address}. Check the key, and count or "
                f"for_each of {address.block}.",
                range=request.range,
            )
