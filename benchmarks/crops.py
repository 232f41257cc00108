"""What crops keep of the main thing, on pictures with labelled boxes that were held out from training; horizons.

    pip install smartcrop
    python benchmarks/crops.py --data DATA

Ours beside a centre crop and the public smartcrop algorithm (left out where it isn't installed), all as large as the
picture allows.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scripted import print_figures, share

from photos_engine import PhotosEngine
from photos_engine.experiences import autocrop
from photos_engine.horizon import find_horizon
from photos_engine.models import corpus
from photos_engine.models.detection import area
from photos_engine.types import Box, DetectedObject, SceneSignals

ASPECTS = ((1, 1), (4, 3), (16, 9), (9, 16))
WHOLE = 0.95
STANDS_OUT = 1.5
"""Times the area of any other box: of three women in a row, or eight birds, none is the main thing."""
NUDGE = 1.02  # a little change of the aspect
VIEWS = (*(("scenes", label) for label in ("sea", "mountain", "glacier", "forest", "street")), ("events", "beach"),
         ("weather", "sunrise"))  # fmt: skip
TURN_DEGREES, CUT, NEAR_DEGREES = 4.0, 0.08, 1.0
WAYS = ("ours", "without things", "with every box", "centre", "smartcrop")


def judge_crops(engine: PhotosEngine, data: Path) -> dict[str, Any]:
    """Share of the main box's area inside the crop, of the pictures in which it fits into one, by aspect.

    The main box is the largest that was labelled, in pictures where it stands out; the largest box of all pictures has
    rows of its own, though a crop that leaves it out may well be the better one there. Ours from what draws the eye and
    what the model finds; from what draws the eye alone; and with every labelled box, which is what a detector that
    never errs would give.
    """
    main: dict[str, list[dict[str, float]]] = {f"{w}:{h}, main thing": [] for w, h in ASPECTS}
    largest: dict[str, list[dict[str, float]]] = {f"{w}:{h}, largest box": [] for w, h in ASPECTS}
    moves = []
    for picture in corpus.list_pictures(data):
        if picture.source != "coco128" or not picture.held_out or not (boxes := corpus.read_boxes(picture.path)):
            continue
        boxes.sort(key=area, reverse=True)
        with Image.open(picture.path) as opened:
            image = opened.convert("RGB")
        seen = engine.analyze(image)
        for aspect in ASPECTS:
            crops = _crops_of(image, seen, aspect, boxes)
            moves.append(_move(image, seen, aspect))
            if not _fits(boxes[0], crops["ours"]):
                continue
            row = {way: inside(boxes[0], crop) for way, crop in crops.items()}
            largest[f"{aspect[0]}:{aspect[1]}, largest box"].append(row)
            if len(boxes) == 1 or area(boxes[0]) >= STANDS_OUT * area(boxes[1]):
                main[f"{aspect[0]}:{aspect[1]}, main thing"].append(row)
    judged = {title: _as_shares(rows) for title, rows in {**main, **largest}.items()}
    median, most = np.median(moves), np.max(moves)
    text = f"moves an edge by {median:.3f} of the picture (median), {most:.3f} at most"
    return {**judged, f"an aspect {NUDGE - 1:.0%} wider": text}


def _crops_of(image: Image.Image, seen: SceneSignals, aspect: tuple[int, int], boxes: Sequence[Box]) -> dict[str, Box]:
    """One picture's crops of an aspect, by way."""
    horizon = find_horizon(image)
    ours = autocrop.crop(seen.saliency, image.size, aspect, seen.objects, horizon).box
    width, height = ours[2] - ours[0], ours[3] - ours[1]
    every = [DetectedObject("thing", box, 1.0) for box in boxes]
    crops = {
        "ours": ours,
        "without things": autocrop.crop(seen.saliency, image.size, aspect, (), horizon).box,
        "with every box": autocrop.crop(seen.saliency, image.size, aspect, every, horizon).box,
        "centre": (0.5 - width / 2, 0.5 - height / 2, 0.5 + width / 2, 0.5 + height / 2),
    }
    smart = crop_smartly(image, aspect)
    return crops if smart is None else {**crops, "smartcrop": smart}


def _move(image: Image.Image, seen: SceneSignals, aspect: tuple[int, int]) -> float:
    """How far an edge of our crop goes at most when the aspect changes a little."""
    shapes = (aspect, (aspect[0] * NUDGE, aspect[1]))
    horizon = find_horizon(image)
    before, after = (np.array(autocrop.crop(seen.saliency, image.size, a, seen.objects, horizon).box) for a in shapes)
    return float(np.abs(before - after).max())


def _as_shares(rows: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Of each way to crop the mean share, and of how many pictures at least `WHOLE` is inside."""
    values = {way: [row[way] for row in rows if way in row] for way in WAYS}
    texts = {
        way: f"{np.mean(some):.3f}, {share(sum(v >= WHOLE for v in some), len(some))} whole" if some else "-"
        for way, some in values.items()
    }
    return {"pictures": len(rows), **texts}


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


def judge_horizons(data: Path) -> dict[str, str]:
    """Where horizons are found; and of those found again in the picture turned clockwise, how many turned with it."""
    found: dict[str, list[bool | None]] = {}
    for picture in corpus.list_pictures(data):
        if (picture.source, picture.label) not in VIEWS:
            continue
        mine = found.setdefault(picture.label, [])
        with Image.open(picture.path) as opened:
            image = opened.convert("RGB")
        if (horizon := find_horizon(image)) is None:
            mine.append(None)
            continue
        edges = (CUT * image.width, CUT * image.height, (1 - CUT) * image.width, (1 - CUT) * image.height)
        turned = image.rotate(-TURN_DEGREES, Image.Resampling.BICUBIC).crop(tuple(map(round, edges)))
        again = find_horizon(turned)
        moved = None if again is None else again.tilt_degrees(turned.size) - horizon.tilt_degrees(image.size)
        mine.append(moved is not None and abs(moved + TURN_DEGREES) < NEAR_DEGREES)
    return {
        label: f"found in {share(sum(turns is not None for turns in some), len(some))} of {len(some)}, "
        f"of these {share(sum(turns is True for turns in some), sum(turns is not None for turns in some))} turn with it"
        for label, some in found.items()
    }


def _fits(box: Box, frame: Box) -> bool:
    """Whether a box could be whole in a frame of this size, wherever that lies."""
    return box[2] - box[0] <= frame[2] - frame[0] and box[3] - box[1] <= frame[3] - frame[1]


def inside(box: Box, frame: Box) -> float:
    """The share of a box that lies in a frame."""
    common = (max(box[0], frame[0]), max(box[1], frame[1]), min(box[2], frame[2]), min(box[3], frame[3]))
    return area(common) / area(box)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with coco128 in it")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, PhotosEngine.open(Path(folder) / "library") as engine:
        figures = {"crops": judge_crops(engine, options.data), "horizons": judge_horizons(options.data)}
        print_figures(figures, as_json=options.json)


if __name__ == "__main__":
    main()
