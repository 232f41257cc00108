"""Views move boxes as they move pixels; captions put the teacher right; the teacher's graph is understood."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from torch.nn import functional as F  # noqa: E402, N812

from photos_engine.analyzers import Taxonomy  # noqa: E402
from photos_engine.analyzers.preprocess import INPUT_SIDE_PX  # noqa: E402
from photos_engine.errors import ModelError  # noqa: E402
from photos_engine.models.corpus import Picture  # noqa: E402
from photos_engine.models.detection import COCO_TAGS, overlaps  # noqa: E402
from photos_engine.models.training.config import load_config  # noqa: E402
from photos_engine.models.training.features import open_session  # noqa: E402
from photos_engine.models.training.objects import ObjectsConfig  # noqa: E402
from photos_engine.models.training.objects_labels import Lesson, expected_things, fit_platt, log_odds, settle  # noqa: E402
from photos_engine.models.training.objects_maps import View, draw_view  # noqa: E402
from photos_engine.models.training.objects_steps import as_targets, threshold  # noqa: E402
from photos_engine.models.training.objects_teacher import (  # noqa: E402
    Found,
    Teacher,
    convert,
    decode,
    label_pictures,
    labels_of,
)
from photos_engine.types import Box, DetectedObject  # noqa: E402

import onnx  # noqa: E402  # isort: skip

CONFIG = load_config(ObjectsConfig, "objects")
PLAIN = (1.0, 0.0)
BOX: Box = (0.2, 0.3, 0.6, 0.8)
PERSON, DOG, BEAR, CHAIR = (COCO_TAGS.index(label) for label in ("person", "dog", "bear", "chair"))


def photo(*captions: str, source: str = "flickr8k") -> Picture:
    return Picture(Path("images/a.jpg"), source, "", False, captions)


def settled(found: list[Found], *captions: str) -> Lesson:
    return settle(photo(*captions), found, PLAIN, Taxonomy.load(), CONFIG)


def test_captions_rename_the_teachers_animals() -> None:
    lesson = settled([(BEAR, 0.5, BOX), (PERSON, 0.4, BOX)], "A dog runs", "The brown dog jumps", "An animal in water")
    assert [item.label for item in lesson.things] == ["dog"]
    assert lesson.things[0].score > 0.5
    assert not lesson.unplaced


def test_people_that_captions_name_stay_people() -> None:
    lesson = settled([(PERSON, 0.5, BOX), (BEAR, 0.5, (0.7, 0.7, 1, 1))], "A man with his dog", "A man and a dog sit")
    assert {item.label for item in lesson.things} == {"person", "dog"}


def test_nothing_is_learned_of_what_is_named_and_not_found() -> None:
    lesson = settled([(PERSON, 0.9, BOX)], "A man with a dog", "A dog and a man", "A man")
    assert lesson.unplaced == {"dog"}


def test_animals_that_nobody_speaks_of_are_unlikely_and_furniture_is_not() -> None:
    lesson = settled([(BEAR, 0.5, BOX), (CHAIR, 0.5, BOX)], "Snow", "A mountain")
    chances = {item.label: item.score for item in lesson.things}
    assert chances["bear"] < 0.2
    assert chances["chair"] == pytest.approx(0.5, abs=1e-3)


def test_without_captions_the_teacher_is_believed() -> None:
    lesson = settle(photo(source="rooms"), [(CHAIR, 0.5, BOX), (CHAIR, 0.4, BOX)], PLAIN, Taxonomy.load(), CONFIG)
    assert [(item.label, round(item.score, 3)) for item in lesson.things] == [("chair", 0.5)]


def test_expected_things_are_summed_by_chance() -> None:
    lessons = [Lesson((DetectedObject("dog", BOX, 0.9), DetectedObject("cat", BOX, 0.2)))] * 2
    seen = expected_things(lessons)
    assert (seen["dog"], seen["cat"], seen["person"]) == (pytest.approx(1.8), pytest.approx(0.4), 0)


def test_targets_hold_what_is_learned() -> None:
    lessons = [
        Lesson((DetectedObject("cat", BOX, 1.0),)),
        Lesson((DetectedObject("dog", BOX, 0.7),), frozenset({"cat"})),
    ]
    targets = as_targets(lessons, ("dog",))
    assert targets.picture.tolist() == [1]
    assert targets.chance.tolist() == pytest.approx([0.7])
    assert as_targets(lessons, ("cat", "dog")).weight.tolist() == [[1, 1], [0, 1]]
    assert as_targets([Lesson(())], ("dog",)).box.shape == (0, 4)


def test_platt_finds_the_line_that_made_the_chances() -> None:
    random = np.random.default_rng(0)
    scores = random.normal(size=20_000).astype(np.float32)
    right = (random.random(20_000) < 1 / (1 + np.exp(-(2 * scores - 1)))).astype(np.float32)
    assert fit_platt(scores, right) == pytest.approx((2, -1), abs=0.1)
    assert log_odds(np.array([0.0, 0.5, 1.0], np.float32))[1] == pytest.approx(0)
    assert np.isfinite(log_odds(np.array([0.0, 1.0], np.float32))).all()


def test_a_threshold_is_the_lowest_that_is_precise_enough() -> None:
    score, right = np.array([0.2, 0.9, 0.5, 0.7], np.float32), np.array([0.0, 1.0, 1.0, 0.0], np.float32)
    assert threshold(score, right, 0.6, 0.0) == 0.5
    assert threshold(score, right, 0.6, 0.55) == pytest.approx(0.9)
    assert threshold(score, right, 0.5, 0.0) == 0.0  # all of them are good enough
    assert threshold(score, right, 0.6, 0.95) == 0.95  # nothing is found from there on
    assert threshold(score, np.zeros(4, np.float32), 0.8, 0.0) > 1  # never said


views = st.integers(0, 10_000).map(lambda seed: draw_view(CONFIG, np.random.default_rng(seed)))


@given(views)
def test_a_view_places_boxes_where_it_shows_them(view: View) -> None:
    image = np.zeros((INPUT_SIDE_PX, INPUT_SIDE_PX, 3), np.uint8)
    left, top, right, bottom = (round(edge * INPUT_SIDE_PX) for edge in BOX)
    image[top:bottom, left:right] = 200
    shown = View(view.part, view.is_mirrored).show(image)
    placed = view.place(BOX, 0.0)
    bright = np.argwhere(shown[:, :, 0] > 100)
    if placed is None:
        assert len(bright) < 0.02 * INPUT_SIDE_PX * INPUT_SIDE_PX
        return
    (top, left), (bottom, right) = bright.min(0), bright.max(0) + 1
    seen = (left / INPUT_SIDE_PX, top / INPUT_SIDE_PX, right / INPUT_SIDE_PX, bottom / INPUT_SIDE_PX)
    assert float(overlaps([placed], [seen])[0, 0]) > 0.9 or min(right - left, bottom - top) < 20


def test_views_change_light_and_leave_the_whole_picture_alone() -> None:
    image = np.full((INPUT_SIDE_PX, INPUT_SIDE_PX, 3), 100, np.uint8)
    assert View(light=1.5).show(image).max() == 150
    np.testing.assert_array_equal(View().show(image), image)
    assert View().place(BOX, 0.5) == BOX
    assert View(is_mirrored=True).place((0.1, 0, 0.3, 1), 0.5) == pytest.approx((0.7, 0, 0.9, 1))
    assert View((0.5, 0.0, 1.0, 1.0)).place(BOX, 0.5) is None


# --- the teacher -------------------------------------------------------------------------------


def test_peaks_become_things() -> None:
    heat, edges = np.zeros((80, 104, 104), np.float32), np.full((4, 104, 104), 40, np.float32)
    heat[DOG, 52, 26], heat[DOG, 52, 27], heat[PERSON, 52, 26] = 0.9, 0.8, 0.3
    ((number, score, box),) = decode(heat, edges)  # the person has the dog's very box
    assert (number, score) == (DOG, pytest.approx(0.9))
    assert box == pytest.approx((16 / 104, 42 / 104, 36 / 104, 62 / 104))


class _Package:
    """A small TF.js graph with the operations of the real one."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self.weights = {
            "w1": random.normal(size=(3, 3, 3, 4)), "b1": random.normal(size=4), "w2": random.normal(size=(3, 3, 4, 1)),
            "w3": random.normal(size=(1, 1, 8, 5)), "three": np.array(3.0), "sixth": np.array(1 / 6),
        }  # fmt: skip
        self.nodes: list[dict[str, Any]] = [{"name": "tower_0/images", "op": "Placeholder"}]
        self.nodes += [{"name": name, "op": "Const"} for name in (*self.weights, "axes", "size")]

    def add(self, op: str, name: str, inputs: list[str], stride: int = 1, fused: tuple[str, ...] = ()) -> None:
        steps = {"list": {"i": ["1", str(stride), str(stride), "1"]}}
        operations = {"list": {"s": [str(np.char.encode(item)) for item in ()]}} if not fused else {
            "list": {"s": list(fused)}
        }  # fmt: skip
        ones = {"list": {"i": ["1"] * 4}}
        attributes = {"strides": steps, "dilations": ones, "fused_ops": operations}
        self.nodes.append({"name": name, "op": op, "input": inputs, "attr": attributes})

    def save(self, folder: Path) -> Path:
        entries, content = [], b""
        for name, value in self.weights.items():
            content += value.astype(np.float16).tobytes()
            entries.append({"name": name, "shape": list(value.shape), "dtype": "float32",
                            "quantization": {"dtype": "float16"}})  # fmt: skip
        (folder / "models").mkdir()
        (folder / "models" / "centernet.bin").write_bytes(content)
        manifest = [{"paths": ["centernet.bin"], "weights": entries}]
        path = folder / "models" / "centernet.json"
        path.write_text(json.dumps({"modelTopology": {"node": self.nodes}, "weightsManifest": manifest}))
        return path


