"""The daemon: waits for the right moment, and lets a workshop do each job when it has come.

It holds no photo, no model and no index: what it needs to know is in the plan of the library's jobs, and it
opens nothing but the database. Jobs become due by time, by changes in watched folders, or because a person
asks; due jobs run when `policy` allows, one workshop run at a time, since a library has one writer.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from photos_engine.errors import PhotosEngineError
from photos_engine.library import Library
from photos_engine.scheduler.jobs import IN_USE, JOBS, LIGHT_JOBS
from photos_engine.scheduler.machine import Observer
from photos_engine.scheduler.plans import NOT_AT_FIRST, UTC_ZONE, PlanStore, triggers
from photos_engine.scheduler.policy import Machine, Manners, reason_to_wait
from photos_engine.scheduler.watching import Watcher
from photos_engine.store import Store
from photos_engine.types import JobPlan, JobRun

logger = logging.getLogger(__name__)

SCAN_EVERY_S = 1_800.0
PULSE_S = 2.0  # how soon a wish of another process is heard; each costs a query of a millisecond
POLICY_EVERY_S = 10.0  # while something waits for the machine
TRY_AGAIN_S = 60.0  # where another process is indexing
CLOCK_JUMP_S = 120.0  # more than any correction by a time server
_WALKS = frozenset({"scan", "watch", "analyse"})
_FOLLOWING_OTHERS = ("watch", "analyse")  # have no time of their own


class Work(Protocol):
    """What does the jobs: `worker.Workshop`."""

    def run(self, jobs: Collection[str], roots: Sequence[str], *, is_asked: bool) -> Iterator[JobRun]:
        """Each run of these jobs, as it ends."""

    def stop(self) -> None:
        """Let the work under way end soon."""


class Daemon:
    """Keeps a library up to date until it is stopped: at the start, at intervals, at night, and when folders change.

    watched: what to index and watch besides the folders that were indexed before.
    """

    def __init__(
        self,
        library: Library,
        store: Store,
        work: Work,
        *,
        on_run: Callable[[JobRun], None],
        watched: Sequence[Path] = (),
        scan_every_s: float = SCAN_EVERY_S,
        manners: Manners | None = None,
        look: Callable[[], Machine] | None = None,
    ) -> None:
        self._library, self._store, self._work = library, store, work
        self._on_run = on_run
        self._given = tuple(os.path.abspath(path) for path in watched)  # noqa: PTH100  not resolve(): links stay
        self._manners = Manners() if manners is None else manners
        self._look = look or Observer().look
        self._lock = threading.Lock()  # of the next five, which three threads touch
        self._due = {"scan"}  # whatever changed while nobody looked
        self._changed: set[str] = set()
        self._walked: list[str] = []  # what was taken from it for the work under way
        self._not_before: dict[str, float] = {}
        self._told: dict[str, str | None] = {}  # what jobs wait for, as the library has it
        self._current: frozenset[str] = frozenset()
        self._thread: threading.Thread | None = None
        self._wake, self._is_stopped = threading.Event(), threading.Event()
        self._failure: OSError | None = None
        self._trouble = ""
        self._reason: tuple[float, Machine] | None = None
        self._clock = time.time() - time.monotonic()
        self._watcher = Watcher(self._note_changes, library=os.fspath(library.folder))
        self._plans = PlanStore(store)
        # Its thread only says that a job is due. Runs missed in sleep come once, when awake.
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)},
            jobstores={"default": self._plans},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC_ZONE,
        )
        for job, trigger in triggers(scan_every_s).items():
            now = datetime.now(UTC)
            first = trigger.get_next_fire_time(None, now) if job in NOT_AT_FIRST else now
            self._scheduler.add_job(self._become_due, trigger, args=[job], id=job, next_run_time=first)

    def run(self) -> None:
        """Work until `stop`, or until an exception (Ctrl-C) ends the wait; a walk ends with its batch.

        Raises: StoreLocked where another daemon is at work; OSError when a run can't be reported any more.
        """
        with self._library.tended():
            with self._store.begin() as unit:
                unit.jobs.hold_up({plan.job: None for plan in unit.jobs.plans() if plan.waits_for})
                for job in _FOLLOWING_OTHERS:
                    unit.jobs.plan(job, None)  # so that they are seen, paused and asked for like the others
                unit.jobs.note_work(None)
            self._scheduler.start()
            try:
                while not self._is_stopped.is_set():
                    self._pulse()
                    self._wake.wait(PULSE_S)
                    self._wake.clear()
            finally:
                self._end()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Let `run` end; may be called from any thread."""
        self._is_stopped.set()
        self._wake.set()

    def _end(self) -> None:
        self._is_stopped.set()
        self._scheduler.shutdown()
        self._watcher.close()
        self._work.stop()
        if self._thread is not None:
            self._thread.join()

    # --- what makes jobs due ---

    def _become_due(self, job: str) -> None:
        with self._lock:
            if not (self._is_at_work and job in self._current):  # it is just doing it
                self._due.add(job)
        self._wake.set()

    def _note_changes(self, folders: Collection[str]) -> None:
        with self._lock:
            self._changed |= set(folders)
            self._due.add("watch")
        self._wake.set()

    def _look_at_clock(self) -> None:
        """A clock that was set back must not put jobs off, nor one that slept."""
        if hasattr(time, "tzset"):
            time.tzset()  # who travels has another night
        offset = time.time() - time.monotonic()
        if abs(offset - self._clock) < CLOCK_JUMP_S:
            return
        self._clock, now = offset, datetime.now(UTC)
        for job in self._scheduler.get_jobs():
            soonest = job.trigger.get_next_fire_time(None, now)
            if job.next_run_time > soonest:
                job.modify(next_run_time=soonest)
        self._scheduler.wakeup()

    # --- what lets them run ---

    def _pulse(self) -> None:
        self._look_at_clock()
        try:
            with self._store.read() as unit:
                plans, roots = unit.jobs.plans(), json.loads(unit.setting("roots") or "[]")
            self._watcher.follow([*roots, *self._given])
            self._take_up(plans)
        except PhotosEngineError as error:  # a drive that is away comes back
            if str(error) != self._trouble:
                logger.error("the daemon waits: %s", error)
            self._trouble = str(error)
        else:
            self._trouble = ""

    def _take_up(self, plans: Sequence[JobPlan]) -> None:
        """Begin what is due and may run; what may not is noted with its reason."""
        asked = {plan.job for plan in plans if plan.is_asked}
        paused = {plan.job for plan in plans if plan.is_paused}
        paused |= _WALKS if paused & {"scan", "analyse"} else set()
        if self._is_at_work:
            if self._current & paused:
                self._work.stop()
            return
        with self._lock:
            due = self._due - paused
        waiting = {job: self._reason_to_wait(job) for job in sorted(due - asked)}
        self._note_waiting(waiting)
        ready = asked or {job for job, reason in waiting.items() if reason is None}
        if ready:
            self._begin(frozenset(ready), is_asked=bool(asked))

    def _reason_to_wait(self, job: str) -> str | None:
        if self._not_before.get(job, 0.0) > time.monotonic():
            return IN_USE
        return reason_to_wait(self._machine(), self._manners, at_work=False, is_light=job in LIGHT_JOBS)

    def _machine(self) -> Machine:
        if self._reason is None or time.monotonic() - self._reason[0] >= POLICY_EVERY_S:
            self._reason = time.monotonic(), self._look()
        return self._reason[1]

    def _note_waiting(self, waiting: dict[str, str | None]) -> None:
        """Written only where something has changed: waiting costs the disk nothing."""
        now = {job: reason for job, reason in waiting.items() if reason is not None}
        if fresh := {
            job: now.get(job) for job in now.keys() | self._told.keys() if now.get(job) != self._told.get(job)
        }:
            with self._store.begin() as unit:
                unit.jobs.hold_up(fresh)
            self._told = dict(now)

    @property
    def _is_at_work(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _begin(self, jobs: frozenset[str], *, is_asked: bool) -> None:
        if is_asked:
            with self._store.begin() as unit:
                for job in jobs:
                    unit.jobs.ask(job, False)
        with self._lock:
            self._due -= jobs
            roots = list(self._given)
            if jobs & _WALKS:
                # A walk over everything sees what the watcher saw; asked for, 'watch' is over all that is watched.
                if not jobs & {"scan", "analyse"}:
                    roots = sorted(self._changed or self._watcher.folders)
                self._walked, self._changed = sorted(self._changed), set()
                self._due.discard("watch")
        self._current = jobs
        ordered = [job for job in JOBS if job in jobs]
        self._thread = threading.Thread(target=self._run, args=(ordered, roots, is_asked), name="photos-engine-work")
        self._thread.start()

    # --- on the thread that waits for the work ---

    def _run(self, jobs: list[str], roots: list[str], is_asked: bool) -> None:
        for run in self._work.run(jobs, roots, is_asked=is_asked):
            self._heed(run)
            try:
                self._on_run(run)
            except OSError as error:  # nobody listens any more
                self._failure = error
                self.stop()
        try:
            with self._store.begin() as unit:
                unit.jobs.note_work(None)
        except PhotosEngineError as error:
            logger.warning("that the work has ended can't be noted: %s", error)
        self._wake.set()

    def _heed(self, run: JobRun) -> None:
        """What a run leaves to be done."""
        has_more = run.job == "reanalyse" and run.detail.get("analysed") and not run.detail.get("taken_over")
        is_unfinished = has_more or run.detail.get("goes_on")
        with self._lock:
            if is_unfinished:
                self._due.add(run.job)
                self._changed |= set(self._walked if run.job == "watch" else ())
            if run.detail.get("reason") == IN_USE:
                self._not_before[run.job] = time.monotonic() + TRY_AGAIN_S
        if is_unfinished:
            self._plans.owe(run.job)
        else:
            self._plans.settle(run.job)
