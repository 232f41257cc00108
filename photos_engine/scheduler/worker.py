"""The process that does the daemon's work: `python -m photos_engine.scheduler.worker`, started by `Workshop` alone.

Working takes hundreds of megabytes; waiting should take none of them. So the daemon only waits, and what it
waits for is done in a process that ends with the work: models, indexes and whatever foreign code leaks go
with it, and should it crash, that costs one run. It ends by itself when its standard input does.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from photos_engine.errors import PhotosEngineError
from photos_engine.logs import log_to_stderr
from photos_engine.scheduler.jobs import run_jobs
from photos_engine.scheduler.machine import Observer, step_back
from photos_engine.scheduler.policy import Machine, Manners, count_workers, reason_to_wait
from photos_engine.types import JobRun

logger = logging.getLogger(__name__)

STOPPED = "asked to stop"
_LOOK_EVERY_S = 2.0
_PATIENCE_S = 60.0  # a person who types a line need not end the work, only halt it
_END_TIMEOUT_S = 60.0  # a batch takes seconds; whatever takes longer than this may be killed at any moment


class Workshop:
    """Runs jobs on a library, each time in a new process. One run at a time.

    record: keeps a run that no process could keep, since it couldn't start, or died.
    """

    def __init__(self, library: Path, record: Callable[[JobRun], None]) -> None:
        self._library, self._record = library, record
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def run(self, jobs: Collection[str], roots: Sequence[str], *, is_asked: bool) -> Iterator[JobRun]:
        """Each run as it ends. `is_asked`: a person wants it now, whatever the machine is up to."""
        started = datetime.now(UTC)
        order = {"library": str(self._library), "jobs": list(jobs), "roots": list(roots), "is_asked": is_asked}
        try:
            process = self._start()
        except OSError as error:
            yield self._failed(jobs, started, "WorkerDied", f"no working process can be started: {error}")
            return
        assert process.stdin is not None  # as it was started
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(order).encode() + b"\n")
            for line in process.stdout:
                told = json.loads(line)
                yield _as_run(told) if "job" in told else self._failed(jobs, started, told["error"], told["reason"])
        except (OSError, ValueError) as error:
            logger.warning("the working process can't be talked to: %s", error)
        finally:
            status = self._end(process)
        if status != 0:
            how = f"signal {-status}" if status < 0 else f"status {status}"
            yield self._failed(jobs, started, "WorkerDied", f"the working process ended with {how}")

    def stop(self) -> None:
        """Let the work under way end after its batch, or soon after; may be called from any thread."""
        with self._lock:
            process = self._process
            if process is None or process.stdin is None or process.stdin.closed:
                return
            process.stdin.close()
        timer = threading.Timer(_END_TIMEOUT_S, process.kill)
        timer.daemon = True
        timer.start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._lock:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "photos_engine.scheduler.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,  # so that closing a pipe writes nothing into it
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},  # the same modules
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                start_new_session=True,  # a terminal's Ctrl-C is the daemon's to handle
            )
            return self._process

    def _failed(self, jobs: Collection[str], started: datetime, error: str, reason: str) -> JobRun:
        seconds = (datetime.now(UTC) - started).total_seconds()
        run = JobRun(next(iter(jobs)), started, seconds, "failed", {"error": error, "reason": reason})
        try:
            self._record(run)
        except PhotosEngineError as problem:
            logger.warning("the run of %s can't be recorded: %s", run.job, problem)
        return run

    def _end(self, process: subprocess.Popen[bytes]) -> int:
        with self._lock:
            self._process = None
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        try:
            return process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


class Governor:
    """Says why work has to end: as told, or for the machine's sake after some patience.

    Patience is had once: where it was in vain, the jobs that would follow don't keep others waiting in their turn.
    """

    def __init__(
        self,
        manners: Manners,
        look: Callable[[], Machine],
        is_stopped: threading.Event,
        *,
        patience_s: float = _PATIENCE_S,
        every_s: float = _LOOK_EVERY_S,
    ) -> None:
        self._manners, self._look, self._is_stopped = manners, look, is_stopped
        self._patience_s, self._every_s = patience_s, every_s
        self._machine: Machine | None = None  # as it was when it was looked at
        self._looked = 0.0

    def __call__(self, is_light: bool) -> str | None:
        """The reason, if there is one; a while is waited for it to pass."""
        began = time.monotonic()
        while not self._is_stopped.is_set():
            if self._machine is None or time.monotonic() - self._looked >= self._every_s:
                self._machine, self._looked = self._look(), time.monotonic()
            reason = reason_to_wait(self._machine, self._manners, at_work=True, is_light=is_light)
            if reason is None:
                return None
            if time.monotonic() - began >= self._patience_s:
                self._patience_s = 0.0
                return reason
            self._is_stopped.wait(self._every_s)
        return STOPPED


def main() -> None:
    """Do what standard input orders, and tell of each run on standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orders = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115  unbuffered: a thread may be reading at the end
    order = json.loads(orders.readline())
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what foreign libraries print must not end up among the answers
    log_to_stderr()
    step_back()
    is_stopped = threading.Event()

    def wait_for_the_end() -> None:
        orders.read()
        is_stopped.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    try:
        for run in _work(order, is_stopped):
            answers.write(_write_line(asdict(run) | {"started_utc": run.started_utc.isoformat()}))
            answers.flush()
    except PhotosEngineError as error:  # the library can't be opened: nothing of it is kept there
        answers.write(_write_line({"error": type(error).__name__, "reason": str(error)}))
    except BrokenPipeError:  # the daemon is gone
        pass
    answers.close()


def _work(order: dict[str, Any], is_stopped: threading.Event) -> Iterator[JobRun]:
    from photos_engine.config import load_settings
    from photos_engine.engine import PhotosEngine  # here, so that bad settings are a run that failed

    settings = load_settings(library=order["library"])
    manners = Manners.of(settings.daemon_waits_for, settings.quiet_hours)
    observer = Observer()
    workers = min(settings.decode_workers, count_workers(observer.look(), manners))
    if order["is_asked"]:
        manners = Manners(frozenset())
    pace = Governor(manners, observer.look, is_stopped)
    with PhotosEngine(settings) as engine:
        yield from run_jobs(engine, order["jobs"], order["roots"], pace=pace, workers=workers)


def _write_line(told: Mapping[str, object]) -> bytes:
    return json.dumps(told).encode() + b"\n"


def _as_run(told: dict[str, Any]) -> JobRun:
    return JobRun(**told | {"started_utc": datetime.fromisoformat(told["started_utc"])})


if __name__ == "__main__":
    main()
