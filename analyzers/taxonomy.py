"""The fixed vocabulary of scenes: what the scene head can say, and how its words hang together.

The words themselves are data that people edit, `photos_engine/models/taxonomy.json`; this module reads
them once, refuses a file that contradicts itself, and answers the questions that every room above has:
which tag does a word name, what does a tag imply, what is implied by it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal

from photos_engine.errors import ModelError, ModelNotFound, NotFound
from photos_engine.types import Tag

IMAGENET_CLASSES = 1000

How = Literal["label", "synonym", "plural"]

_APOSTROPHES = re.compile("['\u2018\u2019\u02bc]")
_NOT_WORDS = re.compile(r"[\W_]+")
_CONSONANT_Y = re.compile(r"[^aeiou]y$")
_SIBILANT = re.compile(r"(s|x|z|ch|sh)$")


@dataclass(frozen=True, slots=True)
class Match:
    """A tag that a word names, and by which of its names."""

    tag: Tag
    how: How


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where labels for training one tag come from.

    imagenet: ImageNet-1k class indices that show this tag and none more special; a parent's evidence
        is its descendants' too.
    captions: words and phrases, as `words` gives them, that say in a human caption that the tag is there.
    prompts: sentences for zero-shot classification by the joint embedding.
    """

    imagenet: tuple[int, ...]
    captions: tuple[str, ...]
    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Taxonomy:
    """The tags in the order of the scene head's outputs, with their hierarchy and their words.

    A tag's parents are what is in every photo that the tag is in, so the hierarchy is a directed graph
    without cycles, not a tree: `birthday_cake` is a cake and a birthday.
    moods: every mood of a memory's music, with its energy, 0 (still) to 1 (driving).
    """

    version: str
    tags: tuple[Tag, ...]
    categories: tuple[str, ...]
    moods: Mapping[str, float]
    _by_id: Mapping[str, Tag]
    _evidence: Mapping[str, Evidence]
    _ancestors: Mapping[str, frozenset[str]]
    _descendants: Mapping[str, frozenset[str]]
    _names: Mapping[str, tuple[Match, ...]]
    _caption_tags: Mapping[str, frozenset[str]]
    _longest_phrase: int  # in words

    @staticmethod
    @cache
    def load() -> Taxonomy:
        """The taxonomy that ships with the engine; read once, then the same object.

        Raises: ModelNotFound where the file is missing, ModelError where it is broken.
        """
        file = resources.files("photos_engine.models").joinpath("taxonomy.json")
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise ModelNotFound("models/taxonomy.json is missing: reinstall photos-engine") from error
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"models/taxonomy.json can't be read ({error}): reinstall photos-engine") from error
        return Taxonomy.parse(text)

    @staticmethod
    def parse(text: str) -> Taxonomy:
        """The taxonomy that a JSON text describes. Raises: ModelError where it contradicts itself."""
        try:
            return _build(json.loads(text))
        except ModelError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ModelError(f"the taxonomy is malformed: {error!r}") from error

    def tag(self, tag_id: str) -> Tag:
        """The tag of that id. Raises: NotFound."""
        try:
            return self._by_id[tag_id]
        except KeyError:
            raise NotFound(f"the taxonomy has no tag {tag_id!r}") from None

    def __contains__(self, tag_id: object) -> bool:
        return tag_id in self._by_id

    def __len__(self) -> int:
        return len(self.tags)

    def find(self, word: str) -> list[Match]:
        """Every tag that a word or phrase names exactly, labels first, then synonyms, then other numbers.

        Case, accents, punctuation and white space don't matter. `plural` means that the word is the
        plural of a name, or the singular of a name that is itself a plural. [] where none is named.
        """
        return list(self._names.get(words(word), ()))

    def names(self) -> Iterable[str]:
        """Every name of every tag, singular and plural, as `words` leaves it."""
        return self._names.keys()

    def ancestors(self, tag_id: str) -> frozenset[str]:
        """All that the tag implies, without itself. Raises: NotFound."""
        return self._ancestors[self.tag(tag_id).id]

    def descendants(self, tag_id: str) -> frozenset[str]:
        """All that implies the tag, without itself. Raises: NotFound."""
        return self._descendants[self.tag(tag_id).id]

    def with_ancestors(self, scores: Mapping[str, float]) -> dict[str, float]:
        """The scores with those of all ancestors, none of which is below that of a tag implying it.

        Raises: NotFound for an id that is no tag's.
        """
        raised = dict(scores)
        for tag_id, score in scores.items():
            for ancestor in self.ancestors(tag_id):
                raised[ancestor] = max(raised.get(ancestor, score), score)
        return raised

    def evidence(self, tag_id: str) -> Evidence:
        """What a tag's labels for training come from. Raises: NotFound."""
        return self._evidence[self.tag(tag_id).id]

    def in_caption(self, caption: str) -> frozenset[str]:
        """The tags that a human caption speaks of, their ancestors included.

        The longest phrase wins: "hot dog" speaks of no dog, "mountain bike" of no mountain.
        """
        spoken = words(caption).split()
        found: set[str] = set()
        while spoken:
            for length in range(min(self._longest_phrase, len(spoken)), 0, -1):
                tag_ids = self._caption_tags.get(" ".join(spoken[:length]), frozenset())
                if tag_ids:
                    break
            found |= tag_ids
            spoken = spoken[length:]
        return frozenset(found).union(*(self._ancestors[tag_id] for tag_id in found))


