"""Whether tags are right, found, ranked well, and as probable as they claim."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from photos_engine.models import corpus, measures
from photos_engine.models.evaluate.subject import Subject
from photos_engine.models.labels import sure_labels
from photos_engine.types import FloatArray

SETS = ("flickr8k", *corpus.LABELLED_SETS)
FEWEST = 10  # pictures that must show a tag, and that must not, before it has a figure of its own
SOFT_SPOTS = 10


def measure_tags(subject: Subject) -> dict[str, Any]:
    """By set, by folder, against captions; reliability of the probabilities, and the worst tags."""
    by_set, soft = {}, []
    chances, truths = [], []
    for source in SETS:
        pictures = subject.held_out(source)
        if not pictures:
            continue
        truth, known = sure_labels(pictures, subject.taxonomy)
        probabilities = subject.tag_chances(pictures)
        by_set[source] = figures_of_set(probabilities, subject.tags_said(pictures), truth, known)
        soft += [(source, *row) for row in average_precisions(probabilities, truth, known)]
        chances.append(probabilities[known])
        truths.append(truth[known])
    if not by_set:
        return {}
    return {
        "by set": by_set,
        "by folder": _by_folder(subject),
        "against captions": _against_captions(subject),
        "reliability": measures.reliability(np.concatenate(chances), np.concatenate(truths)),
        "soft spots": {
            f"{source}: {subject.taxonomy.tags[tag].id}": {
                "average precision": round(100 * precision, 1), "pictures that show it": positives,
                "that don't": negatives,
            }
            for source, tag, precision, positives, negatives in sorted(soft, key=lambda row: row[2])[:SOFT_SPOTS]
        },
    }  # fmt: skip


def average_precisions(
    probabilities: FloatArray, truth: NDArray[np.bool_], known: NDArray[np.bool_], fewest: int = FEWEST
) -> list[tuple[int, float, int, int]]:
    """Each tag's column, average precision, and how many pictures show it and don't, where there are enough."""
    rows = []
    for tag in range(truth.shape[1]):
        told = known[:, tag]
        positives = int(truth[told, tag].sum())
        negatives = int(told.sum()) - positives
        if positives >= fewest and negatives >= fewest:
            rows.append(
                (tag, measures.average_precision(probabilities[told, tag], truth[told, tag]), positives, negatives)
            )
    return rows


def figures_of_set(
    chances: FloatArray, said: NDArray[np.bool_], truth: NDArray[np.bool_], known: NDArray[np.bool_]
) -> dict[str, Any]:
    """Mean average precision over the tags that can be judged; precision and recall of all that is said.

    All (pictures, tags): the chances, what was said, what is true, and where that can be relied on.
    """
    found = average_precisions(chances, truth, known)
    return {
        "pictures": len(chances),
        "tags measured": len(found),
        "mAP": round(100 * float(np.mean([row[1] for row in found])), 2) if found else None,
        **measures.precision_and_recall(said[known].tolist(), truth[known].tolist()),
        "tags a photo": round(float(said.sum(1).mean()), 2),
    }


def _by_folder(subject: Subject) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for source, siblings in corpus.FOLDER_TAGS.items():
        for tag in sorted({tag for tags in siblings.values() for tag in tags}):
            showing = {label for label, tags in siblings.items() if tag in tags}
            pictures = [
                picture
                for picture in subject.held_out(source)
                if picture.label in showing or showing <= corpus.excluded_labels(source, picture.label)
            ]
            true = [picture.label in showing for picture in pictures]
            found = [tag in signals.tags for signals in subject.of(pictures)]
            table[f"{source}: {tag}"] = measures.precision_and_recall(found, true)
    return table


def _against_captions(subject: Subject) -> dict[str, float]:
    pictures = subject.held_out("flickr8k")
    said = told = right = 0
    for picture, signals in zip(pictures, subject.of(pictures), strict=True):
        mentioned = frozenset().union(*(subject.taxonomy.in_caption(caption) for caption in picture.captions))
        said, told = said + len(signals.tags), told + len(mentioned)
        right += len(mentioned & signals.tags.keys())
    return {
        "tags a photo": round(said / max(len(pictures), 1), 2),
        "of them in a caption, %": round(100 * right / max(said, 1), 1),
        "of the captions' tags, %": round(100 * right / max(told, 1), 1),
    }
