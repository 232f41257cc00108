"""What the pictures at hand show, as tags: one reading of captions, folders and boxes for training and measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from photos_engine.models import corpus, detection
from photos_engine.models.corpus import GENERATED, Picture

if TYPE_CHECKING:
    from photos_engine.analyzers.taxonomy import Taxonomy

SURE, LIKELY = 1.0, 0.6  # two captions agree, or a folder or box says so; one caption says so

# Generated pictures of nothing: what they show, and what they may be taken for with some right. Nothing else is there.
BARE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "texture": ((), ("nature", "outdoors", "indoors", "sand", "rock", "grass", "ice", "water")),
    "gravel": ((), ("nature", "outdoors", "sand", "rock", "grass", "plant", "autumn_leaves", "ice", "water")),
    "starry_sky": (("starry_sky",), ("outdoors", "nature", "landscape", "hill", "mountain", "forest", "twilight")),
}  # fmt: skip
# Tags wider than the classes of COCO that they stand for: no box of them says nothing.
WIDER = frozenset({"sign", "bag", "ball", "cup", "tableware", "fruit", "vegetable", "houseplant", "table", "computer",
                   "appliance"})  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What is known of n pictures, by tag.

    unsaid: (tags,) how often a thing that is there is in none of a picture's captions. People name what
        matters to them: the less captions of one picture agree on a tag, the more often all leave it out.
    """

    targets: NDArray[np.float32]  # (n, tags): SURE, LIKELY or 0
    weights: NDArray[np.float32]  # (n, tags): 0 where nothing is known
    captioned: NDArray[np.bool_]  # (n,): 0 only means that nobody has said it
    unsaid: NDArray[np.float32]


def tag_labels(pictures: Sequence[Picture], taxonomy: Taxonomy, unlisted: float) -> Labels:
    """Read what pictures' captions, folders and boxes say.

    A caption's tags are there: surely where two captions agree, probably where one says so. What no
    caption says is mostly absent. A folder's tags (and what they imply) are there and those of its
    sibling folders are not, unless they often show together, nor is what never shows in the set. Boxes
    tell of COCO's classes whether they are there. About all other tags folders and boxes say little, so
    those weigh `unlisted`. Generated pictures say nothing of them, but for those of nothing.
    """
    column = {tag.id: number for number, tag in enumerate(taxonomy.tags)}
    captioned = np.array([bool(picture.captions) for picture in pictures], bool)
    counts = _mentions(pictures, taxonomy, column)
    targets = np.select([counts >= 2, counts == 1], [SURE, LIKELY], 0.0).astype(np.float32)
    weights = np.where(captioned[:, None], 1.0, np.full_like(targets, unlisted))
    for row in np.flatnonzero(~captioned).tolist():
        shown, absent, weights[row] = _told(pictures[row], taxonomy, weights[row])
        weights[row, [column[tag] for tag in absent]] = 1.0
        implied = [column[name] for tag in shown for name in (tag, *taxonomy.ancestors(tag))]
        targets[row, implied], weights[row, implied] = SURE, 1.0
    lengths = [len(picture.captions) for picture in pictures if picture.captions]
    unsaid = share_unsaid(counts[captioned], round(float(np.mean(lengths)))) if lengths else np.zeros(len(column))
    return Labels(targets, weights.astype(np.float32), captioned, unsaid.astype(np.float32))


def sure_labels(pictures: Sequence[Picture], taxonomy: Taxonomy) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which tags are in the pictures, and which of those answers can be relied on, (n, tags) each.

    What a single caption says is left open, as is all that a folder says nothing about.
    """
    labels = tag_labels(pictures, taxonomy, unlisted=0.0)
    is_clear = (labels.targets == SURE) | (labels.targets == 0)
    return labels.targets == SURE, (labels.weights > 0) & is_clear


def share_unsaid(counts: NDArray[np.int64], captions: int) -> NDArray[np.float64]:
    """How often a thing that is there stays out of all of a picture's captions, (tags,): a lower bound.

    counts: (pictures, tags), how many of a picture's captions name a tag. What one and what two of them
    name tells what none does, f1 ** 2 / (2 * f2) * (k - 1) / k pictures of k captions, however the things
    differ in how readily they are named (Chao 1987, Biometrics 43, 783-791).
    """
    once, twice, ever = (counts == 1).sum(0), (counts == 2).sum(0), (counts > 0).sum(0)
    never = np.where(ever > 0, once**2 / (2 * np.maximum(twice, 1)) * (captions - 1) / captions, 0.0)
    share: NDArray[np.float64] = never / np.maximum(never + ever, 1)
    return share


def _mentions(pictures: Sequence[Picture], taxonomy: Taxonomy, column: dict[str, int]) -> NDArray[np.int64]:
    counts = np.zeros((len(pictures), len(column)), np.int64)
    for row, picture in enumerate(pictures):
        for caption in picture.captions:
            counts[row, [column[tag] for tag in taxonomy.in_caption(caption)]] += 1
    return counts


def _told(
    picture: Picture, taxonomy: Taxonomy, weights: NDArray[np.float32]
) -> tuple[set[str], set[str], NDArray[np.float32]]:
    """What an uncaptioned picture shows and what it doesn't, and how much the rest weighs."""
    if picture.source == "coco128":
        shown = {thing.label for thing in detection.read_truth(picture)}
        return shown, {tag for tag in detection.COCO_TAGS if tag} - WIDER, weights
    if picture.source == GENERATED and picture.label in BARE:
        shown, left_open = map(set, BARE[picture.label])
        return shown, {tag.id for tag in taxonomy.tags} - left_open, np.zeros_like(weights)
    siblings = corpus.folder_tags(picture.source)
    absent = {tag for label in corpus.excluded_labels(picture.source, picture.label) for tag in siblings[label]}
    for tag in corpus.ABSENT_TAGS.get(picture.source, ()):
        absent |= {tag, *taxonomy.descendants(tag)}
    # Whatever photo is behind generated words, nobody has told.
    return set(siblings.get(picture.label, ())), absent, weights * (picture.source != GENERATED)
