"""How fast photos get into a library, and with how much memory.

    python benchmarks/indexing.py [--photos 480] [--megapixels 12] [--sources DIR]

Makes JPEGs of a camera's size from the photographs that scikit-image carries (or from a folder's), with
sensor-like noise so that files weigh what a camera's do. Prints the rate end to end beside the limit:
reading, reduced decode and one forward pass, without hashing, metadata, thumbnails or a store, by two
threads in the same run, half of it before and half after. Beside the rates stands what a photo takes of the
processor, which says the same on a busy machine, where low priority waits. How honest the time left was is told by the
worst estimate after the first minute, or the first quarter of a shorter run, of those made while a tenth is left.
Then indexes again: an unchanged library costs one stat a file.
"""

from __future__ import annotations

import argparse
import io
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import skimage
from PIL import Image
from resident import peak_memory

from photos_engine import PhotosEngine
from photos_engine.analyzers import SceneAnalyzer
from photos_engine.cli.output import seconds_left
from photos_engine.types import Progress

PAINTED = 60
CARRIED = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")


def make_photos(folder: Path, count: int, megapixels: float, sources: list[Path]) -> float:
    """Write `count` different JPEGs; returns their mean size in MB. Pictures recur after `PAINTED`, contents don't."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    size = (height * 4 // 3, height)
    noise = np.random.default_rng(0).normal(0, 2.5, (size[1] + 256, size[0] + 256, 1)).astype(np.float32)
    pictures = []
    for source in sources[:8]:
        with Image.open(source) as image:
            pictures.append(np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC), np.float32))
    rng = np.random.default_rng(1)
    painted: list[bytes] = []
    for i in range(min(count, PAINTED)):
        dx, dy = rng.integers(0, 256, 2)
        grain = noise[dy : dy + size[1], dx : dx + size[0]]
        shifted = np.roll(pictures[i % len(pictures)], int(rng.integers(0, size[0])), axis=1)
        buffer = io.BytesIO()
        Image.fromarray(np.clip(shifted + grain, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
        painted.append(buffer.getvalue())
    for i in range(count):
        # What follows the picture's end is read and hashed, and is no part of the picture.
        (folder / f"IMG_{i:05d}.jpg").write_bytes(painted[i % PAINTED] + i.to_bytes(4, "big"))
    return sum(map(len, painted)) / len(painted) / 1e6


def processor_s() -> float:
    """What this process and its ended children have used."""
    return sum(os.times()[:4])


def bare(paths: list[Path]) -> tuple[float, float]:
    """Seconds, and seconds of a processor, for the least that has to be done: read, decode at reduced scale, infer."""
    analyzer = SceneAnalyzer.open(threads=1)

    def see(path: Path) -> None:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            image.draft("RGB", (288, 288))
            analyzer.analyze_one(np.asarray(image.convert("RGB")))

    see(paths[0])
    started, used = time.perf_counter(), processor_s()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(see, paths))
    return time.perf_counter() - started, processor_s() - used


def worst_estimate(reports: list[Progress]) -> float:
    """By what share of the true time left the estimates were off at most."""
    reports = [report for report in reports if report.stage == "analyse"]
    first, last = reports[0], reports[-1]
    begins = first.seconds + min(60.0, (last.seconds - first.seconds) / 4)
    errors = [0.0]
    for report in reports:
        left, told = last.seconds - report.seconds, seconds_left(report, first)
        if report.seconds >= begins and report.done <= 0.9 * last.done and told is not None:
            errors.append(abs(told - left) / left)
    return max(errors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=480)
    parser.add_argument("--megapixels", type=float, default=12.0)
    parser.add_argument("--sources", type=Path)
    options = parser.parse_args()
    carried = [Path(skimage.__file__).parent / "data" / name for name in CARRIED]
    sources = sorted(options.sources.glob("*.jpg")) if options.sources else [p for p in carried if p.exists()]
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder, "pictures")
        pictures.mkdir()
        mean_mb = make_photos(pictures, options.photos, options.megapixels, sources)
        paths = sorted(pictures.iterdir())
        print(f"{options.photos} JPEGs of {options.megapixels:g} megapixels, {mean_mb:.1f} MB each")
        some, others = paths[::2], paths[1::2]
        least = bare(some)
        with PhotosEngine.open(Path(folder, "library")) as engine:
            reports: list[Progress] = []
            used = processor_s()
            with peak_memory() as peak:
                report = engine.index([pictures], on_progress=reports.append)
            used = processor_s() - used
            again = engine.index([pictures])
        seconds, needed = (one + other for one, other in zip(least, bare(others), strict=True))
        print("                    photos a second   processor ms a photo")
        print(f"end to end          {len(paths) / report.seconds:15.1f}   {used / len(paths) * 1e3:20.1f}")
        print(f"bare decode + infer {len(paths) / seconds:15.1f}   {needed / len(paths) * 1e3:20.1f}")
        print(f"end to end, of bare {seconds / report.seconds:15.0%}   {needed / used:20.0%}")
        print(f"peak memory         {peak():7.0f} MiB, decoding processes included")
        print(f"time left           {worst_estimate(reports):7.0%} off at most")
        print(f"unchanged, again    {again.seconds:7.2f} s, {again.analysed} analysed")
        assert not report.failed, report.failed


if __name__ == "__main__":
    main()
