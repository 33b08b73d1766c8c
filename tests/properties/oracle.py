"""Random configurations that both mlform and Terraform understand, and edits of them.

A configuration is data; `text` prints it in Terraform's words, mlform's follow by renaming the one
kind. Everything is drawn from one seeded generator, so a seed names a whole story of edits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random  # noqa: TID251 - seeded: cases are the same everywhere

NAMES = ("a", "b", "c", "d", "e")
VALUES = (
    '"x"',
    '"y"',
    "1",
    "2.5",
    "1/3",
    "true",
    "null",
    "[]",
    '["p", "q"]',
    '[1, "two", null]',
    "{ k = 1, l = [true] }",
    'toset(["t", "s"])',
    'tomap({ m = "n" })',
    '"${var.word}-z"',
    "var.word",
    "var.amount + 1",
    "var.words",
    "var.flag ? var.word : null",
    "[for w in var.words : upper(w)]",
    "{ for i, w in var.words : w => i }",
    "var.secret",
    "{ open = var.word, hidden = var.secret }",
    '"${var.secret}!"',
    "jsonencode({ a = var.amount })",
    "local.base",
    "local.derived",
)
VARIABLES = {
    "word": ('"one"', '"two"', '"three"'),
    "amount": ("1", "2", "10"),
    "words": ('["p"]', '["p", "q"]', '["q", "r"]'),
    "flag": ("true", "false"),
    "secret": ('"s1"', '"s2"'),
}
IMPORTED = "0123abcd-0000-4000-8000-00000000ffff"
"""Identity of what is imported."""
TYPES = {
    "word": "string",
    "amount": "number",
    "words": "list(string)",
    "flag": "bool",
    "secret": "string",
}


@dataclass(slots=True)
class Block:
    """A resource: what it repeats over, its arguments and lifecycle."""

    repeats: str
    how_many: str = ""
    input: str | None = None
    triggers: str | None = None
    depends_on: list[str] = field(default_factory=list)
    create_first: bool | None = None
    ignored: str = ""
    replaced_by: str = ""
    conditions: tuple[str, ...] = ()


CONDITIONS = (
    'precondition var.word != "never"',
    "precondition {before}.id != var.word",
    "postcondition self.id != var.word",
    "postcondition length(self.id) > 3",
)
"""All of them hold, some only after apply."""
CHECKS = (
    'var.word == "one"',
    "length(var.words) > 1",
    "{any} != null",
    '{any} == "x"',
    'jsonencode({any}) != ""',
)
"""They may hold."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of one step besides its configuration.

    Attributes:
        commands: Words of commands that change the state by hand, before the plan.
        mode: `normal`, `refresh-only` or `destroy`.
        targets: Addresses to limit the plan to.
        replaced: Addresses to replace.
        imported: Address of something to import, or empty.
    """

    commands: tuple[tuple[str, ...], ...] = ()
    mode: str = "normal"
    targets: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    imported: str = ""

    @property
    def text(self) -> str:
        """What stands in the configuration besides."""
        if not self.imported:
            return ""
        return f'import {{\n  to = {self.imported}\n  id = "{IMPORTED}"\n}}\n'

    @property
    def options(self) -> tuple[str, ...]:
        """The options of plan."""
        mode = () if self.mode == "normal" else (f"-{self.mode}",)
        targets = tuple(f"-target={address}" for address in self.targets)
        return (*mode, *targets, *(f"-replace={address}" for address in self.replaced))

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to do after it."""
        return self.mode == "normal" and not self.targets


