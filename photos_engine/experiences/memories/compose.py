"""From candidates to memories: the photos that tell each, a cover, music, a score, and reasons for all of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

import numpy as np

from photos_engine.experiences.memories import candidates as events
from photos_engine.experiences.memories import subjects
from photos_engine.experiences.memories.candidates import Candidate, Sources
from photos_engine.experiences.memories.music import MOODS, choose_music
from photos_engine.experiences.memories.shelf import FloatVector, IntVector, Shelf, fill_shelf
from photos_engine.experiences.memories.titles import Phrases
from photos_engine.graph import EVENT_KINDS, PersonalGraph
from photos_engine.selection import choose_varied, main_subject, rank_for_cover
from photos_engine.types import Decision, Memory, Reason, Snapshot, StoredDecision, Tag

MAX_PHOTOS = 30
MAX_REJECTED = 50  # the best of what was passed over: enough to ask about, little to keep
_PHOTOS_A_ROOT = 2.2  # 20 photos give 10, 100 give 22, from 186 on 30

# How much people open each kind, all else equal; a judgement, to be replaced by what they do open.
_KIND_WORTH: Mapping[str, float] = {
    "trip": 1.0,
    "celebration": 0.95,
    "on_this_day": 0.95,
    "pet": 0.9,
    "person": 0.9,
    "year_in_review": 0.85,
    "day_out": 0.85,
    "place_over_years": 0.8,
    "recent_highlights": 0.8,
    "theme": 0.75,
    "season": 0.7,
}
_OF_ONE_SUBJECT = frozenset({"celebration", "pet", "theme"})
_OUT_OF_SEASON = 0.7
_EVENT_BONUS = 0.3
_APT_DAYS = 7
_LESS, _MORE = 0.3, 1.2


def make_memories(
    snapshot: Snapshot,
    graph: PersonalGraph,
    tags: Mapping[str, Tag],
    *,
    on: date,
    limit: int | None = None,
    locale: str = "en",
    moods: Mapping[str, float] = MOODS,
) -> tuple[Memory, ...]:
    """Every memory that the library holds as of a day, best first; photos taken after that day don't exist yet.

    Ids name the subject ("memory:trip:2023-07-02-biarritz"), so they and what was decided on them outlive
    a refresh. Hidden memories are left out. `moods` is the closed list of moods with their energies.
    """
    shelf = fill_shelf(snapshot, graph, tags, on)
    sources = Sources(shelf, graph, tags, on, Phrases(locale))
    decided = _standing(snapshot.decisions)
    made = []
    for candidate in _find_all(sources):
        decisions = decided.get(f"memory:{candidate.kind}:{candidate.subject}", frozenset())
        if Decision.HIDE not in decisions:
            memory = _tell(candidate, sources, decisions, moods)
            made += [memory] if memory else []
    return tuple(sorted(made, key=lambda m: (-m.score, m.id))[:limit])


def _find_all(s: Sources) -> Iterator[Candidate]:
    """Every candidate that nobody hid; those that others may tell already come after them."""
    hidden = s.graph.hidden()

    def shown(found: Iterable[Candidate]) -> tuple[Candidate, ...]:
        return tuple(c for c in found if c.node not in hidden)

    journeys = shown((*events.find_trips(s), *events.find_days_out(s)))
    feasts = shown(events.find_celebrations(s))
    pets = shown(subjects.find_pets(s))
    yield from (*journeys, *feasts, *pets)
    for find in (
        events.find_on_this_day,
        events.find_years,
        events.find_recent,
        subjects.find_people,
        subjects.find_places,
    ):
        yield from shown(find(s))
    yield from shown(events.find_seasons(s, journeys))
    yield from shown(subjects.find_themes(s, (*journeys, *feasts, *pets)))


def _tell(
    candidate: Candidate, s: Sources, decisions: frozenset[Decision], moods: Mapping[str, float]
) -> Memory | None:
    """Choose the photos; None where too few different ones are left to tell it."""
    shelf, at = s.shelf, candidate.at
    if len(at) < max(s.shelf.min_photos, candidate.min_photos):
        return None
    worth = shelf.worth[at] + (_of_its_own(candidate, s) if candidate.bonus is None else candidate.bonus)
    count = min(MAX_PHOTOS, max(s.shelf.min_photos, round(_PHOTOS_A_ROOT * math.sqrt(len(at)))))
    items = [shelf.items[n] for n in at.tolist()]
    subjects = None if candidate.kind in _OF_ONE_SUBJECT else [main_subject(item, s.tags) for item in items]
    choice = choose_varied(items, shelf.embeddings[at], count, worth, subjects=subjects)
    if len(choice.chosen) < s.shelf.min_photos:
        return None
    chosen = np.array([shelf.by_id[item.photo.id] for item in choice.chosen])
    cover = rank_for_cover(choice.chosen, shelf.embeddings[chosen], worth[np.searchsorted(at, chosen)])[0]
    score, why = _score(candidate, shelf, chosen, s, decisions)
    return Memory(
        id=f"memory:{candidate.kind}:{candidate.subject}",
        kind=candidate.kind,
        title=candidate.title,
        subtitle=candidate.subtitle,
        start=choice.chosen[0].photo.taken,
        end=choice.chosen[-1].photo.taken,
        cover=cover.photo,
        photos=tuple(item.photo for item in choice.chosen),
        music=choose_music(candidate.kind, choice.chosen, s.tags, moods),
        score=score,
        reasons=(*candidate.reasons, *why),
        photo_reasons={**choice.reasons, cover.photo.id: (*choice.reasons[cover.photo.id], *_as_cover(cover.reasons))},
        rejected=choice.rejected[:MAX_REJECTED],
    )


def _of_its_own(candidate: Candidate, s: Sources) -> FloatVector:
    """(n,): more for photos that show what stands out in an event: the tree at Christmas, the sea at the sea."""
    bonus = np.zeros(len(candidate.at))
    if candidate.node and candidate.kind in EVENT_KINDS:
        for _, tag, edge in s.graph.view.out_edges(candidate.node, data=True):
            if edge["relation"] == "shows":
                shows = np.isin(candidate.at, s.shelf.by_tag.get(tag.partition(":")[2], ()))
                bonus = np.maximum(bonus, _EVENT_BONUS * edge["weight"] * shows)
    return bonus


def _as_cover(reasons: tuple[Reason, ...]) -> Iterator[Reason]:
    return (Reason(f"cover_{r.code}", r.weight, f"As the cover: {r.text[0].lower()}{r.text[1:]}") for r in reasons)


def _score(
    candidate: Candidate, shelf: Shelf, chosen: IntVector, s: Sources, decisions: frozenset[Decision]
) -> tuple[float, tuple[Reason, ...]]:
    """What a memory is worth on its day, 0 to 1, and what raised or lowered it."""
    quality = float(shelf.worth[chosen].mean())
    richness = min(1.0, math.sqrt(len(chosen) / 12))
    score = (
        _KIND_WORTH[candidate.kind] * (0.4 + 0.6 * candidate.interest) * (0.4 + 0.6 * quality) * (0.6 + 0.4 * richness)
    )
    reasons = [Reason("quality", round(quality, 4), f"Its photos are worth {quality:.2f} of 1 on average.")]
    if candidate.when and _is_apt(candidate.when, s.on):
        reasons.append(Reason("apt", 1 - _OUT_OF_SEASON, "It was at this time of the year."))
    elif candidate.when:
        score *= _OUT_OF_SEASON
    if Decision.FEATURE_LESS in decisions or (candidate.node and s.graph.is_featured_less(candidate.node)):
        score *= _LESS
        reasons.append(Reason("feature_less", _LESS - 1, "You wanted to see less of it."))
    elif Decision.FAVOURITE in decisions:
        score *= _MORE
        reasons.append(Reason("favourite", _MORE - 1, "You marked it as a favourite."))
    return round(min(1.0, score), 4), tuple(reasons)


def _is_apt(when: tuple[date, date], on: date) -> bool:
    """Whether a span of days, or the week around it, comes round on a day of the year."""
    length = (when[1] - when[0]).days
    days_since = (on - when[0]).days % 365.2425
    return days_since <= length + _APT_DAYS or days_since >= 365.2425 - _APT_DAYS


def _standing(decisions: tuple[StoredDecision, ...]) -> dict[str, frozenset[Decision]]:
    """What stands decided about each memory."""
    standing: dict[str, frozenset[Decision]] = {}
    for d in sorted(decisions, key=lambda d: d.decided_utc):
        if d.subject_kind == "memory":
            before = standing.get(d.subject, frozenset())
            standing[d.subject] = frozenset() if d.decision is Decision.UNDO else before | {d.decision}
    return standing
