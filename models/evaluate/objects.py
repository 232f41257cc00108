"""Whether things are found where they are, and above all those that fill a good part of the frame."""

from __future__ import annotations

from typing import Any

from photos_engine.models import detection
from photos_engine.models.evaluate.subject import Subject

AGREED, ENOUGH = 2, 5  # captions that must name a thing for it to be there; photos of a thing, to speak of it


def measure_objects(subject: Subject) -> dict[str, Any]:
    """Found things against the boxes and the captions of held-out pictures; nothing of a model without the head."""
    pictures, contract = subject.held_out("coco128"), subject.manifest.outputs.get("objects")
    if not pictures or contract is None:
        return {}
    truth = [detection.read_truth(picture) for picture in pictures]
    thresholds = dict(zip(contract["labels"], contract["thresholds"], strict=True))
    boxes = detection.evaluate_objects(subject.things(pictures), truth, thresholds)
    return {"boxes": boxes, "captions": _against_captions(subject, tuple(thresholds))}


def _against_captions(subject: Subject, labels: tuple[str, ...]) -> dict[str, Any]:
    """Of many more photos it is known what people saw on them, if not where: label -> found of named, named of found.

    People name what matters, so what is small or beside the point counts as missed or wrong here.
    """
    photos = [picture for picture in subject.held_out("flickr8k") if picture.captions]
    named = [[set(subject.taxonomy.in_caption(caption)) for caption in photo.captions] for photo in photos]
    found = [{thing.label for thing in signals.objects} for signals in subject.of(photos)]
    table = {}
    for label in labels:
        counts = [sum(label in words for words in captions) for captions in named]
        there = [label in things for count, things in zip(counts, found, strict=True) if count >= AGREED]
        right = [count > 0 for count, things in zip(counts, found, strict=True) if label in things]
        if len(there) >= ENOUGH:
            table[label] = {
                "photos": len(there),
                "found, %": round(100 * sum(there) / len(there), 1),
                "said of": len(right),
                "named by a caption, %": round(100 * sum(right) / len(right), 1) if right else None,
            }
    return table
