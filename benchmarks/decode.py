"""Photos a second from file to pixels, facts and thumbnail: in this process and in the pool's.

    python benchmarks/decode.py --pictures DIR [--photos 64] [--workers 2]

Takes pictures of any size, makes 12-megapixel JPEGs of them (4032x3024, q90, with the grain of a real
sensor, some 2 to 3 MB each) in a temporary folder, and decodes those.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image
from resident import MEBIBYTE, peak_memory

from photos_engine.ingest import DecodePool, DecodeRequest, decode_photo, scan
from photos_engine.types import DecodedPhoto

SIZE = (4032, 3024)
GRAIN = 3.0  # standard deviation of the noise, in levels: gives files of a phone's size


def make_photos(pictures: Path, target: Path, count: int) -> list[Path]:
    """Writes `count` 12-megapixel JPEGs made of the pictures below a folder."""
    sources = [found.path for found in scan([pictures], {}).photos]
    random = np.random.default_rng(1)
    paths = []
    for number, source in enumerate(islice(_cycle(sources), count)):
        with Image.open(source) as image:
            large = np.asarray(image.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC), dtype=np.float32)
        grain = random.normal(0.0, GRAIN, large.shape[:2]).astype(np.float32)[..., None]
        path = target / f"IMG_{number:04d}.jpg"
        Image.fromarray(np.clip(large + grain, 0, 255).astype(np.uint8)).save(path, quality=90)
        paths.append(path)
    return paths


def _cycle(paths: list[Path]) -> Iterator[Path]:
    while paths:
        yield from paths


def main() -> None:
    """Runs the benchmark and prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True, help="a folder of pictures to make photos of")
    parser.add_argument("--photos", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = make_photos(options.pictures, Path(folder), options.photos)
        megabytes = sum(path.stat().st_size for path in paths) / 1e6 / len(paths)
        some = paths[: max(1, len(paths) // 4)]
        decode_photo(paths[0])
        started = time.perf_counter()
        cpu_started = time.process_time()
        for path in some:
            decode_photo(path)
        single = len(some) / (time.perf_counter() - started)
        cpu_ms = 1000 * (time.process_time() - cpu_started) / len(some)
        with peak_memory() as peak, DecodePool(options.workers) as pool:
            started = time.perf_counter()
            pool.decode_one(DecodeRequest(paths[0]))
            start_up_s = time.perf_counter() - started
            list(pool.decode(DecodeRequest(path) for path in paths[:4]))  # every worker has started
            started = time.perf_counter()
            decoded = [photo for _, photo in pool.decode(DecodeRequest(path) for path in paths)]
            pooled = len(decoded) / (time.perf_counter() - started)
    assert all(isinstance(photo, DecodedPhoto) for photo in decoded)
    report = {
        "photos": len(paths),
        "megabytes_each": round(megabytes, 2),
        "in_process_photos_per_second": round(single, 1),
        "pool_workers": options.workers,
        "pool_photos_per_second": round(pooled, 1),
        "cpu_ms_per_photo": round(cpu_ms, 1),
        "first_photo_s": round(start_up_s, 2),
        "peak_memory_mb": round(peak() * MEBIBYTE / 1e6),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
