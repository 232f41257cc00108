from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.photos import make_decoded
from fakes.searchable import LISBON, Library, encode, fill_with_a_life, open_library
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from photos_engine.analyzers import Taxonomy
from photos_engine.errors import UsageError
from photos_engine.experiences.search import Completions, Example, search, write_pets
from photos_engine.experiences.search.answer import _best
from photos_engine.experiences.search.likeness import (
    PARTLY_KNOWN,
    WHOLE,
    Calibration,
    Evidence,
    judge_likeness,
    least_sure,
)
from photos_engine.experiences.search.wording import read_wording
from photos_engine.graph import KnownPet
from photos_engine.types import (
    DateSource,
    Decision,
    DetectedObject,
    FacetCount,
    Place,
    SearchAnswer,
    StoredDecision,
    Suggestion,
)

Ask = Callable[..., SearchAnswer]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = open_library(tmp_path)
    yield library
    library.store.close()


@pytest.fixture
def ask(library: Library) -> Ask:
    def ask(query: str, limit: int = 50, **more: Any) -> SearchAnswer:
        with library.store.read() as unit:
            return search(query, limit=limit, sources=library.sources(unit), **more)

    return ask


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    library = open_library(tmp_path_factory.mktemp("life"))
    fill_with_a_life(library)
    yield library
    library.store.close()


@pytest.fixture(scope="module")
def ask_life(life: Library) -> Iterator[Ask]:
    with life.store.read() as unit:
        sources = life.sources(unit)
        yield lambda query, limit=50, **more: search(query, limit=limit, sources=sources, **more)


def names(answer: SearchAnswer) -> list[str]:
    return [hit.photo.path.stem for hit in answer.results]


@pytest.mark.parametrize(
    ("query", "stage", "expected"),
    [
        ("dog", "taxonomy", ["rex", "fido"]),
        ("Dogs", "taxonomy", ["rex", "fido"]),
        ("animal", "taxonomy", ["rex", "fido"]),
        ("hound", "synonym", ["rex", "fido"]),
        ("🐕", "taxonomy", ["rex", "fido"]),
        ("dog in snow", "taxonomy", ["fido"]),
        ("dog or beach", "taxonomy", ["praia_23", "rex", "praia_22", "fido"]),
        ("beach 2023", "mixed", ["praia_23"]),
        ("beach in Lisbon", "mixed", ["praia_23"]),
        ("beach in Portugal last summer, no dogs", "mixed", ["praia_23"]),
        ("Lisbon", "metadata", ["rua", "praia_23"]),
        ("sao paulo", "metadata", ["praia_22"]),
        ("Lisbon -beach", "metadata", ["rua"]),
        ("Lisbon OR sao paulo", "metadata", ["rua", "praia_23", "praia_22"]),
        ("Germany", "none", []),
        ("2021", "metadata", ["pinho_21", "IMG_01234"]),
        ("before 2022", "metadata", ["pinho_21", "IMG_01234"]),
        ("Christmas 2022", "mixed", ["pinho_22", "mesa_22"]),
        ("christmas tree", "taxonomy", ["pinho_22", "pinho_21"]),
        ("IMG_01234", "metadata", ["IMG_01234"]),
        ("IMG_01234.JPG", "metadata", ["IMG_01234"]),
        ('"family dinner"', "metadata", ["mesa_22"]),
        ('"dinner family"', "none", []),
        ("anna", "metadata", ["praia_23"]),
        ("Anna Muller and Ben", "none", []),
        ("Anna or Ben", "metadata", ["rua", "praia_23"]),
        ("screenshots", "metadata", ["Screenshot_2023"]),
        ("receipts", "metadata", ["till"]),
        ("favourites", "metadata", ["till"]),
        ("zithers", "embedding", ["rua"]),
        ("children playing in water", "embedding", ["IMG_01234"]),
        ("giraffe", "none", []),
        ("zeppelin", "none", []),
    ],
)
def test_finds(ask_life: Ask, query: str, stage: str, expected: list[str]) -> None:
    answer = ask_life(query)
    assert (answer.stage, names(answer)) == (stage, expected)


def test_what_is_left_out_leaves_the_rest(life: Library, ask_life: Ask) -> None:
    assert set(names(ask_life("without animals"))) == life.keys.keys() - {"rex", "fido"}


def test_every_hit_says_why(ask_life: Ask) -> None:
    (hit,) = ask_life("beach 2023").results
    assert {reason.code for reason in hit.reasons} >= {"tag", "date"}
    assert 0 < hit.score <= 1
    assert ask_life("animal").results[0].reasons[0].text == "It shows a kind of animal (90%)."


