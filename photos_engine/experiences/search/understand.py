"""From words to a query: what in it is a time, a place, a person, a fact, and what is to be seen.

Names that are longer win over shorter ones, and the library's own over the world's: "christmas tree" is no
feast, and "Nice" is a city only for those who have been there (see `cities`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache, partial
from itertools import chain

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.errors import UsageError
from photos_engine.experiences.search.cities import city_names
from photos_engine.experiences.search.countries import country_of
from photos_engine.experiences.search.counts import read_head_count
from photos_engine.experiences.search.dates import Almanac, When, read_when
from photos_engine.experiences.search.names import (
    LibraryNames,
    Words,
    country_names,
    fold,
    shape_names,
)
from photos_engine.experiences.search.query import Clause, Exact, Meaning, Phrase, Query, Term, Where
from photos_engine.experiences.search.spelling import Speller

LONGEST_QUERY = 1_000
"""Characters: five times the longest caption that people write."""
_LONGEST_NAME = 6

_PIECE = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<straight>[^"]*)"|“(?P<curly>[^”]*)”|(?P<word>[^\s"“”]+))')
_OPENED = re.compile(r"(?<=\w)\((?=[^()\s]*(?:\s|$))")
"""A parenthesis within a word that doesn't end in it: "NEAR(dog cat)", not "IMG(1)"."""
_FLAG_LETTERS = 0x1F1E6
"""The first of 26 letters, two of which are shown as a country's flag."""
_LIKE_THIS = re.compile(
    r"^\s*(?:more\s+)?like\s+(?:this|that|it)(?:\s+one)?\s*,?\s*(?:(?:but|and|only)\b)?", re.IGNORECASE
)
"""How people begin who show a picture."""
_OPERATORS = frozenset({"OR", "|", "||", "or"})
_ALL_OF = frozenset({"AND", "&&"})
"""Clauses must all hold anyway; in small letters it may be a part of a name."""
_NEGATIONS = frozenset({"no", "not", "without", "except", "excluding"})
_EMPTY_WORDS = (
    "in at on from of during by near with around taken shot a an the and my our me us i we show find search get give "
    "see all any some that this these those to for is are was were has have had which where when who please & + "
    "i you your they what whose how did do does done go goes went been visit visited took take made make there "
    "between since until till ago also but just only everything anything something things stuff can could want would "
    "photo photos picture pictures image images pic pics shots photograph photographs"
)
STOP_WORDS = frozenset(_EMPTY_WORDS.split())
"""Words that say nothing about what is to be seen."""
_GRAMMAR = STOP_WORDS | _NEGATIONS | {"or"}
_OUTINGS = frozenset(
    {"trip", "trips", "holiday", "holidays", "vacation", "vacations", "journey", "tour", "getaway", "weekend", "stay"}
)
"""What people call it when they were at a place or away for a time: beside one of these it says no more."""
_BEYOND = (
    "best better nicest newest oldest latest earliest recent recently biggest largest smallest bigger smaller quality "
    "duplicate duplicates edited unedited downloaded imported shared sent uploaded untagged random abroad"
)
_BEYOND_WORDS = frozenset(_BEYOND.split())
"""Orders, histories and properties that no photo shows and search knows nothing of: the answer says so."""
_SIZES = re.compile(
    r"\b(?:bigger|larger|smaller|more|less)\s+than\s+[\d.,]+\s*(?:[kmg]b|mp|megapixels?|pixels?)\b", re.I
)
_NUMBERED = re.compile(
    r"\b(?:last|latest|first|newest|top|most recent)\s+\d+\s+(?:photo|picture|image|pic|shot)s?\b", re.I
)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    folded: str
    is_exact: bool = False
    is_negated: bool = False
    ends_group: bool = False


@dataclass(slots=True)
class _Draft:
    """Terms in the order of the query, where None stands for OR; loose words wait for the rest of their phrase."""

    parts: list[tuple[Term, bool] | None] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    loose_at: int = 0
    not_understood: list[str] = field(default_factory=list)
    spelling: list[tuple[str, str]] = field(default_factory=list)

    def add_word(self, word: str) -> None:
        if not self.loose:
            self.loose_at = len(self.parts)
        self.loose.append(word)

    def add_term(self, term: Term, *, is_negated: bool = False) -> None:
        if self.parts and self.parts[-1] is None:
            self.end_phrase()
        # "dogs in June": the word that leads to a term is no part of the phrase.
        while self.loose and fold(self.loose[-1]) in STOP_WORDS:
            self.loose.pop()
        self.parts.append((term, is_negated))

    def add_or(self) -> None:
        self.end_phrase()
        self.parts.append(None)

    def end_phrase(self) -> None:
        if words := _trim(self.loose):
            self.parts.insert(self.loose_at, (Term(" ".join(words), Phrase()), False))
        self.loose = []


