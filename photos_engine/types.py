"""The frozen values that cross layers; the standard library and numpy only.

Boxes are normalised `(left, top, right, bottom)` of the upright picture, 0 at the left and top edge,
1 at the right and bottom. Times are aware datetimes in the photo's own zone. Every automatic choice
carries `Reason`s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]

EMBEDDING_DIMENSIONS = 512


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the engine chose or rejected something.

    `code` is stable and for programs, `weight` its share in the decision (positive speaks for,
    negative against), `text` one sentence for a person.
    """

    code: str
    weight: float
    text: str


# --- facts of the file -------------------------------------------------------------------------


class DateSource(StrEnum):
    """Where a photo's date comes from, best first."""

    EXIF = "exif"
    XMP = "xmp"
    IPTC = "iptc"
    TAKEOUT = "takeout"
    FILE_NAME = "file_name"
    FOLDER = "folder"
    FILE_TIME = "file_time"

    @property
    def is_certain(self) -> bool:
        """Whether the date was recorded as the capture time, and not guessed from the surroundings."""
        return self in (DateSource.EXIF, DateSource.XMP, DateSource.IPTC, DateSource.TAKEOUT)

    @property
    def is_timed(self) -> bool:
        """Whether it tells the second, as a camera and a file's name do."""
        return self.is_certain or self is DateSource.FILE_NAME


class ZoneSource(StrEnum):
    """Where the UTC offset of a photo's date comes from, best first."""

    RECORDED = "recorded"
    GPS_TIME = "gps_time"
    GPS_PLACE = "gps_place"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class GeoPoint:
    """A position on WGS 84: degrees north and east, metres above the sea where known."""

    latitude: float
    longitude: float
    altitude_m: float | None = None


@dataclass(frozen=True, slots=True)
class PersonRegion:
    """A person named in a photo's metadata, with the face's box where one is given."""

    name: str
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class CaptureFacts:
    """What the file and its sidecars say about the taking of one photo. Missing is None or empty."""

    taken: datetime
    date_source: DateSource
    zone_source: ZoneSource
    gps: GeoPoint | None = None
    camera_make: str | None = None
    camera_model: str | None = None
    lens: str | None = None
    iso: int | None = None
    exposure_s: float | None = None
    f_number: float | None = None
    focal_length_mm: float | None = None
    software: str | None = None
    rating: int | None = None  # -1 rejected, 0 unrated, 1 to 5 stars
    title: str | None = None
    caption: str | None = None
    keywords: tuple[str, ...] = ()
    people: tuple[PersonRegion, ...] = ()
    burst_id: str | None = None
    content_identifier: str | None = None  # joins a live photo with its video part
    has_embedded_video: bool = False  # a motion photo


