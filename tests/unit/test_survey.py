"""What a process that starts takes over from the last one is what it would find by reading everything."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import fields
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.changing import MODEL, Step, analyse, begin_library, see_all, stack, steps, take_steps
from fakes.library import TAGS, Life
from fakes.stored import judge_one_by_one, store_photos
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine import changes
from photos_engine import survey as survey_module
from photos_engine.columns import Coded, Lists
from photos_engine.curation import apply_own_filter, is_showable
from photos_engine.derived import Derived
from photos_engine.experiences.duplicates import as_stacks, find_groups
from photos_engine.graph import Looks, judge, look_at
from photos_engine.library import Library
from photos_engine.store import Store
from photos_engine.survey import Surveyor
from photos_engine.types import Census, Decision, Memory
from photos_engine.verdicts import Verdicts

ON = date(2023, 3, 1)


def plain(looks: Looks) -> dict[str, Any]:
    """Looks as plain values, whatever codes stand for these."""

    def told(column: Any) -> list[Any]:
        if isinstance(column, Coded):
            return [column[row] for row in range(len(looks))]
        if isinstance(column, Lists):
            weights = np.split(column.weights, column.starts[1:-1])
            return [dict(zip(column[row], w.tolist(), strict=True)) for row, w in enumerate(weights)][: len(looks)]
        return [repr(value) for value in column.tolist()]

    return {f.name: told(getattr(looks, f.name)) for f in fields(looks)}


@settings(max_examples=40, deadline=None)
@given(steps, steps, st.booleans())
def test_what_is_kept_is_what_is_judged_anew(before: list[Step], after: list[Step], touch_first: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        library = Library.open(Path(folder))
        with store.begin() as unit:
            unit.models.adopt(MODEL)
        begin_library(store)
        take_steps(store, before, touch_first=touch_first)
        see_all(store)
        goes_on = Surveyor(library, TAGS)
        with store.read() as unit:
            _ = goes_on.survey(unit).looks
        take_steps(store, after, touch_first=touch_first)
        see_all(store)
        with store.read() as unit:
            read = apply_own_filter(unit.snapshot(MODEL))
            anew = plain(look_at(read, TAGS))
            assert anew["is_shown"] == [repr(is_showable(item).ok) for item in read.photos]
            for surveyor in (Surveyor(library, TAGS), goes_on):
                found = surveyor.survey(unit)
                assert plain(found.looks) == anew
                assert found.digests == changes.digest_all(read)
                assert columns_of(found.verdicts) == columns_of(judge_one_by_one(unit, MODEL))
                assert tuple(found.snapshot.photos) == read.photos
                assert np.array_equal(found.snapshot.embeddings, read.embeddings)
                assert found.snapshot.decisions == read.decisions
                assert told_by(found.census) == told_by(Census.of(read.photos))


def columns_of(verdicts: Verdicts) -> dict[str, list[Any]]:
    return {f.name: list(getattr(verdicts, f.name)) for f in fields(verdicts)}


def told_by(census: Census) -> tuple[Any, ...]:
    times = (census.utc_s.tolist(), census.is_timed.tolist())
    return (census.keys.tolist(), list(census.ids), *times, list(census.prints))


def sample_life() -> Life:
    life = Life(home="Lyon")
    life.live(date(2022, 1, 1), date(2023, 1, 1), every_days=6)
    life.live(date(2022, 1, 2), date(2023, 1, 1), every_days=12, theme="pet")
    life.stay(date(2022, 7, 5), 5, "Biarritz", "beach")
    for n in range(10):
        life.shoot(datetime(2022, 12, 25, 12) + timedelta(minutes=15 * n), "christmas")
    return life


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A library that was refreshed before the last photos came."""
    folder = tmp_path / "library"
    life = sample_life()
    with Store.open(folder_of(folder)) as store:
        store_photos(store, life.snapshot())
        Derived(Library.open(folder), store, TAGS).refresh_memories(ON)
        for n in range(6):
            life.shoot(datetime(2022, 7, 6, 9, 5 + 9 * n), "sea", at="Biarritz")
        store_photos(store, life.snapshot(), life.items[-6:])
        with store.begin() as unit:
            unit.decisions.add(life.items[3].photo.id, "photo", Decision.HIDE)
            unit.touch(photos=False)
    return folder


