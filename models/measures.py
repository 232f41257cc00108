"""What is measured of a model, as plain functions of arrays and signals; see `evaluate` for the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photos_engine.types import Box, FloatArray

RANKS = (1, 5, 10)


def retrieval(images: FloatArray, texts: FloatArray, owners: NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Recall in per cent, both ways, over all pictures; `owners[i]` is the picture of text `i`."""
    scores = texts @ images.T  # (texts, images)
    best_own = np.array([scores[owners == image, image].max() for image in range(len(images))])
    other = np.where(owners[:, None] == np.arange(len(images))[None, :], -np.inf, scores)
    image_ranks = (other > best_own[None, :]).sum(0)
    return {
        "text to image": text_to_image(images, texts, owners),
        "image to text": {f"R@{rank}": _percent(image_ranks < rank) for rank in RANKS},
    }


def text_to_image(images: FloatArray, texts: FloatArray, owners: NDArray[np.int64]) -> dict[str, float]:
    """Recall in per cent of texts among all pictures; `owners[i]` is the picture of text `i`."""
    scores = texts @ images.T
    ranks = (scores > scores[np.arange(len(texts)), owners][:, None]).sum(1)
    return {f"R@{rank}": _percent(ranks < rank) for rank in RANKS}


def recall_at_false_positives(positives: FloatArray, negatives: FloatArray, share: float) -> tuple[float, float]:
    """The share of positives, in per cent, above the threshold that `share` of the negatives pass; and it."""
    threshold = float(np.quantile(negatives, 1 - share))
    return _percent(positives > threshold), threshold


def ordered_pairs(grades: Sequence[int], scores: Sequence[float]) -> tuple[int, int]:
    """How many of one picture's pairs of different grades the scores put in order: the worse the lower."""
    pairs = [(i, j) for i in range(len(grades)) for j in range(len(grades)) if grades[i] < grades[j]]
    return sum(scores[i] > scores[j] for i, j in pairs), len(pairs)


def quantiles(values: Iterable[float], shares: Sequence[float] = (0.01, 0.05, 0.5, 0.95, 0.99)) -> dict[str, float]:
    """Quantiles by name."""
    array = np.fromiter(values, float)
    return {f"{100 * share:g} %": round(float(np.quantile(array, share)), 3) for share in shares}


def hamming_matrix(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Distances of prints (n, 32) and (m, 32): (n, m)."""
    counts = np.array([number.bit_count() for number in range(256)], np.int64)
    return np.stack([counts[row[None, :] ^ other].sum(1) for row in one])


def box_mask(boxes: Sequence[Box], side: int) -> NDArray[np.bool_]:
    """(side, side): which cells have their middle inside a box."""
    middle = (np.arange(side) + 0.5) / side
    mask = np.zeros((side, side), bool)
    for left, top, right, bottom in boxes:
        mask |= ((middle >= top) & (middle <= bottom))[:, None] & ((middle >= left) & (middle <= right))[None, :]
    return mask


def centre_prior(side: int, spread: float = 0.25) -> FloatArray:
    """A Gaussian on the middle of the picture: what any heat map must beat."""
    offset = ((np.arange(side) + 0.5) / side - 0.5) / spread
    return np.exp(-0.5 * (offset[:, None] ** 2 + offset[None, :] ** 2)).astype(np.float32)


def rank_area(positives: FloatArray, negatives: FloatArray) -> float:
    """The chance that a positive scores above a negative (area under the ROC curve)."""
    order = np.concatenate([positives, negatives]).argsort(kind="stable").argsort(kind="stable")
    ranks = order[: len(positives)].sum() - len(positives) * (len(positives) - 1) / 2
    return float(ranks / (len(positives) * len(negatives)))


def average_precision(scores: FloatArray, true: NDArray[np.bool_]) -> float:
    """The mean precision at every true one, best score first; among equal scores the order of the rows counts."""
    hits = true[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean()) if hits.any() else 0.0


def recall_at_precision(positives: FloatArray, negatives: FloatArray, precision: float) -> tuple[float, float | None]:
    """The greatest share of positives, in per cent, that can be found at a precision; and the threshold for it.

    Ties are bad luck: all negatives of a score are taken before its positives. None where the
    precision is never reached.
    """
    scores = np.concatenate([negatives, positives])
    is_positive = np.arange(len(scores)) >= len(negatives)
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(is_positive[order])
    good = np.flatnonzero((right / np.arange(1, len(order) + 1) >= precision) & is_positive[order])
    if not len(good):
        return 0.0, None
    return round(100 * float(right[good[-1]]) / len(positives), 2), float(scores[order[good[-1]]])


def reliability(
    probabilities: FloatArray, true: NDArray[np.bool_], weights: FloatArray | None = None, bins: int = 10
) -> dict[str, Any]:
    """Whether things happen as often as they are given chances: by bins of equal width, and on the whole.

    `expected calibration error` is the mean distance of chance and share over all pairs, in per cent; the
    `error of what is likely` that over pairs at even odds or more, which the many sure noes don't hide.
    """
    weights = np.ones(len(probabilities), np.float32) if weights is None else weights
    place = np.minimum((probabilities * bins).astype(int), bins - 1)
    table: dict[str, Any] = {}
    gaps, masses = np.zeros(bins), np.zeros(bins)
    for number in range(bins):
        inside = place == number
        mass = float(weights[inside].sum())
        if mass == 0:
            continue
        said = float((probabilities * weights)[inside].sum()) / mass
        share = float(weights[inside & true].sum()) / mass
        gaps[number], masses[number] = abs(said - share), mass
        table[f"{number / bins:.1f} to {(number + 1) / bins:.1f}"] = {
            "pairs": int(inside.sum()), "mean probability": round(said, 3), "share true": round(share, 3),
        }  # fmt: skip
    likely = masses * (np.arange(bins) >= bins // 2)
    return {
        "expected calibration error, %": round(100 * float(gaps @ masses) / max(masses.sum(), 1e-9), 2),
        "error of what is likely, %": round(100 * float(gaps @ likely) / max(likely.sum(), 1e-9), 2),
        "bins": table,
    }


def precision_and_recall(said: Sequence[bool], true: Sequence[bool]) -> Mapping[str, float | int | None]:
    """Both in per cent, with what they rest on; None where nothing was said or nothing is true."""
    right = sum(s and t for s, t in zip(said, true, strict=True))
    return {
        "precision": round(100 * right / sum(said), 1) if any(said) else None,
        "recall": round(100 * right / sum(true), 1) if any(true) else None,
        "said": sum(said),
        "true": sum(true),
    }


def _percent(hits: NDArray[np.bool_]) -> float:
    return round(float(hits.mean() * 100), 2)
