"""What operations take and return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from mlform.addresses import ResourceAddress, Target, covers
from mlform.apply.events import StepFailed
from mlform.config.variable_sources import OptionFile, OptionValue
from mlform.dataclass import dataclass, field
from mlform.diagnostics import Diagnostic
from mlform.digests import JsonObject
from mlform.operations.environment import Sealing
from mlform.plan.changes import Mode, Plan
from mlform.state.snapshot import OutputRecord, State
from mlform.tasks import PinnedImage

if TYPE_CHECKING:  # flags are read before the configuration is
    from mlform.operations.loading import Loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What to plan.

    Attributes:
        mode: What kind of plan.
        refresh: Whether to look at reality, or to trust the state.
        replace: Addresses to replace although nothing changed.
        targets: Resources and modules to limit the plan to, with what they depend on; empty for
            all.
        excluded: Resources and modules to leave out, with what depends on them; not with targets.
        variables: From the command line, in order.
        lock_timeout: Seconds to wait for the state lock, or None to do without it.
        lockfile_readonly: Refuse to plan when an image pin is missing, instead of resolving it.
        generate_config_out: A new file for the resource blocks of imports that have none, or None
            where such imports are problems.
    """

    mode: Mode = Mode.NORMAL
    refresh: bool = True
    replace: tuple[ResourceAddress, ...] = ()
    targets: tuple[Target, ...] = ()
    excluded: tuple[Target, ...] = ()
    variables: Sequence[OptionValue | OptionFile] = ()
    lock_timeout: float | None = 0.0
    lockfile_readonly: bool = False
    generate_config_out: Path | None = None

    def names(self, address: ResourceAddress) -> bool:
        """Whether targets name a resource, or there are none, and nothing excludes it."""
        if any(covers(excluded, address) for excluded in self.excluded):
            return False
        return not self.targets or any(covers(target, address) for target in self.targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan with what apply needs to carry it out.

    Attributes:
        plan: The plan.
        state: The state it was made from.
        files: The configuration files it was made from, by shown path.
        variables: Values of the root variables, as JSON with their types.
        images: Pins in use, by image name.
        modules: Commit or digest of each package that modules come from.
        sensitive_variables: Names of the variables that are hidden.
        sealing: How the plan is encrypted where it is saved.
        loaded: The configuration that it was just made from; None for a plan that was saved.
    """

    plan: Plan
    state: State
    files: Mapping[str, bytes]
    variables: JsonObject
    images: Mapping[str, PinnedImage]
    modules: Mapping[str, str] = field(default_factory=dict)
    sensitive_variables: tuple[str, ...] = ()
    sealing: Sealing = field(default_factory=Sealing)
    loaded: Loaded | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The outcome of an apply.

    Attributes:
        added: Objects created; a replacement counts here and in `destroyed`.
        changed: Objects rebuilt, reused or updated.
        destroyed: Objects destroyed.
        outputs: Root outputs as they are now.
        failures: Steps that failed.
        skipped: How many steps were not begun.
        interrupted: Whether somebody stopped it before all was done.
        warnings: Problems that did not stop it.
        problems: What does not hold now that everything is made: preconditions of outputs,
            validations of variables that had to wait.
    """

    added: int
    changed: int
    destroyed: int
    outputs: Mapping[str, OutputRecord] = field(default_factory=dict)
    failures: tuple[StepFailed, ...] = ()
    skipped: int = 0
    interrupted: bool = False
    warnings: tuple[Diagnostic, ...] = ()
    problems: tuple[Diagnostic, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether all was done, and everything holds."""
        return not (self.failures or self.skipped or self.interrupted or self.problems)


class Meeting(Enum):
    """What the state to copy meets in the new backend."""

    NOTHING = "nothing"
    THE_SAME = "the same state"
    OLDER = "an older version of it"
    OTHER = "another state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A state to be copied.

    Attributes:
        workspace: Its name.
        objects: How many it holds.
        meets: What is in the new backend.
    """

    workspace: str
    objects: int
    meets: Meeting


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendReady:
    """The backend is set up.

    Attributes:
        place: Where the state is, for people.
        configured: Type of the backend that is another one than before; empty if it is the same.
        copied: The states that were copied.
        warnings: What could not be copied.
    """

    place: str
    configured: str = ""
    copied: tuple[Copy, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Initialized:
    """The outcome of `init`.

    Attributes:
        backend: Where the state is and what was copied there, or None if nobody looked.
        images: Pins by image name.
        new_images: Names of the images whose pin is new.
        new_modules: Packages of modules whose pin is new.
        warnings: Problems that did not stop it.
    """

    backend: BackendReady | None
    images: Mapping[str, PinnedImage]
    new_images: tuple[str, ...] = ()
    new_modules: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The outcome of running one object's task again.

    Attributes:
        address: The object.
        same: Whether the artifact came out equal to the byte and the stored one is intact.
        expected: Digest recorded in the state.
        found: Digest made now, or None if it could not be made.
        differences: Paths in the artifact that differ, or problems.
    """

    address: ResourceAddress
    same: bool
    expected: str
    found: str | None
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile:
    """One log of one attempt at an object, or of a running server."""

    path: Path | None
    text: str