def test_says_what_it_understood(ask_life: Ask) -> None:
    understood = ask_life("beach in Lisbon in 2023 without Anna ☃☃ ⟐").understood
    assert understood == {
        "words": ["beach snowman snowman"],
        "places": ["Lisbon"],
        "dates": ["2023 (2023-01-01 to 2023-12-31)"],
        "without": ["Anna"],
        "not_understood": ["⟐"],
    }


def test_what_is_not_there_gives_suggestions(ask_life: Ask) -> None:
    assert ask_life("Germany").suggestions == ("Lisbon", "São Paulo")
    assert "dog" in ask_life("").suggestions
    assert ask_life("1999").suggestions == ("2023", "2022", "2021")


def test_an_empty_library_answers(ask: Ask) -> None:
    answer = ask("dog")
    assert (answer.stage, answer.results) == ("none", ())


def test_facts_and_tags_need_no_encoder(library: Library, ask: Ask) -> None:
    library.add("rex", tags={"dog": 0.9}, day="2023-01-01")
    assert names(ask("dog 2023")) == ["rex"]
    assert library.encoded == []


def test_limit_keeps_the_best(ask_life: Ask) -> None:
    assert names(ask_life("dog", limit=1)) == ["rex"]
    with pytest.raises(UsageError, match="limit"):
        ask_life("dog", limit=0)


@given(st.lists(st.tuples(st.sampled_from([0.25, 0.5, 1.0]), st.integers(0, 4)), min_size=1), st.integers(1, 12))
def test_the_best_are_those_of_the_whole_order(pairs: list[tuple[float, int]], limit: int) -> None:
    strengths = np.array([strength for strength, _ in pairs], np.float32)
    taken = np.array([second for _, second in pairs], np.float64)
    whole = np.lexsort((np.arange(len(pairs)), -taken, -strengths))[:limit].tolist()
    few = _best(limit, strengths, taken)
    assert few[np.lexsort((few, -taken[few], -strengths[few]))][:limit].tolist() == whole


@given(st.integers(1, 1_000_000), st.integers(1, 1_000_000), st.sampled_from([WHOLE, PARTLY_KNOWN]))
def test_more_photos_ask_for_more_sureness(few: int, more: int, by: Calibration) -> None:
    few, more = sorted((few, more))
    nobody = np.zeros(200, np.float32)
    assert by.least < least_sure(nobody, by, few) <= least_sure(nobody, by, more) < 1
    assert by.least <= least_sure(nobody, by, more, among=few) <= least_sure(nobody, by, more)


@pytest.mark.parametrize("by", [WHOLE, PARTLY_KNOWN])
def test_many_doubtful_photos_together_are_an_answer(by: Calibration) -> None:
    doubtful = np.full(20, 0.3, np.float32)
    assert least_sure(doubtful, by, 1_000) == by.least
    assert least_sure(doubtful, by, 1_000, among=30) == by.least_among
    assert least_sure(doubtful[:4], by, 1_000) > by.least
    assert least_sure(doubtful, by, 100_000) > 0.6


def test_what_tags_say_of_a_part_speaks_for_a_photo_and_words_without_tags_against() -> None:
    dogs, piers = np.array([1, 2]), np.array([2])
    alike, photos = np.full((2, 3), 4.0, np.float32), np.array([1, 2, 3])
    on_a_pier, jumping = Evidence((dogs, piers)), Evidence((dogs,), unknown=1)
    shown = on_a_pier.shown_shares(photos)
    assert shown.tolist() == pytest.approx([1 / 2, 1.0, 0.0])
    some, both, none = judge_likeness(alike, shown, on_a_pier.unknown_share, on_a_pier.calibration)
    assert none < some < both
    assert judge_likeness(alike, jumping.shown_shares(photos), jumping.unknown_share, jumping.calibration)[0] < some


def test_a_longer_phrase_says_more_as_a_whole_than_its_parts_do() -> None:
    dogs, piers = np.array([1, 2]), np.array([2])
    assert Evidence((dogs, piers)).is_partly_known
    assert not Evidence((dogs, piers), unknown=1).is_partly_known
    assert not Evidence((dogs,)).is_partly_known
    assert not Evidence((), unknown=2).is_partly_known


