"""Whether graded harm is put in order, and spoiled pictures are told from good ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from photos_engine.models import measures
from photos_engine.models.evaluate.subject import ORDINARY_SETS, Graded, Subject
from photos_engine.types import SceneSignals

PICTURES, SEED = 60, 1
SPOILED = {"blur": 4, "dark": 4, "bright": 4}  # degradations that a library must not show, by grade
# Harm -> the score that must see it, of models that have it.
SCORES = {
    "blur": "sharpness", "motion": "sharpness", "dark": "exposure", "bright": "exposure", "noise": "noise",
    "compression": "noise", "tilt": "level",
}  # fmt: skip


def measure_quality(subject: Subject) -> dict[str, Any]:
    """Order within one picture's grades, and where spoiled pictures lie among good ones."""
    series = subject.graded(subject.sample(PICTURES, SEED))
    if not series:
        return {}
    order = {f"{kind} by {name}": order_by(series, kind, partial(_score, name))
             for kind, name in (*SCORES.items(), *((kind, "overall") for kind in SCORES))
             if getattr(series[0][0].signals.quality, name) is not None}  # fmt: skip
    good = np.array([s.quality.overall for s in subject.of(subject.held_out(*ORDINARY_SETS))])
    worst = np.quantile(good, 0.02)
    found = {}
    for kind, grade in SPOILED.items():
        values = [i.signals.quality.overall for made in series for i in made if (i.kind, i.grade) == (kind, grade)]
        found[kind] = {
            "area under ROC": round(measures.rank_area(good, np.array(values)), 4),
            "found, % (2 % of good ones lost)": round(float((np.array(values) < worst).mean() * 100), 1),
            **{f"overall, {share}": value for share, value in measures.quantiles(values).items()},
        }
    by_set = {source: measures.quantiles(s.quality.overall for s in subject.of(subject.held_out(source)))
              for source in ORDINARY_SETS if subject.held_out(source)}  # fmt: skip
    return {"pairs in order, %": order, "spoiled": found, "overall of good pictures": by_set}


def order_by(series: Sequence[Sequence[Graded]], kind: str, score: Callable[[SceneSignals], float]) -> float:
    """The share, in per cent, of pairs of grades of one picture that a score puts in order."""
    right = pairs = 0
    for made in series:
        graded = [(item.grade, score(item.signals)) for item in made if item.kind in ("none", kind)]
        good, count = measures.ordered_pairs(*zip(*graded, strict=True))
        right, pairs = right + good, pairs + count
    return round(100 * right / max(pairs, 1), 1)


def _score(name: str, signals: SceneSignals) -> float:
    return float(getattr(signals.quality, name))
