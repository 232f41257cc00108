"""What the engine itself adds to the rooms that it puts together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage
from PIL import Image

from photos_engine import ConfigError, Decision, NotFound, PhotoNotFound, PhotosEngine, UsageError
from photos_engine.experiences import duplicates
from photos_engine.types import ByteArray, DetectedObject, DuplicateGroup, SceneSignals, Snapshot

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


def test_the_first_of_several_crops_is_the_crop(engine: PhotosEngine) -> None:
    for photo in (folder_of(engine) / "chelsea.png", PICTURES / "astronaut.png"):
        crops = engine.crops(photo, (1, 1), limit=4)
        assert crops[0] == engine.crop(photo, (1, 1))
        assert len({crop.box for crop in crops}) == 4
        picture = engine.picture(photo)
        assert (picture.mode, min(picture.size) >= 100) == ("RGB", True)


def test_a_found_thing_is_not_cut_through(engine: PhotosEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    analyzer = engine._analyzer_at_hand()

    class Detecting:
        def analyze_one(self, pixels: ByteArray) -> SceneSignals:
            dog = DetectedObject("dog", (0.05, 0.3, 0.35, 0.7), 0.95)
            return replace(analyzer.analyze_one(pixels), objects=(dog,), saliency=np.full((9, 9), 0.3, np.float32))

    monkeypatch.setattr(engine, "_analyzer_at_hand", Detecting)
    left, _, right, _ = engine.crop(PICTURES / "astronaut.png", (1, 2)).box
    assert left <= 0.06
    assert right >= 0.35


def test_nonsense_is_refused(engine: PhotosEngine, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        engine.index([])
    with pytest.raises(UsageError, match="empty path"):
        engine.index([""])
    with pytest.raises(UsageError):
        engine.featured(limit=0)
    with pytest.raises(ConfigError):
        engine.export_decisions(tmp_path / "absent" / "decisions.json")
    with pytest.raises(ConfigError):
        engine.import_decisions(tmp_path / "absent.json")


def test_what_the_graph_believes_is_put_right_in_words_that_are_carried_over(
    engine: PhotosEngine, tmp_path: Path
) -> None:
    days = "days:2021-03-02/2021-03-09"
    assert engine.decide(days, Decision.TRIP).subject_kind == "node"
    for subject, decision, words in (
        (days, Decision.TRIP, "in spring"), (days, Decision.NAME, "Spring"), (days, Decision.HIDE, "why"),
        (folder_of(engine) / "chelsea.png", Decision.NAME, "Chelsea"),
    ):  # fmt: skip
        with pytest.raises(UsageError):
            engine.decide(subject, decision, words)
    assert engine.export_decisions(tmp_path / "decisions.json") == 1
    with PhotosEngine.open(tmp_path / "other") as other:
        assert other.import_decisions(tmp_path / "decisions.json") == 1
        assert other.decide(days, Decision.UNDO).subject == days
    engine.decide(days, Decision.UNDO)


def test_a_merge_outlives_the_copy_and_can_be_taken_back(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    with Image.open(PICTURES / "coffee.png") as picture:
        picture.save(pictures / "coffee.png")
        picture.convert("RGB").resize((400, 267)).save(pictures / "copy.jpg", quality=80)
    with PhotosEngine.open(tmp_path / "library") as engine:
        engine.index([pictures])
        engine.decide(pictures / "copy.jpg", Decision.FAVOURITE)
        (merged,) = engine.merge_duplicates()
        assert (merged.kind, merged.keep.name, [p.name for p in merged.deletable]) == (
            "copy", "coffee.png", ["copy.jpg"]
        )  # fmt: skip
        assert [reason.code for reason in merged.gathered] == ["decision"]
        assert engine.merge_duplicates(merged.id)[0].gathered == (), "once is enough"
        assert (pictures / "copy.jpg").exists()
        (pictures / "copy.jpg").unlink()
        engine.index([pictures])
        assert engine.duplicates() == ()
        assert engine.photo(pictures / "coffee.png").is_favourite
        engine.decide(merged.id, Decision.UNDO)
        assert not engine.photo(pictures / "coffee.png").is_favourite
        with pytest.raises(NotFound):
            engine.merge_duplicates(merged.id)


def test_what_prints_leave_open_is_seen_in_thumbnails(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    with Image.open(PICTURES / "coffee.png") as picture:
        image = picture.convert("RGB")
    image.save(pictures / "coffee.jpg", quality=92)
    width, height = image.size
    cut = image.crop((0, 0, round(0.9 * width), round(0.9 * height)))
    cut.convert("L").resize((300, 200)).save(pictures / "cut and grey.jpg", quality=60)
    with PhotosEngine.open(tmp_path / "library") as engine:
        engine.index([pictures])
        (group,) = engine.duplicates()
        assert (group.kind, group.keep.name) == ("copy", "coffee.jpg")


def test_groups_are_made_again_where_their_limits_have_changed(
    engine: PhotosEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.duplicates()
    find_groups, made = duplicates.find_groups, list[Snapshot]()

    def note(snapshot: Snapshot, **options: Any) -> tuple[DuplicateGroup, ...]:
        made.append(snapshot)
        return find_groups(snapshot, **options)

    monkeypatch.setattr(duplicates, "find_groups", note)
    engine.duplicates()
    assert not made
    monkeypatch.setattr(duplicates, "RULES", "others")
    engine.duplicates()
    assert len(made) == 1


def test_two_engines_do_not_see_each_other(engine: PhotosEngine, tmp_path: Path) -> None:
    with PhotosEngine.open(tmp_path) as other:
        assert other.status().photos == 0
        assert engine.status().photos == 2
