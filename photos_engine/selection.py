"""Choosing few photos out of many: the same craft for memories, featured photos and wallpapers.

A good choice tells the whole time of what happened, never shows the same thing twice, and prefers the
better picture. Whether a photo may be shown at all is decided before (`photos_engine.curation`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photos_engine.framing import share_inside, things_of
from photos_engine.types import AnalysedPhoto, Box, FloatArray, RankedPhoto, Reason, RejectedPhoto

MAX_LIKENESS = 0.85
"""Cosine of two embeddings from which on two photos show the same: seven of eight frames, copies and failed
twins of one press of the shutter lie above, and one of a hundred pairs of different photos of one theme."""

MIN_APART_S = 10.0  # nearer in time is the same shot again, whatever the analyzer thinks of it
_WORTH_SHARE = 0.6  # of worth against difference, in maximal marginal relevance
_SUBJECT_SHARE = 0.3  # of variety of subjects: pictures of ten dogs look different and tell one thing
_COVER_WORTH, _COVER_TYPICAL, _COVER_LANDSCAPE, _COVER_COVERED = 0.5, 0.3, 0.2, 0.25
_TITLE: Box = (0.0, 0.65, 0.75, 1.0)  # where a title is written on a cover: along the bottom, from the left

_STACK_MATE = Reason("stack", -1.0, "Another photo of its group stands for it.")
_SECONDS_APART = Reason("seconds_apart", -1.0, "It was taken within seconds of a chosen one.")
_ALIKE = Reason("alike", -1.0, "It looks like a chosen one.")
_FULL = Reason("full", -0.1, "Others of its time were better or more different.")


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, in time order, and why; what was not, best first, and why not."""

    chosen: tuple[AnalysedPhoto, ...]
    reasons: Mapping[str, tuple[Reason, ...]]  # by photo id
    rejected: tuple[RejectedPhoto, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """What a choice of photos looks at, besides what they look like, in columns.

    time_s: seconds since 1970; is_timed: to the second; stacks: number of the group of likenesses, -1 for none;
    is_keeper: stands for its group; subjects: what each mainly shows, numbered, -1 for nothing in particular.
    """

    ids: Sequence[str]
    time_s: NDArray[np.float64]
    is_timed: NDArray[np.bool_]
    stacks: NDArray[np.integer[Any]]
    is_keeper: NDArray[np.bool_]
    subjects: NDArray[np.integer[Any]]

    @classmethod
    def of(cls, items: Sequence[AnalysedPhoto], subjects: Sequence[str | None] | None = None) -> Traits:
        """Those of some photos."""
        stacks = [item.stack for item in items]
        return cls(
            [item.photo.id for item in items],
            np.array([item.photo.taken.timestamp() for item in items]),
            np.array([item.photo.is_timed for item in items], bool),
            _number([stack.group_id if stack else None for stack in stacks]),
            np.array(
                [s is not None and s.keeper_id == item.photo.id for s, item in zip(stacks, items, strict=True)], bool
            ),
            _number(subjects or [None] * len(items)),
        )


def _number(values: Sequence[str | None]) -> NDArray[np.int64]:
    known: dict[str, int] = {}
    return np.array([-1 if value is None else known.setdefault(value, len(known)) for value in values], np.int64)


@dataclass(frozen=True, slots=True)
class ChosenRows:
    """Which of some photos were chosen, in time order, and why; which were not, best first, and why not."""

    rows: tuple[int, ...]
    reasons: Mapping[int, tuple[Reason, ...]]  # by row
    rejected: tuple[tuple[int, Reason], ...]


def choose_varied(
    items: Sequence[AnalysedPhoto],
    embeddings: FloatArray,
    count: int,
    worths: Sequence[float] | NDArray[np.float64],
    *,
    subjects: Sequence[str | None] | None = None,
    max_likeness: float = MAX_LIKENESS,
) -> Choice:
    """Choose up to `count` photos as `choose_rows` does. subjects: what each shows in a word; None: no demand."""
    traits = Traits.of(items, subjects)
    choice = choose_rows(traits, embeddings, count, np.asarray(worths, dtype=np.float64), max_likeness=max_likeness)
    return Choice(
        tuple(items[row] for row in choice.rows),
        {traits.ids[row]: reasons for row, reasons in choice.reasons.items()},
        tuple(RejectedPhoto(traits.ids[row], (reason,)) for row, reason in choice.rejected),
    )


def choose_rows(
    traits: Traits,
    embeddings: FloatArray,
    count: int,
    worth: NDArray[np.float64],
    *,
    max_likeness: float = MAX_LIKENESS,
) -> ChosenRows:
    """Choose up to `count` photos: equal shares of the time that they span, different looks, the better ones first.

    embeddings: (n, 512) float32, L2-normalised, row by row the traits'; worth: (n,) 0 to 1. No subject takes more
    than its part. Maximal marginal relevance (Carbonell and Goldstein 1998) within equal parts of the time, each part
    in turn. Of a stack, of photos taken within `MIN_APART_S`, and of photos more alike than `max_likeness` only one is
    chosen, so fewer than `count` may come back.
    """
    total = len(traits.ids)
    if not total or count < 1:
        return ChosenRows((), {}, ())
    count = min(count, total)  # also keeps the number of parts within what an array can count
    time_s, is_timed = traits.time_s, traits.is_timed  # files copied together have one guessed time
    part = _equal_parts(time_s, max(1, count // 2))
    barred = _bar_stack_mates(traits, worth)
    is_open = np.array([i not in barred for i in range(total)])
    likeness = np.zeros(total)
    told = np.zeros(total)  # how often each photo's subject was chosen
    taken = np.zeros(int(part.max()) + 1, dtype=np.int64)
    picks: list[int] = []
    reasons: dict[int, tuple[Reason, ...]] = {}
    while len(picks) < count and is_open.any():
        rows = np.flatnonzero(is_open)
        served = taken[part[rows]]
        turn = rows[served == served.min()]
        gain = _WORTH_SHARE * worth[turn] + (1 - _WORTH_SHARE) * (1 - likeness[turn])
        gain -= _SUBJECT_SHARE * told[turn] / max(1, len(picks))
        pick = int(turn[np.argmax(gain)])
        reasons[pick] = _why_chosen(worth[pick], likeness[pick])
        picks.append(pick)
        taken[part[pick]] += 1
        if traits.subjects[pick] >= 0:
            told += traits.subjects == traits.subjects[pick]
        is_open[pick] = False
        to_pick = embeddings @ embeddings[pick]
        for rule, mates in (
            (_SECONDS_APART, is_timed & is_timed[pick] & (np.abs(time_s - time_s[pick]) < MIN_APART_S)),
            (_ALIKE, to_pick > max_likeness),
        ):
            barred |= dict.fromkeys(np.flatnonzero(mates & is_open).tolist(), rule)
            is_open &= ~mates
        likeness = np.maximum(likeness, to_pick)
    chosen = sorted(picks, key=lambda i: (time_s[i], traits.ids[i]))
    left = sorted(set(range(total)) - set(picks), key=lambda i: (-worth[i], i))
    return ChosenRows(tuple(chosen), reasons, tuple((i, barred.get(i, _FULL)) for i in left))


def spread(
    scores: Sequence[float], facets: Sequence[Iterable[tuple[str, object]]], costs: Mapping[str, float], limit: int
) -> list[int]:
    """Take the best one again and again, each choice making what it has in common with others dearer; gives rows.

    facets: of each, (kind, value); costs: by kind, what each earlier choice with the same value costs.
    """
    seen: Counter[tuple[str, object]] = Counter()
    left = {row: tuple(facet) for row, facet in enumerate(facets)}
    chosen: list[int] = []
    while left and len(chosen) < limit:
        best = max(left, key=lambda row: scores[row] - sum(costs[facet[0]] * seen[facet] for facet in left[row]))
        chosen.append(best)
        seen.update(left.pop(best))
    return chosen


def rank_for_cover(
    items: Sequence[AnalysedPhoto], embeddings: FloatArray, worths: Sequence[float] | NDArray[np.float64]
) -> tuple[RankedPhoto, ...]:
    """Order photos by how well each stands for all of them: good, typical, and wide enough to carry a title.

    What is known to be in the picture, things and named faces, should not lie below the title. For memories, and
    whatever else shows one picture for many. embeddings: (n, 512) float32, L2-normalised, row i for items[i];
    worths: (n,) 0 to 1.
    """
    if not items:
        return ()
    near = embeddings @ embeddings.mean(axis=0)
    spread = float(near.max() - near.min())
    typical = (near - near.min()) / spread if spread > 0 else np.ones(len(items))
    ranked = []
    for item, worth, fit in zip(items, np.asarray(worths).tolist(), typical.tolist(), strict=True):
        wide = 1.0 if item.photo.width_px > item.photo.height_px else 0.0
        reasons: tuple[Reason, ...] = (
            Reason(
                "worth",
                _COVER_WORTH * worth,
                "It is one of the best pictures." if worth >= 0.5 else "It is a fair picture.",
            ),
            Reason(
                "typical",
                _COVER_TYPICAL * fit,
                "It shows what most of them show." if fit >= 0.5 else "It is unlike most of them.",
            ),
            Reason("landscape", _COVER_LANDSCAPE * wide, "It is wide." if wide else "It is upright or square."),
        )
        covered = share_inside(_TITLE, things_of(item.photo.facts, item.objects))
        if covered > 0.05:
            text = f"A title would cover {covered:.0%} of what is in it."
            reasons = (*reasons, Reason("covered", -_COVER_COVERED * covered, text))
        ranked.append(RankedPhoto(item.photo, round(sum(r.weight for r in reasons), 4), reasons))
    return tuple(sorted(ranked, key=lambda r: (-r.score, r.photo.id)))


def shortlist(
    time: NDArray[np.float64] | NDArray[np.int64], worths: NDArray[np.float64], parts: int, each: int
) -> NDArray[np.int64]:
    """The rows of the best `each` of every one of `parts` equal parts of the whole time, ascending.

    What a choice of few out of thousands need look at. time: (n,) in any unit; worths: (n,).
    """
    if len(time) <= each:
        return np.arange(len(time))
    part = _equal_parts(np.asarray(time, dtype=np.float64), parts)
    order = np.lexsort((-worths, part))
    starts = np.flatnonzero(np.diff(part[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(starts, np.diff([*starts.tolist(), len(order)]))
    return np.sort(order[rank < each])


def _equal_parts(time_s: NDArray[np.float64], parts: int) -> NDArray[np.int64]:
    """Which of so many equal parts of the whole time each photo lies in."""
    span = float(time_s.max() - time_s.min())
    if span <= 0:
        return np.zeros(len(time_s), dtype=np.int64)
    part: NDArray[np.int64] = np.minimum((time_s - time_s.min()) / span * parts, parts - 1).astype(np.int64)
    return part


def _bar_stack_mates(traits: Traits, worth: NDArray[np.float64]) -> dict[int, Reason]:
    """All but one of each stack: the keeper stays where it is among them, otherwise the best."""
    stacks: dict[int, list[tuple[bool, float, int]]] = {}
    for i in np.flatnonzero(traits.stacks >= 0).tolist():
        stacks.setdefault(int(traits.stacks[i]), []).append((bool(traits.is_keeper[i]), float(worth[i]), -i))
    return {-i: _STACK_MATE for mates in stacks.values() for _, _, i in sorted(mates)[:-1]}


def _why_chosen(worth: float, likeness: float) -> tuple[Reason, ...]:
    return (
        Reason("time_share", 0.3, "It stands for its part of the time."),
        Reason("worth", round(_WORTH_SHARE * float(worth), 4), f"Its worth is {worth:.2f} of 1."),
        Reason(
            "different",
            round((1 - _WORTH_SHARE) * (1 - float(likeness)), 4),
            "It looks different from the others chosen.",
        ),
    )
