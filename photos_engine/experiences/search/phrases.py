"""What is to be seen: tags that words name, words in the metadata, likeness in the joint space, near concepts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain, islice

import numpy as np
from rapidfuzz import fuzz, process

from photos_engine.analyzers.taxonomy import Match as Named
from photos_engine.analyzers.taxonomy import words as bare_words
from photos_engine.experiences.search.facts import match_words
from photos_engine.experiences.search.likeness import Evidence, match_likeness, order_by_likeness
from photos_engine.experiences.search.matches import NOTHING, Matches, all_of, either, merged, rows_of
from photos_engine.experiences.search.sources import SearchSources
from photos_engine.experiences.search.wording import Wording, is_number, read_phrase, read_wording
from photos_engine.index.protocol import Keys
from photos_engine.types import Reason, Tag

_SURE_TAG = 0.75
"""What the surest photo of a thing has that a library has photos of; false alarms among thousands have 0.5 to 0.7."""
_ANSWERS = 0.7
"""From which probability on a tag is an answer: of 1,091 captioned photos asked for 159 things, those below show the
thing in 43 % (ansa-2), those above in 91 % of 29 common ones."""
_NEAR_CONCEPT = 0.7
"""Cosine of words for nearly the same: noodles and pasta 0.78, beachfront and beach 0.74; submarine and boat 0.62."""

_FEW = 10
"""Photos with a tag among those of a time or place, below which likeness adds to them: as many as one looks at."""
_OTHERWISE = 0.12
"""How much nearer a thing with what describes it may be to another than to itself: big dog and big cat 0.01, muddy
child and fog 0.07; stuffed dog and teddy bear 0.15. Of 661 such pairs out of captions, a sixth are above (ansa-3)."""
_WORTH_SUGGESTING = 0.55
"""Cosine of words from which one thing is worth suggesting for another: of the taxonomy's pairs with 0.55 to 0.6, 61 %
have a broader thing in common, with 0.4 to 0.45 38 % (ansa-2)."""
_MOST_SUGGESTIONS = 5


def match_phrase(text: str, sources: SearchSources, among: Keys | None = None) -> Matches:
    """The photos that show what a phrase says, by the first stages of the chain that know it.

    among: only these photos, keys ascending; where few of them have the tags, what looks like it is added.
    """
    reading = read_phrase(text, sources.taxonomy)
    if not reading.content:
        return NOTHING
    found = _within(match_words(reading.content, sources), among)
    shown = [_match_tags(names, sources) for names in reading.named]
    evidence = Evidence(tuple(part.keys for part in shown), len(reading.unknown))
    is_counted = any(map(is_number, text.split()))
    if shown and not reading.unknown and not is_counted:
        found = either(found, _match_all_tags(text, shown, evidence, sources, among))
    if reading.unknown or len(shown) > 1 or len(found) < (1 if among is None else min(_FEW, len(among))):
        found = either(found, match_likeness(text, sources, evidence, among))
    if not len(found) and not reading.named:
        found = _within(_match_concept(text, sources), among)
    few = _FEW if len(reading.named) == 1 else 1
    if len(found) < few or is_counted:
        found = either(found, _match_described(text, evidence, sources, among, is_empty=not len(found)))
    return found


def _match_described(
    text: str, evidence: Evidence, sources: SearchSources, among: Keys | None, *, is_empty: bool
) -> Matches:
    """The photos of what a phrase names, nearest to the whole of it first; nothing where no word only describes.

    Words that no tag names go first, and those that one names where they leave nothing.
    """
    wording = read_wording(text, sources.taxonomy)
    if wording is None:
        return NOTHING
    dropped = wording.loose or (wording.describing if is_empty else ())
    if not dropped or not _stay_what_they_are(wording, sources):
        return NOTHING
    words = [" ".join(piece.words) for piece in dropped]
    return order_by_likeness(match_phrase(wording.without(dropped), sources, among), text, words, evidence, sources)


def _stay_what_they_are(wording: Wording, sources: SearchSources) -> bool:
    """Whether all that is described is still nearest to its own name: a stuffed dog is a toy."""
    concepts, taxonomy = sources.concepts(), sources.taxonomy
    for part in wording.parts:
        if not part.may_be_another:
            continue
        own = {named.tag.id for named in part.thing.tags}
        kin = own.union(*(taxonomy.ancestors(i) | taxonomy.descendants(i) for i in own))
        said = {named.tag.id for piece in part.describing for named in piece.tags}
        cosines = concepts.vectors @ sources.meaning(part.text)  # (len(tags),)
        is_kin = np.array([tag.id in kin for tag in concepts.tags])
        is_other = np.array([tag.id not in kin | said for tag in concepts.tags])
        if cosines[is_kin].max() < cosines[is_other].max() - _OTHERWISE:
            return False
    return True


def _within(found: Matches, among: Keys | None) -> Matches:
    return found if among is None else found.within(among)


def _match_all_tags(
    text: str, parts: Sequence[Matches], evidence: Evidence, sources: SearchSources, among: Keys | None
) -> Matches:
    """The photos with all of the tags; where none in the library is sure of them, likeness has to confirm each."""
    shown = all_of(map(_sure, parts))
    is_sure = shown.best >= _SURE_TAG
    shown = _within(shown, among)
    if not len(shown) or is_sure:
        return shown
    return shown.within(match_likeness(text, sources, evidence, among).keys)


def _sure(found: Matches) -> Matches:
    return found.where(found.strengths >= _ANSWERS)


def _match_tags(names: Sequence[Named], sources: SearchSources) -> Matches:
    """The photos with one of the tags or of what implies them: animal finds dogs."""
    found = NOTHING
    for named in names:
        code = "synonym" if named.how == "synonym" else "tag"
        found = _stronger(found, _match_tag(named.tag, code, "", sources))
    return found


def _stronger(a: Matches, b: Matches) -> Matches:
    """The photos in one of them; where both have one, the stronger match speaks alone."""
    if not len(a) or not len(b):
        return a if len(a) else b
    keys = merged(a.keys, b.keys)
    strengths = np.zeros((2, len(keys)), np.float32)
    for row, part in zip(strengths, (a, b), strict=True):
        row[rows_of(part.keys, keys)] = part.strengths

    def why(key: int, _: float) -> tuple[Reason, ...]:
        in_a, in_b = strengths[:, keys.searchsorted(key)]
        return (b if in_b > in_a else a).reasons(key)

    return Matches(keys, strengths.max(axis=0), why)


def _match_tag(tag: Tag, code: str, note: str, sources: SearchSources) -> Matches:
    keys, strengths = sources.tagged([tag.id, *sorted(sources.taxonomy.descendants(tag.id))])

    @cache
    def own() -> Keys:
        return sources.tagged([tag.id])[0]

    def why(key: int, p: float) -> tuple[Reason, ...]:
        row = int(own().searchsorted(key))
        kind = "" if row < len(own()) and own()[row] == key else "a kind of "
        return (Reason(code, p, f"It shows {kind}{tag.label} ({p:.0%}){note}."),)

    return Matches(keys, strengths, why)


def _match_concept(text: str, sources: SearchSources) -> Matches:
    for tag, cosine in nearest_tags(text, sources):
        if cosine < _NEAR_CONCEPT:
            break
        found = _match_tag(tag, "concept", f", the nearest thing that the engine knows to “{text}”", sources)
        if found.best >= _SURE_TAG:
            return found.scaled(cosine)
    return NOTHING


def nearest_tags(text: str, sources: SearchSources) -> list[tuple[Tag, float]]:
    """Every tag with its cosine to a phrase in the joint space, nearest first."""
    concepts = sources.concepts()
    cosines = concepts.vectors @ sources.meaning(text)  # (len(tags),)
    return [(concepts.tags[i], float(cosines[i])) for i in np.argsort(-cosines)]


def _broader(names: Sequence[Named], sources: SearchSources) -> str | None:
    """The least common of the broader things that the library has photos of."""
    above = {tag_id for named in names for tag_id in sources.taxonomy.ancestors(named.tag.id)}
    tags = (sources.taxonomy.tag(tag_id) for tag_id in reversed(tuple(sources.basis.tag_counts)) if tag_id in above)
    shown = (tag.label for tag in tags if not tag.is_hidden and len(_sure(_match_tag(tag, "tag", "", sources))))
    return next(shown, None)


def suggest_for(text: str, sources: SearchSources) -> list[str]:
    """What to ask instead of a phrase that found nothing: its likely spelling, and things that the library has.

    Parts of it, broader and near ones; rather none than what has little to do with it.
    """
    counts = sources.basis.tag_counts
    is_known = bool(sources.taxonomy.find(text))
    labels = {} if is_known else {tag.label.casefold(): tag.label for tag in sources.taxonomy.tags}
    near = process.extract(text.casefold(), labels.keys(), scorer=fuzz.ratio, score_cutoff=85, limit=2)
    spelled = [labels[label] for label, _, _ in near]
    parts = read_phrase(text, sources.taxonomy).named  # of which all together were not found
    found = (next((m.tag.label for m in names if counts.get(m.tag.id)), _broader(names, sources)) for names in parts)
    spelled += [label for label in found if label is not None and label not in spelled]
    there = (  # one after the other: to look up every tag takes longer than all the rest
        tag.label
        for tag, cosine in nearest_tags(text, sources)
        if cosine >= _WORTH_SUGGESTING and counts.get(tag.id) and not tag.is_hidden and tag.label not in spelled
        if len(_sure(_match_tag(tag, "tag", "", sources)))
    )
    offers = (label for label in chain(spelled, there) if bare_words(label) != bare_words(text))
    return list(islice(offers, _MOST_SUGGESTIONS))
