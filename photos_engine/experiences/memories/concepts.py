"""What photographs tell that no tag names: scenes in words, found by the joint space of pictures and words.

The words are data that people edit, `photos_engine/models/concepts.json`. A cosine means nothing by itself,
and nothing across models: so every prompt is measured by how the library's own photos lie around it, and a
photo shows a concept when that is what it stands out by, and nothing else more so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import numpy as np

from photos_engine.errors import ModelError
from photos_engine.experiences.memories.candidates import Candidate, Sources, is_told
from photos_engine.experiences.memories.shelf import VERY_SURE_TAG, IntVector, Shelf
from photos_engine.types import FloatArray, Reason

CONCEPTS_FILE = "concepts.json"
STANDS_OUT = 3.0
"""Spreads of the library above its middle. Of 220 finds in three scripted lives six in seven show the concept, judged
by looking at them; without the tags that concepts need it was one in two. A spread is 1.48 median absolute deviations,
as many as a standard deviation where photos are normally distributed."""
MIN_LIBRARY = 200
"""Photos from which on a library's spread is a measure; a smaller one has no memories of concepts."""

_CERTAINTY_BONUS = 0.3

Encode = Callable[[Sequence[str]], FloatArray]


@dataclass(frozen=True, slots=True)
class Concept:
    """A scene in words: what shows it, what looks like it and is something else; `needs`: a tag that must be there."""

    id: str
    title: str
    mood: str
    shows: tuple[str, ...]
    unlike: tuple[str, ...]
    needs: str | None = None


@dataclass(frozen=True, slots=True)
class ConceptVectors:
    """Concepts in the space of one model. All vectors are L2-normalised float32.

    shows: (concepts, 512). unlike: (prompts, 512), and `of` says which concept each belongs to. backdrop:
    (prompts, 512), what most photos show.
    """

    concepts: tuple[Concept, ...]
    shows: FloatArray = field(repr=False)
    unlike: FloatArray = field(repr=False)
    of: IntVector = field(repr=False)
    backdrop: FloatArray = field(repr=False)


@cache
def load_concepts() -> tuple[tuple[Concept, ...], tuple[str, ...]]:
    """The concepts that ship with the engine, and the backdrop. Raises: ModelError for a file that makes no sense."""
    try:
        content = json.loads(resources.files("photos_engine.models").joinpath(CONCEPTS_FILE).read_bytes())
        concepts = tuple(
            Concept(row["id"], row["title"], row["mood"], tuple(row["shows"]), tuple(row["unlike"]), row.get("needs"))
            for row in content["concepts"]
        )
        backdrop = tuple(content["backdrop"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{CONCEPTS_FILE} can't be read: {error!r}") from error
    if len({c.id for c in concepts}) < len(concepts) or not all(c.shows and c.unlike for c in concepts):
        raise ModelError(f"{CONCEPTS_FILE} names a concept twice, or lacks what shows it or what is unlike it")
    return concepts, backdrop


def encode_concepts(encode: Encode) -> ConceptVectors:
    """The shipped concepts as vectors by a model's text tower, which `encode` asks: texts to (n, 512) L2-normalised."""
    concepts, backdrop = load_concepts()
    shown, unlike = ([len(c.shows) for c in concepts], [len(c.unlike) for c in concepts])
    texts = [
        *(prompt for concept in concepts for prompt in concept.shows),
        *(prompt for concept in concepts for prompt in concept.unlike),
    ]
    vectors = encode([*texts, *backdrop])
    means = np.add.reduceat(vectors[: sum(shown)], np.cumsum([0, *shown[:-1]]), axis=0)
    return ConceptVectors(
        concepts,
        shows=(means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32),
        unlike=vectors[sum(shown) : len(texts)],
        of=np.repeat(np.arange(len(concepts)), unlike),
        backdrop=vectors[len(texts) :],
    )


def judge_concepts(embeddings: FloatArray, vectors: ConceptVectors) -> FloatArray:
    """By how much each photo shows each concept, in spreads of the library; 0 where it shows something else more.

    embeddings: (n, 512) L2-normalised, the library. Returns (n, concepts) float32.
    """
    shows = _in_spreads(embeddings @ vectors.shows.T)
    unlike = _in_spreads(embeddings @ vectors.unlike.T)
    backdrop = _in_spreads(embeddings @ vectors.backdrop.T).max(axis=1)
    judged = np.zeros_like(shows)
    for n in range(len(vectors.concepts)):
        others = np.delete(shows, n, axis=1).max(axis=1, initial=-np.inf)
        rival = np.maximum.reduce([unlike[:, vectors.of == n].max(axis=1), backdrop, others])
        judged[:, n] = np.where(shows[:, n] > rival, np.maximum(shows[:, n], 0.0), 0.0)
    return judged


def _in_spreads(cosines: FloatArray) -> FloatArray:
    """Cosines of the library with prompts, (n, prompts), as robust standard scores of each prompt."""
    middle = np.median(cosines, axis=0)
    spread = 1.4826 * np.median(np.abs(cosines - middle), axis=0)
    return np.asarray((cosines - middle) / np.maximum(spread, 1e-6), dtype=np.float32)


def _surely_showing(shelf: Shelf, tag: str) -> IntVector:
    at = shelf.by_tag.get(tag)
    return np.zeros(0, dtype=np.int64) if at is None else at[shelf.certainty[tag] >= VERY_SURE_TAG]


def find_concepts(s: Sources, vectors: ConceptVectors, told: Sequence[Candidate]) -> Iterator[Candidate]:
    """Every concept that enough photos show, if none of the `told` tells it already."""
    judged = judge_concepts(s.shelf.embeddings, vectors)
    taken = [c.at for c in told]
    for n, concept in enumerate(vectors.concepts):
        at = np.flatnonzero(judged[:, n] >= STANDS_OUT)
        if concept.needs:
            at = at[np.isin(at, _surely_showing(s.shelf, concept.needs))]
        if not len(at) or is_told(at, taken):
            continue
        strength = judged[at, n]
        text = f"{len(at)} photos look like “{concept.shows[0]}” more than like anything else."
        yield Candidate(
            "concept",
            concept.id,
            s.phrases.concept(concept.id, concept.title),
            None,
            at,
            min(1.0, 0.4 + len(at) / 40),
            (Reason("concept", 1.0, text),),
            bonus=_CERTAINTY_BONUS * np.minimum(strength / (2 * STANDS_OUT), 1.0).astype(np.float64),
            mood=concept.mood,
        )
