"""Builds every artefact from the packages and a folder of pictures.

    python -m photos_engine.models.training.build --data DIR --work DIR --out models/

Each step leaves its result in the work folder and is skipped where that is there already: a stopped
build goes on from where it was, and `--again STEP` repeats a step and all that follow.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable
from pathlib import Path

import torch

from photos_engine.models.training import steps

log = logging.getLogger(__name__)

STEPS: tuple[Callable[[steps.Bench], None], ...] = (
    steps.make_shards,
    steps.make_backbone,
    steps.make_features,
    steps.make_caption_vectors,
    steps.train_embedding,
    steps.train_scene,
    steps.train_utility,
    steps.train_quality,
    steps.train_prints,
    steps.train_saliency,
    steps.write_image_model,
    steps.write_text_tower,
    steps.write_manifest,
)


def main() -> None:
    """Run the recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of pictures, laid out as the README says")
    parser.add_argument("--work", type=Path, required=True, help="folder for what lies between, about 4 GB")
    parser.add_argument("--out", type=Path, required=True, help="folder that the artefacts go to")
    parser.add_argument("--again", choices=[step.__name__ for step in STEPS], help="repeat from this step on")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(options.threads)
    bench = steps.Bench(options.data, options.work, options.out, options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    repeating = False
    for step in STEPS:
        done = options.work / f"{step.__name__}.done"
        repeating = repeating or step.__name__ == options.again
        if done.is_file() and not repeating:
            continue
        began = time.monotonic()
        step(bench)
        done.write_text(f"{time.monotonic() - began:.0f} s\n", encoding="utf-8")
        log.info("%s: %.0f s", step.__name__, time.monotonic() - began)


if __name__ == "__main__":
    main()
