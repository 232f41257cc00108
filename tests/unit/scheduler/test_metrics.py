"""The figures for Prometheus, in the format that it reads."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from photos_engine.errors import ConfigError
from photos_engine.scheduler.metrics import as_text, write_metrics
from photos_engine.types import JobRun, LibraryStatus

RUNS = tuple(
    JobRun(job, datetime(2023, 7, 1, tzinfo=UTC), 1.25, outcome, {})
    for job, outcome in (("check", "failed"), ("scan", "done"))
)
STATUS = LibraryStatus(10, 8, 1, 2, 3, 0, "ansa-1", "0005", Path("/library"), RUNS)


def test_every_line_is_a_sample_or_a_comment() -> None:
    text = as_text(STATUS)
    samples = [line for line in text.splitlines() if not line.startswith("# ")]
    assert all(re.fullmatch(r'[a-z_]+(\{[a-z]+="[a-z]+"\})? [0-9.]+', line) for line in samples)
    assert 'photos_engine_photos{state="pending"} 2' in samples
    assert 'photos_engine_job_success{job="check"} 0' in samples
    assert 'photos_engine_job_success{job="scan"} 1' in samples
    names = re.findall(r"# TYPE (\S+) gauge", text)
    assert {line.split("{")[0].split(" ")[0] for line in samples} == set(names)


def test_it_is_written_whole_or_refused_in_one_line(tmp_path: Path) -> None:
    write_metrics(tmp_path / "photos.prom", STATUS)
    assert (tmp_path / "photos.prom").read_text() == as_text(STATUS)
    with pytest.raises(ConfigError, match="can't be written"):
        write_metrics(tmp_path / "missing" / "photos.prom", STATUS)
