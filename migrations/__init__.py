"""Alembic's migrations: the only way a library's schema comes to be. They import no project code."""
