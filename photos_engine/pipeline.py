"""One photo's way from file to stored, analysed, indexed.

`scan` tells which files changed; the decode pool opens each once, in processes of its own; a few decoded pictures
at a time go through the analyzer while the next are decoded, and batches of them into the store in one unit of
work. A killed run loses at most the batch under way: the next scan finds its files still new.

`Pipeline` brings photos in. `Reanalysis` shows those that are in to another model, which takes over when
it has seen them: until then nothing that anybody sees changes.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from photos_engine.errors import PhotoError, Unreadable
from photos_engine.ingest import (
    Change,
    DecodePool,
    DecodeRequest,
    FoundPhoto,
    Gazetteer,
    ScanResult,
    read_content_hash,
    scan,
    weigh,
)
from photos_engine.store import Store, UnitOfWork
from photos_engine.types import (
    ByteArray,
    DecodedPhoto,
    Failure,
    IndexReport,
    ModelChange,
    Photo,
    Place,
    Progress,
    SceneSignals,
)

logger = logging.getLogger(__name__)

# An edited picture keeps the person's decisions where its embedding is this close to the old one's;
# another picture under the same name (IMG_0001 of the next camera) does not. Cosine of ansa-2: re-encodes and edits
# short of losing all colour lie above 0.9, other pictures mostly below 0.6 (one in a thousand above 0.9).
SAME_PICTURE_COSINE = 0.8
SAME_MOMENT = timedelta(milliseconds=1)

# Photos in one forward pass. So few that seeing goes on beside decoding: who waits for a batch to be full leaves a
# core idle at either end of a run. More at once gain nothing on a processor, and their buffers are large enough
# for the system to take back and give again each time.
PASS = 2

PROGRESS_EVERY_S = 0.5

T = TypeVar("T")
Answer = tuple[DecodeRequest, DecodedPhoto | PhotoError]
Seen = dict[str, SceneSignals]  # by content hash


class Analyzer(Protocol):
    """What the pipeline asks of a scene analyzer."""

    @property
    def model_name(self) -> str:
        """The name that signals are stored under."""

    def analyze(self, images: Sequence[ByteArray]) -> list[SceneSignals]:
        """One forward pass over upright RGB pictures."""


@dataclass(slots=True)
class _Tally:
    """What one run has done so far."""

    new: int = 0
    changed: int = 0
    moved: int = 0
    gone: int = 0
    analysed: int = 0
    done: int = 0


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The stages, with what they work on. Only one may write to a library at a time: the engine sees to it.

    `active` is the model that the library is read from; the analyzer is another's only where the active
    one's files are gone. Photos that either has analysed need no analysis.
    """

    store: Store
    analyzer: Analyzer
    gazetteer: Gazetteer
    open_pool: Callable[[], DecodePool]
    save_thumbnail: Callable[[str, bytes], None]  # content hash, JPEG
    batch_size: int
    active: str
    on_progress: Callable[[Progress], None] | None = None
    decoder: str = ""  # what failures are held against: another one may do better
    _started: float = field(default_factory=time.monotonic)

    def run(self, roots: Sequence[str | os.PathLike[str]]) -> IndexReport:
        """Bring the library up to date with the files under `roots`."""
        models, tally = {self.active, self.analyzer.model_name}, _Tally()
        with self.store.read() as unit:
            known, known_videos = unit.files.stamps(), unit.files.videos()
            pending = unit.files.without_analysis(*models) | unit.files.unreadable()
            pending |= unit.files.failed_with_other(self.decoder)
            sizes = unit.files.analysed_sizes(*models)
        found = scan(roots, known, passed_over=[self.store.database.parent])
        self._report("scan", len(found.photos), len(found.photos))
        todo = [p for p in found.photos if p.change is not Change.UNCHANGED or os.fspath(p.path) in pending]
        gone = set(found.gone)
        fresh: list[FoundPhoto] = []
        for group in _batches(self._recognise(todo, sizes, fresh), self.batch_size):
            self._record_known(group, gone, tally)
        if fresh:
            self._analyse(fresh, len(todo), set().union(*sizes.values()), gone, tally)
        self._record_rest(found, known_videos, tally)
        return self._summarise(found, tally)

    def _recognise(
        self, todo: Iterable[FoundPhoto], sizes: dict[int, set[str]], fresh: list[FoundPhoto]
    ) -> Iterator[tuple[FoundPhoto, str]]:
        """New names of contents that are analysed already: a moved folder costs hashing, not decoding.

        All others, those with sidecars that want reading included, are put into `fresh`.
        """
        for photo in todo:
            candidates = sizes.get(photo.stamp.size)
            if photo.change is Change.NEW and candidates and not photo.sidecars:
                try:
                    content_hash = read_content_hash(photo.path)
                except PhotoError:
                    content_hash = ""  # decoding will say what is wrong with it
                if content_hash in candidates:
                    yield photo, content_hash
                    continue
            fresh.append(photo)

    def _record_known(self, group: Sequence[tuple[FoundPhoto, str]], gone: set[str], tally: _Tally) -> None:
        with self.store.begin() as unit:
            held = unit.files.photo_keys(os.fspath(photo.path) for photo, _ in group)
            for photo, content_hash in group:
                key = unit.photos.key_of(content_hash)
                if key is None:  # forgotten since the run began
                    continue
                _count(unit, photo, key, gone, tally, is_known=True)
                _record_files(unit, photo, key, gone, is_new=False)
            unit.photos.drop_fileless(held.values())
            unit.touch()

    def _analyse(
        self, fresh: Sequence[FoundPhoto], total: int, analysed: set[str], gone: set[str], tally: _Tally
    ) -> None:
        """Decode, show to the model and store. analysed: the contents that need no analysis, which grow."""
        by_path = {os.fspath(p.path): p for p in fresh}
        weights = {path: weigh(path, p.stamp.size) for path, p in by_path.items()}
        tally.done, work, all_work = total - len(fresh), 0.0, sum(weights.values())
        requests = (DecodeRequest(p.path, p.sidecars) for p in fresh)
        with self.open_pool() as pool:
            last = 0.0
            # Two batches ahead: the decoders go on while one is being written.
            answers = pool.decode(requests, look_ahead=2 * self.batch_size)
            for batch, signals in _as_seen(answers, self.batch_size, partial(self._see, analysed)):
                self._write([(by_path[os.fspath(r.path)], result) for r, result in batch], signals, gone, tally)
                analysed |= signals.keys()
                tally.done, work = tally.done + len(batch), work + sum(weights[os.fspath(r.path)] for r, _ in batch)
                if time.monotonic() - last > PROGRESS_EVERY_S or tally.done == total:
                    last = time.monotonic()
                    self._report("analyse", tally.done, total, work / all_work)

    def _write(
        self,
        group: Sequence[tuple[FoundPhoto, DecodedPhoto | PhotoError]],
        signals: Seen,
        gone: set[str],
        tally: _Tally,
    ) -> None:
        """One batch: one unit of work."""
        with self.store.begin() as unit:
            analysed: dict[int, SceneSignals] = {}
            held = unit.files.photo_keys(os.fspath(photo.path) for photo, _ in group)
            new = self._add(unit, group)
            for photo, result in group:
                path = os.fspath(photo.path)
                before = held.get(path)
                if isinstance(result, PhotoError):
                    unit.files.record_failure(path, photo.stamp, result, before, self.decoder)
                    tally.new += photo.change is Change.NEW
                    tally.changed += photo.change is Change.CHANGED
                    continue
                key = new.get(path)
                is_new = key is not None
                if key is None:
                    key = self._save_again(unit, photo, result)
                _count(unit, photo, key, gone, tally, is_known=not is_new)
                if (seen := signals.get(result.content_hash)) is not None:
                    analysed[key] = seen
                if before is not None and before != key:
                    self._carry_over(unit, (before, key), result, signals.get(result.content_hash))
                _record_files(unit, photo, key, gone, is_new=is_new)
            unit.analyses.add(self.analyzer.model_name, analysed.items())
            unit.photos.drop_fileless(held.values())
            unit.touch()
        tally.analysed += len(analysed)

    def _add(self, unit: UnitOfWork, group: Iterable[tuple[FoundPhoto, DecodedPhoto | PhotoError]]) -> dict[str, int]:
        """Store the contents that are new, all at once; returns the keys by path of those files that brought them."""
        decoded = [(photo, result) for photo, result in group if isinstance(result, DecodedPhoto)]
        known = unit.photos.keys_of(result.content_hash for _, result in decoded)
        firsts: dict[str, tuple[FoundPhoto, DecodedPhoto]] = {}
        for photo, result in decoded:
            if result.content_hash not in known:
                firsts.setdefault(result.content_hash, (photo, result))
        keys = unit.photos.add([(os.fspath(photo.path), r, self._locate(r)) for photo, r in firsts.values()])
        images = [(os.fspath(photo.path), photo.stamp, keys[content]) for content, (photo, _) in firsts.items()]
        unit.files.record_images(images)
        return {path: key for path, _, key in images}

    def _save_again(self, unit: UnitOfWork, photo: FoundPhoto, decoded: DecodedPhoto) -> int:
        """The key of a photo whose content is known. A bare copy does not overrule what sidecars say."""
        key = None if photo.sidecars else unit.photos.key_of(decoded.content_hash)
        if key is not None and unit.files.has_sidecars_elsewhere(key, os.fspath(photo.path)):
            return key
        key, _ = unit.photos.save(os.fspath(photo.path), decoded, self._locate(decoded))
        return key

    def _locate(self, decoded: DecodedPhoto) -> Place | None:
        return None if decoded.facts.gps is None else self.gazetteer.locate(decoded.facts.gps)

    def _see(self, analysed: Collection[str], decoded: Mapping[str, DecodedPhoto]) -> Seen:
        """The signals of the pictures that have not been seen yet."""
        unseen = {content_hash: d for content_hash, d in decoded.items() if content_hash not in analysed}
        for content_hash, picture in unseen.items():
            self.save_thumbnail(content_hash, picture.thumbnail)
        return _show(self.analyzer, unseen)

    def _carry_over(
        self, unit: UnitOfWork, keys: tuple[int, int], now: DecodedPhoto, signals: SceneSignals | None
    ) -> None:
        """Decisions on a photo that was edited in place hold for what it became, as does what it got from copies."""
        before, after = keys
        old = unit.photos.by_keys([before])[before]
        if signals is None or not (old.decisions or unit.gathered.has(old.id)):
            return
        known = unit.analyses.embedding(self.analyzer.model_name, before)
        if _is_same_moment(old, now) if known is None else float(known @ signals.embedding) >= SAME_PICTURE_COSINE:
            unit.decisions.carry_over(old.id, now.content_hash)
            unit.gathered.carry_over(old.id, now.content_hash)
            unit.photos.rewrite_words(after)

    def _record_rest(self, found: ScanResult, known_videos: dict[str, int | None], tally: _Tally) -> None:
        """What needs no decoding: videos, and files that are gone."""
        videos = {os.fspath(path) for path in found.videos}
        fresh = [path for path in sorted(videos) if known_videos.get(path, 0) is not None]
        joined = {os.fspath(p.video) for p in found.photos if p.video is not None}
        lost = [v for v in known_videos if v not in videos and v not in joined and not os.path.lexists(v)]
        if not (fresh or lost or found.gone):
            return
        with self.store.begin() as unit:
            for path in fresh:
                unit.files.record_video(path, None)
            tally.gone = unit.files.mark_gone(found.gone)
            unit.files.mark_gone(lost)
            unit.touch()

    def _summarise(self, found: ScanResult, tally: _Tally) -> IndexReport:
        roots_problems = tuple(Failure(Path(p.path), p.code, p.reason) for p in found.problems)
        seen = {os.fspath(p.path) for p in found.photos}
        with self.store.read() as unit:
            failed = tuple(f for f in unit.files.failures() if os.fspath(f.path) in seen)
        return IndexReport(
            found=len(found.photos),
            new=tally.new,
            changed=tally.changed,
            moved=tally.moved,
            gone=tally.gone - tally.moved,
            analysed=tally.analysed,
            videos=len(found.videos),
            failed=(*roots_problems, *failed),
            seconds=time.monotonic() - self._started,
        )

    def _report(self, stage: str, done: int, total: int, share: float | None = None) -> None:
        if self.on_progress is not None:
            self.on_progress(Progress(stage, done, total, time.monotonic() - self._started, share))


