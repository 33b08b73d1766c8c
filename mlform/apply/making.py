"""One object made: what has to be done, done by the runtime, and the record of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias, TypeVar

from mlform import __version__
from mlform.addresses import parse_address
from mlform.apply.adoption import Purpose, keep_purpose
from mlform.apply.as_planned import PlanOutdatedError
from mlform.apply.attempt_logs import new_log
from mlform.apply.patience import within
from mlform.apply.ports import Ports
from mlform.apply.served import keep_note
from mlform.apply.servers import (
    at_url,
    close_gateway,
    home_for,
    home_of,
    restore_traffic,
    server_paths,
    server_to_json,
)
from mlform.apply.work_folders import work_folder
from mlform.dataclass import dataclass, field, replace
from mlform.digests import Digest, Json, JsonObject
from mlform.errors import MlformError
from mlform.graph.attributes import Loaded, computed, stored
from mlform.graph.desired import DesiredResource
from mlform.lang.construct import object_of
from mlform.lang.encode import sensitive_paths, strip_marks
from mlform.lang.values import Value, string
from mlform.plan.diff import kept_attributes, reused_attributes
from mlform.plan.origins import with_origin
from mlform.plan.recipes import Ingredients, gather
from mlform.resources.base import ArtifactKind, ServerKind, ValueKind
from mlform.runtimes.base import READY_LIMIT, Owner, ServerPaths, TaskPaths, hanging
from mlform.state.snapshot import Provenance, ResourceRecord
from mlform.tasks import (
    ARTIFACT_FOLDER,
    ArtifactInput,
    Requirements,
    Server,
    Task,
    TaskEvent,
    TaskResult,
)

Taken = TypeVar("Taken")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An object that exists now.

    Attributes:
        attributes: All of its attributes as values.
        record: What the state keeps of it.
        reused: The result came from the store.
        unchanged: The object is the one that was there before.
        idle: There was nothing to do after all, so it counts as no change.
    """

    attributes: Mapping[str, Value]
    record: ResourceRecord
    reused: bool = False
    unchanged: bool = False
    idle: bool = False


