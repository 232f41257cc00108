"""Words near words of like meaning; the cache changes nothing but time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tokenizers import Tokenizer

from photos_engine.analyzers import TextEncoder
from photos_engine.analyzers.text import TOKENIZER
from photos_engine.models.registry import load_manifest


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder.open()


@pytest.mark.parametrize(
    ("text", "paraphrase", "unrelated"),
    [
        ("a dog runs on the beach", "a puppy running along the seashore", "a man reads a newspaper indoors"),
        ("children play in the snow", "kids having fun in winter", "a city street at night"),
        ("a woman rides a bicycle", "a lady cycling", "a plate of food on a table"),
    ],
)
def test_paraphrases_are_closer_than_strangers(
    encoder: TextEncoder, text: str, paraphrase: str, unrelated: str
) -> None:
    one, near, far = encoder.encode([text, paraphrase, unrelated])
    assert one @ near > one @ far + 0.2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=300), max_size=5))
def test_every_text_has_a_unit_vector(encoder: TextEncoder, texts: list[str]) -> None:
    vectors = encoder.encode(texts)
    assert vectors.shape == (len(texts), 512)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)


def test_a_text_means_the_same_alone_and_beside_a_long_one(encoder: TextEncoder) -> None:
    fresh = TextEncoder.open()
    together = fresh.encode(["a dog", "two men in yellow jackets are standing on top of a very tall building"])[0]
    assert together @ encoder.encode(["a dog"])[0] > 0.999


def test_case_and_space_say_nothing(encoder: TextEncoder) -> None:
    one, other = encoder.encode(["A Dog on the BEACH", "  a dog on the beach "])
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_prompts_have_one_direction(encoder: TextEncoder) -> None:
    prompts = ["a photo of a dog", "a dog"]
    together = encoder.encode_prompts(prompts)
    assert np.linalg.norm(together) == pytest.approx(1, abs=1e-4)
    assert (encoder.encode(prompts) @ together).min() > 0.7


class _CountingSession:
    def __init__(self) -> None:
        self.texts = 0

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        self.texts += len(inputs["ids"])
        vectors = np.zeros((len(inputs["ids"]), 512), np.float32)
        vectors[:, 0] = inputs["ids"].sum(1)
        return {"embedding": vectors}


def test_texts_are_run_once_while_they_are_remembered() -> None:
    session = _CountingSession()
    tokenizer = Tokenizer.from_file(str(load_manifest().path(TOKENIZER)))
    encoder = TextEncoder(session, tokenizer, "fake", cache_size=2)
    first = encoder.encode(["a", "b", "a"])
    assert session.texts == 2
    np.testing.assert_array_equal(encoder.encode(["a", "b", "a"]), first)
    assert session.texts == 2
    encoder.encode(["c"])  # pushes the text that was asked longest ago out
    encoder.encode(["a", "c"])
    assert session.texts == 4
