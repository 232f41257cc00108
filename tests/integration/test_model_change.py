"""Two models side by side: a whole engine over real files; only the networks are small fakes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fakes.analyzer import ANALYZERS, COLOURS, BrightnessAnalyzer, ColourAnalyzer, install, open_fakes
from fakes.decoding import InProcessPool
from PIL import Image

from photos_engine import ConfigError, Decision, ModelError, ModelNotFound, PhotosEngine
from photos_engine import pictures as pictures_module
from photos_engine.scheduler import run_once
from photos_engine.types import Progress

OLD, NEW = ColourAnalyzer.model_name, BrightnessAnalyzer.model_name
PHOTOS = 6
SCARLET, COBALT = "IMG_100.jpg", "IMG_101.jpg"  # what they show is not in their names


class Bench:
    """A folder of pictures, a library, and models that come and go."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.pictures, self.models = folder, folder / "pictures", folder / "models"
        self.pictures.mkdir()
        self._patch = patch
        patch.setattr(pictures_module, "DecodePool", InProcessPool)
        self.ship(OLD)
        install(self.models / "new", NEW)

    def ship(self, name: str) -> None:
        """Let the engine come with this model from now on."""
        open_fakes(self._patch, install(self.folder / f"shipped {name}", name))

    def paint(self, name: str, colour: tuple[int, int, int] | None = None, seed: int = 0) -> Path:
        """A picture of one colour, or of large random fields."""
        pixels = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
        if colour is not None:
            pixels[:] = colour
        path = self.pictures / name
        Image.fromarray(pixels).resize((400, 300), Image.Resampling.BICUBIC).save(path, quality=92)
        return path

    def open(self, **settings: object) -> PhotosEngine:
        return PhotosEngine.open(self.folder / "library", models_folder=self.models, **{"batch_size": 2, **settings})


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A library of six pictures that the old model has seen; the new one is installed beside it."""
    bench = Bench(tmp_path, monkeypatch)
    bench.paint(SCARLET, COLOURS["scarlet"])
    bench.paint(COBALT, COLOURS["cobalt"])
    for seed in range(PHOTOS - 2):
        bench.paint(f"IMG_{seed}.jpg", seed=seed)
    with bench.open() as engine:
        engine.index([bench.pictures])
    return bench


@pytest.fixture
def engine(bench: Bench) -> Iterator[PhotosEngine]:
    with bench.open() as engine:
        yield engine


class Killed(BaseException):
    """What no engine catches."""


def killed_after(photos: int) -> Callable[[Progress], None]:
    def note(progress: Progress) -> None:
        if progress.stage == "reanalyse" and progress.done >= photos:
            raise Killed

    return note


def first_hit(engine: PhotosEngine, word: str) -> tuple[str, str]:
    """The stage that answered, and the file that it found first."""
    answer = engine.search(word)
    return answer.stage, answer.results[0].photo.path.name if answer.results else ""


def test_everything_goes_on_from_the_old_model_until_the_new_one_takes_over(engine: PhotosEngine) -> None:
    before, graph, memories = engine.snapshot(), engine.graph, engine.memories()
    status = engine.use_model(NEW)
    assert (status.model, status.next_model, status.next_pending) == (OLD, NEW, PHOTOS)
    change = engine.reanalyse(limit=3)
    assert change is not None
    assert (change.analysed, change.pending, change.is_done) == (4, 2, False), "whole batches of two"
    assert engine.snapshot() is before, "nothing was made again"
    assert (engine.graph, engine.memories()) == (graph, memories)
    assert first_hit(engine, "scarlet") == ("embedding", SCARLET)
    assert engine.status().next_pending == 2
    change = engine.reanalyse()
    assert change is not None
    assert (change.analysed, change.pending, change.is_done) == (2, 0, True)
    after = engine.snapshot()
    assert after.model == NEW
    assert after.revision > before.revision
    assert [p.photo.id for p in after.photos] == [p.photo.id for p in before.photos]
    assert all(p.objects and p.aesthetics is not None for p in after.photos)
    assert engine.graph.model == NEW
    assert engine.reanalyse() is None
    assert engine.check().problems == ()


def test_words_are_read_by_the_model_that_made_the_embeddings(bench: Bench, engine: PhotosEngine) -> None:
    bench.paint("IMG_102.jpg", COLOURS["ivory"])
    engine.use_model(NEW)
    engine.rescan()
    assert engine.status().model == NEW
    assert first_hit(engine, "ivory") == ("embedding", "IMG_102.jpg")
    engine.use_model(OLD)
    assert first_hit(engine, "scarlet") == ("embedding", SCARLET)


def test_a_killed_change_goes_on_where_it_was(bench: Bench, engine: PhotosEngine) -> None:
    engine.use_model(NEW)
    with pytest.raises(Killed):
        engine.reanalyse(on_progress=killed_after(4))
    with bench.open() as again:
        assert again.status().next_pending == PHOTOS - 4
        assert again.snapshot().model == OLD
        change = again.reanalyse()
        assert change is not None
        assert (change.analysed, change.is_done) == (PHOTOS - 4, True)


def test_new_photos_show_at_once_and_are_seen_by_both(bench: Bench, engine: PhotosEngine) -> None:
    engine.use_model(NEW)
    path = bench.paint("IMG_new.jpg", seed=50)
    engine.index([bench.pictures], reanalyse=False)
    assert path in {p.photo.path for p in engine.snapshot().photos}
    assert engine.status().next_pending == PHOTOS + 1
    engine.index([bench.pictures])
    assert (engine.status().model, len(engine.snapshot().photos)) == (NEW, PHOTOS + 1)


def test_another_engine_sees_the_change_at_its_next_call(bench: Bench, engine: PhotosEngine) -> None:
    with bench.open() as other:
        assert first_hit(other, "scarlet") == ("embedding", SCARLET)
        engine.use_model(NEW)
        engine.reanalyse()
        assert (other.status().model, other.snapshot().model, other.graph.model) == (NEW, NEW, NEW)
        alike = {hit.photo.path.name for hit in other.search("scarlet").results}
        assert alike == {SCARLET, COBALT}, "shades are all that the new model knows"
        engine.use_model(OLD)
        assert first_hit(other, "scarlet") == ("embedding", SCARLET)


def test_the_way_back_is_instant_until_the_old_model_is_pruned(bench: Bench, engine: PhotosEngine) -> None:
    engine.use_model(NEW)
    engine.rescan()
    engine.search("scarlet")
    path = bench.paint("IMG_new.jpg", seed=50)
    engine.rescan()
    status = engine.use_model(OLD)
    assert (status.model, status.pending, status.next_model) == (OLD, 1, None)
    assert path not in {p.photo.path for p in engine.snapshot().photos}
    engine.rescan()
    assert path in {p.photo.path for p in engine.snapshot().photos}
    with pytest.raises(ModelError, match="is read from"):
        engine.prune_model(OLD)
    index = bench.folder / "library" / "index" / f"{NEW}.vectors"
    assert index.exists()
    assert engine.prune_model(NEW) == PHOTOS + 1
    assert not index.exists()
    with pytest.raises(ModelNotFound):
        engine.prune_model(NEW)
    assert engine.use_model(NEW).next_pending == PHOTOS + 1
    assert engine.check().problems == ()


def test_what_people_decided_survives_both_ways(bench: Bench, engine: PhotosEngine) -> None:
    subject = engine.photo(bench.pictures / SCARLET)
    engine.decide(subject, Decision.FAVOURITE)
    for name in (NEW, OLD):
        engine.use_model(name)
        engine.reanalyse()
        shown = next(p.photo for p in engine.snapshot().photos if p.photo.id == subject.id)
        assert shown.is_favourite
        assert [d.decision for d in engine.explain(subject).decisions] == [Decision.FAVOURITE]


def test_files_on_a_drive_that_is_away_are_waited_for(bench: Bench, engine: PhotosEngine, tmp_path: Path) -> None:
    engine.use_model(NEW)
    bench.pictures.rename(tmp_path / "unplugged")
    change = engine.reanalyse()
    assert change is not None
    assert (change.analysed, change.pending, len(change.failed), change.is_done) == (0, PHOTOS, PHOTOS, False)
    assert len(engine.snapshot().photos) == PHOTOS
    (tmp_path / "unplugged").rename(bench.pictures)
    change = engine.reanalyse()
    assert change is not None
    assert change.is_done


def test_a_drive_that_never_comes_back_need_not_be_waited_for(bench: Bench, engine: PhotosEngine) -> None:
    engine.use_model(NEW)
    shutil.rmtree(bench.pictures)
    engine.reanalyse()
    status = engine.use_model(NEW, now=True)
    assert (status.model, status.pending) == (NEW, PHOTOS)
    assert engine.use_model(OLD).model == OLD
    assert len(engine.snapshot().photos) == PHOTOS


def no_model() -> ColourAnalyzer:
    raise ModelError("its graph is torn")


def test_a_next_model_that_cannot_be_opened_leaves_the_old_one_at_work(
    bench: Bench, engine: PhotosEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.use_model(NEW)
    monkeypatch.setitem(ANALYZERS, NEW, no_model)
    bench.paint("IMG_900.jpg", COLOURS["ivory"])
    assert engine.index([bench.pictures]).analysed == 1
    assert engine.search("ivory").results[0].photo.path.name == "IMG_900.jpg"
    status = engine.status()
    assert (status.model, status.next_model) == (OLD, NEW)
    assert [(run.job, run.detail["reason"]) for run in status.failed_jobs] == [("reanalyse", "its graph is torn")]
    monkeypatch.setitem(ANALYZERS, NEW, BrightnessAnalyzer)
    engine.index([bench.pictures])
    assert engine.status().model == NEW


def test_unchanged_photos_need_no_model(bench: Bench, engine: PhotosEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ANALYZERS, OLD, no_model)
    assert engine.index([bench.pictures]).analysed == 0
    bench.paint("IMG_900.jpg", seed=900)
    with pytest.raises(ModelError, match="torn"):
        engine.index([bench.pictures])


def test_a_provider_that_nobody_knows_is_refused(bench: Bench) -> None:
    with pytest.raises(ConfigError, match=r"provider must be one of auto, .*cpu.*, not 'abacus'"):
        bench.open(provider="abacus")


def test_broken_and_deleted_files_hold_nothing_up(bench: Bench, engine: PhotosEngine) -> None:
    engine.use_model(NEW)
    (bench.pictures / "IMG_0.jpg").unlink()
    broken = bench.pictures / "IMG_1.jpg"
    broken.write_bytes(broken.read_bytes()[:300])
    change = engine.reanalyse()
    assert change is not None
    assert (change.analysed, len(change.failed), change.is_done) == (PHOTOS - 2, 2, True)
    report = engine.rescan()
    assert report is not None
    assert (report.gone, len(report.failed)) == (1, 1)


def test_a_file_that_was_edited_meanwhile_is_left_to_the_next_scan(bench: Bench, engine: PhotosEngine) -> None:
    engine.use_model(NEW)
    bench.paint("IMG_0.jpg", seed=99)
    shutil.copy(bench.pictures / "IMG_2.jpg", bench.pictures / "IMG_1.jpg")
    change = engine.reanalyse()
    assert change is not None
    assert (change.pending, change.is_done) == (2, False)
    engine.rescan()
    assert engine.status().model == NEW
    assert engine.status().pending == 0


# --- an upgraded package: the library's model isn't there any more ---


@pytest.fixture
def upgraded(bench: Bench) -> Bench:
    bench.ship(NEW)
    shutil.rmtree(bench.models)
    return bench


def test_an_upgraded_engine_shows_the_library_as_it_was_but_compares_no_words(upgraded: Bench) -> None:
    with upgraded.open() as engine:
        assert engine.status().model == OLD
        assert len(engine.snapshot().photos) == PHOTOS
        assert engine.graph.model == OLD
        engine.memories()
        engine.featured()
        answer = engine.search("IMG_100")
        assert [hit.photo.path.name for hit in answer.results] == [SCARLET]
        answer = engine.search("scarlet sails")
        assert (answer.stage, answer.results) == ("none", ())
        assert answer.understood["likeness"] == (
            f"not before {NEW} has seen the library, since {OLD} is not installed any more"
        )
        assert "likeness" not in engine.search("2019").understood
        assert len(engine.analyze(np.zeros((50, 50, 3), np.uint8)).embedding) == 512
        assert engine.check().problems == ()
        with pytest.raises(ModelNotFound, match=f"installed: {NEW}"):
            engine.use_model(OLD)


def test_an_upgraded_engine_changes_the_model_by_itself(upgraded: Bench) -> None:
    with upgraded.open() as engine:
        path = upgraded.paint("IMG_new.jpg", seed=50)
        engine.index([upgraded.pictures], reanalyse=False)
        status = engine.status()
        assert (status.model, status.next_model, status.next_pending) == (OLD, NEW, PHOTOS)
        assert engine.snapshot().model == OLD
        engine.index([upgraded.pictures])
        assert engine.status().model == NEW
        assert path in {p.photo.path for p in engine.snapshot().photos}
        assert [(m.name, m.is_installed, m.analysed) for m in engine.models()] == [
            (NEW, True, PHOTOS + 1),
            (OLD, False, PHOTOS),
        ]
        assert engine.prune_model(OLD) == PHOTOS


def test_the_daemon_of_an_upgraded_engine_does_too(upgraded: Bench) -> None:
    with upgraded.open() as engine:
        runs = {run.job: run for run in run_once(engine)}
        assert runs["analyse"].detail["analysed"] == 0
        assert runs["reanalyse"].detail == {
            "model": NEW, "analysed": PHOTOS, "pending": 0, "failed": 0, "taken_over": True,
        }  # fmt: skip
        assert engine.status().model == NEW


def test_a_next_model_that_is_taken_away_is_called_off(bench: Bench, engine: PhotosEngine) -> None:
    engine.use_model(NEW)
    shutil.rmtree(bench.models)
    engine.rescan()
    assert (engine.status().model, engine.status().next_model) == (OLD, None)


def test_an_empty_library_follows_its_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, monkeypatch)
    with bench.open() as engine:
        assert engine.status().model == OLD
    bench.ship(NEW)
    bench.paint("IMG_0.jpg")
    with bench.open() as engine:
        engine.index([bench.pictures])
        assert (engine.status().model, len(engine.snapshot().photos)) == (NEW, 1)
