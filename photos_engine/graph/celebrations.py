"""Celebrations: days of the calendar on which the photographs say that something was going on.

A date alone is no celebration: people also photograph their lunch on 26 December. Either the pictures
show it (tags), or the day is a feast of the home country and clearly livelier than other days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from photos_engine.graph.calendar import Feast
from photos_engine.graph.looks import Looks
from photos_engine.graph.themes import TagTable
from photos_engine.graph.timeline import BoolVector, IntVector, Timeline, positions_by_day
from photos_engine.types import Reason

MIN_PHOTOS = 4
MIN_LIVELY_PHOTOS = 8  # where only their number speaks, it must be one that chance doesn't give
AROUND_DAYS, MIN_DAYS_AROUND = 60, 5  # ordinary days with photos that it is livelier than
MIN_SHOWING, MIN_TAG_SHARE = 2, 0.2
_BIRTHDAY_TAGS = frozenset({"birthday", "birthday_cake"})


@dataclass(frozen=True, slots=True)
class FoundCelebration:
    """A feast that was celebrated, with the photos of it (positions in the timeline).

    day: the one with most photos. named_day: the feast's own, which no later import changes.
    """

    slug: str
    name: str
    day: date
    named_day: date
    at: IntVector
    confidence: float
    reasons: tuple[Reason, ...]
    person: str | None = None


def find_celebrations(
    timeline: Timeline, table: TagTable, feasts: Sequence[Feast], is_trip: BoolVector
) -> tuple[FoundCelebration, ...]:
    """Every feast with evidence, in time order. On trips every day is lively, so there tags must show it."""
    ordinary = timeline.day[timeline.keeper & ~is_trip]
    active, counts = np.unique(ordinary, return_counts=True)
    usual = float(np.percentile(counts, 75)) if len(active) else 1.0
    by_day = positions_by_day(timeline)
    shown = _showing(table, {tag for feast in feasts for tag in feast.evidence})
    found = []
    for feast in feasts:
        days = [by_day[day.toordinal()] for day in feast.days if day.toordinal() in by_day]
        if not _is_amid_life(active, feast):
            feast = replace(feast, liveliness=None)
        shows = [shown[tag] for tag in sorted(feast.evidence) if tag in shown]
        evidence = [e for at in days if (e := _look_at(timeline, shows, feast, at, usual, is_trip))]
        kept = sum(e.keepers for e in evidence)
        if kept >= MIN_PHOTOS:
            found.append(_as_celebration(timeline, feast, evidence))
    return tuple(found)


def _is_amid_life(active: IntVector, feast: Feast) -> bool:
    """Whether enough is known of the weeks around a feast to call it lively.

    A day alone in its year is busier than nothing; often it is one that a camera's clock fell back to.
    """
    first, last = feast.first.toordinal(), feast.last.toordinal()
    near = active[(active >= first - AROUND_DAYS) & (active <= last + AROUND_DAYS)]
    return int(np.count_nonzero((near < first) | (near > last))) >= MIN_DAYS_AROUND


def _showing(table: TagTable, tags: Iterable[str]) -> dict[str, BoolVector]:
    """Which photos of the timeline carry each of some tags, for those that any does."""
    photos, found = table.photos_by_tag(), {}
    for tag in tags:
        if tag in photos:
            found[tag] = np.zeros(len(table.present), dtype=bool)
            found[tag][photos[tag]] = True
    return found


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What speaks for one day of a feast: photos that show it, and how lively it was (0: not, or not known)."""

    at: IntVector
    keepers: int
    showing: int
    liveliness: float


def _look_at(
    timeline: Timeline, shows: Sequence[BoolVector], feast: Feast, at: IntVector, usual: float, is_trip: BoolVector
) -> _Evidence | None:
    """The evidence of one day; None where nothing tells that the feast was kept on it."""
    kept = at[timeline.keeper[at]]
    showing = int(np.count_nonzero(np.any([tag[kept] for tag in shows], axis=0))) if shows else 0
    lively = len(kept) / usual if not is_trip[at].any() and len(kept) >= MIN_LIVELY_PHOTOS else 0.0
    if showing < MIN_SHOWING or showing < MIN_TAG_SHARE * len(kept):
        showing = 0
    if feast.liveliness is None or lively < feast.liveliness:
        lively = 0.0
    return _Evidence(at, len(kept), showing, lively) if showing or lively else None


def _as_celebration(timeline: Timeline, feast: Feast, evidence: Sequence[_Evidence]) -> FoundCelebration:
    main = max(evidence, key=lambda e: e.keepers)
    day = date.fromordinal(int(timeline.day[main.at[0]]))
    showing, keepers = sum(e.showing for e in evidence), sum(e.keepers for e in evidence)
    lively = max(e.liveliness for e in evidence)
    reasons = [Reason("calendar", 0.4, f"The photos were taken at {feast.name}, on {day.day} {day:%B %Y}.")]
    if showing:
        reasons.append(Reason("tags", min(1.0, 2 * showing / keepers), f"{showing} of {keepers} photos show it."))
    if lively:
        reasons.append(Reason("activity", min(1.0, lively / 5), f"{lively:.1f} times as many photos as on a busy day."))
    doubt = (1 - min(0.9, 1.5 * showing / keepers)) * (1 - min(0.8, lively / 6))
    at = np.sort(np.concatenate([e.at for e in evidence]))
    return FoundCelebration(feast.slug, feast.name, day, feast.main_day, at, round(1 - doubt, 3), tuple(reasons))


def find_birthdays(
    looks: Looks, timeline: Timeline, table: TagTable, call: Callable[[str], str]
) -> tuple[FoundCelebration, ...]:
    """Days with a birthday's pictures and one named person, on one date of the calendar in two years or more.

    call: by what name somebody goes whom metadata call so.
    """
    festive = [at for tag, at in table.photos_by_tag().items() if tag in _BIRTHDAY_TAGS]
    if not festive:
        return ()
    seen: dict[tuple[int, int, str], set[int]] = defaultdict(set)
    by_day = positions_by_day(timeline)
    for day in np.unique(timeline.day[np.concatenate(festive)]).tolist():
        on = date.fromordinal(day)
        for name in _people_of(looks, timeline, by_day[day], call):
            seen[(on.month, on.day, name)].add(day)
    found = []
    for (_, _, name), days in sorted(seen.items()):
        if len(days) < 2:
            continue
        text = f"{name} is in pictures of a birthday on this date in {len(days)} years."
        for day in sorted(days):
            at = by_day[day]
            if np.count_nonzero(timeline.keeper[at]) >= MIN_PHOTOS:
                reasons = (Reason("recurrence", 0.8, text),)
                on = date.fromordinal(day)
                found.append(FoundCelebration("birthday", f"{name}’s birthday", on, on, at, 0.8, reasons, name))
    return tuple(found)


def _people_of(looks: Looks, timeline: Timeline, at: IntVector, call: Callable[[str], str]) -> Mapping[str, int]:
    """Names on a day's photos, of those only whom no other is photographed as often as."""
    counts: dict[str, int] = defaultdict(int)
    for row in timeline.rows[at].tolist():
        for name in set(map(call, looks.people[row])):
            counts[name] += 1
    most = sorted(counts.values(), reverse=True)[:2]
    return {name: n for name, n in counts.items() if n == most[0] and (len(most) < 2 or n > most[1])}