@pytest.mark.parametrize(
    ("named", "unknown", "shown", "least"),
    [
        (1, 0, 0, 0.2),  # a single thing
        (1, 1, 0, 0.2),  # half known: the odds have what tags say already
        (2, 1, 1, 0.5),
        (2, 1, 2, 0.2),
        (1, 2, 1, 0.2),  # no more than what it names can be asked for
        (3, 1, 1, 0.5),
        (3, 4, 0, 0.2),  # a whole sentence
    ],
)
def test_a_phrase_asks_for_two_of_its_parts_or_for_sureness(named: int, unknown: int, shown: int, least: float) -> None:
    evidence = Evidence((np.array([1]),) * named, unknown)
    share = np.full(2, shown / (named + unknown), np.float32)
    chances = np.array([least - 0.01, least], np.float32)
    assert evidence.is_answered(share, chances, 0.2).tolist() == [False, True]


def test_short_phrases_that_tags_are_parts_of_have_a_calibration_of_their_own() -> None:
    part = np.array([1])
    for parts, unknown in (((), 2), ((part,), 0), ((part, part), 5)):
        assert Evidence(parts, unknown).calibration == WHOLE
    for parts, unknown in (((part,), 1), ((part, part), 0)):
        assert Evidence(parts, unknown).calibration == PARTLY_KNOWN


def test_guessed_dates_rank_below_recorded_ones(library: Library, ask: Ask) -> None:
    library.add("by_file_time", day="2023-12-31", date_source=DateSource.FILE_TIME)
    library.add("by_name", day="2023-12-30", date_source=DateSource.FILE_NAME)
    library.add("recorded", day="2023-01-01")
    answer = ask("2023")
    assert names(answer) == ["recorded", "by_name", "by_file_time"]
    assert [hit.reasons[0].code for hit in answer.results] == ["date", "date_guessed", "date_guessed"]


@pytest.mark.parametrize(("offset_h", "hour"), [(14, 0), (-11, 23), (0, 0)])
def test_a_day_is_a_day_where_the_photo_was_taken(library: Library, ask: Ask, offset_h: int, hour: int) -> None:
    library.add("there", day="2023-05-14", offset_h=offset_h, hour=hour)
    assert names(ask("14 May 2023")) == ["there"]
    assert names(ask("13 May 2023")) == names(ask("15 May 2023")) == []


def test_hidden_and_gone_photos_stay_out(library: Library, ask: Ask) -> None:
    library.add("hidden", "a dog", tags={"dog": 0.9}, decision=Decision.HIDE)
    library.add("gone", "a dog", tags={"dog": 0.9}, is_gone=True)
    library.add("shown", "a dog", tags={"dog": 0.8})
    assert names(ask("dog")) == ["shown"]
    assert names(ask("no cats")) == ["shown"]
    assert names(ask("hidden dogs")) == ["hidden"]


def test_shapes_formats_cameras_ratings(library: Library, ask: Ask) -> None:
    library.add("high", width_px=300, height_px=400, facts={"camera_make": "Canon", "camera_model": "Canon EOS R5"})
    library.add("raw", format="RAW", facts={"rating": 5, "camera_make": "Apple", "camera_model": "iPhone 13 Pro"})
    library.add("wide", width_px=900, height_px=300, facts={"has_embedded_video": True}, sharpness=0.05)
    assert names(ask("portrait orientation")) == ["high"]
    assert names(ask("panoramas")) == names(ask("live photos")) == names(ask("blurry")) == ["wide"]
    assert names(ask("raw files")) == names(ask("iphone")) == names(ask("4 stars")) == ["raw"]
    assert names(ask("eos r5")) == names(ask("canon")) == ["high"]
    assert names(ask("photos not taken with canon or iphone")) == ["wide"]


def test_a_stale_index_is_no_error(library: Library, ask: Ask) -> None:
    library.add("rua", "zithers")
    library.index.add(np.array([10_000]), encode(["zithers"]))
    assert names(ask("zithers")) == ["rua"]


def test_the_nearest_concept_answers_for_an_unknown_word(library: Library, ask: Ask) -> None:
    library.add("rex", "grass", tags={"german_shepherd": 0.9})
    answer = ask("shepherd german")
    assert (answer.stage, names(answer)) == ("concept", ["rex"])
    assert answer.results[0].reasons[0].text == (
        "It shows german shepherd (90%), the nearest thing that the engine knows to “shepherd german”."
    )


def test_an_unsure_tag_needs_likeness_beside_it(library: Library, ask: Ask) -> None:
    library.add("false_alarm", "a brown fence", tags={"giraffe": 0.52})
    assert ask("giraffe").stage == "none"
    library.add("true", "a giraffe", tags={"giraffe": 0.52})
    assert names(ask("giraffe")) == ["true"]


def test_likeness_answers_where_no_photo_has_the_tag(library: Library, ask: Ask) -> None:
    library.add("missed", "a giraffe")
    answer = ask("giraffe")
    assert (answer.stage, names(answer)) == ("embedding", ["missed"])


