"""The joint space: photos and texts in one place, so that a photo lies next to its captions.

The training set is small (6,000 photos), so it is trained in two strides, and most of the recipe is
regularisation. `train` learns two projections of frozen features: dropout, noise, decay, label
smoothing, mirrored views, and captions mixed with random weights, which make a photo's text a region
and not five points. `fine_tune` then goes on with the backbone's last blocks and the text tower as
well, at low rates, with averaged weights, and bound to what the frozen blocks saw in pictures of all
kinds, so that every other head still finds its features.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.models.training.backbone import map_side
from photos_engine.models.training.config import LoopConfig
from photos_engine.models.training.features import CLASSES, ROW, TailInputs
from photos_engine.models.training.loop import Loop, recomputing
from photos_engine.models.training.quantise import Tail
from photos_engine.models.training.text import WIDTH, MiniLM
from photos_engine.types import EMBEDDING_DIMENSIONS

log = logging.getLogger(__name__)

_LENGTHS = 6  # groups of sentences of about one length
MAP_SIDE = map_side("stage4")  # cells of what enters the tail
_FARTHEST = 8.0  # deviations; a picture unlike all of the training set must not lead astray
_HOTTEST = 100.0  # the largest factor of scores, as in CLIP (Radford et al. 2021)


@dataclass(frozen=True, slots=True)
class EmbeddingConfig:
    """Contrastive training of both projections on frozen features; chosen on photos of `train` that were set aside."""

    learning_rate: float
    weight_decay: float
    image_dropout: float
    text_dropout: float
    feature_noise: float  # deviations
    label_smoothing: float
    caption_mix: float  # of the Dirichlet distribution; the smaller, the more one caption leads
    temperature: float  # at the start; learned
    loop: LoopConfig


@dataclass(frozen=True, slots=True)
class FineTuningConfig:
    """What follows: projections, text tower and the backbone's last blocks together."""

    rate: float  # of the projections
    tail_rate: float
    text_rate: float
    weight_decay: float  # of the projections
    tail_decay: float
    image_dropout: float
    text_dropout: float
    feature_noise: float
    label_smoothing: float
    temperature: float
    longest: int  # tokens of a caption
    crop: int  # cells of 15 that are left at least of a cropped map's side
    cropped: float  # share of the batches that are
    others: int  # pictures of all kinds in a step
    loyalty: float  # weight of what the frozen blocks said
    rounded_from: int  # epoch from which on the last blocks are rounded as at run time; before, it only costs time
    loop: LoopConfig


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


def contrast(pictures: Tensor, texts: Tensor, log_scale: Tensor, smoothing: float) -> Tensor:
    """Symmetric contrastive loss of pairs, (n, 512) each, any length."""
    scores = F.normalize(pictures) @ F.normalize(texts).T * log_scale.exp().clamp(max=_HOTTEST)
    target = torch.arange(len(scores), device=scores.device)
    return (
        F.cross_entropy(scores, target, label_smoothing=smoothing)
        + F.cross_entropy(scores.T, target, label_smoothing=smoothing)
    ) / 2


def train(
    views: Sequence[NDArray[np.float32]], captions: NDArray[np.float32], config: EmbeddingConfig,
    start: JointSpace | None = None,
) -> JointSpace:  # fmt: skip
    """Train both projections of frozen features.

    views: rows (n, 3048) of the same pictures, as they are and mirrored; captions: (n, 5, 384). `start`:
    projections to go on from; their standardisation is fitted anew.
    """
    torch.manual_seed(config.loop.seed)
    joint = copy.deepcopy(start) if start else JointSpace.blank()
    joint.standardise.fit(views[0])
    pictures = [joint.standardise(torch.from_numpy(view)) for view in views]
    sentences = torch.from_numpy(captions)
    log_scale = nn.Parameter(torch.tensor(-np.log(config.temperature), dtype=torch.float32))
    model = nn.ModuleList([joint.image, joint.text, nn.ParameterList([log_scale])]).requires_grad_(True)
    group = {"params": model.parameters(), "lr": config.learning_rate, "weight_decay": config.weight_decay}
    loop = Loop("projections", model, [group], config.loop, len(captions))
    for _ in loop.epochs():
        for chosen in loop.batches():
            x = pictures[loop.random.integers(len(pictures))][chosen].to(loop.device)
            x = F.dropout(x + config.feature_noise * torch.randn_like(x), config.image_dropout)
            t = F.dropout(_mix(sentences[chosen], loop.random, config).to(loop.device), config.text_dropout)
            pictured, told = loop.world.gather(joint.image(x)), loop.world.gather(joint.text(t))
            loop.step(contrast(pictured, told, log_scale, config.label_smoothing))
    model.requires_grad_(False)
    return joint


def _mix(captions: Tensor, random: np.random.Generator, config: EmbeddingConfig) -> Tensor:
    """(n, 5, 384) -> (n, 384): each photo's captions mixed with random weights, one often leading."""
    weights = random.dirichlet(np.full(captions.shape[1], config.caption_mix), len(captions)).astype(np.float32)
    return torch.einsum("nkd,nk->nd", captions, torch.from_numpy(weights))


