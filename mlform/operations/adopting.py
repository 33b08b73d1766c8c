"""Taking one object that exists into the state: what `mlform import` does."""

from __future__ import annotations

from collections.abc import Sequence

from mlform import __version__
from mlform.addresses import ResourceAddress, print_path
from mlform.config.blocks import ResourceBlock
from mlform.config.variable_sources import OptionFile, OptionValue
from mlform.dataclass import dataclass, replace
from mlform.diagnostics import Diagnostics
from mlform.errors import UsageError
from mlform.graph.desired import DesiredResource
from mlform.graph.runtimes import runtime_of
from mlform.operations.access import locked, open_backend
from mlform.operations.environment import Environment
from mlform.operations.generating import recall
from mlform.operations.loading import Ask, Loaded, load
from mlform.operations.pins import resolve_pins
from mlform.operations.world import World
from mlform.plan.moves import adopted_state, entries_between
from mlform.plan.origins import ImportedObject
from mlform.resources.base import kind_of
from mlform.state.snapshot import Provenance, ResourceRecord, State


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """How an object is taken in.

    Attributes:
        variables: From the command line, in order.
        lock_timeout: Seconds to wait for the lock of the state, or None to do without it.
        lockfile_readonly: Refuse to go on where an image pin is missing, instead of resolving it.
    """

    variables: Sequence[OptionValue | OptionFile] = ()
    lock_timeout: float | None = 0.0
    lockfile_readonly: bool = False


def import_object(
    environment: Environment,
    address: ResourceAddress,
    identity: str,
    options: ImportOptions,
    ask: Ask | None = None,
) -> ResourceRecord:
    """Take an object into the state and return what the state holds of it.

    Args:
        environment: The outside world.
        address: Of an instance that the configuration declares.
        identity: What the object is known as in the world.
        options: How it is done.
        ask: Asks a person for a variable without value.

    Raises:
        UsageError: If the configuration does not declare it, the state holds it already, or there
            is no such object.
        ConfigurationError: If the configuration cannot be used.
        BackendError: If the state cannot be written.
    """
    loaded = load(environment, options=options.variables, ask=ask)
    block = _block(loaded, address)
    pins = resolve_pins(environment, loaded.runtimes.values(), readonly=options.lockfile_readonly)
    backend = open_backend(environment, loaded)
    with locked(backend, environment, "import", options.lock_timeout) as run:
        state = backend.read() or State(lineage=environment.new_id())
        if state.current(address) is not None:
            raise UsageError(
                "Resource already managed by mlform",
                f"mlform is already managing an object for {address}. To import to this address "
                "you must first remove the existing object from the state: mlform state rm "
                f"'{address}'",
            )
        desired = _desired(environment, loaded, block, address, state)
        world = World(environment, loaded.runtimes, pins.images, state)
        try:
            record = _record(environment, loaded, desired, identity, world)
        finally:
            world.close()
        after = adopted_state(state, (record,))
        backend.begin(state, run)
        backend.append(entries_between(state, after, ()))
        backend.write(replace(after, serial=state.serial + 1), expected_serial=state.serial)
    return record


def _block(loaded: Loaded, address: ResourceAddress) -> ResourceBlock:
    """Return the block that an address is an instance of.

    Raises:
        UsageError: If there is none.
    """
    block = loaded.config.resource(address.block)
    if block is not None:
        return block
    if address.block.module not in loaded.config.modules:
        raise UsageError(
            "Import to non-existent module",
            f"{print_path(address.module)} is not defined in the configuration. Please add "
            "configuration for this module before importing into it.",
        )
    where = print_path(address.module) or "the root module"
    raise UsageError(
        f'Resource address "{address}" does not exist in the configuration',
        f"Before importing this resource, please create its configuration in {where}. For "
        f'example:\n\nresource "{address.kind}" "{address.name}" {{\n  # (arguments)\n}}\n\n'
        "Or write an import block and let mlform write the rest: mlform plan "
        "-generate-config-out=generated.mlf.hcl",
    )


def _desired(
    environment: Environment,
    loaded: Loaded,
    block: ResourceBlock,
    address: ResourceAddress,
    state: State,
) -> DesiredResource:
    evaluation = loaded.evaluation(environment)
    recall(evaluation, environment.kinds, state)
    diagnostics = Diagnostics()
    instances = tuple(evaluation.instances(block, diagnostics))
    diagnostics.raise_if_errors()
    if address not in instances:
        raise UsageError(
            "Configuration for import target does not exist",
            f"The configuration has no instance {address}. Check the key, and count or for_each "
            f"of {address.block}.",
        )
    # What its arguments are does not matter here, only what they refer to.
    return evaluation.desired(block, address, Diagnostics())


def _record(
    environment: Environment,
    loaded: Loaded,
    desired: DesiredResource,
    identity: str,
    world: World,
) -> ResourceRecord:
    kind = kind_of(environment.kinds, desired.address)
    found = world.imported(kind.schema.kind, identity)
    if not isinstance(found, ImportedObject):
        raise UsageError(found.summary, found.detail)
    return found.record(
        desired.address,
        provenance=Provenance(
            applied_at=environment.timestamp(),
            applied_by=environment.who,
            mlform_version=__version__,
        ),
        runtime="" if kind.sort == "value" else runtime_of(desired.block, loaded.config.root),
        dependencies=desired.dependencies,
    )
