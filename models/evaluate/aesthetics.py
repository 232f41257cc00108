"""Whether the aesthetics head likes a picture less when it is spoiled, alike when it isn't, and which sets it likes."""

from __future__ import annotations

from typing import Any

import numpy as np

from photos_engine.models import measures
from photos_engine.models.evaluate.subject import ORDINARY_SETS, Subject, chance
from photos_engine.models.sight import read_upright
from photos_engine.models.spoil import NEUTRAL, spoil
from photos_engine.types import SceneSignals

PICTURES, SEED = 32, 4


def measure_aesthetics(subject: Subject) -> dict[str, Any]:
    """Pairs of a picture and its spoiled self in order, by harm; nothing of a model without the head."""
    pictures = subject.sample(PICTURES, SEED)
    if len(pictures) < 2 or subject.of(pictures)[0].aesthetics is None:
        return {}
    lost: dict[str, list[float]] = {}
    for number, (picture, signals) in enumerate(zip(pictures, subject.of(pictures), strict=True)):
        other = read_upright(pictures[number - 1].path)
        for made in spoil(read_upright(picture.path), signals.saliency, other, chance(picture.path)):
            lost.setdefault(made.kind, []).append(_score(signals) - _score(subject.see(made.image)))
    by_set = {source: measures.quantiles(map(_score, subject.of(subject.held_out(source))))
              for source in (*ORDINARY_SETS, "utility") if subject.held_out(source)}  # fmt: skip
    return {
        "pairs in order by harm, %": {
            kind: round(100 * float(np.mean(np.array(values) > 0)), 1)
            for kind, values in lost.items()
            if kind not in NEUTRAL
        },
        "mean change where nothing is lost": {
            kind: round(float(np.mean(np.abs(lost[kind]))), 3) for kind in NEUTRAL if kind in lost
        },
        "by set": by_set,
    }


def _score(signals: SceneSignals) -> float:
    assert signals.aesthetics is not None, "a model has the head for every picture or for none"
    return signals.aesthetics
