"""The scheduler: keeps a library up to date for as long as one likes, without being noticed.

`jobs` says what there is to do, `plans` when, `policy` whether now, `machine` what that is decided by;
`Daemon` waits, and `worker` does the work in a process of its own. `units` lets a system start it.
"""

from photos_engine.scheduler.jobs import JOBS, run_jobs, run_once

__all__ = ["JOBS", "run_jobs", "run_once"]
