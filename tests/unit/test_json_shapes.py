"""What every face prints: valid JSON, nothing lost on the way, odd names included."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.engine import FakeEngine
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine.json_shapes import (
    as_crop,
    as_explanation,
    as_index_report,
    as_job_run,
    as_memories,
    as_plain,
    as_search_answer,
    encode_json,
)
from photos_engine.types import Crop, Decision, DetectedObject, Failure, GeoPoint, IndexReport, JobRun, Reason


def round_trip(value: object) -> Any:
    return json.loads(encode_json(value))


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("beach-dog.jpg", "dog.jpg", "dog-copy.jpg", "receipt.jpg"):
        (folder / name).touch()
    made = FakeEngine(tmp_path / "library")
    made.index([folder])
    return made


@settings(deadline=None, max_examples=50)
@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name))
def test_any_file_name_survives_json(name: bytes) -> None:
    encoded = encode_json(os.fsdecode(name))
    encoded.decode("utf-8")
    assert os.fsencode(json.loads(encoded)) == name


@settings(deadline=None, max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_plain_values_stay_as_they_are(value: object) -> None:
    assert as_plain(value) == value
    assert round_trip(as_plain(value)) == value


@settings(deadline=None, max_examples=50)
@given(st.floats())
def test_numbers_that_json_lacks_become_null(value: float) -> None:
    expected = value if math.isfinite(value) else None
    assert round_trip(as_plain(value)) == expected
    assert round_trip(as_plain(np.float64(value))) == expected


def test_values_of_the_engine_become_plain() -> None:
    when = datetime(2024, 5, 31, 18, 30, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))
    assert as_plain(
        {
            "when": when,
            "day": date(2024, 5, 31),
            "path": Path("/a/b.jpg"),
            "decision": Decision.HIDE,
            "box": (0.0, 0.5),
            "numbers": np.array([1, 2], np.int64),
            "names": frozenset({"b", "a"}),
            "point": GeoPoint(1.0, 2.0),
            "reason": Reason("code", 0.5, "Text."),
            "yes": True,
        }
    ) == {
        "when": "2024-05-31T18:30:00-03:30",
        "day": "2024-05-31",
        "path": "/a/b.jpg",
        "decision": "hide",
        "box": [0.0, 0.5],
        "numbers": [1, 2],
        "names": ["a", "b"],
        "point": {"latitude": 1.0, "longitude": 2.0, "altitude_m": None},
        "reason": {"code": "code", "weight": 0.5, "text": "Text."},
        "yes": True,
    }


def test_index_report_has_the_failures_and_the_speed() -> None:
    report = IndexReport(10, 9, 1, 0, 0, 8, 2, (Failure(Path("/x.jpg"), "decode_error", "broken"),), 4.0)
    assert as_index_report(report) == {
        "found": 10,
        "new": 9,
        "changed": 1,
        "moved": 0,
        "gone": 0,
        "analysed": 8,
        "videos": 2,
        "failed": [{"path": "/x.jpg", "error": "decode_error", "reason": "broken"}],
        "seconds": 4.0,
        "photos_per_second": 2.0,
    }


def test_memory_names_its_photos_by_path(engine: FakeEngine) -> None:
    (memory,) = round_trip(as_memories(engine.memories()))["memories"]
    names = [Path(path).name for path in memory["photos"]]
    assert names == ["beach-dog.jpg", "dog-copy.jpg", "dog.jpg"]
    assert memory["cover"] == memory["photos"][0]
    assert memory["music"] == {"mood": "playful", "energy": 0.6}
    assert memory["start"] == "2023-07-01T12:00:00+00:00"
    assert set(memory["photo_reasons"]) == set(memory["photos"])


def test_search_answer_says_how_it_came_about(engine: FakeEngine) -> None:
    answer = round_trip(as_search_answer(engine.search("dog beach")))
    assert answer["stage"] == "taxonomy"
    assert answer["understood"] == {"tags": ["dog", "beach"]}
    (hit,) = answer["results"]
    assert hit["path"].endswith("beach-dog.jpg")
    assert hit["reasons"] == [{"code": "fake", "weight": 0.5, "text": "shows dog and beach."}]


def test_explanation_has_everything(engine: FakeEngine) -> None:
    dog = next(p.photo for p in engine.snapshot().photos if p.photo.path.name == "dog.jpg")
    engine.decide(dog, Decision.FAVOURITE)
    found = round_trip(as_explanation(engine.explain(dog)))
    assert found["id"] == dog.id
    assert found["facts"]["date_source"] == "exif"
    assert found["facts"]["gps"]["latitude"] == pytest.approx(45.76, abs=0.02)
    assert found["place"]["city"] == "Lyon"
    assert found["signals"]["tags"] == {"dog": 0.9}
    assert len(bytes.fromhex(found["signals"]["print"])) == 32
    assert [group["kind"] for group in found["groups"]] == ["copy"]
    assert [memory["title"] for memory in found["memories"]] == ["Days with the dog"]
    assert [decision["decision"] for decision in found["decisions"]] == ["favourite"]


def test_explanation_shows_objects_with_their_boxes(engine: FakeEngine) -> None:
    explained = engine.explain(engine.snapshot().photos[0].photo)
    assert explained.analysed is not None
    signals = round_trip(as_explanation(explained))["signals"]
    assert (signals["objects"], signals["aesthetics"]) == ([], None)
    seen = replace(explained.analysed, objects=(DetectedObject("dog", (0.1, 0.2, 0.6, 0.9), 0.85),), aesthetics=0.7)
    signals = round_trip(as_explanation(replace(explained, analysed=seen)))["signals"]
    assert signals["objects"] == [{"label": "dog", "box": [0.1, 0.2, 0.6, 0.9], "score": 0.85}]
    assert signals["aesthetics"] == 0.7


def test_crop_is_a_list_of_four() -> None:
    crop = Crop((0.0, np.float32(0.25), 1.0, 0.75), 0.5, ())  # type: ignore[arg-type]
    assert round_trip(as_crop("a.jpg", [crop])) == {
        "path": "a.jpg",
        "crop": [0.0, 0.25, 1.0, 0.75],
        "score": 0.5,
        "reasons": [],
        "candidates": [{"crop": [0.0, 0.25, 1.0, 0.75], "score": 0.5, "reasons": []}],
    }


def test_job_run_starts_at_an_aware_time() -> None:
    run = JobRun("scan", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), 1.23456, "done", {"found": np.int64(3)})
    assert round_trip(as_job_run(run)) == {
        "job": "scan",
        "started": "2024-01-02T03:04:05+00:00",
        "seconds": 1.235,
        "outcome": "done",
        "detail": {"found": 3},
    }
