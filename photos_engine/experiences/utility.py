"""What is in the library for its use: receipts, screenshots, documents; found, never hidden from search."""

from __future__ import annotations

from collections.abc import Mapping

from photos_engine.curation import assess_utility
from photos_engine.types import AnalysedPhoto, Decision, Snapshot, UtilityPhoto


def find_utility(snapshot: Snapshot) -> tuple[UtilityPhoto, ...]:
    """List the photos that serve a purpose and are no memories, surest first, each with its kind and reasons.

    A copy shows what its keeper shows, whose file tells more: it is what the keeper is.
    """
    items = {item.photo.id: item for item in snapshot.photos}
    found = [
        UtilityPhoto(item.photo, verdict.kind, verdict.probability, verdict.reasons)
        for item in snapshot.photos
        if (verdict := assess_utility(_spokesman(item, items))).kind is not None
    ]
    return tuple(sorted(found, key=lambda utility: (-utility.probability, utility.photo.id)))


def _spokesman(item: AnalysedPhoto, items: Mapping[str, AnalysedPhoto]) -> AnalysedPhoto:
    """Whose facts tell what a photo is for: the keeper's of its copies, unless the person spoke of the photo itself."""
    if item.stack is None or item.stack.kind not in ("exact", "copy") or Decision.NOT_UTILITY in item.photo.decisions:
        return item
    return items.get(item.stack.keeper_id, item)
