"""What tells pages from drawings: how it is learned, and what it is learned from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("segno")

from photos_engine.models.training import pages
from photos_engine.models.training.generate.drawings import DRAWERS, Drawer, drawing
from photos_engine.models.training.generate.fonts import Typefaces
from photos_engine.models.training.generate.studio import Studio


@pytest.fixture
def art(tmp_path: Path) -> list[Path]:
    figure = np.zeros((80, 60, 4), np.uint8)
    figure[20:60, 10:50] = (200, 30, 30, 255)
    Image.fromarray(figure).save(tmp_path / "square.png")
    return [tmp_path / "square.png"]


@pytest.fixture
def studio() -> Callable[[int], Studio]:
    return lambda seed: Studio(np.random.default_rng(seed), Typefaces.find(), [], [], False)


@pytest.mark.parametrize("draw", [draw for draw, _ in DRAWERS], ids=lambda draw: draw.__name__)
def test_every_drawer_puts_something_on_its_sheet(
    draw: Drawer, art: list[Path], studio: Callable[[int], Studio]
) -> None:
    for seed in range(5):
        assert np.asarray(draw(studio(seed), art).convert("RGB")).std() > 0.5


def test_a_drawing_depends_on_its_seed_alone(art: list[Path], studio: Callable[[int], Studio]) -> None:
    one, again, other = (np.asarray(drawing(studio(seed), art)) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert one.shape != other.shape or not np.array_equal(one, other)


def test_the_layer_tells_apart_what_can_be_told_apart_however_many_there_are() -> None:
    random = np.random.default_rng(0)
    sheets, others = (random.normal(0, 0.02, (count, 512)).astype(np.float32) for count in (20, 300))
    sheets[:, 0] -= 0.5
    others[:, 0] += 0.5
    weights, bias = pages.fit(sheets, others)
    assert (sheets @ weights + bias < 0).all()
    assert (others @ weights + bias > 0).all()


def test_the_file_is_entered_in_the_manifest_beside_it(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"name": "m", "files": {"a": {"bytes": 1}}}))
    for content in ("{}", '{"bias": 1}'):
        (tmp_path / "pages.json").write_text(content)
        pages._enter(tmp_path / "pages.json")
        files = json.loads((tmp_path / "manifest.json").read_text())["files"]
        assert set(files) == {"a", "pages.json"}
        assert files["pages.json"]["bytes"] == len(content)
