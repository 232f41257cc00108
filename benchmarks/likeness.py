"""Where likeness ends: the constants of `photos_engine.experiences.search.likeness`, fitted to a model.

Phrases are captions and tags of the captioned photos that were held out. A photo is right for a tag that two
of its captions name, and for a caption that two of its own captions mean as well, by the whole text tower as
it was published; it is wrong where none does, and not counted in between. Half of the phrases fit the logistic
regression, the other half tell what every threshold gives.

    python benchmarks/likeness.py --data DIR --work DIR [--models DIR]
"""

from __future__ import annotations

import argparse
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from photos_engine.analyzers import Taxonomy, TextEncoder
from photos_engine.experiences.search.likeness import standard_scores
from photos_engine.experiences.search.sources import Concepts
from photos_engine.models import corpus
from photos_engine.models.card import as_markdown
from photos_engine.models.corpus import Picture
from photos_engine.models.sight import Sight, read_upright
from photos_engine.models.training import text
from photos_engine.types import FloatArray

CAPTIONS = 400
FEW, MANY = 4, 200  # photos of a tag that can be a phrase
SAME, OTHER = 0.55, 0.45  # likeness of sentences from which two mean the same, and below which they don't
NEAREST = 60  # photos of each phrase that are judged: the rest is easy
THRESHOLDS = (0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8)


@dataclass(frozen=True, slots=True)
class Phrases:
    """vectors (m, 512); right and wrong (photos, m); kinds (m,): "tag", "caption", or "absent": a tag of no photo."""

    vectors: FloatArray
    right: NDArray[np.bool_]
    wrong: NDArray[np.bool_]
    kinds: NDArray[np.str_]


def collect(photos: list[Picture], encoder: TextEncoder, taxonomy: Taxonomy, work: Path) -> Phrases:
    """Phrases, and which photos they are right for."""
    number = {tag.id: place for place, tag in enumerate(taxonomy.tags)}
    counts = np.zeros((len(photos), len(number)), int)
    for row, photo in enumerate(photos):
        for caption in photo.captions:
            counts[row, [number[tag] for tag in taxonomy.in_caption(caption)]] += 1
    agreed = (counts >= 2).sum(0)
    asked = (agreed >= FEW) & (agreed <= MANY)
    absent = counts.sum(0) == 0
    labels = encoder.encode([tag.label for tag in taxonomy.tags])
    captions, right, wrong = _ask_captions(photos, work)
    return Phrases(
        np.concatenate([labels[asked], labels[absent], encoder.encode(captions)]),
        np.concatenate([counts[:, asked] >= 2, counts[:, absent] > 0, right], 1),
        np.concatenate([counts[:, asked] == 0, counts[:, absent] == 0, wrong], 1),
        np.repeat(["tag", "absent", "caption"], [asked.sum(), absent.sum(), len(captions)]),
    )


def _ask_captions(photos: list[Picture], work: Path) -> tuple[list[str], NDArray[np.bool_], NDArray[np.bool_]]:
    net, tokenizer = text.load_minilm(work)
    chosen = np.random.default_rng(0).permutation(len(photos))[:CAPTIONS]
    said = [caption for photo in photos for caption in photo.captions]
    vectors = text.sentence_vectors(net, tokenizer, said)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).reshape(len(photos), -1, text.WIDTH)
    likeness = np.sort(np.einsum("pcd,qd->pqc", vectors, vectors[chosen, 0]), 2)
    right, wrong = likeness[..., -2] >= SAME, likeness[..., -1] < OTHER
    right[chosen, np.arange(len(chosen))] = True
    return [photos[row].captions[0] for row in chosen], right, wrong & ~right


def fit(images: FloatArray, phrases: Phrases, concepts: Concepts) -> dict[str, Any]:
    """The regression's coefficients, and what every threshold gives."""
    scores = np.stack([standard_scores(images, vector, concepts, images @ vector) for vector in phrases.vectors], 2)
    near = np.zeros_like(phrases.right)
    np.put_along_axis(near, np.argsort(-(images @ phrases.vectors.T), 0)[:NEAREST], True, 0)
    judged = near & (phrases.right | phrases.wrong)
    fitted = np.random.default_rng(0).random(len(phrases.kinds)) < 0.5
    lesson = judged & fitted
    regression = LogisticRegression(C=10).fit(scores[:, lesson].T, phrases.right[lesson])
    (photo, phrase), bias = regression.coef_[0], regression.intercept_[0]
    chances = 1 / (1 + np.exp(-(photo * scores[0] + phrase * scores[1] + bias)))
    table = {f"from {least}": _judge(chances >= least, phrases, ~fitted) for least in THRESHOLDS}
    return {"for photo": round(photo, 3), "for phrase": round(phrase, 3), "bias": round(bias, 3), "thresholds": table}


def _judge(found: NDArray[np.bool_], phrases: Phrases, tested: NDArray[np.bool_]) -> dict[str, float]:
    row = {}
    for kind in ("tag", "caption"):
        of = tested & (phrases.kinds == kind)
        right, wrong = ((found & truth)[:, of].sum() for truth in (phrases.right, phrases.wrong))
        row[f"{kind}: precision"] = round(float(right / max(right + wrong, 1)), 3)
        row[f"{kind}: recall"] = round(float(right / phrases.right[:, of].sum()), 3)
    of = tested & (phrases.kinds == "absent")
    return {**row, "absent: none found": round(float((~found[:, of].any(0)).mean()), 3)}


def main() -> None:
    """Print the constants."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--data", type=Path, required=True, help="folder of pictures, laid out as the README says")
    parser.add_argument("--work", type=Path, required=True, help="the recipe's folder, for the published text tower")
    parser.add_argument("--models", type=Path, help="folder of another model than the installed one")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    torch.set_num_threads(1)
    photos = [photo for photo in corpus.list_captioned(options.data) if photo.held_out]
    sight, encoder, taxonomy = Sight.open(options.models), TextEncoder.open(options.models), Taxonomy.load()
    images = np.stack([sight.see(read_upright(photo.path)).signals.embedding for photo in photos])
    concepts = Concepts.of(taxonomy, encoder.encode)
    sys.stdout.write(as_markdown(fit(images, collect(photos, encoder, taxonomy, options.work), concepts)))


if __name__ == "__main__":
    main()
