"""Recall of graded edits by ANSA's print, pHash and PDQ, each at the same share of wrong pairs; and by the engine.

    pip install imagehash pdqhash imagededup
    python benchmarks/prints.py --data DATA [--pictures 2500] [--edited 120] [--models DIR] [--json]

Every hash gets the largest threshold at which no more than one pair in a million of different pictures is
called one. The pictures are held out from training, and every two of one set are compared, so neighbours of
one place are among them. What is the same picture twice (grey thumbnails correlated by 0.9) counts for
nothing. The engine asks for a near print and a like embedding, at limits of its own, and lays thumbnails on each
other where these leave it open; limits are wider where both files say that they were taken at one time. The second
table takes the edited twins of imagededup and PDQ from DATA/duplicates. imagededup, which pulls torch and torchvision
even for its hashes, is left out where it isn't installed.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pdqhash
import peers
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from photos_engine.alignment import SIDE, read_grey
from photos_engine.analyzers import SceneAnalyzer
from photos_engine.errors import PhotoError
from photos_engine.ingest import decode_photo
from photos_engine.ingest.pixels import encode_thumbnail
from photos_engine.likenesses import Columns, Likeness, copies, find_twins
from photos_engine.models import corpus
from photos_engine.models.degrade import crop_share, recompress, resize_share
from photos_engine.types import (
    EMBEDDING_DIMENSIONS,
    AnalysedPhoto,
    CaptureFacts,
    DateSource,
    FloatArray,
    Photo,
    QualitySignals,
    Snapshot,
    ZoneSource,
)

ORDINARY = ("flickr8k", "coco128", "subjects", "scenes", "scenes_grey", "weather", "rooms", "events")
WRONG = 1e-6
THUMBNAIL, SAME = 32, 0.9
TURNED = ("rotat", "flip", "transpose")  # twins that none of the hashes is made for
LIMITS = Likeness()
ENGINE = {"engine, one time": True, "engine, no time": False}
BITS = 256
Pixels = NDArray[np.uint8]
Bits = NDArray[np.bool_]
Rows = Bits | FloatArray
Hash = Callable[[Pixels], Rows]
Hashes = Mapping[str, Hash]
Table = dict[str, dict[str, Any]]
Edit = Callable[[Image.Image, np.random.Generator], Image.Image]


def crop(share: float) -> Edit:
    return lambda image, random: crop_share(image, share, *random.uniform(size=2))


def brighten(share: float) -> Edit:
    return lambda image, random: ImageEnhance.Brightness(image).enhance(1 + random.choice([-share, share]))


def turn_and_tag(image: Image.Image, _: np.random.Generator) -> Image.Image:
    """Lay it on its side, say so in its EXIF block, and read it as the engine reads files: upright."""
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to view
    buffer = io.BytesIO()
    image.transpose(Image.Transpose.ROTATE_90).save(buffer, "JPEG", quality=90, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(buffer))
    assert upright is not None
    assert upright.size == image.size
    return upright


EDITS: dict[str, Edit] = {
    "jpeg 90": lambda image, _: recompress(image, 90),
    "jpeg 60": lambda image, _: recompress(image, 60),
    "jpeg 20": lambda image, _: recompress(image, 20),
    "to two thirds": lambda image, _: resize_share(image, 2 / 3),
    "to a third": lambda image, _: resize_share(image, 1 / 3),
    "70 %, jpeg 60": lambda image, _: recompress(resize_share(image, 0.7), 60),
    "brightness 5 %": brighten(0.05),
    "brightness 20 %": brighten(0.2),
    "brightness 40 %": brighten(0.4),
    "contrast 30 %": lambda image, random: ImageEnhance.Contrast(image).enhance(random.choice([0.7, 1.3])),
    "grey": lambda image, _: ImageOps.grayscale(image).convert("RGB"),
    "crop 2.5 %": crop(0.025),
    "crop 5 %": crop(0.05),
    "crop 10 %": crop(0.1),
    "EXIF rotation": turn_and_tag,
    "frame 3 %": lambda image, _: ImageOps.expand(image, round(max(image.size) * 0.03), "white"),
}  # fmt: skip


OTHERS: dict[str, Hash] = {
    "pHash 64": lambda pixels: imagehash.phash(Image.fromarray(pixels)).hash.ravel(),
    "pHash 256": lambda pixels: imagehash.phash(Image.fromarray(pixels), hash_size=16).hash.ravel(),
    "PDQ": lambda pixels: pdqhash.compute(pixels)[0].astype(bool),
}


def imagededups() -> dict[str, Hash]:
    """The hashes of imagededup (PyPI), as its own code makes them; none where it isn't installed."""
    peers.stand_in_for_torchvision()
    try:
        from imagededup.methods import DHash, PHash
    except ImportError:
        return {}
    return {
        f"imagededup {name}": lambda pixels, made=made: _bits_of(made.encode_image(image_array=pixels))
        for name, made in (("PHash", PHash(verbose=False)), ("DHash", DHash(verbose=False)))
    }