def words(text: str) -> str:
    """The bare words of a text: lower case, no accents or punctuation, one space between them."""
    bare = text.casefold()
    if not bare.isascii():  # compatibility forms may hide capitals, so they are folded again
        decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _NOT_WORDS.sub(" ", _APOSTROPHES.sub("", bare)).strip()


def plural_of(phrase: str, irregular: Mapping[str, str]) -> str:
    """The English plural of a phrase's last word; `irregular` has those that follow no rule."""
    head, space, last = phrase.rpartition(" ")
    if last in irregular:
        last = irregular[last]
    elif _CONSONANT_Y.search(last):
        last = last[:-1] + "ies"
    else:
        last += "es" if _SIBILANT.search(last) else "s"
    return head + space + last


def _build(document: Mapping[str, Any]) -> Taxonomy:
    entries: list[Mapping[str, Any]] = document["tags"]
    moods = {str(mood): float(energy) for mood, energy in document["moods"].items()}
    tags = tuple(_as_tag(entry) for entry in entries)
    by_id = {tag.id: tag for tag in tags}
    categories = tuple(document["categories"])
    _validate(tags, categories, moods)
    evidence = {entry["id"]: _as_evidence(entry) for entry in entries}
    ancestors = _transitive_parents(by_id)
    descendants: dict[str, set[str]] = {tag.id: set() for tag in tags}
    for tag_id, above in ancestors.items():
        for ancestor in above:
            descendants[ancestor].add(tag_id)
    caption_tags: dict[str, set[str]] = {}
    for tag in tags:
        for phrase in evidence[tag.id].captions:
            caption_tags.setdefault(phrase, set()).add(tag.id)
    return Taxonomy(
        version=str(document["version"]),
        tags=tags,
        categories=categories,
        moods=MappingProxyType(moods),
        _by_id=MappingProxyType(by_id),
        _evidence=MappingProxyType(evidence),
        _ancestors=MappingProxyType(ancestors),
        _descendants=MappingProxyType({tag_id: frozenset(below) for tag_id, below in descendants.items()}),
        _names=MappingProxyType(_index_names(tags, document["plurals"])),
        _caption_tags=MappingProxyType({phrase: frozenset(ids) for phrase, ids in caption_tags.items()}),
        _longest_phrase=max((len(phrase.split()) for phrase in caption_tags), default=1),
    )