SIDECARS_MODULO = 2**62
"""Two numbers below it can be added in the 63 bits that SQLite keeps."""


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What one `stat` tells of a file and its sidecars: equal stamps mean an unchanged photo.

    sidecar_mtime_ns: the sum of theirs, so that one which is added, edited or taken away changes it, modulo
    `SIDECARS_MODULO`.
    """

    size: int
    mtime_ns: int
    sidecar_mtime_ns: int = 0


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """One file, opened once: its identity, its facts and its pixels at working size.

    `pixels` is upright RGB, (height, width, 3) uint8, its shorter side at least the analyzer's input
    where the picture has that many. `width_px` and `height_px` are those of the upright original.
    """

    content_hash: str  # BLAKE2b-128 of the file's bytes, 32 hexadecimal digits
    size_bytes: int
    format: str  # "JPEG", "PNG", "HEIF", "RAW", ...
    width_px: int
    height_px: int
    facts: CaptureFacts
    pixels: ByteArray = field(repr=False)
    thumbnail: bytes = field(repr=False)  # JPEG, longer side 320 px


@dataclass(frozen=True, slots=True)
class Place:
    """A populated place near a position, as the offline gazetteer names it."""

    city: str
    region: str
    country: str
    country_code: str  # ISO 3166-1 alpha-2
    latitude: float
    longitude: float
    geoname_id: int


# --- what the analyzer sees --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QualitySignals:
    """Technical quality, each 0 (worst) to 1 (best).

    brightness: 0 far too dark, 0.5 as meant, 1 burnt out; level: how level the picture was held. Both are
    None from a model that doesn't say.
    """

    sharpness: float
    exposure: float
    noise: float
    overall: float
    brightness: float | None = None
    level: float | None = None


@dataclass(frozen=True, slots=True)
class DetectedObject:
    """A thing found in a picture. `label` is a tag of the taxonomy, `score` its calibrated probability."""

    label: str
    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class SceneSignals:
    """Every head's output for one picture, from one forward pass.

    embedding: (512,) float32, L2-normalised, in the space that the text encoder shares.
    tags: taxonomy id -> calibrated probability, for the tags above their own thresholds.
    utility: kind of utility content -> probability; kinds as in `UTILITY_KINDS`.
    print: 32 bytes; the Hamming distance of two prints tells copies of one picture.
    saliency: (rows, columns) float32 heat map over the whole picture, 0 to 1.
    objects: things with their boxes, surest first.
    aesthetics: 0 (plain) to 1 (a picture to put on the wall); None from a model without that head.
    """

    embedding: FloatArray = field(repr=False)
    tags: Mapping[str, float]
    utility: Mapping[str, float]
    quality: QualitySignals
    print: bytes = field(repr=False)
    saliency: FloatArray = field(repr=False)
    objects: tuple[DetectedObject, ...] = ()
    aesthetics: float | None = None


UTILITY_KINDS = (
    "receipt",
    "document",
    "screenshot",
    "handwriting",
    "barcode",
    "meme",
    "product",
    "whiteboard",
    "repair_reference",
)


@dataclass(frozen=True, slots=True)
class Tag:
    """One entry of the fixed taxonomy."""

    id: str  # stable, lower case, e.g. "golden_retriever"
    label: str  # English, for people
    category: str  # one of the taxonomy's top-level branches
    parents: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    mood: str | None = None  # what it adds to a memory's music mood
    memorable: float = 0.5  # 0 never makes a memory, 1 nearly always does
    is_hidden: bool = False  # good evidence, but no theme: grass, indoors


# --- what the library knows --------------------------------------------------------------------


class Decision(StrEnum):
    """What a person can decide about a photo, a memory or a node of the graph."""

    FAVOURITE = "favourite"
    HIDE = "hide"
    NOT_DUPLICATE = "not-duplicate"
    NOT_UTILITY = "not-utility"
    FEATURE_LESS = "feature-less"
    NAME = "name"  # with words: what a pet, a person, a trip, a feast or a home is called
    NOT_SO = "not-so"  # what was inferred is wrong
    HOME = "home"  # the person lives in this city, or did on the days given as words
    TRIP = "trip"  # on these days they were on one journey
    UNDO = "undo"  # takes back every decision on its subject


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """One decision as the library keeps it: it outlives re-indexing, models and rebuilds."""

    subject: str  # a photo's id, a memory's id or a node of the graph
    subject_kind: str  # "photo" | "group" (of duplicates) | "memory" | "node"
    decision: Decision
    decided_utc: datetime
    words: str = ""  # that go with it: a name, days
    photo_ids: tuple[str, ...] = ()  # it was made about, where a later rebuild must know the subject by them


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo: a content, wherever its files lie.

    `id` is the content's hash: it survives moves, renames and a rebuilt library. `key` is the
    library's own number for it and means nothing elsewhere.
    """

    id: str
    key: int
    paths: tuple[Path, ...]  # present files, best first; the last known ones for a photo that is gone
    is_gone: bool
    format: str
    size_bytes: int
    width_px: int
    height_px: int
    facts: CaptureFacts
    place: Place | None = None
    video_path: Path | None = None  # the moving part of a live photo
    decisions: frozenset[Decision] = frozenset()

    @property
    def path(self) -> Path:
        """The file that stands for this photo."""
        return self.paths[0]

    @property
    def taken(self) -> datetime:
        """When it was taken, in its own zone; see `facts.date_source` for how certain that is."""
        return self.facts.taken

    @property
    def is_dated(self) -> bool:
        """Whether its date was recorded, and not guessed."""
        return self.facts.date_source.is_certain

    @property
    def is_timed(self) -> bool:
        """Whether its clock can be trusted to the second, as a camera's or a file name's can."""
        return self.facts.date_source.is_timed

    @property
    def is_favourite(self) -> bool:
        """Whether the person marked it as a favourite."""
        return Decision.FAVOURITE in self.decisions

    @property
    def is_hidden(self) -> bool:
        """Whether the person asked not to see it."""
        return Decision.HIDE in self.decisions


@dataclass(frozen=True, slots=True)
class Stack:
    """A photo's place in a group of likenesses: one keeper stands for all of them."""

    group_id: str
    kind: str  # "exact" | "copy" | "burst" | "similar"
    keeper_id: str


