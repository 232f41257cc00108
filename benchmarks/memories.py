"""What the engine makes of a scripted life, against the truth that the script wrote beside its pictures.

    python benchmarks/memories.py --life ./life --life ./life2
    python benchmarks/memories.py --data ../shared/data --seeds 1 2 3 --photos 1500

The first form takes libraries that `scripted_life.py` has written; the second plays them first, with the
script beside the data folder. Each is indexed into a new library, so that the whole engine is measured.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

from photos_engine import PhotosEngine
from photos_engine.analyzers import Taxonomy
from photos_engine.experiences.memories import make_memories
from photos_engine.graph import build_graph
from photos_engine.types import AnalysedPhoto, Memory, Photo, Snapshot, Tag

# Themes of the script that a tag may be told by; a photo of another theme is a stranger in its memory.
THEMES_OF_TAG: Mapping[str, frozenset[str]] = {
    "dog": frozenset({"pet"}),
    "beach": frozenset({"beach", "sea"}),
    "sea": frozenset({"sea", "beach", "sunset"}),
    "snow": frozenset({"snow", "mountain", "glacier"}),
    "skiing": frozenset({"snow"}),
    "mountain": frozenset({"mountain", "glacier", "snow", "lake"}),
    "glacier": frozenset({"glacier", "mountain", "snow"}),
    "forest": frozenset({"forest"}),
    "soccer": frozenset({"soccer"}),
    "basketball": frozenset({"basketball"}),
    "cycling": frozenset({"bike"}),
    "mountain_biking": frozenset({"bike"}),
    "swimming_pool": frozenset({"pool"}),
    "swimming": frozenset({"pool", "lake", "beach"}),
    "baby": frozenset({"baby"}),
    "sunset": frozenset({"sunset"}),
    "sunrise": frozenset({"sunset"}),
    "dinner_table": frozenset({"table", "christmas"}),
    "christmas": frozenset({"christmas"}),
    "christmas_tree": frozenset({"christmas"}),
    "halloween": frozenset({"halloween"}),
    "costume": frozenset({"halloween"}),
}


class Truth:
    """The truth file of a scripted life, with the questions that the figures ask of it."""

    def __init__(self, life: Path) -> None:
        self.life = life.resolve()
        content: dict[str, Any] = json.loads((life / "truth.json").read_text(encoding="utf-8"))
        self.home: tuple[float, float] = tuple(content["home"]["gps"])
        self.trips: list[dict[str, Any]] = content["trips"]
        self.celebrations: list[dict[str, Any]] = content["celebrations"]
        self.photos: dict[str, dict[str, Any]] = content["photos"]

    def of(self, photo: Photo) -> dict[str, Any]:
        """The facts of a photo by whichever of its files the truth calls an original."""
        known = [self.photos[str(path.relative_to(self.life))] for path in photo.paths]
        return min(known, key=lambda facts: "duplicate_of" in facts)

    def taken(self, photo: Photo) -> datetime:
        """When a photo was truly taken, in its zone."""
        facts = self.of(photo)
        return datetime.fromisoformat(facts["taken"]).replace(tzinfo=timezone(timedelta(hours=facts["offset_h"])))

    def shutter_press(self, photo: Photo) -> str:
        """What copies, frames and failed twins of one press of the shutter have in common."""
        facts = self.of(photo)
        own = str(photo.path.relative_to(self.life))
        return str(facts.get("duplicate_of") or facts.get("burst") or facts.get("spoils") or own)

    def trip_days(self) -> dict[date, str]:
        """Each day of each trip, and the place."""
        return {
            day: trip["place"]
            for trip in self.trips
            for day in days_between(date.fromisoformat(trip["start"]), date.fromisoformat(trip["end"]))
        }


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(n) for n in range((last - first).days + 1)]


def distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    x = math.radians(b[1] - a[1]) * math.cos(math.radians((a[0] + b[0]) / 2))
    return 6371.0 * math.hypot(x, math.radians(b[0] - a[0]))


def share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def names(title: str, place: str | None) -> bool:
    """Whether a title names a place, whatever the accents: Chamonix-Mont-Blanc names Chamonix."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", title) if not unicodedata.combining(c))
    return place is not None and place in plain


