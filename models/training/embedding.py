"""The joint space: two projections trained so that a photo lies next to its captions.

Symmetric contrastive loss on frozen features. The training set is small (6,000 photos), so nearly all
of the recipe is regularisation: dropout, noise, decay, label smoothing, mirrored views, and captions
mixed with random weights, which make a photo's text a region and not five points.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.models.training.config import EmbeddingConfig
from photos_engine.models.training.features import ROW
from photos_engine.models.training.text import WIDTH
from photos_engine.types import EMBEDDING_DIMENSIONS

log = logging.getLogger(__name__)

_FARTHEST = 8.0  # deviations; a picture unlike all of the training set must not lead astray


class Standardise(nn.Module):
    """Take the training set's mean away and divide by its deviation, per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("deviation", torch.ones(channels))

    def fit(self, rows: NDArray[np.float32]) -> None:
        """Learn mean and deviation from (n, channels)."""
        self.mean = torch.from_numpy(rows.mean(0).astype(np.float32))
        self.deviation = torch.from_numpy((rows.std(0) + 1e-3).astype(np.float32))

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels) -> the same, within `_FARTHEST` deviations."""
        return ((x - self.mean) / self.deviation).clamp(-_FARTHEST, _FARTHEST)


@dataclass(frozen=True, slots=True)
class JointSpace:
    """standardise: rows (n, 3048) as every head reads them; image: those -> (n, 512); text: (n, 384) -> (n, 512)."""

    standardise: Standardise
    image: nn.Linear
    text: nn.Linear

    @classmethod
    def blank(cls) -> JointSpace:
        """An untrained one."""
        return cls(Standardise(ROW), nn.Linear(ROW, EMBEDDING_DIMENSIONS), nn.Linear(WIDTH, EMBEDDING_DIMENSIONS))

    def embed(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Standardised rows (n, 3048) -> (n, 512), L2-normalised."""
        with torch.inference_mode():
            result: NDArray[np.float32] = F.normalize(self.image(torch.from_numpy(rows))).numpy()
        return result


def train(views: Sequence[NDArray[np.float32]], captions: NDArray[np.float32], config: EmbeddingConfig) -> JointSpace:
    """Train both projections.

    views: rows (n, 3048) of the same pictures, as they are and mirrored; captions: (n, 5, 384).
    """
    torch.manual_seed(config.seed)
    random = np.random.default_rng(config.seed)
    joint, count = JointSpace.blank(), len(captions)
    joint.standardise.fit(views[0])
    pictures = [joint.standardise(torch.from_numpy(view)) for view in views]
    sentences = torch.from_numpy(captions)
    log_scale = nn.Parameter(torch.tensor(-np.log(config.temperature), dtype=torch.float32))
    parameters = [*joint.image.parameters(), *joint.text.parameters(), log_scale]
    optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
    batches = count // config.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.learning_rate, total_steps=config.epochs * batches, pct_start=0.1
    )
    target = torch.arange(config.batch)
    for epoch in range(config.epochs):
        order, total = random.permutation(count), 0.0
        for chosen in np.split(order[: batches * config.batch], batches):
            x = pictures[random.integers(len(pictures))][chosen]
            x = F.dropout(x + config.feature_noise * torch.randn_like(x), config.image_dropout)
            t = F.dropout(_mix(sentences[chosen], random, config), config.text_dropout)
            scores = F.normalize(joint.image(x)) @ F.normalize(joint.text(t)).T * log_scale.exp().clamp(max=100)
            one, other = (
                F.cross_entropy(s, target, label_smoothing=config.label_smoothing) for s in (scores, scores.T)
            )
            optimiser.zero_grad()
            ((one + other) / 2).backward()
            optimiser.step()
            schedule.step()
            total += float(one.detach() + other.detach()) / 2
        log.info("embedding: epoch %d, loss %.3f", epoch + 1, total / batches)
    for projection in (joint.image, joint.text):
        projection.requires_grad_(False)
    return joint


def _mix(captions: Tensor, random: np.random.Generator, config: EmbeddingConfig) -> Tensor:
    """(n, 5, 384) -> (n, 384): each photo's captions mixed with random weights, one often leading."""
    weights = random.dirichlet(np.full(captions.shape[1], config.caption_mix), len(captions)).astype(np.float32)
    return torch.einsum("nkd,nk->nd", captions, torch.from_numpy(weights))
