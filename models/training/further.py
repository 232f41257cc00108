"""Fine-tuning that goes on from finished files: pictures of another size learn to mean what they meant.

A smaller picture costs less time and tells less. So the backbone's last blocks and the picture projection learn to
say of pictures at the present size what the finished analyzer says of them at its own: pictures of all kinds, which
need no captions for it. It is asked about each picture as it is, mirrored, and without its borders, and the mean of
its answers is a better one than any. The text tower stays as it is to the byte, and with it what a library has weighed
with it. (Captions were tried beside it: what has been learned for so long teaches nothing new, and R@5 fell.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.analyzers.preprocess import as_input
from photos_engine.models.training.backbone import INPUT
from photos_engine.models.training.config import LoopConfig
from photos_engine.models.training.embedding import JointSpace
from photos_engine.models.training.features import TailInputs, kept, open_session
from photos_engine.models.training.loop import Loop
from photos_engine.models.training.quantise import Tail
from photos_engine.types import EMBEDDING_DIMENSIONS

STARTED = "started.onnx"  # the finished analyzer, in the work folder
_OUTPUT = "embedding"
_WEIGHT = 10.0  # of the loss, which is small; it decides what counts as a large gradient
_BORDER = 0.075  # of each side


@dataclass(frozen=True, slots=True)
class TuningConfig:
    """How pictures learn on."""

    tail_rate: float
    rate: float  # of the projection
    dropout: float  # of what the projection reads
    rounded_from: int  # epoch from which on the last blocks are rounded as at run time; before, it only costs time
    loop: LoopConfig


@dataclass(frozen=True, slots=True)
class Lesson:
    """One set of pictures: what enters the tail, which rows are learned from, and what was said of each, (n, 512)."""

    inputs: TailInputs
    rows: NDArray[np.int64]
    said: NDArray[np.float32]


def open_embeddings(
    work: Path, name: str, count: int, read: Callable[[int], NDArray[np.uint8]], threads: int = 1
) -> NDArray[np.float32]:
    """Open what the finished analyzer says of pictures that `read` gives, (n, 512): the mean over four looks at each.

    Computed where it isn't there yet.
    """
    path = kept(work, f"{name}-{count}-said", ".npy", STARTED)
    if not path.is_file():
        part = work / "said.onnx"
        onnx.utils.extract_model(str(work / STARTED), str(part), [INPUT], [_OUTPUT], check_model=False)
        session = open_session(part, threads)
        side_px = session.get_inputs()[0].shape[1]
        said = np.empty((count, EMBEDDING_DIMENSIONS), np.float32)
        for number in range(count):
            looks = session.run([_OUTPUT], {INPUT: _look(read(number), side_px)})[0].mean(0)
            said[number] = looks / np.linalg.norm(looks)
        np.save(path, said)
    result: NDArray[np.float32] = np.load(path)
    return result


def _look(image: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """(h, w, 3) RGB -> (4, side, side, 3): as it is and without its borders, each mirrored as well."""
    height, width = image.shape[:2]
    top, left = round(_BORDER * height), round(_BORDER * width)
    looks = [as_input(part, side_px) for part in (image, image[top : height - top, left : width - left])]
    return np.stack([*looks, *(look[:, ::-1] for look in looks)])


def tune(joint: JointSpace, tail: Tail, lessons: Sequence[Lesson], config: TuningConfig, work: Path) -> None:
    """Train the picture projection and the tail, in place."""
    owner = np.repeat(np.arange(len(lessons)), [len(lesson.rows) for lesson in lessons])
    row = np.concatenate([lesson.rows for lesson in lessons])
    tail.to(memory_format=torch.channels_last)
    tail.stages.requires_grad_(True)
    joint.image.requires_grad_(True)
    groups = [
        {"params": list(tail.stages.parameters()), "lr": config.tail_rate, "weight_decay": 0.0},
        {"params": list(joint.image.parameters()), "lr": config.rate, "weight_decay": 0.0},
    ]
    model = nn.ModuleList([tail, joint.standardise, joint.image])
    loop = Loop("further", model, groups, config.loop, len(row), work)
    for epoch in loop.epochs():
        tail.rounded = epoch >= config.rounded_from
        if epoch == config.rounded_from:
            tail.fit_ranges(lessons[0].inputs.read(lessons[0].rows[: 2 * config.loop.batch]).to(loop.device))
        for batch in loop.batches():
            seen, said = [], []
            for number, lesson in enumerate(lessons):
                mine = row[batch[owner[batch] == number]]
                if len(mine):
                    maps, stage3 = lesson.inputs.read(mine), torch.from_numpy(lesson.inputs.stage3[mine])
                    seen.append(tail(maps.to(loop.device), stage3.to(loop.device)))
                    said.append(torch.from_numpy(lesson.said[mine]).to(loop.device))
            now = F.normalize(joint.image(F.dropout(joint.standardise(torch.cat(seen)), config.dropout)))
            loop.step((1 - (now * torch.cat(said)).sum(1)).mean() * _WEIGHT)
    tail.rounded = True
    tail.requires_grad_(False)
    joint.image.requires_grad_(False)
    tail.eval()
