"""Writing the configuration of objects that are to be imported and have no resource block yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from mlform.addresses import ResourceAddress
from mlform.config.blocks import Config, ImportBlock
from mlform.config.load import SUFFIX
from mlform.config.write import generated_text, resource_text
from mlform.diagnostics import Diagnostics
from mlform.errors import MlformError, UsageError
from mlform.graph.evaluation import Evaluation
from mlform.graph.nodes import ResourceNode
from mlform.operations.environment import Environment
from mlform.operations.loading import Loaded, load_snapshot
from mlform.plan.imports import imports_by_block, requests_for, writable_block
from mlform.plan.origins import ImportProblem
from mlform.plan.reality import Reality
from mlform.plan.recorded import recorded_value
from mlform.resources.base import AnyKind
from mlform.state.snapshot import State


def check_target(path: Path) -> None:
    """Refuse to write generated configuration where it would be lost or overwrite something.

    Raises:
        UsageError: If there is such a file already, or mlform would not read it.
    """
    if not path.name.endswith(SUFFIX):
        detail = (
            f"-generate-config-out names {path.name}, which mlform would not read: configuration "
            f"files end in {SUFFIX}. Name it generated{SUFFIX}."
        )
        raise UsageError("Invalid name for generated configuration", detail)
    if path.exists():
        detail = (
            "mlform can only write generated config into a new file. Either choose a different "
            f"target location or move all existing configuration out of {path.name}, delete it "
            "and try again."
        )
        raise UsageError("Target generated file already exists", detail)


def with_generated(
    environment: Environment,
    loaded: Loaded,
    state: State,
    reality: Reality,
    path: Path,
    is_planned: Callable[[ResourceAddress], bool],
) -> Loaded:
    """Write blocks for imports without one to a file, and return the configuration with them.

    Nothing is written where every import has its block.

    Args:
        environment: The outside world.
        loaded: The configuration so far.
        state: For what the ids of imports refer to.
        reality: Where the objects are looked up.
        path: The file.
        is_planned: Whether the plan is about a resource.

    Raises:
        ConfigurationError: If an id does not name anything, or the result is not valid.
        MlformError: If the file cannot be written.
    """
    evaluation = loaded.evaluation(environment)
    recall(evaluation, environment.kinds, state)
    text = missing_blocks(evaluation, environment.kinds, reality, is_planned)
    if not text:
        return loaded
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        detail = f"{path} cannot be written: {error.strerror or error}."
        raise MlformError("Failed to write generated configuration", detail) from error
    files = {**loaded.config.files, _shown(path, loaded.config.files): text.encode()}
    return load_snapshot(environment, files, loaded.variables)


def _shown(path: Path, files: Mapping[str, bytes]) -> str:
    """Return a name for the file among those of the root module."""
    shown = path.name
    while shown in files:
        shown = f"generated_{shown}"
    return shown


def recall(evaluation: Evaluation, kinds: Mapping[str, AnyKind], state: State) -> None:
    """Let an evaluation know all values as far as the state tells them; the rest is unknown."""
    ignored = Diagnostics()
    recorded = state.by_block
    for node in evaluation.graph.dag.order():
        if not isinstance(node, ResourceNode):
            evaluation.resolve_node(node, ignored)
            continue
        block = evaluation.config.resource(node.address)
        if block is not None:
            evaluation.instances(block, ignored)
        for record in recorded.get(node.address, ()):
            kind = kinds[record.address.kind]
            evaluation.record(record.address, partial(recorded_value, record, kind))


def missing_blocks(
    evaluation: Evaluation,
    kinds: Mapping[str, AnyKind],
    reality: Reality,
    is_planned: Callable[[ResourceAddress], bool],
) -> str:
    """Return the text of a resource block for each import that has none.

    Raises:
        ConfigurationError: If an id is not known now or names nothing.
    """
    diagnostics = Diagnostics()
    blocks: list[tuple[str, str]] = []
    asked = imports_by_block(evaluation.config)
    for address in missing_addresses(evaluation.config, kinds):
        for request in requests_for(asked[address], evaluation, diagnostics):
            if not is_planned(request.address):
                continue
            found = reality.imported(address.kind, request.id)
            if isinstance(found, ImportProblem):
                diagnostics.error(
                    found.summary, found.detail, range=request.range, address=str(address)
                )
                continue
            if found is None:
                continue  # nobody looks at the world
            schema = kinds[address.kind].schema
            blocks.append((request.id, resource_text(address, schema, found.values)))
    diagnostics.raise_if_errors()
    return generated_text(blocks) if blocks else ""


def missing_addresses(config: Config, kinds: Mapping[str, AnyKind]) -> list[ResourceAddress]:
    """Return the blocks that can be written for imports: single resources of the root module."""
    found = [
        address
        for item in config.root.imports
        if (address := _missing(item, config)) is not None and address.kind in kinds
    ]
    return list(dict.fromkeys(found))


def _missing(item: ImportBlock, config: Config) -> ResourceAddress | None:
    address = writable_block(item)
    return None if address is None or config.resource(address) is not None else address
