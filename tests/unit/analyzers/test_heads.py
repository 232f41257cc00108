"""Raw numbers into tags and prints."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photos_engine.analyzers import Taxonomy
from photos_engine.analyzers.heads.prints import hamming
from photos_engine.analyzers.heads.tags import TagReader
from photos_engine.errors import ModelError, OutputMismatch

prints = st.binary(min_size=32, max_size=32)


@given(prints, prints, prints)
def test_hamming_is_a_distance(one: bytes, other: bytes, third: bytes) -> None:
    assert hamming(one, one) == 0
    assert hamming(one, other) == hamming(other, one) <= 256
    assert hamming(one, third) <= hamming(one, other) + hamming(other, third)


def test_hamming_counts_bits() -> None:
    assert hamming(b"\x00\xff", b"\x01\x0f") == 5


def read(path: Path, **thresholds: float) -> TagReader:
    path.write_text(json.dumps({"tags": [{"tag": t, "threshold": x} for t, x in thresholds.items()]}), encoding="utf-8")
    return TagReader.open(path, Taxonomy.load())


def test_tags_above_their_own_threshold_bring_what_they_imply(tmp_path: Path) -> None:
    reader = read(tmp_path / "scene.json", golden_retriever=0.5, dog=0.9, cat=0.2, pizza=0.8)
    tags = reader.read(np.array([0.7, 0.4, 0.1, 0.79], np.float32))
    assert set(tags) == {"golden_retriever", *Taxonomy.load().ancestors("golden_retriever")}
    assert tags["animal"] == tags["dog"] == pytest.approx(0.7)


def test_what_is_implied_keeps_its_own_probability_where_that_is_higher(tmp_path: Path) -> None:
    tags = read(tmp_path / "scene.json", golden_retriever=0.5, dog=0.9).read(np.array([0.6, 0.8], np.float32))
    assert list(tags.values()) == sorted(tags.values(), reverse=True)
    assert tags["dog"] == pytest.approx(0.8)


def test_a_model_that_knows_other_tags_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputMismatch, match="no_such_tag"):
        read(tmp_path / "scene.json", no_such_tag=0.5)


@pytest.mark.parametrize("text", ["", "[]", '{"tags": [{"tag": "dog"}]}', '{"tags": 3}'])
def test_broken_labels_are_a_model_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scene.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError):
        TagReader.open(path, Taxonomy.load())
