"""Dataclasses of arrays in files: how what is derived from the whole library is kept beside the database.

Such a file is a cache. Whoever reads it finds in it by which state it was made, or gets nothing.
"""

from __future__ import annotations

import io
import json
import zlib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from photos_engine.files import write_atomically

T = TypeVar("T")

UNREADABLE = (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile, zlib.error)
"""What reading a file may raise that is not what `write_arrays` wrote."""


def write_arrays(path: Path, whole: Any) -> None:
    """Put a dataclass of arrays, values that JSON can hold, and dataclasses of such, into a file.

    Whole or not at all; after a power cut perhaps the file of before. Raises: OSError.
    """
    arrays: dict[str, NDArray[Any]] = {}
    words: dict[str, Any] = {}
    _take_apart(whole, "", arrays, words)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, words=np.frombuffer(json.dumps(words).encode(), np.uint8), **arrays)
    write_atomically(path, buffer.getvalue(), durable=False, make_folders=True)


def read_arrays(path: Path, kind: type[T]) -> T:
    """What `write_arrays` put into a file; its tuples come back as such. Raises: one of `UNREADABLE`."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        whole: T = _put_together(kind, "", stored, json.loads(stored["words"].tobytes()))
        return whole


def _take_apart(whole: Any, name: str, arrays: dict[str, NDArray[Any]], words: dict[str, Any]) -> None:
    """Put what a dataclass holds, and dataclasses in it, by dotted names among arrays and words."""
    for part in fields(whole):
        value, full = getattr(whole, part.name), name + part.name
        if is_dataclass(value):
            _take_apart(value, f"{full}.", arrays, words)
        elif isinstance(value, np.ndarray):
            arrays[full] = value
        else:
            words[full] = value


def _put_together(kind: Any, name: str, arrays: Any, words: dict[str, Any]) -> Any:
    """The reverse of `_take_apart`. Raises: KeyError for what is missing."""
    parts: dict[str, Any] = {}
    for part, hint in get_type_hints(kind).items():
        full = name + part
        if is_dataclass(hint):
            parts[part] = _put_together(hint, f"{full}.", arrays, words)
        else:
            parts[part] = _as_tuples(words[full]) if full in words else arrays[full]
    return kind(**parts)


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value
