"""From words to structs."""

from __future__ import annotations

import pytest

from mlform.cli.arguments import (
    ApplyArguments,
    LogsArguments,
    PlanArguments,
    StateListArguments,
    StateRemoveArguments,
)
from mlform.cli.commands import COMMANDS
from mlform.cli.parameters import HelpRequested, parameters_of, read_arguments
from mlform.errors import UsageError


def plan(*words: str) -> PlanArguments:
    return read_arguments(PlanArguments, "plan", words)


@pytest.mark.parametrize("word", ["-out=p", "--out=p"])
def test_a_value_in_the_same_word(word: str) -> None:
    assert plan(word).out == "p"


@pytest.mark.parametrize("flag", ["-out", "--out"])
def test_a_value_in_a_word_of_its_own(flag: str) -> None:
    assert plan(flag, "p", "-json") == PlanArguments(out="p", json=True)


def test_bools_may_have_a_value() -> None:
    assert plan(
        "-refresh=false", "-json=1", "-destroy=true", "-detailed-exitcode"
    ) == PlanArguments(refresh=False, json=True, destroy=True, detailed_exitcode=True)
    assert plan("-input=false").input is False
    assert plan("-input").input is True
    assert plan().input is None


def test_variables_keep_the_order_of_both_flags() -> None:
    given = plan("-var", "a=b=c", "-var-file", "x", "-var=d=-1").var
    assert given == ("var:a=b=c", "var-file:x", "var:d=-1")


def test_a_value_may_begin_with_a_dash() -> None:
    assert plan("-out", "-p").out == "-p"


def test_operands() -> None:
    assert read_arguments(ApplyArguments, "apply", ["p", "-auto-approve"]).plan == "p"
    assert read_arguments(ApplyArguments, "apply", ["-auto-approve", "--", "-p"]).plan == "-p"
    removed = read_arguments(StateRemoveArguments, "state rm", ["a.b", "-dry-run", "c.d"])
    assert removed == StateRemoveArguments(address=("a.b", "c.d"), dry_run=True)
    assert read_arguments(StateListArguments, "state list", []).address == ()
    assert read_arguments(LogsArguments, "logs", ["a.b", "-attempt=2"]).attempt == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-outt=p",), 'Did you mean "-out"?'),
        (("-out",), "-out takes a value"),
        (("-json=maybe",), "true or false, not 'maybe'"),
        (("-parallelism=x",), "-parallelism"),
        (("stray",), "stray"),
    ],
)
def test_mistakes_name_the_word_and_the_help(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan(*words)
    assert said in caught.value.detail
    assert "--" not in caught.value.detail


@pytest.mark.parametrize("word", ["-help", "--help", "-h"])
def test_help_wins(word: str) -> None:
    with pytest.raises(HelpRequested):
        plan("-json", word)


def test_every_command_has_a_struct_with_help_for_every_parameter() -> None:
    from mlform.cli import arguments

    for command in COMMANDS:
        for parameter in parameters_of(getattr(arguments, command.arguments)):
            assert parameter.help.endswith("."), (command.name, parameter.field)
            assert bool(parameter.value) != (parameter.type is bool), parameter.field
