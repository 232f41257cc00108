"""PhotosEngine: the composition root and the Python API.

Here, and only here, the rooms are put together. Faces (command line, scheduler, web) call this class
and nothing below it.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photos_engine import curation, keepers
from photos_engine.analyzers import SceneAnalyzer, Taxonomy
from photos_engine.analyzers.reading import open_reader
from photos_engine.colours import name_main_colour
from photos_engine.config import Settings, load_settings
from photos_engine.decisions import DECISIONS_ON, as_document, keep_backup, read_document
from photos_engine.derived import Derived
from photos_engine.errors import (
    ConfigError,
    MemoryNotFound,
    ModelError,
    NotFound,
    PhotoNotFound,
    Unreadable,
    UsageError,
)
from photos_engine.experiences import autocrop, featured, recommend, utility, wallpapers
from photos_engine.experiences.memories import REST_DAYS, choose_for_day
from photos_engine.experiences.search import (
    Example,
    SearchSources,
    describe_all,
    search,
    write_feed,
    write_sidecars,
)
from photos_engine.files import is_below, is_within, write_atomically
from photos_engine.framing import things_of
from photos_engine.graph import PersonalGraph, read_days, require_sense
from photos_engine.horizon import Horizon, find_horizon
from photos_engine.index import CompactIndex
from photos_engine.ingest import Gazetteer
from photos_engine.installed import AbsentWords, InstalledModels, describe, settle
from photos_engine.library import Library
from photos_engine.models import registry
from photos_engine.overview import read_status
from photos_engine.pictures import PhotoLike, Pictures, cut_region, path_of
from photos_engine.pipeline import Pipeline, Reanalysis, is_away
from photos_engine.reading import READ_KINDS, Reading
from photos_engine.salvage import read_backup, read_kept, restore
from photos_engine.store import Store, UnitOfWork
from photos_engine.types import (
    EMBEDDING_DIMENSIONS,
    Box,
    CheckReport,
    Crop,
    Decision,
    DetectedObject,
    DuplicateGroup,
    Explanation,
    FloatArray,
    IndexReport,
    JobRun,
    LibraryStatus,
    Memory,
    MergedGroup,
    ModelChange,
    ModelInfo,
    Photo,
    Progress,
    RankedPhoto,
    Reaction,
    SceneSignals,
    SearchAnswer,
    Showing,
    Snapshot,
    StoredDecision,
    Suggestion,
    TagExport,
    UtilityPhoto,
    Wallpaper,
)
from photos_engine.upkeep import check_library, name_places, tidy_library

logger = logging.getLogger(__name__)

REST = timedelta(days=max(REST_DAYS.values()))


class PhotosEngine:
    """A library of photographs and everything that can be asked of it.

    Safe to call from several threads; two engines in one process don't see each other. Nothing is
    ever written among the person's photos.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._library = Library.open(settings.library)
        self._store = Store.open(self._library.folder)
        self._taxonomy = Taxonomy.load()
        self._gazetteer = Gazetteer()
        self._pictures = Pictures(settings)
        self._models = InstalledModels(
            settings.models_folder,
            self._taxonomy,
            threads=settings.inference_threads,
            provider=settings.provider,
            concepts_path=self._library.concepts_path,
        )
        self._tags = {tag.id: tag for tag in self._taxonomy.tags}
        self._derived = Derived(self._library, self._store, self._tags, self._encoder)
        with self._store.read() as unit:
            is_new = unit.models.is_none_active
        if is_new:
            self._library.drop_derived()
            with self._store.begin() as unit:
                unit.models.adopt(self._models.shipped)
                restore(unit, read_backup(self._library))  # of a database that was lost

    @classmethod
    def open(cls, library: str | os.PathLike[str] | None = None, **settings: Any) -> Self:
        """Open a library, made on first use; further settings as in `photos_engine.config.Settings`.

        Raises: ConfigError, StoreError (SchemaTooNew, StoreLocked, IntegrityFailure), ModelError.
        """
        return cls(load_settings(library=library, **settings))

    def close(self) -> None:
        """Let go of the database and the models."""
        self._store.close()
        self._models.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- photos in ---

    def index(
        self,
        paths: Iterable[str | os.PathLike[str]],
        *,
        on_progress: Callable[[Progress], None] | None = None,
        reanalyse: bool = True,
        workers: int | None = None,
    ) -> IndexReport:
        """Bring the library up to date with the photos in folders and files.

        Unchanged files cost a stat. What could not be used is in the report's `failed`, with its reason.
        All of it is remembered: `rescan` goes over it again. While a change of the model is under way,
        it goes on with that as `reanalyse` does, unless it is told not to. workers: photos to decode at once,
        otherwise as set.

        Raises: StoreLocked when another process is indexing this library, StoreError, ModelError.
        """
        given = [os.fspath(path) for path in paths]
        roots = [os.path.abspath(os.path.expanduser(path)) for path in given]  # noqa: PTH100, PTH111  links stay
        if not all(given):
            raise UsageError("an empty path is no folder")
        if not roots:
            raise UsageError("index needs at least one folder or file")
        with self._library.exclusive():
            active, following = settle(self._store, self._models)
            # New photos show at once, so they are the active model's; the next one sees them in its turn.
            seeing = active if active in self._models else following or active
            pipeline = Pipeline(
                store=self._store,
                analyzer=self._models.analyzer_on_demand(seeing),
                gazetteer=self._gazetteer,
                open_pool=partial(self._pictures.open_pool, workers),
                save_thumbnail=self._library.save_thumbnail,
                batch_size=self._settings.batch_size,
                active=active,
                on_progress=on_progress,
                decoder=self._pictures.decoder,
            )
            self._remember_roots(roots)
            report = pipeline.run(roots)
            if reanalyse:
                self._try_next_model(on_progress, workers)
            if report.new or report.changed or report.moved or report.gone:
                self._derived.prepare_search(self._active_model())
        return report

    def _try_next_model(self, on_progress: Callable[[Progress], None] | None, workers: int | None) -> None:
        """Show photos to the next model; where that is broken the active one serves on, and `status` says why."""
        started = datetime.now(UTC)
        try:
            self.reanalyse(on_progress=on_progress, workers=workers)
        except ModelError as error:
            logger.error("the next model can't take over: %s", error)
            seconds = (datetime.now(UTC) - started).total_seconds()
            detail = {"error": type(error).__name__, "reason": str(error)}
            self.record_job(JobRun("reanalyse", started, seconds, "failed", detail))

    def read_texts(
        self,
        *,
        limit: int | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        workers: int | None = None,
    ) -> int:
        """Read the text in receipts, documents, screenshots and the like, for search; returns how many were read.

        Needs the extra `ocr`, without which none are. limit: end after so many; the next call goes on.
        """
        reader = open_reader(self._settings.inference_threads)
        if reader is None:
            return 0
        with self._store.read() as unit:
            columns = self._derived.search_basis(unit, unit.models.active).columns
        keys = columns.seen[columns.verdicts.kinds.is_one_of(READ_KINDS)].tolist()
        open_pool = partial(self._pictures.open_pool, workers)
        return Reading(self._store, reader, open_pool, on_progress).run(keys, limit)

    def rescan(
        self,
        besides: Iterable[str | os.PathLike[str]] = (),
        *,
        on_progress: Callable[[Progress], None] | None = None,
        reanalyse: bool = True,
        workers: int | None = None,
    ) -> IndexReport | None:
        """Index everything that was ever indexed, folders and single files; None where there is nothing yet.

        besides: what to index for the first time. Otherwise as `index`.
        """
        known = self.roots()
        with self._store.read() as unit:
            lone = [path for path in unit.files.stamps() if not is_within(path, set(known))]
        paths = [*known, *lone, *besides]
        if not paths:
            return None
        return self.index(paths, on_progress=on_progress, reanalyse=reanalyse, workers=workers)

    def roots(self) -> tuple[str, ...]:
        """The folders that were given to `index`, those inside others left out; the daemon watches them."""
        with self._store.read() as unit:
            return tuple(json.loads(unit.setting("roots") or "[]"))

    def _remember_roots(self, roots: Sequence[str]) -> None:
        known = self.roots()
        outer: list[str] = []
        for root in sorted({*known, *filter(os.path.isdir, roots)}, key=lambda path: Path(path).parts):
            if not outer or not is_below(root, outer[-1]):
                outer.append(root)
        if tuple(outer) != known:
            with self._store.begin() as unit:
                unit.set_setting("roots", json.dumps(outer))

    def refresh(self, *, today: date | None = None) -> int:
        """Bring groups, graph, index and memories up to date; returns how many memories there are."""
        self._derived.prepare_search(self._active_model())
        self._derived.refresh_memories(today or _today())
        with self._store.read() as unit:
            return unit.memories.count()

    def analyze(self, image: Image.Image | NDArray[Any]) -> SceneSignals:
        """What the analyzer sees in one picture; nothing is stored.

        image: a PIL image, or an upright array, (h, w), (h, w, 3) or (h, w, 4). Raises: PhotoError.
        """
        pixels = np.asarray(image.convert("RGB")) if isinstance(image, Image.Image) else image
        return self._analyzer_at_hand().analyze_one(pixels)

    # --- what people see ---

    def search(
        self,
        query: str = "",
        *,
        limit: int = 50,
        like: PhotoLike | None = None,
        region: Box | None = None,
        facets: bool = False,
    ) -> SearchAnswer:
        """Photos that answer a query, best first, and how it was understood.

        like: a photo of the library or any other picture, to find others like it; words that go with it ("at night")
        move that likeness, and dates, places and the like hold as ever. region: only this part of it. facets: also
        count the years, places, people and tags of all that answers. Where the library's model isn't installed any
        more, words can't be compared with pictures until another has taken over: an answer that lacks that says so,
        as `likeness` in `understood`.

        Raises: UsageError for a limit below 1, a query of more than 1,000 characters, a region that isn't one or is
        of no picture; PhotoError, PhotoNotFound for the picture.
        """
        with self._store.read() as unit:
            model = unit.models.active
            example = self._example(unit, like, region, model)
            absent = None if model in self._models else AbsentWords(self._taxonomy)
            words = absent or self._models.words(model)
            index = CompactIndex(model, EMBEDDING_DIMENSIONS) if absent else self._derived.index(unit, model)
            sources = SearchSources(
                unit=unit,
                basis=self._derived.search_basis(unit, model),
                index=index,
                model=model,
                taxonomy=self._taxonomy,
                encode=words.encode,
                concepts=words.concepts,
                pieces=words.count_pieces,
                today=_today(),
            )
            answer = search(query, limit=limit, sources=sources, example=example, with_facets=facets)
            following = unit.models.next or self._models.shipped if absent and absent.was_asked else None
        if following is None:
            return answer
        why = f"not before {following} has seen the library, since {model} is not installed any more"
        return replace(answer, understood={**answer.understood, "likeness": why})

    def suggest(self, text: str, *, limit: int = 8) -> tuple[Suggestion, ...]:
        """Queries that someone who has typed `text` may mean, out of what the library has, most photos first.

        Raises: UsageError for a limit below 1.
        """
        _require_positive(limit)
        return self._derived.completions(self._active_model()).complete(text, limit)

    def export_tags(self, feed: str | os.PathLike[str] | None = None) -> TagExport:
        """Tell other programs tags and places: an XMP sidecar beside each photo, or one JSON file of all.

        Originals and sidecars of others stay as they are; those are in `refused`. A sidecar of ours whose photo was
        moved or deleted is taken away; what is written is no change to the next scan.
        Raises: ConfigError for a feed that can't be written.
        """
        described = describe_all(self._derived.snapshot().photos, self._taxonomy)
        if feed is None:
            with self._store.read() as unit:
                known = unit.files.image_paths()
            export, shifts = write_sidecars(described, known)
            with self._store.begin() as unit:
                unit.files.shift_sidecars(shifts)
            return export
        try:
            return write_feed(described, Path(feed))
        except OSError as error:
            raise ConfigError(f"tags can't be written to {os.fspath(feed)}: {error.strerror or error}") from error

    def _example(self, unit: UnitOfWork, like: PhotoLike | None, region: Box | None, model: str) -> Example | None:
        """The picture to find others like, as the library's model sees it."""
        if like is None:
            if region is not None:
                raise UsageError("a region is of a picture: say which")
            return None
        found = self._find(like)
        key, path = (found.key, found.path) if isinstance(found, Photo) else (None, found)
        if key is not None and region is None:
            known = unit.analyses.embedding(model, key)
            if known is not None:
                return Example(path.name, known, key)
        pixels = self._pictures.decode(path).pixels
        if region is not None:
            pixels = cut_region(pixels, region)
        return Example(path.name, self._models.analyzer(model).analyze_one(pixels).embedding, key)

    def memories(self, on: date | None = None) -> tuple[Memory, ...]:
        """The memories to show on a day, at most eight, best first; without a day, all there are.

        What it gives for today counts as shown: it stays for the day and rests afterwards, for as long as what the
        person made of it (`react`) says.
        """
        today = _today()
        if on is None:
            return self._derived.memories(today)
        made = self._derived.memories(on) if on == today else self._derived.memories_for(on)
        with self._store.read() as unit:
            showings = unit.showings.between(max(date.min + REST, on) - REST, on)
        chosen = choose_for_day(made, on, showings)
        known = [showing.memory_id for showing in showings if showing.day == on]
        if on == today and any(memory.id not in known for memory in chosen):
            with self._store.begin() as unit:
                unit.showings.note(on, [memory.id for memory in chosen])
        return chosen

    def react(self, memory: Memory | str, reaction: Reaction, *, on: date | None = None) -> Showing:
        """Keep what the person did with a memory that came up, today by default. Raises: MemoryNotFound."""
        name, day = memory.id if isinstance(memory, Memory) else memory, on or _today()
        if not any(m.id == name for m in self._derived.memories(_today())):
            raise MemoryNotFound(f"no memory with the id {name}")
        with self._store.begin() as unit:
            unit.showings.react(name, day, reaction)
        return Showing(name, day, reaction)

    def featured(self, *, limit: int = 20, on: date | None = None) -> tuple[RankedPhoto, ...]:
        """The best of the library, varied; the same all day. Raises: UsageError for a limit below 1."""
        _require_positive(limit)
        snapshot = self._derived.snapshot()
        taste = self.taste().score(snapshot.embeddings)
        return featured.choose_featured(snapshot, self.graph, self._tags, on=on or _today(), limit=limit, taste=taste)

    def taste(self) -> recommend.Taste:
        """What the engine believes that the person likes, and from how many signs; neutral until it has seen some."""
        with self._store.read() as unit:
            forgotten = json.loads(unit.setting("taste_forgotten") or "{}")
        return recommend.learn_taste(self._derived.snapshot(), forgotten)

    def reset_taste(self) -> int:
        """Begin anew with learning taste: what was said so far stays decided, but teaches nothing; returns how much."""
        signs = recommend.find_signs(self._derived.snapshot())
        with self._store.begin() as unit:
            unit.set_setting("taste_forgotten", json.dumps(signs))
        return len(signs)

    def duplicates(self) -> tuple[DuplicateGroup, ...]:
        """Groups of files that show the same: exact, copy, burst; and similar ones, called just that."""
        self._derived.snapshot()
        with self._store.read() as unit:
            return unit.groups.all()

    def merge_duplicates(self, group_id: str | None = None) -> tuple[MergedGroup, ...]:
        """Give the keeper of a group what only its copies have; without a group, of all exact and copy groups.

        Rating, title, keywords, names and decisions stay with the keeper though the copies be deleted, which is
        for the person to do: no file is touched. Undoing the decisions on the group takes it all back.

        Raises: NotFound; UsageError for a burst or similar photos.
        """
        groups = {group.id: group for group in self.duplicates()}
        if group_id is not None and group_id not in groups:
            raise NotFound(f"no duplicate group is called {group_id}")
        chosen = [groups[group_id]] if group_id else [g for g in groups.values() if g.kind in keepers.MERGED_KINDS]
        merged = []
        with self._store.begin() as unit:
            for group in sorted(chosen, key=lambda g: g.kind != "exact"):  # first: a file of it may be a copy in turn
                photos = {photo_id: unit.photos.find(photo_id) for photo_id in group.photo_ids}
                decisions = [decision for photo_id in photos for decision in unit.decisions.of(photo_id)]
                records = keepers.gather(group, photos, decisions)
                if records:
                    unit.gathered.add(records)
                    unit.decisions.restore(decided for record in records for decided in record.decided)
                    unit.photos.rewrite_words(photos[group.photo_ids[0]].key)
                    unit.touch()
                deletable = tuple(path for path in group.paths if path != group.keep)
                said = keepers.describe_gathered(records, photos)
                merged.append(MergedGroup(group.id, group.kind, group.keep, deletable, said))
        return tuple(merged)

    def utility(self) -> tuple[UtilityPhoto, ...]:
        """Photos that serve a purpose and are no memories (receipts, screenshots), surest first."""
        return utility.find_utility(self._derived.snapshot())

    def wallpapers(
        self,
        screen: tuple[int, int] = (1920, 1080),
        *,
        limit: int = 20,
        on: date | None = None,
        at: time | None = None,
    ) -> tuple[Wallpaper, ...]:
        """Photos that suit a screen of (width, height) pixels, with the crop; those in the light of `at` go first.

        Raises: UsageError.
        """
        _require_positive(limit, *screen)
        return wallpapers.suggest_wallpapers(
            self._derived.snapshot(),
            self._saliency,
            screen=screen,
            limit=limit,
            on=on or _today(),
            at=at,
            hidden=self.graph.hidden_photo_ids(),
            colour=self._main_colour,
            horizon=self._horizon,
        )

    def crop(self, photo: PhotoLike, aspect: tuple[float, float]) -> Crop:
        """The best crop of a photo to an aspect of (width, height); any readable file will do.

        Raises: UsageError for an impossible aspect, PhotoError, PhotoNotFound.
        """
        return autocrop.crop(*self._composition(photo, aspect))

    def crops(self, photo: PhotoLike, aspect: tuple[float, float], *, limit: int = 5) -> tuple[Crop, ...]:
        """Up to `limit` clearly different crops: the one that `crop` gives, then others, best first.

        Raises: UsageError for an impossible aspect or a limit below 1, PhotoError, PhotoNotFound.
        """
        return autocrop.candidates(*self._composition(photo, aspect), limit=limit)

    def picture(self, photo: PhotoLike) -> Image.Image:
        """What a photo of the library, or any readable file, shows: upright RGB, at the size that is analysed.

        Raises: PhotoError, PhotoNotFound.
        """
        return Image.fromarray(self._pictures.decode(path_of(self._find(photo))).pixels)

    # --- what the library knows ---

    @property
    def graph(self) -> PersonalGraph:
        """The personal knowledge graph; `graph.view` is read-only networkx."""
        return self._derived.graph()

    def photo(self, subject: PhotoLike) -> Photo:
        """One photo by its path or id. Raises: PhotoNotFound."""
        subject = subject.id if isinstance(subject, Photo) else os.path.expanduser(os.fspath(subject))  # noqa: PTH111
        with self._store.read() as unit:
            try:
                return unit.photos.find(subject)
            except PhotoNotFound:
                failure = unit.files.failure(Path(os.path.abspath(os.fspath(subject))))  # noqa: PTH100
                if failure is None:
                    raise
                raise PhotoNotFound(f"{failure.path} is no photo of the library: {failure.reason}") from None

    def snapshot(self) -> Snapshot:
        """The analysed library as one immutable value, embeddings included."""
        return self._derived.snapshot()

    def tag_counts(self) -> Mapping[str, int]:
        """Tag id -> how many photos have it, most frequent first."""
        with self._store.read() as unit:
            return unit.analyses.tag_counts(unit.models.active)

    def thumbnail(self, photo: PhotoLike) -> Path:
        """A JPEG of 320 px on its longer side, made again where it is missing. Raises: PhotoError, PhotoNotFound."""
        found = self.photo(photo)
        path = self._library.thumbnail_path(found.id)
        if not path.exists():
            decoded = self._pictures.decode(found.path)
            if decoded.content_hash != found.id:
                raise Unreadable(found.path, "it has changed since it was indexed")
            self._library.save_thumbnail(found.id, decoded.thumbnail)
        return path

    def explain(self, photo: PhotoLike) -> Explanation:
        """Every fact, signal, membership and decision of one photo, with reasons. Raises: PhotoNotFound."""
        found = self.photo(photo)
        snapshot = self._derived.snapshot()
        item = next((p for p in snapshot.photos if p.photo.key == found.key), None)
        memories = self._derived.memories(_today())
        with self._store.read() as unit:
            groups = tuple(g for g in unit.groups.all() if found.id in g.photo_ids)
            decided = unit.decisions.of(found.id)
        verdict = curation.assess_utility(item) if item else None
        shown = curation.is_showable(item) if item else None
        return Explanation(
            photo=found,
            analysed=item,
            utility_kind=verdict.kind if verdict else None,
            utility_probability=verdict.probability if verdict else 0.0,
            utility_reasons=verdict.reasons if verdict else (),
            quality_reasons=curation.assess_quality(item).reasons if item else (),
            shown=shown.ok if shown else False,
            shown_reasons=shown.reasons if shown else (),
            groups=groups,
            memories=tuple(m for m in memories if any(p.id == found.id for p in m.photos)),
            nodes=self.graph.nodes_of(found.id),
            decisions=decided,
        )

    def status(self) -> LibraryStatus:
        """Counts, the model, the schema, and of each job the plan and the last run."""
        return read_status(self._library, self._store)

    # --- what people decide ---

    def decide(self, subject: PhotoLike | Memory, decision: Decision, words: str = "") -> StoredDecision:
        """Keep a person's decision about a photo, a duplicate group, a memory or a node of the graph.

        words: of `Decision.NAME` what the node is called, of `Decision.HOME` the days on which they lived there, as
        2019-05-01/2022-03-31; always, without. It survives re-indexing, moved files, another model and a rebuild.

        Raises: NotFound, UsageError.
        """
        name, kind = self._resolve(subject)
        if decision not in DECISIONS_ON[kind]:
            raise UsageError(f"{decision} can't be decided about a {kind}")
        words = words.strip()
        require_sense(name, decision, words)
        of = self.graph.evidence_of(name) if kind == "node" else ()
        with self._store.begin() as unit:
            made = unit.decisions.add(name, kind, decision, words, of)
            if decision is Decision.UNDO and kind == "group":
                for keeper_id in unit.gathered.undo(name):
                    if (key := unit.photos.key_of(keeper_id)) is not None:
                        unit.photos.rewrite_words(key)
            unit.touch(photos=kind == "group")
        return made

    def _resolve(self, subject: PhotoLike | Memory) -> tuple[str, str]:
        if isinstance(subject, Memory):
            return subject.id, "memory"
        try:
            return self.photo(subject).id, "photo"
        except PhotoNotFound:
            name = os.fspath(subject) if not isinstance(subject, Photo) else subject.id
        with self._store.read() as unit:
            for earlier in unit.decisions.of(name):
                return name, earlier.subject_kind
            if unit.gathered.has_group(name) or any(g.id == name for g in unit.groups.all()):
                return name, "group"
        if any(m.id == name for m in self._derived.memories(_today())):
            return name, "memory"
        if name in self.graph or read_days(name):
            return name, "node"
        raise NotFound(f"no photo, duplicate group, memory or node of the graph is called {name}")

    def export_decisions(self, target: str | os.PathLike[str]) -> int:
        """Write every decision, and what merged copies gave, to a JSON file that `import_decisions` reads.

        Any library's. Returns how many there are. Raises: ConfigError.
        """
        with self._store.read() as unit:
            kept = read_kept(unit)
        try:
            write_atomically(Path(target), as_document(kept))
        except OSError as error:
            raise ConfigError(
                f"decisions can't be written to {os.fspath(target)}: {error.strerror or error}"
            ) from error
        return len(kept)

    def import_decisions(self, source: str | os.PathLike[str]) -> int:
        """Take over what `export_decisions` wrote; returns how much of it was new. Raises: ConfigError."""
        try:
            kept = read_document(Path(source).read_bytes())
        except OSError as error:
            raise ConfigError(f"decisions can't be read from {os.fspath(source)}: {error.strerror}") from error
        except ConfigError as error:
            raise ConfigError(f"{os.fspath(source)}: {error}") from error
        with self._store.begin() as unit:
            new = restore(unit, kept)
            if new:
                unit.touch()
        return new

    # --- upkeep ---

    def note_job(self, job: str) -> None:
        """Note that a job has begun, for `status`; whoever ran it takes that back."""
        with self._store.begin() as unit:
            unit.jobs.note_work(job)

    def record_job(self, run: JobRun) -> None:
        """Keep a scheduled job's outcome for `status`."""
        with self._store.begin() as unit:
            unit.jobs.add(run)

    def back_up_decisions(self) -> int:
        """Write what `export_decisions` writes to a file beside the database, if that lacks any; returns how many."""
        with self._store.read() as unit:
            kept = read_kept(unit)
        keep_backup(self._library.decisions_backup, kept)
        return len(kept)

    def name_places(self) -> int:
        """Name the places of photos that say where they were taken and have no place yet; returns how many."""
        return name_places(self._store, self._gazetteer)

    def tidy(self) -> Mapping[str, int]:
        """Bring the vector index in step and give back what is not needed: litter, space in the database.

        Returns what was done. Raises: StoreLocked while photos are being indexed.
        """
        with self._library.exclusive():
            return tidy_library(self._library, self._store, self._derived.prepare_search(self._active_model()))

    def check(self, *, repair: bool = False) -> CheckReport:
        """Look for damage in database, index, graph and thumbnails; `repair` makes the derived ones again."""
        with self._library.exclusive() if repair else nullcontext():
            model = self._active_model()
            return check_library(
                self._library, self._store, self._derived, model, decode=self._pictures.decode, repair=repair
            )

    # --- models ---

    def models(self) -> tuple[ModelInfo, ...]:
        """The analyzers that are installed or that have seen the library, the shipped one first. Raises: ModelError."""
        return describe(self._store, self._models)

    def verify_models(self) -> None:
        """Hash every file of every installed model. Raises: ModelNotFound, ChecksumMismatch, if wrong."""
        for manifest in self._models.all():
            registry.verify(manifest)

    def use_model(self, name: str, *, now: bool = False) -> LibraryStatus:
        """Let another model take over: at once if it was in use before, else when it has seen the library.

        Until then everything goes on from the active model, and each `index` or `reanalyse` brings the next one
        further. `now` doesn't wait: photos that it hasn't seen don't show until it has. Naming the active model
        calls a change off. What people decided is not touched.

        Raises: ModelNotFound, ChecksumMismatch, ModelError, for a model that can't be opened.
        """
        self._models.analyzer(name)
        with self._store.begin() as unit:
            unit.models.choose(name)
            if now:
                unit.models.take_over(name)
        return self.status()

    def reanalyse(
        self,
        *,
        limit: int | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        workers: int | None = None,
    ) -> ModelChange | None:
        """Go on with a change of the model, which ends with the next one taking over; None where there is none.

        limit: end after about so many photos. A killed run goes on where it was. Files on a drive that is away
        keep the next model from taking over. Raises: StoreLocked, StoreError, ModelError.
        """
        _, following = settle(self._store, self._models)
        if following is None:
            return None
        with self._library.exclusive():
            change = Reanalysis(
                store=self._store,
                analyzer=self._models.analyzer(following),
                open_pool=partial(self._pictures.open_pool, workers),
                batch_size=self._settings.batch_size,
                on_progress=on_progress,
            ).run(limit)
        if away := [failure.path for failure in change.failed if is_away(failure)]:
            logger.warning(
                "%s can't take over while %d photos can't be read, the first is %s; it can be told to do without them",
                *(change.model, len(away), away[0]),
            )
        return change

    def prune_model(self, name: str) -> int:
        """Forget what a model saw, its index included, and free the space; returns in how many photos it was.

        Raises: ModelNotFound; ModelError for the active model; StoreLocked while photos are being indexed.
        """
        with self._library.exclusive():
            with self._store.begin() as unit:
                pruned = unit.models.prune(name)
                self._library.drop_index(name)  # first, since whoever is killed in between can prune again
            self._store.compact()
        return pruned

    # --- parts ---

    def _encoder(self, model: str) -> Callable[[Sequence[str]], FloatArray] | None:
        return self._models.words(model).encode_lasting if model in self._models else None

    def _active_model(self) -> str:
        with self._store.read() as unit:
            return unit.models.active

    def _analyzer_at_hand(self) -> SceneAnalyzer:
        """The active model's, or the shipped one's where that isn't installed any more."""
        active = self._active_model()
        return self._models.analyzer(active if active in self._models else self._models.shipped)

    def _main_colour(self, photo: Photo) -> str | None:
        return self._library.look_at_thumbnail(photo.id, name_main_colour)

    def _horizon(self, photo: Photo) -> Horizon | None:
        return self._library.look_at_thumbnail(photo.id, find_horizon)

    def _saliency(self, photo: Photo) -> FloatArray:
        with self._store.read() as unit:
            found = unit.analyses.saliency(unit.models.active, photo.key)
        if found is None:
            raise PhotoNotFound(f"{photo.path} has not been analysed")
        return found

    def _find(self, photo: PhotoLike) -> Photo | Path:
        """The photo of the library, or else the path of any file that is there. Raises: PhotoNotFound."""
        try:
            return self.photo(photo)
        except PhotoNotFound:
            path = path_of(photo)
            if not path.is_file():
                raise
        return path

    def _composition(
        self, photo: PhotoLike, aspect: tuple[float, float]
    ) -> tuple[FloatArray, tuple[int, int], tuple[float, float], list[DetectedObject], Horizon | None]:
        """Where the eye rests, size in pixels, aspect asked for, what not to cut through, horizon: for `autocrop`."""
        found = self._find(photo)
        if isinstance(found, Photo):
            with self._store.read() as unit:
                model = unit.models.active
                saliency = unit.analyses.saliency(model, found.key)
                seen = unit.analyses.signals(model, [found.key])
            if saliency is not None:
                things = things_of(found.facts, seen[found.key].objects)
                return saliency, (found.width_px, found.height_px), aspect, things, self._horizon(found)
        decoded = self._pictures.decode(path_of(found))
        signals = self._analyzer_at_hand().analyze_one(decoded.pixels)
        size_px = decoded.width_px, decoded.height_px
        horizon = find_horizon(Image.fromarray(decoded.pixels))
        return signals.saliency, size_px, aspect, things_of(decoded.facts, signals.objects), horizon


def _today() -> date:
    return datetime.now().astimezone().date()


def _require_positive(*values: int) -> None:
    if any(value < 1 for value in values):
        raise UsageError(f"expected numbers of at least 1, not {', '.join(map(str, values))}")
