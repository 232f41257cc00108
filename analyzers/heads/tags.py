"""Probabilities of the scene head -> the tags that may be said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.errors import ModelError, OutputMismatch
from photos_engine.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class TagReader:
    """Keeps the tags above their own thresholds, and all that they imply.

    ids: the tags in the order of the head's outputs; thresholds: (tags,) float32.
    """

    ids: Sequence[str]
    thresholds: FloatArray
    taxonomy: Taxonomy
    places: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", {tag_id: place for place, tag_id in enumerate(self.ids)})

    @classmethod
    def open(cls, path: Path, taxonomy: Taxonomy) -> TagReader:
        """Read the head's labels. Raises: ModelError; OutputMismatch for a tag that the taxonomy lacks."""
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))["tags"]
            ids = tuple(str(row["tag"]) for row in rows)
            thresholds = np.array([row["threshold"] for row in rows], np.float32)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path} is malformed: {error!r}") from error
        unknown = [tag_id for tag_id in ids if tag_id not in taxonomy]
        if unknown:
            raise OutputMismatch(f"the model says tags that the taxonomy lacks: {', '.join(unknown)}")
        return cls(ids, thresholds, taxonomy)

    def read(self, probabilities: FloatArray) -> dict[str, float]:
        """Read one picture's (tags,) probabilities: tag -> probability, most probable first.

        An implied tag is at least as probable as what implies it: a golden retriever is a dog.
        """
        places = np.flatnonzero(probabilities >= self.thresholds).tolist()
        raised = self.taxonomy.with_ancestors({self.ids[place]: float(probabilities[place]) for place in places})
        for tag_id, score in raised.items():
            if tag_id in self.places:
                raised[tag_id] = max(score, float(probabilities[self.places[tag_id]]))
        return dict(sorted(raised.items(), key=lambda item: (-item[1], item[0])))
