"""What the engine keeps apart in a scripted life, against the truth that the script wrote beside its pictures.

    python benchmarks/curation.py --life ./life
    python benchmarks/curation.py --data DATA --seeds 1 --photos 1500 --crops DATA --scale 100000

The first form takes a library that `scripted_life.py` has written; the second plays it first, with the
script beside the data folder. Utility content and spoiled shots are judged by photo, duplicates by pairs of
files. A pair counts for nothing where the truth is blind: one source that was used twice, or two sources
that hold the same pixels.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scripted import Pair, Truth, add_life_options, enlarge, lives, pairs_of, print_figures, share

from photos_engine import PhotosEngine
from photos_engine.curation import assess_quality, is_showable
from photos_engine.experiences import autocrop
from photos_engine.experiences.duplicates import find_groups
from photos_engine.types import UTILITY_KINDS, Box, Snapshot

ASPECTS = ((1, 1), (4, 3), (16, 9), (9, 16))


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


def judge(engine: PhotosEngine, truth: Truth) -> dict[str, Mapping[str, Any]]:
    """Every figure of one indexed life, by section."""
    return {
        "utility": judge_utility(engine, truth),
        "duplicates": judge_duplicates(engine, truth),
        "policy": judge_policy(engine, truth),
        "shows": judge_shows(engine, truth),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_life_options(parser)
    parser.add_argument("--crops", type=Path, metavar="DATA", help="also judge crops on the labelled pictures of DATA")
    parser.add_argument("--scale", type=int, default=0, help="also time the groups of so many photos")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for number, life in enumerate(lives(options, Path(folder))):
            with PhotosEngine.open(Path(folder) / f"library{number}") as engine:
                report = engine.index([life])
                figures = {"life": {"folder": life, "analysed": report.analysed}, **judge(engine, Truth(life))}
                if options.crops:
                    figures["crops"] = judge_crops(engine, options.crops)
                if options.scale:
                    figures["scale"] = measure_scale(engine.snapshot(), options.scale)
            print_figures(figures, as_json=options.json)


if __name__ == "__main__":
    main()
