"""Pictures a second that reach a training: decoded anew, from shards, and as frozen features.

    python benchmarks/training_input.py --data DIR --work WORK [--pictures 512] [--large 16]

WORK is the folder of `photos_engine.models.training.build` after its steps up to the features; nothing is
written there. Every way yields batches of the same pictures, drawn at random from all sets, twice; the
faster round counts, so that all files come from the page cache. Seconds are the processor's, of this
process alone, so that the ratios hold on a busy machine. `--large` of the pictures are also decoded as
12-megapixel JPEGs, which is what a phone's library holds. Ways that end in features include the frozen
backbone's pass, since the cache of features saves that too.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from decode import make_photos
from numpy.typing import NDArray

from photos_engine.analyzers.preprocess import as_input
from photos_engine.models import corpus
from photos_engine.models.corpus import Picture
from photos_engine.models.training.backbone import INPUT
from photos_engine.models.training.config import AugmentConfig
from photos_engine.models.training.features import open_session
from photos_engine.models.training.pictures import PictureSet, augment, open_shard, read_rgb

VARIED = AugmentConfig(mirrored=0.5, smallest_part=0.5, stretch=0.3, brightness=0.2, contrast=0.2, saturation=0.2)
ANEW = "decoded anew"
DECODED, SHARDS = f"pictures, {ANEW}", "pictures from shards"
VARIED_DECODED, VARIED_SHARDS = f"varied pictures, {ANEW}", "varied pictures from shards"
DECODED_FEATURES, SHARD_FEATURES = f"features of pictures, {ANEW}", "features of pictures from shards"
FEATURES, LARGE = "features, frozen and kept", f"photos of 12 megapixels, {ANEW}"
Rows = NDArray[np.int64]


def read_work(data: Path, work: Path) -> tuple[list[Picture], PictureSet, list[NDArray[np.float32]]]:
    """Every picture with a shard and features in the work folder, in one order. Exits where there are none."""
    sets: dict[str, list[Picture]] = {}
    for picture in corpus.list_pictures(data):
        sets.setdefault(picture.source, []).append(picture)
    found: list[Picture] = []
    shards, features = [], []
    for name, pictures in sets.items():
        index = work / "shards" / f"{name}.json"
        names = [str(picture.path) for picture in pictures]
        kept = sorted((work / "features").glob(f"{name}-{12 * '[0-9a-f]'}.npy"), key=lambda path: path.stat().st_mtime)
        if kept and index.is_file() and json.loads(index.read_text(encoding="utf-8")) == names:
            found += pictures
            shards.append(open_shard(work, name, pictures))
            features.append(np.load(kept[-1], mmap_mode="r"))
    if not found:
        sys.exit(
            f"{work} holds no shards and features of the pictures in {data}: run photos_engine.models.training.build"
        )
    return found, PictureSet(shards), features


def pictures_per_second(read: Callable[[Rows], object], rows: Rows, batch: int) -> float:
    """Read all rows in batches, twice; the better rate."""
    rates = []
    for _ in range(2):
        began = time.process_time()
        for start in range(0, len(rows), batch):
            read(rows[start : start + batch])
        rates.append(len(rows) / (time.process_time() - began))
    return max(rates)


def measure(data: Path, work: Path, count: int, large: int, batch: int, threads: int) -> dict[str, float]:
    """Pictures a second of every way."""
    found, pictures, features = read_work(data, work)
    rows = np.random.default_rng(0).choice(len(found), min(count, len(found)), replace=False)
    session = open_session(work / "backbone_int8.onnx", threads)
    random = np.random.default_rng(1)

    def decode(chosen: Rows) -> NDArray[np.uint8]:
        return np.stack([as_input(read_rgb(found[row].path)) for row in chosen])

    def vary(images: NDArray[np.uint8]) -> torch.Tensor:
        return augment(torch.from_numpy(images), VARIED, random)

    def look_up(chosen: Rows) -> NDArray[np.float32]:
        ends = np.cumsum([len(item) for item in features])
        owners = np.searchsorted(ends, chosen, side="right")
        return np.stack([features[owner][row - ends[owner]] for owner, row in zip(owners, chosen, strict=True)])

    def infer(images: NDArray[np.uint8]) -> None:
        for start in range(0, len(images), 8):
            session.run(None, {INPUT: images[start : start + 8]})

    rates = {
        DECODED: pictures_per_second(decode, rows, batch),
        SHARDS: pictures_per_second(lambda chosen: pictures[chosen], rows, batch),
        VARIED_DECODED: pictures_per_second(lambda chosen: vary(decode(chosen)), rows, batch),
        VARIED_SHARDS: pictures_per_second(lambda chosen: vary(pictures[chosen]), rows, batch),
        DECODED_FEATURES: pictures_per_second(lambda chosen: infer(decode(chosen)), rows, batch),
        SHARD_FEATURES: pictures_per_second(lambda chosen: infer(pictures[chosen]), rows, batch),
        FEATURES: pictures_per_second(look_up, rows, batch),
    }
    if large:
        with tempfile.TemporaryDirectory() as folder:
            photos = make_photos(found[0].path.parent, Path(folder), large)
            rates[LARGE] = pictures_per_second(
                lambda chosen: np.stack([as_input(read_rgb(photos[row])) for row in chosen]), np.arange(large), batch
            )
    return rates


def print_table(rates: dict[str, float]) -> None:
    """Print the rates, each also as a multiple of the naive way to the same."""
    print("| an epoch reads | pictures/s | times |\n|---|---|---|")
    naive = ""
    for name, rate in rates.items():
        naive = name if ANEW in name else naive
        print(f"| {name} | {rate:,.1f} | {rate / rates[naive]:,.1f} |")
    if LARGE in rates:
        print(f"\nShards against 12-megapixel photos: {rates[SHARDS] / rates[LARGE]:,.0f} times.")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of pictures")
    parser.add_argument("--work", type=Path, required=True, help="the build's work folder")
    parser.add_argument("--pictures", type=int, default=512)
    parser.add_argument("--large", type=int, default=16, help="pictures to decode at 12 megapixels; 0: none")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print_table(measure(options.data, options.work, options.pictures, options.large, options.batch, options.threads))


if __name__ == "__main__":
    main()
