"""Which memories come up on a day: few, good, of different kinds, and the same all day long."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from photos_engine.types import Memory, Reaction, Showing

MAX_A_DAY = 8
REST_DAYS: Mapping[Reaction, int] = {
    Reaction.LIKED: 1,
    Reaction.OPENED: 3,
    Reaction.SHOWN: 7,
    Reaction.DISMISSED: 30,
}
"""For how many days after it came up a memory stays away: the longer, the less the person made of it."""

_SAME_KIND = 0.6  # what the second of a kind is worth, and so on
_SAME_PLACE = 0.8  # likewise of the places and people that others of the day show mostly
_MAX_OVERLAP = 0.5  # of a memory's photos that another one shows already
_LEAST_WORTH = 0.1
_FRESHNESS = 0.3  # how much the day's own lot can raise a memory, so that days differ


def choose_for_day(
    memories: Sequence[Memory], on: date, showings: Iterable[Showing] = (), limit: int = MAX_A_DAY
) -> tuple[Memory, ...]:
    """The memories of a day, at most `limit`, best first; equal arguments give equal answers.

    showings: what came up before, in the order shown. What came up on that very day stands, and more may join it;
    what came up lately rests as long as `REST_DAYS` says. A memory that shows half of another's photos doesn't come up
    beside it. Better few than weak ones.
    """
    showings = tuple(showings)
    by_id = {memory.id: memory for memory in memories}
    standing = [by_id[s.memory_id] for s in showings if s.day == on and not _rests(s, on) and s.memory_id in by_id]
    taken = {s.memory_id for s in showings if s.day == on or _rests(s, on)}
    worth = {m.id: m.score * (1 + _FRESHNESS * _lot(m.id, on)) for m in memories if m.id not in taken}
    free = [m for m in memories if m.id in worth]
    chosen: list[Memory] = []
    seen: set[str] = set()
    told: dict[str, int] = {}
    while len(chosen) < limit:
        if len(chosen) < len(standing):
            best = standing[len(chosen)]
        else:
            free = [m for m in free if _overlap(m, seen) <= _MAX_OVERLAP]
            value = {m.id: worth[m.id] * _variety(m, told) for m in free}
            if not value or max(value.values()) < _LEAST_WORTH:
                break
            best = max(free, key=lambda m: (value[m.id], m.id))
            free.remove(best)
        chosen.append(best)
        for subject in (best.kind, *_subjects(best)):
            told[subject] = told.get(subject, 0) + 1
        seen |= {photo.id for photo in best.photos}
    return tuple(chosen)


def _rests(showing: Showing, on: date) -> bool:
    """Whether what came up keeps a memory away from a day; what was dismissed is gone from the same day too."""
    days = (on - showing.day).days
    return (days > 0 or showing.reaction is Reaction.DISMISSED) and 0 <= days <= REST_DAYS[showing.reaction]


def _variety(memory: Memory, told: Mapping[str, int]) -> float:
    """What is left of a memory's worth beside others of its kind, its place and its people."""
    again = max((told.get(subject, 0) for subject in _subjects(memory)), default=0)
    return float(_SAME_KIND ** told.get(memory.kind, 0) * _SAME_PLACE**again)


def _subjects(memory: Memory) -> tuple[str, ...]:
    """The places and people on at least half of a memory's photos."""
    counts: dict[str, int] = {}
    for photo in memory.photos:
        names = {f"person {person.name}" for person in photo.facts.people}
        names |= {f"place {photo.place.geoname_id}"} if photo.place else set()
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    return tuple(sorted(name for name, count in counts.items() if 2 * count >= len(memory.photos)))


def _overlap(memory: Memory, seen: set[str]) -> float:
    return sum(photo.id in seen for photo in memory.photos) / len(memory.photos)


def _lot(memory_id: str, on: date) -> float:
    """A number from 0 to 1 that is the memory's own on that day."""
    digest = hashlib.blake2b(f"{memory_id} {on.isoformat()}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) / 2**32
