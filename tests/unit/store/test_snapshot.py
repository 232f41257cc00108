"""A snapshot that takes over what hasn't changed is the one that is read from nothing, whatever happened between."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from fakes.changing import (
    CONTENTS,
    MODEL,
    NAMES,
    Step,
    analyse,
    begin_library,
    decide,
    save,
    see_all,
    steps,
    take_steps,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine.store import Store
from photos_engine.types import Snapshot


def same(one: Snapshot, other: Snapshot) -> bool:
    facts = (one.model, one.revision, one.photos, one.decisions) == (
        other.model, other.revision, other.photos, other.decisions
    )  # fmt: skip
    return facts and np.array_equal(one.embeddings, other.embeddings)


@settings(max_examples=60, deadline=None)
@given(steps, steps, st.booleans())
def test_what_is_taken_over_is_what_is_read(before: list[Step], after: list[Step], touch_first: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        begin_library(store)
        take_steps(store, before, touch_first=touch_first)
        with store.read() as unit:
            earlier = unit.snapshot(MODEL)
        take_steps(store, after, touch_first=touch_first)
        see_all(store)
        with store.read() as unit:
            later = unit.snapshot(MODEL, earlier)
            assert same(later, unit.snapshot(MODEL))
            assert same(unit.snapshot(MODEL, later), later)


def test_photos_that_are_as_they_were_are_taken_over_as_they_are(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        for n, name in enumerate(NAMES):
            with store.begin() as unit:
                save(unit, name, n)
                analyse(unit, name, n)
                unit.touch()
        with store.read() as unit:
            earlier = unit.snapshot(MODEL)
        with store.begin() as unit:
            decide(unit, "b", 0)
            unit.touch(photos=False)
        with store.read() as unit:
            later = unit.snapshot(MODEL, earlier)
    changed = [one.photo.id for one, other in zip(later.photos, earlier.photos, strict=True) if one is not other]
    assert changed == [CONTENTS["b"]]
