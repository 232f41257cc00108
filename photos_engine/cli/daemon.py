"""The daemon's commands: let it work, let a system start it, tell it what to do."""

from __future__ import annotations

import contextlib
import logging
import signal
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from photos_engine.cli.face import Face, FaceGroup, main, pass_face
from photos_engine.config import Settings, load_settings
from photos_engine.errors import ConfigError
from photos_engine.json_shapes import as_job_run, encode_json
from photos_engine.logs import without_paths
from photos_engine.scheduler.jobs import JOBS
from photos_engine.types import JobRun

if TYPE_CHECKING:
    from photos_engine.scheduler.units import Unit

logger = logging.getLogger(__name__)


class DaemonGroup(FaceGroup):
    """A command that has commands below it, and an option that takes several folders."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Let every folder after `--watch` be watched."""
        return super().parse_args(ctx, list(_each_watched(args, self.commands)))


def _each_watched(words: Iterable[str], commands: Container[str]) -> Iterator[str]:
    """`--watch A B` as `--watch A --watch B`, up to the next option or command."""
    is_watched = is_value = False
    for word in words:
        if word.startswith("-") or (word in commands and not is_value):
            is_watched = is_value = word == "--watch"
            is_watched = is_watched or word.startswith("--watch=")
            yield word
            continue
        if is_watched and not is_value:
            yield "--watch"
        is_value = False
        yield word


@main.group(cls=DaemonGroup, invoke_without_command=True, example="photos-engine daemon --watch ~/Pictures")
@click.option("--once", is_flag=True, help="Run every job once, in order, and end: all but watch.")
@click.option(
    "--watch",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="PATH...",
    help="Index these folders too, and again as soon as something in them changes.",
)
@click.option("--every", type=click.IntRange(min=1), default=30, show_default=True, help="Minutes between two scans.")
@click.pass_context
def daemon(context: click.Context, once: bool, watch: tuple[Path, ...], every: int) -> None:
    """Keep the library up to date until told to stop.

    Scans all indexed folders now and then and when something in them changes, makes graph and memories
    again, looks after the library, and prints one JSON line for each job run. It works when nobody would
    notice, and says in `status` what it waits for.
    """
    face = context.ensure_object(Face)
    if context.invoked_subcommand is not None:
        return
    if once:
        from photos_engine.scheduler import run_once

        settings = load_settings(library=face.library)
        for run in run_once(face.engine, watch):
            _print_run(run, settings)
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        _keep_at_work(face, watch, every)


def _keep_at_work(face: Face, watched: tuple[Path, ...], every: int) -> None:
    # The engine itself is not opened: a process that waits for years holds no models' run times.
    from photos_engine.library import Library
    from photos_engine.overview import read_status
    from photos_engine.scheduler.daemon import Daemon
    from photos_engine.scheduler.metrics import write_metrics
    from photos_engine.scheduler.policy import Manners
    from photos_engine.scheduler.worker import Workshop
    from photos_engine.store import Store

    settings = load_settings(library=face.library)
    manners = Manners.of(settings.daemon_waits_for, settings.quiet_hours)
    library = Library.open(settings.library)
    with Store.open(library.folder) as store:

        def tell(run: JobRun) -> None:
            _print_run(run, settings)
            if settings.metrics_file:
                try:
                    write_metrics(Path(settings.metrics_file).expanduser(), read_status(library, store))
                except ConfigError as error:  # a nuisance, and no reason to leave photos alone
                    logger.warning("%s", error)

        def record(run: JobRun) -> None:
            with store.begin() as unit:
                unit.jobs.add(run)

        work = Workshop(library.folder, record)
        Daemon(library, store, work, on_run=tell, watched=watched, scan_every_s=60 * every, manners=manners).run()


def _print_run(run: JobRun, settings: Settings) -> None:
    entry = as_job_run(run)
    click.echo(encode_json(entry if settings.log_paths == "yes" else without_paths(entry)))


JOB = click.Argument(["job"], type=click.Choice(JOBS))


@daemon.command(example="photos-engine daemon pause analyse", params=[JOB])
@pass_face
def pause(face: Face, job: str) -> None:
    """Let a job rest until it is resumed, over restarts of the daemon too."""
    _plan(face, job, is_paused=True)
    face.answer({"job": job, "paused": True}, [f"{job} rests until: photos-engine daemon resume {job}"])


@daemon.command(example="photos-engine daemon resume analyse", params=[JOB])
@pass_face
def resume(face: Face, job: str) -> None:
    """Let a job go on that was paused."""
    _plan(face, job, is_paused=False)
    face.answer({"job": job, "paused": False}, [f"{job} goes on"])


@daemon.command(example="photos-engine daemon run memories", params=[JOB])
@pass_face
def run(face: Face, job: str) -> None:
    """Ask the daemon to run a job now, whatever the machine is up to."""
    _plan(face, job, is_asked=True)
    is_tended = face.library_folder().is_tended
    face.answer({"job": job, "asked": True, "daemon": is_tended}, [f"{job} is asked for"])
    if not is_tended:
        face.remark("no daemon is at work; the next one will do it")


def _plan(face: Face, job: str, *, is_paused: bool | None = None, is_asked: bool = False) -> None:
    from photos_engine.store import Store

    with Store.open(face.library_folder().folder) as store, store.begin() as unit:
        if is_paused is not None:
            unit.jobs.pause(job, is_paused)
        if is_asked:
            unit.jobs.ask(job)


@daemon.command(example="photos-engine daemon install")
@click.option("--no-start", is_flag=True, help="Only write the file; it takes effect at the next login.")
@pass_face
def install(face: Face, no_start: bool) -> None:
    """Let the system start the daemon at every login: systemd, launchd or the Windows task scheduler."""
    from photos_engine.scheduler import units

    unit = _unit(face)
    units.install(unit, start=not no_start)
    face.answer({"file": str(unit.path), "started": not no_start}, [f"{unit.path} starts the daemon at login"])


@daemon.command(example="photos-engine daemon uninstall")
@pass_face
def uninstall(face: Face) -> None:
    """Let the system start the daemon no more."""
    from photos_engine.scheduler import units

    unit = _unit(face)
    was_there = units.uninstall(unit)
    words = f"{unit.path} is removed" if was_there else "no system starts the daemon for this library"
    face.answer({"file": str(unit.path), "removed": was_there}, [words])


def _unit(face: Face) -> Unit:
    from photos_engine.scheduler.units import make_unit

    return make_unit(face.library_folder().folder)
