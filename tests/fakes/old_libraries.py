"""Libraries as former schemas left them, kept as SQL: what migrations are tried on.

    PYTHONPATH=tests python -m fakes.old_libraries 0006

writes the library of a revision, by its own migrations and `ROWS`. It is to be run once, when the revision goes
out: a dump is what people have, also where somebody changes an old migration afterwards. Rows are written out and
not made through the repositories, since these know the present schema only.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from photos_engine import migrations
from photos_engine.types import EMBEDDING_DIMENSIONS

DUMPS = Path(__file__).parents[1] / "data" / "libraries"
BEACH, COPY, EDITED, LOST = (f"{number:032x}" for number in (0xBEAC4, 0xC097, 0xED17ED, 0x1057))
OLDER, NEWER = "older-1", "newer-1"
Row = dict[str, object]


def upgrade_to(revision: str, database: Path) -> None:
    """Let the migrations up to a revision make or change a database."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])))
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def load(revision: str, database: Path) -> None:
    """Make the library that a revision's dump holds."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executescript((DUMPS / f"{revision}.sql").read_text(encoding="utf-8"))


def tables(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Table -> its columns; without what SQLite and full-text search keep for themselves."""
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    virtual = "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL%'"
    inner = tuple(f"{name}_" for (name,) in connection.execute(virtual))
    own = [name for name in names if not name.startswith(("sqlite_", *inner))]
    return {name: tuple(row[1] for row in connection.execute(f"PRAGMA table_info({name})")) for name in own}


def embedding(direction: int) -> bytes:
    """A unit vector along one axis, as it is stored."""
    vector = np.zeros(EMBEDDING_DIMENSIONS, "<f2")
    vector[direction] = 1
    return vector.tobytes()


def _photo(key: int, content: str, **more: object) -> Row:
    plain = {"format": "JPEG", "size_bytes": 2_000_000 + key, "width_px": 4032, "height_px": 3024}
    taken = {"taken_utc": 1_689_337_800.0 + key, "utc_offset_s": 3600, "date_source": "exif", "zone_source": "recorded"}
    rest = {"has_embedded_video": 0, "added_utc": 1_700_000_000.0}
    return {"id": key, "content_hash": content, **plain, **taken, **rest, **more}


def _file(path: str, photo_id: int | None, **more: object) -> Row:
    stamp = {"size_bytes": 2_000_000, "mtime_ns": 1_689_337_800_000_000_001, "sidecar_mtime_ns": 0}
    return {"path": path.encode(), "role": "image", "photo_id": photo_id, **stamp, **more}


def _analysis(photo_id: int, model_id: int, direction: int) -> Row:
    quality = {"sharpness": 0.75, "exposure": 0.5, "noise": 0.25, "overall": 0.625}
    seen = {"utility": '{"receipt": 0.01}', "saliency": bytes([0, 255, 128, 64]), "saliency_rows": 2}
    later = {"brightness": 0.5, "level": 1.5, "objects": '[["dog", [0.1, 0.2, 0.5, 0.9], 0.8]]', "aesthetics": 0.625}
    vectors = {"embedding": embedding(direction), "print": bytes([direction]) * 32}
    return {"photo_id": photo_id, "model_id": model_id, **vectors, **quality, **seen, **later}


LISBON: Row = {
    **{"geoname_id": 2267057, "city": "Lisbon", "region": "Lisbon", "country": "Portugal", "country_code": "PT"},
    **{"latitude": 38.71667, "longitude": -9.13333},
}
WORDS: Row = {"keywords": "sea summer", "people": "Zoë", "place": "Lisbon Lisbon Portugal"}
MEMORY: Row = {
    **{"id": "trip:1", "kind": "trip", "title": "Lisbon", "subtitle": "July 2023", "cover_id": 1, "mood": "happy"},
    **{"start": "2023-07-14T12:30:01+01:00", "end": "2023-07-14T12:30:03+01:00", "energy": 0.5, "score": 0.875},
    **{"reasons": '[["length", 0.5, "3 days away"]]', "rejected": "[]", "told_from": "abc"},
}
GATHERED: Row = {
    **{"id": 1, "keeper_id": BEACH, "photo_id": LOST, "group_id": "exact:1", "rating": 4, "title": None},
    **{"caption": None, "keywords": '["sunset"]', "people": "[]", "decided": "[]"},
}

