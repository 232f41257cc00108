"""Logs that don't say where a person's photos lie.

What the engine logs never has a picture in it. It does name files and folders, which tell of people and places
too: whoever hands a log on, or lets a system collect it, can have them left out.
"""

from __future__ import annotations

import logging
import re

from photos_engine.config import load_settings
from photos_engine.errors import ConfigError

LEFT_OUT = "<path>"

# An absolute path, and what follows it up to a quote, a colon or the end of the line: names may hold anything else.
_PATH = re.compile(r"""(?<![\w.\\/])(?:[A-Za-z]:[\\/]|~?/|\\\\)[^:\n'"]+""")


def log_to_stderr() -> None:
    """Let warnings of this program go to stderr, without paths where the settings say so or make no sense."""
    try:
        may_name_paths = load_settings().log_paths == "yes"
    except ConfigError:  # whoever needs the settings will say so
        may_name_paths = False
    formatter = logging.Formatter if may_name_paths else PathlessFormatter
    handler = logging.StreamHandler()
    handler.setFormatter(formatter("photos-engine: %(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class PathlessFormatter(logging.Formatter):
    """Writes records as `logging.Formatter` does, tracebacks included, with paths left out."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's text."""
        return leave_out_paths(super().format(record))


def leave_out_paths(text: str) -> str:
    """A text with `<path>` for every absolute path: rather too much goes than too little."""
    return _PATH.sub(LEFT_OUT, text)
