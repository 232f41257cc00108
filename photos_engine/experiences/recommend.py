"""What this person likes, learned from what they said: favourites, ratings, hides, "feature less".

A first draft: one logistic model on the embeddings. It says nothing until it has seen some twenty signs,
and then only as loudly as their number allows; what a person never spoke about stays neutral.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from photos_engine.curation import assess_utility
from photos_engine.types import AnalysedPhoto, Decision, FloatArray, Reason, Snapshot

SIGNS_NEEDED = 20
"""Fewer signs say more about the moment than about the person."""
_BACKGROUND = 2000  # unjudged photos that stand for what the person left alone, at most
_REGULARISATION = 1.0  # scikit-learn's C: strong enough that 20 signs in 512 dimensions don't fit noise


@dataclass(frozen=True, slots=True)
class Taste:
    """What was learned: `weights` and `bias` of a logistic model over embeddings; None while it is neutral.

    tag_lifts: how much more often a tag is among liked photos than in the library, as a log ratio.
    """

    likes: int
    dislikes: int
    weights: FloatArray | None
    bias: float
    tag_lifts: Mapping[str, float]

    @property
    def signs(self) -> int:
        """How many photos the person has spoken about."""
        return self.likes + self.dislikes

    def score(self, embeddings: FloatArray) -> FloatArray:
        """Liking of each row of (n, 512), 0 to 1; 0.5 is neutral, and all there is below `SIGNS_NEEDED` signs."""
        if self.weights is None:
            return np.full(len(embeddings), 0.5, dtype=np.float32)
        probability = 1.0 / (1.0 + np.exp(-(embeddings @ self.weights + self.bias)))
        trust = self.signs / (self.signs + SIGNS_NEEDED)
        liking: FloatArray = (0.5 + trust * (probability - 0.5)).astype(np.float32)
        return liking

    def likes_most(self, limit: int = 10) -> tuple[Reason, ...]:
        """Name the tags that set what the person likes apart, strongest first, either way."""
        lifts = sorted(self.tag_lifts.items(), key=lambda entry: (-abs(entry[1]), entry[0]))[:limit]
        return tuple(
            Reason(f"{'likes' if lift > 0 else 'avoids'}_{tag}", lift, _describe(tag, lift)) for tag, lift in lifts
        )

    def explain(self, item: AnalysedPhoto, limit: int = 3) -> tuple[Reason, ...]:
        """Name what of this photo the person likes more, or less, than most."""
        if self.weights is None:
            return (Reason("neutral", 0.0, f"Only {self.signs} of {SIGNS_NEEDED} signs of your taste are known."),)
        lifts = sorted(
            ((self.tag_lifts.get(tag, 0.0) * p, tag) for tag, p in item.tags.items()), key=lambda e: -abs(e[0])
        )
        return tuple(
            Reason(f"{'likes' if lift > 0 else 'avoids'}_{tag}", lift, _describe(tag, lift))
            for lift, tag in lifts[:limit]
            if abs(lift) > 0.1
        )


def learn_taste(snapshot: Snapshot, forgotten: Mapping[str, float] | None = None) -> Taste:
    """Learn from the signs in a snapshot; the same snapshot always teaches the same.

    Photos without a sign stand, lightly weighed, for what the person left alone: most people mark only what
    they like, and a model needs both sides. forgotten: by photo id, signs that don't count, as `find_signs` gave
    them when the person wished to begin anew; another sign on the same photo does.
    """
    told, forgotten = find_signs(snapshot), forgotten or {}
    told = {photo_id: sign for photo_id, sign in told.items() if forgotten.get(photo_id) != sign}
    signs = np.array([told.get(item.photo.id, 0.0) for item in snapshot.photos], dtype=np.float64)
    liked, disliked, unjudged = (np.flatnonzero(rows) for rows in (signs > 0, signs < 0, signs == 0))
    if len(liked) + len(disliked) < SIGNS_NEEDED or not len(liked):
        return Taste(len(liked), len(disliked), None, 0.0, {})
    unjudged = unjudged[:: max(1, len(unjudged) // _BACKGROUND)]
    rows = np.concatenate([liked, disliked, unjudged])
    if len(rows) == len(liked):  # everything is liked: nothing to tell it from
        return Taste(len(liked), len(disliked), None, 0.0, {})
    weights = np.abs(signs[rows])
    against = weights[len(liked) :]
    # All that was left alone together weighs as much as half of what was judged.
    against[len(disliked) :] = 0.5 * weights[: len(liked) + len(disliked)].sum() / max(1, len(unjudged))
    weights[: len(liked)] *= against.sum() / weights[: len(liked)].sum()  # neutral is where both sides balance
    # Here and not above: it takes a second or two to import, and most starts of the engine learn nothing.
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=_REGULARISATION, max_iter=1000)
    model.fit(snapshot.embeddings[rows], signs[rows] > 0, sample_weight=weights)
    coefficients: FloatArray = model.coef_[0].astype(np.float32)
    return Taste(len(liked), len(disliked), coefficients, float(model.intercept_[0]), _lift_tags(snapshot, liked))


def find_signs(snapshot: Snapshot) -> dict[str, float]:
    """What the person's acts say of photos, by id: above 0 liked, below disliked; of most photos they say nothing."""
    return {item.photo.id: sign for item in snapshot.photos if (sign := _sign(item))}


def score(snapshot: Snapshot) -> FloatArray:
    """Liking of every photo of a snapshot, (n,) float32, 0 to 1 and 0.5 where nothing is known."""
    return learn_taste(snapshot).score(snapshot.embeddings)


def _sign(item: AnalysedPhoto) -> float:
    """What a person's acts say of a photo: above 0 liked, below disliked, 0 nothing."""
    photo = item.photo
    rating = photo.facts.rating or 0
    if photo.is_favourite or rating >= 4:
        return 1.5 if rating == 5 or photo.is_favourite else 1.0
    if Decision.FEATURE_LESS in photo.decisions or rating == -1:
        return -1.5
    # A hidden receipt or a secret is no matter of taste; other hides are, if less than a plain "feature less".
    if photo.is_hidden:
        return 0.0 if assess_utility(item).kind else -1.0
    return -0.5 if rating in (1, 2) else 0.0


def _lift_tags(snapshot: Snapshot, liked: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> dict[str, float]:
    everywhere = Counter(tag for item in snapshot.photos for tag in item.tags)
    among = Counter(tag for row in liked.tolist() for tag in snapshot.photos[row].tags)
    total, chosen = len(snapshot.photos), len(liked)
    # One imagined photo on each side keeps rare tags from looking decisive.
    return {
        tag: float(np.log(((among[tag] + 1) / (chosen + 2)) / ((count + 1) / (total + 2))))
        for tag, count in everywhere.items()
    }


def _describe(tag: str, lift: float) -> str:
    often = "more" if lift > 0 else "less"
    return f"You like {tag.replace('_', ' ')} {often} than most of what you photograph."
