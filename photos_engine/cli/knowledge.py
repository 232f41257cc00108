"""Commands about what the library knows, and what people decide: explain, the graph, decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from photos_engine.cli.face import Face, main, pass_face
from photos_engine.cli.output import because, counted, printable, span, table
from photos_engine.cli.parameters import parse_day
from photos_engine.errors import ConfigError
from photos_engine.files import write_atomically
from photos_engine.json_shapes import (
    as_decision,
    as_explanation,
    as_interests,
    as_people,
    as_places,
    as_showing,
    as_taste,
    as_taste_model,
    as_trips,
    encode_json,
)
from photos_engine.types import AnalysedPhoto, Decision, Explanation, Photo, Reaction

if TYPE_CHECKING:
    from photos_engine.graph import PersonalGraph

TAGS_SHOWN = 12


@main.command(example="photos-engine explain IMG_2041.jpg")
@click.argument("path")
@pass_face
def explain(face: Face, path: str) -> None:
    """Show all that the library knows and thinks of one photo.

    Its facts, signals, tags, groups, memories and decisions, each with the reasons.
    """
    found = face.engine.explain(path)
    face.answer(as_explanation(found), _explanation_lines(found))


def _explanation_lines(found: Explanation) -> Iterator[str]:
    signals = _signal_rows(found, found.analysed) if found.analysed else [("tags", "not analysed yet")]
    return table((*_fact_rows(found.photo), *signals, *_membership_rows(found)))


def _fact_rows(photo: Photo) -> Iterator[tuple[str, str]]:
    facts, place = photo.facts, photo.place
    yield "path", str(photo.path) + (" (gone)" if photo.is_gone else "")
    yield from (("also", str(path)) for path in photo.paths[1:])
    yield "id", photo.id
    yield "taken", f"{facts.taken.isoformat()} (from {facts.date_source.value}, zone {facts.zone_source.value})"
    if facts.gps:
        where = f"{place.city}, {place.region}, {place.country}, " if place else ""
        yield "place", f"{where}{facts.gps.latitude:.5f} {facts.gps.longitude:.5f}"
    yield "picture", f"{photo.format} {photo.width_px} x {photo.height_px}, {photo.size_bytes:,} bytes"
    is_named = (facts.camera_model or "").lower().startswith((facts.camera_make or "").lower())
    camera = " ".join(filter(None, (None if is_named else facts.camera_make, facts.camera_model, facts.lens)))
    texts = (
        ("camera", camera),
        ("title", facts.title),
        ("caption", facts.caption),
        ("keywords", ", ".join(facts.keywords)),
        ("people", ", ".join(person.name for person in facts.people)),
        ("video", str(photo.video_path or "")),
        ("rating", str(facts.rating or "")),
    )
    yield from ((name, text) for name, text in texts if text)


def _signal_rows(found: Explanation, analysed: AnalysedPhoto) -> Iterator[tuple[str, str]]:
    tags = sorted(analysed.tags.items(), key=lambda tag: -tag[1])
    yield "tags", ", ".join(f"{name} {p:.2f}" for name, p in tags[:TAGS_SHOWN]) or "none"
    quality = analysed.quality
    yield (
        "quality",
        f"{quality.overall:.2f} (sharpness {quality.sharpness:.2f}, exposure {quality.exposure:.2f}, "
        f"noise {quality.noise:.2f})",
    )
    if found.quality_reasons:
        yield "", because(found.quality_reasons)
    if analysed.aesthetics is not None:
        yield "aesthetics", f"{analysed.aesthetics:.2f}"
    for seen in analysed.objects:
        yield "object", f"{seen.label} {seen.score:.2f}, at {' '.join(f'{side:.3f}' for side in seen.box)}"
    yield (
        "utility",
        f"{found.utility_kind or 'none'}, {found.utility_probability:.2f}  {because(found.utility_reasons)}",
    )
    yield "shown", f"{'yes' if found.shown else 'no'}  {because(found.shown_reasons)}"


def _membership_rows(found: Explanation) -> Iterator[tuple[str, str]]:
    for group in found.groups:
        role = "keeper" if group.keep in found.photo.paths else f"the keeper is {group.keep}"
        yield "group", f"{group.kind}, {counted(len(group.paths), 'file')}, {role} (id {group.id})"
    for memory in found.memories:
        yield "memory", f"{memory.title} ({memory.kind})  {because(memory.photo_reasons.get(found.photo.id, ()))}"
    if found.nodes:
        yield "graph", ", ".join(found.nodes)
    for made in found.decisions:
        yield "decided", f"{made.decision.value}, {made.decided_utc:%Y-%m-%d}"


@main.command(example="photos-engine graph --about tag:dog")
@click.option("--about", "node", metavar="NODE", help="Only this node, its neighbours and the edges among them.")
@click.option(
    "--format", "form", type=click.Choice(["json", "graphml"]), help="For other programs; without it, a summary."
)
@pass_face
def graph(face: Face, node: str | None, form: str | None) -> None:
    """Show the knowledge graph, or what lies around one node."""
    known = face.engine.graph
    part = known.about(node) if node is not None else known
    if form == "graphml":
        click.echo(part.as_graphml().encode("utf-8", "backslashreplace"))
        return
    face.as_json = face.as_json or form == "json"
    face.answer(part.as_json(), _near_lines(known, node) if node is not None else _graph_lines(part.as_json()))
    if not len(known):
        face.explain_nothing("the graph is empty")


def _graph_lines(content: dict[str, Any]) -> Iterator[str]:
    yield f"{counted(len(content['nodes']), 'node')}, {counted(len(content['edges']), 'edge')}"
    kinds = Counter(node["kind"] for node in content["nodes"])
    examples = {node["kind"]: node["id"] for node in reversed(content["nodes"])}
    yield from table(((f"  {kind}", number, examples[kind]) for kind, number in kinds.most_common()))
    relations = Counter(edge["relation"] for edge in content["edges"])
    yield from table(((f"  {relation}", number) for relation, number in relations.most_common()))


def _near_lines(known: PersonalGraph, node: str) -> Iterator[str]:
    about = known.node(node)
    yield f"{printable(about['label'])}  ({about['kind']}, {node})"
    rows = ((f"  {near.strength:.2f}", near.node, because(near.reasons, limit=1)) for near in known.related(node))
    yield from table(rows)


@main.command(example="photos-engine people")
@pass_face
def people(face: Face) -> None:
    """Show whom the photos' metadata name, most photographed first."""
    found = face.engine.graph.people()
    rows = ((p.name, p.photos, f"{p.first} to {p.last}", p.node) for p in found)
    face.answer(as_people(found), table(rows, ("name", "photos", "from, to", "node")))
    if not found:
        face.explain_nothing("the photos' metadata name nobody")


