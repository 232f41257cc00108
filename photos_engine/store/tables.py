"""The library's tables, as the newest migration leaves them.

Facts of the photos and decisions of the person are the truth; `analysis`, `tag`, `stack`,
`duplicate_*` and `memory*` are derived and can be made again. Times in UTC are seconds since 1970.
"""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    and_,
    bindparam,
    func,
    select,
    text,
)


class PathBytes(TypeDecorator[str]):
    """A path as the bytes that the file system knows it by: names need not be valid text."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Into the database: the file system's bytes."""
        return None if value is None else os.fsencode(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Out of it: text, undecodable bytes as lone surrogates."""
        return None if value is None else os.fsdecode(value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

setting = Table(
    "setting",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)

model = Table(
    "model",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("state", String, nullable=False, server_default="begun"),  # a `ModelState`
    Index(None, "state", unique=True, sqlite_where=text("state IN ('active', 'next')")),
)

place = Table(
    "place",
    metadata,
    Column("geoname_id", Integer, primary_key=True, autoincrement=False),
    Column("city", String, nullable=False),
    Column("region", String, nullable=False),
    Column("country", String, nullable=False),
    Column("country_code", String, nullable=False),
    Column("latitude", Float, nullable=False),
    Column("longitude", Float, nullable=False),
)

photo = Table(
    "photo",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("content_hash", String(32), nullable=False, unique=True),
    Column("format", String, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("width_px", Integer, nullable=False),
    Column("height_px", Integer, nullable=False),
    Column("taken_utc", Float, nullable=False),
    Column("utc_offset_s", Integer, nullable=False),
    Column("date_source", String, nullable=False),
    Column("zone_source", String, nullable=False),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("altitude_m", Float),
    Column("place_id", Integer, ForeignKey("place.geoname_id")),
    Column("camera_make", String),
    Column("camera_model", String),
    Column("lens", String),
    Column("iso", Integer),
    Column("exposure_s", Float),
    Column("f_number", Float),
    Column("focal_length_mm", Float),
    Column("software", String),
    Column("rating", Integer),
    Column("title", String),
    Column("caption", String),
    Column("burst_id", String),
    Column("content_identifier", String),
    Column("has_embedded_video", Integer, nullable=False),
    Column("added_utc", Float, nullable=False),
    Index(None, "taken_utc"),
    Index(None, "place_id"),
    Index(None, "size_bytes"),
    # Keys are never used again: the vector index knows photos by them.
    sqlite_autoincrement=True,
)

photo_change = Table(
    "photo_change",  # written by triggers, whatever changes a photo, its files, its analyses or what was decided of it
    metadata,
    Column("photo_id", Integer, primary_key=True, autoincrement=False),
    Column("revision", Integer, nullable=False),  # of the library from which on it is seen, or a later one
    Index(None, "revision"),
)

keyword = Table(
    "keyword",
    metadata,
    Column("photo_id", Integer, ForeignKey("photo.id", ondelete="CASCADE"), primary_key=True),
    Column("keyword", String, primary_key=True),
    Index(None, "keyword"),
    sqlite_with_rowid=False,
)

person_region = Table(
    "person_region",
    metadata,
    Column("photo_id", Integer, ForeignKey("photo.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("box", JSON(none_as_null=True)),
    Index(None, "name"),
    sqlite_with_rowid=False,
)

file = Table(
    "file",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("path", PathBytes, nullable=False, unique=True),
    Column("role", String, nullable=False),  # "image" | "video"
    Column("photo_id", Integer, ForeignKey("photo.id", ondelete="SET NULL")),  # of a failed file: its last good content
    Column("size_bytes", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("sidecar_mtime_ns", BigInteger, nullable=False),
    Column("gone_utc", Float),  # None: present at the last scan
    Column("error", String),  # a PhotoError's code, or "video" for what is passed over
    Column("reason", String),
    Column("decoder", String),  # that it failed with: another one may do better
    Index(None, "photo_id"),
)

is_present = and_(file.c.role == "image", file.c.gone_utc.is_(None), file.c.error.is_(None))
"""Of a file: it lay there at the last scan, and the photo that it refers to is what it holds."""

listed = select(func.json_each(bindparam("listed")).table_valued("value").c.value)
"""The values of a JSON list: one parameter, where to put fifty into a statement takes longer than to run it."""

analysis = Table(
    "analysis",
    metadata,
    Column("photo_id", Integer, ForeignKey("photo.id", ondelete="CASCADE"), primary_key=True),
    Column("model_id", Integer, ForeignKey("model.id", ondelete="CASCADE"), primary_key=True),
    Column("embedding", LargeBinary, nullable=False),  # (512,) float16, little endian
    Column("print", LargeBinary, nullable=False),
    Column("sharpness", Float, nullable=False),
    Column("exposure", Float, nullable=False),
    Column("noise", Float, nullable=False),
    Column("overall", Float, nullable=False),
    Column("brightness", Float),
    Column("level", Float),
    Column("utility", JSON, nullable=False),
    Column("saliency", LargeBinary, nullable=False),  # (rows, columns) uint8, 255 is 1
    Column("saliency_rows", Integer, nullable=False),
    Column("objects", JSON, nullable=False, server_default="[]"),  # [[label, [left, top, right, bottom], score], ...]
    Column("aesthetics", Float),  # None: from a model without that head
    Index(None, "model_id"),
)

tag = Table(
    "tag",
    metadata,
    Column("photo_id", Integer, ForeignKey("photo.id", ondelete="CASCADE"), primary_key=True),
    Column("model_id", Integer, ForeignKey("model.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String, primary_key=True),
    Column("probability", Float, nullable=False),
    Index(None, "model_id", "tag", "probability"),
    sqlite_with_rowid=False,
)

decision = Table(
    "decision",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subject", String, nullable=False),
    Column("subject_kind", String, nullable=False),  # "photo" | "memory" | "node" | "group"
    Column("decision", String, nullable=False),
    Column("decided_utc", Float, nullable=False),
    Column("words", String, nullable=False, server_default=""),
    Column("photo_ids", JSON, nullable=False, server_default="[]"),  # contents
    UniqueConstraint("subject", "decision"),
)

# What copies had and the photo that stands for them lacked. By content, and not derived: the copies may be gone.
gathered = Table(
    "gathered",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("keeper_id", String(32), nullable=False),
    Column("photo_id", String(32), nullable=False),
    Column("group_id", String, nullable=False),
    Column("rating", Integer),
    Column("title", String),
    Column("caption", String),
    Column("keywords", JSON, nullable=False),
    Column("people", JSON, nullable=False),  # [[name, [left, top, right, bottom] or null], ...]
    Column("decided", JSON, nullable=False),  # [[decision, decided_utc], ...], which are in `decision`, too
    Index(None, "keeper_id"),
    Index(None, "group_id"),
)

duplicate_group = Table(
    "duplicate_group",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("reasons", JSON, nullable=False),
)

duplicate_member = Table(
    "duplicate_member",
    metadata,
    Column("group_id", String, ForeignKey("duplicate_group.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),  # 0: the keeper
    Column("photo_id", Integer, ForeignKey("photo.id", ondelete="CASCADE"), nullable=False),
    Column("path", PathBytes, nullable=False),
    Index(None, "photo_id"),
    sqlite_with_rowid=False,
)

stack = Table(
    "stack",
    metadata,
    Column("photo_id", Integer, ForeignKey("photo.id", ondelete="CASCADE"), primary_key=True),
    Column("group_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("keeper_id", String(32), nullable=False),
)

memory = Table(
    "memory",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("title", String, nullable=False),
    Column("subtitle", String, nullable=False),
    Column("start", String, nullable=False),  # ISO 8601 with offset
    Column("end", String, nullable=False),
    Column("cover_id", Integer, ForeignKey("photo.id", ondelete="CASCADE"), nullable=False),
    Column("mood", String, nullable=False),
    Column("energy", Float, nullable=False),
    Column("score", Float, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("rejected", JSON, nullable=False),
    Column("told_from", String, nullable=False, server_default=""),  # a digest: equal, and it is as it would be told
)

memory_photo = Table(
    "memory_photo",
    metadata,
    Column("memory_id", String, ForeignKey("memory.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("photo_id", Integer, ForeignKey("photo.id", ondelete="CASCADE"), nullable=False),
    Column("reasons", JSON, nullable=False),
    Index(None, "photo_id"),
    sqlite_with_rowid=False,
)

showing = Table(
    "showing",
    metadata,
    Column("memory_id", String, primary_key=True),
    Column("day", String, primary_key=True),  # ISO 8601
    Column("position", Integer, nullable=False),
    Column("reaction", String, nullable=False),
    Index(None, "day"),
)

# The journeys that the graph has found so far, which keep their names whatever is imported later.
stay = Table(
    "stay",
    metadata,
    Column("name", String, primary_key=True),
    Column("first_day", String, nullable=False),  # ISO 8601
    Column("last_day", String, nullable=False),
)

job_run = Table(
    "job_run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job", String, nullable=False),
    Column("started_utc", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("outcome", String, nullable=False),
    Column("detail", JSON, nullable=False),
    Index(None, "job", "started_utc"),
)

job = Table(
    "job",
    metadata,
    Column("name", String, primary_key=True),
    Column("next_utc", Float),  # None: it follows other jobs, or waits to be asked
    Column("is_paused", Boolean, nullable=False, default=False),
    Column("is_asked", Boolean, nullable=False, default=False),  # a person wants it now
    Column("waits_for", String),  # the name of what holds it up
)

# Words of and around a photo, for full-text search: an FTS5 table, which SQLAlchemy has no type for.
# Its row id is the photo's; the migration creates it by its own SQL.
PHOTO_TEXT_COLUMNS = ("file_name", "title", "caption", "keywords", "people", "place")
