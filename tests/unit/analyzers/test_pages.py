"""Pages against drawings: what the second opinion may do to the head's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photos_engine.analyzers.heads.pages import WRITTEN_KINDS, PageReader
from photos_engine.errors import ModelError
from photos_engine.types import EMBEDDING_DIMENSIONS, UTILITY_KINDS

EAST = np.eye(1, EMBEDDING_DIMENSIONS, dtype=np.float32)[0]
READER = PageReader(8 * EAST, -2.0)  # a picture in the east is no page
SHARES = st.floats(0, 1)


@given(st.dictionaries(st.sampled_from(UTILITY_KINDS), SHARES), SHARES, SHARES)
def test_never_raises_a_kind_and_touches_the_written_ones_alone(
    utility: dict[str, float], one: float, other: float
) -> None:
    nearer, farther = sorted((one, other))
    little, much = (READER.read(np.float32(share) * EAST, utility) for share in (nearer, farther))
    for kind, seen in utility.items():
        assert 0.0 <= much[kind] <= little[kind] <= seen
        assert kind in WRITTEN_KINDS or much[kind] == seen


def test_leaves_pages_as_they_are_and_takes_drawings_from_a_head_that_is_certain() -> None:
    sure = {"handwriting": 1.0, "receipt": 0.9}
    assert READER.read(-EAST, sure) == sure
    assert READER.read(EAST, sure)["handwriting"] < READER.read(0.5 * EAST, sure)["handwriting"] < 1.0


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"weights": [1, 2], "bias": 0}', json.dumps({"weights": [float("nan")] * 512, "bias": 0}),
     json.dumps({"weights": [0.0] * 512}), json.dumps({"weights": ["a"] * 512, "bias": 0})],
)  # fmt: skip
def test_a_malformed_file_is_one_clear_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "pages.json").write_text(content)
    with pytest.raises(ModelError, match=r"pages\.json"):
        PageReader.open(tmp_path / "pages.json")
