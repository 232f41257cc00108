"""From candidates to memories: the photos that tell each, a cover, music, a score, and reasons for all of it.

A memory is told from its own photos and nothing else of the library. So one that none of the changes since
touched would be told again just as it was: it is kept, and only what it is worth on the day is reckoned anew.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from photos_engine.errors import MemoryNotFound
from photos_engine.experiences.memories import candidates as events
from photos_engine.experiences.memories import subjects
from photos_engine.experiences.memories.candidates import Candidate, Sources
from photos_engine.experiences.memories.concepts import MIN_LIBRARY, ConceptVectors, find_concepts
from photos_engine.experiences.memories.music import MOODS, choose_music
from photos_engine.experiences.memories.shelf import MIN_MEMORABLE, SURE_TAG, FloatVector, IntVector, Shelf, fill_shelf
from photos_engine.experiences.memories.titles import Phrases
from photos_engine.graph import EVENT_KINDS, Looks, PersonalGraph
from photos_engine.selection import choose_rows, rank_for_cover, shortlist
from photos_engine.types import Decision, Memory, Reason, RejectedPhoto, Snapshot, StoredDecision, Tag

MEMORIES_VERSION = 7  # raise it whenever the memory told from the same photos would differ
MAX_PHOTOS = 30
MAX_REJECTED = 50  # the best of what was passed over: enough to ask about, little to keep
_PHOTOS_A_ROOT = 2.2  # 20 photos give 10, 100 give 22, from 186 on 30
_LOOKED_AT_A_PART = 20  # of a thirtieth of the time: one or two of them are shown

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
    "concept": 0.75,
    "season": 0.7,
}
_OF_ONE_SUBJECT = frozenset({"celebration", "concept", "pet", "theme"})
_OUT_OF_SEASON = 0.7
_EVENT_BONUS, _IN_MOST = 0.3, 0.5
_APT_DAYS = 7
_LESS, _MORE = 0.3, 1.2


@dataclass(frozen=True, slots=True)
class ToldMemory:
    """A memory, and the digest of all that it was told from: equal digests, equal photos, cover and music.

    memory: None for one that is as it was known, whose photos, in order, `photo_ids` names; what it is worth is new.
    """

    id: str
    told_from: str
    photo_ids: tuple[str, ...]
    score: float = 0.0
    reasons: tuple[Reason, ...] = ()
    memory: Memory | None = field(default=None, repr=False)

    def of(self, earlier: Memory | None) -> Memory:
        """The memory itself. earlier: as it was told before, with its photos as they are now."""
        told = self.memory or earlier
        if told is None:
            raise MemoryNotFound(f"no memory with the id {self.id}")
        return replace(told, score=self.score, reasons=self.reasons)


@dataclass(frozen=True, slots=True)
class Telling:
    """How memories are told: the language, the closed list of moods with their energies, the model's concepts.

    `concepts` is asked for vectors only where the library is large enough to be judged by them.
    """

    locale: str = "en"
    moods: Mapping[str, float] = field(default_factory=lambda: MOODS)
    concepts: Callable[[], ConceptVectors | None] | None = None


def make_memories(
    snapshot: Snapshot,
    graph: PersonalGraph,
    tags: Mapping[str, Tag],
    *,
    on: date,
    limit: int | None = None,
    telling: Telling | None = None,
) -> tuple[Memory, ...]:
    """Every memory that the library holds as of a day, best first; photos taken after that day don't exist yet.

    Ids name the subject ("memory:trip:2023-07-02-biarritz"), so they and what was decided on them outlive
    a refresh. Hidden memories are left out.
    """
    told = refresh_memories(snapshot, graph, tags, on=on, telling=telling)
    return tuple(one.of(None) for one in told[:limit])


def refresh_memories(
    snapshot: Snapshot,
    graph: PersonalGraph,
    tags: Mapping[str, Tag],
    *,
    on: date,
    telling: Telling | None = None,
    looks: Looks | None = None,
    known: Iterable[ToldMemory] = (),
) -> tuple[ToldMemory, ...]:
    """As `make_memories`, with the memories of before at hand: those that nothing has touched aren't told again.

    What they tell is the same whatever is `known`. looks: of the photos of the snapshot, if at hand.
    """
    telling = telling or Telling()
    sources = Sources(fill_shelf(snapshot, graph, tags, on, looks), graph, tags, on, Phrases(telling.locale))
    decided = _standing(snapshot.decisions)
    before = {one.id: one for one in known}
    base = _digest_base(snapshot.model, tags, telling)
    plans: list[tuple[Candidate, ToldMemory, _Plan | None]] = []
    for candidate in _find_all(sources, telling.concepts):
        memory_id = f"memory:{candidate.kind}:{candidate.subject}"
        decisions = decided.get(memory_id, frozenset())
        if Decision.HIDE in decisions or len(candidate.at) < max(sources.shelf.min_photos, candidate.min_photos):
            continue
        told_from = _digest(base, candidate, sources.shelf)
        earlier = before.get(memory_id)
        if earlier is not None and earlier.told_from == told_from:
            plan, photo_ids = None, earlier.photo_ids
        else:
            plan = _plan(candidate, sources)
            photo_ids = tuple(sources.shelf.ids[n] for n in plan.at.tolist()) if plan else ()
        if photo_ids:
            score, reasons = _judge(photo_ids, candidate, sources, decisions)
            plans.append((candidate, ToldMemory(memory_id, told_from, photo_ids, score, reasons), plan))
    sources.shelf.items(n for _, _, plan in plans if plan for n in plan.at.tolist())  # so that none is read alone
    made = [
        replace(told, memory=_tell(told.id, candidate, plan, sources, telling.moods)) if plan else told
        for candidate, told, plan in plans
    ]
    return tuple(sorted(made, key=lambda one: (-one.score, one.id)))


def _digest_base(model: str, tags: Mapping[str, Tag], telling: Telling) -> bytes:
    """What all memories are told from: rules, model, taxonomy, language, moods."""
    rules = (MEMORIES_VERSION, model, telling.locale, sorted(telling.moods.items()), [*tags.values()])
    return hashlib.blake2b(repr(rules).encode(), digest_size=16).digest()


def _digest(base: bytes, candidate: Candidate, shelf: Shelf) -> str:
    digest = hashlib.blake2b(base, digest_size=16)
    own = (candidate.title, candidate.subtitle, candidate.mood, shelf.min_photos)
    digest.update(repr(own).encode("utf-8", "backslashreplace"))
    digest.update(shelf.looks.marks[candidate.at].tobytes())
    if candidate.bonus is not None:
        digest.update(candidate.bonus.tobytes())
    return digest.hexdigest()


def _find_all(s: Sources, concepts: Callable[[], ConceptVectors | None] | None) -> Iterator[Candidate]:
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
    vectors = concepts() if concepts and len(s.shelf) >= MIN_LIBRARY else None
    scenes = shown(find_concepts(s, vectors, (*journeys, *feasts))) if vectors else ()
    yield from scenes
    yield from shown(subjects.find_themes(s, (*journeys, *feasts, *pets, *scenes)))


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """The photos of a memory, where they stand on the shelf, in the order that tells it.

    worth: (m,) of each in it; dated: those of them whose day is certain; why, rejected: by photo ids.
    """

    at: IntVector
    worth: FloatVector
    dated: Sequence[int]
    why: Mapping[str, tuple[Reason, ...]]
    rejected: tuple[RejectedPhoto, ...]


def _plan(candidate: Candidate, s: Sources) -> _Plan | None:
    """Choose the photos, from nothing but the candidate's own; None where too few different ones are left."""
    shelf, at = s.shelf, candidate.at
    worth = shelf.looks.worth[at] + (_of_its_own(candidate, s) if candidate.bonus is None else candidate.bonus)
    count = min(MAX_PHOTOS, max(shelf.min_photos, round(_PHOTOS_A_ROOT * math.sqrt(len(at)))))
    best = shortlist(shelf.looks.first_day[at], worth, MAX_PHOTOS, _LOOKED_AT_A_PART)
    at, worth = at[best], worth[best]
    traits = shelf.traits(at, with_subjects=candidate.kind not in _OF_ONE_SUBJECT)
    choice = choose_rows(traits, shelf.embeddings[at], count, worth)
    rows = list(choice.rows)
    dated = [n for n, row in enumerate(rows) if shelf.looks.is_placed[at[row]]]
    if len(rows) < shelf.min_photos or not dated:
        return None
    return _Plan(
        at=at[rows],
        worth=worth[rows],
        dated=dated,
        why={traits.ids[row]: reasons for row, reasons in choice.reasons.items()},
        rejected=tuple(RejectedPhoto(traits.ids[row], (reason,)) for row, reason in choice.rejected[:MAX_REJECTED]),
    )


