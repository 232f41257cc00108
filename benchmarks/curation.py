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
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from crops import judge_crops
from numpy.typing import NDArray
from scripted import (
    Pair,
    Truth,
    add_life_options,
    enlarge,
    library_of,
    lives,
    pairs_of,
    print_figures,
    share,
    workplace,
)

from photos_engine import PhotosEngine
from photos_engine.alignment import read_grey
from photos_engine.analyzers import Taxonomy
from photos_engine.changes import Marks
from photos_engine.curation import assess_quality, assess_utility, is_showable
from photos_engine.experiences import recommend
from photos_engine.experiences.duplicates import find_groups, update_groups
from photos_engine.experiences.featured import TASTE
from photos_engine.types import UTILITY_KINDS, DateSource, Decision, FloatArray, Snapshot, Tag
from photos_engine.worth import rate_photo

FRESH = 200


def precision_and_recall(found: set[Any], true: set[Any]) -> dict[str, Any]:
    return _as_shares_of(len(true), len(found), len(found & true))


def _as_shares_of(true: int, found: int, right: int) -> dict[str, Any]:
    precision, recall = share(right, found), share(right, true)
    return {"true": true, "found": found, "right": right, "precision": precision, "recall": recall}


def pool(tables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The rows of precision and recall of several lives as if they were one: kinds of few pictures need many lives."""
    names = [name for name, row in tables[0].items() if isinstance(row, dict) and "right" in row]
    counts = ("true", "found", "right")
    return {
        name: _as_shares_of(*(sum(table[name][count] for table in tables if name in table) for count in counts))
        for name in names
    }


def judge_utility(engine: PhotosEngine, truth: Truth) -> dict[str, Any]:
    kinds = {item.photo.id: truth.kind_of(item.photo) for item in engine.snapshot().photos}
    true = {photo_id: kind for photo_id, kind in kinds.items() if kind not in ("photo", None)}
    # A page is a page: the script calls handwriting a document.
    found = {
        utility.photo.id: "document" if utility.kind == "handwriting" else utility.kind
        for utility in engine.utility()
        if kinds[utility.photo.id] is not None
    }
    by_kind = {
        kind: precision_and_recall(
            {i for i, k in found.items() if k == kind}, {i for i, k in true.items() if k == kind}
        )
        for kind in UTILITY_KINDS
        if kind in true.values() or kind in found.values()
    }
    misnamed = sum(kind is None for kind in kinds.values())
    return {"any kind": precision_and_recall(set(found), set(true)), **by_kind, "misnamed, left out": misnamed}


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


def measure_scale(engine: PhotosEngine, count: int) -> dict[str, Any]:
    """CPU seconds and memory for the groups of a library enlarged to `count` photos; memory on Linux only.

    Then for keeping them up when the last `FRESH` photos have come in, and whether that gives the same.
    """
    snapshot = engine.snapshot()
    large = enlarge(snapshot, count)
    originals = {item.photo.id[6:]: item.photo for item in snapshot.photos}  # `enlarge` counts lives in front

    def view(photo_id: str) -> FloatArray:
        return read_grey(engine.thumbnail(originals[photo_id[6:]]).read_bytes())

    earlier = replace(large, photos=large.photos[:-FRESH], embeddings=large.embeddings[:-FRESH])
    known = find_groups(earlier, view=view)
    marks = Marks.of(earlier, known, "")
    before = peak_memory_mb(forget=True)
    started = time.process_time()
    groups = find_groups(large, view=view)
    made, peak = time.process_time(), peak_memory_mb()
    kept_up = update_groups(large, marks, known, view=view)
    updated = time.process_time()
    return {
        "photos": len(large.photos),
        "groups": len(groups),
        "CPU seconds": round(made - started, 1),
        "peak over the snapshot, MB": peak - before,
        f"CPU seconds after {FRESH} new": round(updated - made, 1),
        "the same groups": kept_up == groups,
    }


_FLIPS, _NOISE = 40, 0.02


def measure_alike(engine: PhotosEngine, count: int) -> dict[str, Any]:
    """CPU seconds, memory and second looks for pictures of one camera that stands still, without recorded times.

    Each is one photo with a patch of its own, moved and lit a little, whose print differs in up to `_FLIPS` bits: about
    what frames of a film do, and the worst for groups, since any two may be copies. Half as many, then all of them.
    """
    snapshot, random = engine.snapshot(), np.random.default_rng(1)
    row = next(
        n for n in random.permutation(len(snapshot.photos)).tolist() if assess_utility(snapshot.photos[n]).kind is None
    )
    item, scene = snapshot.photos[row], read_grey(engine.thumbnail(snapshot.photos[row].photo).read_bytes())
    bits = np.unpackbits(np.frombuffer(item.print, np.uint8))
    facts = replace(item.photo.facts, date_source=DateSource.FILE_TIME)
    frames = []
    for number in range(count):
        flipped = bits.copy()
        flipped[random.choice(256, random.integers(0, _FLIPS + 1), replace=False)] ^= 1
        photo = replace(item.photo, id=f"{number:064x}", key=number, facts=facts)
        frames.append(replace(item, photo=photo, print=np.packbits(flipped).tobytes(), stack=None))
    vectors = snapshot.embeddings[row] + _NOISE * random.standard_normal((count, snapshot.embeddings.shape[1]))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    seen = Counter[str]()

    def view(photo_id: str) -> FloatArray:
        seen["views"] += 1
        chance = np.random.default_rng(int(photo_id, 16))
        frame = np.roll(scene, chance.integers(-6, 7, 2), (0, 1)) * np.float32(chance.uniform(0.8, 1.2))
        top, left = chance.integers(0, 70, 2)
        frame[top : top + 24, left : left + 24] = chance.uniform(0, 255)
        return frame

    table = {}
    for some in (count // 2, count):
        library = replace(snapshot, photos=tuple(frames[:some]), embeddings=vectors[:some])
        seen.clear()
        before, started = peak_memory_mb(forget=True), time.process_time()
        groups = find_groups(library, view=view)
        spent = time.process_time() - started
        table[f"{some} photos"] = {
            "CPU seconds": round(spent, 1), "ms a photo": round(1000 * spent / some, 1),
            "peak over the snapshot, MB": peak_memory_mb() - before, "views": seen["views"], "groups": len(groups),
        }  # fmt: skip
    return table


def peak_memory_mb(*, forget: bool = False) -> int:
    """The most memory that the process held, since it was last told to forget."""
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


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
    parser.add_argument("--alike", type=int, default=0, help="also time the groups of so many that are nearly alike")
    options = parser.parse_args()
    judged = []
    with workplace(options) as folder:
        for life in lives(options, folder):
            with PhotosEngine.open(library_of(life, folder)) as engine:
                report = engine.index([life])
                figures = {"life": {"folder": life, "analysed": report.analysed}, **judge(engine, Truth(life))}
                judged.append(figures)
                if options.scale:
                    figures["scale"] = measure_scale(engine, options.scale)
                if options.alike:
                    figures["alike"] = measure_alike(engine, options.alike)
                if options.crops and len(judged) == 1:
                    figures["crops"] = judge_crops(engine, options.crops)
            print_figures(figures, as_json=options.json)
    if len(judged) > 1:
        sections = {f"{name}, all lives": pool([each[name] for each in judged]) for name in ("utility", "duplicates")}
        print_figures(sections, as_json=options.json)


if __name__ == "__main__":
    main()
