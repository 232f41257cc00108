"""What the engine makes of a scripted life, against the truth that the script wrote beside its pictures.

    python benchmarks/memories.py --life ./life --life ./life2
    python benchmarks/memories.py --data DATA --seeds 1 2 3 4 5 --photos 3000 --keep ./kept
    python benchmarks/memories.py --life ./life --keep ./kept --scale 50000 --load 500000

The first form takes libraries that `scripted_life.py` has written; the second plays them first, with the
script beside the data folder. Each is indexed into a new library, so that the whole engine is measured.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shutil
import subprocess
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from enlarged import write_photos
from scripted import (
    Truth,
    add_life_options,
    days_between,
    enlarge,
    library_of,
    lives,
    print_figures,
    share,
    workplace,
)

from photos_engine import PhotosEngine
from photos_engine.analyzers import Taxonomy
from photos_engine.graph import build_graph
from photos_engine.models.corpus import list_captioned
from photos_engine.types import Memory, Snapshot

A_NIGHT = 200  # new photos
OF_YEARS = frozenset({"concept", "person", "pet", "place_over_years", "theme"})  # whose subtitle names years

Captions = Mapping[str, frozenset[str]]

# Themes of the script in which a concept's scene is to be found; a photo of another theme may still show it.
THEMES_OF_CONCEPT: Mapping[str, frozenset[str]] = {
    "around_a_table": frozenset({"table", "christmas"}),
    "looking_out_over_the_sea": frozenset({"beach", "sea", "sunset", "lake"}),
    "on_top_of_the_world": frozenset({"mountain", "glacier", "snow"}),
    "dogs_at_play": frozenset({"pet"}),
    "snow_play": frozenset({"snow", "mountain"}),
    "splashing_about": frozenset({"pool", "lake", "beach", "sea", "park"}),
}

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


def distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    x = math.radians(b[1] - a[1]) * math.cos(math.radians((a[0] + b[0]) / 2))
    return 6371.0 * math.hypot(x, math.radians(b[0] - a[0]))


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


def judge_memories(memories: Iterable[Memory], truth: Truth, told: Captions) -> dict[str, Any]:
    """What is in the memories and should not be; whether titles and themes are true.

    told: by a source's name, what its captions speak of. They have a say beside the script's themes, which know one
    thing of each picture: that of a cyclist in a forest may well be in a memory of forests.
    """
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
    confirmed = [
        is_shown
        for memory in memories
        if memory.kind == "theme"
        for photo in memory.photos
        if (is_shown := shows(memory.id.rpartition(":")[2], truth.of(photo), told)) is not None
    ]
    scenes = [
        truth.of(photo)["theme"] in THEMES_OF_CONCEPT[concept]
        for memory in memories
        if memory.kind == "concept" and (concept := memory.id.rpartition(":")[2]) in THEMES_OF_CONCEPT
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
        "theme_photos_confirmed": share(sum(confirmed), len(confirmed)),
        "concept_photos_of_a_fitting_theme": share(sum(scenes), len(scenes)),
        "titles_untrue": untrue,
    }


def shows(tag: str, facts: Mapping[str, Any], told: Captions) -> bool | None:
    """Whether a photo shows a thing, by its theme or its captions; None where neither can tell."""
    if facts["theme"] in THEMES_OF_TAG.get(tag, frozenset()):
        return True
    spoken = told.get(Path(facts["source"]).stem)
    return None if spoken is None else tag in spoken


def read_captions(data: Path | None) -> Captions:
    """What the captions of each picture of a data folder speak of; nothing without one."""
    taxonomy = Taxonomy.load()
    return {
        picture.path.stem: frozenset[str]().union(*map(taxonomy.in_caption, picture.captions))
        for picture in (list_captioned(data) if data else ())
    }


def is_true(memory: Memory, truth: Truth) -> bool:
    """Whether what the title and dates say holds for every photo, as far as the truth tells."""
    taken = [truth.taken(photo) for photo in memory.photos]
    events = [truth.of(photo).get("event", "") for photo in memory.photos]
    if (min(taken), max(taken)) != (memory.start, memory.end):
        return False
    if memory.kind in OF_YEARS:
        spoken = set(map(int, re.findall(r"\d{4}", memory.subtitle)))
        if not {min(taken).year, max(taken).year} <= spoken <= {time.year for time in taken}:
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


def judge(engine: PhotosEngine, truth: Truth, told: Captions = MappingProxyType({})) -> dict[str, Any]:
    """Every figure of one indexed life, by section."""
    started = time.perf_counter()
    graph = judge_graph(engine, truth)
    built = time.perf_counter()
    memories = judge_memories(engine.memories(), truth, told)
    made = time.perf_counter()
    on = truth.last_day() + timedelta(1)
    of_day = engine.memories(on=on)
    return {
        "graph": {**graph, "seconds": round(built - started, 2)},
        "memories": {
            **memories,
            "seconds": round(made - built, 2),
            "on_a_day": [f"{memory.kind}: {memory.title}" for memory in of_day],
            "same_twice": of_day == engine.memories(on=on),
        },
    }


def measure_scale(snapshot: Snapshot, count: int, folder: Path) -> dict[str, Any]:
    """Processor seconds for a full refresh of a large library, and for the one after a night's new photos.

    They are those of one core, however busy the machine is, of processes that start anew and end: imports, reading and
    writing are in them.
    """
    large = enlarge(snapshot, count)
    library = folder / f"large-{count}.library"
    on = large.photos[-1].photo.taken.date()
    shutil.rmtree(library, ignore_errors=True)
    write_photos(library, large.photos[:-A_NIGHT], large.embeddings[:-A_NIGHT])
    full = refresh_anew(library, on)
    write_photos(library, large.photos[-A_NIGHT:], large.embeddings[-A_NIGHT:])
    night = refresh_anew(library, on)
    again = refresh_anew(library, on)
    return {"photos": count, "cpu_s_full": full, "cpu_s_after_a_night": night, "cpu_s_when_nothing_is_new": again}


def refresh_anew(library: Path, on: date) -> dict[str, float]:
    """Processor seconds of a new process that brings a library up to date, by part."""
    arguments = [sys.executable, "-c", REFRESH, str(library), on.isoformat()]
    figures: dict[str, float] = json.loads(subprocess.run(arguments, check=True, capture_output=True).stdout)
    return figures


REFRESH = """
import json, sys, time
from datetime import date
from photos_engine import PhotosEngine

