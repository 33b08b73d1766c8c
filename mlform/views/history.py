"""What happened to objects, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable

from mlform.addresses import ResourceAddress
from mlform.digests import Json, JsonObject
from mlform.state.codec import provenance_to_json
from mlform.state.history import Done, Happening
from mlform.state.snapshot import CURRENT
from mlform.views.paper import BLANK, Ink, Line, Piece, duration, line, render
from mlform.views.values import shortened

FORMAT = "1.0"
_INKS = {
    Done.CREATED: Ink.ADD,
    Done.REPLACED: Ink.CHANGE,
    Done.CHANGED: Ink.CHANGE,
    Done.DESTROYED: Ink.REMOVE,
    Done.FORGOTTEN: Ink.REMOVE,
}
_MADE = {Done.CREATED, Done.REPLACED, Done.CHANGED, Done.IMPORTED}
"""What has an outcome to tell of."""
_WIDEST = max(len(done.value) for done in Done)


def render_history(
    happened: Iterable[Happening], *, color: bool = False, width: int | None = None
) -> str:
    """Return what happened for people: for each address, the oldest first."""
    by_address: dict[ResourceAddress, list[Happening]] = {}
    for each in happened:
        by_address.setdefault(each.address, []).append(each)
    content: list[Line] = []
    for address in sorted(by_address):
        content += [line(str(address), Ink.BOLD)]
        for each in sorted(by_address[address], key=lambda item: item.at):
            content += _lines(each)
        content.append(BLANK)
    return render(content[:-1], color=color, width=width) if content else ""


def _lines(happening: Happening) -> list[Line]:
    at = happening.at.replace("T", " ") or "at an unknown time"
    done = Piece(happening.done.value.ljust(_WIDEST), _INKS.get(happening.done, Ink.PLAIN))
    head = (Piece(f"  {at}  "), done, Piece(f"  {_told(happening)}"))
    return [
        Line(head, hang=6),
        *(line(f"      {note}", Ink.FAINT, hang=8) for note in _notes(happening)),
    ]


def _told(happening: Happening) -> str:
    run = happening.run
    words = [f"by {run.operation}" if run.operation else "by an unknown command"]
    if run.who:
        words.append(f"of {run.who}")
    if run.version:
        words.append(f"with mlform {run.version}")
    text = " ".join(words)
    if happening.died:
        text += ", which died"
    if happening.deposed != CURRENT:
        text += f" (deposed object {happening.deposed})"
    if happening.source is not None:
        text += f" (was {happening.source})"
    return text + (" (tainted)" if happening.tainted else "")


def _notes(happening: Happening) -> list[str]:
    if happening.done not in _MADE:
        return []
    made, notes = happening.provenance, []
    if made.runtime:
        took = "from cache" if made.reused else f"in {duration(made.duration)}"
        notes.append(f"made {took} on {made.runtime}")
    digests = {"recipe": happening.recipe_digest, "artifact": happening.artifact}
    told = [f"{name} {shortened(digest)}" for name, digest in digests.items() if digest]
    if told:
        notes.append(", ".join(told))
    served = happening.served
    names = {"url": "", "container": "container ", "model_digest": "model "}
    told = [f"{names[name]}{shortened(text)}" for name, text in served.items()]
    if told:
        notes.append(", ".join(told))
    if made.image:
        notes.append(f"image {shortened(made.image)}")
    return notes


def history_document(happened: Iterable[Happening]) -> JsonObject:
    """Return what happened for programs, in the order of the runs."""
    return {"format_version": FORMAT, "history": [_document(each) for each in happened]}


def _document(happening: Happening) -> JsonObject:
    run = happening.run
    document: dict[str, Json] = {
        "at": happening.at,
        "done": happening.done.value,
        "address": str(happening.address),
        "serial": happening.serial,
        "run": {
            "id": run.id,
            "operation": run.operation,
            "who": run.who,
            "started": run.started,
            "mlform_version": run.version,
            "died": happening.died,
        },
        "provenance": provenance_to_json(happening.provenance),
    }
    optional: dict[str, Json] = {
        "deposed": happening.deposed,
        "previous_address": "" if happening.source is None else str(happening.source),
        "tainted": happening.tainted,
        "recipe_digest": happening.recipe_digest,
        "artifact": happening.artifact,
        "served": dict(happening.served),
    }
    return {**document, **{name: value for name, value in optional.items() if value}}
