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

from photos_engine.errors import UsageError
from photos_engine.graph.naming import as_slug
from photos_engine.types import Decision, StoredDecision

JOURNEY_KINDS = ("trip", "day_out")

CORRECTIONS: Mapping[Decision, frozenset[str]] = {
    Decision.NAME: frozenset({"person", "pet", *JOURNEY_KINDS, "celebration", "home", "anchor"}),
    Decision.NOT_SO: frozenset({"pet", *JOURNEY_KINDS, "celebration", "home", "anchor", "activity"}),
    Decision.HOME: frozenset({"city"}),
    Decision.TRIP: frozenset({"days"}),
}
"""Which kinds of nodes what can be said of that puts right what the graph believes."""

MAX_NAME = 100

_LONGEST_JOURNEY_DAYS = 800  # so far back a journey that began earlier may still last

_NONE: frozenset[Decision] = frozenset()
_NOTHING: Mapping[Decision, StoredDecision] = {}
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


def require_sense(subject: str, decision: Decision, words: str) -> None:
    """Refuse what can't be said of a subject, or lacks words or has too many. Raises: UsageError."""
    kind = subject.partition(":")[0]
    if decision in CORRECTIONS and kind not in CORRECTIONS[decision]:
        raise UsageError(f"{decision} is said of {', '.join(sorted(CORRECTIONS[decision]))}, not of {subject}")
    if decision is Decision.NAME:
        if not 0 < len(words) <= MAX_NAME or not words.isprintable():
            raise UsageError(f"a name has 1 to {MAX_NAME} letters")
    elif decision is Decision.HOME:
        if words and read_days(f"days:{words}") is None:
            raise UsageError(f"days are written like 2019-05-01/2022-03-31, not {words}")
    elif words:
        raise UsageError(f"{decision} needs no words")


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
        self._denied_stays = [s for s in self.stays if Decision.NOT_SO in self._of_stay(s.name)]
        spans = (read_days(node) for node, decided in self._by_node.items() if Decision.HIDE in decided)
        self._hidden_days = [(first.toordinal(), last.toordinal()) for first, last in filter(None, spans)]
        self._moments = {
            start: frozenset(decided)
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

    @property
    def said_trips(self) -> tuple[tuple[int, int], ...]:
        """The spans of days, as proleptic ordinals, on each of which the person was on one journey, in time order."""
        spans = (read_days(node) for node, decided in self._by_node.items() if Decision.TRIP in decided)
        return tuple(sorted((first.toordinal(), last.toordinal()) for first, last in filter(None, spans)))

    @property
    def said_homes(self) -> tuple[tuple[str, date | None, date | None], ...]:
        """(city node, first day, last day) of each city that was called home; None, None for always."""
        found = ((node, decided[Decision.HOME]) for node, decided in self._by_node.items() if Decision.HOME in decided)
        days = ((node, read_days(f"days:{made.words}") or (None, None)) for node, made in found)
        return tuple((node, first, last) for node, (first, last) in days)

    @property
    def denied_homes(self) -> frozenset[str]:
        """The city nodes of which the person said that they are no home."""
        denied = (node for node, decided in self._by_node.items() if Decision.NOT_SO in decided)
        return frozenset(f"city:{node.partition(':')[2]}" for node in denied if node.startswith("home:"))

    def of(self, node: str) -> frozenset[Decision]:
        """What stands decided about a node whose id never changes."""
        return frozenset(self._by_node.get(node, _NOTHING))

    def name_of(self, *nodes: str) -> str | None:
        """What the person calls a node that goes by one or several ids."""
        made = (self._by_node[node].get(Decision.NAME) for node in nodes if node in self._by_node)
        return next((naming.words for naming in made if naming), None)

    def person(self, name: str) -> tuple[str, str]:
        """The node and the name of somebody whom metadata call `name`; who is given another's name is that one."""
        node = f"person:{as_slug(name)}"
        called = self.name_of(node)
        return (f"person:{as_slug(called)}", called) if called else (node, name)

    def is_not_so(self, node: str) -> bool:
        """Whether the person said that what was inferred is wrong."""
        return Decision.NOT_SO in self.of(node)

    def denies_journey(self, names: Iterable[str], first: date, last: date) -> bool:
        """Whether a journey is, or shares a day with, one that was none."""
        is_denied = any(Decision.NOT_SO in self._of_stay(name) for name in names)
        return is_denied or any(stay.shares_a_day(first, last) for stay in self._denied_stays)

    def name_of_journey(self, names: Iterable[str]) -> str | None:
        """What the person calls a journey."""
        return self.name_of(*(f"{kind}:{name}" for name in names for kind in JOURNEY_KINDS))

    def subjects_of_pets(self, pets: Sequence[tuple[str, str, frozenset[str]]]) -> list[list[str]]:
        """Which decided subjects each pet, given as (id, species, photos), goes by now.

        Pets of one species are numbered by their photos, so that numbers change; a decision finds its pet by the
        photos that it was made about.
        """
        subjects: list[list[str]] = [[] for _ in pets]
        for subject, decided in self._by_node.items():
            kind, _, name = subject.partition(":")
            if kind != "pet":
                continue
            about = frozenset(photo for made in decided.values() for photo in made.photo_ids)
            rivals = [
                n for n, (_, species, _) in enumerate(pets) if re.fullmatch(rf"{re.escape(species)}(-\d+)?", name)
            ]
            shared = {n: len(about & pets[n][2]) for n in rivals}
            best = max(rivals, key=lambda n: (shared[n], pets[n][0] == subject), default=None)
            if best is not None and (shared[best] or pets[best][0] == subject):
                subjects[best].append(subject)
        return subjects

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


def _standing(decisions: Sequence[StoredDecision]) -> Mapping[str, Mapping[Decision, StoredDecision]]:
    standing: dict[str, dict[Decision, StoredDecision]] = {}
    for d in sorted(decisions, key=lambda d: d.decided_utc):
        if d.subject_kind == "node":
            before = standing.get(d.subject, {})
            standing[d.subject] = {} if d.decision is Decision.UNDO else {**before, d.decision: d}
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
