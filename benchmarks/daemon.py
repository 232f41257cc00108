"""What the daemon costs while it waits, what indexing and a rescan cost as a library grows, and whether it lasts.

    python benchmarks/daemon.py [--photos 100000] [--real 2000] [--seconds 60]
    python benchmarks/daemon.py --library DIR [--seconds 60]
    python benchmarks/daemon.py --soak 20 [--library DIR]

The first lets a library grow to so many photos. The first `--real` are small pictures that are really indexed, in ten
steps; most others are rows that are written as the pipeline writes them, for empty files, with what was seen in the
pictures, a little changed. At a tenth, half and all it prints what a rescan takes in which nothing has changed, and
what each of 500 new pictures takes that are really indexed then, search brought up to date; at half, what an idle
daemon takes of memory, processor and disk. The second tells of an idle daemon on a copy of a named library.
`--soak`: for so many minutes files come, change, move and go in a watched folder; in the end the library is checked,
and holds just what is there. For the throughput of indexing: benchmarks/indexing.py.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil
import skimage
from indexing import CARRIED, processor_s
from PIL import Image, ImageEnhance
from resident import MEBIBYTE

from photos_engine import PhotosEngine
from photos_engine.analyzers import SceneAnalyzer
from photos_engine.store import Store
from photos_engine.types import (
    EMBEDDING_DIMENSIONS,
    CaptureFacts,
    DateSource,
    DecodedPhoto,
    FileStamp,
    SceneSignals,
    ZoneSource,
)

SETTLED_S = 20.0  # without a run: nothing is left to do
SAMPLED_EVERY_S = 5.0
SEED = 1
FILLED_AT_ONCE = 1_000
NEWCOMERS = 500
RECORDED = 400
SMALL = (480, 360)


def paint(path: Path, seed: int, size: tuple[int, int] = (1600, 1200)) -> None:
    """A picture unlike that of any other seed."""
    fields = np.random.default_rng(seed).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(fields).resize(size, Image.Resampling.BICUBIC).save(path, quality=88)


class Running:
    """A daemon in a process of its own, and what it and its workers use."""

    def __init__(self, library: Path, watched: Path) -> None:
        environment = {**os.environ, "PHOTOS_ENGINE_DAEMON_WAITS_FOR": "hot, low memory"}
        command = [sys.executable, "-m", "photos_engine", "--library", str(library), "daemon", "--watch", str(watched)]
        self.log = library.with_name("daemon.log").open("w+")
        self.process = subprocess.Popen(command, stdout=self.log, env=environment)
        self._seen = psutil.Process(self.process.pid)

    def runs(self) -> int:
        """How many runs it has told of."""
        self.log.flush()
        return Path(self.log.name).read_text().count("\n")

    def settle(self) -> None:
        """Wait until it has nothing left to do."""
        before, since = -1, time.monotonic()
        while time.monotonic() - since < SETTLED_S or self._seen.children():
            if (now := self.runs()) != before:
                before, since = now, time.monotonic()
            time.sleep(1.0)

    def memory_mib(self) -> float:
        """What the waiting process has resident."""
        return float(self._seen.memory_info().rss) / MEBIBYTE

    def processor_s(self) -> float:
        """What it has used of the processor, its workers left out."""
        used = self._seen.cpu_times()
        return float(used.user + used.system)

    def end(self) -> None:
        """Let it end as a system would."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.log.close()


def measure_idle(library: Path, watched: Path, seconds: float) -> None:
    """Print what waiting takes."""
    daemon = Running(library, watched)
    daemon.settle()
    with PhotosEngine.open(library) as engine:
        photos = engine.status().photos
    stamps = disk_state(library)
    used, began = daemon.processor_s(), time.monotonic()
    time.sleep(seconds)
    share = (daemon.processor_s() - used) / (time.monotonic() - began)
    written = sum(1 for name, stamp in disk_state(library).items() if stamps.get(name) != stamp)
    print(f"idle, {photos:,} photos: {daemon.memory_mib():.0f} MiB resident, {share:.2%} of a core")
    print(f"files written in {seconds:.0f} s: {written}")
    daemon.end()


