"""Free phrases, taken out of what people wrote under photographs, and the constants that end their answers.

    python benchmarks/phrases.py --data DATA --library LIBRARY

asks those that half of which wasn't fitted by, in a library of the captioned `dev` photographs that
`benchmarks/search.py` has made, and prints `PARTLY_KNOWN` of `photos_engine.experiences.search.likeness` as the other
half has it. A phrase is a piece of a caption such as "dog with a ball". A photo is right where two captions have each
of its words, and wrong where none has one of them; captions leave out much, so that of the photos counted as wrong
about half are right to the eye. Absent are pieces of other photographs' captions with a word that no `dev` caption has.
"""

from __future__ import annotations

import argparse
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from photos_engine import PhotosEngine
from photos_engine.analyzers import Taxonomy
from photos_engine.experiences.search.likeness import Evidence, standard_scores
from photos_engine.experiences.search.wording import read_phrase
from photos_engine.models.corpus import list_captioned
from photos_engine.types import FloatArray

FEW, MANY = 3, 60  # photos that a phrase is right for
COMMON = 4  # phrases that each word of an absent one is in
NEAREST = 200
SMALL = frozenset(
    word
    for words in (
        "a an the of in on at to with and is are was were be there his her their its from by for into onto over under "
        "through near while as it up down out off this that two three some one wearing who which what or then",
    )
    for word in words.split()
)
VAGUE = frozenset(
    word
    for words in (
        "front back top side another other young little large big small group same something him them it air ground "
        "camera picture background middle edge center each being trying going having doing looking",
    )
    for word in words.split()
)
COLOURS = "red|blue|green|yellow|white|black|orange|pink|purple|brown"
ENDS = frozenset(
    word
    for words in ("in on with is are of at near while by from as to over through into during . ,",)
    for word in words.split()
)
PIECES = (
    re.compile(
        r"(?:a|an|the) ((?:\w+ )?\w+? (?:is |are )?\w+ing (?:(?:in|on|through|into|onto|over|with|down|up|at|from"
        rf"|across|along|off|near|to) )?(?:(?:a|an|the|his|her|their|some) )?(?:(?:{COLOURS}) )?\w+)"
    ),
    re.compile(rf"(\w+ (?:in|wearing|with) an? (?:{COLOURS}) \w+)"),
    re.compile(r"(\w+ (?:on|near|in|with|by) (?:a|an|the) \w+)"),
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase, and which photos it is right and wrong for, (photos,) each; right for none where it is absent."""

    text: str
    right: NDArray[np.bool_]
    wrong: NDArray[np.bool_]

    @property
    def is_for_fitting(self) -> bool:
        """Whether the constants come from it."""
        return zlib.crc32(self.text.encode()) % 2 == 0


def collect(captions: Sequence[Sequence[str]], others: Iterable[Sequence[str]]) -> list[Phrase]:
    """Phrases of these captions, one sequence for each photo, and absent ones out of others."""
    others = list(others)
    is_end = _count_ends(others)
    naming = _Naming(captions)
    found = [(text, naming.counts(text)) for text in _distinct(_pieces(captions), is_end)]
    there = [Phrase(text, (n >= 2).all(0), (n == 0).any(0)) for text, n in found]
    there = [phrase for phrase in there if FEW <= phrase.right.sum() <= MANY]
    pieces = _pieces(others)
    commonness = Counter(word for text in pieces for word in set(_content(text)))
    common = (text for text in pieces if all(commonness[word] >= COMMON for word in _content(text)))
    nowhere, everywhere = np.zeros(len(captions), np.bool_), np.ones(len(captions), np.bool_)
    absent = (text for text in _distinct(common, is_end) if not naming.counts(text).any(1).all())
    return [*there, *(Phrase(text, nowhere, everywhere) for text in absent)]


class _Naming:
    """How many captions of each photo have a word, in any of its forms, or by another name of the same thing."""

    def __init__(self, captions: Sequence[Sequence[str]]) -> None:
        self._taxonomy = Taxonomy.load()
        self._stems = [[{_stem(word) for word in _words(text)} for text in texts] for texts in captions]
        self._tags = [[self._taxonomy.in_caption(text) for text in texts] for texts in captions]
        self._known: dict[str, NDArray[np.int64]] = {}

    def counts(self, phrase: str) -> NDArray[np.int64]:
        """For each word of a phrase that says something, (words, photos)."""
        return np.stack([self._of(word) for word in _content(phrase)])

    def _of(self, word: str) -> NDArray[np.int64]:
        if word not in self._known:
            tags, stem = {match.tag.id for match in self._taxonomy.find(word)}, _stem(word)
            photos = zip(self._stems, self._tags, strict=True)
            named = [sum(stem in s or bool(tags & t) for s, t in zip(*photo, strict=True)) for photo in photos]
            self._known[word] = np.array(named, np.int64)
        return self._known[word]


def _pieces(captions: Iterable[Sequence[str]]) -> list[str]:
    texts = (text.lower() for photo in captions for text in photo)
    return list(dict.fromkeys(piece for text in texts for pattern in PIECES for piece in pattern.findall(text)))


def _distinct(pieces: Iterable[str], is_end: Mapping[str, float]) -> Iterator[str]:
    """Those that say something by two words or more, once each, whatever their small words and forms."""
    seen = set()
    for text in pieces:
        words = _words(text)
        said = frozenset(map(_stem, _content(text)))
        is_whole = is_end.get(words[-1], 0.0) >= 0.6 and not words[-1].endswith("ing") and words[0] not in ("is", "are")
        if is_whole and len(said) >= 2 and said not in seen and not VAGUE & set(words):
            seen.add(said)
            yield text


def _count_ends(captions: Iterable[Sequence[str]]) -> dict[str, float]:
    """How often a word is the last of what is said about a thing, as nouns are and adjectives aren't."""
    ends, total = Counter[str](), Counter[str]()
    for text in (text for photo in captions for text in photo):
        words = re.findall(r"[a-z]+|[.,]", text.lower())
        for word, following in zip(words, [*words[1:], "."], strict=True):
            total[word] += 1
            ends[word] += following in ENDS
    colours = set(COLOURS.split("|"))
    return {word: ends[word] / count for word, count in total.items() if count >= 5 and word not in colours}


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def _content(text: str) -> list[str]:
    return [word for word in _words(text) if word not in SMALL]


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            word = word[:-1] if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl" else word
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def ask_phrases(engine: PhotosEngine, phrases: Sequence[Phrase], stems: Sequence[str]) -> None:
    """Print how the engine answers the phrases that nothing was fitted by; stems: the photos' file names."""
    number = {stem: row for row, stem in enumerate(stems)}
    right = wrong = there = nothing = 0
    tested = [phrase for phrase in phrases if not phrase.is_for_fitting]
    absent = [phrase for phrase in tested if not phrase.right.any()]
    for phrase in tested:
        if not phrase.right.any():
            nothing += engine.search(phrase.text, limit=1).stage == "none"
            continue
        rows = [number[hit.photo.path.stem] for hit in engine.search(phrase.text, limit=len(stems)).results]
        right, wrong, there = (
            right + phrase.right[rows].sum(),
            wrong + phrase.wrong[rows].sum(),
            there + phrase.right.sum(),
        )
    print(
        f"phrases out of captions: {len(tested) - len(absent)} queries, not in the captions of the returned "
        f"{wrong / max(right + wrong, 1):.1%}, recall {right / max(there, 1):.1%}; "
        f"{len(absent)} absent ones, answered none {nothing / max(len(absent), 1):.1%}"
    )


def ask_described(engine: PhotosEngine, captions: Mapping[str, Sequence[str]]) -> None:
    """Print how many of the first ten are as a word describes them, and of all that is returned, for pairs of captions.

    captions: by the photos' file names. A pair is a word that no tag names before one that a tag does.
    """
    taxonomy, naming = Taxonomy.load(), _Naming(list(captions.values()))
    number = {stem: row for row, stem in enumerate(captions)}
    pairs = Counter(pair for texts in captions.values() for pair in {p for t in texts for p in _pairs(t, taxonomy)})
    first, everywhere = [], []
    for pair in sorted(pair for pair, photos in pairs.items() if photos >= 5):
        counts = naming.counts(pair)
        if len(counts) != 2 or (counts >= 2).all(0).sum() < FEW:
            continue
        answer = engine.search(pair, limit=len(captions))
        if "notes" not in answer.understood:
            continue
        said = counts[0][[number[hit.photo.path.stem] for hit in answer.results]]
        judged = said[said != 1] >= 2  # one caption leaves it open
        first.append(judged[:10].mean())
        everywhere.append(judged.mean())
    print(
        f"things described: {len(first)} queries, the word in the captions of {np.mean(first):.1%} of the first ten, "
        f"of {np.mean(everywhere):.1%} of all that is returned"
    )


def _pairs(text: str, taxonomy: Taxonomy) -> Iterator[str]:
    words = _words(text)
    for one, other in pairwise(words):
        if one not in SMALL | VAGUE and not taxonomy.find(one) and taxonomy.find(other):
            yield f"{one} {other}"


def fit(engine: PhotosEngine, phrases: Sequence[Phrase], stems: Sequence[str]) -> None:
    """Print the constants that the other half gives, and how often absent phrases find a photo."""
    model, taxonomy = engine.status().model, Taxonomy.load()
    words, snapshot = engine._models.words(model), engine.snapshot()
    row_of = {item.photo.path.stem: row for row, item in enumerate(snapshot.photos)}
    order = [row_of[stem] for stem in stems]
    images: FloatArray = snapshot.embeddings[order]
    tags = [snapshot.photos[row].tags for row in order]
    holders = {tag.id: np.array([row for row, t in enumerate(tags) if tag.id in t]) for tag in taxonomy.tags}
    concepts, sample = words.concepts(), images[:: max(1, len(images) // 300)]

    def describe(phrase: Phrase) -> tuple[NDArray[np.int64], FloatArray] | None:
        reading = read_phrase(phrase.text, taxonomy)
        parts = [
            [holders[i] for match in names for i in (match.tag.id, *taxonomy.descendants(match.tag.id))]
            for names in reading.named
        ]
        evidence = Evidence(
            tuple(np.unique(np.concatenate(part)).astype(np.int64) for part in parts), len(reading.unknown)
        )
        if not evidence.is_partly_known:
            return None
        query = words.encode([phrase.text])[0]
        near = np.argsort(-(images @ query))[:NEAREST]
        scores = standard_scores(images[near], query, concepts, sample @ query)
        rest = np.stack([evidence.shown_shares(near), np.full(len(near), evidence.unknown_share, np.float32)])
        return near, np.concatenate([scores, rest]).T

    described = [(phrase, *found) for phrase in phrases if (found := describe(phrase)) is not None]
    lessons = [(p, near, x, (p.right | p.wrong)[near]) for p, near, x in described if p.is_for_fitting]
    regression = LogisticRegression(C=100, max_iter=3000).fit(
        np.concatenate([x[judged] for _, _, x, judged in lessons]),
        np.concatenate([p.right[near][judged] for p, near, _, judged in lessons]),
    )
    chances = [regression.predict_proba(x)[:, 1] for p, _, x in described if not p.is_for_fitting and not p.right.any()]
    found = np.concatenate(chances)
    steps = np.array([0.15, 0.2, 0.25, 0.3, 0.4, 0.5])
    rates = np.array([(found >= step).sum() for step in steps]) / (len(chances) * len(images))
    known = rates > 0
    steepness, rate = np.polyfit(np.log(steps / (1 - steps))[known], np.log(rates[known]), 1)
    print(
        f"for photo, for phrase, for shown, for unknown: {regression.coef_[0].round(3)}, "
        f"bias {regression.intercept_[0]:.3f}"
    )
    print(f"false alarms: {np.exp(rate):.2e} * odds ** {steepness:.2f}")
    for step in steps:
        print(f"  from {step}: absent phrases that find nothing {np.mean([c.max() < step for c in chances]):.1%}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of evaluation pictures")
    parser.add_argument("--library", type=Path, required=True, help="a library of the captioned dev photographs")
    arguments = parser.parse_args()
    photos = list_captioned(arguments.data)
    held_out = [photo for photo in photos if photo.held_out]
    phrases = collect([p.captions for p in held_out], (p.captions for p in photos if not p.held_out))
    stems = [photo.path.stem for photo in held_out]
    with PhotosEngine.open(arguments.library) as engine:
        ask_phrases(engine, phrases, stems)
        ask_described(engine, {photo.path.stem: photo.captions for photo in held_out})
        fit(engine, phrases, stems)
    return 0


if __name__ == "__main__":
    sys.exit(main())
