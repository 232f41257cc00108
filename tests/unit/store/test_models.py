"""A library is read from one model, and changes to another in one step."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.photos import make_decoded, make_signals
from sqlalchemy.exc import IntegrityError

from photos_engine.errors import IntegrityFailure, ModelError, ModelNotFound
from photos_engine.store import Store
from photos_engine.store.models import ModelState
from photos_engine.types import FileStamp

OLD, NEW, OTHER = "old-1", "new-2", "other-3"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three photos that the old model has seen."""
    with Store.open(tmp_path) as store:
        with store.begin() as unit:
            unit.models.adopt(OLD)
            for name in "abc":
                key, _ = unit.photos.save(f"/{name}.jpg", make_decoded(name), None)
                unit.files.record_image(f"/{name}.jpg", FileStamp(1, 2), key)
                unit.analyses.add(OLD, [(key, make_signals())])
        yield store


def show(store: Store, model: str, *names: str) -> None:
    with store.begin() as unit:
        keys = [unit.photos.key_of(make_decoded(name).content_hash) for name in names]
        unit.analyses.add(model, [(key, make_signals()) for key in keys if key is not None])


def choose(store: Store, name: str) -> tuple[str, str | None]:
    with store.begin() as unit:
        unit.models.choose(name)
        return unit.models.active, unit.models.next


def finish(store: Store, name: str, *without: str) -> bool:
    with store.begin() as unit:
        return unit.models.finish(name, without)


def test_a_new_library_is_read_from_the_model_that_it_adopts_first(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        with store.read() as unit, pytest.raises(IntegrityFailure, match="which model"):
            _ = unit.models.active
        for name in (OLD, NEW):
            with store.begin() as unit:
                unit.models.adopt(name)
        with store.read() as unit:
            assert (unit.models.active, unit.models.next) == (OLD, None)


def test_a_chosen_model_takes_over_when_it_has_seen_every_present_photo(store: Store) -> None:
    assert choose(store, NEW) == (OLD, NEW)
    show(store, NEW, "a", "b")
    assert not finish(store, NEW)
    with store.begin() as unit:
        unit.files.mark_gone(["/c.jpg"])
        before = unit.revision
    assert finish(store, NEW)
    with store.read() as unit:
        assert unit.models.states() == {NEW: ModelState.ACTIVE, OLD: ModelState.FORMER}
        assert unit.models.analysed() == {OLD: 2, NEW: 2}
        assert unit.revision == before + 1


def test_it_can_do_without_some_files(store: Store) -> None:
    choose(store, NEW)
    show(store, NEW, "a", "b")
    assert not finish(store, NEW, "/b.jpg")
    assert finish(store, NEW, "/b.jpg", "/c.jpg")


def test_one_that_has_seen_all_already_takes_over_at_once(store: Store) -> None:
    show(store, NEW, "a", "b", "c")
    assert choose(store, NEW) == (NEW, None)


def test_the_way_back_is_open_at_once_though_photos_came_in_between(store: Store) -> None:
    show(store, NEW, "a", "b", "c")
    choose(store, NEW)
    with store.begin() as unit:
        key, _ = unit.photos.save("/d.jpg", make_decoded("d"), None)
        unit.files.record_image("/d.jpg", FileStamp(1, 2), key)
        unit.analyses.add(NEW, [(key, make_signals())])
    assert choose(store, OLD) == (OLD, None)
    assert choose(store, NEW) == (NEW, None)


def test_a_change_is_called_off_by_choosing_the_active_model_or_a_third(store: Store) -> None:
    choose(store, NEW)
    show(store, NEW, "a")
    assert choose(store, OLD) == (OLD, None)
    assert not finish(store, NEW), "nobody waits for it any more"
    assert choose(store, NEW) == (OLD, NEW)
    assert choose(store, OTHER) == (OLD, OTHER)
    with store.read() as unit:
        assert unit.models.states() == {OLD: ModelState.ACTIVE, NEW: ModelState.BEGUN, OTHER: ModelState.NEXT}
        assert unit.models.analysed()[NEW] == 1, "what it has seen stays, for another time"


def test_taking_over_early_is_one_step_too(store: Store) -> None:
    with store.begin() as unit:
        unit.models.choose(NEW)
        unit.models.take_over(NEW)
        before = unit.revision
        unit.models.take_over(NEW)
        assert unit.revision == before, "nothing changed"
    with store.read() as unit:
        assert (unit.models.active, unit.models.next) == (NEW, None)


def test_a_change_that_fails_midway_leaves_the_old_model(store: Store) -> None:
    def fail_midway() -> None:
        with store.begin() as unit:
            unit.models.take_over(NEW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_midway()
    with store.read() as unit:
        assert (unit.models.active, unit.revision) == (OLD, 0)


def test_no_library_is_read_from_two_models(store: Store) -> None:
    with pytest.raises(IntegrityFailure) as caught, store.begin() as unit:
        unit.models._set(NEW, ModelState.ACTIVE)
    assert isinstance(caught.value.__cause__, IntegrityError)


def test_pruning_forgets_all_that_a_model_saw_and_nothing_else(store: Store) -> None:
    show(store, NEW, "a", "b", "c")
    with store.begin() as unit:
        with pytest.raises(ModelError, match="the library is read from old-1"):
            unit.models.prune(OLD)
        with pytest.raises(ModelNotFound, match=r"no model called nobody .*; new-2, old-1 has"):
            unit.models.prune("nobody")
    choose(store, NEW)
    with store.begin() as unit:
        assert unit.models.prune(OLD) == 3
    with store.read() as unit:
        assert unit.models.states() == {NEW: ModelState.ACTIVE}
        assert unit.analyses.signals(OLD) == {}
        assert unit.analyses.tag_counts(OLD) == {}
        assert len(unit.snapshot(NEW).photos) == 3
    assert store.check() == []
    assert choose(store, OLD) == (NEW, OLD), "the way back is as long as any other"


def test_compacting_gives_space_back(store: Store) -> None:
    with store.begin() as unit:
        key = unit.photos.key_of(make_decoded("a").content_hash)
        for number in range(300):
            unit.analyses.add(f"model-{number}", [(key or 0, make_signals())])
    store.compact()
    before = store.database.stat().st_size
    with store.begin() as unit:
        for number in range(300):
            unit.models.prune(f"model-{number}")
    store.compact()
    assert store.database.stat().st_size < before / 2
    assert store.check() == []
