"""PhotosEngine: the composition root and the Python API.

Here, and only here, the rooms are put together. Faces (command line, scheduler, web) call this class
and nothing below it.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photos_engine import curation
from photos_engine.analyzers import SceneAnalyzer, Taxonomy, TextEncoder
from photos_engine.config import MEBIBYTE, Settings, load_settings
from photos_engine.decisions import DECISIONS_ON, as_document, read_document
from photos_engine.derived import Derived
from photos_engine.errors import ConfigError, NotFound, PhotoNotFound, Unreadable, UsageError
from photos_engine.experiences import autocrop, featured, recommend, utility, wallpapers
from photos_engine.experiences.memories import choose_for_day
from photos_engine.experiences.search import Concepts, SearchSources, search
from photos_engine.files import write_atomically
from photos_engine.graph import PersonalGraph
from photos_engine.ingest import DecodeLimits, DecodePool, DecodeRequest, Gazetteer
from photos_engine.library import Library
from photos_engine.models import registry
from photos_engine.pipeline import Pipeline
from photos_engine.store import Store
from photos_engine.types import (
    CheckReport,
    Crop,
    Decision,
    DecodedPhoto,
    DuplicateGroup,
    Explanation,
    FloatArray,
    IndexReport,
    JobRun,
    LibraryStatus,
    Memory,
    ModelInfo,
    Photo,
    Progress,
    RankedPhoto,
    SceneSignals,
    SearchAnswer,
    Snapshot,
    StoredDecision,
    UtilityPhoto,
    Wallpaper,
)
from photos_engine.upkeep import check_library

logger = logging.getLogger(__name__)

PhotoLike = Photo | str | os.PathLike[str]


class PhotosEngine:
    """A library of photographs and everything that can be asked of it.

    Safe to call from several threads; two engines in one process don't see each other. Nothing is
    ever written among the person's photos.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._library = Library.open(settings.library)
        self._store = Store.open(self._library.folder)
        self._lock = threading.RLock()
        self._taxonomy = Taxonomy.load()
        self._gazetteer = Gazetteer()
        self._analyzer: SceneAnalyzer | None = None
        self._text_encoder: TextEncoder | None = None
        self._concepts: Concepts | None = None
        self._model = registry.load_manifest().name
        self._tags = {tag.id: tag for tag in self._taxonomy.tags}
        self._derived = Derived(self._library, self._store, self._model, self._tags)

    @classmethod
    def open(cls, library: str | os.PathLike[str] | None = None, **settings: Any) -> Self:
        """Open a library, made on first use; further settings as in `photos_engine.config.Settings`.

        Raises: ConfigError, StoreError (SchemaTooNew, StoreLocked, IntegrityFailure), ModelError.
        """
        return cls(load_settings(library=library, **settings))

    def close(self) -> None:
        """Let go of the database and the models."""
        self._store.close()
        self._analyzer = self._text_encoder = None

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
    ) -> IndexReport:
        """Bring the library up to date with the photos in folders and files.

        Unchanged files cost a stat. What could not be used is in the report's `failed`, with its reason.
        The folders are remembered: `rescan` goes over them again.

        Raises: StoreLocked when another process is indexing this library, StoreError, ModelError.
        """
        roots = [os.path.abspath(os.path.expanduser(os.fspath(path))) for path in paths]  # noqa: PTH100, PTH111  links stay
        if not roots:
            raise UsageError("index needs at least one folder or file")
        pipeline = Pipeline(
            store=self._store,
            analyzer=self._scene_analyzer(),
            gazetteer=self._gazetteer,
            open_pool=self._open_pool,
            save_thumbnail=self._library.save_thumbnail,
            batch_size=self._settings.batch_size,
            on_progress=on_progress,
        )
        with self._library.exclusive():
            self._remember_roots(roots)
            return pipeline.run(roots)

    def rescan(self, *, on_progress: Callable[[Progress], None] | None = None) -> IndexReport | None:
        """Index every folder that was ever indexed; None where there is none yet."""
        roots = self.roots()
        return self.index(roots, on_progress=on_progress) if roots else None

    def roots(self) -> tuple[str, ...]:
        """The folders that were given to `index`, those inside others left out."""
        with self._store.read() as unit:
            return tuple(json.loads(unit.setting("roots") or "[]"))

    def _remember_roots(self, roots: Sequence[str]) -> None:
        known = self.roots()
        outer: list[str] = []
        for root in sorted({*known, *filter(os.path.isdir, roots)}, key=lambda path: Path(path).parts):
            if not outer or not root.startswith(outer[-1].rstrip(os.sep) + os.sep):
                outer.append(root)
        if tuple(outer) != known:
            with self._store.begin() as unit:
                unit.set_setting("roots", json.dumps(outer))

    def refresh(self, *, today: date | None = None) -> int:
        """Bring groups, graph, index and memories up to date; returns how many memories there are."""
        self._derived.index()
        return len(self._derived.memories(today or _today()))

    def analyze(self, image: Image.Image | NDArray[Any]) -> SceneSignals:
        """What the analyzer sees in one picture; nothing is stored.

        image: a PIL image, or an upright array, (h, w), (h, w, 3) or (h, w, 4). Raises: PhotoError.
        """
        pixels = np.asarray(image.convert("RGB")) if isinstance(image, Image.Image) else image
        return self._scene_analyzer().analyze_one(pixels)

    # --- what people see ---

    def search(self, query: str, *, limit: int = 50) -> SearchAnswer:
        """Photos that answer a query, best first, and how it was understood.

        Raises: UsageError for a limit below 1.
        """
        index = self._derived.index()
        with self._store.read() as unit:
            sources = SearchSources(
                unit=unit,
                index=index,
                model=self._model,
                taxonomy=self._taxonomy,
                encode=lambda texts: self._encoder().encode(texts),
                concepts=self._known_concepts,
                today=_today(),
            )
            return search(query, limit=limit, sources=sources)

    def memories(self, on: date | None = None) -> tuple[Memory, ...]:
        """The memories to show on a day, at most eight, best first; without a day, all there are."""
        if on is None:
            return self._derived.memories(_today())
        made = self._derived.memories(on) if on == _today() else self._derived.memories_for(on)
        return choose_for_day(made, on)

    def featured(self, *, limit: int = 20, on: date | None = None) -> tuple[RankedPhoto, ...]:
        """The best of the library, varied; the same all day. Raises: UsageError for a limit below 1."""
        _require_positive(limit)
        snapshot = self._derived.snapshot()
        taste = recommend.score(snapshot)
        return featured.choose_featured(snapshot, self.graph, self._tags, on=on or _today(), limit=limit, taste=taste)

    def duplicates(self) -> tuple[DuplicateGroup, ...]:
        """Groups of files that show the same: exact, copy, burst; and similar ones, called just that."""
        self._derived.snapshot()
        with self._store.read() as unit:
            return unit.groups.all()

    def utility(self) -> tuple[UtilityPhoto, ...]:
        """Photos that serve a purpose and are no memories (receipts, screenshots), surest first."""
        return utility.find_utility(self._derived.snapshot())

    def wallpapers(
        self, screen: tuple[int, int] = (1920, 1080), *, limit: int = 20, on: date | None = None
    ) -> tuple[Wallpaper, ...]:
        """Photos that suit a screen of (width, height) pixels, with the crop. Raises: UsageError."""
        _require_positive(limit, *screen)
        return wallpapers.suggest_wallpapers(
            self._derived.snapshot(), self._saliency, screen=screen, limit=limit, on=on or _today()
        )

    def crop(self, photo: PhotoLike, aspect: tuple[float, float]) -> Crop:
        """The best crop of a photo to an aspect of (width, height); any readable file will do.

        Raises: UsageError for an impossible aspect, PhotoError, PhotoNotFound.
        """
        try:
            found = self.photo(photo)
            return autocrop.crop(self._saliency(found), (found.width_px, found.height_px), aspect)
        except PhotoNotFound:
            path = Path(os.fspath(photo)) if not isinstance(photo, Photo) else photo.path
            if not path.is_file():
                raise
        decoded = self._decode(path)
        signals = self._scene_analyzer().analyze_one(decoded.pixels)
        return autocrop.crop(signals.saliency, (decoded.width_px, decoded.height_px), aspect)

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
            return unit.analyses.tag_counts(self._model)

    def thumbnail(self, photo: PhotoLike) -> Path:
        """A JPEG of 320 px on its longer side, made again where it is missing. Raises: PhotoError, PhotoNotFound."""
        found = self.photo(photo)
        path = self._library.thumbnail_path(found.id)
        if not path.exists():
            decoded = self._decode(found.path)
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
        """Counts, the model, the schema and the last run of each job."""
        with self._store.read() as unit:
            files, photos = unit.files.counts(), unit.photos.count()
            analysed = len(unit.analyses.keys(self._model))
            return LibraryStatus(
                photos=photos,
                analysed=analysed,
                failed=files["failed"],
                pending=photos - analysed,
                gone=unit.photos.count_gone(),
                videos=files["videos"],
                model=self._model,
                schema=self._store.schema,
                library=self._library.folder,
                jobs=unit.jobs.latest(),
            )

    # --- what people decide ---

    def decide(self, subject: PhotoLike | Memory, decision: Decision) -> StoredDecision:
        """Keep a person's decision about a photo, a duplicate group, a memory or a node of the graph.

        It survives re-indexing, moved files, another model and a rebuild. Raises: NotFound, UsageError.
        """
        name, kind = self._resolve(subject)
        if decision not in DECISIONS_ON[kind]:
            raise UsageError(f"{decision} can't be decided about a {kind}")
        with self._store.begin() as unit:
            made = unit.decisions.add(name, kind, decision)
            unit.touch()
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
            if any(g.id == name for g in unit.groups.all()):
                return name, "group"
        if any(m.id == name for m in self._derived.memories(_today())):
            return name, "memory"
        if name in self.graph:
            return name, "node"
        raise NotFound(f"no photo, duplicate group, memory or node of the graph is called {name}")

    def export_decisions(self, target: str | os.PathLike[str]) -> int:
        """Write every decision to a JSON file that `import_decisions` reads, in any library; returns how many."""
        with self._store.read() as unit:
            decisions = unit.decisions.all()
        try:
            write_atomically(Path(target), as_document(decisions))
        except OSError as error:
            raise ConfigError(
                f"decisions can't be written to {os.fspath(target)}: {error.strerror or error}"
            ) from error
        return len(decisions)

    def import_decisions(self, source: str | os.PathLike[str]) -> int:
        """Take over decisions from a file; returns how many were new. Raises: ConfigError."""
        try:
            decisions = read_document(Path(source).read_bytes())
        except OSError as error:
            raise ConfigError(f"decisions can't be read from {os.fspath(source)}: {error.strerror}") from error
        except ConfigError as error:
            raise ConfigError(f"{os.fspath(source)}: {error}") from error
        with self._store.begin() as unit:
            new = unit.decisions.restore(decisions)
            if new:
                unit.touch()
        return new

    # --- upkeep ---

    def record_job(self, run: JobRun) -> None:
        """Keep a scheduled job's outcome for `status`."""
        with self._store.begin() as unit:
            unit.jobs.add(run)

    def models(self) -> tuple[ModelInfo, ...]:
        """The analyzers that are installed, each with its files and metrics. Raises: ModelError."""
        return tuple(
            ModelInfo(
                name=m.name,
                version=m.version,
                is_active=m.name == self._model,
                files={n: {"sha256": f.sha256, "bytes": f.size_bytes} for n, f in m.artefacts.items()},
                metrics=m.metrics,
            )
            for m in registry.list_models()
        )

    def verify_models(self) -> None:
        """Hash every file of every installed model. Raises: ModelNotFound, ChecksumMismatch, if wrong."""
        for manifest in registry.list_models():
            registry.verify(manifest)

    def check(self, *, repair: bool = False) -> CheckReport:
        """Look for damage in database, index, graph and thumbnails; `repair` makes the derived ones again."""
        with self._library.exclusive() if repair else nullcontext():
            return check_library(
                self._library, self._store, self._derived, self._model, decode=self._decode, repair=repair
            )

    # --- parts, made when first needed ---

    def _scene_analyzer(self) -> SceneAnalyzer:
        with self._lock:
            if self._analyzer is None:
                self._analyzer = SceneAnalyzer.open(threads=self._settings.inference_threads)
            return self._analyzer

    def _encoder(self) -> TextEncoder:
        with self._lock:
            if self._text_encoder is None:
                self._text_encoder = TextEncoder.open()
            return self._text_encoder

    def _known_concepts(self) -> Concepts:
        with self._lock:
            if self._concepts is None:
                self._concepts = Concepts.of(self._taxonomy, self._encoder().encode)
            return self._concepts

    def _saliency(self, photo: Photo) -> FloatArray:
        with self._store.read() as unit:
            found = unit.analyses.saliency(self._model, photo.key)
        if found is None:
            raise PhotoNotFound(f"{photo.path} has not been analysed")
        return found

    def _decode(self, path: Path) -> DecodedPhoto:
        with self._open_pool(workers=1) as pool:
            return pool.decode_one(DecodeRequest(path))

    def _limits(self) -> DecodeLimits:
        return DecodeLimits(
            max_file_bytes=self._settings.max_file_mb * MEBIBYTE, max_pixels=round(self._settings.max_megapixels * 1e6)
        )

    def _open_pool(self, workers: int | None = None) -> DecodePool:
        zone = self._settings.time_zone
        return DecodePool(
            workers=workers or self._settings.decode_workers,
            timeout_s=self._settings.decode_timeout_s,
            memory_limit_bytes=self._settings.decode_memory_mb * MEBIBYTE,
            limits=self._limits(),
            default_zone=ZoneInfo(zone) if zone else None,
        )


def _today() -> date:
    return datetime.now().astimezone().date()


def _require_positive(*values: int) -> None:
    if any(value < 1 for value in values):
        raise UsageError(f"expected numbers of at least 1, not {', '.join(map(str, values))}")
