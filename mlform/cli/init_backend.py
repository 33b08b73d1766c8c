"""What `mlform init` takes, asks and says about the backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlform.cli.session import lock_wait
from mlform.cli.telling import tell
from mlform.config.variable_sources import OptionFile, OptionValue
from mlform.errors import UsageError
from mlform.views.paper import BLANK, Ink, line, lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlform.cli.arguments import InitArguments
    from mlform.cli.session import Session
    from mlform.operations.init_backend import BackendOptions, Question
    from mlform.operations.results import BackendReady, Copy
    from mlform.views.paper import Line


def backend_options(arguments: InitArguments, session: Session) -> BackendOptions:
    """Return how the backend is set up.

    Raises:
        UsageError: If flags contradict each other, or a value is none.
    """
    from mlform.operations.init_backend import BackendOptions, Change

    migrates = arguments.migrate_state or arguments.force_copy
    if migrates and arguments.reconfigure:
        raise UsageError(
            "Invalid init options",
            "The -migrate-state and -reconfigure options are mutually-exclusive.",
        )
    change = Change.MIGRATE if migrates else Change.REFUSE
    old_secrets = {}
    for text in arguments.old_backend_config:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError("Invalid init options", f'"{text}" is not KEY=VALUE.')
        old_secrets[name] = value

    def confirm(question: Question) -> bool:
        return arguments.force_copy or _confirmed(session, question)

    return BackendOptions(
        change=Change.RECONFIGURE if arguments.reconfigure else change,
        old_secrets=old_secrets,
        lock_timeout=lock_wait(arguments.lock_timeout, lock=arguments.lock),
        confirm=confirm,
    )


def backend_config(
    arguments: InitArguments, session: Session
) -> Sequence[OptionValue | OptionFile] | None:
    """Return the values of `-backend-config` in the order given; None where there are none."""
    if not arguments.backend_config:
        return None
    return [
        OptionValue(text=text) if "=" in text else OptionFile(path=session.path(text), shown=text)
        for text in arguments.backend_config
    ]


def tell_backend(session: Session, ready: BackendReady) -> None:
    """Say where the state is, and what was copied there."""
    content = [
        line(f'  Copied the state of the workspace "{copy.workspace}".') for copy in ready.copied
    ]
    if ready.configured:
        content += [
            line(
                f'Successfully configured the backend "{ready.configured}"! mlform will '
                "automatically use this backend unless the backend configuration changes.",
                Ink.GOOD,
            )
        ]
    code = "initializing_backend_message"
    tell(session, [line("Initializing the backend...")], code=code)
    tell(session, [*content, line(f"  The state is kept in {ready.place}."), BLANK])


def _confirmed(session: Session, question: Question) -> bool:
    if not session.asks or session.messages is not None:
        raise UsageError(
            "Confirmation is needed",
            "States are to be copied to the new backend, and nobody can be asked here. Run it on a "
            "terminal, or give -force-copy.",
        )
    from mlform.cli.asking import ask
    from mlform.cli.failures import Declined

    answer = ask(session, _question(question))
    if answer not in {"yes", "no"}:
        raise Declined(
            "Copying cancelled", "The answer was neither 'yes' nor 'no', so nothing was done."
        )
    return answer == "yes"


def _question(question: Question) -> list[Line]:
    from mlform.operations.results import Meeting

    conflicts = [copy for copy in question.copies if copy.meets is not Meeting.NOTHING]
    content = [
        line("Do you want to copy existing state to the new backend?", Ink.BOLD),
        *lines(
            "  Pre-existing state was found while migrating the previous "
            f'"{question.source}" backend to the\n'
            f'  newly configured "{question.target}" backend:'
        ),
        *(line(f"  - {_told(copy)}", hang=6) for copy in question.copies),
    ]
    if conflicts:
        content += lines(
            '  Enter "yes" to overwrite what is in the new backend, and "no" to use what is there.'
        )
    else:
        content += lines('  Enter "yes" to copy and "no" to start with an empty state.')
    return content


def _told(copy: Copy) -> str:
    from mlform.operations.results import Meeting

    objects = "1 object" if copy.objects == 1 else f"{copy.objects} objects"
    there = "" if copy.meets is Meeting.NOTHING else f"; there is {copy.meets.value} already"
    return f'the workspace "{copy.workspace}" with {objects}{there}'
