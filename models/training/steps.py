"""The recipe's steps, in the order in which they run; each reads and writes files of one work folder."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from PIL import Image

from photos_engine.analyzers.preprocess import as_input
from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.models import corpus
from photos_engine.models.corpus import Picture
from photos_engine.models.degrade import EDITS, degrade
from photos_engine.models.training import (
    backbone,
    describe,
    embedding,
    features,
    fuse,
    low,
    pictures,
    prints,
    probes,
    quality,
    saliency,
    scene,
    text,
)
from photos_engine.models.training.config import Recipe

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bench:
    """Where a build reads and writes, and what several steps need."""

    data: Path
    work: Path
    out: Path
    threads: int
    recipe: Recipe = dataclasses.field(default_factory=Recipe)

    @cached_property
    def sets(self) -> dict[str, list[Picture]]:
        """Every picture, by set."""
        result: dict[str, list[Picture]] = {}
        for picture in corpus.list_pictures(self.data):
            result.setdefault(picture.source, []).append(picture)
        return result

    def shard(self, name: str) -> NDArray[np.uint8]:
        """A set's pictures at model size."""
        return pictures.open_shard(self.work, name, self.sets[name])

    def features(self, name: str, *, mirrored: bool = False) -> NDArray[np.float32]:
        """A set's rows of features."""
        return features.open_features(self.work, name, self.shard(name), mirrored=mirrored, threads=self.threads)

    def rows(self, name: str, *, held_out: bool) -> NDArray[np.int64]:
        """The row numbers of a set's pictures that are, or are not, held out."""
        return np.flatnonzero([picture.held_out == held_out for picture in self.sets[name]])


def make_shards(bench: Bench) -> None:
    """Decode every picture once."""
    for name in bench.sets:
        bench.shard(name)


def make_backbone(bench: Bench) -> None:
    """Export the backbone and quantise it, calibrated on pictures of every set."""
    random = np.random.default_rng(0)
    share = bench.recipe.backbone.calibration_pictures // len(bench.sets)
    chosen = []
    for name in bench.sets:
        rows = bench.rows(name, held_out=False)
        chosen.append(bench.shard(name)[np.sort(random.choice(rows, min(share, len(rows)), replace=False))])
    images = np.concatenate(chosen)
    backbone.export_float(bench.work / "backbone_fp32.onnx")
    path = bench.work / "backbone_int8.onnx"
    backbone.quantise(
        bench.work / "backbone_fp32.onnx", path, images[random.permutation(len(images))], bench.recipe.backbone
    )
    # What the lower heads need ends early; cut off, it runs in a third of the time.
    onnx.utils.extract_model(str(path), str(bench.work / "low_int8.onnx"), [backbone.INPUT], list(low.LOW_TAPS))


def make_features(bench: Bench) -> None:
    """Run the frozen backbone over every picture, and over the mirrored captioned ones."""
    for name in bench.sets:
        bench.features(name)
    bench.features("flickr8k", mirrored=True)


def make_caption_vectors(bench: Bench) -> None:
    """Encode every caption."""
    net, tokenizer = text.load_minilm(bench.work)
    captions = [caption for picture in bench.sets["flickr8k"] for caption in picture.captions]
    np.save(bench.work / "caption_vectors.npy", text.sentence_vectors(net, tokenizer, captions))


def train_embedding(bench: Bench) -> None:
    """Train both projections of the joint space on the captioned pictures of the split `train`."""
    rows = bench.rows("flickr8k", held_out=False)
    views = [bench.features("flickr8k", mirrored=mirrored)[rows] for mirrored in (False, True)]
    captions = np.load(bench.work / "caption_vectors.npy").reshape(len(bench.sets["flickr8k"]), -1, text.WIDTH)
    torch.save(embedding.train(views, captions[rows], bench.recipe.embedding), bench.work / "joint.pt")


def load_joint(bench: Bench) -> embedding.JointSpace:
    """Load what `train_embedding` made."""
    joint: embedding.JointSpace = torch.load(bench.work / "joint.pt", weights_only=False)
    return joint


