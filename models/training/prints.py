"""The print: 256 signs of a projection under which a picture's edits fall together.

Linear discriminant analysis, in which every picture is a class and its edits the members, finds the
directions that edits don't move and other pictures do; iterative quantisation (Gong and Lazebnik,
CVPR 2011) turns them so that little is lost by keeping signs only.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from photos_engine.models.training.config import PrintConfig

BITS = 256


class PrintHead(nn.Module):
    """(n, 2352) layout -> (n, 32) bytes: 256 signs, the first in the highest bit."""

    def __init__(self, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        super().__init__()
        self.register_buffer("weight", torch.from_numpy(weight))
        self.register_buffer("bias", torch.from_numpy(bias))
        self.register_buffer("places", 2.0 ** torch.arange(7, -1, -1))

    def forward(self, x: Tensor) -> Tensor:
        """(n, 2352) -> (n, 32) uint8."""
        signs = (x @ self.weight + self.bias > 0).to(torch.float32)
        return (signs.reshape(-1, BITS // 8, 8) * self.places).sum(2).to(torch.uint8)


def train(layouts: NDArray[np.float32], config: PrintConfig) -> PrintHead:
    """Learn from layouts (pictures, edits, 2352); the first edit is the picture as it is."""
    random = np.random.default_rng(config.seed)
    rows = layouts.reshape(-1, layouts.shape[-1]).astype(np.float64)
    mean = rows.mean(0)
    _, _, axes = np.linalg.svd(rows[:: max(1, len(rows) // 4000)] - mean, full_matrices=False)
    basis = axes[: config.components].T
    reduced = ((rows - mean) @ basis).reshape(*layouts.shape[:2], -1)
    centres = reduced.mean(1)
    inner = (reduced - centres[:, None]).reshape(-1, reduced.shape[-1])
    within = inner.T @ inner / len(inner)
    within += np.eye(len(within)) * np.trace(within) / len(within) * config.ridge
    # Whiten what edits do, then keep the directions in which pictures differ most.
    scale, turn = np.linalg.eigh(within)
    whitener = turn / np.sqrt(scale)
    spread, directions = np.linalg.eigh(np.cov((centres @ whitener).T))
    order = np.argsort(spread)[::-1][:BITS]
    projection = whitener @ directions[:, order] / np.sqrt(spread[order]) ** config.equalise
    flat = (reduced.reshape(-1, reduced.shape[-1]) - centres.mean(0)) @ projection
    rotation = _quantising_rotation(flat, random, config.rotations)
    weight = basis @ projection @ rotation
    bias = -(mean @ basis + centres.mean(0)) @ projection @ rotation
    return PrintHead(weight.astype(np.float32), bias.astype(np.float32))


def _quantising_rotation(rows: NDArray[np.float64], random: np.random.Generator, rounds: int) -> NDArray[np.float64]:
    rotation = np.linalg.qr(random.normal(size=(rows.shape[1], rows.shape[1])))[0]
    for _ in range(rounds):
        left, _, right = np.linalg.svd(rows.T @ np.sign(rows @ rotation))
        rotation = left @ right
    return rotation
