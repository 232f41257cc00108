"""Manners: what the machine is up to decides whether to work, and every reason can be overridden."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photos_engine.config import Settings
from photos_engine.errors import ConfigError
from photos_engine.scheduler.policy import REASONS, Machine, Manners, count_workers, reason_to_wait

QUIET = Machine(clock=time(12), cores=4, others_load=0.0, memory_bytes=2**34)
TROUBLES = {
    "quiet hours": {"clock": time(23)},
    "on battery": {"is_on_battery": True},
    "hot": {"below_hot_c": 2.0},
    "low memory": {"memory_bytes": 2**28},
    "machine busy": {"others_load": 0.9},
    "person active": {"idle_s": 0.5},
}
MANNERS = Manners(quiet=(time(22), time(7)))
machines = st.builds(
    Machine,
    clock=st.times(),
    cores=st.integers(1, 64),
    others_load=st.floats(0, 1),
    memory_bytes=st.integers(0, 2**40),
    is_on_battery=st.none() | st.booleans(),
    below_hot_c=st.none() | st.floats(-50, 100),
    idle_s=st.none() | st.floats(0, 1e6),
)


def test_every_reason_is_tried_here() -> None:
    assert tuple(TROUBLES) == REASONS


@pytest.mark.parametrize("reason", REASONS)
def test_each_trouble_has_its_name_and_can_be_overridden(reason: str) -> None:
    troubled = replace(QUIET, **TROUBLES[reason])
    assert reason_to_wait(QUIET, MANNERS, at_work=False) is None
    assert reason_to_wait(troubled, MANNERS, at_work=False) == reason
    assert reason_to_wait(troubled, MANNERS, at_work=True) == reason
    others = Manners(frozenset(REASONS) - {reason}, MANNERS.quiet)
    assert reason_to_wait(troubled, others, at_work=False) is None


@given(machine=machines, is_light=st.booleans())
def test_what_speaks_against_going_on_speaks_against_beginning(machine: Machine, is_light: bool) -> None:
    if reason_to_wait(machine, MANNERS, at_work=True, is_light=is_light) is not None:
        assert reason_to_wait(machine, MANNERS, at_work=False, is_light=is_light) is not None


@given(machine=machines, at_work=st.booleans())
def test_light_work_waits_for_less(machine: Machine, at_work: bool) -> None:
    light = reason_to_wait(machine, MANNERS, at_work=at_work, is_light=True)
    assert light in (None, "quiet hours", "low memory")
    if light is not None:
        assert reason_to_wait(machine, MANNERS, at_work=at_work) is not None


@given(machine=machines)
def test_somebody_always_works_and_never_too_many(machine: Machine) -> None:
    assert 1 <= count_workers(machine, MANNERS) <= min(4, max(1, machine.cores))


def test_what_a_machine_does_not_tell_is_no_reason() -> None:
    untold = replace(QUIET, is_on_battery=None, below_hot_c=None, idle_s=None)
    assert reason_to_wait(untold, MANNERS, at_work=False) is None


@pytest.mark.parametrize(
    ("quiet", "now", "is_quiet"),
    [
        ("22:00-07:00", time(23), True),
        ("22:00-07:00", time(6, 59), True),
        ("22:00-07:00", time(7), False),
        ("09:00-17:30", time(12), True),
        ("09:00-17:30", time(8, 59), False),
        ("00:00-00:00", time(12), False),
    ],
)
def test_quiet_hours_may_go_over_midnight(quiet: str, now: time, is_quiet: bool) -> None:
    manners = Manners.of("", quiet)
    assert (reason_to_wait(replace(QUIET, clock=now), manners, at_work=False) == "quiet hours") is is_quiet


def test_the_settings_say_all_but_quiet_hours_of_their_own() -> None:
    settings = Settings()
    assert Manners.of(settings.daemon_waits_for, settings.quiet_hours).waits_for == set(REASONS) - {"quiet hours"}


@pytest.mark.parametrize(
    ("waits_for", "quiet"),
    [("on batery", ""), ("", "22"), ("", "22:00-25:00"), ("", "a-b-c"), ("", "22:00+01:00-23:00")],
)
def test_nonsense_is_refused_in_one_line(waits_for: str, quiet: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Manners.of(waits_for, quiet)
    assert "\n" not in str(caught.value)