@dataclass(frozen=True, slots=True)
class AnalysedPhoto:
    """A photo with what one model saw in it, and the group of likenesses it belongs to."""

    photo: Photo
    tags: Mapping[str, float]
    utility: Mapping[str, float]
    quality: QualitySignals
    print: bytes = field(repr=False)
    stack: Stack | None = None
    objects: tuple[DetectedObject, ...] = ()
    aesthetics: float | None = None  # from a model that has no such head
    own_odds: Mapping[str, float] = field(default_factory=dict)
    """Kind of utility content -> log odds that the person's own filter adds, which learns from their decisions."""

    @property
    def is_keeper(self) -> bool:
        """Whether it stands for itself: in no stack of copies or frames, or the best of its stack."""
        return self.stack is None or self.stack.kind == "similar" or self.stack.keeper_id == self.photo.id


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The analysed, present library at one revision: what everything derived is computed from.

    `photos` is ordered by the time of capture; row i of `embeddings`, (n, 512) float32 and
    L2-normalised, belongs to `photos[i]`. Equal `model` and `revision` mean equal content.
    """

    model: str
    revision: int
    photos: Sequence[AnalysedPhoto]
    embeddings: FloatArray = field(repr=False)
    decisions: tuple[StoredDecision, ...] = ()

    @property
    def not_duplicates(self) -> frozenset[str]:
        """The ids of photos and groups of which the person said that they are no duplicates."""
        return frozenset(d.subject for d in self.decisions if d.decision is Decision.NOT_DUPLICATE)


@dataclass(frozen=True, slots=True, eq=False)
class Census:
    """The photos of a snapshot in columns, row by row: what telling which are alike needs of all of them.

    keys (n,) int64: the library's own numbers. utc_s (n,) float64: seconds since 1970. prints: 32 bytes each.
    """

    keys: NDArray[np.int64]
    ids: Sequence[str]
    utc_s: NDArray[np.float64]
    is_timed: NDArray[np.bool_]
    prints: Sequence[bytes]

    @classmethod
    def of(cls, photos: Sequence[AnalysedPhoto]) -> Census:
        """Those of some photos, in their order."""
        return cls(
            np.array([item.photo.key for item in photos], np.int64),
            [item.photo.id for item in photos],
            np.array([item.photo.taken.timestamp() for item in photos], np.float64),
            np.array([item.photo.is_timed for item in photos], bool),
            [item.print for item in photos],
        )


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a copy had that the photo that stands for it lacked, and that it was given.

    The ids are contents: this outlives the copy's deletion. `decided` are decisions on the keeper, made for the copy.
    """

    keeper_id: str
    photo_id: str
    group_id: str
    rating: int | None = None
    title: str | None = None
    caption: str | None = None
    keywords: tuple[str, ...] = ()
    people: tuple[PersonRegion, ...] = ()
    decided: tuple[StoredDecision, ...] = ()


