"""The recipe's steps, in the order in which they run; each reads and writes files of one work folder."""

from __future__ import annotations

import dataclasses
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.models import corpus
from photos_engine.models.corpus import Picture
from photos_engine.models.labels import tag_labels
from photos_engine.models.training import (
    backbone,
    describe,
    embedding,
    features,
    further,
    fuse,
    low,
    pictures,
    pruning,
    quantise,
    scene,
    text,
)
from photos_engine.models.training.config import ProbeConfig, load_config
from photos_engine.models.training.features import TailInputs
from photos_engine.models.training.scene import SceneConfig
from photos_engine.models.training.world import World

log = logging.getLogger(__name__)

SCENE_SETS = ("flickr8k", *corpus.LABELLED_SETS, "coco128", corpus.GENERATED)


@dataclass(frozen=True)
class Bench:
    """Where a build reads and writes, and what several steps need."""

    data: Path
    work: Path
    out: Path
    threads: int
    teacher: Path | None = None  # the package of the object teacher, unpacked; needed once

    @property
    def started(self) -> Path:
        """There where the build went on from finished files (`unpack.py`)."""
        return self.work / "started.done"

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where graphs go: the rounded ones, and others to compare with where the weights before rounding are known."""
        return (self.out,) if self.started.is_file() else (self.work / "reference", self.out)

    @cached_property
    def sets(self) -> dict[str, list[Picture]]:
        """Every picture, by set; the generated ones once they are there."""
        result: dict[str, list[Picture]] = {}
        for picture in (*corpus.list_pictures(self.data), *corpus.list_generated(self.work)):
            result.setdefault(picture.source, []).append(picture)
        return result

    def shard(self, name: str) -> NDArray[np.uint8]:
        """A set's pictures at model size."""
        return pictures.open_shard(self.work, name, self.sets[name])

    def features(self, name: str, *, mirrored: bool = False) -> NDArray[np.float32]:
        """A set's rows of features."""
        return features.open_features(self.work, name, self.shard(name), mirrored=mirrored, threads=self.threads)

    def tail_inputs(self, name: str, *, mirrored: bool = False) -> TailInputs:
        """What enters the backbone's last blocks, of a set's pictures."""
        return features.open_tail_inputs(self.work, name, self.shard(name), mirrored=mirrored, threads=self.threads)

    def rows(self, name: str, *, held_out: bool) -> NDArray[np.int64]:
        """The row numbers of a set's pictures that are, or are not, held out."""
        return np.flatnonzero([picture.held_out == held_out for picture in self.sets[name]])


def make_shards(bench: Bench) -> None:
    """Decode every picture once."""
    for name in bench.sets:
        bench.shard(name)


def reconstruct_backbone(bench: Bench) -> None:
    """Tune the backbone so that rounding it is harmless, on pictures of every set."""
    config = load_config(quantise.ReconstructionConfig, "backbone")
    network = backbone.TappedBackbone().requires_grad_(False)
    stages = quantise.as_stages(network)
    images = backbone.normalise(_some_pictures(bench, config.pictures, config.seed))
    quantise.reconstruct(stages, torch.from_numpy(images), config)
    save_backbone(bench, "reconstructed", network, stages)


def _some_pictures(bench: Bench, count: int, seed: int) -> NDArray[np.uint8]:
    """Training pictures of every set, at model size, in a random order."""
    random = np.random.default_rng(seed)
    shares = {name: 0.4 if name == "flickr8k" else 0.6 / (len(bench.sets) - 1) for name in bench.sets}
    chosen = []
    for name, share in shares.items():
        rows = bench.rows(name, held_out=False)
        chosen.append(bench.shard(name)[np.sort(random.permutation(rows)[: max(1, round(count * share))])])
    images = np.concatenate(chosen)
    return images[random.permutation(len(images))]


def save_backbone(bench: Bench, name: str, network: backbone.TappedBackbone, stages: list[quantise.Stage]) -> None:
    """Keep a backbone: weights and ranges as NAME.pt, the graphs as NAME_fp32.onnx and NAME_int8.onnx."""
    torch.save({"weights": network.state_dict(), "ranges": [s.ranges for s in stages]}, bench.work / f"{name}.pt")
    float_path = bench.work / f"{name}_fp32.onnx"
    backbone.export_float(network, float_path)
    overrides = quantise.overrides(stages, onnx.load(str(float_path)).graph)
    images = _some_pictures(bench, 48, seed=1)  # for the logits' range, the only one that isn't given
    backbone.quantise(float_path, bench.work / f"{name}_int8.onnx", images, overrides)


