"""Which of several files that show the same deserves to be kept, and which frame of a scene to be shown.

And what the kept one is given by the others, so that nothing is lost when a person deletes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import log, log2
from pathlib import Path
from typing import Any

from photos_engine.curation import Origin, assess_quality, has_camera_facts, read_origins
from photos_engine.errors import UsageError
from photos_engine.types import (
    AnalysedPhoto,
    Decision,
    DuplicateGroup,
    Gathered,
    PersonRegion,
    Photo,
    Reason,
    StoredDecision,
)

_FOLDER_MERIT: Mapping[Origin, float] = {
    Origin.CAMERA: 0.5,
    Origin.DOWNLOAD: -0.5,
    Origin.BACKUP: -1.0,
    Origin.MESSENGER: -1.0,
}
_COPY_NAME = re.compile(
    r"[ _-](?:copy|copie|kopie|copia|kopia|cópia)(?: ?\(?\d+\)?)?$|\(\d{1,2}\)$"
    r"|^(?:copy of|copie de|kopie von|copia di|copia de) ",
    re.IGNORECASE,
)
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
    return min(photo.paths, key=lambda path: (-_folder_merit(path), is_named_a_copy(path), len(path.parts), str(path)))


def is_named_a_copy(path: Path) -> bool:
    """Whether a file manager or a browser named it so: "IMG_1 copy", "IMG_1 (2)", "IMG_1 - Kopie", "Copy of IMG_1"."""
    return _COPY_NAME.search(path.stem) is not None


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


# --- giving the keeper what its copies have ---------------------------------------------------------

MERGED_KINDS = ("exact", "copy")
"""Only files of one picture: frames of a burst and similar photos are pictures of their own."""
_SAME_ASPECT = 0.01  # log ratio up to which a place in a copy is a place in the keeper
_CONTRADICTIONS = (
    frozenset({Decision.FAVOURITE, Decision.HIDE}),
    frozenset({Decision.FAVOURITE, Decision.FEATURE_LESS}),
)


def gather(
    group: DuplicateGroup, photos: Mapping[str, Photo], decisions: Sequence[StoredDecision]
) -> tuple[Gathered, ...]:
    """What the members of a group have and its keeper lacks, a record for each member that has any.

    photos: the members by id; decisions: on any of them. The newest decision goes first where two contradict one
    another, and none counts that contradicts the keeper's own. Raises: UsageError for a burst or similar photos.
    """
    if group.kind not in MERGED_KINDS:
        raise UsageError(f"{group.id} holds pictures of their own: only exact and copy groups can be merged")
    keeper, *copies = (photos[photo_id] for photo_id in group.photo_ids)
    carried = _carry_decisions(keeper, decisions)
    records = (
        Gathered(
            keeper_id=keeper.id,
            photo_id=copy.id,
            group_id=group.id,
            **_lacking(keeper, copy),
            decided=tuple(new for old, new in carried if old.subject == copy.id),
        )
        for copy in copies
    )
    return tuple(record for record in records if any(_contents(record)))


def describe_gathered(records: Sequence[Gathered], photos: Mapping[str, Photo]) -> tuple[Reason, ...]:
    """Say what a keeper was given, and by which file."""
    return tuple(
        Reason(code, 1.0, f"{text} comes from {photos[record.photo_id].path.name}.")
        for record in records
        for code, text in _name_contents(record)
    )


def _lacking(keeper: Photo, copy: Photo) -> dict[str, Any]:
    has, gives = keeper.facts, copy.facts
    known = {person.name for person in has.people}
    is_framed_alike = abs(log(copy.width_px * keeper.height_px / (copy.height_px * keeper.width_px))) <= _SAME_ASPECT
    return {
        "rating": gives.rating if (gives.rating or 0) > max(0, has.rating or 0) and has.rating != -1 else None,
        "title": None if has.title else gives.title,
        "caption": None if has.caption else gives.caption,
        "keywords": tuple(word for word in gives.keywords if word not in has.keywords),
        "people": tuple(
            person if is_framed_alike else PersonRegion(person.name)
            for person in gives.people
            if person.name not in known
        ),
    }


def _carry_decisions(keeper: Photo, decisions: Sequence[StoredDecision]) -> list[tuple[StoredDecision, StoredDecision]]:
    """The copies' decisions that the keeper lacks and that fit to its own, each beside what it is for the keeper."""
    held, carried = set(keeper.decisions), []
    for old in sorted(decisions, key=lambda d: d.decided_utc, reverse=True):
        what = old.decision
        fits = not any(what in pair and held & (pair - {what}) for pair in _CONTRADICTIONS)
        if old.subject != keeper.id and what is not Decision.NOT_DUPLICATE and what not in held and fits:
            held.add(what)
            carried.append((old, StoredDecision(keeper.id, "photo", what, old.decided_utc)))
    return carried


def _contents(record: Gathered) -> tuple[object, ...]:
    return (record.rating, record.title, record.caption, record.keywords, record.people, record.decided)


def _name_contents(record: Gathered) -> Iterator[tuple[str, str]]:
    if record.rating is not None:
        yield "rating", f"The rating {record.rating}"
    if record.title:
        yield "title", f"The title {record.title}"
    if record.caption:
        yield "caption", f"The caption {record.caption}"
    yield from (("keyword", f"The keyword {word}") for word in record.keywords)
    yield from (("person", f"The name {person.name}") for person in record.people)
    yield from (("decision", f"Your word {decided.decision.value}") for decided in record.decided)
