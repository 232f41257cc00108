"""The saliency head: where the subject is, from the last two scales of the backbone.

Three teachers, the surest weighing most: people's boxes around things, the object teacher's boxes, and
for pictures in which neither finds anything, what stands out by colour and pattern.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.models.training.backbone import map_side
from photos_engine.types import Box, ByteArray, FloatArray

log = logging.getLogger(__name__)

SIDE = map_side("stage4")
MIDDLE, DEEP = 120, 352
SURE, UNSURE = 0.5, 0.2  # score from which on a teacher's box counts in full, and below which not at all


@dataclass(frozen=True, slots=True)
class SaliencyConfig:
    """Few pictures have people's boxes, so they count more and the others are many."""

    seed: int
    hidden: int
    dropout: float
    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float
    pictures: int  # with the object teacher's boxes
    sets: tuple[str, ...]  # that they come from, in equal parts but for the first, which gives half
    true_weight: float  # of a picture with people's boxes, against 1 for the teacher's
    classical_weight: float  # of a picture in which the teacher finds nothing


class SaliencyHead(nn.Module):
    """stage4 (n, 120, 15, 15) and stage6 (n, 352, 8, 8) -> (n, 15, 15), 0 to 1."""

    def __init__(self, hidden: int, dropout: float) -> None:
        super().__init__()
        self.middle_norm = nn.BatchNorm2d(MIDDLE, affine=False)
        self.deep_norm = nn.BatchNorm2d(DEEP, affine=False)
        self.dropout = nn.Dropout2d(dropout)
        self.middle = nn.Conv2d(MIDDLE, hidden, 1)
        self.deep = nn.Conv2d(DEEP, hidden, 1)
        self.around = nn.Conv2d(hidden, 1, 3, padding=1, padding_mode="replicate")

    def scores(self, stage4: Tensor, stage6: Tensor) -> Tensor:
        """Log-odds, (n, 15, 15)."""
        fine = self.middle(self.dropout(self.middle_norm(stage4)))
        coarse = self.deep(self.dropout(self.deep_norm(stage6)))
        both = fine + F.interpolate(coarse, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        result: Tensor = self.around(F.relu(both))[:, 0]
        return result

    def forward(self, stage4: Tensor, stage6: Tensor) -> Tensor:
        """Probabilities, (n, 15, 15)."""
        return self.scores(stage4, stage6).sigmoid()


def cover(boxes: Sequence[Box], scores: Sequence[float] | None = None) -> FloatArray:
    """Boxes -> (15, 15), how much of each cell is covered, small boxes and unsure ones counting less.

    The largest box is what a picture is about, so what is a quarter as long counts half as much.
    """
    result = np.zeros((SIDE, SIDE), np.float32)
    areas = [max(0.0, right - left) * max(0.0, bottom - top) for left, top, right, bottom in boxes]
    for number, (left, top, right, bottom) in enumerate(boxes):
        share = _overlap(top, bottom)[:, None] * _overlap(left, right)[None, :]
        weight = 1 / 3 + 2 / 3 * np.sqrt(areas[number] / max(*areas, 1e-9))
        if scores is not None:
            weight *= np.clip((scores[number] - UNSURE) / (SURE - UNSURE), 0, 1)
        result = np.maximum(result, weight * share)
    return result.clip(0, 1).astype(np.float32)


def _overlap(low: float, high: float) -> NDArray[np.float64]:
    edges = np.arange(SIDE + 1) / SIDE
    result: NDArray[np.float64] = np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None) * SIDE
    return result


def stand_out(image: ByteArray) -> FloatArray:
    """(h, w, 3) RGB -> (15, 15), 0 to 1: what differs from the borders by colour, and from itself by pattern.

    Three voices, by a run over COCO128's boxes: distance to the colours of each border, its three smallest
    summed (after Zhang et al., minimum barrier, ICCV 2015), the spectral residual (Hou and Zhang, CVPR 2007),
    and the distance to the mean colour (after Achanta et al., CVPR 2009); all under a wide Gaussian.
    """
    pixels = image.astype(np.float32)
    opponent = np.stack(
        [pixels.mean(2), pixels[..., 0] - pixels[..., 1], (pixels[..., 0] + pixels[..., 1]) / 2 - pixels[..., 2]], 2
    )
    strange = np.linalg.norm(opponent - opponent.mean((0, 1)), axis=2)
    voices = 0.4 * _scaled(_unlike_borders(opponent)) + 0.3 * _scaled(strange) + 0.3 * _scaled(_residual(image))
    offset = ((np.arange(SIDE) + 0.5) / SIDE - 0.5) / 0.35
    return (voices * np.exp(-0.5 * (offset[:, None] ** 2 + offset[None, :] ** 2))).astype(np.float32)


def _unlike_borders(opponent: FloatArray) -> FloatArray:
    depth = max(1, min(opponent.shape[:2]) // 13)
    apart = []
    for strip in (opponent[:depth], opponent[-depth:], opponent[:, :depth], opponent[:, -depth:]):
        colours = strip.reshape(-1, 3)
        precision = np.linalg.inv(np.cov(colours.T) + 30 * np.eye(3))
        offset = opponent - colours.mean(0)
        apart.append(np.sqrt(np.einsum("hwi,ij,hwj->hw", offset, precision, offset)))
    result: FloatArray = np.sort(np.stack(apart), axis=0)[:3].sum(0)
    return result


def _residual(image: ByteArray) -> FloatArray:
    grey = np.asarray(Image.fromarray(image).convert("L").resize((64, 64)), np.float32)
    spectrum = np.fft.fft2(grey)
    strength = np.log(np.abs(spectrum) + 1e-6)
    smooth = sum(np.roll(strength, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)) / 9
    unusual = np.abs(np.fft.ifft2(np.exp(strength - smooth + 1j * np.angle(spectrum)))) ** 2
    low = np.exp(-0.5 * (np.fft.fftfreq(64) * 2 * np.pi * 2.5) ** 2)  # a Gaussian of 2.5 px
    return np.fft.ifft2(np.fft.fft2(unusual) * low[:, None] * low[None, :]).real.astype(np.float32)


def _scaled(values: FloatArray) -> FloatArray:
    """A map of any size as the means of 15 x 15 cells, from 0 to 1."""
    cells = F.adaptive_avg_pool2d(torch.from_numpy(np.ascontiguousarray(values, np.float32))[None, None], SIDE)[0, 0]
    return ((cells - cells.min()) / (cells.max() - cells.min() + 1e-6)).numpy()


def train(
    stage4: FloatArray, stage6: FloatArray, targets: FloatArray, weights: FloatArray, config: SaliencyConfig
) -> SaliencyHead:
    """Learn from maps and targets (n, 15, 15), each picture counting by its weight, (n,)."""
    torch.manual_seed(config.seed)
    random = np.random.default_rng(config.seed)
    head = SaliencyHead(config.hidden, config.dropout)
    steps = config.epochs * max(1, len(targets) // config.batch)
    optimiser = torch.optim.AdamW(head.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, total_steps=steps)
    chances = weights / weights.sum()
    for _ in range(steps):
        rows = random.choice(len(targets), min(config.batch, len(targets)), p=chances)
        x, z, y = (torch.from_numpy(np.asarray(item[rows], np.float32)) for item in (stage4, stage6, targets))
        if random.random() < 0.5:
            x, z, y = x.flip(-1), z.flip(-1), y.flip(-1)
        loss = F.binary_cross_entropy_with_logits(head.scores(x, z), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    log.info("saliency: loss %.4f", float(loss.detach()))
    head.eval()
    return head
