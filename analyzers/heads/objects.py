"""Rows of the objects head -> the things that may be said, with their boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.errors import ModelError, OutputMismatch
from photos_engine.models.detection import area, overlaps
from photos_engine.types import DetectedObject, FloatArray

ROW = 6  # left, top, right, bottom, score, number of the label
SAME_THING = 0.6  # overlap of two boxes of one label from which the weaker is the same thing again


@dataclass(frozen=True, slots=True, eq=False)
class ObjectReader:
    """Keeps the things that are as sure as their label asks for.

    labels: taxonomy ids by the head's class numbers; thresholds: (labels,) float32, above 1 for a label
    that is never said.
    """

    labels: Sequence[str]
    thresholds: FloatArray

    @classmethod
    def from_contract(cls, contract: Mapping[str, Any], taxonomy: Taxonomy) -> ObjectReader:
        """Read `labels` and `thresholds` of the manifest's contract.

        Raises: ModelError; OutputMismatch for a label that the taxonomy lacks.
        """
        try:
            labels = tuple(map(str, contract["labels"]))
            thresholds = np.array([float(value) for value in contract["thresholds"]], np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"the contract of the objects head is malformed: {error!r}") from error
        if len(labels) != len(thresholds) or not np.isfinite(thresholds).all():
            raise ModelError(f"the objects head has {len(labels)} labels and {len(thresholds)} thresholds")
        unknown = [label for label in labels if label not in taxonomy]
        if unknown:
            raise OutputMismatch(f"the model finds things that the taxonomy lacks: {', '.join(unknown)}")
        return cls(labels, thresholds)

    def read(self, rows: FloatArray) -> tuple[DetectedObject, ...]:
        """Read one picture's (k, 6) rows, surest first; boxes lie within the picture and have an area.

        Of two boxes of one label that overlap by `SAME_THING` the surer stays.
        Raises: OutputMismatch for a number that is no label's.
        """
        numbers = rows[:, 5].astype(np.int64)
        if ((numbers < 0) | (numbers >= len(self.labels))).any():
            raise OutputMismatch(f"the objects head gave a label's number beyond its {len(self.labels)} labels")
        said = np.flatnonzero(rows[:, 4].clip(0, 1) >= self.thresholds[numbers]).tolist()  # a few of 24, most often
        things = [thing for thing in (self._thing(rows[place]) for place in said) if area(thing.box) > 0]
        things.sort(key=lambda thing: -thing.score)
        if len(things) < 2:
            return tuple(things)
        shares = overlaps([thing.box for thing in things], [thing.box for thing in things]) >= SAME_THING
        kept: list[int] = []
        for place, thing in enumerate(things):
            if not any(shares[place, other] and things[other].label == thing.label for other in kept):
                kept.append(place)
        return tuple(things[place] for place in kept)

    def _thing(self, row: FloatArray) -> DetectedObject:
        left, top, right, bottom, score = (min(max(value, 0.0), 1.0) for value in row[:5].tolist())
        return DetectedObject(self.labels[int(row[5])], (left, top, right, bottom), score)
