"""The decisions file: what is written is read again, and nonsense is refused in one line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photos_engine.decisions import DECISIONS_FORMAT, DECISIONS_ON, Irreplaceable, as_document, read_document
from photos_engine.errors import ConfigError
from photos_engine.types import Decision, Gathered, PersonRegion, StoredDecision

GOOD = {"subject": "abc", "subject_kind": "photo", "decision": "hide", "decided_utc": "2024-05-31T10:00:00+02:00"}


GIVEN = {
    "keeper_id": "abc",
    "photo_id": "def",
    "group_id": "copy-abc",
    "keywords": ["tram"],
    "people": [],
    "decided": [],
}


def document(*rows: Any, form: Any = DECISIONS_FORMAT) -> bytes:
    return json.dumps({"format": form, "decisions": rows}).encode()


def gift(**fields: Any) -> bytes:
    return json.dumps({"format": DECISIONS_FORMAT, "decisions": [], "gathered": [GIVEN | fields]}).encode()


kept = st.sampled_from(
    [(kind, decision) for kind, allowed in DECISIONS_ON.items() for decision in allowed - {Decision.UNDO}]
)
subjects = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


texts = st.text(st.characters(exclude_categories=["Cs"]))
times = st.datetimes(timezones=st.just(UTC))
sides = st.floats(-1, 2)
people = st.builds(PersonRegion, texts, st.none() | st.tuples(sides, sides, sides, sides))
words = st.sampled_from(sorted(DECISIONS_ON["photo"] - {Decision.UNDO}))


@st.composite
def gifts(draw: st.DrawFn) -> Gathered:
    keeper = draw(subjects)
    decided = tuple(
        StoredDecision(keeper, "photo", what, when) for what, when in draw(st.lists(st.tuples(words, times)))
    )
    facts = [draw(st.none() | some) for some in (st.integers(-1, 5), texts, texts)]
    lists = tuple(draw(st.lists(texts))), tuple(draw(st.lists(people)))
    return Gathered(keeper, draw(subjects), draw(subjects), *facts, *lists, decided)


said = st.tuples(texts, st.lists(subjects, max_size=3).map(tuple))


@given(st.lists(st.tuples(subjects, kept, times, said)), st.lists(gifts(), max_size=3))
def test_what_is_written_is_read_again(
    rows: list[tuple[str, tuple[str, Decision], datetime, tuple[str, tuple[str, ...]]]], given: list[Gathered]
) -> None:
    decisions = tuple(StoredDecision(subject, kind, what, when, *say) for subject, (kind, what), when, say in rows)
    everything = Irreplaceable(decisions, tuple(given))
    assert read_document(as_document(everything)) == everything


def test_a_file_from_before_anything_was_gathered_holds_decisions_alone() -> None:
    assert read_document(document(GOOD)).gathered == ()


def test_times_are_kept_in_utc_whatever_their_offset() -> None:
    with_offset, without = read_document(document(GOOD, GOOD | {"decided_utc": "2024-05-31T08:00:00"})).decisions
    assert with_offset.decided_utc == without.decided_utc == datetime(2024, 5, 31, 8, tzinfo=UTC)
    assert with_offset.decided_utc.utcoffset() == without.decided_utc.utcoffset()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no JSON"),
        (b"\xff\xd8\xff\xe0 a picture", "no JSON"),
        (b'{"format": 1, "decisions": ', "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no decisions"),
        (b"{}", "no decisions"),
        (b'{"format": 1, "decisions": {}}', "no decisions"),
        (document(GOOD, form=2), "format 2, not 1"),
        (document(GOOD, form=None), "format None"),
        (document(GOOD, "hide"), "decision 2: 'hide' is no record"),
        (document({"subject": "abc"}), "subject_kind must be text, not None"),
        (document(GOOD | {"subject": ""}), "subject must be text"),
        (document(GOOD | {"subject": 7}), "subject must be text, not 7"),
        (document(GOOD | {"subject": "half \ud800"}), "subject 'half \\ud800' is no text"),
        (document(GOOD | {"subject_kind": "planet"}), "'planet' is none of photo, group, memory, node"),
        (document(GOOD | {"decision": "burn\nit"}), "'burn\\nit' is nothing that can be kept"),
        (document(GOOD | {"decision": "undo"}), "'undo' is nothing that can be kept"),
        (document(GOOD | {"decision": []}), "decision must be text"),
        (document(GOOD | {"subject_kind": "group"}), "hide can't be decided about a group"),
        (document(GOOD | {"decided_utc": "yesterday"}), "'yesterday' is no time"),
        (document(GOOD | {"decided_utc": "0001-01-01T00:00:00+10:00"}), "is no time"),
        (document(GOOD | {"decided_utc": "9999-12-31T23:59:59-10:00"}), "is no time"),
        (document(GOOD | {"decision": "x" * 100_000}), "is nothing that can be kept"),
        (b'{"format": 1, "decisions": [], "gathered": {}}', "gathered is no list"),
        (b'{"format": 1, "decisions": [], "gathered": [7]}', "gathered 1: 7 is no record"),
        (gift(keeper_id=""), "gathered 1: keeper_id must be text"),
        (gift(group_id=None), "gathered 1: group_id must be text"),
        (gift(rating="5"), "rating '5' is no number"),
        (gift(rating=True), "rating True is no number"),
        (gift(title=3), "title must be text, not 3"),
        (gift(caption="half \ud800"), "is no text"),
        (gift(keywords="tram"), "must be lists"),
        (gift(keywords=[1]), "keyword must be text, not 1"),
        (gift(people=["Ada"]), "'Ada' is nobody"),
        (gift(people=[{"name": "Ada", "box": [0, 1]}]), "[0, 1] is no box"),
        (gift(people=[{"name": "Ada", "box": [0, 1, True, 1]}]), "is no box"),
        (gift(decided=["hide"]), "gathered 1: 'hide' is no record"),
        (gift(decided=[{"decision": "undo", "decided_utc": "2024-05-31T10:00:00"}]), "nothing that can be kept"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_nonsense_is_refused_in_one_short_line(content: bytes, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_document(content)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200
