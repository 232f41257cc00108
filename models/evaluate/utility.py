"""Whether receipts and screenshots are told from photographs, at what price, and with honest chances."""

from __future__ import annotations

from typing import Any

import numpy as np

from photos_engine.models import corpus, measures
from photos_engine.models.evaluate.subject import ORDINARY_SETS, Subject
from photos_engine.types import UTILITY_KINDS

FALSE_POSITIVES = 0.005
PRECISION = 0.98


def measure_utility(subject: Subject) -> dict[str, Any]:
    """Recall of each kind at a fixed share of false positives and at a fixed precision among ordinary photos."""
    ordinary = subject.of([p for p in subject.held_out(*ORDINARY_SETS) if p.path.name not in corpus.MISFILED])
    useful = subject.held_out("utility")
    if not ordinary or not useful:
        return {}
    kinds = [kind for kind in UTILITY_KINDS if kind in ordinary[0].utility]
    table: dict[str, Any] = {"ordinary photos": len(ordinary)}
    chances, truths = [], []
    for kind in kinds:
        labels = {label for label, of in corpus.UTILITY_LABELS.items() if of == kind}
        own = np.array([s.utility[kind] for s in subject.of([p for p in useful if p.label in labels])])
        others = np.array([s.utility[kind] for s in ordinary])
        foreign = [p for p in useful if labels and labels <= corpus.excluded_labels("utility", p.label)]
        wrong = np.array([s.utility[kind] for s in subject.of(foreign)])
        chances += [own, others, wrong]
        truths += [np.full(len(own), True), np.full(len(others) + len(wrong), False)]
        if len(own):
            table[kind] = _row(own, others)
    return {
        **table,
        "reliability": measures.reliability(np.concatenate(chances).astype(np.float32), np.concatenate(truths)),
    }


def _row(own: np.ndarray[Any, Any], others: np.ndarray[Any, Any]) -> dict[str, Any]:
    found, threshold = measures.recall_at_false_positives(own, others, FALSE_POSITIVES)
    sure, sure_threshold = measures.recall_at_precision(own, others, PRECISION)
    return {
        "pictures": len(own),
        "recall at 0.5 % false positives": found,
        "threshold": round(threshold, 3),
        "recall at precision 98 %": sure,
        "threshold for it": None if sure_threshold is None else round(sure_threshold, 3),
        "recall at even odds": round(float((own >= 0.5).mean() * 100), 1),
        "false positives at even odds, %": round(float((others >= 0.5).mean() * 100), 2),
    }
