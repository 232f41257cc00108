"""Which files show the same: exact, copy, burst and, never called duplicate, similar.

Four levels, strictest first. Each level groups what the stricter ones left standing, so a messenger's copy
of a burst frame joins its frame, and the frame joins its burst. A group is a star: every member is close
to the keeper itself, so likeness never chains from one picture to a quite different one. Groups are named
after their keeper's content, so the same group has the same id tomorrow and a dismissed one stays away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from photos_engine import likenesses
from photos_engine.changes import Marks, digest_all, find_affected
from photos_engine.keepers import MERIT_TEXTS, merits_of
from photos_engine.likenesses import Columns, Indices, Likeness, Mask, View
from photos_engine.on_demand import photos_at
from photos_engine.prints import Pairs
from photos_engine.types import AnalysedPhoto, Census, DuplicateGroup, FloatArray, Reason, Snapshot, Stack

RULES = likenesses.RULES
_KINDS = ("exact", "copy", "burst", "similar")


def find_groups(
    snapshot: Snapshot, likeness: Likeness | None = None, view: View | None = None
) -> tuple[DuplicateGroup, ...]:
    """Find every group of likenesses, by kind (strictest first) and then by the keeper's time.

    A photo that a person marked as no duplicate is in none; nor does a group come back that was dismissed
    by its id, even when it has grown since. Groups of one kind never share a photo. view: gives pictures for a second
    look at what prints and embeddings leave open.
    """
    likeness, columns = likeness or Likeness(), Columns(snapshot)
    denied = {subject for subject in snapshot.not_duplicates if subject.partition("-")[0] in _KINDS}
    standing = ~columns.is_dismissed
    apart: list[Indices] = []
    groups: list[DuplicateGroup] = []
    twins = likenesses.find_twins(columns, likeness, view)
    levels: tuple[tuple[str, Callable[[], Pairs]], ...] = (
        ("exact", lambda: likenesses.same_pixels(columns, twins, likeness)),
        ("copy", lambda: likenesses.copies(columns, twins, likeness, view)),
        ("burst", lambda: likenesses.burst_frames(columns, likeness)),
        ("similar", lambda: likenesses.same_scenes(columns, likeness)),
    )
    for kind, find_pairs in levels:
        pairs = _keep_standing(find_pairs(), standing, apart)
        stars = _gather_stars(pairs, columns.worths(kind, np.unique(pairs)), apart)
        if kind == "exact":
            stars += _lone_files(columns, standing, stars)
        dismissed = [star for star in stars if denied and _is_dismissed(columns, kind, star, denied)]
        kept = [star for star in stars if star not in dismissed]
        if dismissed:
            apart.append(_label(len(columns.items), dismissed))
        for star in kept:
            standing[star[1:]] = False
        groups += [_describe(columns, kind, star) for star in sorted(kept, key=lambda star: star[0])]
    return tuple(groups)


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a few changes make of the groups.

    gone: the names of those that are no more, or are there anew. fresh: those. touched: the ids of photos that are in
    no other groups than the fresh ones.
    """

    gone: frozenset[str]
    fresh: tuple[DuplicateGroup, ...]
    touched: frozenset[str]


def update_groups(
    snapshot: Snapshot,
    before: Marks,
    known: Iterable[DuplicateGroup],
    likeness: Likeness | None = None,
    view: View | None = None,
) -> tuple[DuplicateGroup, ...]:
    """Find what `find_groups` finds, making only those groups again that can have changed.

    before, known: what the library was like when its groups were last made, and those groups.
    """
    census = Census.of(snapshot.photos)
    renewal = renew_groups(snapshot, before, likeness, view, census=census, digests=digest_all(snapshot))
    if renewal is None:
        return find_groups(snapshot, likeness, view)
    row_of = {photo_id: row for row, photo_id in enumerate(census.ids)}
    groups = [*(group for group in known if group.id not in renewal.gone), *renewal.fresh]
    return tuple(sorted(groups, key=lambda group: (_KINDS.index(group.kind), row_of[group.photo_ids[0]])))


def renew_groups(
    snapshot: Snapshot,
    before: Marks,
    likeness: Likeness | None = None,
    view: View | None = None,
    *,
    census: Census,
    digests: Mapping[str, int],
) -> Renewal | None:
    """Make those groups again that can have changed; None where it is as well to make all.

    census, digests: of the snapshot, of which only the photos are read that this concerns.
    """
    limits = likeness or Likeness()
    window_s = max(limits.similar_s, limits.burst_s, limits.burst_id_s)
    partners = likenesses.partners_in(snapshot, census, limits, view)
    affected = find_affected(census, before, digests, snapshot.not_duplicates, partners=partners, window_s=window_s)
    if affected is None:
        return None
    rows = np.flatnonzero(affected)
    part = replace(
        snapshot, photos=tuple(photos_at(snapshot.photos, rows.tolist())), embeddings=snapshot.embeddings[rows]
    )
    stays = set(census.ids) - {census.ids[row] for row in rows.tolist()}
    # Of a group with somebody who is gone all others are affected, so it is made again.
    gone = {name: ids for name, ids in zip(before.names, before.members, strict=True) if not stays.issuperset(ids)}
    touched = {photo_id for ids in gone.values() for photo_id in ids} | {item.photo.id for item in part.photos}
    return Renewal(frozenset(gone), find_groups(part, limits, view), frozenset(touched))


