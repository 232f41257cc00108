"""Likeness in the joint space of pictures and words, and where it ends.

A cosine alone says little: some photos are near to every phrase, and some phrases to every photo. So two
standard scores decide: how much nearer the photo is to the phrase than to the taxonomy's other concepts,
and how much nearer the phrase is to the photo than to the rest of the library. Where the taxonomy knows a part of
the phrase, its tags are evidence too: a dog jumping off a pier is a dog, and what is a dog, near the phrase, and
on no pier is less likely meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photos_engine.experiences.search.matches import NOTHING, Matches, is_in
from photos_engine.experiences.search.sources import NEAREST, Concepts, SearchSources
from photos_engine.index.protocol import Keys
from photos_engine.types import FloatArray, Reason

_MEASURED_ON = 1_000
"""Photos from which on that holds for a whole library: in a smaller one the spread is known less well."""
_ACCEPTED = 0.1
"""How many false alarms a query may have: more photos ask for more sureness."""
_DOUBTFUL = 0.2
"""From which probability on a photo counts for whether a thing is there at all."""
_THERE, _THERE_OF_EACH = 2.0, 0.0015
"""Many doubtful photos are no chance: a thing is there when their probabilities add up to this, and so much more for
each photo. Of a scripted life's themes eight in twelve are above, of 50 absent things none comes near."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What makes probabilities of scores, and where these end.

    for_photo, for_phrase, bias, for_shown, for_unknown: of the logarithm of the odds, by standard score, and by the
    share of a phrase's parts that tags say the photo shows, and that no tag names; false_alarms (a, b): of what is not
    there, a photo has odds of x or more this often: a * x ** -b; least, least_among: where a thing is there, from
    which probability on a photo shows it, in the library and among photos of a time or place, of which the person who
    asks remembers one.
    """

    for_photo: float
    for_phrase: float
    bias: float
    false_alarms: tuple[float, float]
    least: float
    least_among: float
    for_shown: float = 0.0
    for_unknown: float = 0.0


# Logistic regressions over the 1,091 photos of Flickr8k's dev split; right where two captions agree. Half of the
# phrases fitted them, the other half tells the false alarms. For another model: `python benchmarks/likeness.py --data
# DATA --work WORK`.
WHOLE = Calibration(0.581, 0.967, -6.766, (7.7e-5, 1.75), 0.2, 0.1)
"""For single things and whole sentences: from 400 captions and 156 tags as phrases, the 60 nearest photos each. Of 74
absent tags 20 % find a photo from a probability of 0.3 on, 11 % from 0.5 on."""
PARTLY_KNOWN = Calibration(0.563, 0.208, -6.168, (1.08e-5, 3.25), 0.3, 0.15, for_shown=3.727, for_unknown=-0.755)
"""For phrases that tags are parts of: from half of 340 phrases out of the captions and of 160 that these photos don't
show, the 200 nearest photos each; the false alarms from all. Of the absent ones of the other half, 9 % find a photo
from 0.3 on, 3 % from 0.4 on (`benchmarks/phrases.py`)."""
_MOST_PARTS = 2
"""Of such phrases; in a longer one each part says less, and the whole says more."""
_ENOUGH_WITH_TAG = 0.3
"""From which probability on such a longer one is answered by a photo that shows enough of it by its tags."""
_MOST_IN_PHRASE = 4
"""Parts up to which it is no whole sentence, of which tags say too little to be asked for."""
_WANTED_PARTS = 2
"""How many of a phrase's named parts a photo should show by its tags."""
_SURE_WITHOUT = 0.5
"""From which probability on it needs to show none. Of the half of such phrases out of captions that chose these three,
68 % of what is returned lack a word in the captions (75 before), of the other half 66 (75)."""
_MOST_READ = 300
"""Of how many photos the database is asked for their embeddings to order them; of more, the nearest come first."""
ORDER = "order"
"""The code of the reason that says which words nothing is sure of."""
_SMALL_LIBRARY = 50
"""Photos at which a library's own spread counts half; a smaller one is too alike to be a measure."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What tags know of a phrase. parts: for each part that they name, the photos that show it; unknown: how many
    words name nothing.
    """

    parts: tuple[Keys, ...] = ()
    unknown: int = 0

    @property
    def is_partly_known(self) -> bool:
        """Whether it is of a thing that tags name and of something else beside it."""
        return bool(self.parts) and 1 < len(self.parts) + self.unknown <= _MOST_PARTS

    @property
    def calibration(self) -> Calibration:
        """The one that such phrases were measured by."""
        return PARTLY_KNOWN if self.is_partly_known else WHOLE

    @property
    def unknown_share(self) -> float:
        """Which share of the phrase no tag names."""
        return self.unknown / max(len(self.parts) + self.unknown, 1)

    def shown_shares(self, keys: Keys) -> FloatArray:
        """Of each photo, which share of the phrase it shows by its tags, (n,) from 0 to 1."""
        shown = np.zeros(len(keys), np.float32)
        for part in self.parts:
            shown += is_in(keys, part)
        return shown / np.float32(max(len(self.parts) + self.unknown, 1))

    def is_answered(self, shown: FloatArray, chances: FloatArray, cutoff: float) -> NDArray[np.bool_]:
        """Which photos answer, (n,): from the cutoff on, and those that show enough of a longer phrase from less on.

        A phrase that is no whole sentence asks for more than one of its parts, or for more sureness.
        """
        if self.is_partly_known or not self.parts:
            return chances >= cutoff
        count = len(self.parts) + self.unknown
        wanted, alone = 1, cutoff
        if _MOST_PARTS < count <= _MOST_IN_PHRASE:
            wanted, alone = min(_WANTED_PARTS, len(self.parts)), max(cutoff, _SURE_WITHOUT)
        is_enough = np.rint(shown * count) >= wanted
        return (chances >= alone) | (is_enough & (chances >= min(cutoff, _ENOUGH_WITH_TAG)))


