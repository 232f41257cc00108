"""The objects head's rows become things that keep their promises, whatever the numbers are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from photos_engine.analyzers import Taxonomy
from photos_engine.analyzers.heads.objects import SAME_THING, ObjectReader
from photos_engine.errors import ModelError, OutputMismatch
from photos_engine.models.detection import area, overlaps
from photos_engine.types import DetectedObject, FloatArray

LABELS, THRESHOLDS = ("dog", "person", "chair"), (0.5, 0.3, 1.5)
READER = ObjectReader(LABELS, np.array(THRESHOLDS, np.float32))


def rows(*things: tuple[float, ...]) -> FloatArray:
    return np.array(things, np.float32)


numbers = st.floats(-2, 3, width=32)
any_rows = hnp.arrays(np.float32, (24, 6), elements=numbers).map(
    lambda array: np.concatenate([array[:, :5], np.clip(np.abs(array[:, 5:]).round(), 0, 2)], 1)
)


@given(any_rows)
def test_whatever_the_numbers_are_the_things_are_sound(array: FloatArray) -> None:
    things = READER.read(array)
    assert [thing.score for thing in things] == sorted((thing.score for thing in things), reverse=True)
    for thing in things:
        assert THRESHOLDS[LABELS.index(thing.label)] <= thing.score + 1e-6 <= 1 + 1e-6
        assert all(0 <= edge <= 1 for edge in thing.box)
        assert area(thing.box) > 0
    for label in LABELS:
        boxes = [thing.box for thing in things if thing.label == label]
        assert (overlaps(boxes, boxes) - np.eye(len(boxes)) < SAME_THING).all()


def test_things_below_their_own_threshold_stay_unsaid() -> None:
    found = READER.read(rows((0, 0, 1, 1, 0.4, 0), (0, 0, 0.5, 1, 0.4, 1), (0, 0, 1, 0.5, 1, 2)))
    assert [thing.label for thing in found] == ["person"]


def test_the_surer_of_two_boxes_of_one_thing_stays() -> None:
    found = READER.read(rows((0, 0, 0.9, 1, 0.6, 0), (0, 0, 1, 1, 0.9, 0), (0, 0, 1, 1, 0.8, 1)))
    assert found == (
        DetectedObject("dog", (0, 0, 1, 1), float(np.float32(0.9))),
        DetectedObject("person", (0, 0, 1, 1), float(np.float32(0.8))),
    )


@pytest.mark.parametrize("number", [-1.0, 3.0])
def test_a_number_beyond_the_labels_is_refused(number: float) -> None:
    with pytest.raises(OutputMismatch):
        READER.read(rows((0, 0, 1, 1, 0.9, number)))


def test_a_contract_is_read() -> None:
    reader = ObjectReader.from_contract({"labels": ["dog"], "thresholds": [0.4]}, Taxonomy.load())
    assert reader.read(rows((0.1, 0.2, 0.3, 0.4, 0.45, 0)))[0].label == "dog"


@pytest.mark.parametrize(
    "contract",
    [
        {},
        {"labels": ["dog"]},
        {"labels": ["dog"], "thresholds": []},
        {"labels": ["dog"], "thresholds": ["high"]},
        {"labels": ["dog"], "thresholds": [float("nan")]},
        {"labels": 3, "thresholds": [0.5]},
    ],
)
def test_a_malformed_contract_is_a_model_error(contract: dict[str, Any]) -> None:
    with pytest.raises(ModelError):
        ObjectReader.from_contract(contract, Taxonomy.load())


def test_labels_that_the_taxonomy_lacks_are_refused() -> None:
    with pytest.raises(OutputMismatch, match="no_such_tag"):
        ObjectReader.from_contract({"labels": ["no_such_tag"], "thresholds": [0.5]}, Taxonomy.load())
