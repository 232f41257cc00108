"""The store keeps what it is given, all of it or nothing."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from fakes.photos import make_decoded, make_facts, make_signals
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine.errors import DecodeError, IntegrityFailure, PhotoNotFound, StoreError
from photos_engine.store import Store
from photos_engine.types import (
    CaptureFacts,
    DateSource,
    Decision,
    DecodedPhoto,
    DetectedObject,
    DuplicateGroup,
    FileStamp,
    GeoPoint,
    JobRun,
    Memory,
    Music,
    PersonRegion,
    Place,
    Reason,
    RejectedPhoto,
    Stack,
    ZoneSource,
)

MODEL = "model-a"
STAMP = FileStamp(100, 200, 0)
LISBON = Place("Lisbon", "Lisbon", "Portugal", "PT", 38.72, -9.14, 2267057)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    with Store.open(tmp_path) as store:
        yield store


def add(store: Store, path: str, decoded: DecodedPhoto, seed: int = 0, place: Place | None = None) -> int:
    with store.begin() as unit:
        key, _ = unit.photos.save(path, decoded, place)
        unit.analyses.add(MODEL, [(key, make_signals(seed))])
        unit.files.record_image(path, STAMP, key)
        unit.touch()
    return key


def full_facts() -> CaptureFacts:
    return make_facts(
        taken=datetime(2022, 12, 24, 18, 5, 6, 789000, timezone(timedelta(hours=-9, minutes=-30))),
        gps=GeoPoint(38.7, -9.1, 12.5),
        camera_make="Acme",
        camera_model="One",
        lens="50mm",
        iso=200,
        exposure_s=0.01,
        f_number=2.8,
        focal_length_mm=50.0,
        software="cam 1.0",
        rating=4,
        title="Título",
        caption="Eve at Anna's",
        keywords=("family", "noël"),
        people=(PersonRegion("Anna", (0.1, 0.2, 0.3, 0.4)), PersonRegion("Ben")),
        burst_id="b1",
        content_identifier="c1",
        has_embedded_video=True,
    )


def test_a_photo_comes_back_with_every_fact(store: Store) -> None:
    decoded = make_decoded(facts=full_facts())
    key = add(store, "/pictures/eve.jpg", decoded, place=LISBON)
    with store.read() as unit:
        photo = unit.photos.find("/pictures/eve.jpg")
    assert photo.facts == full_facts()
    assert photo.taken.utcoffset() == timedelta(hours=-9, minutes=-30)
    assert (photo.key, photo.id, photo.place) == (key, decoded.content_hash, LISBON)
    assert (photo.width_px, photo.height_px, photo.format, photo.is_gone) == (400, 300, "JPEG", False)


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    with Store.open(tmp_path_factory.mktemp("library")) as store:
        yield store


@settings(max_examples=30, deadline=None)
@given(when=st.datetimes(datetime(1830, 1, 1), datetime(2200, 1, 1)), minutes=st.integers(-14 * 60, 14 * 60))
def test_any_time_survives(shared_store: Store, when: datetime, minutes: int) -> None:
    taken = when.replace(microsecond=when.microsecond // 1000 * 1000, tzinfo=timezone(timedelta(minutes=minutes)))
    add(shared_store, "/a.jpg", make_decoded(facts=make_facts(taken=taken)))
    with shared_store.read() as unit:
        found = unit.photos.find("/a.jpg").taken
    assert abs(found - taken) < timedelta(milliseconds=1)
    assert found.utcoffset() == taken.utcoffset()


def test_a_photo_is_its_content_wherever_its_files_lie(store: Store) -> None:
    first = add(store, "/a/one.jpg", make_decoded("x"))
    second = add(store, "/b/two.jpg", make_decoded("x"))
    assert first == second
    with store.read() as unit:
        assert unit.photos.find("/b/two.jpg").paths == (Path("/a/one.jpg"), Path("/b/two.jpg"))
        assert unit.photos.count() == 1


def test_names_in_any_bytes_are_kept(store: Store) -> None:
    path = b"/pictures/caf\xe9 \xff.jpg".decode("utf-8", "surrogateescape")
    add(store, path, make_decoded())
    with store.read() as unit:
        assert unit.photos.find(path).path == Path(path)
        assert list(unit.files.stamps()) == [path]


def test_saving_again_replaces_words_and_keeps_the_key(store: Store) -> None:
    key = add(store, "/a.jpg", make_decoded(facts=make_facts(keywords=("old",))))
    assert add(store, "/a.jpg", make_decoded(facts=make_facts(keywords=("new",)))) == key
    with store.read() as unit:
        assert unit.photos.find("/a.jpg").facts.keywords == ("new",)
        assert unit.photos.search_words('"new"') == [key]
        assert unit.photos.search_words('"old"') == []


def test_an_unfinished_unit_of_work_leaves_nothing(store: Store) -> None:
    def fail_midway() -> None:
        with store.begin() as unit:
            unit.files.record_image("/a.jpg", STAMP, unit.photos.save("/a.jpg", make_decoded(), LISBON)[0])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_midway()
    with store.read() as unit:
        assert unit.photos.count() == 0
        assert unit.files.stamps() == {}
        assert unit.revision == 0


def test_a_reader_can_not_write(store: Store) -> None:
    with pytest.raises(StoreError), store.read() as unit:
        unit.touch()


def test_a_reader_sees_one_state_while_another_writes(store: Store) -> None:
    with store.read() as unit:
        before = unit.photos.count()
        add(store, "/a.jpg", make_decoded())
        assert unit.photos.count() == before == 0
    with store.read() as unit:
        assert unit.photos.count() == 1


def test_two_writers_wait_for_each_other(store: Store) -> None:
    def write() -> None:
        for _ in range(20):
            with store.begin() as unit:
                unit.touch()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as unit:
        assert unit.revision == 80


def test_gone_files_mark_their_photo_and_keep_it(store: Store) -> None:
    add(store, "/a.jpg", make_decoded())
    with store.begin() as unit:
        assert unit.files.mark_gone(["/a.jpg"]) == 1
    with store.read() as unit:
        assert unit.files.stamps() == {}
        assert unit.photos.find("/a.jpg").is_gone
        assert unit.photos.present() == []
        assert (unit.photos.count(), unit.photos.count_gone()) == (0, 1)
        assert len(unit.analyses.keys(MODEL)) == 0
    add(store, "/b.jpg", make_decoded())
    with store.read() as unit:
        assert unit.photos.find("/b.jpg").paths == (Path("/b.jpg"),)
        assert len(unit.analyses.keys(MODEL)) == 1


def test_failures_are_listed_until_the_file_is_well(store: Store) -> None:
    with store.begin() as unit:
        unit.files.record_failure("/bad.jpg", STAMP, DecodeError("/bad.jpg", "it is cut off"), None)
    with store.read() as unit:
        (failure,) = unit.files.failures()
        assert (failure.error, failure.reason) == ("decode_error", "it is cut off")
        assert unit.files.stamps() == {"/bad.jpg": STAMP}
    add(store, "/bad.jpg", make_decoded())
    with store.read() as unit:
        assert unit.files.failures() == ()


def test_overwritten_photos_are_forgotten_but_not_what_was_decided(store: Store) -> None:
    old = add(store, "/a.jpg", make_decoded("old"))
    with store.begin() as unit:
        unit.decisions.add(make_decoded("old").content_hash, "photo", Decision.FAVOURITE)
    new = add(store, "/a.jpg", make_decoded("new"), seed=1)
    with store.begin() as unit:
        unit.photos.drop_fileless([old, new])
    with store.read() as unit:
        assert [p.key for p in unit.photos.present()] == [new]
        assert len(unit.decisions.all()) == 1
        with pytest.raises(PhotoNotFound):
            unit.photos.find(make_decoded("old").content_hash)


def test_the_last_word_about_a_node_holds_with_the_photos_that_it_was_said_about(store: Store) -> None:
    with store.begin() as unit:
        unit.decisions.add("pet:dog", "node", Decision.NAME, "Rex", ["a", "b"])
        unit.decisions.add("pet:dog", "node", Decision.NAME, "Bella", ["b"])
        unit.decisions.add("city:FR/Lyon", "node", Decision.HOME, "2019-05-01/2022-03-31")
        unit.decisions.add("city:FR/Lyon", "node", Decision.HOME)
    with store.read() as unit:
        name, home = unit.decisions.all()
    assert (name.subject, name.decision, name.words, name.photo_ids) == ("pet:dog", Decision.NAME, "Bella", ("b",))
    assert (home.decision, home.words, home.photo_ids) == (Decision.HOME, "", ())


def test_decisions_reach_the_photo_and_can_be_undone(store: Store) -> None:
    add(store, "/a.jpg", make_decoded())
    subject = make_decoded().content_hash
    with store.begin() as unit:
        unit.decisions.add(subject, "photo", Decision.FAVOURITE)
        unit.decisions.add(subject, "photo", Decision.FAVOURITE)
        unit.decisions.add(subject, "photo", Decision.NOT_UTILITY)
    with store.read() as unit:
        photo = unit.photos.find("/a.jpg")
        assert photo.is_favourite
        assert len(unit.decisions.of(subject)) == 2
    with store.begin() as unit:
        unit.decisions.add(subject, "photo", Decision.UNDO)
    with store.read() as unit:
        assert unit.photos.find("/a.jpg").decisions == frozenset()


def test_a_decision_takes_the_place_of_one_that_contradicts_it(store: Store) -> None:
    add(store, "/a.jpg", make_decoded())
    with store.begin() as unit:
        unit.decisions.add(make_decoded().content_hash, "photo", Decision.FAVOURITE)
        unit.decisions.add(make_decoded().content_hash, "photo", Decision.HIDE)
    with store.read() as unit:
        assert unit.photos.find("/a.jpg").decisions == {Decision.HIDE}


@pytest.mark.parametrize("name", ["we?ird", "a#b", "100%", "two words", "ünï"])
def test_any_folder_name_will_do(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    with Store.open(folder) as store:
        add(store, "/a.jpg", make_decoded())
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert (folder / "library.sqlite").stat().st_size > 0


def test_two_models_lie_side_by_side(store: Store) -> None:
    key = add(store, "/a.jpg", make_decoded(), seed=1)
    with store.begin() as unit:
        unit.analyses.add("model-b", [(key, make_signals(2, tags={"cat": 0.7}))])
    with store.read() as unit:
        assert unit.analyses.signals(MODEL)[key].tags == {"dog": 0.9, "animal": 0.95}
        assert unit.analyses.signals("model-b")[key].tags == {"cat": 0.7}
        assert unit.files.without_analysis("model-b") == set()
        assert unit.files.without_analysis("model-c") == {"/a.jpg"}


def test_signals_come_back_within_rounding(store: Store) -> None:
    key = add(store, "/a.jpg", make_decoded(), seed=3)
    given_signals = make_signals(3)
    with store.read() as unit:
        stored = unit.analyses.signals(MODEL)[key]
        (embedding,) = unit.analyses.embeddings(MODEL, np.array([key]))
        saliency = unit.analyses.saliency(MODEL, key)
    assert (stored.quality, stored.print, stored.utility) == (
        given_signals.quality,
        given_signals.print,
        given_signals.utility,
    )
    assert np.linalg.norm(embedding) == pytest.approx(1, abs=1e-6)
    assert float(embedding @ given_signals.embedding) > 0.9999
    assert saliency is not None
    assert np.abs(saliency - given_signals.saliency).max() <= 0.5 / 255 + 1e-6


def test_objects_and_aesthetics_come_back_within_rounding(store: Store) -> None:
    dog, cup = DetectedObject("dog", (0.1, 0.25, 1.0, 0.123456), 0.87654), DetectedObject("cup", (0, 0, 1, 1), 0.5)
    key, plain = add(store, "/a.jpg", make_decoded("a")), add(store, "/b.jpg", make_decoded("b"))
    with store.begin() as unit:
        unit.analyses.add(MODEL, [(key, make_signals(objects=(dog, cup), aesthetics=np.float32(0.75)))])
    with store.read() as unit:
        stored = unit.analyses.signals(MODEL)
        shown = {p.photo.key: p for p in unit.snapshot(MODEL).photos}
    rounded = replace(dog, box=(0.1, 0.25, 1.0, 0.1235), score=0.8765)
    assert (stored[key].objects, stored[key].aesthetics) == ((rounded, cup), 0.75)
    assert (stored[plain].objects, stored[plain].aesthetics) == ((), None)
    assert (shown[key].objects, shown[key].aesthetics) == ((rounded, cup), 0.75)


def test_a_snapshot_is_ordered_and_its_rows_belong_together(store: Store) -> None:
    base = datetime(2023, 1, 1, tzinfo=UTC)
    for i in (3, 1, 2):
        decoded = make_decoded(f"p{i}", facts=make_facts(taken=base + timedelta(days=i)))
        add(store, f"/p{i}.jpg", decoded, seed=i)
    with store.read() as unit:
        snapshot = unit.snapshot(MODEL)
    assert [p.photo.path.name for p in snapshot.photos] == ["p1.jpg", "p2.jpg", "p3.jpg"]
    for row, i in enumerate((1, 2, 3)):
        assert float(snapshot.embeddings[row] @ make_signals(i).embedding) > 0.9999


def test_groups_and_stacks_round_trip(store: Store) -> None:
    add(store, "/a.jpg", make_decoded("a"))
    add(store, "/b.jpg", make_decoded("b"))
    ids = (make_decoded("b").content_hash, make_decoded("a").content_hash)
    reasons = (Reason("print", 1.0, "3 of 256 bits differ"),)
    group = DuplicateGroup("copy:x", "copy", Path("/b.jpg"), (Path("/b.jpg"), Path("/a.jpg")), ids, reasons)
    stacks = {photo_id: Stack("copy:x", "copy", ids[0]) for photo_id in ids}
    with store.begin() as unit:
        assert unit.groups.replace([group], stacks)
        assert not unit.groups.replace([group], stacks)
    with store.read() as unit:
        assert unit.groups.all() == (group,)
        keepers = {p.photo.path.name: p.is_keeper for p in unit.snapshot(MODEL).photos}
    assert keepers == {"a.jpg": False, "b.jpg": True}


def test_memories_round_trip(store: Store) -> None:
    for name in "ab":
        add(store, f"/{name}.jpg", make_decoded(name))
    with store.read() as unit:
        a, b = (unit.photos.find(f"/{name}.jpg") for name in "ab")
    why = (Reason("sharp", 0.25, "it is sharp"),)
    memory = Memory(
        id="trip:1",
        kind="trip",
        title="Lisbon",
        subtitle="July 2023",
        start=a.taken,
        end=b.taken,
        cover=b,
        photos=(b, a),
        music=Music("serene", 0.2),
        score=0.7,
        reasons=why,
        photo_reasons={a.id: why, b.id: ()},
        rejected=(RejectedPhoto("f" * 32, why),),
    )
    with store.begin() as unit:
        unit.memories.replace([memory])
    with store.read() as unit:
        assert unit.memories.all() == (memory,)
        assert unit.memories.get("trip:1") == memory


def test_only_the_last_run_of_each_job_is_told(store: Store) -> None:
    when = datetime(2024, 1, 1, tzinfo=UTC)
    with store.begin() as unit:
        for i, job in enumerate(["scan", "graph", "scan"]):
            unit.jobs.add(JobRun(job, when + timedelta(hours=i), 1.5, "done", {"n": i}))
    with store.read() as unit:
        assert [(r.job, r.detail) for r in unit.jobs.latest()] == [("graph", {"n": 1}), ("scan", {"n": 2})]


def test_a_damaged_database_is_told_from_a_busy_one(tmp_path: Path) -> None:
    (tmp_path / "library.sqlite").write_bytes(b"this is no database" * 500)
    with pytest.raises(IntegrityFailure, match=r"library\.sqlite"):
        Store.open(tmp_path)


def test_a_healthy_database_has_no_problems(store: Store) -> None:
    add(store, "/a.jpg", make_decoded(facts=replace(full_facts(), date_source=DateSource.XMP)), place=LISBON)
    assert store.check() == []


def test_an_assumed_zone_is_kept_as_such(store: Store) -> None:
    add(store, "/a.jpg", make_decoded(facts=make_facts(zone_source=ZoneSource.ASSUMED)))
    with store.read() as unit:
        assert unit.photos.find("/a.jpg").facts.zone_source is ZoneSource.ASSUMED