def understand(text: str, names: LibraryNames, taxonomy: Taxonomy, today: date, speller: Speller) -> Query:
    """Read a query; what it doesn't understand, the query says.

    Raises: UsageError for a text of more than `LONGEST_QUERY` characters.
    """
    if len(text) > LONGEST_QUERY:
        raise UsageError(f"the query has {len(text):,} characters; at most {LONGEST_QUERY:,} are read")
    draft = _Draft()
    read_text = _without_the_unknown(_LIKE_THIS.sub("", text), draft.not_understood)
    tokens = _spelled(_tokens(read_text, draft.not_understood), draft, speller)
    first, last = names.years or (today.year, today.year)
    almanac = Almanac(today, first, max(last, today.year), names.country_code, names.is_southern)

    def read(words: Sequence[str]) -> tuple[int, Meaning] | None:
        return _read_term(words, names, taxonomy, almanac)

    position = 0
    while position < len(tokens):
        position += _take(tokens[position:], draft, read, taxonomy)
    draft.end_phrase()
    clauses = _join(draft.parts)
    if not clauses and not draft.not_understood and any(c.isalnum() for c in text):
        draft.not_understood.append(text.strip())
    return Query(clauses, tuple(draft.not_understood), tuple(draft.spelling))


def _take(
    tokens: Sequence[_Token],
    draft: _Draft,
    read: Callable[[Sequence[str]], tuple[int, Meaning] | None],
    taxonomy: Taxonomy,
) -> int:
    """Take what the first tokens say into the draft; returns how many they are."""
    token = tokens[0]
    if token.text in _OPERATORS:
        draft.add_or()
        return 1
    if token.text in _ALL_OF and not token.is_exact:
        draft.end_phrase()
        return 1
    if not token.is_exact and not token.is_negated and token.folded in _NEGATIONS and len(tokens) > 1:
        skipped = 1
        while skipped < len(tokens) - 1 and tokens[skipped].folded in STOP_WORDS:
            skipped += 1
        is_cut_short = tokens[skipped].text in _OPERATORS
        return skipped + (0 if is_cut_short else _take_negated(tokens[skipped:], draft, read, taxonomy))
    if token.is_negated:
        return _take_negated(tokens, draft, read, taxonomy)
    if token.is_exact:
        draft.add_term(Term(token.text, Exact()))
        return 1
    run = _folded_run(tokens)
    found = read(run)
    if found is None:
        if token.folded in _BEYOND_WORDS and not taxonomy.find(token.text):
            draft.not_understood.append(token.text)
        else:
            draft.add_word(token.text)
        if token.ends_group:
            draft.end_phrase()
        return 1
    used, meaning = found
    draft.add_term(Term(_text(tokens[:used]), meaning))
    return used


def _take_negated(
    tokens: Sequence[_Token],
    draft: _Draft,
    read: Callable[[Sequence[str]], tuple[int, Meaning] | None],
    taxonomy: Taxonomy,
) -> int:
    if tokens[0].is_exact:
        draft.add_term(Term(tokens[0].text, Exact()), is_negated=True)
        return 1
    run = _folded_run(tokens)
    used, meaning = read(run) or (max(1, _tag_length(run, taxonomy)), Phrase())
    draft.add_term(Term(_text(tokens[:used]), meaning), is_negated=True)
    return used


def _read_term(
    words: Sequence[str], names: LibraryNames, taxonomy: Taxonomy, almanac: Almanac
) -> tuple[int, Meaning] | None:
    """Read the meaning of the first words; None where they are words for what is seen, or for nothing."""
    tag_length = _tag_length(words, taxonomy)
    found: tuple[int, Meaning] | None = None
    for vocabulary in names.vocabularies:
        found = _longer(found, _look_up(words, vocabulary))
    found = _longer(found, read_when(words, almanac))
    found = _longer(found, read_head_count(words))
    for late in (shape_names, country_names, partial(city_names, taxonomy)):
        if found is None and not tag_length:
            found = _look_up(words, late())
    return found if found is not None and found[0] >= tag_length else None


def _longer(a: tuple[int, Meaning] | None, b: tuple[int, Meaning] | None) -> tuple[int, Meaning] | None:
    return b if a is None or (b is not None and b[0] > a[0]) else a


def _look_up(words: Sequence[str], vocabulary: Mapping[Words, Meaning]) -> tuple[int, Meaning] | None:
    for length in range(min(_LONGEST_NAME, len(words)), 0, -1):
        name = tuple(chain.from_iterable(map(_parts, words[:length])))
        if (meaning := vocabulary.get(name)) is not None:
            return length, meaning
    return None


