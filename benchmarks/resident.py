"""How much memory the engine and its decoding processes hold together."""

from __future__ import annotations

import threading
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
        while not stop.wait(0.05):
            now = 0
            for process in [me, *me.children(recursive=True)]:
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
