"""Plans outlive the daemon; nights are those of wherever the machine is."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photos_engine.errors import StoreLocked
from photos_engine.scheduler.plans import NIGHTLY_HOUR, Every, Nightly, PlanStore
from photos_engine.store import Store
from photos_engine.store.jobs import RUNS_KEPT
from photos_engine.types import JobPlan, JobRun

moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


@pytest.fixture
def zone() -> Iterator[object]:
    before = os.environ.get("TZ")

    def set_zone(name: str | None) -> None:
        os.environ.pop("TZ", None)
        if name is not None:
            os.environ["TZ"] = name
        time.tzset()

    yield set_zone
    set_zone(before)


@given(moments)
def test_a_night_follows_within_a_day_and_an_hour(now: datetime) -> None:
    following = Nightly().get_next_fire_time(None, now)
    assert timedelta(0) < following - now <= timedelta(hours=25)
    assert following.astimezone().hour == NIGHTLY_HOUR


@given(moments, st.floats(1, 1e6))
def test_an_interval_begins_now_whatever_was_missed(now: datetime, seconds: float) -> None:
    missed = now - timedelta(days=30)
    assert Every(seconds).get_next_fire_time(missed, now) - now == timedelta(seconds=seconds)


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows has no TZ")
def test_who_travels_has_another_night(zone: object) -> None:
    now = datetime(2023, 7, 1, 12, tzinfo=UTC)
    hours = []
    for name in ("Asia/Tokyo", "Europe/Lisbon", "America/New_York"):
        zone(name)  # type: ignore[operator]
        hours.append(Nightly().get_next_fire_time(None, now).astimezone(UTC).hour)
    assert hours == [18, 2, 7]


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows has no TZ")
def test_the_night_in_which_clocks_change_has_its_own_offset(zone: object) -> None:
    zone("Europe/Berlin")  # type: ignore[operator]
    before = datetime(2023, 3, 25, 20, tzinfo=UTC)
    assert Nightly().get_next_fire_time(None, before) == datetime(2023, 3, 26, 1, tzinfo=UTC)


def test_plans_are_kept_in_the_library(tmp_path: Path) -> None:
    when = datetime(2023, 7, 1, tzinfo=UTC)
    with Store.open(tmp_path) as store, store.begin() as unit:
        unit.jobs.plan("scan", when)
        unit.jobs.pause("scan")
        unit.jobs.ask("graph")
        unit.jobs.hold_up({"graph": "hot"})
    with Store.open(tmp_path) as store, store.read() as unit:
        assert unit.jobs.plans() == (
            JobPlan("graph", is_asked=True, waits_for="hot"),
            JobPlan("scan", when, is_paused=True),
        )


def test_the_history_of_years_does_not_pile_up(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store, store.begin() as unit:
        for number in range(RUNS_KEPT + 50):
            outcome = "failed" if number % 10 == 0 else "done"
            unit.jobs.add(JobRun("scan", datetime.fromtimestamp(number, UTC), 1.0, outcome, {"number": number}))
        unit.jobs.add(JobRun("graph", datetime.fromtimestamp(0, UTC), 1.0, "done", {}))
        kept = unit._connection.exec_driver_sql("SELECT job, count(*) FROM job_run GROUP BY job").all()
        assert dict(tuple(row) for row in kept) == {"graph": 1, "scan": RUNS_KEPT}
        assert [run.detail["number"] for run in unit.jobs.failures(3)] == [240, 230, 220]


def test_a_plan_that_cannot_be_kept_stops_no_clock(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Store.open(tmp_path) as store:
        plans = PlanStore(store)
        store.begin = _refuse  # type: ignore[method-assign]
        job = SimpleNamespace(id="scan", next_run_time=datetime(2023, 7, 1, tzinfo=UTC))
        plans.update_job(job)
        assert plans.get_next_run_time() == job.next_run_time
    assert "can't be kept" in caplog.text


def _refuse() -> None:
    raise StoreLocked("held by another program")
