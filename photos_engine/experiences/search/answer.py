"""The answer: clauses joined, the best photos first, which stage found them, and what to ask instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from photos_engine.errors import UsageError
from photos_engine.experiences.search.alike import Example, match_alike_to
from photos_engine.experiences.search.dates import When
from photos_engine.experiences.search.facets import count_facets
from photos_engine.experiences.search.facts import match_exact, match_fact, match_words
from photos_engine.experiences.search.likeness import ORDER
from photos_engine.experiences.search.matches import NOTHING, Matches, all_of, any_of, both, match_alike, rows_of
from photos_engine.experiences.search.phrases import match_phrase, suggest_for
from photos_engine.experiences.search.query import Clause, Exact, HeadCount, Phrase, Query, Term, Where, Who
from photos_engine.experiences.search.sources import SearchSources
from photos_engine.experiences.search.spelling import Speller
from photos_engine.experiences.search.understand import understand
from photos_engine.store.lookups import Trait
from photos_engine.types import Decision, FloatArray, SearchAnswer, SearchHit

_VISUAL_STAGES = {
    "tag": "taxonomy",
    "synonym": "synonym",
    "concept": "concept",
    "likeness": "embedding",
    "like": "embedding",
    ORDER: "embedding",
}
"""Code of a reason -> the stage it comes from, in the order of the chain; every other code is of the metadata."""
_WORDS = frozenset({"words", "words_in_picture"})
"""Words in metadata and pictures answer for the same phrase as tags and likeness: they make no answer mixed."""
_MOST_SUGGESTIONS = 5


def search(
    query: str,
    *,
    limit: int,
    sources: SearchSources,
    example: Example | None = None,
    with_facets: bool = False,
) -> SearchAnswer:
    """Answer a query with at most `limit` present photos, best first, and say how they were found.

    With an example, photos like it are found, and what the words say is to be seen moves that likeness; the rest
    of the query holds as ever. Nothing found is an answer too: stage "none", with suggestions of what the library has.
    Raises: UsageError for a limit below 1 or a query of more than 1,000 characters.
    """
    if limit < 1:
        raise UsageError(f"limit must be at least 1, not {limit}")
    asked = understand(query, sources.basis.names, sources.taxonomy, sources.today, _speller(sources))
    found = _match(asked, sources) if example is None else _match_example(example, asked, sources)
    shown = _shown(found, sources, is_hidden_asked=_asks_for_hidden(asked))
    hits = _hits(shown, limit, sources)
    return SearchAnswer(
        query=query,
        stage=_stage(hits),
        understood=asked.as_understood()
        | ({} if example is None else {"like": [example.name]})
        | _notes(hits, asked, sources),
        suggestions=() if hits else _suggest(asked, sources),
        results=hits,
        facets=count_facets(shown, sources) if with_facets else {},
    )


def _match_example(example: Example, query: Query, sources: SearchSources) -> Matches:
    """Photos like an example: the query's phrases go with it, its other clauses choose among what is like it."""
    phrases = [clause for clause in query.clauses if _is_phrase(clause)]
    rest = tuple(clause for clause in query.clauses if not _is_phrase(clause))
    among = _match(Query(rest), sources) if rest else None
    alike = match_alike_to(example, [clause.terms[0].text for clause in phrases], among, sources)
    return alike if among is None else both(alike, among)


def _is_phrase(clause: Clause) -> bool:
    return not clause.is_negated and len(clause.terms) == 1 and isinstance(clause.terms[0].meaning, Phrase)


def _speller(sources: SearchSources) -> Speller:
    def is_written(word: str) -> bool:
        return len(match_words([word], sources)) > 0

    return Speller(sources.taxonomy, sources.basis.names.words, sources.pieces, is_written)


def _match(query: Query, sources: SearchSources) -> Matches:
    wanted = [clause for clause in query.clauses if not clause.is_negated]
    unwanted = [clause for clause in query.clauses if clause.is_negated]
    if wanted:
        found = _match_all(wanted, sources)
    elif unwanted:
        found = match_alike(sources.basis.roster.keys, "without", "It has nothing of what you left out.")
    else:
        return NOTHING
    for clause in unwanted if len(found) else ():
        found = found.without(_match_clause(clause, sources).keys)
    return found


def _match_all(clauses: Sequence[Clause], sources: SearchSources) -> Matches:
    """The photos that meet every clause: what is to be seen is looked for among those that all else holds for."""
    phrases = [clause for clause in clauses if _is_phrase(clause)]
    rest = [clause for clause in clauses if not _is_phrase(clause)]
    if not (phrases and rest):
        return all_of(_match_clause(clause, sources) for clause in clauses)
    found = all_of(_match_clause(clause, sources) for clause in rest).within(sources.basis.roster.keys)
    for clause in phrases if len(found) else ():
        found = both(match_phrase(clause.terms[0].text, sources, found.keys), found)
    return found


