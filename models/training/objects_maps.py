"""The views of pictures that the objects head learns from, and the backbone's maps of them, kept on disk.

The backbone is frozen, so a view costs one pass however many epochs there are. Maps are kept in 8 bits
with a range per channel: they come out of an int8 graph and have no more to say.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from photos_engine.models.detection import area
from photos_engine.models.training.backbone import INPUT
from photos_engine.models.training.features import BATCH, open_session
from photos_engine.models.training.objects import CHANNELS, SIDES, TAPS, ObjectsConfig
from photos_engine.types import Box

log = logging.getLogger(__name__)

_MEASURED = 256  # views that the channels' ranges are taken from
_LEVELS = 255


@dataclass(frozen=True, slots=True)
class View:
    """A part of a picture, mirrored or not, in other light."""

    part: Box = (0.0, 0.0, 1.0, 1.0)
    is_mirrored: bool = False
    light: float = 1.0  # factor of the pixels

    def show(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The view of a square picture (s, s, 3), as large as it."""
        side = image.shape[0]
        if self.part != (0.0, 0.0, 1.0, 1.0):
            left, top, right, bottom = (value * side for value in self.part)
            shown = Image.fromarray(image).resize(
                (side, side), Image.Resampling.BICUBIC, box=(left, top, right, bottom)
            )
            image = np.asarray(shown)
        if self.light != 1.0:
            image = np.clip(image * np.float32(self.light) + 0.5, 0, 255).astype(np.uint8)
        return image[:, ::-1] if self.is_mirrored else image

    def place(self, box: Box, visible: float) -> Box | None:
        """Where a box lies in the view; None where less than `visible` of it is shown."""
        left, top, right, bottom = self.part
        width, height = right - left, bottom - top
        moved = ((box[0] - left) / width, (box[1] - top) / height, (box[2] - left) / width, (box[3] - top) / height)
        x0, y0, x1, y1 = (min(max(value, 0.0), 1.0) for value in moved)
        if area((x0, y0, x1, y1)) * width * height < visible * area(box) or x1 <= x0 or y1 <= y0:
            return None
        return (1 - x1, y0, 1 - x0, y1) if self.is_mirrored else (x0, y0, x1, y1)


def draw_view(config: ObjectsConfig, random: np.random.Generator) -> View:
    """Draw one at random."""
    width, height = random.uniform(config.smallest_part, 1, 2)
    left, top = random.uniform(0, 1 - width), random.uniform(0, 1 - height)
    light = random.uniform(1 - config.light, 1 + config.light)
    return View((left, top, left + width, top + height), bool(random.random() < 0.5), light)


class Maps:
    """The maps of views: row i of every map belongs to `views[i]`."""

    def __init__(self, folder: Path) -> None:
        self._maps = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in TAPS}
        with np.load(folder / "ranges.npz") as ranges:
            self._low = {name: torch.from_numpy(ranges[f"{name}.low"])[None, :, None, None] for name in TAPS}
            self._step = {name: torch.from_numpy(ranges[f"{name}.step"])[None, :, None, None] for name in TAPS}

    def read(self, rows: NDArray[np.int64]) -> list[Tensor]:
        """The maps of rows, in the order of `TAPS`, as the backbone gave them."""
        return [
            torch.from_numpy(self._maps[name][rows]).to(torch.float32) * self._step[name] + self._low[name]
            for name in TAPS
        ]


def open_maps(
    folder: Path, backbone: Path, image: Callable[[int], NDArray[np.uint8]], views: Sequence[View],
    names: Sequence[str], threads: int,
) -> Maps:  # fmt: skip
    """Open the maps of `views`, of which number i shows `image(i)`, called `names[i]`; computed where missing.

    Another backbone, other views or other pictures make them anew.
    """
    told = json.dumps([[name, asdict(view)] for name, view in zip(names, views, strict=True)])
    key = hashlib.sha256(told.encode() + backbone.read_bytes()).hexdigest()
    done = folder / "done"
    if not (done.is_file() and done.read_text(encoding="utf-8") == key):
        folder.mkdir(parents=True, exist_ok=True)
        done.unlink(missing_ok=True)
        _compute(folder, backbone, image, views, threads)
        done.write_text(key, encoding="utf-8")
    return Maps(folder)


def _compute(
    folder: Path, backbone: Path, image: Callable[[int], NDArray[np.uint8]], views: Sequence[View], threads: int
) -> None:
    session = open_session(backbone, threads)

    def see(rows: Sequence[int]) -> list[NDArray[np.float32]]:
        batch = np.stack([views[row].show(image(row)) for row in rows])
        maps: list[NDArray[np.float32]] = session.run(list(TAPS), {INPUT: batch})
        return maps

    low = [np.full(CHANNELS[name], np.inf, np.float32) for name in TAPS]
    high = [np.full(CHANNELS[name], -np.inf, np.float32) for name in TAPS]
    for row in np.linspace(0, len(views) - 1, min(_MEASURED, len(views))).astype(int).tolist():
        for number, item in enumerate(see([row])):
            low[number] = np.minimum(low[number], item.min((0, 2, 3)))
            high[number] = np.maximum(high[number], item.max((0, 2, 3)))
    step = [np.maximum((top - bottom) / _LEVELS, 1e-6) for top, bottom in zip(high, low, strict=True)]
    kept: list[np.memmap[Any, np.dtype[np.uint8]]] = [
        open_memmap(folder / f"{name}.npy", "w+", np.uint8, (len(views), CHANNELS[name], SIDES[name], SIDES[name]))
        for name in TAPS
    ]
    for start in range(0, len(views), BATCH):
        rows = range(start, min(start + BATCH, len(views)))
        for number, item in enumerate(see(rows)):
            levels = (item - low[number][:, None, None]) / step[number][:, None, None]
            kept[number][rows.start : rows.stop] = np.clip(levels + 0.5, 0, _LEVELS).astype(np.uint8)
        if start % (BATCH * 100) == 0:
            log.info("objects: maps of %d of %d views", start, len(views))
    ranges: dict[str, Any] = {}
    for number, name in enumerate(TAPS):
        ranges |= {f"{name}.low": low[number], f"{name}.step": step[number]}
    np.savez(folder / "ranges.npz", **ranges)
