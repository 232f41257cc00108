"""A smaller text tower: fewer layers, narrower ones and fewer words, taught by the whole one.

Whole layers and neurons are dropped, not single weights, since only that makes it faster on every
processor. What is left then learns to give the whole tower's sentence vectors, on texts of all that
photographs show.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.models.training.config import LoopConfig
from photos_engine.models.training.loop import Loop
from photos_engine.models.training.text import Layer, MiniLM, tokenise

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TextConfig:
    """What is left of the text tower, and how it learns."""

    layers: tuple[int, ...]  # numbers of the layers that stay
    inner: int  # neurons of a layer that stay
    learning_rate: float
    weight_decay: float
    common_words: int  # of the vocabulary, which lists words by how often they are used
    captions: int  # that are learned from
    nouns: int  # of WordNet's that are learned from, each alone and in a phrase, and as many definitions
    longest: int  # words of a text that is learned from
    loop: LoopConfig


def prune(net: MiniLM, tokenizer: Tokenizer, texts: Sequence[str], config: TextConfig) -> MiniLM:
    """A copy with the layers of `config`, and in each the neurons that matter most on some texts."""
    ids, mask = (torch.from_numpy(array) for array in tokenise(tokenizer, texts))
    small = MiniLM(net.words.num_embeddings, len(config.layers), config.inner)
    state = net.state_dict()
    for name in ("words", "positions", "norm"):
        getattr(small, name).load_state_dict(getattr(net, name).state_dict())
    with torch.inference_mode():
        x, bias = net.embed(ids), (mask.to(torch.float32) - 1)[:, None, None, :] * 1e4
        for number, layer in enumerate(net.layers):
            assert isinstance(layer, Layer)
            if number in config.layers:
                kept = _strongest(layer, x, mask, config.inner)
                place = config.layers.index(number)
                part = {
                    name.removeprefix(f"layers.{number}."): value
                    for name, value in state.items()
                    if name.startswith(f"layers.{number}.")
                }
                part["wide.weight"], part["wide.bias"] = part["wide.weight"][kept], part["wide.bias"][kept]
                part["narrow.weight"] = part["narrow.weight"][:, kept]
                small.layers[place].load_state_dict(part)
            x = layer(x, bias)
    return small


def _strongest(layer: Layer, x: Tensor, mask: Tensor, count: int) -> Tensor:
    """The numbers of the neurons that add most to the layer's output, on (n, t, 384)."""
    inputs: list[Tensor] = []
    hook = layer.wide.register_forward_hook(lambda module, args, output: inputs.append(output))
    layer(x, (mask.to(torch.float32) - 1)[:, None, None, :] * 1e4)
    hook.remove()
    strength = F.gelu(inputs[0])[mask.bool()].square().mean(0).sqrt() * layer.narrow.weight.norm(dim=0)
    return strength.topk(count).indices.sort().values


def distil(
    small: MiniLM, tokenizer: Tokenizer, texts: Sequence[str], targets: NDArray[np.float32], config: TextConfig,
    work: Path,
) -> MiniLM:  # fmt: skip
    """Teach a pruned tower the sentence vectors (n, 384) that the whole one gave for texts; the word table stays."""
    ids, mask = (torch.from_numpy(array) for array in tokenise(tokenizer, texts))
    lengths = mask.sum(1)
    wanted = F.normalize(torch.from_numpy(targets))
    small.words.requires_grad_(False)
    parameters = [item for item in small.parameters() if item.requires_grad]
    group = {"params": parameters, "lr": config.learning_rate, "weight_decay": config.weight_decay}
    loop = Loop("text", small, [group], config.loop, len(texts), work)
    for _ in loop.epochs():
        for chosen in loop.batches():
            rows = torch.from_numpy(chosen)
            longest = int(lengths[rows].max())
            with loop.autocast():
                words = (item[rows, :longest].to(loop.device) for item in (ids, mask))
                vectors, goal = F.normalize(loop.in_chunks(small, *words)), wanted[rows].to(loop.device)
                # Of the loss, what a linear layer behind it can't mend: the angles between texts.
                own = 1 - (vectors * goal).sum(1).mean()
                between = (vectors @ vectors.T - goal @ goal.T).square().mean()
            loop.step(own + 10 * between)
    small.words.requires_grad_(True)
    return small.eval()


def world_texts(captions: Sequence[str], taxonomy: Taxonomy, config: TextConfig) -> list[str]:
    """Texts of all that photographs show: captions, the taxonomy's words and prompts, and WordNet's nouns with
    their definitions, from the package timm.
    """  # fmt: skip
    random = np.random.default_rng(config.loop.seed)
    texts = [captions[row] for row in random.permutation(len(captions))[: config.captions]]
    for tag in taxonomy.tags:
        texts += [tag.label, *tag.synonyms, *taxonomy.evidence(tag.id).prompts]
    origin = importlib.util.find_spec("timm")
    assert origin is not None
    assert origin.origin is not None
    folder = Path(origin.origin).parent / "data" / "_info"
    names, definitions = (
        [line.split("\t")[1] for line in (folder / f"imagenet_synset_to_{kind}.txt").read_text().splitlines()]
        for kind in ("lemma", "definition")
    )
    nouns = [name.split(",")[0] for name in names]
    texts += [f"a photo of a {nouns[row]}" for row in random.permutation(len(nouns))[: config.nouns]]
    texts += [nouns[row] for row in random.permutation(len(nouns))[: config.nouns]]
    texts += [definitions[row] for row in random.permutation(len(definitions))[: config.nouns]]
    return list(dict.fromkeys(" ".join(text.split()[: config.longest]) for text in texts))
