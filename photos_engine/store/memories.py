"""Memories, as the last refresh composed them. Derived: their ids are stable, their rows are replaced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from photos_engine.errors import MemoryNotFound
from photos_engine.store.photos import PhotoRepository
from photos_engine.store.reasons import from_json, to_json
from photos_engine.store.tables import memory, memory_photo, photo
from photos_engine.types import Memory, Music, Photo, Reason, RejectedPhoto


class MemoryRepository:
    """The library's memories."""

    def __init__(self, connection: Connection, photos: PhotoRepository) -> None:
        self._connection = connection
        self._photos = photos

    def replace(self, memories: Sequence[Memory], told_from: Mapping[str, str] | None = None) -> None:
        """Put new memories in the place of the old.

        told_from: memory id -> the digest of what it was told from; where that is as before, only its score
        and reasons are written.
        """
        told_from = told_from or {}
        before = self.digests()
        kept = {m.id for m in memories if before.get(m.id) and before[m.id] == told_from.get(m.id)}
        judged = {m.id: (m.score, m.reasons) for m in memories if m.id in kept}
        self.renew([m for m in memories if m.id not in kept], told_from, judged)

    def renew(
        self,
        fresh: Sequence[Memory],
        told_from: Mapping[str, str],
        kept: Mapping[str, tuple[float, tuple[Reason, ...]]],
    ) -> None:
        """Put memories that were told anew beside those of the old that are kept, with what they are worth now."""
        gone = [{"gone": name} for name in self.digests() if name not in kept]
        for column in (memory_photo.c.memory_id, memory.c.id) if gone else ():
            self._connection.execute(delete(column.table).where(column == bindparam("gone")), gone)
        if judged := [{"name": name, "to": score, "why": to_json(why)} for name, (score, why) in kept.items()]:
            statement = update(memory).where(memory.c.id == bindparam("name"))
            self._connection.execute(statement.values(score=bindparam("to"), reasons=bindparam("why")), judged)
        if not fresh:
            return
        self._connection.execute(insert(memory), [_memory_row(m, told_from.get(m.id, "")) for m in fresh])
        self._connection.execute(
            insert(memory_photo),
            [
                {
                    "memory_id": m.id,
                    "position": i,
                    "photo_id": p.key,
                    "reasons": to_json(m.photo_reasons.get(p.id, ())),
                }
                for m in fresh
                for i, p in enumerate(m.photos)
            ],
        )

    def digests(self) -> dict[str, str]:
        """Memory id -> the digest of what it was told from; empty for one of unknown origin."""
        rows = self._connection.execute(select(memory.c.id, memory.c.told_from))
        return {name: told_from for name, told_from in rows}

    def photo_ids(self) -> dict[str, tuple[str, ...]]:
        """Memory id -> the ids of its photos, in their order."""
        found: dict[str, list[str]] = defaultdict(list)
        columns = select(memory_photo.c.memory_id, photo.c.content_hash).join(
            photo, photo.c.id == memory_photo.c.photo_id
        )
        for name, photo_id in self._connection.execute(
            columns.order_by(memory_photo.c.memory_id, memory_photo.c.position)
        ).all():
            found[name].append(photo_id)
        return {name: tuple(ids) for name, ids in found.items()}

    def count(self) -> int:
        """How many there are."""
        return int(self._connection.scalar(select(func.count()).select_from(memory)) or 0)

    def all(self) -> tuple[Memory, ...]:
        """Every memory, best first."""
        return self._read(select(memory).order_by(memory.c.score.desc(), memory.c.id))

    def get(self, memory_id: str) -> Memory:
        """One memory. Raises: MemoryNotFound."""
        found = self._read(select(memory).where(memory.c.id == memory_id))
        if not found:
            raise MemoryNotFound(f"no memory with the id {memory_id}")
        return found[0]

    def _read(self, statement: Any) -> tuple[Memory, ...]:
        rows = self._connection.execute(statement).all()
        ids = [row.id for row in rows]
        members: dict[str, list[tuple[int, Any]]] = defaultdict(list)
        for memory_id, key, reasons in self._connection.execute(
            select(memory_photo.c.memory_id, memory_photo.c.photo_id, memory_photo.c.reasons)
            .where(memory_photo.c.memory_id.in_(ids))
            .order_by(memory_photo.c.memory_id, memory_photo.c.position)
        ):
            members[memory_id].append((key, reasons))
        keys = {row.cover_id for row in rows} | {key for pairs in members.values() for key, _ in pairs}
        photos = self._photos.by_keys(sorted(keys))
        return tuple(_as_memory(row, members[row.id], photos) for row in rows)


def _memory_row(m: Memory, told_from: str) -> dict[str, object]:
    return {
        "told_from": told_from,
        "id": m.id,
        "kind": m.kind,
        "title": m.title,
        "subtitle": m.subtitle,
        "start": m.start.isoformat(),
        "end": m.end.isoformat(),
        "cover_id": m.cover.key,
        "mood": m.music.mood,
        "energy": m.music.energy,
        "score": m.score,
        "reasons": to_json(m.reasons),
        "rejected": [[r.photo_id, to_json(r.reasons)] for r in m.rejected],
    }


def _as_memory(row: Any, members: Iterable[tuple[int, Any]], photos: dict[int, Photo]) -> Memory:
    chosen = [(photos[key], from_json(reasons)) for key, reasons in members]
    return Memory(
        id=row.id,
        kind=row.kind,
        title=row.title,
        subtitle=row.subtitle,
        start=datetime.fromisoformat(row.start),
        end=datetime.fromisoformat(row.end),
        cover=photos[row.cover_id],
        photos=tuple(p for p, _ in chosen),
        music=Music(row.mood, row.energy),
        score=row.score,
        reasons=from_json(row.reasons),
        photo_reasons={p.id: reasons for p, reasons in chosen},
        rejected=tuple(RejectedPhoto(photo_id, from_json(reasons)) for photo_id, reasons in row.rejected),
    )
