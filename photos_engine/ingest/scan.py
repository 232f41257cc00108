"""Walks the folders and tells what is new, changed, unchanged and gone, at the price of one stat a file.

Nothing here opens a photo. What can't be seen is not gone: below a folder that can't be listed, or a
root that is missing or suddenly empty (a drive that isn't mounted), every known photo stays as it is.
Only a root that was a photo itself is gone when its folder can be listed and lacks it.
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from photos_engine.errors import PhotoError, Unreadable
from photos_engine.files import is_below, is_within
from photos_engine.ingest.formats import (
    IMAGE_EXTENSIONS,
    SNIFF_BYTES,
    UNREAD_EXTENSIONS,
    VIDEO_EXTENSIONS,
    extension_of,
    sniff_format,
)
from photos_engine.ingest.sidecars import Companions
from photos_engine.types import SIDECARS_MODULO, FileStamp

# Thumbnails, recycle bins and indexes that applications keep beside the photos. Hidden folders are
# skipped as such.
_SKIPPED_FOLDERS = frozenset(
    name.lower()
    for name in (
        "@eaDir",
        "#recycle",
        "#snapshot",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
        "node_modules",
        "__MACOSX",
        "__pycache__",
    )
)
_SKIPPED_SUFFIXES = (".lrdata", ".lrcat-data", ".cocatalog", ".photolibrary-cache")
# Of these bundles only the originals are photos; the rest are previews and databases.
_LIBRARY_SUFFIXES = (".photoslibrary", ".migratedphotolibrary", ".aplibrary")
_LIBRARY_ORIGINALS = frozenset(("originals", "masters"))
# What tells the library of an engine like this one, whose thumbnails are no photos.
ENGINE_FILES = frozenset(("library.sqlite", "lock"))

_Identity = tuple[int, int]  # a folder's device and inode: the same by whatever link it is reached


class Change(StrEnum):
    """What a scan found out about a file, against what was known of it."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class FoundPhoto:
    """One file that should be a photo, with what belongs to it."""

    path: Path
    stamp: FileStamp
    change: Change
    sidecars: tuple[Path, ...] = ()
    video: Path | None = None  # the moving part of a live or motion photo


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What lies under the roots, in the order of the walk (sorted within each folder)."""

    photos: tuple[FoundPhoto, ...]
    videos: tuple[Path, ...]  # of their own: passed over
    gone: tuple[str, ...]  # known paths that the roots no longer have
    problems: tuple[PhotoError, ...]  # what couldn't be listed or looked at


@dataclass(slots=True)
class _Walk:
    """One scan under way."""

    known: Mapping[str, FileStamp]
    passed_over: frozenset[_Identity]
    photos: list[FoundPhoto] = field(default_factory=list)
    videos: list[Path] = field(default_factory=list)
    problems: list[PhotoError] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)  # folders and files that couldn't be looked at
    visited: set[_Identity] = field(default_factory=set)
    wanted: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # by folder: roots' names

    def want(self, path: str) -> None:
        """Puts down a root that is a file: its folder is listed once for all of them."""
        folder, name = os.path.split(path)
        self.wanted[folder].add(name)

    def report(self, path: str, reason: str) -> None:
        self.unseen.add(path)
        self.problems.append(Unreadable(path, reason))


def scan(
    roots: Iterable[str | os.PathLike[str]],
    known: Mapping[str, FileStamp],
    *,
    passed_over: Iterable[str | os.PathLike[str]] = (),
) -> ScanResult:
    """Finds every photo under the roots (folders or single files) and what became of the known ones.

    Folders in `passed_over` are not entered: an engine's own library may lie among the photos. Nor are
    the libraries of other engines. A root that is such a folder is a problem, and nothing in it is gone.
    Keys of `known` and results are absolute paths. Symbolic links to files are followed, where they
    lead to regular files: people build albums of them, and a content is one photo however many
    names it has. Links to folders are not, since they can lead in circles or out of the roots.
    Never raises for a file or folder: what can't be read is in `problems`, as `Unreadable`.
    """
    libraries = frozenset(_identities(passed_over))
    walk = _Walk(known, libraries, visited=set(libraries))
    tops = [os.path.abspath(os.fspath(root)) for root in roots]  # noqa: PTH100  resolve() would follow links
    for top in tops:
        _scan_root(walk, top)
    for folder, names in walk.wanted.items():
        _scan_folder(walk, folder, only=names)
    gone = tuple(_gone_paths(walk, set(tops)))
    return ScanResult(tuple(walk.photos), tuple(walk.videos), gone, tuple(walk.problems))


def _identities(folders: Iterable[str | os.PathLike[str]]) -> Iterator[_Identity]:
    for folder in folders:
        with suppress(OSError):  # what can't be looked at can't be walked into
            yield _identity(os.stat(folder))  # noqa: PTH116


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, status.st_ino


def _scan_root(walk: _Walk, top: str) -> None:
    try:
        status = os.stat(top)  # noqa: PTH116  str paths: a Path for each file costs more than its stat
    except FileNotFoundError:
        if top in walk.known:  # it was a photo: whether it is gone or out of reach, its folder will tell
            walk.want(top)
        else:
            walk.report(top, "it doesn't exist")
        return
    except OSError as error:
        walk.report(top, _reason(error))
        return
    if stat.S_ISREG(status.st_mode):
        walk.want(top)
    elif not stat.S_ISDIR(status.st_mode):
        walk.report(top, "it is neither a folder nor a file")
    elif _identity(status) in walk.passed_over:
        walk.report(top, "it is a library's own folder")
    else:
        pending = [top]
        while pending:
            folder = pending.pop()
            pending.extend(reversed(_scan_folder(walk, folder, is_root=folder == top)))


def _scan_folder(walk: _Walk, folder: str, *, only: Set[str] | None = None, is_root: bool = False) -> list[str]:
    """Takes up one folder's files, or those named in `only`; returns its sub-folders that are to be walked."""
    try:
        entries = _list_folder(walk, folder, once=only is None)
    except OSError as error:
        walk.report(folder, f"the folder can't be listed: {_reason(error)}")
        return []
    if entries is None:
        return []
    if is_root and not entries and any(is_below(path, folder) for path in walk.known):
        walk.report(folder, "the folder is empty, but photos were known in it: is its drive connected?")
        return []
    if only is None and {entry.name for entry in entries} >= ENGINE_FILES:
        if is_root:
            walk.report(folder, "it is a library's own folder")
        return []
    folders: list[os.DirEntry[str]] = []
    files: list[os.DirEntry[str]] = []
    for entry in entries:
        if not entry.name.startswith("."):
            (folders if entry.is_dir(follow_symlinks=False) else files).append(entry)
    _take_files(walk, folder, files, only)
    return [entry.path for entry in folders if not _is_skipped(entry.name, folder)] if only is None else []