@main.command(example="photos-engine places")
@pass_face
def places(face: Face) -> None:
    """Show cities, regions and countries with photographs."""
    found = face.engine.graph.places()
    rows = ((p.label, p.kind, p.days, p.photos, " ".join(map(str, p.years)), p.node) for p in found)
    face.answer(as_places(found), table(rows, ("place", "kind", "days", "photos", "years", "node")))
    if not found:
        face.explain_nothing("no photo says where it was taken")


@main.command(example="photos-engine trips --json")
@pass_face
def trips(face: Face) -> None:
    """Show every stay away from home, in time order."""
    found = face.engine.graph.trips()
    rows = ((t.title, span(t.start, t.end), len(t.photo_ids), ", ".join(t.places), t.node) for t in found)
    face.answer(as_trips(found), table(rows, ("trip", "days", "photos", "places", "node")))
    if not found:
        face.explain_nothing("no trips: they show where dated photos with positions lie far from home")


@main.command(example="photos-engine interests")
@pass_face
def interests(face: Face) -> None:
    """Show what is photographed more than most, strongest first."""
    found = face.engine.graph.interests()
    rows = ((i.label, i.strength, i.photos, because(i.reasons)) for i in found)
    face.answer(as_interests(found), table(rows, ("interest", "strength", "photos", "why")))
    if not found:
        face.explain_nothing("no theme comes back on more days than the others")


