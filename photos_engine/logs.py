"""Logs: lines for people or JSON for programs, and if need be ones that don't say where a person's photos lie.

What the engine logs never has a picture in it, nor what is seen in one. It does name files and folders, which tell of
people and places too: whoever hands a log on, or lets a system collect it, can have them left out.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from photos_engine.config import Settings, load_settings
from photos_engine.errors import ConfigError

LEFT_OUT = "<path>"

# An absolute path: in quotes up to the closing one, else up to a colon before a blank, as stands before a reason, or
# the end of the line. Names hold anything else, quotes and times of day included.
_START = r"(?<![\w.\\/])(?:[A-Za-z]:[\\/]|~?/|\\\\)"
_PATH = re.compile(rf"""(?P<quote>["'])(?={_START})(?:\\.|(?!(?P=quote)).)+(?=(?P=quote))|{_START}(?:(?!:\s).)+""")


def log_to_stderr() -> None:
    """Let this program's log go to stderr as the settings say; where they make no sense, without paths."""
    try:
        settings = load_settings()
    except ConfigError:  # whoever needs the settings will say so
        settings = Settings(log_paths="no")
    handler = logging.StreamHandler()
    handler.setFormatter(_formatter(settings))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])


def _formatter(settings: Settings) -> logging.Formatter:
    if settings.log_format == "json":
        return JsonFormatter(names_paths=settings.log_paths == "yes")
    text = "photos-engine: %(levelname)s: %(message)s"
    return logging.Formatter(text) if settings.log_paths == "yes" else PathlessFormatter(text)


class PathlessFormatter(logging.Formatter):
    """Writes records as `logging.Formatter` does, tracebacks included, with paths left out."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's text."""
        return leave_out_paths(super().format(record))


class JsonFormatter(logging.Formatter):
    """Writes each record as one line of JSON.

    `event` is what the program always calls such a thing, by which lines can be counted and searched, `values` what
    was different this time, in the order in which `event` has places for them; `message` is the two in one.
    """

    def __init__(self, *, names_paths: bool) -> None:
        super().__init__()
        self._names_paths = names_paths

    def format(self, record: logging.LogRecord) -> str:
        """The record's line."""
        given = record.args.values() if isinstance(record.args, Mapping) else record.args or ()
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "room": record.name,
            "process": record.process,
            "event": str(record.msg),
            "values": [_as_json(value) for value in given],
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry if self._names_paths else without_paths(entry))


def leave_out_paths(text: str) -> str:
    """A text with `<path>` for every absolute path: rather too much goes than too little."""
    return _PATH.sub(lambda match: f"{match['quote'] or ''}{LEFT_OUT}", text)


def without_paths(value: object) -> object:
    """A JSON value with `<path>` for every absolute path in its texts."""
    if isinstance(value, str):
        return leave_out_paths(value)
    if isinstance(value, Mapping):
        return {key: without_paths(item) for key, item in value.items()}
    return [without_paths(item) for item in value] if isinstance(value, list | tuple) else value


def _as_json(value: object) -> object:
    if isinstance(value, BaseException):
        return {"error": type(value).__name__, "reason": str(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)
