"""Likeness in the joint space of pictures and words, and where it ends.

A cosine alone says little: some photos are near to every phrase, and some phrases to every photo. So two
standard scores decide: how much nearer the photo is to the phrase than to the taxonomy's other concepts,
and how much nearer the phrase is to the photo than to the rest of the library.
"""

from __future__ import annotations

import numpy as np

from photos_engine.experiences.search.matches import NOTHING, Matches
from photos_engine.experiences.search.sources import SearchSources
from photos_engine.types import FloatArray, Reason

SURE = 0.55
"""From which probability on likeness alone is an answer: below, most queries for what is not there find something."""
ENOUGH_WITH_TAG = 0.3
"""From which probability on likeness supports a tag that says the same, or a part of it."""
_MOST_CANDIDATES = 200
# Logistic regression on 400 captions and 156 tags as phrases over the 1,091 photos of Flickr8k's dev split, the
# 60 nearest each; right where two captions agree. Half of the phrases fitted it, the other half chose `SURE`.
# For another model: `python benchmarks/likeness.py --data DATA --work WORK`.
_FOR_PHOTO, _FOR_PHRASE, _BIAS = 0.414, 1.243, -6.749
_SMALL_LIBRARY = 50
"""Photos at which a library's own spread counts half; a smaller one is too alike to be a measure."""


def match_likeness(text: str, sources: SearchSources, least: float = SURE) -> Matches:
    """The photos that look like what a phrase says, with the probability that they do, `least` or more."""
    query = sources.encode([text])  # (1, 512)
    nearest, _ = sources.index.search(query, _MOST_CANDIDATES)
    # The index may know photos that the store has dropped since.
    candidates, embeddings = sources.unit.analyses.known_embeddings(sources.model, nearest[0])
    if not len(candidates) or not len(sources.basis.sample):
        return NOTHING
    chances = judge_likeness(embeddings, query[0], sources.concepts().vectors, sources.basis.sample @ query[0])
    found = Matches.of(candidates, chances, lambda _, p: (Reason("likeness", p, f"It looks like “{text}” ({p:.0%})."),))
    return found.where(found.strengths >= least)


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
    for_photo = (cosines - others.mean(axis=1)) / others.std(axis=1)
    median = np.median(rest)
    spread = 1.4826 * np.median(np.abs(rest - median))  # the standard deviation, were it normal
    for_phrase = (cosines - median) / max(spread, 1e-6)
    trust = len(rest) / (len(rest) + _SMALL_LIBRARY)
    return np.stack([for_photo, trust * for_phrase + (1.0 - trust) * for_photo])
