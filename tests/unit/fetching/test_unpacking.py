from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlform.errors import ModuleRefused
from mlform.fetching.limits import DEFAULT_LIMITS, Limits
from mlform.fetching.links import check_links
from mlform.fetching.unpacking import unpack
from tests.packages import tar_of, tar_of_entries, zip_of

FILES = {"main.mlf.hcl": b"# x\n", "sub/other.mlf.hcl": b"", "./dot/./x": b"y"}
MODES = {"tar": "w", "tar.gz": "w:gz", "tar.bz2": "w:bz2", "tar.xz": "w:xz"}


def unpacked(
    content: bytes, format_: str, folder: Path, limits: Limits = DEFAULT_LIMITS
) -> dict[str, bytes]:
    archive = folder / "archive"
    archive.write_bytes(content)
    target = folder / "target"
    target.mkdir(exist_ok=True)
    unpack(archive, format_, target, what="https://h/x", limits=limits)
    return {
        item.relative_to(target).as_posix(): item.read_bytes()
        for item in target.rglob("*")
        if item.is_file()
    }


def entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type = kind
    made.linkname = target
    return made


@pytest.mark.parametrize("format_", [*MODES, "zip"])
def test_all_formats_are_unpacked(format_: str, tmp_path: Path) -> None:
    content = zip_of(FILES) if format_ == "zip" else tar_of(FILES, mode=MODES[format_])
    assert unpacked(content, format_, tmp_path) == {
        "main.mlf.hcl": b"# x\n",
        "sub/other.mlf.hcl": b"",
        "dot/x": b"y",
    }


ESCAPES = ["../x", "/x", "a/../../x", "a\\..\\..\\x", "C:/x"]


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize("format_", ["zip", "tar.gz"])
def test_nothing_is_written_outside(name: str, format_: str, tmp_path: Path) -> None:
    files = {"good": b"", name: b"evil"}
    content = zip_of(files) if format_ == "zip" else tar_of(files)
    with pytest.raises(ModuleRefused) as caught:
        unpacked(content, format_, tmp_path)
    assert f'the entry "{name}" would be written outside' in caught.value.detail
    assert sorted(item.name for item in tmp_path.iterdir()) == ["archive", "target"]


@pytest.mark.parametrize(
    ("kind", "target", "said"),
    [
        (tarfile.SYMTYPE, "/etc/passwd", 'a link to "/etc/passwd"'),
        (tarfile.SYMTYPE, "../../x", 'a link to "../../x"'),
        (tarfile.LNKTYPE, "main.mlf.hcl", "a hard link"),
        (tarfile.CHRTYPE, "", "a device"),
        (tarfile.BLKTYPE, "", "a device"),
        (tarfile.FIFOTYPE, "", "a pipe"),
    ],
)
def test_special_files_are_refused(kind: bytes, target: str, said: str, tmp_path: Path) -> None:
    content = tar_of_entries([(entry("sub/bad", kind, target), b"")])
    with pytest.raises(ModuleRefused) as caught:
        unpacked(content, "tar.gz", tmp_path)
    assert '"sub/bad"' in caught.value.detail
    assert said in caught.value.detail


def test_links_inside_are_kept_and_never_written_through(tmp_path: Path) -> None:
    file = entry("a/file", tarfile.REGTYPE)
    file.size = 1
    content = tar_of_entries([(entry("link", tarfile.SYMTYPE, "a/file"), b""), (file, b"x")])
    assert unpacked(content, "tar.gz", tmp_path) == {"a/file": b"x", "link": b"x"}
    assert (tmp_path / "target" / "link").is_symlink()


def test_a_link_and_a_file_of_one_name_are_refused(tmp_path: Path) -> None:
    below = entry("link/file", tarfile.REGTYPE)
    below.size = 1
    content = tar_of_entries([(entry("link", tarfile.SYMTYPE, "a"), b""), (below, b"x")])
    with pytest.raises(ModuleRefused, match="twice"):
        unpacked(content, "tar.gz", tmp_path)


def test_links_that_lead_out_by_way_of_others_are_refused(tmp_path: Path) -> None:
    content = tar_of_entries(
        [
            (entry("a/b", tarfile.DIRTYPE), b""),
            (entry("a/b/up", tarfile.SYMTYPE, "../.."), b""),
            (entry("a/out", tarfile.SYMTYPE, "b/up/../x"), b""),
        ]
    )
    with pytest.raises(ModuleRefused, match="a/out"):
        unpacked(content, "tar.gz", tmp_path)


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(ModuleRefused, match="is a link to"):
        check_links(tmp_path, "x")


