"""The installed models' words: prompts that ship with the engine are encoded once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from photos_engine.analyzers import Taxonomy
from photos_engine.installed import ModelWords
from photos_engine.models import registry
from photos_engine.types import FloatArray


class Tower:
    """Counts what it reads: texts of one length are one vector."""

    def __init__(self) -> None:
        self.read: list[tuple[str, ...]] = []

    def encode(self, texts: Sequence[str]) -> FloatArray:
        self.read.append(tuple(texts))
        return np.eye(64, 512, dtype=np.float32)[[len(text) for text in texts]]


@pytest.fixture
def tower() -> Tower:
    return Tower()


def words(folder: Path, tower: Tower, monkeypatch: pytest.MonkeyPatch) -> ModelWords:
    """As a process has them that has just started."""
    found = ModelWords(registry.load_manifest(), Taxonomy.load(), folder / "concepts.npz")
    monkeypatch.setattr(found, "_tower", lambda: tower)
    return found


def test_what_lasts_is_read_once(tmp_path: Path, tower: Tower, monkeypatch: pytest.MonkeyPatch) -> None:
    first = words(tmp_path, tower, monkeypatch).encode_lasting(["a", "bcd"])
    again = words(tmp_path, tower, monkeypatch).encode_lasting(["a", "bcd"])
    assert np.array_equal(first, again)
    assert tower.read == [("a", "bcd")]


def test_other_prompts_are_read(tmp_path: Path, tower: Tower, monkeypatch: pytest.MonkeyPatch) -> None:
    words(tmp_path, tower, monkeypatch).encode_lasting(["a"])
    assert words(tmp_path, tower, monkeypatch).encode_lasting(["bcd"])[0, 3] == 1
    assert tower.read == [("a",), ("bcd",)]


def test_a_damaged_file_is_made_again(tmp_path: Path, tower: Tower, monkeypatch: pytest.MonkeyPatch) -> None:
    words(tmp_path, tower, monkeypatch).encode_lasting(["a"])
    (path,) = tmp_path.glob("*.prompts")
    path.write_bytes(path.read_bytes()[:-50])
    assert words(tmp_path, tower, monkeypatch).encode_lasting(["a"])[0, 1] == 1
    assert words(tmp_path, tower, monkeypatch).encode_lasting(["a"])[0, 1] == 1
    assert len(tower.read) == 2
