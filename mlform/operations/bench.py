"""What tests run on: state in memory, a store and runtimes apart, kinds that make nothing.

Nothing of the user's project is written: no state, no cache, no logs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from mlform.addresses import ResourceAddress, covers
from mlform.apply.events import Event
from mlform.backends.base import StateBackend, Workspaces
from mlform.config.encryption_blocks import VARIABLE
from mlform.dataclass import dataclass, replace
from mlform.digests import Json
from mlform.operations.environment import BackendSettings, Environment
from mlform.resources.base import AnyKind, KindsByAddress
from mlform.runtimes.base import Runtime
from mlform.store.base import ArtifactStore


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUp:
    """What objects of a kind, or one object, give without being made.

    Attributes:
        attributes: Computed attributes by name; others are made up by their type.
        at_plan: Whether they are known before anything is applied.
    """

    attributes: Mapping[str, Json]
    at_plan: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The ports of tests.

    Attributes:
        data_folder: Stands in for `.mlform`; removed afterwards.
        open_state: Makes a new, empty state.
        open_store: Opens the store that all runs share.
        open_runtime: Opens a runtime that looks at nothing until something real has to run.
        stand_in: Makes a kind that makes nothing out of one that does.
    """

    data_folder: Path
    open_state: Callable[[], StateBackend]
    alone: Callable[[StateBackend], Workspaces]
    open_store: Callable[[], ArtifactStore]
    open_runtime: Callable[[str, Mapping[str, object]], Runtime]
    stand_in: Callable[[AnyKind, MadeUp], AnyKind]

    def environment(
        self,
        real: Environment,
        backend: StateBackend,
        kinds: Mapping[str, AnyKind],
        on_event: Callable[[Event], None],
    ) -> Environment:
        """Return the world of one run.

        Args:
            real: The world outside of tests.
            backend: Where the state of the run is.
            kinds: What looks after its objects.
            on_event: Called with what happens in an apply.
        """

        def open_backend(settings: BackendSettings) -> Workspaces:
            del settings  # whatever is configured: tests keep their state in memory
            return self.alone(backend)

        told = real.settings.variables
        variables = {name: text for name, text in told.items() if name != VARIABLE}
        return replace(
            real,
            settings=replace(real.settings, data_folder=self.data_folder, variables=variables),
            machine=lambda: replace(real.machine(), lenient=True),
            kinds=kinds,
            open_backend=open_backend,
            open_store=self.open_store,
            open_runtime=self.open_runtime,
            on_event=on_event,
        )


class StandIns(KindsByAddress):
    """The kinds of one run: some make nothing, and some objects are not made."""

    def __init__(
        self,
        kinds: Mapping[str, AnyKind],
        mocked: Mapping[str, AnyKind],
        overridden: Mapping[ResourceAddress, AnyKind],
    ) -> None:
        """Take the real kinds, those to use instead, and those of single blocks or instances."""
        self._kinds = kinds
        self._mocked = mocked
        self._overridden = overridden

    def of(self, address: ResourceAddress) -> AnyKind:
        """Return the kind that looks after an object."""
        for target, kind in self._overridden.items():
            if covers(target, address):
                return kind
        return self[address.kind]

    def __getitem__(self, name: str) -> AnyKind:
        """Return the kind of a name."""
        mocked = self._mocked.get(name)
        return self._kinds[name] if mocked is None else mocked

    def __contains__(self, name: object) -> bool:
        """Whether there is a kind of this name."""
        return name in self._kinds

    def __iter__(self) -> Iterator[str]:
        """Return the names."""
        return iter(self._kinds)

    def __len__(self) -> int:
        """Return how many kinds there are."""
        return len(self._kinds)
