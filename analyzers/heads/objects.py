"""Rows of the objects head -> the things that may be said, with their boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.errors import ModelError, OutputMismatch
from photos_engine.models.detection import overlaps
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
        scores = rows[:, 4].clip(0, 1)
        said = np.flatnonzero(scores >= self.thresholds[numbers])  # a few of 24, most often
        said = said[np.argsort(-scores[said], kind="stable")]
        boxes = rows[said, :4].clip(0, 1)
        has_area = (boxes[:, 2:] > boxes[:, :2]).all(1)
        said, boxes = said[has_area], boxes[has_area]
        is_same = (overlaps(boxes, boxes) >= SAME_THING) & (numbers[said] == numbers[said, None])
        kept: list[int] = []
        for place, same in enumerate(is_same):
            if not same[kept].any():
                kept.append(place)
        return tuple(self._thing(boxes[place], int(numbers[said[place]]), float(scores[said[place]])) for place in kept)

    def _thing(self, box: FloatArray, number: int, score: float) -> DetectedObject:
        left, top, right, bottom = box.tolist()
        return DetectedObject(self.labels[number], (left, top, right, bottom), score)
