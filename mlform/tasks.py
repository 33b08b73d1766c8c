"""The contract with the code that runs inside images: what a task is and what it answers.

A resource kind makes a `Task` or a `Server`; a runtime turns it into the exact request of its
engine; the worker (`python -m mlform.worker DOCUMENT`) reads a `TaskDocument` as JSON, does the
work and leaves its answer beside the output. This module is imported on both sides, so it imports
nothing but `mlform.digests`.

Files of one task, as the worker sees them:

* the document: `task.json`, read-only, the JSON of `TaskDocument`;
* each input: a folder, read-only, at the path the document names;
* the output folder: the worker writes `artifact/` (the files of the artifact) and, last,
  `result.json` (the JSON of `TaskResult`, or of `TaskProblem` under `"problem"`).

Progress goes to standard output, one `TaskEvent` as JSON a line; everything that people may want
to read (prints of user code, tracebacks) goes to standard error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from mlform.dataclass import dataclass, field
from mlform.digests import Digest, Json, JsonObject

TASK_FORMAT: Final = 1
"""Version of the documents below; a worker refuses another one."""

DOCUMENT_NAME: Final = "task.json"
RESULT_NAME: Final = "result.json"
ARTIFACT_FOLDER: Final = "artifact"
NO_ROOM: Final = 74
"""Exit status of a task that could not write its result, as sysexits.h has it for such errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What a task or server needs of a machine.

    Attributes:
        cpus: Cores; threads of the task are limited to the next whole number.
        memory: Bytes, or None for no limit.
        gpus: Whole devices.
        timeout: Seconds after which the task is stopped, or None.
        devices: Which GPUs it was given, as their driver names them; as many as `gpus`, or none
            where it may take any.
    """

    cpus: float = 1.0
    memory: int | None = None
    gpus: int = 0
    timeout: float | None = None
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactInput:
    """An artifact of the store, as a read-only folder."""

    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderInput:
    """A folder of the host, as a read-only folder. Its content is pinned by the recipe.

    Attributes:
        path: Absolute path on the host.
    """

    path: str


TaskInput: TypeAlias = ArtifactInput | FolderInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One piece of work, wherever it runs.

    Attributes:
        kind: Which work: `dataset`, `split`, `model` or `evaluation`.
        arguments: The kind's arguments, as the worker's module of that name documents them.
        inputs: Folders the work reads, by name.
        requirements: Limits.
        network: Whether the work may reach the network.
    """

    kind: str
    arguments: JsonObject
    inputs: Mapping[str, TaskInput] = field(default_factory=dict)
    requirements: Requirements = field(default_factory=Requirements)
    network: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A model to serve.

    Attributes:
        name: The name of the endpoint, also the model name of the Open Inference Protocol.
        model: Digest of the model artifact.
        host: Address the URL listens on, such as `127.0.0.1`.
        port: Port the URL listens on.
        environment: Variables for the server's process.
        requirements: Limits; `timeout` bounds the wait until it is ready.
        options: The server's options, as `mlform.serving` documents them.
    """

    name: str
    model: Digest
    host: str
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    requirements: Requirements = field(default_factory=Requirements)
    options: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedImage:
    """An image that cannot change.

    Attributes:
        name: As the configuration names it, for people.
        reference: `name@sha256:…` of a registry, or `sha256:…`, the id of a local image.
    """

    name: str
    reference: str

    def __post_init__(self) -> None:
        if "sha256:" not in self.reference:
            message = f"image {self.name} is not pinned: {self.reference} names no digest"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDocument:
    """What the worker reads: a task with paths as the worker sees them.

    Attributes:
        kind: As in `Task`.
        arguments: As in `Task`.
        inputs: Absolute folder of each input.
        output: Absolute folder to write to.
        threads: How many threads the work may use.
    """

    kind: str
    arguments: JsonObject
    inputs: Mapping[str, str]
    output: str
    threads: int

    def to_json(self) -> JsonObject:
        """Return the document as JSON."""
        return {
            "format": TASK_FORMAT,
            "kind": self.kind,
            "arguments": self.arguments,
            "inputs": dict(self.inputs),
            "output": self.output,
            "threads": self.threads,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> TaskDocument:
        """Read the document.

        Raises:
            ValueError: If it has another format or lacks a field.
        """
        if document.get("format") != TASK_FORMAT:
            message = (
                f"the task document has format {document.get('format')!r}, this worker reads "
                f"format {TASK_FORMAT}: use a runtime image built by the same mlform"
            )
            raise ValueError(message)
        kind, arguments = document.get("kind"), document.get("arguments")
        inputs, output = document.get("inputs"), document.get("output")
        threads = document.get("threads")
        if not (
            isinstance(kind, str)
            and isinstance(arguments, dict)
            and isinstance(inputs, dict)
            and isinstance(output, str)
            and isinstance(threads, int)
        ):
            message = "the task document is incomplete"
            raise ValueError(message)  # noqa: TRY004 - one error for every broken document
        return cls(kind=kind, arguments=arguments, inputs=inputs, output=output, threads=threads)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEvent:
    """Progress of a task.

    Attributes:
        message: What is going on, such as `boosting` or `reading titanic.csv`.
        done: Units finished, or None where there is no count.
        total: Units in all, or None where it is not known.
        detail: The newest figure, such as `eval-logloss 0.31`, or an empty string.
        lasting: Whether it is to be told also where nobody watches the progress.
    """

    message: str
    done: int | None = None
    total: int | None = None
    detail: str = ""
    lasting: bool = False

    def to_json(self) -> JsonObject:
        """Return the event as JSON."""
        return {
            "message": self.message,
            "done": self.done,
            "total": self.total,
            "detail": self.detail,
            **({"lasting": True} if self.lasting else {}),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> TaskEvent:
        """Read an event; fields of another type count as absent."""
        done, total = document.get("done"), document.get("total")
        return cls(
            message=str(document.get("message", "")),
            done=done if isinstance(done, int) else None,
            total=total if isinstance(total, int) else None,
            detail=str(document.get("detail", "")),
            lasting=document.get("lasting") is True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProblem:
    """Why a task could not be done: a mistake in data, arguments or user code.

    Attributes:
        summary: A fixed sentence, such as `Unknown column`.
        detail: What is wrong, where, and how to fix it.
        argument: The argument at fault, as a path such as `schema.columns[0]`, or empty.
    """

    summary: str
    detail: str
    argument: str = ""

    def to_json(self) -> JsonObject:
        """Return the problem as JSON."""
        return {"summary": self.summary, "detail": self.detail, "argument": self.argument}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What a finished task says of its artifact.

    Attributes:
        attributes: The computed attributes of the kind: the same inputs give the same ones, so
            durations and times are not among them.
    """

    attributes: Mapping[str, Json]

    def to_json(self) -> JsonObject:
        """Return the result as JSON."""
        return {"attributes": dict(self.attributes)}
