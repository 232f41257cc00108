"""What is derived from the store, kept in step with it: groups, graph, memories, the vector index.

Each remembers the model and the revision that it was made from. Whoever asks gets one made from the
present revision; making it again costs nothing where the revision is the same. A change of the model is
a new revision like any other.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import date

import numpy as np

from photos_engine.errors import VectorIndexError
from photos_engine.experiences import duplicates
from photos_engine.experiences.memories import make_memories
from photos_engine.graph import PersonalGraph, build_graph
from photos_engine.index import FaissIndex, VectorIndex
from photos_engine.library import Library
from photos_engine.store import Store
from photos_engine.types import EMBEDDING_DIMENSIONS, Memory, Snapshot, Tag

logger = logging.getLogger(__name__)


class Derived:
    """The derived things of one library, as its active model sees it. Safe to call from several threads."""

    def __init__(self, library: Library, store: Store, tags: Mapping[str, Tag]) -> None:
        self._library = library
        self._store = store
        self._tags = tags
        self._lock = threading.RLock()
        self._snapshot: Snapshot | None = None
        self._graph: PersonalGraph | None = None
        self._index: tuple[int, VectorIndex] | None = None

    def snapshot(self) -> Snapshot:
        """The analysed library with its groups of likenesses up to date."""
        with self._lock:
            self._refresh_groups()
            return self._read()

    def graph(self) -> PersonalGraph:
        """The personal knowledge graph of the present revision."""
        with self._lock:
            snapshot = self.snapshot()
            if self._graph is None or self._graph.revision != snapshot.revision:
                path = self._library.graph_path
                graph = PersonalGraph.load(path, model=snapshot.model, revision=snapshot.revision)
                if graph is None:
                    graph = build_graph(snapshot, self._tags)
                    graph.save(path)
                self._graph = graph
            return self._graph

    def memories(self, today: date) -> tuple[Memory, ...]:
        """All memories as of a day, best first, from the store where they are still right."""
        with self._lock:
            snapshot = self.snapshot()
            stamp = f"{snapshot.model} {snapshot.revision} {today.isoformat()}"
            with self._store.read() as unit:
                if unit.setting("memories_stamp") == stamp:
                    return unit.memories.all()
            made = self.memories_for(today)
            with self._store.begin() as unit:
                if unit.revision == snapshot.revision:  # else a decision came in between: the next call sees it
                    unit.memories.replace(made)
                    unit.set_setting("memories_stamp", stamp)
            return made

    def memories_for(self, day: date) -> tuple[Memory, ...]:
        """All memories as of any day, made afresh and not stored."""
        return make_memories(self.snapshot(), self.graph(), self._tags, on=day)

    def index(self, model: str) -> VectorIndex:
        """The vector index of all present photos that a model has analysed."""
        with self._lock, self._store.read() as unit:
            kept = self._index if self._index is not None and self._index[1].model == model else None
            if kept is not None and kept[0] == unit.revision:
                return kept[1]
            index = kept[1] if kept is not None else self._load_index(model)
            present, known = unit.analyses.keys(model), index.keys()
            lost, fresh = np.setdiff1d(known, present), np.setdiff1d(present, known)
            if len(lost) or len(fresh):
                index.remove(lost)
                index.add(fresh, unit.analyses.embeddings(model, fresh))
                index.save(self._library.index_path(model))
            self._index = (unit.revision, index)
            return index

    def _load_index(self, model: str) -> VectorIndex:
        path = self._library.index_path(model)
        if path.exists():
            try:
                return FaissIndex.load(path, model)
            except VectorIndexError as error:
                logger.warning("the vector index is made again: %s", error)
        return FaissIndex(model, EMBEDDING_DIMENSIONS)

    def _read(self) -> Snapshot:
        with self._store.read() as unit:
            if self._snapshot is None or self._snapshot.revision != unit.revision:
                self._snapshot = unit.snapshot(unit.models.active)
            return self._snapshot

    def _refresh_groups(self) -> None:
        snapshot = self._read()
        stamp = f"{snapshot.model} {snapshot.revision}"
        with self._store.read() as unit:
            if unit.setting("groups_stamp") == stamp:
                return
        groups = duplicates.find_groups(snapshot)
        stacks = duplicates.as_stacks(groups)
        with self._store.begin() as unit:
            if unit.revision != snapshot.revision:
                return  # photos came in between: whoever wrote them refreshes
            if unit.groups.replace(groups, stacks):
                unit.touch()
            unit.set_setting("groups_stamp", f"{snapshot.model} {unit.revision}")
