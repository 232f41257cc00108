"""What came up on a day: the engine keeps it, and the next days' choice goes by it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from fakes.library import TAGS, Life

from photos_engine import Decision, MemoryNotFound, NotFound, PhotosEngine, Reaction
from photos_engine import engine as engine_module
from photos_engine.experiences.memories import make_memories
from photos_engine.graph import build_graph
from photos_engine.types import Memory

TODAY = date(2023, 3, 1)


def tell() -> tuple[Memory, ...]:
    life = Life(home="Lyon")
    life.live(date(2021, 1, 1), date(2023, 1, 1))
    for month in (3, 5, 7, 9):
        life.stay(date(2021, month, 5), 4, "Biarritz", "beach")
        life.stay(date(2022, month, 5), 5, "Annecy", "lake")
    for n in range(10):
        life.shoot(datetime(2022, 12, 25, 12) + timedelta(minutes=15 * n), "christmas")
    snapshot = life.snapshot()
    return make_memories(snapshot, build_graph(snapshot, TAGS), TAGS, on=TODAY)


MADE = tell()


class Clock:
    day = TODAY


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(engine_module, "_today", lambda: clock.day)
    return clock


@pytest.fixture
def engine(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[PhotosEngine]:
    """An engine whose library tells the memories above, whatever the day."""
    with PhotosEngine.open(tmp_path) as engine:
        monkeypatch.setattr(engine._derived, "memories", lambda _: MADE)
        monkeypatch.setattr(engine._derived, "memories_for", lambda _: MADE)
        yield engine


def test_today_stays_as_it_is_and_tomorrow_brings_others(engine: PhotosEngine, clock: Clock) -> None:
    first = engine.memories(on=TODAY)
    assert 0 < len(first) <= 8
    assert engine.memories(on=TODAY) == first
    clock.day += timedelta(1)
    assert {m.id for m in engine.memories(on=clock.day)}.isdisjoint(m.id for m in first)


def test_asking_for_another_day_shows_nothing(engine: PhotosEngine) -> None:
    tomorrow = TODAY + timedelta(1)
    assert engine.memories(on=tomorrow) == engine.memories(on=tomorrow)
    first = engine.memories(on=TODAY)
    assert {m.id for m in first} & {m.id for m in engine.memories(on=tomorrow - timedelta(2))}


def test_what_was_liked_comes_back_before_what_was_passed_over(engine: PhotosEngine, clock: Clock) -> None:
    first = engine.memories(on=TODAY)
    liked, passed = first[0], first[1]
    engine.react(liked, Reaction.LIKED)
    clock.day += timedelta(2)
    ids = {m.id for m in engine.memories(on=clock.day)}
    assert liked.id in ids
    assert passed.id not in ids


def test_what_was_dismissed_is_gone_at_once(engine: PhotosEngine) -> None:
    first = engine.memories(on=TODAY)
    assert engine.react(first[0].id, Reaction.DISMISSED).reaction is Reaction.DISMISSED
    assert first[0] not in engine.memories(on=TODAY)


def test_the_first_days_of_the_calendar_have_no_days_before(engine: PhotosEngine) -> None:
    assert engine.memories(on=date.min) == engine.memories(on=date.min)


def test_an_unknown_memory_is_not_found(engine: PhotosEngine) -> None:
    with pytest.raises(MemoryNotFound):
        engine.react("memory:trip:never", Reaction.OPENED)


def test_a_span_of_days_can_be_hidden(engine: PhotosEngine) -> None:
    made = engine.decide("days:2022-03-01/2022-03-31", Decision.HIDE)
    assert made.subject_kind == "node"
    with pytest.raises(NotFound):
        engine.decide("days:2022-03-31/2022-03-01", Decision.HIDE)
