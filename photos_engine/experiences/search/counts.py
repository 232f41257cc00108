"""Numbers of people, as they are asked for: "two people", "at least 3 persons", "a group of five"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from photos_engine.experiences.search.dates import read_number
from photos_engine.experiences.search.query import HeadCount

_PEOPLE = frozenset({"people", "persons", "person", "faces", "face"})
_BOUNDS: Mapping[tuple[str, ...], tuple[int, bool]] = {
    ("at", "least"): (0, True),
    ("more", "than"): (1, True),
    ("up", "to"): (0, False),
    ("at", "most"): (0, False),
}
"""What goes before a number -> what to add to it, and whether it is the least or the most."""
_MANY = 1_000
WORDS = frozenset({*_PEOPLE, *(word for bound in _BOUNDS for word in bound), "group"})
"""Single words of numbers of people, for whoever corrects spelling."""


def read_head_count(words: Sequence[str]) -> tuple[int, HeadCount] | None:
    """Read a number of people at the start of `words` (lower case): how many words it takes, and the number."""
    bound = _BOUNDS.get(tuple(words[:2])) if len(words) > 2 else None
    used = 2 if bound else 0
    is_group = tuple(words[used : used + 2]) == ("group", "of")
    used += 2 * is_group
    number = read_number(words[used]) if len(words) > used else None
    if not number or words[used] in ("a", "an"):
        return None
    used += 1
    if len(words) > used and words[used] in _PEOPLE:
        used += 1
    elif not is_group:
        return None
    if bound is None:
        return used, HeadCount(number, number)
    more, is_least = bound
    return used, HeadCount(number + more, _MANY) if is_least else HeadCount(1, number)
