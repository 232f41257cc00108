"""What a query asks for: clauses that must all hold, each of them one of several terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from photos_engine.experiences.search.dates import When
from photos_engine.store.lookups import Trait


class Kind(StrEnum):
    """What a term is about; the values are the keys of `SearchAnswer.understood`."""

    WHEN = "dates"
    WHERE = "places"
    WHO = "people"
    FACT = "facts"
    EXACT = "exact"
    PHRASE = "words"


@dataclass(frozen=True, slots=True)
class Where:
    """Places by their numbers in the library; none for a country or city that no photo was taken in.

    country: that a city without photos lies in.
    """

    name: str
    geoname_ids: tuple[int, ...]
    country: str = ""


@dataclass(frozen=True, slots=True)
class Who:
    """A person, by all the ways in which the library writes the name."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Utility:
    """Utility content of one kind."""

    kind: str


@dataclass(frozen=True, slots=True)
class Formats:
    """File formats, as `Photo.format` names them."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cameras:
    """Cameras, as the library's roster names them."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lenses:
    """Lenses, as the metadata name them."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeadCount:
    """So many people, found in the picture or named in its metadata."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Stars:
    """A rating of at least so many stars."""

    least: int


@dataclass(frozen=True, slots=True)
class Blurred:
    """Photos that are not sharp."""


@dataclass(frozen=True, slots=True)
class Exact:
    """Words that must stand in a photo's own words, in that order."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """What is to be seen, in words."""


Fact = When | Where | Who | Utility | Formats | Cameras | Lenses | HeadCount | Stars | Blurred | Trait
"""What is known without looking at pixels, or once and for all."""
Meaning = Fact | Exact | Phrase

_KINDS: Mapping[type, Kind] = {
    When: Kind.WHEN,
    Where: Kind.WHERE,
    Who: Kind.WHO,
    Exact: Kind.EXACT,
    Phrase: Kind.PHRASE,
}


@dataclass(frozen=True, slots=True)
class Term:
    """A piece of a query: its words as they were typed, and what they mean."""

    text: str
    meaning: Meaning

    @property
    def kind(self) -> Kind:
        """What it is about."""
        return _KINDS.get(type(self.meaning), Kind.FACT)


@dataclass(frozen=True, slots=True)
class Clause:
    """Terms of which one is enough, or of which none may hold."""

    terms: tuple[Term, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A query understood: photos must meet every clause."""

    clauses: tuple[Clause, ...]
    not_understood: tuple[str, ...] = ()
    spelling: tuple[tuple[str, str], ...] = ()  # as it was typed, as it was read

    def as_understood(self) -> dict[str, object]:
        """What was understood, for people and programs: kind -> words, `without`, `spelling`, `not_understood`."""
        found: dict[str, list[str]] = {}
        for clause in self.clauses:
            for term in clause.terms:
                key = "without" if clause.is_negated else term.kind.value
                found.setdefault(key, []).append(_describe(term))
        if self.spelling:
            found["spelling"] = [f"{typed}: {read}" for typed, read in self.spelling]
        if self.not_understood:
            found["not_understood"] = list(self.not_understood)
        return dict(found)


def _describe(term: Term) -> str:
    if not isinstance(term.meaning, When) or not term.meaning.spans:
        return term.text
    shown = [str(a) if a == b else f"{a} to {b}" for a, b in term.meaning.spans[:3]]
    more = "" if len(term.meaning.spans) <= 3 else f" and {len(term.meaning.spans) - 3} more"
    return f"{term.text} ({', '.join(shown)}{more})"
