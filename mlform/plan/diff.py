"""One object: what it is, what it should be, and so what happens to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlform.dataclass import dataclass, field
from mlform.digests import Digest, Json, LateDocument, short
from mlform.graph.arguments import plain, plain_object
from mlform.graph.attributes import Loaded, computed, unknown_computed
from mlform.graph.desired import DesiredResource
from mlform.lang.construct import has_unknown, marks_deep, object_of
from mlform.lang.encode import from_json, sensitive_paths
from mlform.lang.equality import equal
from mlform.lang.values import Value, string, unknown
from mlform.plan.changes import Action, Cause, Reason
from mlform.plan.differing import differences, path_text, shared_path, summed_up
from mlform.plan.reality import Reality
from mlform.plan.recipes import Ingredients, argument_reasons, gather, recipe_reasons
from mlform.plan.refresh import problems_of
from mlform.resources.base import AnyKind, ArtifactKind, Made, ServerKind, ValueKind
from mlform.state.snapshot import Path, ResourceRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What happens to one object.

    Attributes:
        action: What happens.
        reasons: Why.
        fresh: Attributes afterwards, unknown ones as unknown values.
        recorded: Those that stay as recorded, where `fresh` has none: known, and not marked.
        replace_paths: Arguments that force a replacement.
        conditional: It happens only if an upstream artifact turns out new.
        reused: The result is in the store.
        ingredients: What it is made from, for kinds with a recipe.
    """

    action: Action
    reasons: tuple[Reason, ...] = ()
    fresh: Mapping[str, Value]
    recorded: Mapping[str, Value] = field(default_factory=dict)
    replace_paths: tuple[Path, ...] = ()
    conditional: bool = False
    reused: bool = False
    ingredients: Ingredients | None = None

    @property
    def attributes(self) -> dict[str, Value]:
        """All attributes afterwards; recorded ones are read for it."""
        return {**self.recorded, **self.fresh}


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a decision takes into account besides the desired resource.

    Attributes:
        kind: Of the resource.
        record: The current object, or None.
        runtime: `type.name` of its runtime.
        create_first: Whether a replacement is created before the old object is destroyed.
        configured: The arguments before `ignore_changes` took effect: a new object has these.
        demands: Reasons to make it anew although nothing changed: `-replace`, a trigger.
        observe: Whether to look at reality beyond what the state says.
        upstream: Returns the planned changes that an argument follows from.
    """

    kind: AnyKind
    record: ResourceRecord | None
    runtime: str
    create_first: bool
    configured: Value
    demands: tuple[Reason, ...] = ()
    observe: bool = True
    upstream: Callable[[Path], tuple[str, ...]]


def decide(desired: DesiredResource, circumstances: Circumstances, reality: Reality) -> Decision:
    """Return what happens to an object."""
    kind = circumstances.kind
    if kind.sort == "value":
        return _decide_value(kind, desired, circumstances)
    return _decide_made(kind, desired, circumstances, reality)


def _arguments(desired: DesiredResource) -> dict[str, Value]:
    return _members(desired.arguments)


def _members(value: Value) -> dict[str, Value]:
    return dict(value.payload) if isinstance(value.payload, dict) else {}


def _replacement(circumstances: Circumstances) -> Action:
    if circumstances.create_first:
        return Action.CREATE_THEN_DELETE
    return Action.DELETE_THEN_CREATE


def _demands(circumstances: Circumstances) -> tuple[Reason, ...]:
    record = circumstances.record
    if record is None:
        return circumstances.demands
    found = list(circumstances.demands)
    spec = record.handle.get("spec")
    name = spec.get("name") if isinstance(spec, Mapping) else None
    if name is not None and name != record.address.name:
        message = f"it answers under the name {name}, and is called {record.address.name} now"
        found.append(Reason(cause=Cause.CONFIG, message=message))
    if record.tainted:
        found.insert(0, Reason(cause=Cause.TAINTED, message="it is tainted"))
    return tuple(found)


# Values


def _decide_value(
    kind: ValueKind, desired: DesiredResource, circumstances: Circumstances
) -> Decision:
    """Decide on `mlform_data`, as Terraform's built-in provider decides on `terraform_data`."""
    arguments = _arguments(desired)
    record = circumstances.record
    if record is None:
        reason = Reason(cause=Cause.NEW, message="it does not exist yet")
        fresh = _fresh(kind, arguments)
        return Decision(action=Action.CREATE, reasons=(reason,), fresh=fresh)
    prior = Loaded(kind.schema, record.attributes)
    demands = _demands(circumstances)
    forcing = (
        ()
        if _same(arguments["triggers_replace"], prior["triggers_replace"])
        else ("triggers_replace",)
    )
    if demands or forcing:
        changed = tuple(
            reason
            for name in forcing
            for reason in _changed(name, prior[name], arguments[name], desired, circumstances)
        )
        return Decision(
            action=_replacement(circumstances),
            reasons=(*demands, *changed),
            fresh=_fresh(kind, _members(circumstances.configured)),
            # What is tainted is made anew whatever its arguments are.
            replace_paths=() if record.tainted else tuple((name,) for name in forcing),
        )
    retyped = arguments["input"].type != prior["input"].type  # a null has a type as well
    if retyped or not _same(arguments["input"], prior["input"]):
        return Decision(
            action=Action.UPDATE,
            reasons=_changed("input", prior["input"], arguments["input"], desired, circumstances),
            fresh={**arguments, "output": unknown(arguments["input"].type)},
            recorded=prior,
        )
    if set(sensitive_paths(desired.arguments)) != set(record.sensitive):
        return Decision(
            action=Action.UPDATE,
            reasons=(Reason(cause=Cause.CONFIG, message="what of it is sensitive changed"),),
            fresh=arguments,
            recorded=prior,
        )
    return Decision(action=Action.NO_OP, fresh=arguments, recorded=prior)


