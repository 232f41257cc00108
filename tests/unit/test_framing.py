import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from photos_engine.errors import UsageError
from photos_engine.framing import find_frames
from photos_engine.horizon import Horizon
from photos_engine.types import Box, DetectedObject, FloatArray

aspects = st.tuples(st.integers(1, 32), st.integers(1, 32))
sizes = st.tuples(st.integers(64, 6000), st.integers(64, 6000))
maps = arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.floats(0, 1, width=32))


def spot(x: float, y: float, *, cells: int = 20, width: float = 0.08) -> FloatArray:
    """A map of one subject at (x, y)."""
    centres = (np.arange(cells) + 0.5) / cells
    across, down = np.exp(-((centres - x) ** 2) / width**2), np.exp(-((centres - y) ** 2) / width**2)
    return np.outer(down, across).astype(np.float32)


def aspect_of(box: Box, size_px: tuple[int, int]) -> float:
    return (box[2] - box[0]) * size_px[0] / ((box[3] - box[1]) * size_px[1])


@settings(deadline=None)
@given(maps, sizes, aspects)
def test_frames_lie_inside_and_have_the_aspect(saliency: FloatArray, size_px: tuple[int, int], aspect: Box) -> None:
    frames = find_frames(saliency, size_px, aspect, limit=4)
    assert 1 <= len(frames) <= 4
    assert frames == find_frames(saliency, size_px, aspect, limit=4)
    assert frames[0].scale == pytest.approx(1.0)
    for frame in frames:
        left, top, right, bottom = frame.box
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
        assert math.isclose(aspect_of(frame.box, size_px), aspect[0] / aspect[1], rel_tol=1e-6)
        assert min(frame.kept, frame.cut, frame.balance, frame.score) >= 0
        assert max(frame.kept, frame.cut, frame.balance, frame.score) <= 1


@settings(deadline=None)
@given(st.floats(0.15, 0.85), st.floats(0.15, 0.85), sizes, aspects)
def test_a_subject_that_fits_is_kept_whole(x: float, y: float, size_px: tuple[int, int], aspect: Box) -> None:
    ratio = (aspect[0] / aspect[1]) / (size_px[0] / size_px[1])
    if not 0.35 < ratio < 1 / 0.35:
        return  # the subject is a third of the picture wide: it doesn't fit
    (frame,) = find_frames(spot(x, y), size_px, aspect)
    assert frame.kept > 0.95


@settings(deadline=None)
@given(st.floats(0.1, 0.9), st.floats(0.1, 0.9), st.floats(0.6, 1.7), st.floats(-0.02, 0.02))
def test_a_little_change_of_aspect_moves_the_frame_a_little(x: float, y: float, ratio: float, change: float) -> None:
    saliency = spot(x, y)
    before, after = (find_frames(saliency, (4000, 3000), (r, 1.0))[0].box for r in (ratio, ratio * (1 + change)))
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) < 0.12


@settings(deadline=None)
@given(st.floats(0.02, 0.5), st.floats(0.02, 0.5), st.floats(0, 1), st.floats(0, 1), st.sampled_from(("dog", "face")))
def test_a_thing_that_fits_is_kept_whole(width: float, height: float, x: float, y: float, label: str) -> None:
    left, top = x * (1 - width), y * (1 - height)
    thing = DetectedObject(label, (left, top, left + width, top + height), 0.9)
    (frame,) = find_frames(np.full((9, 9), 0.3, np.float32), (4000, 3000), (1, 1), [thing])
    assert frame.box[0] <= left + 0.02 * width
    assert frame.box[2] >= left + 0.98 * width


def test_of_two_things_that_do_not_fit_together_the_larger_is_whole_and_the_other_out() -> None:
    small, large = DetectedObject("dog", (0.02, 0.4, 0.12, 0.6), 0.9), DetectedObject("person", (0.5, 0.1, 0.9, 1), 0.9)
    (frame,) = find_frames(np.full((9, 9), 0.3, np.float32), (4000, 3000), (2, 3), [small, large])
    assert frame.box[0] <= 0.5
    assert frame.box[2] >= 0.9


def test_figures_far_off_do_not_outweigh_what_draws_the_eye() -> None:
    far = [DetectedObject("person", (x, 0.5, x + 0.03, 0.6), 0.9) for x in (0.9, 0.95)]
    assert find_frames(spot(0.2, 0.5), (4000, 2000), (1, 1), far)[0].box[2] < 0.6


