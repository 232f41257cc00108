"""A refresh after few changes: what they touch is told anew, the rest stays, and a rebuild gives the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from fakes.library import TAGS, Life
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine.experiences.memories import Telling, ToldMemory, compose, refresh_memories
from photos_engine.graph import KnownStay, PersonalGraph, build_graph, look_at
from photos_engine.types import AnalysedPhoto, Decision, FloatArray, Memory, Snapshot

ON = date(2023, 3, 1)


class Shop:
    """A library that is refreshed again and again, as the engine does it: what was known helps the next time."""

    def __init__(self) -> None:
        self.stored: dict[str, Memory] = {}
        self.stays: tuple[KnownStay, ...] = ()
        self.told: tuple[ToldMemory, ...] = ()
        self.graph: PersonalGraph | None = None

    def refresh(self, snapshot: Snapshot, on: date = ON) -> dict[str, Memory]:
        looks = look_at(snapshot, TAGS)
        self.graph = build_graph(snapshot, TAGS, looks=looks, known=self.stays, earlier=self.graph)
        self.stays = self.graph.stays()
        self.told = refresh_memories(snapshot, self.graph, TAGS, on=on, looks=looks, known=self.told)
        known = {name: with_present_photos(memory, snapshot) for name, memory in self.stored.items()}
        self.stored = {one.id: one.of(known.get(one.id)) for one in self.told}
        return self.stored


def with_present_photos(memory: Memory, snapshot: Snapshot) -> Memory:
    """As the store gives a memory: a file may have moved since it was told."""
    present = {item.photo.id: item.photo for item in snapshot.photos}
    photos = tuple(present.get(photo.id, photo) for photo in memory.photos)
    return replace(memory, photos=photos, cover=present.get(memory.cover.id, memory.cover))


def sample_life() -> Life:
    life = Life(home="Lyon")
    life.live(date(2021, 1, 1), date(2023, 1, 1), every_days=3)
    life.live(date(2021, 1, 2), date(2023, 1, 1), every_days=9, theme="pet")
    life.stay(date(2021, 7, 5), 5, "Biarritz", "beach")
    life.stay(date(2022, 5, 7), 2, "Annecy", "lake")
    for n in range(10):
        life.shoot(datetime(2022, 12, 25, 12) + timedelta(minutes=15 * n), "christmas")
    return life


def told(memory: Memory) -> tuple[object, ...]:
    """All of a memory that doesn't depend on the day."""
    return (memory.title, memory.subtitle, memory.cover, memory.photos, memory.music, memory.photo_reasons)


def test_late_photos_change_what_they_touch_and_nothing_else() -> None:
    life, shop = sample_life(), Shop()
    before = shop.refresh(life.snapshot())
    for n in range(6):
        life.shoot(datetime(2021, 7, 6, 9, 5 + 9 * n), "sea", at="Biarritz")
    after = shop.refresh(life.snapshot(2))
    assert set(before) <= set(after)
    touched = {name for name in before if told(before[name]) != told(after[name])}
    assert "memory:trip:2021-07-05-biarritz" in touched
    assert touched <= {
        "memory:trip:2021-07-05-biarritz",
        "memory:season:summer-2021-06",
        "memory:year_in_review:2021",
        "memory:theme:beach",
    }


def test_untouched_memories_are_the_same_to_the_last_reason() -> None:
    life, shop = sample_life(), Shop()
    before = shop.refresh(life.snapshot())
    life.shoot(datetime(2022, 5, 7, 20, 1), "lake", at="Annecy")
    after = shop.refresh(life.snapshot(2))
    for name in ("memory:trip:2021-07-05-biarritz", "memory:celebration:2022-12-25-christmas", "memory:pet:dog"):
        assert before[name] == after[name]


def test_only_what_is_touched_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    life, shop = sample_life(), Shop()
    shop.refresh(life.snapshot())
    again: list[str] = []
    tell = compose._tell

    def counted(memory_id: str, *arguments: object) -> Memory | None:
        again.append(memory_id)
        return tell(memory_id, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(compose, "_tell", counted)
    shop.refresh(life.snapshot(2), ON + timedelta(1))
    assert not [name for name in again if name in {one.id for one in shop.told}]


@pytest.mark.parametrize(
    "change",
    [
        lambda p: replace(p, photo=replace(p.photo, decisions=frozenset({Decision.FAVOURITE}))),
        lambda p: replace(p, photo=replace(p.photo, decisions=frozenset({Decision.HIDE}))),
        lambda p: replace(p, quality=replace(p.quality, overall=0.1)),
        lambda p: replace(p, tags={**p.tags, "sunset": 0.95}),
        lambda p: replace(p, photo=replace(p.photo, width_px=100)),
        lambda p: replace(p, photo=replace(p.photo, paths=(p.photo.path.with_name("moved.jpg"),))),
    ],
    ids=["favourite", "hidden", "worse", "tagged", "cropped", "moved"],
)
def test_whatever_changes_a_refresh_gives_what_a_rebuild_gives(change) -> None:  # type: ignore[no-untyped-def]
    life, shop = sample_life(), Shop()
    memory = shop.refresh(life.snapshot())["memory:trip:2021-07-05-biarritz"]
    at = next(n for n, item in enumerate(life.items) if item.photo == memory.photos[0])
    life.items[at] = change(life.items[at])
    assert shop.refresh(life.snapshot(2)) == Shop().refresh(life.snapshot(2))


def test_another_language_or_rule_tells_everything_again() -> None:
    life, shop = sample_life(), Shop()
    shop.refresh(life.snapshot())
    assert shop.graph is not None
    french = refresh_memories(life.snapshot(), shop.graph, TAGS, on=ON, telling=Telling(locale="fr"), known=shop.told)
    assert {one.told_from for one in french}.isdisjoint(one.told_from for one in shop.told)


def parts(life: Life) -> tuple[Sequence[AnalysedPhoto], dict[str, FloatArray]]:
    snapshot = life.snapshot()
    return snapshot.photos, {p.photo.id: v for p, v in zip(snapshot.photos, snapshot.embeddings, strict=True)}


def shelve(photos: Sequence[AnalysedPhoto], vectors: dict[str, FloatArray], revision: int) -> Snapshot:
    import numpy as np

    ordered = sorted(photos, key=lambda item: item.photo.taken)
    return Snapshot("fake-1", revision, tuple(ordered), np.stack([vectors[i.photo.id] for i in ordered]))


PHOTOS, VECTORS = parts(sample_life())


@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=len(PHOTOS), max_size=len(PHOTOS)))
def test_the_order_of_imports_decides_nothing_but_names(imports: list[int]) -> None:
    shop = Shop()
    for last in range(3):
        batch = [item for item, n in zip(PHOTOS, imports, strict=True) if n <= last]
        if batch:
            memories = shop.refresh(shelve(batch, VECTORS, last + 1))
    rebuilt = Shop()
    rebuilt.stays = shop.stays
    assert rebuilt.refresh(shelve(PHOTOS, VECTORS, 3)) == memories
    assert shop.graph is not None
    assert rebuilt.graph is not None
    assert rebuilt.graph.as_json() == shop.graph.as_json()
    fresh = Shop()
    unnamed = {told(memory) for memory in fresh.refresh(shelve(PHOTOS, VECTORS, 3)).values() if memory.kind == "theme"}
    assert unnamed == {told(memory) for memory in memories.values() if memory.kind == "theme"}
    assert fresh.graph is not None
    assert [trip.photo_ids for trip in fresh.graph.trips()] == [trip.photo_ids for trip in shop.graph.trips()]
