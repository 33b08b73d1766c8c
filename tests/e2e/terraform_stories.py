"""Configurations that are edited step by step, for comparisons with Terraform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Step:
    """One plan of a story: the files by name without ending, and the flags of plan."""

    files: Mapping[str, str]
    flags: tuple[str, ...] = ()


_FIRST: Final = {
    "main": """
variable "word" {
  type        = string
  description = "A word."
  default     = "q"
}
locals {
  twice = "${var.word}${var.word}"
}
module "m" {
  source   = "./m"
  for_each = toset(["a"])
  x        = local.twice
}
resource "terraform_data" "z" {
  input = module.m["a"].o
}
resource "terraform_data" "gone" {
  input = 1
}
resource "terraform_data" "mv" {
  input            = { a = [1, "b"], c = terraform_data.z.input }
  triggers_replace = upper("x")
  depends_on       = [terraform_data.z]
}
check "c1" {
  assert {
    condition     = terraform_data.z.input == "zz"
    error_message = "It is ${terraform_data.z.input}."
  }
}
check "c2" {
  assert {
    condition     = terraform_data.z.id != "zz"
    error_message = "no zz"
  }
}
output "o" {
  value       = module.m["a"].o
  description = "What comes out."
}
output "hidden" {
  value     = sensitive(terraform_data.mv.output)
  sensitive = true
}
""",
    "m/main": """
variable "x" {
  type = string
}
resource "terraform_data" "i" {
  count = 2
  input = "${var.x}${count.index}"
  lifecycle {
    postcondition {
      condition     = self.input != ""
      error_message = "empty"
    }
  }
}
output "o" {
  value = terraform_data.i[0].input
  precondition {
    condition     = var.x != "1"
    error_message = "It is one."
  }
}
""",
}
_EDITS: Final = (
    (
        'resource "terraform_data" "gone" {\n  input = 1\n}',
        "removed {\n  from = terraform_data.gone\n  lifecycle {\n    destroy = false\n  }\n}",
    ),
    ('"terraform_data" "mv"', '"terraform_data" "mv2"'),
    ("terraform_data.mv.", "terraform_data.mv2."),
    ('module "m"', 'module "n"'),
    ('["a"]', '["b"]'),
    ('module.m["b"]', 'module.n["b"]'),
)
_ADDED: Final = """
moved {
  from = terraform_data.mv
  to   = terraform_data.mv2
}
moved {
  from = module.m["a"]
  to   = module.n["b"]
}
import {
  to = terraform_data.old
  id = "abc"
}
import {
  to = terraform_data.older
  id = "abd"
}
resource "terraform_data" "old" {}
resource "terraform_data" "older" {
  input = "new"
}
"""
_VALUES: Final = """\
variable "s" {
  type = string
  default = "x"
  description = "d"
  validation {
    condition = length(var.s) > 0
    error_message = "no"
  }
}
variable "secret" {
  type = string
  default = "hush"
  sensitive = true
}
variable "o" {
  type = object({a = optional(number, 3), b = list(string)})
  default = { b = ["p"] }
}
variable "n" {
  type = number
  default = null
  nullable = true
}
variable "eph" {
  type = string
  default = "e"
  ephemeral = true
}
locals {
  l = { a = var.s, b = [1,2] }
  m = terraform_data.one.id
}
resource "terraform_data" "one" {
  input = "${var.s}-${local.l.a}"
}
resource "terraform_data" "cnt" {
  count = 2
  input = { i = count.index, v = var.o, s = var.secret }
  triggers_replace = [terraform_data.one.id, var.s]
}
resource "terraform_data" "fe" {
  for_each = { "a b" = 1, c = 2 }
  input = [each.key, each.value, path.module, terraform.workspace]
  lifecycle {
    create_before_destroy = true
    precondition {
      condition = each.value > 0
      error_message = "neg"
    }
  }
}
resource "terraform_data" "refs" {
  input = [for x in terraform_data.cnt : x.output]
  triggers_replace = terraform_data.fe["c"].id
}
resource "terraform_data" "splat" {
  input = terraform_data.cnt[*].id
}
resource "terraform_data" "cond" {
  input = var.s == "x" ? terraform_data.one.output : "z"
}
resource "terraform_data" "func" {
  input = jsonencode({a = terraform_data.one.output})
}
resource "terraform_data" "lit" {
  input = { a = 1.5, b = true, c = null, d = [1, "x", { e = "f" }], "k k" = "${1 + 2}" }
}
resource "terraform_data" "empty" {}
resource "terraform_data" "sens" {
  input = { p = var.secret, q = [var.secret, 1], r = { s = sensitive("x") } }
}
output "known" { value = { a = 1, b = [true, "x"], c = null } }
output "unk" { value = terraform_data.one.id }
output "part" { value = { a = terraform_data.one.id, b = 2 } }
output "sec" {
  value = var.secret
  sensitive = true
}
output "lst" { value = tolist(["a"]) }
output "st" { value = toset(["a"]) }
output "mp" { value = tomap({a = 1}) }
output "nul" { value = null }
output "num" { value = 12345678901234567890 }
output "whole" { value = terraform_data.one }
"""
_MODULES: Final = {
    "main": """module "c" {
  count = 2
  source = "./c"
  n = count.index
  depends_on = [terraform_data.first]
}
module "e" {
  for_each = toset(["x", "y y"])
  source = "./c"
  n = each.key
}
module "plain" {
  source = "./c"
  n = terraform_data.first.id
}
resource "terraform_data" "first" {}
resource "terraform_data" "uses" {
  input = [module.c[0].out, module.e["x"].out, module.plain.out, module.plain.deep.value]
}
resource "terraform_data" "uses2" {
  input = module.c[*].out
}
resource "terraform_data" "uses3" {
  input = { for k, m in module.e : k => m.out }
}
output "all" { value = module.c }
output "one" { value = module.plain.deep }
check "later" {
  assert {
    condition = module.plain.out != "q"
    error_message = "q"
  }
}
check "two" {
  assert {
    condition = module.plain.out != "1"
    error_message = "q"
  }
  assert {
    condition = length(terraform_data.first.id) == 2
    error_message = "qq"
  }
}
""",
    "c/main": """variable "n" {
  type = any
  description = "any"
}
variable "unused" {
  default = [1]
  validation {
    condition = length(var.unused) > 0
    error_message = "empty"
  }
}
module "d" {
  source = "./d"
  n = var.n
}
resource "terraform_data" "r" {
  count = 1
  input = var.n
  lifecycle {
    ignore_changes = [triggers_replace]
    postcondition {
      condition = self.id != ""
      error_message = "x"
    }
  }
}
output "out" { value = terraform_data.r[0].output }
output "deep" {
  value = module.d
  description = "deep"
}
""",
    "c/d/main": """variable "n" {}