BIAS, RELU = "Qmlhc0FkZA==", "UmVsdQ=="  # BiasAdd, Relu


def small_graph() -> _Package:
    package = _Package()
    package.add("_FusedConv2D", "first", ["tower_0/images", "w1", "b1"], stride=2, fused=(BIAS, RELU))
    package.add("DepthwiseConv2dNative", "each", ["first", "w2"], stride=2)
    package.add("Add", "plus", ["each", "three"])
    package.add("Relu6", "clipped", ["plus"])
    package.add("Mul", "swished", ["clipped", "each"])
    package.add("Mean", "mean", ["swished", "axes"])
    package.add("Mul", "weighed", ["swished", "mean"])
    package.add("ResizeBilinear", "large", ["weighed", "size"])
    package.add("ConcatV2", "both", ["first", "large", "axes"])
    package.add("Conv2D", "last", ["both", "w3"])
    package.add("Sigmoid", "heat", ["last"])
    package.add("Identity", "tower_0/keypoints", ["heat"])
    package.add("Mul", "tower_0/wh", ["last", "sixth"])
    return package


def test_the_teachers_operations_mean_what_they_mean_in_tensorflow(tmp_path: Path) -> None:
    package = small_graph()
    onnx.save(convert(package.save(tmp_path)), str(tmp_path / "t.onnx"))
    image = np.random.default_rng(1).uniform(0, 2, (1, 3, 416, 416)).astype(np.float32)
    heat, edges = open_session(tmp_path / "t.onnx").run(["tower_0/keypoints", "tower_0/wh"], {"tower_0/images": image})
    w = {name: torch.from_numpy(value.astype(np.float16).astype(np.float32)) for name, value in package.weights.items()}
    # "SAME" pads an even side below and to the right only.
    x = F.pad(torch.from_numpy(image), (0, 1, 0, 1))
    first = F.conv2d(x, w["w1"].permute(3, 2, 0, 1), w["b1"], 2).relu()
    each = F.conv2d(F.pad(first, (0, 1, 0, 1)), w["w2"].permute(2, 3, 0, 1), None, 2, groups=4)
    swished = (each + 3).clamp(0, 6) * each
    weighed = swished * swished.mean((2, 3), keepdim=True)
    right = torch.cat([weighed[..., 1:], weighed[..., -1:]], 3)
    wide = torch.stack([weighed, (weighed + right) / 2], 4).flatten(3)
    below = torch.cat([wide[:, :, 1:], wide[:, :, -1:]], 2)
    large = torch.stack([wide, (wide + below) / 2], 3).flatten(2, 3)
    last = F.conv2d(torch.cat([first, large], 1), w["w3"].permute(3, 2, 0, 1))
    np.testing.assert_allclose(edges, (last * w["sixth"]).numpy(), rtol=2e-3, atol=2e-2)
    np.testing.assert_allclose(heat, last.sigmoid().numpy(), atol=1e-2)


def test_an_unknown_operation_is_a_model_error(tmp_path: Path) -> None:
    package = small_graph()
    package.nodes[-2]["op"] = "Einsum"
    with pytest.raises(ModelError, match="Einsum"):
        convert(package.save(tmp_path))


def test_labelling_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    class _Counting(Teacher):
        def __init__(self) -> None:
            self.seen = 0

        def find(self, image: Any) -> list[Found]:
            self.seen += 1
            return [(DOG, 0.5, BOX)]

    from PIL import Image

    pictures = []
    for name in ("a", "b"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
        pictures.append(Picture(tmp_path / f"{name}.png", "rooms", "kitchen", False))
    path, teacher = tmp_path / "rooms.jsonl", _Counting()
    label_pictures(teacher, pictures[:1], path)
    with path.open("a", encoding="utf-8") as lines:
        lines.write('{"picture": "rooms/kitchen/b.png", "fou')  # the power went
    label_pictures(teacher, pictures, path)
    assert teacher.seen == 2
    assert labels_of(pictures, path) == [[(DOG, 0.5, BOX)]] * 2