def _tell(memory_id: str, candidate: Candidate, plan: _Plan, s: Sources, moods: Mapping[str, float]) -> Memory:
    """Tell a memory by its photos; the score is still to come."""
    chosen, why = s.shelf.items(plan.at.tolist()), plan.why
    years = s.phrases.years([item.photo.taken.year for item in chosen])
    cover = rank_for_cover(chosen, s.shelf.embeddings[plan.at], plan.worth)[0]
    return Memory(
        id=memory_id,
        kind=candidate.kind,
        title=candidate.title,
        subtitle=years if candidate.subtitle is None else candidate.subtitle,
        start=chosen[plan.dated[0]].photo.taken,
        end=chosen[plan.dated[-1]].photo.taken,
        cover=cover.photo,
        photos=tuple(item.photo for item in chosen),
        music=choose_music(candidate.kind, chosen, s.tags, moods, candidate.mood),
        score=0.0,
        reasons=(),
        photo_reasons={**why, cover.photo.id: (*why[cover.photo.id], *_as_cover(cover.reasons))},
        rejected=plan.rejected,
    )


def _of_its_own(candidate: Candidate, s: Sources) -> FloatVector:
    """(n,): more for photos that show what an event is of: the tree at Christmas, the sea at the sea.

    That is what most of its own photos show, and the more so the more memorable it is.
    """
    bonus = np.zeros(len(candidate.at))
    if candidate.node and candidate.kind in EVENT_KINDS:
        tags = s.shelf.looks.tags.take(candidate.at)
        is_sure = tags.weights >= SURE_TAG
        counts = np.bincount(tags.codes[is_sure], minlength=len(tags.values))
        of_row = tags.rows
        for code in np.flatnonzero(counts >= _IN_MOST * len(candidate.at)).tolist():
            tag = s.tags.get(tags.values[code])
            if tag is not None and tag.memorable >= MIN_MEMORABLE:
                rows = of_row[is_sure & (tags.codes == code)]
                bonus[rows] = np.maximum(bonus[rows], _EVENT_BONUS * tag.memorable)
    return bonus


def _as_cover(reasons: tuple[Reason, ...]) -> Iterator[Reason]:
    return (Reason(f"cover_{r.code}", r.weight, f"As the cover: {r.text[0].lower()}{r.text[1:]}") for r in reasons)


def _judge(
    photo_ids: Sequence[str], candidate: Candidate, s: Sources, decisions: frozenset[Decision]
) -> tuple[float, tuple[Reason, ...]]:
    """What a memory with these photos is worth on its day, 0 to 1, and what raised or lowered it."""
    quality = float(s.shelf.looks.worth[s.shelf.positions(photo_ids)].mean())
    richness = min(1.0, math.sqrt(len(photo_ids) / 12))
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
    return round(min(1.0, score), 4), (*candidate.reasons, *reasons)


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
