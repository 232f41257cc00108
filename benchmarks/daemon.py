"""What the daemon costs while it waits, what a rescan costs, and whether it lasts.

    python benchmarks/daemon.py [--library DIR] [--seconds 60] [--files 20000]
    python benchmarks/daemon.py --soak 20 [--library DIR]

The first prints what an idle daemon on a settled library (a new one, unless named; a named one is copied) takes of
memory, processor and disk, and how the time for a scan of an unchanged library grows with its files. `--soak`: for so
many minutes files come, change, move and go in a watched folder; in the end the library is checked, and holds just
what is there. For the throughput of indexing: benchmarks/indexing.py.
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
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from resident import MEBIBYTE

from photos_engine import PhotosEngine
from photos_engine.ingest import scan

SETTLED_S = 20.0  # without a run: nothing is left to do
SAMPLED_EVERY_S = 5.0
SEED = 1


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


def measure_rescan(folder: Path, most: int) -> None:
    """Print how long an unchanged folder takes to scan, for a tenth of the files, half, and all."""
    made = 0
    for count in (most // 10, most // 2, most):
        for number in range(made, count):
            path = folder / str(number // 1000) / f"IMG_{number}.jpg"
            if number % 1000 == 0:
                path.parent.mkdir(parents=True)
            path.touch()
        made = count
        known = {os.fspath(found.path): found.stamp for found in scan([folder], {}).photos}
        began = time.perf_counter()
        scan([folder], known)
        seconds = time.perf_counter() - began
        print(f"scan of {count:,} unchanged files: {seconds:.2f} s, {seconds / count * 1e6:.0f} us each")


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
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--soak", type=float, metavar="MINUTES")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library, watched = folder / "library", folder / "watched"
        watched.mkdir()
        if options.library:
            shutil.copytree(options.library, library)
        for seed in range(5):
            paint(watched / f"first_{seed}.jpg", 100_000 + seed)
        if options.soak:
            soak(library, watched, options.soak)
            return
        measure_idle(library, watched, options.seconds)
        measure_rescan(folder / "many", options.files)


if __name__ == "__main__":
    main()
