"""Commands that show photos: search, memories, the best, the double, the useful, and how to cut them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from pathlib import Path

import click

from photos_engine import contact_sheet
from photos_engine.cli.face import Face, main, pass_face
from photos_engine.cli.output import because, counted, printable, span, table
from photos_engine.cli.parameters import (
    LIMIT,
    SCREENS,
    Folder,
    parse_aspect,
    parse_clock,
    parse_day,
    parse_region,
    parse_screen,
)
from photos_engine.contact_sheet import Sheet
from photos_engine.json_shapes import (
    as_crop,
    as_duplicates,
    as_featured,
    as_memories,
    as_merged,
    as_search_answer,
    as_suggestions,
    as_utility,
    as_wallpapers,
)
from photos_engine.types import Box, DuplicateGroup, Memory, MergedGroup, Reason, SearchAnswer

contact_sheet_option = click.option(
    "--contact-sheet", "folder", type=Folder(), metavar="DIR", help="Also write pictures to look at into this folder."
)


@main.command(example="photos-engine search 'dog on a beach' --limit 10")
@click.argument("query", required=False)
@click.option("--limit", type=LIMIT, default=50, show_default=True, help="At most so many photos.")
@click.option("--like", metavar="PATH", help="Photos like this picture; QUERY says what should be different.")
@click.option("--region", type=parse_region, metavar="X,Y,W,H", help="Only this part of it, as shares of 1.")
@click.option("--facets", is_flag=True, help="Also count the years, places, people and tags of all that answers.")
@pass_face
def search(face: Face, query: str | None, limit: int, like: str | None, region: Box | None, facets: bool) -> None:
    """Find photos by words, or by a picture.

    Things, scenes, places, people, times, and facts of the file. OR, "exact words" and -words that must not be there
    are understood.
    """
    if query is None and like is None:
        raise click.UsageError("say what to search for: words, or a picture with --like")
    answer = face.engine.search(query or "", limit=limit, like=like, region=region, facets=facets)
    face.answer(as_search_answer(answer), _search_lines(answer))
    if not answer.results:
        face.explain_nothing("nothing in the library answers to that")


@main.command(example="photos-engine suggest 'summer in por'")
@click.argument("text")
@click.option("--limit", type=LIMIT, default=8, show_default=True, help="At most so many.")
@pass_face
def suggest(face: Face, text: str, limit: int) -> None:
    """Complete what is being typed, out of what the library has."""
    found = face.engine.suggest(text, limit=limit)
    rows = ((s.text, s.kind, counted(s.photos, "photo") if s.photos else "") for s in found)
    face.answer(as_suggestions(found), table(tuple(map(printable, row)) for row in rows))
    if not found:
        face.explain_nothing("the library has nothing that goes on like that")


def _search_lines(answer: SearchAnswer) -> Iterator[str]:
    understood = "; ".join(f"{name}: {_in_words(value)}" for name, value in answer.understood.items() if value)
    if understood:
        yield f"understood as {printable(understood)}"
    if answer.suggestions:
        yield f"try: {printable(', '.join(answer.suggestions))}"
    if answer.results:
        yield f"{counted(len(answer.results), 'photo')}, by {answer.stage}"
    for name, counts in answer.facets.items():
        if counts:
            yield f"{name}: {printable(', '.join(f'{count.value} ({count.photos:,})' for count in counts))}"
    for hit in answer.results:
        yield from _photo_lines(hit.score, hit.photo.path, hit.reasons)


def _in_words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_in_words(item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_in_words, value))
    return str(value)


def _photo_lines(score: float, path: Path, reasons: Sequence[Reason], fact: str = "") -> Iterator[str]:
    yield f"{score:.2f}  {fact}{printable(path)}"
    if reasons:
        yield f"      {because(reasons)}"


@main.command(example="photos-engine memories --on today")
@click.option("--refresh", is_flag=True, help="Bring groups, graph and memories up to date first.")
@click.option(
    "--on",
    "day",
    type=parse_day,
    metavar="YYYY-MM-DD",
    help="Only those to show on a day, at most eight: 2024-05-31, or today.",
)
@contact_sheet_option
@pass_face
def memories(face: Face, refresh: bool, day: date | None, folder: str | None) -> None:
    """Show the stories that the library tells, best first."""
    if refresh:
        face.engine.refresh()
    found = face.engine.memories(on=day)
    _write_sheets(face, folder, contact_sheet.of_memories(found))
    face.answer(as_memories(found), (line for memory in found for line in _memory_lines(memory)))
    if not found:
        face.explain_nothing(
            "no memories yet: they are made of dated photos of trips, days out, celebrations, and past years"
        )


def _memory_lines(memory: Memory) -> Iterator[str]:
    yield f"{printable(memory.title)}  ({memory.kind.replace('_', ' ')}, {memory.score:.2f})"
    facts = (memory.subtitle, span(memory.start, memory.end), counted(len(memory.photos), "photo"))
    yield f"  {printable('  '.join(filter(None, facts)))}"
    yield f"  music  {memory.music.mood}, energy {memory.music.energy:.1f}"
    yield f"  cover  {printable(memory.cover.path)}"
    yield f"  why    {because(memory.reasons)}"
    yield f"  id     {printable(memory.id)}"
    yield ""


@main.command(example="photos-engine featured --limit 5")
@click.option("--limit", type=LIMIT, default=20, show_default=True, help="At most so many photos.")
@contact_sheet_option
@pass_face
def featured(face: Face, limit: int, folder: str | None) -> None:
    """Show the best photos, varied; the same all day."""
    found = face.engine.featured(limit=limit)
    _write_sheets(face, folder, contact_sheet.of_featured(found))
    face.answer(as_featured(found), (line for p in found for line in _photo_lines(p.score, p.photo.path, p.reasons)))
    if not found:
        face.explain_nothing("no photo is good enough to be featured")


@main.group(invoke_without_command=True, example="photos-engine duplicates --json")
@contact_sheet_option
@click.pass_context
def duplicates(context: click.Context, folder: str | None) -> None:
    """Show files that show the same, and which of them to keep.

    exact: the same picture. copy: re-encoded, resized or cropped. burst: one press of the button.
    similar: the same scene, each worth its own look. Nothing is ever deleted.
    """
    if context.invoked_subcommand is not None:
        return
    face = context.ensure_object(Face)
    found = face.engine.duplicates()
    _write_sheets(face, folder, contact_sheet.of_duplicates(found))
    face.answer(as_duplicates(found), (line for group in found for line in _group_lines(group)))
    if not found:
        face.explain_nothing("no two files show the same")


def _group_lines(group: DuplicateGroup) -> Iterator[str]:
    yield f"{group.kind}, {counted(len(group.paths), 'file')}  (id {printable(group.id)})"
    yield f"  keep  {printable(group.keep)}"
    yield from (f"        {printable(path)}" for path in group.paths if path != group.keep)
    yield f"  why   {because(group.reasons)}"
    yield ""


@duplicates.command("merge", example="photos-engine duplicates merge --all")
@click.argument("group", required=False)
@click.option("--all", "is_all", is_flag=True, help="Merge every exact and copy group.")
@pass_face
def merge_duplicates(face: Face, group: str | None, is_all: bool) -> None:
    """Let the kept file of a group have all that its copies have.

    Rating, title, keywords, names and what you decided stay in the library though the copies be deleted. Which files
    that are is printed; none is ever touched. To take it back: decide GROUP undo.
    """
    if (group is None) != is_all:
        raise click.UsageError("name a group, or say --all")
    merged = face.engine.merge_duplicates(group)
    face.answer(as_merged(merged), (line for one in merged for line in _merged_lines(one)))
    if not merged:
        face.explain_nothing("no two files show the same")


def _merged_lines(merged: MergedGroup) -> Iterator[str]:
    yield f"{merged.kind}  (id {printable(merged.id)})"
    yield f"  keep        {printable(merged.keep)}"
    yield from (f"  gathered    {printable(reason.text)}" for reason in merged.gathered)
    yield from (f"  may be deleted  {printable(path)}" for path in merged.deletable)
    yield ""


@main.command(example="photos-engine utility")
@pass_face
def utility(face: Face) -> None:
    """Show receipts, documents, screenshots and the like."""
    found = face.engine.utility()
    lines = (line for p in found for line in _photo_lines(p.probability, p.photo.path, p.reasons, f"{p.kind:16}  "))
    face.answer(as_utility(found), lines)
    if not found:
        face.explain_nothing("no receipts, documents, screenshots or the like")


@main.command(example="photos-engine wallpapers --screen 2560x1440")
@click.option("--screen", type=parse_screen, metavar="WxH", help="The screen's size in pixels.")
@click.option(
    "--kind",
    type=click.Choice(list(SCREENS)),
    default="desktop",
    show_default=True,
    help="A usual screen of that kind, where no size is given.",
)
@click.option(
    "--at", "clock", type=parse_clock, metavar="HH:MM", help="Prefer pictures in the light of this time of day."
)
@click.option("--limit", type=LIMIT, default=20, show_default=True, help="At most so many photos.")
@contact_sheet_option
@pass_face
def wallpapers(
    face: Face, screen: tuple[int, int] | None, kind: str, clock: time | None, limit: int, folder: str | None
) -> None:
    """Show photos that suit a screen, with the crop for it."""
    found = face.engine.wallpapers(screen or SCREENS[kind], limit=limit, at=clock)
    _write_sheets(face, folder, contact_sheet.of_wallpapers(found))
    lines = (line for p in found for line in _photo_lines(p.score, p.photo.path, p.reasons, f"{_box(p.crop)}  "))
    face.answer(as_wallpapers(found), lines)
    if not found:
        face.explain_nothing("no photo has enough pixels and calm for that screen")


@main.command(example="photos-engine crop IMG_2041.jpg --aspect 16:9")
@click.argument("path")
@click.option("--aspect", type=parse_aspect, metavar="W:H", required=True, help="Width to height.")
@click.option("--candidates", type=LIMIT, default=1, show_default=True, help="So many clearly different ones.")
@click.option(
    "--preview", type=click.Path(dir_okay=False), metavar="FILE", help="Also draw them into a JPEG to look at."
)
@pass_face
def crop(face: Face, path: str, aspect: tuple[float, float], candidates: int, preview: str | None) -> None:
    """Show the best crop of a photo to an aspect.

    Left, top, right, bottom, each between 0 and 1 of the upright picture. The photo need not be indexed.
    """
    found = face.engine.crops(path, aspect, limit=candidates)
    if preview is not None:
        contact_sheet.write_preview(face.engine.picture(path), found, Path(preview))
        face.remark(f"preview written to {printable(preview)}")
    lines = (line for c in found for line in _photo_lines(c.score, Path(path), c.reasons, f"{_box(c.box)}  "))
    face.answer(as_crop(path, found), lines)


def _box(box: Box) -> str:
    return " ".join(f"{side:.3f}" for side in box)


def _write_sheets(face: Face, folder: str | None, sheets: Iterable[Sheet]) -> None:
    if folder is not None:
        written = contact_sheet.write_sheets(sheets, Path(folder), face.engine.thumbnail)
        face.remark(f"{counted(written, 'picture')} written to {printable(folder)}")
