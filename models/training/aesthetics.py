"""The aesthetics head: would one put this picture on the wall?

No human scores are at hand. A teacher says of ordinary photos what can be argued (`models/looks.py`),
what the quality head sees, and which side of some prompts they lie on; pairs of a picture and its
spoiled version (`models/spoil.py`) say what is not a matter of taste. The head learns both at once from
what the graph has computed anyway, so that it costs one small layer.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.models.looks import MEASURES
from photos_engine.models.spoil import ACCIDENTS, NEUTRAL
from photos_engine.models.training.embedding import Standardise
from photos_engine.types import FloatArray

log = logging.getLogger(__name__)

PROMPTS: dict[str, tuple[str, str]] = {
    "photograph": ("a beautiful photograph", "a boring snapshot"),
    "golden hour": ("a stunning landscape at golden hour", "a parking lot in front of a building"),
    "sunset": ("the sun sets over the calm sea", "a dull grey day"),
    "mountains": ("majestic mountains reflected in a lake", "a pile of clutter on the floor"),
    "alone": ("a lone figure against the sky", "a messy room full of things"),
    "wild": ("a bird in flight over the water", "people standing around indoors"),
    "portrait": ("a close portrait of a smiling person", "the backs of people in a crowd"),
    "nature": ("a photograph of nature", "a page of text on a screen"),
}
"""Name -> what speaks for and against. The space was learned from captions, so prompts name things to be seen:
"a picture to hang on the wall" found rooms with pictures on their walls."""

# What each voice counts for. Those of a subject count by how surely there is one; those of scenery by how surely not.
SUBJECT = {"clear": 1.0, "uncut": 0.7, "calm": 1.3, "placed": 0.4, "portrait": 0.7}
SCENERY = {"golden hour": 0.7, "sunset": 0.9, "mountains": 1.0, "simple": 0.4}
ALWAYS = {
    "colour": 1.1, "harmony": 0.5, "contrast": 0.6, "simple": 0.4, "warm light": 0.5, "overall": 1.0, "sharpness": 0.3,
    "alone": 0.9, "wild": 0.6, "nature": 0.4, "photograph": 0.3,
}  # fmt: skip
_SCENERY_BESIDE_SUBJECT = 0.25
_FLAT, _BADLY_LIT = 4.0, 2.5  # what contrast below 0.45 and lost exposure cost
VOICES = (*MEASURES, "sharpness", "overall", "presence", *PROMPTS)


@dataclass(frozen=True, slots=True)
class AestheticsConfig:
    """Teacher and pairs; what is not a photo at all lies at the bottom."""

    seed: int
    hidden: int
    dropout: float
    epochs: int
    batch: int  # of rows, and as many pairs
    learning_rate: float
    weight_decay: float
    photos: int  # that the teacher judges
    pictures: int  # of them that are spoiled, each in 20 ways
    unwanted_pictures: int  # utility content
    pair_weight: float  # of the pairs' loss beside the teacher's
    margin: float  # in log-odds, that a spoiled picture should stay behind by
    unwanted: float  # score of utility content and accidents


class AestheticsHead(nn.Module):
    """Standardised rows (n, r), low statistics (n, s), heat map (n, 15, 15) -> (n, 1), 0 to 1."""

    def __init__(self, row: int, statistics: int, cells: int, config: AestheticsConfig) -> None:
        super().__init__()
        self.statistics, self.cells = Standardise(statistics), Standardise(cells)
        self.dropout = nn.Dropout(config.dropout)
        self.inner = nn.Linear(row + statistics + cells, config.hidden)
        self.outer = nn.Linear(config.hidden, 1)

    def scores(self, rows: Tensor, statistics: Tensor, heat: Tensor) -> Tensor:
        """Log-odds, (n, 1)."""
        low, cells = self.statistics(statistics), self.cells(heat.flatten(1))
        x = self.dropout(torch.cat([rows, low, cells], 1).clamp(-6, 6))
        result: Tensor = self.outer(self.dropout(F.relu(self.inner(x))))
        return result

    def forward(self, rows: Tensor, statistics: Tensor, heat: Tensor) -> Tensor:
        """(n, 1), 0 to 1."""
        return self.scores(rows, statistics, heat).sigmoid()


@dataclass(frozen=True, slots=True)
class Views:
    """What the head reads of pictures: standardised rows (n, r), statistics (n, s), heat (n, 15, 15)."""

    rows: FloatArray
    statistics: FloatArray
    heat: FloatArray

    @classmethod
    def joined(cls, parts: Sequence[Views]) -> Views:
        """Several views as one, in their order."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in dataclasses.fields(cls)))

    def __len__(self) -> int:
        return len(self.rows)

    def tensors(self, chosen: NDArray[np.int64] | slice = slice(None)) -> tuple[Tensor, Tensor, Tensor]:
        """Some of them, as the head takes them."""
        return (
            torch.from_numpy(self.rows[chosen]),
            torch.from_numpy(self.statistics[chosen]),
            torch.from_numpy(self.heat[chosen]),
        )


