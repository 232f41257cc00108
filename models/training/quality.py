"""The quality head: what is left of sharpness, exposure and noise, overall; how bright, how level.

Sharpness to brightness come from the statistics of lower layers. Whether the camera was held level
shows in how much the middle layers' slanted detectors find, so that score reads their means.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.models.training.config import QualityConfig
from photos_engine.models.training.embedding import Standardise
from photos_engine.models.training.features import MEANS
from photos_engine.types import FloatArray

log = logging.getLogger(__name__)

_LEVEL_DECAY = 0.1
_MIDDLE = ("stage3", "stage4")  # area under ROC .98 for 9 degrees and more against .93 of the whole row
SCORES = ("sharpness", "exposure", "noise", "overall", "brightness", "level")
"""Each 0 (worst) to 1 (best) but brightness: 0 far too dark, 0.5 as meant, 1 burnt out."""


@dataclass(frozen=True, slots=True)
class Level:
    """Standardised rows (n, r) of pictures held level or tilted, and how level each is, (n,), 1 to 0."""

    rows: FloatArray
    targets: FloatArray


class QualityHead(nn.Module):
    """Low statistics (n, s) and standardised rows (n, r) -> (n, 6) scores, 0 to 1, in the order of `SCORES`."""

    def __init__(self, statistics: int, config: QualityConfig) -> None:
        super().__init__()
        self.standardise = Standardise(statistics)
        self.layers = nn.Sequential(
            nn.Dropout(config.dropout), nn.Linear(statistics, config.hidden), nn.ReLU(),
            nn.Dropout(config.dropout), nn.Linear(config.hidden, len(SCORES) - 1),
        )  # fmt: skip
        first = list(MEANS).index(_MIDDLE[0])
        self.start = sum(list(MEANS.values())[:first])
        self.stop = self.start + sum(MEANS[name] for name in _MIDDLE)
        self.level = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(self.stop - self.start, 1))

    def forward(self, statistics: Tensor, rows: Tensor) -> Tensor:
        """(n, 6)."""
        low: Tensor = self.layers(self.standardise(statistics).clamp(-6, 6))
        return torch.cat([low, self.level(rows[:, self.start : self.stop].clamp(-6, 6))], 1).sigmoid()


def train(statistics: FloatArray, targets: FloatArray, level: Level, config: QualityConfig) -> QualityHead:
    """Learn from statistics (n, s) and targets (n, 6) in the order of `SCORES`; how level, from `level`."""
    torch.manual_seed(config.seed)
    head = QualityHead(statistics.shape[1], config)
    head.standardise.fit(statistics)
    x = head.standardise(torch.from_numpy(statistics)).clamp(-6, 6)
    _fit(head.layers, x, torch.from_numpy(targets[:, : len(SCORES) - 1]), config, config.weight_decay)
    middle = torch.from_numpy(level.rows[:, head.start : head.stop]).clamp(-6, 6)
    _fit(head.level, middle, torch.from_numpy(level.targets[:, None]), config, _LEVEL_DECAY)
    head.eval()
    return head


def _fit(net: nn.Module, x: Tensor, y: Tensor, config: QualityConfig, decay: float) -> None:
    """Fit a net's log-odds to y, by cross-entropy."""
    random = np.random.default_rng(config.seed)
    optimiser = torch.optim.AdamW(net.parameters(), lr=config.learning_rate, weight_decay=decay)
    steps = config.epochs * (len(x) // config.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, total_steps=steps)
    for _ in range(config.epochs):
        order = torch.from_numpy(random.permutation(len(x)))
        for some in order.split(config.batch)[: len(x) // config.batch]:
            loss = F.binary_cross_entropy_with_logits(net(x[some]), y[some])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    log.info("quality: loss %.4f", float(loss.detach()))
