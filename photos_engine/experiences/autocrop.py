"""Crops of any aspect that keep what the picture is about."""

from __future__ import annotations

from collections.abc import Sequence

from photos_engine.errors import UsageError
from photos_engine.framing import Frame, find_frames
from photos_engine.horizon import Horizon
from photos_engine.types import Crop, DetectedObject, FloatArray, Reason


def crop(
    saliency: FloatArray, size_px: tuple[int, int], aspect: tuple[float, float],
    things: Sequence[DetectedObject] = (), horizon: Horizon | None = None,
) -> Crop:  # fmt: skip
    """Choose the largest crop of an aspect that best keeps what draws the eye, and known things whole.

    saliency: (rows, columns), 0 to 1, over the whole picture. size_px, aspect: (width, height). things: see
    `framing.things_of`; horizon: see `horizon.find_horizon`. Raises: UsageError for an aspect that makes no sense.
    """
    return _as_crop(find_frames(saliency, size_px, aspect, things, horizon)[0])


def candidates(
    saliency: FloatArray, size_px: tuple[int, int], aspect: tuple[float, float],
    things: Sequence[DetectedObject] = (), horizon: Horizon | None = None, *, limit: int = 5,
) -> tuple[Crop, ...]:  # fmt: skip
    """Propose clearly different crops of an aspect: what `crop` chooses, then others, tighter ones among them.

    Raises: UsageError for an aspect that makes no sense or a limit below 1.
    """
    if limit < 1:
        raise UsageError(f"expected a limit of at least 1, not {limit}")
    return tuple(_as_crop(frame) for frame in find_frames(saliency, size_px, aspect, things, horizon, limit=limit))


_ROOM = 0.7  # of what draws the eye: where the best crop keeps less, the shape is the trouble


def _as_crop(frame: Frame) -> Crop:
    reasons = [Reason("kept", frame.kept, f"It keeps {frame.kept:.0%} of what draws the eye.")]
    if frame.cut > 0.05:
        left, top, right, bottom = frame.box
        shape = "low" if bottom - top < right - left else "narrow"
        has_room = frame.kept >= _ROOM or frame.scale < 1 - 1e-9
        code, text = ("cut", "Its edges") if has_room else ("no_room", f"This shape is too {shape} here: its edges")
        reasons.append(Reason(code, -frame.cut, f"{text} pass through {frame.cut:.0%} of what draws the eye."))
    if frame.balance >= 0.8:
        reasons.append(Reason("balance", frame.balance, "Its subject lies on a third or nearer to the middle."))
    if frame.scale < 1.0:
        reasons.append(Reason("tight", frame.scale - 1.0, "It is tighter than it need be."))
    return Crop(frame.box, frame.score, tuple(reasons))
