"""What holds for every library: what memories never show, and what a day's choice never does."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

from fakes.library import SPOILED, TAGS, Life
from hypothesis import given, settings
from hypothesis import strategies as st

from photos_engine.experiences.memories import MAX_A_DAY, MAX_PHOTOS, REST_DAYS, choose_for_day, make_memories
from photos_engine.graph import build_graph, day_of
from photos_engine.types import DateSource, Decision, Memory, Reaction, Showing

ON = date(2023, 3, 1)

times = st.datetimes(datetime(2019, 1, 1), datetime(2023, 12, 31))
zones = st.integers(-11, 14).map(lambda hours: timezone(timedelta(hours=hours)))
places = st.sampled_from(["home", "Biarritz", "Auckland", "Honolulu", "Cape Town", None])
flaws = st.sampled_from(["", "", "", "utility", "spoiled", "hidden", "undated", "Eve"])
events = st.tuples(times, zones, places, st.sampled_from([*TAGS, "daily"]), st.integers(1, 9), flaws)


@settings(max_examples=25, deadline=None)
@given(st.lists(events, min_size=1, max_size=12), st.booleans())
def test_no_library_shows_what_must_not_be_shown(found: list[tuple], hides_a_month: bool) -> None:  # type: ignore[type-arg]
    life = Life(home="Lyon")
    life.live(date(2020, 1, 1), date(2022, 1, 1), every_days=9)
    for start, zone, at, theme, photos, flaw in found:
        for n in range(photos):
            life.shoot(
                start.replace(tzinfo=zone) + timedelta(minutes=17 * n),
                theme,
                at=at,
                utility="receipt" if flaw == "utility" else None,
                quality=SPOILED if flaw == "spoiled" else life.items[0].quality,
                decisions=[Decision.HIDE] if flaw == "hidden" else [],
                source=DateSource.FILE_TIME if flaw == "undated" else DateSource.EXIF,
                people=["Eve"] if flaw == "Eve" else [],
            )
    life.decide("person:eve", Decision.HIDE)
    if hides_a_month:
        life.decide("days:2021-06-01/2021-06-30", Decision.HIDE)
    never = {
        item.photo.id
        for item in life.items
        if item.utility["receipt"] > 0.5
        or item.quality == SPOILED
        or item.photo.is_hidden
        or not item.photo.is_dated
        or item.photo.facts.people
        or day_of(item.photo.taken) > ON
        or (hides_a_month and date(2021, 6, 1) <= day_of(item.photo.taken) <= date(2021, 6, 30))
    }
    snapshot = life.snapshot()
    made = make_memories(snapshot, build_graph(snapshot, TAGS), TAGS, on=ON)
    for memory in made:
        ids = [photo.id for photo in memory.photos]
        assert never.isdisjoint(ids)
        assert memory.cover in memory.photos
        assert len(set(ids)) == len(ids) <= MAX_PHOTOS
        assert memory.title
        assert 0 < memory.score <= 1
        assert (memory.start, memory.end) == (memory.photos[0].taken, memory.photos[-1].taken)
    assert len({memory.id for memory in made}) == len(made)


def tell() -> tuple[Memory, ...]:
    life = Life(home="Lyon")
    life.live(date(2021, 1, 1), date(2023, 1, 1), every_days=2)
    life.live(date(2021, 1, 2), date(2023, 1, 1), every_days=9, theme="pet")
    for month in (3, 6, 9):
        life.stay(date(2021, month, 5), 4, "Biarritz", "beach")
        life.stay(date(2022, month, 5), 5, "Annecy", "lake")
    snapshot = life.snapshot()
    return make_memories(snapshot, build_graph(snapshot, TAGS), TAGS, on=ON)


MADE = tell()
showings = st.builds(
    Showing,
    st.sampled_from([memory.id for memory in MADE]),
    st.integers(-3, 40).map(lambda days: ON - timedelta(days)),
    st.sampled_from(Reaction),
)


@given(st.lists(showings, max_size=30), st.randoms(use_true_random=False))
def test_a_day_is_few_distinct_rested_and_the_same_however_asked(past: list[Showing], random) -> None:  # type: ignore[no-untyped-def]
    past = list({(s.memory_id, s.day): s for s in past}.values())
    chosen = choose_for_day(MADE, ON, past)
    ids = [memory.id for memory in chosen]
    assert len(set(ids)) == len(ids) <= MAX_A_DAY
    shuffled = list(MADE)
    random.shuffle(shuffled)
    assert choose_for_day(shuffled, ON, past) == chosen
    for seen in past:
        days = (ON - seen.day).days
        if 0 < days <= REST_DAYS[seen.reaction] and not any(
            s.day == ON and s.memory_id == seen.memory_id for s in past
        ):
            assert seen.memory_id not in ids
