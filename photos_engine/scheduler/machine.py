"""What the machine says of itself: load by others, memory, battery, heat, and whether somebody sits at it.

What a platform doesn't tell is None, and never a reason to wait. Nothing here decides anything: `policy` does.
"""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import psutil

from photos_engine.scheduler.policy import Machine

logger = logging.getLogger(__name__)

_FIRST_LOOK_S = 0.25  # over which load is measured when there was no look before
_STALE_AFTER_S = 60.0  # load over a longer time says nothing of now
_HIGH_C = 85.0  # for sensors that don't say themselves what is high
_NICENESS = 10
_ASK_TIMEOUT_S = 1.0
# Programs that tell how long nobody has touched the machine: what they print, and how many of it are a second.
_IDLE_TELLERS = {
    "linux": (
        (
            "gdbus call --session --dest org.gnome.Mutter.IdleMonitor --object-path /org/gnome/Mutter/IdleMonitor/Core"
            " --method org.gnome.Mutter.IdleMonitor.GetIdletime",
            r"uint64 (\d+)",
            1e3,
        ),
        ("xprintidle", r"(\d+)", 1e3),
    ),
    "darwin": (("ioreg -c IOHIDSystem -d 4", r'"HIDIdleTime" = (\d+)', 1e9),),
}


class Observer:
    """Looks at this machine. What this process and its children use counts as nobody's load."""

    def __init__(self) -> None:
        self._before: tuple[float, float, float] | None = None  # time, all work, our work; seconds
        self._tellers = [teller for teller in _IDLE_TELLERS.get(sys.platform, ()) if shutil.which(teller[0].split()[0])]

    def look(self) -> Machine:
        """The machine now. The first look takes a quarter of a second."""
        return Machine(
            clock=datetime.now().time(),
            cores=psutil.cpu_count() or 1,
            others_load=self._others_load(),
            memory_bytes=psutil.virtual_memory().available,
            is_on_battery=_is_on_battery(),
            below_hot_c=_below_hot(),
            idle_s=self._idle(),
        )

    def _others_load(self) -> float:
        if self._before is None or time.monotonic() - self._before[0] > _STALE_AFTER_S:
            self._before = _work_done()
            time.sleep(_FIRST_LOOK_S)
        before, now = self._before, _work_done()
        seconds = max(now[0] - before[0], 1e-3) * (psutil.cpu_count() or 1)
        if now[0] - before[0] >= _FIRST_LOOK_S:  # clock ticks are too coarse for less
            self._before = now
        return min(1.0, max(0.0, (now[1] - before[1] - max(0.0, now[2] - before[2])) / seconds))

    def _idle(self) -> float | None:
        if sys.platform == "win32":
            return _windows_idle()
        for command, pattern, per_second in tuple(self._tellers):
            try:
                told = subprocess.run(command.split(), capture_output=True, text=True, timeout=_ASK_TIMEOUT_S)
            except (OSError, subprocess.TimeoutExpired):
                told = None
            idle = read_idle(told.stdout, pattern, per_second) if told is not None and told.returncode == 0 else None
            if idle is not None:
                return idle
            self._tellers.remove((command, pattern, per_second))  # no such desktop: not asked again
        return None


def read_idle(told: str, pattern: str, per_second: float) -> float | None:
    """Seconds without a touch, from what a program printed."""
    found = re.search(pattern, told)
    return int(found[1]) / per_second if found else None


def step_back() -> None:
    """Let this process and its children come after everybody else's, for processor and disk."""
    me = psutil.Process()
    with suppress(psutil.Error, OSError):  # a container may forbid it, and work is right all the same
        me.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else _NICENESS)
    with suppress(psutil.Error, OSError):
        if sys.platform == "linux":
            me.ionice(psutil.IOPRIO_CLASS_IDLE)


def _work_done() -> tuple[float, float, float]:
    times = psutil.cpu_times()
    resting = times.idle + getattr(times, "iowait", 0.0)
    # Guests' time is counted in `user` already.
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    ours = 0.0
    me = psutil.Process()
    for process in (me, *me.children(recursive=True)):
        with suppress(psutil.Error):  # it ended meanwhile
            own = process.cpu_times()
            ours += own.user + own.system + getattr(own, "children_user", 0.0) + getattr(own, "children_system", 0.0)
    return time.monotonic(), total - resting, ours


def _is_on_battery() -> bool | None:
    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    return None if battery is None or battery.power_plugged is None else not battery.power_plugged


def _below_hot() -> float | None:
    if not hasattr(psutil, "sensors_temperatures"):
        return None
    with suppress(OSError):  # sensors that vanish with their device
        told = [
            (reading.high or _HIGH_C) - reading.current
            for readings in psutil.sensors_temperatures().values()
            for reading in readings
            if reading.current and 0 < reading.current < 150  # some invent values
        ]
        return min(told, default=None)
    return None


def _windows_idle() -> float | None:
    if sys.platform != "win32":
        return None
    import ctypes

    class LastInput(ctypes.Structure):
        _fields_ = [("size", ctypes.c_uint), ("ticks", ctypes.c_uint)]

    last = LastInput(ctypes.sizeof(LastInput), 0)
    if not ctypes.windll.user32.GetLastInputInfo(ctypes.byref(last)):
        return None
    return float((ctypes.windll.kernel32.GetTickCount() - last.ticks) % 2**32) / 1e3


def is_remote(path: str) -> bool:
    """Whether a folder lies on a network drive, where changes made elsewhere are not announced."""
    there = Path(path).resolve()
    mounts = [m for m in psutil.disk_partitions(all=True) if there.is_relative_to(m.mountpoint)]
    if not mounts:
        return False
    mount = max(mounts, key=lambda m: len(m.mountpoint))
    return "remote" in mount.opts.split(",") or mount.fstype.lower().startswith(_REMOTE)


_REMOTE = ("nfs", "cifs", "smb", "9p", "afp", "webdav", "davfs", "fuse.sshfs", "fuse.rclone", "fuse.glusterfs", "ceph")
