"""What the objects head learns: the teacher's boxes, put right by what people wrote about the pictures.

In 18 pictures whose captions speak of a dog the teacher found one in 9; it takes running dogs for bears,
even for people. Captions don't say where things are, but what they are: five people looked at each
picture. So captions rename the teacher's animals, and make it surer or less sure; of what they name and
it didn't find nothing is learned in that picture, neither that it is there nor that it isn't.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.models.corpus import Picture
from photos_engine.models.detection import COCO_TAGS, match, overlaps, read_truth
from photos_engine.models.training.objects import ObjectsConfig
from photos_engine.models.training.objects_teacher import SAME_CLASS, Found
from photos_engine.types import DetectedObject, FloatArray

AGREED = 2  # captions that must name a thing before it is taken to be there
SURE = 0.5  # chance from which a thing counts as placed


@dataclass(frozen=True, slots=True)
class Lesson:
    """One picture's things, their scores being chances; and the labels of which it teaches nothing."""

    things: tuple[DetectedObject, ...]
    unplaced: frozenset[str] = frozenset()


def fit_platt(scores: FloatArray, chances: FloatArray) -> tuple[float, ...]:
    """Fit scales and offset so that sigmoid(sum(scales * scores) + offset) is the chance: (k + 1).

    scores: (n,) log-odds, or (n, k) with further evidence beside them.
    """
    x, y = torch.from_numpy(scores.reshape(len(chances), -1)).double(), torch.from_numpy(chances).double()
    weights = torch.zeros(x.shape[1] + 1, dtype=torch.float64)
    weights[0] = 1.0
    weights.requires_grad_(True)
    optimiser = torch.optim.LBFGS([weights], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = F.binary_cross_entropy_with_logits(x @ weights[:-1] + weights[-1], y)
        loss.backward()
        return loss

    optimiser.step(closure)
    return tuple(weights.detach().tolist())


def log_odds(chances: FloatArray) -> FloatArray:
    """Log-odds, kept finite."""
    clipped = np.clip(chances, 1e-4, 1 - 1e-4)
    return np.log(clipped / (1 - clipped)).astype(np.float32)


def calibrate_teacher(found: Sequence[Sequence[Found]], truth: Sequence[Sequence[DetectedObject]]) -> tuple[float, ...]:
    """What the teacher's scores are worth, from pictures with true boxes (it has seen COCO's: a little flattered)."""
    things = [[item for item in map(_as_thing, row) if item is not None] for row in found]
    right = [hit >= 0 for row, true in zip(things, truth, strict=True) for hit in match(row, true)]
    scores = np.array([item.score for row in things for item in row], np.float32)
    return fit_platt(log_odds(scores), np.array(right, np.float32))


def _as_thing(item: Found) -> DetectedObject | None:
    number, score, box = item
    label = COCO_TAGS[number]
    return None if label is None else DetectedObject(label, box, score)


def settle(
    picture: Picture, found: Sequence[Found], platt: tuple[float, ...], taxonomy: Taxonomy, config: ObjectsConfig
) -> Lesson:
    """Join what the teacher found with what the captions say; a picture of coco128 teaches its true boxes."""
    if picture.source == "coco128":
        return Lesson(read_truth(picture))
    things = [item for item in map(_as_thing, found) if item is not None]
    odds = platt[0] * log_odds(np.array([item.score for item in things], np.float32)) + platt[1]
    if not picture.captions:
        return Lesson(_without_repeats(things, odds))
    counts = Counter(tag for caption in picture.captions for tag in taxonomy.in_caption(caption))
    animals = {label for label in COCO_TAGS if label is not None and "animal" in taxonomy.ancestors(label)}
    labels = [_renamed(item.label, counts, animals) for item in things]
    odds = odds + np.array([_told(label, counts, animals, config) for label in labels], np.float32)
    renamed = [DetectedObject(label, item.box, 0.0) for label, item in zip(labels, things, strict=True)]
    settled = _without_repeats(renamed, odds)
    placed = {item.label for item in settled if item.score >= SURE}
    named = {label for label in COCO_TAGS if label is not None and counts[label] >= AGREED}
    return Lesson(settled, frozenset(named - placed))


def _renamed(label: str, counts: Mapping[str, int], animals: set[str]) -> str:
    """The one animal that captions agree on is what the teacher's animals are, and its people where nobody is named."""
    named = [animal for animal in animals if counts[animal] >= AGREED]
    if len(named) == 1 and (label in animals or (label == "person" and not counts["person"])):
        return named[0]
    return label


def _told(label: str, counts: Mapping[str, int], animals: set[str], config: ObjectsConfig) -> float:
    if counts[label] >= AGREED:
        return config.named
    is_spoken_of = label in animals or label == "person"  # who is there is told; a chair is not
    return -config.unnamed if is_spoken_of and not counts[label] else 0.0


def _without_repeats(things: Sequence[DetectedObject], odds: NDArray[np.float32]) -> tuple[DetectedObject, ...]:
    """The things with their chances, surest first; of two of one label at one place the surer."""
    shares = overlaps([item.box for item in things], [item.box for item in things])
    kept: list[int] = []
    for index in np.argsort(-odds, kind="stable").tolist():
        same = (other for other in kept if things[other].label == things[index].label)
        if all(shares[index, other] < SAME_CLASS for other in same):
            kept.append(index)
    chances = 1 / (1 + np.exp(-odds))
    return tuple(DetectedObject(things[i].label, things[i].box, float(chances[i])) for i in kept)


def expected_things(lessons: Sequence[Lesson]) -> dict[str, float]:
    """How many things of each label the lessons show: the sum of their chances. In COCO's order."""
    sums = {label: 0.0 for label in COCO_TAGS if label is not None}
    for lesson in lessons:
        for item in lesson.things:
            sums[item.label] += item.score
    return sums