def test_a_lone_walker_is_kept() -> None:
    street = np.tile(np.exp(-(((np.arange(20) + 0.5) / 20 - 0.2) ** 2) / 0.4**2), (20, 1)).astype(np.float32)
    walker = DetectedObject("person", (0.45, 0.1, 0.54, 0.42), 0.9)
    assert find_frames(street, (3000, 2250), (9, 16))[0].box[2] < 0.54
    (frame,) = find_frames(street, (3000, 2250), (9, 16), [walker])
    assert frame.box[0] <= 0.45
    assert frame.box[2] >= 0.54


@settings(deadline=None)
@given(st.floats(0.2, 0.5), st.floats(0.7, 1.0), st.floats(0, 1), st.floats(0, 1))
def test_whoever_is_too_tall_keeps_their_head(width: float, height: float, x: float, y: float) -> None:
    left, top = x * (1 - width), y * (1 - height)
    person = DetectedObject("person", (left, top, left + width, top + height), 0.9)
    (frame,) = find_frames(np.full((9, 9), 0.3, np.float32), (3000, 4000), (16, 9), [person])
    assert frame.box[1] <= top + 0.02
    assert frame.box[3] >= top + 0.5 * width * 3000 / 4000


def test_the_first_of_several_is_a_largest_whatever_is_in_the_way() -> None:
    things = [DetectedObject("person", (x, 0.0, x + 0.3, 1.0), 0.9) for x in (0.0, 0.35, 0.7)]
    frames = find_frames(np.full((9, 9), 0.3, np.float32), (4000, 3000), (1, 1), things, limit=6)
    assert frames[0] == find_frames(np.full((9, 9), 0.3, np.float32), (4000, 3000), (1, 1), things)[0]
    assert frames[0].scale == pytest.approx(1.0)


def test_where_nothing_draws_the_eye_the_middle_is_cut() -> None:
    (frame,) = find_frames(np.full((9, 9), 0.3, np.float32), (4000, 3000), (1, 1))
    assert frame.box == pytest.approx((0.125, 0.0, 0.875, 1.0))


def test_more_frames_are_different_ones() -> None:
    frames = find_frames(spot(0.3, 0.5) + spot(0.9, 0.5), (4000, 2000), (1, 1), limit=5)
    assert len(frames) == 5
    assert len({frame.box for frame in frames}) == 5
    assert [f.score for f in frames] == sorted((f.score for f in frames), reverse=True)
    assert min(frame.scale for frame in frames) < 1


@pytest.mark.parametrize("aspect", [(0, 1), (1, 0), (-1, 1), (math.nan, 1), (math.inf, 1), (10_000, 1)])
def test_impossible_aspects_are_refused(aspect: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="aspect"):
        find_frames(spot(0.5, 0.5), (400, 300), aspect)


def test_what_is_no_map_is_refused() -> None:
    for saliency in (np.zeros((0, 4), np.float32), np.full((2, 2), np.nan, np.float32), np.zeros(4, np.float32)):
        with pytest.raises(UsageError, match="saliency"):
            find_frames(saliency, (400, 300), (1, 1))
    with pytest.raises(UsageError, match="pixels"):
        find_frames(spot(0.5, 0.5), (0, 300), (1, 1))


@settings(deadline=None)
@given(st.floats(0.3, 0.7))
def test_a_horizon_divides_the_frame_by_thirds_where_nothing_else_counts(height: float) -> None:
    calm = np.full((9, 9), 0.3, np.float32)
    halves, thirds = (
        find_frames(calm, (3000, 4000), (16, 9), (), horizon)[0].box for horizon in (None, Horizon(height, height, 1.0))
    )
    place = (height - thirds[1]) / (thirds[3] - thirds[1])
    assert abs(abs(place - 0.5) - 1 / 6) < 0.06
    assert halves[1] == pytest.approx(0.5 - (halves[3] - halves[1]) / 2, abs=0.02)


def test_a_subject_outweighs_the_horizon() -> None:
    plain, level = (
        find_frames(spot(0.5, 0.3, width=0.15), (3000, 4000), (1, 1), (), horizon)[0]
        for horizon in (None, Horizon(0.72, 0.72, 1.0))
    )
    assert level.kept > plain.kept - 0.03
