"""A plan as Markdown is well-formed and short, whatever people wrote into their configuration."""

from __future__ import annotations

import re
from typing import Final

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mlform.addresses import ModuleStep, ResourceAddress
from mlform.dataclass import replace
from mlform.diagnostics import Diagnostic, Severity
from mlform.digests import Json
from mlform.plan.changes import Action, Cause, Change, Drift, Mode, OutputChange, Plan, Reason
from mlform.views.markdown import LIMIT, render_markdown
from mlform.views.markup import size
from tests.contracts.state_samples import record
from tests.markdown import read_comment
from tests.unit.views.plans import BASIS

HOSTILE: Final = (
    "```",
    "``` ````\n~~~",
    "| a | b |\n| - | - |",
    "</details></summary>",
    "<script>alert(1)</script>",
    "<!-- ",
    "@everyone",
    "#1 GH-2 owner/repo#3",
    "https://example.com www.example.com me@example.com",
    "![x](y) [a](b) [c]: d",
    "\n\n# Heading\n\n---\n",
    "\r\n\r\n* item",
    "\u202eright to left\u202c \u2066x\u2069",
    "שלום \u200f",
    "\x1b[31mred\x00",
    "$a^2$ $$b$$ $`c`$",
    ":tada:",
    "\\",
    "\\|",
    "a\u2028b\u2029c\x85d",
    "&lt;b&gt; &#64;",
    "``",
    " ` ",
    "🙂" * 40,
    "0123456789abcdef0123456789abcdef01234567",
)
TEXTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=12),
    st.lists(st.sampled_from(HOSTILE), max_size=3).map("".join),
    st.sampled_from(HOSTILE).map(lambda text: text * 300),
)
NAMES = st.from_regex(r"[a-z_][a-z0-9_-]{0,6}", fullmatch=True).filter(lambda x: x != "module")
KEYS = st.none() | st.integers(0, 99) | TEXTS
ADDRESSES = st.builds(
    ResourceAddress,
    NAMES,
    NAMES,
    KEYS,
    st.lists(st.builds(ModuleStep, NAMES, KEYS), max_size=2).map(tuple),
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
OBJECTS = st.none() | st.dictionaries(TEXTS, VALUES, max_size=3)
REASONS = st.builds(Reason, cause=st.sampled_from(Cause), message=TEXTS, upstream=st.none() | TEXTS)
CHANGES = st.builds(
    Change,
    address=ADDRESSES,
    action=st.sampled_from(Action),
    before=OBJECTS,
    after=OBJECTS,
    reasons=st.lists(REASONS, max_size=2).map(tuple),
    conditional=st.booleans(),
    reused=st.booleans(),
    expected_seconds=st.none() | st.floats(0, 10_000),
    previous_address=st.none() | ADDRESSES,
    importing=st.none() | TEXTS,
)
OUTPUTS = st.builds(
    OutputChange,
    name=TEXTS,
    action=st.sampled_from([Action.CREATE, Action.UPDATE, Action.DELETE, Action.NO_OP]),
    before=VALUES,
    after=VALUES,
    sensitive=st.booleans(),
)
WARNINGS = st.builds(Diagnostic, severity=st.just(Severity.WARNING), summary=TEXTS, detail=TEXTS)
A: Final = ResourceAddress("mlform_data", "a")
RECORDS = st.builds(
    lambda found: replace(record(A), attributes=found), OBJECTS.map(lambda x: x or {})
)
DRIFT = st.builds(
    Drift,
    address=ADDRESSES,
    problems=st.lists(TEXTS, max_size=2).map(tuple),
    before=RECORDS,
    after=st.none() | RECORDS,
    previous_address=ADDRESSES,
)
PLANS = st.builds(
    Plan,
    mode=st.just(Mode.NORMAL),
    basis=st.just(BASIS),
    changes=st.lists(CHANGES, max_size=4).map(tuple),
    outputs=st.lists(OUTPUTS, max_size=2).map(lambda found: {item.name: item for item in found}),
    drift=st.lists(DRIFT, max_size=2).map(tuple),
    warnings=st.lists(WARNINGS, max_size=2).map(tuple),
    environments=st.dictionaries(NAMES, TEXTS, max_size=2),
    expected_seconds=st.none() | st.floats(0, 10_000),
    critical_path=st.lists(TEXTS, max_size=2).map(tuple),
)
ACTIVE = re.compile(r"@\w|#\d|\bGH-\d|://|www\.|:\w+:|\$|[0-9a-f]{7}")
ALLOWED = {"heading_open", "table_open", "paragraph_open", "html_block", "fence"}


def every_kind_of_change() -> Plan:
    """A plan in which everything is as nasty as can be."""
    changes = [
        Change(
            address=ResourceAddress("model", "m", text),
            action=action,
            before={text: text},
            after={text: [text, {text: None}]},
            reasons=(Reason(cause=Cause.CONFIG, message=text, upstream=text),),
            conditional=index % 2 == 0,
        )
        for index, text in enumerate(HOSTILE)
        for action in Action
    ]
    return Plan(mode=Mode.NORMAL, changes=tuple(changes), basis=BASIS)


@given(plan=PLANS, copies=st.sampled_from([1, 1, 1, 60]))
@example(plan=every_kind_of_change(), copies=1)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_plan_is_a_sound_comment(plan: Plan, copies: int) -> None:
    text = render_markdown(
        replace(
            plan,
            changes=plan.changes * copies,
            drift=plan.drift * copies,
            critical_path=plan.critical_path * copies,
        )
    )
    assert size(text) <= LIMIT
    first = text.split("\n", 1)[0]
    assert re.fullmatch(r"### (No changes\.|Plan: .*\d+ to destroy\.)", first), first
    comment = read_comment(text)
    assert comment.blocks[0] == "heading_open"
    assert comment.blocks.count("heading_open") == 1
    tables = [at for at, kind in enumerate(comment.blocks) if kind == "table_open"]
    assert tables in ([], [1])
    assert set(comment.blocks) <= ALLOWED, comment.blocks
    assert not comment.inline, comment.inline
    assert len(comment.summaries) == len(comment.fences)
    assert not ACTIVE.search(comment.loose), ACTIVE.search(comment.loose)
    assert all(letter.isprintable() or letter in "\n\t" for letter in text)
    text.encode()
