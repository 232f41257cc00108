"""Paths stay out of a log that is to be handed on."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photos_engine.config import load_settings
from photos_engine.errors import ConfigError, DecodeError
from photos_engine.logs import JsonFormatter, PathlessFormatter, leave_out_paths, without_paths

names = st.text(st.characters(blacklist_characters="/\\\n\0", blacklist_categories=["Cs"]), min_size=1).filter(
    lambda name: name.strip(". ") and not any(start == ":" and end.isspace() for start, end in pairwise(name))
)


@given(st.lists(names, min_size=1, max_size=4), st.booleans())
def test_no_part_of_a_path_is_left(parts: list[str], is_windows: bool) -> None:
    parts = [f"secret{part}" for part in parts]
    path = PureWindowsPath("C:/", *parts) if is_windows else PurePosixPath("/", *parts)
    assert "secret" not in leave_out_paths(f"watching {path}: it ended")
    assert leave_out_paths(f"{path}: it is broken") == "<path>: it is broken"
    assert "secret" not in leave_out_paths(f"no such file: {str(path)!r}, nor another")
    assert leave_out_paths(f"no such file: {str(path)!r}, nor another").endswith(", nor another")


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


def record_of(message: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord("photos_engine.room", logging.WARNING, __file__, 1, message, values, None)


def test_a_line_of_json_keeps_the_event_apart_from_its_values() -> None:
    record = record_of("%s: %d of %s: %s", Path("/home/zoe/a.jpg"), 3, None, DecodeError("/home/zoe", "broken"))
    entry = json.loads(JsonFormatter(names_paths=True).format(record))
    assert entry["event"] == "%s: %d of %s: %s"
    assert entry["values"] == ["/home/zoe/a.jpg", 3, None, {"error": "DecodeError", "reason": "/home/zoe: broken"}]
    assert entry["message"] == "/home/zoe/a.jpg: 3 of None: /home/zoe: broken"
    assert (entry["level"], entry["room"]) == ("warning", "photos_engine.room")
    assert datetime.fromisoformat(entry["time"]).utcoffset() == timedelta(0)


@given(names, st.booleans())
def test_lines_of_json_leave_paths_out_and_stay_json(name: str, is_in_values: bool) -> None:
    path = f"/home/secret{name}"
    record = record_of("it is %s", path) if is_in_values else record_of(f"it is {path}".replace("%", "%%"))
    line = JsonFormatter(names_paths=False).format(record)
    assert "secret" not in line
    assert "<path>" in json.loads(line)["message"]
    assert "\n" not in line


def test_a_line_of_json_has_the_trace_of_a_fault() -> None:
    try:
        raise DecodeError("/home/zoe", "broken")
    except DecodeError as error:
        record = record_of("job failed")
        record.exc_info = (type(error), error, error.__traceback__)
    entry = json.loads(JsonFormatter(names_paths=False).format(record))
    assert entry["trace"].startswith("Traceback")
    assert "zoe" not in entry["trace"]


def test_paths_are_left_out_of_nested_values() -> None:
    value = {"reason": "/a/b: broken", "n": 3, "more": [{"x": ("/c", None, True)}]}
    assert without_paths(value) == {"reason": "<path>: broken", "n": 3, "more": [{"x": ["<path>", None, True]}]}


@pytest.mark.parametrize(("name", "value"), [("log_format", "xml"), ("log_level", "loud"), ("log_level", "WARNING")])
def test_other_choices_than_there_are_get_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be .* or .*, not '{value}'"):
        load_settings(environment={f"PHOTOS_ENGINE_{name.upper()}": value})


def test_whether_paths_are_named_is_yes_or_no() -> None:
    with pytest.raises(ConfigError, match="log_paths must be yes or no"):
        load_settings(log_paths="perhaps", environment={})