parts = {"imports": time.process_time()}
on = date.fromisoformat(sys.argv[2])
with PhotosEngine.open(sys.argv[1]) as engine:
    engine.graph
    parts["graph"] = time.process_time()
    engine.refresh(today=on)
    parts["memories"] = time.process_time()
ended = time.process_time()
began = [0, *parts.values()]
figures = {name: round(end - start, 2) for (name, end), start in zip(parts.items(), began)}
print(json.dumps({**figures, "all": round(ended, 2)}))
"""


def measure_load(snapshot: Snapshot, count: int, folder: Path) -> dict[str, Any]:
    """How long a new process takes to read the graph of a large library, and how much memory the graph takes in it."""
    large, tags = enlarge(snapshot, count), {tag.id: tag for tag in Taxonomy.load().tags}
    path = folder / f"graph-{count}.json.gz"
    build_graph(large, tags).save(path)
    arguments = [str(path), large.model, str(large.revision)]
    answer = subprocess.run([sys.executable, "-c", READ_GRAPH, *arguments], check=True, capture_output=True).stdout
    return {"photos": len(large.photos), "file_mb": round(path.stat().st_size / 1e6, 1), **json.loads(answer)}


READ_GRAPH = """
import json, sys, time
from pathlib import Path
import psutil
from photos_engine.graph import PersonalGraph

before = psutil.Process().memory_info().rss
started = time.process_time()
graph = PersonalGraph.load(Path(sys.argv[1]), model=sys.argv[2], revision=int(sys.argv[3]))
seconds = time.process_time() - started
held = psutil.Process().memory_info().rss - before
figures = {"nodes": len(graph), "edges": graph.view.number_of_edges()}
print(json.dumps({**figures, "load_cpu_s": round(seconds, 2), "resident_mb": round(held / 1e6)}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_life_options(parser)
    parser.add_argument("--scale", type=int, default=0, help="also refresh a library enlarged to so many photos")
    parser.add_argument("--load", type=int, default=0, help="also read the graph of a library of so many photos")
    parser.add_argument("--captions", type=Path, metavar="DATA", help="the folder whose captions tell more of pictures")
    options = parser.parse_args()
    told = read_captions(options.captions or options.data)
    with workplace(options) as folder:
        for life in lives(options, folder):
            with PhotosEngine.open(library_of(life, folder)) as engine:
                report = engine.index([life])
                figures = {"life": {"folder": life, "analysed": report.analysed}, **judge(engine, Truth(life), told)}
                if options.scale:
                    figures["scale"] = measure_scale(engine.snapshot(), options.scale, folder)
                if options.load:
                    figures["load"] = measure_load(engine.snapshot(), options.load, folder)
            print_figures(figures, as_json=options.json)


if __name__ == "__main__":
    main()
