"""Commands about the library as a whole: fill it, look after it, keep it up to date."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import click

from photos_engine.cli.face import Face, main, pass_face
from photos_engine.cli.output import ProgressLine, counted, printable, table
from photos_engine.errors import Unreadable
from photos_engine.json_shapes import as_check_report, as_index_report, as_job_run, as_status, encode_json
from photos_engine.types import CheckReport, Failure, IndexReport, JobRun, LibraryStatus

FAILURES_SHOWN = 20


@main.command(example="photos-engine index ~/Pictures /media/card/DCIM")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@pass_face
def index(face: Face, paths: tuple[Path, ...]) -> None:
    """Bring the library up to date with folders and files of photos.

    What is unchanged since the last run costs a glance. Files that can't be used are listed with the
    reason, and the rest goes on.
    """
    there = [path for path in paths if os.path.lexists(path)]
    missing = [Failure(path, Unreadable.code, "no such file or folder") for path in paths if path not in there]
    if not there:
        raise Unreadable(paths[0], "no such file or folder" + (", nor are the others" if len(paths) > 1 else ""))
    with ProgressLine() as progress:
        report = face.engine.index(there, on_progress=progress)
    report = dataclasses.replace(report, failed=(*missing, *report.failed))
    face.answer(as_index_report(report), _index_lines(report))
    for _, words in _next_rows(face.engine.status()):
        face.remark(f"next model: {words}")


def _index_lines(report: IndexReport) -> Iterator[str]:
    speed = f" ({report.photos_per_second:.1f} a second)" if report.analysed else ""
    yield f"{counted(report.analysed, 'photo')} analysed in {report.seconds:.1f} s{speed}"
    names = ("found", "new", "changed", "moved", "gone", "videos")
    yield from table((f"  {name}", getattr(report, name)) for name in names)
    if report.failed:
        yield f"  {counted(len(report.failed), 'file')} could not be used:"
        shown = report.failed[:FAILURES_SHOWN]
        yield from table((f"    {failure.error}", f"{failure.path}: {failure.reason}") for failure in shown)
        if len(report.failed) > FAILURES_SHOWN:
            yield f"    and {len(report.failed) - FAILURES_SHOWN:,} more: --json lists them all"


@main.command(example="photos-engine status")
@pass_face
def status(face: Face) -> None:
    """Show the library's counts, and when which job ran last."""
    found = face.engine.status()
    face.answer(as_status(found), _status_lines(found))


def _status_lines(found: LibraryStatus) -> Iterator[str]:
    yield from table(
        (
            ("library", found.library),
            (
                "photos",
                f"{found.photos:,} ({found.analysed:,} analysed, {found.pending:,} pending, {found.gone:,} gone)",
            ),
            ("videos", f"{found.videos:,}"),
            ("failed", counted(found.failed, "file")),
            ("model", found.model),
            *_next_rows(found),
            ("schema", found.schema),
        )
    )
    if found.jobs:
        yield ""
        rows = [
            (j.job, j.outcome, j.started_utc.astimezone().strftime("%Y-%m-%d %H:%M"), f"{j.seconds:.1f} s")
            for j in found.jobs
        ]
        yield from table(rows, ("job", "outcome", "started", "took"))


def _next_rows(found: LibraryStatus) -> Iterator[tuple[str, str]]:
    if found.next_model is not None:
        seen = found.photos - found.next_pending
        yield "next model", f"{found.next_model}, which has seen {seen:,} of {counted(found.photos, 'photo')}"


@main.command(example="photos-engine check --repair")
@click.option("--repair", is_flag=True, help="Make again what can be made again: index, graph, thumbnails.")
@click.pass_context
def check(context: click.Context, repair: bool) -> None:
    """Look for damage in database, vector index, graph, thumbnails.

    Ends with 1 where something is wrong and was not mended.
    """
    face = context.ensure_object(Face)
    report = face.engine.check(repair=repair)
    face.answer(as_check_report(report), _check_lines(report))
    if not report.is_clean:
        context.exit(1)


def _check_lines(report: CheckReport) -> Iterator[str]:
    yield f"checked: {', '.join(report.checked)}"
    for problem in report.problems:
        yield f"wrong:   {printable(problem)}"
    for mended in report.repaired:
        yield f"mended:  {printable(mended)}"
    yield (
        "all is well" if report.is_clean else "some things remain wrong" + ("" if report.repaired else ": try --repair")
    )


@main.command(example="photos-engine daemon --watch ~/Pictures")
@click.option("--once", is_flag=True, help="Run every job once, in order, and end.")
@click.option(
    "--watch",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="PATH...",
    help="Index these folders, and again as soon as something in them changes.",
)
@click.option("--every", type=click.IntRange(min=1), default=30, show_default=True, help="Minutes between two scans.")
@click.argument("more", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="")
@pass_face
def daemon(face: Face, once: bool, watch: tuple[Path, ...], every: int, more: tuple[Path, ...]) -> None:
    """Keep the library up to date until told to stop.

    Scans all indexed folders now and then, makes graph and memories again when something changed and
    every night, and prints one JSON line for each job run.
    """
    from photos_engine.scheduler import Daemon, run_once

    if more and not watch:
        raise click.UsageError(f"Got unexpected extra arguments ({' '.join(map(str, more))}); did you mean --watch?")
    watched = (*watch, *more)
    if once:
        for run in run_once(face.engine, watched):
            _print_run(run)
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        Daemon(face.engine, on_run=_print_run, watched=watched, scan_every_s=60 * every).run()


def _print_run(run: JobRun) -> None:
    click.echo(encode_json(as_job_run(run)))
