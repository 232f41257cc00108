"""The heads that judge looks, as steps of the recipe: saliency, quality, print, then aesthetics.

Aesthetics comes last: it reads the heat map and is taught by the quality head.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from photos_engine.analyzers.preprocess import as_batch, as_input
from photos_engine.models import corpus
from photos_engine.models.corpus import Picture
from photos_engine.models.degrade import EDITS, Degraded, crop_share, degrade, level_of, nudge, resize_share, tilt
from photos_engine.models.looks import MEASURES, measure_looks
from photos_engine.models.spoil import spoil
from photos_engine.models.training import aesthetics, backbone, features, low, prints, quality, saliency, text
from photos_engine.models.training.config import PrintConfig, QualityConfig, config_path, load_config
from photos_engine.models.training.embedding import JointSpace
from photos_engine.models.training.objects_teacher import Found, labels_of
from photos_engine.models.training.pictures import read_rgb
from photos_engine.models.training.steps import Bench, load_joint, load_text
from photos_engine.types import EMBEDDING_DIMENSIONS, FloatArray

log = logging.getLogger(__name__)

_SHARES = {
    "flickr8k": 0.35, "scenes": 0.15, "rooms": 0.1, "events": 0.15, "weather": 0.1, "coco128": 0.1, "subjects": 0.05,
}  # fmt: skip
"""Where good pictures come from: indoors, night and snow are among them."""
_PUBLISHED = "subjects"  # photographs that photographers put on show
_BATCH = 8
_EXTREMES = 120  # of the darkest and of the brightest good pictures each, and of white pages
_LEVEL_PICTURES = 400


def draw_pictures(bench: Bench, count: int, seed: int) -> list[Picture]:
    """Training pictures of ordinary photos, spread over the sets."""
    random, chosen = np.random.default_rng(seed), []
    for name, share in _SHARES.items():
        rows = random.permutation(bench.rows(name, held_out=False))[: max(1, round(count * share))]
        chosen += [bench.sets[name][row] for row in rows]
    return chosen


def read_image(picture: Picture) -> Image.Image:
    """A picture as the degradations take it."""
    return Image.fromarray(read_rgb(picture.path))


def _lesson(bench: Bench, head: str, *sources: str) -> Path:
    """Where the inputs and targets of a head are kept; another backbone or other settings make them anew."""
    return features.kept(bench.work, f"{head}-lesson", ".npz", *sources, config_path(head))


# --- saliency ------------------------------------------------------------------------------------


def train_saliency(bench: Bench) -> None:
    """Learn where things are from people's boxes, the object teacher's, and what stands out."""
    path, config = _lesson(bench, "saliency", "backbone_int8.onnx"), load_config(saliency.SaliencyConfig, "saliency")
    if not path.is_file():
        session = features.open_session(bench.work / "backbone_int8.onnx", bench.threads)
        maps, targets, weights = [], [], []
        for picture, target, weight in _attention(bench, config):
            batch = as_batch([read_rgb(picture.path)])
            maps.append([m[0].astype(np.float16) for m in session.run(["stage4", "stage6"], {backbone.INPUT: batch})])
            targets.append(target)
            weights.append(weight)
        stage4, stage6 = (np.stack([pair[side] for pair in maps]) for side in (0, 1))
        np.savez(path, stage4=stage4, stage6=stage6, targets=np.stack(targets), weights=np.array(weights, np.float32))
    with np.load(path) as saved:
        head = saliency.train(saved["stage4"], saved["stage6"], saved["targets"], saved["weights"], config)
    torch.save(head, bench.work / "saliency.pt")


def _attention(bench: Bench, config: saliency.SaliencyConfig) -> Iterator[tuple[Picture, FloatArray, float]]:
    """Pictures, where the eye should go, and what each counts."""
    for row in bench.rows("coco128", held_out=False):
        picture = bench.sets["coco128"][row]
        yield picture, saliency.cover(corpus.read_boxes(picture.path)), config.true_weight
    for picture, found in _labelled(bench, config):
        sure = [(score, box) for _, score, box in found if score >= saliency.UNSURE]
        if any(score >= saliency.SURE for score, _ in sure):
            yield picture, saliency.cover([box for _, box in sure], [score for score, _ in sure]), 1.0
        else:
            yield picture, saliency.stand_out(as_input(read_rgb(picture.path))), config.classical_weight


def _labelled(bench: Bench, config: saliency.SaliencyConfig) -> Iterator[tuple[Picture, list[Found]]]:
    """Training pictures that the object teacher has seen, drawn from every set that it was shown."""
    random = np.random.default_rng(config.seed)
    first, *others = config.sets
    for name, share in {first: 0.5, **dict.fromkeys(others, 0.5 / len(others))}.items():
        pictures = [bench.sets[name][row] for row in random.permutation(bench.rows(name, held_out=False))]
        found = labels_of(pictures, bench.work / "objects" / f"{name}.jsonl")
        known = [(picture, row) for picture, row in zip(pictures, found, strict=True) if row is not None]
        yield from known[: round(share * config.pictures)]


# --- quality, print: the lower layers ------------------------------------------------------------


def train_quality(bench: Bench) -> None:
    """Degrade good pictures by known measures, and learn to see how much is left."""
    config = load_config(QualityConfig, "quality")
    path = _lesson(bench, "quality", "backbone_int8.onnx", "joint.pt")
    if not path.is_file():
        statistics, targets = zip(*_graded(bench, config), strict=True)
        level = _tilted(bench, config)
        np.savez(path, x=np.concatenate(statistics), y=np.concatenate(targets), rows=level.rows, levels=level.targets)
    with np.load(path) as saved:
        level = quality.Level(saved["rows"], saved["levels"])
        torch.save(quality.train(saved["x"], saved["y"], level, config), bench.work / "quality.pt")


def _graded(bench: Bench, config: QualityConfig) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Statistics and targets of degraded pictures, then of good ones that are dark, bright or pages."""
    random, look = np.random.default_rng(config.seed), Lower(bench)
    for picture in draw_pictures(bench, config.pictures, config.seed):
        made = list(degrade(read_image(picture), random))
        yield look.see([item.image for item in made])[0], np.array([item.targets for item in made], np.float32)
    good = Degraded("none", 0, Image.new("RGB", (1, 1))).targets
    extremes = _extremes(bench, random)
    for start in range(0, len(extremes), _BATCH):
        images = [read_image(picture) for picture in extremes[start : start + _BATCH]]
        yield look.see(images)[0], np.tile(np.array(good, np.float32), (len(images), 1))


