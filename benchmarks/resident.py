"""How much memory the engine and its decoding processes hold together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

MEBIBYTE = 1024 * 1024


@contextmanager
def peak_memory() -> Iterator[Callable[[], float]]:
    """The most memory that this process and its children held together, MiB (shared pages counted once each)."""
    peak, stop = 0, threading.Event()
    me = psutil.Process()

    def watch() -> None:
        nonlocal peak
        children, listed_at = list[psutil.Process](), 0.0
        while not stop.wait(0.2):
            if time.monotonic() - listed_at > 2.0:  # a look at every process of the machine takes milliseconds
                children, listed_at = me.children(recursive=True), time.monotonic()
            now = 0
            for process in [me, *children]:
                try:
                    now += process.memory_info().rss
                except psutil.Error:  # it ended between listing and looking
                    continue
            peak = max(peak, now)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield lambda: peak / MEBIBYTE
    finally:
        stop.set()
        watcher.join()
