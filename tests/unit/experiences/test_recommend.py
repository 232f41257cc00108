import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from fakes.library import Life
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine.experiences.recommend import SIGNS_NEEDED, find_signs, learn_taste, score
from photos_engine.types import Decision, FloatArray

NOON = datetime(2022, 5, 1, 12)


def library(likes: int, dislikes: int = 0, *, total: int = 120) -> Life:
    """Dogs and beaches by turns; so many dogs are favourites, so many beaches are to be featured less."""
    life = Life()
    for n in range(total):
        theme, seen = ("pet", "beach")[n % 2], n // 2
        decisions = [Decision.FAVOURITE] if theme == "pet" and seen < likes else []
        decisions += [Decision.FEATURE_LESS] if theme == "beach" and seen < dislikes else []
        life.shoot(NOON + timedelta(days=n), theme, decisions=decisions)
    return life


def by_theme(life: Life, liking: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Likings of the dogs and of the beaches that nothing was said about."""
    items = life.snapshot().photos
    rows = [
        [i for i, item in enumerate(items) if tag in item.tags and not item.photo.decisions] for tag in ("dog", "beach")
    ]
    return liking[rows[0]], liking[rows[1]]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, SIGNS_NEEDED - 1), st.data())
def test_it_is_neutral_until_it_has_seen_enough(signs: int, data: st.DataObject) -> None:
    likes = data.draw(st.integers(0, signs))
    life = library(likes, signs - likes)
    assert (score(life.snapshot()) == 0.5).all()
    (reason,) = learn_taste(life.snapshot()).explain(life.items[0])
    assert (reason.code, str(signs) in reason.text) == ("neutral", True)


def test_it_learns_from_likes_alone_and_generalises() -> None:
    life = library(SIGNS_NEEDED + 5)
    dogs, beaches = by_theme(life, score(life.snapshot()))
    assert dogs.min() > beaches.max()
    assert dogs.mean() > 0.55


def test_it_learns_from_both_sides() -> None:
    life = library(15, 15)
    dogs, beaches = by_theme(life, score(life.snapshot()))
    assert dogs.mean() > 0.6 > 0.4 > beaches.mean()


def test_more_signs_speak_louder() -> None:
    few, many = (by_theme(life, score(life.snapshot())) for life in (library(12, 12), library(40, 40)))
    assert many[0].mean() - many[1].mean() > few[0].mean() - few[1].mean()


def test_it_is_deterministic_and_bounded() -> None:
    snapshot = library(15, 15).snapshot()
    liking = score(snapshot)
    assert np.array_equal(liking, score(snapshot))
    assert liking.dtype == np.float32
    assert ((liking >= 0) & (liking <= 1)).all()


def test_it_names_what_is_liked() -> None:
    life = library(30)
    taste = learn_taste(life.snapshot())
    dog, beach = life.items[100], life.items[101]
    assert "likes_dog" in {reason.code for reason in taste.explain(dog)}
    assert {reason.code for reason in taste.explain(beach)} == {"avoids_beach"}


def test_what_is_forgotten_teaches_nothing_until_it_is_said_otherwise() -> None:
    life = library(15, 15)
    forgotten = find_signs(life.snapshot())
    assert learn_taste(life.snapshot(), forgotten).signs == 0
    row = next(n for n, item in enumerate(life.items) if item.photo.is_favourite)
    item = life.items[row]
    life.items[row] = replace(item, photo=replace(item.photo, decisions=frozenset({Decision.FEATURE_LESS})))
    assert learn_taste(life.snapshot(), forgotten).signs == 1


def test_it_says_what_it_believes() -> None:
    assert learn_taste(library(5).snapshot()).likes_most() == ()
    assert {reason.code for reason in learn_taste(library(30).snapshot()).likes_most()} >= {"likes_dog", "avoids_beach"}


def test_hidden_receipts_are_no_matter_of_taste() -> None:
    life = Life()
    for n in range(30):
        life.shoot(NOON + timedelta(days=n), utility="receipt", decisions=[Decision.HIDE])
    assert learn_taste(life.snapshot()).signs == 0


def test_small_libraries() -> None:
    assert score(Life().snapshot()).shape == (0,)
    everything = Life()
    for n in range(30):
        everything.shoot(NOON + timedelta(days=n), decisions=[Decision.FAVOURITE])
    assert (score(everything.snapshot()) == 0.5).all()


def test_importing_it_does_not_load_the_library_that_learns() -> None:
    program = "import sys, photos_engine.experiences.recommend; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
