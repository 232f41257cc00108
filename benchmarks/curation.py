"""What the engine keeps apart in a scripted life, against the truth that the script wrote beside its pictures.

    python benchmarks/curation.py --life ./life
    python benchmarks/curation.py --data ../shared/data --seed 1 --photos 1500 --crops --scale 100000

The first form takes a library that `scripted_life.py` has written; the second plays it first, with the
script beside the data folder. Utility content and spoiled shots are judged by photo, duplicates by pairs of
files. A pair counts for nothing where the truth is blind: one source that was used twice, or two sources
that hold the same pixels.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from photos_engine import PhotosEngine
from photos_engine.curation import assess_quality, is_showable
from photos_engine.experiences import autocrop
from photos_engine.experiences.duplicates import find_groups
from photos_engine.types import UTILITY_KINDS, AnalysedPhoto, Box, FloatArray, Photo, Snapshot

Pair = tuple[str, str]
ASPECTS = ((1, 1), (4, 3), (16, 9), (9, 16))


class Truth:
    """What the script knows of its pictures, by path inside the library."""

    def __init__(self, life: Path) -> None:
        self.life = life.resolve()
        self.facts: dict[str, dict[str, Any]] = json.loads((life / "truth.json").read_text(encoding="utf-8"))["photos"]
        families: dict[str, list[str]] = {}
        for path, facts in self.facts.items():
            families.setdefault(facts.get("burst") or path, []).append(path)
        self.frames = {pair for family in families.values() for pair in pairs_of(family)}
        self.copies = {kind: set(self._copies(kind)) for kind in ("exact", "messenger")}

    def name(self, path: Path) -> str:
        """Call a file as the truth does."""
        return path.resolve().relative_to(self.life).as_posix()

    def of(self, photo: Photo) -> dict[str, Any]:
        """Give the facts of a photo by whichever of its files the truth calls an original."""
        return self.facts[min(map(self.name, photo.paths), key=lambda name: "duplicate_of" in self.facts[name])]

    def counts_for_nothing(self, pair: Pair) -> bool:
        """Whether a pair shows one source, but neither copies nor frames: another day's use of it, a failed twin."""
        if pair in self.frames or any(pair in copies for copies in self.copies.values()):
            return False
        one, other = pair
        return self.facts[one]["source"] == self.facts[other]["source"] or self._have_same_pixels(one, other)

    def _have_same_pixels(self, one: str, other: str) -> bool:
        with Image.open(self.life / one) as a, Image.open(self.life / other) as b:
            return a.size == b.size and a.convert("RGB").tobytes() == b.convert("RGB").tobytes()

    def _copies(self, kind: str) -> Iterator[Pair]:
        for path, facts in self.facts.items():
            if facts.get("copy") == kind:
                yield from pairs_of([path, facts["duplicate_of"]])


def pairs_of(names: Iterable[str]) -> Iterator[Pair]:
    yield from itertools.combinations(sorted(set(names)), 2)


def share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def precision_and_recall(found: set[Any], true: set[Any]) -> dict[str, Any]:
    hits = len(found & true)
    return {
        "true": len(true),
        "found": len(found),
        "precision": share(hits, len(found)),
        "recall": share(hits, len(true)),
    }


def judge_utility(engine: PhotosEngine, truth: Truth) -> dict[str, Any]:
    photos = [item.photo for item in engine.snapshot().photos]
    true = {photo.id: truth.of(photo)["kind"] for photo in photos if truth.of(photo)["kind"] != "photo"}
    found = {utility.photo.id: utility.kind for utility in engine.utility()}
    # A page is a page: the script calls handwriting a document.
    found = {photo_id: "document" if kind == "handwriting" else kind for photo_id, kind in found.items()}
    by_kind = {
        kind: precision_and_recall(
            {i for i, k in found.items() if k == kind}, {i for i, k in true.items() if k == kind}
        )
        for kind in UTILITY_KINDS
        if kind in true.values() or kind in found.values()
    }
    return {"any kind": precision_and_recall(set(found), set(true)), **by_kind}


