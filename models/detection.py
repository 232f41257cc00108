"""How found things compare with true ones: overlap, average precision, and what COCO's classes are called here.

No torch: training and evaluation measure with the same few functions of arrays and signals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from photos_engine.models.corpus import Picture
from photos_engine.types import Box, DetectedObject, FloatArray

OVERLAP = 0.5  # intersection over union from which a box counts as found
LARGE = 0.1  # share of the frame from which a thing should be found

# COCO's 80 classes in their order, as tags of the taxonomy; None where it has no fitting one.
COCO_TAGS: tuple[str | None, ...] = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    None, None, "sign", None, "bench",  # traffic light, fire hydrant, stop sign, parking meter, bench
    "bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe",
    "bag", "umbrella", "bag", None, "suitcase",  # backpack, umbrella, handbag, tie, suitcase
    None, None, None, "ball", None, None, None, None, None, None,  # frisbee to tennis racket: the gear of a sport
    "bottle", "cup", "cup", "tableware", "tableware", "tableware", "tableware",  # bottle, wine glass, cup, fork to bowl
    "fruit", "fruit", "sandwich", "fruit", "vegetable", "vegetable", "hot_dog", "pizza", "donut", "cake",
    "chair", "sofa", "houseplant", "bed", "table",
    None, "television", "computer", None, None, None, "phone",  # toilet, tv, laptop, mouse, remote, keyboard, phone
    "appliance", "appliance", "appliance", None, "appliance",  # microwave, oven, toaster, sink, refrigerator
    "book", "clock", "vase", None, "teddy_bear", None, None,  # book, clock, vase, scissors, ..., toothbrush
)  # fmt: skip


def read_truth(picture: Picture) -> tuple[DetectedObject, ...]:
    """Read the true things of a picture of coco128 that the taxonomy has tags for, with score 1."""
    label = picture.path.parent.parent / "labels" / f"{picture.path.stem}.txt"
    truth = []
    for line in label.read_text(encoding="utf-8").splitlines() if label.is_file() else ():
        number, x, y, width, height = map(float, line.split()[:5])
        tag = COCO_TAGS[int(number)]
        if tag is not None:
            truth.append(DetectedObject(tag, (x - width / 2, y - height / 2, x + width / 2, y + height / 2), 1.0))
    return tuple(truth)


def area(box: Box) -> float:
    """The share of the frame that a box covers; 0 for an empty or inverted one."""
    left, top, right, bottom = box
    return max(right - left, 0.0) * max(bottom - top, 0.0)


def overlaps(one: Sequence[Box] | FloatArray, other: Sequence[Box] | FloatArray) -> FloatArray:
    """Intersection over union of every pair of boxes, (len(one), len(other)); 0 where both are empty."""
    a = np.asarray(one, np.float32).reshape(-1, 1, 4)
    b = np.asarray(other, np.float32).reshape(1, -1, 4)
    common = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None).prod(2)
    areas = [np.clip(box[..., 2:] - box[..., :2], 0, None).prod(2) for box in (a, b)]
    union = areas[0] + areas[1] - common
    shares: FloatArray = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return shares


def match(found: Sequence[DetectedObject], truth: Sequence[DetectedObject], overlap: float = OVERLAP) -> list[int]:
    """For every found thing of one picture the true one that it hits, or -1.

    The surest chooses first; it takes the free true thing of its label that it overlaps most, if by
    `overlap` or more. A true thing is hit once: what hits it again is a mistake.
    """
    shares = overlaps([item.box for item in found], [item.box for item in truth])
    hits, free = [-1] * len(found), [True] * len(truth)
    for index in sorted(range(len(found)), key=lambda i: -found[i].score):
        candidates = [
            (float(shares[index, j]), j)
            for j in range(len(truth))
            if free[j] and truth[j].label == found[index].label and shares[index, j] >= overlap
        ]
        if candidates:
            hits[index] = max(candidates)[1]
            free[hits[index]] = False
    return hits


def average_precision(scores: FloatArray, is_right: NDArray[np.bool_], true_count: int) -> float | None:
    """The area under the precision-recall curve, 0 to 1, of found things ranked by score.

    Precision at a recall is the best at that recall or a higher one (all points, as VOC 2010 has it;
    COCO samples it at 101). None where nothing is true.
    """
    if true_count == 0:
        return None
    right = np.cumsum(is_right[np.argsort(-scores, kind="stable")])
    if right.size == 0:
        return 0.0
    precision = np.maximum.accumulate((right / np.arange(1, len(right) + 1))[::-1])[::-1]
    gained = np.diff(right, prepend=0) / true_count
    return float((precision * gained).sum())


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How well one label's things are found. Shares in per cent, None where they rest on nothing."""

    ap50: float | None  # over found things of any score that was given in
    precision: float | None
    recall: float | None
    recall_large: float | None  # of true things that fill a tenth of the frame or more
    true: int
    true_large: int
    found: int


