"""Looks a library over: is the database whole, and can what is derived from it be relied on?

Only damage is a problem. A cache that is merely missing or behind (after every `index` run, say) is
brought up to date by whoever asks next, this check included; a thumbnail that a killed run left behind
is litter, which `repair` sweeps up.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from photos_engine.derived import Derived
from photos_engine.errors import IntegrityFailure, PhotoError, StoreError, Unreadable, VectorIndexError
from photos_engine.graph import PersonalGraph
from photos_engine.index import CompactIndex, VectorIndex
from photos_engine.ingest import Gazetteer
from photos_engine.library import Library, delete_files
from photos_engine.store import Store
from photos_engine.types import CheckReport, DecodedPhoto, Photo

_JPEG_START = b"\xff\xd8\xff"
_WORTH_COMPACTING = 0.3  # of the database unused: less comes back into use by itself


def check_library(
    library: Library,
    store: Store,
    derived: Derived,
    model: str,
    *,
    decode: Callable[[Path], DecodedPhoto],
    repair: bool,
) -> CheckReport:
    """What is wrong with a library, and with `repair` what was mended: index, graph and thumbnails can be made again.

    A damaged database ends the check: nothing else can be told without it. Raises: StoreError.
    """
    try:
        problems = store.check()
    except IntegrityFailure as error:
        problems = [str(error)]
    if problems:
        return CheckReport(("database",), tuple(f"database: {problem}" for problem in problems), ())
    check = _Check(library, store, derived, model, decode, repair)
    check.look_at_index()
    check.look_at_graph()
    litter = check.look_at_thumbnails()
    left = f"thumbnails ({litter} left over)" if litter else "thumbnails"
    return CheckReport(("database", "vector index", "graph", left), tuple(check.problems), tuple(check.repaired))


@dataclass(slots=True)
class _Check:
    """One look over a library, with what it has found so far."""

    library: Library
    store: Store
    derived: Derived
    model: str
    decode: Callable[[Path], DecodedPhoto]
    repair: bool
    problems: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)

    def found(self, problem: str, mend: Callable[[], object], mended: str) -> None:
        """Note a problem, and mend it where that is asked for. Raises: StoreError where that can't be written."""
        self.problems.append(problem)
        if self.repair:
            try:
                mend()
            except OSError as error:
                raise StoreError(f"{problem}; it can't be written anew: {error.strerror or error}") from error
            self.repaired.append(mended)

    def look_at_index(self) -> None:
        path = self.library.index_path(self.model)
        if path.exists():
            try:
                CompactIndex.load(path, self.model)
            except VectorIndexError as error:
                self.found(f"vector index: {error}", lambda: self._make_index(path), "vector index: made again")
                return
        with self.store.read() as unit:
            before = unit.revision
        index = self.derived.prepare_search(self.model)
        with self.store.read() as unit:
            if unit.revision != before:
                return  # a run goes on meanwhile: the index was brought in step as this was asked
            present = unit.analyses.keys(self.model)
        if not np.array_equal(index.keys(), present):
            problem = f"vector index: it holds {len(index)} photos, the database {len(present)}"
            self.found(problem, lambda: self._make_index(path), "vector index: made again")

    def _make_index(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        with self.store.read() as unit:
            keys = unit.analyses.keys(self.model)
            vectors = unit.analyses.embeddings(self.model, keys)
        index = self.derived.prepare_search(self.model)
        index.remove(index.keys())
        index.add(keys, vectors)
        index.save(path)

    def look_at_graph(self) -> None:
        path = self.library.graph_path
        if path.exists() and not _holds_packed_json(path):
            self.found(f"graph: {path} can't be read", lambda: self._make_graph(path), "graph: made again")
            return
        graph = self.derived.graph()
        if PersonalGraph.load(path, model=graph.model, revision=graph.revision) is None:
            problem = f"graph: what {path} holds is not what was written"
            self.found(problem, lambda: self._make_graph(path), "graph: made again")

    def _make_graph(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self.derived.graph().save(path)

    def look_at_thumbnails(self) -> int:
        """Thumbnails that are missing or no JPEG; returns how many lie about that belong to no photo."""
        with self.store.read() as unit:
            photos = unit.photos.present()
        lost = [photo for photo in photos if not _is_jpeg(self.library.thumbnail_path(photo.id))]
        if lost:
            self.problems.append(f"thumbnails: {len(lost)} are missing or damaged, the first that of {lost[0].path}")
            if self.repair:
                self._make_thumbnails(lost)
        litter = list(_litter(self.library, self.store))
        if not self.repair:
            return len(litter)
        delete_files(litter)
        return 0

    def _make_thumbnails(self, lost: Sequence[Photo]) -> None:
        refused = []
        for photo in lost:
            try:
                decoded = self.decode(photo.path)
                if decoded.content_hash != photo.id:
                    raise Unreadable(photo.path, "it has changed since it was indexed")
                self.library.save_thumbnail(photo.id, decoded.thumbnail)
            except PhotoError as error:
                refused.append(error)
        self.repaired.append(f"thumbnails: {len(lost) - len(refused)} made again")
        if refused:
            self.problems.append(f"thumbnails: {len(refused)} can't be made again; {refused[0]}")


def name_places(store: Store, gazetteer: Gazetteer) -> int:
    """Name the places of photos whose position has no name yet, as far as there are names; returns how many.

    Likewise the regions of known places. Both are named as photos come in: this is for those of a time when the
    gazetteer knew less.
    """
    with store.read() as unit:
        nameless, bare = unit.photos.without_place(), unit.photos.without_region()
    named = {key: where for key, point in nameless.items() if (where := gazetteer.locate(point)) is not None}
    regions = [where for where in gazetteer.find_all(bare).values() if where.region]
    if named or regions:
        with store.begin() as unit:
            for key, where in named.items():
                unit.photos.put(key, where)
            for where in regions:
                unit.photos.tell_of(where)
            unit.touch()
    return len(named) + len(regions)


def tidy_library(library: Library, store: Store, index: VectorIndex) -> dict[str, int]:
    """Sweep up thumbnails of no photo, and give unused space back where it is worth the writing.

    index: what searches use, up to date. No photos may be coming in meanwhile.
    """
    litter = list(_litter(library, store))
    delete_files(litter)
    before = store.database.stat().st_size
    if store.unused_share() > _WORTH_COMPACTING:
        store.compact()
    return {"photos": len(index), "swept": len(litter), "bytes_freed": before - store.database.stat().st_size}


def _litter(library: Library, store: Store) -> Iterator[Path]:
    """Files among the thumbnails that are no photo's: of forgotten photos, of batches that were never stored."""
    folder = library.thumbnail_path("00").parent.parent
    with store.read() as unit:
        for path in folder.glob("*/*") if folder.is_dir() else ():
            if path.suffix != ".jpg" or path.name.startswith(".") or unit.photos.key_of(path.stem) is None:
                yield path


def _holds_packed_json(path: Path) -> bool:
    """Whether every line of a file is JSON, and there is one."""
    lines = 0
    try:
        with gzip.open(path, "rb") as file:
            for line in file:
                json.loads(line)
                lines += 1
    except (OSError, EOFError, ValueError, zlib.error):
        return False
    return lines > 0


def _is_jpeg(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_JPEG_START)) == _JPEG_START
    except OSError:
        return False
