"""A library's figures as a text file for Prometheus: its node exporter's "textfile collector" picks such files up.

Nothing listens anywhere; whoever wants the figures reads the file. Format: the text exposition format 0.0.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from photos_engine.errors import ConfigError
from photos_engine.files import write_atomically
from photos_engine.types import LibraryStatus


def write_metrics(path: Path, status: LibraryStatus) -> None:
    """Put a library's figures into a file. Raises: ConfigError."""
    try:
        write_atomically(path, as_text(status).encode(), durable=False)
    except OSError as error:
        raise ConfigError(f"metrics_file {path} can't be written: {error.strerror or error}") from error


def as_text(status: LibraryStatus) -> str:
    """A library's figures, one a line."""
    return "".join(f"{line}\n" for line in _lines(status))


def _lines(status: LibraryStatus) -> Iterator[str]:
    yield "# HELP photos_engine_photos Photos of the library, by what has become of them."
    yield "# TYPE photos_engine_photos gauge"
    for name in ("photos", "analysed", "pending", "gone"):
        yield f'photos_engine_photos{{state="{name}"}} {getattr(status, name)}'
    yield "# HELP photos_engine_failed_files Files that could not be used."
    yield "# TYPE photos_engine_failed_files gauge"
    yield f"photos_engine_failed_files {status.failed}"
    yield "# HELP photos_engine_job_success Whether the last run of a job went well."
    yield "# TYPE photos_engine_job_success gauge"
    for run in status.jobs:
        yield f'photos_engine_job_success{{job="{run.job}"}} {int(run.outcome != "failed")}'
    yield "# HELP photos_engine_job_seconds How long the last run of a job took."
    yield "# TYPE photos_engine_job_seconds gauge"
    for run in status.jobs:
        yield f'photos_engine_job_seconds{{job="{run.job}"}} {run.seconds:.3f}'
    yield "# HELP photos_engine_job_started_timestamp_seconds When the last run of a job began."
    yield "# TYPE photos_engine_job_started_timestamp_seconds gauge"
    for run in status.jobs:
        yield f'photos_engine_job_started_timestamp_seconds{{job="{run.job}"}} {run.started_utc.timestamp():.0f}'