def evaluate_objects(
    found: Sequence[Sequence[DetectedObject]],
    truth: Sequence[Sequence[DetectedObject]],
    thresholds: Mapping[str, float] | None = None,
) -> dict[str, dict[str, float | int | None]]:
    """Score found things against true ones, picture by picture: label -> the fields of `LabelScore`.

    found: everything that a model gave, so also what is too unsure to be shown; AP rests on all of
    it, precision and recall on what reaches its label's threshold (all of it without `thresholds`).
    The row "mean" has the mean AP50 and recalls over the labels that are in `truth`, and everything
    pooled in its counts and precision.
    """
    limits = thresholds or {}
    scores: dict[str, list[float]] = {}
    rights: dict[str, list[bool]] = {}
    true: dict[str, list[tuple[bool, bool]]] = {}  # (large, found by something that may be said)
    for things, real in zip(found, truth, strict=True):
        hits = match(things, real)
        said = {hit for thing, hit in zip(things, hits, strict=True) if thing.score >= limits.get(thing.label, 0.0)}
        for thing, hit in zip(things, hits, strict=True):
            scores.setdefault(thing.label, []).append(thing.score)
            rights.setdefault(thing.label, []).append(hit >= 0)
        for index, item in enumerate(real):
            true.setdefault(item.label, []).append((area(item.box) >= LARGE, index in said))
    table = {
        label: _label_score(scores.get(label, []), rights.get(label, []), true.get(label, []), limits.get(label, 0.0))
        for label in sorted({*scores, *true})
    }
    return {label: asdict(row) for label, row in (table | {"mean": _mean(table, scores, rights, limits)}).items()}


def _label_score(
    scores: Sequence[float], rights: Sequence[bool], true: Sequence[tuple[bool, bool]], threshold: float
) -> LabelScore:
    ap = average_precision(np.asarray(scores, np.float32), np.asarray(rights, bool), len(true))
    said = [right for score, right in zip(scores, rights, strict=True) if score >= threshold]
    large = [hit for is_large, hit in true if is_large]
    return LabelScore(
        None if ap is None else round(100 * ap, 1), _percent(said), _percent([hit for _, hit in true]),
        _percent(large), len(true), len(large), len(said),
    )  # fmt: skip


def _mean(
    table: Mapping[str, LabelScore],
    scores: Mapping[str, Sequence[float]],
    rights: Mapping[str, Sequence[bool]],
    limits: Mapping[str, float],
) -> LabelScore:
    def mean(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return round(float(np.mean(known)), 1) if known else None

    rows = list(table.values())
    said = [
        right
        for label, found in scores.items()
        for score, right in zip(found, rights[label], strict=True)
        if score >= limits.get(label, 0.0)
    ]
    return LabelScore(
        mean([row.ap50 for row in rows]), _percent(said), mean([row.recall for row in rows]),
        mean([row.recall_large for row in rows]), sum(row.true for row in rows),
        sum(row.true_large for row in rows), len(said),
    )  # fmt: skip


def _percent(hits: Sequence[bool]) -> float | None:
    return round(100 * sum(hits) / len(hits), 1) if hits else None