def draw_wish(
    random: Random, recorded: list[str], tainted: list[str], targets: list[str], absent: list[str]
) -> Wish:
    """Draw what is asked of a step besides its configuration; often nothing.

    Args:
        random: Where chance comes from.
        recorded: Addresses in the state.
        tainted: Those of them that are tainted.
        targets: Addresses without keys that may be targets.
        absent: Addresses in the configuration that may be imported.
    """
    if random.random() < 0.4 or not recorded:
        return Wish()
    commands: list[tuple[str, ...]] = []
    if random.random() < 0.35:
        commands.append(_command(random, recorded, tainted))
    mode = random.choices(["normal", "refresh-only", "destroy"], [7, 2, 1])[0]
    gone = {words[2] for words in commands if words[0] == "state"}
    left = [address for address in recorded if address not in gone]
    chosen: tuple[str, ...] = ()
    # What was moved by hand Terraform no longer destroys with what it depended on.
    if random.random() < 0.4 and not (commands and mode == "destroy"):
        chosen = (random.choice([*left, *targets]),)
        if random.random() < 0.5 and targets:
            # Of a block that something else needs, Terraform takes a keyed instance alone.
            chosen = tuple(random.sample(targets, min(len(targets), 2)))
    replaced: tuple[str, ...] = ()
    if mode == "normal" and left and random.random() < 0.35:
        replaced = (random.choice(left),)
    imported = ""
    if absent and mode == "normal" and not (chosen or commands) and random.random() < 0.5:
        imported = random.choice(absent)
    return Wish(tuple(commands), mode, chosen, replaced, imported)


def _command(random: Random, recorded: list[str], tainted: list[str]) -> tuple[str, ...]:
    if tainted and random.random() < 0.5:
        return ("untaint", random.choice(tainted))
    address = random.choice(recorded)
    kind = random.choice(["taint", "taint", "rm", "mv"])
    if kind == "taint":
        return ("taint", address)
    unused = [item for item in ("free", "loose") if f"terraform_data.{item}" not in recorded]
    if kind == "rm" or not unused:
        return ("state", "rm", address)
    return ("state", "mv", address, f"terraform_data.{unused[0]}")


