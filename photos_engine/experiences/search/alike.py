"""More like this: photos near to a picture, and where words go with it, moved the way that they point.

Pictures and words lie in two cones of the joint space, so that their plain sum would be all picture. Each
is taken as a direction from the middle of its own kind instead: the picture from the mean of the library's
photos, the words from the mean of the taxonomy's concepts. Both at unit length are added, with equal
weight, and photos are ranked by the cosine of their own direction with the sum:

    wanted = unit(unit(picture - photos) + unit(words - concepts)),  score = unit(photo - photos) . wanted
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from photos_engine.experiences.search.matches import NOTHING, Matches
from photos_engine.experiences.search.sources import SearchSources
from photos_engine.types import FloatArray, Reason

ALIKE = 0.3
"""The cosine of directions from which on a photo is like another. Of 800 photos of a scripted life by their themes:
4 % of pairs of different themes have more, and 43 % of those of one theme."""
ALIKE_WITH_WORDS = 0.25
"""The same where words go with the picture: what shows both has less of each."""
_SMALL_LIBRARY = 50
"""Photos at which a library's own middle counts half."""
_MOST_CANDIDATES = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A picture to find others like. vector: (512,) float32, L2-normalised; key: its own, if it is in the library."""

    name: str
    vector: FloatArray = field(repr=False)
    key: int | None = None


def match_alike_to(example: Example, words: Sequence[str], among: Matches | None, sources: SearchSources) -> Matches:
    """The photos like an example and, where there are words, like these too; `among`: only these."""
    sample = sources.basis.sample
    middle = sample.sum(axis=0) / (len(sample) + _SMALL_LIBRARY)
    wanted = _unit(example.vector - middle)
    if words:
        phrase = sources.meaning(" ".join(words))
        wanted = _unit(wanted + _unit(phrase - sources.concepts().middle))
    if among is not None and len(among) <= _MOST_CANDIDATES:
        keys, embeddings = sources.unit.analyses.known_embeddings(sources.model, among.keys)
    else:
        keys, embeddings = sources.index.nearest(wanted, _MOST_CANDIDATES)
    if not len(keys):
        return NOTHING
    cosines = _unit(embeddings - middle) @ wanted

    def why(_: int, cosine: float) -> tuple[Reason, ...]:
        also = f" and “{' '.join(words)}”" if words else ""
        return (Reason("like", cosine, f"It looks like {example.name}{also} ({cosine:.0%})."),)

    found = Matches.of(keys, cosines.astype(np.float32), why)
    found = found.where(found.strengths >= (ALIKE_WITH_WORDS if words else ALIKE))
    itself = np.array([] if example.key is None else [example.key], np.int64)
    # The index may know photos that the store has dropped since.
    return found.within(sources.basis.roster.keys).without(itself)


def _unit(vectors: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.float32(1e-12)), dtype=np.float32)