def gather(
    bench: Bench, names: Sequence[str], joint: embedding.JointSpace
) -> tuple[list[Picture], NDArray[np.float32], NDArray[np.float32]]:
    """The training pictures of sets: standardised rows (n, 3048), logits (n, 1000)."""
    chosen = [picture for name in names for picture in bench.sets[name] if not picture.held_out]
    rows = np.concatenate([bench.features(name)[bench.rows(name, held_out=False)] for name in names])
    return chosen, joint.standardise(torch.from_numpy(rows)).numpy(), rows[:, -features.CLASSES :]


def train_scene(bench: Bench) -> None:
    """Fit the probe, weigh it against ImageNet's classes and the prompts, set the thresholds."""
    config, taxonomy, joint = bench.recipe.scene, Taxonomy.load(), load_joint(bench)
    chosen, rows, logits = gather(bench, ("flickr8k", *corpus.LABELLED_SETS), joint)
    embeddings = joint.embed(rows)
    targets, weights = probes.tag_labels(chosen, taxonomy, config.unlisted)
    net, tokenizer = text.load_minilm(bench.work)
    tower = text.TextTower(net, joint.text).eval()
    prompts = text.prompt_vectors(tower, tokenizer, [taxonomy.evidence(tag.id).prompts for tag in taxonomy.tags])
    log.info("scene: %d pictures, %d prompts", len(chosen), len(prompts))
    fold = np.random.default_rng(bench.recipe.probe.seed).integers(config.folds, size=len(chosen))
    probed, axes = np.zeros_like(targets), probes.principal_axes(rows, bench.recipe.probe)
    for number in range(config.folds):
        learn, judge = fold != number, fold == number
        probe = probes.fit_reduced(rows[learn], axes, targets[learn], weights[learn], bench.recipe.probe)
        probed[judge] = probe(torch.from_numpy(rows[judge])).numpy()
    probe = probes.fit_reduced(rows, axes, targets, weights, bench.recipe.probe)
    classes = scene.class_matrix(taxonomy)
    blank = torch.zeros(3, len(taxonomy))
    head = scene.SceneHead(torch.from_numpy(classes), torch.from_numpy(prompts.T.copy()), probe, blank, blank[0])
    named, alike, _ = head.witnesses(*(torch.from_numpy(array) for array in (rows, logits, embeddings)))
    result = scene.calibrate(
        (named.numpy(), alike.numpy(), probed), targets, weights, np.asarray(classes.any(axis=0)), config
    )
    head.mix, head.offset = torch.from_numpy(result.mix), torch.from_numpy(result.offset)
    torch.save({"head": head, "thresholds": result.thresholds}, bench.work / "scene.pt")
    log.info("scene: %d of %d tags can be said", (result.thresholds <= 1).sum(), len(taxonomy))


def train_utility(bench: Bench) -> None:
    """Fit the utility probe against ordinary photos."""
    joint = load_joint(bench)
    names = ("flickr8k", "coco128", "subjects", *corpus.LABELLED_SETS)
    chosen, rows, _ = gather(bench, names, joint)
    kinds, targets = probes.utility_labels(chosen)
    config = bench.recipe.utility
    head = probes.fit_reduced(rows, probes.principal_axes(rows, config), targets, np.ones_like(targets), config)
    torch.save({"head": head, "kinds": kinds}, bench.work / "utility.pt")


def _good_pictures(bench: Bench, count: int, seed: int) -> list[Picture]:
    """Training pictures of ordinary photos, spread over the sets so that indoors, night and snow are there."""
    shares = {
        "flickr8k": 0.35,
        "scenes": 0.15,
        "rooms": 0.1,
        "events": 0.15,
        "weather": 0.1,
        "coco128": 0.1,
        "subjects": 0.05,
    }
    random, chosen = np.random.default_rng(seed), []
    for name, share in shares.items():
        rows = random.permutation(bench.rows(name, held_out=False))[: max(1, round(count * share))]
        chosen += [bench.sets[name][row] for row in rows]
    return chosen