def _match_clause(clause: Clause, sources: SearchSources) -> Matches:
    return any_of(_match_term(term, sources) for term in clause.terms)


def _match_term(term: Term, sources: SearchSources) -> Matches:
    match term.meaning:
        case Phrase():
            return match_phrase(term.text, sources)
        case Exact():
            return match_exact(term.text, sources)
        case HeadCount():
            # Without a detector nobody counts heads; the words may still be near to a picture.
            counted = match_fact(term.meaning, term.text, sources)
            return counted if len(counted) else match_phrase(term.text, sources)
        case fact:
            return match_fact(fact, term.text, sources)


def _asks_for_hidden(query: Query) -> bool:
    return any(
        term.meaning is Trait.HIDDEN for clause in query.clauses for term in clause.terms if not clause.is_negated
    )


def _shown(found: Matches, sources: SearchSources, *, is_hidden_asked: bool) -> Matches:
    """Those that may be shown: present, and not hidden."""
    present = found.within(sources.basis.roster.keys)
    return present if is_hidden_asked else present.without(sources.basis.of(Decision.HIDE))


def _hits(shown: Matches, limit: int, sources: SearchSources) -> tuple[SearchHit, ...]:
    """The best photos; among equals the newest first."""
    roster = sources.basis.roster
    taken = roster.taken_utc[rows_of(shown.keys, roster.keys)]
    best = _best(limit, shown.strengths, taken)
    best = best[np.lexsort((shown.keys[best], -taken[best], -shown.strengths[best]))][:limit]
    photos = sources.unit.photos.by_keys(shown.keys[best].tolist())
    ranked = zip(shown.keys[best].tolist(), shown.strengths[best].tolist(), strict=True)
    return tuple(SearchHit(photos[key], round(p, 4), shown.reasons(key)) for key, p in ranked)


def _best(limit: int, strengths: FloatArray, taken: NDArray[np.float64]) -> NDArray[np.int64]:
    """The rows that the `limit` strongest, and among equals newest, are among; to sort all would take longer."""
    if len(strengths) <= limit:
        return np.arange(len(strengths))
    least = np.partition(strengths, -limit)[-limit]
    stronger, equal = np.flatnonzero(strengths > least), np.flatnonzero(strengths == least)
    wanted = limit - len(stronger)
    if len(equal) > wanted:
        equal = equal[taken[equal] >= np.partition(taken[equal], -wanted)[-wanted]]
    return np.concatenate([stronger, equal])


def _notes(hits: Sequence[SearchHit], asked: Query, sources: SearchSources) -> dict[str, list[str]]:
    """What somebody should know of the answer as a whole: of which words it can't be sure, or knows nothing."""
    notes = dict.fromkeys(reason.text for hit in hits for reason in hit.reasons if reason.code == ORDER)
    if not hits:
        speller = _speller(sources)
        phrases = [term.text for clause in asked.clauses for term in clause.terms if isinstance(term.meaning, Phrase)]
        unknown = (word for phrase in phrases for word in phrase.split() if not speller.knows(word))
        notes |= dict.fromkeys(f"“{word}” is no word that the engine knows." for word in unknown)
    return {"notes": list(notes)} if notes else {}


def _stage(hits: Iterable[SearchHit]) -> str:
    codes = {reason.code for hit in hits for reason in hit.reasons}
    visual = [stage for code, stage in _VISUAL_STAGES.items() if code in codes]
    if not codes:
        return "none"
    if not visual:
        return "metadata"
    return "mixed" if codes - _VISUAL_STAGES.keys() - _WORDS else visual[0]


def _suggest(query: Query, sources: SearchSources) -> tuple[str, ...]:
    """What to ask instead: near what was asked for, or else what the library has most of."""
    names = sources.basis.names
    offers: list[str] = []
    wanted = [term for clause in query.clauses if not clause.is_negated for term in clause.terms]
    for term in wanted:
        match term.meaning:
            case Exact():
                named = (match.tag for match in sources.taxonomy.find(term.text))
                offers += [tag.label for tag in named if sources.basis.tag_counts.get(tag.id)]
            case Phrase():
                offers += suggest_for(term.text, sources)
            case Where(country=country):
                offers += [country] if country in names.place_counts else []
                offers += names.cities[:3]
            case When():
                offers += [str(year) for year in islice(names.by_year, 3)]
            case Who():
                offers += names.people_names[:3]
    if not offers:
        counts = sources.basis.tag_counts
        known = (sources.taxonomy.tag(tag_id) for tag_id in counts if tag_id in sources.taxonomy)
        offers = [tag.label for tag in known if not tag.is_hidden]
    return tuple(dict.fromkeys(offers))[:_MOST_SUGGESTIONS]