def _extremes(bench: Bench, random: np.random.Generator) -> list[Picture]:
    """Nights, snow and white pages: by nature dark or bright, and nothing is wrong with them."""
    ordinary = [(name, row) for name in _SHARES for row in bench.rows(name, held_out=False)]
    brightness = np.array([bench.shard(name)[row, ::8, ::8].mean() for name, row in ordinary])
    order = brightness.argsort()
    chosen = [ordinary[place] for place in (*order[:_EXTREMES], *order[-_EXTREMES:])]
    chosen += [("utility", row) for row in random.permutation(bench.rows("utility", held_out=False))[:_EXTREMES]]
    return [bench.sets[name][row] for name, row in chosen]


def _tilted(bench: Bench, config: QualityConfig) -> quality.Level:
    """Rows of pictures held level and tilted, either way.

    The level ones are cut and resampled as much, and all are made smaller, so that the grain of a file's
    own pixels and blocks, which lies level too, is gone.
    """
    rows, targets, standardise = [], [], load_joint(bench).standardise
    random, look = np.random.default_rng(config.seed), Whole(bench)
    for picture in draw_pictures(bench, _LEVEL_PICTURES, config.seed + 1):
        image = read_image(picture)
        turns = [side * random.uniform(3, 15) for side in (-1, 1)]
        cut, moved = (crop_share(version, random.uniform(0.05, 0.25), 0.5, 0.5) for version in (image, nudge(image)))
        made = [image, cut, moved, *(tilt(image, degrees) for degrees in turns)]
        rows.append(look.see([resize_share(version, random.uniform(0.6, 0.9)) for version in made]).rows)
        targets += [1.0, 1.0, 1.0, *map(level_of, turns)]
    return quality.Level(standardise(torch.from_numpy(np.concatenate(rows))).numpy(), np.array(targets, np.float32))


def train_prints(bench: Bench) -> None:
    """Edit pictures in ways that leave them the same picture, and learn to be blind to that."""
    path, config = _lesson(bench, "print", "low_int8.onnx"), load_config(PrintConfig, "print")
    if not path.is_file():
        random, layouts, look = np.random.default_rng(config.seed), [], Lower(bench)
        for picture in draw_pictures(bench, config.pictures, config.seed + 1):
            image = read_image(picture)
            layouts.append(look.see([image, *(edit(image, random) for edit in EDITS.values())])[1].astype(np.float16))
        np.savez(path, x=np.stack(layouts))
    with np.load(path) as saved:
        torch.save(prints.train(saved["x"].astype(np.float32), config), bench.work / "print.pt")


class Lower:
    """What the lower layers say of images: statistics (n, s) and layout (n, l)."""

    def __init__(self, bench: Bench) -> None:
        self._session = features.open_session(bench.work / "low_int8.onnx", bench.threads)
        self._statistics = low.LowStatistics()

    def see(self, images: Sequence[Image.Image]) -> tuple[FloatArray, FloatArray]:
        """Run the graph's first third."""
        batch = as_batch([np.asarray(image.convert("RGB")) for image in images])
        return low.low_features(batch, self._session.run(list(low.LOW_TAPS), {backbone.INPUT: batch}), self._statistics)


# --- aesthetics ----------------------------------------------------------------------------------


