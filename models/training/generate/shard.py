"""The generated pictures as one shard, like those of the sets that were photographed."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from PIL import Image

from photos_engine.analyzers.preprocess import INPUT_SIDE_PX, as_input
from photos_engine.models.corpus import GENERATED, Picture, generated_picture
from photos_engine.models.training.generate.boards import whiteboard
from photos_engine.models.training.generate.codes import barcode
from photos_engine.models.training.generate.fonts import Typefaces
from photos_engine.models.training.generate.memes import meme
from photos_engine.models.training.generate.notes import handwriting
from photos_engine.models.training.generate.pages import document
from photos_engine.models.training.generate.plates import repair_reference
from photos_engine.models.training.generate.receipts import receipt, rephotographed
from photos_engine.models.training.generate.scenes import ORDINARY
from photos_engine.models.training.generate.screens import screenshot
from photos_engine.models.training.generate.studio import Studio

log = logging.getLogger(__name__)

Maker = Callable[[Studio], Image.Image]
# Label -> what makes its pictures, and how many of them for every hundred of a kind.
KINDS: dict[str, tuple[Maker, int]] = {
    "document": (document, 120), "handwriting": (handwriting, 110), "whiteboard": (whiteboard, 110),
    "screenshot": (screenshot, 110), "receipt": (receipt, 60), "receipt_laid": (rephotographed, 50),
    "barcode": (barcode, 80), "meme": (meme, 120), "repair_reference": (repair_reference, 110),
}  # fmt: skip
ORDINARY_PER_HUNDRED = 650
SEEDS = {False: 11, True: 12}


def plan(size: int, *, held_out: bool) -> list[Picture]:
    """Which pictures there will be: about `size` of each kind, and several times as many ordinary ones."""
    counts = {label: round(count * size / 100) for label, (_, count) in KINDS.items()}
    counts |= {label: round(share * ORDINARY_PER_HUNDRED * size / 100) for label, (_, share) in ORDINARY.items()}
    return [generated_picture(label, number, held_out) for label, count in counts.items() for number in range(count)]


def make(picture: Picture, studio: Studio) -> NDArray[np.uint8]:
    """Draw one picture, (232, 232, 3); its label says which."""
    maker = (KINDS.get(picture.label) or ORDINARY[picture.label])[0]
    return as_input(np.asarray(maker(studio).convert("RGB")))


def studio_for(picture: Picture, photos: Sequence[Path], scans: Sequence[Path], faces: Typefaces) -> Studio:
    """The studio of one picture, with a chance of its own: no picture depends on those before it."""
    seed = [SEEDS[picture.held_out], *picture.path.as_posix().encode()]
    return Studio(np.random.default_rng(seed), faces, photos, scans, picture.held_out)


def generate(work: Path, pictures: Sequence[Picture], size: int) -> None:
    """Write the shard of both sides, and its index; drawn on photos and real receipts of the same side."""
    planned = [*plan(size, held_out=False), *plan(size // 4, held_out=True)]
    faces = {side: Typefaces.find(test=side) for side in (False, True)}
    photos = {
        side: [p.path for p in pictures if p.held_out == side and p.source not in ("utility", "scenes_grey")]
        for side in faces
    }
    scans = {side: [p.path for p in pictures if p.held_out == side and p.label == "receipt"] for side in faces}
    folder = work / "shards"
    folder.mkdir(parents=True, exist_ok=True)
    # What was drawn before goes by the same names: neither its index nor what was computed from it may stay.
    for stale in (folder / f"{GENERATED}.json", *(work / "features").glob(f"{GENERATED}-*")):
        stale.unlink(missing_ok=True)
    (folder / f"{GENERATED}.json").unlink(missing_ok=True)  # it would vouch for half a shard if this were stopped
    shape = (len(planned), INPUT_SIDE_PX, INPUT_SIDE_PX, 3)
    shard: np.memmap[Any, np.dtype[np.uint8]] = open_memmap(
        folder / f"{GENERATED}.npy", mode="w+", dtype=np.uint8, shape=shape
    )
    for row, picture in enumerate(planned):
        side = picture.held_out
        shard[row] = make(picture, studio_for(picture, photos[side], scans[side], faces[side]))
    shard.flush()
    (folder / f"{GENERATED}.json").write_text(json.dumps([str(picture.path) for picture in planned]), encoding="utf-8")
    log.info("shard %s: %d pictures", GENERATED, len(planned))
