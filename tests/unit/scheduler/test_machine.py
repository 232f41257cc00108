"""The machine is looked at truly: what others do is load, what this process does is none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import namedtuple
from types import SimpleNamespace

import psutil
import pytest

from photos_engine.scheduler import machine
from photos_engine.scheduler.machine import Observer, is_remote, read_idle

Work = namedtuple("Work", "user system idle iowait")
Reading = namedtuple("Reading", "current high")


def test_this_machine_can_be_looked_at() -> None:
    seen = Observer().look()
    assert seen.cores >= 1
    assert 0 <= seen.others_load <= 1
    assert 0 < seen.memory_bytes <= psutil.virtual_memory().total
    assert seen.is_on_battery in (None, True, False)


@pytest.mark.parametrize(
    ("all_work", "our_work", "load"),
    [((40.0, 0.0), 0.0, 1.0), ((20.0, 0.0), 20.0, 0.0), ((10.0, 10.0), 10.0, 0.25), ((0.0, 0.0), 0.0, 0.0)],
)
def test_load_is_what_others_do(
    monkeypatch: pytest.MonkeyPatch, all_work: tuple[float, float], our_work: float, load: float
) -> None:
    """Ten seconds of four cores."""
    steps = iter([(0.0, 0.0, 0.0), (10.0, sum(all_work), our_work)])
    monkeypatch.setattr(machine, "_work_done", lambda: next(steps))
    monkeypatch.setattr(machine.psutil, "cpu_count", lambda: 4)
    monkeypatch.setattr(machine.time, "sleep", lambda _: None)
    monkeypatch.setattr(machine.time, "monotonic", lambda: 10.0)
    assert Observer()._others_load() == pytest.approx(load)


def test_guests_are_not_counted_twice_and_waiting_is_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = "user nice system idle iowait irq softirq steal guest guest_nice"
    times = namedtuple("Times", fields)(10, 1, 5, 100, 50, 0, 0, 0, 4, 1)
    monkeypatch.setattr(machine.psutil, "cpu_times", lambda: times)
    assert machine._work_done()[1] == pytest.approx(16)


@pytest.mark.parametrize(
    ("readings", "below"),
    [
        ({"coretemp": [Reading(60.0, 100.0), Reading(95.0, 100.0)]}, 5.0),
        ({"acpitz": [Reading(50.0, None)]}, 35.0),
        ({"broken": [Reading(0.0, None), Reading(-273.0, 90.0), Reading(1e6, 90.0)]}, None),
        ({}, None),
    ],
)
def test_heat_is_how_near_a_sensor_is_to_its_own_limit(
    monkeypatch: pytest.MonkeyPatch, readings: object, below: float | None
) -> None:
    monkeypatch.setattr(machine.psutil, "sensors_temperatures", lambda: readings, raising=False)
    assert machine._below_hot() == below


@pytest.mark.parametrize(("plugged", "is_on"), [(True, False), (False, True), (None, None)])
def test_battery(monkeypatch: pytest.MonkeyPatch, plugged: bool | None, is_on: bool | None) -> None:
    monkeypatch.setattr(
        machine.psutil, "sensors_battery", lambda: SimpleNamespace(power_plugged=plugged), raising=False
    )
    assert machine._is_on_battery() is is_on


@pytest.mark.parametrize(
    ("system", "told", "idle"),
    [
        ("linux", "(uint64 12345,)\n", 12.345),
        ("darwin", '    | |   "HIDIdleTime" = 2500000000\n', 2.5),
        ("darwin", "nothing of the kind", None),
    ],
)
def test_idle_time_is_read_from_what_desktops_print(system: str, told: str, idle: float | None) -> None:
    _, pattern, per_second = machine._IDLE_TELLERS[system][0]
    assert read_idle(told, pattern, per_second) == idle


def test_a_desktop_that_does_not_answer_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.sys, "platform", "linux")
    observer = Observer()
    observer._tellers = [(f"{sys.executable} -c 1/0", "(.*)", 1.0), (f"{sys.executable} -c print(7000)", r"(\d+)", 1e3)]
    assert observer._idle() == 7.0
    assert len(observer._tellers) == 1


@pytest.mark.parametrize(
    ("kind", "opts", "remote"), [("ext4", "rw", False), ("nfs4", "rw", True), ("NTFS", "rw,remote", True)]
)
def test_network_drives_are_known(monkeypatch: pytest.MonkeyPatch, kind: str, opts: str, remote: bool) -> None:
    mounts = [
        SimpleNamespace(mountpoint=os.path.abspath(os.sep), fstype="ext4", opts="rw"),  # noqa: PTH100
        SimpleNamespace(mountpoint="/mnt/photos", fstype=kind, opts=opts),
    ]
    monkeypatch.setattr(machine.psutil, "disk_partitions", lambda all: mounts)
    assert is_remote("/mnt/photos/2023") is remote
    assert not is_remote("/mnt/photos-2")


@pytest.mark.skipif(os.name != "posix", reason="POSIX priorities")
def test_stepping_back_lowers_the_priority() -> None:
    code = (
        "import os\nfrom photos_engine.scheduler.machine import step_back\n"
        "before = os.nice(0)\nstep_back()\nprint(os.nice(0) >= max(before, 10) or os.nice(0) - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
