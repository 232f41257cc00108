"""The names by which journeys are known: a trip's id stays what it was when earlier photos of it turn up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection, delete, insert, select

from photos_engine.store.tables import stay

Stay = tuple[str, date, date]


class StayRepository:
    """(name, first day, last day) of every journey that the graph has found so far."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> tuple[Stay, ...]:
        """Every known journey, by name."""
        rows = self._connection.execute(select(stay).order_by(stay.c.name))
        return tuple((row.name, date.fromisoformat(row.first_day), date.fromisoformat(row.last_day)) for row in rows)

    def replace(self, stays: Iterable[Stay]) -> None:
        """Put the journeys that are known now in the place of the old."""
        rows = [{"name": n, "first_day": a.isoformat(), "last_day": b.isoformat()} for n, a, b in stays]
        self._connection.execute(delete(stay))
        if rows:
            self._connection.execute(insert(stay), rows)
