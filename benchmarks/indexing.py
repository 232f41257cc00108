"""How fast photos get into a library, and with how much memory.

    python benchmarks/indexing.py [--photos 120] [--megapixels 12] [--sources DIR]

Makes JPEGs of a camera's size from the photographs that scikit-image carries (or from a folder's), with
sensor-like noise so that files weigh what a camera's do. Prints the rate end to end beside the limit:
reading, reduced decode and one forward pass, without hashing, metadata, thumbnails or a store, by two
threads in the same run. Then indexes again: an unchanged library costs one stat a file.
"""

from __future__ import annotations

import argparse
import io
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

CARRIED = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")


def make_photos(folder: Path, count: int, megapixels: float, sources: list[Path]) -> float:
    """Write `count` different JPEGs; returns their mean size in MB."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    size = (height * 4 // 3, height)
    noise = np.random.default_rng(0).normal(0, 2.5, (size[1] + 256, size[0] + 256, 1)).astype(np.float32)
    pictures = []
    for source in sources[:8]:
        with Image.open(source) as image:
            pictures.append(np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC), np.float32))
    rng = np.random.default_rng(1)
    total = 0
    for i in range(count):
        dx, dy = rng.integers(0, 256, 2)
        grain = noise[dy : dy + size[1], dx : dx + size[0]]
        shifted = np.roll(pictures[i % len(pictures)], int(rng.integers(0, size[0])), axis=1)
        buffer = io.BytesIO()
        Image.fromarray(np.clip(shifted + grain, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
        (folder / f"IMG_{i:05d}.jpg").write_bytes(buffer.getvalue())
        total += buffer.tell()
    return total / count / 1e6


def bare_rate(paths: list[Path]) -> float:
    """Photos a second of the least that has to be done: read, decode at reduced scale, infer."""
    analyzer = SceneAnalyzer.open(threads=1)

    def see(path: Path) -> None:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            image.draft("RGB", (288, 288))
            analyzer.analyze_one(np.asarray(image.convert("RGB")))

    see(paths[0])
    started = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(see, paths))
    return len(paths) / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=120)
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
        with PhotosEngine.open(Path(folder, "library")) as engine:
            with peak_memory() as peak:
                report = engine.index([pictures])
            again = engine.index([pictures])
        bare = bare_rate(paths)
        print(f"end to end          {report.photos_per_second:7.1f} photos a second")
        print(
            f"bare decode + infer {bare:7.1f} photos a second;"
            f" end to end is {report.photos_per_second / bare:.0%} of it"
        )
        print(f"peak memory         {peak():7.0f} MiB, decoding processes included")
        print(f"unchanged, again    {again.seconds:7.2f} s, {again.analysed} analysed")
        assert not report.failed, report.failed


if __name__ == "__main__":
    main()
