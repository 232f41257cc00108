"""Text for people: aligned tables, names that can't harm a terminal, and progress."""

from __future__ import annotations

import os
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self, TextIO

from photos_engine.types import Progress, Reason

BAR_WIDTH = 24
PLAIN_LINE_EVERY_S = 10.0
_PACE_AFTER_S = 2.0
_STAGES = {
    "scan": "looking for photos",
    "analyse": "analysing",
    "reanalyse": "analysing for the next model",
    "read": "reading text in pictures",
}


def printable(text: str | os.PathLike[str]) -> str:
    r"""Text as one line that any terminal takes: control characters and undecodable bytes as `\x..`, `\udc..`."""
    return "".join(
        c if c.isprintable() or unicodedata.category(c) == "Zs" else c.encode("unicode_escape").decode()
        for c in os.fspath(text)
    )


def table(rows: Iterable[Sequence[object]], headers: Sequence[str] = ()) -> Iterator[str]:
    """Rows as lines with aligned columns: numbers to the right, the last column as long as it is."""
    rows = list(rows)
    if not rows:
        return
    cells = [[_cell(value) for value in row] for row in rows]
    is_number = [all(isinstance(value, int | float) for value in column) for column in zip(*rows, strict=True)]
    lines = [list(headers), *cells] if headers else cells
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = [
            " " * (width - _width(cell)) + cell if right else cell + " " * (width - _width(cell))
            for cell, width, right in zip(line, widths, is_number, strict=True)
        ]
        yield "  ".join(padded).rstrip()


def _cell(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else printable(str(value))


def _width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)


def because(reasons: Iterable[Reason], limit: int = 3) -> str:
    """The weightiest reasons in one line."""
    strongest = sorted(reasons, key=lambda r: -abs(r.weight))[:limit]
    return printable("; ".join(r.text.rstrip(".") for r in strongest))


def span(start: datetime, end: datetime) -> str:
    """A stretch of days: 2023-07-02 to 2023-07-09."""
    first, last = start.date().isoformat(), end.date().isoformat()
    return first if first == last else f"{first} to {last}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: 1 photo, 2,000 photos."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


class ProgressLine:
    """Progress on stderr: a bar that moves on a terminal, now and then a plain line elsewhere."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._stage = ""
        self._said_at = 0.0
        self._first: Progress | None = None  # of the stage

    def __call__(self, progress: Progress) -> None:
        """Show one step."""
        if self._first is None or self._first.stage != progress.stage:
            self._first = progress
        if self._is_terminal:
            self._stream.write(f"\r\x1b[K{_bar(progress, self._first)}")
        elif progress.stage != self._stage or time.monotonic() - self._said_at >= PLAIN_LINE_EVERY_S:
            self._said_at = time.monotonic()
            self._stream.write(f"{_words(progress)}\n")
        self._stage = progress.stage
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_terminal and self._stage:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def _words(progress: Progress) -> str:
    of = "" if progress.total is None else f" of {progress.total:,}"
    return f"{_STAGES.get(progress.stage, progress.stage)}: {progress.done:,}{of}"


def _bar(progress: Progress, first: Progress) -> str:
    if not progress.total or progress.stage == "scan":
        return _words(progress)
    share = min(1.0, progress.done / progress.total)
    full = round(share * BAR_WIDTH)
    left = "" if (left_s := seconds_left(progress, first)) is None else f"  {_duration(left_s)} left"
    return f"[{'#' * full}{'.' * (BAR_WIDTH - full)}] {share:4.0%}  {_words(progress)}{left}"


def seconds_left(progress: Progress, first: Progress) -> float | None:
    """How long a stage will take yet, by its pace since its first report; None while that says nothing.

    What lies before the first report (a scan, starting up, photos that needed no look) is no measure of the rest.
    """
    if not progress.total or progress.done >= progress.total:
        return None
    began, share = (p.done / progress.total if p.share is None else p.share for p in (first, progress))
    seconds = progress.seconds - first.seconds
    return None if share <= began or seconds < _PACE_AFTER_S else seconds * (1 - share) / (share - began)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
