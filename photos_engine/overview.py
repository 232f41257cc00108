"""A library at a glance: its counts, its models, its jobs. Needs the database and nothing that is heavy."""

from __future__ import annotations

from dataclasses import replace

from photos_engine.library import Library
from photos_engine.store import Store
from photos_engine.types import LibraryStatus


def read_status(library: Library, store: Store) -> LibraryStatus:
    """Counts, the model, the schema, and of each job the plan and the last run. Raises: StoreError."""
    with store.read() as unit:
        files, photos = unit.files.counts(), unit.photos.count()
        is_tended, plans = library.is_tended, unit.jobs.plans()
        active, following, seen = unit.models.active, unit.models.next, unit.models.analysed()
        return LibraryStatus(
            photos=photos,
            analysed=seen[active],
            failed=files["failed"],
            pending=photos - seen[active],
            gone=unit.photos.count_gone(),
            videos=files["videos"],
            model=active,
            schema=store.schema,
            library=library.folder,
            jobs=unit.jobs.latest(),
            next_model=following,
            next_pending=photos - seen[following] if following is not None else 0,
            plans=plans if is_tended else tuple(replace(plan, waits_for=None) for plan in plans),
            failed_jobs=unit.jobs.failures(),
            is_tended=is_tended,
            at_work=unit.jobs.at_work() if is_tended else None,
        )
