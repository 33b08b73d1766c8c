"""Changing the state by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mlform.addresses import ResourceAddress, Target, covers, print_target
from mlform.backends.base import StateBackend
from mlform.dataclass import dataclass, replace
from mlform.durable import write_file
from mlform.errors import EncryptionError, MlformError, StateConflict, StateCorrupt, UsageError
from mlform.operations.access import backend_alone, backend_settings, locked
from mlform.operations.environment import Environment
from mlform.operations.show import no_state
from mlform.plan.changes import Move
from mlform.plan.moves import entries_between, moved_state
from mlform.plan.renaming import moves_to
from mlform.state.codec import decode_state
from mlform.state.encryption import is_sealed
from mlform.state.journal import Run
from mlform.state.snapshot import Entry, State
from mlform.state.stored import decode_stored, encode_stored

_OWNER_ONLY = 0o600
_HEAD = 512
"""Bytes of a file that tell what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """How the state is changed by hand.

    Attributes:
        dry_run: Only tell what it would be.
        backup: File to keep the state in as it was; None for none.
        lock_timeout: Seconds to wait for the lock, or None to do without it.
    """

    dry_run: bool = False
    backup: Path | None = None
    lock_timeout: float | None = 0.0


def remove(
    environment: Environment, targets: tuple[Target, ...], edit: Edit
) -> tuple[ResourceAddress, ...]:
    """Forget objects without destroying them, and return which.

    Args:
        environment: The outside world.
        targets: Resources and modules, or instances of them; deposed objects go with them.
        edit: How it is done.

    Raises:
        UsageError: If an address matches nothing; nothing is forgotten then.
        BackendError: If the state cannot be written.
    """
    removed: set[ResourceAddress] = set()

    def without(state: State) -> tuple[State, tuple[Entry, ...]]:
        found = {key for key in state.objects if any(covers(each, key[0]) for each in targets)}
        for target in targets:
            if not any(covers(target, key[0]) for key in found):
                raise UsageError(
                    "Invalid target address",
                    f"No matching objects found: the state has no {print_target(target)}. To view "
                    'the available instances, use "mlform state list".',
                )
        removed.update(address for address, _ in found)
        kept = {key: record for key, record in state.objects.items() if key not in found}
        return replace(state, objects=kept), ()

    rewrite(environment, "state rm", without, edit)
    return tuple(sorted(removed))


def move(environment: Environment, source: Target, target: Target, edit: Edit) -> tuple[Move, ...]:
    """Call objects differently, and return which ones from now on are what.

    Args:
        environment: The outside world.
        source: A resource or module, or an instance of one.
        target: What it is to be called.
        edit: How it is done.

    Raises:
        UsageError: If that cannot be; nothing is changed then.
        BackendError: If the state cannot be written.
    """
    moves: tuple[Move, ...] = ()

    def moved(state: State) -> tuple[State, tuple[Entry, ...]]:
        nonlocal moves
        moves = moves_to(state, source, target)
        after = moved_state(state, moves, environment.kinds)
        return after, entries_between(state, after, moves)

    rewrite(environment, "state mv", moved, edit)
    return moves


def rewrite(
    environment: Environment,
    operation: str,
    change: Callable[[State], tuple[State, tuple[Entry, ...]]],
    edit: Edit,
) -> None:
    """Change the state, under its lock, as one more run in its history.

    Args:
        environment: The outside world.
        operation: The command, such as `state rm`.
        change: Returns the state as it is to be, and entries that say how it came about if more
            than the difference is to be said.
        edit: How it is done.

    Raises:
        UsageError: If there is no state.
        BackendError: If it cannot be written.
    """
    backend = backend_alone(environment)
    with locked(backend, environment, operation, edit.lock_timeout) as run:
        state = backend.read()
        if state is None:
            raise no_state()
        changed, entries = change(state)
        if edit.dry_run or changed == state:
            return
        if edit.backup is not None:
            _keep(environment, state, edit.backup)
        backend.begin(state, run)
        if entries:
            backend.append(entries)
        changed = replace(changed, serial=state.serial + 1)
        backend.write(changed, expected_serial=state.serial)


