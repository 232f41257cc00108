"""MiniLM as a torch module, its sentence vectors, and its way into an int8 ONNX text tower."""

from __future__ import annotations

import json
import logging
import unicodedata
import zipfile
from collections.abc import Collection, Sequence
from pathlib import Path

import all_minilm_l6_v2
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.models.training.packing import pack_weights

log = logging.getLogger(__name__)

WIDTH, LAYERS, ATTENTION_HEADS, INNER, NORM_EPSILON = 384, 6, 12, 1536, 1e-12  # the package's config.json
MAX_TOKENS = 64
VOCABULARY = 30_522
_PART = 3  # letters; shorter parts stay, since rare words are put together from them


class Layer(nn.Module):
    """One transformer layer."""

    def __init__(self, inner: int = INNER) -> None:
        super().__init__()
        self.query, self.key, self.value, self.joined = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.norm1, self.norm2 = (nn.LayerNorm(WIDTH, eps=NORM_EPSILON) for _ in range(2))
        self.wide, self.narrow = nn.Linear(WIDTH, inner), nn.Linear(inner, WIDTH)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """(n, t, 384), additive attention bias (n, 1, 1, t) -> (n, t, 384)."""
        n, t, _ = x.shape

        def split(y: Tensor) -> Tensor:  # (n, t, 384) -> (n, heads, t, 32)
            return y.view(n, t, ATTENTION_HEADS, -1).transpose(1, 2)

        query, key, value = split(self.query(x)), split(self.key(x)), split(self.value(x))
        weights = (query @ key.transpose(2, 3) * (WIDTH // ATTENTION_HEADS) ** -0.5 + bias).softmax(-1)
        x = self.norm1(x + self.joined((weights @ value).transpose(1, 2).reshape(n, t, WIDTH)))
        result: Tensor = self.norm2(x + self.narrow(F.gelu(self.wide(x))))
        return result


class MiniLM(nn.Module):
    """all-MiniLM-L6-v2, or a pruned one: (n, t) token numbers and mask -> (n, 384) mean of the last layer's vectors."""

    def __init__(self, vocabulary: int = VOCABULARY, layers: int = LAYERS, inner: int = INNER) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, WIDTH)
        self.positions = nn.Embedding(MAX_TOKENS, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=NORM_EPSILON)
        self.layers = nn.ModuleList(Layer(inner) for _ in range(layers))

    def embed(self, ids: Tensor) -> Tensor:
        """(n, t) -> (n, t, 384), what enters the first layer."""
        result: Tensor = self.norm(self.words(ids) + self.positions.weight[: ids.shape[1]])
        return result

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(n, t), (n, t) -> (n, 384)."""
        x, weights = self.embed(ids), mask.to(torch.float32)
        bias = (weights - 1)[:, None, None, :] * 1e4
        for layer in self.layers:
            x = layer(x, bias)
        return (x * weights[:, :, None]).sum(1) / weights.sum(1, keepdim=True)


def load_minilm(work: Path, texts: Sequence[str] = (), common: int = VOCABULARY) -> tuple[MiniLM, Tokenizer]:
    """Load the packaged weights, the segment embedding folded into the positions, the vocabulary pruned.

    The vocabulary lists words by how often they are used: the `common` first ones stay, and what `texts` use.
    """
    folder = work / "minilm"
    if not (folder / "model.safetensors").is_file():
        with zipfile.ZipFile(all_minilm_l6_v2.get_model_zip_path()) as archive:
            archive.extractall(folder)
    weights = load_file(folder / "model.safetensors")
    spec = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    used = {
        token for encoded in Tokenizer.from_str(json.dumps(spec)).encode_batch(list(texts)) for token in encoded.tokens
    }
    kept, tokenizer = _prune(spec, used, common)
    net = MiniLM(len(kept))
    state = {
        "words.weight": weights["embeddings.word_embeddings.weight"][kept],
        "positions.weight": weights["embeddings.position_embeddings.weight"][:MAX_TOKENS]
        + weights["embeddings.token_type_embeddings.weight"][0],
        "norm.weight": weights["embeddings.LayerNorm.weight"],
        "norm.bias": weights["embeddings.LayerNorm.bias"],
    }
    names = {
        "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
        "joined": "attention.output.dense", "norm1": "attention.output.LayerNorm",
        "wide": "intermediate.dense", "narrow": "output.dense", "norm2": "output.LayerNorm",
    }  # fmt: skip
    for layer in range(LAYERS):
        for ours, theirs in names.items():
            for part in ("weight", "bias"):
                state[f"layers.{layer}.{ours}.{part}"] = weights[f"encoder.layer.{layer}.{theirs}.{part}"]
    net.load_state_dict(state)
    return net.eval(), tokenizer


def _prune(spec: dict[str, object], used: Collection[str], common: int) -> tuple[list[int], Tokenizer]:
    """Drop the vocabulary's unused rows, letters that are not Latin, and rare words, which fall into parts then."""
    model = spec["model"]
    assert isinstance(model, dict)
    words = sorted(model["vocab"], key=model["vocab"].__getitem__)
    keep = [
        word for number, word in enumerate(words)
        if not word.startswith("[unused") and all(map(_is_latin, word))
        and (number < common or word in used or len(word.removeprefix("##")) <= _PART)
    ]  # fmt: skip
    kept = [model["vocab"][word] for word in keep]
    new = {word: number for number, word in enumerate(keep)}
    model["vocab"] = new
    for token in spec["added_tokens"]:  # type: ignore[attr-defined]
        token["id"] = new[token["content"]]
    for token in spec["post_processor"]["special_tokens"].values():  # type: ignore[index]
        token["ids"] = [new[token["id"]]]
    spec["padding"], spec["truncation"] = None, None
    tokenizer = Tokenizer.from_str(json.dumps(spec))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.enable_padding(pad_id=new["[PAD]"])
    return kept, tokenizer


def _is_latin(character: str) -> bool:
    return character.isascii() or not character.isalpha() or "LATIN" in unicodedata.name(character, "")


def tokenise(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Texts -> token numbers and mask, (n, t) each."""
    encoded = tokenizer.encode_batch(list(texts))
    return np.array([item.ids for item in encoded]), np.array([item.attention_mask for item in encoded])


def sentence_vectors(net: MiniLM, tokenizer: Tokenizer, texts: Sequence[str], batch: int = 128) -> NDArray[np.float32]:
    """Texts -> (n, 384), sorted by length inside so that little is padded."""
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    vectors = np.empty((len(texts), WIDTH), np.float32)
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            ids, mask = tokenise(tokenizer, [texts[row] for row in rows])
            vectors[rows] = net(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
    return vectors


class TextTower(nn.Module):
    """(n, t) token numbers and mask -> (n, 512), L2-normalised."""

    def __init__(self, net: MiniLM, projection: nn.Module) -> None:
        super().__init__()
        self.net, self.projection = net, projection

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(n, t), (n, t) -> (n, 512)."""
        return F.normalize(self.projection(self.net(ids, mask)))


class PackedWords(nn.Module):
    """A word table of 6 bits a number, four numbers in three bytes: (n, t) -> (n, t, 384).

    The table is half of the tower and only a few rows of it are read for a text, so that unpacking
    those costs next to nothing.
    """

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        scale = table.abs().amax(1, keepdim=True) / 31.5
        levels = (table / scale + 31.5).round().clamp(0, 63).to(torch.int64).view(len(table), -1, 4)
        whole = (levels * torch.tensor([1, 64, 64**2, 64**3])).sum(2)  # 24 bits
        parts = torch.stack([whole % 256, whole // 256 % 256, whole // 65536], 2)
        self.register_buffer("packed", parts.to(torch.uint8).flatten(1))  # (v, 288)
        self.register_buffer("scale", scale)
        self.register_buffer("places", torch.tensor([1.0, 256.0, 65536.0]))

    def forward(self, ids: Tensor) -> Tensor:
        """(n, t) -> (n, t, 384)."""
        parts = F.embedding(ids, self.packed).to(torch.float32)  # (n, t, 288)
        rest = parts.unflatten(2, (-1, 3)) @ self.places  # (n, t, 96); whole numbers below 2^24 are exact
        levels = []
        for _ in range(3):
            higher = torch.floor(rest / 64)
            levels.append(rest - 64 * higher)
            rest = higher
        numbers = torch.stack([*levels, rest], 3).flatten(2)  # (n, t, 384)
        return (numbers - 31.5) * F.embedding(ids, self.scale)


def export_tower(tower: TextTower, path: Path, work: Path, *, is_packed: bool = True) -> None:
    """Write the tower: 6-bit word table, int8 weights, if `is_packed`; what flows between them is float32.

    Activations are not quantised: dynamic int8 takes its scales from the batch, so that a text's
    vector would depend on the texts beside it (cosine down to 0.99).
    """
    tower.eval()
    if is_packed:
        tower.net.words = PackedWords(tower.net.words.weight.detach())
    loose = work / "text_fp32.onnx"
    example = (torch.ones(2, 8, dtype=torch.int64), torch.ones(2, 8, dtype=torch.int64))
    names = ["ids", "mask"]
    axes = {name: {0: "n", 1: "t"} for name in names} | {"embedding": {0: "n"}}
    torch.onnx.export(
        tower, example, loose, dynamo=False, opset_version=17, input_names=names,
        output_names=["embedding"], dynamic_axes=axes,
    )  # fmt: skip
    model = onnx.load(str(loose))
    if is_packed:
        pack_weights(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    log.info("%s: %.1f MB", path.name, path.stat().st_size / 1e6)


def prompt_vectors(tower: TextTower, tokenizer: Tokenizer, prompts: Sequence[Sequence[str]]) -> NDArray[np.float32]:
    """Several ways to say each thing -> (things, 512), their common directions, L2-normalised."""
    vectors = sentence_vectors(tower.net, tokenizer, [prompt for ways in prompts for prompt in ways])
    with torch.inference_mode():
        projected = F.normalize(tower.projection(torch.from_numpy(vectors)))
        parts = projected.split([len(ways) for ways in prompts])
        result: NDArray[np.float32] = torch.stack([F.normalize(part.mean(0), dim=0) for part in parts]).numpy()
    return result
