from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("all_minilm_l6_v2")

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: E402

from photos_engine.models.training.config import LoopConfig  # noqa: E402
from photos_engine.models.training.pruning import TextConfig, distil, prune  # noqa: E402
from photos_engine.models.training.text import LAYERS, MiniLM, sentence_vectors  # noqa: E402

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "dog", "cat", "beach", "on", "the", "red", "boat"]
TEXTS = ["a dog on the beach", "a red boat", "the cat", "a cat on a red boat", "the beach", "a dog"]


@pytest.fixture
def tokenizer() -> Tokenizer:
    result = Tokenizer(models.WordPiece({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    result.normalizer = normalizers.BertNormalizer()
    result.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    result.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    result.enable_padding(pad_id=0)
    return result


@pytest.fixture
def whole() -> MiniLM:
    torch.manual_seed(0)
    return MiniLM(len(WORDS)).eval().requires_grad_(False)


def config(layers: tuple[int, ...], inner: int) -> TextConfig:
    loop = LoopConfig(0, 6, 6, 0, 0.1, 1.0, 0.0, "float32", False)
    return TextConfig(layers, inner, 1e-3, 0.0, 0, 0, 0, 10, loop)


def test_pruning_nothing_changes_nothing(whole: MiniLM, tokenizer: Tokenizer) -> None:
    same = prune(whole, tokenizer, TEXTS, config(tuple(range(LAYERS)), 1536)).eval()
    vectors = [sentence_vectors(net, tokenizer, TEXTS) for net in (whole, same)]
    assert np.allclose(*vectors, atol=1e-5)


def test_what_stays_are_the_neurons_that_add_most(whole: MiniLM, tokenizer: Tokenizer) -> None:
    loud = whole.layers[2]
    loud.narrow.weight[:, 100:110] *= 1_000
    small = prune(whole, tokenizer, TEXTS, config((2,), 10))
    assert torch.equal(small.layers[0].narrow.weight, loud.narrow.weight[:, 100:110])
    assert torch.equal(small.layers[0].query.weight, loud.query.weight)


def test_a_pruned_tower_learns_what_the_whole_one_says(whole: MiniLM, tokenizer: Tokenizer, tmp_path: Path) -> None:
    targets, kept = sentence_vectors(whole, tokenizer, TEXTS), config((0, 5), 64)
    small = prune(whole, tokenizer, TEXTS, kept).eval()
    before = _cosine(sentence_vectors(small, tokenizer, TEXTS), targets)
    words = small.words.weight.detach().clone()
    after = _cosine(
        sentence_vectors(distil(small, tokenizer, TEXTS, targets, kept, tmp_path), tokenizer, TEXTS), targets
    )
    assert after > before
    assert torch.equal(small.words.weight, words)


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(((one * other).sum(1) / norms).mean())
