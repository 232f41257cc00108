"""An engine in memory, for tests of the faces: the methods of `PhotosEngine`, simply and truly done.

What a photo shows is what its file is called: `beach-dog.jpg` shows a beach and a dog, `receipt.jpg` is
a receipt, `dog-copy.jpg` a copy of `dog.jpg`, and a file with `broken` in its name can't be decoded.
Photos are a day apart, in the order of their names.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from fakes.library import MODEL, TAGS, Life
from PIL import Image

from photos_engine.errors import (
    ChecksumMismatch,
    ConfigError,
    MemoryNotFound,
    ModelError,
    ModelNotFound,
    NotFound,
    PhotoNotFound,
    UsageError,
)
from photos_engine.experiences.recommend import Taste
from photos_engine.graph import PersonalGraph, build_graph
from photos_engine.types import (
    UTILITY_KINDS,
    AnalysedPhoto,
    Box,
    CheckReport,
    Crop,
    Decision,
    DuplicateGroup,
    Explanation,
    FacetCount,
    Failure,
    IndexReport,
    JobRun,
    LibraryStatus,
    Memory,
    MergedGroup,
    ModelChange,
    ModelInfo,
    Music,
    Photo,
    Progress,
    RankedPhoto,
    Reaction,
    Reason,
    SearchAnswer,
    SearchHit,
    Showing,
    Snapshot,
    StoredDecision,
    Suggestion,
    TagExport,
    UtilityPhoto,
    Wallpaper,
)

PhotoLike = Photo | str | os.PathLike[str]
FIRST_DAY = datetime(2023, 7, 1, 12, tzinfo=UTC)


class FakeEngine:
    """A library that lives as long as the object; `close` is counted and nothing more."""

    def __init__(self, library: Path) -> None:
        self.library = library
        self.closed = 0
        self.begun: list[str] = []
        self.problems: list[str] = []
        self._roots: list[str] = []
        self._files: dict[Path, AnalysedPhoto] = {}
        self._failed: dict[Path, Failure] = {}
        self._decisions: list[StoredDecision] = []
        self._jobs: dict[str, JobRun] = {}
        self._revision = 0
        self._forgotten = 0  # decisions that taste learns nothing from
        self._made = 0
        self._model, self._next_model = MODEL, ""
        self._seen: dict[str, set[Path]] = {}  # by the models that aren't active

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closed += 1

    # --- photos in ---

    def index(
        self,
        paths: Iterable[str | os.PathLike[str]],
        *,
        on_progress: Callable[[Progress], None] | None = None,
        reanalyse: bool = True,
        workers: int | None = None,
    ) -> IndexReport:
        tops = [Path(path).absolute() for path in paths]
        self._roots = sorted({*self._roots, *map(os.fspath, tops)})
        found = sorted({file for top in tops for file in ([top] if top.is_file() else top.rglob("*.jpg"))})
        tell = on_progress or (lambda _: None)
        tell(Progress("scan", len(found), len(found), 0.0))
        fresh = [path for path in found if path not in self._files and path not in self._failed]
        gone = [path for path in self._files if not path.exists() and any(path.is_relative_to(top) for top in tops)]
        for number, path in enumerate(fresh, 1):
            if "broken" in path.name:
                self._failed[path] = Failure(path, "decode_error", "it is broken")
            else:
                self._files[path] = self._analyse(path)
            tell(Progress("analyse", number, len(fresh), number / 10))
        for path in gone:
            del self._files[path]
        self._revision += bool(fresh or gone)
        if reanalyse:
            self.reanalyse(on_progress=on_progress)
        failed = tuple(self._failed[path] for path in found if path in self._failed)
        analysed = sum(path in self._files for path in fresh)
        return IndexReport(len(found), len(fresh), 0, 0, len(gone), analysed, 0, failed, 0.5)

    def _analyse(self, path: Path) -> AnalysedPhoto:
        words = path.stem.split("-")
        life = Life()
        utility = next((word for word in words if word in UTILITY_KINDS), None)
        taken = FIRST_DAY + timedelta(days=self._made)
        item = life.shoot(taken, tags=[w for w in words if w in TAGS], utility=utility)
        self._made += 1
        photo = replace(item.photo, id=f"{self._made:032x}", key=self._made, paths=(path,))
        return replace(item, photo=photo)

    def rescan(
        self,
        besides: Iterable[str | os.PathLike[str]] = (),
        *,
        on_progress: Callable[[Progress], None] | None = None,
        reanalyse: bool = True,
        workers: int | None = None,
    ) -> IndexReport | None:
        tops = [*self._roots, *besides]
        return self.index(tops, on_progress=on_progress, reanalyse=reanalyse, workers=workers) if tops else None

    def roots(self) -> tuple[str, ...]:
        return tuple(self._roots)

    def refresh(self, *, today: date | None = None) -> int:
        return len(self.memories())

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
        if like is not None:
            query = f"{query} {' '.join(self._files[self.photo(like).path].tags)}"
        tags = [word for word in query.lower().split() if word in TAGS]
        hits = [item for item in self._files.values() if tags and all(tag in item.tags for tag in tags)]
        results = tuple(SearchHit(i.photo, 0.9, (_because(f"shows {' and '.join(tags)}"),)) for i in hits[:limit])
        suggestions = () if hits else ("beach",)
        counts = {"tags": tuple(FacetCount(t, sum(t in item.tags for item in hits)) for t in tags)} if facets else {}
        understood = {"tags": tags, "region": region} if region else {"tags": tags}
        return SearchAnswer(query, "taxonomy" if hits else "none", understood, suggestions, results, counts)

    def export_tags(self, feed: str | os.PathLike[str] | None = None) -> TagExport:
        if feed is not None:
            Path(feed).write_text(json.dumps({str(path): sorted(item.tags) for path, item in self._files.items()}))
            return TagExport(len(self._files), 0, ())
        refused = [p.with_name(f"{p.name}.xmp") for p in self._files if p.with_name(f"{p.name}.xmp").exists()]
        why = "another program or a person wrote it"
        return TagExport(len(self._files) - len(refused), 0, tuple(Failure(p, "foreign_sidecar", why) for p in refused))

    def suggest(self, text: str, *, limit: int = 8) -> tuple[Suggestion, ...]:
        return tuple(Suggestion(tag, "tag", 1) for tag in TAGS if text and tag.startswith(text.lower()))[:limit]

    def memories(self, on: date | None = None) -> tuple[Memory, ...]:
        photos = tuple(i.photo for i in self._files.values() if "dog" in i.tags and not i.photo.is_hidden)
        if len(photos) < 2 or (on is not None and on < FIRST_DAY.date()):
            return ()
        reasons = {photo.id: (_because("shows the dog"),) for photo in photos}
        days = (photos[0].taken, photos[-1].taken)
        music = Music("playful", 0.6)
        made = Memory(
            "theme:dog", "theme", "Days with the dog", "Summer", *days, photos[0], photos, music, 0.8,
            (_because("a theme"),), reasons,
        )  # fmt: skip
        return (made,)

    def featured(self, *, limit: int = 20, on: date | None = None) -> tuple[RankedPhoto, ...]:
        return tuple(RankedPhoto(i.photo, i.quality.overall, (_because("sharp"),)) for i in self._good())[:limit]

    def taste(self) -> Taste:
        signs = Counter(d.decision for d in self._decisions[self._forgotten :])
        return Taste(signs[Decision.FAVOURITE], signs[Decision.FEATURE_LESS], None, 0.0, {})

    def reset_taste(self) -> int:
        self._forgotten = len(self._decisions)
        return self._forgotten

    def duplicates(self) -> tuple[DuplicateGroup, ...]:
        by_stem = {path.stem: item.photo for path, item in self._files.items()}
        pairs = [(by_stem.get(stem.removesuffix("-copy")), p) for stem, p in by_stem.items() if stem.endswith("-copy")]
        return tuple(
            DuplicateGroup(
                f"group:{keep.id}", "copy", keep.path, (keep.path, p.path), (keep.id, p.id), (_because("alike"),)
            )
            for keep, p in pairs
            if keep is not None
        )

    def merge_duplicates(self, group_id: str | None = None) -> tuple[MergedGroup, ...]:
        groups = {group.id: group for group in self.duplicates()}
        if group_id is not None and group_id not in groups:
            raise NotFound(f"no duplicate group is called {group_id}")
        chosen = [groups[group_id]] if group_id else groups.values()
        return tuple(MergedGroup(g.id, g.kind, g.keep, g.paths[1:], (_because("a rating"),)) for g in chosen)

    def utility(self) -> tuple[UtilityPhoto, ...]:
        found = [(i, max(i.utility, key=lambda kind: i.utility[kind])) for i in self._files.values()]
        return tuple(
            UtilityPhoto(i.photo, kind, i.utility[kind], (_because(f"looks like a {kind}"),))
            for i, kind in found
            if i.utility[kind] > 0.5
        )

    def wallpapers(
        self,
        screen: tuple[int, int] = (1920, 1080),
        *,
        limit: int = 20,
        on: date | None = None,
        at: time | None = None,
    ) -> tuple[Wallpaper, ...]:
        fitting = [i.photo for i in self._good() if i.photo.width_px >= screen[0] and i.photo.height_px >= screen[1]]
        return tuple(Wallpaper(p, 0.7, (0.0, 0.1, 1.0, 0.85), (_because("calm"),)) for p in fitting[:limit])

    def crops(self, photo: PhotoLike, aspect: tuple[float, float], *, limit: int = 5) -> tuple[Crop, ...]:
        found = self.photo(photo)
        wanted, own = aspect[0] / aspect[1], found.width_px / found.height_px
        x, y = min(1.0, wanted / own), min(1.0, own / wanted)
        places = ((0.5, "the middle"), (0.0, "the upper left"), (1.0, "the lower right"))[:limit]
        return tuple(
            Crop(((1 - x) * p, (1 - y) * p, x + (1 - x) * p, y + (1 - y) * p), 0.5, (_because(place),))
            for p, place in places
        )

    def picture(self, photo: PhotoLike) -> Image.Image:
        self.photo(photo)
        return Image.new("RGB", (400, 300), "#3070b0")

    def _good(self) -> list[AnalysedPhoto]:
        useful = {p.photo.id for p in self.utility()}
        return [i for i in self._files.values() if i.photo.id not in useful]

    # --- what the library knows ---

    @property
    def graph(self) -> PersonalGraph:
        return build_graph(self.snapshot(), TAGS)

    def snapshot(self) -> Snapshot:
        life = Life()
        life.items = list(self._files.values())
        life.vectors = [life.look("daily") for _ in life.items]
        life.decisions = self._decisions
        return replace(life.snapshot(self._revision), revision=self._revision)

    def photo(self, subject: PhotoLike) -> Photo:
        name = subject.id if isinstance(subject, Photo) else os.fspath(subject)
        for path, item in self._files.items():
            if name == item.photo.id or Path(name).absolute() == path:
                return item.photo
        raise PhotoNotFound(f"no photo in the library with the path or id {name}")

    def tag_counts(self) -> Mapping[str, int]:
        return dict(Counter(tag for item in self._files.values() for tag in item.tags).most_common())

    def thumbnail(self, photo: PhotoLike) -> Path:
        path = self.library / f"{self.photo(photo).id}.jpg"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (320, 240), "#3070b0").save(path)
        return path

    def explain(self, photo: PhotoLike) -> Explanation:
        found = self.photo(photo)
        item = self._files[found.path]
        kind = next((u for u in self.utility() if u.photo.id == found.id), None)
        return Explanation(
            photo=found,
            analysed=item,
            utility_kind=kind.kind if kind else None,
            utility_probability=max(item.utility.values()),
            utility_reasons=kind.reasons if kind else (),
            quality_reasons=(),
            shown=kind is None,
            shown_reasons=(_because("nothing speaks against it"),),
            groups=tuple(g for g in self.duplicates() if found.id in g.photo_ids),
            memories=tuple(m for m in self.memories() if found in m.photos),
            nodes=("tag:dog",) if "dog" in item.tags else (),
            decisions=tuple(d for d in self._decisions if d.subject == found.id),
        )

    def status(self) -> LibraryStatus:
        photos = len(self._files)
        jobs = tuple(self._jobs[name] for name in sorted(self._jobs))
        pending = len(self._unseen()) if self._next_model else 0
        return LibraryStatus(
            photos, photos, len(self._failed), 0, 0, 0, self._model, "0002", self.library, jobs,
            self._next_model or None, pending,
        )  # fmt: skip

    # --- what people decide, and upkeep ---

    def decide(self, subject: PhotoLike | Memory, decision: Decision, words: str = "") -> StoredDecision:
        name, kind = self._resolve(subject)
        if kind != "photo" and decision is Decision.NOT_UTILITY:
            raise UsageError(f"{decision} can't be decided about a {kind}")
        made = StoredDecision(name, kind, decision, datetime.now(UTC), words)
        kept = [d for d in self._decisions if d.subject != name or decision is not Decision.UNDO]
        self._decisions = kept if decision is Decision.UNDO else [*kept, made]
        return made

    def react(self, memory: Memory | str, reaction: Reaction, *, on: date | None = None) -> Showing:
        name = memory.id if isinstance(memory, Memory) else memory
        if not any(made.id == name for made in self.memories()):
            raise MemoryNotFound(f"no memory with the id {name}")
        return Showing(name, on or FIRST_DAY.date(), reaction)

    def _resolve(self, subject: PhotoLike | Memory) -> tuple[str, str]:
        if isinstance(subject, Memory):
            return subject.id, "memory"
        try:
            return self.photo(subject).id, "photo"
        except PhotoNotFound:
            name = os.fspath(subject) if not isinstance(subject, Photo) else subject.id
        if any(memory.id == name for memory in self.memories()):
            return name, "memory"
        raise NotFound(f"no photo, duplicate group, memory or node of the graph is called {name}")

    def export_decisions(self, target: str | os.PathLike[str]) -> int:
        rows = [[d.subject, d.subject_kind, d.decision, d.decided_utc.isoformat()] for d in self._decisions]
        Path(target).write_text(json.dumps(rows))
        return len(rows)

    def import_decisions(self, source: str | os.PathLike[str]) -> int:
        try:
            rows = json.loads(Path(source).read_text())
        except (OSError, ValueError) as error:
            raise ConfigError(f"{os.fspath(source)} holds no decisions: {error}") from error
        read = [StoredDecision(s, k, Decision(d), datetime.fromisoformat(t)) for s, k, d, t in rows]
        new = [d for d in read if d not in self._decisions]
        self._decisions += new
        return len(new)

    def note_job(self, job: str) -> None:
        self.begun.append(job)

    def record_job(self, run: JobRun) -> None:
        self._jobs[run.job] = run

    def models(self) -> tuple[ModelInfo, ...]:
        files = {"scene.onnx": {"sha256": "0" * 64, "bytes": 6_700_000}}
        known = (ModelInfo(MODEL, "1", True, files, {"recall_at_5": 0.53}), ModelInfo("fake-0", "0", False, {}, {}))
        counts = {name: len(seen) for name, seen in self._seen.items()} | {self._model: len(self._files)}
        return tuple(
            replace(
                m,
                is_active=m.name == self._model,
                is_next=m.name == self._next_model,
                analysed=counts.get(m.name, 0),
            )
            for m in known
        )

    def use_model(self, name: str, *, now: bool = False) -> LibraryStatus:
        names = [model.name for model in self.models()]
        if name not in names:
            raise ModelNotFound(f"no model is called {name}; installed: {', '.join(sorted(names))}")
        self._next_model = "" if name == self._model else name
        if self._next_model and (now or not self._unseen()):
            self._take_over()
        return self.status()

    def reanalyse(
        self,
        *,
        limit: int | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        workers: int | None = None,
    ) -> ModelChange | None:
        if not (model := self._next_model):
            return None
        unseen = sorted(self._unseen())
        for number, path in enumerate(unseen[:limit], 1):
            self._seen.setdefault(model, set()).add(path)
            (on_progress or (lambda _: None))(Progress("reanalyse", number, len(unseen), number / 10))
        left = len(self._unseen())
        if not left:
            self._take_over()
        return ModelChange(model, len(unseen) - left, left, (), not left)

    def prune_model(self, name: str) -> int:
        if name == self._model:
            raise ModelError(f"the library is read from {name}: let another model take over before it is pruned")
        if name not in self._seen:
            raise ModelNotFound(f"no model called {name} has seen this library; {self._model} has")
        self._next_model = "" if name == self._next_model else self._next_model
        return len(self._seen.pop(name))

    def _unseen(self) -> set[Path]:
        return set(self._files) - self._seen.get(self._next_model, set())

    def _take_over(self) -> None:
        self._seen[self._model] = set(self._files)
        self._model, self._next_model = self._next_model, ""
        self._revision += 1

    def verify_models(self) -> None:
        if self.problems:
            raise ChecksumMismatch(self.problems[0])

    def name_places(self) -> int:
        return 0

    def read_texts(self, *, limit: int | None = None, **_: object) -> int:
        """Nothing here can read."""
        return 0

    def tidy(self) -> Mapping[str, int]:
        return {"photos": len(self._files), "swept": 0, "bytes_freed": 0}

    def back_up_decisions(self) -> int:
        return len(self._decisions)

    def check(self, *, repair: bool = False) -> CheckReport:
        found, self.problems = tuple(self.problems), [] if repair else self.problems
        return CheckReport(("database", "thumbnails"), found, found if repair else ())


def _because(text: str) -> Reason:
    return Reason("fake", 0.5, f"{text}.")
