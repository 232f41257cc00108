"""Completion: what someone who is still typing may mean, out of what the library has."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA

from photos_engine.experiences.search.names import fact_names, fold, split
from photos_engine.experiences.search.sources import Basis
from photos_engine.types import Suggestion, Tag

_LONGEST_TAIL = 4
"""Words that a name has."""
_SHORTEST_SLIP = 4
"""Letters from which a slip is forgiven."""
_LEADS_TO = {"in": "place", "at": "place", "from": "place", "near": "place", "with": "person"}
"""What follows a small word that is typed already: "dog in", of which no name is to begin."""
_SEASONS = ("spring", "summer", "autumn", "winter")


@dataclass(frozen=True, slots=True)
class Completions:
    """Every name that a query can say about a library, found by the beginning of any of its words.

    beginnings: (folded tail of a name, number of the name), sorted.
    """

    names: tuple[Suggestion, ...]
    beginnings: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, basis: Basis, tags: Mapping[str, Tag]) -> Completions:
        """Gather the names that a library has photos for."""
        found: dict[str, Suggestion] = {}
        for name in _gather(basis, tags):  # one for each text: of a document, the tag and what the photo serves for
            known = found.setdefault(name.text.casefold(), name)
            if name.photos > known.photos:
                found[name.text.casefold()] = name
        tails = (
            (" ".join(words[start:]), number)
            for number, name in enumerate(found.values())
            for words in [split(name.text)]
            for start in range(len(words))
        )
        return cls(tuple(found.values()), tuple(sorted(tails)))

    def complete(self, text: str, limit: int) -> tuple[Suggestion, ...]:
        """Queries that begin as `text` does; its last words may begin a name. Names of most photos first."""
        words = text.split()
        if not words:
            return ()
        if len(words) > 1 and (kind := _LEADS_TO.get(fold(words[-1]))):
            led = self._ranked((n for n, name in enumerate(self.names) if name.kind == kind), limit)
            if led:
                return tuple(Suggestion(f"{' '.join(words)} {name.text}", kind, name.photos) for name in led)
        for length in range(min(_LONGEST_TAIL, len(words)), 0, -1):
            head, tail = words[:-length], words[-length:]
            if found := self._starting(" ".join(split(" ".join(tail))), limit):
                return tuple(Suggestion(" ".join([*head, name.text]), name.kind, name.photos) for name in found)
        found = self._misspelled(fold(words[-1]), limit)
        return tuple(Suggestion(" ".join([*words[:-1], name.text]), name.kind, name.photos) for name in found)

    def _starting(self, start: str, limit: int) -> list[Suggestion]:
        numbers: set[int] = set()
        for tail, number in self.beginnings[bisect_left(self.beginnings, (start, -1)) :] if start else ():
            if not tail.startswith(start):
                break
            numbers.add(number)
        return self._ranked(numbers, limit)

    def _misspelled(self, start: str, limit: int) -> list[Suggestion]:
        if len(start) < _SHORTEST_SLIP:
            return []
        cut = (tail[: len(start)] for tail, _ in self.beginnings)
        near = process.extract(start, list(cut), scorer=OSA.distance, score_cutoff=1, limit=None)
        return self._ranked({self.beginnings[place][1] for _, _, place in near}, limit)

    def _ranked(self, numbers: Iterable[int], limit: int) -> list[Suggestion]:
        best = sorted(numbers, key=lambda number: (-self.names[number].photos, number))
        return [self.names[number] for number in best[:limit]]


def _gather(basis: Basis, tags: Mapping[str, Tag]) -> Iterator[Suggestion]:
    for tag_id, count in basis.columns.tags.counts().items():
        if (tag := tags.get(tag_id)) is not None and not tag.is_hidden:
            yield Suggestion(tag.label, "tag", count)
    names, people = basis.names, basis.called.counts() | basis.columns.people.counts()
    yield from (Suggestion(name, "place", count) for name, count in names.place_counts.items())
    yield from (Suggestion(name, "person", count) for name, count in people.items())
    for year, count in names.by_year.items():
        yield Suggestion(str(year), "date", count)
        yield from (Suggestion(f"{season} {year}", "date", 0) for season in _SEASONS)
    facts = fact_names()
    for words in facts:
        if not words[-1].endswith("s") or (*words[:-1], words[-1][:-1]) not in facts:  # one of the two is enough
            yield Suggestion(" ".join(words), "fact", 0)
