"""What pruning costs: retrieval with the whole text tower, with the pruned one, and with the pruned one fine-tuned.

Each tower is followed by projections of its own, learned alike from the same frozen features of pictures, so
that nothing but the tower differs.

    python -m photos_engine.models.training.towers --data DIR --work DIR
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 -- as everywhere with torch

from photos_engine.models import measures
from photos_engine.models.card import as_markdown
from photos_engine.models.training import embedding, steps, text
from photos_engine.models.training.config import load_config
from photos_engine.types import FloatArray

PRUNED = ("text_pruned", "text_tuned")


def compare(bench: steps.Bench) -> dict[str, dict[str, Any]]:
    """Size, and R@k on the held-out photos, of every tower."""
    table = {}
    for name, (net, tokenizer) in {
        "text_whole": text.load_minilm(bench.work),
        **{name: steps.load_text(bench, name) for name in PRUNED},
    }.items():
        millions = sum(item.numel() for item in net.parameters()) / 1e6
        found = _retrieve(bench, steps.caption_vectors(bench, net, tokenizer))
        table[name] = {
            "weights, M": round(millions, 1),
            **{f"text to image {key}": value for key, value in found["text to image"].items()},
            **{f"image to text {key}": value for key, value in found["image to text"].items()},
        }
    return table


def _retrieve(bench: steps.Bench, captions: FloatArray) -> dict[str, dict[str, float]]:
    learn, held = (bench.rows("flickr8k", held_out=side) for side in (False, True))
    plain, mirrored = (bench.features("flickr8k", mirrored=side) for side in (False, True))
    config = load_config(embedding.EmbeddingConfig, "embedding")
    joint = embedding.train([plain[learn], mirrored[learn]], captions[learn], config)
    images = joint.embed(joint.standardise(torch.from_numpy(plain[held])).numpy())
    with torch.inference_mode():
        texts: FloatArray = F.normalize(joint.text(torch.from_numpy(captions[held]).flatten(0, 1))).numpy()
    return measures.retrieval(images, texts, np.repeat(np.arange(len(held)), captions.shape[1]))


def main() -> None:
    """Print the towers side by side."""
    parser = argparse.ArgumentParser(
        prog="python -m photos_engine.models.training.towers", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--data", type=Path, required=True, help="folder of pictures, laid out as the README says")
    parser.add_argument("--work", type=Path, required=True, help="folder in which `build` has run `make_features`")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    torch.set_num_threads(options.threads)
    bench = steps.Bench(options.data, options.work, options.work, options.threads)
    sys.stdout.write(as_markdown({"text towers": compare(bench)}))


if __name__ == "__main__":
    main()
