"""The scheduler: jobs over the engine that keep a library up to date, once or for as long as one likes.

Four jobs are reported. 'scan' and 'analyse' are the two stages of one walk, `PhotosEngine.index` over
all known folders: what the scan finds is analysed in the same run, so that no list of things to do is
kept between them that could go stale. The walk says when its first stage ends, which gives each of the
two its own time and outcome. 'reanalyse' is there while another model is to take over: it shows it the
photos, so many at a time that new ones don't wait for long. 'graph' and 'memories' follow a walk that
changed something and a model that took over, and come once a night besides, since memories change with
the day.

All jobs run one after the other on one thread: a library has one writer.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from watchfiles import Change, watch

from photos_engine.errors import PhotosEngineError, StoreLocked
from photos_engine.types import JobRun, Progress

if TYPE_CHECKING:
    from photos_engine.engine import PhotosEngine

logger = logging.getLogger(__name__)

SCAN_EVERY_S = 1_800.0
NIGHTLY_HOUR = 3
REANALYSED_AT_ONCE = 1_000  # photos: about a minute, until which the daemon sees to nothing else
DEBOUNCE_MS = 2_000  # a card that is being copied is one change, not a thousand
STOP_CHECKED_EVERY_S = 1.0
_CHANGES = ("new", "changed", "moved", "gone", "analysed")

Roots = Iterable[str | os.PathLike[str]]
Outcome = tuple[str, Mapping[str, object]]


def run_once(engine: PhotosEngine, roots: Roots = ()) -> Iterator[JobRun]:
    """Run every job once, in order; each run is recorded in the library and given out as it ends.

    roots: what to index besides the folders that were indexed before. A failing job doesn't keep the
    next from running; what it failed of is in its `detail`.
    """
    yield from walk(engine, [*engine.roots(), *roots])
    yield from reanalyse(engine)
    yield refresh_graph(engine)
    yield refresh_memories(engine)


def walk(engine: PhotosEngine, roots: Roots, is_stopped: Callable[[], bool] = lambda: False) -> Iterator[JobRun]:
    """The jobs 'scan' and 'analyse', which end between two batches once `is_stopped`."""
    tops = [os.fspath(root) for root in roots]
    scan, analyse = _Clock("scan"), None
    found = 0

    def note(progress: Progress) -> None:
        nonlocal analyse, found
        if progress.stage == "scan":
            scan.stop()
            found, analyse = progress.done, _Clock("analyse")
        if is_stopped():
            raise _StopAskedError

    def index() -> Mapping[str, object]:
        report = engine.index(tops, on_progress=note, reanalyse=False)
        names = ("found", "new", "changed", "moved", "gone", "videos", "analysed")
        return {name: getattr(report, name) for name in names} | {"failed": len(report.failed)}

    outcome, detail = _attempt(index) if tops else ("skipped", {"reason": "no folder has been indexed yet"})
    if outcome == "done":
        seen = {name: detail[name] for name in ("analysed", "failed")}
        scanned: Outcome = "done", {name: value for name, value in detail.items() if name not in seen}
        analysed: Outcome = "done", seen
    elif analyse is not None:
        scanned, analysed = ("done", {"found": found}), (outcome, detail)
    else:
        scanned, analysed = (outcome, detail), ("skipped", {"reason": "the scan did not end"})
    yield _recorded(engine, scan, scanned)
    yield _recorded(engine, analyse or _Clock("analyse"), analysed)


def reanalyse(
    engine: PhotosEngine, *, limit: int | None = None, is_stopped: Callable[[], bool] = lambda: False
) -> Iterator[JobRun]:
    """The job 'reanalyse', where a change of the model is under way: at most about `limit` photos of it."""

    def note(_: Progress) -> None:
        if is_stopped():
            raise _StopAskedError

    def go_on() -> Mapping[str, object]:
        change = engine.reanalyse(limit=limit, on_progress=note)
        if change is None:
            return {}
        names = ("model", "analysed", "pending")
        details = {name: getattr(change, name) for name in names}
        return details | {"failed": len(change.failed), "taken_over": change.is_done}

    clock = _Clock("reanalyse")
    outcome, detail = _attempt(go_on)
    if detail:
        yield _recorded(engine, clock, (outcome, detail))


def refresh_graph(engine: PhotosEngine) -> JobRun:
    """The job 'graph': the groups of likenesses and the graph, up to date."""

    def refresh() -> Mapping[str, object]:
        graph = engine.graph
        return {"nodes": len(graph), "revision": graph.revision}

    clock = _Clock("graph")
    return _recorded(engine, clock, _attempt(refresh))


def refresh_memories(engine: PhotosEngine) -> JobRun:
    """The job 'memories': the vector index and today's memories, up to date."""
    clock = _Clock("memories")
    return _recorded(engine, clock, _attempt(lambda: {"memories": engine.refresh()}))


