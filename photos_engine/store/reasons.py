"""Reasons as the JSON columns keep them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from photos_engine.types import Reason


def to_json(reasons: Iterable[Reason]) -> list[list[Any]]:
    """Reasons as [code, weight, text] triples."""
    return [[r.code, round(float(r.weight), 6), r.text] for r in reasons]


def from_json(rows: Sequence[Sequence[Any]]) -> tuple[Reason, ...]:
    """The reasons that `to_json` wrote."""
    return tuple(Reason(code, weight, text) for code, weight, text in rows)
