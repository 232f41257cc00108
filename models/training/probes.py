"""Linear probes on frozen features."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.models.training.config import ProbeConfig


def principal_axes(rows: NDArray[np.float32], config: ProbeConfig) -> NDArray[np.float32]:
    """(n, channels) -> (channels, components): the axes along which pictures differ most, scaled to deviation 1."""
    torch.manual_seed(config.seed)
    _, deviations, axes = torch.pca_lowrank(torch.from_numpy(rows), q=config.components, center=True, niter=2)
    result: NDArray[np.float32] = (axes / (deviations / len(rows) ** 0.5 + 1e-3)).numpy()
    return result


def fit_reduced(
    rows: NDArray[np.float32], axes: NDArray[np.float32], targets: NDArray[np.float32], weights: NDArray[np.float32],
    config: ProbeConfig,
) -> nn.Linear:  # fmt: skip
    """Fit along `axes` only, which is faster and forgets little; the probe returned takes the rows as they are."""
    inner = fit(rows @ axes, targets, weights, config)
    probe = nn.Linear(*axes.shape[:1], targets.shape[1])
    with torch.no_grad():
        probe.weight.copy_(inner.weight @ torch.from_numpy(axes.T.copy()))
        probe.bias.copy_(inner.bias)
    return probe.requires_grad_(False)


def fit(
    rows: NDArray[np.float32], targets: NDArray[np.float32], weights: NDArray[np.float32], config: ProbeConfig
) -> nn.Linear:
    """Fit one logistic regression per column on standardised rows (n, channels)."""
    torch.manual_seed(config.seed)
    random = np.random.default_rng(config.seed)
    probe = nn.Linear(rows.shape[1], targets.shape[1])
    rates = (targets * weights).sum(0) / np.maximum(weights.sum(0), 1)
    with torch.no_grad():
        probe.weight.zero_()
        probe.bias.copy_(torch.from_numpy(np.log((rates + 1e-4) / (1 - rates + 1e-4)).astype(np.float32)))
    optimiser = torch.optim.AdamW(
        [{"params": [probe.weight], "weight_decay": config.weight_decay}, {"params": [probe.bias], "weight_decay": 0}],
        lr=config.learning_rate,
    )  # fmt: skip
    steps = config.epochs * (len(rows) // config.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, total_steps=steps)
    for _ in range(config.epochs):
        order = random.permutation(len(rows))
        for start in range(0, len(rows) - config.batch + 1, config.batch):
            chosen = order[start : start + config.batch]
            x, y, w = (torch.from_numpy(array[chosen]) for array in (rows, targets, weights))
            x = F.dropout(x, config.dropout)
            loss = (F.binary_cross_entropy_with_logits(probe(x), y, reduction="none") * w).sum(1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return probe.requires_grad_(False)
