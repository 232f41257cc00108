"""What came up and what people made of it, the names of journeys, and memories that are kept as they were told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from fakes.photos import make_decoded

from photos_engine.store import Store
from photos_engine.types import FileStamp, Memory, Music, Reaction, Reason, Showing

DAY = date(2024, 5, 31)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


class TestShowings:
    def test_a_day_keeps_its_order_and_reactions(self, store: Store) -> None:
        with store.begin() as unit:
            unit.showings.note(DAY, ["memory:b", "memory:a"])
            unit.showings.react("memory:a", DAY, Reaction.OPENED)
        with store.begin() as unit:
            unit.showings.note(DAY, ["memory:b", "memory:a", "memory:c"])  # asked again: a reaction stays
        with store.read() as unit:
            assert unit.showings.between(DAY, DAY) == (
                Showing("memory:b", DAY, Reaction.SHOWN),
                Showing("memory:a", DAY, Reaction.OPENED),
                Showing("memory:c", DAY, Reaction.SHOWN),
            )

    def test_only_the_days_that_were_asked_for(self, store: Store) -> None:
        with store.begin() as unit:
            for day in (1, 15, 31):
                unit.showings.note(date(2024, 5, day), ["memory:a"])
            unit.showings.note(date(2024, 6, 1), [])
        with store.read() as unit:
            assert [s.day.day for s in unit.showings.between(date(2024, 5, 2), DAY)] == [15, 31]

    def test_what_was_shown_changes_nothing_that_is_derived(self, store: Store) -> None:
        with store.begin() as unit:
            before = unit.revision
            unit.showings.note(DAY, ["memory:a"])
            assert unit.revision == before


def test_journeys_keep_their_names(store: Store) -> None:
    stays = (("2021-07-05-biarritz", date(2021, 7, 4), date(2021, 7, 9)), ("2022-01-01-graz", DAY, DAY))
    with store.begin() as unit:
        unit.stays.replace([*stays[::-1]])
        assert unit.stays.all() == stays
        unit.stays.replace(stays[:1])
        assert unit.stays.all() == stays[:1]
        unit.stays.replace([])
        assert unit.stays.all() == ()


class TestMemoriesThatAreKept:
    @staticmethod
    def tell(store: Store) -> Memory:
        with store.begin() as unit:
            key, _ = unit.photos.save("/a.jpg", make_decoded("a"), None)
            unit.files.record_image("/a.jpg", FileStamp(1, 2), key)
        with store.read() as unit:
            photo = unit.photos.find("/a.jpg")
        why = (Reason("trip", 1.0, "It was far."),)
        music = Music("serene", 0.2)
        return Memory("memory:trip:a", "trip", "A", "", photo.taken, photo.taken, photo, (photo,), music, 0.5, why)

    def test_of_equal_digests_only_score_and_reasons_are_written(self, store: Store) -> None:
        memory = self.tell(store)
        with store.begin() as unit:
            unit.memories.replace([memory], {memory.id: "d1"})
            later = replace(memory, score=0.25, reasons=(), title="never read: the digest says that it is the same")
            unit.memories.replace([later], {memory.id: "d1"})
            (kept,) = unit.memories.all()
            assert (kept.title, kept.score, kept.reasons) == ("A", 0.25, ())
            assert kept.photos == memory.photos
            assert unit.memories.digests() == {memory.id: "d1"}

    def test_others_are_told_anew_and_the_gone_are_dropped(self, store: Store) -> None:
        memory = self.tell(store)
        with store.begin() as unit:
            unit.memories.replace([memory, replace(memory, id="memory:trip:b")], {memory.id: "d1"})
            unit.memories.replace([replace(memory, title="B")], {memory.id: "d2"})
            assert [(m.id, m.title) for m in unit.memories.all()] == [(memory.id, "B")]
            unit.memories.replace([])
            assert unit.memories.all() == ()