def _bits_of(digits: str) -> Bits:
    return np.unpackbits(np.frombuffer(bytes.fromhex(digits), np.uint8)).astype(bool)


class Own:
    """What the engine compares of pictures, each looked at once: the print; and all that it knows of one."""

    def __init__(self, analyzer: SceneAnalyzer) -> None:
        self._seen = lru_cache(1)(
            lambda content, shape: analyzer.analyze_one(np.frombuffer(content, np.uint8).reshape(shape))
        )

    def print_of(self, pixels: Pixels) -> Bits:
        """Its 256 bits."""
        seen = self._seen(pixels.tobytes(), pixels.shape)
        return np.unpackbits(np.frombuffer(seen.print, np.uint8)).astype(bool)

    def all_of(self, pixels: Pixels) -> FloatArray:
        """A row of `FACTS`: width and height, bits as 0 and 1, embedding, grey values of the kept thumbnail."""
        embedding = self._seen(pixels.tobytes(), pixels.shape).embedding
        grey = read_grey(encode_thumbnail(Image.fromarray(pixels)))
        return np.concatenate([pixels.shape[1::-1], self.print_of(pixels), embedding, grey.ravel()]).astype(np.float32)


FACTS = np.cumsum([2, BITS, EMBEDDING_DIMENSIONS])


def find_copies(one: FloatArray, other: FloatArray, *, is_timed: bool) -> Bits:
    """(n, facts), (m, facts) -> (n, m): which the engine calls copies. is_timed: all say that they are of one time."""
    sizes, bits, embeddings, greys = np.split(np.concatenate([one, other]), FACTS, axis=1)
    source = DateSource.EXIF if is_timed else DateSource.FILE_TIME
    facts = CaptureFacts(datetime(2024, 1, 1, tzinfo=UTC), source, ZoneSource.ASSUMED)
    items = [
        AnalysedPhoto(
            Photo(f"{n:032}", n, (Path(f"{n}/picture.jpg"),), False, "JPEG", 1, int(width), int(height), facts),
            {}, {}, QualitySignals(1, 1, 1, 1), np.packbits(bits[n] > 0).tobytes(),
        )
        for n, (width, height) in enumerate(sizes)
    ]  # fmt: skip
    columns = Columns(Snapshot("", 0, tuple(items), np.ascontiguousarray(embeddings)))

    def view(photo_id: str) -> FloatArray:
        return greys[int(photo_id)].reshape(SIDE, SIDE)

    pairs = copies(columns, find_twins(columns, LIMITS, view), LIMITS, view)
    found = np.zeros((len(items), len(items)), bool)
    found[pairs[:, 0], pairs[:, 1]] = found[pairs[:, 1], pairs[:, 0]] = True
    return found[: len(one), len(one) :]


def all_bits(hashes: Hashes, pictures: Iterable[Image.Image]) -> dict[str, Rows]:
    """Every hash of every picture; the pictures may come one at a time."""
    rows: dict[str, list[Rows]] = {name: [] for name in hashes}
    for picture in pictures:
        pixels = np.ascontiguousarray(picture.convert("RGB"))
        for name, make in hashes.items():
            rows[name].append(make(pixels))
    return {name: np.stack(row) for name, row in rows.items()}