@main.command(example="photos-engine decide pet:dog name Bella")
@click.argument("subject")
@click.argument("decision", type=click.Choice([decision.value for decision in Decision]))
@click.argument("words", default="")
@pass_face
def decide(face: Face, subject: str, decision: str, words: str) -> None:
    """Keep a decision about a photo, a group, a memory or a node.

    SUBJECT is a photo's path or id, or the id of a duplicate group, a memory or a node of the graph. The
    decision outlives moved files, another model and a rebuilt library; undo takes back all on its subject.
    What the graph believes is put right so: pet:dog name Bella, trip:2023-07-02-biarritz not-so, city:FR/Lyon home
    2019-05-01/2022-03-31 (without days: always), days:2022-03-01/2022-03-09 trip.
    """
    made = face.engine.decide(subject, Decision(decision), words)
    said = " ".join(filter(None, (made.decision.value, printable(made.words))))
    face.answer(as_decision(made), [f"{said}: {made.subject_kind} {printable(made.subject)}"])


@main.command(example="photos-engine react memory:trip:2023-07-02-biarritz liked")
@click.argument("memory")
@click.argument("reaction", type=click.Choice([r.value for r in Reaction if r is not Reaction.SHOWN]))
@click.option("--on", "day", type=parse_day, metavar="YYYY-MM-DD", help="The day on which it came up; today otherwise.")
@pass_face
def react(face: Face, memory: str, reaction: str, day: date | None) -> None:
    """Say what you made of a memory that came up.

    MEMORY is its id. The more you made of it, the sooner it comes back. For seeing less of it, or never again, there is
    decide.
    """
    made = face.engine.react(memory, Reaction(reaction), on=day)
    face.answer(as_showing(made), [f"{made.reaction.value} on {made.day}: {printable(made.memory_id)}"])


@main.group(example="photos-engine decisions export decisions.json")
def decisions() -> None:
    """Carry decisions from one library to another."""


@decisions.command("export", example="photos-engine decisions export decisions.json")
@click.argument("file", type=click.Path(dir_okay=False))
@pass_face
def export_decisions(face: Face, file: str) -> None:
    """Write every decision to a file, and what merged copies gave their keepers."""
    number = face.engine.export_decisions(file)
    face.answer({"exported": number, "file": file}, [f"{counted(number, 'decision')} written to {printable(file)}"])


@decisions.command("import", example="photos-engine decisions import decisions.json")
@click.argument("file", type=click.Path(dir_okay=False))
@pass_face
def import_decisions(face: Face, file: str) -> None:
    """Take over what `export` wrote; what is known already stays as it is."""
    number = face.engine.import_decisions(file)
    face.answer({"imported": number, "file": file}, [f"{counted(number, 'new decision')} from {printable(file)}"])


@main.group(example="photos-engine taste show")
def taste() -> None:
    """See, take along or reset what was learned of your taste."""


@taste.command("show", example="photos-engine taste show")
@pass_face
def show_taste(face: Face) -> None:
    """Show what you seem to like, from how many signs: favourites, ratings, what you hid or want to see less of."""
    found = face.engine.taste()
    lines = [f"{counted(found.likes, 'photo')} liked, {found.dislikes:,} disliked"]
    lines += [] if found.weights is not None else ["too few signs to say more"]
    face.answer(as_taste(found), [*lines, *(f"  {printable(reason.text)}" for reason in found.likes_most())])


@taste.command("reset", example="photos-engine taste reset")
@pass_face
def reset_taste(face: Face) -> None:
    """Begin anew: what you said so far stays as it is, but nothing is learned from it any more."""
    number = face.engine.reset_taste()
    face.answer({"forgotten": number}, [f"{counted(number, 'sign')} of your taste forgotten"])


@taste.command("export", example="photos-engine taste export taste.json")
@click.argument("file", type=click.Path(dir_okay=False))
@pass_face
def export_taste(face: Face, file: str) -> None:
    """Write all that was learned to a file."""
    found = face.engine.taste()
    shape = as_taste_model(found, face.engine.status().model)
    try:
        write_atomically(Path(file), encode_json(shape))
    except OSError as error:
        raise ConfigError(f"your taste can't be written to {file}: {error.strerror or error}") from error
    number = found.likes + found.dislikes
    face.answer({"exported": number, "file": file}, [f"what {counted(number, 'sign')} taught: {printable(file)}"])
