"""One suite that every vector index passes."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine.errors import VectorIndexError, WrongDimension, WrongModel
from photos_engine.index import ExactIndex, FaissIndex, VectorIndex

DIMENSIONS = 64
BACKENDS = [ExactIndex, FaissIndex]


def unit_vectors(count: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSIONS)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(params=BACKENDS)
def index(request: pytest.FixtureRequest) -> VectorIndex:
    return request.param("model-a", DIMENSIONS)


def test_an_empty_index_answers_nothing(index: VectorIndex) -> None:
    keys, scores = index.search(unit_vectors(2), 5)
    assert len(index) == 0
    assert keys.shape == scores.shape == (2, 0)


def test_a_vector_is_nearest_to_itself(index: VectorIndex) -> None:
    vectors = unit_vectors(200)
    index.add(np.arange(1000, 1200), vectors)
    keys, scores = index.search(vectors, 3)
    assert keys[:, 0].tolist() == list(range(1000, 1200))
    assert np.allclose(scores[:, 0], 1, atol=2e-3)
    assert (np.diff(scores, axis=1) <= 0).all()


def test_adding_a_key_again_replaces_its_vector(index: VectorIndex) -> None:
    old, new = unit_vectors(2)
    index.add(np.array([7]), old[None])
    index.add(np.array([7]), new[None])
    assert len(index) == 1
    assert index.search(new[None], 1)[1][0, 0] == pytest.approx(1, abs=2e-3)


def test_removed_vectors_are_not_found(index: VectorIndex) -> None:
    vectors = unit_vectors(10)
    index.add(np.arange(10), vectors)
    index.remove(np.array([3, 4, 99]))
    assert index.keys().tolist() == [0, 1, 2, 5, 6, 7, 8, 9]
    assert not {3, 4} & set(index.search(vectors[3:4], 10)[0][0].tolist())


def test_another_dimension_is_refused(index: VectorIndex) -> None:
    wrong = np.ones((1, DIMENSIONS + 1), np.float32)
    with pytest.raises(WrongDimension):
        index.add(np.array([1]), wrong)
    with pytest.raises(WrongDimension):
        index.search(wrong, 1)


def test_a_saved_index_answers_as_before(index: VectorIndex, tmp_path: Path) -> None:
    vectors = unit_vectors(50)
    index.add(np.arange(50), vectors)
    index.save(tmp_path / "vectors")
    again = type(index).load(tmp_path / "vectors", "model-a")
    assert again.search(vectors, 4)[0].tolist() == index.search(vectors, 4)[0].tolist()
    assert [p.name for p in tmp_path.iterdir()] == ["vectors"]


def test_an_index_of_another_model_is_refused(index: VectorIndex, tmp_path: Path) -> None:
    index.save(tmp_path / "vectors")
    with pytest.raises(WrongModel):
        type(index).load(tmp_path / "vectors", "model-b")


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-40], lambda b: b[:100] + b"\xff" * 9 + b[109:], lambda b: b"", lambda b: b"{}\n"]
)
def test_a_damaged_file_is_an_error(index: VectorIndex, tmp_path: Path, damage: object) -> None:
    index.add(np.arange(50), unit_vectors(50))
    path = tmp_path / "vectors"
    index.save(path)
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(VectorIndexError):
        type(index).load(path, "model-a")


def test_a_missing_file_is_an_error(index: VectorIndex, tmp_path: Path) -> None:
    with pytest.raises(VectorIndexError):
        type(index).load(tmp_path / "nothing", "model-a")


def test_searches_go_on_while_others_add_and_remove(index: VectorIndex) -> None:
    vectors, done = unit_vectors(400), threading.Event()
    index.add(np.arange(400), vectors)

    def change() -> None:
        for round_ in range(60):
            index.remove(np.arange(200))
            index.add(np.arange(200), vectors[:200])
            if round_ == 59:
                done.set()

    changer = threading.Thread(target=change)
    changer.start()
    while not done.is_set():
        keys, scores = index.search(vectors[300:310], 5)
        assert keys[:, 0].tolist() == list(range(300, 310))
        assert (scores[:, 0] > 0.99).all()
    changer.join()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 300), k=st.integers(1, 20))
def test_faiss_agrees_with_the_exact_twin(seed: int, count: int, k: int) -> None:
    vectors, queries = unit_vectors(count, seed), unit_vectors(3, seed + 1)
    exact, fast = ExactIndex("m", DIMENSIONS), FaissIndex("m", DIMENSIONS)
    for index in (exact, fast):
        index.add(np.arange(count), vectors)
    truth, found = exact.search(queries, k), fast.search(queries, k)
    assert np.allclose(truth[1], found[1], atol=2e-3)
    # Where the order differs, the scores are equal but for rounding to half precision.
    for row in range(3):
        recalled = set(found[0][row].tolist()) & set(truth[0][row].tolist())
        assert len(recalled) >= len(truth[0][row]) - 1
