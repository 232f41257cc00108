"""What surrounds the events: tags, places, times, people and cameras, tied by what stands out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date
from itertools import combinations

import numpy as np

from photos_engine.graph.calendar import group_by_season
from photos_engine.graph.columns import NONE
from photos_engine.graph.looks import Looks
from photos_engine.graph.naming import as_slug, city_node
from photos_engine.graph.themes import MIN_PHOTOS, TagTable, standing_out
from photos_engine.graph.timeline import FloatVector, IntVector, Timeline, years_of
from photos_engine.graph.weave import Weaver
from photos_engine.types import Place, Tag

_TAGS_A_NODE = 12


def places_of(looks: Looks, timeline: Timeline) -> list[Place | None]:
    """The place of each photo of the timeline, if its position is credible."""
    values = (*looks.place_values(), None)
    codes = np.where(np.isnan(timeline.latitude), NONE, looks.places.codes[timeline.rows])
    return [values[code] for code in codes.tolist()]


def add_tags(weaver: Weaver, table: TagTable, tags: Mapping[str, Tag]) -> None:
    """Write the tags with some photos, their hierarchy, and on how many days of each month they were seen."""
    timeline = weaver.timeline
    month = _months(timeline.day)
    days, first = np.unique(timeline.day, return_index=True)
    weaver.graph.graph["active_months"] = dict(sorted(Counter(month[first].tolist()).items()))
    for tag_id, at in table.photos_by_tag().items():
        tag = tags.get(tag_id)
        if tag is None or len(at) < MIN_PHOTOS:
            continue
        days, first = np.unique(timeline.day[at], return_index=True)
        weaver.add(
            f"tag:{tag_id}",
            "tag",
            tag.label,
            at,
            category=tag.category,
            memorable=tag.memorable,
            days=len(days),
            months=dict(sorted(Counter(month[at][first].tolist()).items())),
        )
    for tag_id in table.ids:
        for parent in tags[tag_id].parents if f"tag:{tag_id}" in weaver.graph else ():
            if f"tag:{parent}" in weaver.graph:
                text = f"{tags[tag_id].label.capitalize()} is a kind of {tags[parent].label}."
                weaver.link(f"tag:{tag_id}", f"tag:{parent}", "is_a", at=np.zeros(0, dtype=np.int64), reason=text)


def add_places(weaver: Weaver, table: TagTable, places: list[Place | None]) -> dict[int, str]:
    """Write cities in regions in countries; GeoNames id -> city node."""
    at = np.array([n for n, place in enumerate(places) if place], dtype=np.int64)
    ids, first, which = np.unique(
        np.array([place.geoname_id for place in places if place], dtype=np.int64),
        return_index=True,
        return_inverse=True,
    )
    known = {
        geoname_id: place
        for geoname_id, n in zip(ids.tolist(), at[first].tolist(), strict=True)
        if (place := places[n])
    }
    node_of = _city_nodes(known, Counter(dict(zip(ids.tolist(), np.bincount(which).tolist(), strict=True))))
    groups: dict[str, dict[str, list[int]]] = {"country": {}, "region": {}, "city": {}}
    of: dict[str, Place] = {}
    for n in np.argsort(first, kind="stable").tolist():
        place = known[int(ids[n])]
        nodes = {"country": f"country:{place.country_code}", "city": node_of[place.geoname_id]}
        if place.region:
            nodes["region"] = f"region:{place.country_code}/{place.region}"
        for kind, node in nodes.items():
            groups[kind].setdefault(node, []).append(n)
            of.setdefault(node, place)
    of_city = dict(enumerate(np.split(at[np.argsort(which, kind="stable")], np.cumsum(np.bincount(which))[:-1])))
    members = {
        node: np.sort(np.concatenate([of_city[n] for n in parts]))
        for kind in groups.values()
        for node, parts in kind.items()
    }
    for kind, parts_of in groups.items():
        for node in parts_of:
            _add_place(weaver, node, kind, getattr(of[node], kind), of[node], members[node])
    groups_at = [members[node] for node in groups["city"]]
    for node, here, found in zip(
        groups["city"], groups_at, standing_out(table, weaver.timeline, groups_at, _TAGS_A_NODE), strict=True
    ):
        weaver.link_tags(node, found, here, max(1, int(weaver.timeline.keeper[here].sum())), "known_for")
    return node_of


def _city_nodes(known: Mapping[int, Place], counts: Counter[int]) -> dict[int, str]:
    """A node id for each city; of two with one name in one country, the less photographed is told by its region."""
    node_of: dict[int, str] = {}
    taken: set[str] = set()
    for geoname_id in sorted(known, key=lambda g: (-counts[g], g)):
        place = known[geoname_id]
        node = city_node(place)
        if node in taken:
            node = f"city:{place.country_code}/{place.region}/{place.city}"
        while node in taken:
            node += "+"
        taken.add(node)
        node_of[geoname_id] = node
    return node_of


def _add_place(weaver: Weaver, node: str, kind: str, label: str, place: Place, at: IntVector) -> None:
    days = np.unique(weaver.timeline.day[at])
    years = sorted({date.fromordinal(day).year for day in days.tolist()})
    weaver.add(node, kind, label, at, country_code=place.country_code, days=len(days), years=years)
    country, region = f"country:{place.country_code}", f"region:{place.country_code}/{place.region}"
    within = {"city": region if place.region else country, "region": country}.get(kind)
    if within:
        weaver.link(node, within, "in", at=at, reason=f"{label} lies in {weaver.graph.nodes[within]['label']}.")


def add_times(weaver: Weaver, table: TagTable, latitudes: FloatVector) -> dict[str, IntVector]:
    """Write years and seasons, tied to what was photographed more in them than at other times; photos by season."""
    day = weaver.timeline.day
    year = years_of(day)
    by_year = {f"year:{number}": np.flatnonzero(year == number) for number in dict.fromkeys(year.tolist())}
    by_season: dict[str, IntVector] = {}
    for (season, _), at in group_by_season(day, latitudes).items():
        node = f"season:{season}"
        by_season[node] = np.concatenate([by_season.get(node, at[:0]), at])
    by_season = {node: np.sort(at) for node, at in by_season.items()}
    for kind, groups in (("year", by_year), ("season", by_season)):
        found_in = standing_out(table, weaver.timeline, list(groups.values()), _TAGS_A_NODE)
        for (node, at), found in zip(groups.items(), found_in, strict=True):
            weaver.add(node, kind, node.partition(":")[2].capitalize(), at)
            weaver.link_tags(node, found, at, max(1, int(weaver.timeline.keeper[at].sum())), "typical")
    return by_season


def add_people(weaver: Weaver, table: TagTable) -> None:
    """Write the people whom metadata name, when they were photographed, with whom, and with what."""
    seen: dict[str, list[int]] = defaultdict(list)
    names: dict[str, str] = {}
    goes_by: dict[str, set[str]] = defaultdict(set)  # the nodes that their names in metadata stand for
    together: Counter[tuple[str, str]] = Counter()
    named = weaver.looks.people.take(weaver.timeline.rows)
    for n in np.unique(named.rows).tolist():
        written = {f"person:{as_slug(name)}": name for name in named[n] if name.strip()}
        nodes: dict[str, None] = {}
        for own, name in written.items():
            node, called = weaver.decided.person(name)
            names.setdefault(node, called)
            goes_by[node].add(own)
            nodes[node] = None
        for node in nodes:
            seen[node].append(n)
        together.update(combinations(sorted(nodes), 2))
    members = [np.array(group) for group in seen.values()]
    found_in = standing_out(table, weaver.timeline, members, _TAGS_A_NODE)
    for node, at, found in zip(seen, members, found_in, strict=True):
        decided = weaver.decided.of(node).union(*map(weaver.decided.of, goes_by[node]))
        times = {"first": weaver.day_text(at[0]), "last": weaver.day_text(at[-1])}
        weaver.add(node, "person", names[node], at, decided, **times)
        weaver.link_tags(node, found, at, max(1, int(weaver.timeline.keeper[at].sum())), "seen_with")
        for moment, here in weaver.by_moment(at):
            share = len(here) / weaver.graph.nodes[moment]["count"]
            weaver.link(
                node, moment, "in", at=here, weight=share, reason=f"{names[node]} is named on {len(here)} photos."
            )
    for (a, b), count in together.items():
        at = np.intersect1d(seen[a], seen[b])
        weight = count / (len(seen[a]) + len(seen[b]) - count)
        weaver.link(a, b, "together", at=at, weight=weight, reason=f"Both are named on {count} photos.")
    renamed = {own: node for node, names_of in goes_by.items() for own in sorted(names_of) if own != node}
    if renamed:
        weaver.graph.graph["renamed"] = renamed


def add_cameras(weaver: Weaver) -> None:
    """Write the cameras, tied to the years in which they were used."""
    cameras = weaver.looks.cameras.take(weaver.timeline.rows)
    codes, first = np.unique(cameras.codes, return_index=True)
    used: dict[str, list[IntVector]] = defaultdict(list)
    labels: dict[str, str] = {}
    for code in codes[np.argsort(first)].tolist():
        make, model = (written.strip() for written in cameras.values[code])
        if make or model:
            label = model if model.lower().startswith(make.lower()) else f"{make} {model}".strip()
            node = f"camera:{as_slug(label)}"
            used[node].append(np.flatnonzero(cameras.codes == code))
            labels.setdefault(node, label)
    for node, members in used.items():
        at = np.sort(np.concatenate(members))
        weaver.add(node, "camera", labels[node], at, first=weaver.day_text(at[0]), last=weaver.day_text(at[-1]))
        years = years_of(weaver.timeline.day[at])
        for year in np.unique(years).tolist():
            here = at[years == year]
            total = weaver.graph.nodes[f"year:{year}"]["count"]
            text = f"{len(here)} of {total} photos of {year} were taken with it."
            weaver.link(node, f"year:{year}", "used_in", at=here, weight=len(here) / total, reason=text)


def _months(day: IntVector) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    """For each day ordinal its month, "2023-07"."""
    epoch = date(1970, 1, 1).toordinal()
    return (day - epoch).astype("datetime64[D]").astype("datetime64[M]").astype(str)
