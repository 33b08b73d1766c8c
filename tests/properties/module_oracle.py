"""Random trees of modules that both mlform and Terraform understand, and edits of them.

As `oracle.py`, with what needs several folders or names over time: calls with `count` and
`for_each`, nested modules, values in and out, `moved`, `removed`, `check`, conditions.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random  # noqa: TID251 - seeded: cases are the same everywhere

from tests.properties.oracle import Wish, draw_wish

REPEATS = ("", "count = 1", "count = 2", 'for_each = toset(["k", "l"])', 'for_each = { k = "v" }')
VALUES = {
    "word": ('"one"', '"two"'),
    "size": ("0", "1", "2"),
    "names": ('["p"]', '["p", "q"]', "[]"),
    "secret": ('"s1"', '"s2"'),
}
TYPES = {"word": "string", "size": "number", "names": "list(string)", "secret": "string"}
ARGUMENTS = (
    "var.word",
    "{ w = var.word, n = var.size }",
    "terraform_data.first.output",
    "terraform_data.first.id",
    "[local.both, 1]",
    "null",
)
"""What the calls give the modules' variable `a`."""
DEEP = ("var.a", "[var.a, terraform_data.{x}[*].output]", "length(var.names)", "var.secret")
"""What the resource of the inner module holds."""
OUTER = (
    "{call}",
    "[for item in [{call}] : item]",
    "{output}",
    "terraform_data.first.output",
)


@dataclass(slots=True)
class Call:
    """A module call of the root."""

    name: str
    repeats: str
    argument: str
    names: str
    depends: bool = False