def judge_duplicates(engine: PhotosEngine, truth: Truth) -> dict[str, Any]:
    found: dict[str, set[Pair]] = {kind: set() for kind in ("exact", "copy", "burst", "similar")}
    for group in engine.duplicates():
        pairs = set(pairs_of(truth.name(path) for path in group.paths))
        found[group.kind] |= {pair for pair in pairs if not truth.counts_for_nothing(pair)}
    true = {"exact": truth.copies["exact"], "copy": truth.copies["messenger"], "burst": truth.frames}
    together = precision_and_recall(found["exact"] | found["copy"], true["exact"] | true["copy"])
    wrong = [(kind, pair) for kind, pairs in true.items() for pair in sorted(found[kind] - pairs)]
    kept = [truth.name(group.keep) for group in engine.duplicates() if group.kind in ("exact", "copy")]
    return {
        **{kind: precision_and_recall(found[kind], true[kind]) for kind in true},
        "exact and copy": together,
        "keeper is the original": share(sum("duplicate_of" not in truth.facts[name] for name in kept), len(kept)),
        "wrong": wrong[:10],
    }


def judge_policy(engine: PhotosEngine, truth: Truth) -> dict[str, Any]:
    """Spoiled shots found; what may be shown and shouldn't, and the other way about."""
    items = [item for item in engine.snapshot().photos if truth.of(item.photo)["kind"] == "photo"]
    found = {item.photo.id for item in items if assess_quality(item).is_spoiled}
    kinds = {item.photo.id: truth.of(item.photo)["quality"] for item in items}
    shown = {item.photo.id for item in items if is_showable(item).ok}
    good = {
        item.photo.id
        for item in items
        if kinds[item.photo.id] == "ok"
        and "duplicate_of" not in truth.of(item.photo)
        and "burst" not in truth.of(item.photo)
    }
    spoiled_by_kind = {
        f"{kind} found": share(sum(found_kind == kind for found_kind in map(kinds.get, found)), count)
        for kind, count in sorted(Counter(kinds.values()).items())
        if kind != "ok"
    }
    return {
        "spoiled": precision_and_recall(found, {photo_id for photo_id, kind in kinds.items() if kind != "ok"}),
        **spoiled_by_kind,
        "good single photos shown": share(len(good & shown), len(good)),
    }


def judge_shows(engine: PhotosEngine, truth: Truth) -> dict[str, Any]:
    """What featured photos and wallpapers let through; the pictures are small, so the screen is too."""
    shows = {
        "featured": [ranked.photo for ranked in engine.featured(limit=50)],
        "wallpapers": [wallpaper.photo for wallpaper in engine.wallpapers((160, 90), limit=50)],
    }
    return {
        name: {
            "photos": len(photos),
            "utility": sum(truth.of(photo)["kind"] != "photo" for photo in photos),
            "spoiled": sum(truth.of(photo)["quality"] != "ok" for photo in photos),
            "second of one source": len(photos) - len({truth.of(photo)["source"] for photo in photos}),
            "themes": dict(Counter(truth.of(photo)["theme"] for photo in photos).most_common()),
        }
        for name, photos in shows.items()
    }


def measure_scale(snapshot: Snapshot, count: int) -> dict[str, Any]:
    """Seconds and memory for the groups of a library enlarged to `count` photos; memory on Linux only."""
    large = enlarge(snapshot, count)
    before = peak_memory_mb(forget=True)
    started = time.perf_counter()
    groups = find_groups(large)
    return {
        "photos": len(large.photos),
        "groups": len(groups),
        "seconds": round(time.perf_counter() - started, 1),
        "peak over the snapshot, MB": peak_memory_mb() - before,
    }