def test_places_by_region_and_country(library: Library, ask: Ask) -> None:
    library.add("there", place=LISBON)
    assert names(ask("portugal")) == ["there"]


def test_a_country_is_found_without_its_article(library: Library, ask: Ask) -> None:
    library.add("gracht", place=Place("Amsterdam", "North Holland", "The Netherlands", "NL", 52.4, 4.9, 2759794))
    assert names(ask("photos from Netherlands")) == names(ask("the Netherlands")) == ["gracht"]


def test_slips_of_the_pen_are_read_and_said(ask_life: Ask) -> None:
    answer = ask_life("beeach in Lisbn")
    assert names(answer) == ["praia_23"]
    assert answer.understood["spelling"] == ["beeach: beach", "Lisbn: lisbon"]
    assert "spelling" not in ask_life("beach zithers pinho").understood  # a tag, the encoder's word, a file's name
    assert names(ask_life("-snwo dog")) == ["rex"]


@pytest.mark.parametrize("name", ["portugal", "Portugal", "brasil", "from Brasil"])
def test_countries_are_found_by_what_they_are_called_there(ask_life: Ask, name: str) -> None:
    assert ask_life(name).stage == "metadata"
    assert {hit.reasons[0].code for hit in ask_life(name).results} == {"place"}


@pytest.mark.parametrize("name", ["usa", "USA", "the US", "uk", "U.K.", "Holland", "Deutschland", "日本"])
def test_countries_without_photos_are_places_too(ask_life: Ask, name: str) -> None:
    answer = ask_life(f"photos from {name}")
    assert (answer.understood, answer.stage) == ({"places": [name.rstrip(".")]}, "none")
    assert answer.suggestions == ("Lisbon", "São Paulo")


@pytest.mark.parametrize("name", ["Berlin", "tokyo", "New York", "New York City", "Rio de Janeiro", "Reykjavik"])
def test_large_cities_without_photos_are_places_too(ask_life: Ask, name: str) -> None:
    answer = ask_life(f"beach in {name}")
    assert (answer.understood, answer.stage) == ({"words": ["beach"], "places": [name]}, "none")
    assert {"Lisbon", "São Paulo"} <= set(answer.suggestions)


def test_the_country_of_a_city_without_photos_is_suggested_first(ask_life: Ask) -> None:
    assert ask_life("Porto").suggestions == ("Portugal", "Lisbon", "São Paulo")


@pytest.mark.parametrize(
    "name",
    [
        "nice",
        "reading",
        "bath",
        "mobile",
        "orange",
        "split",
        "florence",
        "victoria",
        "charlotte",
        "buffalo",
        "long beach",
        "phoenix",
    ],
)
def test_what_says_something_else_too_is_no_city(ask_life: Ask, name: str) -> None:
    assert "places" not in ask_life(f"a photo of {name}").understood


def test_a_city_without_positions_is_found_by_the_photos_own_words(library: Library, ask: Ask) -> None:
    library.add("berlin_17")
    answer = ask("Berlin")
    assert (answer.understood, names(answer), answer.stage) == ({"places": ["Berlin"]}, ["berlin_17"], "metadata")


def test_us_alone_is_no_country(ask_life: Ask) -> None:
    assert "places" not in ask_life("pictures of us").understood


@pytest.mark.parametrize(
    "text", ["my trip to Lisbon", "holidays in Lisbon", "weekend in Lisbon", "when did we go to Lisbon"]
)
def test_that_it_was_a_trip_says_no_more_than_the_place(ask_life: Ask, text: str) -> None:
    answer = ask_life(text)
    assert answer.understood == {"places": ["Lisbon"]}
    assert {"praia_23", "rua"} == set(names(answer))


@pytest.mark.parametrize(
    ("text", "not_understood"),
    [
        ("the best photos of a dog", "best"),
        ("dog bigger than 5 MB", "bigger than 5 MB"),
        ("last 10 photos dog", "last 10 photos"),
        ("edited dog", "edited"),
    ],
)
def test_what_no_photo_shows_is_said_and_passed_over(ask_life: Ask, text: str, not_understood: str) -> None:
    answer = ask_life(text)
    assert answer.understood == {"words": ["dog"], "not_understood": [not_understood]}
    assert set(names(answer)) == {"rex", "fido"}


