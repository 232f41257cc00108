"""Linear probes on frozen features, and the labels that they learn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.models import corpus
from photos_engine.models.corpus import FOLDER_TAGS, UTILITY_LABELS, Picture
from photos_engine.models.training.config import ProbeConfig
from photos_engine.types import UTILITY_KINDS


def tag_labels(
    pictures: Sequence[Picture], taxonomy: Taxonomy, unlisted: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Targets and weights of every tag, (n, tags) each.

    A caption's tags are there: surely where two captions agree, probably where one says so. What no
    caption says is mostly absent. A folder's tags (and what they imply) are there and those of its
    sibling folders are not, unless they often show together, nor is what never shows in the set; about
    all other tags it says little, so those weigh `unlisted`.
    """
    column = {tag.id: number for number, tag in enumerate(taxonomy.tags)}
    targets = np.zeros((len(pictures), len(column)), np.float32)
    weights = np.full(targets.shape, unlisted, np.float32)
    for row, picture in enumerate(pictures):
        if picture.captions:
            counts = np.zeros(len(column))
            for caption in picture.captions:
                counts[[column[tag] for tag in taxonomy.in_caption(caption)]] += 1
            targets[row] = np.select([counts >= 2, counts == 1], [1.0, 0.6], 0.0)
            weights[row] = 1.0
            continue
        siblings = FOLDER_TAGS.get(picture.source, {})
        for label in corpus.excluded_labels(picture.source, picture.label):
            weights[row, [column[tag] for tag in siblings[label]]] = 1.0
        for tag in corpus.ABSENT_TAGS.get(picture.source, ()):
            weights[row, [column[name] for name in (tag, *taxonomy.descendants(tag))]] = 1.0
        for tag in siblings.get(picture.label, ()):
            implied = [column[name] for name in (tag, *taxonomy.ancestors(tag))]
            targets[row, implied], weights[row, implied] = 1.0, 1.0
    return targets, weights


def utility_labels(pictures: Sequence[Picture]) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """The kinds of utility content that there are pictures of, and (n, kinds) of 0 and 1."""
    labels = [UTILITY_LABELS.get(picture.label, "") if picture.source == "utility" else "" for picture in pictures]
    kinds = tuple(kind for kind in UTILITY_KINDS if kind in labels)
    return kinds, np.array([[float(label == kind) for kind in kinds] for label in labels], np.float32)


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
