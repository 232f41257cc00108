"""How a phrase reads: which of its words name tags, which name nothing, and which only describe what others name.

"A big dog" is a dog, whatever "big" may be: the thing that is named decides which photos can be meant, and the word
that describes it which of them are meant most. In English what is described comes last before a preposition, after it
only participles: "a small brown dog", "dog barking".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from photos_engine.analyzers.taxonomy import Match as Named
from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.analyzers.taxonomy import words as bare_words
from photos_engine.experiences.search.dates import read_number
from photos_engine.experiences.search.understand import STOP_WORDS

_LONGEST_NAME = 5
_SMALL_WORDS = (
    "and into onto over under through up down out off across along as while his her their its be being wearing one two "
    "three some"
)
_JOINING = STOP_WORDS | frozenset(_SMALL_WORDS.split())
"""Words that join others: no tag names them, and no photo can be asked for them."""


_PHOTOS_OF = re.compile(
    r"\b(?:photo|picture|image|pic|shot|photograph)s?\s+of\s+(?:(?:an?|the|my|our)\s+)?", re.IGNORECASE
)
"""In "beautiful pictures of a beach" it is the beach that is beautiful."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A phrase as the taxonomy reads it: the tags that each run of words names, and the words that name none."""

    named: tuple[tuple[Named, ...], ...]
    unknown: tuple[str, ...]
    content: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that name tags together, or a single word that names none; tags: what it names."""

    words: tuple[str, ...]
    tags: tuple[Named, ...]

    @property
    def is_participle(self) -> bool:
        """Whether it says what somebody does: "running", "horse riding"."""
        return self.words[-1].casefold().endswith("ing")

    @property
    def is_number(self) -> bool:
        """Whether it says how many there are."""
        return len(self.words) == 1 and is_number(self.words[0])

    @property
    def is_thing(self) -> bool:
        """Whether it names something: participles don't, nor what is made of a tag's name, as "snowy", "crowded"."""
        word = bare_words(" ".join(self.words))
        labels = [bare_words(named.tag.label) for named in self.tags]
        made = word.endswith(("y", "ed")) and any(word != label and word.startswith(label) for label in labels)
        return bool(self.tags) and not self.is_participle and not made


@dataclass(frozen=True, slots=True)
class Described:
    """A thing, and what describes it. pieces: of both, in their order."""

    pieces: tuple[Piece, ...]
    thing: Piece

    @property
    def text(self) -> str:
        """All of its words."""
        return " ".join(word for piece in self.pieces for word in piece.words)

    @property
    def describing(self) -> tuple[Piece, ...]:
        """Its pieces without the thing."""
        return tuple(piece for piece in self.pieces if piece is not self.thing)

    @property
    def may_be_another(self) -> bool:
        """Whether it may be another thing by what stands before it, as a stuffed dog is; no number makes it one."""
        return any(not piece.is_number for piece in self.pieces[: self.pieces.index(self.thing)])


@dataclass(frozen=True, slots=True)
class Wording:
    """A phrase in which every word names a thing or describes one."""

    parts: tuple[Described, ...]

    @property
    def describing(self) -> tuple[Piece, ...]:
        """All that describes."""
        return tuple(piece for part in self.parts for piece in part.describing)

    @property
    def loose(self) -> tuple[Piece, ...]:
        """What describes and has no tag: numbers, too."""
        return tuple(piece for piece in self.describing if not piece.tags)

    def without(self, pieces: Collection[Piece]) -> str:
        """The words of the rest."""
        left_out = set(map(id, pieces))  # a word may be there twice
        kept = (piece for part in self.parts for piece in part.pieces if id(piece) not in left_out)
        return " ".join(word for piece in kept for word in piece.words)


def is_number(word: str) -> bool:
    """Whether a word says how many there are."""
    return word.casefold() not in STOP_WORDS and read_number(word.casefold()) is not None


def read_phrase(text: str, taxonomy: Taxonomy) -> Reading:
    """Split a phrase into names of tags, the longest first, and other words."""
    pieces = [p for p in _pieces(text, taxonomy) if p is not None and bare_words(p.words[0]) not in _JOINING]
    return Reading(
        tuple(dict.fromkeys(piece.tags for piece in pieces if piece.tags)),
        tuple(dict.fromkeys(word for piece in pieces if not piece.tags for word in piece.words)),
        tuple(dict.fromkeys(word for piece in pieces for word in piece.words)),
    )


def read_wording(text: str, taxonomy: Taxonomy) -> Wording | None:
    """Tell what a phrase names from what only describes it; None where a word does neither, or none describes."""
    pieces = _pieces(_PHOTOS_OF.sub("", text), taxonomy)
    runs = [
        [piece for piece in run if piece is not None]
        for is_joint, run in groupby(pieces, lambda piece: piece is None)
        if not is_joint
    ]
    parts: list[Described] = []
    for run in runs:
        if not _describe(run, parts):
            return None
    wording = Wording(tuple(parts))
    return wording if wording.describing else None


def _describe(run: Sequence[Piece], parts: list[Described]) -> bool:
    """Add to the parts what words say that no other joins: things, what is said before them, participles after them.

    Participles without a thing belong to the one before: "a dog that is barking". False for words that do neither.
    """
    things = [n for n, piece in enumerate(run) if piece.is_thing]
    after = things[-1] + 1 if things else 0
    if not things and not (parts and all(piece.is_participle for piece in run)):
        named = [n for n, piece in enumerate(run) if piece.tags]
        if not named:
            return False
        things, after = named[-1:], named[-1] + 1
    if not all(piece.is_participle for piece in run[after:]):
        return False
    start = 0
    for thing in things:
        parts.append(Described(tuple(run[start : thing + 1]), run[thing]))
        start = thing + 1
    if rest := tuple(run[after:]):
        parts[-1] = Described((*parts[-1].pieces, *rest), parts[-1].thing)
    return True


def _pieces(text: str, taxonomy: Taxonomy) -> Iterator[Piece | None]:
    """The pieces of a text; None for each word that joins others."""
    words = text.split()
    start = 0
    while start < len(words):
        length, found = _longest_name(words[start:], taxonomy)
        if length == 1 and _is_half_a_name(words[start], found, taxonomy):
            found = () if _longest_name(words[start + 1 :], taxonomy)[0] else found
        is_joint = not found and bare_words(words[start]) in _JOINING and not is_number(words[start])
        yield None if is_joint else Piece(tuple(words[start : start + max(length, 1)]), found)
        start += max(length, 1)


def _is_half_a_name(word: str, found: Sequence[Named], taxonomy: Taxonomy) -> bool:
    """Whether a word names tags only as the singular of a name: before another name, "green" is no single vegetable."""
    plurals = {named.tag.id for named in taxonomy.find(word + "s") if named.how != "plural"}
    return all(named.how == "plural" and named.tag.id in plurals for named in found)


def _longest_name(words: Sequence[str], taxonomy: Taxonomy) -> tuple[int, tuple[Named, ...]]:
    for length in range(min(_LONGEST_NAME, len(words)), 0, -1):
        if words[0].casefold() not in _JOINING and (found := taxonomy.find(" ".join(words[:length]))):
            return length, tuple(found)
    return 0, ()
