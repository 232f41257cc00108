"""Whether words alone sort pictures of kinds that the embedding was never taught."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photos_engine.models import corpus, detection
from photos_engine.models.corpus import Picture
from photos_engine.models.evaluate.subject import Subject
from photos_engine.types import FloatArray

FOLDERS = ("scenes", "scenes_grey", "weather", "rooms", "events")
TEMPLATES = ("a photo of {}", "a picture of {}", "this photo shows {}", "{} in the photo", "{}")


def measure_zero_shot(subject: Subject) -> dict[str, Any]:
    """Accuracy in per cent, by one prompt a class and by an ensemble of prompts, against chance."""
    table: dict[str, Any] = {}
    for source in FOLDERS:
        pictures = subject.held_out(source)
        tags = {label: tags[0] for label, tags in corpus.FOLDER_TAGS[source].items()}
        if pictures:
            truth = np.array([[label == picture.label for label in tags] for picture in pictures])
            table[source] = _measure(subject, pictures, list(tags.values()), truth)
    return table | _objects(subject)


def _objects(subject: Subject) -> dict[str, Any]:
    """Pictures of everyday things, right where something in the picture is named."""
    tags = list(dict.fromkeys(tag for tag in detection.COCO_TAGS if tag is not None))
    shown = {picture: {thing.label for thing in detection.read_truth(picture)}
             for picture in subject.held_out("coco128")}  # fmt: skip
    pictures = [picture for picture, labels in shown.items() if labels]
    if not pictures:
        return {}
    truth = np.array([[tag in shown[picture] for tag in tags] for picture in pictures])
    return {"coco128 objects": _measure(subject, pictures, tags, truth)}


def _measure(
    subject: Subject, pictures: Sequence[Picture], tags: Sequence[str], truth: NDArray[np.bool_]
) -> Mapping[str, float | int]:
    """truth: (pictures, tags); a picture that shows several is right with any of them."""
    images = np.stack([signals.embedding for signals in subject.of(pictures)])
    labels = [subject.taxonomy.tag(tag).label for tag in tags]
    plain = subject.encoder.encode([TEMPLATES[0].format(label) for label in labels])
    ensemble = np.stack([
        subject.encoder.encode_prompts(prompts_of(subject, tag, label)) for tag, label in zip(tags, labels, strict=True)
    ])  # fmt: skip
    return {
        "pictures": len(pictures),
        "classes": len(tags),
        "chance": round(100 * float(truth.mean(1).mean()), 1),
        "one prompt": _accuracy(images, plain, truth),
        "ensemble": _accuracy(images, ensemble, truth),
    }


def prompts_of(subject: Subject, tag: str, label: str) -> list[str]:
    """Several ways to say a tag: the taxonomy's own sentences, and its label in common ones."""
    return [*subject.taxonomy.evidence(tag).prompts, *(template.format(label) for template in TEMPLATES)]


def _accuracy(images: FloatArray, texts: FloatArray, truth: NDArray[np.bool_]) -> float:
    best = (images @ texts.T).argmax(1)
    return round(100 * float(truth[np.arange(len(truth)), best].mean()), 1)
