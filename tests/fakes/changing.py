"""All that can happen to a small library between two looks at it, as steps that Hypothesis draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fakes.photos import TAKEN, make_decoded, make_facts, make_signals
from hypothesis import strategies as st

from photos_engine.store import Store
from photos_engine.store.store import UnitOfWork
from photos_engine.types import Decision, FileStamp, Gathered, GeoPoint, PersonRegion, Place, Stack

MODEL, OTHER = "model-a", "model-b"
NAMES = "abcde"
CONTENTS = {name: make_decoded(name).content_hash for name in NAMES}
LISBON = Place("Lisbon", "Lisbon", "Portugal", "PT", 38.72, -9.14, 2267057)
PORTO = Place("Porto", "Porto", "Portugal", "PT", 41.15, -8.61, 2735943)
PAGE = make_signals(99).embedding

Change = Callable[[UnitOfWork, str, int], None]
Step = tuple[Change, str, int, bool]


def save(unit: UnitOfWork, name: str, number: int) -> None:
    facts = make_facts(
        taken=TAKEN.replace(minute=number), gps=GeoPoint(38.7, -9.1), keywords=(f"k{number}",),
        people=(PersonRegion(f"p{number}"),),
    )  # fmt: skip
    path = f"/{name}{number % 2}.jpg"
    key, _ = unit.photos.save(path, make_decoded(name, facts=facts), LISBON if number % 2 else None)
    unit.files.record_image(path, FileStamp(number, number), key)


def analyse(unit: UnitOfWork, name: str, number: int, model: str = MODEL) -> None:
    """Every other photo looks like a page, and all pages alike, so that a person's filter learns from one of them."""
    key = unit.photos.key_of(CONTENTS[name])
    if key is not None:
        pages = {"utility": {"receipt": 0.95}, "embedding": PAGE} if number % 2 else {}
        unit.analyses.add(model, [(key, make_signals(number, tags={f"t{number}": 0.9}, **pages))])


def analyse_otherwise(unit: UnitOfWork, name: str, number: int) -> None:
    analyse(unit, name, number, OTHER)


def lose(unit: UnitOfWork, name: str, number: int) -> None:
    unit.files.mark_gone([f"/{name}{number % 2}.jpg"])


def overwrite(unit: UnitOfWork, name: str, number: int) -> None:
    """Another content at the path, so that the old one may have no file any more."""
    other = NAMES[number % len(NAMES)]
    old, new = (unit.photos.key_of(CONTENTS[content]) for content in (name, other))
    if new is not None:
        unit.files.record_image(f"/{name}0.jpg", FileStamp(number, 99), new)
    if old is not None:
        unit.photos.drop_fileless([old])


def put(unit: UnitOfWork, name: str, number: int) -> None:
    key = unit.photos.key_of(CONTENTS[name])
    if key is not None:
        unit.photos.put(key, PORTO if number % 2 else LISBON)


def decide(unit: UnitOfWork, name: str, number: int) -> None:
    decisions = (Decision.FAVOURITE, Decision.HIDE, Decision.UNDO, Decision.NOT_UTILITY)
    unit.decisions.add(CONTENTS[name], "photo", decisions[number % 4])


def gather(unit: UnitOfWork, name: str, number: int) -> None:
    if number % 3:
        unit.gathered.add([Gathered(CONTENTS[name], "0" * 32, f"copy-{name}", rating=number % 5, title=f"T{number}")])
    else:
        unit.gathered.undo(f"copy-{name}")


def stack(unit: UnitOfWork, name: str, number: int) -> None:
    present = [one for one in NAMES if unit.photos.key_of(CONTENTS[one]) is not None][: number % 4]
    unit.groups.replace((), {CONTENTS[one]: Stack("burst-1", "burst", CONTENTS[present[0]]) for one in present})


steps = st.lists(
    st.tuples(
        st.sampled_from([save, save, analyse, analyse, analyse_otherwise, lose, overwrite, put, decide, gather, stack]),
        st.sampled_from(NAMES),
        st.integers(0, 9),
        st.booleans(),
    ),
    max_size=14,
)


def take_steps(store: Store, taken: Iterable[Step], *, touch_first: bool) -> None:
    """Do what the steps say, each in a unit of work of its own, which says so or doesn't."""
    for change, name, number, is_touched in taken:
        with store.begin() as unit:
            if is_touched and touch_first:
                unit.touch()
            change(unit, name, number)
            if is_touched and not touch_first:
                unit.touch()


def begin_library(store: Store) -> None:
    """Five photos, four of them analysed."""
    first: list[Step] = [(save, name, n, True) for n, name in enumerate(NAMES)]
    take_steps(store, [*first, *((analyse, name, 1, True) for name in NAMES[:4])], touch_first=True)


def see_all(store: Store) -> None:
    """Say that whatever happened is to be seen."""
    with store.begin() as unit:
        unit.touch()
