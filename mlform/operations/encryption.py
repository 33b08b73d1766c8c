"""How state and plans are encrypted: the `encryption` block and MLF_ENCRYPTION, resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from mlform.ciphers.base import CipherSettings, KeyProvider
from mlform.config.blocks import EncryptedBlock, EncryptionBlock
from mlform.config.early import EarlyScope, Item, items
from mlform.config.early_arguments import body_references, early_flag
from mlform.config.encryption_blocks import (
    UNENCRYPTED,
    VARIABLE,
    encryption_of_variable,
    merged,
    without_snippet,
)
from mlform.dataclass import dataclass, field, replace
from mlform.diagnostics import Diagnostic, Diagnostics, Source, SourceRange, did_you_mean
from mlform.hcl.ast import Attribute, Template
from mlform.lang.references import Reference
from mlform.lang.values import Mark
from mlform.operations.early_blocks import NOT_KNOWN
from mlform.operations.key_providers import SECRETS, provider_of

_Block = TypeVar("_Block")


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionSettings:
    """How state and plans are encrypted.

    Attributes:
        state: How states are; None where nothing is said.
        plan: How saved plans are; None where nothing is said.
        variables: Those of the root module that keys are made of.
    """

    state: CipherSettings | None = None
    plan: CipherSettings | None = None
    variables: frozenset[str] = frozenset()


def encryption_of(
    block: EncryptionBlock | None, variable: str, scope: EarlyScope, diagnostics: Diagnostics
) -> EncryptionSettings:
    """Return how state and plans are encrypted.

    Args:
        block: Of the root module, or None.
        variable: The value of `MLF_ENCRYPTION`.
        scope: Of the root module.
        diagnostics: Takes what is wrong; no problem shows a passphrase or a key.
    """
    given, problems = encryption_of_variable(variable)
    diagnostics.extend(problems)
    whole = merged(block, given)
    if whole is None:
        return EncryptionSettings()
    found = Diagnostics()
    variables = frozenset(_variables(whole, scope))
    resolving = _Resolving(
        block=whole,
        scope=_secretive(scope, variables),
        diagnostics=found,
        missing=frozenset(name for name in variables if _has_no_value(scope, name)),
    )
    settings = EncryptionSettings(
        state=resolving.settings(whole.state, "state"),
        plan=resolving.settings(whole.plan, "plan"),
        variables=variables,
    )
    _warn_of_literals(whole, found)
    secrets = tuple(_secrets(whole))
    diagnostics.extend(_discreet(problem, secrets) for problem in found)
    return settings


@dataclass(frozen=True, slots=True)
class _Method:
    """What a method encrypts with; None for plain text."""

    provider: KeyProvider | None


@dataclass(slots=True, kw_only=True)
class _Resolving:
    """An encryption block while it is resolved; each key provider in use is resolved once."""

    block: EncryptionBlock
    scope: EarlyScope
    diagnostics: Diagnostics
    missing: frozenset[str]
    _providers: dict[str, KeyProvider | None] = field(default_factory=dict)

    def settings(self, target: EncryptedBlock | None, what: str) -> CipherSettings | None:
        """Return how something is encrypted; None where nothing is said, or after a problem."""
        if target is None:
            return None
        if target.method is None:
            self.diagnostics.error(
                "Missing encryption method",
                f"Nothing says how the {what} is encrypted. Add method = method.aes_gcm.NAME, here "
                f"or in the environment variable {VARIABLE}.",
                range=target.range,
            )
            return None
        named = (target.method, *target.fallbacks)
        is_forbidden = self._is_forbidden(target, named)
        methods = [found for each in named if (found := self._method(each)) is not None]
        if is_forbidden or len(methods) < len(named):
            if not self.diagnostics.has_errors:  # nothing may be written as plain text instead
                self._unknown(target, what)
            return None
        first, *others = methods
        return CipherSettings(
            method=first.provider, fallbacks=tuple(each.provider for each in others)
        )

    def _unknown(self, target: EncryptedBlock, what: str) -> None:
        names = [f"var.{name}" for name in sorted(self.missing)]
        on = f"depends on {' and '.join(names)}, without value here" if names else "is not known"
        self.diagnostics.error(
            NOT_KNOWN,
            f"How the {what} is encrypted has to be known before anything else, but it {on}. Give "
            f"variables a value, such as in the environment as MLF_VAR_name; or set {VARIABLE}.",
            range=target.range,
        )

    def _is_forbidden(self, target: EncryptedBlock, named: tuple[Reference, ...]) -> bool:
        """Whether plain text is named where it is refused, or may be; says so."""
        before = len(self.diagnostics)
        flags = [
            early_flag(each, "enforced", self.scope, self.diagnostics) for each in target.enforced
        ]
        is_enforced = len(self.diagnostics) == before and any(flag is not False for flag in flags)
        for each in named if is_enforced else ():
            if each.steps[0] == UNENCRYPTED:
                self.diagnostics.error(
                    "Unencrypted method is forbidden",
                    f"{each} keeps plain text, which enforced = true refuses. Name another method; "
                    "while what exists is being encrypted or decrypted, leave enforced out.",
                    range=each.range,
                )
        return len(self.diagnostics) > before

    def _method(self, reference: Reference) -> _Method | None:
        """Return what a method encrypts with, or None after a problem."""
        method = self._declared(reference, "method", self.block.methods)
        if method is None:
            return None
        if method.keys is None:
            return _Method(None)
        block = self._declared(method.keys, "key provider", self.block.providers)
        if block is None:
            return None
        if block.address not in self._providers:
            found = provider_of(block, self.scope, self.diagnostics)
            self._providers[block.address] = found
        provider = self._providers[block.address]
        return None if provider is None else _Method(provider)

    def _declared(
        self, reference: Reference, what: str, known: Mapping[str, _Block]
    ) -> _Block | None:
        found = known.get(str(reference))
        if found is None:
            type_, name = map(str, reference.steps)
            alike = f"{reference.root}.{type_}."
            names = [each.removeprefix(alike) for each in known if each.startswith(alike)]
            self.diagnostics.error(
                f"Reference to undeclared {what}",
                f'There is no block {reference.root} "{type_}" "{name}" in the encryption block.'
                f"{did_you_mean(name, names)} Declare it, or name another one.",
                range=reference.range,
            )
        return found


def _variables(block: EncryptionBlock, scope: EarlyScope) -> Iterator[str]:
    """Return the variables of the root module that keys are made of, also through local values."""
    bodies = [each.body for each in block.providers.values()]
    waiting: list[Item] = [
        item for reference in body_references(bodies) for item in items(scope, reference)
    ]
    seen: set[tuple[int, str, str]] = set()
    while waiting:
        item = waiting.pop()
        if item.identity in seen:
            continue
        seen.add(item.identity)
        if item.root == "var":
            yield item.name
        waiting.extend(item.needs())


def _has_no_value(scope: EarlyScope, name: str) -> bool:
    value = scope.values.get(name)
    return value is None or not value.is_known


def _secretive(scope: EarlyScope, variables: frozenset[str]) -> EarlyScope:
    """Return a scope in which some variables are sensitive: no problem tells their values."""
    values = {
        name: value.with_marks(frozenset({Mark.SENSITIVE})) if name in variables else value
        for name, value in scope.values.items()
    }
    return EarlyScope(
        context=scope.context,
        folder=scope.folder,
        root_folder=scope.root_folder,
        variables=scope.variables,
        locals=scope.locals,
        values=values,
    )


def _written_secrets(block: EncryptionBlock) -> Iterator[Attribute]:
    for provider in block.providers.values():
        yield from (each for each in provider.body.attributes if each.name in SECRETS)


def _warn_of_literals(block: EncryptionBlock, diagnostics: Diagnostics) -> None:
    for each in _written_secrets(block):
        expression = each.expression
        in_file = not expression.range.filename.startswith(VARIABLE)
        if in_file and isinstance(expression, Template) and expression.constant is not None:
            diagnostics.warning(
                "Secret in a configuration file",
                f"The {each.name} is written in a file that goes into version control and into "
                f"saved plans. Take it from a variable, or set it in {VARIABLE}.",
                range=each.name_range,
            )


def _secrets(block: EncryptionBlock) -> Iterator[SourceRange]:
    """Return where secrets are spelled out."""
    for each in _written_secrets(block):
        place = each.expression.range
        if '"' in place.text or "<<" in place.text:
            yield place


def _discreet(problem: Diagnostic, secrets: tuple[SourceRange, ...]) -> Diagnostic:
    """Return a problem whose snippet shows no secret."""
    place = problem.range
    hidden = [each for each in secrets if place is not None and each.source is place.source]
    if place is None or not hidden:
        return without_snippet(replace(problem, values=()))
    text = place.source.text
    for each in hidden:
        stars = "".join(sign if sign in "\r\n" else "*" for sign in each.text)
        text = text[: each.start_offset] + stars + text[each.end_offset :]
    source = Source(place.filename, text)
    shown = SourceRange(source, place.start_offset, place.end_offset)
    return without_snippet(replace(problem, range=shown, context=None, values=()))
