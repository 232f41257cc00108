"""Decisions: what a person said. Kept by content, apart from everything that a model made."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from photos_engine.store.tables import decision
from photos_engine.types import Decision, StoredDecision

_OPPOSITES = {
    Decision.FAVOURITE: (Decision.HIDE, Decision.FEATURE_LESS),
    Decision.HIDE: (Decision.FAVOURITE,),
    Decision.FEATURE_LESS: (Decision.FAVOURITE,),
}
_SAY_SOMETHING = frozenset({Decision.NAME, Decision.HOME})  # the last word holds


class DecisionRepository:
    """The person's decisions on photos, groups, memories and nodes of the graph."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self, subject: str, subject_kind: str, what: Decision, words: str = "", photo_ids: Iterable[str] = ()
    ) -> StoredDecision:
        """Keep a decision, in place of one that contradicts it or says another thing.

        `Decision.UNDO` takes back all on the subject.
        """
        now = datetime.fromtimestamp(time.time(), UTC)
        made = StoredDecision(subject, subject_kind, what, now, words, tuple(photo_ids))
        if what is Decision.UNDO:
            self._connection.execute(delete(decision).where(decision.c.subject == subject))
        else:
            against = [opposite.value for opposite in _OPPOSITES.get(what, ())]
            against += [what.value] if what in _SAY_SOMETHING else []
            self._connection.execute(
                delete(decision).where(decision.c.subject == subject, decision.c.decision.in_(against))
            )
            self.restore([made])
        return made

    def restore(self, decisions: Iterable[StoredDecision]) -> int:
        """Keep decisions made elsewhere or earlier, with their own times; returns how many were new."""
        new = 0
        for d in decisions:
            values = {
                "subject": d.subject,
                "subject_kind": d.subject_kind,
                "decision": d.decision.value,
                "decided_utc": d.decided_utc.timestamp(),
                "words": d.words,
                "photo_ids": list(d.photo_ids),
            }
            new += self._connection.execute(insert(decision).values(values).on_conflict_do_nothing()).rowcount
        return new

    def carry_over(self, old: str, new: str) -> None:
        """Let the decisions on one photo hold for its edited version too."""
        self.restore(replace(d, subject=new) for d in self.of(old))

    def of(self, subject: str) -> tuple[StoredDecision, ...]:
        """The decisions on one subject, oldest first."""
        return self._read(decision.c.subject == subject)

    def all(self) -> tuple[StoredDecision, ...]:
        """Every decision, oldest first."""
        return self._read(True)

    def _read(self, condition: object) -> tuple[StoredDecision, ...]:
        columns = [decision.c[field.name] for field in fields(StoredDecision)]
        statement = select(*columns).order_by(decision.c.id)
        rows = self._connection.execute(statement if condition is True else statement.where(condition))  # type: ignore[arg-type]
        return tuple(
            StoredDecision(subject, kind, Decision(what), datetime.fromtimestamp(when, UTC), words, tuple(photo_ids))
            for subject, kind, what, when, words, photo_ids in rows
        )
