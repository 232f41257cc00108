"""What the engine keeps apart in a scripted life, against the truth that the script wrote beside its pictures.

    python benchmarks/curation.py --life ./life
    python benchmarks/curation.py --data DATA --seeds 1 --photos 1500 --crops DATA --scale 100000

The first form takes a library that `scripted_life.py` has written; the second plays it first, with the
script beside the data folder. Utility content and spoiled shots are judged by photo, duplicates by pairs of
files; crops beside smartcrop's, where that is installed. A pair counts for nothing where the truth is blind:
one source that was used twice, or two sources that hold the same pixels.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scripted import Pair, Truth, add_life_options, enlarge, lives, pairs_of, print_figures, share

from photos_engine import PhotosEngine
from photos_engine.analyzers import Taxonomy
from photos_engine.changes import Marks
from photos_engine.curation import assess_quality, is_showable
from photos_engine.experiences import autocrop, recommend
from photos_engine.experiences.duplicates import find_groups, update_groups
from photos_engine.experiences.featured import TASTE
from photos_engine.models import corpus
from photos_engine.selection import rate_photo
from photos_engine.types import UTILITY_KINDS, Box, Decision, DetectedObject, FloatArray, Snapshot, Tag

FRESH = 200
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
    # The script's frames are a little apart, but not all of them.
    found["exact"] -= {pair for pair in found["exact"] & truth.frames if truth.have_same_pixels(*pair)}
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


# Five people, by the tags that they favour; the last by a look that no tag names.
PEOPLE: Mapping[str, tuple[str, ...]] = {
    "animals": ("animal",),
    "at the table": ("food", "drink", "dinner_table"),
    "nature": ("mountain", "snow", "forest", "glacier", "coast"),
    "people": ("person", "portrait", "child", "group"),
    "a look": (),
}
SIGNS = (20, 50, 100, 200)
AT_RANDOM = 0.1  # of the signs: people also mark what they have other reasons for


def judge_taste(snapshot: Snapshot, tags: Mapping[str, Tag]) -> dict[str, Any]:
    """How held-out favourites of simulated people rank: area under the curve without their taste, and with it.

    As featured photos are ranked: by worth, and by worth with the taste's share in it.
    """
    worth = np.array([rate_photo(item, tags) for item in snapshot.photos])
    table: dict[str, Any] = {}
    for name, favoured in PEOPLE.items():
        random = np.random.default_rng(len(table))
        liking = _liking(snapshot, favoured, random)
        liked = np.flatnonzero(liking >= (0.5 if favoured else np.quantile(liking, 0.75)))
        for count in SIGNS:
            if count > 0.7 * len(liked):
                continue
            signs = random.choice(liked, count, replace=False)
            signs[: round(AT_RANDOM * count)] = random.choice(len(liking), round(AT_RANDOM * count), replace=False)
            taste = recommend.score(_mark(snapshot, signs))
            left = np.setdiff1d(np.arange(len(liking)), signs)
            is_liked = np.isin(left, liked)
            before, after = (
                area_under_curve(score[left], is_liked) for score in (worth, worth + TASTE * (taste - 0.5))
            )
            table[f"{name}, {count} signs"] = {"before": round(before, 3), "with taste": round(after, 3)}
    gains = [row["with taste"] - row["before"] for row in table.values()]
    return {**table, "mean gain": round(float(np.mean(gains)), 3) if gains else None}


def _liking(snapshot: Snapshot, favoured: Sequence[str], random: np.random.Generator) -> FloatArray:
    if favoured:
        return np.array(
            [max((i.tags.get(tag, 0.0) for tag in favoured), default=0.0) for i in snapshot.photos], np.float32
        )
    centred = snapshot.embeddings - snapshot.embeddings.mean(axis=0)
    looks = np.linalg.svd(centred, full_matrices=False)[2][1:9]
    direction: FloatArray = (random.standard_normal(len(looks)) @ looks).astype(np.float32)
    liking: FloatArray = centred @ direction
    return liking


def _mark(snapshot: Snapshot, rows: NDArray[np.int64]) -> Snapshot:
    """The library with these photos as its only favourites."""
    chosen = set(rows.tolist())
    photos = tuple(
        replace(item, photo=replace(item.photo, decisions=frozenset({Decision.FAVOURITE} if n in chosen else ())))
        for n, item in enumerate(snapshot.photos)
    )
    return replace(snapshot, photos=photos)


def area_under_curve(scores: NDArray[np.float64], is_true: NDArray[np.bool_]) -> float:
    """How often a true one ranks above another, ties counted half."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    for value in np.unique(scores):
        ranks[scores == value] = ranks[scores == value].mean()
    true = int(is_true.sum())
    return float((ranks[is_true].sum() - true * (true + 1) / 2) / (true * (len(scores) - true)))