@dataclass(slots=True)
class Story:
    """A configuration that changes."""

    random: Random
    values: dict[str, str] = field(default_factory=dict)
    base: str = '"base"'
    derived: str = "[var.word, var.amount]"
    order: list[str] = field(default_factory=list)
    blocks: dict[str, Block] = field(default_factory=dict)
    repeats: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        """Draw a first configuration."""
        pick = self.random.choice
        self.values = {name: pick(choices) for name, choices in VARIABLES.items()}
        self.order = self.random.sample(NAMES, len(NAMES))
        self.repeats = {name: pick(["", "", "count", "for_each"]) for name in NAMES}
        for name in self.order[: self.random.randint(2, len(NAMES))]:
            self.blocks[name] = self._block(name)
        for name in ("o1", "o2"):
            self.outputs[name] = self._output()
        self._edit_check()

    def edit(self) -> None:
        """Change one to three things."""
        for _ in range(self.random.randint(1, 3)):
            kind = self.random.choice(
                [
                    "value",
                    "value",
                    "redraw",
                    "redraw",
                    "input",
                    "remove",
                    "add",
                    "order",
                    "output",
                    "base",
                    "length",
                    "length",
                    "lifecycle",
                    "check",
                ]
            )
            getattr(self, f"_edit_{kind}")()
        self._mend()

    def wish(self, recorded: list[str], tainted: list[str]) -> Wish:
        """Draw what is asked of the next step besides; often nothing."""
        blocks = [f"terraform_data.{name}" for name in self.blocks]
        single = [f"terraform_data.{name}" for name in self.blocks if not self.repeats[name]]
        absent = [address for address in single if address not in recorded]
        return draw_wish(self.random, recorded, tainted, targets=blocks, absent=absent)

    def _edit_value(self) -> None:
        name = self.random.choice(list(VARIABLES))
        self.values[name] = self.random.choice(VARIABLES[name])

    def _edit_redraw(self) -> None:
        name = self.random.choice(list(self.blocks))
        self.blocks[name] = self._block(name)

    def _edit_input(self) -> None:
        name = self.random.choice(list(self.blocks))
        self.blocks[name].input = self._value(name)

    def _edit_remove(self) -> None:
        if len(self.blocks) > 1:
            del self.blocks[self.random.choice(list(self.blocks))]

    def _edit_add(self) -> None:
        missing = [name for name in NAMES if name not in self.blocks]
        if missing:
            name = self.random.choice(missing)
            self.blocks[name] = self._block(name)

    def _edit_order(self) -> None:
        self.random.shuffle(self.order)
        for name, block in self.blocks.items():
            self.blocks[name] = self._block(name)
            self.blocks[name].triggers = block.triggers

    def _edit_output(self) -> None:
        self.outputs[self.random.choice(["o1", "o2", "o3"])] = self._output()
        if self.random.random() < 0.3:
            self.outputs.pop(self.random.choice(["o1", "o2", "o3"]), None)

    def _edit_base(self) -> None:
        self.base = self.random.choice(['"base"', '"other"', self._reference(len(NAMES))])

    def _edit_length(self) -> None:
        name = self.random.choice(list(self.blocks))
        self.blocks[name].how_many = self._how_many(self.repeats[name])

    def _edit_lifecycle(self) -> None:
        block = self.blocks[self.random.choice(list(self.blocks))]
        block.create_first = self.random.choice([None, True, False])

    def _edit_check(self) -> None:
        condition = self.random.choice(CHECKS)
        self.checks[self.random.choice(["k1", "k2"])] = condition.format(
            any=self._reference(len(NAMES))
        )
        if self.random.random() < 0.2:
            self.checks.pop(self.random.choice(["k1", "k2"]), None)

    def _mend(self) -> None:
        """Take out references to what is not there, or that would close a circle."""
        rank = {name: at for at, name in enumerate(self.order)}
        if not self._may_use(self.base, set(self.blocks)):
            self.base = '"base"'
        for name, block in self.blocks.items():
            fine = {item for item in self.blocks if rank[item] < rank[name]}
            block.depends_on = [item for item in block.depends_on if item in fine]
            texts = [block.input, block.triggers, block.replaced_by, *block.conditions]
            for text in texts:
                if text and not self._may_use(text, fine):
                    self.blocks[name] = self._block(name)
                    break
        for name, text in self.outputs.items():
            if not self._may_use(text, set(self.blocks)):
                self.outputs[name] = '"gone"'
        for name, text in self.checks.items():
            if not self._may_use(text, set(self.blocks)):
                self.checks[name] = CHECKS[0]

    def _may_use(self, text: str, fine: set[str]) -> bool:
        full = text + (self.base if "local.base" in text else "")
        return all(f"terraform_data.{name}" not in full for name in NAMES if name not in fine)

    def _block(self, name: str) -> Block:
        pick, chance = self.random.choice, self.random.random
        before = self._before(name)
        block = Block(
            repeats=self.repeats[name],
            how_many=self._how_many(self.repeats[name]),
            input=self._value(name) if chance() < 0.9 else None,
            triggers=self._value(name) if chance() < 0.35 else None,
        )
        if before and chance() < 0.2:
            block.depends_on = [pick(before)]
        if chance() < 0.25:
            block.create_first = pick([True, True, False])
        if chance() < 0.15:
            block.ignored = pick(["[input]", "[triggers_replace]", "all"])
        # Terraform 1.11 stops with an error where what triggers has no instances.
        single = [item for item in before if not self.repeats[item]]
        if single and chance() < 0.25:
            tail = pick(["", "", ".input", ".output", ".id"])
            block.replaced_by = f"terraform_data.{pick(single)}{tail}"
        if chance() < 0.3:
            kinds = [item for item in CONDITIONS if single or "{before}" not in item]
            needed = f"terraform_data.{pick(single)}" if single else ""
            block.conditions = tuple(
                item.format(before=needed)
                for item in self.random.sample(kinds, self.random.randint(1, 2))
            )
        return block

    def _how_many(self, repeats: str) -> str:
        if repeats == "count":
            return self.random.choice(["0", "1", "2", "3", "length(var.words)", "var.flag ? 2 : 1"])
        if repeats == "for_each":
            return self.random.choice(
                ["toset(var.words)", 'toset(["q", "z"])', "{ p = var.word, u = 1 }", "{}"]
            )
        return ""

    def _before(self, name: str) -> list[str]:
        return [item for item in self.order[: self.order.index(name)] if item in self.blocks]

    def _value(self, name: str) -> str:
        before = self._before(name)
        roll = self.random.random()
        if before and roll < 0.45:
            return self._reference_to(self.random.choice(before))
        text = self.random.choice(VALUES)
        if "local.base" in text and "terraform_data" in self.base:
            text = '"x"'
        repeats = self.repeats[name]
        if repeats and roll > 0.8:
            return {"count": '"n${count.index}"', "for_each": "[each.key, each.value]"}[repeats]
        return text

    def _reference(self, rank: int) -> str:
        known = [name for name in self.order[:rank] if name in self.blocks]
        return self._reference_to(self.random.choice(known)) if known else '"none"'

    def _reference_to(self, name: str) -> str:
        place = f"terraform_data.{name}"
        choices = {
            "": [
                f"{place}.output",
                f"{place}.input",
                f"{place}.id",
                f'"<${{try({place}.output.k, {place}.id)}}>"',
                f"[{place}.output, {place}.input]",
                f"{place}",
            ],
            "count": [
                f"{place}[*].output",
                f"length({place})",
                f"one({place}[*].id) == null",
                f"[for item in {place} : item.input]",
                f"{place}",
            ],
            "for_each": [
                f"values({place})[*].output",
                f"{{ for key, item in {place} : key => item.input }}",
                f"keys({place})",
                f"{place}",
            ],
        }
        if self.repeats[name] == "count":
            choices["count"] = [item for item in choices["count"] if "one(" not in item]
        return self.random.choice(choices[self.repeats[name]])

    def _output(self) -> str:
        if self.random.random() < 0.7:
            return self._reference(len(NAMES))
        return self.random.choice(VALUES)

    def text(self) -> str:
        """Print the configuration in Terraform's words."""
        lines: list[str] = []
        for name, value in self.values.items():
            lines += [f'variable "{name}" {{', f"  type = {TYPES[name]}", f"  default = {value}"]
            lines += ["  sensitive = true"] if name == "secret" else []
            lines += ["}"]
        lines += ["locals {", f"  base = {self.base}", f"  derived = {self.derived}", "}"]
        for name in self.order:
            if name in self.blocks:
                lines += self._block_lines(name, self.blocks[name])
        for name, text in self.outputs.items():
            # Whatever is sensitive may hide anywhere behind a reference.
            lines += [f'output "{name}" {{', f"  value = {text}", "  sensitive = true", "}"]
        for name, text in self.checks.items():
            lines += [f'check "{name}" {{', "  assert {", f"    condition = {text}"]
            lines += ['    error_message = "does not hold"', "  }", "}"]
        return "\n".join(lines) + "\n"

    def _may_be_unknown_map(self, block: Block) -> bool:
        """Whether an argument may be an unknown map, of which Terraform ignores no change."""
        written = f"{block.input} {block.triggers}"
        refers = "terraform_data." in written or "local.base" in written
        return refers and any("tomap(" in str(each.input) for each in self.blocks.values())

    def _block_lines(self, name: str, block: Block) -> list[str]:
        lines = [f'resource "terraform_data" "{name}" {{']
        if block.repeats:
            lines += [f"  {block.repeats} = {block.how_many}"]
        lines += [] if block.input is None else [f"  input = {block.input}"]
        lines += [] if block.triggers is None else [f"  triggers_replace = {block.triggers}"]
        if block.depends_on:
            lines += [f"  depends_on = [terraform_data.{block.depends_on[0]}]"]
        inside: list[str] = []
        if block.create_first is not None:
            inside += [f"    create_before_destroy = {str(block.create_first).lower()}"]
        if block.ignored and not self._may_be_unknown_map(block):
            inside += [f"    ignore_changes = {block.ignored}"]
        for text in block.conditions:
            kind, _, condition = text.partition(" ")
            inside += [f"    {kind} {{", f"      condition = {condition}"]
            inside += ['      error_message = "does not hold"', "    }"]
        inside += [f"    replace_triggered_by = [{block.replaced_by}]"] if block.replaced_by else []
        lines += ["  lifecycle {", *inside, "  }"] if inside else []
        return [*lines, "}"]
