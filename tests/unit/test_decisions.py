"""The decisions file: what is written is read again, and nonsense is refused in one line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photos_engine.decisions import DECISIONS_FORMAT, DECISIONS_ON, as_document, read_document
from photos_engine.errors import ConfigError
from photos_engine.types import Decision, StoredDecision

GOOD = {"subject": "abc", "subject_kind": "photo", "decision": "hide", "decided_utc": "2024-05-31T10:00:00+02:00"}


def document(*rows: Any, form: Any = DECISIONS_FORMAT) -> bytes:
    return json.dumps({"format": form, "decisions": rows}).encode()


kept = st.sampled_from(
    [(kind, decision) for kind, allowed in DECISIONS_ON.items() for decision in allowed - {Decision.UNDO}]
)
subjects = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.lists(st.tuples(subjects, kept, st.datetimes(timezones=st.just(UTC)))))
def test_what_is_written_is_read_again(rows: list[tuple[str, tuple[str, Decision], datetime]]) -> None:
    decisions = [StoredDecision(subject, kind, decision, when) for subject, (kind, decision), when in rows]
    assert read_document(as_document(decisions)) == decisions


def test_times_are_kept_in_utc_whatever_their_offset() -> None:
    with_offset, without = read_document(document(GOOD, GOOD | {"decided_utc": "2024-05-31T08:00:00"}))
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
        (document(GOOD, "hide"), "decision 2: 'hide' is no decision"),
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
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_nonsense_is_refused_in_one_short_line(content: bytes, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_document(content)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200
