"""Watching folders: which of them changed, as the system tells it, and by looking where no system tells.

A network drive announces only what this machine itself writes there; so do systems that have run out of
watches. Such folders are looked over at intervals. A watch ends with its folder: who puts a card back in, or a folder
in the place of another, gets a new one.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Collection, Iterable

from watchfiles import Change, watch

from photos_engine.files import is_below
from photos_engine.scheduler.machine import is_remote

logger = logging.getLogger(__name__)

_Identity = tuple[int, int]  # device and inode

DEBOUNCE_MS = 2_000  # a card that is being copied is one change, not a thousand
POLLED_EVERY_MS = 60_000


class Watcher:
    """Tells when something below some folders changes, on threads of its own, until it is closed."""

    def __init__(self, tell: Callable[[Collection[str]], None], *, library: str) -> None:
        self._tell = tell
        self._library = library
        self._folders: tuple[str, ...] = ()
        self._near: dict[str, _Identity | None] = {}  # what is where, of the folders that the system tells about
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def folders(self) -> tuple[str, ...]:
        """What is watched."""
        return self._folders

    def follow(self, folders: Iterable[str]) -> None:
        """Watch just these from now on. To be called now and then: what has come back since is told of as changed."""
        wanted = tuple(sorted(set(folders)))
        known, there = self._near, {folder: _identify(folder) for folder in self._near}
        if wanted == self._folders and there == known:
            return
        self.close()
        self._folders, self._stop = wanted, threading.Event()
        remote = [folder for folder in wanted if is_remote(folder)]
        self._near = {folder: _identify(folder) for folder in wanted if folder not in remote}
        if back := {folder for folder, what in self._near.items() if what and known.get(folder, what) != what}:
            self._tell(back)
        for group, is_polled in ((list(self._near), False), (remote, True)):
            if group:
                thread = threading.Thread(
                    target=self._watch, args=(group, is_polled, self._stop), name="photos-engine-watch", daemon=True
                )
                thread.start()
                self._threads.append(thread)

    def close(self) -> None:
        """Watch nothing any more."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._threads, self._folders, self._near = [], (), {}

    def _watch(self, folders: list[str], is_polled: bool, stop: threading.Event) -> None:
        there = [folder for folder in folders if os.path.exists(folder)]  # noqa: PTH110
        if not there:
            return
        try:
            for changes in watch(
                *there,
                watch_filter=self._is_foreign,
                debounce=DEBOUNCE_MS,
                stop_event=stop,
                force_polling=is_polled,
                poll_delay_ms=POLLED_EVERY_MS,
                ignore_permission_denied=True,
                raise_interrupt=False,
            ):
                self._note(folders, [path for _, path in changes])
        except (OSError, RuntimeError) as error:
            if is_polled or stop.is_set():
                logger.error("watching ended, scans go on: %s", error)
                return
            logger.warning("the system can't watch, so folders are looked over every minute: %s", error)
            self._watch(there, True, stop)

    def _is_foreign(self, _change: Change, path: str) -> bool:
        """Whether a change isn't the engine's own, for libraries that lie among the photos."""
        return not is_below(path, self._library)

    def _note(self, folders: list[str], paths: Iterable[str]) -> None:
        changed = {folder for path in paths for folder in folders if is_below(path, folder)}
        # A system that names files by another path than was given leaves no folder: then any may have changed.
        self._tell(changed or set(folders))


def _identify(folder: str) -> _Identity | None:
    """Which folder lies there; None where none does."""
    try:
        status = os.stat(folder)  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev, status.st_ino