def _as_tag(entry: Mapping[str, Any]) -> Tag:
    return Tag(
        id=entry["id"],
        label=entry["label"],
        category=entry["category"],
        parents=tuple(entry["parents"]),
        synonyms=tuple(entry["synonyms"]),
        mood=entry["mood"],
        memorable=float(entry["memorable"]),
        is_hidden=bool(entry.get("hidden", False)),
    )


def _as_evidence(entry: Mapping[str, Any]) -> Evidence:
    imagenet = tuple(entry["imagenet"])
    if not all(isinstance(index, int) and 0 <= index < IMAGENET_CLASSES for index in imagenet):
        raise ModelError(f"the taxonomy's tag {entry['id']!r} has an ImageNet class outside 0 to 999")
    return Evidence(imagenet, tuple(map(words, entry["captions"])), tuple(entry["prompts"]))


def _validate(tags: tuple[Tag, ...], categories: tuple[str, ...], moods: Mapping[str, float]) -> None:
    known = {tag.id for tag in tags}
    faults = ["an id is there twice"] if len(known) < len(tags) else []
    faults += [f"mood {mood!r} has an energy outside 0 to 1" for mood, energy in moods.items() if not 0 <= energy <= 1]
    for tag in tags:
        faults += [f"{tag.id!r} has the unknown parent {parent!r}" for parent in tag.parents if parent not in known]
        if tag.category not in categories:
            faults.append(f"{tag.id!r} has the unknown category {tag.category!r}")
        if tag.mood is not None and tag.mood not in moods:
            faults.append(f"{tag.id!r} has the unknown mood {tag.mood!r}")
        if not 0 <= tag.memorable <= 1:
            faults.append(f"{tag.id!r} is memorable outside 0 to 1")
    if faults:
        raise ModelError("the taxonomy contradicts itself: " + "; ".join(faults))


def _transitive_parents(by_id: Mapping[str, Tag]) -> dict[str, frozenset[str]]:
    try:
        parents_first = list(TopologicalSorter({tag.id: tag.parents for tag in by_id.values()}).static_order())
    except CycleError as error:
        raise ModelError(f"the taxonomy contradicts itself: a cycle of parents {error.args[1]}") from error
    above: dict[str, frozenset[str]] = {}
    for tag_id in parents_first:
        parents = by_id[tag_id].parents
        above[tag_id] = frozenset(parents).union(*(above[parent] for parent in parents))
    return above


def _index_names(tags: Iterable[Tag], irregular: Mapping[str, str]) -> dict[str, tuple[Match, ...]]:
    """Every form of every name -> its tags, best names first; a tag stands once under each form."""
    index: dict[str, dict[str, Match]] = {}
    by_rank = sorted(_named(tags, irregular), key=lambda named: ("label", "synonym", "plural").index(named[1].how))
    for form, match in by_rank:
        index.setdefault(form, {}).setdefault(match.tag.id, match)
    return {form: tuple(matches.values()) for form, matches in index.items()}


def _named(tags: Iterable[Tag], irregular: Mapping[str, str]) -> Iterator[tuple[str, Match]]:
    for tag in tags:
        yield words(tag.label), Match(tag, "label")
        for synonym in tag.synonyms:
            yield words(synonym), Match(tag, "synonym")
        for name in map(words, (tag.label, *tag.synonyms)):
            for form in tuple(_singulars_of(name, irregular)) or (plural_of(name, irregular),):
                yield form, Match(tag, "plural")


def _singulars_of(name: str, irregular: Mapping[str, str]) -> Iterator[str]:
    """What `name` is the plural of; nothing for words that merely end in s, as bus, grass and canvas do."""
    head, space, last = name.rpartition(" ")
    candidates = [singular for singular, plural in irregular.items() if plural == last]
    if len(last) > 3 and last.endswith("s") and not last.endswith(("ss", "us", "is", "as")):
        candidates += [last[:-1], last.removesuffix("es"), last.removesuffix("ies") + "y"]
    for singular in candidates:
        if plural_of(singular, irregular) == last:
            yield head + space + singular