# --- what people see ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be used, and why."""

    path: Path
    error: str  # a PhotoError's code
    reason: str


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What one run of `index` found and did."""

    found: int
    new: int
    changed: int
    moved: int
    gone: int
    analysed: int
    videos: int
    failed: tuple[Failure, ...]
    seconds: float

    @property
    def photos_per_second(self) -> float:
        """Analysed photos by wall-clock time."""
        return self.analysed / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """A step of long work; `total` is None while it isn't known."""

    stage: str
    done: int
    total: int | None
    seconds: float
    share: float | None = None  # of the work, by kinds and sizes of files; None: that of their number


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A photo that answers a query, and why."""

    photo: Photo
    score: float  # 0 to 1, comparable within one answer
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class TagExport:
    """What an export of tags did: sidecars (or photos of a feed) written, as they should be already, refused, and
    taken away since their photos are gone.
    """

    written: int
    unchanged: int
    refused: tuple[Failure, ...]
    removed: int = 0


@dataclass(frozen=True, slots=True)
class FacetCount:
    """One value that photos of an answer have (a year, a place, a person, a tag), and how many of them."""

    value: str
    photos: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A query that someone may be typing, and of how many photos its last name is: 0 where they aren't counted.

    kind: "tag" | "place" | "person" | "date" | "fact".
    """

    text: str
    kind: str
    photos: int = 0


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """An answer and how it came about; `stage` as in the interface: taxonomy, synonym, concept, ...

    facets: where they were asked for, of all photos that answer, shown or not: "years", "places", "people", "tags".
    """

    query: str
    stage: str
    understood: Mapping[str, object]
    suggestions: tuple[str, ...]
    results: tuple[SearchHit, ...]
    facets: Mapping[str, tuple[FacetCount, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Music:
    """What should play: a mood of the closed list and an energy of 0 (still) to 1 (driving)."""

    mood: str
    energy: float


@dataclass(frozen=True, slots=True)
class RejectedPhoto:
    """A candidate that a choice passed over, and why."""

    photo_id: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """A small story out of the library. `id` stays the same while its subject does."""

    id: str
    kind: str
    title: str
    subtitle: str
    start: datetime
    end: datetime
    cover: Photo
    photos: tuple[Photo, ...]  # in the order that tells it
    music: Music
    score: float
    reasons: tuple[Reason, ...]
    photo_reasons: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)  # by photo id
    rejected: tuple[RejectedPhoto, ...] = ()


class Reaction(StrEnum):
    """What a person did with a memory that came up."""

    SHOWN = "shown"  # nothing
    OPENED = "opened"
    LIKED = "liked"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Showing:
    """A memory that came up on a day, and what the person did with it."""

    memory_id: str
    day: date
    reaction: Reaction


@dataclass(frozen=True, slots=True)
class RankedPhoto:
    """A photo chosen for its worth (featured, recommended)."""

    photo: Photo
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Crop:
    """A part of a photo to show, and why that one."""

    box: Box
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Wallpaper:
    """A photo that suits a screen, with the part to show."""

    photo: Photo
    score: float
    crop: Box
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class UtilityPhoto:
    """A photo that serves a purpose and is no memory: a receipt, a screenshot."""

    photo: Photo
    kind: str
    probability: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Files that show the same. kind: "exact" | "copy" | "burst" | "similar" (never called duplicate).

    `paths` includes `keep`. For "exact" they may be files of one photo.
    """

    id: str
    kind: str
    keep: Path
    paths: tuple[Path, ...]
    photo_ids: tuple[str, ...]  # the keeper's first
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class MergedGroup:
    """A group whose copies may be deleted, since all that only they had is now the keeper's: see `gathered`.

    The engine deletes nothing: `deletable` is a list for the person.
    """

    id: str
    kind: str  # "exact" | "copy"
    keep: Path
    deletable: tuple[Path, ...]
    gathered: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that the library knows and thinks of one photo. Without analysis its signals are None."""

    photo: Photo
    analysed: AnalysedPhoto | None
    utility_kind: str | None
    utility_probability: float
    utility_reasons: tuple[Reason, ...]
    quality_reasons: tuple[Reason, ...]
    shown: bool
    shown_reasons: tuple[Reason, ...]
    groups: tuple[DuplicateGroup, ...]
    memories: tuple[Memory, ...]
    nodes: tuple[str, ...]  # of the graph, that rest on this photo
    decisions: tuple[StoredDecision, ...]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One analyzer that is installed, or that is not any more and whose signals the library still has."""

    name: str
    version: str
    is_active: bool
    files: Mapping[str, Mapping[str, object]]  # file name -> sha256, bytes
    metrics: Mapping[str, object]
    is_installed: bool = True
    is_next: bool = False  # it takes over when it has seen the library
    analysed: int = 0  # photos of the library that it has seen


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `check` found wrong, and what it mended."""

    checked: tuple[str, ...]
    problems: tuple[str, ...]
    repaired: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong (any more)."""
        return len(self.problems) == len(self.repaired)


@dataclass(frozen=True, slots=True)
class JobRun:
    """One run of a scheduled job."""

    job: str
    started_utc: datetime
    seconds: float
    outcome: str  # "done" | "failed" | "skipped"
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class JobPlan:
    """What a library's daemon means to do about one of its jobs."""

    job: str
    next_utc: datetime | None = None  # None: it follows other jobs, or waits to be asked
    is_paused: bool = False
    is_asked: bool = False  # a person wants it now
    waits_for: str | None = None  # "on battery", "machine busy", ...: what holds it up


@dataclass(frozen=True, slots=True)
class LibraryStatus:
    """What a library holds, and what ran on it last. Counts are of photos, except `failed` and `videos`: files."""

    photos: int
    analysed: int
    failed: int
    pending: int
    gone: int
    videos: int
    model: str
    schema: str
    library: Path
    jobs: tuple[JobRun, ...]
    next_model: str | None = None  # it takes over when it has seen the library; None: no change is under way
    next_pending: int = 0  # photos that it has yet to see
    plans: tuple[JobPlan, ...] = ()
    failed_jobs: tuple[JobRun, ...] = ()  # the last few, the newest first
    is_tended: bool = False  # a daemon looks after it
    at_work: str | None = None  # the job that it is doing now


@dataclass(frozen=True, slots=True)
class ModelChange:
    """How far the next model of a library has come."""

    model: str
    analysed: int  # in this run
    pending: int
    failed: tuple[Failure, ...]  # in this run
    is_done: bool  # it has taken over


@dataclass(frozen=True, slots=True)
class Trip:
    """A stay away from home, as the graph inferred it."""

    node: str
    title: str
    start: datetime
    end: datetime
    places: tuple[str, ...]
    country_codes: tuple[str, ...]
    photo_ids: tuple[str, ...]
    confidence: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Interest:
    """What the person photographs more than most, with its strength on a given day."""

    node: str
    label: str
    strength: float
    photos: int
    on: date
    reasons: tuple[Reason, ...]