@dataclass(frozen=True, slots=True)
class Pairs:
    """Spoiled pictures: what was done to `views[i]`, and the row of its original among the same views."""

    views: Views
    kinds: tuple[str, ...]  # "original" where nothing was done
    originals: NDArray[np.int64]


def presence(heat: FloatArray) -> FloatArray:
    """(n, rows, columns) -> (n,): the mean of the 20 hottest cells, how surely there is a subject."""
    return np.sort(heat.reshape(len(heat), -1), axis=1)[:, -20:].mean(1)


def teach(voices: Mapping[str, FloatArray], reference: Mapping[str, FloatArray]) -> FloatArray:
    """Raw opinion on pictures, (n,), from the values of `VOICES`.

    Each voice counts by its rank among the reference's pictures, so that no unit outweighs another: those
    of a subject among pictures with one, those of scenery among pictures without, lest one kind beat the other.
    """
    with_subject, present = _certainty(reference["presence"]), _certainty(voices["presence"])

    def weigh(weights: Mapping[str, float], among: FloatArray) -> FloatArray:
        ranks = [weight * _rank(voices[name], reference[name], among) for name, weight in weights.items()]
        return np.sum(ranks, axis=0)

    opinion = weigh(ALWAYS, np.ones_like(with_subject)) + present * weigh(SUBJECT, with_subject)
    beside = _SCENERY_BESIDE_SUBJECT + (1 - _SCENERY_BESIDE_SUBJECT) * (1 - present)
    opinion += beside * weigh(SCENERY, 1 - with_subject)
    opinion -= _BADLY_LIT * (1 - voices["exposure"]) + _FLAT * np.clip(0.45 - voices["contrast"], 0, 1)
    return opinion.astype(np.float32)


def _certainty(present: FloatArray) -> FloatArray:
    """How surely there is a subject, 0 to 1; never wholly, so that nothing is ranked among nothing."""
    return np.clip((present - 0.3) / 0.5, 0.02, 0.98)


def _rank(values: FloatArray, reference: FloatArray, weights: FloatArray) -> FloatArray:
    """The weighted share of the reference that lies below each value, less a half."""
    order = reference.argsort(kind="stable")
    below = np.concatenate([[0.0], np.cumsum(weights[order])])
    return (below[np.searchsorted(reference[order], values)] / below[-1] - 0.5).astype(np.float32)


def as_target(opinion: FloatArray, is_published: NDArray[np.bool_] | None = None) -> FloatArray:
    """Opinions -> 0.1 to 0.9 by rank: the score of an ordinary photo is the share that it beats.

    Somebody thought the published ones worth showing as photographs: they lie in the upper half.
    """
    ranks = opinion.argsort(kind="stable").argsort(kind="stable")
    share = 0.1 + 0.8 * ranks / max(1, len(opinion) - 1)
    return (share if is_published is None else np.where(is_published, 0.5 + share / 2, share)).astype(np.float32)


def train(
    photos: Views, targets: FloatArray, unwanted: Views, pairs: Pairs, config: AestheticsConfig
) -> AestheticsHead:
    """Learn the teacher's order of photos, that unwanted pictures lie below, and every pair's order."""
    torch.manual_seed(config.seed)
    random = np.random.default_rng(config.seed)
    head = AestheticsHead(photos.rows.shape[1], photos.statistics.shape[1], photos.heat[0].size, config)
    head.statistics.fit(photos.statistics)
    head.cells.fit(photos.heat.reshape(len(photos), -1))
    views = Views.joined([photos, unwanted])
    wanted = np.concatenate([targets, np.full(len(unwanted), config.unwanted, np.float32)])
    kinds = np.array(pairs.kinds)
    changed = np.flatnonzero(kinds != "original")
    neutral, accident = np.isin(kinds, NEUTRAL), np.isin(kinds, ACCIDENTS)
    optimiser = torch.optim.AdamW(head.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    steps = config.epochs * (len(views) // config.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, total_steps=steps)
    for _ in range(steps):
        some, other = random.choice(len(views), config.batch), random.choice(changed, config.batch)
        loss = F.binary_cross_entropy_with_logits(
            head.scores(*views.tensors(some))[:, 0], torch.from_numpy(wanted[some])
        )
        both = head.scores(*pairs.views.tensors(np.concatenate([pairs.originals[other], other])))[:, 0]
        lead = both[: config.batch] - both[config.batch :]
        same = torch.from_numpy(neutral[other])
        loss = loss + config.pair_weight * torch.where(same, lead.abs(), F.softplus(config.margin - lead)).mean()
        missed = torch.from_numpy(accident[other])
        if missed.any():
            bottom = torch.full((int(missed.sum()),), config.unwanted)
            loss = loss + config.pair_weight * F.binary_cross_entropy_with_logits(both[config.batch :][missed], bottom)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    log.info("aesthetics: loss %.4f", float(loss.detach()))
    head.eval()
    return head
