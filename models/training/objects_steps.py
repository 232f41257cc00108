"""The objects head's part of the recipe: from the teacher's labels to a calibrated head."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from photos_engine.analyzers.heads.objects import ObjectReader
from photos_engine.analyzers.taxonomy import Taxonomy
from photos_engine.errors import ModelError
from photos_engine.models import corpus
from photos_engine.models.detection import match, read_truth
from photos_engine.models.training import objects_labels as labelling
from photos_engine.models.training import steps, text
from photos_engine.models.training.backbone import TappedBackbone
from photos_engine.models.training.config import load_config
from photos_engine.models.training.embedding import JointSpace
from photos_engine.models.training.features import MEANS
from photos_engine.models.training.loop import Loop
from photos_engine.models.training.objects import ObjectHead, ObjectsConfig, Targets, log_area, loss
from photos_engine.models.training.objects_labels import SURE, Lesson
from photos_engine.models.training.objects_maps import Maps, View, draw_view, open_maps
from photos_engine.models.training.objects_teacher import JUDGED, Found, Teacher, label_pictures, labels_of
from photos_engine.models.training.scene import NEVER, class_matrix
from photos_engine.models.training.steps import Bench
from photos_engine.models.training.world import World
from photos_engine.types import DetectedObject, FloatArray

log = logging.getLogger(__name__)

_CONTEXT = 0.5  # of what is known before, at the start
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Example:
    """One view of a picture: row of its set's shard, and what it teaches."""

    source: str
    row: int
    view: View
    lesson: Lesson


def label_objects(bench: Bench) -> None:
    """Have the teacher look at every training picture, and at those held-out ones that agreement is measured on.

    Raises: ModelError where a set has no labels yet and no teacher was given.
    """
    paths = {name: _labels_path(bench, name) for name in bench.sets if name != corpus.GENERATED}
    if bench.teacher is None:
        for path in paths.values():
            if not path.is_file():
                raise ModelError(f"{path} is missing: give the object teacher's package with --teacher")
        return
    teacher = Teacher(bench.teacher, bench.work, bench.threads)
    for name, path in paths.items():
        learned, judged = ([bench.sets[name][row] for row in bench.rows(name, held_out=side)] for side in (False, True))
        label_pictures(teacher, [*learned, *judged[:JUDGED]], path)


def _labels_path(bench: Bench, name: str) -> Path:
    return bench.work / "objects" / f"{name}.jsonl"


def train_objects(bench: Bench) -> None:
    """Learn from true boxes, the teacher's and the captions; calibrate on pictures kept back."""
    config, taxonomy = load_config(ObjectsConfig, "objects"), Taxonomy.load()
    learned, judged = gather(bench, config, taxonomy)
    seen = labelling.expected_things([example.lesson for example in learned if example.view == View()])
    labels = tuple(label for label, count in seen.items() if count >= config.least_things)
    log.info("objects: %d views to learn from, %d to judge by, %d labels", len(learned), len(judged), len(labels))
    with World.join().first():
        maps = see(bench, learned, "learned")
    head = ObjectHead(len(labels), config.width, config.fine)
    joint, (net, tokenizer) = steps.load_joint(bench), steps.load_text(bench, "text_tuned")
    tower = text.TextTower(net, joint.text).eval()
    words = text.prompt_vectors(tower, tokenizer, [taxonomy.evidence(label).prompts for label in labels])
    known = torch.from_numpy(known_before(labels, taxonomy, joint, words))
    head.context.weight.data[:-4] = _CONTEXT * known[:, :, None, None]
    train(head, maps, learned, labels, config, bench.work)
    if World.join().rank:  # all have the same weights, and the first goes on with them
        return
    judged_maps = see(bench, judged, "judged")
    thresholds = calibrate(head, judged_maps, judged, labels, config)
    torch.save({"head": head, "labels": labels, "thresholds": thresholds}, bench.work / "objects.pt")


