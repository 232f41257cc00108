"""What the engine's answers look like as JSON: one place for every face, so that all of them say the same.

Each function takes an answer and returns plain values (dictionaries, lists, strings, numbers) in the
shape that docs/cli.md promises. Photos are their paths, times ISO 8601 with the photo's own offset,
boxes `[left, top, right, bottom]` between 0 and 1.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from photos_engine.types import (
    AnalysedPhoto,
    CheckReport,
    Crop,
    DuplicateGroup,
    Explanation,
    IndexReport,
    Interest,
    JobPlan,
    JobRun,
    LibraryStatus,
    Memory,
    MergedGroup,
    ModelInfo,
    Photo,
    RankedPhoto,
    Reason,
    SearchAnswer,
    Showing,
    StoredDecision,
    Suggestion,
    TagExport,
    Trip,
    UtilityPhoto,
    Wallpaper,
)

if TYPE_CHECKING:  # importing the graph takes longer than most answers
    from photos_engine.experiences.recommend import Taste
    from photos_engine.graph import KnownPerson, KnownPlace

Shape = dict[str, Any]


def encode_json(value: object, *, indent: int | None = None) -> bytes:
    r"""JSON as UTF-8, always valid: a byte of a path that is no UTF-8 becomes its lone surrogate, `\udcXX`.

    Python's `os.fsencode` turns such a path back into the file's own name.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent).encode("utf-8", "backslashreplace")


def as_plain(value: object) -> Any:
    """The nearest thing that JSON has to any value: records by their fields, None for what is not finite."""
    match value:
        case None | bool() | int() if not isinstance(value, Enum):
            return value
        case Enum():
            return value.value
        case float() | np.floating():
            return float(value) if math.isfinite(value) else None
        case np.integer() | np.ndarray():
            return as_plain(value.tolist())
        case date():  # datetime is one
            return value.isoformat()
        case Mapping():
            return {str(key): as_plain(item) for key, item in value.items()}
        case set() | frozenset():
            return sorted(map(as_plain, value))
        case PurePath():
            return os.fspath(value)
        case Sequence() if not isinstance(value, str):
            return [as_plain(item) for item in value]
    if is_dataclass(value):
        return {f.name: as_plain(getattr(value, f.name)) for f in fields(value)}
    return str(value)


def as_index_report(report: IndexReport) -> Shape:
    """What `index` found and did."""
    return {
        "found": report.found,
        "new": report.new,
        "changed": report.changed,
        "moved": report.moved,
        "gone": report.gone,
        "analysed": report.analysed,
        "videos": report.videos,
        "failed": [{"path": os.fspath(f.path), "error": f.error, "reason": f.reason} for f in report.failed],
        "seconds": round(report.seconds, 3),
        "photos_per_second": round(report.photos_per_second, 2),
    }


def as_status(status: LibraryStatus) -> Shape:
    """The library's counts, its model and schema, and of each job the last run and the plan.

    Jobs that haven't run yet are in `planned`; `daemon` says whether one is at work.
    """
    plans = {plan.job: plan for plan in status.plans}
    return {
        "photos": status.photos,
        "analysed": status.analysed,
        "failed": status.failed,
        "pending": status.pending,
        "gone": status.gone,
        "videos": status.videos,
        "model": status.model,
        "next_model": status.next_model,
        "next_pending": status.next_pending,
        "schema": status.schema,
        "library": os.fspath(status.library),
        "daemon": status.is_tended,
        "at_work": status.at_work,
        "jobs": [as_job_run(run) | _as_plan(plans.pop(run.job, JobPlan(run.job))) for run in status.jobs],
        "planned": [{"job": job} | _as_plan(plan) for job, plan in plans.items()],
        "photos_per_second": _analysis_rate(status),
        "last_errors": [
            {"job": run.job, "started": _as_time(run.started_utc)} | as_plain(run.detail) for run in status.failed_jobs
        ],
    }


def _as_plan(plan: JobPlan) -> Shape:
    """When a job runs next, and what holds it up."""
    following = None if plan.next_utc is None else _as_time(plan.next_utc)
    return {"next": following, "paused": plan.is_paused, "asked": plan.is_asked, "waits_for": plan.waits_for}


def _analysis_rate(status: LibraryStatus) -> float | None:
    """Photos a second of the last run that analysed any; None where none did."""
    for run in status.jobs:
        analysed = run.detail.get("analysed")
        if run.job == "analyse" and isinstance(analysed, int) and analysed and run.seconds > 0:
            return round(analysed / run.seconds, 2)
    return None


