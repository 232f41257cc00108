"""Folders in, a true library out, whatever happens to the files between two runs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from fakes.analyzer import BrightnessAnalyzer, ColourAnalyzer
from PIL import Image, ImageEnhance

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.errors import PhotoNotFound
from photos_engine.experiences.search import describe_all, write_sidecars
from photos_engine.ingest import DecodePool, Gazetteer
from photos_engine.library import Library
from photos_engine.pipeline import PASS, Pipeline
from photos_engine.store import Store
from photos_engine.types import (
    AnalysedPhoto,
    ByteArray,
    Decision,
    IndexReport,
    Photo,
    Progress,
    QualitySignals,
    SceneSignals,
)


class Bench:
    """A library beside a folder of pictures."""

    def __init__(self, folder: Path) -> None:
        self.pictures = folder / "pictures"
        self.pictures.mkdir()
        self.library = Library.open(folder / "library")
        self.store = Store.open(self.library.folder)
        self.analyzer = ColourAnalyzer()
        self.active = ""  # the analyzer's own
        self.progress: list[Progress] = []
        self._pool_size = 2

    def paint(self, name: str, seed: int = 0) -> Path:
        """A picture of large random colour fields, unlike that of any other seed."""
        path = self.pictures / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fields = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(fields).resize((400, 300), Image.Resampling.BICUBIC).save(path, quality=92)
        return path

    def index(self, *, batch_size: int = 4) -> IndexReport:
        pipeline = Pipeline(
            store=self.store,
            analyzer=self.analyzer,
            gazetteer=Gazetteer(),
            open_pool=lambda: DecodePool(self._pool_size),
            save_thumbnail=self.library.save_thumbnail,
            batch_size=batch_size,
            active=self.active or self.analyzer.model_name,
            on_progress=self.progress.append,
        )
        return pipeline.run([self.pictures])

    def photo(self, path: Path) -> Photo:
        with self.store.read() as unit:
            return unit.photos.find(path)

    def present(self) -> list[str]:
        with self.store.read() as unit:
            return sorted(p.name for photo in unit.photos.present() for p in photo.paths)

    def decide(self, path: Path, decision: Decision) -> None:
        with self.store.begin() as unit:
            unit.decisions.add(self.photo(path).id, "photo", decision)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.store.close()


RATED = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF></x:xmpmeta>'
)


def counts(report: IndexReport) -> dict[str, int]:
    names = ("found", "new", "changed", "moved", "gone", "analysed")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def test_new_photos_are_analysed_once(bench: Bench) -> None:
    for i in range(6):
        bench.paint(f"{i}.jpg", i)
    assert counts(bench.index()) == {"found": 6, "new": 6, "analysed": 6}
    assert counts(bench.index()) == {"found": 6}
    assert bench.analyzer.seen == 6
    assert bench.progress[-1].stage == "scan"
    assert all(bench.library.thumbnail_path(bench.photo(bench.pictures / f"{i}.jpg").id).exists() for i in range(6))


def test_pictures_are_seen_while_the_batch_is_gathered_and_each_content_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(5):
        shutil.copy(bench.paint(f"{i}.jpg", i), bench.pictures / f"z{i}.jpg")  # decoded in another pass than its twin
    passes, stored = list[int](), list[int]()
    analyze = bench.analyzer.analyze

    def noted(images: Sequence[ByteArray]) -> list[SceneSignals]:
        passes.append(len(images))
        with bench.store.read() as unit:
            stored.append(unit.photos.count())
        return analyze(images)

    monkeypatch.setattr(bench.analyzer, "analyze", noted)
    assert counts(bench.index(batch_size=32)) == {"found": 10, "new": 10, "analysed": 5}
    assert (sum(passes), max(passes)) == (5, PASS)
    assert set(stored) == {0}, "a batch is one transaction, after all of its passes"


def test_the_share_of_the_work_done_grows_to_all_of_it(bench: Bench) -> None:
    for i in range(6):
        bench.paint(f"{i}.jpg", i)
    bench.index(batch_size=1)
    shares = [p.share for p in bench.progress if p.stage == "analyse" and p.share is not None]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_an_unchanged_library_is_not_written_to(bench: Bench) -> None:
    bench.paint("a.jpg")
    bench.index()
    with bench.store.read() as unit:
        before = unit.revision
    bench.index()
    with bench.store.read() as unit:
        assert unit.revision == before


def test_moved_and_renamed_files_keep_analysis_and_decisions(bench: Bench) -> None:
    path = bench.paint("a.jpg")
    bench.index()
    bench.decide(path, Decision.FAVOURITE)
    target = bench.pictures / "album" / "renamed.jpg"
    target.parent.mkdir()
    path.rename(target)
    assert counts(bench.index()) == {"found": 1, "moved": 1}
    assert bench.photo(target).is_favourite
    assert bench.analyzer.seen == 1
    assert bench.present() == ["renamed.jpg"]


def test_a_copy_is_another_file_of_the_same_photo(bench: Bench) -> None:
    path = bench.paint("a.jpg")
    bench.index()
    shutil.copy(path, bench.pictures / "copy.jpg")
    assert counts(bench.index()) == {"found": 2, "new": 1}
    assert len(bench.photo(path).paths) == 2
    assert bench.analyzer.seen == 1


def test_gone_files_are_marked_and_come_back(bench: Bench, tmp_path: Path) -> None:
    path, other = bench.paint("a.jpg"), bench.paint("b.jpg", 1)
    bench.index()
    bench.decide(path, Decision.FAVOURITE)
    path.rename(tmp_path / "elsewhere.jpg")
    assert counts(bench.index()) == {"found": 1, "gone": 1}
    assert bench.photo(path).is_gone
    assert bench.present() == [other.name]
    (tmp_path / "elsewhere.jpg").rename(path)
    report = bench.index()
    assert (report.new, report.analysed) == (1, 0)
    assert bench.photo(path).is_favourite
    assert not bench.photo(path).is_gone


def test_an_edited_photo_keeps_what_was_decided(bench: Bench) -> None:
    path = bench.paint("a.jpg")
    bench.index()
    old = bench.photo(path)
    bench.decide(path, Decision.FAVOURITE)
    with Image.open(path) as image:
        ImageEnhance.Brightness(image).enhance(1.05).save(path, quality=92)
    assert counts(bench.index()) == {"found": 1, "changed": 1, "analysed": 1}
    assert bench.photo(path).id != old.id
    assert bench.photo(path).is_favourite


def test_another_picture_under_an_old_name_inherits_nothing(bench: Bench) -> None:
    path = bench.paint("a.jpg", 0)
    bench.index()
    bench.decide(path, Decision.HIDE)
    bench.paint("a.jpg", 99)
    assert counts(bench.index()) == {"found": 1, "changed": 1, "analysed": 1}
    assert not bench.photo(path).is_hidden
    assert bench.present() == ["a.jpg"]


def test_an_edited_sidecar_is_read_and_nothing_analysed_again(bench: Bench) -> None:
    path = bench.paint("a.jpg")
    bench.index()
    path.with_suffix(".xmp").write_text(RATED)
    assert counts(bench.index()) == {"found": 1, "changed": 1}
    assert bench.photo(path).facts.rating == 4
    assert bench.analyzer.seen == 1


def test_a_broken_photo_is_recorded_and_tried_again_when_it_changes(bench: Bench) -> None:
    good, bad = bench.paint("good.jpg"), bench.pictures / "bad.jpg"
    bad.write_bytes(good.read_bytes()[:300])
    report = bench.index()
    assert counts(report) == {"found": 2, "new": 2, "analysed": 1}
    assert [f.path for f in report.failed] == [bad]
    assert report.failed[0].error == "decode_error"
    again = bench.index()
    assert (again.analysed, again.changed, len(again.failed)) == (0, 0, 1)
    bench.paint("bad.jpg", 7)
    mended = bench.index()
    assert (mended.changed, mended.analysed, mended.failed) == (1, 1, ())


def test_a_photo_that_is_just_being_written_keeps_what_was_decided(bench: Bench) -> None:
    path = bench.paint("a.jpg")
    bench.index()
    bench.decide(path, Decision.FAVOURITE)
    with Image.open(path) as image:
        edited = ImageEnhance.Brightness(image).enhance(1.05)
    edited.save(path, quality=92)
    whole = path.read_bytes()
    path.write_bytes(whole[:400])
    assert len(bench.index().failed) == 1
    assert bench.present() == []
    path.write_bytes(whole)
    bench.index()
    assert bench.photo(path).is_favourite
    assert bench.present() == ["a.jpg"]
    with bench.store.read() as unit:
        assert unit.photos.count_gone() == 0


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_an_unreadable_file_is_tried_again(bench: Bench) -> None:
    path = bench.paint("a.jpg")
    path.chmod(0)
    assert bench.index().failed[0].error == "unreadable"
    path.chmod(0o600)
    assert bench.index().analysed == 1


def test_a_bare_copy_does_not_overrule_a_sidecar(bench: Bench) -> None:
    path = bench.paint("a.jpg")
    path.with_suffix(".xmp").write_text(RATED)
    bench.index()
    copy = bench.pictures / "copy" / "b.jpg"
    copy.parent.mkdir()
    shutil.copy(path, copy)
    bench.index()
    os.utime(copy)
    bench.index()
    assert bench.photo(path).facts.rating == 4


def test_search_knows_a_photo_by_its_present_names(bench: Bench) -> None:
    path = bench.paint("popocatepetl.jpg")
    bench.index()
    path.rename(path.with_name("kilimanjaro.jpg"))
    bench.index()
    with bench.store.read() as unit:
        assert unit.photos.search_words("popocatepetl") == []
        assert len(unit.photos.search_words("kilimanjaro")) == 1


def test_a_copy_in_the_place_of_a_gone_file_leaves_no_photo_without_files(bench: Bench) -> None:
    a, b = bench.paint("a.jpg"), bench.paint("b.jpg", 1)
    bench.index()
    lost = bench.photo(a).id
    a.unlink()
    bench.index()
    shutil.copy(b, a)
    bench.index()
    with bench.store.read() as unit, pytest.raises(PhotoNotFound):
        unit.photos.find(lost)


def test_a_folder_that_vanished_takes_no_photo_with_it(bench: Bench) -> None:
    bench.paint("a.jpg")
    bench.index()
    bench.pictures.rename(bench.pictures.with_name("unplugged"))
    report = bench.index()
    assert report.gone == 0
    assert len(report.failed) == 1
    assert bench.present() == ["a.jpg"]


def test_a_library_among_the_photos_is_not_indexed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.paint("a.jpg")
    bench.index()
    bench.pictures = tmp_path  # the library's own folder, with its thumbnails, lies inside
    assert counts(bench.index()) == {"found": 1}
    bench.store.close()


def test_videos_are_counted_and_live_ones_joined(bench: Bench) -> None:
    path = bench.paint("IMG_1.jpg")
    (bench.pictures / "IMG_1.mov").write_bytes(b"\0\0\0\x14ftypqt  ")
    (bench.pictures / "holiday.mp4").write_bytes(b"\0\0\0\x14ftypmp42")
    report = bench.index()
    assert (report.found, report.videos) == (1, 1)
    assert bench.photo(path).video_path == bench.pictures / "IMG_1.mov"
    with bench.store.read() as unit:
        before = (unit.revision, unit.files.counts()["videos"])
    bench.index()
    with bench.store.read() as unit:
        assert (unit.revision, unit.files.counts()["videos"]) == before
    (bench.pictures / "holiday.mp4").unlink()
    (bench.pictures / "IMG_1.mov").unlink()
    bench.index()
    assert bench.photo(path).video_path is None
    with bench.store.read() as unit:
        assert unit.files.counts()["videos"] == 0


def test_where_the_active_model_is_gone_the_next_one_sees_just_what_is_new(bench: Bench) -> None:
    a, b = bench.paint("a.jpg"), bench.paint("b.jpg", 1)
    bench.index()
    for path in (a, b):
        bench.decide(path, Decision.FAVOURITE)
    bench.analyzer, bench.active = BrightnessAnalyzer(), ColourAnalyzer.model_name
    assert counts(bench.index()) == {"found": 2}
    bench.paint("c.jpg", 2)
    a.rename(a.with_name("moved.jpg"))
    assert counts(bench.index()) == {"found": 3, "new": 1, "moved": 1, "analysed": 1}
    with bench.store.read() as unit:
        assert len(unit.analyses.keys("colours-1")) == 2
        assert len(unit.analyses.keys("shades-2")) == 1


def test_an_edit_that_no_model_can_compare_keeps_decisions_by_its_moment(bench: Bench) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: "2023:07:14 12:30:00", 0x9011: "+02:00"})
    path, other = bench.paint("a.jpg"), bench.paint("b.jpg", 1)
    for one in (path, other):
        with Image.open(one) as image:
            image.save(one, exif=exif)
    bench.index()
    for one in (path, other):
        bench.decide(one, Decision.FAVOURITE)
    bench.analyzer, bench.active = BrightnessAnalyzer(), ColourAnalyzer.model_name
    with Image.open(path) as image:
        ImageEnhance.Brightness(image).enhance(1.05).save(path, exif=exif)
    bench.paint("b.jpg", 99)  # by another camera, which names its pictures alike
    assert counts(bench.index()) == {"found": 2, "changed": 2, "analysed": 2}
    assert bench.photo(path).is_favourite
    assert not bench.photo(other).is_favourite


KILLED_RUN = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from fakes.analyzer import ColourAnalyzer
from photos_engine.ingest import DecodePool, Gazetteer
from photos_engine.library import Library
from photos_engine.pipeline import PASS, Pipeline
from photos_engine.store import Store

class Slow(ColourAnalyzer):
    def analyze(self, images):
        time.sleep(0.15)
        return super().analyze(images)

library = Library.open(Path({library!r}))
store = Store.open(library.folder)
Pipeline(store, Slow(), Gazetteer(), lambda: DecodePool(2), library.save_thumbnail, 4, "colours-1").run([{pictures!r}])
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_a_killed_run_loses_one_batch_at_most_and_goes_on(bench: Bench) -> None:
    for i in range(40):
        bench.paint(f"{i:02d}.jpg", i)
    code = KILLED_RUN.format(
        tests=str(Path(__file__).parents[1]), library=str(bench.library.folder), pictures=str(bench.pictures)
    )
    analysed = 0
    for _ in range(3):
        run = subprocess.Popen([sys.executable, "-c", code])
        while run.poll() is None and (done := len(_keys(bench))) < analysed + 8:
            time.sleep(0.02)
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert bench.store.check() == []
        done = len(_keys(bench))
        assert done >= analysed
        analysed = done
    report = bench.index()
    assert report.analysed == 40 - analysed
    assert len(_keys(bench)) == 40
    assert bench.store.check() == []


def _keys(bench: Bench) -> list[int]:
    with bench.store.read() as unit:
        return unit.analyses.keys(ColourAnalyzer.model_name).tolist()


# --- our own sidecars ---------------------------------------------------------------------------


def test_tags_written_beside_photos_are_no_change_and_go_with_them(bench: Bench) -> None:
    kept, lost = bench.paint("a.jpg", 1), bench.paint("b.jpg", 2)
    kept.with_name("a.xmp").write_text("<x:xmpmeta/>")  # another's, which counts as ever
    bench.index()
    assert _export(bench) == 2
    assert bench.index().changed == 0
    assert _export(bench) == 0
    lost.unlink()
    report = bench.index()
    assert (report.changed, report.gone) == (0, 1)
    _export(bench)
    assert not lost.with_name("b.jpg.xmp").exists()
    kept.with_name("a.jpg.xmp").write_text("<x:xmpmeta/>")  # a person's from now on
    assert bench.index().changed == 1


def _export(bench: Bench) -> int:
    with bench.store.read() as unit:
        items = [
            AnalysedPhoto(photo, {"dog": 0.9}, {}, QualitySignals(0.8, 0.8, 0.8, 0.8), bytes(32))
            for photo in unit.photos.present()
        ]
        known = unit.files.image_paths()
    report, shifts = write_sidecars(describe_all(items, Taxonomy.load()), known)
    with bench.store.begin() as unit:
        unit.files.shift_sidecars(shifts)
    return report.written