ROWS: dict[str, list[Row]] = {
    "setting": [{"name": "roots", "value": '["/photos"]'}, {"name": "revision", "value": "7"}],
    "model": [
        {"id": 1, "name": OLDER, "state": "begun"},
        {"id": 2, "name": NEWER, "state": "active"},
    ],
    "place": [LISBON],
    "photo": [
        _photo(
            1, BEACH, latitude=38.7, longitude=-9.1, place_id=2267057, rating=3, title="The sea", camera_make="Ricoh"
        ),
        _photo(2, COPY, taken_utc=-5_000_000_000.25),
        _photo(3, EDITED, caption="Zoë, again"),
    ],
    "photo_text": [
        {"rowid": 1, "file_name": "beach", "title": "The sea", "caption": "", **WORDS},
        {"rowid": 2, "file_name": "copy", "title": "", "caption": "", "keywords": "", "people": "", "place": ""},
        {"rowid": 3, "file_name": "r", "title": "", "caption": "again", "keywords": "", "people": "", "place": ""},
    ],
    "keyword": [{"photo_id": 1, "keyword": "sea"}, {"photo_id": 1, "keyword": "summer"}],
    "person_region": [{"photo_id": 1, "position": 0, "name": "Zoë", "box": "[0.1, 0.2, 0.3, 0.4]"}],
    "file": [
        _file("/photos/beach.jpg", 1),
        _file("/photos/copy.jpg", 2),
        _file("/photos/gone.jpg", 2, gone_utc=1_700_000_001.0),
        _file("/photos/r.jpg", 3) | {"path": b"/photos/\xe9t\xe9.jpg"},
        _file("/photos/torn.jpg", None, error="decode_error", reason="its data is damaged", decoder="own 1"),
        _file("/photos/beach.mov", 1, role="video"),
    ],
    "analysis": [_analysis(1, 2, 1), _analysis(2, 2, 2), _analysis(3, 2, 3), _analysis(1, 1, 4)],
    "tag": [
        {"photo_id": 1, "model_id": 2, "tag": "beach", "probability": 0.9375},
        {"photo_id": 2, "model_id": 2, "tag": "dog", "probability": 0.5},
    ],
    "decision": [
        {"id": 1, "subject": BEACH, "subject_kind": "photo", "decision": "favourite", "decided_utc": 1_700_000_002.5},
        {"id": 2, "subject": LOST, "subject_kind": "photo", "decision": "hide", "decided_utc": 1_700_000_003.0},
    ],
    "gathered": [GATHERED],
    "duplicate_group": [{"id": "similar:1", "kind": "similar", "reasons": '[["likeness", 1.0, "alike"]]'}],
    "duplicate_member": [
        {"group_id": "similar:1", "position": 0, "photo_id": 1, "path": b"/photos/beach.jpg"},
        {"group_id": "similar:1", "position": 1, "photo_id": 2, "path": b"/photos/copy.jpg"},
    ],
    "stack": [{"photo_id": 2, "group_id": "similar:1", "kind": "similar", "keeper_id": BEACH}],
    "memory": [MEMORY],
    "memory_photo": [
        {"memory_id": "trip:1", "position": 0, "photo_id": 1, "reasons": "[]"},
        {"memory_id": "trip:1", "position": 1, "photo_id": 3, "reasons": "[]"},
    ],
    "showing": [{"memory_id": "trip:1", "day": "2024-07-14", "position": 0, "reaction": "none"}],
    "stay": [{"name": "Lisbon 2023", "first_day": "2023-07-14", "last_day": "2023-07-16"}],
    "job_run": [
        {"id": 1, "job": "scan", "started_utc": 1_700_000_000.0, "seconds": 1.5, "outcome": "done", "detail": "{}"}
    ],
    "job": [{"name": "scan", "next_utc": 1_700_001_800.0, "is_paused": 1, "is_asked": 0, "waits_for": None}],
    "picture_text": [{"rowid": 3, "words": "no swimming", "reader": "reader-1"}],
}


def write_dump(revision: str) -> None:
    """Keep the library of a revision as SQL."""
    database = DUMPS / f"{revision}.db"
    upgrade_to(revision, database)
    with closing(sqlite3.connect(database)) as connection:
        known = tables(connection)
        for table, rows in ROWS.items():
            for row in rows:
                values = {name: value for name, value in row.items() if name in (*known.get(table, ()), "rowid")}
                if table in known:
                    names, marks = ", ".join(f'"{name}"' for name in values), ", ".join("?" * len(values))
                    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))
        connection.commit()
        (DUMPS / f"{revision}.sql").write_text("".join(f"{line};\n" for line in _statements(connection)))
    database.unlink()


def _statements(connection: sqlite3.Connection) -> Iterator[str]:
    known = tables(connection)
    order = "ORDER BY CASE type WHEN 'table' THEN 0 ELSE 1 END, rowid"
    for name, owner, text in connection.execute(f"SELECT name, tbl_name, sql FROM sqlite_master {order}").fetchall():
        if text and owner in known and not name.startswith("sqlite_"):
            yield text
    for table, columns in known.items():
        keyed = ("rowid", *columns) if table.endswith("_text") else columns
        names = ", ".join(f'"{column}"' for column in keyed)
        values = " || ', ' || ".join(f'quote("{column}")' for column in keyed)
        for (row,) in connection.execute(f"SELECT {values} FROM {table}"):
            yield f"INSERT INTO {table} ({names}) VALUES ({row})"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        write_dump(name)