def load_backbone(bench: Bench, name: str) -> tuple[backbone.TappedBackbone, list[quantise.Stage]]:
    """Load what `save_backbone` kept; the stages share the network's weights."""
    saved = torch.load(bench.work / f"{name}.pt", weights_only=False)
    network = backbone.TappedBackbone().requires_grad_(False)
    network.load_state_dict(saved["weights"])
    stages = quantise.as_stages(network)
    for stage, ranges in zip(stages, saved["ranges"], strict=True):
        stage.ranges = ranges
    return network, stages


def prune_text(bench: Bench) -> None:
    """Make the text tower small, and teach it what the whole one says."""
    config, taxonomy = load_config(pruning.TextConfig, "text"), Taxonomy.load()
    captions = [text for picture in bench.sets["flickr8k"] if not picture.held_out for text in picture.captions]
    texts = pruning.world_texts(captions, taxonomy, config)
    with World.join().first():
        net, tokenizer = text.load_minilm(bench.work, texts, config.common_words)
    targets = text.sentence_vectors(net, tokenizer, texts)
    small = pruning.prune(net, tokenizer, texts[:: len(texts) // 256], config)
    pruning.distil(small, tokenizer, texts, targets, config, bench.work)
    if World.join().rank:  # all have the same weights, and the first writes them
        return
    torch.save(small.state_dict(), bench.work / "text_pruned.pt")
    tokenizer.save(str(bench.work / "tokenizer.json"), pretty=False)


def load_text(bench: Bench, name: str) -> tuple[text.MiniLM, Tokenizer]:
    """Load a pruned text tower and its tokenizer."""
    state = torch.load(bench.work / f"{name}.pt", weights_only=True)
    layers = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("layers."))
    net = text.MiniLM(len(state["words.weight"]), layers, len(state["layers.0.wide.bias"]))
    net.load_state_dict(state)
    return net.eval(), Tokenizer.from_file(str(bench.work / "tokenizer.json"))


def fine_tune(bench: Bench) -> None:
    """Train the joint space's projections, then together with the backbone's last blocks and the text tower.

    Where the build goes on from finished files, pictures alone learn on (`further.py`).
    """
    if bench.started.is_file():
        _tune_pictures(bench)
        return
    config = load_config(embedding.FineTuningConfig, "fine_tuning")
    network, stages = load_backbone(bench, "reconstructed")
    tail = quantise.Tail(network, stages)
    learn = bench.rows("flickr8k", held_out=False)
    net, tokenizer = load_text(bench, "text_pruned")
    with World.join().first():  # which computes what isn't kept yet
        views, others = _tail_inputs(bench)
        seen = [
            features.open_rows_behind(bench.work, name, inputs, bench.threads)
            for name, inputs in zip(("flickr8k", "flickr8k-mirrored", "others"), (*views, others), strict=True)
        ]
    vectors = caption_vectors(bench, net, tokenizer)[learn]
    frozen = load_config(embedding.EmbeddingConfig, "embedding")
    joint = embedding.train([rows[learn] for rows in seen[:2]], vectors, frozen)
    captions = [caption for picture in bench.sets["flickr8k"] for caption in picture.captions]
    ids, mask = (
        torch.from_numpy(array).unflatten(0, (len(bench.sets["flickr8k"]), -1))
        for array in text.tokenise(tokenizer, captions)
    )
    lesson = embedding.Lesson(views, embedding.Captions(ids, mask), learn, others, seen)
    embedding.fine_tune(joint, tail, net, lesson, config, bench.work)
    if World.join().rank:  # all have the same weights, and the first writes them
        return
    torch.save(joint, bench.work / "joint_tuned.pt")
    torch.save(net.state_dict(), bench.work / "text_tuned.pt")
    save_backbone(bench, "backbone", network, stages)
    cut_low(bench)


def _tune_pictures(bench: Bench) -> None:
    """Let the backbone's last blocks and the picture projection learn on, for pictures of the present size."""
    network, stages = load_backbone(bench, "reconstructed")
    tail, learn = quantise.Tail(network, stages), bench.rows("flickr8k", held_out=False)
    with World.join().first():  # which computes what isn't kept yet
        views, others = _tail_inputs(bench)
        sides = [others, _other_inputs(bench, mirrored=True)]
        told, heard = (_what_was_said(bench, name) for name in ("flickr8k", "others"))
    lessons = [further.Lesson(view, learn, told) for view in views]
    lessons += [further.Lesson(view, np.arange(len(view.maps)), heard) for view in sides]
    joint: embedding.JointSpace = torch.load(bench.work / "joint_started.pt", weights_only=False)
    further.tune(joint, tail, lessons, load_config(further.TuningConfig, "further"), bench.work)
    if World.join().rank:  # all have the same weights, and the first writes them
        return
    torch.save(joint, bench.work / "joint_tuned.pt")
    save_backbone(bench, "backbone", network, stages)
    cut_low(bench)


def _tail_inputs(bench: Bench) -> tuple[list[TailInputs], TailInputs]:
    """What enters the tail: of the captioned pictures as they are and mirrored, and of all others."""
    views = [bench.tail_inputs("flickr8k", mirrored=mirrored) for mirrored in (False, True)]
    return views, _other_inputs(bench)


def cut_low(bench: Bench) -> None:
    """Write the part of the finished backbone that the lower heads need; alone, it runs in a third of the time."""
    whole, part = (str(bench.work / f"{name}_int8.onnx") for name in ("backbone", "low"))
    onnx.utils.extract_model(whole, part, [backbone.INPUT], list(low.LOW_TAPS))


def _other_inputs(bench: Bench, *, mirrored: bool = False) -> TailInputs:
    """What enters the tail, of the training pictures of all sets without captions."""
    parts = []
    for name in bench.sets:
        if name != "flickr8k":
            inputs, rows = bench.tail_inputs(name, mirrored=mirrored), bench.rows(name, held_out=False)
            parts.append(dataclasses.replace(inputs, maps=inputs.maps[rows], stage3=inputs.stage3[rows]))
    maps, stage3 = (np.concatenate([getattr(part, name) for part in parts]) for name in ("maps", "stage3"))
    return dataclasses.replace(parts[0], maps=maps, stage3=stage3)


def _what_was_said(bench: Bench, name: str) -> NDArray[np.float32]:
    """What the finished analyzer says of the captioned pictures, or of the others in the order of `_other_inputs`."""
    places = [("flickr8k", row) for row in range(len(bench.sets["flickr8k"]))]
    if name != "flickr8k":
        others = (other for other in bench.sets if other != "flickr8k")
        places = [(other, row) for other in others for row in bench.rows(other, held_out=False).tolist()]

    def read(number: int) -> NDArray[np.uint8]:
        source, row = places[number]
        is_drawn = source == corpus.GENERATED  # at the present size, and nowhere else
        return bench.shard(source)[row] if is_drawn else pictures.read_rgb(bench.sets[source][row].path)

    return further.open_embeddings(bench.work, name, len(places), read, bench.threads)


def caption_vectors(bench: Bench, net: text.MiniLM, tokenizer: Tokenizer) -> NDArray[np.float32]:
    """Sentence vectors of every caption, (pictures, 5, 384)."""
    captions = [caption for picture in bench.sets["flickr8k"] for caption in picture.captions]
    return text.sentence_vectors(net, tokenizer, captions).reshape(len(bench.sets["flickr8k"]), -1, text.WIDTH)


def make_features(bench: Bench) -> None:
    """Run the finished backbone over every picture, and over mirrored captioned ones where those are learned from."""
    for name in bench.sets:
        bench.features(name)
    if not bench.started.is_file():
        bench.features("flickr8k", mirrored=True)


def train_embedding(bench: Bench) -> None:
    """Fit both projections once more, to what the finished int8 backbone and text tower give.

    Where the build goes on from finished files they stay: texts mean what they meant, and pictures learned to fit.
    """
    if bench.started.is_file():
        shutil.copyfile(bench.work / "joint_tuned.pt", bench.work / "joint.pt")
        return
    rows = bench.rows("flickr8k", held_out=False)
    views = [bench.features("flickr8k", mirrored=mirrored)[rows] for mirrored in (False, True)]
    captions = caption_vectors(bench, *load_text(bench, "text_tuned"))
    start: embedding.JointSpace = torch.load(bench.work / "joint_tuned.pt", weights_only=False)
    joint = embedding.train(views, captions[rows], load_config(embedding.EmbeddingConfig, "refit"), start)
    if not World.join().rank:
        torch.save(joint, bench.work / "joint.pt")


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
    """Fit the scene head on every labelled picture, generated ones included."""
    taxonomy, joint = Taxonomy.load(), load_joint(bench)
    config, probing = load_config(SceneConfig, "scene"), load_config(ProbeConfig, "probe")
    chosen, rows, logits = gather(bench, SCENE_SETS, joint)
    lesson = scene.Lesson(rows, logits, joint.embed(rows), tag_labels(chosen, taxonomy, config.unlisted))
    net, tokenizer = load_text(bench, "text_tuned")
    tower = text.TextTower(net, joint.text).eval()
    prompts = text.prompt_vectors(tower, tokenizer, [taxonomy.evidence(tag.id).prompts for tag in taxonomy.tags])
    head, thresholds = scene.train(lesson, prompts.T.copy(), taxonomy, config, probing)
    torch.save({"head": head, "thresholds": thresholds}, bench.work / "scene.pt")
    log.info("scene: %d pictures; %d of %d tags can be said", len(chosen), (thresholds <= 1).sum(), len(taxonomy))


def load_heads(bench: Bench) -> fuse.Heads:
    """Put together what the steps left in the work folder."""
    parts = {name: torch.load(bench.work / f"{name}.pt", weights_only=False) for name in fuse.HEADS[1:]}
    parts = {name: part["head"] if isinstance(part, dict) else part for name, part in parts.items()}
    return fuse.Heads(load_joint(bench), prints=parts.pop("print"), **parts).eval()


def write_image_model(bench: Bench) -> None:
    """Put every head behind the int8 backbone; and behind a float one, to measure what rounding costs."""
    heads = load_heads(bench)
    for folder in bench.folders:
        folder.mkdir(parents=True, exist_ok=True)
        is_packed = folder is bench.out
        body = bench.work / ("backbone_int8.onnx" if is_packed else "backbone_float.onnx")
        if not is_packed:
            _save_unrounded(bench, body)
        fuse.fuse(body, heads, folder / describe.IMAGE_MODEL, bench.work, is_packed=is_packed)


def _save_unrounded(bench: Bench, path: Path) -> None:
    """Write the finished backbone as it would be without rounding.

    Its last blocks are the fine-tuned ones. The others are as they were published: what reconstruction did
    to them makes up for rounding, and without rounding it would only do harm.
    """
    network, (tuned, _) = backbone.TappedBackbone(), load_backbone(bench, "backbone")
    for stage, other in zip(*map(quantise.last_stages, (network, tuned)), strict=True):
        stage.convs.load_state_dict(other.convs.state_dict())
    backbone.export_float(network, path)
    backbone.take_bytes_in_float(path, path)


def write_text_tower(bench: Bench) -> None:
    """Put the text projection behind the tower, in int8, with its tokenizer beside it; or leave both as they were."""
    if bench.started.is_file():
        for name in (describe.TOKENIZER, describe.TEXT_MODEL):
            shutil.copyfile(bench.work / f"started_{name}", bench.out / name)
        return
    net, tokenizer = load_text(bench, "text_tuned")
    tower = text.TextTower(net, load_joint(bench).text)
    for folder in bench.folders:  # packing comes last: it changes the tower
        tokenizer.save(str(folder / describe.TOKENIZER), pretty=False)
        text.export_tower(tower, folder / describe.TEXT_MODEL, bench.work, is_packed=folder is bench.out)


def write_manifest(bench: Bench) -> None:
    """Describe what was made; the metrics are filled in by `photos_engine.models.evaluate`."""
    scenes, objects, utility = (
        torch.load(bench.work / f"{name}.pt", weights_only=False) for name in ("scene", "objects", "utility")
    )
    contract = describe.Contract(
        scenes["thresholds"], utility["kinds"], objects["labels"], objects["thresholds"], utility["thresholds"],
        utility["generated"],
    )  # fmt: skip
    for folder in bench.folders:
        describe.write_manifest(folder, Taxonomy.load(), contract)
