"""Which of several files that show the same deserves to be kept, and which frame of a scene to be shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log2
from pathlib import Path

from photos_engine.curation import Origin, assess_quality, has_camera_facts, read_origins
from photos_engine.types import AnalysedPhoto, Photo

_FOLDER_MERIT: Mapping[Origin, float] = {
    Origin.CAMERA: 0.5,
    Origin.DOWNLOAD: -0.5,
    Origin.BACKUP: -1.0,
    Origin.MESSENGER: -1.0,
}
MERIT_TEXTS: Mapping[str, str] = {
    "resolution": "It has the most pixels.",
    "camera_facts": "It still has its camera's data.",
    "recorded_date": "It still has its recorded date.",
    "gps": "It still has its place.",
    "raw": "It is the raw file.",
    "folder": "It lies where the camera put it, not among copies.",
    "quality": "It looks best.",
    "not_spoiled": "It is not spoiled.",
    "rating": "It has the best rating.",
    "favourite": "It is a favourite.",
    "bytes": "It is compressed least.",
}


def best_path(photo: Photo) -> Path:
    """Choose the file that stands for a content: the camera's folder before messengers and backups."""
    if len(photo.paths) == 1:
        return photo.paths[0]
    return min(photo.paths, key=lambda path: (-_folder_merit(path), len(path.parts), str(path)))


def _folder_merit(path: Path) -> float:
    return min((_FOLDER_MERIT[origin] for origin in read_origins(path) if origin in _FOLDER_MERIT), default=0.0)


def _file_merits(item: AnalysedPhoto) -> dict[str, float]:
    """What speaks for keeping this file among copies of one picture, in units of a doubling of its pixels.

    A copy loses pixels, then metadata, then bytes; what a person said about a copy can be carried over to
    the keeper, so that counts least.
    """
    photo, facts = item.photo, item.photo.facts
    return {
        "resolution": log2(max(1, photo.width_px * photo.height_px)),
        "camera_facts": 1.5 * has_camera_facts(photo),
        "recorded_date": 0.5 * photo.is_dated,
        "gps": 0.5 * (facts.gps is not None),
        "raw": 0.5 * (photo.format == "RAW"),
        "folder": _folder_merit(best_path(photo)),
        "quality": 0.5 * item.quality.overall,
        "rating": 0.1 * (facts.rating or 0),
        "favourite": 0.5 * photo.is_favourite,
        "bytes": 0.1 * log2(max(1, photo.size_bytes)),
    }


def _shot_merits(item: AnalysedPhoto) -> dict[str, float]:
    """What speaks for this frame among frames of one scene: the person's word, then how it came out."""
    photo = item.photo
    return {
        "favourite": 5.0 * photo.is_favourite,
        "rating": 1.0 * (photo.facts.rating or 0),
        "not_spoiled": 2.0 * (not assess_quality(item).is_spoiled),
        "quality": 3.0 * item.quality.overall,
        "resolution": 0.2 * log2(max(1, photo.width_px * photo.height_px)),
    }


def merits_of(kind: str) -> Callable[[AnalysedPhoto], dict[str, float]]:
    """Give what tells the merits of a photo, by name, in a group of a kind; their sum is its worth there."""
    return _file_merits if kind in ("exact", "copy") else _shot_merits
