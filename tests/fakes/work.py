"""The daemon's work, done in this process over an engine in memory."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence

from fakes.engine import FakeEngine

from photos_engine.scheduler.jobs import run_jobs
from photos_engine.types import JobRun


class FakeWork:
    """Runs jobs until it is stopped; remembers what it was told to do."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.orders: list[tuple[tuple[str, ...], bool]] = []
        self.limit: int | None = None
        self.held_up: str | None = None
        self._is_stopped = threading.Event()

    def run(self, jobs: Collection[str], roots: Sequence[str], *, is_asked: bool) -> Iterator[JobRun]:
        self.orders.append((tuple(jobs), is_asked))
        self._is_stopped.clear()

        def pace(_is_light: bool) -> str | None:
            return "asked to stop" if self._is_stopped.is_set() else self.held_up

        yield from run_jobs(self.engine, jobs, roots, pace=pace, limit=self.limit)

    def stop(self) -> None:
        self._is_stopped.set()
