"""Likeness in the joint space of pictures and words, and where it ends.

A cosine alone says little: some photos are near to every phrase, and some phrases to every photo. So two
standard scores decide: how much nearer the photo is to the phrase than to the taxonomy's other concepts,
and how much nearer the phrase is to the photo than to the rest of the library.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from photos_engine.experiences.search.matches import NOTHING, Match, Matches
from photos_engine.experiences.search.sources import SearchSources
from photos_engine.types import FloatArray, Reason

SURE = 0.55
"""From which probability on likeness alone is an answer: below, most queries for what is not there find something."""
ENOUGH_WITH_TAG = 0.3
"""From which probability on likeness supports a tag that says the same, or a part of it."""
_MOST_CANDIDATES = 200
_SAMPLE = 300
# Logistic regression on 400 captions and 156 tags as phrases over the 1,091 photos of Flickr8k's dev split, the
# 60 nearest each; right where two captions agree. Half of the phrases fitted it, the other half chose `SURE`.
_FOR_PHOTO, _FOR_PHRASE, _BIAS = 0.414, 1.243, -6.749
_SMALL_LIBRARY = 50
"""Photos at which a library's own spread counts half; a smaller one is too alike to be a measure."""


def match_likeness(text: str, sources: SearchSources, least: float = SURE) -> Matches:
    """The photos that look like what a phrase says, with the probability that they do, `least` or more."""
    query = sources.encode([text])  # (1, 512)
    nearest, _ = sources.index.search(query, min(_MOST_CANDIDATES, len(sources.index)))
    everything = sources.index.keys()
    sample = everything[:: max(1, len(everything) // _SAMPLE)]
    # The index may know photos that the store has dropped since.
    known = sources.unit.lookups.analysed(sources.model, np.union1d(nearest[0], sample).tolist())
    candidates, sample = _known(nearest[0], known), _known(sample, known)
    if not len(candidates) or not len(sample):
        return NOTHING
    read = sources.unit.analyses.embeddings
    embeddings = read(sources.model, candidates)
    rest = read(sources.model, sample) @ query[0]
    chances = judge_likeness(embeddings, query[0], sources.concepts().vectors, rest)
    return {
        int(key): Match(float(p), (Reason("likeness", float(p), f"It looks like “{text}” ({p:.0%})."),))
        for key, p in zip(candidates, chances, strict=True)
        if p >= least
    }


def judge_likeness(embeddings: FloatArray, query: FloatArray, concepts: FloatArray, rest: FloatArray) -> FloatArray:
    """The probability that photos show what a phrase says.

    embeddings (n, 512) of the photos, query (512,), concepts (m, 512), rest (r,) the cosines of the phrase with
    a sample of the library; all vectors L2-normalised. Returns (n,) float32.
    """
    cosines = embeddings @ query
    others = embeddings @ concepts.T  # (n, m)
    for_photo = (cosines - others.mean(axis=1)) / others.std(axis=1)
    median = np.median(rest)
    spread = 1.4826 * np.median(np.abs(rest - median))  # the standard deviation, were it normal
    for_phrase = (cosines - median) / max(spread, 1e-6)
    trust = len(rest) / (len(rest) + _SMALL_LIBRARY)
    for_phrase = trust * for_phrase + (1.0 - trust) * for_photo
    logit = _FOR_PHOTO * for_photo + _FOR_PHRASE * for_phrase + _BIAS
    return np.asarray(1.0 / (1.0 + np.exp(-logit)), dtype=np.float32)


def _known(keys: NDArray[np.int64], known: set[int]) -> NDArray[np.int64]:
    return np.array([key for key in keys.tolist() if key in known], dtype=np.int64)
