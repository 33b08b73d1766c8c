"""Plans as files: what is not written in plain text, and who can read what is encrypted."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlform.ciphers.base import CipherSettings, KeyProvider
from mlform.config.variable_sources import OptionValue
from mlform.dataclass import replace
from mlform.errors import EncryptionError, PlanError, UsageError
from mlform.operations.environment import Sealing
from mlform.operations.results import Planned
from mlform.operations.saved_plans import check_place, load_plan, save_plan
from tests.ciphers import OTHER, RAW, cipher_of
from tests.engine import Engine

VARIABLES = """
variable "token" {
  type      = string
  sensitive = true
  default   = null
}

variable "fleeting" {
  type      = string
  sensitive = true
  ephemeral = true
  default   = "gone"
}

variable "open" {
  default = "known"
}
"""
USED = """
resource "mlform_data" "a" {
  input = { word = var.open, token = var.token }
}

output "all" {
  value     = [var.open, var.token]
  sensitive = true
}
"""


def problem(planned: Planned, folder: Path) -> PlanError:
    """What is said where a plan is not written."""
    with pytest.raises(PlanError) as caught:
        save_plan(planned, folder / "p")
    assert not (folder / "p").exists()
    return caught.value


def test_without_a_sensitive_value_plain_text_is_fine(tmp_path: Path) -> None:
    engine = Engine(tmp_path, VARIABLES + 'resource "mlform_data" "a" {\n  input = var.open\n}\n')
    planned = engine.plan()
    save_plan(planned, tmp_path / "p")
    assert load_plan(engine.environment([]), tmp_path / "p").plan == planned.plan


def test_what_is_null_gives_nothing_away(tmp_path: Path) -> None:
    engine = Engine(tmp_path, VARIABLES + 'resource "mlform_data" "a" {\n  input = var.token\n}\n')
    save_plan(engine.plan(), tmp_path / "p")
    engine.apply()
    save_plan(engine.plan(), tmp_path / "p")


def test_what_is_sensitive_is_named(tmp_path: Path) -> None:
    engine = Engine(tmp_path, VARIABLES + USED)
    said = problem(engine.plan(variables={"token": "hush"}), tmp_path)
    assert said.summary == "The plan holds sensitive values"
    assert "of var.token, mlform_data.a and output.all in plain text" in said.detail
    for way in ("plan { method = method.aes_gcm.NAME }", "ephemeral = true", "method.unencrypted"):
        assert way in said.detail
    assert "hush" not in said.detail


def test_what_the_state_holds_counts_too(tmp_path: Path) -> None:
    engine = Engine(tmp_path, VARIABLES + USED)
    engine.apply(variables={"token": "hush"})
    engine.hcl = VARIABLES + 'resource "mlform_data" "b" {\n}\n'
    detail = problem(engine.plan(targets=("mlform_data.b",)), tmp_path).detail
    assert "of mlform_data.a and output.all in plain text" in detail


def test_of_many_only_some_are_named(tmp_path: Path) -> None:
    many = 'resource "mlform_data" "a" {\n  count = 30\n  input = var.token\n}\n'
    engine = Engine(tmp_path, VARIABLES + many)
    detail = problem(engine.plan(variables={"token": "hush"}), tmp_path).detail
    assert detail.count("mlform_data.a[") == 9
    assert "and 21 more" in detail


def sealed_by(
    planned: Planned, method: KeyProvider | None, state: KeyProvider | None = None
) -> Planned:
    """The same plan where a configuration says how it is encrypted."""
    return replace(planned, sealing=Sealing(state=cipher_of(state), plan=cipher_of(method)))


def test_who_says_that_plain_text_is_fine_gets_it(tmp_path: Path) -> None:
    engine = Engine(tmp_path, VARIABLES + USED)
    planned = engine.plan(variables={"token": "hush"})
    save_plan(sealed_by(planned, None, RAW), tmp_path / "p")
    assert load_plan(engine.environment([]), tmp_path / "p").variables["token"]


def test_a_plan_from_an_encrypted_state_is_not_written_in_plain_text(tmp_path: Path) -> None:
    engine = Engine(tmp_path, 'resource "mlform_data" "a" {\n}\n')
    planned = replace(engine.plan(), sealing=Sealing(state=cipher_of(RAW)))
    assert problem(planned, tmp_path).summary == "The state is encrypted, but saved plans are not"


ENCRYPTED = """
mlform {
  encryption {
    key_provider "raw" "main" {
      key = var.key
    }
    method "aes_gcm" "main" {
      keys = key_provider.raw.main
    }
    plan {
      method   = method.aes_gcm.main
      enforced = true
    }
  }
}

variable "key" {
  type      = string
  sensitive = true
}
"""
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def test_an_encrypted_plan_comes_back_without_its_key(tmp_path: Path) -> None:
    engine = Engine(tmp_path, VARIABLES + USED + ENCRYPTED)
    planned = engine.plan(variables={"token": "hush", "key": KEY})
    save_plan(planned, tmp_path / "p")
    content = (tmp_path / "p").read_bytes()
    for word in (b"hush", KEY.encode(), b"mlform_data"):
        assert word not in content
    environment = engine.environment([])
    loaded = load_plan(environment, tmp_path / "p", [OptionValue(text=f"key={KEY}")])
    assert loaded.plan == planned.plan
    key, token = loaded.variables["key"], loaded.variables["token"]
    assert isinstance(key, dict)
    assert isinstance(token, dict)
    assert "value" not in key
    assert token["value"] == "hush"


def test_a_plan_opens_with_its_key_only(tmp_path: Path) -> None:
    engine = Engine(tmp_path, ENCRYPTED)
    planned = engine.plan(variables={"key": KEY})
    save_plan(replace(planned, sealing=Sealing(plan=cipher_of(OTHER))), tmp_path / "p")
    options = [OptionValue(text=f"key={KEY}")]
    with pytest.raises(EncryptionError, match=r"p: .*another key") as caught:
        load_plan(engine.environment([]), tmp_path / "p", options)
    assert caught.value.summary == "The plan cannot be decrypted"
    save_plan(sealed_by(planned, None), tmp_path / "p")
    with pytest.raises(EncryptionError, match="plain text") as caught:
        load_plan(engine.environment([]), tmp_path / "p", options)
    assert caught.value.summary == "The plan is not encrypted"


def test_a_state_is_no_plan(tmp_path: Path) -> None:
    from mlform.state.snapshot import State
    from mlform.state.stored import encode_stored

    engine = Engine(tmp_path, ENCRYPTED)
    engine.plan(variables={"key": KEY})
    settings = CipherSettings(method=RAW)
    cipher = engine.environment([]).make_cipher(settings)
    (tmp_path / "p").write_bytes(encode_stored(State(lineage="l"), cipher))
    with pytest.raises(EncryptionError, match="something else: state"):
        load_plan(engine.environment([]), tmp_path / "p", [OptionValue(text=f"key={KEY}")])


def test_a_place_that_can_be_written_is_one(tmp_path: Path) -> None:
    check_place(tmp_path / "p")
    (tmp_path / "p").write_text("an older plan")
    check_place(tmp_path / "p")
    assert (tmp_path / "p").read_text() == "an older plan"


@pytest.mark.parametrize(
    ("name", "said"),
    [("none/p", "none is no folder"), ("file/p", "file is no folder"), ("folder", "is a folder")],
)
def test_a_place_that_is_none_is_refused(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=said) as caught:
        check_place(tmp_path / name)
    assert "Nothing was planned." in caught.value.detail