def gather(bench: Bench, config: ObjectsConfig, taxonomy: Taxonomy) -> tuple[list[Example], list[Example]]:
    """The views to learn from, and those to calibrate on: no picture is in both, none is held out.

    What few pictures show is seen from more sides. Raises: ModelError where the teacher hasn't labelled a set.
    """
    coco = bench.rows("coco128", held_out=False).tolist()
    truth = [read_truth(bench.sets["coco128"][row]) for row in coco]
    found = _taught(bench, "coco128", coco)
    platt = labelling.calibrate_teacher([row or [] for row in found], truth)
    whole = [Example("coco128", row, View(), Lesson(things)) for row, things in zip(coco, truth, strict=True)]
    random = np.random.default_rng(config.loop.seed)
    judged: list[Example] = []
    for name in config.sets:
        rows = bench.rows(name, held_out=False).tolist()
        for row, labelled in zip(rows, _taught(bench, name, rows), strict=True):
            side = judged if random.random() < config.judged else whole
            if labelled is not None:
                lesson = labelling.settle(bench.sets[name][row], labelled, platt, taxonomy, config)
                side.append(Example(name, row, View(), lesson))
    seen = labelling.expected_things([example.lesson for example in whole])
    learned = []
    for example in whole:
        scarcest = min((seen[item.label] for item in example.lesson.things if item.score >= SURE), default=np.inf)
        count = config.rare_views if scarcest < config.rare else config.views
        views = [View(), *(draw_view(config, random) for _ in range(count - 1))]
        learned += [Example(example.source, example.row, view, _shown(example.lesson, view, config)) for view in views]
    return learned, judged


def _taught(bench: Bench, name: str, rows: Sequence[int]) -> list[list[Found] | None]:
    return labels_of([bench.sets[name][row] for row in rows], _labels_path(bench, name))


def _shown(lesson: Lesson, view: View, config: ObjectsConfig) -> Lesson:
    placed = [(item, view.place(item.box, config.visible)) for item in lesson.things]
    things = tuple(DetectedObject(item.label, box, item.score) for item, box in placed if box is not None)
    return Lesson(things, lesson.unplaced)


def see(bench: Bench, examples: Sequence[Example], name: str) -> Maps:
    """The backbone's maps of the views."""
    shards = {source: bench.shard(source) for source in {example.source for example in examples}}
    return open_maps(
        bench.work / "objects" / name, bench.work / "backbone_int8.onnx",
        lambda number: shards[examples[number].source][examples[number].row],
        [example.view for example in examples], [f"{example.source} {example.row}" for example in examples],
        bench.threads,
    )  # fmt: skip


def known_before(labels: Sequence[str], taxonomy: Taxonomy, joint: JointSpace, words: FloatArray) -> FloatArray:
    """What the last map's channels say of every label before any box was seen, (labels, 1280): two witnesses' sum.

    ImageNet's rows that show a label, if any do; and the direction in the joint space of its prompts, words (labels,
    512), which every label has. Both as they tell labels apart, and equally loud. Of the large things of COCO128 that
    are no people, ImageNet's rows name 56 % among their first three at the thing's middle, the sum 66 %.
    """
    classes = TappedBackbone().net._fc.weight.detach()  # (1000, 1280)
    column = {tag.id: number for number, tag in enumerate(taxonomy.tags)}
    shows = torch.from_numpy(class_matrix(taxonomy)[:, [column[label] for label in labels]])  # (1000, labels)
    deviation = joint.standardise.deviation
    told = (joint.image.weight.detach() / deviation)[:, : MEANS["features"]]
    told = told + (joint.image.weight.detach() / deviation)[:, -len(classes) :] @ classes
    apart = torch.from_numpy(words - words.mean(0))
    witnesses = (shows.T @ (classes - classes.mean(0)) / shows.sum(0).clamp(min=1)[:, None], apart @ told)
    loudness = [(witness * deviation[: MEANS["features"]]).norm(dim=1, keepdim=True) for witness in witnesses]
    usual = loudness[0][loudness[0] > 0].median()
    sums = sum(witness / loud.clamp(min=1e-6) for witness, loud in zip(witnesses, loudness, strict=True))
    result: FloatArray = (usual * sums).numpy()
    return result


