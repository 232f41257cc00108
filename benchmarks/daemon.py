"""What the daemon costs while it waits, what a rescan costs, and whether it lasts.

    python benchmarks/daemon.py [--photos 100000] [--seconds 60]
    python benchmarks/daemon.py --library DIR [--seconds 60]
    python benchmarks/daemon.py --soak 20 [--library DIR]

The first prints what a rescan of a library takes in which nothing has changed, as it grows from a tenth to all of so
many photos, and at half of them what an idle daemon takes of memory, processor and disk. Its photos are rows: the
files are empty, what was seen in them is invented. The second tells of an idle daemon on a copy of a named library.
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
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from resident import MEBIBYTE

from photos_engine import PhotosEngine
from photos_engine.store import Store
from photos_engine.types import (
    EMBEDDING_DIMENSIONS,
    CaptureFacts,
    DateSource,
    DecodedPhoto,
    FileStamp,
    QualitySignals,
    SceneSignals,
    ZoneSource,
)

SETTLED_S = 20.0  # without a run: nothing is left to do
SAMPLED_EVERY_S = 5.0
SEED = 1
FILLED_AT_ONCE = 1_000


def paint(path: Path, seed: int) -> None:
    """A picture unlike that of any other seed."""
    fields = np.random.default_rng(seed).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(fields).resize((1600, 1200), Image.Resampling.BICUBIC).save(path, quality=88)


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


def fill(library: Path, folder: Path, numbers: range) -> None:
    """Let a library know files as photos that it has analysed, without decoding any: they are empty."""
    chance = np.random.default_rng(numbers.start)
    with Store.open(library) as store:
        for start in range(numbers.start, numbers.stop, FILLED_AT_ONCE):
            with store.begin() as unit:
                analysed = []
                for number in range(start, min(start + FILLED_AT_ONCE, numbers.stop)):
                    path = folder / f"{number // 1000:03}" / f"IMG_{number:06}.jpg"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.touch()
                    key, _ = unit.photos.save(str(path), invented_photo(number), None)
                    unit.files.record_image(str(path), FileStamp(0, path.stat().st_mtime_ns), key)
                    analysed.append((key, invented_signals(chance)))
                unit.analyses.add(unit.models.active, analysed)
                unit.touch()


def invented_photo(number: int) -> DecodedPhoto:
    """A photo of its own content, taken some hours after the one before."""
    taken = datetime(2010, 1, 1, tzinfo=UTC) + timedelta(hours=number)
    facts = CaptureFacts(taken=taken, date_source=DateSource.EXIF, zone_source=ZoneSource.RECORDED)
    pixels = np.zeros((1, 1, 3), np.uint8)
    return DecodedPhoto(f"{number:032x}", 0, "JPEG", 4032, 3024, facts, pixels, b"")


def invented_signals(chance: np.random.Generator) -> SceneSignals:
    """What could have been seen in a picture that is like no other."""
    embedding = chance.standard_normal(EMBEDDING_DIMENSIONS).astype(np.float32)
    return SceneSignals(
        embedding=embedding / np.linalg.norm(embedding),
        tags={"dog": 0.5, "beach": 0.25},
        utility={},
        quality=QualitySignals(0.75, 0.75, 0.75, 0.75),
        print=chance.bytes(32),
        saliency=np.zeros((9, 9), np.float32),
    )


def measure_growth(library: Path, folder: Path, most: int, seconds: float) -> None:
    """Print what a rescan of unchanged photos takes for a tenth, half and all of them, and what waiting does."""
    known = 0
    with PhotosEngine.open(library):  # so that a model is active
        pass
    for count in (most // 10, most // 2, most):
        fill(library, folder, range(known, count))
        known = count
        with PhotosEngine.open(library) as engine:
            used = time.process_time()
            report = engine.index([folder])
            used = time.process_time() - used
        assert report.found == count, report
        assert not any((report.new, report.changed, report.gone, report.analysed)), report
        each = used / count * 1e6
        print(
            f"rescan of {count:,} unchanged photos: {report.seconds:.2f} s; processor {used:.2f} s, {each:.0f} us each"
        )
        if count == most // 2:
            measure_idle(library, folder, seconds)


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
    parser.add_argument("--soak", type=float, metavar="MINUTES")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library, watched = folder / "library", folder / "watched"
        watched.mkdir()
        if options.library:
            shutil.copytree(options.library, library)
        if not (options.library or options.soak):
            measure_growth(library, watched, options.photos, options.seconds)
            return
        for seed in range(5):
            paint(watched / f"first_{seed}.jpg", 100_000 + seed)
        if options.soak:
            soak(library, watched, options.soak)
        else:
            measure_idle(library, watched, options.seconds)


if __name__ == "__main__":
    main()
