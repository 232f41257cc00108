"""One suite that every vector index passes."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine.errors import VectorIndexError, WrongDimension, WrongModel
from photos_engine.index import CompactIndex, ExactIndex, VectorIndex

DIMENSIONS = 64
ROUNDING = 6e-3  # of a cosine, by eight bits in so few dimensions; in 512 it is a tenth
COARSE_FROM = 100


def make_coarse(model: str, dimensions: int) -> CompactIndex:
    """The compact index as it is when large: most of the suite's indexes are large to this one."""
    return CompactIndex(model, dimensions, coarse_from=COARSE_FROM)


BACKENDS = [ExactIndex, CompactIndex, make_coarse]


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
    assert np.allclose(scores[:, 0], 1, atol=3e-3)
    assert (np.diff(scores, axis=1) <= 0).all()


def test_the_nearest_come_with_their_vectors(index: VectorIndex) -> None:
    vectors = unit_vectors(200)
    index.add(np.arange(1000, 1200), vectors)
    index.remove(np.array([1003]))
    query = unit_vectors(1, seed=1)[0]
    keys, found = index.nearest(query, 20)
    expected, scores = index.search(query[None], 20)
    assert keys.tolist() == expected[0].tolist()
    assert np.allclose(found @ query, scores[0], atol=1e-5)
    assert np.allclose(found, vectors[keys - 1000], atol=ROUNDING)
    assert [len(part) for part in index.nearest(query, 0)] == [0, 0]


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
    assert again.keys().tolist() == index.keys().tolist()
    assert again.search(vectors, 4)[0].tolist() == index.search(vectors, 4)[0].tolist()
    index.save(tmp_path / "vectors")
    assert all(p.name.startswith("vectors") for p in tmp_path.iterdir())


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
def test_the_compact_index_agrees_with_the_exact_twin(seed: int, count: int, k: int) -> None:
    vectors, queries = unit_vectors(count, seed), unit_vectors(3, seed + 1)
    exact, fast = ExactIndex("m", DIMENSIONS), CompactIndex("m", DIMENSIONS)
    for index in (exact, fast):
        index.add(np.arange(count), vectors)
    truth, found = exact.search(queries, k), fast.search(queries, k)
    assert np.allclose(truth[1], found[1], atol=ROUNDING)
    # Where the order differs, the scores are equal but for rounding to eight bits.
    for row in range(3):
        missed = set(truth[0][row].tolist()) - set(found[0][row].tolist())
        assert all(vectors[key] @ queries[row] <= truth[1][row, -1] + ROUNDING for key in missed)


def clustered(count: int, seed: int) -> np.ndarray:
    """Vectors around a few directions, as those of photos are; uniform ones have no neighbours to be found."""
    rng = np.random.default_rng(seed)
    around = unit_vectors(20, 1)[rng.integers(0, 20, count)]
    vectors = around + 0.1 * rng.standard_normal((count, DIMENSIONS)).astype(np.float32)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_a_large_index_reads_few_rows_and_finds_the_nearest(tmp_path: Path) -> None:
    vectors, queries = clustered(12_000, 2), clustered(10, 3)
    exact, coarse = ExactIndex("m", DIMENSIONS), make_coarse("m", DIMENSIONS)
    for index in (exact, coarse):
        index.add(np.arange(12_000), vectors)
        index.remove(np.arange(0, 12_000, 7))
    coarse.save(tmp_path / "v")
    found, truth = CompactIndex.load(tmp_path / "v", "m").search(queries, 50)[0], exact.search(queries, 50)[0]
    assert np.mean([len(set(a) & set(b)) / 50 for a, b in zip(found, truth, strict=True)]) >= 0.98


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "save", "reload"]), st.integers(0, 60)), max_size=12))
def test_any_history_leaves_what_the_twin_has(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    path = tmp_path_factory.mktemp("index") / "v"
    exact, index = ExactIndex("m", DIMENSIONS), make_coarse("m", DIMENSIONS)
    index.save(path)
    for number, (step, first) in enumerate(steps):
        keys = np.arange(first, first + 70)
        match step:
            case "add":
                for each in (exact, index):
                    each.add(keys, unit_vectors(70, number))
            case "remove":
                for each in (exact, index):
                    each.remove(keys)
            case "save":
                index.save(path)
            case "reload":
                index.save(path)
                index = CompactIndex.load(path, "m")
    assert index.keys().tolist() == exact.keys().tolist()
    truth, found = exact.search(unit_vectors(2, 99), 10), index.search(unit_vectors(2, 99), 10)
    assert np.allclose(truth[1], found[1], atol=ROUNDING)


def test_of_two_that_save_the_last_is_right_and_the_other_not_harmed(tmp_path: Path) -> None:
    path, vectors = tmp_path / "v", unit_vectors(300)
    mine = make_coarse("m", DIMENSIONS)
    mine.add(np.arange(100), vectors[:100])
    mine.save(path)
    other = CompactIndex.load(path, "m")
    mine.add(np.arange(100, 200), vectors[100:200])
    other.add(np.arange(200, 300), vectors[200:])
    mine.save(path)
    other.save(path)
    for index, keys in ((mine, range(200)), (other, [*range(100), *range(200, 300)])):
        assert index.search(vectors[list(keys)], 1)[0][:, 0].tolist() == list(keys)
    assert CompactIndex.load(path, "m").keys().tolist() == other.keys().tolist()


@pytest.mark.parametrize("part", ["vectors.codes", "vectors.*.rows"])
def test_parts_that_are_cut_or_lost_are_an_error(tmp_path: Path, part: str) -> None:
    index = make_coarse("model-a", DIMENSIONS)
    index.add(np.arange(200), unit_vectors(200))
    index.save(tmp_path / "vectors")
    (path,) = tmp_path.glob(part)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(VectorIndexError):
        CompactIndex.load(tmp_path / "vectors", "model-a")
    path.unlink()
    with pytest.raises(VectorIndexError):
        CompactIndex.load(tmp_path / "vectors", "model-a")
