"""Shards: every picture of a set decoded once and kept at the network's own size.

Training reads the shards, so that an epoch costs no decoding.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from PIL import Image

from photos_engine.analyzers.preprocess import INPUT_SIDE_PX, as_input
from photos_engine.models.corpus import Picture

log = logging.getLogger(__name__)


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Read a picture as (h, w, 3) bytes."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def open_shard(work: Path, name: str, pictures: Sequence[Picture]) -> NDArray[np.uint8]:
    """Open the shard of these pictures, (n, 260, 260, 3) uint8 on disk; made where it isn't there yet."""
    path, index = work / "shards" / f"{name}.npy", work / "shards" / f"{name}.json"
    names = [str(picture.path) for picture in pictures]
    if not (index.is_file() and json.loads(index.read_text(encoding="utf-8")) == names):
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (len(pictures), INPUT_SIDE_PX, INPUT_SIDE_PX, 3)
        shard: np.memmap[Any, np.dtype[np.uint8]] = open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        for row, picture in enumerate(pictures):
            shard[row] = as_input(read_rgb(picture.path))
        shard.flush()
        index.write_text(json.dumps(names), encoding="utf-8")
        log.info("shard %s: %d pictures", name, len(pictures))
    result: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return result
