"""Commands about the analyzer: which there are, whether they are whole, which of them the library is read from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from photos_engine.cli.face import Face, main, pass_face
from photos_engine.cli.output import counted, printable, table
from photos_engine.json_shapes import as_models
from photos_engine.types import LibraryStatus, ModelInfo


@main.group(example="photos-engine models list")
def models() -> None:
    """Show, verify, choose and forget analyzers."""


@models.command("list", example="photos-engine models list --json")
@pass_face
def list_models(face: Face) -> None:
    """List the analyzers, with their files and metrics, and how much of the library each has seen."""
    found = face.engine.models()
    face.answer(as_models(found), (line for model in found for line in _model_lines(model)))


def _model_lines(model: ModelInfo) -> Iterator[str]:
    roles = {"in use": model.is_active, "next": model.is_next, "not installed": not model.is_installed}
    facts = [name for name, holds in roles.items() if holds] + [f"{counted(model.analysed, 'photo')} analysed"]
    yield f"{printable(' '.join(filter(None, (model.name, model.version))))}  ({', '.join(facts)})"
    yield from table(
        (f"  {name}", _size(facts), str(facts.get("sha256", ""))[:16]) for name, facts in model.files.items()
    )
    yield from table((f"  {name}", value) for name, value in model.metrics.items() if not isinstance(value, Mapping))


def _size(facts: Mapping[str, object]) -> str:
    size = facts.get("bytes")
    return f"{size / 1e6:.2f} MB" if isinstance(size, int) else ""


@models.command("use", example="photos-engine models use ansa-3")
@click.option("--now", is_flag=True, help="Don't wait: photos that it hasn't seen yet don't show until it has.")
@click.argument("name")
@pass_face
def use_model(face: Face, name: str, now: bool) -> None:
    """Read the library from another model.

    One that was in use before takes over at once. A new one has to see the photos first, which `index` and
    the daemon see to; search and memories go on from the present one until then. Naming the present one
    calls that off.
    """
    before = face.engine.status()
    after = face.engine.use_model(name, now=now)
    shape = {
        "name": name,
        "active": after.model == name,
        "changed": (before.model, before.next_model) != (after.model, after.next_model),
        "pending": after.pending if after.model == name else after.next_pending,
    }
    face.answer(shape, _use_lines(name, before, after))


def _use_lines(name: str, before: LibraryStatus, after: LibraryStatus) -> Iterator[str]:
    if after.model != name:
        yield (
            f"{printable(name)} takes over from {printable(after.model)} when it has seen "
            f"{counted(after.next_pending, 'photo')}: photos-engine daemon --once goes on with that, index does too"
        )
        return
    yield f"{printable(name)} is in use" + ("" if before.model != name else " already")
    if before.model == name and before.next_model is not None:
        yield f"{printable(before.next_model)} is not to take over any more"
    if after.pending:
        yield f"{counted(after.pending, 'photo')} will show when it has seen them"


@models.command("prune", example="photos-engine models prune ansa-1")
@click.argument("name")
@pass_face
def prune_model(face: Face, name: str) -> None:
    """Forget all that a model saw, and free the space. The one in use can't be pruned."""
    photos = face.engine.prune_model(name)
    face.answer({"pruned": name, "photos": photos}, [f"{counted(photos, 'photo')} of {printable(name)} forgotten"])


@models.command("verify", example="photos-engine models verify")
@pass_face
def verify_models(face: Face) -> None:
    """Compare every file of the analyzers with its manifest's hash."""
    face.engine.verify_models()
    found = face.engine.models()
    files = [
        {"model": m.name, "file": name, "sha256": facts.get("sha256")} for m in found for name, facts in m.files.items()
    ]
    lines = table((m.name, name, "is what its manifest says") for m in found for name in m.files)
    face.answer({"ok": True, "files": files}, lines)
