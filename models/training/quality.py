"""The quality head: sharpness, exposure, noise and overall, from the statistics of lower layers."""

from __future__ import annotations

import logging

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.models.training.config import QualityConfig
from photos_engine.models.training.embedding import Standardise
from photos_engine.models.training.low import STATISTICS_CHANNELS

log = logging.getLogger(__name__)

SCORES = ("sharpness", "exposure", "noise", "overall")


class QualityHead(nn.Module):
    """(n, 434) statistics -> (n, 4) scores, 0 to 1, in the order of `SCORES`."""

    def __init__(self, config: QualityConfig) -> None:
        super().__init__()
        self.standardise = Standardise(STATISTICS_CHANNELS)
        self.layers = nn.Sequential(
            nn.Dropout(config.dropout), nn.Linear(STATISTICS_CHANNELS, config.hidden), nn.ReLU(),
            nn.Dropout(config.dropout), nn.Linear(config.hidden, len(SCORES)),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(n, 434) -> (n, 4)."""
        result: Tensor = self.layers(self.standardise(x).clamp(-6, 6)).sigmoid()
        return result


def train(statistics: NDArray[np.float32], targets: NDArray[np.float32], config: QualityConfig) -> QualityHead:
    """Learn from statistics (n, 434) and what is left of each quality (n, 4)."""
    torch.manual_seed(config.seed)
    random = np.random.default_rng(config.seed)
    head = QualityHead(config)
    head.standardise.fit(statistics)
    optimiser = torch.optim.AdamW(head.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    steps = config.epochs * (len(statistics) // config.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, total_steps=steps)
    x, y = torch.from_numpy(statistics), torch.from_numpy(targets)
    for epoch in range(config.epochs):
        order = random.permutation(len(x))
        for start in range(0, len(x) - config.batch + 1, config.batch):
            rows = torch.from_numpy(order[start : start + config.batch])
            loss = F.binary_cross_entropy(head(x[rows]), y[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        if epoch % 10 == 9:
            log.info("quality: epoch %d, loss %.4f", epoch + 1, float(loss.detach()))
    head.eval()
    return head
