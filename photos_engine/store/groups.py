"""Groups of likenesses, as the last look for duplicates found them. Derived: replaced as a whole."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from photos_engine.store.reasons import from_json, to_json
from photos_engine.store.tables import duplicate_group, duplicate_member, file, is_present, photo, stack
from photos_engine.types import DuplicateGroup, Stack

_IDS = select(func.json_each(bindparam("ids")).table_valued("value").c.value)
_FEW_PATHS = 5_000


class GroupRepository:
    """Duplicate groups, and the stack that each photo belongs to."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def replace(self, groups: Sequence[DuplicateGroup], stacks: Mapping[str, Stack]) -> bool:
        """Put new groups and stacks in the place of the old; returns whether a stack changed."""
        for table in (duplicate_member, duplicate_group):
            self._connection.execute(delete(table))
        self._add(groups)
        if dict(stacks) == self.stacks():
            return False
        self._connection.execute(delete(stack))
        if stacks:
            keys = {h: key for key, h in self._connection.execute(select(photo.c.id, photo.c.content_hash)).all()}
            self._stack(stacks, keys)
        return True

    def renew(
        self, gone: Iterable[str], fresh: Sequence[DuplicateGroup], touched: Iterable[str], stacks: Mapping[str, Stack]
    ) -> bool:
        """Put fresh groups in the place of those that are gone, and leave the others; returns whether a stack changed.

        gone: names of groups. touched: the photos whose stacks are now these and no others.
        """
        if names := [{"gone": name} for name in gone]:
            for column in (duplicate_member.c.group_id, duplicate_group.c.id):
                self._connection.execute(delete(column.table).where(column == bindparam("gone")), names)
        self._add(fresh)
        ids = {"ids": json.dumps(sorted(touched))}
        named = photo.c.content_hash.in_(_IDS)
        keys = {
            h: key for key, h in self._connection.execute(select(photo.c.id, photo.c.content_hash).where(named), ids)
        }
        if self.stacks(keys) == dict(stacks):
            return False
        if keys:
            old = [{"key": key} for key in keys.values()]
            self._connection.execute(delete(stack).where(stack.c.photo_id == bindparam("key")), old)
        self._stack(stacks, keys)
        return True

    def _add(self, groups: Sequence[DuplicateGroup]) -> None:
        if groups:
            rows = [{"id": g.id, "kind": g.kind, "reasons": to_json(g.reasons)} for g in groups]
            self._connection.execute(insert(duplicate_group), rows)
            if members := self._members(groups):
                self._connection.execute(insert(duplicate_member), members)

    def _stack(self, stacks: Mapping[str, Stack], keys: Mapping[str, int]) -> None:
        if stacks:
            rows = [
                {"photo_id": keys[photo_id], "group_id": s.group_id, "kind": s.kind, "keeper_id": s.keeper_id}
                for photo_id, s in stacks.items()
            ]
            self._connection.execute(insert(stack), rows)

    def _members(self, groups: Sequence[DuplicateGroup]) -> list[dict[str, Any]]:
        present = select(file.c.path, file.c.photo_id).where(is_present)
        if sum(len(group.paths) for group in groups) <= _FEW_PATHS:
            ids = {"ids": json.dumps(sorted({photo_id for group in groups for photo_id in group.photo_ids}))}
            present = present.where(file.c.photo_id.in_(select(photo.c.id).where(photo.c.content_hash.in_(_IDS))))
        else:
            ids = {}
        owners = {path: key for path, key in self._connection.execute(present, ids).all()}
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
        for group_id, path, photo_id in self._connection.execute(statement).all():
            members[group_id].append((Path(path), photo_id))
        found = []
        for row in self._connection.execute(select(duplicate_group)).all():
            files = members[row.id]
            if len(files) > 1:
                ids = tuple(dict.fromkeys(photo_id for _, photo_id in files))
                paths = tuple(path for path, _ in files)
                found.append(DuplicateGroup(row.id, row.kind, paths[0], paths, ids, from_json(row.reasons)))
        return tuple(sorted(found, key=lambda g: g.keep))

    def stacks(self, some: Iterable[str] | None = None) -> dict[str, Stack]:
        """Photo id -> its stack, for the photos, or some of them, that are in one."""
        columns = (photo.c.content_hash, stack.c.group_id, stack.c.kind, stack.c.keeper_id)
        statement = select(*columns).join(photo)
        if some is not None:
            statement = statement.where(photo.c.content_hash.in_(_IDS))
        rows = self._connection.execute(statement, {} if some is None else {"ids": json.dumps(sorted(some))})
        return {photo_id: Stack(group_id, kind, keeper_id) for photo_id, group_id, kind, keeper_id in rows.all()}
