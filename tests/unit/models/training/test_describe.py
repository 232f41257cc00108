"""The manifest promises what the heads give, and is one that the registry and the readers take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from photos_engine.analyzers import Taxonomy
from photos_engine.analyzers.heads.objects import ObjectReader
from photos_engine.analyzers.heads.tags import TagReader
from photos_engine.models.registry import load_manifest
from photos_engine.models.training import describe


def test_a_written_manifest_is_read_and_its_files_are_vouched_for(tmp_path: Path) -> None:
    taxonomy = Taxonomy.load()
    for name in (describe.IMAGE_MODEL, describe.TEXT_MODEL, describe.TOKENIZER):
        (tmp_path / name).write_bytes(name.encode())
    thresholds = np.linspace(0.3, 2, len(taxonomy)).astype(np.float32)
    contract = describe.Contract(thresholds, ("receipt",), ("dog", "cat"), (0.5, 2.0), np.array([0.25], np.float32))
    describe.write_manifest(tmp_path, taxonomy, contract)
    manifest = load_manifest(tmp_path)
    assert manifest.name == describe.NAME
    assert manifest.path(describe.IMAGE_MODEL).read_bytes() == b"ansa.onnx"
    tags = TagReader.open(manifest.path(describe.SCENE_LABELS), taxonomy)
    np.testing.assert_allclose(tags.thresholds, thresholds, atol=1e-4)
    things = ObjectReader.from_contract(manifest.outputs["objects"], taxonomy)
    assert things.thresholds.tolist() == [0.5, 2.0]
    assert manifest.outputs["utility"]["thresholds"] == [0.25]
    assert manifest.outputs["quality"]["shape"] == ["n", len(manifest.outputs["quality"]["scores"])]


def test_even_odds_need_no_thresholds(tmp_path: Path) -> None:
    taxonomy = Taxonomy.load()
    for name in (describe.IMAGE_MODEL, describe.TEXT_MODEL, describe.TOKENIZER):
        (tmp_path / name).write_bytes(b"")
    describe.write_manifest(tmp_path, taxonomy, describe.Contract(np.ones(len(taxonomy), np.float32), (), (), ()))
    assert "thresholds" not in load_manifest(tmp_path).outputs["utility"]