def _low(bench: Bench, images: Sequence[Image.Image]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    session = features.open_session(bench.work / "low_int8.onnx", bench.threads)
    batch = np.stack([as_input(np.asarray(image.convert("RGB"))) for image in images])
    maps = session.run(list(low.LOW_TAPS), {backbone.INPUT: batch})
    return low.low_features(batch, maps, low.LowStatistics())


def train_quality(bench: Bench) -> None:
    """Degrade good pictures by known measures, and learn to see how much is left."""
    path, config = bench.work / "quality_train.npz", bench.recipe.quality
    if not path.is_file():
        random, rows, targets = np.random.default_rng(config.seed), [], []
        for picture in _good_pictures(bench, config.pictures, config.seed):
            made = list(degrade(Image.fromarray(pictures.read_rgb(picture.path)), random))
            rows.append(_low(bench, [item.image for item in made])[0])
            targets += [item.targets for item in made]
        np.savez(path, x=np.concatenate(rows), y=np.array(targets, np.float32))
    with np.load(path) as saved:
        torch.save(quality.train(saved["x"], saved["y"], config), bench.work / "quality.pt")


def train_prints(bench: Bench) -> None:
    """Edit pictures in ways that leave them the same picture, and learn to be blind to that."""
    path, config = bench.work / "print_train.npz", bench.recipe.prints
    if not path.is_file():
        random, layouts = np.random.default_rng(config.seed), []
        for picture in _good_pictures(bench, config.pictures, config.seed + 1):
            image = Image.fromarray(pictures.read_rgb(picture.path))
            layouts.append(
                _low(bench, [image, *(edit(image, random) for edit in EDITS.values())])[1].astype(np.float16)
            )
        np.savez(path, x=np.stack(layouts))
    with np.load(path) as saved:
        torch.save(prints.train(saved["x"].astype(np.float32), config), bench.work / "print.pt")


def train_saliency(bench: Bench) -> None:
    """Learn where things are from the boxes at hand."""
    rows = bench.rows("coco128", held_out=False)
    stage4, stage6 = saliency_maps(bench, rows)
    targets = np.stack([saliency.cover(corpus.read_boxes(bench.sets["coco128"][row].path)) for row in rows])
    torch.save(saliency.train(stage4, stage6, targets, bench.recipe.saliency), bench.work / "saliency.pt")


def saliency_maps(bench: Bench, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The maps that the saliency head reads, of pictures with boxes."""
    session = features.open_session(bench.work / "backbone_int8.onnx", bench.threads)
    shard = bench.shard("coco128")
    maps = [
        session.run(["stage4", "stage6"], {backbone.INPUT: np.ascontiguousarray(shard[row : row + 1])}) for row in rows
    ]
    return np.concatenate([item[0] for item in maps]), np.concatenate([item[1] for item in maps])


def write_image_model(bench: Bench) -> None:
    """Put every head behind the backbone."""
    load = [
        torch.load(bench.work / f"{name}.pt", weights_only=False)
        for name in ("scene", "utility", "quality", "print", "saliency")
    ]
    heads = fuse.Heads(load_joint(bench), load[0]["head"], load[1]["head"], *load[2:])
    bench.out.mkdir(parents=True, exist_ok=True)
    fuse.fuse(bench.work / "backbone_int8.onnx", heads, bench.out / describe.IMAGE_MODEL, bench.work)


def write_text_tower(bench: Bench) -> None:
    """Put the text projection behind MiniLM, in int8, with its tokenizer beside it."""
    net, tokenizer = text.load_minilm(bench.work)
    text.export_tower(text.TextTower(net, load_joint(bench).text), bench.out / describe.TEXT_MODEL, bench.work)
    tokenizer.save(str(bench.out / describe.TOKENIZER), pretty=False)


def write_manifest(bench: Bench) -> None:
    """Describe what was made; the metrics are filled in by `photos_engine.models.evaluate`."""
    thresholds = torch.load(bench.work / "scene.pt", weights_only=False)["thresholds"]
    kinds = torch.load(bench.work / "utility.pt", weights_only=False)["kinds"]
    describe.write_manifest(bench.out, Taxonomy.load(), thresholds, kinds)
