"""Text for people: columns that align, names that can't harm a terminal, progress that suits its stream."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine.cli.output import ProgressLine, because, counted, printable, seconds_left, table
from photos_engine.types import Progress, Reason


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(exclude_categories=())))
def test_printable_text_is_one_line_that_encodes(text: str) -> None:
    shown = printable(text)
    shown.encode("utf-8")
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in shown)
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize("text", ["Biarritz, 2023", "Zürich – 京都 🎉", "Screenshot 3.00\u202fPM"])
def test_printable_leaves_text_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_columns_align_whatever_their_letters() -> None:
    lines = list(table([("京都", 2, "x"), ("a\u0301bc", 1200, "y")], ("place", "photos", "id")))
    assert lines == [
        "place  photos  id",
        "京都        2  x",
        "a\u0301bc      1200  y",
    ]
    assert list(table([], ("place", "photos"))) == []


def test_because_names_the_weightiest_reasons() -> None:
    reasons = [Reason("a", 0.1, "Least."), Reason("b", -0.9, "Most."), Reason("c", 0.5, "Middle.")]
    assert because(reasons, limit=2) == "Most; Middle"


@pytest.mark.parametrize(("number", "text"), [(0, "0 photos"), (1, "1 photo"), (2000, "2,000 photos")])
def test_nouns_follow_their_number(number: int, text: str) -> None:
    assert counted(number, "photo") == text


def test_progress_is_a_moving_bar_on_a_terminal_and_leaves_nothing_behind() -> None:
    stream = Terminal()
    with ProgressLine(stream) as show:
        show(Progress("scan", 100, 100, 1.0))
        show(Progress("analyse", 5, 100, 10.0))
        show(Progress("analyse", 25, 100, 90.0))
        show(Progress("analyse", 100, 100, 120.0))
    text = stream.getvalue()
    assert "\n" not in text
    assert "[######..................]  25%  analysing: 25 of 100  5 min 00 s left" in text
    assert text.endswith("\r\x1b[K")


@given(
    pace=st.floats(0.05, 100),
    known=st.integers(0, 90_000),
    jitter=st.lists(st.floats(0.5, 1.5), min_size=100, max_size=100),
)
@settings(max_examples=20)
def test_the_time_left_is_true_within_a_fifth_after_a_minute(pace: float, known: int, jitter: list[float]) -> None:
    """Whatever share of the photos needed no look, with batches that differ by half."""
    total, batch = 100_000, 100
    mean = sum(jitter) / len(jitter)
    first = Progress("analyse", known + batch, total, 30.0)
    done, seconds = known + batch, 30.0
    for number in range((total - known) // batch - 2):
        done, seconds = done + batch, seconds + batch * pace * jitter[number % len(jitter)] / mean
        left = seconds_left(Progress("analyse", done, total, seconds), first)
        if number >= 100:  # as many as it takes for them to be like the rest
            assert left == pytest.approx((total - done) * pace, rel=0.2)


def test_the_time_left_knows_that_files_differ() -> None:
    """Half of the photos are JPEGs, and behind them wait those that take ten times as long."""
    first = Progress("analyse", 10, 1_000, 1.0, share=0.01 * 2 / 11)
    now = Progress("analyse", 500, 1_000, 50.0, share=1 / 11)
    assert seconds_left(now, first) == pytest.approx(500.0)
    counted_only = seconds_left(replace(now, share=None), replace(first, share=None))
    assert counted_only == pytest.approx(50.0)


def test_progress_elsewhere_is_a_few_plain_lines() -> None:
    stream = io.StringIO()
    with ProgressLine(stream) as show:
        show(Progress("scan", 100, 100, 1.0))
        for done in range(1, 101):
            show(Progress("analyse", done, 100, float(done)))
    assert stream.getvalue() == "looking for photos: 100 of 100\nanalysing: 1 of 100\n"
    assert not re.search(r"[\r\x1b]", stream.getvalue())
