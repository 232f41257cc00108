"""The daemon: what makes jobs due, what holds them up, and that nothing ends it but being told to."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path

import pytest
from fakes.engine import FakeEngine
from fakes.work import FakeWork

from photos_engine.errors import StoreLocked
from photos_engine.library import Library
from photos_engine.overview import read_status
from photos_engine.scheduler import daemon, watching
from photos_engine.scheduler.daemon import Daemon
from photos_engine.scheduler.jobs import JOBS
from photos_engine.scheduler.policy import Machine
from photos_engine.store import Store
from photos_engine.types import JobPlan, JobRun

SOON_S = 20.0
QUIET = Machine(clock=clock_time(12), cores=4, others_load=0.0, memory_bytes=2**34)
BUSY = replace(QUIET, others_load=0.95)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "PULSE_S", 0.05)
    monkeypatch.setattr(daemon, "POLICY_EVERY_S", 0.0)
    monkeypatch.setattr(watching, "DEBOUNCE_MS", 50)


@pytest.fixture
def work(library: Library) -> FakeWork:
    return FakeWork(FakeEngine(library.folder))


class Bench:
    """A daemon at work, and its runs as they end."""

    def __init__(self, store: Store, work: FakeWork) -> None:
        self.store, self.work = store, work
        self.runs: queue.Queue[JobRun] = queue.Queue()
        self.machine = QUIET

    def next_run(self, job: str, timeout_s: float = SOON_S) -> JobRun:
        while (run := self.runs.get(timeout=timeout_s)).job != job:
            pass
        return run

    def plan(self, job: str) -> JobPlan:
        with self.store.read() as unit:
            return {plan.job: plan for plan in unit.jobs.plans()}[job]

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SOON_S
        while not is_so():
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture
def bench(store: Store, work: FakeWork) -> Bench:
    return Bench(store, work)


@contextmanager
def running(bench: Bench, library: Library, **settings: object) -> Iterator[Daemon]:
    made = Daemon(library, bench.store, bench.work, on_run=bench.runs.put, look=lambda: bench.machine, **settings)  # type: ignore[arg-type]
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield made
    finally:
        made.stop()
        thread.join(SOON_S)
        assert not thread.is_alive()


def test_it_starts_with_everything_and_ends_when_told(bench: Bench, library: Library, photos: Path) -> None:
    with running(bench, library, watched=[photos]):
        assert bench.next_run("scan").detail["new"] == 3
        assert bench.next_run("memories").detail == {"memories": 1}
        assert bench.next_run("backup").outcome == "done"
        assert library.is_tended
    assert not library.is_tended
    assert bench.plan("check").next_utc is not None


def test_a_second_daemon_gets_one_clear_line(bench: Bench, library: Library) -> None:
    with running(bench, library):
        bench.next_run("scan")
        other = Daemon(library, bench.store, bench.work, on_run=bench.runs.put)
        with pytest.raises(StoreLocked, match=r"another daemon looks after the library .* already"):
            other.run()


def test_it_scans_at_intervals_and_lives_on_when_a_job_fails(
    bench: Bench, library: Library, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a fault")

    bench.work.engine.index([photos])
    with running(bench, library, scan_every_s=0.2):
        bench.next_run("memories")
        with monkeypatch.context() as patch:
            patch.setattr(bench.work.engine, "index", fail)
            while bench.next_run("scan").outcome != "failed":
                pass
        while bench.next_run("scan").outcome != "done":
            pass


def test_it_shows_the_next_model_some_photos_at_a_time(bench: Bench, library: Library, photos: Path) -> None:
    bench.work.limit = 1
    bench.work.engine.index([photos])
    bench.work.engine.use_model("fake-0")
    with running(bench, library):
        assert bench.next_run("reanalyse").detail["pending"] == 1
        assert bench.next_run("reanalyse").detail["taken_over"]
        assert bench.next_run("graph").outcome == bench.next_run("memories").outcome == "done"
    assert bench.work.engine.status().model == "fake-0"


def test_it_indexes_just_the_watched_folder_that_changed(
    bench: Bench, library: Library, photos: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "mountain.jpg").touch()
    with running(bench, library, watched=[photos, other]):
        assert bench.next_run("scan").detail["found"] == 4
        bench.next_run("backup")
        (photos / "forest.jpg").touch()
        watch = bench.next_run("watch")
        assert (watch.detail["found"], watch.detail["new"]) == (4, 1)  # of `photos` alone
        bench.next_run("index")
        (photos / "dog.jpg").unlink()
        assert bench.next_run("watch").detail["gone"] == 1


def test_a_watch_of_a_library_in_use_is_made_up_for_in_its_folder(
    bench: Bench, library: Library, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StoreLocked("being indexed by another process")

    monkeypatch.setattr(daemon, "TRY_AGAIN_S", 0.1)
    other = tmp_path / "other"
    other.mkdir()
    (other / "mountain.jpg").touch()
    with running(bench, library, watched=[photos, other]):
        bench.next_run("backup")
        with monkeypatch.context() as patch:
            patch.setattr(bench.work.engine, "index", refuse)
            (photos / "forest.jpg").touch()
            held_up = bench.next_run("watch")
        assert (held_up.outcome, held_up.detail["reason"]) == ("skipped", "library in use")
        while (watch := bench.next_run("watch")).outcome != "done":
            pass
        assert watch.detail["found"] == 4


def test_every_job_is_seen_and_can_be_asked_for(bench: Bench, library: Library, photos: Path) -> None:
    with running(bench, library, watched=[photos]):
        bench.next_run("backup")
        with bench.store.read() as unit:
            assert {plan.job for plan in unit.jobs.plans()} == set(JOBS)
        for job in JOBS:
            with bench.store.begin() as unit:
                unit.jobs.ask(job)
            bench.wait_until(lambda: any(is_asked and job in jobs for jobs, is_asked in bench.work.orders))  # noqa: B023


def test_what_is_under_way_is_seen(
    bench: Bench, library: Library, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_work() -> str | None:
        return read_status(library, bench.store).at_work

    def note_job(job: str) -> None:
        with bench.store.begin() as unit:
            unit.jobs.note_work(job)

    with bench.store.begin() as unit:
        unit.models.adopt("fake-1")
        unit.jobs.note_work("check")  # of a daemon that was killed
    assert at_work() is None
    is_over = threading.Event()
    monkeypatch.setattr(bench.work.engine, "note_job", note_job)
    monkeypatch.setattr(bench.work.engine, "refresh", lambda **_: is_over.wait(SOON_S))
    with running(bench, library, watched=[photos]):
        bench.wait_until(lambda: at_work() == "memories")
        is_over.set()
        bench.next_run("backup")
        bench.wait_until(lambda: at_work() is None)


def test_every_job_can_rest(bench: Bench, library: Library, photos: Path) -> None:
    with bench.store.begin() as unit:
        for job in JOBS:
            unit.jobs.pause(job)
    with running(bench, library, watched=[photos]):
        time.sleep(0.5)
        (photos / "forest.jpg").touch()
        time.sleep(0.5)
        assert bench.work.orders == []
        for job in JOBS:
            with bench.store.begin() as unit:
                unit.jobs.pause(job, False)
        assert bench.next_run("scan").detail["found"] == 4
        bench.next_run("backup")


def test_a_folder_that_comes_back_is_looked_over(bench: Bench, library: Library, photos: Path, tmp_path: Path) -> None:
    away = tmp_path / "away"
    photos.rename(away)
    with running(bench, library, watched=[photos]):
        assert bench.next_run("scan").detail["found"] == 0
        bench.next_run("backup")
        away.rename(photos)
        assert bench.next_run("watch").detail["new"] == 3


def test_the_library_s_own_changes_start_nothing(bench: Bench, library: Library, tmp_path: Path) -> None:
    with running(bench, library, watched=[tmp_path]):
        bench.next_run("backup")
        (library.folder / "something").touch()
        with pytest.raises(queue.Empty):
            bench.next_run("watch", 1.0)
        (tmp_path / "forest.jpg").touch()
        assert bench.next_run("watch").detail["new"] == 1


def test_it_ends_when_nobody_listens(store: Store, work: FakeWork, library: Library, photos: Path) -> None:
    def leave(_: JobRun) -> None:
        raise BrokenPipeError(32, "broken pipe")

    with pytest.raises(BrokenPipeError):
        Daemon(library, store, work, on_run=leave, watched=[photos], look=lambda: QUIET).run()


def test_what_is_heavy_waits_for_the_machine_by_name(bench: Bench, library: Library, photos: Path) -> None:
    bench.machine = BUSY
    with running(bench, library, watched=[photos]):
        assert bench.next_run("scan").outcome == "done"  # a glance, and few photos
        bench.next_run("backup")
        bench.wait_until(lambda: bench.plan("places").waits_for == "machine busy")
        bench.machine = QUIET
        assert bench.next_run("places").outcome == "done"
        bench.wait_until(lambda: bench.plan("places").waits_for is None)


def test_what_was_due_is_not_forgotten_with_the_daemon(bench: Bench, library: Library, photos: Path) -> None:
    bench.machine = BUSY
    with running(bench, library, watched=[photos]):
        bench.next_run("backup")
        bench.wait_until(lambda: bench.plan("places").waits_for == "machine busy")
    due = bench.plan("places").next_utc
    assert due is not None
    assert due <= datetime.now(UTC)
    bench.machine = QUIET
    with running(bench, library):
        assert bench.next_run("places").outcome == "done"
        bench.wait_until(lambda: (bench.plan("places").next_utc or due) > datetime.now(UTC))
    with running(bench, library):
        bench.next_run("scan")
        with pytest.raises(queue.Empty):
            bench.next_run("places", 1.0)


def test_what_followed_and_was_held_up_is_not_forgotten_either(bench: Bench, library: Library, photos: Path) -> None:
    with running(bench, library, watched=[photos]):
        bench.next_run("backup")
        bench.work.held_up = "on battery"
        with bench.store.begin() as unit:
            unit.jobs.ask("graph")
        assert bench.next_run("graph").outcome == "skipped"
        bench.machine = BUSY
        bench.wait_until(lambda: (bench.plan("graph").next_utc or NEVER) <= datetime.now(UTC))
    bench.work.held_up, bench.machine = None, QUIET
    with running(bench, library):
        while bench.next_run("graph").outcome != "done":
            pass
        bench.wait_until(lambda: (bench.plan("graph").next_utc or NEVER) > datetime.now(UTC))


def test_a_job_that_becomes_due_while_it_is_done_is_not_done_twice(
    bench: Bench, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over = threading.Event()
    monkeypatch.setattr(bench.work.engine, "refresh", lambda **_: is_over.wait(SOON_S))
    with running(bench, library) as made:  # without photos, or memories might follow a scan instead of being due
        bench.wait_until(lambda: "memories" in bench.work.engine.begun)
        assert "memories" in made._current
        for job in made._current:
            made._become_due(job)
        assert not made._due & made._current
        is_over.set()
        bench.next_run("backup")


def test_waiting_writes_nothing(bench: Bench, library: Library, photos: Path) -> None:
    bench.machine = BUSY
    with running(bench, library, watched=[photos]):
        bench.next_run("backup")
        bench.wait_until(lambda: bench.plan("places").waits_for == "machine busy")
        time.sleep(0.3)
        log = bench.store.database.with_name(bench.store.database.name + "-wal")
        before = log.stat()
        time.sleep(0.5)
        assert (log.stat().st_size, log.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def test_what_a_person_asks_for_waits_for_nothing(bench: Bench, library: Library) -> None:
    bench.machine = BUSY
    with running(bench, library):
        bench.next_run("backup")
        with bench.store.begin() as unit:
            unit.jobs.ask("memories")
        assert bench.next_run("memories").outcome == "done"
    assert (("memories",), True) in bench.work.orders
    assert not bench.plan("memories").is_asked


def test_a_paused_job_rests_until_it_is_resumed(bench: Bench, library: Library, photos: Path) -> None:
    with bench.store.begin() as unit:
        unit.jobs.pause("analyse")
        unit.jobs.pause("backup")
    with running(bench, library, watched=[photos]):
        bench.next_run("memories")
        with pytest.raises(queue.Empty):
            bench.next_run("scan", 0.5)
        with bench.store.begin() as unit:
            unit.jobs.pause("analyse", False)
        assert bench.next_run("analyse").outcome == "done"
    assert not any("backup" in jobs for jobs, _ in bench.work.orders)


def test_work_that_was_held_up_goes_on(bench: Bench, library: Library, photos: Path) -> None:
    bench.work.held_up = "on battery"
    with running(bench, library, watched=[photos]):
        assert bench.next_run("analyse").detail["reason"] == "on battery"
        bench.work.held_up = None
        while bench.next_run("analyse").outcome != "done":
            pass


def test_a_missed_night_is_made_up_once_and_a_plan_from_the_future_is_none(bench: Bench, library: Library) -> None:
    now = datetime.now(UTC)
    with bench.store.begin() as unit:
        for job in ("graph", "memories", "index", "places", "reanalyse"):
            unit.jobs.plan(job, now + timedelta(hours=1))
        unit.jobs.plan("memories", now - timedelta(days=9))  # nine nights
        unit.jobs.plan("backup", now + timedelta(days=4000))  # by a clock that was wrong
    with running(bench, library):
        assert bench.next_run("memories").outcome == "done"
        with pytest.raises(queue.Empty):
            bench.next_run("memories", 0.5)
        later = bench.plan("backup").next_utc
        assert later is not None
        assert later - now < timedelta(hours=1, minutes=5)


def test_a_clock_that_is_set_back_puts_nothing_off(
    bench: Bench, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(bench, library) as made:
        bench.next_run("backup")
        job = next(job for job in made._scheduler.get_jobs() if job.id == "backup")
        job.modify(next_run_time=datetime.now(UTC) + timedelta(days=365))
        made._clock -= 10_000
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        bench.wait_until(lambda: (bench.plan("backup").next_utc or tomorrow) < tomorrow)


def test_a_drive_that_is_away_is_waited_for(bench: Bench, library: Library, caplog: pytest.LogCaptureFixture) -> None:
    with running(bench, library) as made:
        bench.next_run("backup")
        broken = Store(bench.store._engine, bench.store.database)
        broken.read = _locked  # type: ignore[method-assign]
        good, made._store = made._store, broken
        bench.wait_until(lambda: "the daemon waits" in caplog.text)
        made._store = good
        with bench.store.begin() as unit:
            unit.jobs.ask("memories")
        assert bench.next_run("memories").outcome == "done"
    assert caplog.text.count("the daemon waits") == 1


@contextmanager
def _locked() -> Iterator[None]:
    raise StoreLocked("the drive is away")
    yield
