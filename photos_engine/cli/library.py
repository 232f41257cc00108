"""Commands about the library as a whole: fill it, look after it, keep it up to date."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from photos_engine.cli.face import Face, main, pass_face
from photos_engine.cli.output import ProgressLine, counted, printable, table
from photos_engine.errors import Unreadable
from photos_engine.json_shapes import as_check_report, as_index_report, as_status, as_tag_export
from photos_engine.scheduler.jobs import JOBS
from photos_engine.types import CheckReport, Failure, IndexReport, JobPlan, LibraryStatus, TagExport

FAILURES_SHOWN = 20
_COMES_AFTER = {"watch": "after a change", "analyse": "after a scan"}


@main.command(example="photos-engine index ~/Pictures /media/card/DCIM")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@pass_face
def index(face: Face, paths: tuple[Path, ...]) -> None:
    """Bring the library up to date with folders and files.

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
    found = face.status()
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
    if found.jobs or found.plans:
        yield ""
        yield from table(_job_rows(found), ("job", "outcome", "started", "took", "next"))
        doing = f": {found.at_work}" if found.at_work else ""
        yield f"a daemon is {'' if found.is_tended else 'not '}at work{doing}"
    for run in found.failed_jobs[:1]:
        yield f"last failure: {run.job}, {_minute(run.started_utc)}: {printable(str(run.detail.get('reason', '')))}"


def _job_rows(found: LibraryStatus) -> Iterator[tuple[str, ...]]:
    runs, plans = {run.job: run for run in found.jobs}, {plan.job: plan for plan in found.plans}
    for job in [*JOBS, *sorted((runs.keys() | plans.keys()) - set(JOBS))]:  # a newer engine may know others
        run, plan = runs.get(job), plans.get(job, JobPlan(job))
        ran = ("-", "-", "-") if run is None else (run.outcome, _minute(run.started_utc), f"{run.seconds:.1f} s")
        yield job, *ran, _plan_words(plan)


def _plan_words(plan: JobPlan) -> str:
    if plan.is_paused:
        return "paused"
    if plan.is_asked:
        return "now"
    if plan.waits_for:
        return f"waits: {plan.waits_for}"
    if plan.next_utc is None:
        return _COMES_AFTER.get(plan.job, "")
    return "due" if plan.next_utc <= datetime.now(UTC) else _minute(plan.next_utc)


def _minute(when: datetime) -> str:
    return when.astimezone().strftime("%Y-%m-%d %H:%M")


def _next_rows(found: LibraryStatus) -> Iterator[tuple[str, str]]:
    if found.next_model is not None:
        seen = found.photos - found.next_pending
        yield "next model", f"{found.next_model}, which has seen {seen:,} of {counted(found.photos, 'photo')}"


@main.command(example="photos-engine check --repair")
@click.option(
    "--repair",
    is_flag=True,
    help="Make again what can be made again, and save your decisions.",
)
@click.pass_context
def check(context: click.Context, repair: bool) -> None:
    """Look for damage in database, vector index, graph, thumbnails.

    Ends with 1 where something is wrong and was not mended.
    """
    face = context.ensure_object(Face)
    report = (face.salvage() if repair else None) or face.engine.check(repair=repair)
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


@main.command("export-tags", example="photos-engine export-tags --feed tags.json")
@click.option("--feed", type=click.Path(dir_okay=False), metavar="FILE", help="One JSON file instead of sidecars.")
@pass_face
def export_tags(face: Face, feed: str | None) -> None:
    """Write tags and places for other programs to find.

    An XMP sidecar beside each photo. Originals are never touched, nor sidecars that another program wrote: these
    are listed.
    """
    export = face.engine.export_tags(feed)
    face.answer(as_tag_export(export), _tag_export_lines(export, feed))


def _tag_export_lines(export: TagExport, feed: str | None) -> Iterator[str]:
    if feed is not None:
        yield f"{counted(export.written, 'photo')} written to {printable(feed)}"
        return
    yield f"{counted(export.written, 'sidecar')} written, {export.unchanged:,} unchanged"
    if export.removed:
        yield f"{counted(export.removed, 'sidecar')} of photos that are gone removed"
    if export.refused:
        yield f"{counted(len(export.refused), 'sidecar')} left alone:"
        shown = export.refused[:FAILURES_SHOWN]
        yield from table((f"  {printable(failure.path)}", failure.reason) for failure in shown)
        if len(export.refused) > FAILURES_SHOWN:
            yield f"  and {len(export.refused) - FAILURES_SHOWN:,} more: --json lists them all"
