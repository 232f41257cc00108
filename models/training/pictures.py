"""Shards: every picture of a set decoded once and kept at the network's own size.

Training reads the shards, so that an epoch costs no decoding; `benchmarks/training_input.py` prints
what that is worth. Several sets can be read as one, varied on the way, a few batches ahead.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.analyzers.preprocess import INPUT_SIDE_PX, as_input
from photos_engine.models.corpus import Picture
from photos_engine.models.training.config import AugmentConfig

log = logging.getLogger(__name__)

GREY = (0.299, 0.587, 0.114)  # weights of red, green and blue in brightness, ITU-R BT.601
T = TypeVar("T")
U = TypeVar("U")


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Read a picture as (h, w, 3) bytes, upright."""
    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def open_shard(work: Path, name: str, pictures: Sequence[Picture], workers: int = 0) -> NDArray[np.uint8]:
    """Open the shard of these pictures, (n, 232, 232, 3) uint8 on disk; made by `workers` where it isn't there yet."""
    path, index = work / "shards" / f"{name}.npy", work / "shards" / f"{name}.json"
    names = [str(picture.path) for picture in pictures]
    if not (index.is_file() and json.loads(index.read_text(encoding="utf-8")) == names):
        path.parent.mkdir(parents=True, exist_ok=True)
        index.unlink(missing_ok=True)  # it would vouch for half a shard if this were stopped
        shape = (len(pictures), INPUT_SIDE_PX, INPUT_SIDE_PX, 3)
        shard: np.memmap[Any, np.dtype[np.uint8]] = open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        inputs = read_ahead(lambda picture: as_input(read_rgb(picture.path)), pictures, workers)
        for row, pixels in enumerate(inputs):
            shard[row] = pixels
        shard.flush()
        index.write_text(json.dumps(names), encoding="utf-8")
        log.info("shard %s: %d pictures", name, len(pictures))
    result: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return result


class PictureSet:
    """The pictures of several shards as one; what is on disk stays there until it is asked for."""

    def __init__(self, shards: Sequence[NDArray[np.uint8]]) -> None:
        self._shards = shards
        self._ends = np.cumsum([len(shard) for shard in shards])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Rows, counted through all shards -> (n, 232, 232, 3)."""
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"rows from {rows.min()} to {rows.max()} of {len(self)} pictures")
        result = np.empty((len(rows), *self._shards[0].shape[1:]), np.uint8)
        owners = np.searchsorted(self._ends, rows, side="right")
        for owner in np.unique(owners):
            shard, chosen = self._shards[owner], owners == owner
            result[chosen] = shard[rows[chosen] - (self._ends[owner] - len(shard))]
        return result

    def stream(
        self, batches: Iterable[NDArray[np.int64]], config: AugmentConfig, random: np.random.Generator, workers: int = 0
    ) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
        """Yield each batch's rows with its varied pictures, (n, 232, 232, 3) uint8; `workers` of them read ahead.

        The pictures depend on `random`'s state alone, not on how many workers there are.
        """

        def read(item: tuple[NDArray[np.int64], int]) -> tuple[NDArray[np.int64], Tensor]:
            rows, seed = item
            return rows, augment(torch.from_numpy(self[rows]), config, np.random.default_rng(seed))

        yield from read_ahead(read, ((rows, int(random.integers(2**63))) for rows in batches), workers)


def augment(images: Tensor, config: AugmentConfig, random: np.random.Generator) -> Tensor:
    """Vary pictures (n, h, w, 3) uint8, each in its own way: a part of it, mirrored or not, in other light."""

    def draw(low: float, high: float) -> Tensor:  # (n, 1, 1)
        values = random.uniform(low, high, (len(images), 1, 1)).astype(np.float32)
        return torch.from_numpy(values).to(images.device)

    x = images.permute(0, 3, 1, 2).to(torch.float32)
    side, stretch = draw(config.smallest_part, 1).sqrt(), draw(-config.stretch, config.stretch).exp().sqrt()
    width, height = (side * stretch).clamp(max=1), (side / stretch).clamp(max=1)
    across, down = draw(-1, 1) * (1 - width), draw(-1, 1) * (1 - height)
    turned = torch.where(draw(0, 1) < config.mirrored, -width, width)
    columns = turned * _middles(x.shape[3], x.device) + across  # (n, 1, w), -1 to 1 from edge to edge
    lines = height * _middles(x.shape[2], x.device)[:, None] + down  # (n, h, 1)
    grid = torch.stack(torch.broadcast_tensors(columns, lines), 3)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False).flatten(2)
    # Saturation moves colours from or to their grey, contrast greys from or to their mean, brightness all: one matrix.
    saturation, contrast, brightness = (
        draw(1 - most, 1 + most) for most in (config.saturation, config.contrast, config.brightness)
    )
    grey = torch.tensor([GREY], device=x.device)  # (1, 3)
    colours = brightness * contrast * (saturation * torch.eye(3, device=x.device) + (1 - saturation) * grey)
    middle = brightness * (1 - contrast) * (grey @ x.mean(2, keepdim=True))
    varied = torch.baddbmm(middle, colours, x).round_().clamp_(0, 255).to(torch.uint8)
    return varied.view(len(images), 3, *images.shape[1:3]).permute(0, 2, 3, 1)


def _middles(count: int, device: torch.device) -> Tensor:
    """The middles of cells that part -1 to 1 evenly."""
    return (torch.arange(count, device=device) * 2 + 1) / count - 1


def read_ahead(read: Callable[[T], U], items: Iterable[T], workers: int) -> Iterator[U]:
    """Yield `read` of each item, in order, `workers` threads working ahead of whoever consumes; none: no threads.

    Threads are enough: Pillow, NumPy and torch let go of the interpreter's lock while they work.
    """
    if not workers:
        yield from map(read, items)
        return
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[U]] = deque()
        for item in items:
            waiting.append(pool.submit(read, item))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