def disk_state(library: Path) -> dict[str, tuple[int, int]]:
    """Size and time of each file of a library, but for the index of its log, which lives in memory."""
    files = (path for path in library.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


class Camera:
    """Takes small pictures, each unlike the others: cuts of the photographs that scikit-image carries."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._scenes = []
        for name in CARRIED:
            with Image.open(Path(skimage.__file__).parent / "data" / name) as scene:
                self._scenes.append(scene.convert("RGB"))

    def cut(self, number: int) -> Image.Image:
        """The picture of a number."""
        chance = np.random.default_rng(number)
        scene = self._scenes[number % len(self._scenes)]
        share = chance.uniform(0.3, 0.9)
        width, height = round(scene.width * share), round(scene.height * share)
        left, top = chance.integers(scene.width - width), chance.integers(scene.height - height)
        picture = scene.crop((left, top, left + width, top + height)).resize(SMALL, Image.Resampling.BICUBIC)
        return ImageEnhance.Color(picture).enhance(chance.uniform(0.6, 1.4))

    def path(self, number: int) -> Path:
        """Where the file of a number lies; its folder is made."""
        path = self._folder / f"{number // 1000:03}" / f"IMG_{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def shoot(self, numbers: range) -> None:
        """Take the pictures of some numbers."""
        for number in numbers:
            self.cut(number).save(self.path(number), quality=88)


def fill(library: Path, camera: Camera, numbers: range, seen: Sequence[SceneSignals]) -> None:
    """Let a library know empty files as photos that it has analysed, in which it saw about what was `seen`."""
    chance = np.random.default_rng(numbers.start)
    with Store.open(library) as store:
        for start in range(numbers.start, numbers.stop, FILLED_AT_ONCE):
            with store.begin() as unit:
                analysed = []
                for number in range(start, min(start + FILLED_AT_ONCE, numbers.stop)):
                    path = camera.path(number)
                    path.touch()
                    key, _ = unit.photos.save(str(path), invented_photo(number), None)
                    unit.files.record_image(str(path), FileStamp(0, path.stat().st_mtime_ns), key)
                    analysed.append((key, changed_a_little(seen[number % len(seen)], chance)))
                unit.analyses.add(unit.models.active, analysed)
                unit.touch()


def invented_photo(number: int) -> DecodedPhoto:
    """A photo of its own content, taken some hours after the one before."""
    taken = datetime(2010, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    facts = CaptureFacts(taken=taken, date_source=DateSource.EXIF, zone_source=ZoneSource.RECORDED)
    pixels = np.zeros((1, 1, 3), np.uint8)
    return DecodedPhoto(f"{number:032x}", 0, "JPEG", 4032, 3024, facts, pixels, b"")


def changed_a_little(signals: SceneSignals, chance: np.random.Generator) -> SceneSignals:
    """What may be seen in another picture like this one."""
    moved = signals.embedding + chance.standard_normal(EMBEDDING_DIMENSIONS).astype(np.float32) / 40
    return replace(signals, embedding=moved / np.linalg.norm(moved), print=chance.bytes(len(signals.print)))


def measure_growth(library: Path, folder: Path, real: int, most: int, seconds: float) -> None:
    """Print what indexing, a rescan of unchanged photos and waiting take, as a library grows."""
    camera, step, fresh = Camera(folder), real // 10, min(NEWCOMERS, most // 40)
    seen = SceneAnalyzer.open().analyze([np.asarray(camera.cut(number)) for number in range(RECORDED)])
    print("pictures in the library   for each of those that are indexed anew   rescan of all, unchanged")
    print("                          by the clock      processor               by the clock   processor")
    with PhotosEngine.open(library) as engine:
        for known in range(0, 10 * step, step):
            camera.shoot(range(known, known + step))
            took = index(engine, folder, known + step, step)
            tell_growth(known + step, took, step, index(engine, folder, known + step, 0))
    known = 10 * step
    for count in (most // 10, most // 2, most):
        fill(library, camera, range(known, count - fresh), seen)
        with PhotosEngine.open(library) as engine:
            engine.search("dog")  # what the rows are for search is none of the newcomers' cost
            camera.shoot(range(count - fresh, count))
            took = index(engine, folder, count, fresh)
            tell_growth(count, took, fresh, index(engine, folder, count, 0))
        known = count
        if count == most // 2:
            measure_idle(library, folder, seconds)


def index(engine: PhotosEngine, folder: Path, found: int, new: int) -> tuple[float, float]:
    """Seconds, and seconds of a processor, of indexing a folder with so many pictures, of which so many are new."""
    used = processor_s()
    report = engine.index([folder])
    used = processor_s() - used
    assert (report.found, report.new, report.analysed) == (found, new, new), report
    assert not any((report.changed, report.gone, report.failed)), report
    return report.seconds, used


def tell_growth(count: int, anew: tuple[float, float], of: int, unchanged: tuple[float, float]) -> None:
    """Print a line of the table; what the rescan takes that is part of every run is no photo's own."""
    clock, used = ((value - rest) / of * 1e3 for value, rest in zip(anew, unchanged, strict=True))
    print(f"{count:15,} {clock:18.1f} ms {used:11.1f} ms {unchanged[0]:21.2f} s {unchanged[1]:9.2f} s", flush=True)


def soak(library: Path, folder: Path, minutes: float) -> None:
    """Let files come, change, move and go under a daemon; print its memory, and whether all is well in the end."""
    chance, made = random.Random(SEED), 0
    daemon = Running(library, folder)
    memory: list[float] = []
    ends = time.monotonic() + 60 * minutes
    while time.monotonic() < ends:
        there = sorted(folder.rglob("*.jpg"))
        deed = chance.choice(("come", "come", "change", "move", "go"))
        if deed == "come" or len(there) < 5:
            made += 1
            paint(folder / f"IMG_{made:05}.jpg", made)
        elif deed == "change":
            made += 1
            paint(chance.choice(there), made)
        elif deed == "move":
            chance.choice(there).replace(folder / f"moved_{made}_{len(memory)}.jpg")
        else:
            chance.choice(there).unlink()
        memory.append(daemon.memory_mib())
        time.sleep(SAMPLED_EVERY_S)
    daemon.settle()
    runs = daemon.runs()
    daemon.end()
    with PhotosEngine.open(library) as engine:
        engine.index([folder])
        report, present = engine.check(), {path for p in engine.snapshot().photos for path in p.photo.paths}
    lost = set(folder.rglob("*.jpg")) ^ present
    half = len(memory) // 2
    print(f"{minutes:g} minutes, {made} pictures, {runs} runs; lost or left over: {len(lost)}")
    print(f"check: {'clean' if report.is_clean else report.problems}")
    print(f"memory: {np.mean(memory[:half]):.0f} MiB in the first half, {np.mean(memory[half:]):.0f} MiB in the second")
    assert report.is_clean, report.problems
    assert not lost, lost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--real", type=int, default=2_000)
    parser.add_argument("--soak", type=float, metavar="MINUTES")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library, watched = folder / "library", folder / "watched"
        watched.mkdir()
        if options.library:
            shutil.copytree(options.library, library)
        if not (options.library or options.soak):
            measure_growth(library, watched, options.real, options.photos, options.seconds)
            return
        for seed in range(5):
            paint(watched / f"first_{seed}.jpg", 100_000 + seed)
        if options.soak:
            soak(library, watched, options.soak)
        else:
            measure_idle(library, watched, options.seconds)


if __name__ == "__main__":
    main()