def judge_graph(engine: PhotosEngine, truth: Truth) -> dict[str, Any]:
    """Home, trips and celebrations of the graph against the truth."""
    graph = engine.graph
    homes = graph.homes()
    point = homes[-1].point if homes else None
    true_days = truth.trip_days()
    found_days = {day for trip in graph.trips() for day in days_between(trip.start.date(), trip.end.date())}
    hits = found_days & set(true_days)
    named = [
        trip
        for trip in graph.trips()
        if any(names(trip.title, true_days.get(d)) for d in days_between(trip.start.date(), trip.end.date()))
    ]
    feasts = {(feast["kind"], date.fromisoformat(feast["date"]).year) for feast in truth.celebrations}
    found = {(c.slug, c.day.year) for c in graph.celebrations()}
    return {
        "home_km": round(distance_km((point.latitude, point.longitude), truth.home), 2) if point else None,
        "homes": len(homes),
        "trips_true": len(truth.trips),
        "trips_found": len(graph.trips()),
        "trip_days_precision": share(len(hits), len(found_days)),
        "trip_days_recall": share(len(hits), len(true_days)),
        "trips_named_truly": share(len(named), len(graph.trips())),
        "days_out_found": len(graph.days_out()),
        "celebrations_recall": share(len(found & feasts), len(feasts)),
        "celebrations_precision": share(len(found & feasts), len(found)),
    }


def judge_memories(memories: Iterable[Memory], truth: Truth) -> dict[str, Any]:
    """What is in the memories and should not be; whether titles and themes are true."""
    memories = tuple(memories)
    shown = [photo for memory in memories for photo in memory.photos]
    utility = {p.id for p in shown if truth.of(p)["kind"] != "photo"}
    spoiled = {p.id for p in shown if truth.of(p)["quality"] != "ok"}
    again = sum(
        n - 1 for memory in memories for n in Counter(truth.shutter_press(photo) for photo in memory.photos).values()
    )
    pets = [photo for memory in memories if memory.kind == "pet" for photo in memory.photos]
    themed = [
        truth.of(photo)["theme"] in THEMES_OF_TAG[tag]
        for memory in memories
        if memory.kind == "theme" and (tag := memory.id.rpartition(":")[2]) in THEMES_OF_TAG
        for photo in memory.photos
    ]
    untrue = [f"{m.id}: {m.title}" for m in memories if not is_true(m, truth)]
    return {
        "memories": len(memories),
        "kinds": dict(sorted(Counter(memory.kind for memory in memories).items())),
        "photos_shown": len({photo.id for photo in shown}),
        "utility_shown": len(utility),
        "spoiled_shown": len(spoiled),
        "second_copies_or_frames": again,
        "pet_memories": sum(memory.kind == "pet" for memory in memories),
        "pet_photos_true": share(sum(truth.of(photo)["theme"] == "pet" for photo in pets), len(pets)),
        "theme_photos_true": share(sum(themed), len(themed)),
        "titles_untrue": untrue,
    }


def is_true(memory: Memory, truth: Truth) -> bool:
    """Whether what the title and dates say holds for every photo, as far as the truth tells."""
    taken = [truth.taken(photo) for photo in memory.photos]
    events = [truth.of(photo).get("event", "") for photo in memory.photos]
    if (min(taken), max(taken)) != (memory.start, memory.end):
        return False
    if memory.kind in ("trip", "day_out"):
        # A title names a place only if most of the photos are of it.
        at_place = [event for event in events if event.startswith("trip-") and names(memory.title, event.split("-")[1])]
        return 2 * len(at_place) > len(events)
    if memory.kind == "place_over_years":
        return all(event.startswith("trip-") and names(memory.title, event.split("-")[1]) for event in events)
    if memory.kind == "celebration":
        on_feast = [event for event in events if event and event.split("-")[0] in memory.id]
        return 2 * len(on_feast) > len(events)
    if memory.kind == "year_in_review":
        return all(str(time.year) in memory.title for time in taken)
    return True