@dataclass(frozen=True, slots=True)
class Captions:
    """Captions of n pictures as token numbers and masks, (n, 5, t) each."""

    ids: Tensor
    mask: Tensor

    def choose(self, rows: NDArray[np.int64], random: np.random.Generator, longest: int) -> tuple[Tensor, Tensor]:
        """One caption of each picture, cut after `longest` tokens: (k, t) each."""
        which = random.integers(self.ids.shape[1], size=len(rows))
        ids, mask = self.ids[rows, which], self.mask[rows, which]
        width = min(longest, int(mask.sum(1).max()))
        return ids[:, :width], mask[:, :width]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What fine-tuning learns from.

    views: the captioned pictures, as they are and mirrored; rows: of these, the ones to learn from; others:
    pictures of all kinds. seen: rows (n, 3048) of every view and of the others, as the frozen blocks saw them.
    """

    views: Sequence[TailInputs]
    captions: Captions
    rows: NDArray[np.int64]
    others: TailInputs
    seen: Sequence[NDArray[np.float32]]


def fine_tune(joint: JointSpace, tail: Tail, net: MiniLM, lesson: Lesson, config: FineTuningConfig, work: Path) -> None:
    """Train projections, tail and text tower together, in place."""
    others = lesson.others
    tail.to(memory_format=torch.channels_last)
    net.words.requires_grad_(False)
    net.positions.requires_grad_(False)
    projections = nn.ModuleList([joint.image, joint.text]).requires_grad_(True)
    log_scale = nn.Parameter(torch.tensor(-np.log(config.temperature), dtype=torch.float32))
    tail.stages.requires_grad_(True)
    groups = [
        {"params": list(tail.stages.parameters()), "lr": config.tail_rate, "weight_decay": config.tail_decay},
        {"params": [item for item in net.parameters() if item.requires_grad], "lr": config.text_rate},
        {"params": list(projections.parameters()), "lr": config.rate, "weight_decay": config.weight_decay},
        {"params": [log_scale], "lr": config.rate, "weight_decay": 0.0},
    ]
    model = nn.ModuleList([tail, net, joint.standardise, projections, nn.ParameterList([log_scale])])
    loop = Loop("embedding", model, groups, config.loop, len(lesson.rows), work)
    with recomputing(tail.stages) if loop.recompute else nullcontext():
        for epoch in loop.epochs():
            tail.rounded = epoch >= config.rounded_from
            if epoch == config.rounded_from:
                tail.fit_ranges(lesson.views[0].read(lesson.rows[: config.loop.batch]).to(loop.device))
            for batch in loop.batches():
                rows, side = lesson.rows[batch], int(loop.random.integers(len(lesson.views)))
                view, cut = lesson.views[side], _cut(loop.random, config)
                maps, stage3 = view.read(rows, cut).to(loop.device), torch.from_numpy(view.stage3[rows]).to(loop.device)
                row = loop.in_chunks(tail, maps, stage3)  # in float32: 16 bits can't hold the levels that it rounds to
                x = joint.standardise(row)
                x = F.dropout(x + config.feature_noise * torch.randn_like(x), config.image_dropout)
                words = [item.to(loop.device) for item in lesson.captions.choose(rows, loop.random, config.longest)]
                with loop.autocast():
                    sentences = _read(loop, net, *words)
                t = F.dropout(sentences.float(), config.text_dropout)
                pictured, told = loop.world.gather(joint.image(x)), loop.world.gather(joint.text(t))
                apart = contrast(pictured, told, log_scale, config.label_smoothing)
                some = loop.random.integers(len(others.maps), size=config.others // loop.world.size)
                kept = tail(others.read(some).to(loop.device), torch.from_numpy(others.stage3[some]).to(loop.device))
                drift = _drift(row, lesson.seen[side][rows]) + _drift(kept, lesson.seen[-1][some])
                loop.step(apart + config.loyalty * drift)
    tail.rounded = True
    model.requires_grad_(False)
    model.eval()


def _read(loop: Loop, net: MiniLM, ids: Tensor, mask: Tensor) -> Tensor:
    """Vectors of sentences, in their order; short ones are read together, so that little is padded."""
    order = mask.sum(1).argsort()
    parts = []
    for rows in order.chunk(_LENGTHS):
        longest = int(mask[rows].sum(1).max())
        parts.append(loop.in_chunks(net, ids[rows, :longest], mask[rows, :longest]))
    return torch.cat(parts)[order.argsort()]


def _cut(random: np.random.Generator, config: FineTuningConfig) -> tuple[slice, slice]:
    """Part of the map, the same for a batch: a crop of the pictures at no cost."""
    if random.random() >= config.cropped:
        return slice(None), slice(None)
    side = int(random.integers(config.crop, MAP_SIDE))
    top, left = random.integers(MAP_SIDE - side + 1, size=2)
    return slice(top, top + side), slice(left, left + side)


def _drift(rows: Tensor, seen: NDArray[np.float32]) -> Tensor:
    """How far ImageNet's verdict on pictures has moved, as a divergence of distributions."""
    now, then = (F.log_softmax(item[:, -CLASSES:], 1) for item in (rows, torch.from_numpy(seen).to(rows.device)))
    return F.kl_div(now, then, reduction="batchmean", log_target=True)
