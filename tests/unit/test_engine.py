"""What the engine itself adds to the rooms that it puts together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import skimage

from photos_engine import ConfigError, Decision, NotFound, PhotoNotFound, PhotosEngine, UsageError

PICTURES = Path(skimage.__file__).parent / "data"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PhotosEngine]:
    """An engine over two real photographs."""
    folder = tmp_path_factory.mktemp("engine")
    pictures = folder / "pictures"
    pictures.mkdir()
    for name in ("chelsea.png", "coffee.png"):
        (pictures / name).write_bytes((PICTURES / name).read_bytes())
    (pictures / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing more")
    with PhotosEngine.open(folder / "library") as engine:
        engine.index([pictures])
        yield engine


def folder_of(engine: PhotosEngine) -> Path:
    return Path(engine.roots()[0])


def test_photos_are_found_by_path_and_by_id(engine: PhotosEngine) -> None:
    photo = engine.photo(folder_of(engine) / "chelsea.png")
    assert engine.photo(photo.id) == engine.photo(photo) == photo


def test_a_file_that_failed_says_why(engine: PhotosEngine) -> None:
    with pytest.raises(PhotoNotFound, match=r"broken\.jpg is no photo of the library: "):
        engine.explain(folder_of(engine) / "broken.jpg")


def test_the_cat_is_found_and_the_giraffe_is_not(engine: PhotosEngine) -> None:
    assert [hit.photo.path.name for hit in engine.search("cat").results] == ["chelsea.png"]
    answer = engine.search("giraffe")
    assert (answer.stage, answer.results) == ("none", ())


def test_folders_are_remembered_without_those_inside_others(engine: PhotosEngine) -> None:
    inside = folder_of(engine) / "inside"
    inside.mkdir()
    before = engine.roots()
    engine.index([inside, folder_of(engine) / "chelsea.png"])
    assert engine.roots() == before


def test_decisions_reach_what_they_are_about(engine: PhotosEngine) -> None:
    photo = engine.photo(folder_of(engine) / "coffee.png")
    assert engine.decide(photo, Decision.FAVOURITE).subject == photo.id
    assert engine.photo(photo).is_favourite
    engine.decide(photo, Decision.UNDO)
    assert not engine.photo(photo).is_favourite
    with pytest.raises(NotFound):
        engine.decide("no such thing", Decision.HIDE)


def test_a_hidden_photo_is_not_shown(engine: PhotosEngine) -> None:
    photo = engine.photo(folder_of(engine) / "coffee.png")
    engine.decide(photo, Decision.HIDE)
    assert not engine.explain(photo).shown
    assert photo.id not in {ranked.photo.id for ranked in engine.featured()}
    engine.decide(photo, Decision.UNDO)


def test_a_lost_thumbnail_is_made_again(engine: PhotosEngine) -> None:
    path = engine.thumbnail(folder_of(engine) / "chelsea.png")
    before = path.read_bytes()
    path.unlink()
    assert engine.thumbnail(folder_of(engine) / "chelsea.png").read_bytes() == before


def test_a_crop_of_a_file_that_is_not_in_the_library(engine: PhotosEngine) -> None:
    left, top, right, bottom = engine.crop(PICTURES / "astronaut.png", (1, 2)).box
    assert (right - left) / (bottom - top) == pytest.approx(0.5, abs=0.01)
    with pytest.raises(PhotoNotFound):
        engine.crop(PICTURES / "no-such.png", (1, 1))


def test_nonsense_is_refused(engine: PhotosEngine, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        engine.index([])
    with pytest.raises(UsageError):
        engine.featured(limit=0)
    with pytest.raises(ConfigError):
        engine.export_decisions(tmp_path / "absent" / "decisions.json")
    with pytest.raises(ConfigError):
        engine.import_decisions(tmp_path / "absent.json")


def test_two_engines_do_not_see_each_other(engine: PhotosEngine, tmp_path: Path) -> None:
    with PhotosEngine.open(tmp_path) as other:
        assert other.status().photos == 0
        assert engine.status().photos == 2
