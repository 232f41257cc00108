"""Decisions that say something (a name, days), and the photos that they were made about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("decision", sa.Column("words", sa.String(), nullable=False, server_default=""))
    op.add_column("decision", sa.Column("photo_ids", sa.JSON(), nullable=False, server_default="[]"))
