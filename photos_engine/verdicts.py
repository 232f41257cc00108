"""What every photo of a library serves for, and how blurred it is, in columns: search and the reading of text ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from photos_engine.columns import Coded, IntVector, Table
from photos_engine.curation import QualityVerdict, UtilityVerdict
from photos_engine.types import AnalysedPhoto, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts(Table):
    """Of each photo, whatever was decided about it.

    keys (n,) int64: whose rows they are; kinds: of utility content, none for a photo that is none; chances (n,)
    float32: of the likeliest kind; whys: the strongest reason for the kind; softness (n,) float32: 0 for sharp.
    """

    keys: IntVector
    kinds: Coded
    chances: FloatArray
    whys: Coded
    softness: FloatArray

    @classmethod
    def of(
        cls, items: Sequence[AnalysedPhoto], uses: Sequence[UtilityVerdict], shots: Sequence[QualityVerdict]
    ) -> Verdicts:
        """Those of some photos, by what each serves for and how it came out."""
        pairs = zip(items, shots, strict=True)
        return cls(
            keys=np.array([item.photo.key for item in items], np.int64),
            kinds=Coded.of([use.kind for use in uses]),
            chances=np.array([use.probability for use in uses], np.float32),
            whys=Coded.of(
                [next((r.text for r in use.reasons if r.weight > 0), "") if use.kind else "" for use in uses]
            ),
            softness=np.array(
                [1.0 - p.quality.sharpness if _is_blurred(shot) else 0.0 for p, shot in pairs], np.float32
            ),
        )


def _is_blurred(shot: QualityVerdict) -> bool:
    return any(reason.code == "blurred" for reason in shot.reasons)
