"""Python's collector of cyclic garbage, out of the way where it finds nothing."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collecting_later() -> Iterator[None]:
    """Look for cyclic garbage after the block, not within it; also fit as a decorator.

    For blocks that make many values which stay: the collector goes through all of them again and again, and takes a
    quarter of a library's refresh. A block ought to be short enough that what it leaves may wait. The setting is the
    whole process's, so other threads' garbage waits, too; who has switched the collector off finds it off.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
