"""Memories: small stories that the graph finds in a library, told with the photos that tell them best.

The graph knows what happened; here it is decided which of it is worth opening, what it is called, which
photos tell it, and which memories come up on a day. Nothing is claimed that isn't certain.
"""

from photos_engine.experiences.memories.compose import MAX_PHOTOS, make_memories
from photos_engine.experiences.memories.daily import MAX_A_DAY, choose_for_day

__all__ = ["MAX_A_DAY", "MAX_PHOTOS", "choose_for_day", "make_memories"]
