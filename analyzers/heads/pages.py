"""Pages against drawings: a second opinion on what is written, from the embedding."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photos_engine.errors import ModelError
from photos_engine.types import EMBEDDING_DIMENSIONS, FloatArray

WRITTEN_KINDS = ("document", "handwriting", "whiteboard")
_STRENGTH = 2.0
"""The utility head was taught ink on paper without drawings, and calls a child's house as surely handwriting as a
letter. What speaks for a drawing has to outweigh a head that is certain and the tags that say the same."""
_LEAST = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class PageReader:
    """Lowers the written kinds where a picture looks less like a page than like a drawing, a map or a photo.

    weights (512,) float32, bias: log-odds that an embedding is no page's.
    """

    weights: FloatArray
    bias: float

    @classmethod
    def open(cls, path: Path) -> PageReader:
        """Read what `models/training/pages.py` wrote. Raises: ModelError."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            weights, bias = np.array(document["weights"], np.float32), float(document["bias"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path} is malformed: {error!r}") from error
        if weights.shape != (EMBEDDING_DIMENSIONS,) or not np.isfinite([*weights, bias]).all():
            raise ModelError(f"{path} doesn't hold {EMBEDDING_DIMENSIONS} weights and a bias, all finite")
        return cls(weights, bias)

    def read(self, embedding: FloatArray, utility: Mapping[str, float]) -> dict[str, float]:
        """The probability of every kind, given the head's and the picture's embedding, (512,). None is ever raised."""
        doubt = _STRENGTH * max(0.0, float(embedding @ self.weights) + self.bias)
        return {kind: _lower(seen, doubt) if kind in WRITTEN_KINDS else seen for kind, seen in utility.items()}


def _lower(probability: float, doubt: float) -> float:
    """A probability whose log-odds are less by `doubt`."""
    if doubt == 0.0 or probability <= 0.0:
        return probability
    odds = min(probability, 1.0 - _LEAST) / max(1.0 - probability, _LEAST) * math.exp(-doubt)
    return min(probability, odds / (1.0 + odds))
