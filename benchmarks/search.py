"""How well and how fast search answers, on photographs whose truth is known.

    python benchmarks/search.py --data DATA --library LIBRARY
    python benchmarks/search.py --data DATA --library LIBRARY --life LIFE     sixty composed queries
    python benchmarks/search.py --library LIBRARY --scale 100000 1000000      speed, beside its twins

Indexes the captioned `dev` photographs (never trained on) into a library, asks, and compares with what
people wrote under them: a photo shows a thing when two of its five captions name it, and doesn't when
none does; one caption leaves it open, and such photos count for neither side.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from composed import ask_composed
from phrases import ask_phrases, collect
from scripted import Truth as Life
from search_scale import MOST_FOR_GRAPH, measure_scale

from photos_engine import PhotosEngine
from photos_engine.analyzers import Taxonomy
from photos_engine.models.corpus import list_captioned

# Things that people who describe a picture hardly ever leave out.
THERE = (
    "dog, beach, snow, soccer, bicycle, skateboard, horse, basketball, swimming pool, motorcycle, baby, surfing, "
    "mountain, tennis, boat, skiing, guitar, swing, trampoline, climbing, football, wedding, camera, tent, snowboard, "
    "cat, bus, fountain, kayak, sunset"
)
# Phrases that no tag names, each with words that captions of such a photo have (all of them).
PHRASES: Mapping[str, Sequence[str]] = {
    "children playing in water": (r"child|kids|boys?\b|girls?\b", r"water|pool|ocean|fountain|sprinkler"),
    "a dog running through grass": (r"\bdog", r"run", r"grass|field"),
    "two dogs fighting over a toy": (r"dogs", r"toy|play|fight|stick|ball"),
    "man riding a wave": (r"surf|wave",),
    "people sitting around a table": (r"sit|eat", r"table|restaurant"),
    "a child on a slide": (r"slide",),
    "someone jumping off a ramp": (r"jump|air|trick|ramp", r"bike|skateboard|bicycle|ramp"),
    "a climber on a cliff": (r"climb", r"rock|cliff|mountain|wall"),
    "football players in red uniforms": (r"football|soccer|player", r"red"),
    "a girl blowing bubbles": (r"bubble",),
}
# Things in none of the captions; those that one has after all are left out.
ABSENT = (
    "giraffe, elephant, zebra, penguin, kangaroo, lighthouse, airplane, helicopter, submarine, volcano, violin, piano, "
    "microscope, chess board, pyramid, windmill, astronaut, tractor, spider, snake, owl, peacock, sushi, lasagna, "
    "washing machine, x-ray, stethoscope, passport, menorah, snowmobile, igloo, cactus, accordion, jellyfish, lobster, "
    "telescope, bulldozer, cathedral organ, hot air balloon, solar eclipse, northern lights, oil painting, coral reef, "
    "newborn in hospital, graduation ceremony, tax form, circuit board, dinosaur skeleton, bonsai, typewriter"
)
CAPTIONS = 250  # asked as queries


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one query returned against the truth: photos that show it, that don't; all that do; all with any mention."""

    query: str
    stage: str
    right: int
    wrong: int
    there: int
    named: int


