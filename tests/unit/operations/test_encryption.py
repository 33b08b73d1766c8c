"""The encryption block and MLF_ENCRYPTION: what they say together, and what no message shows."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from mlform.ciphers.base import Pbkdf2, RawKey, Scrypt
from mlform.config.early import EarlyContext, EarlyScope
from mlform.config.folders import SavedFiles
from mlform.config.load import read_root
from mlform.diagnostics import Diagnostic, Diagnostics
from mlform.lang.construct import string_value
from mlform.lang.values import Mark, Value
from mlform.operations.encryption import EncryptionSettings, encryption_of
from mlform.operations.loading import early_context
from mlform.views.diagnostics import render_report
from tests.engine import Engine

WORDS = "correct horse battery"
HIDDEN = frozenset({Mark.SENSITIVE, Mark.EPHEMERAL})
KEY = bytes(range(32))
BLOCK = """
    key_provider "pbkdf2" "main" {
      passphrase = var.passphrase
    }
    method "aes_gcm" "main" {
      keys = key_provider.pbkdf2.main
    }
    method "unencrypted" "open" {}
    state {
      method = method.aes_gcm.main
    }
"""
VARIABLE = 'variable "passphrase" {\n  sensitive = true\n}\n'


def resolved(
    folder: Path,
    block: str,
    *,
    variable: str = "",
    more: str = VARIABLE,
    name: str = "main.mlf.hcl",
    **values: Value,
) -> tuple[EncryptionSettings, tuple[Diagnostic, ...]]:
    """What the content of a block and the environment variable come to."""
    text = f"mlform {{\n  encryption {{\n{block}\n  }}\n}}\n{more}" if block else more
    root = read_root(SavedFiles({name: text.encode()}))
    context = early_context(Engine(folder, "").environment([]))
    given = {"passphrase": string_value(WORDS).with_marks(HIDDEN), **values}
    _, encryption, problems = root.storage(given, context=context)
    diagnostics = Diagnostics()
    diagnostics.extend(problems)
    scope = EarlyScope(context=context, variables=root.variables, locals=root.locals, values=given)
    settings = encryption_of(encryption, variable, scope, diagnostics)
    return settings, tuple(diagnostics)


def test_nothing_said_is_nothing(tmp_path: Path) -> None:
    assert resolved(tmp_path, "") == (EncryptionSettings(), ())
    assert resolved(tmp_path, "", variable="  \n") == (EncryptionSettings(), ())


def test_a_passphrase_may_be_sensitive_and_ephemeral(tmp_path: Path) -> None:
    settings, problems = resolved(tmp_path, BLOCK)
    assert problems == ()
    assert settings.state is not None
    assert settings.state.method == Pbkdf2(address="key_provider.pbkdf2.main", passphrase=WORDS)
    assert settings.state.fallbacks == ()
    assert settings.plan is None
    assert settings.variables == {"passphrase"}


def test_all_arguments_are_taken(tmp_path: Path) -> None:
    block = f"""
    key_provider "scrypt" "a" {{
      passphrase  = local.words
      n           = 32768
      r           = "4"
      p           = 2
      key_length  = 16
      salt_length = 20
    }}
    key_provider "pbkdf2" "b" {{
      passphrase    = local.words
      iterations    = 250000
      hash_function = "sha256"
      key_length    = 24
    }}
    key_provider "raw" "c" {{
      key = "{b64encode(KEY).decode()}"
    }}
    key_provider "raw" "d" {{
      key      = "{KEY.hex()}"
      encoding = "hex"
    }}
    method "aes_gcm" "a" {{
      keys = key_provider.scrypt.a
    }}
    method "aes_gcm" "b" {{
      keys = key_provider.pbkdf2.b
    }}
    method "aes_gcm" "c" {{
      keys = key_provider.raw.c
    }}
    method "aes_gcm" "d" {{
      keys = key_provider.raw.d
    }}
    method "unencrypted" "e" {{}}
    plan {{
      method = method.aes_gcm.a
      fallback {{
        method = method.aes_gcm.b
        fallback {{
          method = method.aes_gcm.c
        }}
      }}
      fallback {{
        method = method.aes_gcm.d
      }}
      fallback {{
        method = method.unencrypted.e
      }}
    }}
"""
    more = VARIABLE + 'locals {\n  words = "${var.passphrase} staple"\n}\n'
    settings, problems = resolved(tmp_path, block, more=more)
    assert [item.summary for item in problems] == ["Secret in a configuration file"] * 2
    assert settings.plan is not None
    words = f"{WORDS} staple"
    assert settings.plan.method == Scrypt(
        address="key_provider.scrypt.a",
        passphrase=words,
        n=32768,
        r=4,
        p=2,
        key_length=16,
        salt_length=20,
    )
    assert settings.plan.fallbacks == (
        Pbkdf2(
            address="key_provider.pbkdf2.b",
            passphrase=words,
            iterations=250_000,
            hash_function="sha256",
            key_length=24,
        ),
        RawKey(address="key_provider.raw.c", key=KEY),
        RawKey(address="key_provider.raw.d", key=KEY),
        None,
    )
    assert settings.plan.accepts_plain
    assert settings.variables == {"passphrase"}


def test_a_key_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(b64encode(KEY).decode() + "\n")
    block = BLOCK.replace("passphrase = var.passphrase", 'key = file("key")')
    settings, problems = resolved(tmp_path, block.replace("pbkdf2", "raw"))
    assert problems == ()
    assert settings.state is not None
    assert settings.state.method == RawKey(address="key_provider.raw.main", key=KEY)


def test_json_says_the_same(tmp_path: Path) -> None:
    native, _ = resolved(tmp_path, BLOCK)
    variable = """{
      "key_provider": {"pbkdf2": {"main": {"passphrase": "${var.passphrase}"}}},
      "method": {"aes_gcm": {"main": {"keys": "key_provider.pbkdf2.main"}}},
      "state": {"method": "${method.aes_gcm.main}"}
    }"""
    settings, problems = resolved(tmp_path, "", variable=variable)
    assert problems == ()
    assert settings == native


def test_the_environment_completes_and_replaces(tmp_path: Path) -> None:
    block = """
    key_provider "pbkdf2" "main" {
      iterations = 300000
    }
    method "aes_gcm" "main" {
      keys = key_provider.pbkdf2.main
    }
    state {
      enforced = true
    }
    plan {
      method = method.aes_gcm.main
    }
