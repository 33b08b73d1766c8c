"""Configurations of native syntax in the JSON syntax, in one of the many ways to write them."""

from __future__ import annotations

import json
from random import Random  # noqa: TID251 - seeded: cases are the same everywhere

from mlform.diagnostics import Source
from mlform.digests import Json
from mlform.hcl import ast
from mlform.hcl.parser import parse

_BARE = {"depends_on", "ignore_changes", "replace_triggered_by", "type"}
_LITERAL = {"default", "description", "sensitive", "create_before_destroy"}


def in_json(text: str, random: Random) -> str:
    """Return the text of a file in JSON syntax that says the same as one in native syntax."""
    body, problems = parse(Source("native", text))
    assert not problems, problems
    document = _Writer(random).body(body)
    if random.random() < 0.3 and isinstance(document, dict):
        return json.dumps([{name: value} for name, value in document.items()])
    return json.dumps(document, ensure_ascii=random.random() < 0.5, indent=random.choice([None, 2]))


class _Writer:
    def __init__(self, random: Random) -> None:
        self.random = random

    def body(self, body: ast.Body) -> Json:
        document: dict[str, Json] = {}
        if self.random.random() < 0.3:
            document["//"] = "a comment, ${of anything"
        for attribute in body.attributes:
            document[attribute.name] = self.argument(attribute)
        for type_ in dict.fromkeys(block.type for block in body.blocks):
            blocks = [block for block in body.blocks if block.type == type_]
            document[type_] = self.blocks([(block.labels, block.body) for block in blocks])
        return document

    def blocks(self, given: list[tuple[tuple[str, ...], ast.Body]]) -> Json:
        """Return blocks of one type: labels as objects, several contents as arrays."""
        if not given[0][0]:
            contents = [self.body(body) for _, body in given]
            alone = len(contents) == 1 and self.random.random() < 0.7
            return contents[0] if alone else contents
        by_label: dict[str, list[tuple[tuple[str, ...], ast.Body]]] = {}
        for labels, body in given:
            by_label.setdefault(labels[0], []).append((labels[1:], body))
        levels: dict[str, Json] = {label: self.blocks(rest) for label, rest in by_label.items()}
        if self.random.random() < 0.3:
            return [{label: content} for label, content in levels.items()]
        return levels

    def argument(self, attribute: ast.Attribute) -> Json:
        expression = attribute.expression
        if attribute.name in _LITERAL:
            return self.constant(expression)
        if attribute.name not in _BARE:
            return self.value(expression)
        if isinstance(expression, ast.Tuple):
            return [item.range.text for item in expression.items]
        return expression.range.text

    def constant(self, expression: ast.Expression) -> Json:
        """Return a value whose strings are their own text."""
        match expression:
            case ast.Literal():
                return _number(expression)
            case ast.Template():
                return expression.constant
            case ast.Tuple():
                return [self.constant(item) for item in expression.items]
            case _:
                raise TypeError(expression)

    def value(self, expression: ast.Expression) -> Json:
        """Return a value whose strings are templates."""
        whole = f"${{{expression.range.text}}}"
        if self.random.random() < 0.3 or "\n" in whole:
            return whole
        match expression:
            case ast.Literal():
                return _number(expression)
            case ast.Template():
                return expression.range.text[1:-1].replace('\\"', '"')
            case ast.Tuple():
                return [self.value(item) for item in expression.items]
            case ast.Object():
                return {self.key(item.key): self.value(item.value) for item in expression.items}
            case _:
                return whole

    def key(self, key: ast.Expression) -> str:
        constant = key.constant if isinstance(key, ast.Template) else None
        return f"${{{key.range.text}}}" if constant is None else constant


def _number(expression: ast.Literal) -> Json:
    found: Json = json.loads(expression.range.text)
    return found
