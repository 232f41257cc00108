"""What a person decided about parts of the graph, and how it finds them again after late imports.

Most nodes keep their ids. A journey or a moment may begin earlier once more photos of it turn up, fall in two
or grow together with its neighbour: what was hidden of it must stay hidden all the same, so these are found
by the days that they were of.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from photos_engine.types import Decision, StoredDecision

JOURNEY_KINDS = ("trip", "day_out")

_LONGEST_JOURNEY_DAYS = 800  # so far back a journey that began earlier may still last

_NONE: frozenset[Decision] = frozenset()
_DAYS = re.compile(r"days:(\d{4}-\d\d-\d\d)/(\d{4}-\d\d-\d\d)")


@dataclass(frozen=True, slots=True)
class KnownStay:
    """A journey as it was known before: its id without the kind, and all the days that it was ever found to span."""

    name: str
    first: date
    last: date

    def shares_a_day(self, first: date, last: date) -> bool:
        """Whether it overlaps with some days, both ends included."""
        return self.first <= last and first <= self.last


def read_days(node: str) -> tuple[date, date] | None:
    """The days of a name like "days:2022-03-01/2022-04-15", first and last included; None for any other name."""
    found = _DAYS.fullmatch(node)
    if found is None:
        return None
    try:
        first, last = (date.fromisoformat(text) for text in found.groups())
    except ValueError:
        return None
    return (first, last) if first <= last else None


class NodeDecisions:
    """What stands decided about nodes; `undo` takes back what came before it."""

    def __init__(self, decisions: Sequence[StoredDecision], known: Iterable[KnownStay] = ()) -> None:
        self._by_node = _standing(decisions)
        stays = {stay.name: stay for stay in known}
        for node in self._by_node:
            kind, _, name = node.partition(":")
            if kind in JOURNEY_KINDS and name not in stays and (day := _day_in(name)):
                stays[name] = KnownStay(name, day, day)  # decided in another library: its id tells one of its days
        self.stays = tuple(sorted(stays.values(), key=lambda stay: (stay.first, stay.name)))
        self._hidden_stays = [s for s in self.stays if Decision.HIDE in self._of_stay(s.name)]
        spans = (read_days(node) for node, decided in self._by_node.items() if Decision.HIDE in decided)
        self._hidden_days = [(first.toordinal(), last.toordinal()) for first, last in filter(None, spans)]
        self._moments = {
            start: decided
            for node, decided in self._by_node.items()
            if node.startswith("moment:") and (start := _time_in(node.partition(":")[2]))
        }

    @property
    def hides_days(self) -> bool:
        """Whether there is any span of days that a person asked not to see."""
        return bool(self._hidden_days)

    def hides_day(self, day: int) -> bool:
        """Whether a day, as a proleptic ordinal, lies in a span that a person asked not to see."""
        return any(first <= day <= last for first, last in self._hidden_days)

    def of(self, node: str) -> frozenset[Decision]:
        """What stands decided about a node whose id never changes."""
        return self._by_node.get(node, _NONE)

    def of_journey(self, names: Iterable[str], first: date, last: date) -> frozenset[Decision]:
        """About a journey: by all its names; and what shares a day with a hidden one is hidden too."""
        decided = _NONE.union(*(self._of_stay(name) for name in names))
        is_hidden = any(stay.shares_a_day(first, last) for stay in self._hidden_stays)
        is_hidden |= all(map(self.hides_day, range(first.toordinal(), last.toordinal() + 1)))
        return decided | {Decision.HIDE} if is_hidden else decided

    def of_day(self, node: str, day: date) -> frozenset[Decision]:
        """About what happened on one day: hidden with the day."""
        return self.of(node) | {Decision.HIDE} if self.hides_day(day.toordinal()) else self.of(node)

    def of_moment(self, start: datetime, end: datetime, day: int) -> frozenset[Decision]:
        """About a moment: whatever was decided of one that began within it, by the photos' own clocks."""
        if not self._moments and not self._hidden_days:
            return _NONE
        first, last = start.replace(tzinfo=None, microsecond=0), end.replace(tzinfo=None)
        decided = _NONE.union(*(decided for time, decided in self._moments.items() if first <= time <= last))
        return decided | {Decision.HIDE} if self.hides_day(day) else decided

    def _of_stay(self, name: str) -> frozenset[Decision]:
        return _NONE.union(*(self.of(f"{kind}:{name}") for kind in JOURNEY_KINDS))


def name_journeys(
    spans: Sequence[tuple[date, date]], slugs: Sequence[str], known: Sequence[KnownStay]
) -> list[tuple[str, ...]]:
    """The names of each journey, given in time order: its own first, then those of others that are part of it now.

    A known stay lives on in the journey that shares most days with it, of equals in that which has its slug, and
    beside another one that has more right to the journey's name as a further name. A journey without a known name
    is called by its first day and its slug.
    """
    stays = sorted(known, key=lambda stay: (stay.first, stay.name))
    claims = sorted(
        (-days, not stay.name.rstrip("+").endswith(slugs[n]), k, n)
        for k, stay in enumerate(stays)
        for n, days in _shared_days(stay, spans)
    )
    own: dict[int, int] = {}  # journey -> the known stay that it is
    heir: dict[int, int] = {}  # known stay -> the journey that it lives on in
    for _, _, k, n in claims:
        if n not in own and k not in heir:
            own[n], heir[k] = k, n
    for _, _, k, n in claims:
        heir.setdefault(k, n)
    also: dict[int, list[str]] = {}
    for k, n in heir.items():
        if own[n] != k:
            also.setdefault(n, []).append(stays[k].name)
    taken = {stay.name for stay in known}
    names: list[tuple[str, ...]] = []
    for n, ((first, _), slug) in enumerate(zip(spans, slugs, strict=True)):
        name = stays[own[n]].name if n in own else f"{first.isoformat()}-{slug}"
        while n not in own and name in taken:  # twice at one place on one day
            name += "+"
        taken.add(name)
        names.append((name, *sorted(also.get(n, ()))))
    return names


def _shared_days(stay: KnownStay, spans: Sequence[tuple[date, date]]) -> Iterator[tuple[int, int]]:
    """(which, days in common) of the spans, given in time order, that overlap with a stay."""
    for n in range(bisect_right(spans, stay.last, key=lambda span: span[0]) - 1, -1, -1):
        first, last = spans[n]
        if last >= stay.first:
            yield n, (min(stay.last, last) - max(stay.first, first)).days + 1
        elif (stay.first - last).days > _LONGEST_JOURNEY_DAYS:
            return


def _standing(decisions: Sequence[StoredDecision]) -> Mapping[str, frozenset[Decision]]:
    standing: dict[str, frozenset[Decision]] = {}
    for d in sorted(decisions, key=lambda d: d.decided_utc):
        if d.subject_kind == "node":
            before = standing.get(d.subject, _NONE)
            standing[d.subject] = _NONE if d.decision is Decision.UNDO else before | {d.decision}
    return standing


def _day_in(name: str) -> date | None:
    try:
        return date.fromisoformat(name[:10])
    except ValueError:
        return None


def _time_in(name: str) -> datetime | None:
    try:
        return datetime.fromisoformat(name.rstrip("+"))
    except ValueError:
        return None
