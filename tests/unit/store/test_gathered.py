"""What a merge gives a photo outlives the copies and new scans, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes.photos import make_decoded, make_facts

from photos_engine.store import Store
from photos_engine.types import Decision, FileStamp, Gathered, PersonRegion, StoredDecision

KEEPER, COPY = (make_decoded(name).content_hash for name in ("a", "b"))
WHEN = datetime(2024, 6, 1, 12, tzinfo=UTC)
GIVEN = Gathered(
    KEEPER, COPY, "copy-1", rating=4, title="Tram", keywords=("hill", "tram"),
    people=(PersonRegion("Ada", (0.1, 0.2, 0.3, 0.4)),),
    decided=(StoredDecision(KEEPER, "photo", Decision.FAVOURITE, WHEN),),
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Two photos, the second a copy that has given all it had to the first."""
    with Store.open(tmp_path) as store:
        with store.begin() as unit:
            for name in ("a", "b"):
                key, _ = unit.photos.save(
                    f"/{name}.jpg", make_decoded(name, facts=make_facts(keywords=("hill",))), None
                )
                unit.files.record_image(f"/{name}.jpg", FileStamp(1, 2), key)
            unit.gathered.add([GIVEN])
            unit.decisions.restore(GIVEN.decided)
            unit.photos.rewrite_words(unit.photos.find(KEEPER).key)
        yield store


def test_facts_search_and_look_ups_know_what_was_given(store: Store) -> None:
    with store.read() as unit:
        photo = unit.photos.find(KEEPER)
        assert (photo.facts.rating, photo.facts.title, photo.facts.keywords) == (4, "Tram", ("hill", "tram"))
        assert photo.facts.people == GIVEN.people
        assert photo.is_favourite
        assert unit.photos.search_words("tram") == unit.photos.search_words("ada") == [photo.key]
        assert unit.lookups.people_by_photo() == [(photo.key, "Ada", 1.0)]
        roster = unit.lookups.roster()
        assert roster.keys[roster.ratings == 4].tolist() == [photo.key]
        assert unit.photos.find(COPY).facts.rating is None


def test_it_outlives_the_copy_and_a_new_scan(store: Store) -> None:
    with store.begin() as unit:
        unit.files.mark_gone([Path("/b.jpg")])
        unit.photos.save("/a.jpg", make_decoded("a", facts=make_facts(keywords=("hill",), rating=1)), None)
    with store.read() as unit:
        photo = unit.photos.find(KEEPER)
        assert (photo.facts.rating, photo.facts.keywords) == (4, ("hill", "tram"))
        assert unit.photos.search_words("tram") == [photo.key]


def test_undo_takes_it_all_back(store: Store) -> None:
    with store.begin() as unit:
        assert unit.gathered.has_group("copy-1")
        assert unit.gathered.undo("copy-1") == {KEEPER}
        unit.photos.rewrite_words(unit.photos.find(KEEPER).key)
    with store.read() as unit:
        photo = unit.photos.find(KEEPER)
        assert (photo.facts.rating, photo.facts.title, photo.facts.keywords, photo.facts.people) == (
            None,
            None,
            ("hill",),
            (),
        )
        assert not photo.is_favourite
        assert unit.photos.search_words("tram") == []
        assert unit.lookups.people_by_photo() == []


def test_what_was_decided_again_since_is_not_taken_back(store: Store) -> None:
    with store.begin() as unit:
        unit.decisions.add(KEEPER, "photo", Decision.UNDO)
        unit.decisions.add(KEEPER, "photo", Decision.FAVOURITE)
        unit.gathered.undo("copy-1")
    with store.read() as unit:
        assert unit.photos.find(KEEPER).is_favourite


def test_an_edited_version_has_it_too_unless_it_has_something_of_its_own(store: Store) -> None:
    edited = make_decoded("edited").content_hash
    with store.begin() as unit:
        unit.photos.save("/edited.jpg", make_decoded("edited"), None)
        for _ in range(2):
            unit.gathered.carry_over(KEEPER, edited)
    with store.read() as unit:
        assert unit.photos.find(edited).facts.title == "Tram"
        assert [row.photo_id for row in unit.gathered.all()[edited]] == [COPY]


def test_the_same_gift_is_kept_once(store: Store) -> None:
    with store.begin() as unit:
        assert unit.gathered.add([GIVEN]) == 0
        assert unit.gathered.add([replace(GIVEN, title="Another")]) == 1
    with store.read() as unit:
        assert [row.title for row in unit.gathered.all()[KEEPER]] == ["Tram", "Another"]