@pytest.mark.parametrize(
    ("text", "unsure"),
    [
        ("a big dog", "“big” only orders these photos: the engine can't be sure of it."),
        ("beautiful pictures of a dog", "“beautiful” only orders these photos: the engine can't be sure of it."),
        ("two wet dogs", "“two” and “wet” only order these photos: the engine can't be sure of it."),
        ("dog that is yelping", "“yelping” only orders these photos: the engine can't be sure of it."),
        ("stormy dog", "“stormy” only orders these photos: the engine can't be sure of it."),
    ],
)
def test_what_describes_a_thing_only_orders_photos_of_it(ask_life: Ask, text: str, unsure: str) -> None:
    answer = ask_life(text)
    assert (set(names(answer)), answer.stage) == ({"rex", "fido"}, "taxonomy")
    assert answer.understood["notes"] == [unsure]
    assert all(unsure in [reason.text for reason in hit.reasons] for hit in answer.results)


def test_what_looks_most_like_the_whole_phrase_comes_first(library: Library, ask: Ask) -> None:
    library.add("small", "small dog", tags={"dog": 0.99})
    library.add("big", "big dog", tags={"dog": 0.75})
    library.add("cat", "big cat", tags={"cat": 0.9})
    for number in range(20):
        library.add(f"rest{number}", "street")
    assert names(ask("a big dog")) == ["big", "small"]
    assert names(ask("a small dog")) == ["small", "big"]


def test_what_a_tag_says_decides_and_the_rest_orders(library: Library, ask: Ask) -> None:
    library.add("still", "sofa", tags={"dog": 0.95})
    library.add("fast", "meadow", tags={"dog": 0.9, "running": 0.9})
    for number in range(20):
        library.add(f"rest{number}", "street")
    assert names(ask("wet running dog")) == ["fast"]
    assert set(names(ask("sleeping dog"))) == {"fast", "still"}  # nothing surely sleeps, and the answer says so
    assert "“sleeping”" in str(ask("sleeping dog").understood["notes"])


@pytest.mark.parametrize("text", ["dog ramp", "dog with a zither", "zither on a dog", "street dog", "dog zither beach"])
def test_a_thing_that_nothing_shows_describes_no_other(ask_life: Ask, text: str) -> None:
    answer = ask_life(text)
    assert "only orders" not in str(answer.understood)
    assert answer.stage == "none"


def test_a_thing_that_is_something_else_when_described_is_not_meant(library: Library, ask: Ask) -> None:
    library.add("rex", "dog", tags={"dog": 0.95})
    teddy = encode(["teddy bear"])[0]
    own = library._encode
    library._encode = lambda texts: np.stack([teddy if text == "stuffed dog" else own([text])[0] for text in texts])
    assert names(ask("stuffed dog")) == []
    assert names(ask("big dog")) == ["rex"]


@pytest.mark.parametrize(
    ("text", "things", "loose"),
    [
        ("a small brown dog", "dog", ["small", "brown"]),
        ("green grass", "grass", ["green"]),
        ("snowy street", "snowy street", []),
        ("big dog in a small boat", "dog boat", ["big", "small"]),
        ("four dogs", "dogs", ["four"]),
    ],
)
def test_words_that_describe_are_told_from_names(text: str, things: str, loose: list[str]) -> None:
    wording = read_wording(text, Taxonomy.load())
    assert wording is not None
    assert wording.without(wording.loose) == things
    assert [" ".join(piece.words) for piece in wording.loose] == loose


_WORDS = ("big", "wet", "two", "dog", "cat", "snowy", "running", "in", "a", "of", "the", "zither", "beach", "Green")


@given(st.lists(st.sampled_from(_WORDS), max_size=8))
def test_no_word_is_lost_or_made_up_by_telling_them_apart(words: list[str]) -> None:
    wording = read_wording(" ".join(words), Taxonomy.load())
    if wording is not None:
        told = [word for part in wording.parts for piece in part.pieces for word in piece.words]
        assert told == [word for word in words if word not in ("in", "a", "of", "the")]
        assert sorted(told) == sorted(
            [*wording.without(wording.describing).split(), *(w for p in wording.describing for w in p.words)]
        )


def test_and_in_capitals_is_no_word(ask_life: Ask) -> None:
    assert ask_life("dog AND snow").understood == {"words": ["dog snow"]}
    assert names(ask_life("dog AND snow")) == ["fido"]
    assert ask_life("dog AND 2023").understood["words"] == ["dog"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(dog OR beach) snow", {"fido"}),
        ("(dog or beach) AND snow", {"fido"}),
        ("snow AND (dog OR beach)", {"fido"}),
        ("dog OR (beach snow)", {"rex", "fido"}),
    ],
)
def test_parentheses_hold_alternatives_together(ask_life: Ask, text: str, expected: set[str]) -> None:
    assert set(names(ask_life(text))) == expected


def test_a_parenthesis_divides_words_but_not_names_of_files(ask_life: Ask) -> None:
    assert ask_life("NEAR(dog snow)").understood["words"] == ["dog snow"]
    assert ask_life("IMG_9(1).jpg").understood["words"] == ["IMG_9(1).jpg"]


