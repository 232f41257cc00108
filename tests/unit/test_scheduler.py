"""Jobs: each runs, each is reported truthfully, and one that fails takes nothing else with it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fakes.engine import FakeEngine

from photos_engine import scheduler
from photos_engine.errors import ModelNotFound, StoreLocked
from photos_engine.scheduler import Daemon, run_once, walk
from photos_engine.types import JobRun, Progress

JOBS = ["scan", "analyse", "graph", "memories"]
SOON_S = 20.0


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("dog.jpg", "beach-dog.jpg", "broken.jpg"):
        (folder / name).touch()
    return folder


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    return FakeEngine(tmp_path / "library")


def raise_error(error: BaseException) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_every_job_runs_once_and_is_recorded(engine: FakeEngine, photos: Path) -> None:
    runs = list(run_once(engine, [photos]))
    assert [(run.job, run.outcome) for run in runs] == [(job, "done") for job in JOBS]
    scan, analyse, graph, memories = (run.detail for run in runs)
    assert scan == {"found": 3, "new": 3, "changed": 0, "moved": 0, "gone": 0, "videos": 0}
    assert analyse == {"analysed": 2, "failed": 1}
    assert graph == {"nodes": len(engine.graph), "revision": engine.graph.revision}
    assert memories == {"memories": 1}
    assert sorted(engine.status().jobs, key=lambda job: JOBS.index(job.job)) == runs
    assert all(run.started_utc.tzinfo is not None and run.seconds >= 0 for run in runs)


def test_folders_that_were_indexed_before_are_scanned_again(engine: FakeEngine, photos: Path) -> None:
    engine.index([photos])
    (photos / "new.jpg").touch()
    scan, *_ = run_once(engine)
    assert (scan.detail["found"], scan.detail["new"]) == (4, 1)


def test_without_any_folder_the_walk_is_skipped(engine: FakeEngine) -> None:
    assert [run.outcome for run in run_once(engine)] == ["skipped", "skipped", "done", "done"]


def test_a_failing_scan_does_not_keep_the_next_jobs_from_running(
    engine: FakeEngine, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "index", raise_error(ModelNotFound("scene.onnx is missing")))
    scan, analyse, graph, memories = run_once(engine, [photos])
    assert (scan.outcome, scan.detail) == ("failed", {"error": "ModelNotFound", "reason": "scene.onnx is missing"})
    assert (analyse.outcome, graph.outcome, memories.outcome) == ("skipped", "done", "done")
    assert {job.job: job.outcome for job in engine.status().jobs}["scan"] == "failed"


def test_a_walk_that_fails_after_its_scan_says_so(
    engine: FakeEngine, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def index(paths: object, *, on_progress: Callable[[Progress], None], reanalyse: bool) -> None:
        on_progress(Progress("scan", 3, 3, 0.1))
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(engine, "index", index)
    scan, analyse = walk(engine, [photos])
    assert (scan.outcome, scan.detail) == ("done", {"found": 3})
    assert (analyse.outcome, analyse.detail) == ("failed", {"error": "ZeroDivisionError", "reason": "a fault of ours"})


def test_a_library_in_use_is_left_alone(engine: FakeEngine, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "index", raise_error(StoreLocked("being indexed by another process")))
    scan, _ = walk(engine, [photos])
    assert (scan.outcome, scan.detail) == ("skipped", {"reason": "being indexed by another process"})


def test_a_run_that_cannot_be_recorded_is_still_given_out(
    engine: FakeEngine, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "record_job", raise_error(StoreLocked("busy")))
    assert [run.outcome for run in run_once(engine, [photos])] == ["done"] * 4


def test_a_stopped_walk_ends_between_batches_and_the_next_goes_on(engine: FakeEngine, photos: Path) -> None:
    scan, analyse = walk(engine, [photos], is_stopped=lambda: True)
    assert (scan.outcome, analyse.outcome) == ("done", "skipped")
    assert engine.status().photos < 2
    list(walk(engine, [photos]))
    assert engine.status().photos == 2


def test_a_next_model_is_shown_the_photos_in_a_job_of_its_own(engine: FakeEngine, photos: Path) -> None:
    engine.index([photos])
    engine.use_model("fake-0")
    runs = list(run_once(engine))
    assert [run.job for run in runs] == ["scan", "analyse", "reanalyse", "graph", "memories"]
    assert runs[2].detail == {"model": "fake-0", "analysed": 2, "pending": 0, "failed": 0, "taken_over": True}
    assert [run.job for run in run_once(engine)] == JOBS


def test_a_stopped_change_of_the_model_goes_on_with_the_next_run(engine: FakeEngine, photos: Path) -> None:
    engine.index([photos])
    engine.use_model("fake-0")
    (run,) = scheduler.reanalyse(engine, is_stopped=lambda: True)
    assert run.outcome == "skipped"
    assert engine.status().next_pending < 2
    (run,) = scheduler.reanalyse(engine)
    assert run.detail["taken_over"]


@contextmanager
def running(engine: FakeEngine, **settings: object) -> Iterator[Callable[..., JobRun]]:
    """A daemon at work; gives a function that waits for the next run of a job."""
    runs: queue.Queue[JobRun] = queue.Queue()
    daemon = Daemon(engine, on_run=runs.put, **settings)  # type: ignore[arg-type]
    thread = threading.Thread(target=daemon.run)
    thread.start()

    def next_run(job: str, timeout_s: float = SOON_S) -> JobRun:
        while (run := runs.get(timeout=timeout_s)).job != job:
            pass
        return run

    try:
        yield next_run
    finally:
        daemon.stop()
        thread.join(SOON_S)
        assert not thread.is_alive()


def test_daemon_starts_with_everything_and_ends_when_told(engine: FakeEngine, photos: Path) -> None:
    with running(engine, watched=[photos]) as next_run:
        assert next_run("scan").detail["new"] == 3
        assert next_run("memories").detail == {"memories": 1}


def test_daemon_scans_at_intervals_and_lives_on_when_a_job_fails(
    engine: FakeEngine, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.index([photos])
    with running(engine, scan_every_s=0.2) as next_run:
        next_run("memories")
        with monkeypatch.context() as patch:
            patch.setattr(engine, "index", raise_error(ZeroDivisionError("a fault")))
            while next_run("scan").outcome != "failed":
                pass
        while next_run("scan").outcome != "done":
            pass


def test_daemon_shows_the_next_model_some_photos_at_a_time(
    engine: FakeEngine, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "REANALYSED_AT_ONCE", 1)
    engine.index([photos])
    engine.use_model("fake-0")
    with running(engine) as next_run:
        assert next_run("reanalyse").detail["pending"] == 1
        assert next_run("reanalyse").detail["taken_over"]
        assert next_run("graph").outcome == next_run("memories").outcome == "done"
    assert engine.status().model == "fake-0"


def test_daemon_indexes_just_the_watched_folder_that_changed(
    engine: FakeEngine, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "DEBOUNCE_MS", 50)
    other = tmp_path / "other"
    other.mkdir()
    (other / "mountain.jpg").touch()
    with running(engine, watched=[photos, other]) as next_run:
        assert next_run("scan").detail["found"] == 4
        next_run("memories")
        (photos / "forest.jpg").touch()
        scan = next_run("scan")
        assert (scan.detail["found"], scan.detail["new"]) == (4, 1)  # of `photos` alone
        next_run("memories")
        (photos / "dog.jpg").unlink()
        assert next_run("scan").detail["gone"] == 1


def test_the_library_s_own_changes_start_nothing(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "DEBOUNCE_MS", 50)
    engine = FakeEngine(photos / ".library")
    engine.library.mkdir()
    with running(engine, watched=[photos]) as next_run:
        next_run("memories")
        (engine.library / "library.sqlite-wal").touch()
        with pytest.raises(queue.Empty):
            next_run("scan", 1.5)
        (photos / "forest.jpg").touch()
        assert next_run("scan").detail["new"] == 1


def test_daemon_ends_when_nobody_listens(engine: FakeEngine, photos: Path) -> None:
    daemon = Daemon(engine, on_run=raise_error(BrokenPipeError(32, "broken pipe")), watched=[photos])
    with pytest.raises(BrokenPipeError):
        daemon.run()