Progress: TypeAlias = Callable[[TaskEvent], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """One attempt at one object.

    Attributes:
        desired: What it should be.
        prior: The current object, or None.
        step: Identity of the attempt in the world.
        project: Lineage of the state.
        runtime: `type.name` of its runtime, or empty for values.
        create_first: Whether a replacement is created before the old object is destroyed.
        forced: Run even if the result is known.
        expected_recipe: Digest of the recipe that was planned, or None if it was not known.
        expected_sources: Digest of each source that was planned; empty where nothing was.
        granted: What it may use of the machine.
        served: Every object that a server runs for, but its own current one.
        leaving: Those of them that this apply takes away from their URL.
    """

    desired: DesiredResource
    prior: ResourceRecord | None
    step: str
    project: str
    runtime: str
    create_first: bool
    forced: bool
    expected_recipe: Digest | None
    expected_sources: Mapping[str, Digest] = field(default_factory=dict)
    granted: Requirements = field(default_factory=Requirements)
    served: tuple[ResourceRecord, ...] = ()
    leaving: tuple[ResourceRecord, ...] = ()

    @property
    def owner(self) -> Owner:
        """Who containers and processes of this attempt belong to."""
        return Owner(project=self.project, address=str(self.desired.address), step=self.step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A task to run.

    Attributes:
        task: The work.
        runtime: `type.name` of where it runs.
        owner: Who its container or process belongs to.
        purpose: What the artifact is for, so that it is of use even if mlform dies meanwhile.
    """

    task: Task
    runtime: str
    owner: Owner
    purpose: Purpose | None = None


def make_value(kind: ValueKind, making: Making, ports: Ports) -> Made:
    """Return an `mlform_data` object: a new one gets an id, its output is its input."""
    payload = making.desired.arguments.payload
    arguments = dict(payload) if isinstance(payload, dict) else {}
    prior = None if making.forced else making.prior
    identity = ports.new_id() if prior is None else str(prior.attributes["id"])
    # Marks belong to the argument; the output carries the value alone, as in Terraform.
    output, _ = strip_marks(arguments["input"])
    attributes = {**arguments, "output": output, "id": string(identity)}
    record = _record(kind.schema.version, making, ports, stored(kind.schema, attributes))
    record = replace(record, sensitive=_hidden(attributes))
    if prior is None or not _has_same_values(prior, record):
        return Made(attributes=attributes, record=record)
    kept = replace(record, provenance=prior.provenance)
    return Made(attributes=attributes, record=kept, idle=True)


def _has_same_values(one: ResourceRecord, other: ResourceRecord) -> bool:
    return (one.attributes, one.sensitive) == (other.attributes, other.sensitive)


def make_artifact(kind: ArtifactKind, making: Making, ports: Ports, on_progress: Progress) -> Made:
    """Make an artifact, or take it from the store.

    Raises:
        PlanOutdatedError: If its recipe is not the planned one.
        MlformError: If its task cannot be done.
    """
    desired = making.desired
    ingredients = gather(kind, desired, making.runtime, ports.reality)
    digest = _recipe_digest(ingredients, making)
    prior = making.prior
    if prior is not None and _is_as_before(making, ports, digest):
        return _unchanged(kind, making, ports, prior)
    result = None if making.forced else ports.store.recall(digest)
    seconds = 0.0
    if result is None:
        began = ports.monotonic()
        result = run_task(kind, making, ports, ingredients, on_progress)
        told = with_origin(result, kind.schema, desired, ingredients.recipe)
        ports.store.remember(digest, told)
        seconds = ports.monotonic() - began
        reused = False
    else:
        reused = True
        seconds = prior.provenance.duration if prior is not None else 0.0
    attributes = reused_attributes(kind, desired, ingredients, result)
    record = _record(kind.schema.version, making, ports, stored(kind.schema, attributes))
    opened = ports.runtime(making.runtime)
    record = replace(
        record,
        sensitive=_hidden(attributes),
        recipe=ingredients.recipe.to_json(),
        recipe_digest=digest,
        artifact=Digest(str(result["artifact"])),
        handle={"runtime": making.runtime},
        provenance=replace(
            record.provenance,
            runtime=opened.runtime.environment.description,
            image=opened.image,
            duration=round(seconds, 3),
            reused=reused,
        ),
    )
    same = prior is not None and prior.artifact == record.artifact
    return Made(attributes=attributes, record=record, reused=reused, unchanged=same)


def is_settled(kind: ArtifactKind | ServerKind, making: Making, ports: Ports) -> bool:
    """Whether nothing has to run: the object is as it should be, or its result is in the store.

    Raises:
        MlformError: If what it is made from cannot be read.
    """
    digest = gather(kind, making.desired, making.runtime, ports.reality).digest
    if digest is None or making.forced:
        return False
    known = kind.sort == "artifact" and ports.store.recall(digest) is not None
    return known or _is_as_before(making, ports, digest)


def _is_as_before(making: Making, ports: Ports, digest: Digest) -> bool:
    """Whether there is the object already that a recipe gives."""
    prior = making.prior
    if prior is None or making.forced or prior.recipe_digest != digest:
        return False
    return "spec" in prior.handle or (
        prior.artifact is not None and ports.store.has(prior.artifact)
    )


def _recipe_digest(ingredients: Ingredients, making: Making) -> Digest:
    if ingredients.problems:
        raise MlformError("Unreadable source", ingredients.problems[0][1])
    if ingredients.digest is None:
        missing = [name for name, item in ingredients.recipe.inputs.items() if item is None]
        raise MlformError(
            "Unknown input",
            f"What {', '.join(missing) or 'an argument'} refers to has no known result, so there "
            "is nothing to work on. Refer to a resource that is applied before this one.",
        )
    moved = making.expected_sources and dict(making.expected_sources) != dict(
        ingredients.recipe.sources
    )
    if moved or making.expected_recipe not in {None, ingredients.digest}:
        raise PlanOutdatedError(
            "Changed since the plan was made",
            "Its source files, code or environment are not those that the plan was made from. "
            "Nothing was run. Make a new plan and apply that.",
        )
    return ingredients.digest


def _unchanged(
    kind: ArtifactKind | ServerKind, making: Making, ports: Ports, prior: ResourceRecord
) -> Made:
    """Return the object as it is, with arguments that nothing has to run for."""
    desired = making.desired
    recorded = Loaded(kind.schema, prior.attributes)
    attributes = {**recorded, **kept_attributes(kind, desired, recorded)}
    record = _record(kind.schema.version, making, ports, stored(kind.schema, attributes))
    record = replace(
        prior,
        address=desired.address,
        attributes=record.attributes,
        sensitive=_hidden(attributes),
        dependencies=record.dependencies,
        create_before_destroy=making.create_first,
        tainted=False,
    )
    idle = _has_same_values(prior, record)
    return Made(attributes=attributes, record=record, unchanged=True, idle=idle)


def run_task(
    kind: ArtifactKind,
    making: Making,
    ports: Ports,
    ingredients: Ingredients,
    on_progress: Progress,
) -> JsonObject:
    """Run the task of an artifact and store what it made, whether or not it is known already.

    Returns:
        `artifact`, the digest, and `attributes`, what the task answered.

    Raises:
        MlformError: If the task cannot be done.
    """
    arguments = making.desired.document
    inputs = {
        name: digest for name, digest in ingredients.recipe.inputs.items() if digest is not None
    }
    task = kind.task(arguments, inputs, ingredients.sources, making.granted)
    origin = with_origin({}, kind.schema, making.desired, ingredients.recipe)
    limit = task.requirements.timeout
    purpose = Purpose(recipe=ingredients.digest, origin=origin, limit=limit)
    job = Job(task=task, runtime=making.runtime, owner=making.owner, purpose=purpose)
    result, artifact = perform(job, ports, on_progress, ports.store.put)
    return {"artifact": artifact.digest, "attributes": dict(result.attributes)}


def perform(
    job: Job, ports: Ports, on_progress: Progress, take: Callable[[Path], Taken]
) -> tuple[TaskResult, Taken]:
    """Run a task.

    Args:
        job: The task and where it runs.
        ports: The outside world.
        on_progress: Called with what it says of its progress.
        take: Called with the folder of its artifact, which is removed afterwards.

    Returns:
        What the task answered, and what `take` returned.

    Raises:
        MlformError: If the task cannot be done.
    """
    owner = job.owner
    opened = ports.runtime(job.runtime).runtime
    log = new_log(ports.data_folder, parse_address(owner.address), owner.step, ports.now())
    with work_folder(ports.data_folder, owner.step) as work:
        paths = TaskPaths(work=work, inputs=_input_folders(job.task, ports), log=log)
        request = opened.prepare(job.task, paths, owner)
        if job.purpose is not None:
            keep_purpose(work, job.purpose)
        limit = job.task.requirements.timeout
        if limit is not None:
            opened.fetch()  # which may take its time, and is none of the task's
        result = within(
            None if limit is None else limit + ports.patience,
            lambda: opened.run(request, on_progress, ports.stop.now),
            hanging(limit or 0.0),
        )
        return result, take(work / "output" / ARTIFACT_FOLDER)


def _input_folders(task: Task, ports: Ports) -> dict[str, Path]:
    return {
        name: ports.store.get(item.digest) if isinstance(item, ArtifactInput) else Path(item.path)
        for name, item in task.inputs.items()
    }


def make_server(kind: ServerKind, making: Making, ports: Ports, on_progress: Progress) -> Made:
    """Start a server beside any old one and send the traffic to it once it is ready.

    Raises:
        PlanOutdatedError: If its recipe is not the planned one.
        MlformError: If it does not become ready; the old one then still has the traffic.
    """
    desired = making.desired
    ingredients = gather(kind, desired, making.runtime, ports.reality)
    digest = _recipe_digest(ingredients, making)
    prior = making.prior
    if prior is not None and _is_as_before(making, ports, digest):
        return _unchanged(kind, making, ports, prior)
    blockers = kind.blockers(desired.upstream)
    if blockers:
        raise MlformError(blockers[0].summary, blockers[0].detail)
    opened = ports.runtime(making.runtime)
    arguments = desired.document
    model = ingredients.recipe.inputs["model"]
    assert model is not None  # noqa: S101 - the recipe is complete
    server = kind.server(desired.address.name, arguments, model, making.granted)
    before = _before(server, making)
    home = home_for(desired.address, _heir(before, making), making.served)
    serving = "" if prior is None else str(prior.handle.get("step", ""))
    paths = server_paths(ports, server, home, desired.address, making.step, serving=serving)
    began = ports.monotonic()
    on_progress(TaskEvent(message="starting the server"))
    opened.runtime.fetch()
    limit = making.granted.timeout or READY_LIMIT
    handle = within(
        limit + ports.patience,
        lambda: opened.runtime.start_server(server, paths, making.owner, ports.stop.now),
        hanging(limit),
    )
    on_progress(TaskEvent(message="switching traffic"))
    rival = before if before is not None and not _hands_over(before, making, home) else None
    route = _switch(server, paths, making, handle, rival, ports)
    found = computed(
        kind.schema,
        {
            "image": opened.image,
            "id": str(handle.get("instance", making.step)),
            **kind.attributes(server, handle),
            "address": str(desired.address),
        },
    )
    payload = desired.arguments.payload
    attributes = {**(payload if isinstance(payload, dict) else {}), **found}
    record = _record(kind.schema.version, making, ports, stored(kind.schema, attributes))
    record = replace(
        record,
        sensitive=_hidden(attributes),
        recipe=ingredients.recipe.to_json(),
        recipe_digest=digest,
        handle={
            "runtime": making.runtime,
            "step": making.step,
            "server": dict(handle),
            "route": dict(route),
            "spec": server_to_json(server),
            "home": home,
        },
        provenance=replace(
            record.provenance,
            runtime=opened.runtime.environment.description,
            image=opened.image,
            duration=round(ports.monotonic() - began, 3),
        ),
    )
    keep_note(record, ports)
    return Made(attributes=attributes, record=record)


def _before(server: Server, making: Making) -> ResourceRecord | None:
    """Return the object that answers at the URL of a new server: its own, or one that goes."""
    candidates = (making.prior, *making.leaving)
    return next((each for each in candidates if each is not None and at_url(each, server)), None)


def _heir(before: ResourceRecord | None, making: Making) -> ResourceRecord | None:
    """Return the object whose folder a new server takes over."""
    if making.prior is not None:
        return making.prior
    same = before is not None and before.handle.get("runtime") == making.runtime
    return before if same else None


def _hands_over(before: ResourceRecord, making: Making, home: str) -> bool:
    """Whether the gateway of an object is the one that the new server gets its requests from."""
    return before.handle.get("runtime") == making.runtime and home_of(before) == home


def _switch(
    server: Server,
    paths: ServerPaths,
    making: Making,
    handle: Mapping[str, Json],
    rival: ResourceRecord | None,
    ports: Ports,
) -> Mapping[str, Json]:
    """Send the traffic to a started server; if that fails, stop it and leave the old one as it was.

    A gateway of another runtime that holds the same port, the `rival`, has to let go of it first:
    only then is there a moment in which nobody answers.
    """
    runtime = ports.runtime(making.runtime).runtime
    try:
        if rival is not None:
            close_gateway(rival, ports)
        return runtime.switch(server, paths, making.owner, handle)
    except BaseException:
        try:
            runtime.stop_server(handle)
        finally:
            if rival is not None:
                restore_traffic(rival, making.project, ports)
        raise


def _record(version: int, making: Making, ports: Ports, attributes: JsonObject) -> ResourceRecord:
    return ResourceRecord(
        address=making.desired.address,
        schema_version=version,
        attributes=attributes,
        dependencies=making.desired.dependencies,
        create_before_destroy=making.create_first,
        stays=not making.desired.block.lifecycle.destroy,
        provenance=Provenance(
            applied_at=ports.timestamp(), applied_by=ports.who, mlform_version=__version__
        ),
    )


def _hidden(attributes: Mapping[str, Value]) -> tuple[tuple[str | int, ...], ...]:
    return sensitive_paths(object_of(attributes))
