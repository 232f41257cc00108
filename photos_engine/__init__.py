"""photos-engine: the private, on-device engine behind a photo application.

    from photos_engine import PhotosEngine

    with PhotosEngine.open() as engine:
        engine.index(["~/Pictures"])
        for memory in engine.memories():
            print(memory.title, memory.cover.path)

`__all__` is the public API; everything else may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from photos_engine.errors import (
    ChecksumMismatch,
    ConfigError,
    DecodeError,
    ImageTooLarge,
    IntegrityFailure,
    MemoryNotFound,
    ModelError,
    ModelNotFound,
    NotFound,
    OutputMismatch,
    PhotoError,
    PhotoNotFound,
    PhotosEngineError,
    SchemaTooNew,
    StoreError,
    StoreLocked,
    Unreadable,
    UnsupportedFormat,
    UsageError,
    VectorIndexError,
    WrongDimension,
    WrongModel,
)
from photos_engine.types import (
    AnalysedPhoto,
    CaptureFacts,
    CheckReport,
    Crop,
    DateSource,
    Decision,
    DetectedObject,
    DuplicateGroup,
    Explanation,
    FacetCount,
    Failure,
    GeoPoint,
    IndexReport,
    Interest,
    JobRun,
    LibraryStatus,
    Memory,
    MergedGroup,
    ModelChange,
    ModelInfo,
    Music,
    PersonRegion,
    Photo,
    Place,
    Progress,
    QualitySignals,
    RankedPhoto,
    Reaction,
    Reason,
    RejectedPhoto,
    SceneSignals,
    SearchAnswer,
    SearchHit,
    Showing,
    Snapshot,
    Stack,
    StoredDecision,
    Suggestion,
    Tag,
    TagExport,
    Trip,
    UtilityPhoto,
    Wallpaper,
    ZoneSource,
)

if TYPE_CHECKING:
    from photos_engine.engine import PhotosEngine

__version__ = "0.1.0"

__all__ = [
    "AnalysedPhoto",
    "CaptureFacts",
    "CheckReport",
    "ChecksumMismatch",
    "ConfigError",
    "Crop",
    "DateSource",
    "Decision",
    "DecodeError",
    "DetectedObject",
    "DuplicateGroup",
    "Explanation",
    "FacetCount",
    "Failure",
    "GeoPoint",
    "ImageTooLarge",
    "IndexReport",
    "IntegrityFailure",
    "Interest",
    "JobRun",
    "LibraryStatus",
    "Memory",
    "MemoryNotFound",
    "MergedGroup",
    "ModelChange",
    "ModelError",
    "ModelInfo",
    "ModelNotFound",
    "Music",
    "NotFound",
    "OutputMismatch",
    "PersonRegion",
    "Photo",
    "PhotoError",
    "PhotoNotFound",
    "PhotosEngine",
    "PhotosEngineError",
    "Place",
    "Progress",
    "QualitySignals",
    "RankedPhoto",
    "Reaction",
    "Reason",
    "RejectedPhoto",
    "SceneSignals",
    "SchemaTooNew",
    "SearchAnswer",
    "SearchHit",
    "Showing",
    "Snapshot",
    "Stack",
    "StoreError",
    "StoreLocked",
    "StoredDecision",
    "Suggestion",
    "Tag",
    "TagExport",
    "Trip",
    "Unreadable",
    "UnsupportedFormat",
    "UsageError",
    "UtilityPhoto",
    "VectorIndexError",
    "Wallpaper",
    "WrongDimension",
    "WrongModel",
    "ZoneSource",
    "__version__",
]


def __getattr__(name: str) -> Any:
    # The engine brings every room along. Decoding processes import this package and need none of them.
    if name == "PhotosEngine":
        from photos_engine.engine import PhotosEngine

        return PhotosEngine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