resource "terraform_data" "z" {
  input = var.n
}
output "value" {
  value = terraform_data.z.input
  precondition {
    condition = var.n != "no"
    error_message = "no"
  }
}
""",
}
_KEPT: Final = {
    "main": """resource "terraform_data" "a" {
  count = 3
  input = count.index
}
resource "terraform_data" "b" {
  for_each = toset(["x","y"])
}
resource "terraform_data" "c" {}
resource "terraform_data" "d" { input = 1 }
resource "terraform_data" "e" {
  triggers_replace = 1
  lifecycle {
    create_before_destroy = true
  }
}
resource "terraform_data" "f" { triggers_replace = { a = 1, b = [1, 2] } }
module "m" { source = "./m" }
output "x" { value = terraform_data.d.output }
""",
    "m/main": """resource "terraform_data" "i" {}
""",
}
_GONE: Final = {
    "main": """resource "terraform_data" "a" {
  count = 2
  input = count.index
}
resource "terraform_data" "b" {
  for_each = toset(["x"])
}
resource "terraform_data" "c" { count = 1 }
resource "terraform_data" "d2" { input = 2 }
resource "terraform_data" "e" {
  triggers_replace = 2
  lifecycle {
    create_before_destroy = true
  }
}
resource "terraform_data" "f" { triggers_replace = { a = 1, b = [1, 3] } }
moved {
  from = terraform_data.d
  to = terraform_data.d2
}
removed {
  from = module.m
  lifecycle {
    destroy = false
  }
}
""",
    "m/main": """resource "terraform_data" "i" {}
""",
}


def _edited(files: Mapping[str, str], *edits: tuple[str, str]) -> Mapping[str, str]:
    """Return files with texts of the main one replaced, all of which are there."""
    text = files["main"]
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    return {**files, "main": text}


_SECOND: Final = _edited(_FIRST, *_EDITS)
_START: Final = {"main": _VALUES}
_OTHER: Final = _edited(
    _START, ('default = "x"', 'default = "y"'), ('var.s == "x"', 'var.s == "y"')
)
_CHANGED: Final = _edited(
    _START,
    ('default = "hush"', 'default = "hush2"'),
    ('output "lst" { value = tolist(["a"]) }', ""),
    ('"neg"', '"negative"'),
    ('[1, "x", { e = "f" }]', '[1, { e = "g" }, "y"]'),
)
_FEWER: Final = _edited(_MODULES, ("count = 2", "count = 1"), ('["x", "y y"]', '["x"]'))
_DEEPER: Final = {
    **_MODULES,
    "c/d/main": _MODULES["c/d/main"].replace("input = var.n", "input = [var.n]"),
}
_MADE: Final = {
    "main": """module "m" {
  source = "./m"
}
resource "terraform_data" "n" { count = 2 }
""",
    "m/main": """resource "terraform_data" "i" {}
""",
}
_LEFT: Final = {
    "main": """removed {
  from = module.m
  lifecycle {
    destroy = false
  }
}
removed {
  from = terraform_data.n
  lifecycle {
    destroy = true
  }
}
""",
    "m/main": _MADE["m/main"],
}
STORIES: Final[Mapping[str, tuple[Step, ...]]] = {
    "names": (Step(_FIRST), Step({**_SECOND, "main": _SECOND["main"] + _ADDED})),
    "values": (
        Step(_START),
        Step(_OTHER),
        Step(_CHANGED, ("-replace=terraform_data.one",)),
        Step(_CHANGED, ("-destroy",)),
    ),
    "modules": (Step(_MODULES), Step(_FEWER), Step(_DEEPER, ("-target=module.plain",))),
    "removal": (Step(_KEPT), Step(_GONE)),
    "removal of a target": (
        Step(_MADE),
        Step(_LEFT, ("-target=module.m",)),
        Step(_LEFT, ("-target=terraform_data.n[0]",)),
        Step(_LEFT),
    ),
    "almost nothing": (Step({"main": ""}), Step({"main": 'output "o" {\n  value = 1\n}\n'})),
}
