"""Where to cut a picture: frames of a given aspect around what draws the eye.

Crops and wallpapers both need it. A saliency map is read as how much the eye rests where; a good frame
keeps that, doesn't cut through it, and sets it on a third or nearer to the middle. What is known to be a thing, a
found one or a named face, is to be whole inside or left out, the larger ones first. A horizon divides a frame by thirds
and not in halves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photos_engine.errors import UsageError
from photos_engine.horizon import Horizon
from photos_engine.types import Box, CaptureFacts, DetectedObject, FloatArray

Values = NDArray[np.float64]

_SCALES = (1.0, 0.85, 0.7)  # of the largest frame: tighter ones let a small subject fill the picture
_STEPS = 48  # places that are tried along each free side
_MARGIN = 0.03  # of the picture's sides: how near to a cut counts as cut through
_CUT, _BALANCE, _CENTRE, _LOSS, _HORIZON = 0.65, 0.05, 0.02, 0.4, 0.1
"""What cutting, imbalance, distance from the middle, lost area and a horizon off the thirds cost, against 1 for keeping
everything."""
_WORST = _CUT + _BALANCE + _CENTRE + _LOSS * (1 - _SCALES[-1])  # below 0, where everything is wrong: a score of 0
_THINGS, _AREA, _PERSON, _HEAD = 30.0, 1.5, 2.0, 0.5
"""What a thing of the whole picture's size counts, against 1 for all that draws the eye; others by their area to a
power, so that one of a tenth of the picture counts as much as that, and most that is far off next to nothing; how
much more people count, which keeps a lone walker in the picture; and what of a person their head counts beside. A found
thing is evidence, a missing one is none: of COCO128's pictures this keeps as much of the main thing as what draws the
eye alone, and more of it at 9:16, where a fixed share for things kept less. Powers of 1 and 2 are as good there. Of 47
pictures with somebody too tall for 16:9 the heads are whole in some 42, without that weight in 25 (looked at)."""
FACE = "face"
"""The label of a face that a photo's metadata name."""
_SAME_FRAME = 0.7  # overlap from which on two frames are one proposal


@dataclass(frozen=True, slots=True)
class Frame:
    """One way to cut, and why: shares from 0 to 1.

    kept: of what draws the eye and of known things, how much is inside. cut: how much of it the edges pass through.
    balance: 1 where its centre lies on a third or nearer to the middle. scale: of the largest frame's sides.
    """

    box: Box
    score: float
    kept: float
    cut: float
    balance: float
    scale: float


def find_frames(
    saliency: FloatArray, size_px: tuple[int, int], aspect: tuple[float, float],
    things: Sequence[DetectedObject] = (), horizon: Horizon | None = None, *, limit: int = 1,
) -> tuple[Frame, ...]:  # fmt: skip
    """Propose up to `limit` clearly different frames of an aspect: the best of the largest, then others, best first.

    saliency: (rows, columns), 0 to 1, over the whole picture. size_px, aspect: (width, height). things: what
    should not be cut through, as `things_of` gives it. horizon: the picture's, where it has one. A frame never leaves
    the picture and has the aspect exactly. Raises: UsageError for an aspect that is no aspect or that leaves less
    than a pixel, and for a map without cells.
    """
    width, height = _largest_frame(size_px, aspect)
    if saliency.ndim != 2 or saliency.size == 0 or not np.isfinite(saliency).all():
        raise UsageError("a saliency map is a table of finite numbers")
    gaze = _Gaze(saliency)
    scales = _SCALES if limit > 1 else _SCALES[:1]
    boxes = np.concatenate([_places(width * scale, height * scale) for scale in scales])
    kept, cut, balance = gaze.inside(boxes), gaze.cut_by(boxes), gaze.balance_in(boxes)
    if things:
        whole, broken, worth = _hold(boxes, things, size_px)
        kept, cut = ((gaze.worth * a + worth * b) / (gaze.worth + worth) for a, b in ((kept, whole), (cut, broken)))
    scale = (boxes[:, 2] - boxes[:, 0]) / width
    centre = np.abs((boxes[:, :2] + boxes[:, 2:]) / 2 - 0.5).sum(axis=1)
    score = kept - _CUT * cut - _BALANCE * (1 - balance) - _CENTRE * centre - _LOSS * (1 - scale)
    if horizon is not None:
        score -= _HORIZON * horizon.sureness * _off_thirds(horizon.middle, boxes)
    order = np.argsort(-score, kind="stable")
    chosen: list[int] = [int(order[np.argmax(scale[order] > 1 - 1e-9)])]  # tighter ones are proposals, not the answer
    for index in order.tolist() if limit > 1 else ():
        if all(_overlap(boxes[index], boxes[other]) < _SAME_FRAME for other in chosen):
            chosen.append(index)
        if len(chosen) == limit:
            break
    columns = (np.clip(values, 0.0, 1.0) for values in ((score + _WORST) / (1 + _WORST), kept, cut, balance))
    facts = np.stack([*columns, scale], axis=1)
    return tuple(Frame(_as_box(boxes[index]), *facts[index].tolist()) for index in chosen)