class Whole:
    """What the aesthetics head reads of images; the rows are not standardised yet."""

    def __init__(self, bench: Bench) -> None:
        self._session = features.open_session(bench.work / "backbone_int8.onnx", bench.threads)
        self._statistics = low.LowStatistics()
        self._saliency: saliency.SaliencyHead = torch.load(bench.work / "saliency.pt", weights_only=False)

    def see(self, images: Sequence[Image.Image]) -> aesthetics.Views:
        """Run the graph, a few images at a time."""
        parts = [self._see(images[start : start + _BATCH]) for start in range(0, len(images), _BATCH)]
        return aesthetics.Views.joined(parts)

    def _see(self, images: Sequence[Image.Image]) -> aesthetics.Views:
        batch = as_batch([np.asarray(image.convert("RGB")) for image in images])
        maps = dict(
            zip(backbone.OUTPUTS, self._session.run(list(backbone.OUTPUTS), {backbone.INPUT: batch}), strict=True)
        )
        rows = np.concatenate([*(maps[name].mean((2, 3)) for name in features.MEANS), maps["logits"]], 1)
        with torch.inference_mode():
            tensors = {name: torch.from_numpy(value) for name, value in maps.items()}
            statistics = self._statistics(torch.from_numpy(batch), *(tensors[name] for name in low.LOW_TAPS))
            heat = self._saliency(tensors["stage4"], tensors["stage6"])
        return aesthetics.Views(rows, statistics.numpy(), heat.numpy())


def train_aesthetics(bench: Bench) -> None:
    """Learn the teacher's order of good pictures, and that every picture beats its spoiled versions."""
    config, joint = load_config(aesthetics.AestheticsConfig, "aesthetics"), load_joint(bench)
    tower, tokenizer = load_text(bench, "text_tuned")
    sides = text.prompt_vectors(
        text.TextTower(tower, joint.text),
        tokenizer,
        [[words] for pair in aesthetics.PROMPTS.values() for words in pair],
    ).reshape(-1, 2, EMBEDDING_DIMENSIONS)
    look = Whole(bench)
    photos = draw_pictures(bench, config.photos, config.seed)
    images = [read_image(picture) for picture in photos]
    seen = standardised(look.see(images), joint)
    voices = listen(images, seen, joint.embed(seen.rows) @ (sides[:, 0] - sides[:, 1]).T, bench)
    published = np.array([picture.source == _PUBLISHED for picture in photos])
    targets = aesthetics.as_target(aesthetics.teach(voices, voices), published)
    random = np.random.default_rng(config.seed)
    pages = random.permutation(bench.rows("utility", held_out=False))[: config.unwanted_pictures]
    unwanted = standardised(look.see([read_image(bench.sets["utility"][row]) for row in pages]), joint)
    pairs = make_pairs(images, seen.heat, look, config)
    pairs = dataclasses.replace(pairs, views=standardised(pairs.views, joint))
    torch.save(aesthetics.train(seen, targets, unwanted, pairs, config), bench.work / "aesthetics.pt")


def standardised(views: aesthetics.Views, joint: JointSpace) -> aesthetics.Views:
    """The views with their rows as every head reads them."""
    rows = joint.standardise(torch.from_numpy(np.asarray(views.rows, np.float32))).numpy()
    return dataclasses.replace(views, rows=rows)


def listen(
    images: Sequence[Image.Image], views: aesthetics.Views, prompts: FloatArray, bench: Bench
) -> dict[str, FloatArray]:
    """Every voice of the teacher on pictures: the measures, the quality head, the heat, the prompts (n, p)."""
    head: quality.QualityHead = torch.load(bench.work / "quality.pt", weights_only=False)
    with torch.inference_mode():
        scores = head(torch.from_numpy(views.statistics), torch.from_numpy(views.rows)).numpy()
    looks = np.stack([measure_looks(as_input(np.asarray(i)), heat) for i, heat in zip(images, views.heat, strict=True)])
    return {
        **dict(zip(MEASURES, looks.T, strict=True)),
        **{name: scores[:, quality.SCORES.index(name)] for name in ("sharpness", "overall")},
        "presence": aesthetics.presence(views.heat),
        **dict(zip(aesthetics.PROMPTS, prompts.T, strict=True)),
    }


def make_pairs(
    images: Sequence[Image.Image], heat: FloatArray, look: Whole, config: aesthetics.AestheticsConfig
) -> aesthetics.Pairs:
    """Spoil some of the pictures in every way; each is followed by its versions."""
    random, parts, kinds, originals = np.random.default_rng(config.seed), [], list[str](), list[int]()
    for row in random.permutation(len(images))[: config.pictures]:
        made = list(spoil(images[row], heat[row], images[int(random.integers(len(images)))], random))
        originals += [len(kinds)] * (1 + len(made))
        kinds += ["original", *(version.kind for version in made)]
        parts.append(look.see([images[row], *(version.image for version in made)]))
    return aesthetics.Pairs(aesthetics.Views.joined(parts), tuple(kinds), np.array(originals))
