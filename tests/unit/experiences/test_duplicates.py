from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.library import GOOD, Life
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine import changes, likenesses
from photos_engine.changes import Marks, digest_all, find_affected
from photos_engine.experiences.duplicates import as_stacks, find_groups, group_id, update_groups
from photos_engine.likenesses import Columns, Likeness, copies, find_twins, partners_in
from photos_engine.types import AnalysedPhoto, Census, DateSource, Decision, DuplicateGroup, Snapshot

NOON = datetime(2024, 5, 1, 12)
HIDING = ("exact", "copy", "burst")


def flip(print_: bytes, bits: Sequence[int]) -> bytes:
    row = np.unpackbits(np.frombuffer(print_, np.uint8))
    row[list(bits)] ^= 1
    return np.packbits(row).tobytes()


class Shelf(Life):
    """A life whose photos can be told to be copies and frames of one another."""

    def retake(self, first: AnalysedPhoto, *, bits: int = 0, noise: float = 0.05, **facts: Any) -> AnalysedPhoto:
        """Shoot again what `first` shows: so many bits of the print and so much of the embedding differ."""
        index = next(i for i, item in enumerate(self.items) if item.photo.id == first.photo.id)
        vector = self.look("", self.vectors[index], noise) if noise else self.vectors[index]
        facts = {"taken": first.photo.taken, **facts}
        item = self.shoot(facts.pop("taken"), vector=vector, **facts)
        self.items[-1] = replace(item, print=flip(first.print, range(0, 5 * bits, 5)))
        return self.items[-1]

    def messenger_copy(self, first: AnalysedPhoto, number: int = 1) -> AnalysedPhoto:
        width, height = first.photo.width_px, first.photo.height_px
        return self.retake(
            first,
            bits=6,
            taken=NOON + timedelta(days=3, seconds=number),
            source=DateSource.FILE_TIME,
            path=f"WhatsApp Images/IMG-20240501-WA{number:04d}.jpg",
            size=(width * 7 // 10, height * 7 // 10),
            at=None,
            camera=False,
        )


def kinds(groups: Sequence[DuplicateGroup]) -> list[str]:
    return [group.kind for group in groups]


def test_unlike_photos_make_no_group() -> None:
    life = Shelf()
    for n in range(30):
        life.shoot(NOON + timedelta(seconds=n), theme=f"theme {n}")
    assert find_groups(life.snapshot()) == ()
    assert find_groups(Shelf().snapshot()) == ()


def test_files_of_one_content_are_exact() -> None:
    life = Shelf()
    item = life.shoot(NOON, path="DCIM/2024/IMG_0001.jpg")
    backup = Path("/photos/Backup/old phone/IMG_0001.jpg")
    life.items[0] = replace(item, photo=replace(item.photo, paths=(backup, item.photo.path)))
    (group,) = find_groups(life.snapshot())
    assert (group.kind, group.keep) == ("exact", item.photo.path)
    assert set(group.paths) == {backup, item.photo.path}
    assert group.photo_ids == (item.photo.id,)
    assert as_stacks([group]) == {}


def test_the_same_pixels_without_metadata_are_exact_and_the_camera_file_is_kept() -> None:
    life = Shelf()
    original = life.shoot(NOON)
    life.retake(original, noise=0, path="stripped.jpg", camera=False, at=None, source=DateSource.FILE_TIME)
    (group,) = find_groups(life.snapshot())
    assert (group.kind, group.photo_ids[0]) == ("exact", original.photo.id)
    assert "keeper_camera_facts" in {reason.code for reason in group.reasons}


def test_a_messenger_copy_is_a_copy_and_the_original_is_kept() -> None:
    life = Shelf()
    original = life.shoot(NOON)
    copy = life.messenger_copy(original)
    (group,) = find_groups(life.snapshot())
    assert (group.kind, group.photo_ids) == ("copy", (original.photo.id, copy.photo.id))
    assert {"keeper_resolution", "keeper_camera_facts", "keeper_folder"} <= {r.code for r in group.reasons}
    assert as_stacks([group])[copy.photo.id].keeper_id == original.photo.id


def test_what_looks_alike_but_has_another_aspect_is_no_copy() -> None:
    life = Shelf()
    original = life.shoot(NOON)
    life.retake(original, bits=6, size=(3000, 3000), taken=NOON + timedelta(days=1), source=DateSource.FILE_TIME)
    assert find_groups(life.snapshot()) == ()


def test_frames_of_a_second_are_a_burst_and_not_copies() -> None:
    life = Shelf()
    frames = [life.shoot(NOON, quality=replace(GOOD, overall=0.5))]
    for n in range(1, 4):
        quality = replace(GOOD, overall=0.9 if n == 2 else 0.5)
        frames.append(life.retake(frames[0], bits=4, taken=NOON + timedelta(milliseconds=400 * n), quality=quality))
    (group,) = find_groups(life.snapshot())
    assert (group.kind, len(group.paths)) == ("burst", 4)
    assert group.keep == frames[2].photo.path
    assert "keeper_quality" in {reason.code for reason in group.reasons}


def test_a_copy_of_a_frame_joins_its_frame_and_the_frame_its_burst() -> None:
    life = Shelf()
    first = life.shoot(NOON)
    second = life.retake(first, bits=30, taken=NOON + timedelta(milliseconds=400), quality=replace(GOOD, overall=0.1))
    copy = life.messenger_copy(second)
    groups = find_groups(life.snapshot(), Likeness(copy_bits=20, timed_copy_bits=20))
    assert kinds(groups) == ["copy", "burst"]
    stacks = as_stacks(groups)
    assert (stacks[copy.photo.id].kind, stacks[copy.photo.id].keeper_id) == ("copy", second.photo.id)
    assert (stacks[second.photo.id].kind, stacks[second.photo.id].keeper_id) == ("burst", first.photo.id)
    assert stacks[first.photo.id].keeper_id == first.photo.id


@pytest.mark.parametrize(
    "names",
    [
        ("IMG_20240501_120000_BURST001_COVER", "IMG_20240501_120000_BURST002"),
        ("00000IMG_00000_BURST20240501120000123_COVER", "00001IMG_00001_BURST20240501120000123"),
        ("20240501_120000_001", "20240501_120000_002"),
    ],
)
def test_burst_names_join_frames_that_moved(names: tuple[str, str]) -> None:
    life = Shelf()
    for n, name in enumerate(names):
        life.shoot(NOON + timedelta(seconds=20 * n), theme=name, path=f"DCIM/{name}.jpg")
    (group,) = find_groups(life.snapshot())
    assert group.kind == "burst"


def test_one_scene_minutes_apart_is_similar_and_hides_nothing() -> None:
    life = Shelf()
    first = life.shoot(NOON)
    second = life.retake(first, bits=50, taken=NOON + timedelta(minutes=4))
    groups = find_groups(life.snapshot())
    assert kinds(groups) == ["similar"]
    items = [replace(item, stack=as_stacks(groups)[item.photo.id]) for item in (first, second)]
    assert all(item.is_keeper for item in items)


def test_two_cameras_make_no_burst() -> None:
    life = Shelf()
    first = life.shoot(NOON)
    other = life.retake(first, bits=50, taken=NOON + timedelta(seconds=1))
    facts = replace(other.photo.facts, camera_model="Other")
    life.items[-1] = replace(other, photo=replace(other.photo, facts=facts))
    assert kinds(find_groups(life.snapshot())) == ["similar"]


def test_guessed_times_make_no_burst() -> None:
    life = Shelf()
    first = life.shoot(NOON, source=DateSource.FILE_TIME)
    life.retake(first, bits=50, taken=NOON + timedelta(seconds=1), source=DateSource.FILE_TIME)
    assert find_groups(life.snapshot()) == ()


@pytest.mark.parametrize(("source", "found"), [(DateSource.EXIF, ["copy"]), (DateSource.FILE_TIME, [])])
def test_an_edit_may_differ_more_where_its_recorded_time_tells_that_it_is_one(
    source: DateSource, found: list[str]
) -> None:
    life = Shelf()
    first = life.shoot(NOON)
    edited = life.retake(first, path="Edited/cut.jpg", source=source)
    life.items[-1] = replace(edited, print=flip(first.print, range(56)))
    assert kinds(find_groups(life.snapshot())) == found


def test_likeness_does_not_chain() -> None:
    life = Shelf()
    chain = [life.shoot(NOON, source=DateSource.FOLDER)]
    for n in range(1, 8):
        step = life.retake(chain[0], taken=NOON + timedelta(days=n), source=DateSource.FOLDER)
        life.items[-1] = replace(step, print=flip(chain[-1].print, range(20 * n, 20 * n + 20)))
        chain.append(life.items[-1])
    prints = {item.photo.id: np.unpackbits(np.frombuffer(item.print, np.uint8)) for item in chain}
    groups = find_groups(life.snapshot(), Likeness(copy_bits=31, timed_copy_bits=31))
    assert len(groups) > 1
    for group in groups:
        keeper, *members = group.photo_ids
        assert all((prints[keeper] != prints[member]).sum() <= 31 for member in members)


def test_pages_that_share_a_layout_need_more_than_likeness() -> None:
    life = Shelf()
    page = life.shoot(NOON, utility="document", camera=False)
    life.retake(page, bits=20, taken=NOON + timedelta(days=9), utility="document", source=DateSource.FILE_TIME)
    assert find_groups(life.snapshot()) == ()


def test_a_photo_marked_as_no_duplicate_is_in_no_group() -> None:
    life = Shelf()
    original = life.shoot(NOON)
    copies = [life.messenger_copy(original, n) for n in (1, 2)]
    life.decide(copies[0].photo.id, Decision.NOT_DUPLICATE, "photo")
    (group,) = find_groups(life.snapshot())
    assert set(group.photo_ids) == {original.photo.id, copies[1].photo.id}


def test_a_dismissed_group_stays_away_when_it_grows() -> None:
    life = Shelf()
    original = life.shoot(NOON, size=(2000, 1500))
    life.messenger_copy(original)
    (group,) = find_groups(life.snapshot())
    life.decide(group.id, Decision.NOT_DUPLICATE, "group")
    assert find_groups(life.snapshot()) == ()
    life.messenger_copy(original, 2)
    life.retake(original, bits=3, size=(4000, 3000), path="NAS/lisbon.jpg")  # a better file, that would be the keeper
    assert find_groups(life.snapshot()) == ()


def test_dismissing_copies_leaves_the_burst() -> None:
    life = Shelf()
    first = life.shoot(NOON)
    frame = life.retake(first, bits=4, taken=NOON + timedelta(milliseconds=400))
    copy = life.messenger_copy(first)
    assert kinds(find_groups(life.snapshot())) == ["copy", "burst"]
    life.decide(group_id("copy", first.photo.id), Decision.NOT_DUPLICATE, "group")
    (group,) = find_groups(life.snapshot())
    assert group.kind == "burst"
    assert set(group.photo_ids) == {first.photo.id, frame.photo.id}
    assert copy.photo.id not in group.photo_ids


def test_what_was_set_apart_meets_in_no_looser_group() -> None:
    life = Shelf()
    frame = life.shoot(NOON)
    again = life.retake(frame, noise=0, path="Backup/again.jpg")
    better = life.retake(frame, bits=10, noise=0.02, path="Camera/best.jpg", size=(6000, 4500))
    assert kinds(find_groups(life.snapshot())) == ["exact", "copy"]
    exact = find_groups(life.snapshot())[0]
    life.decide(exact.id, Decision.NOT_DUPLICATE, "group")
    for group in find_groups(life.snapshot()):
        assert better.photo.id in group.photo_ids
        assert not {frame.photo.id, again.photo.id} <= set(group.photo_ids)


@st.composite
def shelves(draw: st.DrawFn) -> Snapshot:
    """Some originals and what befell them: copies, frames, retakes, second files, decisions."""
    life = Shelf(seed=draw(st.integers(0, 99)))
    for n in range(draw(st.integers(1, 4))):
        taken = NOON + timedelta(minutes=draw(st.integers(0, 30)))
        first = life.shoot(taken, theme=f"theme {draw(st.integers(0, 2))}", path=f"DCIM/{n}.jpg")
        for step in draw(st.lists(st.sampled_from(["messenger", "frame", "pixels", "later"]), max_size=4)):
            number = len(life.items)
            if step == "messenger":
                life.messenger_copy(first, number)
            elif step == "frame":
                life.retake(first, bits=number % 9, taken=taken + timedelta(milliseconds=400 * number))
            elif step == "pixels":
                life.retake(first, noise=0, path=f"Backup/{number}.jpg")
            else:
                life.retake(first, bits=40, taken=taken + timedelta(minutes=number))
    for item in life.items:
        if draw(st.integers(0, 9)) == 0:
            life.decide(item.photo.id, Decision.NOT_DUPLICATE, "photo")
    return life.snapshot()


@settings(max_examples=30, deadline=None)
@given(shelves())
def test_laws_of_groups(snapshot: Snapshot) -> None:
    groups = find_groups(snapshot)
    assert groups == find_groups(snapshot)
    denied = {decision.subject for decision in snapshot.decisions}
    assert len({group.id for group in groups}) == len(groups)
    for group in groups:
        assert group.keep == group.paths[0]
        assert len(set(group.paths)) == len(group.paths) > 1
        assert len(set(group.photo_ids)) == len(group.photo_ids)
        assert not denied & set(group.photo_ids)
        assert group.reasons
    for kind in (*HIDING, "similar"):
        members = Counter(photo_id for group in groups if group.kind == kind for photo_id in group.photo_ids)
        assert max(members.values(), default=1) == 1
    stacks = as_stacks(groups)
    for photo_id, stack in stacks.items():
        seen = {photo_id}
        while stack.kind != "similar" and stack.keeper_id != photo_id:  # always leads to one that may be shown
            photo_id = stack.keeper_id
            assert photo_id not in seen
            seen.add(photo_id)
            stack = stacks[photo_id]


def part_of(snapshot: Snapshot, is_in: Sequence[bool]) -> Snapshot:
    rows = [row for row, there in enumerate(is_in) if there]
    photos = tuple(snapshot.photos[row] for row in rows)
    return replace(snapshot, photos=photos, embeddings=snapshot.embeddings[rows])


@settings(max_examples=40, deadline=None)
@given(shelves(), st.data())
def test_groups_that_are_kept_up_are_those_that_are_made_anew(snapshot: Snapshot, data: st.DataObject) -> None:
    count = len(snapshot.photos)
    before, after = (
        part_of(snapshot, data.draw(st.lists(st.booleans(), min_size=count, max_size=count))) for _ in range(2)
    )
    if data.draw(st.booleans()):  # what is known of the photos changes as well
        stars = data.draw(st.integers(-1, 5))
        rated = [replace(i, photo=replace(i.photo, facts=replace(i.photo.facts, rating=stars))) for i in after.photos]
        after = replace(
            after, photos=tuple(i if n % 3 else r for n, (i, r) in enumerate(zip(after.photos, rated, strict=True)))
        )
    view = data.draw(st.sampled_from([None, lambda photo_id: SCENES[int(photo_id[0], 16) % 4]]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changes, "_FEW", 1.0)  # of a handful, few is not a hundredth
        known = find_groups(before, view=view)
        kept_up = update_groups(after, Marks.of(before, known, ""), known, view=view)
        assert kept_up == find_groups(after, view=view)


def test_only_what_can_have_changed_is_looked_at() -> None:
    life = Shelf()
    for n in range(300):
        life.shoot(NOON + timedelta(days=n), theme=f"theme {n}")
    life.messenger_copy(life.items[7])
    before = life.snapshot()
    known = find_groups(before)
    marks = Marks.of(before, known, "stamp")
    life.messenger_copy(life.items[100], 2)
    after = life.snapshot()
    census = Census.of(after.photos)
    partners = partners_in(after, census, Likeness())
    affected = find_affected(census, marks, digest_all(after), frozenset(), partners=partners, window_s=600)
    assert affected is not None
    assert affected.sum() == 2
    assert len(update_groups(life.snapshot(), marks, known)) == 2


SCENES = {name: np.random.default_rng(name).random((96, 96), np.float32) for name in range(4)}


@pytest.mark.parametrize(
    ("bits", "shows", "found"), [(9, 1, []), (9, 0, ["copy"]), (9, None, ["copy"]), (2, 1, ["copy"])]
)
def test_what_prints_leave_open_is_looked_at(bits: int, shows: int | None, found: list[str]) -> None:
    life = Shelf()
    first = life.shoot(NOON)
    other = life.retake(first, bits=bits, taken=NOON + timedelta(days=9), source=DateSource.FILE_TIME)
    pictures = {first.photo.id: SCENES[0], other.photo.id: None if shows is None else SCENES[shows]}
    likeness = Likeness(sure_bits=5)
    assert kinds(find_groups(life.snapshot(), likeness, pictures.get)) == found


def test_a_copy_with_a_print_far_off_is_found_by_looking() -> None:
    life = Shelf()
    first = life.shoot(NOON)
    framed = life.retake(first, taken=NOON + timedelta(days=9), source=DateSource.FILE_TIME)
    life.items[-1] = replace(framed, print=flip(first.print, range(60)))
    assert find_groups(life.snapshot()) == ()
    assert kinds(find_groups(life.snapshot(), view=lambda _: SCENES[0])) == ["copy"]


def test_a_copy_that_was_squeezed_is_found_by_looking() -> None:
    life = Shelf()
    first = life.shoot(NOON, size=(4000, 3000))
    life.retake(first, bits=4, taken=NOON + timedelta(days=9), source=DateSource.FILE_TIME, size=(600, 600))
    assert find_groups(life.snapshot()) == ()
    assert kinds(find_groups(life.snapshot(), view=lambda _: SCENES[0])) == ["copy"]


def test_recorded_times_that_differ_need_no_look() -> None:
    life = Shelf()
    first = life.shoot(NOON)
    life.retake(first, bits=30, taken=NOON + timedelta(days=9))
    assert find_groups(life.snapshot(), view=lambda _: SCENES[0]) == ()


def test_marks_are_read_as_they_were_written(tmp_path: Path) -> None:
    life = Shelf()
    life.messenger_copy(life.shoot(NOON))
    life.decide("copy-1", Decision.NOT_DUPLICATE, "group")
    marks = Marks.of(life.snapshot(), find_groups(life.snapshot()), "fake-1 3")
    path = tmp_path / "groups.npz"
    path.write_bytes(marks.encode())
    assert Marks.read(path, "fake-1 3") == marks
    assert Marks.read(path, "fake-1 4") is None
    path.write_bytes(marks.encode()[:-40])
    assert Marks.read(path, "fake-1 3") is None
    assert Marks.read(tmp_path / "none.npz", "fake-1 3") is None
    nothing = Marks.of(Shelf().snapshot(), (), "")
    path.write_bytes(nothing.encode())
    assert Marks.read(path, "") == nothing


@settings(max_examples=30, deadline=None)
@given(shelves(), st.data())
def test_dismissed_groups_never_return(snapshot: Snapshot, data: st.DataObject) -> None:
    groups = find_groups(snapshot)
    if not groups:
        return
    dismissed = data.draw(st.sampled_from(groups))
    life = Life()
    life.decide(dismissed.id, Decision.NOT_DUPLICATE, "group")
    after = find_groups(replace(snapshot, decisions=(*snapshot.decisions, *life.decisions)))
    for group in after:
        assert group.id != dismissed.id
        assert len(set(group.photo_ids) & set(dismissed.photo_ids)) <= 1


def test_frames_of_a_film_are_laid_on_few_others(monkeypatch: pytest.MonkeyPatch) -> None:
    life, random, looks = Shelf(), np.random.default_rng(0), Counter[str]()
    first = life.shoot(NOON, source=DateSource.FILE_TIME)
    for _ in range(60):
        frame = life.retake(first, source=DateSource.FILE_TIME)
        life.items[-1] = replace(frame, print=flip(first.print, random.choice(256, 20, replace=False).tolist()))

    def see(photo_id: str) -> Any:
        return np.full((1, 1), int(photo_id[:6], 16), np.float32)

    def look(one: Any, other: Any) -> float:
        looks.update([str(one), str(other)])
        return 1.0

    monkeypatch.setattr(likenesses, "likeness_aligned", look)
    columns = Columns(life.snapshot())
    found = copies(columns, find_twins(columns, Likeness(), see), Likeness(), see)
    assert len(found) > 0
    assert len(looks) == 60  # the one that all were made from is sure by its print
    assert max(looks.values()) <= likenesses._MOST_LOOKS