def folder_of(path: Path) -> Path:
    path.mkdir()
    return path


def tell_anew(folder: Path) -> tuple[tuple[Memory, ...], object]:
    """The memories and the graph, as a process tells them that has just started."""
    with Store.open(folder) as store:
        derived = Derived(Library.open(folder), store, TAGS)
        return derived.memories(ON), derived.graph().as_json()


def forget(folder: Path) -> None:
    """Leave nothing but what is the truth."""
    shutil.rmtree(folder / "index")
    for name in ("graph.json.gz", "groups.npz"):
        (folder / name).unlink()
    with Store.open(folder) as store, store.begin() as unit:
        unit.memories.replace(())
        unit.set_setting("memories_stamp", "")
        unit.set_setting("groups_stamp", "")


def test_a_process_that_starts_tells_what_a_rebuild_tells(folder: Path, tmp_path: Path) -> None:
    rebuilt = tmp_path / "rebuilt"
    shutil.copytree(folder, rebuilt)
    memories, graph = tell_anew(folder)
    forget(rebuilt)
    assert tell_anew(rebuilt) == (memories, graph)
    trip = next(m for m in memories if m.id.startswith("memory:trip:2022-07-05"))
    assert any(photo.taken.minute % 9 == 5 and photo.taken.day == 6 for photo in trip.photos)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many photos are judged at a time, from now on."""
    counts: list[int] = []

    def counted(items: Any, *others: Any) -> Looks:
        counts.append(len(items))
        return judge(items, *others)

    monkeypatch.setattr(survey_module, "judge", counted)
    return counts


def test_only_what_changed_is_read(folder: Path, judged: list[int]) -> None:
    tell_anew(folder)
    assert sum(judged) == 7


def test_what_a_person_takes_out_of_utility_content_costs_a_look_at_utility_content(
    folder: Path, judged: list[int]
) -> None:
    tell_anew(folder)
    judged.clear()
    with Store.open(folder) as store, store.begin() as unit:
        unit.decisions.add(sample_life().items[0].photo.id, "photo", Decision.NOT_UTILITY)
        unit.touch(photos=False)
    tell_anew(folder)
    assert sum(judged) == 1


def test_a_library_without_photos_tells_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store, store.read() as unit:
        survey = Surveyor(Library.open(tmp_path), TAGS).survey(unit, MODEL)
        assert (len(survey.looks), survey.digests, len(survey.verdicts.keys)) == (0, {}, 0)


def test_a_file_of_looks_that_is_damaged_is_made_again(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    expected = tell_anew(folder)
    path = next((folder / "index").glob("*.looks"))
    path.write_bytes(path.read_bytes()[:-100])
    with Store.open(folder) as store, store.begin() as unit:
        unit.set_setting("memories_stamp", "")
    (folder / "graph.json.gz").unlink()
    assert tell_anew(folder) == expected
    assert "all photos are looked at again" in caplog.text


@settings(max_examples=25, deadline=None)
@given(steps, steps)
def test_groups_that_are_kept_up_are_those_that_are_made_anew(before: list[Step], after: list[Step]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Store.open(Path(folder)) as store,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(changes, "_FEW", 1.0)  # of a handful, few is not a hundredth
        with store.begin() as unit:
            unit.models.adopt(MODEL)
        begin_library(store)
        for taken in (before, after):
            # What a model sees in a photo never changes, and stacks are what is found here.
            those = [(do, name, 1 if do is analyse else n, touch) for do, name, n, touch in taken if do is not stack]
            take_steps(store, those, touch_first=True)
            see_all(store)
            _ = Derived(Library.open(Path(folder)), store, TAGS).snapshot()
        with store.read() as unit:
            anew = find_groups(apply_own_filter(unit.snapshot(MODEL)))
            kept = {(group.id, group.kind, group.photo_ids, group.paths) for group in unit.groups.all()}
            assert kept == {(group.id, group.kind, group.photo_ids, group.paths) for group in anew}
            assert unit.groups.stacks() == as_stacks(anew)
