"""Text that was read in pictures, for full-text search; its row id is the photo's."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute(
        "CREATE VIRTUAL TABLE picture_text USING fts5("
        "words, reader UNINDEXED, tokenize = 'unicode61 remove_diacritics 2')"
    )