def test_zip_links_and_devices(tmp_path: Path) -> None:
    def archive(mode: int, body: str) -> bytes:
        info = zipfile.ZipInfo("bad")
        info.external_attr = mode << 16
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as made:
            made.writestr(info, body)
        return target.getvalue()

    with pytest.raises(ModuleRefused, match="is a link to"):
        unpacked(archive(stat.S_IFLNK | 0o777, "../x"), "zip", tmp_path)
    with pytest.raises(ModuleRefused, match="a device"):
        unpacked(archive(stat.S_IFCHR | 0o666, ""), "zip", tmp_path)


def test_an_entry_twice_is_refused(tmp_path: Path) -> None:
    one, two = entry("x", tarfile.REGTYPE), entry("x", tarfile.REGTYPE)
    with pytest.raises(ModuleRefused, match="twice"):
        unpacked(tar_of_entries([(one, b""), (two, b"")]), "tar.gz", tmp_path)
    with pytest.raises(ModuleRefused, match="twice"):
        unpacked(tar_of({"y": b"", "y/z": b""}), "tar.gz", tmp_path)


@pytest.mark.parametrize("format_", ["zip", "tar.gz", "tar.xz"])
def test_bombs_are_stopped(format_: str, tmp_path: Path) -> None:
    limits = Limits(unpacked=100_000)
    files = {"good": b"x", "bomb": bytes(3_000_000)}
    content = zip_of(files) if format_ == "zip" else tar_of(files, mode=MODES[format_])
    assert len(content) < 10_000
    with pytest.raises(ModuleRefused, match='more than 100,000 bytes; it was stopped at "bomb"'):
        unpacked(content, format_, tmp_path, limits)
    assert sum(item.stat().st_size for item in (tmp_path / "target").iterdir()) <= 100_001


@pytest.mark.parametrize("format_", ["zip", "tar.gz"])
def test_very_many_entries_are_stopped(format_: str, tmp_path: Path) -> None:
    files = {f"f{number}": b"" for number in range(30)}
    content = zip_of(files) if format_ == "zip" else tar_of(files)
    with pytest.raises(ModuleRefused, match="more than 20 entries"):
        unpacked(content, format_, tmp_path, Limits(entries=20))


def test_headers_that_claim_any_size_take_no_memory(tmp_path: Path) -> None:
    huge = entry("x", tarfile.XHDTYPE)
    huge.size = 1 << 40
    content = tar_of_entries([], mode="w")
    block = huge.tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(ModuleRefused):
        unpacked(block + content, "tar", tmp_path)


@pytest.mark.parametrize("format_", [*MODES, "zip"])
def test_what_is_no_archive_is_told(format_: str, tmp_path: Path) -> None:
    for content in (b"", b"<html>not found</html>", b"PK\x03\x04", b"\x1f\x8b\x08"):
        if format_ == "tar" and not content:
            continue  # an empty tar archive is one without entries
        with pytest.raises(ModuleRefused, match="cannot be unpacked"):
            unpacked(content, format_, tmp_path)


def test_programs_stay_programs_and_nothing_more(tmp_path: Path) -> None:
    program = entry("run.sh", tarfile.REGTYPE)
    program.mode = 0o6777
    unpacked(tar_of_entries([(program, b"")]), "tar.gz", tmp_path)
    mode = (tmp_path / "target" / "run.sh").stat().st_mode
    assert stat.S_IMODE(mode) == 0o755


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None
)
@given(
    format_=st.sampled_from(["zip", *MODES]),
    damage=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=8),
)
def test_damaged_archives_are_refused_or_unpacked_inside(
    format_: str, damage: list[tuple[float, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(zip_of(FILES) if format_ == "zip" else tar_of(FILES, mode=MODES[format_]))
    for place, value in damage:
        content[int(place * len(content))] = value
    folder = tmp_path_factory.mktemp("damaged")
    with suppress(ModuleRefused):
        unpacked(bytes(content), format_, folder, Limits(unpacked=1 << 20))
    assert {item.name for item in folder.iterdir()} == {"archive", "target"}
