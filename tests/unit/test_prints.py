import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from photos_engine import prints
from photos_engine.prints import as_words, close_prints, count_differing_bits, near_prints, rank_pairs


def brute_force(words: NDArray[np.uint64], radius: int) -> set[tuple[int, int]]:
    a, b = np.triu_indices(len(words), k=1)
    pairs = np.stack([a, b], axis=1)
    return {(int(i), int(j)) for i, j in pairs[count_differing_bits(words, pairs) <= radius]}


def families(seed: int, count: int, flips: int) -> NDArray[np.uint64]:
    """Random prints, each with a twin in which so many bits differ."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (count, 256), dtype=np.uint8)
    twins = bits.copy()
    for row in twins:
        row[rng.choice(256, flips, replace=False)] ^= 1
    return as_words([bytes(row) for row in np.packbits(np.concatenate([bits, twins]), axis=1)])


def test_bits_are_counted() -> None:
    words = as_words([bytes(32), b"\x01" + bytes(31), b"\xff" * 32])
    assert count_differing_bits(words, np.array([[0, 1], [0, 2], [1, 2]])).tolist() == [1, 256, 255]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 31), st.integers(0, 31))
def test_every_pair_within_the_radius_is_found(seed: int, flips: int, radius: int) -> None:
    words = families(seed, 20, flips)
    found = close_prints(words, radius)
    assert {(int(i), int(j)) for i, j in found} == brute_force(words, radius)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_small_libraries(count: int) -> None:
    assert close_prints(as_words([bytes(32)] * count), 31).tolist() == [[0, 1]] * (count == 2)


def test_thousands_of_equal_prints_are_paired_with_the_first_few() -> None:
    words = as_words([bytes(32)] * 5000)
    found = close_prints(words, 31)
    assert len(found) < 9 * 5000
    assert np.array_equal(found[: 5000 - 1], np.stack([np.zeros(4999, np.int64), np.arange(1, 5000)], axis=1))


def test_twins_are_found_across_crowds() -> None:
    one, other = bytes(32), b"\x01" + bytes(31)
    found = {tuple(pair) for pair in close_prints(as_words([one] * 20 + [other] * 20), 31).tolist()}
    assert {(0, j) for j in range(1, 40)} <= found


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 40), st.integers(0, 60), st.integers(0, 2**32 - 1))
def test_near_prints_are_those_that_comparing_each_finds(count: int, radius: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 2**63, (count, 4), dtype=np.uint64)
    words[1::2] = words[: count // 2 * 2 : 2] ^ (np.uint64(1) << rng.integers(0, 64, (count // 2, 4), dtype=np.uint64))
    rows = np.flatnonzero(rng.random(count) < 0.3)
    bits = np.bitwise_count(words[:, None] ^ words[None]).sum(axis=2)
    assert np.array_equal(near_prints(words, rows, radius), (bits[rows] <= radius).any(axis=0))


def test_of_thousands_of_near_prints_each_is_paired_with_its_nearest() -> None:
    random = np.random.default_rng(0)
    bits = np.tile(random.integers(0, 2, 256, dtype=np.uint8), (600, 1))
    for row in bits:
        row[random.choice(256, random.integers(8, 30), replace=False)] ^= 1
    words = as_words([bytes(row) for row in np.packbits(bits, axis=1)])
    found = close_prints(words, 72)
    assert 600 < len(found) < 600 * prints._NEAREST
    bits_apart, (first, second) = count_differing_bits(words, found), found.T
    for row in range(0, 600, 50):
        others = np.array([(min(row, other), max(row, other)) for other in range(600) if other != row])
        mine = (first == row) | (second == row)
        assert bits_apart[mine].mean() < count_differing_bits(words, others).mean()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(10, 19)), unique=True), st.integers(0, 2**32 - 1))
def test_ranks_count_what_is_nearer(rows: list[tuple[int, int]], seed: int) -> None:
    pairs = np.array(rows, np.int64).reshape(-1, 2)
    bits = np.random.default_rng(seed).permutation(len(pairs))
    ranks = rank_pairs(pairs, bits)
    for number, pair in enumerate(pairs.tolist()):
        for end in (0, 1):
            assert ranks[number, end] == int(((pairs[:, end] == pair[end]) & (bits < bits[number])).sum())