@dataclass(slots=True)
class ModuleStory:
    """A tree of modules that changes."""

    random: Random
    values: dict[str, str] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    x: str = "x"
    x_count: str = "count = var.size"
    inner_repeats: str = ""
    deep: str = "var.a"
    user: str = "var.word"
    repeats: str = ""
    kept: bool = True
    forget: bool = False
    checked: str = "var.word != null"
    triggers: bool = False
    moved: list[tuple[str, str, str]] = field(default_factory=list)
    renames: int = 0

    def begin(self) -> None:
        """Draw a first configuration."""
        pick = self.random.choice
        self.values = {name: pick(choices) for name, choices in VALUES.items()}
        for name in ("p", "q"):
            self.calls[name] = self._call(name)
        self.repeats = pick(REPEATS)
        self.deep = pick(DEEP)
        self._edit_user()

    def edit(self) -> None:
        """Change one to three things."""
        self.moved = []
        kinds = (
            "value value call call_repeats rename_call rename_x x_count inner deep user repeats "
            "kept check depends triggers rename_key"
        )
        for kind in self.random.sample(kinds.split(), self.random.randint(1, 3)):
            getattr(self, f"_edit_{kind}")()

    def _call(self, name: str) -> Call:
        pick = self.random.choice
        return Call(
            name=f"{name}0",
            repeats=pick(REPEATS),
            argument=pick(ARGUMENTS),
            names=pick(["var.names", '["a", "b"]', "[]"]),
        )

    def _fresh(self, stem: str) -> str:
        self.renames += 1
        return f"{stem}{self.renames}"

    def _edit_value(self) -> None:
        name = self.random.choice(list(VALUES))
        self.values[name] = self.random.choice(VALUES[name])

    def _edit_call(self) -> None:
        call = self.calls[self.random.choice(list(self.calls))]
        call.argument = self.random.choice(ARGUMENTS)

    def _edit_call_repeats(self) -> None:
        self.calls[self.random.choice(list(self.calls))].repeats = self.random.choice(REPEATS)

    def _edit_depends(self) -> None:
        call = self.calls["q"]
        call.depends = not call.depends

    def _edit_rename_call(self) -> None:
        call = self.calls["p"]
        name = self._fresh("p")
        if self.random.random() < 0.8:
            self.moved.append(("", f"module.{call.name}", f"module.{name}"))
        call.name = name

    def _edit_rename_key(self) -> None:
        call = self.calls["q"]
        if call.repeats == 'for_each = { k = "v" }':
            call.repeats = ""
            self.moved.append(("", f'module.{call.name}["k"]', f"module.{call.name}"))
        elif not call.repeats:
            call.repeats = 'for_each = { k = "v" }'
            self.moved.append(("", f"module.{call.name}", f'module.{call.name}["k"]'))

    def _edit_rename_x(self) -> None:
        name = self._fresh("x")
        if self.random.random() < 0.8:
            self.moved.append(("m", f"terraform_data.{self.x}", f"terraform_data.{name}"))
        self.x = name

    def _edit_x_count(self) -> None:
        choices = ["count = var.size", "count = 1", "", 'for_each = toset(["f"])']
        self.x_count = self.random.choice(choices)

    def _edit_inner(self) -> None:
        self.inner_repeats = self.random.choice(["", "count = length(var.names)", "count = 1"])

    def _edit_deep(self) -> None:
        self.deep = self.random.choice(DEEP)

    def _edit_user(self) -> None:
        self.user = self.random.choice(OUTER)

    def _edit_repeats(self) -> None:
        self.repeats = self.random.choice(REPEATS)

    def _edit_kept(self) -> None:
        self.kept = not self.kept
        self.forget = self.random.random() < 0.7

    def _edit_check(self) -> None:
        self.checked = self.random.choice(
            ["var.word != null", 'var.word == "one"', "terraform_data.first.id != null"]
        )

    def _edit_triggers(self) -> None:
        self.triggers = not self.triggers

    def wish(self, recorded: list[str], tainted: list[str]) -> Wish:
        """Draw what is asked of the next step besides; often nothing."""
        targets = [f"module.{call.name}" for call in self.calls.values()]
        targets += ["terraform_data.user", "terraform_data.first", "terraform_data.twin"]
        wish = draw_wish(self.random, recorded, tainted, targets=targets, absent=[])
        # On the way to a resource Terraform takes modules without key as those without instances.
        inside = {item for item in wish.targets if item.startswith("module.")} - set(targets)
        return replace(wish, targets=tuple(item for item in wish.targets if item not in inside))

    # Text

    def files(self) -> dict[str, str]:
        """Return the files by path, in Terraform's words."""
        return {"main.tf": self._root(), "m/main.tf": self._middle(), "m/inner/main.tf": INNER}

    def _moves(self, folder: str) -> list[str]:
        return [
            f"moved {{\n  from = {source}\n  to   = {target}\n}}\n"
            for place, source, target in self.moved
            if place == folder
        ]

    def _root(self) -> str:
        parts = [
            f'variable "{name}" {{\n  type      = {type_}\n  default   = {self.values[name]}\n'
            f"  sensitive = {'true' if name == 'secret' else 'false'}\n}}\n"
            for name, type_ in TYPES.items()
        ]
        parts.append('locals {\n  both = "${var.word}-${var.size}"\n}\n')
        parts.append('resource "terraform_data" "first" {\n  input = local.both\n}\n')
        parts += [self._call_text(call) for call in self.calls.values()]
        if self.kept:
            parts.append('resource "terraform_data" "kept" {\n  input = var.word\n}\n')
        elif self.forget:
            parts.append(
                "removed {\n  from = terraform_data.kept\n"
                "  lifecycle {\n    destroy = false\n  }\n}\n"
            )
        call = self.calls["p"]
        single = f"module.{call.name}" + ("" if not call.repeats else "[*]")
        if "for_each" in call.repeats:
            single = f"values(module.{call.name})[*]"
        user = self.user.format(call=f"module.{call.name}", output=f"{single}.deep")
        triggers = ""
        if self.triggers:
            key = ""
            if "for_each" in self.repeats:
                key = "[each.key]"
            elif "count" in self.repeats:
                key = "[count.index]"
            triggers = (
                f"  lifecycle {{\n    replace_triggered_by = [terraform_data.twin{key}]\n  }}\n"
            )
        parts.append(
            f'resource "terraform_data" "twin" {{\n  {self.repeats}\n  input = var.word\n}}\n'
        )
        parts.append(
            # Terraform 1.11 does not mark what modules declare sensitive, and mlform does.
            f'resource "terraform_data" "user" {{\n  {self.repeats}\n'
            f"  input = nonsensitive(jsonencode({user}))\n{triggers}}}\n"
        )
        parts.append(
            f'check "health" {{\n  assert {{\n    condition     = {self.checked}\n'
            '    error_message = "no ${var.word}"\n  }\n}\n'
        )
        q = self.calls["q"]
        parts.append(f'output "q" {{\n  value     = module.{q.name}\n  sensitive = true\n}}\n')
        parts.append(
            'output "first" {\n  value = terraform_data.first.output\n  precondition {\n'
            '    condition     = var.word != "never"\n    error_message = "never"\n  }\n}\n'
        )
        return "\n".join(parts + self._moves(""))

    def _call_text(self, call: Call) -> str:
        depends = "  depends_on = [terraform_data.first]\n" if call.depends else ""
        return (
            f'module "{call.name}" {{\n  source = "./m"\n  {call.repeats}\n'
            f"  a      = {call.argument}\n  names  = {call.names}\n  size   = var.size\n"
            f"  secret = var.secret\n{depends}}}\n"
        )

    def _middle(self) -> str:
        splat = f"terraform_data.{self.x}[*]"
        if "for_each" in self.x_count:
            splat = f"values(terraform_data.{self.x})[*]"
        deep = self.deep.replace("terraform_data.{x}[*]", splat)
        text = MIDDLE.replace("X_NAME", self.x).replace("X_REPEATS", self.x_count)
        text = text.replace("X_ALL", splat).replace("INNER_REPEATS", self.inner_repeats)
        text = text.replace("INNER_ALL", "[*]" if self.inner_repeats else "")
        return "\n".join([text.replace("DEEP", deep), *self._moves("m")])


MIDDLE = """variable "a" {
  default = null
}

variable "names" {
  type    = list(string)
  default = []
}

variable "size" {
  type = number

  validation {
    condition     = var.size < 9
    error_message = "large"
  }
}

variable "secret" {
  type      = string
  sensitive = true
}

locals {
  upper = [for n in var.names : upper(n)]
}

resource "terraform_data" "X_NAME" {
  X_REPEATS
  input = [var.a, path.module]

  lifecycle {
    precondition {
      condition     = var.size >= 0
      error_message = "negative"
    }
  }
}

resource "terraform_data" "y" {
  for_each = toset(var.names)
  input    = { key = each.key, upper = local.upper, n = length(X_ALL) }
}

module "inner" {
  source = "./inner"
  INNER_REPEATS
  value = DEEP
}

output "deep" {
  value     = module.innerINNER_ALL.back
  sensitive = true
}

output "ys" {
  value = { for k, y in terraform_data.y : k => y.output }
}

output "xs" {
  value = X_ALL.output
}
"""
INNER = """variable "value" {}

resource "terraform_data" "z" {
  input            = var.value
  triggers_replace = length(jsonencode(nonsensitive(var.value)))
}

output "back" {
  value     = terraform_data.z.output
  sensitive = true
}
"""
