"""Music that fits: a mood of the closed list, from what the photos show and what kind of memory it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from photos_engine.types import AnalysedPhoto, Music, Tag

MOODS: Mapping[str, float] = {
    "serene": 0.15,
    "tender": 0.2,
    "reflective": 0.2,
    "dreamy": 0.25,
    "nostalgic": 0.3,
    "cosy": 0.3,
    "romantic": 0.4,
    "uplifting": 0.6,
    "joyful": 0.7,
    "playful": 0.75,
    "festive": 0.8,
    "adventurous": 0.8,
    "epic": 0.85,
    "groovy": 0.85,
    "energetic": 0.95,
}
"""The closed list with energies, as the taxonomy has it."""

# What each kind feels like before a photo was looked at.
_KIND_MOODS: Mapping[str, str] = {
    "on_this_day": "nostalgic",
    "trip": "adventurous",
    "day_out": "uplifting",
    "celebration": "festive",
    "person": "tender",
    "pet": "playful",
    "place_over_years": "nostalgic",
    "theme": "uplifting",
    "season": "dreamy",
    "year_in_review": "uplifting",
    "recent_highlights": "joyful",
    "concept": "uplifting",
}
_KIND_SHARE = 0.25  # of the kind's mood against all photos together
_OWN_SHARE = 0.6  # of the mood that a memory has of its own: it was given by hand
_CALM_H, _LIVELY_PHOTOS_AN_HOUR = 21, 12.0


def choose_music(
    kind: str,
    items: Sequence[AnalysedPhoto],
    tags: Mapping[str, Tag],
    moods: Mapping[str, float] = MOODS,
    own: str | None = None,
) -> Music:
    """The mood that the photos' tags vote for, each by its certainty and memorability; the kind votes too.

    own: what the memory feels like, in place of its kind.

    Late pictures calm the music a little, many in short time drive it. Energy is 0 (still) to 1 (driving).
    """
    votes: dict[str, float] = defaultdict(float)
    for item in items:
        for tag_id, certainty in item.tags.items():
            tag = tags.get(tag_id)
            if tag and tag.mood and tag.mood in moods:
                votes[tag.mood] += certainty * tag.memorable / len(items)
    votes[own or _KIND_MOODS.get(kind, "uplifting")] += _OWN_SHARE if own else _KIND_SHARE
    mood = min(votes, key=lambda candidate: (-votes[candidate], candidate))
    late = sum(item.photo.taken.hour >= _CALM_H for item in items) / len(items)
    hours = (items[-1].photo.taken - items[0].photo.taken).total_seconds() / 3600
    pace = 1.0 if len(items) / (hours + 1) >= _LIVELY_PHOTOS_AN_HOUR else 0.0
    energy = moods.get(mood, 0.5) - 0.1 * late + 0.1 * pace
    return Music(mood, round(min(1.0, max(0.0, energy)), 2))
