"""The joint space: two projections trained so that a photo lies next to its captions.

Symmetric contrastive loss on frozen features. The training set is small (6,000 photos), so nearly all
of the recipe is regularisation: dropout, noise, label smoothing, mirrored views, and captions mixed
with random weights, which make a photo's text a region and not five points.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from photos_engine.models.training.config import EmbeddingConfig
from photos_engine.models.training.features import CELLS, CHANNELS, CLASSES, POOLED_CHANNELS, Features
from photos_engine.models.training.text import WIDTH

log = logging.getLogger(__name__)

DIMENSIONS = 512


class Standardise(nn.Module):
    """Take the training set's mean away and divide by its deviation, per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("deviation", torch.ones(channels))

    def fit(self, rows: NDArray[np.float32]) -> None:
        self.mean = torch.from_numpy(rows.mean(0).astype(np.float32))
        self.deviation = torch.from_numpy((rows.std(0) + 1e-3).astype(np.float32))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.deviation


class ImageProjection(nn.Module):
    """Cells (n, 81, 1280), pooled stages (n, 768), logits (n, 1000) -> (n, 512), not yet normalised."""

    def __init__(self, config: EmbeddingConfig) -> None:
        super().__init__()
        heads = self.heads = config.attention_heads
        self.noise, self.dropout = config.feature_noise, nn.Dropout(config.image_dropout)
        self.standardise = Standardise(CHANNELS + POOLED_CHANNELS + CLASSES)
        self.linear = nn.Linear(CHANNELS + POOLED_CHANNELS + CLASSES, DIMENSIONS)
        if heads:
            self.queries = nn.Linear(CHANNELS, heads)
            self.values = nn.Parameter(torch.randn(heads, CHANNELS, DIMENSIONS // heads) * CHANNELS**-0.5 * 0.3)

    def forward(self, cells: Tensor, pooled: Tensor, logits: Tensor) -> Tensor:
        mean = cells.mean(1)
        flat = self.standardise(torch.cat([mean, pooled, logits], 1))
        if self.training and self.noise:
            flat = flat + self.noise * torch.randn_like(flat)
        result: Tensor = self.linear(self.dropout(flat))
        if self.heads:
            attention = self.queries(cells).softmax(1)  # (n, 81, heads)
            gathered = attention.transpose(1, 2) @ cells  # (n, heads, 1280)
            gathered = self.dropout((gathered - self.standardise.mean[:CHANNELS]) / self.standardise.deviation[:CHANNELS])
            result = result + torch.einsum("nhc,hcd->nhd", gathered, self.values).flatten(1)
        return result


class TextProjection(nn.Module):
    """(n, 384) sentence vectors -> (n, 512), not yet normalised: a line and a small bend."""

    def __init__(self, config: EmbeddingConfig) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, DIMENSIONS)
        self.dropout = nn.Dropout(config.text_dropout)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.linear(self.dropout(x))
        return result


@dataclass(frozen=True, slots=True)
class JointSpace:
    image: ImageProjection
    text: TextProjection


def as_tensors(features: Features, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
    """Rows of features -> what `ImageProjection` takes."""
    cells = torch.from_numpy(features.cells[rows]).to(torch.float32) * features.scale
    return cells, torch.from_numpy(features.pooled[rows]), torch.from_numpy(features.logits[rows])


def embed_images(net: ImageProjection, features: Features, rows: NDArray[np.int64], batch: int = 256) -> NDArray[np.float32]:
    """Rows of features -> (n, 512), L2-normalised."""
    net.eval()
    with torch.inference_mode():
        parts = [F.normalize(net(*as_tensors(features, rows[i : i + batch]))) for i in range(0, len(rows), batch)]
    return torch.cat(parts).numpy()


def train(views: Sequence[Features], captions: NDArray[np.float32], rows: NDArray[np.int64], config: EmbeddingConfig) -> JointSpace:
    """Train both projections.

    views: features of the same pictures (as they are, mirrored); captions: (pictures, 5, 384); rows:
    the pictures to learn from.
    """
    torch.manual_seed(config.seed)
    random = np.random.default_rng(config.seed)
    image, text = ImageProjection(config), TextProjection(config)
    sample = views[0]
    image.standardise.fit(np.concatenate([sample.means[rows], sample.pooled[rows], sample.logits[rows]], 1))
    log_scale = nn.Parameter(torch.tensor(-np.log(config.temperature), dtype=torch.float32))
    parameters = [*image.parameters(), *text.parameters(), log_scale]
    optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
    steps = config.epochs * (len(rows) // config.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, total_steps=steps, pct_start=0.1)
    for epoch in range(config.epochs):
        image.train()
        text.train()
        order, total = random.permutation(rows), 0.0
        for start in range(0, len(rows) - config.batch + 1, config.batch):
            chosen = np.sort(order[start : start + config.batch])
            view = views[random.integers(len(views))]
            pictures = F.normalize(image(*as_tensors(view, chosen)))
            sentences = F.normalize(text(_mix(captions[chosen], random)))
            scores = pictures @ sentences.T * log_scale.exp().clamp(max=100)
            target = torch.arange(len(chosen))
            loss = sum(F.cross_entropy(s, target, label_smoothing=config.label_smoothing) for s in (scores, scores.T)) / 2
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        log.info("embedding: epoch %d, loss %.3f", epoch + 1, total / (len(rows) // config.batch))
    return JointSpace(image.eval(), text.eval())


def _mix(captions: NDArray[np.float32], random: np.random.Generator) -> Tensor:
    """(n, 5, 384) -> (n, 384): each photo's captions mixed with random weights, one often leading."""
    weights = random.dirichlet(np.full(captions.shape[1], 0.5), len(captions)).astype(np.float32)
    return torch.from_numpy(np.einsum("nkd,nk->nd", captions, weights))


def recall_at(images: NDArray[np.float32], texts: NDArray[np.float32], owners: NDArray[np.int64], ranks: Sequence[int]) -> dict[str, float]:
    """Share of texts, in per cent, whose own picture is among the nearest 1, 5, 10 pictures."""
    scores = texts @ images.T
    own = scores[np.arange(len(texts)), owners]
    better = (scores > own[:, None]).sum(1)
    return {f"R@{rank}": round(float((better < rank).mean() * 100), 2) for rank in ranks}