class Daemon:
    """Runs the jobs until it is stopped: at the start, at intervals, at night, and when watched folders change."""

    def __init__(
        self,
        engine: PhotosEngine,
        *,
        on_run: Callable[[JobRun], None],
        watched: Sequence[Path] = (),
        scan_every_s: float = SCAN_EVERY_S,
    ) -> None:
        self._engine = engine
        self._on_run = on_run
        self._watched = tuple(os.path.abspath(path) for path in watched)  # noqa: PTH100  not resolve(): links stay
        self._library = os.fspath(engine.status().library)
        self._changed: set[str] = set()
        self._changed_lock = threading.Lock()
        self._stopped = threading.Event()
        # Who queues a job holds it, since the scheduler waits for its jobs while it shuts down, and they for its lock.
        self._queueing = threading.Lock()
        self._is_reanalysis_queued = False
        self._failure: OSError | None = None
        # One worker: jobs queue up instead of running at once. Runs missed in sleep come once, when awake.
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        add, now = self._scheduler.add_job, datetime.now().astimezone()
        add(self._walk_all, IntervalTrigger(seconds=scan_every_s), id="photos", next_run_time=now)
        add(self._refresh_graph, CronTrigger(hour=NIGHTLY_HOUR), id="graph")
        add(self._refresh_memories, CronTrigger(hour=NIGHTLY_HOUR, minute=1), id="memories")

    def run(self) -> None:
        """Work until `stop`, or until an exception (Ctrl-C) ends the wait; a walk ends with its batch.

        Raises: OSError when a run can't be reported any more.
        """
        watcher = threading.Thread(target=self._watch, name="photos-engine-watch", daemon=True)
        self._scheduler.start()
        watcher.start()
        try:
            while not self._stopped.wait(STOP_CHECKED_EVERY_S):
                pass
        finally:
            with self._queueing:
                self._stopped.set()
            self._scheduler.shutdown()
            watcher.join()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Let `run` end; may be called from any thread."""
        self._stopped.set()

    # --- jobs, on the scheduler's one thread ---

    def _walk_all(self) -> None:
        self._walk([*self._engine.roots(), *self._watched], follow=True)

    def _walk_changed(self) -> None:
        with self._changed_lock:
            roots, self._changed = sorted(self._changed), set()
        if roots:
            self._walk(roots)

    def _walk(self, roots: Roots, *, follow: bool = False) -> None:
        runs = list(walk(self._engine, roots, self._stopped.is_set))
        for run in runs:
            self._report(run)
        if follow or any(run.detail.get(name) for run in runs for name in _CHANGES):
            self._refresh_soon()
        self._reanalyse_soon()

    def _reanalyse(self) -> None:
        self._is_reanalysis_queued = False
        if self._stopped.is_set():
            return
        for run in reanalyse(self._engine, limit=REANALYSED_AT_ONCE, is_stopped=self._stopped.is_set):
            self._report(run)
            if run.detail.get("taken_over"):
                self._refresh_soon()
            elif run.detail.get("analysed"):  # else what is left can't be read now: the next walk tries again
                self._reanalyse_soon()

    def _reanalyse_soon(self) -> None:
        if not self._is_reanalysis_queued:
            self._is_reanalysis_queued = True
            self._queue(self._reanalyse, "reanalyse")

    def _refresh_soon(self) -> None:
        now = datetime.now().astimezone()
        with self._queueing:
            for job in ("graph", "memories") if not self._stopped.is_set() else ():
                self._scheduler.modify_job(job, next_run_time=now)

    def _queue(self, job: Callable[[], None], name: str) -> None:
        """Run a job once, behind whatever waits by now."""
        with self._queueing:
            if not self._stopped.is_set():
                # Two instances: one may be running already, past what it is to see.
                self._scheduler.add_job(job, id=name, replace_existing=True, max_instances=2)

    def _refresh_graph(self) -> None:
        if not self._stopped.is_set():
            self._report(refresh_graph(self._engine))

    def _refresh_memories(self) -> None:
        if not self._stopped.is_set():
            self._report(refresh_memories(self._engine))

    def _report(self, run: JobRun) -> None:
        try:
            self._on_run(run)
        except OSError as error:  # nobody listens any more
            self._failure = error
            self.stop()

    # --- watching, on a thread of its own ---

    def _watch(self) -> None:
        if not self._watched:
            return
        try:
            for changes in watch(
                *self._watched,
                watch_filter=self._is_foreign,
                debounce=DEBOUNCE_MS,
                stop_event=self._stopped,
                raise_interrupt=False,
            ):
                self._note_changes(path for _, path in changes)
        except (OSError, RuntimeError) as error:
            logger.error("watching ended, scans go on: %s", error)

    def _is_foreign(self, _change: Change, path: str) -> bool:
        """Whether a change isn't the engine's own, for libraries that lie among the photos."""
        return not _is_below(path, self._library)

    def _note_changes(self, paths: Iterable[str]) -> None:
        roots = {root for path in paths for root in self._watched if _is_below(path, root)}
        with self._changed_lock:
            # A system that names files by another path than was given leaves no root: then any may have changed.
            self._changed |= roots or set(self._watched)
        self._queue(self._walk_changed, "changed")


class _StopAskedError(Exception):
    """Ends a walk between two batches."""


@dataclass(slots=True)
class _Clock:
    """When a job began and how long it took."""

    job: str
    started_utc: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float | None = None
    _began: float = field(default_factory=time.monotonic)

    def stop(self) -> float:
        """How long it took, once and for all."""
        if self.seconds is None:
            self.seconds = time.monotonic() - self._began
        return self.seconds


def _attempt(body: Callable[[], Mapping[str, object]]) -> Outcome:
    """Run a job's body; whatever goes wrong is its outcome, since the next job has to run all the same."""
    try:
        return "done", body()
    except _StopAskedError:
        return "skipped", {"reason": "asked to stop; the next run goes on from here"}
    except StoreLocked as error:
        return "skipped", {"reason": str(error)}
    except PhotosEngineError as error:
        logger.warning("job failed: %s", error)
        return "failed", {"error": type(error).__name__, "reason": str(error)}
    except Exception as error:  # a fault of ours: reported with its trace, and the daemon lives on
        logger.exception("job failed")
        return "failed", {"error": type(error).__name__, "reason": str(error)}


def _recorded(engine: PhotosEngine, clock: _Clock, outcome: Outcome) -> JobRun:
    run = JobRun(clock.job, clock.started_utc, clock.stop(), *outcome)
    try:
        engine.record_job(run)
    except PhotosEngineError as error:
        logger.warning("the run of %s can't be recorded: %s", run.job, error)
    return run


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
