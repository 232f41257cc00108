"""Decisions: what a person said. Kept by content, apart from everything that a model made."""

from __future__ import annotations

import time
from collections.abc import Iterable
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


class DecisionRepository:
    """The person's decisions on photos, groups, memories and nodes of the graph."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, subject: str, subject_kind: str, what: Decision) -> StoredDecision:
        """Keep a decision, in place of one that contradicts it; `Decision.UNDO` takes back all on the subject."""
        made = StoredDecision(subject, subject_kind, what, datetime.fromtimestamp(time.time(), UTC))
        if what is Decision.UNDO:
            self._connection.execute(delete(decision).where(decision.c.subject == subject))
        else:
            against = [opposite.value for opposite in _OPPOSITES.get(what, ())]
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
            }
            new += self._connection.execute(insert(decision).values(values).on_conflict_do_nothing()).rowcount
        return new

    def carry_over(self, old: str, new: str) -> None:
        """Let the decisions on one photo hold for its edited version too."""
        self.restore(StoredDecision(new, d.subject_kind, d.decision, d.decided_utc) for d in self.of(old))

    def of(self, subject: str) -> tuple[StoredDecision, ...]:
        """The decisions on one subject, oldest first."""
        return self._read(decision.c.subject == subject)

    def all(self) -> tuple[StoredDecision, ...]:
        """Every decision, oldest first."""
        return self._read(True)

    def _read(self, condition: object) -> tuple[StoredDecision, ...]:
        columns = (decision.c.subject, decision.c.subject_kind, decision.c.decision, decision.c.decided_utc)
        statement = select(*columns).order_by(decision.c.id)
        rows = self._connection.execute(statement if condition is True else statement.where(condition))  # type: ignore[arg-type]
        return tuple(
            StoredDecision(subject, kind, Decision(what), datetime.fromtimestamp(when, UTC))
            for subject, kind, what, when in rows
        )
