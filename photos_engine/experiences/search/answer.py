"""The answer: clauses joined, the best photos first, which stage found them, and what to ask instead."""

from __future__ import annotations

from collections.abc import Iterable

from photos_engine.errors import UsageError
from photos_engine.experiences.search.dates import When
from photos_engine.experiences.search.facts import match_exact, match_fact
from photos_engine.experiences.search.matches import Match, Matches, all_of, any_of, match_alike
from photos_engine.experiences.search.names import LibraryNames
from photos_engine.experiences.search.phrases import match_phrase, suggest_for
from photos_engine.experiences.search.query import Clause, Exact, Phrase, Query, Term, Where, Who
from photos_engine.experiences.search.sources import SearchSources
from photos_engine.experiences.search.understand import understand
from photos_engine.store.lookups import Trait
from photos_engine.types import Photo, SearchAnswer, SearchHit

_VISUAL_STAGES = {"tag": "taxonomy", "synonym": "synonym", "concept": "concept", "likeness": "embedding"}
"""Code of a reason -> the stage it comes from, in the order of the chain; every other code is of the metadata."""
_WORDS = "words"
"""Words in the metadata answer for the same phrase as tags and likeness: they make no answer mixed."""
_MOST_SUGGESTIONS = 5


def search(query: str, *, limit: int, sources: SearchSources) -> SearchAnswer:
    """Answer a query with at most `limit` present photos, best first, and say how they were found.

    Nothing found is an answer too: stage "none", with suggestions of what the library has.
    Raises: UsageError for a limit below 1 or a query of more than 1,000 characters.
    """
    if limit < 1:
        raise UsageError(f"limit must be at least 1, not {limit}")
    names = LibraryNames(sources.unit.lookups)
    understood = understand(query, names, sources.taxonomy, sources.today)
    found = _match(understood, sources)
    hits = _hits(found, limit, sources, is_hidden_asked=_asks_for_hidden(understood))
    suggestions = () if hits else _suggest(understood, names, sources)
    return SearchAnswer(query, _stage(hits), understood.as_understood(), suggestions, hits)


def _match(query: Query, sources: SearchSources) -> Matches:
    wanted = [clause for clause in query.clauses if not clause.is_negated]
    unwanted = [clause for clause in query.clauses if clause.is_negated]
    if wanted:
        found = all_of(_match_clause(clause, sources) for clause in wanted)
    elif unwanted:
        found = match_alike(sources.unit.lookups.present(), "without", "It has nothing of what you left out.")
    else:
        return {}
    for clause in unwanted if found else ():
        out = _match_clause(clause, sources).keys()
        found = {key: match for key, match in found.items() if key not in out}
    return found


def _match_clause(clause: Clause, sources: SearchSources) -> Matches:
    return any_of(_match_term(term, sources) for term in clause.terms)


def _match_term(term: Term, sources: SearchSources) -> Matches:
    match term.meaning:
        case Phrase():
            return match_phrase(term.text, sources)
        case Exact():
            return match_exact(term.text, sources)
        case fact:
            return match_fact(fact, term.text, sources)


def _asks_for_hidden(query: Query) -> bool:
    return any(
        term.meaning is Trait.HIDDEN for clause in query.clauses for term in clause.terms if not clause.is_negated
    )


def _hits(found: Matches, limit: int, sources: SearchSources, *, is_hidden_asked: bool) -> tuple[SearchHit, ...]:
    """The best present photos; among equals the newest first."""
    chosen: list[tuple[Photo, Match]] = []
    for keys in _by_strength(found):
        photos = sources.unit.photos.by_keys(keys)
        shown = [p for p in photos.values() if not p.is_gone and (is_hidden_asked or not p.is_hidden)]
        chosen += [(photo, found[photo.key]) for photo in shown]
        if len(chosen) >= limit:
            break
    chosen.sort(key=lambda pair: (-pair[1].strength, -pair[0].taken.timestamp(), pair[0].id))
    return tuple(SearchHit(photo, round(match.strength, 4), match.reasons) for photo, match in chosen[:limit])


def _by_strength(found: Matches) -> Iterable[list[int]]:
    """Keys in groups of equal strength, strongest first: only the groups that are needed are read."""
    groups: dict[float, list[int]] = {}
    for key, match in found.items():
        groups.setdefault(match.strength, []).append(key)
    batch: list[int] = []
    for strength in sorted(groups, reverse=True):
        batch += groups[strength]
        if len(batch) >= 100:
            yield batch
            batch = []
    yield batch


def _stage(hits: Iterable[SearchHit]) -> str:
    codes = {reason.code for hit in hits for reason in hit.reasons}
    visual = [stage for code, stage in _VISUAL_STAGES.items() if code in codes]
    if not codes:
        return "none"
    if not visual:
        return "metadata"
    return "mixed" if codes - _VISUAL_STAGES.keys() - {_WORDS} else visual[0]


def _suggest(query: Query, names: LibraryNames, sources: SearchSources) -> tuple[str, ...]:
    """What to ask instead: near what was asked for, or else what the library has most of."""
    offers: list[str] = []
    for clause in query.clauses:
        for term in clause.terms if not clause.is_negated else ():
            match term.meaning:
                case Phrase():
                    offers += suggest_for(term.text, sources)
                case Where():
                    offers += [place.city for place, _ in sources.unit.lookups.places()[:3]]
                case When() if names.years is not None:
                    offers += list(dict.fromkeys(str(year) for year in reversed(names.years)))
                case Who():
                    offers += sources.unit.lookups.people()[:3]
    if not offers:
        counts = sources.unit.analyses.tag_counts(sources.model)
        known = (sources.taxonomy.tag(tag_id) for tag_id in counts if tag_id in sources.taxonomy)
        offers = [tag.label for tag in known if not tag.is_hidden]
    return tuple(dict.fromkeys(offers))[:_MOST_SUGGESTIONS]