def _list_folder(walk: _Walk, folder: str, *, once: bool) -> list[os.DirEntry[str]] | None:
    """The folder's entries by name; None where this walk has been there already."""
    if once:
        identity = _identity(os.stat(folder))  # noqa: PTH116
        if identity in walk.visited:
            return None
        walk.visited.add(identity)
    with os.scandir(folder) as listing:
        return sorted(listing, key=lambda entry: entry.name)


def _is_skipped(name: str, parent: str) -> bool:
    lowered = name.lower()
    if parent.lower().endswith(_LIBRARY_SUFFIXES):
        return lowered not in _LIBRARY_ORIGINALS
    return lowered in _SKIPPED_FOLDERS or lowered.endswith(_SKIPPED_SUFFIXES)


def _take_files(walk: _Walk, folder: str, files: list[os.DirEntry[str]], only: Set[str] | None) -> None:
    by_name = {entry.name: entry for entry in files}
    companions = Companions(by_name)
    joined: set[str] = set()
    videos: list[str] = []
    for name, entry in by_name.items():
        extension = extension_of(name)
        if extension in VIDEO_EXTENSIONS:
            videos.append(name)
        elif extension in IMAGE_EXTENSIONS or extension in UNREAD_EXTENSIONS or (not extension and _is_image(entry)):
            video = companions.video_of(name)
            joined.update(() if video is None else (video,))
            if only is None or name in only:
                sidecars = [by_name[sidecar] for sidecar in companions.sidecars_of(name)]
                _take_photo(walk, entry, sidecars, None if video is None else by_name[video])
    walk.videos.extend(
        Path(by_name[name].path) for name in videos if name not in joined and (only is None or name in only)
    )


def _take_photo(
    walk: _Walk, entry: os.DirEntry[str], sidecars: list[os.DirEntry[str]], video: os.DirEntry[str] | None
) -> None:
    path = entry.path
    if path in walk.seen:
        return
    try:
        status = entry.stat()
    except FileNotFoundError:
        if entry.is_symlink():
            walk.report(path, "it is a link to a file that isn't there")
        return
    except OSError as error:
        walk.report(path, _reason(error))
        return
    if not stat.S_ISREG(status.st_mode):
        if not stat.S_ISDIR(status.st_mode):  # a link to a folder is passed over like the folder's link that it is
            walk.report(path, "it is not a regular file")
        return
    walk.seen.add(path)
    companions = sidecars if video is None else [*sidecars, video]
    stamp = FileStamp(status.st_size, status.st_mtime_ns, sum(map(_mtime_ns, companions)) % SIDECARS_MODULO)
    before = walk.known.get(path)
    change = Change.NEW if before is None else Change.UNCHANGED if before == stamp else Change.CHANGED
    paths = tuple(Path(sidecar.path) for sidecar in sidecars)
    walk.photos.append(FoundPhoto(Path(path), stamp, change, paths, None if video is None else Path(video.path)))


def _mtime_ns(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_mtime_ns
    except OSError:  # a sidecar that can't be looked at: the photo itself still counts
        return 0


def _is_image(entry: os.DirEntry[str]) -> bool:
    """Looks into a file without an extension; anything that isn't a readable regular file is none."""
    try:
        if not stat.S_ISREG(entry.stat().st_mode):
            return False
        with open(entry.path, "rb", buffering=0) as file:  # noqa: PTH123
            return sniff_format(file.read(SNIFF_BYTES)) is not None
    except OSError:
        return False


def _gone_paths(walk: _Walk, tops: Set[str]) -> Iterator[str]:
    for path in walk.known:
        if path not in walk.seen and is_within(path, tops) and not is_within(path, walk.unseen):
            yield path


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
