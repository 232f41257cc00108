"""Paths stay out of a log that is to be handed on."""

from __future__ import annotations

import logging
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photos_engine.config import load_settings
from photos_engine.errors import ConfigError, DecodeError
from photos_engine.logs import PathlessFormatter, leave_out_paths

names = st.text(st.characters(blacklist_characters="/\\:'\"\n\0", blacklist_categories=["Cs"]), min_size=1).filter(
    lambda name: name.strip(". ")
)


@given(st.lists(names, min_size=1, max_size=4), st.booleans())
def test_no_part_of_a_path_is_left(parts: list[str], is_windows: bool) -> None:
    parts = [f"secret{part}" for part in parts]
    path = PureWindowsPath("C:/", *parts) if is_windows else PurePosixPath("/", *parts)
    assert "secret" not in leave_out_paths(f"watching {path}: it ended")
    assert leave_out_paths(f"{path}: it is broken") == "<path>: it is broken"


@pytest.mark.parametrize("text", ["3 of 5 and/or more", "a rate of 22/s", "at 12:30", "https is never used", ""])
def test_other_text_stays(text: str) -> None:
    assert leave_out_paths(text) == text


def test_tracebacks_and_arguments_are_cleaned_too() -> None:
    try:
        raise DecodeError("/home/zoe/secret place/a.jpg", "it is broken")
    except DecodeError as error:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed: %s", (error,), None)
        record.exc_info = (type(error), error, error.__traceback__)
    text = PathlessFormatter("%(levelname)s: %(message)s").format(record)
    assert text.startswith("ERROR: failed: <path>: it is broken\n")
    assert "secret" not in text
    assert "zoe" not in text


def test_whether_paths_are_named_is_yes_or_no() -> None:
    with pytest.raises(ConfigError, match="log_paths must be yes or no"):
        load_settings(log_paths="perhaps", environment={})