"""
    variable = """
key_provider "pbkdf2" "main" {
  passphrase = "a passphrase of the environment"
}
key_provider "pbkdf2" "old" {
  passphrase = "the passphrase before"
}
method "aes_gcm" "old" {
  keys = key_provider.pbkdf2.old
}
state {
  method = method.aes_gcm.main
  fallback {
    method = method.aes_gcm.old
  }
}
"""
    settings, problems = resolved(tmp_path, block, variable=variable)
    assert problems == ()
    main = Pbkdf2(
        address="key_provider.pbkdf2.main",
        passphrase="a passphrase of the environment",  # noqa: S106 - made up
        iterations=300_000,
    )
    assert settings.state is not None
    assert settings.plan is not None
    assert settings.state.method == settings.plan.method == main
    assert [each and each.address for each in settings.state.fallbacks] == [
        "key_provider.pbkdf2.old"
    ]


def test_what_is_enforced_in_the_file_stays_so(tmp_path: Path) -> None:
    block = BLOCK.replace("state {", "state {\n      enforced = true")
    variable = "state {\n  method = method.unencrypted.open\n  enforced = false\n}\n"
    settings, problems = resolved(tmp_path, block, variable=variable)
    assert settings.state is None
    (problem,) = problems
    assert problem.summary == "Unencrypted method is forbidden"
    assert "MLF_ENCRYPTION, line 2" in problem.detail


def test_without_the_value_of_a_variable_nothing_is_plain() -> None:
    text = f"mlform {{\n  encryption {{\n{BLOCK}\n  }}\n}}\n{VARIABLE}"
    root = read_root(SavedFiles({"main.mlf.hcl": text.encode()}))
    for partial in (True, False):
        context = EarlyContext(partial=partial)
        _, encryption, _ = root.storage({}, context=context)
        scope = EarlyScope(context=context, variables=root.variables, locals=root.locals)
        diagnostics = Diagnostics()
        assert encryption_of(encryption, "", scope, diagnostics).state is None
        assert [item.summary for item in diagnostics] == ["Encryption not known in time"]
        assert "var.passphrase" in diagnostics.items[0].detail


MISTAKES = {
    "short": (BLOCK, VARIABLE, "wordswords"),
    "in a function": (
        BLOCK.replace("var.passphrase", "base64decode(var.passphrase)"),
        VARIABLE,
        WORDS,
    ),
    "in a function of an open variable": (
        BLOCK.replace("var.passphrase", "base64decode(var.passphrase)"),
        'variable "passphrase" {}\n',
        WORDS,
    ),
    "in a local value": (
        BLOCK.replace("var.passphrase", "local.words"),
        'variable "passphrase" {}\nlocals {\n  words = tonumber(var.passphrase)\n}\n',
        WORDS,
    ),
    "in a heredoc": (
        BLOCK.replace("var.passphrase", "<<-X\n        wordswords\n      X\n"),
        VARIABLE,
        "wordswords",
    ),
    "beside another mistake": (
        BLOCK.replace(
            '"pbkdf2" "main" {\n      passphrase = var.passphrase\n    }',
            '"pbkdf" "main" { passphrase = "wordswords wordswords" }',
        ).replace("key_provider.pbkdf2", "key_provider.pbkdf"),
        VARIABLE,
        "wordswords",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_no_problem_shows_a_passphrase(mistake: str, tmp_path: Path) -> None:
    block, more, words = MISTAKES[mistake]
    marks = HIDDEN if "sensitive" in more else frozenset[Mark]()
    value = string_value(words).with_marks(marks)
    settings, problems = resolved(tmp_path, block, more=more, passphrase=value)
    assert settings.state is None
    shown = render_report(problems, color=False, width=100)
    assert "Error: " in shown
    assert words.split()[0] not in shown


PROVIDER = 'key_provider "pbkdf2" "main" {\n  passphrase = "wordswords"\n}\n'
USE = """method "aes_gcm" "m" {
  keys = key_provider.pbkdf2.main
}
state {
  method = method.aes_gcm.m
}
"""


@pytest.mark.parametrize(
    "variable",
    [
        PROVIDER[:-4],
        PROVIDER.replace('s"', 's" "'),
        PROVIDER + USE,
        PROVIDER.replace("}", "  rounds = 1\n}") + USE,
        '{"key_provider": {"pbkdf2": {"main": {"passphrase": "wordswords"}}}, "state": []',
        '{"key_provider": {"pbkdf2": {"main": {"passphrase": "wordswords"}}}, "state": 7}',
        '{"passphrase": "wordswords"}',
        'encryption {\n  passphrase = "wordswords"\n}',
        'passphrase = "wordswords"',
    ],
)
def test_no_problem_shows_what_the_environment_says(variable: str, tmp_path: Path) -> None:
    _, problems = resolved(tmp_path, "", variable=variable)
    assert problems
    shown = render_report(problems, color=False, width=100)
    assert "MLF_ENCRYPTION, line " in shown
    assert "wordswords" not in shown
    assert "on MLF_ENCRYPTION" not in shown