def train(
    head: ObjectHead, maps: Maps, examples: Sequence[Example], labels: Sequence[str], config: ObjectsConfig, work: Path
) -> None:
    """Learn the examples, of which row i of the maps shows number i."""
    loop = Loop("objects", head, head.groups(config), config.loop, len(examples), work)
    for _ in loop.epochs():
        for rows in loop.batches():
            rows = np.sort(rows)
            targets = as_targets([examples[row].lesson for row in rows], labels)
            inputs = [item.to(loop.device) for item in maps.read(rows)]
            with loop.autocast():
                grids = head.grids(*inputs)
            loop.step(loss(grids.float(), targets.to(loop.device), config))
    head.to("cpu").fold()


def as_targets(lessons: Sequence[Lesson], labels: Sequence[str]) -> Targets:
    """The things of a batch as tensors; labels that aren't learned are left out."""
    number = {label: place for place, label in enumerate(labels)}
    things = [(row, item) for row, lesson in enumerate(lessons) for item in lesson.things if item.label in number]
    weight = torch.ones(len(lessons), len(labels))
    for row, lesson in enumerate(lessons):
        weight[row, [number[label] for label in lesson.unplaced if label in number]] = 0.0
    return Targets(
        torch.tensor([row for row, _ in things], dtype=torch.int64),
        torch.tensor([number[item.label] for _, item in things], dtype=torch.int64),
        torch.tensor([item.box for _, item in things], dtype=torch.float32).reshape(-1, 4),
        torch.tensor([item.score for _, item in things], dtype=torch.float32),
        weight,
    )


def find(head: ObjectHead, maps: Maps, count: int, labels: Sequence[str]) -> list[tuple[DetectedObject, ...]]:
    """Everything that the head finds in the first `count` rows, however unsure."""
    reader = ObjectReader(labels, np.zeros(len(labels), np.float32))
    found = []
    with torch.inference_mode():
        for start in range(0, count, _BATCH):
            rows = head(*maps.read(np.arange(start, min(start + _BATCH, count)))).numpy()
            found += [reader.read(row) for row in rows]
    return found


def calibrate(
    head: ObjectHead, maps: Maps, judged: Sequence[Example], labels: Sequence[str], config: ObjectsConfig
) -> NDArray[np.float32]:
    """Make the head's scores chances, by boxes that it hasn't learned; then find each label's threshold: (labels,)."""
    found = find(head, maps, len(judged), labels)
    scores, boxes, chances, names = [], [], [], []
    for things, example in zip(found, judged, strict=True):
        for thing, hit in zip(things, match(things, example.lesson.things), strict=True):
            scores.append(thing.score)
            boxes.append(thing.box)
            chances.append(example.lesson.things[hit].score if hit >= 0 else 0.0)
            names.append(thing.label)
    evidence = np.stack(
        [labelling.log_odds(np.array(scores, np.float32)), log_area(torch.tensor(boxes))[:, 0].numpy()], 1
    )
    chance, name = np.array(chances, np.float32), np.array(names)
    *scales, offset = labelling.fit_platt(evidence, chance)
    head.calibration = torch.tensor([*scales, offset])
    score = (1 / (1 + np.exp(-(evidence @ scales + offset)))).astype(np.float32)
    common = threshold(score, chance, config.precision, config.lowest)
    thresholds = []
    for label in labels:
        mine = name == label
        is_known = chance[mine].sum() >= config.enough
        own = threshold(score[mine], chance[mine], config.precision, config.lowest) if is_known else common
        thresholds.append(own)
    log.info("objects: calibration %s, common threshold %.2f", np.round([*scales, offset], 2), common)
    return np.array(thresholds, np.float32)


def threshold(score: NDArray[np.float32], chance: NDArray[np.float32], precision: float, least: float) -> float:
    """The lowest score from `least` on, above which what is found is right in `precision` of the cases."""
    order = np.argsort(-score, kind="stable")
    ranked, is_precise = score[order], np.cumsum(chance[order]) / np.arange(1, len(order) + 1) >= precision
    counted = ranked >= least
    if not counted.any() or is_precise[counted][-1]:
        return least
    fit = ranked[counted & is_precise]
    return float(fit[-1]) if len(fit) else NEVER
