"""Which memories come up on a day: few, good, of different kinds, and the same all day long."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date

from photos_engine.types import Memory

MAX_A_DAY = 8
BACK_OFF_DAYS = 7
_SAME_KIND = 0.6  # what the second of a kind is worth, and so on
_MAX_OVERLAP = 0.5  # of a memory's photos that another one shows already
_LEAST_WORTH = 0.1
_FRESHNESS = 0.3  # how much the day's own lot can raise a memory, so that days differ


def choose_for_day(
    memories: Sequence[Memory], on: date, shown: Mapping[str, date] | None = None, limit: int = MAX_A_DAY
) -> tuple[Memory, ...]:
    """The memories of a day, at most `limit`, best first; equal arguments give equal answers.

    shown: memory id -> the last day on which it came up; for `BACK_OFF_DAYS` it then rests. A memory that
    shows half of another's photos doesn't come up beside it. Better few than weak ones.
    """
    shown = shown or {}
    rested = [m for m in memories if m.id not in shown or not 0 < (on - shown[m.id]).days < BACK_OFF_DAYS]
    worth = {m.id: m.score * (1 + _FRESHNESS * _lot(m.id, on)) for m in rested}
    chosen: list[Memory] = []
    seen: set[str] = set()
    kinds: dict[str, int] = {}
    while len(chosen) < limit:
        free = [m for m in rested if m not in chosen and _overlap(m, seen) <= _MAX_OVERLAP]
        best = max(free, key=lambda m: (worth[m.id] * _SAME_KIND ** kinds.get(m.kind, 0), m.id), default=None)
        if best is None or worth[best.id] * _SAME_KIND ** kinds.get(best.kind, 0) < _LEAST_WORTH:
            break
        chosen.append(best)
        kinds[best.kind] = kinds.get(best.kind, 0) + 1
        seen |= {photo.id for photo in best.photos}
    return tuple(chosen)


def _overlap(memory: Memory, seen: set[str]) -> float:
    return sum(photo.id in seen for photo in memory.photos) / len(memory.photos)


def _lot(memory_id: str, on: date) -> float:
    """A number from 0 to 1 that is the memory's own on that day."""
    digest = hashlib.blake2b(f"{memory_id} {on.isoformat()}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) / 2**32
