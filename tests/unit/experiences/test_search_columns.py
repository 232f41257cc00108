from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from fakes.changing import MODEL as CHANGING
from fakes.changing import Step, begin_library, see_all, steps, take_steps
from fakes.searchable import MODEL, Library, fill_with_a_life, known_concepts, open_library
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine.derived import Derived
from photos_engine.experiences.search import Basis, Columns, search
from photos_engine.experiences.search.columns import Postings
from photos_engine.experiences.search.matches import is_in, merged, rows_of
from photos_engine.library import Library as EngineLibrary
from photos_engine.store import Store
from photos_engine.store.lookups import Column
from photos_engine.types import Decision, DetectedObject, FileStamp


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = open_library(tmp_path)
    fill_with_a_life(library)
    yield library
    library.store.close()


def read(library: Library, earlier: Columns | None = None) -> Columns:
    with library.store.read() as unit:
        return Columns.read(unit, MODEL, "a stamp", earlier)


def told(columns: Columns) -> dict[str, object]:
    """All that columns say, in whatever order they came to say it."""
    verdicts = columns.verdicts
    told_verdicts = zip(
        verdicts.keys.tolist(),
        [verdicts.kinds.values[code] for code in verdicts.kinds.codes],
        verdicts.chances.tolist(),
        [verdicts.whys.values[code] for code in verdicts.whys.codes],
        verdicts.softness.tolist(),
        strict=True,
    )
    return {
        "keys": columns.roster.keys.tolist(),
        "seen": columns.seen.tolist(),
        "verdicts": list(told_verdicts),
        **{
            name: {value: [part.tolist() for part in postings.find([value])] for value in postings.counts()}
            for name, postings in (("tags", columns.tags), ("heads", columns.heads), ("people", columns.people))
        },
    }


def test_what_is_taken_over_is_what_would_be_read_anew(library: Library) -> None:
    before = read(library)
    person = DetectedObject("person", (0.0, 0.0, 0.5, 0.5), 0.9)
    library.add("new", "a beach", tags={"beach": 0.6, "sea": 0.9}, objects=[person, person], sharpness=0.01)
    with library.store.begin() as unit:
        unit.files.mark_gone(["/photos/rex.jpg", "/photos/rua.jpg"])
        unit.files.record_image("/photos/Screenshots/Screenshot 2.png", FileStamp(1, 1), library.keys["rua"])
    after = read(library, before)
    assert told(after) == told(read(library))
    assert library.keys["rex"] not in after.seen
    assert after.heads.find([""])[1].tolist() == [2.0]
    row = after.verdicts.keys.tolist().index(library.keys["rua"])
    assert after.verdicts.kinds.values[after.verdicts.kinds.codes[row]] == "screenshot"
    with library.store.begin() as unit:
        unit.files.record_image("/photos/rex.jpg", FileStamp(1, 1), library.keys["rex"])
    assert told(read(library, after)) == told(read(library))


def told_by_files(columns: Columns) -> dict[str, object]:
    """What the roster says of every photo, and what was judged of it."""
    roster = {f.name: getattr(columns.roster, f.name) for f in fields(columns.roster)}
    values = {
        name: [column.values[code] for code in column.codes] if isinstance(column, Column) else column.tolist()
        for name, column in roster.items()
    }
    return {**values, "verdicts": told(columns)["verdicts"]}


