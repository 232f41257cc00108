"""The library: one private folder with the database, the vector index, the graph, thumbnails and a lock.

All but the database can be deleted at any time and comes back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from photos_engine.errors import StoreError, StoreLocked
from photos_engine.files import write_atomically

T = TypeVar("T")

LOCK_NAME = "lock"
DAEMON_LOCK_NAME = "daemon.lock"
_LOOKED_AT_S = 1.0  # who asks whether a daemon is at work holds its lock for a moment


class Library:
    """A library's folder: where each thing lies, and who may write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = FileLock(folder / LOCK_NAME, timeout=0)

    @classmethod
    def open(cls, folder: Path) -> Library:
        """The library in a folder, which is made if needed, for its owner's eyes only.

        Raises: StoreError.
        """
        try:
            if not folder.is_dir():
                folder.mkdir(mode=0o700, parents=True)
            elif os.name == "posix" and not any(folder.iterdir()):
                folder.chmod(0o700)  # it is to be a library, and nothing else is in it that others may read
        except OSError as error:
            raise StoreError(f"the library folder {folder} can't be made: {error.strerror or error}") from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise StoreError(f"the library folder {folder} can't be written to")
        return cls(folder)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the library for a run that writes photos. Raises: StoreLocked at once if another does."""
        try:
            with self._lock:
                yield
        except Timeout as error:
            raise StoreLocked(f"the library {self.folder} is being indexed by another process") from error

    @contextmanager
    def tended(self) -> Iterator[None]:
        """Look after the library as its only daemon. Raises: StoreLocked if another does."""
        try:
            with FileLock(self.folder / DAEMON_LOCK_NAME, timeout=_LOOKED_AT_S):
                yield
        except Timeout as error:
            raise StoreLocked(f"another daemon looks after the library {self.folder} already") from error

    @property
    def is_tended(self) -> bool:
        """Whether a daemon looks after the library."""
        path = self.folder / DAEMON_LOCK_NAME
        if not path.exists():
            return False
        try:
            with FileLock(path, timeout=0):
                return False
        except Timeout:
            return True

    @property
    def decisions_backup(self) -> Path:
        """Where the daemon keeps a copy of what people decided, apart from the database."""
        return self.folder / "decisions.json"

    def index_path(self, model: str) -> Path:
        """Where a model's vector index lies."""
        return self.folder / "index" / f"{model}.vectors"

    def columns_path(self, model: str) -> Path:
        """Where what search needs of every photo lies, as a model sees it: beside its index, and dropped with it."""
        return self.folder / "index" / f"{model}.vectors.columns"

    def looks_path(self, model: str) -> Path:
        """Where it is kept what each photo tells, as a model sees it: beside its index, and dropped with it."""
        return self.folder / "index" / f"{model}.vectors.looks"

    def concepts_path(self, model: str) -> Path:
        """Where the taxonomy lies as a model's text tower reads it."""
        return self.folder / "index" / f"{model}.concepts.npz"

    def drop_index(self, model: str) -> None:
        """Delete a model's vector index, and the taxonomy in its space. Raises: StoreError."""
        path = self.index_path(model)
        delete_files((*path.parent.glob(f"{escape(path.name)}*"), self.concepts_path(model)))

    def drop_derived(self) -> None:
        """Delete what was made from a database that is no more: its keys and revisions mean nothing in the next one.

        Raises: StoreError.
        """
        made = (self.folder / "index").glob("*")
        delete_files((*(path for path in made if path.suffix != ".lock"), self.graph_path, self.marks_path))

    @property
    def graph_path(self) -> Path:
        """Where the graph is cached."""
        return self.folder / "graph.json.gz"

    @property
    def marks_path(self) -> Path:
        """Where it is noted what the groups of likenesses were made of."""
        return self.folder / "groups.npz"

    def thumbnail_path(self, content_hash: str) -> Path:
        """Where a photo's thumbnail lies, or would lie."""
        return self.folder / "thumbnails" / content_hash[:2] / f"{content_hash}.jpg"

    def look_at_thumbnail(self, content_hash: str, look: Callable[[bytes], T]) -> T | None:
        """What somebody sees in a photo's thumbnail, read by Pillow; None where there is none that can be read."""
        try:
            return look(self.thumbnail_path(content_hash).read_bytes())
        except (OSError, ValueError, SyntaxError):  # as Pillow says that it is no picture
            return None

    def save_thumbnail(self, content_hash: str, jpeg: bytes) -> None:
        """Keep a thumbnail. Raises: StoreError."""
        try:
            write_atomically(self.thumbnail_path(content_hash), jpeg, durable=False, make_folders=True)
        except OSError as error:
            raise StoreError(f"a thumbnail can't be written below {self.folder}: {error.strerror or error}") from error


def delete_files(paths: Iterable[Path]) -> None:
    """Delete files that may be gone already. Raises: StoreError."""
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{path} can't be deleted: {error.strerror or error}") from error