def as_job_run(run: JobRun) -> Shape:
    """One run of a scheduled job."""
    return {
        "job": run.job,
        "started": _as_time(run.started_utc),
        "seconds": round(run.seconds, 3),
        "outcome": run.outcome,
        "detail": as_plain(run.detail),
    }


def as_search_answer(answer: SearchAnswer) -> Shape:
    """The photos that answer a query, and how it was understood."""
    return {
        "query": answer.query,
        "stage": answer.stage,
        "understood": as_plain(answer.understood),
        "suggestions": list(answer.suggestions),
        "results": [
            {"path": _as_path(hit.photo), "id": hit.photo.id, **_as_judged(hit.score, hit.reasons)}
            for hit in answer.results
        ],
    } | ({"facets": {name: as_plain(counts) for name, counts in answer.facets.items()}} if answer.facets else {})


def as_suggestions(suggestions: Iterable[Suggestion]) -> Shape:
    """What someone who is typing may mean."""
    return {"suggestions": [as_plain(suggestion) for suggestion in suggestions]}


def as_tag_export(export: TagExport) -> Shape:
    """What an export of tags wrote and what it left alone."""
    return {
        "written": export.written,
        "unchanged": export.unchanged,
        "removed": export.removed,
        "refused": [{"path": os.fspath(f.path), "error": f.error, "reason": f.reason} for f in export.refused],
    }


def as_memories(memories: Iterable[Memory]) -> Shape:
    """Memories, each with its photos and their reasons."""
    return {"memories": [_as_memory(memory) for memory in memories]}


def _as_memory(memory: Memory) -> Shape:
    return {
        "id": memory.id,
        "kind": memory.kind,
        "title": memory.title,
        "subtitle": memory.subtitle,
        "start": _as_time(memory.start),
        "end": _as_time(memory.end),
        "cover": _as_path(memory.cover),
        "photos": [_as_path(photo) for photo in memory.photos],
        "music": {"mood": memory.music.mood, "energy": as_plain(memory.music.energy)},
        **_as_judged(memory.score, memory.reasons),
        "photo_reasons": {
            _as_path(photo): as_plain(memory.photo_reasons[photo.id])
            for photo in memory.photos
            if photo.id in memory.photo_reasons
        },
        "rejected": [{"id": r.photo_id, "reasons": as_plain(r.reasons)} for r in memory.rejected],
    }


def as_featured(photos: Iterable[RankedPhoto]) -> Shape:
    """The best of the library."""
    return {"photos": [{"path": _as_path(p.photo), "id": p.photo.id, **_as_judged(p.score, p.reasons)} for p in photos]}


def as_taste(taste: Taste) -> Shape:
    """What was learned of a person's liking, in a word."""
    return {
        "likes": taste.likes,
        "dislikes": taste.dislikes,
        "speaks": taste.weights is not None,
        "reasons": as_plain(taste.likes_most()),
    }


def as_taste_model(taste: Taste, model: str) -> Shape:
    """All that was learned: a logistic model over a model's embeddings, and how much more often tags are liked."""
    weights = None if taste.weights is None else as_plain(taste.weights)
    learned = {"model": model, "weights": weights, "bias": taste.bias, "tag_lifts": as_plain(taste.tag_lifts)}
    return {"format": 1, "likes": taste.likes, "dislikes": taste.dislikes, **learned}


def as_duplicates(groups: Iterable[DuplicateGroup]) -> Shape:
    """Groups of files that show the same."""
    return {"groups": [_as_group(group) for group in groups]}


def _as_group(group: DuplicateGroup) -> Shape:
    return {
        "id": group.id,
        "kind": group.kind,
        "keep": os.fspath(group.keep),
        "photos": [os.fspath(path) for path in group.paths],
        "reasons": as_plain(group.reasons),
    }


def as_merged(groups: Iterable[MergedGroup]) -> Shape:
    """Groups whose keepers have all that their copies had, and the files that may be deleted."""
    return {
        "merged": [
            {
                "id": group.id,
                "kind": group.kind,
                "keep": os.fspath(group.keep),
                "gathered": as_plain(group.gathered),
                "deletable": [os.fspath(path) for path in group.deletable],
            }
            for group in groups
        ]
    }


def as_utility(photos: Iterable[UtilityPhoto]) -> Shape:
    """Photos that serve a purpose."""
    return {
        "photos": [
            {
                "path": _as_path(p.photo),
                "id": p.photo.id,
                "kind": p.kind,
                "probability": as_plain(p.probability),
                "reasons": as_plain(p.reasons),
            }
            for p in photos
        ]
    }