@settings(max_examples=25, deadline=None)
@given(steps, steps)
def test_columns_that_are_kept_up_are_those_that_are_read_anew(before: list[Step], after: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        begin_library(store)
        for taken in (before, after):
            take_steps(store, taken, touch_first=True)
            see_all(store)
            with store.read() as unit:
                kept = Derived(EngineLibrary.open(Path(folder)), store, {}).search_basis(unit, CHANGING).columns
                assert told_by_files(kept) == told_by_files(Columns.read(unit, CHANGING))


def test_another_models_columns_are_not_taken_over(library: Library) -> None:
    with library.store.read() as unit:
        other = Columns.read(unit, "another-1", "a stamp")
    assert len(other.seen) == len(other.tags.keys) == 0
    assert told(read(library, other)) == told(read(library))


def test_a_file_gives_back_what_was_put_into_it(library: Library, tmp_path: Path) -> None:
    columns, path = read(library), tmp_path / "index" / "columns"
    columns.save(path)
    again = Columns.load(path)
    assert again is not None
    assert (again.model, again.stamp) == (MODEL, "a stamp")
    assert told(again) == told(columns)
    assert np.array_equal(again.roster.taken_local, columns.roster.taken_local)
    assert again.roster.cameras.values == columns.roster.cameras.values


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda _: b"", lambda _: b"{}\n"])
def test_what_cannot_be_read_is_none(
    library: Library, tmp_path: Path, damage: object, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "columns"
    assert Columns.load(path) is None
    assert not caplog.records
    read(library).save(path)
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    assert Columns.load(path) is None
    assert "read again" in caplog.text


def test_a_full_disk_costs_the_file_alone(library: Library, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "no folder").write_bytes(b"")
    read(library).save(tmp_path / "no folder" / "columns")
    assert "can't be written" in caplog.text


def test_decisions_hold_without_new_columns(library: Library) -> None:
    columns = read(library)
    with library.store.begin() as unit:
        before = unit.photos_revision
        unit.decisions.add(unit.photos.by_keys([library.keys["till"]])[library.keys["till"]].id, "photo", Decision.HIDE)
        name = "Screenshot_2023"
        subject = unit.photos.by_keys([library.keys[name]])[library.keys[name]].id
        unit.decisions.add(subject, "photo", Decision.NOT_UTILITY)
        unit.touch(photos=False)
        assert unit.photos_revision == before < unit.revision
    with library.store.read() as unit:
        sources = library.sources(unit, columns)
        assert search("receipts", limit=9, sources=sources).results == ()
        assert search("screenshots", limit=9, sources=sources).results == ()
    with library.store.begin() as unit:
        unit.touch()
        assert unit.photos_revision == unit.revision


def test_only_changed_photos_cost_new_columns(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened() -> Derived:
        return Derived(EngineLibrary.open(tmp_path), library.store, {})

    def columns(derived: Derived) -> Columns:
        with library.store.read() as unit:
            return derived.search_basis(unit, MODEL).columns

    with library.store.begin() as unit:
        unit.touch()
    derived = opened()
    first = columns(derived)
    with library.store.begin() as unit:
        unit.touch(photos=False)
    assert columns(derived) is first
    library.add("new", "a beach", tags={"beach": 0.9})
    with library.store.begin() as unit:
        unit.touch()
    second = columns(derived)
    assert len(second.seen) == len(first.seen) + 1
    monkeypatch.setattr(Columns, "read", lambda *_: pytest.fail("they lie in the file"))
    assert told(columns(opened())) == told(second)


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from("abc")), unique=True), st.integers(0, 20))
def test_postings_joined_are_those_of_all(pairs: list[tuple[int, str]], split: int) -> None:
    rows = [(key, value, key / 32) for key, value in pairs]
    some, others = ([row for row in rows if (row[0] < split) == is_low] for is_low in (True, False))
    joined, whole = Postings.of(some).joined(Postings.of(others)), Postings.of(rows)
    assert joined.counts() == whole.counts()
    keys = np.arange(0, 20, 2)
    for values in ("a", "ab", "cx"):
        for postings in ((joined, whole), (joined.of_photos(keys), whole.of_photos(keys))):
            (found, chances), (expected, others_chances) = (part.find(values) for part in postings)
            assert found.tolist() == expected.tolist() == sorted(set(found.tolist()))
            assert chances.tolist() == others_chances.tolist()


@given(*[st.lists(st.integers(0, 50), unique=True).map(sorted)] * 2)
def test_merged_keys_are_the_union(a: list[int], b: list[int]) -> None:
    assert merged(np.array(a, np.int64), np.array(b, np.int64)).tolist() == sorted({*a, *b})


@given(st.integers(0, 5_000), st.integers(0, 5_000), st.integers(-3_000, 3_000), st.integers(0, 2**32))
def test_keys_are_found_among_others_however_many(few: int, many: int, shift: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    keys, others = (np.unique(rng.integers(0, 10_000, count)) for count in (few, many))
    keys += shift  # some beyond the others at either end
    assert is_in(keys, others).tolist() == np.isin(keys, others).tolist()
    some = keys[rng.random(len(keys)) < 0.7]
    assert keys[rows_of(some, keys)].tolist() == some.tolist()


def test_the_spread_of_the_concepts_is_theirs() -> None:
    concepts = known_concepts()
    assert len(concepts.axes) < len(concepts.vectors)
    embeddings = np.random.default_rng(0).standard_normal((50, concepts.vectors.shape[1])).astype(np.float32)
    cosines = embeddings @ concepts.vectors.T
    mean, deviation = concepts.spread(embeddings)
    np.testing.assert_allclose(mean, cosines.mean(axis=1), atol=1e-4)
    np.testing.assert_allclose(deviation, cosines.std(axis=1), rtol=0.01)
    assert (deviation <= cosines.std(axis=1) + 1e-4).all()


def test_names_that_are_given_are_known_with_the_next_decision(library: Library, tmp_path: Path) -> None:
    derived = Derived(EngineLibrary.open(tmp_path), library.store, {})

    def basis() -> Basis:
        with library.store.read() as unit:
            return derived.search_basis(unit, MODEL)

    before = basis()
    with library.store.begin() as unit:
        unit.decisions.add("person:ben", "node", Decision.NAME, "Robert")
        unit.touch(photos=False)
    after = basis()
    assert "Robert" in after.names.people_names
    assert "Robert" not in before.names.people_names
    with library.store.begin() as unit:
        unit.touch(photos=False)
    assert basis().names is after.names
