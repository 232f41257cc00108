"""Spelling: what a word was meant to be, where nobody knows it as it was typed.

A word is taken as it stands where the taxonomy, the library's names, the photos' own words or the text
encoder know it. Of the rest, one that is a slip away from a known word is read as that, and the answer
says so; one in letters that the encoder can't read is said not to be understood.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.experiences.search import counts, dates
from photos_engine.experiences.search.cities import city_names
from photos_engine.experiences.search.names import country_names, fact_names, fold, shape_names

_SHORTEST = 4
"""Letters: nearly any two words of three are a slip apart."""
_SHORTEST_SWAP = 3
"""Letters of which two may have been typed in the wrong order: "dgo"."""
_TWO_SLIPS_FROM = 8
"""Letters from which two slips are forgiven, where the first and the last letter are right:
a password is no passport."""


@dataclass(frozen=True, slots=True)
class Speller:
    """What is known of words. library: those of the names in one library, as `fold` leaves them."""

    taxonomy: Taxonomy
    library: frozenset[str]
    pieces: Callable[[str], int]
    is_written: Callable[[str], bool]

    def read(self, word: str) -> str | None:
        """The word as it should be read: as it is, corrected, or None for one that nobody can read."""
        folded = fold(word)
        is_read = _is_latin(folded)  # of other letters the encoder has some, and understands none
        if is_read and (len(folded) < _SHORTEST_SWAP or not folded.isalpha()):
            return word
        if self._is_said(word, folded):
            return word
        if not is_read:
            return None
        if len(folded) < _SHORTEST:
            return self._swapped(folded) or word
        if self._is_learned(folded):
            return word
        vocabularies = (_common_words(self.taxonomy), self.library)
        return self._nearest(folded, vocabularies) or (word if self.pieces(folded) else None)

    def knows(self, word: str) -> bool:
        """Whether somebody knows a word as it stands; what is no word, as a number, counts as known."""
        folded = fold(word)
        return not folded.isalpha() or self._is_said(word, folded) or self._is_learned(folded)

    def _is_said(self, word: str, folded: str) -> bool:
        """Whether the taxonomy, the library's names or its photos' words have a word."""
        return folded in _common_words(self.taxonomy) or folded in self.library or self.is_written(word)

    def _is_learned(self, folded: str) -> bool:
        """Whether the encoder knows a word as a whole, or it is a city's name."""
        return self.pieces(folded) == 1 or (folded,) in city_names(self.taxonomy)

    def _swapped(self, word: str) -> str | None:
        """A common word with two letters next to each other in the other order; None for what the encoder knows."""
        if self.pieces(word) == 1:
            return None
        swaps = (word[:n] + word[n + 1] + word[n] + word[n + 2 :] for n in range(len(word) - 1))
        return next((swap for swap in swaps if swap in _common_words(self.taxonomy)), None)

    def _nearest(self, word: str, vocabularies: Iterable[frozenset[str]]) -> str | None:
        slips = 2 if len(word) >= _TWO_SLIPS_FROM else 1
        found = [
            (distance, near[0] != word[0], near)
            for vocabulary in vocabularies
            for near, distance, _ in process.extract(
                word, vocabulary, scorer=OSA.distance, score_cutoff=slips, limit=5, processor=None
            )
            if len(near) >= _SHORTEST and (distance == 1 or (near[0], near[-1]) == (word[0], word[-1]))
        ]
        return min(found)[2] if found else None


def _is_latin(word: str) -> bool:
    return all(unicodedata.name(letter, "").startswith("LATIN") for letter in word if letter.isalpha())


@cache
def _common_words(taxonomy: Taxonomy) -> frozenset[str]:
    """Every single word of the names that all libraries share."""
    names = (name for words in (fact_names(), shape_names(), country_names()) for name in words)
    shared = {word for name in names for word in name}
    return frozenset(shared | dates.WORDS | counts.WORDS | {word for name in taxonomy.names() for word in name.split()})
