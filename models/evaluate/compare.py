"""Two models side by side: what every head loses against a reference, such as the same graph in float32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from photos_engine.models.evaluate.subject import ORDINARY_SETS, Subject


@dataclass(frozen=True, slots=True)
class Headline:
    """A figure that stands for a head. path: its keys in the tables, "*": the mean over all rows that have the rest."""

    head: str
    path: tuple[str, ...]
    is_error: bool = False  # the smaller, the better

    @property
    def name(self) -> str:
        """How it is called in the table."""
        return " ".join(part for part in self.path if part != "*")


HEADLINES = (
    Headline("embedding", ("retrieval", "text to image", "R@1")),
    Headline("embedding", ("retrieval", "text to image", "R@5")),
    Headline("embedding", ("retrieval", "text to image", "R@10")),
    Headline("embedding", ("retrieval", "image to text", "R@5")),
    Headline("embedding", ("zero-shot", "*", "ensemble")),
    Headline("scene", ("tags", "by set", "*", "mAP")),
    Headline("scene", ("tags", "by set", "*", "precision")),
    Headline("scene", ("tags", "by set", "*", "recall")),
    Headline("scene", ("tags", "reliability", "expected calibration error, %"), is_error=True),
    Headline("objects", ("objects", "boxes", "mean", "ap50")),
    Headline("objects", ("objects", "boxes", "mean", "recall_large")),
    Headline("objects", ("objects", "captions", "person", "found, %")),
    Headline("objects", ("objects", "captions", "dog", "found, %")),
    Headline("utility", ("utility", "*", "recall at 0.5 % false positives")),
    Headline("utility", ("utility", "*", "recall at precision 98 %")),
    Headline("aesthetics", ("aesthetics", "pairs in order by harm, %", "*")),
    Headline("quality", ("quality", "pairs in order, %", "*")),
    Headline("quality", ("quality", "spoiled", "*", "area under ROC")),
    Headline("print", ("print", "burst", "95 %"), is_error=True),
    Headline("print", ("print", "a third", "95 %"), is_error=True),
    Headline("print", ("print", "nearest different picture", "1 %")),
    Headline("saliency", ("saliency", "share of heat inside")),
    Headline("saliency", ("saliency", "hottest cell inside")),
)


def compare_figures(own: Mapping[str, Any], reference: Mapping[str, Any]) -> dict[str, Any]:
    """One row a headline that both have: both figures, and the relative loss in per cent (negative: a gain)."""
    table: dict[str, Any] = {}
    for headline in HEADLINES:
        one, other = _look_up(own, headline.path), _look_up(reference, headline.path)
        if one is None or other is None:
            continue
        lost = one - other if headline.is_error else other - one
        table[f"{headline.head}: {headline.name}"] = {
            "model": round(one, 3), "reference": round(other, 3),
            "relative loss, %": round(100 * lost / abs(other), 2) if other else None,
        }  # fmt: skip
    return table


def compare_outputs(own: Subject, reference: Subject) -> dict[str, Any]:
    """How alike both models' outputs are on the same pictures, whatever the truth."""
    pictures = own.held_out(*ORDINARY_SETS)
    if not pictures:
        return {}
    pairs = list(zip(own.of(pictures), reference.of(pictures), strict=True))
    tags, prints = ([set(a.tags), set(b.tags)] for a, b in pairs), [(a.print, b.print) for a, b in pairs]
    return {
        "pictures": len(pictures),
        "cosine of embeddings": _mean(float(a.embedding @ b.embedding) for a, b in pairs),
        "tags alike (of either's, %)": _mean(100 * len(a & b) / len(a | b) for a, b in tags if a | b),
        "distance of prints, bits": _mean(_bits(a, b) for a, b in prints),
        "distance of heat": _mean(float(np.abs(a.saliency - b.saliency).mean()) for a, b in pairs),
        "distance of overall quality": _mean(abs(a.quality.overall - b.quality.overall) for a, b in pairs),
        "distance of utility's chances": _mean(
            abs(a.utility[kind] - b.utility[kind]) for a, b in pairs for kind in a.utility.keys() & b.utility.keys()
        ),
    }


def _look_up(figures: Any, path: Sequence[str]) -> float | None:
    if not path:
        return float(figures) if isinstance(figures, (int, float)) else None
    if not isinstance(figures, Mapping):
        return None
    if path[0] != "*":
        return _look_up(figures.get(path[0]), path[1:])
    found = [value for item in figures.values() if (value := _look_up(item, path[1:])) is not None]
    return float(np.mean(found)) if found else None


def _bits(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def _mean(values: Any) -> float:
    return round(float(np.mean(list(values))), 4)
