"""Checking a configuration without state, engine or network."""

from __future__ import annotations

from mlform.diagnostics import ConfigurationError, Diagnostic
from mlform.digests import Digest
from mlform.operations.environment import Environment
from mlform.operations.loading import load
from mlform.plan.changes import Basis
from mlform.plan.planner import Wishes, make_plan
from mlform.resources.base import SourceAnswer, SourceQuery
from mlform.runtimes.base import RuntimeEnvironment, ServerObservation
from mlform.state.snapshot import ResourceRecord, State

_UNSEEN = Digest("sha256:" + "0" * 64)


def validate(environment: Environment) -> tuple[Diagnostic, ...]:
    """Return everything that is wrong in the configuration of the working folder.

    Every expression is resolved as for a first plan, with unknown values for what only apply or
    the caller can tell. Files, engines and state are not looked at.
    """
    try:
        loaded = load(environment, partial=True)
        plan = make_plan(
            loaded.evaluation(environment),
            environment.kinds,
            State(lineage=""),
            _Nothing(),
            Wishes(refresh=False),
            Basis(
                lineage="",
                serial=0,
                state_digest=_UNSEEN,
                config_digest=_UNSEEN,
                lock_digest=_UNSEEN,
            ),
        )
    except ConfigurationError as error:
        return error.diagnostics
    return (*loaded.warnings, *plan.warnings)


class _Nothing:
    """A world that is not looked at: sources exist, nothing was ever made."""

    def source(self, query: SourceQuery) -> SourceAnswer:
        """Return an answer as for a file that is there."""
        return SourceAnswer(folder=query.path, digest=_UNSEEN)

    def environment(self, runtime: str) -> RuntimeEnvironment:
        """Return an environment without content."""
        return RuntimeEnvironment(digest=_UNSEEN, description=runtime)

    def recall(self, recipe: Digest) -> None:  # noqa: ARG002 - nothing is known
        """Return nothing."""
        return

    def has_artifact(self, digest: Digest) -> bool:  # noqa: ARG002 - nothing is there
        """Return that it is not there."""
        return False

    def observe(self, record: ResourceRecord) -> ServerObservation:  # noqa: ARG002 - not looked at
        """Return that nothing is wrong."""
        return ServerObservation()
