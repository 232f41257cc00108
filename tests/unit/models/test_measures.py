"""The measures themselves, on cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from photos_engine.models import measures
from photos_engine.models.card import as_markdown
from photos_engine.models.degrade import EDITS, degrade


def test_retrieval_counts_what_is_ranked_before() -> None:
    images = np.eye(3, dtype=np.float32)
    texts = np.array([[1, 0, 0], [0.9, 0.1, 0], [0, 0, 1]], np.float32)
    found = measures.retrieval(images, texts, np.array([0, 1, 2]))
    assert found["text to image"] == {"R@1": 66.67, "R@5": 100.0, "R@10": 100.0}
    assert found["image to text"]["R@1"] == 100.0


def test_recall_is_taken_where_the_false_positives_are_bought() -> None:
    recall, threshold = measures.recall_at_false_positives(np.array([0.9, 0.2]), np.linspace(0, 0.5, 1001), 0.005)
    assert recall == 50.0
    assert threshold == pytest.approx(0.4975)


def test_pairs_of_one_grade_are_no_pairs() -> None:
    assert measures.ordered_pairs([0, 1, 1, 2], [0.9, 0.5, 0.6, 0.55]) == (4, 5)


def test_hamming_matrix_counts_bits() -> None:
    one = np.array([[0, 255], [1, 1]], np.uint8)
    assert measures.hamming_matrix(one, one).tolist() == [[0, 8], [8, 0]]


def test_a_box_is_where_it_says() -> None:
    mask = measures.box_mask([(0.5, 0.0, 1.0, 0.5)], 4)
    assert mask.tolist() == [[False, False, True, True]] * 2 + [[False] * 4] * 2


def test_rank_area_is_one_for_the_separable_and_half_for_chance() -> None:
    low, high = np.array([0.1, 0.2], np.float32), np.array([0.8, 0.9], np.float32)
    assert measures.rank_area(high, low) == 1.0
    assert measures.rank_area(low, high) == 0.0


def test_precision_and_recall_know_when_nothing_was_said() -> None:
    assert measures.precision_and_recall([True, True, False], [True, False, True]) == {
        "precision": 50.0, "recall": 50.0, "said": 2, "true": 2,
    }  # fmt: skip
    assert measures.precision_and_recall([False], [False])["precision"] is None


def test_average_precision_is_the_mean_over_the_true_ones() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.1], np.float32)
    assert measures.average_precision(scores, np.array([True, False, True, False])) == pytest.approx((1 + 2 / 3) / 2)
    assert measures.average_precision(scores, np.zeros(4, bool)) == 0.0


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=40))
def test_average_precision_is_a_share_and_one_only_where_all_true_ones_lead(pairs: list[tuple[int, bool]]) -> None:
    scores = np.array([score for score, _ in pairs], np.float32)
    true = np.array([is_true for _, is_true in pairs])
    found = measures.average_precision(scores, true)
    ranked = true[np.argsort(-scores, kind="stable")]
    assert 0 <= found <= 1
    assert (found == 1) == bool(true.any() and ranked[: true.sum()].all())


def test_recall_at_precision_takes_ties_as_bad_luck() -> None:
    negatives = np.array([0.5, 0.1], np.float32)
    assert measures.recall_at_precision(np.array([0.9, 0.8, 0.5, 0.4]), negatives, 0.8) == (100.0, pytest.approx(0.4))
    assert measures.recall_at_precision(np.array([0.9, 0.5]), negatives, 0.9) == (50.0, pytest.approx(0.9))
    assert measures.recall_at_precision(np.array([0.05]), negatives, 0.9) == (0.0, None)


def test_reliability_of_honest_chances_has_no_error() -> None:
    chances = np.repeat(np.array([0.05, 0.75], np.float32), 100)
    true = np.concatenate([np.arange(100) < 5, np.arange(100) < 75])
    found = measures.reliability(chances, true)
    assert found["expected calibration error, %"] == 0
    assert found["bins"]["0.7 to 0.8"] == {"pairs": 100, "mean probability": 0.75, "share true": 0.75}
    boastful = measures.reliability(np.full(100, 0.95, np.float32), np.arange(100) < 50)
    assert boastful["expected calibration error, %"] == boastful["error of what is likely, %"] == 45.0


def test_reliability_counts_pairs_by_their_weights() -> None:
    found = measures.reliability(
        np.array([0.5, 0.5], np.float32), np.array([True, False]), np.array([3.0, 1.0], np.float32)
    )
    assert found["bins"]["0.5 to 0.6"]["share true"] == 0.75
    assert found["error of what is likely, %"] == 25.0


def test_degradations_are_graded_and_edits_keep_the_picture() -> None:
    random = np.random.default_rng(0)
    image = Image.fromarray(random.integers(0, 256, (90, 120, 3), np.uint8))
    made = list(degrade(image, random))
    assert made[0].targets == (1.0, 1.0, 1.0, 1.0, 0.5, 1.0)  # brightness as meant, and level
    for kind in {item.kind for item in made} - {"none"}:
        series = sorted((item for item in made if item.kind == kind), key=lambda item: item.grade)
        overall = [item.targets[3] for item in series]
        assert overall == sorted(overall, reverse=True)
        assert [item.grade for item in series] == list(range(1, len(series) + 1))
    for edit in EDITS.values():
        assert edit(image, random).width >= image.width // 3


def test_tables_are_markdown() -> None:
    assert as_markdown({"a": {"x": 1}, "b": {"x": None, "y": 2}}).splitlines() == [
        "| |x|y|", "|---|---|---|", "|a|1||", "|b||2|",
    ]  # fmt: skip
