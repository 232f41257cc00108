from datetime import datetime, timedelta

from fakes.library import Life

from photos_engine.experiences.utility import find_utility
from photos_engine.types import Decision

NOON = datetime(2024, 5, 1, 12)


def test_utility_is_found_surest_first_with_reasons() -> None:
    life = Life()
    life.shoot(NOON, "beach")
    receipt = life.shoot(NOON + timedelta(hours=1), utility="receipt")
    screen = life.shoot(NOON, path="Pictures/Screenshots/Screenshot_1.png", utility="screenshot", camera=False, at=None)
    life.shoot(NOON, utility="document", decisions=[Decision.NOT_UTILITY])
    found = find_utility(life.snapshot())
    assert [(utility.photo.id, utility.kind) for utility in found] == [
        (screen.photo.id, "screenshot"),
        (receipt.photo.id, "receipt"),
    ]
    assert found[0].probability > found[1].probability >= 0.5
    assert all(utility.reasons for utility in found)


def test_an_empty_library_has_none() -> None:
    assert find_utility(Life().snapshot()) == ()
