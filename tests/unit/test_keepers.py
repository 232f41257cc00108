"""What a keeper is given by its copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes.library import Life

from photos_engine.errors import UsageError
from photos_engine.keepers import best_path, describe_gathered, gather
from photos_engine.store.gathered import join_facts
from photos_engine.types import Decision, DuplicateGroup, PersonRegion, Photo, StoredDecision

NOON = datetime(2024, 5, 1, 12)
BOX = (0.1, 0.1, 0.3, 0.3)


def photo(name: str, *, size: tuple[int, int] = (4000, 3000), **facts: Any) -> Photo:
    made = Life().shoot(NOON, path=name, size=size).photo
    return replace(made, facts=replace(made.facts, **facts))


def group(*photos: Photo, kind: str = "copy") -> DuplicateGroup:
    paths, ids = tuple(p.path for p in photos), tuple(p.id for p in photos)
    return DuplicateGroup(f"{kind}-1", kind, paths[0], paths, ids, ())


def decided(subject: Photo, what: Decision, hour: int) -> StoredDecision:
    return StoredDecision(subject.id, "photo", what, datetime(2024, 6, 1, tzinfo=UTC) + timedelta(hours=hour))


def merge(keeper: Photo, *copies: Photo, decisions: Sequence[StoredDecision] = ()) -> Photo:
    """The keeper as the library shows it after a merge."""
    photos = {p.id: p for p in (keeper, *copies)}
    records = gather(group(keeper, *copies), photos, decisions)
    held = {d.decision for d in decisions if d.subject == keeper.id}
    given = {d.decision for record in records for d in record.decided}
    assert bool(records) == bool(describe_gathered(records, photos))
    return replace(keeper, facts=join_facts(keeper.facts, records), decisions=frozenset(held | given))


def test_a_keeper_is_given_what_it_lacks_and_nothing_twice() -> None:
    keeper = photo("a.jpg", rating=2, title="Tram", keywords=("lisbon",), people=(PersonRegion("Ada"),))
    people = (PersonRegion("Ada", BOX), PersonRegion("Bo", BOX))
    copies = (
        photo("b.jpg", rating=5, title="No. 28", caption="Up the hill", keywords=("lisbon", "tram")),
        photo("c.jpg", rating=3, keywords=("tram",), people=people),
    )
    facts = merge(keeper, *copies).facts
    assert (facts.rating, facts.title, facts.caption) == (5, "Tram", "Up the hill")
    assert facts.keywords == ("lisbon", "tram")
    assert facts.people == (PersonRegion("Ada"), PersonRegion("Bo", BOX))
    again = gather(
        group(replace(keeper, facts=facts), *copies), {p.id: p for p in (replace(keeper, facts=facts), *copies)}, ()
    )
    assert again == ()


def test_a_face_keeps_its_place_only_where_the_copy_is_framed_alike() -> None:
    cropped = photo("b.jpg", size=(4000, 2700), people=(PersonRegion("Bo", BOX),))
    assert merge(photo("a.jpg"), cropped).facts.people == (PersonRegion("Bo"),)


def test_a_rejected_keeper_stays_rejected_and_a_rejected_copy_says_nothing() -> None:
    assert merge(photo("a.jpg", rating=-1), photo("b.jpg", rating=5)).facts.rating == -1
    assert merge(photo("a.jpg"), photo("b.jpg", rating=-1)).facts.rating is None


def test_decisions_come_along_unless_they_contradict() -> None:
    keeper, one, other = photo("a.jpg"), photo("b.jpg"), photo("c.jpg")
    both = [
        decided(one, Decision.FAVOURITE, 1),
        decided(other, Decision.HIDE, 2),
        decided(one, Decision.NOT_UTILITY, 0),
    ]
    assert merge(keeper, one, other, decisions=both).decisions == {Decision.HIDE, Decision.NOT_UTILITY}
    own = [decided(keeper, Decision.FAVOURITE, 0), decided(other, Decision.HIDE, 2)]
    assert merge(replace(keeper, decisions=frozenset({Decision.FAVOURITE})), other, decisions=own).decisions == {
        Decision.FAVOURITE
    }
    apart = [decided(one, Decision.NOT_DUPLICATE, 1)]
    assert merge(keeper, one, decisions=apart).decisions == frozenset()


@pytest.mark.parametrize("kind", ["burst", "similar"])
def test_pictures_of_their_own_are_not_merged(kind: str) -> None:
    one, other = photo("a.jpg"), photo("b.jpg")
    with pytest.raises(UsageError, match="only exact and copy"):
        gather(group(one, other, kind=kind), {one.id: one, other.id: other}, ())


@pytest.mark.parametrize(
    "name", ["IMG_1 copy.jpg", "IMG_1 (1).jpg", "IMG_1 - Kopie.jpg", "Copy of IMG_1.jpg", "IMG_1_copy 2.jpg"]
)
def test_of_files_of_one_content_the_one_not_named_a_copy_stands_for_it(name: str) -> None:
    paths = (Path("/photos") / name, Path("/photos/deeper/IMG_1.jpg"))
    assert best_path(replace(photo("IMG_1.jpg"), paths=paths)) == paths[1]


def test_a_year_in_brackets_makes_no_copy() -> None:
    paths = (Path("/photos/Rome (2020).jpg"), Path("/photos/deeper/Rome.jpg"))
    assert best_path(replace(photo("Rome.jpg"), paths=paths)) == paths[0]
