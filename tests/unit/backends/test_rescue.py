"""What a place does not take is kept on this machine."""

from __future__ import annotations

from pathlib import Path

from mlform.backends.rescue import rescue_into


def test_a_run_keeps_its_newest_snapshot_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "mlform.errored.mlfstate").write_bytes(b"of another run")
    rescue = rescue_into(tmp_path)
    place = rescue(b"1")
    assert place == str(tmp_path / "mlform.errored-2.mlfstate")
    assert rescue(b"2") == place
    assert Path(place).read_bytes() == b"2"
    assert Path(place).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "mlform.errored.mlfstate").read_bytes() == b"of another run"


def test_it_is_kept_elsewhere_where_the_folder_is_not_to_be_written_to(tmp_path: Path) -> None:
    rescue = rescue_into(tmp_path / "absent")
    place = Path(rescue(b"1"))
    assert place.read_bytes() == b"1"
    assert rescue(b"2") == str(place)
    place.unlink()
    place.parent.rmdir()