def measure(life: Path, scale: int) -> dict[str, Any]:
    """Index one scripted life into a new library and judge what comes of it."""
    truth = Truth(life)
    on = max(datetime.fromisoformat(facts["taken"]).date() for facts in truth.photos.values()) + timedelta(1)
    with tempfile.TemporaryDirectory() as folder, PhotosEngine.open(Path(folder) / "library") as engine:
        report = engine.index([life])
        started = time.perf_counter()
        graph = judge_graph(engine, truth)
        seconds_graph = time.perf_counter() - started
        started = time.perf_counter()
        memories = engine.memories()
        seconds_memories = time.perf_counter() - started
        of_day = engine.memories(on=on)
        tags = {tag.id: tag for tag in Taxonomy.load().tags}
        return {
            "life": str(life),
            "indexed": report.analysed,
            "failed": len(report.failed),
            **graph,
            **judge_memories(memories, truth),
            "same_twice": of_day == engine.memories(on=on),
            "on_a_day": [f"{memory.kind}: {memory.title}" for memory in of_day],
            "seconds_graph": round(seconds_graph, 2),
            "seconds_memories": round(seconds_memories, 2),
            **(measure_scale(engine.snapshot(), tags, scale) if scale else {}),
        }


def enlarge(snapshot: Snapshot, count: int) -> Snapshot:
    """A library of so many photos: the same life again and again, earlier each time, seen a little differently."""
    rng = np.random.default_rng(1)
    span = snapshot.photos[-1].photo.taken - snapshot.photos[0].photo.taken
    weeks = math.ceil(span.days / 7) + 1
    photos: list[AnalysedPhoto] = []
    vectors = []
    for n in range(-(-count // len(snapshot.photos)) - 1, -1, -1):
        back = timedelta(weeks=weeks * n)
        for item in snapshot.photos:
            facts = replace(item.photo.facts, taken=item.photo.taken - back)
            stack = item.stack and replace(
                item.stack, keeper_id=f"{item.stack.keeper_id}-{n}", group_id=f"{item.stack.group_id}-{n}"
            )
            photo = replace(item.photo, id=f"{item.photo.id}-{n}", key=len(photos), facts=facts)
            photos.append(replace(item, photo=photo, stack=stack))
        noisy = snapshot.embeddings + rng.normal(0, 0.01, snapshot.embeddings.shape).astype(np.float32)
        vectors.append(noisy / np.linalg.norm(noisy, axis=1, keepdims=True))
    return replace(snapshot, photos=tuple(photos), embeddings=np.concatenate(vectors))


def measure_scale(snapshot: Snapshot, tags: Mapping[str, Tag], count: int) -> dict[str, Any]:
    """Processor seconds for a full refresh of a large library: those of one core, however busy the machine is."""
    large = enlarge(snapshot, count)
    started = time.process_time()
    graph = build_graph(large, tags)
    built = time.process_time()
    memories = make_memories(large, graph, tags, on=large.photos[-1].photo.taken.date())
    done = time.process_time()
    return {
        "scale_photos": len(large.photos),
        "scale_nodes": len(graph),
        "scale_memories": len(memories),
        "scale_cpu_s_graph": round(built - started, 2),
        "scale_cpu_s_memories": round(done - built, 2),
    }


def play(data: Path, seed: int, photos: int, out: Path) -> Path:
    """Let the script beside the data folder write a life."""
    script = data.resolve().parent / "tools" / "scripted_life.py"
    options = ["--data", data, "--out", out, "--seed", seed, "--photos", photos]
    subprocess.run([sys.executable, str(script), *map(str, options)], check=True, stdout=sys.stderr)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--life", type=Path, action="append", help="a folder that scripted_life.py has written")
    source.add_argument("--data", type=Path, help="the folder with the pictures; the script lies in ../tools")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--photos", type=int, default=1500)
    parser.add_argument("--scale", type=int, default=0, help="also refresh a library enlarged to so many photos")
    parser.add_argument("--json", action="store_true", help="one JSON object a life")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lives = options.life or (
            play(options.data, seed, options.photos, Path(folder) / f"seed{seed}") for seed in options.seeds
        )
        for life in lives:
            figures = measure(life, options.scale)
            if options.json:
                print(json.dumps(figures))
            else:
                print("\n".join(f"{name:26} {value}" for name, value in figures.items()), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