def as_wallpapers(photos: Iterable[Wallpaper]) -> Shape:
    """Photos that suit a screen, with their crops."""
    return {
        "photos": [
            {
                "path": _as_path(p.photo),
                "id": p.photo.id,
                "score": as_plain(p.score),
                "crop": as_plain(p.crop),
                "reasons": as_plain(p.reasons),
            }
            for p in photos
        ]
    }


def as_crop(path: str | os.PathLike[str], crops: Sequence[Crop]) -> Shape:
    """The best crop of one photo, the first, with all that were asked for as its candidates."""
    shapes = [{"crop": as_plain(crop.box), **_as_judged(crop.score, crop.reasons)} for crop in crops]
    return {"path": os.fspath(path), **shapes[0], "candidates": shapes}


def as_decision(decision: StoredDecision) -> Shape:
    """One decision as the library keeps it."""
    return {
        "subject": decision.subject,
        "subject_kind": decision.subject_kind,
        "decision": decision.decision.value,
        "words": decision.words,
        "decided_utc": _as_time(decision.decided_utc),
    }


def as_showing(showing: Showing) -> Shape:
    """What a person did with a memory that came up."""
    return {"memory": showing.memory_id, "day": showing.day.isoformat(), "reaction": showing.reaction.value}


def as_explanation(explanation: Explanation) -> Shape:
    """Every fact, signal, membership and decision of one photo, with reasons."""
    photo = explanation.photo
    return {
        **_as_photo(photo),
        "signals": _as_signals(explanation.analysed),
        "utility": {
            "kind": explanation.utility_kind,
            "probability": as_plain(explanation.utility_probability),
            "reasons": as_plain(explanation.utility_reasons),
        },
        "quality_reasons": as_plain(explanation.quality_reasons),
        "shown": explanation.shown,
        "shown_reasons": as_plain(explanation.shown_reasons),
        "groups": [_as_group(group) for group in explanation.groups],
        "memories": [
            {"id": m.id, "kind": m.kind, "title": m.title, "reasons": as_plain(m.photo_reasons.get(photo.id, ()))}
            for m in explanation.memories
        ],
        "nodes": list(explanation.nodes),
        "decisions": [as_decision(decision) for decision in explanation.decisions],
    }


def _as_photo(photo: Photo) -> Shape:
    return {
        "path": _as_path(photo),
        "id": photo.id,
        "paths": as_plain(photo.paths),
        "gone": photo.is_gone,
        "format": photo.format,
        "size_bytes": photo.size_bytes,
        "width_px": photo.width_px,
        "height_px": photo.height_px,
        "video": as_plain(photo.video_path),
        "facts": as_plain(photo.facts),
        "place": as_plain(photo.place),
    }


def _as_signals(analysed: AnalysedPhoto | None) -> Shape | None:
    if analysed is None:
        return None
    strongest_first = sorted(analysed.tags.items(), key=lambda tag: -tag[1])
    return {
        "tags": as_plain(dict(strongest_first)),
        "utility": as_plain(analysed.utility),
        "quality": as_plain(analysed.quality),
        "aesthetics": as_plain(analysed.aesthetics),
        "objects": [as_plain(found) for found in analysed.objects],
        "print": analysed.print.hex(),
    }


def as_people(people: Iterable[KnownPerson]) -> Shape:
    """Everybody whom the photos' metadata name."""
    return {"people": as_plain(list(people))}


def as_places(places: Iterable[KnownPlace]) -> Shape:
    """Every city, region and country with photographs."""
    return {"places": as_plain(list(places))}


def as_trips(trips: Iterable[Trip]) -> Shape:
    """Every stay away from home."""
    return {"trips": as_plain(list(trips))}


def as_interests(interests: Iterable[Interest]) -> Shape:
    """What the person photographs more than most."""
    return {"interests": as_plain(list(interests))}


def as_models(models: Iterable[ModelInfo]) -> Shape:
    """The analyzers that are installed, or whose signals the library has."""
    return {
        "models": [
            {
                "name": m.name,
                "version": m.version,
                "active": m.is_active,
                "next": m.is_next,
                "installed": m.is_installed,
                "analysed": m.analysed,
                "files": as_plain(m.files),
                "metrics": as_plain(m.metrics),
            }
            for m in models
        ]
    }


def as_check_report(report: CheckReport) -> Shape:
    """What is wrong with the library, and what was mended."""
    return {
        "clean": report.is_clean,
        "checked": list(report.checked),
        "problems": list(report.problems),
        "repaired": list(report.repaired),
    }


def _as_judged(score: float, reasons: Sequence[Reason]) -> Shape:
    return {"score": as_plain(score), "reasons": as_plain(reasons)}


def _as_path(photo: Photo) -> str:
    return os.fspath(photo.path)


def _as_time(when: datetime) -> str:
    return when.isoformat()
