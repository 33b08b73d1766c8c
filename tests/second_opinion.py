"""Our parser and python-hcl2 on the same text: both must see the same tree.

Both trees are brought to one plain form: nested tuples, traversals as flat chains, templates as
flat lists of parts. Heredocs, which python-hcl2 leaves as one token, are compared as "a heredoc".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

import hcl2
from lark import Token, Tree
from lark.exceptions import LarkError

from mlform.diagnostics import Source
from mlform.hcl import ast
from mlform.hcl.parser import parse

Plain = tuple[object, ...]

_HEREDOC: Plain = ("heredoc",)
_ESCAPE = re.compile(r'\\(?:([nrt"\\])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))')
_OPERATOR = re.compile(r"(?:\|\||&&|[=!<>]=|[<>+*/%-])$")
_SIMPLE = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_LITERALS = {"true": True, "false": False, "null": None}
_WRAPPERS = {
    "index_expr_term",
    "get_attr_expr_term",
    "attr_splat_expr_term",
    "full_splat_expr_term",
}


def same_tree(text: str) -> None:
    """Compare the trees that both parsers give for the text of a file.

    Raises:
        AssertionError: If the trees differ, or one of the parsers rejects the text.
    """
    body, problems = parse(Source("compared.hcl", text))
    assert not problems, f"mlform rejects it: {problems[0].summary} at {problems[0].range}"
    try:
        tree = hcl2.parses_to_tree(text)
    except LarkError as error:
        message = f"python-hcl2 rejects it: {error}"
        raise AssertionError(message) from error
    strip = "~" in text
    ours, theirs = _our_body(body, strip=strip), _their_body(_trees(tree)[0], strip=strip)
    assert ours == theirs, f"mlform:      {ours}\npython-hcl2: {theirs}"


# Our tree.


def _our_body(body: ast.Body, *, strip: bool) -> Plain:
    attributes = tuple(
        (each.name, _Ours(strip=strip).of(each.expression)) for each in body.attributes
    )
    blocks = tuple(
        (each.type, each.labels, _our_body(each.body, strip=strip)) for each in body.blocks
    )
    return ("body", attributes, blocks)


class _Ours:
    def __init__(self, *, strip: bool) -> None:
        self.strip = strip

    def of(self, node: ast.Expression) -> Plain:
        match node:
            case ast.Literal():
                plain = _literal(node.value)
            case ast.Template() if node.range.text.startswith("<<"):
                plain = _HEREDOC
            case ast.Template():
                plain = _template(self.parts(node.parts), strip=self.strip)
            case ast.Variable():
                plain = ("name", node.name)
            case ast.GetAttribute() | ast.Index() | ast.Splat() | ast.SplatItem():
                plain = ("chain", *self.chain(node))
            case ast.ForTuple() | ast.ForObject():
                plain = self.comprehension(node)
            case ast.Tuple():
                plain = ("tuple", self.all(node.items))
            case ast.Object():
                items = ((self.of(each.key), self.of(each.value)) for each in node.items)
                plain = ("object", tuple(items))
            case _:
                plain = self.operation(node)
        return plain

    def operation(
        self,
        node: ast.Call | ast.Conditional | ast.Binary | ast.Unary | ast.Parentheses,
    ) -> Plain:
        match node:
            case ast.Call():
                plain: Plain = ("call", node.name, self.all(node.arguments), node.expand_final)
            case ast.Conditional():
                plain = ("if", *self.all((node.condition, node.then, node.otherwise)))
            case ast.Binary():
                plain = ("binary", node.operator.value, *self.all((node.left, node.right)))
            case ast.Unary():
                plain = _unary(node.operator.value, self.of(node.operand))
            case _:
                plain = ("parentheses", self.of(node.inner))
        return plain

    def all(self, nodes: Iterable[ast.Expression]) -> Plain:
        return tuple(self.of(node) for node in nodes)

    def chain(self, node: ast.Expression) -> Plain:
        match node:
            case ast.GetAttribute():
                return (*self.chain(node.target), ("attribute", node.name))
            case ast.Index():
                return (*self.chain(node.target), ("index", self.of(node.key)))
            case ast.Splat():
                return (*self.chain(node.target), ("splat", node.full), *self.chain(node.each))
            case ast.SplatItem():
                return ()
            case _:
                return (self.of(node),)

    def comprehension(self, node: ast.ForTuple | ast.ForObject) -> Plain:
        condition = None if node.condition is None else self.of(node.condition)
        intro = (node.key, node.value, self.of(node.collection))
        if isinstance(node, ast.ForTuple):
            return ("for", intro, self.of(node.result), condition)
        result = (self.of(node.result_key), self.of(node.result), node.group)
        return ("for", intro, result, condition)

    def parts(self, parts: Iterable[ast.TemplatePart]) -> Iterator[Plain]:
        for part in parts:
            match part:
                case ast.Text():
                    yield ("text", part.value)
                case ast.Interpolation():
                    yield ("value", self.of(part.expression))
                case ast.IfDirective():
                    yield ("if", self.of(part.condition))
                    yield from self.parts(part.then)
                    yield ("else",)
                    yield from self.parts(part.otherwise)
                    yield ("endif",)
                case ast.ForDirective():
                    yield ("for", part.key, part.value, self.of(part.collection))
                    yield from self.parts(part.body)
                    yield ("endfor",)


# The tree of python-hcl2.


def _their_body(body: Tree[Token], *, strip: bool) -> Plain:
    theirs = _Theirs(strip=strip)
    attributes: list[Plain] = []
    blocks: list[Plain] = []
    for item in _trees(body):
        inner = _trees(item)
        if item.data == "attribute":
            attributes.append((_word(inner[0]), theirs.of(inner[1])))
        elif item.data == "block":
            names = [_label(each) for each in inner[:-1]]
            content = _their_body(inner[-1], strip=strip)
            blocks.append((names[0], tuple(names[1:]), content))
    return ("body", tuple(attributes), tuple(blocks))


def _trees(tree: Tree[Token]) -> list[Tree[Token]]:
    return [
        each
        for each in tree.children
        if isinstance(each, Tree) and each.data != "new_line_or_comment"
    ]


def _word(tree: Tree[Token]) -> str:
    return "".join(str(each) for each in tree.scan_values(lambda _: True))


def _label(tree: Tree[Token]) -> str:
    if tree.data != "string":
        return _word(tree)
    return "".join(_unescaped(_word(part)) for part in _trees(tree))


def _unescaped(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        return _SIMPLE[match[1]] if match[1] else chr(int(match[2] or match[3], 16))

    return _ESCAPE.sub(character, text.replace("$${", "${").replace("%%{", "%{"))


class _Theirs:
    def __init__(self, *, strip: bool) -> None:
        self.strip = strip

    def of(self, tree: Tree[Token]) -> Plain:
        kind, inner = str(tree.data), _trees(tree)
        if kind == "expr_term":
            return self.term(tree, inner)
        if kind == "conditional":
            return ("if", *self.all(inner))
        if kind == "binary_op":
            operator, right = _trees(inner[1])
            # The token of an operator has the comments and line breaks before it.
            sign = _OPERATOR.search(_word(operator))
            assert sign is not None
            return ("binary", sign[0], self.of(inner[0]), self.of(right))
        if kind == "unary_op":
            return _unary(str(tree.children[0]), self.of(inner[0]))
        raise TypeError(kind)

    def all(self, trees: Iterable[Tree[Token]]) -> Plain:
        return tuple(self.of(tree) for tree in trees)

    def term(self, tree: Tree[Token], inner: list[Tree[Token]]) -> Plain:
        if _is_grouped(tree):
            return ("parentheses", self.of(inner[0]))
        only = inner[0]
        kind = str(only.data)
        if kind in _WRAPPERS:
            return ("chain", *self.chain(tree))
        if kind in {"for_tuple_expr", "for_object_expr"}:
            return self.comprehension(only)
        return self.simple(only, kind)

    def simple(self, tree: Tree[Token], kind: str) -> Plain:
        match kind:
            case "int_lit" | "float_lit":
                plain = _literal(Decimal(_word(tree)))
            case "literal_value":
                plain = _literal(_LITERALS[_word(tree)])
            case "identifier":
                plain = ("name", _word(tree))
            case "string":
                plain = _template(self.parts(_trees(tree)), strip=self.strip)
            case "heredoc_template" | "heredoc_template_trim":
                plain = _HEREDOC
            case "tuple":
                plain = ("tuple", self.all(_trees(tree)))
            case "object":
                plain = ("object", tuple(self.item(each) for each in _trees(tree)))
            case "function_call":
                plain = self.call(tree)
            case _:
                raise TypeError(kind)
        return plain

    def item(self, tree: Tree[Token]) -> Plain:
        key, value = _trees(tree)
        inner = _trees(key)[0]
        word = _word(inner)
        bare = inner.data == "keyword" or re.fullmatch(r"[^\W\d][\w-]*", word)
        return (("template", (("text", word),)) if bare else self.of(inner), self.of(value))

    def call(self, tree: Tree[Token]) -> Plain:
        inner = _trees(tree)
        name = "::".join(_word(each) for each in inner if each.data == "identifier")
        lists = [each for each in inner if each.data == "arguments"]
        if not lists:
            return ("call", name, (), False)
        expand = any(each == "..." for each in lists[0].children)
        return ("call", name, self.all(_trees(lists[0])), expand)

    def chain(self, tree: Tree[Token]) -> Plain:
        inner = _trees(tree)
        kind = str(inner[0].data)
        if tree.data != "expr_term" or kind not in _WRAPPERS or _is_grouped(tree):
            return (self.of(tree),)
        target, step = _trees(inner[0])
        return (*self.chain(target), *self.steps(step))

    def steps(self, step: Tree[Token]) -> Iterator[Plain]:
        match str(step.data):
            case "get_attr":
                yield ("attribute", _word(step)[1:])
            case "short_index":
                yield ("attribute", _word(step)[1:])
            case "braces_index":
                yield ("index", self.of(_trees(step)[0]))
            case "attr_splat" | "full_splat":
                yield ("splat", step.data == "full_splat")
                for each in _trees(step):
                    yield from self.steps(each)
            case unexpected:
                raise TypeError(unexpected)

    def comprehension(self, tree: Tree[Token]) -> Plain:
        intro, *results = _trees(tree)
        condition: Plain | None = None
        if results[-1].data == "for_cond":
            condition = self.of(_trees(results.pop())[0])
        *names, collection = _trees(intro)
        words = [_word(name) for name in names]
        head = (words[0] if len(words) > 1 else None, words[-1], self.of(collection))
        if len(results) == 1:
            return ("for", head, self.of(results[0]), condition)
        group = any(each == "..." for each in tree.children)
        return ("for", head, (*self.all(results), group), condition)

    def parts(self, parts: Iterable[Tree[Token]]) -> Iterator[Plain]:
        has_else = [False]
        for part in parts:
            inner = _trees(part)
            if not inner:
                yield ("text", _unescaped(_word(part)))
                continue
            content = _trees(inner[0])
            match str(inner[0].data):
                case "interpolation":
                    yield ("value", self.of(content[0]))
                case "template_if_start":
                    has_else.append(False)
                    yield ("if", self.of(content[0]))
                case "template_else":
                    has_else[-1] = True
                    yield ("else",)
                case "template_endif":
                    if not has_else.pop():
                        yield ("else",)
                    yield ("endif",)
                case "template_for_start":
                    *names, collection = content
                    words = [_word(name) for name in names]
                    key = words[0] if len(words) > 1 else None
                    yield ("for", key, words[-1], self.of(collection))
                case "template_endfor":
                    yield ("endfor",)
                case unexpected:
                    raise TypeError(unexpected)


def _is_grouped(tree: Tree[Token]) -> bool:
    return any(isinstance(each, Token) and each.type == "LPAR" for each in tree.children)


# What both plain forms share.


def _literal(value: int | Decimal | bool | None) -> Plain:  # noqa: FBT001 - the literal itself
    if value is None or isinstance(value, bool):
        return ("literal", value)
    return ("number", Decimal(value).normalize())


def _unary(operator: str, operand: Plain) -> Plain:
    """Make a negative number of a minus and a number: python-hcl2 reads `-12` as one token."""
    if operator == "-" and operand[0] == "number" and isinstance(operand[1], Decimal):
        return ("number", -operand[1])
    return ("unary", operator, operand)


def _template(parts: Iterable[Plain], *, strip: bool) -> Plain:
    """Join texts; where `~` strips white space, leave it out around all of them."""
    joined: list[Plain] = []
    for part in parts:
        if part[0] != "text":
            joined.append(part)
            continue
        text = str(part[1])
        if joined and joined[-1][0] == "text":
            text = str(joined.pop()[1]) + text
        joined.append(("text", text))
    if strip:
        joined = [("text", str(each[1]).strip()) if each[0] == "text" else each for each in joined]
    return ("template", tuple(each for each in joined if each != ("text", "")))
