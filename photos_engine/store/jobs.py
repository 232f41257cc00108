"""Jobs: when the scheduler means to run each, what it did, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, Select, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from photos_engine.store.tables import job, job_run, setting
from photos_engine.types import JobPlan, JobRun

_AT_WORK = "at_work"
RUNS_KEPT = 200  # of each job: days of a daemon that runs for years


class JobRepository:
    """The plans and the history of scheduled jobs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- runs ---

    def add(self, run: JobRun) -> None:
        """Keep a run, and forget those of long ago."""
        row = {
            "job": run.job,
            "started_utc": run.started_utc.timestamp(),
            "seconds": run.seconds,
            "outcome": run.outcome,
            "detail": dict(run.detail),
        }
        self._connection.execute(insert(job_run), row)
        ids = select(job_run.c.id).where(job_run.c.job == run.job).order_by(job_run.c.id.desc())
        oldest = ids.limit(1).offset(RUNS_KEPT).scalar_subquery()
        self._connection.execute(delete(job_run).where(job_run.c.job == run.job, job_run.c.id <= oldest))

    def latest(self) -> tuple[JobRun, ...]:
        """The last run of each job, by name."""
        newest = select(func.max(job_run.c.id)).group_by(job_run.c.job)
        return self._runs(select(job_run).where(job_run.c.id.in_(newest)).order_by(job_run.c.job))

    def failures(self, limit: int = 5) -> tuple[JobRun, ...]:
        """The last runs that failed, the newest first."""
        failed = select(job_run).where(job_run.c.outcome == "failed")
        return self._runs(failed.order_by(job_run.c.id.desc()).limit(limit))

    def _runs(self, statement: Select[tuple[object]]) -> tuple[JobRun, ...]:
        return tuple(
            JobRun(r.job, datetime.fromtimestamp(r.started_utc, UTC), r.seconds, r.outcome, r.detail)
            for r in self._connection.execute(statement)
        )

    # --- what is under way ---

    def at_work(self) -> str | None:
        """The job that was begun last and hasn't ended; who was killed could not say that it has."""
        return self._connection.scalar(select(setting.c.value).where(setting.c.name == _AT_WORK)) or None

    def note_work(self, name: str | None) -> None:
        """Note which job is begun; None: none is under way any more."""
        row = insert(setting).values(name=_AT_WORK, value=name or "")
        self._connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": row.excluded.value}))

    # --- plans ---

    def plans(self) -> tuple[JobPlan, ...]:
        """What is planned for each job, by name."""
        return tuple(
            JobPlan(
                row.name,
                None if row.next_utc is None else datetime.fromtimestamp(row.next_utc, UTC),
                row.is_paused,
                row.is_asked,
                row.waits_for,
            )
            for row in self._connection.execute(select(job).order_by(job.c.name))
        )

    def plan(self, name: str, when: datetime | None) -> None:
        """Let a job run next at a time; None: when it is asked for."""
        self._set(name, next_utc=None if when is None else when.timestamp())

    def pause(self, name: str, is_paused: bool = True) -> None:
        """Let a job rest until this is called again with False."""
        self._set(name, is_paused=is_paused)

    def ask(self, name: str, is_asked: bool = True) -> None:
        """Note that a person wants a job to run now; with False, that it has been heard."""
        self._set(name, is_asked=is_asked)

    def hold_up(self, reasons: Mapping[str, str | None]) -> None:
        """Note what jobs wait for; None: nothing any more."""
        for name, reason in reasons.items():
            self._set(name, waits_for=reason)

    def _set(self, name: str, **values: object) -> None:
        row = insert(job).values({"name": name, "is_paused": False, "is_asked": False} | values)
        self._connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))
