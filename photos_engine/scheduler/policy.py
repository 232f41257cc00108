"""When the daemon may work, and how hard: a pure function of what the machine is up to.

The photos can wait; whoever sits at the machine can't. So the daemon works when nobody would notice, and
says by name what it waits for. Everything here is plain values: what they are read from is `machine`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from photos_engine.errors import ConfigError

QUIET_HOURS = "quiet hours"
ON_BATTERY = "on battery"
HOT = "hot"
LOW_MEMORY = "low memory"
MACHINE_BUSY = "machine busy"
PERSON_ACTIVE = "person active"
REASONS = (QUIET_HOURS, ON_BATTERY, HOT, LOW_MEMORY, MACHINE_BUSY, PERSON_ACTIVE)
"""What may hold work up, in the order in which it is named."""

_HOLDING_LIGHT_WORK = frozenset({QUIET_HOURS, LOW_MEMORY})

# Each has two values: one to begin at and a laxer one to stop at, else work would flicker on and off.
_BUSY = (0.4, 0.6)  # of all cores, by others
_IDLE_S = (30.0, 5.0)  # since the last key or movement: reading a page is no idleness, a short pause in work is
_BELOW_HOT_C = (15.0, 5.0)  # under the temperature that the sensor itself calls high
_MEMORY_BYTES = (1_500 * 2**20, 800 * 2**20)  # what an index run may need, and what others need at once

_MOST_WORKERS = 4


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine at one moment; None where it doesn't say."""

    clock: time
    cores: int
    others_load: float  # share of all cores that other programs use, 0 to 1
    memory_bytes: int  # that can be had without swapping
    is_on_battery: bool | None = None
    below_hot_c: float | None = None  # how far the hottest sensor is below what it calls high
    idle_s: float | None = None  # since somebody last touched it


@dataclass(frozen=True, slots=True)
class Manners:
    """What a person lets the daemon wait for. Leaving a reason out overrides it."""

    waits_for: frozenset[str] = frozenset(REASONS)
    quiet: tuple[time, time] | None = None  # the clock's times between which nothing is to run

    @classmethod
    def of(cls, waits_for: str, quiet_hours: str) -> Manners:
        """From the settings: `on battery, hot` and `22:00-07:30`. Raises: ConfigError."""
        names = frozenset(filter(None, (name.strip() for name in waits_for.split(","))))
        if unknown := names - set(REASONS):
            raise ConfigError(f"daemon_waits_for: {min(unknown)!r} is none of {', '.join(REASONS)}")
        if not quiet_hours:
            return cls(names)
        try:
            begin, end = (time.fromisoformat(part.strip()) for part in quiet_hours.split("-"))
        except ValueError as error:
            raise ConfigError(f"quiet_hours must look like 22:00-07:30, not {quiet_hours!r}") from error
        if begin.tzinfo or end.tzinfo:
            raise ConfigError(f"quiet_hours are this machine's, without a zone, not {quiet_hours!r}")
        return cls(names | {QUIET_HOURS}, (begin, end))


def reason_to_wait(machine: Machine, manners: Manners, *, at_work: bool, is_light: bool = False) -> str | None:
    """The name of what speaks against working now, None if nothing does.

    at_work: whether work is under way, which takes a stronger reason to interrupt than to put off.
    is_light: whether the work is a matter of moments: that waits for quiet hours and memory only.
    """
    row = 1 if at_work else 0
    holds = {
        QUIET_HOURS: manners.quiet is not None and _is_between(machine.clock, *manners.quiet),
        ON_BATTERY: machine.is_on_battery is True,
        HOT: machine.below_hot_c is not None and machine.below_hot_c < _BELOW_HOT_C[row],
        LOW_MEMORY: machine.memory_bytes < _MEMORY_BYTES[row],
        MACHINE_BUSY: machine.others_load > _BUSY[row],
        PERSON_ACTIVE: machine.idle_s is not None and machine.idle_s < _IDLE_S[row],
    }
    asked_about = manners.waits_for & _HOLDING_LIGHT_WORK if is_light else manners.waits_for
    return next((reason for reason in REASONS if holds[reason] and reason in asked_about), None)


def count_workers(machine: Machine, manners: Manners) -> int:
    """How many photos to decode at once: what others leave of the cores, and never all that there are of many."""
    free = machine.cores * (1.0 - machine.others_load if MACHINE_BUSY in manners.waits_for else 1.0)
    return max(1, min(_MOST_WORKERS, round(free)))


def _is_between(now: time, begin: time, end: time) -> bool:
    """Whether a clock's time lies in a span that may go over midnight."""
    return begin <= now < end if begin <= end else now >= begin or now < end
