"""The photos that deserve to be seen again: the best of a library, varied, others tomorrow than today."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from math import log

import numpy as np

from photos_engine.curation import assess_utility, is_showable
from photos_engine.graph import PersonalGraph
from photos_engine.selection import choose_varied, spread
from photos_engine.types import AnalysedPhoto, FloatArray, RankedPhoto, Reason, Snapshot, Tag
from photos_engine.worth import rate_looks, rate_photo

_MEMORABLE_FLOOR = 0.3  # without any tag that makes memories a photo needs the person's own word to be featured
_INTEREST, _RARE, TASTE, _ROTATION = 0.10, 0.10, 0.20, 0.15
"""How much a photo gains at most from the person's interests, from showing what they seldom see, their taste and the
day's turn, beside its worth of 0 to 1: the turn reorders photos that are about as good and never lifts a poor one over
a good one."""
_USEFUL, _MAYBE_USEFUL = 0.5, 0.05
"""What a picture loses that is surely utility content, and from which probability on: posters and clip art look a
little like memes, and what is half a meme is nothing to show around."""
_SURELY = 0.6  # below that a rare tag is more often a mistake than a rare sight
_REPEAT = {"theme": 0.05, "person": 0.05, "city": 0.01, "year": 0.01}
"""What each earlier choice with the same costs: of themes and people many are expected, home fills most libraries."""
_POOL, _VARIED = 12, 3  # times the limit: from how many of the best the varied ones are chosen, and how many


@dataclass(frozen=True, slots=True, eq=False)
class _Rated:
    item: AnalysedPhoto
    row: int
    score: float
    reasons: tuple[Reason, ...]


def choose_featured(
    snapshot: Snapshot,
    graph: PersonalGraph,
    tags: Mapping[str, Tag],
    *,
    on: date,
    limit: int,
    taste: FloatArray | None = None,
) -> tuple[RankedPhoto, ...]:
    """Choose up to `limit` of the best photos, best first, varied in time, looks, places, people and themes.

    The same on one day, others on the next. Never what may not be shown: hidden or rejected, utility content,
    spoiled shots, copies; nor what belongs to something that the person hid or wants to see less of.
    taste: (n,) float32 for the snapshot's photos, 0.5 neutral, 1 most to the person's liking.
    """
    hidden = graph.hidden_photo_ids()
    strengths = {interest.node: interest.strength for interest in graph.interests(on)}
    rarities = _rate_rarity(snapshot)
    rated = []
    for row, item in enumerate(snapshot.photos):
        liking = 0.5 if taste is None else float(taste[row])
        entry = _rate(item, row, tags, (strengths, rarities), liking, on)
        if entry is not None and item.photo.id not in hidden and is_showable(item).ok:
            rated.append(entry)
    rated.sort(key=lambda entry: (-entry.score, entry.item.photo.id))
    pool = [entry for entry in rated[: _POOL * limit] if not _is_featured_less(entry.item, graph)]
    by_id = {entry.item.photo.id: entry for entry in pool}
    rows = np.array([entry.row for entry in pool], dtype=np.int64)
    choice = choose_varied(
        [entry.item for entry in pool],
        snapshot.embeddings[rows],
        _VARIED * limit,
        [min(1.0, entry.score) for entry in pool],
    )
    varied = [by_id[item.photo.id] for item in choice.chosen]
    rows_chosen = spread([e.score for e in varied], [_facets(e.item, tags) for e in varied], _REPEAT, limit)
    chosen = (varied[row] for row in rows_chosen)
    ranked = [RankedPhoto(entry.item.photo, round(min(1.0, entry.score), 4), entry.reasons) for entry in chosen]
    return tuple(sorted(ranked, key=lambda photo: (-photo.score, photo.photo.id)))


def _rate(
    item: AnalysedPhoto,
    row: int,
    tags: Mapping[str, Tag],
    life: tuple[Mapping[str, float], Mapping[str, float]],
    liking: float,
    on: date,
) -> _Rated | None:
    """Weigh a photo; None for what nobody would want to see again. life: interests by node, rarities by tag."""
    strengths, rarities = life
    memorable, theme = _theme(item, tags)
    is_chosen = item.photo.is_favourite or (item.photo.facts.rating or 0) >= 4
    if memorable < _MEMORABLE_FLOOR and not is_chosen and not item.photo.facts.people:
        return None
    interest, habit = max(
        ((strengths.get(f"tag:{tag}", 0.0) * p, tag) for tag, p in item.tags.items() if tag in tags), default=(0.0, "")
    )
    reasons = [Reason("worth", rate_photo(item, tags), f"Its looks are {rate_looks(item):.2f} of 1.")]
    if theme:
        reasons.append(Reason("memorable", 0.0, f"It shows {tags[theme].label}."))
    if is_chosen:
        reasons.append(Reason("chosen", 0.0, "You marked it as good."))
    if interest > 0:
        text = f"You often photograph this: {tags[habit].label}."
        reasons.append(Reason("interest", _INTEREST * min(1.0, interest), text))
    rarity, sight = max(
        (
            (rarities[tag] * tags[tag].memorable, tag)
            for tag, p in item.tags.items()
            if tag in tags and p >= _SURELY and f"tag:{tag}" not in strengths  # what is often seen isn't rare as well
        ),
        default=(0.0, ""),
    )
    if rarity > 0:
        text = f"You seldom photograph this: {tags[sight].label}."
        reasons.append(Reason("rare", _RARE * rarity, text if rarity > 0.5 else "It shows no everyday sight."))
    if liking != 0.5:
        text = "It is like what you like." if liking > 0.5 else "It is unlike what you like."
        reasons.append(Reason("taste", TASTE * (liking - 0.5), text))
    useful = assess_utility(item).probability
    if useful >= _MAYBE_USEFUL:
        reasons.append(Reason("useful", -_USEFUL * useful, "It may be for its use, or from the web."))
    reasons.append(Reason("turn", _ROTATION * _turn(item.photo.id, on), "Every day has its own turn."))
    return _Rated(item, row, sum(reason.weight for reason in reasons), tuple(reasons))


def _rate_rarity(snapshot: Snapshot) -> dict[str, float]:
    """How rare a tag is in this life, 0 (on every day) to 1 (on one day alone), on a scale of ratios."""
    days: dict[str, set[date]] = defaultdict(set)
    for item in snapshot.photos:
        for tag, p in item.tags.items():
            if p >= _SURELY:
                days[tag].add(item.photo.taken.date())
    every = len(set[date]().union(*days.values()))
    return {tag: 1 - log(len(on)) / log(every) if every > 1 else 0.0 for tag, on in days.items()}


def _turn(photo_id: str, on: date) -> float:
    """A number from 0 to 1 that is a photo's own on each day."""
    digest = hashlib.blake2b(f"{on.isoformat()}/{photo_id}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 0xFFFFFFFF


def _is_featured_less(item: AnalysedPhoto, graph: PersonalGraph) -> bool:
    nodes = [f"tag:{tag}" for tag in item.tags]
    nodes += [graph.person_node(person.name) for person in item.photo.facts.people]
    return any(graph.is_featured_less(node) for node in (*nodes, *graph.nodes_of(item.photo.id)))


def _facets(item: AnalysedPhoto, tags: Mapping[str, Tag]) -> Iterator[tuple[str, object]]:
    yield "year", item.photo.taken.year
    if item.photo.place is not None:
        yield "city", item.photo.place.geoname_id
    yield from (("person", person.name) for person in item.photo.facts.people)
    if theme := _theme(item, tags)[1]:
        yield "theme", theme


def _theme(item: AnalysedPhoto, tags: Mapping[str, Tag]) -> tuple[float, str]:
    """The tag that makes a photo worth remembering most, and how much."""
    return max(((p * tags[tag].memorable, tag) for tag, p in item.tags.items() if tag in tags), default=(0.0, ""))
