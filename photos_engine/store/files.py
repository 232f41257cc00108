"""Files: where photos lie, what the last scan saw of them, and why some could not be used."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection, bindparam, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from photos_engine.errors import PhotoError, Unreadable
from photos_engine.store.tables import analysis, file, is_present, model, photo
from photos_engine.types import SIDECARS_MODULO, Failure, FileStamp

VIDEO_PASSED_OVER = "video"

# What is asked for every photo is put into words once: that takes longer than to do it.
_NOTHING = {"photo_id": None, "gone_utc": None, "error": None, "reason": None, "decoder": None}
_RECORDED = ("size_bytes", "mtime_ns", "sidecar_mtime_ns", "role", *_NOTHING)
_INSERT = insert(file).values({name: bindparam(name) for name in ("path", *_RECORDED)})
_RECORD = _INSERT.on_conflict_do_update(
    index_elements=["path"], set_={name: _INSERT.excluded[name] for name in _RECORDED}
)


class FileRepository:
    """The files that scans have found, by path."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def stamps(self) -> dict[str, FileStamp]:
        """Path -> what the last scan saw, for every image that is present, failed ones too."""
        columns = (file.c.path, file.c.size_bytes, file.c.mtime_ns, file.c.sidecar_mtime_ns)
        rows = self._connection.execute(select(*columns).where(file.c.gone_utc.is_(None), file.c.role == "image"))
        return {path: FileStamp(size, mtime, sidecar) for path, size, mtime, sidecar in rows}

    def image_paths(self) -> list[str]:
        """Where images lie or have lain, the paths of gone ones included."""
        return list(self._connection.scalars(select(file.c.path).where(file.c.role == "image")))

    def shift_sidecars(self, shifts_ns: Mapping[str, int]) -> None:
        """The sidecars of these paths are newer by so much, and say nothing that a scan should read."""
        rows = [{"of_path": path, "shift": shift % SIDECARS_MODULO} for path, shift in shifts_ns.items()]
        if rows:
            moved = (file.c.sidecar_mtime_ns + bindparam("shift")) % SIDECARS_MODULO
            self._connection.execute(
                update(file).where(file.c.path == bindparam("of_path")).values(sidecar_mtime_ns=moved), rows
            )

    def videos(self) -> dict[str, int | None]:
        """Path -> the key of the photo that it moves, None for a video of its own; present ones."""
        rows = self._connection.execute(
            select(file.c.path, file.c.photo_id).where(file.c.gone_utc.is_(None), file.c.role == "video")
        )
        return {path: key for path, key in rows}

    def paths_of(self, photo_key: int) -> list[str]:
        """Where a photo's present images lie."""
        return list(self._connection.scalars(select(file.c.path).where(file.c.photo_id == photo_key, is_present)))

    def has_sidecars_elsewhere(self, photo_key: int, path: str) -> bool:
        """Whether another present file of a photo has sidecars: what they say is not to be lost to a bare copy."""
        statement = select(file.c.id).where(file.c.photo_id == photo_key, file.c.path != path, is_present)
        return self._connection.scalar(statement.where(file.c.sidecar_mtime_ns != 0)) is not None

    def photo_keys(self, paths: Iterable[str]) -> dict[str, int]:
        """Path -> the key of the photo that the file held at the last scan, for those that held one."""
        statement = select(file.c.path, file.c.photo_id).where(
            file.c.path.in_(list(paths)), file.c.photo_id.is_not(None)
        )
        return {path: key for path, key in self._connection.execute(statement)}

    def record_image(self, path: str, stamp: FileStamp, photo_key: int) -> None:
        """A file holds a photo."""
        self.record_images([(path, stamp, photo_key)])

    def record_images(self, images: Iterable[tuple[str, FileStamp, int]]) -> None:
        """Files hold photos: path, what the scan saw, the photo's key."""
        self._record([_row(path, stamp, role="image", photo_id=key) for path, stamp, key in images])

    def record_failure(
        self, path: str, stamp: FileStamp, error: PhotoError, held: int | None, decoder: str = ""
    ) -> None:
        """A file could not be used; it is tried again when it or the decoder changes, an unreadable one at every scan.

        `held` is the photo that it held before, if any: half a file is often a file being written.
        """
        values = {"error": error.code, "reason": error.reason, "decoder": decoder}
        self._record([_row(path, stamp, role="image", photo_id=held, **values)])

    def failed_with_other(self, decoder: str) -> set[str]:
        """Present images that could not be used, by another decoder than this."""
        statement = select(file.c.path).where(file.c.error.is_not(None), file.c.role == "image")
        return set(self._connection.scalars(statement.where(file.c.gone_utc.is_(None), file.c.decoder.is_not(decoder))))

    def unreadable(self) -> set[str]:
        """Present images that could not be opened: permissions and drives mend without a trace in the file."""
        statement = select(file.c.path).where(file.c.error == Unreadable.code, file.c.gone_utc.is_(None))
        return set(self._connection.scalars(statement))

    def record_video(self, path: str, photo_key: int | None) -> None:
        """A video: the moving part of a photo, or passed over."""
        reason = {} if photo_key is not None else {"error": VIDEO_PASSED_OVER, "reason": "videos are not analysed yet"}
        self._record([_row(path, FileStamp(0, 0), role="video", photo_id=photo_key, **reason)])

    def _record(self, rows: Sequence[Mapping[str, object]]) -> None:
        if rows:
            self._connection.execute(_RECORD, rows)

    def mark_gone(self, paths: Iterable[str]) -> int:
        """Files that the last scan missed: their photos are kept. Returns how many were present before."""
        rows = [{"gone_path": path, "now": time.time()} for path in paths]
        if not rows:
            return 0
        statement = update(file).where(file.c.path == bindparam("gone_path"), file.c.gone_utc.is_(None))
        self._connection.execute(statement.values(gone_utc=bindparam("now")), rows)
        return len(rows)

    def analysed_sizes(self, *model_names: str) -> dict[int, set[str]]:
        """Size in bytes -> content hashes of photos that one of the models has analysed.

        A new file of that size may turn out to be one of them.
        """
        found: dict[int, set[str]] = {}
        analysed = analysis.join(photo).join(model)
        statement = select(photo.c.size_bytes, photo.c.content_hash).select_from(analysed)
        for size, content_hash in self._connection.execute(statement.where(model.c.name.in_(model_names))):
            found.setdefault(size, set()).add(content_hash)
        return found

    def without_analysis(self, *model_names: str) -> set[str]:
        """One present file for each photo that none of the models has analysed."""
        done = select(analysis.c.photo_id).join(model).where(model.c.name.in_(model_names))
        statement = (
            select(func.min(file.c.path, type_=file.c.path.type))
            .where(is_present, file.c.photo_id.is_not(None))
            .where(file.c.photo_id.not_in(done))
            .group_by(file.c.photo_id)
        )
        return set(self._connection.scalars(statement))

    def failures(self) -> tuple[Failure, ...]:
        """Present images that could not be used, by path."""
        rows = self._connection.execute(
            select(file.c.path, file.c.error, file.c.reason)
            .where(file.c.error.is_not(None), file.c.role == "image", file.c.gone_utc.is_(None))
            .order_by(file.c.path)
        )
        return tuple(Failure(Path(path), error, reason) for path, error, reason in rows)

    def failure(self, path: Path) -> Failure | None:
        """Why one file could not be used, None when it could."""
        row = self._connection.execute(
            select(file.c.error, file.c.reason).where(file.c.path == os.fspath(path), file.c.error.is_not(None))
        ).one_or_none()
        return None if row is None else Failure(path, row.error, row.reason)

    def counts(self) -> Mapping[str, int]:
        """How many files are: images, failed, videos, gone."""
        present = file.c.gone_utc.is_(None)
        row = self._connection.execute(
            select(
                func.count().filter(present, file.c.role == "image"),
                func.count().filter(present, file.c.role == "image", file.c.error.is_not(None)),
                func.count().filter(present, file.c.role == "video"),
                func.count().filter(or_(file.c.gone_utc.is_not(None))),
            ).select_from(file)
        ).one()
        return dict(zip(("images", "failed", "videos", "gone"), row, strict=True))


def _row(path: str, stamp: FileStamp, **values: object) -> dict[str, object]:
    seen = {"size_bytes": stamp.size, "mtime_ns": stamp.mtime_ns, "sidecar_mtime_ns": stamp.sidecar_mtime_ns}
    return {"path": path, **_NOTHING, **seen, **values}
