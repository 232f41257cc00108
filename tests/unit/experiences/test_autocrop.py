import numpy as np
import pytest

from photos_engine.errors import UsageError
from photos_engine.experiences import autocrop
from photos_engine.types import FloatArray


def subject(row: int, column: int) -> FloatArray:
    saliency = np.zeros((10, 10), np.float32)
    saliency[row, column] = 1.0
    return saliency


def test_a_crop_follows_its_subject() -> None:
    left, right = (autocrop.crop(subject(5, column), (4000, 3000), (1, 1)) for column in (1, 8))
    assert left.box[2] < right.box[2]
    assert left.box[0] <= 0.1
    assert right.box[2] >= 0.9


def test_a_crop_says_why() -> None:
    crop = autocrop.crop(subject(5, 4), (4000, 3000), (16, 9))
    assert [reason.code for reason in crop.reasons] == ["kept", "balance"]
    assert "100%" in crop.reasons[0].text


def test_a_cut_subject_is_admitted() -> None:
    saliency = np.zeros((10, 10), np.float32)
    saliency[:, 1:9] = 1.0
    crop = autocrop.crop(saliency, (4000, 1000), (1, 2))
    (reason,) = (reason for reason in crop.reasons if reason.code == "no_room")
    assert "too narrow" in reason.text
    assert 0 < crop.score < 0.5


def test_a_subject_that_is_cut_though_there_is_room_is_cut() -> None:
    saliency = np.zeros((10, 10), np.float32)
    saliency[5, 2:8] = 1.0
    crops = autocrop.candidates(saliency, (4000, 3000), (1, 1), limit=12)
    codes = {reason.code for crop in crops for reason in crop.reasons}
    assert "cut" in codes
    assert "no_room" not in {reason.code for reason in crops[0].reasons}


def test_candidates_differ_and_come_best_first() -> None:
    crops = autocrop.candidates(subject(5, 2) + subject(5, 8), (4000, 2000), (1, 1), limit=12)
    assert len(crops) == 12
    assert crops[0] == autocrop.crop(subject(5, 2) + subject(5, 8), (4000, 2000), (1, 1))
    assert [crop.score for crop in crops] == sorted((crop.score for crop in crops), reverse=True)
    assert any(reason.code == "tight" for crop in crops for reason in crop.reasons)


def test_senseless_wishes_are_refused() -> None:
    with pytest.raises(UsageError):
        autocrop.crop(subject(1, 1), (400, 300), (0, 1))
    with pytest.raises(UsageError):
        autocrop.candidates(subject(1, 1), (400, 300), (1, 1), limit=0)
