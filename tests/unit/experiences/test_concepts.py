"""Concepts: their file, how they are judged, and the memories that they make."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from fakes.library import TAGS, Life

from photos_engine.analyzers import Taxonomy
from photos_engine.experiences.memories import Telling, encode_concepts, make_memories
from photos_engine.experiences.memories.concepts import STANDS_OUT, judge_concepts, load_concepts
from photos_engine.experiences.memories.music import MOODS
from photos_engine.graph import build_graph
from photos_engine.types import EMBEDDING_DIMENSIONS, FloatArray, Memory

ON = date(2023, 3, 1)


def encode(texts: Sequence[str]) -> FloatArray:
    """Every text its own direction, the same each time."""
    seeds = [int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) for text in texts]
    vectors = np.stack([np.random.default_rng(seed).standard_normal(EMBEDDING_DIMENSIONS) for seed in seeds])
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


VECTORS = encode_concepts(encode)
SEA = next(n for n, concept in enumerate(VECTORS.concepts) if concept.id == "looking_out_over_the_sea")


def life_with(towards: FloatArray, photos: int = 12) -> Life:
    life = Life(home="Lyon")
    life.live(date(2021, 1, 1), date(2022, 12, 31), every_days=2)
    rng = np.random.default_rng(3)
    for n in range(photos):
        noise = rng.standard_normal(EMBEDDING_DIMENSIONS).astype(np.float32)
        vector = towards + 1.2 * noise / np.linalg.norm(noise)
        life.shoot(datetime(2021, 2, 3, 12, 1) + timedelta(days=37 * n), vector=vector / np.linalg.norm(vector))
    return life


def memories_of(life: Life) -> dict[str, Memory]:
    snapshot = life.snapshot()
    telling = Telling(concepts=lambda: VECTORS)
    made = make_memories(snapshot, build_graph(snapshot, TAGS), TAGS, on=ON, telling=telling)
    return {memory.id: memory for memory in made}


def test_the_file_is_whole() -> None:
    concepts, backdrop = load_concepts()
    assert len({concept.title for concept in concepts}) == len(concepts) >= 10
    assert {"around_a_table", "reflections", "looking_out_over_the_sea"} <= {concept.id for concept in concepts}
    prompts = [*backdrop, *(prompt for c in concepts for prompt in (*c.shows, *c.unlike))]
    assert len(set(prompts)) == len(prompts)
    assert {concept.needs for concept in concepts} <= {None, *(tag.id for tag in Taxonomy.load().tags)}
    for concept in concepts:
        assert concept.mood in MOODS
        assert len(concept.shows) >= 3
        assert len(concept.unlike) >= 4


def test_what_stands_out_by_a_concept_makes_its_memory() -> None:
    memory = memories_of(life_with(VECTORS.shows[SEA]))["memory:concept:looking_out_over_the_sea"]
    assert memory.title == "Looking out over the sea"
    assert len(memory.photos) >= 6
    assert {photo.taken.hour for photo in memory.photos} == {12}  # the everyday ones are of 18 o'clock
    assert "“a person seen from behind looking out over the sea”" in memory.reasons[0].text


def test_what_looks_like_it_and_is_something_else_does_not() -> None:
    unlike = VECTORS.unlike[VECTORS.of == SEA][0]
    assert not [m for m in memories_of(life_with(unlike + 0.5 * VECTORS.shows[SEA])).values() if m.kind == "concept"]
    assert not [m for m in memories_of(life_with(VECTORS.backdrop[0])).values() if m.kind == "concept"]


def test_a_concept_of_people_needs_somebody_in_the_picture() -> None:
    life = life_with(VECTORS.shows[SEA])
    life.items = [replace(i, tags={"sea": 0.99}) if i.photo.taken.hour == 12 else i for i in life.items]
    assert "memory:concept:looking_out_over_the_sea" not in memories_of(life)


def test_without_words_or_in_a_small_library_there_are_none() -> None:
    def refuse() -> None:
        raise AssertionError("vectors were asked for")

    life = Life(home="Lyon")
    life.live(date(2021, 1, 1), date(2022, 1, 1), every_days=3)
    snapshot = life.snapshot()
    make_memories(snapshot, build_graph(snapshot, TAGS), TAGS, on=ON, telling=Telling(concepts=refuse))
    snapshot = life_with(VECTORS.shows[SEA]).snapshot()
    for telling in (Telling(), Telling(concepts=lambda: None)):
        made = make_memories(snapshot, build_graph(snapshot, TAGS), TAGS, on=ON, telling=telling)
        assert not [memory for memory in made if memory.kind == "concept"]


def test_the_cutoff_belongs_to_the_library_and_not_to_the_model() -> None:
    """Cosines squeezed together and lifted, as another model may have them, give the same verdict."""
    snapshot = life_with(VECTORS.shows[SEA]).snapshot()
    found = judge_concepts(snapshot.embeddings, VECTORS) >= STANDS_OUT
    assert found[:, SEA].sum() >= 10
    squeezed = judge_concepts(0.1 * snapshot.embeddings, VECTORS) >= STANDS_OUT
    np.testing.assert_array_equal(found, squeezed)


@pytest.mark.parametrize("photos", [0, 1])
def test_next_to_no_photos_are_judged_too(photos: int) -> None:
    judged = judge_concepts(np.zeros((photos, EMBEDDING_DIMENSIONS), np.float32), VECTORS) if photos else None
    assert judged is None or not judged.any()
