"""The plan of a library's jobs: when each runs next, kept in the library so that it outlives the daemon.

APScheduler keeps the time; the library keeps what must not be forgotten (the next time, a pause, a wish, what
a job waits for). Its own store for SQLAlchemy would pickle functions into the database: a file that can run
code when it is read, that breaks when a function is renamed, and whose schema no migration knows. Here a row is
five plain columns, and other processes (`photos-engine daemon pause`) may write to it as well.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from apscheduler.job import Job
from apscheduler.jobstores.base import BaseJobStore
from apscheduler.triggers.base import BaseTrigger

from photos_engine.errors import StoreError
from photos_engine.store import Store

logger = logging.getLogger(__name__)

NIGHTLY_HOUR = 3


class Every(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """So long after the last time, or after now where that was missed."""

    def __init__(self, seconds: float) -> None:
        self._step = timedelta(seconds=seconds)

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """The next time."""
        return now + self._step


class Nightly(BaseTrigger):  # type: ignore[misc]
    """Once a night, by the clock of wherever the machine is by then."""

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """The next time."""
        here = now.astimezone()
        tonight = here.replace(hour=NIGHTLY_HOUR, minute=0, second=0, microsecond=0, tzinfo=None)
        days = 0 if tonight > here.replace(tzinfo=None) else 1
        return (tonight + timedelta(days=days)).astimezone()  # each day has its own offset


class PlanStore(BaseJobStore):  # type: ignore[misc]
    """APScheduler's jobs, with their next times in the library.

    For APScheduler a job's time is over when it has told of it. Then the job may wait for the machine for hours, and
    the daemon may end meanwhile: so the library keeps the time that has passed until `settle` says that the job ran.
    """

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._jobs: dict[str, Any] = {}
        self._kept: dict[str, datetime] = {}  # what the library has

    def lookup_job(self, job_id: str) -> Job | None:
        """One job."""
        return self._jobs.get(job_id)

    def get_all_jobs(self) -> list[Job]:
        """All jobs, the next one first."""
        return sorted(self._jobs.values(), key=lambda job: job.next_run_time)

    def get_due_jobs(self, now: datetime) -> list[Job]:
        """Those whose time has come."""
        return [job for job in self.get_all_jobs() if job.next_run_time <= now]

    def get_next_run_time(self) -> datetime | None:
        """When the next one runs."""
        return min((job.next_run_time for job in self._jobs.values()), default=None)

    def add_job(self, job: Job) -> None:
        """Take up a job where an earlier daemon left it: what it missed comes once, and nothing is forgotten."""
        with self._store.read() as unit:
            planned = {plan.job: plan.next_utc for plan in unit.jobs.plans()}.get(job.id)
        if planned is not None:
            # A time beyond the job's next is one that a wrong clock wrote.
            latest = job.trigger.get_next_fire_time(None, datetime.now(UTC))
            job._modify(next_run_time=min(planned, latest))
        self.update_job(job)

    def update_job(self, job: Job) -> None:
        """Keep a job's next time, unless it is still to run for one that has passed."""
        self._jobs[job.id] = job
        kept = self._kept.get(job.id)
        if kept is None or kept > datetime.now(UTC):
            self._keep(job, job.next_run_time)

    def owe(self, job_id: str) -> None:
        """Let a job be due from now on, though its time has not come: it follows another, and was held up."""
        job, now = self._jobs.get(job_id), datetime.now(UTC)
        if job is not None and self._kept.get(job_id, now) > now:
            self._keep(job, now)

    def settle(self, job_id: str) -> None:
        """Let go of the time that has passed: the job ran."""
        job = self._jobs.get(job_id)
        if job is not None and self._kept.get(job_id) != job.next_run_time:
            self._keep(job, job.next_run_time)

    def _keep(self, job: Job, when: datetime) -> None:
        self._kept[job.id] = when
        try:
            with self._store.begin() as unit:
                unit.jobs.plan(job.id, when)
        except StoreError as error:  # a drive that is away for a while: time goes on all the same
            logger.warning("when %s runs next can't be kept: %s", job.id, error)

    def remove_job(self, job_id: str) -> None:
        """Let go of a job; its plan stays in the library."""
        self._jobs.pop(job_id, None)

    def remove_all_jobs(self) -> None:
        """Let go of all jobs."""
        self._jobs.clear()


def triggers(scan_every_s: float) -> dict[str, BaseTrigger]:
    """When each job runs by itself; those that are not here follow others."""
    return {
        "scan": Every(scan_every_s),
        "reanalyse": Every(scan_every_s),
        "places": Every(7 * 86_400),
        "graph": Nightly(),
        "memories": Nightly(),
        "index": Nightly(),
        "read": Every(scan_every_s),
        "backup": Every(3_600),
        "check": Every(7 * 86_400),
    }


NOT_AT_FIRST = frozenset({"check"})
"""What a new library needs only after its first interval."""

UTC_ZONE: tzinfo = UTC
"""APScheduler's own zone: it only compares, and a zone that the system is asked for may not be known to it."""