def _fresh(kind: ValueKind, arguments: dict[str, Value]) -> dict[str, Value]:
    return {**arguments, "output": _output(arguments["input"]), "id": _unknown_id(kind)}


def _output(given: Value) -> Value:
    return given if given.is_null else unknown(given.type)


def _unknown_id(kind: ValueKind) -> Value:
    return unknown_computed(kind.schema)["id"]


def _same(left: Value, right: Value) -> bool:
    if has_unknown(left):
        return False
    if left.is_null and right.is_null:
        return True
    if equal(left, right):
        return True
    # The state keeps fractions as the nearest float, so both sides are compared as such.
    return left.type == right.type and equal(from_json(plain(left), left.type), right)


def _changed(
    name: str, before: Value, after: Value, desired: DesiredResource, circumstances: Circumstances
) -> tuple[Reason, ...]:
    places: tuple[Path, ...] = ((name,),)
    if not (before.is_sensitive or after.is_sensitive):
        found = differences(plain(before), plain(after), (name,))
        places = summed_up([item.path for item in found]) or places
    sources = {place: circumstances.upstream(place) for place in places}
    upstream = tuple(dict.fromkeys(item for each in sources.values() for item in each))
    edited = [place for place in places if not sources[place]]
    if not edited:
        return argument_reasons(shared_path(places), upstream, "")
    if upstream or not has_unknown(after):
        edit = argument_reasons(edited[0], (), f"{path_text(edited[0])} changed")
        followed = [place for place in places if sources[place]]
        return edit + (argument_reasons(shared_path(followed), upstream, "") if followed else ())
    if desired.dependencies:
        message = f"{name} follows from {', '.join(desired.dependencies)}"
        return (Reason(cause=Cause.UPSTREAM, message=message, path=(name,)),)
    message = f"{name} is known only after apply"
    return (Reason(cause=Cause.CONFIG, message=message, path=(name,)),)


# Artifacts and servers


def _decide_made(
    kind: ArtifactKind | ServerKind,
    desired: DesiredResource,
    circumstances: Circumstances,
    reality: Reality,
) -> Decision:
    ingredients = gather(kind, desired, circumstances.runtime, reality)
    record = circumstances.record
    if record is None:
        reason = Reason(cause=Cause.NEW, message="it does not exist yet")
        return _reused(kind, desired, ingredients, reality, (reason,)) or _made_anew(
            kind, desired, ingredients, Action.CREATE, (reason,)
        )
    demands = _demands(circumstances)
    changed: tuple[Reason, ...] = ()
    if ingredients.digest is None or ingredients.digest != record.recipe_digest:
        hidden = _hidden_arguments(desired, record)
        changed = recipe_reasons(
            record.recipe, ingredients.recipe, desired, hidden, circumstances.upstream
        )
    drift = _drift(kind, record, circumstances, reality)
    reasons = (*demands, *drift, *changed)
    action = _replacement(circumstances) if kind.sort == "server" else Action.REBUILD
    if not reasons:
        return _kept(kind, desired, record, ingredients, circumstances)
    if not changed and kind.sort != "server":
        # The same recipe gives the same artifact, so nothing that follows from it changes.
        prior = Loaded(kind.schema, record.attributes)
        return Decision(
            action=action,
            reasons=reasons,
            fresh=kept_attributes(kind, desired, prior),
            recorded=prior,
            ingredients=ingredients,
        )
    return _reused(kind, desired, ingredients, reality, reasons) or _made_anew(
        kind, desired, ingredients, action, reasons
    )


def _hidden_arguments(desired: DesiredResource, record: ResourceRecord) -> frozenset[str]:
    """Return the names of arguments that hold something sensitive, now or as recorded."""
    now = {name for name, value in _arguments(desired).items() if marks_deep(value)}
    return frozenset({*now, *(str(path[0]) for path in record.sensitive if path)})