@lru_cache(maxsize=1_000)
def _parts(word: str) -> Sequence[str]:
    """What a name is looked up by: every vocabulary asks for each word of a query."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", word)


def _tag_length(words: Sequence[str], taxonomy: Taxonomy) -> int:
    lengths = range(min(_LONGEST_NAME, len(words)), 0, -1)  # none for no words
    return next((n for n in lengths if words[0] not in STOP_WORDS and taxonomy.find(" ".join(words[:n]))), 0)


def _folded_run(tokens: Sequence[_Token]) -> list[str]:
    """The words from the first token to the next quote, operator or minus."""
    run: list[str] = []
    for index, token in enumerate(tokens):
        if token.is_exact or token.text in _OPERATORS or (index and token.is_negated):
            break
        run.append(token.folded)
    return run


def _text(tokens: Sequence[_Token]) -> str:
    return " ".join(token.text for token in tokens)


def _trim(words: list[str]) -> list[str]:
    while words and fold(words[0]) in STOP_WORDS:
        words = words[1:]
    while words and fold(words[-1]) in STOP_WORDS:
        words = words[:-1]
    return words


def _without_the_unknown(text: str, not_understood: list[str]) -> str:
    """The text without sizes of files and numbers of results, which are put down as not understood."""
    for pattern in (_SIZES, _NUMBERED):
        not_understood += pattern.findall(text)
        text = pattern.sub(" ", text)
    return text


def _tokens(text: str, not_understood: list[str]) -> list[_Token]:
    # Control characters, lone surrogates and joiners mean nothing; no database takes them all.
    printable = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFKC", text))
    found: list[_Token] = []
    for match in _PIECE.finditer(_OPENED.sub(" ", printable)):
        quoted = match["straight"] if match["straight"] is not None else match["curly"]
        piece = quoted.strip() if quoted is not None else match["word"]
        ends_group = quoted is None and piece.endswith(")") and "(" not in piece.lstrip("(")
        if quoted is None and piece not in _OPERATORS:
            piece = piece.strip(".,;:!?()[]{}<>*^~#%$\\`")
        if not any(c.isalnum() for c in piece) and piece not in _OPERATORS:
            meant = _picture_words(piece)
            found += [_Token(word, fold(word)) for word in meant]
            if not meant and not piece.isascii():
                not_understood.append(piece)
            continue
        found.append(_Token(piece, fold(piece), quoted is not None, bool(match["minus"]), ends_group))
    return found


def _spelled(tokens: Sequence[_Token], draft: _Draft, speller: Speller) -> list[_Token]:
    """The tokens as they should be read; what was corrected or can't be read, the draft says."""
    found: list[_Token] = []
    for token in tokens:
        word = token.text if token.is_exact or token.folded in _GRAMMAR else speller.read(token.text)
        if word is None:
            draft.not_understood.append(token.text)
        elif word == token.text:
            found.append(token)
        else:
            draft.spelling.append((token.text, word))
            found.append(_Token(word, fold(word), is_negated=token.is_negated, ends_group=token.ends_group))
    return found


def _picture_words(piece: str) -> list[str]:
    """The words of emoji: Unicode calls each by its name, of which what stands before "with" says most.

    A flag is called by its country.
    """
    letters = "".join(chr(ord(c) - _FLAG_LETTERS + ord("A")) for c in piece if 0 <= ord(c) - _FLAG_LETTERS < 26)
    flags = [country_of(letters[n : n + 2]) for n in range(0, len(letters) - 1, 2)]
    names = [unicodedata.name(c, "").lower() for c in piece if unicodedata.category(c) == "So"]
    named = [name.partition(" with ")[0].removesuffix(" face") for name in names if "regional indicator" not in name]
    return [word for name in (*flags, *named) if name for word in name.split()]


def _join(parts: Sequence[tuple[Term, bool] | None]) -> tuple[Clause, ...]:
    """Clauses of the terms: OR joins its neighbours ("no cats or dogs": neither); other phrases become one."""
    clauses: list[Clause] = []
    joins = False
    for part in parts:
        if part is None:
            joins = bool(clauses)
            continue
        term, is_negated = part
        if joins and (clauses[-1].is_negated or not is_negated):
            clauses[-1] = Clause((*clauses[-1].terms, term), clauses[-1].is_negated)
        else:
            clauses.append(Clause((term,), is_negated))
        joins = False
    return _merge_phrases(clauses)


def _merge_phrases(clauses: Sequence[Clause]) -> tuple[Clause, ...]:
    def is_plain(clause: Clause) -> bool:
        return not clause.is_negated and len(clause.terms) == 1 and isinstance(clause.terms[0].meaning, Phrase)

    def is_time_or_place(clause: Clause) -> bool:
        return not clause.is_negated and all(isinstance(term.meaning, When | Where) for term in clause.terms)

    if any(map(is_time_or_place, clauses)):
        clauses = [c for c in clauses if not (is_plain(c) and _OUTINGS.issuperset(fold(c.terms[0].text).split()))]
    plain = [clause for clause in clauses if is_plain(clause)]
    if len(plain) < 2:
        return tuple(clauses)
    merged = Clause((Term(" ".join(clause.terms[0].text for clause in plain), Phrase()),))
    return (merged, *(clause for clause in clauses if not is_plain(clause)))
