"""What the object and aesthetics heads see, and which model a library is read from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # The first model saw none of these: no objects, and no opinion on aesthetics, brightness and tilt.
    op.add_column("analysis", sa.Column("objects", sa.JSON(), nullable=False, server_default="[]"))
    for name in ("aesthetics", "brightness", "level"):
        op.add_column("analysis", sa.Column(name, sa.Float(), nullable=True))
    op.add_column("model", sa.Column("state", sa.String(), nullable=False, server_default="begun"))
    # Until now there was one model at a time, the one that came with the engine. Where there are more, people
    # have seen the library through the one that knows most of it.
    op.execute(
        "UPDATE model SET state = 'active' WHERE id = (SELECT model.id FROM model LEFT JOIN analysis"
        " ON analysis.model_id = model.id GROUP BY model.id ORDER BY count(analysis.photo_id) DESC, model.id DESC"
        " LIMIT 1)"
    )
    op.create_index(
        op.f("ix_model_state"), "model", ["state"], unique=True, sqlite_where=sa.text("state IN ('active', 'next')")
    )