def _off_thirds(height: float, boxes: Values) -> Values:
    """How far from the upper or lower third of each frame a height of the picture lies; 1 in the middle and outside."""
    place = (height - boxes[:, 1]) / (boxes[:, 3] - boxes[:, 1])
    off: Values = np.minimum(1.0, 6 * np.abs(np.abs(place - 0.5) - 1 / 6))
    return off


def things_of(facts: CaptureFacts, objects: Iterable[DetectedObject]) -> list[DetectedObject]:
    """What a crop should keep whole: found things, and the faces that a photo's metadata name."""
    faces = (DetectedObject(FACE, person.box, 1.0) for person in facts.people if person.box is not None)
    return [*objects, *faces]


def share_inside(box: Box, things: Sequence[DetectedObject]) -> float:
    """How much of some things lies inside a box, 0 to 1, each weighed as for cutting; 0 where there are none."""
    return float(_hold(np.array([box], np.float64), things)[0][0]) if things else 0.0


def _hold(
    boxes: Values, things: Sequence[DetectedObject], size_px: tuple[int, int] | None = None
) -> tuple[Values, Values, float]:
    """How much of the things lies inside each box, and how much of what does is cut through; 0 to 1, (n,) each.

    And what they count together. A thing counts by how sure it is and by its size, so that what is far behind hardly
    counts; a face by its side's length, so that the smallest does: nobody wants half a face. Where the picture's size
    is told, a person's head counts half as much again as all of them: whoever is too tall is cut at the legs.
    """
    places = np.array([thing.box for thing in things], np.float64)
    areas = np.maximum((places[:, 2:] - places[:, :2]).prod(axis=1), 1e-9)
    is_face, is_person = (np.array([thing.label == label for thing in things]) for label in (FACE, "person"))
    sureness = np.array([thing.score for thing in things]) * np.where(is_person, _PERSON, 1.0)
    weight = sureness * np.where(is_face, np.sqrt(areas), areas**_AREA)
    worth = _THINGS * float(weight.sum())
    if size_px is not None:
        heads = _heads_of(places[is_person], size_px)
        has_room = heads[:, 3] - heads[:, 1] <= (boxes[:, 3] - boxes[:, 1]).max()
        places = np.concatenate([places, heads[has_room]])
        weight = np.concatenate([weight, _HEAD * weight[is_person][has_room]])
        areas = np.maximum((places[:, 2:] - places[:, :2]).prod(axis=1), 1e-9)
    weight /= weight.sum()
    common = np.minimum(boxes[:, None, 2:], places[None, :, 2:]) - np.maximum(boxes[:, None, :2], places[None, :, :2])
    inside = np.clip(common, 0.0, None).prod(axis=2) / areas
    return inside @ weight, np.minimum(1.0, 4 * inside * (1 - inside)) @ weight, worth  # half inside is cut worst


def _heads_of(people: Values, size_px: tuple[int, int]) -> Values:
    """Where the heads of people are, (n, 4), from where they are: at the top, half as high as they are wide.

    That is a seventh of who stands and half of a bust.
    """
    heads = people.copy()
    width, height = people[:, 2] - people[:, 0], people[:, 3] - people[:, 1]
    heads[:, 3] = people[:, 1] + np.minimum(0.5 * width * size_px[0] / size_px[1], 0.5 * height)
    return heads


