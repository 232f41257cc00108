"""What each memory was told from, which came up on which day and what people did; journeys keep their names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # Memories told before are of unknown origin: the next refresh tells them again.
    op.add_column("memory", sa.Column("told_from", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "showing",
        sa.Column("memory_id", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("reaction", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("memory_id", "day", name=op.f("pk_showing")),
    )
    op.create_index(op.f("ix_showing_day"), "showing", ["day"])
    op.create_table(
        "stay",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("first_day", sa.String(), nullable=False),
        sa.Column("last_day", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_stay")),
    )
