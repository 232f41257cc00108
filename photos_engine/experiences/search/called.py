"""What people and pets are called beside what metadata say: names that were decided, and names of known pets.

Search asks no graph, which takes seconds to build after a decision. Whoever builds one leaves word of its pets with
the library (`write_pets`), and a decision about a pet finds it among these by the photos that it was made about.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from photos_engine.experiences.search.columns import Postings
from photos_engine.graph import KnownPet
from photos_engine.graph.decided import NodeDecisions
from photos_engine.store import UnitOfWork
from photos_engine.types import Decision, StoredDecision

_SETTING = "pets"


def write_pets(pets: Sequence[KnownPet], decisions: Sequence[StoredDecision]) -> tuple[str, str]:
    """The setting that tells of the pets of a graph made from some decisions: its name and value.

    What the person calls a pet is not in it: that may change before the next graph is made.
    """
    decided = NodeDecisions(decisions)
    rows = [(pet.node, pet.species, pet.photo_ids) for pet in pets]
    names = [
        None if decided.name_of(*nodes) else pet.name for pet, nodes in zip(pets, _subjects(decided, rows), strict=True)
    ]
    return _SETTING, json.dumps([(*row, name) for row, name in zip(rows, names, strict=True)])


def _subjects(decided: NodeDecisions, rows: Iterable[tuple[str, str, Iterable[str]]]) -> list[list[str]]:
    return decided.subjects_of_pets([(node, species, frozenset(photos)) for node, species, photos in rows])


def read_called(unit: UnitOfWork, people: Postings) -> Postings:
    """The photos of those who are called otherwise than metadata say; people: those whom metadata name."""
    decided = NodeDecisions(unit.decisions.all())
    rows = dict.fromkeys((*_people(decided, people), *_pets(decided, unit)))
    known = {name: set(people.find([name])[0].tolist()) for name in {name for _, name in rows}}
    return Postings.of([(key, name, 1.0) for key, name in rows if key not in known[name]])


def _people(decided: NodeDecisions, people: Postings) -> Iterator[tuple[int, str]]:
    for name in people.column.values:
        _, called = decided.person(name)
        if called != name:
            yield from ((key, called) for key in people.find([name])[0].tolist())


def _pets(decided: NodeDecisions, unit: UnitOfWork) -> Iterator[tuple[int, str]]:
    pets = json.loads(unit.setting(_SETTING) or "[]")
    subjects = _subjects(decided, [(node, species, photos) for node, species, photos, _ in pets])
    for (_, _, photos, called), nodes in zip(pets, subjects, strict=True):
        name = decided.name_of(*nodes) or called
        is_dropped = any(decided.of(node) & {Decision.NOT_SO, Decision.HIDE} for node in nodes)
        if name and not is_dropped:
            yield from ((key, name) for key in unit.photos.keys_of(photos).values())
