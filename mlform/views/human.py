"""Plans and outcomes as text for people, close to what Terraform prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mlform.lang.encode import from_json
from mlform.lang.json_types import type_from_json
from mlform.plan.changes import Mode, Plan
from mlform.schema import BlockSchema
from mlform.state.snapshot import CURRENT, OutputRecord, ResourceRecord, State
from mlform.views.paper import BLANK, Ink, Line, Piece, duration, line, render, rule
from mlform.views.report import ChangeRows, Report, make_report, state_rows
from mlform.views.rows import SIGN_INKS
from mlform.views.values import (
    SENSITIVE_OUTPUT,
    SENSITIVE_VALUE,
    format_value,
    key_text,
    quoted,
    shortened,
)


def render_plan(
    plan: Plan,
    *,
    schemas: Mapping[str, BlockSchema] | None = None,
    color: bool = False,
    width: int | None = None,
) -> str:
    """Return a plan for people.

    Args:
        plan: The plan.
        schemas: Schema of the body of each kind, to show blocks as blocks.
        color: Whether to use colour.
        width: Columns to wrap at, or None for no wrapping.
    """
    report = make_report(plan, schemas)
    if not report.has_changes:
        return render([*_no_changes(plan.mode), *_drift(report, width)], color=color, width=width)
    content = [*_drift(report, width), *_environments(report.environments)]
    if report.changes:
        content += _actions(report)
    if report.summary:
        content += [_summary(report.summary)]
    if report.outputs:
        content += [*([BLANK] if report.summary else []), line("Changes to Outputs:", Ink.BOLD)]
        content += [row.line() for row in report.outputs]
    if report.outputs and not report.changes:
        content += [BLANK, line(_ONLY_OUTPUTS)]
    if report.expectation:
        content += [BLANK, line(report.expectation, hang=2)]
    return render(content, color=color, width=width)


_ONLY_OUTPUTS: Final = (
    "You can apply this plan to save these new output values to the state; nothing else changes "
    "and nothing runs."
)


def _no_changes(mode: Mode) -> list[Line]:
    if mode is Mode.DESTROY:
        first, second = " No objects need to be destroyed.", _NOTHING_TO_DESTROY
    elif mode is Mode.REFRESH_ONLY:
        first, second = " Everything is still as the last apply left it.", _NOTHING_TO_NOTE
    else:
        first, second = " Your models match the configuration.", _NOTHING_TO_DO
    return [Line((Piece("No changes.", Ink.GOOD), Piece(first, Ink.BOLD))), BLANK, line(second)]


_NOTHING_TO_DO: Final = (
    "mlform compared your data, models and endpoints with the configuration and found no "
    "differences, so nothing needs to run."
)
_NOTHING_TO_DESTROY: Final = (
    "There is nothing left to destroy: nothing was applied yet, or everything is gone already."
)
_NOTHING_TO_NOTE: Final = (
    "mlform looked at every server and for every artifact in the state, and found no differences."
)


def _drift(report: Report, width: int | None) -> list[Line]:
    if not report.drift:
        return []
    content = [
        Line(
            (Piece("Note:", Ink.NOTICE), Piece(" Objects have changed outside of mlform", Ink.BOLD))
        ),
        BLANK,
        line("mlform found that these objects are no longer as the last apply left them:"),
        BLANK,
    ]
    for item in report.drift:
        name, verb = item.headline
        content.append(Line((Piece(f"  # {name}", Ink.BOLD), Piece(f" {verb}"))))
        content += [
            Line((Piece("  "), Piece("~", Ink.CHANGE), Piece(f" {problem}")), hang=4)
            for problem in item.problems
        ]
        content += [row.line() for row in item.rows]
        content.append(BLANK)
    if report.mode is Mode.REFRESH_ONLY:
        content += [line(_ONLY_NOTED), BLANK]
    return [*content, rule(width), BLANK] if report.has_more else content[:-1]


_ONLY_NOTED: Final = (
    "This is a refresh-only plan, so mlform does nothing about it. If you expected these changes, "
    "apply the plan to record them in the state: nothing is made, changed or destroyed."
)


def _environments(environments: Sequence[str]) -> list[Line]:
    if not environments:
        return []
    if len(environments) == 1:
        return [line(f"Tasks run on {environments[0]}", hang=2), BLANK]
    return [
        line("Tasks run on these runtimes:"),
        *(line(f"  {environment}", hang=4) for environment in environments),
        BLANK,
    ]


def _actions(report: Report) -> list[Line]:
    content = []
    if report.legend:
        content += [
            line("Resource actions are indicated with the following symbols:"),
            *(
                Line((Piece(sign.rjust(3), SIGN_INKS[sign]), Piece(f" {meaning}")))
                for sign, meaning in report.legend
            ),
            BLANK,
        ]
    content += [line("mlform will perform the following actions:"), BLANK]
    for change in report.changes:
        content += [*_change(change), BLANK]
    return content


def _change(change: ChangeRows) -> list[Line]:
    return [
        Line((Piece("  # ", Ink.BOLD), *change.headline), hang=4),
        *(line(f"  # {note}", Ink.FAINT, hang=6) for note in change.notes),
        *(row.line() for row in change.rows),
    ]


def _summary(text: str) -> Line:
    head, _, rest = text.partition(" ")
    return Line((Piece(head, Ink.BOLD), Piece(f" {rest}")))


def render_saved(path: str, *, color: bool = False, width: int | None = None) -> str:
    """Return what to say after a plan: where it was saved, or (empty path) that it was not."""
    begin = [BLANK, rule(width), BLANK]
    if not path:
        return render([*begin, line(_NOT_SAVED)], color=color, width=width)
    content = [
        *begin,
        line(f"Saved the plan to: {path}"),
        BLANK,
        line("To perform exactly these actions, run the following command to apply:"),
        line(f"    mlform apply {quoted(path)}"),
    ]
    return render(content, color=color, width=width)


_NOT_SAVED: Final = (
    "Note: You didn't use the -out option to save this plan, so mlform can't guarantee to take "
    'exactly these actions if you run "mlform apply" now.'
)


def render_generated(path: str, *, color: bool = False, width: int | None = None) -> str:
    """Return what to say of a file of generated configuration."""
    text = (
        f"mlform has generated configuration and written it to {path}. Please review the "
        "configuration and edit it as necessary before adding it to version control."
    )
    return render([BLANK, rule(width), BLANK, line(text)], color=color, width=width)


def render_counts(
    counts: tuple[int, int, int],
    *,
    mode: Mode,
    whole: bool,
    imported: int = 0,
    color: bool = False,
    width: int | None = None,
) -> str:
    """Return Terraform's last sentence of an apply.

    Args:
        counts: Objects added, changed and destroyed.
        mode: Of the plan that was applied.
        whole: Whether all of it was done.
        imported: Objects imported; not mentioned where there are none.
        color: Whether to use colour.
        width: Columns to wrap at, or None for no wrapping.
    """
    added, changed, destroyed = counts
    verb = "Destroy" if mode is Mode.DESTROY else "Apply"
    figures = f"{added} added, {changed} changed, {destroyed} destroyed."
    if imported:
        figures = f"{imported} imported, {figures}"
    if mode is Mode.DESTROY:
        figures = f"{destroyed} destroyed."
    if whole:
        text = line(f"{verb} complete! Resources: {figures}", Ink.GOOD)
    else:
        text = line(
            f"{verb} incomplete. Resources: {figures} What finished is recorded.", Ink.ALARM
        )
    return render([BLANK, text], color=color, width=width)


def render_outputs(outputs: Mapping[str, OutputRecord], *, hidden: str = SENSITIVE_OUTPUT) -> str:
    """Return root outputs as `name = value`.

    Args:
        outputs: By name.
        hidden: What stands for a sensitive one.
    """
    return "".join(
        f"{key_text(name)} = {hidden if record.sensitive else output_text(record)}\n"
        for name, record in sorted(outputs.items())
    )


def output_text(record: OutputRecord) -> str:
    """Return the value of an output as HCL, even if it is sensitive."""
    return format_value(from_json(record.value, type_from_json(record.type)))


def render_state(
    state: State,
    *,
    schemas: Mapping[str, BlockSchema] | None = None,
    color: bool = False,
    width: int | None = None,
) -> str:
    """Return a state for people: every object with its attributes, then the outputs."""
    known = schemas or {}
    content: list[Line] = []
    for record in state.records:
        content += [*_record(record, "", known.get(record.address.kind)), BLANK]
    for key, record in state.deposed:
        content += [*_record(record, key, known.get(record.address.kind)), BLANK]
    if state.outputs:
        outputs = (
            render_outputs(state.outputs, hidden=SENSITIVE_VALUE).removesuffix("\n").split("\n")
        )
        content += [BLANK, line("Outputs:", Ink.GOOD), BLANK, *(line(item) for item in outputs)]
    if not content:
        content = [line("The state is empty. No resources are represented.")]
    while content and content[-1] is BLANK:
        content.pop()
    return render(content, color=color, width=width)


def render_record(
    record: ResourceRecord,
    *,
    deposed: str = CURRENT,
    schema: BlockSchema | None = None,
    color: bool = False,
    width: int | None = None,
) -> str:
    """Return one object of the state for people; `deposed` is its key if it is a deposed one."""
    return render(_record(record, deposed, schema), color=color, width=width)


def _record(record: ResourceRecord, deposed: str, schema: BlockSchema | None) -> list[Line]:
    address = record.address
    tail = f" (deposed object {deposed})" if deposed else ""
    tail += " (tainted)" if record.tainted else ""
    made = record.provenance
    notes = [f"# applied {made.applied_at} by {made.applied_by} with mlform {made.mlform_version}"]
    if made.runtime:
        took = "from cache" if made.reused else f"in {duration(made.duration)}"
        notes.append(f"# made {took} on {made.runtime}")
    if made.image:
        notes.append(f"# in image {shortened(made.image)}")
    rows = state_rows(record, schema)
    return [
        line(f"# {address}{tail}:", Ink.BOLD),
        *(line(note, Ink.FAINT, hang=4) for note in notes),
        line(f"resource {quoted(address.kind)} {quoted(address.name)} {{"),
        *(row.line() for row in rows),
        line("}"),
    ]