def test_an_exact_word_that_nothing_says_is_suggested_as_a_thing(ask_life: Ask) -> None:
    assert ask_life('"dog"').suggestions[0] == "dog"


@pytest.mark.parametrize("text", ["犬", "собака", "كلب", "कुत्ता"])
def test_letters_that_the_encoder_does_not_understand_are_said_not_to_be_understood(ask_life: Ask, text: str) -> None:
    assert ask_life(text).understood == {"not_understood": [text]}


def test_a_word_that_nobody_knows_is_said_to_be_unknown_where_nothing_is_found(ask_life: Ask) -> None:
    unknown = ["“chien” is no word that the engine knows."]
    assert ask_life("chien").understood == {"words": ["chien"], "notes": unknown}
    assert "notes" not in ask_life("giraffe").understood


def test_words_in_other_letters_are_found_where_a_photo_has_them(library: Library, ask: Ask) -> None:
    library.add("犬_01")
    assert names(ask("犬")) == ["犬_01"]


def test_two_letters_in_the_wrong_order_are_put_right_in_short_words_too(ask_life: Ask) -> None:
    answer = ask_life("dgo")
    assert (answer.understood["spelling"], names(answer)) == (["dgo: dog"], ["rex", "fido"])


def test_a_flag_is_its_country_and_an_emoji_what_it_shows_first(ask_life: Ask) -> None:
    assert ask_life("🇵🇹").understood == {"places": ["Portugal"]}
    assert ask_life("🇵🇹").stage == "metadata"
    assert ask_life("🏖️").understood == {"words": ["beach"]}


@pytest.mark.parametrize("text", ["AND", "the", "from to", "just me"])
def test_a_query_of_small_words_alone_is_not_understood(ask_life: Ask, text: str) -> None:
    answer = ask_life(text)
    assert (answer.stage, answer.understood) == ("none", {"not_understood": [text]})


def test_a_word_said_often_is_asked_once(ask_life: Ask) -> None:
    assert names(ask_life("dog " * 200)) == names(ask_life("dog"))


def test_two_slips_are_forgiven_where_both_ends_are_right(ask_life: Ask) -> None:
    assert "spelling" not in ask_life("password").understood  # which is two letters away from a passport
    assert ask_life("hambuger").understood["spelling"] == ["hambuger: hamburger"]


def test_years_of_file_times_are_no_suggestion(library: Library, ask: Ask) -> None:
    library.add("recorded", day="2019-01-01")
    library.add("copied", day="2023-12-31", date_source=DateSource.FILE_TIME)
    assert ask("1999").suggestions == ("2019",)


def test_of_things_that_are_not_there_together_each_is_suggested(ask_life: Ask) -> None:
    assert {"dog", "street"} <= set(ask_life("dog street").suggestions)


def test_a_word_in_letters_that_nothing_reads_is_not_understood(ask_life: Ask) -> None:
    answer = ask_life("dog собака")
    assert names(answer) == ["rex", "fido"]
    assert answer.understood == {"words": ["dog"], "not_understood": ["собака"]}


def test_people_are_counted_as_found_or_named(library: Library, ask: Ask) -> None:
    person, dog = (DetectedObject(label, (0.0, 0.0, 0.5, 0.5), 0.9) for label in ("person", "dog"))
    library.add("alone", objects=(person, dog))
    library.add("pair", objects=(person, person))
    library.add("named", people=["Anna", "Ben", "Cleo"], objects=(person,))
    library.add("nobody", objects=(dog,))
    assert names(ask("one person")) == ["alone"]
    assert names(ask("2 people")) == ["pair"]
    assert set(names(ask("at least two people"))) == {"pair", "named"}
    assert names(ask("more than 2 persons")) == names(ask("group of three")) == ["named"]
    assert set(names(ask("up to two people"))) == {"alone", "pair"}
    assert ask("2 people").results[0].reasons[0].text == "People found in it or named: 2."
    assert ask("2 people").understood == {"facts": ["2 people"]}


def test_lenses_by_their_names(library: Library, ask: Ask) -> None:
    library.add("far", facts={"lens": "EF70-200mm f/2.8L USM"})
    library.add("near", facts={"lens": "EF50mm f/1.8 STM"})
    assert names(ask("EF50mm")) == names(ask("ef50mm lens")) == names(ask("lens EF50mm f/1.8 STM")) == ["near"]
    assert names(ask("ef70-200mm")) == names(ask("EF70-200mm f/2.8L USM")) == ["far"]


