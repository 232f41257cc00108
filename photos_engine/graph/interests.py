"""Interests: what a person photographs more than most things, as it grows, fades, and comes back with its season."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np

from photos_engine.graph.themes import MIN_LIFT, MIN_PHOTOS, TagTable
from photos_engine.graph.timeline import FloatVector, IntVector, years_of
from photos_engine.graph.weave import Weaver, as_triples
from photos_engine.types import Decision, Reason

HALF_LIFE_DAYS = 270.0
MIN_DAYS = 3
MIN_MEMORABLE = 0.55
"""Of the tag that an interest is of: what is on every photo (a person, the sky) is none."""

_SEASON_MONTHS = 1  # an interest of the same time of year counts twice: skiing in December
_FEATURED_LESS = 0.3
_YEARS_AN_INTEREST = 12


def rate_interests(
    months: Sequence[Mapping[str, int]], active: Mapping[str, int], on: Sequence[date]
) -> FloatVector | None:
    """How many times as often as a middling tag each tag was seen, as of some days: (tags, days); None of no photos.

    months: of each tag, on how many days of each month ("2023-07") it was seen; active: all days with photos. Recent
    months, and those of the same time of year, count more.
    """
    if not months or not active:
        return None
    column = {month: n for n, month in enumerate(active)}
    seen = np.zeros((len(months), len(column)))
    for row, counts in enumerate(months):
        seen[row, [column[month] for month in counts]] = list(counts.values())
    weights = _weigh_months(list(active), on)
    total = np.array(list(active.values())) @ weights
    rates = seen @ weights / np.where(total > 0, total, np.inf)
    middling = np.sort(rates, axis=0)[len(rates) // 2]
    lifts: FloatVector = np.where(middling > 0, rates / np.where(middling > 0, middling, 1.0), 1.0)
    return np.where(total > 0, lifts, 0.0)


def as_strength(lift: float, memorable: float, *, is_less: bool = False) -> float:
    """A half for the middling, less for what makes no memories or is to be featured less, and near to 1 at most."""
    return lift / (1 + lift) * memorable * (_FEATURED_LESS if is_less else 1.0)


def _weigh_months(months: Sequence[str], on: Sequence[date]) -> FloatVector:
    """How much each month tells about interests on each day: half as much each half-life away, (months, days)."""
    number = np.array([int(month[5:]) for month in months])[:, None]
    middle = np.array([date(int(month[:4]), int(month[5:]), 15).toordinal() for month in months])[:, None]
    age_days = np.abs(np.array([day.toordinal() for day in on]) - middle)
    apart = np.abs(number - np.array([day.month for day in on]))
    seasonal = np.where(np.minimum(apart, 12 - apart) <= _SEASON_MONTHS, 2.0, 1.0)
    return np.asarray(seasonal * 0.5 ** (age_days / HALF_LIFE_DAYS))


def add_interests(weaver: Weaver, table: TagTable, seasons: Mapping[str, IntVector]) -> None:
    """Write what the person likes to photograph: how much at the end of each year, and in which seasons most."""
    facts = weaver.graph.graph
    nodes = [(node, d) for node, d in weaver.graph.nodes(data=True) if d["kind"] == "tag" and d["days"]]
    years = [d["label"] for _, d in weaver.graph.nodes(data=True) if d["kind"] == "year"]
    last_day = date.fromisoformat(facts["last_day"])
    ends = [min(last_day, date(int(year), 12, 31)) for year in years]
    lifts = rate_interests([d["months"] for _, d in nodes], facts["active_months"], [*ends, last_day])
    if lifts is None:
        return
    photos = table.photos_by_tag()
    year = years_of(weaver.timeline.day)
    season_of = np.full(len(weaver.timeline), -1, dtype=np.int64)
    for n, members in enumerate(seasons.values()):
        season_of[members] = n
    for (tag, d), row in zip(nodes, lifts.tolist(), strict=True):
        if d["memorable"] >= MIN_MEMORABLE and d["days"] >= MIN_DAYS:
            at = photos[tag.partition(":")[2]]
            node = _add_interest(weaver, tag, at, row[-1])
            _link_years(weaver, node, (at, year[at]), dict(zip(years, row[:-1], strict=True)), d["memorable"])
            _link_seasons(weaver, node, (at, season_of[at]), seasons)


def _add_interest(weaver: Weaver, tag: str, at: IntVector, lift: float) -> str:
    d = weaver.graph.nodes[tag]
    node = f"interest:{tag.partition(':')[2]}"
    decided = weaver.decided.of(node) | weaver.decided.of(tag)
    strength = as_strength(lift, d["memorable"], is_less=Decision.FEATURE_LESS in decided)
    text = f"{d['label'].capitalize()} on {d['days']} days, {lift:.1f} times as often as a middling theme."
    confidence = 1 - 1 / d["days"]
    weaver.add(
        node,
        "interest",
        d["label"],
        at,
        decided=decided,
        strength=round(strength, 4),
        first=weaver.day_text(at[0]),
        last=weaver.day_text(at[-1]),
        confidence=round(confidence, 4),
        reasons=as_triples([Reason("lift", strength, text)]),
    )
    weaver.link(node, tag, "of", at=at, weight=min(1.0, strength), confidence=confidence, reason=text)
    return node


def _link_years(
    weaver: Weaver, node: str, seen: tuple[IntVector, IntVector], lifts: Mapping[str, float], memorable: float
) -> None:
    """How strong it was at the end of each year in which it was photographed, of many the strongest ones.

    seen: its photos, and the year of each.
    """
    at, of = seen
    strongest = sorted(np.unique(of).tolist(), key=lambda year: (-lifts[str(year)], year))[:_YEARS_AN_INTEREST]
    for year in sorted(strongest):
        here, lift = at[of == year], lifts[str(year)]
        text = f"On {len(here)} photos of {year}; at its end {lift:.1f} times as often as a middling theme."
        confidence = 1 - 1 / (1 + len(here))
        strength = as_strength(lift, memorable)
        weaver.link(node, f"year:{year}", "in", at=here, weight=strength, confidence=confidence, reason=text)


def _link_seasons(
    weaver: Weaver, node: str, seen: tuple[IntVector, IntVector], seasons: Mapping[str, IntVector]
) -> None:
    """The seasons of which it has much more than their share; seen: its photos, and the number of each one's season."""
    at, of = seen
    total = sum(len(members) for members in seasons.values())
    for n, (season, members) in enumerate(seasons.items()):
        here = at[of == n]
        lift = len(here) / len(at) * total / len(members)
        if len(here) >= MIN_PHOTOS and lift >= MIN_LIFT:
            text = f"{len(here)} of its {len(at)} photos are of {season.partition(':')[2]}, {lift:.1f} times its share."
            weaver.link(
                node, season, "in", at=here, weight=1 - 1 / lift, confidence=1 - 1 / (1 + len(here)), reason=text
            )
