"""Measures the shipped files as a user runs them, on pictures that no training has seen.

    python -m photos_engine.models.evaluate --data DIR [--json FILE] [--markdown FILE] [--card FILE]

Everything goes through `SceneAnalyzer` and `TextEncoder`; torch is not needed. With `--record` the
figures go into the manifest too.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from photos_engine.analyzers import SceneAnalyzer, TextEncoder
from photos_engine.models import corpus, measures
from photos_engine.models.card import as_markdown, render_card
from photos_engine.models.corpus import Picture
from photos_engine.models.degrade import EDITS, degrade
from photos_engine.models.registry import MANIFEST, installed_folder, load_manifest
from photos_engine.types import UTILITY_KINDS, SceneSignals

log = logging.getLogger(__name__)

ORDINARY_SETS = ("flickr8k", "coco128", "subjects", "scenes", "scenes_grey", "weather", "rooms", "events")
FALSE_POSITIVES = 0.005
SPOILED = {"blur": 4, "dark": 4, "bright": 4}  # degradations that a library must not show, by grade
DEGRADED_PICTURES, EDITED_PICTURES = 60, 120


@dataclass
class Subject:
    """The model being measured, with every held-out picture's signals, computed once."""

    analyzer: SceneAnalyzer
    encoder: TextEncoder
    pictures: list[Picture]
    threads: int
    signals: dict[Path, SceneSignals] = field(default_factory=dict)

    def of(self, pictures: Sequence[Picture]) -> list[SceneSignals]:
        """Signals of pictures as they are, in their order."""
        missing = [picture.path for picture in pictures if picture.path not in self.signals]
        with ThreadPoolExecutor(self.threads) as pool:
            self.signals.update(zip(missing, pool.map(lambda path: self.see(_read(path)), missing), strict=True))
        return [self.signals[picture.path] for picture in pictures]

    def see(self, image: Image.Image) -> SceneSignals:
        """Signals of a picture that was altered."""
        return self.analyzer.analyze_one(np.asarray(image))

    def held_out(self, *sources: str) -> list[Picture]:
        """The pictures of sets that no training has seen."""
        return [picture for picture in self.pictures if picture.held_out and picture.source in sources]

    def sample(self, count: int, seed: int) -> list[Picture]:
        """Ordinary held-out photos, spread evenly over the sets."""
        random, chosen = np.random.default_rng(seed), []
        for source in ORDINARY_SETS:
            pictures = self.held_out(source)
            rows = random.permutation(len(pictures))[: count // len(ORDINARY_SETS)]
            chosen += [pictures[row] for row in rows]
        return chosen


def measure_retrieval(subject: Subject) -> dict[str, Any]:
    """Text to image and back on the captioned split `dev`."""
    pictures = subject.held_out("flickr8k")
    images = np.stack([signals.embedding for signals in subject.of(pictures)])
    captions = [caption for picture in pictures for caption in picture.captions]
    owners = np.repeat(np.arange(len(pictures)), [len(picture.captions) for picture in pictures])
    return {"pictures": len(pictures), **measures.retrieval(images, subject.encoder.encode(captions), owners)}


def measure_tags(subject: Subject) -> dict[str, Any]:
    """Precision and recall of folders' tags within their sets, and of all tags against captions."""
    table: dict[str, Any] = {}
    for source, siblings in corpus.FOLDER_TAGS.items():
        for tag in sorted({tag for tags in siblings.values() for tag in tags}):
            showing = {label for label, tags in siblings.items() if tag in tags}
            pictures = [
                picture
                for picture in subject.held_out(source)
                if picture.label in showing or showing <= corpus.excluded_labels(source, picture.label)
            ]
            true = [picture.label in showing for picture in pictures]
            found = [tag in signals.tags for signals in subject.of(pictures)]
            table[f"{source}: {tag}"] = measures.precision_and_recall(found, true)
    captioned = subject.held_out("flickr8k")
    taxonomy = subject.analyzer.taxonomy
    said = told = right = 0
    for picture, signals in zip(captioned, subject.of(captioned), strict=True):
        mentioned = frozenset().union(*(taxonomy.in_caption(caption) for caption in picture.captions))
        said, told, right = (
            said + len(signals.tags),
            told + len(mentioned),
            right + len(mentioned & signals.tags.keys()),
        )
    overall = {
        "tags a photo": round(said / max(len(captioned), 1), 2),
        "of them in a caption, %": round(100 * right / max(said, 1), 1),
        "of the captions' tags, %": round(100 * right / max(told, 1), 1),
    }
    return {"by folder": table, "against captions": overall}


def measure_utility(subject: Subject) -> dict[str, Any]:
    """Recall of each kind at a fixed share of false positives among ordinary photos."""
    ordinary = subject.of(subject.held_out(*ORDINARY_SETS))
    table: dict[str, Any] = {"ordinary photos": len(ordinary)}
    for kind in UTILITY_KINDS:
        pictures = [p for p in subject.held_out("utility") if corpus.UTILITY_LABELS.get(p.label) == kind]
        signals = subject.of(pictures)
        if not signals or kind not in signals[0].utility:
            continue
        own, others = (np.array([s.utility[kind] for s in group]) for group in (signals, ordinary))
        found, threshold = measures.recall_at_false_positives(own, others, FALSE_POSITIVES)
        table[kind] = {
            "pictures": len(signals),
            "recall at 0.5 % false positives": found,
            "threshold": round(threshold, 3),
            "recall at even odds": round(float((own >= 0.5).mean() * 100), 1),
            "false positives at even odds, %": round(float((others >= 0.5).mean() * 100), 2),
        }
    return table


def measure_quality(subject: Subject) -> dict[str, Any]:
    """Whether graded harm is put in order, and spoiled pictures told from good ones."""
    random = np.random.default_rng(1)
    scores = {"blur": "sharpness", "motion": "sharpness", "dark": "exposure", "bright": "exposure", "noise": "noise",
              "compression": "noise"}  # fmt: skip
    right = {(kind, name): [0, 0] for kind, name in (*scores.items(), *((kind, "overall") for kind in scores))}
    spoiled: dict[str, list[float]] = {kind: [] for kind in SPOILED}
    for picture in subject.sample(DEGRADED_PICTURES, seed=1):
        made = [
            (item.kind, item.grade, subject.see(item.image).quality) for item in degrade(_read(picture.path), random)
        ]
        for kind, name in right:
            series = [(grade, getattr(quality, name)) for k, grade, quality in made if k in ("none", kind)]
            good, pairs = measures.ordered_pairs(*zip(*series, strict=True))
            right[kind, name][0] += good
            right[kind, name][1] += pairs
        for kind, grade in SPOILED.items():
            spoiled[kind] += [quality.overall for k, g, quality in made if (k, g) == (kind, grade)]
    good_scores = np.array([s.quality.overall for s in subject.of(subject.held_out(*ORDINARY_SETS))])
    worst = np.quantile(good_scores, 0.02)
    found = {
        kind: {
            "area under ROC": round(measures.rank_area(good_scores, np.array(values)), 4),
            "found, % (2 % of good ones lost)": round(float((values < worst).mean() * 100), 1),
            **{f"overall, {share}": value for share, value in measures.quantiles(values).items()},
        }
        for kind, values in spoiled.items()
    }
    order = {f"{kind} by {name}": round(100 * good / max(pairs, 1), 1) for (kind, name), (good, pairs) in right.items()}
    by_set = {source: measures.quantiles(s.quality.overall for s in subject.of(subject.held_out(source)))
              for source in ORDINARY_SETS if subject.held_out(source)}  # fmt: skip
    return {"pairs in order, %": order, "spoiled": found, "overall of good pictures": by_set}


def measure_prints(subject: Subject) -> dict[str, Any]:
    """Distances of prints between a picture and its edits, and between different pictures."""
    random = np.random.default_rng(2)
    pictures = subject.sample(EDITED_PICTURES, seed=2)
    table: dict[str, Any] = {}
    originals = np.array([list(signals.print) for signals in subject.of(pictures)], np.uint8)
    for name, edit in EDITS.items():
        edited = np.array(
            [list(subject.see(edit(_read(picture.path), random)).print) for picture in pictures], np.uint8
        )
        table[name] = measures.quantiles(np.diag(measures.hamming_matrix(originals, edited)))
    every = subject.held_out(*ORDINARY_SETS)
    prints = np.array([list(signals.print) for signals in subject.of(every)], np.uint8)
    distances = measures.hamming_matrix(prints, prints)
    np.fill_diagonal(distances, 999)
    table["different pictures"] = measures.quantiles(distances[distances < 999][::97], (0.0001, 0.01, 0.5, 0.99))
    table["nearest different picture"] = measures.quantiles(distances.min(1))
    return table


def measure_saliency(subject: Subject) -> dict[str, Any]:
    """Whether heat lies on things: inside and outside boxes, against a centre prior."""
    inside, outside, mass, prior_mass, covered, hits, prior_hits = [], [], [], [], [], [], []
    for picture in subject.held_out("coco128"):
        heat = subject.of([picture])[0].saliency
        side = len(heat)
        boxes = corpus.read_boxes(picture.path)
        mask = measures.box_mask(boxes, side)
        if not mask.any() or mask.mean() > 0.8:
            continue
        prior = measures.centre_prior(side)
        inside.append(heat[mask].mean())
        outside.append(heat[~mask].mean())
        mass.append(heat[mask].sum() / heat.sum())
        prior_mass.append(prior[mask].sum() / prior.sum())
        covered.append(mask.mean())
        hits.append(mask.flat[heat.argmax()])
        prior_hits.append(mask[side // 2, side // 2])
    if not inside:
        return {}
    names = ("mean inside boxes", "mean outside", "share of heat inside", "the same of a centre prior",
             "share of area inside", "hottest cell inside", "middle cell inside")  # fmt: skip
    columns = (inside, outside, mass, prior_mass, covered, hits, prior_hits)
    return {"pictures": len(inside)} | {
        name: round(float(np.mean(c)), 3) for name, c in zip(names, columns, strict=True)
    }


MEASURES = {
    "retrieval": measure_retrieval,
    "tags": measure_tags,
    "utility": measure_utility,
    "quality": measure_quality,
    "print": measure_prints,
    "saliency": measure_saliency,
}


def main() -> None:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of pictures, laid out as in models/training/README.md"
    )
    parser.add_argument("--models", type=Path, help="folder of another model than the installed one")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--markdown", type=Path, help="write the tables here")
    parser.add_argument("--card", type=Path, help="write the model card here")
    parser.add_argument("--record", action="store_true", help="put the figures into the model's manifest")
    parser.add_argument("--only", choices=MEASURES, nargs="+", default=list(MEASURES))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    subject = Subject(
        SceneAnalyzer.open(options.models),
        TextEncoder.open(options.models),
        corpus.list_pictures(options.data),
        options.threads,
    )
    figures: dict[str, Any] = {}
    for name in options.only:
        began = time.monotonic()
        figures[name] = MEASURES[name](subject)
        log.info("%s: %.0f s", name, time.monotonic() - began)
    text = as_markdown(figures)
    sys.stdout.write(text)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    if options.card:
        options.card.write_text(render_card(load_manifest(options.models), figures), encoding="utf-8")
    if options.record:
        path = (options.models or installed_folder()) / MANIFEST
        document = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(document | {"metrics": figures}, indent=1) + "\n", encoding="utf-8")


def _read(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


if __name__ == "__main__":
    main()