def _drift(
    kind: ArtifactKind | ServerKind,
    record: ResourceRecord,
    circumstances: Circumstances,
    reality: Reality,
) -> tuple[Reason, ...]:
    if not circumstances.observe:
        return ()
    return tuple(
        Reason(cause=Cause.DRIFT, message=problem) for problem in problems_of(record, kind, reality)
    )


def _reused(
    kind: ArtifactKind | ServerKind,
    desired: DesiredResource,
    ingredients: Ingredients,
    reality: Reality,
    reasons: tuple[Reason, ...],
) -> Decision | None:
    """Return the decision to take a result from the store, or None where there is none."""
    if kind.sort != "artifact" or ingredients.digest is None:
        return None
    if any(reason.cause in {Cause.REQUESTED, Cause.TAINTED} for reason in reasons):
        return None
    result = reality.recall(ingredients.digest)
    if result is None:
        return None
    new = any(reason.cause is Cause.NEW for reason in reasons)
    return Decision(
        action=Action.CREATE if new else Action.REUSE,
        reasons=reasons,
        fresh=reused_attributes(kind, desired, ingredients, result),
        reused=True,
        ingredients=ingredients,
    )


def _made_anew(
    kind: ArtifactKind | ServerKind,
    desired: DesiredResource,
    ingredients: Ingredients,
    action: Action,
    reasons: tuple[Reason, ...],
) -> Decision:
    attributes = {**_arguments(desired), **unknown_computed(kind.schema)}
    attributes["address"] = string(str(desired.address))
    foreseen = kind.foreseen(desired.document, desired.upstream, ingredients.recipe.sources)
    known = computed(kind.schema, foreseen)
    attributes |= {name: known[name] for name in foreseen}
    # A predecessor that is destroyed first is gone before it is known what upstream comes to.
    upstream_only = action is not Action.DELETE_THEN_CREATE and all(
        reason.cause is Cause.UPSTREAM and ingredients.digest is None for reason in reasons
    )
    return Decision(
        action=action,
        reasons=reasons,
        fresh=attributes,
        replace_paths=_replace_paths(reasons) if action.is_replace else (),
        conditional=upstream_only,
        ingredients=ingredients,
    )


def _replace_paths(reasons: tuple[Reason, ...]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(reason.path for reason in reasons if reason.path))


def _kept(
    kind: ArtifactKind | ServerKind,
    desired: DesiredResource,
    record: ResourceRecord,
    ingredients: Ingredients,
    circumstances: Circumstances,
) -> Decision:
    """Return no-op, or an update in place where arguments changed that nothing runs for."""
    prior = Loaded(kind.schema, record.attributes)
    reasons = tuple(
        reason
        for name, value in desired.document.items()
        for change in differences(prior.document(name), value, (name,))
        for reason in argument_reasons(
            change.path, circumstances.upstream(change.path), f"{path_text(change.path)} changed"
        )
    )
    hidden = set(sensitive_paths(desired.arguments))
    if not reasons and hidden != set(record.sensitive):
        reasons = (Reason(cause=Cause.CONFIG, message="what of it is sensitive changed"),)
    resting = not reasons and record.address == desired.address
    return Decision(
        action=Action.NO_OP if resting else Action.UPDATE,
        reasons=reasons,
        fresh=kept_attributes(kind, desired, prior),
        recorded=prior,
        ingredients=ingredients,
    )


def kept_attributes(
    kind: ArtifactKind | ServerKind, desired: DesiredResource, prior: Mapping[str, Value]
) -> dict[str, Value]:
    """Return what may differ from what is recorded of an object that stays.

    Args:
        kind: Its kind.
        desired: The resource.
        prior: All attributes of the object as recorded.
    """
    attributes = {**_arguments(desired), "address": string(str(desired.address))}
    if kind.sort == "artifact":
        found = LateDocument(lambda: plain_object(object_of(prior)))
        judged = kind.judged(desired.document, found)
        if judged:
            fresh = computed(kind.schema, judged)
            attributes |= {name: fresh[name] for name in judged}
    return attributes


def reused_attributes(
    kind: ArtifactKind,
    desired: DesiredResource,
    ingredients: Ingredients,
    result: Mapping[str, Json],
) -> dict[str, Value]:
    """Return all attributes of an artifact whose result is known.

    Args:
        kind: Its kind.
        desired: The resource.
        ingredients: Its recipe, complete.
        result: `artifact` is its digest, `attributes` what the task answered.
    """
    digest = Digest(str(result["artifact"]))
    answered = result["attributes"]
    made = Made(
        arguments=desired.document,
        inputs={name: item for name, item in ingredients.recipe.inputs.items() if item is not None},
        sources=ingredients.recipe.sources,
        result=answered if isinstance(answered, Mapping) else {},
    )
    found = computed(
        kind.schema,
        {
            "id": short(digest),
            "digest": digest,
            **kind.attributes(made),
            "address": str(desired.address),
        },
    )
    return {**_arguments(desired), **found}
