"""The command: every table, printed and written.

    python -m photos_engine.models.evaluate --data DIR [--json FILE] [--markdown FILE] [--card FILE]

Everything goes through `SceneAnalyzer` and `TextEncoder`. With `--record` the figures go into the
manifest too; with `--reference DIR` a second model sees the same pictures and both stand side by side.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from photos_engine.models import corpus
from photos_engine.models.card import as_markdown, render_card
from photos_engine.models.evaluate.aesthetics import measure_aesthetics
from photos_engine.models.evaluate.compare import compare_figures, compare_outputs
from photos_engine.models.evaluate.objects import measure_objects
from photos_engine.models.evaluate.prints import measure_prints
from photos_engine.models.evaluate.quality import measure_quality
from photos_engine.models.evaluate.retrieval import measure_retrieval
from photos_engine.models.evaluate.saliency import measure_saliency
from photos_engine.models.evaluate.slices import measure_slices
from photos_engine.models.evaluate.subject import Subject
from photos_engine.models.evaluate.tags import measure_tags
from photos_engine.models.evaluate.utility import measure_utility
from photos_engine.models.evaluate.zero_shot import measure_zero_shot
from photos_engine.models.registry import MANIFEST, installed_folder, load_manifest

log = logging.getLogger(__name__)

MEASURES: dict[str, Callable[[Subject], dict[str, Any]]] = {
    "retrieval": measure_retrieval,
    "zero-shot": measure_zero_shot,
    "tags": measure_tags,
    "objects": measure_objects,
    "utility": measure_utility,
    "quality": measure_quality,
    "aesthetics": measure_aesthetics,
    "print": measure_prints,
    "saliency": measure_saliency,
    "slices": measure_slices,
}


def main() -> None:
    """Measure and write the tables."""
    options = _parse()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    pictures = corpus.list_pictures(options.data)
    subject = Subject(options.models, pictures, options.threads)
    figures = measure(subject, options.only)
    if options.reference:
        reference = Subject(options.reference, pictures, options.threads)
        log.info("reference: %s", options.reference)
        figures["against the reference"] = compare_figures(figures, measure(reference, options.only))
        figures["outputs against the reference"] = compare_outputs(subject, reference)
    text = as_markdown(figures)
    sys.stdout.write(text)
    _write(options, figures, text)


def measure(subject: Subject, names: Sequence[str]) -> dict[str, Any]:
    """Every table of that name which the model and the pictures have something for."""
    figures: dict[str, Any] = {}
    for name in names:
        began = time.monotonic()
        if table := MEASURES[name](subject):
            figures[name] = table
        log.info("%s: %.0f s", name, time.monotonic() - began)
    return figures


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m photos_engine.models.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of pictures, laid out as in models/training/README.md"
    )
    parser.add_argument("--models", type=Path, help="folder of another model than the installed one")
    parser.add_argument("--reference", type=Path, help="folder of a model to compare with, metric by metric")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--markdown", type=Path, help="write the tables here")
    parser.add_argument("--card", type=Path, help="write the model card here")
    parser.add_argument("--record", action="store_true", help="put the figures into the model's manifest")
    parser.add_argument("--only", choices=MEASURES, nargs="+", default=list(MEASURES))
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def _write(options: argparse.Namespace, figures: dict[str, Any], text: str) -> None:
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