@dataclass(frozen=True, slots=True)
class Reanalysis:
    """Shows the library's photos to its next model; it takes over when it has seen them.

    One batch is one unit of work, and what is left is always asked of the store: a killed run loses at most a
    batch. Others may look at the library, and even call the change off, meanwhile.
    """

    store: Store
    analyzer: Analyzer
    open_pool: Callable[[], DecodePool]
    batch_size: int
    on_progress: Callable[[Progress], None] | None = None
    _started: float = field(default_factory=time.monotonic)

    def run(self, limit: int | None = None) -> ModelChange:
        """Analyse all photos that the model lacks, or about `limit`, and let it take over if none is left.

        A file that can't be opened keeps it from taking over, since drives come back; one that is broken or
        was deleted does not: the next scan will tell.
        """
        model = self.analyzer.model_name
        with self.store.read() as unit:
            todo = sorted(unit.files.without_analysis(model))
        analysed, failed = self._analyse(todo, len(todo) if limit is None else limit)
        broken = {os.fspath(f.path) for f in failed if not is_away(f)}
        with self.store.begin() as unit:
            is_done = unit.models.finish(model, without=broken)
            left = unit.files.without_analysis(model)
        return ModelChange(model, analysed, len(left), tuple(failed), is_done)

    def _analyse(self, todo: Sequence[str], limit: int) -> tuple[int, list[Failure]]:
        analysed, tried, failed = 0, 0, list[Failure]()
        requests = (DecodeRequest(Path(path)) for path in todo)
        with self.open_pool() as pool:
            answers = pool.decode(requests, look_ahead=2 * self.batch_size)
            for batch, signals in _as_seen(answers, self.batch_size, partial(_show, self.analyzer)):
                written = self._write(signals)
                if written is None:
                    break
                failed += [Failure(r.path, e.code, e.reason) for r, e in batch if isinstance(e, PhotoError)]
                analysed, tried = analysed + written, tried + len(batch)
                if self.on_progress is not None:
                    seconds = time.monotonic() - self._started
                    self.on_progress(Progress("reanalyse", tried, len(todo), seconds))
                if analysed >= limit:
                    break
        return analysed, failed

    def _write(self, signals: Seen) -> int | None:
        """Store one batch; returns how many photos of the library were in it, None where the change is off."""
        model = self.analyzer.model_name
        with self.store.begin() as unit:
            if unit.models.next != model:
                return None
            # A file that was edited since the last scan holds no photo yet.
            known = {key: signals[content_hash] for content_hash, key in unit.photos.keys_of(signals).items()}
            unit.analyses.add(model, known.items())
        return len(known)


