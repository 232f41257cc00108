"""The personal knowledge graph: what a library tells about a life, to be asked and corrected.

It is derived from a snapshot and nothing else, holds moments and up (photos only as provenance), and is
the only room that knows networkx.
"""

from photos_engine.graph.build import build_graph
from photos_engine.graph.calendar import group_by_season, season_of
from photos_engine.graph.decided import KnownStay, read_days, require_sense
from photos_engine.graph.looks import DAY_STARTS_AT_H, Looks, ancestors_of, day_of, judge, look_at
from photos_engine.graph.naming import as_slug, join_suburbs
from photos_engine.graph.persist import GRAPH_VERSION
from photos_engine.graph.query import EVENT_KINDS, PersonalGraph
from photos_engine.graph.records import Celebration, Home, KnownPerson, KnownPet, KnownPlace, Moment, Related

__all__ = [
    "DAY_STARTS_AT_H",
    "EVENT_KINDS",
    "GRAPH_VERSION",
    "Celebration",
    "Home",
    "KnownPerson",
    "KnownPet",
    "KnownPlace",
    "KnownStay",
    "Looks",
    "Moment",
    "PersonalGraph",
    "Related",
    "ancestors_of",
    "as_slug",
    "build_graph",
    "day_of",
    "group_by_season",
    "join_suburbs",
    "judge",
    "look_at",
    "read_days",
    "require_sense",
    "season_of",
]
