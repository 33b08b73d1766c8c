"""Asking for approval, carrying a plan out, and saying how it went."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlform.cli.failures import INCOMPLETE, INTERRUPTED, Declined
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostic
from mlform.errors import UsageError
from mlform.plan.changes import Mode, Plan

if TYPE_CHECKING:
    from mlform.apply.events import StepFailed
    from mlform.cli.session import Session
    from mlform.cli.watching import Watch
    from mlform.operations.environment import Environment
    from mlform.operations.results import Applied, Planned

_QUESTIONS = {
    Mode.NORMAL: (
        "Do you want to perform these actions{where}?",
        (
            "  mlform will perform the actions described above.\n"
            "  Only 'yes' will be accepted to approve."
        ),
    ),
    Mode.DESTROY: (
        "Do you really want to destroy all resources{where}?",
        (
            "  mlform will destroy everything shown above. Artifacts stay in the store.\n"
            "  There is no undo. Only 'yes' will be accepted to confirm."
        ),
    ),
    Mode.REFRESH_ONLY: (
        "Would you like to update the mlform state{where} to reflect these detected changes?",
        (
            "  mlform will write these changes to the state. Servers and artifacts stay as they\n"
            "  are. There is no undo. Only 'yes' will be accepted to confirm."
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Work:
    """A plan, what to carry it out with, who watches, and how long to wait for the lock.

    A saved plan to destroy is applied like any other: the outcome is told as that of an apply.
    """

    environment: Environment
    planned: Planned
    watch: Watch
    lock_timeout: float | None
    saved: bool = False

    @property
    def told_as(self) -> Mode:
        """In which words the outcome is told."""
        return Mode.NORMAL if self.saved else self.planned.plan.mode


def settle(session: Session, plan: Plan, *, approved: bool) -> None:
    """Ask about a plan that was shown, unless it is approved already or does nothing.

    Raises:
        UsageError: If nobody can be asked.
        Declined: If the answer is anything but yes.
    """
    if plan.has_changes and not approved:
        approve(session, plan.mode)
    elif plan.has_changes and session.messages is None:
        session.out.write("\n")


def approve(session: Session, mode: Mode) -> None:
    """Ask whether to go on.

    Raises:
        UsageError: If nobody can be asked.
        Declined: If the answer is anything but yes.
    """
    if session.messages is not None or not session.asks:
        detail = (
            "Nobody can be asked for approval here. Run it on a terminal, give -auto-approve, or "
            "save a plan with plan -out and apply that."
        )
        raise UsageError("Approval is needed", detail)
    from mlform.cli.asking import ask
    from mlform.views.paper import BLANK, Ink, line, lines

    where = "" if session.workspace == "default" else f' in workspace "{session.workspace}"'
    question, explanation = _QUESTIONS.get(mode, _QUESTIONS[Mode.NORMAL])
    question = question.format(where=where)
    answer = ask(session, [BLANK, line(question, Ink.BOLD), *lines(explanation)])
    if answer != "yes":
        verb = {Mode.DESTROY: "Destroy", Mode.REFRESH_ONLY: "Refresh"}.get(mode, "Apply")
        raise Declined(f"{verb} cancelled", "The answer was not 'yes', so nothing was done.")


def carry_out(session: Session, work: Work) -> int:
    """Apply a plan and say how it went; return the exit status."""
    from mlform.operations.apply import apply_plan

    with work.watch:
        applied = apply_plan(
            work.environment, work.planned, work.watch.stop, lock_timeout=work.lock_timeout
        )
    session.report(applied.warnings)
    failures = [problem_of(each, session.folder) for each in applied.failures]
    session.report([*failures, *applied.problems])
    _say_outcome(session, applied, work)
    if applied.interrupted:
        return INTERRUPTED
    return 0 if applied.is_whole else INCOMPLETE


def problem_of(failure: StepFailed, folder: Path) -> Diagnostic:
    """Return what went wrong with a step as a problem; `folder` is the working folder."""
    log = Path(failure.log)
    shown = log.relative_to(folder) if log.is_relative_to(folder) else log
    hint = (
        f'\n\nIts log: {shown}\nRun "mlform logs {failure.address}" to see all of it.'
        if failure.log
        else ""
    )
    return Diagnostic(
        summary=failure.summary,
        detail=failure.detail + hint,
        log_tail=failure.tail,
        address=str(failure.address),
        range=failure.range,
    )


def _say_outcome(session: Session, applied: Applied, work: Work) -> None:
    mode, imported = work.told_as, len(work.planned.plan.imports)
    counts = (applied.added, applied.changed, applied.destroyed)
    whole = applied.is_whole
    if session.messages is not None:
        from mlform.views.machine import message_totals

        if whole:
            session.messages.summary(message_totals(counts, mode, imported=imported))
        if whole and mode is not Mode.DESTROY:
            session.messages.outputs(applied.outputs)
        return
    from mlform.views.human import render_counts, render_outputs
    from mlform.views.paper import BLANK, Ink, line, render

    out = session.out
    text = render_counts(
        counts, mode=mode, whole=whole, imported=imported, color=out.color, width=out.width
    )
    out.write(text)
    if whole and applied.outputs:
        head = [BLANK, line("Outputs:", Ink.GOOD), BLANK]
        session.out.write(render(head, color=session.out.color, width=None))
        session.out.write(render_outputs(applied.outputs))
