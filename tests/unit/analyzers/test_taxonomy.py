"""The shipped taxonomy is sound, its laws hold, and a broken one is refused with its reason."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photos_engine.analyzers.taxonomy import IMAGENET_CLASSES, Taxonomy, plural_of, words
from photos_engine.errors import ModelError, NotFound
from photos_engine.types import UTILITY_KINDS

TAXONOMY = Taxonomy.load()
IDS = [tag.id for tag in TAXONOMY.tags]
SCORES = st.dictionaries(st.sampled_from(IDS), st.floats(0, 1), max_size=30)

NEEDED = [
    "sunset",
    "sunrise",
    "beach",
    "snow",
    "skiing",
    "soccer",
    "basketball",
    "christmas",
    "christmas_tree",
    "christmas_lights",
    "halloween",
    "birthday",
    "swimming_pool",
    "bicycle",
    "baby",
    "child",
    "dog",
    "cat",
    "street",
    "city",
    "restaurant",
    "dinner_table",
    "lake",
    "river",
    "forest",
    "glacier",
    "sea",
    "mountain",
    "rain",
    "cloudy",
    "sunny",
    "kitchen",
    "bathroom",
    "bedroom",
    "living_room",
    "house_front",
    "coast",
    "highway",
    "office",
    "store",
    "suburb",
    "tall_building",
    "open_country",
    "industrial",
    "building",
    "family",
    "receipt",
    "document",
    "screenshot",
    "text",
    "barcode",
]


def small_document() -> dict[str, Any]:
    def entry(tag_id: str, *parents: str) -> dict[str, Any]:
        return {
            "id": tag_id,
            "label": tag_id,
            "category": "animal",
            "parents": list(parents),
            "synonyms": [],
            "imagenet": [],
            "captions": [tag_id],
            "prompts": [f"a photo of a {tag_id}"],
            "mood": "playful",
            "memorable": 0.5,
        }

    return {
        "version": "1",
        "moods": {"playful": 0.75},
        "categories": ["animal"],
        "plurals": {},
        "tags": [entry("animal"), entry("dog", "animal"), entry("puppy", "dog")],
    }


# --- the shipped file ---------------------------------------------------------------------------


def test_ships_450_tags_or_more_in_a_small_file() -> None:
    file = resources.files("photos_engine.models").joinpath("taxonomy.json")
    assert 450 <= len(TAXONOMY.tags) <= 520
    assert len(file.read_bytes()) < 250_000


def test_load_gives_the_same_object() -> None:
    assert Taxonomy.load() is TAXONOMY


def test_ids_are_snake_case_and_unique() -> None:
    assert [tag_id for tag_id in IDS if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", tag_id)] == []
    assert len(set(IDS)) == len(IDS)


def test_every_category_is_used_and_has_a_root() -> None:
    assert {tag.category for tag in TAXONOMY.tags} == set(TAXONOMY.categories)
    assert len(TAXONOMY.categories) == 14


def test_the_moods_are_fifteen_and_all_in_use() -> None:
    assert len(TAXONOMY.moods) == 15
    assert {tag.mood for tag in TAXONOMY.tags} - {None} == set(TAXONOMY.moods)


@pytest.mark.parametrize("tag_id", NEEDED)
def test_has_the_tags_that_labelled_sets_need(tag_id: str) -> None:
    assert tag_id in TAXONOMY


def test_what_serves_a_purpose_is_never_memorable() -> None:
    kinds = [kind for kind in UTILITY_KINDS if kind in TAXONOMY]
    assert {"receipt", "document", "screenshot", "barcode", "whiteboard"} <= set(kinds)
    assert max(TAXONOMY.tag(kind).memorable for kind in kinds) <= 0.1
    assert (
        TAXONOMY.tag("wedding").memorable > TAXONOMY.tag("mountain").memorable > TAXONOMY.tag("parking_lot").memorable
    )


def test_an_imagenet_class_belongs_to_one_tag() -> None:
    indices = [index for tag_id in IDS for index in TAXONOMY.evidence(tag_id).imagenet]
    assert len(indices) == len(set(indices))
    assert all(0 <= index < IMAGENET_CLASSES for index in indices)
    assert len(indices) > 900


@pytest.mark.parametrize(
    ("index", "tag_id", "ancestor"),
    [
        (207, "golden_retriever", "dog"),
        (282, "cat", "animal"),
        (407, "vehicle", "vehicle"),
        (437, "lighthouse", "coast"),
        (483, "castle", "building"),
        (671, "mountain_biking", "bicycle"),
        (795, "skiing", "snow"),
        (928, "ice_cream", "food"),
        (963, "pizza", "food"),
        (970, "mountain", "landscape"),
        (978, "coast", "outdoors"),
        (982, "groom", "wedding"),
    ],
)
def test_imagenet_classes_are_those_of_the_usual_order(index: int, tag_id: str, ancestor: str) -> None:
    assert index in TAXONOMY.evidence(tag_id).imagenet
    assert ancestor in {tag_id, *TAXONOMY.ancestors(tag_id)}


def test_every_tag_can_be_learnt_and_asked_for() -> None:
    for tag_id in IDS:
        evidence = TAXONOMY.evidence(tag_id)
        assert 1 <= len(evidence.prompts) <= 4, tag_id
        assert evidence.captions, tag_id
        assert list(evidence.captions) == sorted(set(evidence.captions), key=evidence.captions.index), tag_id
        assert all(prompt == prompt.strip() != "" for prompt in evidence.prompts), tag_id


# --- hierarchy ----------------------------------------------------------------------------------


def test_animals_descend_to_dogs() -> None:
    assert {"dog", "puppy", "golden_retriever", "cat", "owl"} <= TAXONOMY.descendants("animal")
    assert {"pet", "animal"} <= TAXONOMY.ancestors("dog")
    assert "dog" not in TAXONOMY.ancestors("dog")
    assert TAXONOMY.ancestors("birthday_cake") >= {"cake", "birthday", "food", "event"}


def test_ancestors_and_descendants_mirror_each_other_without_cycles() -> None:
    for tag_id in IDS:
        assert tag_id not in TAXONOMY.ancestors(tag_id)
        assert all(tag_id in TAXONOMY.descendants(ancestor) for ancestor in TAXONOMY.ancestors(tag_id))
        assert all(tag_id in TAXONOMY.ancestors(descendant) for descendant in TAXONOMY.descendants(tag_id))


@given(SCORES)
def test_no_parent_is_less_likely_than_its_child(scores: dict[str, float]) -> None:
    raised = TAXONOMY.with_ancestors(scores)
    for tag_id, score in raised.items():
        assert all(raised[ancestor] >= score for ancestor in TAXONOMY.ancestors(tag_id))


@given(SCORES)
def test_with_ancestors_raises_no_more_than_it_must_and_is_idempotent(scores: dict[str, float]) -> None:
    raised = TAXONOMY.with_ancestors(scores)
    for tag_id, score in raised.items():
        below = [scores[other] for other in {tag_id, *TAXONOMY.descendants(tag_id)} if other in scores]
        assert score == max(below)
    assert scores.keys() <= raised.keys()
    assert TAXONOMY.with_ancestors(raised) == raised


def test_unknown_ids_are_not_found() -> None:
    for ask in (TAXONOMY.tag, TAXONOMY.ancestors, TAXONOMY.descendants, TAXONOMY.evidence):
        with pytest.raises(NotFound, match="unicorn"):
            ask("unicorn")
    with pytest.raises(NotFound):
        TAXONOMY.with_ancestors({"unicorn": 0.5})


# --- words --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "tag_id", "how"),
    [
        ("dog", "dog", "label"),
        ("  DOG ", "dog", "label"),
        ("hound", "dog", "synonym"),
        ("canines", "dog", "plural"),
        ("dogs", "dog", "plural"),
        ("children", "child", "plural"),
        ("Women", "woman", "plural"),
        ("wolves", "wolf", "plural"),
        ("cherries", "fruit", "synonym"),
        ("butterflies", "butterfly", "plural"),
        ("beaches", "beach", "plural"),
        ("golden  retrievers", "golden_retriever", "plural"),
        ("Café", "cafe", "label"),
        ("New Year\u2019s Eve", "new_year", "synonym"),
        ("merry go round", "carousel", "synonym"),
        ("firework", "fireworks", "synonym"),
        ("autumn_leaves", "autumn_leaves", "label"),
        ("starry skies", "starry_sky", "plural"),
        ("city light", "night_city", "plural"),
        ("buses", "bus", "plural"),
        ("ocean", "sea", "synonym"),
        ("bike", "bicycle", "synonym"),
    ],
)
def test_finds_a_tag_by_its_words(word: str, tag_id: str, how: str) -> None:
    assert (tag_id, how) in [(match.tag.id, match.how) for match in TAXONOMY.find(word)]


@pytest.mark.parametrize("word", ["", "  ", "?!", "quarterly report", "do", "bu", "gras"])
def test_finds_nothing_for_what_names_no_tag(word: str) -> None:
    assert TAXONOMY.find(word) == []


def test_an_ambiguous_word_finds_every_tag_labels_first() -> None:
    assert {match.tag.id for match in TAXONOMY.find("football")} == {"soccer", "american_football"}
    hows = [[match.how for match in TAXONOMY.find(tag.label)] for tag in TAXONOMY.tags]
    assert all(found[0] == "label" for found in hows)


@given(st.sampled_from(TAXONOMY.tags), st.sampled_from([str.upper, str.title, lambda label: f"\t{label}  "]))
def test_a_label_finds_its_tag_however_it_is_written(tag: Any, write: Callable[[str], str]) -> None:
    assert tag.id in [match.tag.id for match in TAXONOMY.find(write(tag.label))]


@given(st.text(max_size=40))
def test_any_text_can_be_asked_and_bare_words_stay_bare(text: str) -> None:
    assert words(words(text)) == words(text)
    assert TAXONOMY.find(text) == TAXONOMY.find(words(text))
    assert TAXONOMY.in_caption(text) <= set(IDS)


@pytest.mark.parametrize(
    ("singular", "plural"), [("dog", "dogs"), ("city", "cities"), ("bus", "buses"), ("boy", "boys"), ("ox", "oxen")]
)
def test_plurals(singular: str, plural: str) -> None:
    assert plural_of(singular, {"ox": "oxen"}) == plural
    assert plural_of(f"old {singular}", {"ox": "oxen"}) == f"old {plural}"


@pytest.mark.parametrize(
    ("caption", "has", "lacks"),
    [
        ("Two dogs run on the beach .", {"dog", "animal", "beach", "coast"}, {"cat"}),
        ("A man eats a hot dog", {"man", "person", "hot_dog", "eating", "food"}, {"dog", "animal"}),
        ("A boy rides a mountain bike down a trail", {"boy", "child", "bicycle", "trail"}, {"mountain"}),
        ("A girl blows out candles on a birthday cake", {"girl", "candle", "birthday", "cake"}, {"boy"}),
        ("A couple of dogs play with a stick", {"dog", "stick"}, {"couple"}),
        ("", set(), {"person"}),
    ],
)
def test_a_caption_speaks_of_tags(caption: str, has: set[str], lacks: set[str]) -> None:
    spoken = TAXONOMY.in_caption(caption)
    assert has <= spoken
    assert not lacks & spoken


# --- what is refused ----------------------------------------------------------------------------


def test_a_small_sound_taxonomy_is_taken() -> None:
    taxonomy = Taxonomy.parse(json.dumps(small_document()))
    assert [tag.id for tag in taxonomy.tags] == ["animal", "dog", "puppy"]
    assert taxonomy.ancestors("puppy") == {"dog", "animal"}


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("parents", ["unicorn"], "unknown parent 'unicorn'"),
        ("parents", ["puppy"], "cycle"),
        ("parents", ["dog"], "cycle"),
        ("category", "myth", "unknown category 'myth'"),
        ("mood", "grumpy", "unknown mood 'grumpy'"),
        ("memorable", 1.5, "memorable outside"),
        ("id", "puppy", "there twice"),
        ("imagenet", [1000], "ImageNet"),
        ("label", None, "malformed"),
    ],
)
def test_a_tag_at_fault_is_refused(key: str, value: object, reason: str) -> None:
    document = small_document()
    document["tags"][1][key] = value
    with pytest.raises(ModelError, match=reason):
        Taxonomy.parse(json.dumps(document))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "3", '{"tags": 3, "moods": {}}'])
def test_what_is_no_taxonomy_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="malformed"):
        Taxonomy.parse(text)
