"""Files are wholly there or not at all, and folders come only where they are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from photos_engine.files import write_atomically


def test_a_missing_folder_is_made_only_on_request(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    with pytest.raises(FileNotFoundError):
        write_atomically(path, b"new")
    assert list(tmp_path.iterdir()) == []
    write_atomically(path, b"new", make_folders=True)
    assert path.read_bytes() == b"new"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