def _keep(environment: Environment, state: State, path: Path) -> None:
    content = encode_stored(state, backend_settings(environment).cipher)
    try:
        write_file(path, content, mode=_OWNER_ONLY)
    except OSError as error:
        raise MlformError(
            "The backup cannot be written",
            f"{path}: {error.strerror or error}. The state was not changed.",
        ) from error


def push(environment: Environment, pushed: State, *, force: bool, edit: Edit) -> None:
    """Make a state the one that is stored.

    The serial goes on counting even where an older state is forced: so the history stays in order
    and a plan made from the state before is stale.

    Args:
        environment: The outside world.
        pushed: The state.
        force: Whatever the lineage and the serial of the stored one.
        edit: How it is done.

    Raises:
        StateConflict: If the stored one is of another lineage or newer, and it is not forced.
        BackendError: If it cannot be written.
    """
    backend = backend_alone(environment)
    with locked(backend, environment, "state push", edit.lock_timeout) as run:
        stored = backend.read()
        if stored is None:
            backend.write(pushed, expected_serial=None, run=run)
            return
        if not force:
            _check_may_replace(stored, pushed)
        if pushed == stored:
            return
        if edit.backup is not None:
            _keep(environment, stored, edit.backup)
        replace_state(backend, stored, pushed, run)


def replace_state(backend: StateBackend, stored: State, state: State, run: Run) -> State:
    """Write a state in the place of another one, as one more run in its history.

    Args:
        backend: The lock is held.
        stored: What is there.
        state: What is to be there.
        run: Who does it.

    Returns:
        What was written: its serial follows that of the stored state.

    Raises:
        BackendError: If it cannot be written.
    """
    serial = state.serial if state.serial > stored.serial else stored.serial + 1
    written = replace(state, serial=serial)
    backend.begin(stored, run)
    backend.write(written, expected_serial=stored.serial)
    return written


def _check_may_replace(stored: State, pushed: State) -> None:
    problem = ""
    if pushed.lineage != stored.lineage:
        problem = (
            f'cannot import state with lineage "{pushed.lineage}" over unrelated state with '
            f'lineage "{stored.lineage}"'
        )
    elif pushed.serial < stored.serial:
        problem = (
            f"cannot import state with serial {pushed.serial} over newer state with serial "
            f"{stored.serial}"
        )
    elif pushed.serial == stored.serial and pushed != stored:
        problem = (
            f"cannot overwrite existing state with serial {stored.serial} with a different state "
            "that has the same serial"
        )
    if problem:
        raise StateConflict(
            "Failed to write state",
            f"{problem}. Nothing was changed. Check that it is the right state; -force writes it "
            "nevertheless.",
        )


def holds_state(path: Path) -> bool:
    """Whether a file is a state, encrypted or not, and not a plan; False if it cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    if is_sealed(head):
        return b'"content":"state"' in head
    return head.lstrip().startswith(b"{")


def read_state_file(environment: Environment, path: Path) -> State:
    """Return the state in a file as `state pull` prints it, or encrypted as mlform keeps it.

    Args:
        environment: The outside world.
        path: Of the file; older versions are understood too.

    Raises:
        UsageError: If it cannot be read.
        StateCorrupt: If it holds no state.
        EncryptionError: If it is encrypted, and no key that is configured opens it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            "The state file cannot be read", f"{path}: {error.strerror or error}."
        ) from error
    return parse_state(environment, content, str(path))


def parse_state(environment: Environment, content: bytes, where: str) -> State:
    """Return the state that a document holds, wholly checked; plain text is taken as it is.

    Raises:
        StateCorrupt: If it holds none; `where` names it.
        EncryptionError: If it is encrypted, and no key that is configured opens it.
    """
    try:
        if is_sealed(content):
            return decode_stored(content, backend_settings(environment).cipher)
        return decode_state(content)
    except (StateCorrupt, EncryptionError) as problem:
        raise type(problem)(problem.summary, f"{where}: {problem.detail}") from problem
