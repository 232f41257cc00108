"""The store: the one place that speaks SQL. It is the truth; everything else is a cache of it."""

from photos_engine.store.store import Store, UnitOfWork

__all__ = ["Store", "UnitOfWork"]
