"""Overlap, matching and average precision, by hand and by law."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photos_engine.analyzers import Taxonomy
from photos_engine.models.corpus import Picture, list_pictures
from photos_engine.models.detection import (
    COCO_TAGS,
    area,
    average_precision,
    evaluate_objects,
    match,
    overlaps,
    read_truth,
)
from photos_engine.types import Box, DetectedObject

edges = st.floats(0, 1, width=32)
boxes = st.tuples(edges, edges, edges, edges).map(
    lambda e: (min(e[0], e[2]), min(e[1], e[3]), max(e[0], e[2]), max(e[1], e[3]))
)
labels = st.sampled_from(["dog", "person"])
things = st.lists(st.builds(DetectedObject, labels, boxes, st.floats(0.01, 1)), max_size=6)

LEFT: Box = (0.0, 0.0, 0.5, 1.0)
RIGHT: Box = (0.5, 0.0, 1.0, 1.0)
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


def dog(box: Box, score: float = 1.0) -> DetectedObject:
    return DetectedObject("dog", box, score)


def test_overlap_by_hand() -> None:
    shares = overlaps([LEFT, WHOLE], [RIGHT, WHOLE, (0.2, 0.2, 0.2, 0.2)])
    np.testing.assert_allclose(shares, [[0, 0.5, 0], [0.5, 1, 0]], atol=1e-6)
    assert overlaps([], [LEFT]).shape == (0, 1)


@given(boxes, boxes)
def test_overlap_is_a_symmetric_share(one: Box, other: Box) -> None:
    share = float(overlaps([one], [other])[0, 0])
    assert 0 <= share <= 1 + 1e-6
    assert share == pytest.approx(float(overlaps([other], [one])[0, 0]))
    if area(one) > 1e-6:
        assert float(overlaps([one], [one])[0, 0]) == pytest.approx(1)


def test_a_true_thing_is_hit_once_and_by_the_surest() -> None:
    assert match([dog(LEFT, 0.6), dog(LEFT, 0.9)], [dog(LEFT)]) == [-1, 0]


def test_another_label_or_too_little_overlap_is_no_hit() -> None:
    assert match([DetectedObject("cat", LEFT, 0.9), dog((0.0, 0.0, 0.2, 1.0))], [dog(LEFT)]) == [-1, -1]


def test_average_precision_by_hand() -> None:
    # Right, wrong, right, of three true ones: precision 1 up to a third, 2/3 up to two thirds.
    ap = average_precision(np.array([0.9, 0.8, 0.7], np.float32), np.array([True, False, True]), 3)
    assert ap == pytest.approx(1 / 3 + 2 / 9)
    assert average_precision(np.zeros(0, np.float32), np.zeros(0, bool), 2) == 0
    assert average_precision(np.array([0.5], np.float32), np.array([False]), 0) is None


@given(st.lists(things, min_size=1, max_size=4))
def test_the_truth_finds_itself(truth: list[list[DetectedObject]]) -> None:
    solid = [[item for item in row if area(item.box) > 1e-3] for row in truth]
    apart = [[item for i, item in enumerate(row) if not overlaps([item.box], [o.box for o in row[:i]]).any()]
             for row in solid]  # fmt: skip
    for label, row in evaluate_objects(apart, apart).items():
        if row["true"]:
            assert row["ap50"] == row["recall"] == row["precision"] == 100, label


@given(things, things)
def test_figures_are_shares(found: list[DetectedObject], truth: list[DetectedObject]) -> None:
    table = evaluate_objects([found], [truth], {"dog": 0.5})
    for row in table.values():
        shares = (row["ap50"], row["precision"], row["recall"], row["recall_large"])
        assert all(share is None or 0 <= share <= 100 for share in shares)
    assert table["mean"]["true"] == len(truth)


def test_recall_counts_what_may_be_said_and_precision_rests_on_it() -> None:
    truth = [dog(LEFT), dog((0.6, 0.6, 0.7, 0.7))]
    row = evaluate_objects([[dog(LEFT, 0.4), dog(RIGHT, 0.9)]], [truth], {"dog": 0.5})["dog"]
    assert (row["precision"], row["recall"], row["recall_large"]) == (0, 0, 0)
    row = evaluate_objects([[dog(LEFT, 0.4), dog(RIGHT, 0.9)]], [truth], {"dog": 0.3})["dog"]
    assert (row["precision"], row["recall"], row["recall_large"]) == (50, 50, 100)
    assert row["ap50"] == 25  # half of the true ones at precision one half


def test_what_is_found_of_a_label_that_is_not_there_counts_in_the_pool() -> None:
    table = evaluate_objects([[dog(LEFT)]], [[]])
    assert table["dog"]["ap50"] is None
    assert table["mean"]["precision"] == 0


def test_every_coco_class_has_a_tag_or_none() -> None:
    assert len(COCO_TAGS) == 80
    assert all(label is None or label in Taxonomy.load() for label in COCO_TAGS)
    wanted = ["person", "dog", "cat", "car", "bicycle", "boat", "bird", "horse", "chair", "table", "cake", "bottle"]
    assert set(wanted) <= set(COCO_TAGS)


def test_true_boxes_are_read(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("16 0.5 0.5 0.5 1.0\n79 0.1 0.1 0.1 0.1\n", encoding="utf-8")
    picture = Picture(tmp_path / "images" / "a.jpg", "coco128", "", True)
    assert read_truth(picture) == (dog((0.25, 0.0, 0.75, 1.0)),)


@pytest.mark.corpus
def test_the_corpus_has_true_boxes(corpus: Path) -> None:
    pictures = [picture for picture in list_pictures(corpus) if picture.source == "coco128"]
    assert sum(len(read_truth(picture)) for picture in pictures) > 500