def test_more_like_an_example(library: Library, ask: Ask) -> None:
    shown = {"a": "dog grass", "b": "dog grass night", "c": "dog grass", "d": "harbour ships"}
    for name, shows in shown.items():
        library.add(name, shows, place=LISBON if name == "c" else None, own=0.5)
    other = Example("other.jpg", encode(["dog grass"])[0])
    assert sorted(names(ask("", example=other))) == ["a", "b", "c"]
    assert sorted(names(ask("", example=replace(other, key=library.keys["a"])))) == ["b", "c"]
    answer = ask("like this, but at night", example=other)
    assert names(answer)[0] == "b"
    assert answer.stage == "embedding"
    assert answer.understood == {"words": ["night"], "like": ["other.jpg"]}
    assert names(ask("Lisbon", example=other)) == ["c"]
    assert sorted(names(ask("-Lisbon", example=other))) == ["a", "b"]


def test_facets_count_all_that_answers(ask_life: Ask) -> None:
    facets = ask_life("beach", limit=1, with_facets=True).facets
    assert [(count.value, count.photos) for count in facets["years"]] == [("2023", 1), ("2022", 1)]
    assert [(count.value, count.photos) for count in facets["places"]] == [("Lisbon", 1), ("São Paulo", 1)]
    assert [(count.value, count.photos) for count in facets["people"]] == [("Anna Müller", 1)]
    assert [(count.value, count.photos) for count in facets["tags"]] == [("beach", 2)]
    assert ask_life("beach").facets == {}
    assert ask_life("giraffe", with_facets=True).facets == {"years": (), "places": (), "people": (), "tags": ()}


@pytest.fixture(scope="module")
def completions(life: Library) -> Completions:
    with life.store.read() as unit:
        sources = life.sources(unit)
        tags = {tag.id: tag for tag in sources.taxonomy.tags}
        return Completions.of(sources.basis, tags)


def test_completes_what_is_typed_with_most_photos_first(completions: Completions) -> None:
    assert completions.complete("dog in lis", 8) == (Suggestion("dog in Lisbon", "place", 2),)
    assert [s.text for s in completions.complete("sao", 8)] == ["São Paulo"]
    assert completions.complete("mull", 8) == (Suggestion("Anna Müller", "person", 1),)
    assert [s.text for s in completions.complete("be", 2)] == ["beach", "Ben"]
    assert [s.text for s in completions.complete("summer 2022", 8)] == ["summer 2022"]
    assert completions.complete("beeach", 8)[0].text == "beach"
    assert completions.complete("  ", 8) == completions.complete("qqq", 8) == ()


def test_after_a_small_word_come_the_places_and_people_that_it_leads_to(completions: Completions) -> None:
    assert [s.text for s in completions.complete("summer in", 1)] == ["summer in Lisbon"]
    assert {s.text for s in completions.complete("dog with", 8)} == {"dog with Anna Müller", "dog with Ben"}
    assert "in" not in [s.text for s in completions.complete("in", 8)]


def test_no_text_is_offered_twice(completions: Completions) -> None:
    texts = [name.text.casefold() for name in completions.names]
    assert len(texts) == len(set(texts))


@given(text=st.text(max_size=30))
def test_any_beginning_can_be_completed(completions: Completions, text: str) -> None:
    assert len(completions.complete(text, 3)) <= 3


@pytest.mark.parametrize("query", ["", "   ", "*", "OR", "-", '"', '""', "🜁", "\0", "\ud800", "photos of", "the"])
def test_a_query_that_asks_for_nothing_finds_nothing(ask_life: Ask, query: str) -> None:
    answer = ask_life(query)
    assert (answer.stage, answer.results) == ("none", ())
    assert answer.suggestions


def test_broader_things_are_suggested_or_else_what_there_is_most_of(library: Library, ask: Ask) -> None:
    library.add("herd", "a field", tags={"animal": 0.9})
    library.add("street", "a street", tags={"street": 0.9})
    assert ask("giraffe").suggestions == ("animal",)
    assert set(ask("stethoscope").suggestions) == {"animal", "street"}  # none of them is near: so all that there is


def test_too_long_a_query_is_refused_in_one_line(ask_life: Ask) -> None:
    with pytest.raises(UsageError, match=r"^the query has 10,000 characters; at most 1,000 are read$"):
        ask_life("x" * 10_000)


