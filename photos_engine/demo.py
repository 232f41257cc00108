"""`python -m photos_engine.demo`: index some photographs and show what the engine makes of them.

Without a folder of one's own it takes photographs that installed packages carry. They are copied under
names that say nothing, so that whatever is found in them was seen and not read.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import click

from photos_engine.cli.face import one_line_errors, open_engine
from photos_engine.cli.output import ProgressLine, because, counted, printable, span, table
from photos_engine.config import default_library
from photos_engine.engine import PhotosEngine
from photos_engine.types import AnalysedPhoto, IndexReport

# Package, folder in it, photographs: all part of the wheels, none fetched on demand.
SAMPLES = (
    ("sklearn", "datasets/images", ("china.jpg", "flower.jpg")),
    (
        "skimage",
        "data",
        (
            "astronaut.png",
            "brick.png",
            "camera.png",
            "chelsea.png",
            "clock_motion.png",
            "coffee.png",
            "coins.png",
            "grass.png",
            "gravel.png",
            "hubble_deep_field.jpg",
            "moon.png",
            "motorcycle_left.png",
            "motorcycle_right.png",
            "page.png",
            "rocket.jpg",
            "text.png",
        ),
    ),
)
SAMPLE_QUERIES = (
    "cat",
    "motorbike",
    "a hot drink",
    "an astronaut in a space suit",
    "old temple in the park",
    "giraffe",
)
OWN_QUERIES = ("people around a table", "a view over the water", "receipt")
PHOTOS_SHOWN, TAGS_SHOWN, HITS_SHOWN, MEMORIES_SHOWN = 20, 5, 3, 5


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--photos", type=click.Path(exists=True, path_type=Path), help="A folder of photographs of your own.")
@click.option("--library", type=click.Path(file_okay=False, path_type=Path), help="Where to keep what is found.")
def main(photos: Path | None, library: Path | None) -> None:
    """Index photographs and show what the engine finds in them."""
    data = default_library().parent
    library = library or data / ("demo" if photos else "demo-samples")
    origins: dict[str, str] = {}
    if photos is None:
        photos, origins = copy_samples(data / "sample-photos")
    with one_line_errors(), open_engine(library) as engine:
        with ProgressLine() as progress:
            report = engine.index([photos], on_progress=progress)
        for line in tell(engine, report, photos, origins, library):
            click.echo(line)


def copy_samples(folder: Path) -> tuple[Path, dict[str, str]]:
    """Copy the packages' photographs into a folder, where they aren't yet; returns it, and name -> origin."""
    origins: dict[str, str] = {}
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    for package, below, names in SAMPLES:
        spec = find_spec(package)
        for name in names:
            number += 1
            source = (
                Path(spec.submodule_search_locations[0], below, name)
                if spec and spec.submodule_search_locations
                else None
            )
            if source is None or not source.is_file():
                continue
            target = folder / f"IMG_{number:04}{source.suffix}"
            if not target.exists() or target.stat().st_size != source.stat().st_size:
                shutil.copyfile(source, target)
            origins[target.name] = name
    if not origins:
        raise click.ClickException("no installed package carries photographs: name a folder with --photos")
    return folder, origins


def tell(
    engine: PhotosEngine, report: IndexReport, photos: Path, origins: dict[str, str], library: Path
) -> Iterator[str]:
    """Everything that the demonstration says, line by line."""
    yield from _heading("Photographs")
    yield from _about_photos(report, photos, origins)
    items = engine.snapshot().photos
    yield from _heading("What they show")
    yield from _about_tags(items, origins)
    yield from _heading("What serves a purpose, and is kept out of memories")
    useful = engine.utility()
    yield from table((p.kind, p.probability, _name(p.photo.path, origins), because(p.reasons, 1)) for p in useful)
    if not useful:
        yield "nothing: no receipts, documents, screenshots or the like"
    yield from _heading("What shows the same")
    groups = engine.duplicates()
    yield from table(
        (g.kind, ", ".join(_name(path, origins) for path in g.paths), because(g.reasons, 1)) for g in groups
    )
    if not groups:
        yield "nothing: every photograph is one of a kind"
    yield from _heading("Memories")
    yield from _about_memories(engine, items)
    yield from _heading("Searches")
    yield from _about_searches(engine, origins)
    yield from _heading("And now")
    yield from _what_next(library)


def _heading(text: str) -> Iterator[str]:
    yield from ("", text, "-" * len(text))


def _name(path: Path, origins: dict[str, str]) -> str:
    origin = origins.get(path.name)
    return f"{path.name} ({origin})" if origin else path.name


def _about_photos(report: IndexReport, photos: Path, origins: dict[str, str]) -> Iterator[str]:
    yield f"from {printable(photos)}"
    if origins:
        yield "copies of what scikit-learn and scikit-image carry, under names that say nothing"
    if report.analysed:
        speed = f"in {report.seconds:.1f} s, {report.photos_per_second:.1f} a second"
        yield f"{counted(report.found, 'file')} found, {counted(report.analysed, 'photo')} analysed {speed}"
    else:
        yield f"{counted(report.found, 'file')} found; nothing has changed since the last run, so nothing was analysed"
    for failure in report.failed[:PHOTOS_SHOWN]:
        yield f"not usable: {printable(failure.path)}: {printable(failure.reason)}"


def _about_tags(items: Sequence[AnalysedPhoto], origins: dict[str, str]) -> Iterator[str]:
    ordered = sorted(items, key=lambda item: item.photo.path)[:PHOTOS_SHOWN]
    yield from table((_name(item.photo.path, origins), _tags(item)) for item in ordered)
    if len(items) > PHOTOS_SHOWN:
        yield f"and {len(items) - PHOTOS_SHOWN:,} more"


def _tags(item: AnalysedPhoto) -> str:
    strongest = sorted(item.tags.items(), key=lambda tag: -tag[1])[:TAGS_SHOWN]
    return ", ".join(f"{tag.replace('_', ' ')} {p:.2f}" for tag, p in strongest) or "nothing that it would swear to"


def _about_memories(engine: PhotosEngine, items: Sequence[AnalysedPhoto]) -> Iterator[str]:
    memories = engine.memories()
    for memory in memories[:MEMORIES_SHOWN]:
        facts = (memory.kind.replace("_", " "), span(memory.start, memory.end), counted(len(memory.photos), "photo"))
        yield f"{printable(memory.title)}  ({', '.join(facts)})"
        yield f"  {because(memory.reasons)}"
    if len(memories) > MEMORIES_SHOWN:
        yield f"and {len(memories) - MEMORIES_SHOWN} more"
    if not memories:
        dated = sum(item.photo.is_dated for item in items)
        yield f"none: {dated} of {counted(len(items), 'photo')} say when they were taken, and memories are made of"
        yield "dated ones: of trips, feasts and years. Try a folder of your own: make demo PHOTOS=~/Pictures"


def _about_searches(engine: PhotosEngine, origins: dict[str, str]) -> Iterator[str]:
    frequent = (tag.replace("_", " ") for tag in islice(engine.tag_counts(), 2))
    for query in SAMPLE_QUERIES if origins else (*frequent, *OWN_QUERIES):
        answer = engine.search(query, limit=HITS_SHOWN)
        found = ", ".join(f"{_name(hit.photo.path, origins)} {hit.score:.2f}" for hit in answer.results)
        yield f"{query!r} (by {answer.stage}): {found or 'nothing'}"
        if not answer.results and answer.suggestions:
            yield f"  try: {', '.join(answer.suggestions)}"


def _what_next(library: Path) -> Iterator[str]:
    command = Path(sys.executable).with_name("photos-engine")
    if command.is_relative_to(Path.cwd()):
        command = command.relative_to(Path.cwd())
    size = sum(file.stat().st_size for file in library.rglob("*") if file.is_file())
    yield f"the library lies in {printable(library)} ({size / 1e6:.1f} MB; delete it whenever you like)"
    yield f"ask it more:     {command} --library {printable(library)} search 'your words'"
    yield f"use your own:    {command} index ~/Pictures"
    yield f"all commands:    {command} --help"


if __name__ == "__main__":
    main()
