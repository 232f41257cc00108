"""Files: what lies below what, and contents that are either wholly there or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Set
from pathlib import Path


def write_atomically(path: Path, content: bytes, *, durable: bool = True, make_folders: bool = False) -> None:
    """Put content at `path`, whole or not at all.

    Written beside the target, then renamed over it: readers see the old file or the new. Durable content is on
    the disk before the rename, and its name when this returns; what can be made again needs no such wait.
    Renaming is atomic on one file system; some network drives don't promise it. `make_folders` is for places
    of the engine's own: in a path that a person typed, a missing folder is a slip. Raises: OSError.
    """
    if make_folders:
        path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(name).replace(path)
        if durable:
            _sync_folder(path.parent)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    """Let the names in a folder outlive a power cut, where the system can be told to."""
    if os.name != "posix":  # Windows can't open folders, and writes names by its own journal
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it."""
    return path == folder or path.startswith(folder if folder.endswith(os.sep) else folder + os.sep)


def is_within(path: str, folders: Set[str]) -> bool:
    """Whether an absolute path is one of some folders or lies in one."""
    while path not in folders:
        parent = os.path.dirname(path)  # noqa: PTH120  str paths, of which there are many
        if parent == path:
            return False
        path = parent
    return True
