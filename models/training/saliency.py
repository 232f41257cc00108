"""The saliency head: where the subject is, from the last two scales of the backbone.

Trained on boxes around things (a cell counts by the share that boxes cover, small boxes more than
their area) as a linear probe: few pictures with boxes are at hand.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.models.training.config import SaliencyConfig
from photos_engine.types import Box

log = logging.getLogger(__name__)

SIDE = 17
MIDDLE, DEEP = 120, 352


class SaliencyHead(nn.Module):
    """stage4 (n, 120, 17, 17) and stage6 (n, 352, 9, 9) -> (n, 17, 17), 0 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.middle_norm = nn.BatchNorm2d(MIDDLE, affine=False)
        self.deep_norm = nn.BatchNorm2d(DEEP, affine=False)
        self.dropout = nn.Dropout2d(0.3)
        self.middle = nn.Conv2d(MIDDLE, 1, 1)
        self.deep = nn.Conv2d(DEEP, 1, 1)

    def scores(self, stage4: Tensor, stage6: Tensor) -> Tensor:
        """Log-odds, (n, 17, 17)."""
        fine = self.middle(self.dropout(self.middle_norm(stage4)))
        coarse = self.deep(self.dropout(self.deep_norm(stage6)))
        return (fine + F.interpolate(coarse, size=(SIDE, SIDE), mode="bilinear", align_corners=False))[:, 0]

    def forward(self, stage4: Tensor, stage6: Tensor) -> Tensor:
        """Probabilities, (n, 17, 17)."""
        return self.scores(stage4, stage6).sigmoid()


def cover(boxes: Sequence[Box]) -> NDArray[np.float32]:
    """Boxes -> (17, 17), the share of each cell that is covered."""
    result = np.zeros((SIDE, SIDE), np.float32)
    edges = np.arange(SIDE + 1) / SIDE
    for left, top, right, bottom in boxes:
        across = np.clip(np.minimum(edges[1:], right) - np.maximum(edges[:-1], left), 0, None) * SIDE
        down = np.clip(np.minimum(edges[1:], bottom) - np.maximum(edges[:-1], top), 0, None) * SIDE
        result = np.maximum(result, down[:, None] * across[None, :])
    return result


def train(
    stage4: NDArray[np.float32], stage6: NDArray[np.float32], targets: NDArray[np.float32], config: SaliencyConfig
) -> SaliencyHead:
    """Learn from maps and (n, 17, 17) targets."""
    torch.manual_seed(config.seed)
    head = SaliencyHead()
    optimiser = torch.optim.AdamW(head.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    middle, deep, target = (torch.from_numpy(array) for array in (stage4, stage6, targets))
    for _ in range(config.epochs):
        flip = bool(torch.rand(()) < 0.5)
        x, z, y = (item.flip(-1) if flip else item for item in (middle, deep, target))
        loss = F.binary_cross_entropy_with_logits(head.scores(x, z), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    log.info("saliency: loss %.4f", float(loss.detach()))
    head.eval()
    return head
