"""Any array that claims to be a picture becomes the analyzer's input, or a `PhotoError`.

The room exists so that nothing behind it has to think about modes, depths or shapes: every head sees
the same upright RGB bytes. The whole picture is squashed into a square. Nothing at its edges is lost,
and a position in the heat map is a position in the picture by a mere division; letterboxing and
cropping were measured against it (see `models/training/README.md`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photos_engine.errors import PhotoError
from photos_engine.types import ByteArray

INPUT_SIDE_PX = 232  # see docs/decisions/0028
_SPARE = 1.1
"""How much larger than the input a frame stays when it is averaged down before it is resampled, which takes a third of
the time: one of 1,024 px to 256; embeddings' cosine with those of resampling alone stays at 0.998."""
_BLOCK = 1 << 17  # values that are summed at a time: they stay in the processor's cache
_ARRAY = "<array>"  # an array has no path


def as_rgb(image: NDArray[Any]) -> ByteArray:
    """Turn an array of any usual mode and depth into RGB bytes.

    Takes (h, w) or (h, w, 1) grey, (h, w, 2) grey with alpha, (h, w, 3) RGB or (h, w, 4) RGB with
    alpha; alpha is laid on white. 8-bit as it is; 16-bit unsigned by its upper byte; other integers
    clipped to 0-255; booleans as black and white; floats as 0-1 where nothing exceeds 1, else as
    0-255, with NaN as black. Gives (h, w, 3) uint8.

    Raises: PhotoError for what can't be a picture (no pixels, another number of axes or channels,
    a type without numbers).
    """
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 2, 3, 4):
        raise PhotoError(_ARRAY, f"an array of shape {np.shape(image)} is no picture")
    if pixels.shape[0] == 0 or pixels.shape[1] == 0:
        raise PhotoError(_ARRAY, "the picture has no pixels")
    pixels = _as_bytes(pixels)
    if pixels.shape[2] in (2, 4):
        pixels = _on_white(pixels)
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    return np.ascontiguousarray(pixels)


def as_input(image: NDArray[Any], side_px: int = INPUT_SIDE_PX) -> ByteArray:
    """Turn an array into the model's input: (side, side, 3) RGB uint8, the whole picture squashed.

    Raises: PhotoError as `as_rgb`.
    """
    pixels = as_rgb(image)
    height, width = pixels.shape[:2]
    if height == width == side_px:
        return pixels
    down, across = (max(int(length / (side_px * _SPARE)), 1) for length in (height, width))
    cells = Image.fromarray(_average(pixels, down, across))
    seen = (0, 0, width / across, height / down)  # the last cells may be narrower
    return np.asarray(cells.resize((side_px, side_px), Image.Resampling.BICUBIC, box=seen))


def as_batch(images: list[NDArray[Any]]) -> ByteArray:
    """Turn arrays into one batch, (n, 232, 232, 3) RGB uint8.

    Raises: PhotoError as `as_rgb`.
    """
    return np.stack([as_input(image) for image in images])


def _average(pixels: ByteArray, down: int, across: int) -> ByteArray:
    """The means of cells of down x across pixels; a cell at the right or lower edge has what is left of it.

    As Pillow's `reduce`, but the frame is never copied: sums of neighbours are sums of lines, some lines at a time.
    """
    if down == across == 1:
        return pixels
    height, width = pixels.shape[:2]
    cells = np.empty((-(-height // down), -(-width // across), 3), np.uint8)
    step = max(_BLOCK // (3 * width), 1)
    for top in range(0, len(cells), step):
        cells[top : top + step] = _cells(pixels[top * down : (top + step) * down], down, across)
    return cells


def _cells(pixels: ByteArray, down: int, across: int) -> ByteArray:
    height, width = pixels.shape[:2]
    count = down * across
    kind: Any = np.uint16 if 255 * count + count // 2 < 1 << 16 else np.uint32
    (rows, below), (columns, beside) = divmod(height, down), divmod(width, across)
    lines = pixels.reshape(height, width * 3)
    sums: NDArray[Any] = lines[: rows * down : down].astype(kind)
    for line in range(1, down):
        sums += lines[line : rows * down : down]
    if below:
        sums = np.concatenate([sums, _sum_as_of(down, lines[None, rows * down :]).astype(kind)])
    cells = np.empty((len(sums), columns + (beside > 0), 3), kind)
    runs = _runs(sums, across, 3).reshape(len(sums), -1, 3)
    for channel in range(3):  # long loops instead of many of three
        cells[:, :columns, channel] = runs[:, ::across, channel]
    if beside:
        cells[:, columns] = _sum_as_of(across, sums.reshape(len(sums), width, 3)[:, -beside:])
    means: ByteArray = ((cells + kind(count // 2)) // kind(count)).astype(np.uint8)
    return means


def _runs(rows: NDArray[Any], count: int, step: int) -> NDArray[Any]:
    """Sums of `count` values, `step` apart, from each place of a row on that has so many, by doubling."""
    if count == 1:
        return rows
    half = count // 2
    sums = _runs(rows, half, step)
    both: NDArray[Any] = sums[:, : -half * step] + sums[:, half * step :]
    if count % 2:
        both = both[:, :-step] + rows[:, (count - 1) * step :]
    return both


def _sum_as_of(count: int, part: NDArray[Any]) -> NDArray[np.uint64]:
    """The sums over axis 1, brought from its length to `count`."""
    there = part.shape[1]
    sums: NDArray[np.uint64] = part.sum(1, dtype=np.uint64)
    return (sums * np.uint64(count) + np.uint64(there // 2)) // np.uint64(there)


def _as_bytes(pixels: NDArray[Any]) -> ByteArray:
    kind, result = pixels.dtype.kind, pixels
    if pixels.dtype == np.uint8:
        return pixels
    if kind == "b":
        result = pixels * np.uint8(255)
    elif kind == "u" and pixels.dtype.itemsize == 2:  # in either order of bytes
        result = pixels >> 8
    elif kind in "iu":
        result = np.clip(pixels, 0, 255)
    elif kind == "f":
        finite = np.clip(np.nan_to_num(pixels.astype(np.float64), nan=0.0), 0.0, 255.0)
        result = finite * (255.0 if finite.max() <= 1.0 else 1.0) + 0.5
    else:
        raise PhotoError(_ARRAY, f"an array of type {pixels.dtype} holds no pixels")
    return result.astype(np.uint8, copy=False)


def _on_white(pixels: ByteArray) -> ByteArray:
    """Lay (h, w, c + 1) with alpha on a white page, as (h, w, c)."""
    colour, alpha = pixels[:, :, :-1].astype(np.uint16), pixels[:, :, -1:].astype(np.uint16)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
