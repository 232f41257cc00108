"""Which memories came up on which day, and what the person did: the choice of the next days goes by it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from photos_engine.store.tables import showing
from photos_engine.types import Reaction, Showing


class ShowingRepository:
    """The record of what was shown. It is no decision, and a lost one only brings something up again sooner."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def note(self, day: date, memory_ids: Sequence[str]) -> None:
        """Keep the memories of a day in their order; what is known of that day already stays as it is."""
        rows = [
            {"memory_id": name, "day": day.isoformat(), "position": n, "reaction": Reaction.SHOWN.value}
            for n, name in enumerate(memory_ids)
        ]
        if rows:
            self._connection.execute(insert(showing).on_conflict_do_nothing(), rows)

    def react(self, memory_id: str, day: date, reaction: Reaction) -> None:
        """Keep what the person did with a memory on a day, in place of what was known."""
        values = {"memory_id": memory_id, "day": day.isoformat(), "position": 0, "reaction": reaction.value}
        statement = insert(showing).values(values)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["memory_id", "day"], set_={"reaction": reaction.value})
        )

    def between(self, first: date, last: date) -> tuple[Showing, ...]:
        """What came up from one day to another, both included; by day, then in the order shown."""
        statement = select(showing).where(showing.c.day.between(first.isoformat(), last.isoformat()))
        rows = self._connection.execute(statement.order_by(showing.c.day, showing.c.position, showing.c.memory_id))
        return tuple(Showing(row.memory_id, date.fromisoformat(row.day), Reaction(row.reaction)) for row in rows)
