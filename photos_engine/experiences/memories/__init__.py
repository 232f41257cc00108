"""Memories: small stories that the graph finds in a library, told with the photos that tell them best.

The graph knows what happened; here it is decided which of it is worth opening, what it is called, which
photos tell it, and which memories come up on a day. Nothing is claimed that isn't certain.
"""

from photos_engine.experiences.memories.compose import (
    MAX_PHOTOS,
    MEMORIES_VERSION,
    Telling,
    ToldMemory,
    make_memories,
    refresh_memories,
)
from photos_engine.experiences.memories.concepts import ConceptVectors, encode_concepts
from photos_engine.experiences.memories.daily import MAX_A_DAY, REST_DAYS, choose_for_day

__all__ = [
    "MAX_A_DAY",
    "MAX_PHOTOS",
    "MEMORIES_VERSION",
    "REST_DAYS",
    "ConceptVectors",
    "Telling",
    "ToldMemory",
    "choose_for_day",
    "encode_concepts",
    "make_memories",
    "refresh_memories",
]
