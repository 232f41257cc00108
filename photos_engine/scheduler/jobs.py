"""The jobs: what keeps a library up to date, each a run with an outcome, in the order in which they build on another.

'scan' and 'analyse' are the two stages of one walk, `PhotosEngine.rescan`: what the scan finds is analysed in the
same run, so that no list of things to do is kept between them that could go stale. The walk says when its first
stage ends, which gives each of the two its own time and outcome. 'watch' stands for 'scan' in a walk over folders in
which something changed. 'reanalyse' has work while another model is to take over: it shows it the photos, so many at
a time that new ones don't wait for long. What is derived follows a walk that changed something and a model that took
over.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from photos_engine.errors import PhotosEngineError, StoreLocked, UsageError
from photos_engine.types import JobRun, Progress

if TYPE_CHECKING:
    from photos_engine.engine import PhotosEngine

logger = logging.getLogger(__name__)

JOBS = ("scan", "watch", "analyse", "reanalyse", "places", "graph", "memories", "index", "read", "backup", "check")
"""All jobs, in the order in which they run where several are to."""
LIGHT_JOBS = frozenset({"scan", "watch", "backup"})
"""Those that are a matter of moments, apart from the photos that they find."""
FOLLOWING = frozenset({"graph", "memories", "index"})
"""What is made anew when the photos have changed."""

REANALYSED_AT_ONCE = 1_000  # photos: about a minute, until which the daemon sees to nothing else
READ_AT_ONCE = 40  # pages: as long
FEW_PHOTOS = 64  # just come: nobody minds two batches, and everybody wants to see them
IN_USE = "library in use"
_CHANGES = ("new", "changed", "moved", "gone", "analysed")

Roots = Iterable[str | os.PathLike[str]]
Outcome = tuple[str, Mapping[str, object]]
Pace = Callable[[bool], str | None]
"""Why work has to end now, if it has to; True asks about work of moments."""


def _unhindered(_is_light: bool) -> str | None:
    return None


def run_once(engine: PhotosEngine, roots: Roots = ()) -> Iterator[JobRun]:
    """Run every job once, in order; each run is recorded in the library and given out as it ends.

    All but 'watch', that is, whose folders 'scan' goes over. roots: what to index besides what was indexed before.
    A failing job doesn't keep the next from running; what it failed of is in its `detail`.
    """
    yield from run_jobs(engine, [job for job in JOBS if job != "watch"], roots, limit=None)


def run_jobs(
    engine: PhotosEngine,
    jobs: Collection[str],
    roots: Roots = (),
    *,
    pace: Pace = _unhindered,
    limit: int | None = REANALYSED_AT_ONCE,
    workers: int | None = None,
) -> Iterator[JobRun]:
    """Run some jobs in their order, and after them what is to follow.

    roots: what 'watch' walks over, and 'scan' besides what is known. `pace` is asked between two batches and
    before each job, and what it names ends the work. `workers`: photos to decode at once, None as set.
    Raises: UsageError for an unknown job.
    """
    if unknown := set(jobs) - set(JOBS):
        raise UsageError(f"no job is called {min(unknown)}; there are {', '.join(JOBS)}")
    wanted, tops = set(jobs), [os.fspath(root) for root in roots]
    if wanted & {"scan", "watch", "analyse"}:
        first = "scan" if wanted & {"scan", "analyse"} else "watch"
        for run in walk(engine, first, tops, pace, workers=workers):
            yield run
            wanted |= FOLLOWING if any(run.detail.get(name) for name in _CHANGES) else set()
    if "reanalyse" in wanted:
        run = reanalyse(engine, limit=limit, pace=pace, workers=workers)
        yield run
        wanted |= FOLLOWING if run.detail.get("taken_over") else set()
    for job in JOBS:
        if job in wanted and job in _BODIES:
            yield _run(engine, job, pace)


def walk(
    engine: PhotosEngine, first: str, roots: Roots, pace: Pace = _unhindered, *, workers: int | None = None
) -> Iterator[JobRun]:
    """The job 'scan' or 'watch', and 'analyse' after it; they end between two batches where `pace` asks for it.

    'scan' is over `roots` and whatever is known, 'watch' over `roots` alone.
    """
    tops = [os.fspath(root) for root in roots]
    scan, analyse = _begun(engine, first), None
    found = 0

    def note(progress: Progress) -> None:
        nonlocal analyse, found
        if progress.stage == "scan":
            scan.stop()
            found, analyse = progress.done, _begun(engine, "analyse")
        is_light = progress.stage == "scan" or (progress.total or 0) <= FEW_PHOTOS
        _keep_pace(pace, is_light)

    def look() -> Mapping[str, object]:
        index = engine.rescan if first == "scan" else engine.index
        report = index(tops, on_progress=note, reanalyse=False, workers=workers) if tops or first == "scan" else None
        if report is None:
            raise _IdleError("no folder has been indexed yet")
        names = ("found", "new", "changed", "moved", "gone", "videos", "analysed")
        return {name: getattr(report, name) for name in names} | {"failed": len(report.failed)}

    outcome, detail = _attempt(look)
    if outcome == "done":
        seen = {name: detail[name] for name in ("analysed", "failed")}
        scanned: Outcome = "done", {name: value for name, value in detail.items() if name not in seen}
        analysed: Outcome = "done", seen
    elif analyse is not None:
        scanned, analysed = ("done", {"found": found}), (outcome, detail)
    else:
        scanned, analysed = (outcome, detail), ("skipped", {"reason": f"the {first} did not end"})
    yield _recorded(engine, scan, scanned)
    yield _recorded(engine, analyse or _Clock("analyse"), analysed)


def reanalyse(
    engine: PhotosEngine, *, limit: int | None = None, pace: Pace = _unhindered, workers: int | None = None
) -> JobRun:
    """The job 'reanalyse': at most about `limit` photos, where another model is to take over."""

    def note(_: Progress) -> None:
        _keep_pace(pace, False)

    def go_on() -> Mapping[str, object]:
        change = engine.reanalyse(limit=limit, on_progress=note, workers=workers)
        if change is None:
            raise _IdleError("no other model is to take over")
        names = ("model", "analysed", "pending")
        details = {name: getattr(change, name) for name in names}
        return details | {"failed": len(change.failed), "taken_over": change.is_done}

    clock = _begun(engine, "reanalyse")
    return _recorded(engine, clock, _attempt(go_on))


def _refresh_graph(engine: PhotosEngine) -> Mapping[str, object]:
    graph = engine.graph
    return {"nodes": len(graph), "revision": graph.revision}


def _look_for_damage(engine: PhotosEngine) -> Mapping[str, object]:
    report = engine.check()
    if not report.is_clean:
        raise _DamageError(f"{report.problems[0]}; photos-engine check --repair mends what can be made again")
    return {"checked": list(report.checked)}


_BODIES: Mapping[str, Callable[[PhotosEngine], Mapping[str, object]]] = {
    "places": lambda engine: {"named": engine.name_places()},
    "graph": _refresh_graph,
    "memories": lambda engine: {"memories": engine.refresh()},
    "index": lambda engine: engine.tidy(),
    "read": lambda engine: {"read": engine.read_texts(limit=READ_AT_ONCE)},
    "backup": lambda engine: {"decisions": engine.back_up_decisions()},
    "check": _look_for_damage,
}


def _run(engine: PhotosEngine, job: str, pace: Pace) -> JobRun:
    def body() -> Mapping[str, object]:
        _keep_pace(pace, job in LIGHT_JOBS)
        return _BODIES[job](engine)

    clock = _begun(engine, job)
    return _recorded(engine, clock, _attempt(body))


class _HeldUpError(Exception):
    """Ends work between two batches."""


class _IdleError(Exception):
    """There is nothing to do, which is as well."""


def _keep_pace(pace: Pace, is_light: bool) -> None:
    if (reason := pace(is_light)) is not None:
        raise _HeldUpError(reason)


class _DamageError(PhotosEngineError):
    """The library is damaged."""


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
    except _HeldUpError as held_up:
        return "skipped", {"reason": str(held_up), "goes_on": True}
    except _IdleError as idle:
        return "skipped", {"reason": str(idle)}
    except StoreLocked as error:
        return "skipped", {"reason": IN_USE, "goes_on": True, "error": str(error)}
    except PhotosEngineError as error:
        logger.warning("job failed: %s", error)
        return "failed", {"error": type(error).__name__.strip("_"), "reason": str(error)}
    except Exception as error:  # a fault of ours: reported with its trace, and the daemon lives on
        logger.exception("job failed")
        return "failed", {"error": type(error).__name__, "reason": str(error)}


def _begun(engine: PhotosEngine, job: str) -> _Clock:
    try:
        engine.note_job(job)
    except PhotosEngineError as error:
        logger.warning("that %s has begun can't be noted: %s", job, error)
    return _Clock(job)


def _recorded(engine: PhotosEngine, clock: _Clock, outcome: Outcome) -> JobRun:
    run = JobRun(clock.job, clock.started_utc, clock.stop(), *outcome)
    try:
        engine.record_job(run)
    except PhotosEngineError as error:
        logger.warning("the run of %s can't be recorded: %s", run.job, error)
    return run