def read(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def distances(one: Rows, other: Rows) -> NDArray[np.int64]:
    """(n, bits), (m, bits) -> (n, m) Hamming."""
    a, b = (np.where(bits, 1, -1).astype(np.float32) for bits in (one, other))
    return ((one.shape[1] - a @ b.T) / 2).round().astype(np.int64)


def are_one(name: str, one: Rows, other: Rows, thresholds: Mapping[str, int]) -> Bits:
    """(n, facts), (m, facts) -> (n, m): which pictures a hash, or the engine, calls one."""
    if name in ENGINE:
        return find_copies(one, other, is_timed=ENGINE[name])
    return distances(one, other) <= thresholds[name]


def thumbnails(pictures: Sequence[Path]) -> NDArray[np.float32]:
    """Standardised grey thumbnails, (n, 1024): their product is a correlation."""
    side = (THUMBNAIL, THUMBNAIL)
    rows = np.stack([np.asarray(read(path).convert("L").resize(side), np.float32).ravel() for path in pictures])
    rows -= rows.mean(1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)


def choose_thresholds(bits: Mapping[str, Rows], different: Bits) -> dict[str, int]:
    """The largest distance per hash that `WRONG` of the different pairs stay above; -1 where none does."""
    result = {}
    for name, rows in bits.items():
        if name in ENGINE:  # which has limits of its own
            continue
        counts = np.bincount(distances(rows, rows)[different], minlength=rows.shape[1] + 1)
        allowed = np.cumsum(counts) <= WRONG * counts.sum()
        result[name] = int(np.flatnonzero(allowed)[-1]) if allowed.any() else -1
    return result


def judge_edits(hashes: Hashes, paths: Sequence[Path], thresholds: Mapping[str, int]) -> Table:
    """Recall in per cent of every edit by every hash."""
    random, table = np.random.default_rng(1), {}
    originals = all_bits(hashes, map(read, paths))
    for name, edit in EDITS.items():
        edited = all_bits(hashes, (edit(read(path), random) for path in paths))
        found = {hash_: np.diag(are_one(hash_, rows, edited[hash_], thresholds)) for hash_, rows in originals.items()}
        table[name] = {hash_: round(100 * float(hits.mean()), 1) for hash_, hits in found.items()}
    table["all"] = {hash_: round(float(np.mean([row[hash_] for row in table.values()])), 1) for hash_ in originals}
    return table


def judge_twins(hashes: Hashes, folder: Path, thresholds: Mapping[str, int]) -> Table:
    """Precision and recall over all pairs of a folder, one picture being the files of one stem's first part."""
    named = []
    for path in sorted(folder.rglob("*")):
        if any(word in path.name for word in TURNED) or not path.is_file():
            continue
        try:
            named.append((picture_of(path), Image.fromarray(decode_photo(path).pixels)))
        except PhotoError:  # broken on purpose, or no picture
            continue
    names = np.array([name for name, _ in named])
    bits = all_bits(hashes, (image for _, image in named))
    upper = np.triu_indices(len(names), 1)
    true = (names[:, None] == names[None, :])[upper]
    table: Table = {"files": {"": len(names)}, "true pairs": {"": int(true.sum())}}
    for hash_, rows in bits.items():
        found = are_one(hash_, rows, rows, thresholds)[upper]
        table[hash_] = {
            "recall": round(100 * float((found & true).sum() / max(true.sum(), 1)), 1),
            "precision": round(100 * float((found & true).sum() / max(found.sum(), 1)), 1),
        }
    return table


def picture_of(path: Path) -> str:
    """Which picture a file of DATA/duplicates shows: bridge-mods and modes hold one each, ukbench has numbers."""
    if path.parent.name in ("bridge-mods", "dih"):
        return "bridge"
    if path.parent.name == "modes":
        return path.parent.name
    return path.stem.split("_")[0]


def judge_neighbours(hashes: Hashes, folder: Path, thresholds: Mapping[str, int]) -> Table:
    """Pictures taken one after the other along one street: how many pairs are wrongly called one."""
    bits = all_bits(hashes, map(read, sorted(folder.rglob("*.jpg"))))
    upper = np.triu_indices(len(next(iter(bits.values()))), 1)
    called = {hash_: int(are_one(hash_, rows, rows, thresholds)[upper].sum()) for hash_, rows in bits.items()}
    return {"pairs": {"": len(upper[0])}, "called one": called}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of pictures, as models/training/README.md says"
    )
    parser.add_argument("--pictures", type=int, default=2500, help="different pictures that set the thresholds")
    parser.add_argument("--edited", type=int, default=120, help="pictures that are edited")
    parser.add_argument("--models", type=Path, help="folder of another model than the installed one")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    analyzer = SceneAnalyzer.open(options.models)
    own = Own(analyzer)
    engine = dict.fromkeys(ENGINE, own.all_of)
    hashes = {analyzer.model_name: own.print_of, **engine, **OTHERS, **imagededups()}
    held_out = [p.path for p in corpus.list_pictures(options.data) if p.held_out and p.source in ORDINARY]
    random = np.random.default_rng(0)
    paths = [held_out[row] for row in random.permutation(len(held_out))[: options.pictures]]
    small = thumbnails(paths)
    different = np.triu(small @ small.T < SAME, 1)
    rows = all_bits(hashes, map(read, paths))
    thresholds = choose_thresholds(rows, different)
    wrong = {name: int(are_one(name, rows[name], rows[name], thresholds)[different].sum()) for name in hashes}
    figures = {
        "different pairs": int(different.sum()),
        "of these called one": wrong,
        "threshold, bits": thresholds,
        "recall of edits, %": judge_edits(hashes, paths[: options.edited], thresholds),
        "twins of imagededup": judge_twins(hashes, options.data / "duplicates" / "imagededup", thresholds),
        "twins of PDQ": judge_twins(hashes, options.data / "duplicates" / "pdq", thresholds),
        "neighbours in a street": judge_neighbours(hashes, options.data / "fixtures" / "gps_street", thresholds),
    }
    print(json.dumps(figures, indent=1) if options.json else as_text(figures))


def as_text(figures: Mapping[str, Any]) -> str:
    lines = []
    for title, value in figures.items():
        lines.append(f"\n{title}: {value if not isinstance(value, dict) else ''}")
        if isinstance(value, dict):
            lines += [f"  {name:20} {row}" for name, row in value.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
