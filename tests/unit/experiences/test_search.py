from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fakes.searchable import LISBON, Library, encode, fill_with_a_life, open_library
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from photos_engine.errors import UsageError
from photos_engine.experiences.search import search
from photos_engine.types import DateSource, Decision, SearchAnswer

Ask = Callable[..., SearchAnswer]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = open_library(tmp_path)
    yield library
    library.store.close()


@pytest.fixture
def ask(library: Library) -> Ask:
    def ask(query: str, limit: int = 50) -> SearchAnswer:
        with library.store.read() as unit:
            return search(query, limit=limit, sources=library.sources(unit))

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
        yield lambda query, limit=50: search(query, limit=limit, sources=sources)


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
    assert {reason.code for reason in hit.reasons} == {"tag", "date"}
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
    assert ask_life("beeach").suggestions[0] == "beach"
    assert ask_life("Germany").suggestions == ("Lisbon", "São Paulo")
    assert "dog" in ask_life("").suggestions
    assert ask_life("1999").suggestions == ("2023", "2021")


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
    library.add("shown", "a dog", tags={"dog": 0.2})
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


@pytest.mark.parametrize("query", ["", "   ", "*", "OR", "-", '"', '""', "🜁", "\0", "\ud800", "photos of", "the"])
def test_a_query_that_asks_for_nothing_finds_nothing(ask_life: Ask, query: str) -> None:
    answer = ask_life(query)
    assert (answer.stage, answer.results) == ("none", ())
    assert answer.suggestions


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
    assert answer.results or answer.suggestions
    assert all(0 < hit.score <= 1 and hit.reasons for hit in answer.results)
