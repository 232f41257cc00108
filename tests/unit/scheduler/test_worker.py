"""The working process: it is patient, ends when told, and its death is one failed run."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from datetime import time as clock_time
from pathlib import Path

import pytest

from photos_engine.scheduler import worker
from photos_engine.scheduler.policy import Machine, Manners
from photos_engine.scheduler.worker import STOPPED, Governor, Workshop, _as_run, _write_line
from photos_engine.types import JobRun

QUIET = Machine(clock=clock_time(12), cores=4, others_load=0.0, memory_bytes=2**34)
BUSY = replace(QUIET, others_load=0.95)


def test_work_goes_on_while_nothing_speaks_against_it() -> None:
    looks: list[int] = []

    def look() -> Machine:
        looks.append(1)
        return QUIET

    governor = Governor(Manners(), look, threading.Event(), every_s=60)
    assert [governor(False) for _ in range(100)] == [None] * 100
    assert len(looks) == 1  # looking costs more than a photo does


def test_a_short_trouble_halts_work_and_a_long_one_ends_it() -> None:
    moments = iter([BUSY, BUSY, QUIET])
    governor = Governor(Manners(), lambda: next(moments), threading.Event(), patience_s=60, every_s=0.01)
    assert governor(False) is None
    governor = Governor(Manners(), lambda: BUSY, threading.Event(), patience_s=0.05, every_s=0.01)
    assert governor(False) == "machine busy"
    assert governor(True) is None


def test_patience_is_had_once_and_a_verdict_holds_till_the_next_look() -> None:
    governor = Governor(Manners(), lambda: BUSY, threading.Event(), patience_s=0.3, every_s=0.1)
    assert governor(False) == "machine busy"
    began = time.monotonic()
    assert [governor(False) for _ in range(100)] == ["machine busy"] * 100
    assert time.monotonic() - began < 0.25
    assert governor(True) is None


def test_being_told_ends_the_patience() -> None:
    is_stopped = threading.Event()
    threading.Timer(0.1, is_stopped.set).start()
    began = time.monotonic()
    assert Governor(Manners(), lambda: BUSY, is_stopped, every_s=0.02)(False) == STOPPED
    assert time.monotonic() - began < 10


def test_runs_survive_the_pipe() -> None:
    run = JobRun("scan", datetime(2023, 7, 1, tzinfo=UTC), 1.5, "done", {"found": 3, "reason": "dark-\udcff.jpg"})
    told = json.loads(_write_line(asdict(run) | {"started_utc": run.started_utc.isoformat()}))
    assert _as_run(told) == run


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def unrecorded() -> list[JobRun]:
    """Runs that the working process could not keep."""
    return []


def test_a_real_run_in_a_process_of_its_own(library: Path, unrecorded: list[JobRun]) -> None:
    runs = list(Workshop(library, unrecorded.append).run(["backup"], [], is_asked=True))
    assert [(run.job, run.outcome, run.detail) for run in runs] == [("backup", "done", {"decisions": 0})]
    assert unrecorded == []


def test_settings_that_make_no_sense_are_a_failed_run(
    library: Path, unrecorded: list[JobRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOS_ENGINE_DAEMON_WAITS_FOR", "rain")
    (run,) = Workshop(library, unrecorded.append).run(["backup"], [], is_asked=False)
    assert (run.outcome, run.detail["error"]) == ("failed", "ConfigError")
    assert unrecorded == [run]


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_a_process_that_is_killed_is_a_failed_run(
    library: Path, unrecorded: list[JobRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = worker.subprocess.Popen

    def stillborn(*arguments: object, **settings: object) -> object:
        process = real(*arguments, **settings)  # type: ignore[call-overload]
        process.send_signal(signal.SIGKILL)
        process.wait()
        return process

    monkeypatch.setattr(worker.subprocess, "Popen", stillborn)
    (run,) = Workshop(library, unrecorded.append).run(["backup"], [], is_asked=False)
    assert (run.job, run.outcome) == ("backup", "failed")
    assert run.detail["reason"] == "the working process ended with signal 9"
    assert unrecorded == [run]


def test_a_process_that_cannot_start_is_a_failed_run(
    library: Path, unrecorded: list[JobRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.sys, "executable", "/no/such/python")
    (run,) = Workshop(library, unrecorded.append).run(["backup"], [], is_asked=False)
    assert str(run.detail["reason"]).startswith("no working process can be started")


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_a_process_that_hangs_is_ended_all_the_same(
    library: Path, unrecorded: list[JobRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_END_TIMEOUT_S", 0.2)
    real = worker.subprocess.Popen

    def hanging(_: object, **settings: object) -> object:
        return real([sys.executable, "-c", "import time; time.sleep(600)"], **settings)  # type: ignore[call-overload]

    monkeypatch.setattr(worker.subprocess, "Popen", hanging)
    workshop = Workshop(library, unrecorded.append)
    threading.Timer(0.5, workshop.stop).start()
    (run,) = workshop.run(["backup"], [], is_asked=False)
    assert run.detail["reason"] == "the working process ended with signal 9"
