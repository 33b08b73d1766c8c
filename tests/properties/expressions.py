"""Random expressions, well and ill typed, that mlform and Terraform both understand.

They refer to the locals of `LOCALS`, some of which are unknown, sensitive or ephemeral. Everything
is drawn from one seeded generator, so a seed names its expressions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random  # noqa: TID251 - seeded: cases are the same everywhere

LOCALS = """\
u = terraform_data.u.id
us = tostring(terraform_data.u.id)
un = tonumber(terraform_data.u.id)
ub = tobool(terraform_data.u.id)
ul = split(",", terraform_data.u.id)
um = zipmap(split(",", terraform_data.u.id), split(",", terraform_data.u.id))
uo = terraform_data.u.id == "x" ? { a = "1", n = 1 } : { a = "22", n = 5 }
ut = terraform_data.u.id == "x" ? ["p1", 2] : ["p2", 3]
us2 = terraform_data.u.id == "x" ? "pre-1" : "pre-2"
un2 = terraform_data.u.id == "x" ? 1 : 10
ul2 = terraform_data.u.id == "x" ? tolist(["a"]) : tolist(["a", "b"])
pu = ["k", terraform_data.u.id, 3]
po = { a = terraform_data.u.id, b = "two" }
s = sensitive("sec")
sn = sensitive(3)
sl = sensitive(["a", "b"])
so = { a = sensitive("x"), b = "y" }
n = 7
f = 2.5
neg = -3
str = "héllo wörld"
l = ["a", "b", "c"]
tl = tolist(["c", "a", "b", "a"])
nl = tolist([3, 1, 2])
set = toset(["b", "a"])
m = { one = 1, two = "2", three = true }
tm = tomap({ x = "1", y = "2" })
objs = [{ id = "a", n = 1, sub = [{ k = "x" }] }, { id = "b", n = 2, sub = [] }]
lo = tolist([{ id = "a", n = 1 }, { id = "b", n = null }])
nul = null
ns = tostring(null)
nlist = true ? null : tolist(["a"])
e = var.eph
eo = { a = var.eph, b = 1 }
"""

_NAMES = {
    "string": ["us", "us2", "s", "str", "ns", "u", "e"],
    "number": ["un", "un2", "sn", "n", "f", "neg"],
    "bool": ["ub"],
    "list": ["ul", "ul2", "ut", "pu", "sl", "l", "tl", "nl", "objs", "lo", "nlist"],
    "set": ["set"],
    "map": ["um", "uo", "po", "so", "m", "tm", "eo"],
    "null": ["nul", "ns", "nlist"],
}
_CONSTANTS: dict[str, tuple[str, ...]] = {
    "string": (
        '"a"', '"b"', '""', '"x"', '"A B-c_d"', '"12"', '"-1.5"', '"true"', '"é"', '"e\\u0301x"',
        '"a,b"', '"  pad "', '"a\\nb\\n"', '"one"', '"ß"', '"1e3"', '"$${x}"', '"<&>"', '"ǆ"',
    ),
    "number": (
        "0", "1", "2", "-1", "10", "0.5", "1.5", "-2.5", "1e3", "100000000000000000000", "1e-7",
        "0.1", "123456789.125", "1/3",
    ),
    "bool": ("true", "false"),
    "null": ("null",),
    "base": ("2", "10", "16", "36", "62", "1"),
    "format": (
        '"%s"', '"%d"', '"%v-%v"', '"%#v"', '"%5s|%-5s"', '"%05d"', '"%.2f"', '"%x"', '"%q"',
        '"%t"', '"%%"', '"a%s"', '"%[2]s%[1]s"', '"%e"', '"%g"', '"%+d"', '"%b"', '"%z"', '"% d"',
        '"%.3s"',
    ),
    "pattern": (
        '"a"', '"(a)(b)?"', '"(?P<x>[a-z]+)"', '"[0-9]+"', '"("', '"\\\\w+"', '"."', '"(?i)A"',
        '"x*"', '"(?P<a>.)(?P<b>.)?"', '"\\\\pL+"', '"a{1,3}"', '"(?P<x>a)(b)"',
    ),
    "part": ('"a"', '"/a(.)/"', '"/(?P<n>[a-z])/"', '"/(/"', '","', '""', '"/x*/"', '"/"'),
    "base64": ('"aGk="', '"!!"', '"YQ=="', '"/w=="', '"aGk"', '""', '"4pyT"'),
    "charset": ('"UTF-16LE"', '"utf-8"', '"ISO-8859-1"', '"windows-1252"', '"nope"', '"US-ASCII"'),
    "csv": ('"a,b\\n1,2"', '"a,a\\n1,2"', '"a\\n\\"q\\n\\"\\n"', '""', '"a,b\\n1"', '"a\\n\\"x"'),
    "json": (
        '"{}"', '"[1,2.50,\\"x\\",null,true]"', '"{\\"a\\":{\\"b\\":[]}}"', '"nope"', '"[1,]"',
        '" 1 "', '"1 2"', '"{\\"a\\":1,\\"a\\":2}"', '"01"',
    ),
    "yaml": (
        '"a: 1\\nb: [x, 2.5, null, ~, yes, on]"', '"- 0x1F\\n- 0o17\\n- 017\\n- 1_000\\n- .inf"',
        '"{a: b"', '"a: &x 1\\nb: *x"', '""', '"--- 1\\n--- 2"', '"2020-01-02"', '"!foo 1"',
        '"a: |\\n  t\\n  u\\n"', '"1: 2\\ntrue: 3"',
    ),
    "layout": (
        '"YYYY-MM-DD"', '"DD MMM YYYY hh:mm:ss ZZZ"', '"EEEE, DD-MMM-YY h:mm aa"', '"Q"',
        '"HH AA ZZZZZ"', '"\'open"', '"HHH"',
    ),
    "time": (
        '"2020-01-02T03:04:05Z"', '"2020-02-29T23:59:59+01:30"', '"2020-13-01T00:00:00Z"', '"nope"',
        '"2020-01-02T03:04:05.678Z"', '"2020-01-02"',
    ),
    "duration": ('"1h"', '"-30m"', '"1.5h"', '"10s500ms"', '"1d"', '""', '"0"'),
    "namespace": ('"dns"', '"url"', '"6ba7b810-9dad-11d1-80b4-00c04fd430c8"', '"nope"'),
    "cidr": ('"10.0.0.0/8"', '"192.168.0.0/30"', '"fd00::/48"', '"10.0.0.0"', '"10.0.0.0/33"'),
}  # fmt: skip
# result and parameters of each function: `*` any number of them, `?` maybe one
_SIGNATURES = """\
abs number number
ceil number number
floor number number
signum number number
max number number *number
min number number *number
parseint number string base
sum number list
alltrue bool bools
anytrue bool bools
chunklist list list number
coalesce any any *any
coalescelist list list *list
compact list list
concat list list *list
contains bool list any
distinct list list
element any list number
flatten list list
keys list map
values list map
length number any
lookup any map string any
merge map *map
one any list
range list number ?number ?number
reverse list list
setintersection set set *set
setproduct list list *list
setsubtract set set set
setunion set set *set
slice list list number number
sort list list
transpose map lists
zipmap map list list
chomp string string
endswith bool string string
startswith bool string string
strcontains bool string string
format string format *any
formatlist list format *any
indent string number string
join string string *list
lower string string
upper string string
title string string
regex any pattern string
regexall list pattern string
replace string string part string
split list string string
strrev string string
substr string string number number
trim string string string
trimprefix string string string
trimsuffix string string string
trimspace string string
base64decode string base64
base64encode string string
csvdecode list csv
jsondecode any json
jsonencode string any
yamldecode any yaml
yamlencode string any
urlencode string string
textencodebase64 string string charset
textdecodebase64 string base64 charset
formatdate string layout time
timeadd string time duration
timecmp number time time
sha256 string string
uuidv5 string namespace string
cidrhost string cidr number
cidrnetmask string cidr
cidrsubnet string cidr number number
cidrsubnets list cidr *number
can bool any
try any any any
tobool bool any
tolist list any
tomap map any
tonumber number any
toset set any
tostring string any
sensitive any any
issensitive bool any
ephemeralasnull any any
"""
_FUNCTIONS: dict[str, tuple[str, list[str]]] = {
    words[0]: (words[1], words[2:]) for words in map(str.split, _SIGNATURES.splitlines())
}
_KINDS = ("string", "string", "number", "number", "bool", "list", "list", "map", "map", "set")
_LONGEST = 400


class Expressions:
    """Draws expressions."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - a generator of cases
        self._bound: list[str] = []

    def draw(self, depth: int) -> str:
        """Return an expression of any type, so many levels deep at most."""
        while True:
            self._bound = []
            text = self._expression("any", depth)
            if len(text) < _LONGEST:
                return text

    def _pick(self, choices: Sequence[str]) -> str:
        return self._random.choice(choices)

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _expression(self, kind: str, depth: int) -> str:
        if kind in _CONSTANTS and kind not in _NAMES:
            if self._chance(0.9):
                return self._pick(_CONSTANTS[kind])
            kind = "string"
        if kind in {"bools", "lists"}:
            return self._elements(kind, depth)
        if kind == "any" or self._chance(0.06):
            kind = self._pick((*_KINDS, "null"))
        if depth <= 0 or self._chance(0.12):
            return self._leaf(kind)
        return self._compound(kind, depth)

    def _compound(self, kind: str, depth: int) -> str:
        drawn = self._random.random()
        if drawn < 0.1:
            return self._conditional(kind, depth)
        if drawn < 0.2:
            return self._access(depth)
        if drawn < 0.6:
            called = self._call(kind, depth)
            if called:
                return called
        makers: dict[str, Callable[[int], str]] = {
            "string": self._template,
            "number": self._calculation,
            "bool": self._comparison,
            "list": self._list,
            "set": lambda inner: f"toset({self._list(inner)})",
            "map": self._map,
        }
        return makers[kind](depth) if kind in makers else self._leaf(kind)

    def _leaf(self, kind: str) -> str:
        if self._bound and self._chance(0.4):
            return self._pick(self._bound)
        if kind in _CONSTANTS and self._chance(0.65):
            return self._pick(_CONSTANTS[kind])
        if self._chance(0.8):
            return "local." + self._pick(_NAMES[kind])
        return {"list": "[]", "map": "{}", "set": "toset([])"}.get(kind, "null")

    def _elements(self, kind: str, depth: int) -> str:
        if kind == "bools":
            return f"[{', '.join(self._some('bool', depth - 2))}]"
        keys = self._random.sample(["a", "b", "c"], self._random.randint(0, 3))
        items = [f"{key} = {self._expression('list', depth - 2)}" for key in keys]
        return f"{{ {', '.join(items)} }}"

    def _some(self, kind: str, depth: int) -> list[str]:
        return [self._expression(kind, depth) for _ in range(self._random.randint(0, 3))]

    def _conditional(self, kind: str, depth: int) -> str:
        other = kind if self._chance(0.7) else "any"
        condition = self._expression("bool", depth - 1)
        then, otherwise = self._expression(kind, depth - 1), self._expression(other, depth - 1)
        return f"({condition} ? {then} : {otherwise})"

    def _call(self, kind: str, depth: int) -> str:
        names = [
            name
            for name, (result, _) in _FUNCTIONS.items()
            if result == kind or (result == "any" and self._chance(0.3))
        ]
        if not names:
            return ""
        name = self._pick(names)
        arguments: list[str] = []
        for parameter in _FUNCTIONS[name][1]:
            plain = parameter.lstrip("*?")
            times = 1
            if parameter != plain:
                times = self._random.randint(0, 2 if parameter[0] == "*" else 1)
            arguments += [self._expression(plain, depth - 1) for _ in range(times)]
        drawn = self._random.random()
        if drawn < 0.02 and arguments:
            arguments.pop()
        elif drawn < 0.03:
            arguments.append(self._expression("any", depth - 1))
        elif drawn < 0.07 and arguments:
            arguments[-1] = self._expression(self._pick(("list", "set")), depth - 1) + "..."
        return f"{name}({', '.join(arguments)})"

    def _access(self, depth: int) -> str:
        drawn = self._random.random()
        sequence = self._expression("list", depth - 1)
        mapping = self._expression("map", depth - 1)
        if drawn < 0.2:
            return f"({mapping}).{self._pick(('a', 'b', 'one', 'x', 'id'))}"
        if drawn < 0.35:
            return f"{mapping}[{self._expression('string', depth - 1)}]"
        if drawn < 0.6:
            return f"{sequence}[{self._expression('number', depth - 1)}]"
        if drawn < 0.75:
            return f"{sequence}[*]" + self._pick(("", ".id", ".n", ".sub[*].k", ".sub", "[0]"))
        if drawn < 0.85:
            return f"{sequence}.*" + self._pick(("", ".id", ".n"))
        return f"{self._expression('any', depth - 1)}[*]"

    def _template(self, depth: int) -> str:
        drawn = self._random.random()
        if drawn < 0.6:
            parts = [
                self._pick(("a", "-", " ", "é", "\\n", "$${", "%%{", '\\"'))
                if self._chance(0.4)
                else f"${{{self._expression(self._pick(('string', 'number', 'any')), depth - 1)}}}"
                for _ in range(self._random.randint(1, 3))
            ]
            return f'"{"".join(parts)}"'
        if drawn < 0.8:
            condition = self._expression("bool", depth - 1)
            then = self._expression("string", depth - 2)
            return f'"%{{ if {condition} }}${{{then}}}%{{ else }}x%{{ endif }}"'
        collection = self._expression(self._pick(("list", "map", "set")), depth - 1)
        names, inner = self._inside("string", depth - 2)
        return f'"%{{ for {names} in {collection} ~}} <${{{inner}}}> %{{ endfor }}"'

    def _calculation(self, depth: int) -> str:
        if self._chance(0.15):
            return f"-({self._expression('number', depth - 1)})"
        left, right = self._expression("number", depth - 1), self._expression("number", depth - 1)
        return f"({left} {self._pick('+-*/%')} {right})"

    def _comparison(self, depth: int) -> str:
        drawn = self._random.random()
        kind, operators = "any", ("==", "!=")
        if drawn < 0.3:
            kind = self._pick(_KINDS)
        elif drawn < 0.6:
            kind, operators = "number", ("<", ">")
        elif drawn < 0.85:
            kind, operators = "bool", ("&&", "||")
        else:
            return "!" + self._expression("bool", depth - 1)
        left, right = self._expression(kind, depth - 1), self._expression(kind, depth - 1)
        return f"({left} {self._pick(operators)} {right})"

    def _inside(self, kind: str, depth: int) -> tuple[str, str]:
        """Return the names that a loop binds, and an expression that may use them."""
        name = self._pick(("v", "w")) + str(self._random.randint(0, 9))
        names = [f"{name}k", name] if self._chance(0.3) else [name]
        before = self._bound
        self._bound = [*before, *names]
        inner = self._expression(kind, depth)
        if kind == "any" and self._chance(0.3):
            inner += f" if {self._expression('bool', depth)}"
        self._bound = before
        return ", ".join(names), inner

    def _list(self, depth: int) -> str:
        if self._chance(0.5):
            return f"[{', '.join(self._some(self._pick(_KINDS), depth - 1))}]"
        collection = self._expression(self._pick(("list", "list", "map", "set")), depth - 1)
        names, inner = self._inside("any", depth - 1)
        return f"[for {names} in {collection} : {inner}]"

    def _map(self, depth: int) -> str:
        if self._chance(0.6):
            names = self._random.sample(["a", "b", "one", "id", "x"], self._random.randint(0, 3))
            items = [
                f"{self._key(name, depth - 1)} = {self._expression('any', depth - 1)}"
                for name in names
            ]
            return f"{{ {', '.join(items)} }}"
        collection = self._expression(self._pick(("list", "map", "set")), depth - 1)
        bound, inner = self._inside("string", depth - 1)
        group = "..." if self._chance(0.3) else ""
        return f"{{ for {bound} in {collection} : {inner} => {bound[-2:]}{group} }}"

    def _key(self, name: str, depth: int) -> str:
        return name if self._chance(0.8) else f"({self._expression('string', depth)})"