def match_likeness(text: str, sources: SearchSources, evidence: Evidence, among: Keys | None = None) -> Matches:
    """The photos that look like what a phrase says, with the probability that they do.

    among: only these photos, keys ascending.
    """
    if not len(sources.basis.sample):
        return NOTHING
    query = sources.meaning(text)
    keys, shown, chances = _judge(query, evidence, *sources.nearest(text), sources)
    photos = len(sources.basis.roster.keys)
    cutoff = least_sure(chances, evidence.calibration, photos, None if among is None else len(among))
    if among is not None and len(among) <= NEAREST:
        known = sources.unit.analyses.known_embeddings(sources.model, among)
        keys, shown, chances = _judge(query, evidence, *known, sources)
    is_answer = evidence.is_answered(shown, chances, cutoff)
    if among is not None:
        is_answer &= is_in(keys, among)
    return Matches.of(
        keys[is_answer],
        chances[is_answer],
        lambda _, p: (Reason("likeness", p, f"It looks like “{text}” ({p:.0%})."),),
    )


def order_by_likeness(
    found: Matches, text: str, words: Sequence[str], evidence: Evidence, sources: SearchSources
) -> Matches:
    """The same photos, stronger the more they look like what a phrase says; words: those that nothing is sure of."""
    if not len(found) or not len(sources.basis.sample):
        return found
    query = sources.meaning(text)
    if len(found) <= _MOST_READ:
        keys, embeddings = sources.unit.analyses.known_embeddings(sources.model, found.keys)
    else:
        keys, embeddings = sources.nearest(text)
    is_found = is_in(keys, found.keys)
    keys, _, near = _judge(query, evidence, keys[is_found], embeddings[is_found], sources)
    chances = np.full(len(found), near.min(initial=1.0), np.float32)  # the rest is further away than all of these
    chances[found.keys.searchsorted(keys)] = near
    said = " and ".join(f"“{word}”" for word in words)
    unsure = f"{said} only orde{'r' if len(words) > 1 else 'rs'} these photos: the engine can't be sure of it."

    def why(key: int, _: float) -> tuple[Reason, ...]:
        chance = float(chances[found.keys.searchsorted(key)])
        return (*found.reasons(key), Reason(ORDER, chance, unsure))

    return Matches(found.keys, found.strengths * chances, why)


def _judge(
    query: FloatArray, evidence: Evidence, keys: Keys, embeddings: FloatArray, sources: SearchSources
) -> tuple[Keys, FloatArray, FloatArray]:
    """Photos with the shares of the phrase that tags show of each, and the probabilities, (n,) each."""
    shown = evidence.shown_shares(keys)
    scores = standard_scores(embeddings, query, sources.concepts(), sources.basis.sample @ query)
    return keys, shown, judge_likeness(scores, shown, evidence.unknown_share, evidence.calibration)


def least_sure(chances: FloatArray, by: Calibration, photos: int, among: int | None = None) -> float:
    """The probability from which on likeness is an answer.

    chances: of the nearest photos of a library of so many; among: of how many the answer is chosen, if not of all.
    """
    mass = float(chances[chances >= _DOUBTFUL].sum())
    if mass >= _THERE + _THERE_OF_EACH * photos:
        return by.least if among is None else by.least_among
    rate, steepness = by.false_alarms
    looked_at = max(photos, _MEASURED_ON) if among is None else among
    odds: float = (looked_at * rate / _ACCEPTED) ** (1.0 / steepness)
    return max(by.least, odds / (1.0 + odds))


def judge_likeness(scores: FloatArray, shown: FloatArray, unknown: float, by: Calibration) -> FloatArray:
    """The probability that photos show what a phrase says, (n,) float32.

    scores (2, n): as from `standard_scores`; shown (n,), unknown: shares of the phrase, as `Evidence` tells them.
    """
    for_photo, for_phrase = scores
    logit = by.for_photo * for_photo + by.for_phrase * for_phrase + by.bias
    logit = logit + by.for_shown * shown + by.for_unknown * unknown
    return np.asarray(1.0 / (1.0 + np.exp(-logit)), dtype=np.float32)


def standard_scores(embeddings: FloatArray, query: FloatArray, concepts: Concepts, rest: FloatArray) -> FloatArray:
    """How near photos are to a phrase, by each photo's own measure and by the phrase's, (2, n).

    embeddings (n, 512) of the photos, query (512,), rest (r,) the cosines of the phrase with a sample of the library;
    all vectors L2-normalised.
    """
    cosines = embeddings @ query
    mean, deviation = concepts.spread(embeddings)
    for_photo = (cosines - mean) / deviation
    median = np.median(rest)
    spread = 1.4826 * np.median(np.abs(rest - median))  # the standard deviation, were it normal
    for_phrase = (cosines - median) / max(spread, 1e-6)
    trust = len(rest) / (len(rest) + _SMALL_LIBRARY)
    return np.stack([for_photo, trust * for_phrase + (1.0 - trust) * for_photo])
