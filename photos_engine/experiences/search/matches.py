"""Matches: which photos meet a part of the query, how well, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

from photos_engine.types import Reason


@dataclass(frozen=True, slots=True)
class Match:
    """How well one photo meets a condition, 0 to 1, and why."""

    strength: float
    reasons: tuple[Reason, ...]


Matches = Mapping[int, Match]
"""Photo key -> match."""

NOTHING: Matches = {}


def match_alike(keys: Iterable[int], code: str, text: str, strength: float = 1.0) -> Matches:
    """The same match for all of the photos."""
    match = Match(strength, (Reason(code, strength, text),))
    return dict.fromkeys(keys, match)


def both(a: Matches, b: Matches) -> Matches:
    """The photos in both, with the product of the strengths."""
    return {
        key: Match(a[key].strength * b[key].strength, a[key].reasons + b[key].reasons) for key in a.keys() & b.keys()
    }


def either(a: Matches, b: Matches) -> Matches:
    """The photos in one of them; two independent grounds for a photo are stronger than each."""
    joined = {**a, **b}
    for key in a.keys() & b.keys():
        x, y = a[key], b[key]
        joined[key] = Match(1.0 - (1.0 - x.strength) * (1.0 - y.strength), x.reasons + y.reasons)
    return joined


def all_of(parts: Iterable[Matches]) -> Matches:
    """The photos in every part; of no parts, none."""
    found = list(parts)
    return reduce(both, found) if found else NOTHING


def any_of(parts: Iterable[Matches]) -> Matches:
    """The photos in at least one part."""
    return reduce(either, parts, NOTHING)
