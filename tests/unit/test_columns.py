from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from photos_engine.arrays import read_arrays, write_arrays
from photos_engine.columns import Coded, Lists, Table

Row = tuple[int, str | None, list[str]]
tables = st.lists(
    st.tuples(st.integers(0, 99), st.none() | st.sampled_from("abc"), st.lists(st.sampled_from("xyz"), max_size=3)),
    max_size=6,
)


@dataclass(frozen=True, slots=True, eq=False)
class Inner(Table):
    words: Coded


@dataclass(frozen=True, slots=True, eq=False)
class Outer(Table):
    numbers: NDArray[np.int64]
    lists: Lists
    inner: Inner


def table_of(rows: list[Row]) -> Outer:
    numbers, words, lists = ([row[n] for row in rows] for n in range(3))
    return Outer(np.array(numbers, np.int64), Lists.of(lists), Inner(Coded.of(words)))  # type: ignore[arg-type]


def rows_of(table: Outer) -> list[Any]:
    columns = zip(table.numbers.tolist(), table.inner.words, strict=True)
    return [(number, word, list(table.lists[n])) for n, (number, word) in enumerate(columns)]


@given(tables, tables, st.data())
def test_tables_join_and_give_rows_as_lists_do(first: list[Row], second: list[Row], data: st.DataObject) -> None:
    both = first + second
    picked = data.draw(st.lists(st.integers(0, len(both) - 1), max_size=8) if both else st.just([]))
    table = table_of(first).followed_by(table_of(second))
    assert rows_of(table) == both
    assert rows_of(table.take(np.array(picked, np.int64))) == [both[n] for n in picked]


@given(tables)
def test_a_table_comes_back_from_its_file(rows: list[Row]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_arrays(Path(folder) / "table", table_of(rows))
        assert rows_of(read_arrays(Path(folder) / "table", Outer)) == rows


def test_rows_with_one_of_some_values() -> None:
    column = Coded.of(["a", None, "b", "a"])
    assert column.is_one_of(["a", "c"]).tolist() == [True, False, False, True]
