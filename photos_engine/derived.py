"""What is derived from the store, kept in step with it: groups, graph, memories, the vector index.

Each remembers the model and the revision that it was made from. Whoever asks gets one made from the
present revision; making it again costs nothing where the revision is the same. A change of the model is
a new revision like any other.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from photos_engine.alignment import read_grey
from photos_engine.changes import Marks
from photos_engine.collecting import collecting_later
from photos_engine.curation import apply_own_filter
from photos_engine.errors import ModelError, VectorIndexError
from photos_engine.experiences import duplicates
from photos_engine.experiences.memories import (
    MEMORIES_VERSION,
    ConceptVectors,
    Telling,
    ToldMemory,
    encode_concepts,
    refresh_memories,
)
from photos_engine.experiences.search import Basis, Columns, Completions, write_pets
from photos_engine.files import write_atomically
from photos_engine.graph import KnownStay, PersonalGraph, build_graph
from photos_engine.index import CompactIndex, VectorIndex
from photos_engine.library import Library
from photos_engine.store import Store, UnitOfWork
from photos_engine.survey import JUDGED_VERSION, Survey, Surveyor
from photos_engine.types import EMBEDDING_DIMENSIONS, DuplicateGroup, FloatArray, Memory, Snapshot, Tag

logger = logging.getLogger(__name__)

Encoder = Callable[[str], Callable[[Sequence[str]], FloatArray] | None]
"""Gives for a model's name what puts texts into its space; None where it isn't installed."""

_VECTORS_AT_ONCE = 50_000  # 100 MB of them


class Derived:
    """The derived things of one library, as its active model sees it. Safe to call from several threads."""

    def __init__(self, library: Library, store: Store, tags: Mapping[str, Tag], encoder: Encoder | None = None) -> None:
        self._library = library
        self._store = store
        self._tags = tags
        self._encoder = encoder
        self._lock = threading.RLock()
        self._surveyor = Surveyor(library, tags)
        self._read_last: Snapshot | None = None  # as it is in the store
        self._snapshot: Snapshot | None = None  # with the person's own filter
        self._graph: PersonalGraph | None = None
        self._concepts: tuple[str, ConceptVectors | None] | None = None
        self._index: tuple[int, VectorIndex] | None = None
        self._search_basis: tuple[str, int, Basis] | None = None
        self._completions: tuple[str, int, Completions] | None = None

    def snapshot(self) -> Snapshot:
        """The analysed library with its groups of likenesses up to date."""
        with self._lock:
            self._refresh_groups()
            return self._read()

    def graph(self) -> PersonalGraph:
        """The personal knowledge graph of the present revision."""
        with self._lock:
            self._refresh_groups()
            with self._store.read() as unit:
                return self._graph_of(self._surveyor.survey(unit))

    def _graph_of(self, survey: Survey) -> PersonalGraph:
        if self._graph is None or self._graph.revision != survey.revision:
            path = self._library.graph_path
            graph = PersonalGraph.load(path, model=survey.model, revision=survey.revision)
            if graph is None:
                graph = self._build_graph(survey)
                try:
                    graph.save(path)
                except OSError as error:  # as for the index
                    logger.warning("the graph can't be kept: %s", error)
            self._graph = graph
            self._leave_word_of_pets(graph, survey)
        return self._graph

    def _leave_word_of_pets(self, graph: PersonalGraph, survey: Survey) -> None:
        """For search, which asks no graph; it is no change of the library, and known from the next one on."""
        name, value = write_pets(graph.pets(), survey.unit.decisions.all())
        if survey.unit.setting(name) != value:
            with self._store.begin() as unit:
                unit.set_setting(name, value)

    @collecting_later()
    def _build_graph(self, survey: Survey) -> PersonalGraph:
        known = survey.unit.stays.all()
        stays = (KnownStay(*row) for row in known)
        graph = build_graph(survey.snapshot, self._tags, looks=survey.looks, known=stays, earlier=self._graph)
        found = tuple((stay.name, stay.first, stay.last) for stay in graph.stays())
        if found != known:
            with self._store.begin() as unit:
                unit.stays.replace(found)
        return graph

    def refresh_memories(self, today: date) -> None:
        """Let the store hold all memories as of a day; those that are still right stay as they are."""
        with self._lock:
            self._refresh_groups()
            with self._store.read() as unit:
                survey = self._surveyor.survey(unit)
                stamp = f"{MEMORIES_VERSION} {survey.model} {survey.revision} {today.isoformat()}"
                if unit.setting("memories_stamp") == stamp:
                    return
                told = self._tell(survey, today)
            told_from = {one.id: one.told_from for one in told}
            kept = {one.id: (one.score, one.reasons) for one in told if one.memory is None}
            with self._store.begin() as unit:
                if unit.revision == survey.revision:  # else a decision came in between: the next call sees it
                    unit.memories.renew([one.of(None) for one in told if one.memory is not None], told_from, kept)
                    unit.set_setting("memories_stamp", stamp)

    def memories(self, today: date) -> tuple[Memory, ...]:
        """All memories as of a day, best first, from the store where they are still right."""
        self.refresh_memories(today)
        with self._store.read() as unit:
            return unit.memories.all()

    def memories_for(self, day: date) -> tuple[Memory, ...]:
        """All memories as of any day; they are not stored."""
        with self._lock:
            self._refresh_groups()
            with self._store.read() as unit:
                told = self._tell(self._surveyor.survey(unit), day)
                stored = {memory.id: memory for memory in unit.memories.all()}
            return tuple(one.of(stored.get(one.id)) for one in told)

    @collecting_later()
    def _tell(self, survey: Survey, day: date) -> tuple[ToldMemory, ...]:
        photo_ids = survey.unit.memories.photo_ids()
        digests = survey.unit.memories.digests().items()
        known = [ToldMemory(name, told_from, photo_ids.get(name, ())) for name, told_from in digests]
        telling = Telling(concepts=lambda: self._concept_vectors(survey.model))
        graph = self._graph_of(survey)
        return refresh_memories(
            survey.snapshot, graph, self._tags, on=day, telling=telling, looks=survey.looks, known=known
        )

    def _concept_vectors(self, model: str) -> ConceptVectors | None:
        """The concepts in a model's space; None where its words can't be had: memories do without them."""
        if self._concepts is None or self._concepts[0] != model:
            try:
                encode = self._encoder(model) if self._encoder else None
                self._concepts = model, encode_concepts(encode) if encode else None
            except ModelError as error:
                logger.warning("no memories of concepts: %s", error)
                self._concepts = model, None
        return self._concepts[1]

    def index(self, unit: UnitOfWork, model: str) -> VectorIndex:
        """The vector index of all present photos that a model has analysed; it may be ahead of what `unit` sees."""
        with self._lock:
            kept = self._index if self._index is not None and self._index[1].model == model else None
            if kept is not None and kept[0] >= unit.photos_revision:
                return kept[1]
            index = kept[1] if kept is not None else self._load_index(model)
            present, known = self.search_basis(unit, model).columns.seen, index.keys()
            lost, fresh = np.setdiff1d(known, present), np.setdiff1d(present, known)
            if len(lost) or len(fresh):
                index.remove(lost)
                for start in range(0, len(fresh), _VECTORS_AT_ONCE):
                    some = fresh[start : start + _VECTORS_AT_ONCE]
                    index.add(some, unit.analyses.embeddings(model, some))
                try:
                    index.save(self._library.index_path(model))
                except OSError as error:  # a library on a full disk can still be searched
                    logger.warning("the vector index can't be kept: %s", error)
            self._index = (unit.photos_revision, index)
            return index

    def prepare_search(self, model: str) -> VectorIndex:
        """Bring in step what searches use, so that the next one need not: the vector index, and the columns beside."""
        with self._lock, self._store.read() as unit:
            self.search_basis(unit, model)
            return self.index(unit, model)

    def search_basis(self, unit: UnitOfWork, model: str) -> Basis:
        """What searches in the state that a unit of work sees have in common."""
        with self._lock:
            kept, revision = self._search_basis, unit.revision
            if kept is None or kept[:2] != (model, revision):
                columns = self._columns(unit, model)
                if kept is not None and columns is kept[2].columns:
                    basis = kept[2].after_decisions(unit)
                else:
                    basis = Basis.read(unit, columns)
                kept = self._search_basis = model, revision, basis
            return kept[2]

    @collecting_later()
    def _columns(self, unit: UnitOfWork, model: str) -> Columns:
        """What search needs of every photo, from the last time where no photo has changed since."""
        path, stamp = self._library.columns_path(model), f"{JUDGED_VERSION} {model} {unit.photos_revision}"
        known = self._search_basis[2].columns if self._search_basis is not None else None
        known = known if known is not None and known.model == model else Columns.load(path)
        if known is None or known.stamp != stamp:
            made_at = int(known.stamp.split()[-1]) if known and known.stamp else unit.photos_revision
            changed = unit.photos.changed_since(made_at) if made_at < unit.photos_revision else None
            verdicts = self._surveyor.survey(unit, model).verdicts
            known = Columns.read(unit, model, verdicts, stamp, known, changed)
            known.save(path)
        return known

    def completions(self, model: str) -> Completions:
        """What a query that is being typed may become, in the present state of the library."""
        with self._lock, self._store.read() as unit:
            kept, revision = self._completions, unit.revision
            if kept is None or kept[:2] != (model, revision):
                found = Completions.of(self.search_basis(unit, model), self._tags)
                kept = self._completions = model, revision, found
            return kept[2]

    def _load_index(self, model: str) -> VectorIndex:
        path = self._library.index_path(model)
        if path.exists():
            try:
                return CompactIndex.load(path, model)
            except VectorIndexError as error:
                logger.warning("the vector index is made again: %s", error)
        return CompactIndex(model, EMBEDDING_DIMENSIONS)

    def _view(self, photo_id: str) -> FloatArray | None:
        """A photo's thumbnail in grey; None where it has none that can be read: then the print alone decides."""
        return self._library.look_at_thumbnail(photo_id, read_grey)

    def _read(self) -> Snapshot:
        with self._store.read() as unit:
            if self._snapshot is None or self._snapshot.revision != unit.revision:
                self._read_last = unit.snapshot(unit.models.active, self._read_last)
                self._snapshot = apply_own_filter(self._read_last)
            return self._snapshot

    @collecting_later()
    def _refresh_groups(self) -> None:
        path = self._library.marks_path
        with self._store.read() as unit:
            survey = self._surveyor.survey(unit)
            maker = f"{survey.model}/{duplicates.RULES}"
            made_from = unit.setting("groups_stamp")
            if made_from == f"{maker} {survey.revision}":
                return
            before = Marks.read(path, made_from) if made_from and made_from.split()[0] == maker else None
            snapshot, census = survey.snapshot, survey.census
            if not before:
                survey.photos.of(range(len(survey.photos)))  # all groups need all; what they tell is judged on the way
            digests = survey.digests
            renewal = groups = None
            if before:
                renewal = duplicates.renew_groups(snapshot, before, view=self._view, census=census, digests=digests)
            if renewal is None:
                groups = duplicates.find_groups(snapshot, view=self._view)
        with self._store.begin() as unit:
            if unit.revision != snapshot.revision:
                return  # photos came in between: whoever wrote them refreshes
            if _put_groups(unit, groups, renewal):
                unit.touch(photos=False)
            stamp = f"{maker} {unit.revision}"
            unit.set_setting("groups_stamp", stamp)
        if before and renewal:
            marks = replace(before, stamp=stamp, digests=digests, denied=snapshot.not_duplicates)
            marks = marks.with_groups(renewal.gone, renewal.fresh)
        else:
            marks = Marks.of(snapshot, groups or (), stamp, digests)
        try:
            write_atomically(path, marks.encode(), durable=False)
        except OSError as error:
            logger.warning("all groups of likenesses will be made again, since %s can't be written: %s", path, error)


def _put_groups(unit: UnitOfWork, groups: Sequence[DuplicateGroup] | None, renewal: duplicates.Renewal | None) -> bool:
    """Store groups, all or those that are new; returns whether a photo stands for others, or another one does, now."""
    if renewal is None:
        return unit.groups.replace(groups or (), duplicates.as_stacks(groups or ()))
    stacks = duplicates.as_stacks(renewal.fresh)
    return unit.groups.renew(renewal.gone, renewal.fresh, renewal.touched, stacks)
