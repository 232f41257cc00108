"""Whether things are found where they are, and above all those that fill a good part of the frame."""

from __future__ import annotations

from typing import Any

from photos_engine.models import detection
from photos_engine.models.evaluate.subject import Subject


def measure_objects(subject: Subject) -> dict[str, Any]:
    """Found things against the boxes of held-out pictures, by label; nothing of a model without the head."""
    pictures, contract = subject.held_out("coco128"), subject.manifest.outputs.get("objects")
    if not pictures or contract is None:
        return {}
    truth = [detection.read_truth(picture) for picture in pictures]
    thresholds = dict(zip(contract["labels"], contract["thresholds"], strict=True))
    return dict(detection.evaluate_objects(subject.things(pictures), truth, thresholds))