def measure_scale(snapshot: Snapshot, count: int) -> dict[str, Any]:
    """CPU seconds and memory for the groups of a library enlarged to `count` photos; memory on Linux only.

    Then for keeping them up when the last `FRESH` photos have come in, and whether that gives the same.
    """
    large = enlarge(snapshot, count)
    earlier = replace(large, photos=large.photos[:-FRESH], embeddings=large.embeddings[:-FRESH])
    known = find_groups(earlier)
    marks = Marks.of(earlier, known, "")
    before = peak_memory_mb(forget=True)
    started = time.process_time()
    groups = find_groups(large)
    made, peak = time.process_time(), peak_memory_mb()
    kept_up = update_groups(large, marks, known)
    updated = time.process_time()
    return {
        "photos": len(large.photos),
        "groups": len(groups),
        "CPU seconds": round(made - started, 1),
        "peak over the snapshot, MB": peak - before,
        f"CPU seconds after {FRESH} new": round(updated - made, 1),
        "the same groups": kept_up == groups,
    }


def peak_memory_mb(*, forget: bool = False) -> int:
    """The most memory that the process held, since it was last told to forget."""
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def judge_crops(engine: PhotosEngine, data: Path) -> dict[str, Any]:
    """Share of the main box's area inside the crop, of what of it could be, on pictures held out from training.

    Ours from what draws the eye and what the model finds; from what draws the eye alone; with every labelled box, which
    is what a detector that never errs would give; a centre crop; and smartcrop's (PyPI), at the largest size as all.
    """
    rows: dict[str, list[dict[str, float]]] = {f"{w}:{h}": [] for w, h in ASPECTS}
    fitting: dict[str, list[dict[str, float]]] = {aspect: [] for aspect in rows}
    for picture in corpus.list_pictures(data):
        if picture.source != "coco128" or not picture.held_out or not (boxes := labelled_boxes(picture.path)):
            continue
        main = max(boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
        with Image.open(picture.path) as opened:
            image = opened.convert("RGB")
        seen = engine.analyze(image)
        every = [DetectedObject("thing", box, 1.0) for box in boxes]
        for aspect in ASPECTS:
            box = autocrop.crop(seen.saliency, image.size, aspect, seen.objects).box
            width, height = box[2] - box[0], box[3] - box[1]
            crops = {
                "ours": box,
                "without things": autocrop.crop(seen.saliency, image.size, aspect).box,
                "with every box": autocrop.crop(seen.saliency, image.size, aspect, every).box,
                "centre": (0.5 - width / 2, 0.5 - height / 2, 0.5 + width / 2, 0.5 + height / 2),
                "smartcrop": crop_smartly(image, aspect),
            }
            sides = (main[2] - main[0], main[3] - main[1])
            most = min(1.0, width / sides[0]) * min(1.0, height / sides[1])
            row = {name: inside(main, crop) / most for name, crop in crops.items() if crop is not None}
            rows[f"{aspect[0]}:{aspect[1]}"].append(row)
            if sides[0] <= width and sides[1] <= height:
                fitting[f"{aspect[0]}:{aspect[1]}"].append(row)
    judged = {**{f"{aspect}, where it fits": found for aspect, found in fitting.items()}, **rows}
    return {title: {"pictures": len(found), **_as_shares(found)} for title, found in judged.items() if found}


def _as_shares(rows: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Of each way to crop the mean share, and of how many pictures at least 95 % is inside."""
    names = ("ours", "without things", "with every box", "centre", "smartcrop")
    values = {name: [row[name] for row in rows if name in row] for name in names}
    return {
        name: f"{np.mean(some):.3f}, {share(sum(v >= 0.95 for v in some), len(some))} whole"
        if some
        else "not installed"
        for name, some in values.items()
    }


def crop_smartly(image: Image.Image, aspect: tuple[int, int]) -> Box | None:
    """The public smartcrop algorithm's crop, as large as can be; None where it isn't installed."""
    try:
        from smartcrop import SmartCrop
    except ImportError:
        return None
    scale = min(image.width / aspect[0], image.height / aspect[1])
    size = (int(aspect[0] * scale), int(aspect[1] * scale))
    found = SmartCrop().crop(image, *size, min_scale=1.0, max_scale=1.0)["top_crop"]
    left, top = found["x"] / image.width, found["y"] / image.height
    return (left, top, left + found["width"] / image.width, top + found["height"] / image.height)


def labelled_boxes(picture: Path) -> list[Box]:
    """The labelled boxes of a picture, from YOLO's text form: class, centre and size as shares."""
    labels = Path(str(picture.with_suffix(".txt")).replace("/images/", "/labels/"))
    if not labels.is_file():
        return []
    rows = [tuple(map(float, line.split()[1:5])) for line in labels.read_text().splitlines() if line.strip()]
    return [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in rows]


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
        "taste": judge_taste(engine.snapshot(), {tag.id: tag for tag in Taxonomy.load().tags}),
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
