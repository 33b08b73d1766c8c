"""Whatever stands in configuration files, loading them ends with diagnostics, not exceptions."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mlform.config.early import EarlyContext
from mlform.config.folders import SavedFiles
from mlform.config.load import read_root
from mlform.lang.functions import FunctionContext, functions

CASES = Path(__file__).parents[1] / "golden" / "config"
CONTEXT = EarlyContext(functions=functions(FunctionContext()), partial=True)
FILES = {
    case.name: {
        path.relative_to(case).as_posix(): path.read_bytes()
        for path in sorted(case.rglob("*.mlf.*"))
    }
    for case in sorted(CASES.iterdir())
}
PIECES = [
    *(b"{", b"}", b"[", b"]", b'"', b"=", b"${", b".", b"\n", b"*", b"//", b"0", b"\x00", b"\xff"),
    *(b"local.a", b"var.x", b"each.key", b"null", b"true", b"all", b'["a"]', b"runtime.docker.a"),
    *(b"module.kid", b"lifecycle {", b"dynamic", b"resource", b"depends_on = [local.a]"),
]


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, bytes]:
    files = dict(FILES[draw(st.sampled_from([name for name, found in FILES.items() if found]))])
    for _ in range(draw(st.integers(1, 4))):
        name = draw(st.sampled_from(sorted(files)))
        start = draw(st.integers(0, len(files[name])))
        cut = draw(st.integers(0, 12))
        piece = draw(st.sampled_from(PIECES))
        files[name] = files[name][:start] + piece + files[name][start + cut :]
    if draw(st.booleans()):
        name = draw(st.sampled_from(sorted(files)))
        files["zz_override.mlf.hcl"] = files[name]
    return files


@settings(max_examples=200, deadline=None)
@given(damaged())
def test_damaged_files_give_problems_with_places_in_them(files: dict[str, bytes]) -> None:
    config, problems = read_root(SavedFiles(files)).load({}, context=CONTEXT)
    assert config.files.keys() <= files.keys()
    for problem in problems:
        assert problem.range is None or problem.range.filename in config.files
    assert len(set(map(repr, problems))) == len(problems)
