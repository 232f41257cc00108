"""The classification-only twin of the scene head: does the image-language backbone gain here too?

The original's older backbone was a classifier and nothing else. The twin is what our tags would be with
such a one: the same pictures, labels, folds and calibration, but only ImageNet's logits and the last
features, pooled over the picture; no embedding trained on captions, no likeness to prompts, no other maps.

    python -m photos_engine.models.training.twin --data DIR --work DIR [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from photos_engine.analyzers.heads.tags import TagReader
from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.models import corpus
from photos_engine.models.card import as_markdown
from photos_engine.models.corpus import Picture
from photos_engine.models.evaluate.tags import figures_of_set
from photos_engine.models.labels import sure_labels, tag_labels
from photos_engine.models.training import steps
from photos_engine.models.training.backbone import INPUT, TappedBackbone, export_float, normalise
from photos_engine.models.training.config import ProbeConfig, load_config
from photos_engine.models.training.embedding import Standardise
from photos_engine.models.training.features import BATCH, CLASSES, open_session
from photos_engine.models.training.scene import Lesson, SceneConfig, SceneHead, train

log = logging.getLogger(__name__)

SETS = ("flickr8k", *corpus.LABELLED_SETS)
LESSONS = (*SETS, "coco128", corpus.GENERATED)
FULL, TWIN = "with the joint embedding", "classification only"


def compare(bench: steps.Bench) -> dict[str, Any]:
    """Train the twin, and give mAP, precision and recall of both on every held-out set.

    The full head is the one that `train_scene` has left in the work folder.
    """
    taxonomy, joint = Taxonomy.load(), steps.load_joint(bench)
    saved = torch.load(bench.work / "scene.pt", weights_only=False)
    sets = [source for source in LESSONS if source in bench.sets]
    bare = {source: classifier_rows(bench, source) for source in sets}
    scale = Standardise(bare[sets[0]].shape[1])
    scale.fit(bare[sets[0]][bench.rows(sets[0], held_out=False)])
    twin, thresholds = _train(bench, taxonomy, sets, bare, scale)
    table: dict[str, Any] = {}
    for source in (source for source in sets if source in SETS):
        held = bench.rows(source, held_out=True)
        pictures = [bench.sets[source][row] for row in held]
        raw = bench.features(source)[held]
        rows: NDArray[np.float32] = joint.standardise(torch.from_numpy(raw)).numpy()
        full = _chances(saved["head"], rows, raw, joint.embed(rows))
        plain = bare[source][held]
        alone = _chances(twin, scale(torch.from_numpy(plain)).numpy(), plain, _no_embeddings(len(held)))
        table[f"{source}: {FULL}"] = _measure(pictures, full, saved["thresholds"], taxonomy)
        table[f"{source}: {TWIN}"] = _measure(pictures, alone, thresholds, taxonomy)
    return table | _means(table)


def classifier_rows(bench: steps.Bench, source: str) -> NDArray[np.float32]:
    """What a bare classifier knows of a set's pictures, (n, 2280): its last features, pooled, and its logits.

    From the backbone in float as it was published, whatever the recipe did to it since; kept in the work folder.
    """
    path = bench.work / "twin" / f"{source}.npy"
    if not path.is_file():
        graph = bench.work / "published_fp32.onnx"
        if not graph.is_file():
            export_float(TappedBackbone(), graph)
        session, images = open_session(graph, bench.threads), bench.shard(source)
        parts = []
        for start in range(0, len(images), BATCH):
            batch = normalise(images[start : start + BATCH])
            last, logits = session.run(["features", "logits"], {INPUT: batch})
            parts.append(np.concatenate([last.mean((2, 3)), logits], 1))
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.concatenate(parts).astype(np.float32))
        log.info("twin's features %s: %d pictures", source, len(images))
    result: NDArray[np.float32] = np.load(path)
    return result


def _train(
    bench: steps.Bench, taxonomy: Taxonomy, sets: Sequence[str], bare: Mapping[str, NDArray[np.float32]],
    scale: Standardise,
) -> tuple[SceneHead, NDArray[np.float32]]:  # fmt: skip
    learn = {source: bench.rows(source, held_out=False) for source in sets}
    pictures = [bench.sets[source][row] for source in sets for row in learn[source]]
    plain = np.concatenate([bare[source][learn[source]] for source in sets])
    rows: NDArray[np.float32] = scale(torch.from_numpy(plain)).numpy()
    config, probing = load_config(SceneConfig, "scene"), load_config(ProbeConfig, "probe")
    labels = tag_labels(pictures, taxonomy, config.unlisted)
    lesson = Lesson(rows, plain[:, -CLASSES:], _no_embeddings(len(plain)), labels)
    return train(lesson, np.zeros((1, len(taxonomy)), np.float32), taxonomy, config, probing)


def _no_embeddings(count: int) -> NDArray[np.float32]:
    return np.zeros((count, 1), np.float32)


def _chances(
    head: SceneHead, rows: NDArray[np.float32], raw: NDArray[np.float32], embeddings: NDArray[np.float32]
) -> NDArray[np.float32]:
    with torch.inference_mode():
        logits = torch.from_numpy(np.ascontiguousarray(raw[:, -CLASSES:]))
        result: NDArray[np.float32] = head(torch.from_numpy(rows), logits, torch.from_numpy(embeddings)).numpy()
    return result


def _measure(
    pictures: Sequence[Picture], chances: NDArray[np.float32], thresholds: NDArray[np.float32], taxonomy: Taxonomy
) -> dict[str, Any]:
    reader = TagReader([tag.id for tag in taxonomy.tags], thresholds, taxonomy)
    said = np.array([[tag.id in read for tag in taxonomy.tags] for read in map(reader.read, chances)])
    return figures_of_set(chances, said, *sure_labels(pictures, taxonomy))


def _means(table: dict[str, Any]) -> dict[str, Any]:
    """The mean over the sets, of each kind of head."""
    means: dict[str, Any] = {}
    for kind in (FULL, TWIN):
        rows = [row for name, row in table.items() if name.endswith(kind)]
        means[f"mean of the sets: {kind}"] = {}
        for figure in ("mAP", "precision", "recall"):
            known = [row[figure] for row in rows if row[figure] is not None]
            means[f"mean of the sets: {kind}"][figure] = round(float(np.mean(known)), 2) if known else None
    return means


def main() -> None:
    """Train the twin and print both."""
    parser = argparse.ArgumentParser(
        prog="python -m photos_engine.models.training.twin", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--data", type=Path, required=True, help="folder of pictures, laid out as the README says")
    parser.add_argument("--work", type=Path, required=True, help="folder in which `build` has run `train_scene`")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    torch.set_num_threads(options.threads)
    table = compare(steps.Bench(options.data, options.work, options.work, options.threads))
    sys.stdout.write(as_markdown({"scene tags, held out": table}))
    if options.json:
        options.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