def _as_seen(
    answers: Iterable[Answer], size: int, see: Callable[[Mapping[str, DecodedPhoto]], Seen]
) -> Iterator[tuple[list[Answer], Seen]]:
    """Batches of decoded files with what was seen in them, a few at a time and each content once."""
    batch, signals = list[Answer](), Seen()
    for some in _batches(answers, min(PASS, size)):
        batch += some
        pictures = {result.content_hash: result for _, result in some if isinstance(result, DecodedPhoto)}
        signals |= see({content: picture for content, picture in pictures.items() if content not in signals})
        if len(batch) >= size:
            yield batch, signals
            batch, signals = [], {}
    if batch:
        yield batch, signals


def _show(analyzer: Analyzer, decoded: Mapping[str, DecodedPhoto]) -> Seen:
    signals = analyzer.analyze([picture.pixels for picture in decoded.values()]) if decoded else []
    return dict(zip(decoded, signals, strict=True))


def is_away(failure: Failure) -> bool:
    """Whether a file couldn't be opened though nothing says that it was deleted: an unplugged drive, permissions."""
    if failure.error != Unreadable.code:
        return False
    return os.path.lexists(failure.path) or not failure.path.parent.is_dir()


def _is_same_moment(old: Photo, now: DecodedPhoto) -> bool:
    """Whether two pictures say that they were taken in the same moment: where nothing else can be compared."""
    return old.is_dated and now.facts.date_source.is_certain and abs(old.taken - now.facts.taken) < SAME_MOMENT


def _count(unit: UnitOfWork, photo: FoundPhoto, key: int, gone: set[str], tally: _Tally, *, is_known: bool) -> None:
    """Whether a file is new, changed, or a known photo under a new name whose old one is gone."""
    if photo.change is Change.CHANGED:
        tally.changed += 1
    elif photo.change is Change.NEW:
        paths = set(unit.files.paths_of(key)) if is_known else set()
        moved = bool(paths & gone) and paths <= gone
        tally.moved += moved
        tally.new += not moved


def _record_files(unit: UnitOfWork, photo: FoundPhoto, key: int, gone: Collection[str], *, is_new: bool) -> None:
    """That files hold a photo; the image of one that is new is recorded with it."""
    if not is_new:
        unit.files.record_image(os.fspath(photo.path), photo.stamp, key)
        unit.photos.name_files(key, [path for path in unit.files.paths_of(key) if path not in gone])
    if photo.video is not None:
        unit.files.record_video(os.fspath(photo.video), key)


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    batch: list[T] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
