"""Groups of likenesses, as the last look for duplicates found them. Derived: replaced as a whole."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from photos_engine.store.reasons import from_json, to_json
from photos_engine.store.tables import duplicate_group, duplicate_member, file, is_present, photo, stack
from photos_engine.types import DuplicateGroup, Stack


class GroupRepository:
    """Duplicate groups, and the stack that each photo belongs to."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def replace(self, groups: Sequence[DuplicateGroup], stacks: Mapping[str, Stack]) -> bool:
        """Put new groups and stacks in the place of the old; returns whether a stack changed."""
        for table in (duplicate_member, duplicate_group):
            self._connection.execute(delete(table))
        if groups:
            rows = [{"id": g.id, "kind": g.kind, "reasons": to_json(g.reasons)} for g in groups]
            self._connection.execute(insert(duplicate_group), rows)
            self._connection.execute(insert(duplicate_member), self._members(groups))
        if dict(stacks) == self.stacks():
            return False
        self._connection.execute(delete(stack))
        if stacks:
            keys = {h: key for key, h in self._connection.execute(select(photo.c.id, photo.c.content_hash))}
            rows = [
                {"photo_id": keys[photo_id], "group_id": s.group_id, "kind": s.kind, "keeper_id": s.keeper_id}
                for photo_id, s in stacks.items()
            ]
            self._connection.execute(insert(stack), rows)
        return True

    def _members(self, groups: Sequence[DuplicateGroup]) -> list[dict[str, Any]]:
        present = select(file.c.path, file.c.photo_id).where(is_present)
        owners = {path: key for path, key in self._connection.execute(present)}
        members = []
        for group in groups:
            ordered = [group.keep, *(p for p in group.paths if p != group.keep)]
            # A file that went away since the snapshot was taken is no member any more.
            known = [(os.fspath(p), owners[os.fspath(p)]) for p in ordered if os.fspath(p) in owners]
            members += [
                {"group_id": group.id, "position": i, "photo_id": key, "path": path}
                for i, (path, key) in enumerate(known)
            ]
        return members

    def all(self) -> tuple[DuplicateGroup, ...]:
        """The groups of two files or more, keeper first, in the order of their first paths."""
        members: dict[str, list[tuple[Path, str]]] = defaultdict(list)
        columns = (duplicate_member.c.group_id, duplicate_member.c.path, photo.c.content_hash)
        statement = select(*columns).join(photo).order_by(duplicate_member.c.group_id, duplicate_member.c.position)
        for group_id, path, photo_id in self._connection.execute(statement):
            members[group_id].append((Path(path), photo_id))
        found = []
        for row in self._connection.execute(select(duplicate_group)):
            files = members[row.id]
            if len(files) > 1:
                ids = tuple(dict.fromkeys(photo_id for _, photo_id in files))
                paths = tuple(path for path, _ in files)
                found.append(DuplicateGroup(row.id, row.kind, paths[0], paths, ids, from_json(row.reasons)))
        return tuple(sorted(found, key=lambda g: g.keep))

    def stacks(self) -> dict[str, Stack]:
        """Photo id -> its stack, for the photos that are in one."""
        columns = (photo.c.content_hash, stack.c.group_id, stack.c.kind, stack.c.keeper_id)
        rows = self._connection.execute(select(*columns).join(photo))
        return {photo_id: Stack(group_id, kind, keeper_id) for photo_id, group_id, kind, keeper_id in rows}
