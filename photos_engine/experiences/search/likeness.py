"""Likeness in the joint space of pictures and words, and where it ends.

A cosine alone says little: some photos are near to every phrase, and some phrases to every photo. So two
standard scores decide: how much nearer the photo is to the phrase than to the taxonomy's other concepts,
and how much nearer the phrase is to the photo than to the rest of the library.
"""

from __future__ import annotations

import numpy as np

from photos_engine.experiences.search.matches import NOTHING, Matches
from photos_engine.experiences.search.sources import SearchSources
from photos_engine.index.protocol import Keys
from photos_engine.types import FloatArray, Reason

ENOUGH_WITH_TAG = 0.3
"""From which probability on likeness supports a tag that says the same, or a part of it."""
_FALSE_ALARMS = 7.7e-5, 1.75
"""Of what is not there, a photo has odds of x or more this often: a * x ** -b. From the share of 74 absent tags that
find one of 1,091 photos: 30 % from a probability of 0.3 on, 8 % from 0.5 on (`benchmarks/likeness.py`)."""
_MEASURED_ON = 1_000
"""Photos from which on that holds for a whole library: in a smaller one the spread is known less well."""
_ACCEPTED = 0.1
"""How many false alarms a query may have: more photos ask for more sureness."""
_LEAST_SURE = 0.2
_LEAST_SURE_AMONG = 0.1
"""Where a thing is there: from which probability on a photo shows it, in the library and among photos of a time or
place, of which the person who asks remembers one."""
_THERE, _THERE_OF_EACH = 2.0, 0.0015
"""Many doubtful photos are no chance: a thing is there when their probabilities add up to this, and so much more for
each photo. Of a scripted life's themes eight in twelve are above, of 50 absent things none comes near."""
_MOST_CANDIDATES = 200
# Logistic regression on 400 captions and 156 tags as phrases over the 1,091 photos of Flickr8k's dev split, the
# 60 nearest each; right where two captions agree. Half of the phrases fitted it, the other half tells the false alarms.
# For another model: `python benchmarks/likeness.py --data DATA --work WORK`.
_FOR_PHOTO, _FOR_PHRASE, _BIAS = 0.545, 1.078, -6.937
_SMALL_LIBRARY = 50
"""Photos at which a library's own spread counts half; a smaller one is too alike to be a measure."""


def match_likeness(text: str, sources: SearchSources, among: Keys | None = None) -> Matches:
    """The photos that look like what a phrase says, with the probability that they do; all is as in `find_likely`."""
    found, cutoff = find_likely(text, sources, among)
    return found.where(found.strengths >= cutoff)


def find_likely(text: str, sources: SearchSources, among: Keys | None = None) -> tuple[Matches, float]:
    """The photos nearest to a phrase, and the probability from which on likeness alone makes them an answer.

    among: only these photos, keys ascending.
    """
    if not len(sources.basis.sample):
        return NOTHING, 1.0
    query = sources.encode([text])[0]  # (512,)
    # The index may know photos that the store has dropped since.
    found = _judge(text, query, *sources.index.nearest(query, _MOST_CANDIDATES), sources)
    found = found.within(sources.basis.roster.keys)
    cutoff = least_sure(found.strengths, len(sources.basis.roster.keys), None if among is None else len(among))
    if among is not None:
        if len(among) <= _MOST_CANDIDATES:
            known = sources.unit.analyses.known_embeddings(sources.model, among)
            found = _judge(text, query, *known, sources)
        found = found.within(among)
    return found, cutoff


def _judge(text: str, query: FloatArray, keys: Keys, embeddings: FloatArray, sources: SearchSources) -> Matches:
    if not len(keys):
        return NOTHING
    chances = judge_likeness(embeddings, query, sources.concepts().vectors, sources.basis.sample @ query)
    return Matches.of(keys, chances, lambda _, p: (Reason("likeness", p, f"It looks like “{text}” ({p:.0%})."),))


def least_sure(chances: FloatArray, photos: int, among: int | None = None) -> float:
    """The probability from which on likeness alone is an answer.

    chances: of the nearest photos of a library of so many; among: of how many the answer is chosen, if not of all.
    """
    mass = float(chances[chances >= _LEAST_SURE].sum())
    if mass >= _THERE + _THERE_OF_EACH * photos:
        return _LEAST_SURE if among is None else _LEAST_SURE_AMONG
    rate, steepness = _FALSE_ALARMS
    looked_at = max(photos, _MEASURED_ON) if among is None else among
    odds: float = (looked_at * rate / _ACCEPTED) ** (1.0 / steepness)
    return max(_LEAST_SURE, odds / (1.0 + odds))


def judge_likeness(embeddings: FloatArray, query: FloatArray, concepts: FloatArray, rest: FloatArray) -> FloatArray:
    """The probability that photos show what a phrase says, (n,) float32; all is as in `standard_scores`."""
    for_photo, for_phrase = standard_scores(embeddings, query, concepts, rest)
    logit = _FOR_PHOTO * for_photo + _FOR_PHRASE * for_phrase + _BIAS
    return np.asarray(1.0 / (1.0 + np.exp(-logit)), dtype=np.float32)


def standard_scores(embeddings: FloatArray, query: FloatArray, concepts: FloatArray, rest: FloatArray) -> FloatArray:
    """How near photos are to a phrase, by each photo's own measure and by the phrase's, (2, n).

    embeddings (n, 512) of the photos, query (512,), concepts (m, 512), rest (r,) the cosines of the phrase with
    a sample of the library; all vectors L2-normalised.
    """
    cosines = embeddings @ query
    others = embeddings @ concepts.T  # (n, m)
    mean = others.mean(axis=1)
    variance = np.einsum("ij,ij->i", others, others) / len(concepts) - mean**2  # in a third of the time of `std`
    for_photo = (cosines - mean) / np.sqrt(variance)
    median = np.median(rest)
    spread = 1.4826 * np.median(np.abs(rest - median))  # the standard deviation, were it normal
    for_phrase = (cosines - median) / max(spread, 1e-6)
    trust = len(rest) / (len(rest) + _SMALL_LIBRARY)
    return np.stack([for_photo, trust * for_phrase + (1.0 - trust) * for_photo])
