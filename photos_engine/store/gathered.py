"""What was gathered from copies onto the photo that stands for them.

Kept apart from what the files themselves say, by content: it outlives the copies' deletion and every new look
at the keeper's file, and can be taken back. `join_facts` is how a photo's facts come to include it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, exists, insert, select

from photos_engine.store.tables import decision, gathered, listed
from photos_engine.types import CaptureFacts, Decision, Gathered, PersonRegion, StoredDecision

_HAS = select(exists().where(gathered.c.keeper_id == bindparam("keeper")))  # asked for every photo that comes
_ALL = select(gathered).order_by(gathered.c.id)
_OF_SOME = _ALL.where(gathered.c.keeper_id.in_(listed))


def join_facts(own: CaptureFacts, more: Iterable[Gathered]) -> CaptureFacts:
    """A photo's own facts with what was gathered onto it: the best rating, every keyword and name, a first title.

    Where the photo's own file says that it is rejected, it stays so; what it says of a person's place goes first.
    """
    rating, title, caption = own.rating, own.title, own.caption
    keywords, people = dict.fromkeys(own.keywords), {person.name: person for person in own.people}
    for other in more:
        if other.rating is not None and rating != -1:
            rating = max(rating or 0, other.rating)
        title, caption = title or other.title, caption or other.caption
        keywords |= dict.fromkeys(other.keywords)
        people = {person.name: person for person in other.people} | people
    named = (*own.people, *(people[name] for name in sorted(people.keys() - {person.name for person in own.people})))
    return replace(own, rating=rating, title=title, caption=caption, keywords=tuple(keywords), people=named)


class GatheredRepository:
    """Facts and decisions that photos were given from their copies."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, rows: Iterable[Gathered]) -> int:
        """Keep what was gathered, beside what was gathered before; returns how much of it is new."""
        new = 0
        for row in rows:
            if row in self._read(row.keeper_id):
                continue
            values = {
                "keeper_id": row.keeper_id,
                "photo_id": row.photo_id,
                "group_id": row.group_id,
                "rating": row.rating,
                "title": row.title,
                "caption": row.caption,
                "keywords": list(row.keywords),
                "people": [[person.name, person.box and list(person.box)] for person in row.people],
                "decided": [[d.decision.value, d.decided_utc.timestamp()] for d in row.decided],
            }
            self._connection.execute(insert(gathered).values(values))
            new += 1
        return new

    def carry_over(self, old: str, new: str) -> None:
        """Let a photo's edited version have what was gathered onto the photo, as long as it has nothing itself."""
        if not self.has(new):
            self.add([replace(row, keeper_id=new) for row in self._read(old)])

    def undo(self, group_id: str) -> set[str]:
        """Take back what was gathered in a group, its decisions too; returns the ids of the photos that had it."""
        mine = gathered.c.group_id == group_id
        keepers = set(self._connection.scalars(select(gathered.c.keeper_id).where(mine)))
        for keeper_id, decided in self._connection.execute(
            select(gathered.c.keeper_id, gathered.c.decided).where(mine)
        ).all():
            for what, when in decided:  # by its time, too: what was decided again since is the person's new word
                same = (decision.c.decision == what, decision.c.decided_utc == when)
                self._connection.execute(delete(decision).where(decision.c.subject == keeper_id, *same))
        self._connection.execute(delete(gathered).where(mine))
        return keepers

    def has(self, keeper_id: str) -> bool:
        """Whether anything was gathered onto a photo."""
        return bool(self._connection.scalar(_HAS, {"keeper": keeper_id}))

    def has_group(self, group_id: str) -> bool:
        """Whether anything was gathered in a group; its members may be gone since."""
        return bool(self._connection.scalar(select(exists().where(gathered.c.group_id == group_id))))

    def all(self, keepers: Sequence[str] | None = None) -> Mapping[str, tuple[Gathered, ...]]:
        """All that was gathered, or what some photos have, by the id of the photo that has it, oldest first."""
        statement, named = (_ALL, {}) if keepers is None else (_OF_SOME, {"listed": json.dumps(keepers)})
        found: dict[str, list[Gathered]] = defaultdict(list)
        for row in self._connection.execute(statement, named).mappings():
            found[row["keeper_id"]].append(as_record(row))
        return {keeper_id: tuple(records) for keeper_id, records in found.items()}

    def _read(self, keeper_id: str) -> tuple[Gathered, ...]:
        return self.all([keeper_id]).get(keeper_id, ())


def as_record(row: Mapping[str, Any] | RowMapping) -> Gathered:
    """A row of the table as a record."""
    keeper_id = row["keeper_id"]
    return Gathered(
        keeper_id=keeper_id,
        photo_id=row["photo_id"],
        group_id=row["group_id"],
        rating=row["rating"],
        title=row["title"],
        caption=row["caption"],
        keywords=tuple(row["keywords"]),
        people=tuple(PersonRegion(name, None if box is None else tuple(box)) for name, box in row["people"]),
        decided=tuple(
            StoredDecision(keeper_id, "photo", Decision(what), datetime.fromtimestamp(when, UTC))
            for what, when in row["decided"]
        ),
    )
