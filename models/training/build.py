"""Builds every artefact from the packages and a folder of pictures.

    python -m photos_engine.models.training.build --data DIR --work DIR --out models/ --teacher PACKAGE

Each step leaves its result in the work folder and is skipped where that is there already: a stopped
build goes on from where it was, and `--again STEP` repeats a step and all that follow. `--start MODELS`
takes backbone, text tower and projections from finished files instead of training them; with `--again fine_tune`
they learn on.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import time
from collections.abc import Callable
from pathlib import Path

import torch

from photos_engine.models.training import looks_steps, objects_steps, steps, unpack, utility
from photos_engine.models.training.world import World

log = logging.getLogger(__name__)

STEPS: tuple[Callable[[steps.Bench], None], ...] = (
    utility.generate_pictures,
    steps.make_shards,
    objects_steps.label_objects,
    steps.reconstruct_backbone,
    steps.prune_text,
    steps.fine_tune,
    steps.make_features,
    steps.train_embedding,
    steps.train_scene,
    utility.train_utility,
    objects_steps.train_objects,
    looks_steps.train_saliency,
    looks_steps.train_quality,
    looks_steps.train_prints,
    looks_steps.train_aesthetics,
    steps.write_image_model,
    steps.write_text_tower,
    steps.write_manifest,
)


# What finished files hold the results of.
FINISHED = (steps.reconstruct_backbone, steps.prune_text, steps.fine_tune)
# The steps with a `Loop`, which torchrun's processes walk together. The rest the first one does alone.
TOGETHER = (steps.prune_text, steps.fine_tune, steps.train_embedding, objects_steps.train_objects)


def main() -> None:
    """Run the recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of pictures, laid out as the README says")
    parser.add_argument("--work", type=Path, required=True, help="folder for what lies between, about 10 GB")
    parser.add_argument("--out", type=Path, required=True, help="folder that the artefacts go to")
    parser.add_argument("--again", choices=[step.__name__ for step in STEPS], help="repeat from this step on")
    parser.add_argument("--teacher", type=Path, help="the npm package @vladmandic/human, unpacked; needed once")
    parser.add_argument("--start", type=Path, help="folder of finished files to go on from")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    world = World.join()
    logging.basicConfig(level=logging.WARNING if world.rank else logging.INFO, format="%(message)s")
    torch.set_num_threads(options.threads)
    bench = steps.Bench(options.data, options.work, options.out, options.threads, options.teacher)
    options.work.mkdir(parents=True, exist_ok=True)
    if options.again and not world.rank:
        names = [step.__name__ for step in STEPS]
        for name in names[names.index(options.again) :]:
            (options.work / f"{name}.done").unlink(missing_ok=True)
        _forget_checkpoints(options.work)
    world.wait()
    for step in STEPS:
        done = options.work / f"{step.__name__}.done"
        if step in FINISHED and options.start and not bench.started.is_file():
            if not world.rank:
                _start_from(options.start, bench, options.again)
            world.wait()
        if done.is_file():
            continue
        began = time.monotonic()
        if step in TOGETHER or not world.rank:
            step(bench)
        world.wait()
        if not world.rank:
            done.write_text(f"{time.monotonic() - began:.0f} s\n", encoding="utf-8")
            _forget_checkpoints(options.work)
        log.info("%s: %.0f s", step.__name__, time.monotonic() - began)


def _start_from(models: Path, bench: steps.Bench, again: str | None) -> None:
    unpack.adopt(bench, models)
    finished = itertools.takewhile(lambda step: step.__name__ != again, FINISHED)
    for path in (*(bench.work / f"{step.__name__}.done" for step in finished), bench.started):
        path.write_text(f"from {models}\n", encoding="utf-8")


def _forget_checkpoints(work: Path) -> None:
    """A finished step needs none, and would end before it began where it is repeated."""
    for checkpoint in work.glob("*.ckpt"):
        checkpoint.unlink()


if __name__ == "__main__":
    main()