def peak_memory_mb(*, forget: bool = False) -> int:
    """The most memory that the process held, since it was last told to forget."""
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def enlarge(snapshot: Snapshot, count: int) -> Snapshot:
    """The same life again and again, each time another one: prints and embeddings mirrored along random axes."""
    rng = np.random.default_rng(1)
    photos: list[AnalysedPhoto] = []
    vectors: list[FloatArray] = []
    span = snapshot.photos[-1].photo.taken - snapshot.photos[0].photo.taken
    for n in range(-(-count // len(snapshot.photos))):
        mask = int.from_bytes(rng.bytes(32), "big")
        for item in snapshot.photos:
            facts = replace(item.photo.facts, taken=item.photo.taken - n * span)
            photo = replace(item.photo, id=f"{n:06d}{item.photo.id[6:]}", key=len(photos), facts=facts)
            mirrored = (int.from_bytes(item.print, "big") ^ mask).to_bytes(32, "big")
            photos.append(replace(item, photo=photo, print=mirrored))
        vectors.append(snapshot.embeddings * rng.choice(np.array([-1, 1], np.float32), snapshot.embeddings.shape[1]))
    return replace(snapshot, photos=tuple(photos[:count]), embeddings=np.concatenate(vectors)[:count])


def judge_crops(engine: PhotosEngine, data: Path) -> dict[str, Any]:
    """Share of the main box's area inside the crop, ours beside a centre crop, where the box fits."""
    shares: dict[str, list[tuple[float, float]]] = {f"{w}:{h}": [] for w, h in ASPECTS}
    for picture in sorted((data / "coco128").rglob("*.jpg")):
        main = main_box(picture)
        if main is None:
            continue
        with Image.open(picture) as image:
            size, saliency = image.size, engine.analyze(image).saliency
        for aspect in ASPECTS:
            box = autocrop.crop(saliency, size, aspect).box
            width, height = box[2] - box[0], box[3] - box[1]
            if main[2] - main[0] <= width and main[3] - main[1] <= height:
                middle = (0.5 - width / 2, 0.5 - height / 2, 0.5 + width / 2, 0.5 + height / 2)
                shares[f"{aspect[0]}:{aspect[1]}"].append((inside(main, box), inside(main, middle)))
    return {
        aspect: {
            "pictures": len(rows),
            "ours": round(float(np.mean([ours for ours, _ in rows])), 4),
            "centre": round(float(np.mean([centre for _, centre in rows])), 4),
            "ours at 95 %": share(sum(ours >= 0.95 for ours, _ in rows), len(rows)),
            "centre at 95 %": share(sum(centre >= 0.95 for _, centre in rows), len(rows)),
        }
        for aspect, rows in shares.items()
        if rows
    }


def main_box(picture: Path) -> Box | None:
    """The largest labelled box of a picture, from YOLO's text form: class, centre and size as shares."""
    labels = Path(str(picture.with_suffix(".txt")).replace("/images/", "/labels/"))
    if not labels.is_file():
        return None
    rows = [tuple(map(float, line.split()[1:5])) for line in labels.read_text().splitlines() if line.strip()]
    if not rows:
        return None
    x, y, width, height = max(rows, key=lambda row: row[2] * row[3])
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def inside(box: Box, frame: Box) -> float:
    width = max(0.0, min(box[2], frame[2]) - max(box[0], frame[0]))
    height = max(0.0, min(box[3], frame[3]) - max(box[1], frame[1]))
    return width * height / ((box[2] - box[0]) * (box[3] - box[1]))


def play(data: Path, seed: int, photos: int, out: Path) -> Path:
    """Let the script beside the data folder write a life."""
    script = data.resolve().parent / "tools" / "scripted_life.py"
    options = ["--data", data, "--out", out, "--seed", seed, "--photos", photos]
    subprocess.run([sys.executable, str(script), *map(str, options)], check=True, stdout=sys.stderr)
    return out


def measure(life: Path, options: argparse.Namespace) -> dict[str, Mapping[str, Any]]:
    truth = Truth(life)
    with tempfile.TemporaryDirectory() as folder, PhotosEngine.open(Path(folder) / "library") as engine:
        report = engine.index([life])
        figures: dict[str, Mapping[str, Any]] = {
            "library": {"life": life.name, "analysed": report.analysed, "failed": len(report.failed)},
            "utility": judge_utility(engine, truth),
            "duplicates": judge_duplicates(engine, truth),
            "policy": judge_policy(engine, truth),
            "shows": judge_shows(engine, truth),
        }
        if options.crops:
            figures["crops"] = judge_crops(engine, options.data)
        if options.scale:
            figures["scale"] = measure_scale(engine.snapshot(), options.scale)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--life", type=Path, help="a folder that scripted_life.py has written")
    parser.add_argument("--data", type=Path, help="the folder with the pictures; the script lies in ../tools")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--photos", type=int, default=1500)
    parser.add_argument("--crops", action="store_true", help="also judge crops on the labelled pictures of --data")
    parser.add_argument("--scale", type=int, default=0, help="also time the groups of so many photos")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.data is None and (options.life is None or options.crops):
        parser.error("--data is needed where there is no --life, and for --crops")
    with tempfile.TemporaryDirectory() as folder:
        life = options.life or play(options.data, options.seed, options.photos, Path(folder) / "life")
        figures = measure(life, options)
    if options.json:
        print(json.dumps(figures))
        return
    for section, rows in figures.items():
        print(section)
        for name, value in rows.items():
            print(f"  {name:26} {value}")


if __name__ == "__main__":
    main()
