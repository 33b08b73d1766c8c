"""Failures of the world, as one tree. Adapters translate foreign exceptions into it.

::

    MlformError
    ├── BackendError
    │   ├── StateLocked
    │   ├── LockLost
    │   ├── StateConflict
    │   └── StateCorrupt
    ├── EncryptionError
    │   └── SealBroken
    ├── StoreError
    │   ├── ObjectMissing
    │   └── ObjectCorrupt
    ├── RuntimeFailure
    │   ├── EngineUnavailable
    │   ├── EngineFailed
    │   ├── ImageMissing
    │   ├── ImageUnusable
    │   ├── WorkerLost
    │   ├── TaskFailed
    │   │   └── WorkerKilled
    │   ├── TaskTimedOut
    │   ├── TaskCancelled
    │   ├── OutOfMemory
    │   └── ServerFailed
    │       └── PortTaken
    ├── ModuleError
    │   ├── ModuleUnavailable
    │   ├── ModuleChanged
    │   └── ModuleRefused
    ├── PlanError
    │   └── PlanStale
    ├── UsageError
    └── WaitEnded

What is wrong in a configuration is not an exception of this tree but a `Diagnostic`.

A class whose `transient` is true stands for accidents: the same may well succeed a moment later,
so apply tries it again. What follows from data, code, limits or configuration is never transient.
"""

from __future__ import annotations

from typing import ClassVar


class MlformError(Exception):
    """Something outside the configuration went wrong.

    Attributes:
        summary: What failed, in one sentence.
        detail: Why, and what to do about it.
        address: The resource it happened to, where that is known.
        transient: Whether the same may well succeed a moment later.
    """

    transient: ClassVar[bool] = False

    def __init__(self, summary: str, detail: str = "", *, address: str | None = None) -> None:
        super().__init__(f"{summary}: {detail}" if detail else summary)
        self.summary = summary
        self.detail = detail
        self.address = address


class BackendError(MlformError):
    """The state cannot be read or written."""


class StateLocked(BackendError):
    """Another run holds the lock of the state."""


class LockLost(BackendError):
    """The lock of this run was taken from it while it worked."""


class StateConflict(BackendError):
    """The state is not the one that was read: another run wrote it."""


class StateCorrupt(BackendError):
    """The stored state cannot be understood; it was left as it is."""


class EncryptionError(MlformError):
    """No key opens what is encrypted, or it is not encrypted though it has to be."""


class SealBroken(EncryptionError):
    """What is encrypted is not as it was written, or stands in a place where it does not belong."""


class StoreError(MlformError):
    """The artifact store cannot be read or written."""


class ObjectMissing(StoreError):
    """An artifact, or a file of one, is not in the store."""


class ObjectCorrupt(StoreError):
    """A stored file no longer has the content that its digest names."""


class RuntimeFailure(MlformError):
    """A task or server could not be run."""


class EngineUnavailable(RuntimeFailure):
    """The container engine cannot be reached."""

    transient = True


class EngineFailed(RuntimeFailure):
    """The container engine failed at something that it may do the next time."""

    transient = True


class ImageMissing(RuntimeFailure):
    """A pinned image is not to be had."""


class ImageUnusable(RuntimeFailure):
    """An image lacks what the worker needs, or has another version of it."""


class WorkerLost(RuntimeFailure):
    """The process that starts workers ended or hangs."""

    transient = True


class TaskFailed(RuntimeFailure):
    """A task ended with a problem.

    Attributes:
        argument: The argument at fault, or empty.
        log_tail: The last lines the task printed.
    """

    def __init__(
        self, summary: str, detail: str = "", *, argument: str = "", log_tail: str = ""
    ) -> None:
        super().__init__(summary, detail)
        self.argument = argument
        self.log_tail = log_tail


class WorkerKilled(TaskFailed):
    """A signal ended the process of a task before it had a result, and not for memory."""

    transient = True


class TaskTimedOut(RuntimeFailure):
    """A task ran past its time limit and was stopped."""


class TaskCancelled(RuntimeFailure):
    """A task was stopped because the run was interrupted."""


class OutOfMemory(RuntimeFailure):
    """A task needed more memory than it was given."""


class ServerFailed(RuntimeFailure):
    """A server did not become ready, or failed its self-test.

    Attributes:
        log_tail: The last lines the server printed.
    """

    def __init__(self, summary: str, detail: str = "", *, log_tail: str = "") -> None:
        super().__init__(summary, detail)
        self.log_tail = log_tail


class PortTaken(ServerFailed):
    """Somebody else listens where an endpoint's URL is to be."""

    transient = True


class ModuleError(MlformError):
    """A module cannot be installed."""


class ModuleUnavailable(ModuleError):
    """What a source names cannot be fetched."""


class ModuleChanged(ModuleError):
    """A source no longer gives what the lock file or its checksum says."""


class ModuleRefused(ModuleError):
    """What was fetched is damaged, too large or would write where it must not."""


class PlanError(MlformError):
    """A saved plan cannot be used."""


class PlanStale(PlanError):
    """A saved plan was made from a state or configuration that has moved since."""


class UsageError(MlformError):
    """The command line asks for something that cannot be done."""


class WaitEnded(MlformError):
    """Somebody interrupted the wait for the lock of the state; nothing was done."""