def _largest_frame(size_px: tuple[int, int], aspect: tuple[float, float]) -> tuple[float, float]:
    """Sides of the largest frame as shares of the picture's."""
    if min(size_px) < 1:
        raise UsageError(f"a picture of {size_px[0]}x{size_px[1]} pixels can't be cropped")
    if not all(math.isfinite(side) and side > 0 for side in aspect):
        raise UsageError(f"an aspect is two positive numbers, not {aspect[0]}:{aspect[1]}")
    ratio = (aspect[0] / aspect[1]) / (size_px[0] / size_px[1])
    width, height = (1.0, 1.0 / ratio) if ratio > 1.0 else (ratio, 1.0)
    if width * size_px[0] < 1.0 or height * size_px[1] < 1.0:
        raise UsageError(f"an aspect of {aspect[0]}:{aspect[1]} leaves nothing of {size_px[0]}x{size_px[1]} pixels")
    return width, height


def _places(width: float, height: float) -> Values:
    """Frames of one size all over the picture, (n, 4)."""
    lefts, tops = (np.linspace(0.0, 1.0 - side, _STEPS + 1 if side < 1.0 else 1) for side in (width, height))
    left, top = (grid.ravel() for grid in np.meshgrid(lefts, tops))
    return np.stack([left, top, np.minimum(1.0, left + width), np.minimum(1.0, top + height)], axis=1)


class _Gaze:
    """A saliency map as a distribution of attention, summed up so that any box costs four look-ups."""

    def __init__(self, saliency: FloatArray) -> None:
        # Cubed: of COCO128's held-out pictures this keeps 1 to 4 % more of the main thing than the map itself.
        weight = (saliency.astype(np.float64) - saliency.min()) ** 3
        self.worth = 1.0
        if weight.sum() <= 1e-9:  # where nothing draws the eye, the middle does, unless there is anything known
            self.worth = 0.0
            weight = np.zeros((9, 9))
            weight[4, 4] = 1.0
        weight /= weight.sum()
        rows, columns = weight.shape
        y, x = (np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns
        self._mass, self._mass_x, self._mass_y = (_integral(w) for w in (weight, weight * x, weight * y[:, None]))

    def inside(self, boxes: Values) -> Values:
        return _sum_in(self._mass, boxes)

    def cut_by(self, boxes: Values) -> Values:
        """Attention that lies along those edges that are not the picture's own."""
        inner = np.array([1.0, 1.0, -1.0, -1.0]) * np.where((boxes <= 1e-9) | (boxes >= 1.0 - 1e-9), 0.0, _MARGIN)
        return self.inside(np.clip(boxes - inner, 0.0, 1.0)) - self.inside(boxes + inner)

    def balance_in(self, boxes: Values) -> Values:
        mass = np.maximum(self.inside(boxes), 1e-9)
        x = (_sum_in(self._mass_x, boxes) / mass - boxes[:, 0]) / (boxes[:, 2] - boxes[:, 0])
        y = (_sum_in(self._mass_y, boxes) / mass - boxes[:, 1]) / (boxes[:, 3] - boxes[:, 1])
        # One stretch and not three lines: else a little change of the aspect moves the frame from one to the next.
        places = np.clip(np.stack([x, y]), 0, 1)
        off: Values = np.clip(np.abs(places - 0.5) - 1 / 6, 0, None).sum(axis=0)
        return np.clip(1.0 - 1.5 * off, 0.0, 1.0)  # 1/3 off on both axes, a corner, is 0


def _integral(weight: Values) -> Values:
    return np.pad(weight.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))


def _sum_in(integral: Values, boxes: Values) -> Values:
    """What lies in each box, cells that are cut counted in part."""
    left, top, right, bottom = boxes.T
    total: Values = (
        _at(integral, right, bottom)
        - _at(integral, left, bottom)
        - _at(integral, right, top)
        + _at(integral, left, top)
    )
    return total


def _at(integral: Values, x: Values, y: Values) -> Values:
    rows, columns = integral.shape[0] - 1, integral.shape[1] - 1
    column, row = x * columns, y * rows
    c, r = np.minimum(column.astype(np.int64), columns - 1), np.minimum(row.astype(np.int64), rows - 1)
    dx, dy = column - c, row - r
    upper = integral[r, c] * (1 - dx) + integral[r, c + 1] * dx
    lower = integral[r + 1, c] * (1 - dx) + integral[r + 1, c + 1] * dx
    value: Values = upper * (1 - dy) + lower * dy
    return value


def _overlap(a: Values, b: Values) -> float:
    """Intersection over union."""
    sides = np.maximum(0.0, np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]))
    common = float(sides.prod())
    return common / float((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common)


def _as_box(values: Values) -> Box:
    left, top, right, bottom = values.tolist()
    return (left, top, right, bottom)
