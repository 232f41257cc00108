"""Mining: what is found first, and that nothing is looked at twice."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from photos_engine.analyzers import Taxonomy
from photos_engine.errors import ConfigError, NotFound
from photos_engine.models import mine
from photos_engine.models.sight import Sight
from photos_engine.types import UTILITY_KINDS


@pytest.fixture(scope="module")
def sight() -> Sight:
    return Sight.open()


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, array in {"cat": data.chelsea(), "coffee": data.coffee(), "rocket": data.rocket()}.items():
        Image.fromarray(array).save(folder / f"{name}.png")
    return sorted(folder.iterdir())


def _views(count: int) -> mine.Views:
    tags = len(Taxonomy.load())
    return mine.Views(
        np.array([f"{number}.jpg" for number in range(count)]), np.zeros((count, 2), np.int64),
        np.eye(count, 512, dtype=np.float32), np.zeros((count, tags), np.float32),
        np.zeros((count, len(UTILITY_KINDS)), np.float32),
    )  # fmt: skip


def test_the_likest_comes_first() -> None:
    wanted = np.zeros(512, np.float32)
    wanted[[1, 2]] = 0.6, 0.8
    assert [find.path.name for find in mine.by_likeness(_views(3), wanted)] == ["2.jpg", "1.jpg", "0.jpg"]


def test_the_undecided_comes_first_on_whichever_side() -> None:
    finds = mine.by_boundary(_views(4), np.array([0.01, 0.95, 0.7, 0.55], np.float32), 0.6)
    assert [find.path.name for find in finds] == ["3.jpg", "2.jpg", "1.jpg", "0.jpg"]
    assert finds[0].score == pytest.approx(-(np.log(0.6 / 0.4) - np.log(0.55 / 0.45)), abs=1e-5)


def test_a_boundary_is_a_tags_threshold_or_even_odds(sight: Sight) -> None:
    views = _views(2)
    column = [tag.id for tag in sight.taxonomy.tags].index("dog")
    chances, threshold = mine.boundary_of("dog", views, sight)
    assert threshold == pytest.approx(float(sight.thresholds[column]))
    assert chances.shape == (2,)
    assert mine.boundary_of("utility:receipt", views, sight)[1] == 0.5
    with pytest.raises(NotFound):
        mine.boundary_of("no such tag", views, sight)
    with pytest.raises(ConfigError):
        mine.boundary_of("utility:nothing", views, sight)


def test_a_look_is_remembered_until_the_file_changes(
    pictures: list[Path], sight: Sight, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = tmp_path / "views.npz"
    with caplog.at_level("INFO"):
        first = mine.look(pictures, sight, cache)
        again = mine.look(pictures, sight, cache)
        os.utime(pictures[0], ns=(1, 1))
        third = mine.look(pictures, sight, cache)
    assert [record.message for record in caplog.records] == [
        "3 pictures: 3 seen now, 0 remembered", "3 pictures: 0 seen now, 3 remembered",
        "3 pictures: 1 seen now, 2 remembered",
    ]  # fmt: skip
    np.testing.assert_array_equal(first.embeddings, again.embeddings)
    assert sorted(third.paths) == sorted(map(str, pictures))


def test_a_bad_picture_is_left_out_and_a_bad_cache_refused(pictures: list[Path], sight: Sight, tmp_path: Path) -> None:
    pictures[1].write_bytes(b"no picture")
    assert sorted(mine.look(pictures, sight).paths) == [str(pictures[0]), str(pictures[2])]
    cache = tmp_path / "views.npz"
    for content in (b"no cache", b"PK\x03\x04 half a one"):
        cache.write_bytes(content)
        with pytest.raises(ConfigError, match=r"views\.npz"):
            mine.look(pictures, sight, cache)


def test_the_command_finds_by_words_and_draws_what_it_found(
    pictures: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "sheet.jpg"
    argv = ["mine", "--data", str(pictures[0].parent), "--text", "a cat", "--limit", "2", "--contact-sheet", str(sheet)]
    monkeypatch.setattr(sys, "argv", argv)
    mine.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("cat.png")
    with Image.open(sheet) as drawn:
        assert drawn.width == mine.CELL_PX * mine.COLUMNS
    assert sorted(path.name for path in pictures[0].parent.iterdir()) == ["cat.png", "coffee.png", "rocket.png"]


def test_the_command_tells_of_unknown_tags_in_one_line(pictures: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["mine", "--data", str(pictures[0].parent), "--boundary", "nonsense"])
    with pytest.raises(SystemExit, match=r"mine: .*nonsense"):
        mine.main()
