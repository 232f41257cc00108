"""Jobs: each runs, each is reported truthfully, and one that fails takes nothing else with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.engine import FakeEngine

from photos_engine.errors import ModelNotFound, StoreLocked, UsageError
from photos_engine.scheduler import jobs, run_jobs, run_once
from photos_engine.scheduler.jobs import IN_USE, walk
from photos_engine.types import Progress

ALL = ["scan", "analyse", "reanalyse", "places", "graph", "memories", "index", "read", "backup", "check"]


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    return FakeEngine(tmp_path / "library")


def raise_error(error: BaseException) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_every_job_runs_once_and_is_recorded(engine: FakeEngine, photos: Path) -> None:
    runs = list(run_once(engine, [photos]))
    assert [run.job for run in runs] == ALL
    assert {run.job for run in runs if run.outcome != "done"} == {"reanalyse"}
    details = {run.job: run.detail for run in runs}
    assert details["scan"] == {"found": 3, "new": 3, "changed": 0, "moved": 0, "gone": 0, "videos": 0}
    assert details["analyse"] == {"analysed": 2, "failed": 1}
    assert details["graph"] == {"nodes": len(engine.graph), "revision": engine.graph.revision}
    assert details["memories"] == {"memories": 1}
    assert details["reanalyse"] == {"reason": "no other model is to take over"}
    assert details["index"]["photos"] == 2
    assert engine.begun == ALL
    assert sorted(engine.status().jobs, key=lambda job: ALL.index(job.job)) == runs
    assert all(run.started_utc.tzinfo is not None and run.seconds >= 0 for run in runs)


def test_folders_that_were_indexed_before_are_scanned_again(engine: FakeEngine, photos: Path) -> None:
    engine.index([photos])
    (photos / "new.jpg").touch()
    scan, *_ = run_once(engine)
    assert (scan.detail["found"], scan.detail["new"]) == (4, 1)


def test_without_any_folder_the_walk_is_skipped(engine: FakeEngine) -> None:
    assert [run.outcome for run in run_once(engine)] == [*["skipped"] * 3, *["done"] * 7]
    assert [run.outcome for run in run_jobs(engine, ["watch"])] == ["skipped", "skipped"]


def test_what_is_derived_follows_a_walk_that_changed_something(engine: FakeEngine, photos: Path) -> None:
    assert [run.job for run in run_jobs(engine, ["scan"], [photos])] == [
        "scan",
        "analyse",
        "graph",
        "memories",
        "index",
    ]
    assert [run.job for run in run_jobs(engine, ["scan"])] == ["scan", "analyse"]


def test_a_watched_folder_is_walked_alone(engine: FakeEngine, photos: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "mountain.jpg").touch()
    engine.index([photos])
    watch, analyse, *_ = run_jobs(engine, ["watch"], [other])
    assert (watch.job, watch.detail["found"], watch.detail["new"]) == ("watch", 1, 1)
    assert (analyse.job, analyse.detail["analysed"]) == ("analyse", 1)


def test_an_unknown_job_is_refused(engine: FakeEngine) -> None:
    with pytest.raises(UsageError, match="no job is called dust"):
        list(run_jobs(engine, ["dust"]))


def test_a_failing_scan_does_not_keep_the_next_jobs_from_running(
    engine: FakeEngine, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "index", raise_error(ModelNotFound("scene.onnx is missing")))
    runs = {run.job: run for run in run_once(engine, [photos])}
    assert runs["scan"].outcome == "failed"
    assert runs["scan"].detail == {"error": "ModelNotFound", "reason": "scene.onnx is missing"}
    assert (runs["analyse"].outcome, runs["graph"].outcome) == ("skipped", "done")
    assert {job.job: job.outcome for job in engine.status().jobs}["scan"] == "failed"


def test_a_walk_that_fails_after_its_scan_says_so(
    engine: FakeEngine, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def index(paths: object, *, on_progress: Callable[[Progress], None], **_: object) -> None:
        on_progress(Progress("scan", 3, 3, 0.1))
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(engine, "index", index)
    scan, analyse = walk(engine, "scan", [photos])
    assert (scan.outcome, scan.detail) == ("done", {"found": 3})
    assert (analyse.outcome, analyse.detail) == ("failed", {"error": "ZeroDivisionError", "reason": "a fault of ours"})


def test_damage_is_a_failure_that_says_what_to_do(engine: FakeEngine) -> None:
    engine.problems = ["graph: it can't be read"]
    (run,) = run_jobs(engine, ["check"])
    assert run.outcome == "failed"
    assert str(run.detail["reason"]).startswith("graph: it can't be read; photos-engine check --repair")


def test_a_library_in_use_is_left_alone(engine: FakeEngine, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "index", raise_error(StoreLocked("being indexed by another process")))
    scan, _ = walk(engine, "scan", [photos])
    assert (scan.outcome, scan.detail["reason"], scan.detail["goes_on"]) == ("skipped", IN_USE, True)


def test_a_run_that_cannot_be_recorded_is_still_given_out(
    engine: FakeEngine, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "record_job", raise_error(StoreLocked("busy")))
    assert {run.job for run in run_once(engine, [photos]) if run.outcome == "done"} == set(ALL) - {"reanalyse"}


def test_a_walk_that_is_held_up_ends_between_batches_and_the_next_goes_on(engine: FakeEngine, photos: Path) -> None:
    asked: list[bool] = []

    def pace(is_light: bool) -> str | None:
        asked.append(is_light)
        return None if len(asked) < 2 else "on battery"

    scan, analyse = walk(engine, "scan", [photos], pace)
    assert (scan.outcome, analyse.outcome) == ("done", "skipped")
    assert analyse.detail == {"reason": "on battery", "goes_on": True}
    assert asked == [True, True]  # few photos are a matter of moments
    assert engine.status().photos < 2
    list(walk(engine, "scan", [photos]))
    assert engine.status().photos == 2


def test_many_photos_are_no_matter_of_moments(engine: FakeEngine, photos: Path) -> None:
    for number in range(jobs.FEW_PHOTOS + 1):
        (photos / f"dog-{number}.jpg").touch()
    scan, analyse = walk(engine, "scan", [photos], lambda is_light: None if is_light else "hot")
    assert (scan.outcome, analyse.detail["reason"]) == ("done", "hot")


def test_a_job_that_is_held_up_does_not_begin(engine: FakeEngine) -> None:
    runs = list(run_jobs(engine, ["graph", "backup"], pace=lambda is_light: None if is_light else "machine busy"))
    assert [(run.job, run.outcome) for run in runs] == [("graph", "skipped"), ("backup", "done")]


def test_a_next_model_is_shown_the_photos_in_a_job_of_its_own(engine: FakeEngine, photos: Path) -> None:
    engine.index([photos])
    engine.use_model("fake-0")
    runs = {run.job: run for run in run_once(engine)}
    assert runs["reanalyse"].detail == {
        "model": "fake-0", "analysed": 2, "pending": 0, "failed": 0, "taken_over": True,
    }  # fmt: skip
    assert [run.job for run in run_once(engine)] == ALL


def test_a_stopped_change_of_the_model_goes_on_with_the_next_run(engine: FakeEngine, photos: Path) -> None:
    engine.index([photos])
    engine.use_model("fake-0")
    run = jobs.reanalyse(engine, pace=lambda _: "asked to stop")
    assert run.outcome == "skipped"
    assert engine.status().next_pending < 2
    run = jobs.reanalyse(engine)
    assert run.detail["taken_over"]
