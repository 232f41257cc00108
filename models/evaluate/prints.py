"""How far a picture's print moves when it is edited, and how far different pictures lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photos_engine.models import measures
from photos_engine.models.corpus import Picture
from photos_engine.models.degrade import EDITS
from photos_engine.models.evaluate.subject import AS_IT_IS, ORDINARY_SETS, Edit, Subject

PICTURES, SEED = 120, 2
APART = 999  # farther than any distance


def measure_prints(subject: Subject) -> dict[str, Any]:
    """Distances of prints between a picture and its edits, and between different pictures."""
    pictures = subject.sample(PICTURES, SEED)
    if not pictures:
        return {}
    originals = _prints(subject, pictures)
    table: dict[str, Any] = {}
    for name, edit in EDITS.items():
        edited = _prints(subject, pictures, Edit(f"edited: {name}", edit))
        table[name] = measures.quantiles(np.diag(measures.hamming_matrix(originals, edited)))
    prints = _prints(subject, subject.held_out(*ORDINARY_SETS))
    distances = measures.hamming_matrix(prints, prints)
    np.fill_diagonal(distances, APART)
    table["different pictures"] = measures.quantiles(distances[distances < APART][::97], (0.0001, 0.01, 0.5, 0.99))
    table["nearest different picture"] = measures.quantiles(distances.min(1))
    return table


def _prints(subject: Subject, pictures: Sequence[Picture], edit: Edit = AS_IT_IS) -> NDArray[np.uint8]:
    return np.array([list(signals.print) for signals in subject.of(pictures, edit)], np.uint8)
