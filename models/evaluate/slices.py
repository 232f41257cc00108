"""How much is left where libraries are worst: poor light, old sensors, grey, turned and tilted pictures.

The same held-out photos are seen as they are and spoiled in one way. Spoiled photos are searched for
among the unspoiled rest of the collection, as they lie in a library.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from photos_engine.analyzers.preprocess import INPUT_SIDE_PX
from photos_engine.models import measures
from photos_engine.models.corpus import Picture
from photos_engine.models.degrade import add_noise, darken, recompress, resize_share, tilt
from photos_engine.models.evaluate.subject import AS_IT_IS, Edit, Subject
from photos_engine.models.evaluate.tags import average_precisions
from photos_engine.models.labels import sure_labels

CAPTIONED, LABELLED, SEED = 200, 200, 3
LABELLED_SETS = ("scenes", "scenes_grey", "weather", "rooms", "events")
FEWEST = 8


def _noisy(image: Image.Image, random: np.random.Generator, deviation: float) -> Image.Image:
    """Noise as coarse as it is at the analyzer's own size."""
    return add_noise(image.resize((INPUT_SIDE_PX, INPUT_SIDE_PX), Image.Resampling.BICUBIC), deviation, random)


def _small(image: Image.Image, longer_px: int) -> Image.Image:
    return resize_share(image, min(1.0, longer_px / max(image.size)))


SLICES = (
    Edit("poor light, 2 stops", lambda image, random: darken(image, 2, random)),
    Edit("poor light, 4 stops", lambda image, random: darken(image, 4, random)),
    Edit("noise of 25", lambda image, random: _noisy(image, random, 25)),
    Edit("100 px", lambda image, _: _small(image, 100)),
    Edit(
        "100 px, noise of 12, jpeg 40", lambda image, random: recompress(add_noise(_small(image, 100), 12, random), 40)
    ),
    Edit("grey", lambda image, _: image.convert("L").convert("RGB")),
    Edit("turned by 90", lambda image, _: image.transpose(Image.Transpose.ROTATE_90)),
    Edit("turned by 180", lambda image, _: image.transpose(Image.Transpose.ROTATE_180)),
    Edit("turned by 270", lambda image, _: image.transpose(Image.Transpose.ROTATE_270)),
    Edit("tilted by 7", lambda image, random: tilt(image, 7 * float(random.choice([-1, 1])))),
)


def measure_slices(subject: Subject) -> dict[str, Any]:
    """Retrieval and tags of a sample as it is, and of the same sample spoiled in each way."""
    captioned = subject.sample(CAPTIONED, SEED, ("flickr8k",))
    if not captioned:
        return {}
    sample = [*captioned, *subject.sample(LABELLED, SEED, LABELLED_SETS)]
    return {"pictures": len(sample)} | {
        edit.name or "as they are": {
            "text to image R@5": _retrieval(subject, captioned, edit),
            **_tags(subject, sample, edit),
        }
        for edit in (AS_IT_IS, *SLICES)
    }


def _retrieval(subject: Subject, spoiled: Sequence[Picture], edit: Edit) -> float:
    """Recall at 5 of the spoiled photos' captions, among all photos of the split."""
    gallery = subject.held_out("flickr8k")
    images = np.stack([signals.embedding for signals in subject.of(gallery)])
    place = {picture.path: row for row, picture in enumerate(gallery)}
    for picture, signals in zip(spoiled, subject.of(spoiled, edit), strict=True):
        images[place[picture.path]] = signals.embedding
    texts = subject.encoder.encode([caption for picture in spoiled for caption in picture.captions])
    owners = np.repeat([place[picture.path] for picture in spoiled], [len(picture.captions) for picture in spoiled])
    return measures.text_to_image(images, texts, owners)["R@5"]


def _tags(subject: Subject, pictures: Sequence[Picture], edit: Edit) -> dict[str, Any]:
    truth, known = sure_labels(pictures, subject.taxonomy)
    found = average_precisions(subject.tag_chances(pictures, edit), truth, known, FEWEST)
    said = subject.tags_said(pictures, edit)
    figures = measures.precision_and_recall(said[known].tolist(), truth[known].tolist())
    return {
        "tag mAP": round(100 * float(np.mean([row[1] for row in found])), 1) if found else None,
        "tag precision": figures["precision"],
        "tag recall": figures["recall"],
        "tags a photo": round(float(said.sum(1).mean()), 2),
    }
