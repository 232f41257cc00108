"""Decisions that say something (a name, days), with the photos that they were made about; which photos changed when."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_NEXT = "(SELECT coalesce(max(CAST(value AS INTEGER)), 0) + 1 FROM setting WHERE name = 'revision')"


def upgrade() -> None:
    op.add_column("decision", sa.Column("words", sa.String(), nullable=False, server_default=""))
    op.add_column("decision", sa.Column("photo_ids", sa.JSON(), nullable=False, server_default="[]"))
    op.create_table(
        "photo_change",
        sa.Column("photo_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("photo_id", name=op.f("pk_photo_change")),
    )
    op.create_index(op.f("ix_photo_change_revision"), "photo_change", ["revision"])
    # Whoever writes can't forget to say so. Words, people and tags are written together with their photo or analysis.
    for statement in _triggers():
        op.execute(statement)


def _triggers() -> Iterator[str]:
    yield from _on("photo", "SELECT {row}.id", ("INSERT", "UPDATE"))
    yield from _on("place", "SELECT id FROM photo WHERE place_id = {row}.geoname_id", ("UPDATE",))
    yield from _on("analysis", "SELECT {row}.photo_id")
    yield from _on("file", "SELECT {row}.photo_id WHERE {row}.photo_id IS NOT NULL")
    yield from _on("decision", "SELECT id FROM photo WHERE content_hash = {row}.subject")
    yield from _on("gathered", "SELECT id FROM photo WHERE content_hash = {row}.keeper_id")


def _on(table: str, photos: str, events: tuple[str, ...] = ("INSERT", "UPDATE", "DELETE")) -> Iterator[str]:
    for event in events:
        rows = [row for row in ("OLD", "NEW") if (row, event) not in (("OLD", "INSERT"), ("NEW", "DELETE"))]
        notes = "".join(
            f"INSERT INTO photo_change (photo_id, revision) SELECT *, {_NEXT} FROM ({photos.format(row=row)})"
            " WHERE true ON CONFLICT (photo_id) DO UPDATE SET revision = excluded.revision; "
            for row in rows
        )
        yield f"CREATE TRIGGER note_{table}_{event.lower()} AFTER {event} ON {table} BEGIN {notes}END"