def as_stacks(groups: Iterable[DuplicateGroup]) -> Mapping[str, Stack]:
    """Say for every photo in a group which keeper stands for it: its own, where it is the keeper itself.

    A photo can keep one group and be a mere member of a looser one; the latter counts, so that following
    `keeper_id` always leads towards the one photo that may be shown.
    """
    stacks: dict[str, Stack] = {}
    for group in groups:
        keeper, *others = group.photo_ids
        for photo_id in group.photo_ids if others else ():
            known = stacks.get(photo_id)
            if known is None or (known.keeper_id == photo_id and photo_id != keeper and group.kind != "similar"):
                stacks[photo_id] = Stack(group.id, group.kind, keeper)
    return stacks


def group_id(kind: str, keeper_id: str) -> str:
    """Name a group: the same for as long as its keeper, that is the keeper's content, stays the same."""
    return f"{kind}-{keeper_id[:16]}"


# --- groups --------------------------------------------------------------------------------------


def _is_dismissed(columns: Columns, kind: str, star: Sequence[int], denied: set[str]) -> bool:
    # Any member's name counts: the keeper of the day of the decision may have been overtaken by a better file.
    return any(group_id(kind, columns.items[index].photo.id) in denied for index in star)


def _keep_standing(pairs: Pairs, standing: Mask, apart: Sequence[Indices]) -> Pairs:
    """Drop pairs with a member that is already represented, or that a person set apart at a stricter level."""
    a, b = pairs.T
    kept = standing[a] & standing[b]
    for label in apart:
        kept &= (label[a] < 0) | (label[a] != label[b])
    left: Pairs = pairs[kept]
    return left


def _gather_stars(pairs: Pairs, worths: FloatArray, apart: Sequence[Indices]) -> list[list[int]]:
    """Let the worthiest photo keep all its free neighbours, then the next; equal worth goes to the earlier.

    worths: of the photos in the pairs, in the order of their rows. Of those that a person set apart from each other,
    a photo keeps one.
    """
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    nodes, starts = np.unique(both[:, 0], return_index=True)
    neighbours = dict(zip(nodes.tolist(), np.split(both[:, 1], starts[1:]), strict=False))
    taken: set[int] = set()
    stars = []
    for node in nodes[np.lexsort((nodes, -worths))].tolist():
        members = [] if node in taken else [other for other in neighbours[node].tolist() if other not in taken]
        for label in apart:
            firsts = {int(label[other]): other for other in reversed(members)}
            members = [other for other in members if label[other] < 0 or firsts[int(label[other])] == other]
        if members:
            stars.append([node, *members])
            taken.update(stars[-1])
    return stars


def _lone_files(columns: Columns, standing: Mask, stars: Sequence[Sequence[int]]) -> list[list[int]]:
    grouped = {index for star in stars for index in star}
    return [
        [index]
        for index, item in enumerate(columns.items)
        if len(item.photo.paths) > 1 and standing[index] and index not in grouped
    ]


def _label(count: int, stars: Sequence[Sequence[int]]) -> Indices:
    label = np.full(count, -1, np.int64)
    for number, star in enumerate(stars):
        label[list(star)] = number
    return label


def _describe(columns: Columns, kind: str, star: Sequence[int]) -> DuplicateGroup:
    members = [columns.items[index] for index in star]
    paths = [columns.paths[index] for index in star]
    if kind == "exact":
        paths += [path for item in members for path in item.photo.paths if path not in paths]
    keeper_id = members[0].photo.id
    return DuplicateGroup(
        id=group_id(kind, keeper_id),
        kind=kind,
        keep=paths[0],
        paths=tuple(paths),
        photo_ids=tuple(item.photo.id for item in members),
        reasons=(_likeness_reason(columns, kind, star), *_keeper_reasons(kind, members)),
    )


def _likeness_reason(columns: Columns, kind: str, star: Sequence[int]) -> Reason:
    spokes = np.array([(star[0], member) for member in star[1:]], np.int64).reshape(-1, 2)
    if not len(spokes):
        return Reason("same_bytes", 1.0, "The files are identical.")
    if kind == "exact":
        return Reason("same_pixels", 1.0, "The files differ, but show the same pixels.")
    if kind == "copy":
        bits = int(columns.bits(spokes).max())
        return Reason("print_distance", 1.0 - bits / 256, f"Their prints differ in at most {bits} of 256 bits.")
    cosine, span_s = float(columns.cosines(spokes).min()), float(np.ptp(columns.utc_s[list(star)]))
    if kind == "burst":
        code = "burst_id" if (columns.burst[list(star)] >= 0).all() else "within_seconds"
        return Reason(code, cosine, f"They were taken within {span_s:.1f} s and look alike ({cosine:.2f}).")
    return Reason("same_scene", cosine, f"They show one scene within {span_s / 60:.0f} min ({cosine:.2f}).")


def _keeper_reasons(kind: str, members: Sequence[AnalysedPhoto]) -> Iterator[Reason]:
    """Name what the keeper has over every other member, weightiest first."""
    merits = merits_of(kind)
    best, *others = (merits(item) for item in members)
    leads = {name: value - max(other[name] for other in others) for name, value in best.items()} if others else {}
    for name, lead in sorted(leads.items(), key=lambda entry: -entry[1]):
        if lead > 0.01:
            yield Reason(f"keeper_{name}", lead, MERIT_TEXTS[name])
