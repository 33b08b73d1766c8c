"""References to the nodes they mean, with what is wrong where they mean none."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlform.addresses import ResourceAddress, print_path
from mlform.config.blocks import Config, Module, ModuleCall, ResourceBlock
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostics, did_you_mean
from mlform.graph.nodes import LocalNode, ModuleNode, Node, OutputNode, ResourceNode, VariableNode
from mlform.lang.references import Reference, name_range
from mlform.schema import ResourceSchema

CONTEXT_ROOTS = frozenset({"each", "count", "self", "path", "mlform", "terraform", "run"})
"""Roots that are there without being declared; where they are allowed is seen on resolving."""
_KEY_AFTER_NAME = r"[\w-]+\s*\.\s*[\w-]+\s*\["
_ROOTS = ("var", "local", "module", "path", "each", "count")


@dataclass(frozen=True, slots=True)
class Names:
    """What can be referred to in one module."""

    module: Module
    config: Config
    schemas: Mapping[str, ResourceSchema]
    diagnostics: Diagnostics

    def target(self, reference: Reference) -> Node | None:
        """Return the node that a reference means.

        None where it means none, after recording that, and where nothing has to be waited for:
        variables of the root module, `each`, `path` and the like.
        """
        if reference.root in CONTEXT_ROOTS:
            return None
        first = reference.steps[0] if reference.steps else None
        if not isinstance(first, str):
            self._report_bare(reference)
            return None
        match reference.root:
            case "var":
                self._check("input variable", "variable", first, self.module.variables, reference)
                inside = self.module.path and first in self.module.variables
                return VariableNode(first, self.module.path) if inside else None
            case "local":
                known = self._check("local value", "local", first, self.module.locals, reference)
                return LocalNode(first, self.module.path) if known else None
            case "module":
                return self._module(reference, first)
            case _:
                return self._resource(reference, first)

    def _resource(self, reference: Reference, name: str) -> Node | None:
        address = ResourceAddress(reference.root, name, None, self.module.path)
        block = self.module.resources.get(address)
        if block is not None:
            self._check_steps(reference, block)
            return ResourceNode(block.address)
        kinds = {item.kind for item in self.module.resources} | set(self.schemas)
        if reference.root == "resource":
            hint = " References drop the word resource: write KIND.NAME."
        elif reference.root in kinds:
            names = [item.name for item in self.module.resources if item.kind == reference.root]
            hint = did_you_mean(name, names)
            if names and not hint:
                hint = f" Declared are: {', '.join(sorted(names))}."
        else:
            hint = did_you_mean(reference.root, [*kinds, *_ROOTS])
        self.diagnostics.error(
            "Reference to undeclared resource",
            f'A resource "{reference.root}" "{name}" has not been declared in '
            f"{self._here()}.{hint}",
            range=name_range(reference),
        )
        return None

    def _check_steps(self, reference: Reference, block: ResourceBlock) -> None:
        """Record a problem if an instance key is missing or too much, or an attribute unknown."""
        rest = reference.steps[1:]
        if not rest:
            return
        address = f"{block.address.kind}.{block.address.name}"
        text = reference.range.text
        has_key = isinstance(rest[0], int) or ("[" in text and re.match(_KEY_AFTER_NAME, text))
        repeated = "count" if block.count is not None else "for_each"
        if block.count is None and block.for_each is None:
            if has_key:
                self.diagnostics.error(
                    "Unexpected resource instance key",
                    f'Because {address} does not have "count" or "for_each" set, there is just one '
                    "of it. Remove the key in brackets.",
                    range=reference.range,
                )
                return
        elif not has_key:
            example = "count.index" if block.count is not None else "each.key"
            self.diagnostics.error(
                "Missing resource instance key",
                f'Because {address} has "{repeated}" set, its attributes belong to one of its '
                f"instances. Write {address}[{example}].{rest[0]} for the instance that goes with "
                f"this one, or name another key.",
                range=reference.range,
            )
            return
        self._check_attribute(reference, block, rest[1:] if has_key else rest)

    def _check_attribute(
        self, reference: Reference, block: ResourceBlock, steps: tuple[str | int | None, ...]
    ) -> None:
        schema = self.schemas.get(block.address.kind)
        name = steps[0] if steps else None
        if schema is None or not isinstance(name, str):
            return
        body = schema.body
        if body.attribute(name) or body.block(name) or name in schema.exposed:
            return
        known = [
            *(each.name for each in body.attributes),
            *(each.name for each in body.blocks),
            *schema.exposed,
        ]
        listing = f" There are: {', '.join(sorted(known))}."
        self.diagnostics.error(
            "Unsupported attribute",
            f'{block.address.kind}.{block.address.name} has no attribute named "{name}".'
            f"{did_you_mean(name, known) or listing}",
            range=reference.range,
        )

    def _here(self) -> str:
        path = self.module.path
        return f"the module {print_path(path)}" if path else "this configuration"

    def _module(self, reference: Reference, name: str) -> Node | None:
        call = self.module.calls.get(name)
        if call is None:
            declared = self.module.calls
            listing = f" Declared are: {', '.join(sorted(declared))}." if declared else ""
            self.diagnostics.error(
                "Reference to undeclared module",
                f'There is no module call named "{name}" in {self._here()}.'
                f"{did_you_mean(name, declared) or listing}",
                range=name_range(reference),
            )
            return None
        child = self.config.modules.get(call.path)
        if child is None:  # it could not be loaded, which was reported
            return None
        wanted = reference.steps[1:]
        if is_repeated(call):
            if wanted and isinstance(wanted[0], str) and call.for_each is None:
                self._report_missing_key(reference, call, wanted[0])
                return None
            wanted = wanted[1:]
        if not wanted or not isinstance(wanted[0], str):
            return ModuleNode(call.path)
        return self._output(reference, child, wanted[0])

    def _output(self, reference: Reference, child: Module, name: str) -> Node | None:
        output = child.outputs.get(name)
        if output is None:
            names = ", ".join(sorted(child.outputs))
            known = f" Its outputs are: {names}." if names else " It has no outputs."
            self.diagnostics.error(
                "Unsupported attribute",
                f'The module {print_path(child.path)} has no output named "{name}".'
                f"{did_you_mean(name, child.outputs)}{known}",
                range=reference.range,
            )
            return None
        if output.deprecated:
            self.diagnostics.warning(
                "Deprecated value used",
                f"The output {name} of {print_path(child.path)} is deprecated: {output.deprecated}",
                range=reference.range,
            )
        return OutputNode(name, child.path)

    def _report_missing_key(self, reference: Reference, call: ModuleCall, name: str) -> None:
        self.diagnostics.error(
            "Missing resource instance key",
            f'Because module "{call.name}" has "count" set, its outputs belong to one of its '
            f"instances. Write module.{call.name}[0].{name} or module.{call.name}[count.index]."
            f"{name}, or module.{call.name}[*].{name} for all of them.",
            range=reference.range,
        )

    def _check(
        self,
        what: str,
        block: str,
        name: str,
        declared: Mapping[str, object],
        reference: Reference,
    ) -> bool:
        if name in declared:
            return True
        add = (
            f'Declare it with a variable "{name}" {{}} block.'
            if block == "variable"
            else f'Add "{name}" to a locals block.'
        )
        place = f" in the module {print_path(self.module.path)}" if self.module.path else ""
        self.diagnostics.error(
            f"Reference to undeclared {what}",
            f'There is no {what} named "{name}"{place}.{did_you_mean(name, declared)} {add}',
            range=name_range(reference),
        )
        return False

    def _report_bare(self, reference: Reference) -> None:
        known = [*self.schemas, *_ROOTS]
        if reference.root in known:
            detail = f"Write {reference.root}.NAME: a reference needs the name as well."
        else:
            detail = (
                f'"{reference.root}" alone is no reference. Put a text in quotes; refer to things '
                f"by var.NAME, local.NAME or KIND.NAME.{did_you_mean(reference.root, known)}"
            )
        self.diagnostics.error("Invalid reference", detail, range=reference.range)


def is_repeated(call: ModuleCall) -> bool:
    """Whether references to a module have to name one of several instances."""
    return call.count is not None or call.for_each is not None
