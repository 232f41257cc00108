"""Job runs: what the scheduler did, and how it ended."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, func, insert, select

from photos_engine.store.tables import job_run
from photos_engine.types import JobRun


class JobRepository:
    """The history of scheduled jobs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, run: JobRun) -> None:
        """Keep a run."""
        self._connection.execute(
            insert(job_run).values(
                job=run.job,
                started_utc=run.started_utc.timestamp(),
                seconds=run.seconds,
                outcome=run.outcome,
                detail=dict(run.detail),
            )
        )

    def latest(self) -> tuple[JobRun, ...]:
        """The last run of each job, by name."""
        newest = select(func.max(job_run.c.id)).group_by(job_run.c.job)
        rows = self._connection.execute(select(job_run).where(job_run.c.id.in_(newest)).order_by(job_run.c.job))
        return tuple(
            JobRun(r.job, datetime.fromtimestamp(r.started_utc, UTC), r.seconds, r.outcome, r.detail) for r in rows
        )