Truth = Callable[[Sequence[str]], int]
"""How many of a photo's captions name the thing."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder of evaluation pictures")
    parser.add_argument(
        "--library", type=Path, required=True, help="where the library is made, or lies from a run before"
    )
    parser.add_argument("--verbose", action="store_true", help="print every query")
    parser.add_argument("--life", type=Path, help="what scripted_life.py has written, for composed queries about it")
    parser.add_argument("--scale", type=int, nargs="+", metavar="PHOTOS", help="measure libraries of these sizes")
    parser.add_argument("--peers", type=Path, help="with --scale: a folder for towers of CLIP's shape, to compare")
    parser.add_argument(
        "--most-for-graph", type=int, default=MOST_FOR_GRAPH, help="with --scale: build HNSW up to this size"
    )
    arguments = parser.parse_args()
    if arguments.scale:
        measure_scale(arguments.library, arguments.scale, arguments.peers, arguments.most_for_graph)
        return 0
    if arguments.data is None:
        parser.error("--data is needed")
    if arguments.life:
        truth = Life(arguments.life)
        captions = {p.path.stem: p.captions for p in list_captioned(arguments.data)}
        with PhotosEngine.open(arguments.library) as engine:
            report = engine.index([truth.life])
            print(f"library: {report.found} photographs, {report.analysed} analysed in {report.seconds:.0f} s")
            ask_composed(engine, truth, captions, verbose=arguments.verbose)
        return 0
    captions = {p.path.stem: p.captions for p in list_captioned(arguments.data) if p.held_out}
    if not captions:
        print(f"{arguments.data} has no captioned dev photographs", file=sys.stderr)
        return 1
    with PhotosEngine.open(arguments.library) as engine:
        report = engine.index([p.path for p in list_captioned(arguments.data) if p.held_out])
        print(f"library: {report.found} photographs, {report.analysed} analysed in {report.seconds:.0f} s")
        ask(engine, captions, arguments.data, verbose=arguments.verbose)
    return 0


def ask(engine: PhotosEngine, captions: Mapping[str, Sequence[str]], data: Path, *, verbose: bool) -> None:
    taxonomy = Taxonomy.load()
    there = [measure(engine, captions, query, names(query, taxonomy)) for query in THERE.split(", ")]
    there = [outcome for outcome in there if outcome.there >= 3]
    phrases = [measure(engine, captions, query, says_all(patterns)) for query, patterns in PHRASES.items()]
    absent = [measure(engine, captions, query, names(query, taxonomy)) for query in ABSENT.split(", ")]
    absent = [outcome for outcome in absent if not outcome.named]
    for title, outcomes in (("things that are there", there), ("phrases", phrases)):
        right, wrong, wanted = (sum(getattr(o, f) for o in outcomes) for f in ("right", "wrong", "there"))
        print(
            f"{title}: {len(outcomes)} queries, wrong among the returned {wrong / max(right + wrong, 1):.1%}, "
            f"recall {right / max(wanted, 1):.1%}, without an answer {sum(o.stage == 'none' for o in outcomes)}"
        )
    nothing = sum(o.stage == "none" for o in absent)
    print(f"things that are not there: {len(absent)} queries, answered none {nothing / max(len(absent), 1):.1%}")
    listed = {*THERE.split(", "), *ABSENT.split(", ")}
    labels = [t.label for t in taxonomy.tags if not t.is_hidden and t.label.casefold() not in listed]
    rest = [measure(engine, captions, label, names(label, taxonomy)) for label in labels]
    unnamed = [o for o in rest if not o.named]
    answered = sum(o.stage != "none" for o in unnamed)
    # Nothing was chosen by these. Captions leave out much that is to be seen, so the true figure is better.
    print(
        f"every other tag that no caption names: {len(unnamed)} queries, "
        f"answered none {1 - answered / max(len(unnamed), 1):.1%}"
    )
    known = [o for o in rest if o.there >= 3]
    right, wrong, wanted = (sum(getattr(o, f) for o in known) for f in ("right", "wrong", "there"))
    print(
        f"every other tag that captions name: {len(known)} queries, "
        f"not named in the returned {wrong / max(right + wrong, 1):.1%}, recall {right / max(wanted, 1):.1%}"
    )
    photos = list_captioned(data)
    held_out = {p.path.stem: p.captions for p in photos if p.held_out}
    pieces = collect(list(held_out.values()), (p.captions for p in photos if not p.held_out))
    ask_phrases(engine, pieces, list(held_out))
    if verbose:
        for o in (*there, *phrases, *absent):
            print(f"  {o.query:34} {o.stage:10} right {o.right:4} wrong {o.wrong:4} of {o.there:4}")
    measure_captions(engine, captions)


def measure(engine: PhotosEngine, captions: Mapping[str, Sequence[str]], query: str, truth: Truth) -> Outcome:
    """Ask one query and hold what comes back against the captions."""
    named = {stem: truth(texts) for stem, texts in captions.items()}
    answer = engine.search(query, limit=len(captions))
    returned = [named[hit.photo.path.stem] for hit in answer.results]
    right, wrong = sum(n >= 2 for n in returned), sum(n == 0 for n in returned)
    return Outcome(
        query, answer.stage, right, wrong, sum(n >= 2 for n in named.values()), sum(map(bool, named.values()))
    )


def names(query: str, taxonomy: Taxonomy) -> Truth:
    """Captions that name the thing, by the taxonomy's words where it knows them."""
    tags = {match.tag.id for match in taxonomy.find(query)}
    word = re.compile(rf"\b{re.escape(query)}(e?s)?\b", re.IGNORECASE)
    return lambda texts: sum(bool(word.search(text)) or bool(tags & taxonomy.in_caption(text)) for text in texts)


def says_all(patterns: Sequence[str]) -> Truth:
    """Captions that match every pattern."""
    compiled = [re.compile(pattern, re.IGNORECASE) for pattern in patterns]
    return lambda texts: sum(all(p.search(text) for p in compiled) for text in texts)


def measure_captions(engine: PhotosEngine, captions: Mapping[str, Sequence[str]]) -> None:
    """First captions as queries: how often the photo comes back, and how fast."""
    ranks, seconds = [], []
    for stem, texts in list(captions.items())[:: max(1, len(captions) // CAPTIONS)]:
        start = time.perf_counter()
        answer = engine.search(texts[0], limit=10)
        seconds.append(time.perf_counter() - start)
        found = [hit.photo.path.stem for hit in answer.results]
        ranks.append(found.index(stem) + 1 if stem in found else 11)
    recalls = ", ".join(f"R@{n} {sum(rank <= n for rank in ranks) / len(ranks):.1%}" for n in (1, 5, 10))
    p95 = statistics.quantiles(seconds, n=20)[-1]
    print(
        f"captions as queries: {recalls}; {statistics.median(seconds) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms a query"
    )


if __name__ == "__main__":
    sys.exit(main())
