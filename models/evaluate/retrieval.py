"""Whether words find photos, and photos their words."""

from __future__ import annotations

from typing import Any

import numpy as np

from photos_engine.models import measures
from photos_engine.models.evaluate.subject import Subject


def measure_retrieval(subject: Subject) -> dict[str, Any]:
    """Text to image and back on the captioned split `dev`."""
    pictures = subject.held_out("flickr8k")
    if not pictures:
        return {}
    images = np.stack([signals.embedding for signals in subject.of(pictures)])
    captions = [caption for picture in pictures for caption in picture.captions]
    owners = np.repeat(np.arange(len(pictures)), [len(picture.captions) for picture in pictures])
    return {"pictures": len(pictures), **measures.retrieval(images, subject.encoder.encode(captions), owners)}