PIECES = r'''dog - " OR NOT NEAR( ) * : ^ 2023 0000 99/99/9999 last from to before christmas in no Lisbon ' 1=1 -- { }
ago three years 32nd may 🏖 and between 2021- -"'''
QUERY_PIECES = st.sampled_from([*PIECES.split(), "\0"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=60), st.lists(QUERY_PIECES, max_size=8).map(" ".join)))
@example('" OR 1=1 --')
@example("file_name:dog AND (")
@example("-dog -beach no people")
@example("before 1826")
@example("9999-12-31")
@example("999 years ago")
@example("last 999 years")
@example("feb 30 2023")
@example("犬の写真 собака كلب")
def test_any_text_has_an_answer(ask_life: Ask, query: str) -> None:
    answer = ask_life(query)
    assert (answer.stage == "none") == (not answer.results)
    # Of what is to be seen, nothing that the library has may be near.
    assert answer.results or answer.suggestions
    assert all(0 < hit.score <= 1 and hit.reasons for hit in answer.results)


def content_of(name: str) -> str:
    return make_decoded(name).content_hash


@pytest.fixture
def life_with_a_pet(library: Library) -> Library:
    """A life whose dog the graph knows as one animal."""
    fill_with_a_life(library)
    photos = (content_of("rex"), content_of("fido"))
    pet = KnownPet("pet:dog", "dog", "Dog", None, None, photos, 2, 0.9, ())
    with library.store.begin() as unit:
        unit.set_setting(*write_pets([pet], unit.decisions.all()))
    return library


def decide(library: Library, subject: str, decision: Decision, words: str = "", photos: Sequence[str] = ()) -> None:
    with library.store.begin() as unit:
        unit.decisions.add(subject, "node", decision, words, photos)


def test_a_pet_is_found_by_the_name_that_it_was_given(life_with_a_pet: Library, ask: Ask) -> None:
    assert "people" not in ask("Bella").understood
    decide(life_with_a_pet, "pet:dog", Decision.NAME, "Bella", [content_of("rex")])
    answer = ask("bella", with_facets=True)
    assert (set(names(answer)), answer.understood) == ({"rex", "fido"}, {"people": ["bella"]})
    assert {hit.reasons[0].text for hit in answer.results} == {"It is of Bella, as you or your keywords say."}
    assert answer.facets["people"] == (FacetCount("Bella", 2),)
    assert names(ask("Bella in 2022")) == ["rex"]
    assert names(ask("Bella snow")) == ["fido"]
    assert {"rex", "fido"}.isdisjoint(names(ask("no Bella")))
    decide(life_with_a_pet, "pet:dog", Decision.UNDO)
    assert "people" not in ask("Bella").understood


@pytest.mark.parametrize("decision", [Decision.NOT_SO, Decision.HIDE])
def test_what_is_no_pet_has_no_name(life_with_a_pet: Library, ask: Ask, decision: Decision) -> None:
    decide(life_with_a_pet, "pet:dog", Decision.NAME, "Bella", [content_of("rex")])
    decide(life_with_a_pet, "pet:dog", decision, photos=[content_of("rex")])
    assert "people" not in ask("Bella").understood


def test_a_pet_is_found_by_the_name_that_its_keywords_say(library: Library, ask: Ask) -> None:
    fill_with_a_life(library)
    pet = KnownPet("pet:dog", "dog", "Bella", "Bella", None, (content_of("rex"),), 2, 0.9, ())
    with library.store.begin() as unit:
        unit.set_setting(*write_pets([pet], ()))
    assert names(ask("Bella")) == ["rex"]


def test_what_is_left_of_a_pet_has_no_name_that_was_decided() -> None:
    pet = KnownPet("pet:dog", "dog", "Bella", "Bella", None, ("a", "b"), 2, 0.9, ())
    made = StoredDecision("pet:dog", "node", Decision.NAME, datetime.now(UTC), "Bella", ("a",))
    assert "Bella" in write_pets([pet], ())[1]
    assert "Bella" not in write_pets([pet], [made])[1]


def test_a_person_who_was_renamed_is_found_by_both_names(library: Library, ask: Ask) -> None:
    fill_with_a_life(library)
    decide(library, "person:ben", Decision.NAME, "Benjamin Blum")
    assert names(ask("Benjamin")) == names(ask("Blum in Lisbon")) == names(ask("Ben")) == ["rua"]
    decide(library, "person:ben", Decision.NAME, "Anna Müller")
    assert set(names(ask("Anna"))) == {"rua", "praia_23"}


def test_names_that_were_given_are_completed(life_with_a_pet: Library) -> None:
    decide(life_with_a_pet, "pet:dog", Decision.NAME, "Bella", [content_of("rex")])
    with life_with_a_pet.store.read() as unit:
        sources = life_with_a_pet.sources(unit)
        found = Completions.of(sources.basis, {tag.id: tag for tag in sources.taxonomy.tags})
    assert found.complete("Bel", 8) == (Suggestion("Bella", "person", 2),)
