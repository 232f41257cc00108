"""Whether heat lies on things: inside and outside boxes, against a centre prior."""

from __future__ import annotations

from typing import Any

import numpy as np

from photos_engine.models import corpus, measures
from photos_engine.models.evaluate.subject import Subject

MOST_COVERED = 0.8  # boxes that fill a picture tell nothing about where its heat should be


def measure_saliency(subject: Subject) -> dict[str, Any]:
    """Heat inside and outside the boxes of held-out pictures, against a centre prior."""
    rows = []
    for picture in subject.held_out("coco128"):
        heat = subject.of([picture])[0].saliency
        side = len(heat)
        mask = measures.box_mask(corpus.read_boxes(picture.path), side)
        if not mask.any() or mask.mean() > MOST_COVERED:
            continue
        prior = measures.centre_prior(side)
        rows.append({
            "mean inside boxes": heat[mask].mean(),
            "mean outside": heat[~mask].mean(),
            "share of heat inside": heat[mask].sum() / max(heat.sum(), 1e-9),
            "the same of a centre prior": prior[mask].sum() / prior.sum(),
            "share of area inside": mask.mean(),
            "hottest cell inside": mask.flat[heat.argmax()],
            "middle cell inside": mask[side // 2, side // 2],
        })  # fmt: skip
    if not rows:
        return {}
    return {"pictures": len(rows)} | {name: round(float(np.mean([row[name] for row in rows])), 3) for name in rows[0]}
