"""However a training is cut up (into processes, chunks, recomputed blocks, runs), it ends in the same weights."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from photos_engine.errors import ConfigError  # noqa: E402
from photos_engine.models.training.config import LoopConfig  # noqa: E402
from photos_engine.models.training.loop import Loop, recomputing  # noqa: E402
from photos_engine.models.training.world import World  # noqa: E402

CONFIG = LoopConfig(
    seed=3, epochs=4, batch=8, chunk=0, warm_up=0.25, clip=1.0, average=0.9, precision="float32", recompute=False
)
ROWS = 32


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Towers(nn.Module):
    """Two small towers with dropout, as the joint space has them."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Dropout(dropout)) for _ in range(2))
        self.image, self.text = nn.Linear(6, 5), nn.Linear(4, 5)
        self.log_scale = nn.Parameter(torch.tensor(1.0))

    def encode(self, x: Any) -> Any:
        for block in self.blocks:
            x = block(x)
        return F.normalize(self.image(x))

    def loss(self, loop: Loop, chosen: Any) -> Any:
        """Symmetric contrastive loss over the whole batch, in chunks where the configuration asks for them."""
        random = np.random.default_rng(1)
        x, t = (torch.from_numpy(random.normal(size=(ROWS, width)).astype(np.float32))[chosen] for width in (6, 4))
        images = loop.world.gather(loop.in_chunks(self.encode, x))
        texts = loop.world.gather(F.normalize(self.text(t)))
        scores, target = images @ texts.T * self.log_scale.exp(), torch.arange(len(images))
        return (F.cross_entropy(scores, target) + F.cross_entropy(scores.T, target)) / 2


def train(
    config: LoopConfig, *, dropout: float, folder: Path | None = None, stop: int | None = None, noise: float = 0.0
) -> dict[str, Any]:
    """Train to the end, or until it is killed in the middle of an epoch; the weights."""
    towers = Towers(dropout)
    groups = [
        {"params": [*towers.blocks.parameters(), *towers.image.parameters()], "lr": 0.02, "weight_decay": 0.1},
        {"params": [*towers.text.parameters(), towers.log_scale], "lr": 0.05, "weight_decay": 0.0},
    ]
    loop = Loop("towers", towers, groups, config, ROWS, folder)
    with recomputing(towers.blocks) if config.recompute else nullcontext():
        for epoch in loop.epochs():
            for number, chosen in enumerate(loop.batches()):
                if (epoch, number) == (stop, 1):
                    raise KeyboardInterrupt
                with loop.autocast():
                    loss = towers.loss(loop, chosen)
                loop.step(loss + noise * float(loop.random.normal()) * towers.log_scale)
    return dict(towers.state_dict())


def difference(one: dict[str, Any], other: dict[str, Any]) -> float:
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def test_training_learns_and_is_the_same_twice() -> None:
    first = train(CONFIG, dropout=0.3)
    assert difference(first, Towers(0.3).state_dict()) > 0.05
    assert difference(first, train(CONFIG, dropout=0.3)) == 0
    assert difference(first, train(replace(CONFIG, seed=4), dropout=0.3)) > 1e-3


@pytest.mark.parametrize("epoch", [0, 1, 3])
def test_a_killed_and_resumed_run_ends_in_the_weights_of_an_uninterrupted_one(tmp_path: Path, epoch: int) -> None:
    whole = train(CONFIG, dropout=0.3, noise=0.1)
    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, dropout=0.3, noise=0.1, folder=tmp_path, stop=epoch)
    assert (tmp_path / "towers.ckpt").is_file() == (epoch > 0)
    assert difference(whole, train(CONFIG, dropout=0.3, noise=0.1, folder=tmp_path)) == 0
    # What is finished is only read.
    assert difference(whole, train(CONFIG, dropout=0.3, noise=0.1, folder=tmp_path, stop=0)) == 0


def test_the_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    train(CONFIG, dropout=0.3, folder=tmp_path)
    with pytest.raises(ConfigError, match=r"towers\.ckpt was made by another recipe.*delete it"):
        train(replace(CONFIG, clip=2.0), dropout=0.3, folder=tmp_path)


@pytest.mark.parametrize("chunk", [3, 4, 8])
def test_gradient_caching_changes_nothing_but_the_memory(chunk: int) -> None:
    assert difference(train(CONFIG, dropout=0.0), train(replace(CONFIG, chunk=chunk), dropout=0.0)) < 1e-5


def test_gradient_caching_never_holds_more_than_a_chunk_and_repeats_its_dropout() -> None:
    towers, seen = Towers(0.5), []
    loop = Loop("towers", towers, [{"params": towers.parameters(), "lr": 0.1}], replace(CONFIG, chunk=3), ROWS)
    towers.blocks[1].register_forward_hook(lambda _module, _inputs, output: seen.append(output.detach()))
    loop.in_chunks(towers.encode, torch.ones(8, 6)).sum().backward()
    forward, backward = seen[:3], seen[3:]
    assert [len(part) for part in forward] == [3, 3, 2]
    assert [len(part) for part in backward] == [2, 3, 3]  # the last first, one by one
    assert all(torch.equal(one, other) for one, other in zip(forward, reversed(backward), strict=True))


def test_recomputed_blocks_give_the_same_weights_and_are_unwrapped_afterwards() -> None:
    assert difference(train(CONFIG, dropout=0.3), train(replace(CONFIG, recompute=True), dropout=0.3)) == 0
    block = nn.Linear(2, 2)
    with recomputing([block]):
        assert "forward" in vars(block)
    assert "forward" not in vars(block)


@pytest.mark.parametrize(("precision", "tolerance"), [("bfloat16", 0.05), ("float16", 0.01)])
def test_mixed_precision_ends_near_the_full_one(precision: str, tolerance: float) -> None:
    full, mixed = train(CONFIG, dropout=0.0), train(replace(CONFIG, precision=precision), dropout=0.0)
    assert 0 < difference(full, mixed) < tolerance
    assert all(item.dtype == torch.float32 for item in mixed.values())


def test_without_a_gpu_nothing_of_it_is_switched_on() -> None:
    towers = Towers(0.0)
    groups = [{"params": towers.parameters(), "lr": 0.1}]
    loop = Loop("towers", towers, groups, replace(CONFIG, precision="automatic", recompute=True), ROWS)
    if loop.device.type == "cpu":
        assert not loop.recompute
        with loop.autocast():
            assert towers.encode(torch.ones(2, 6)).dtype == torch.float32
    with pytest.raises(ConfigError, match="precision must be"):
        Loop("towers", towers, groups, replace(CONFIG, precision="half"), ROWS)


def test_the_average_follows_the_weights_and_is_what_remains() -> None:
    weight = nn.Linear(1, 1, bias=False)
    config = replace(CONFIG, clip=0.0, average=0.5)
    loop, seen = Loop("one", weight, [{"params": weight.parameters(), "lr": 0.1}], config, ROWS), [weight.weight.item()]
    expected = seen[0]
    for _ in loop.epochs():
        for step, _chosen in enumerate(loop.batches(), start=loop.epoch * 4 + 1):
            loop.step(weight.weight.sum())
            decay = min(0.5, (1 + step) / (10 + step))
            expected = decay * expected + (1 - decay) * weight.weight.item()
            seen.append(weight.weight.item())
        with loop.averaged():
            assert weight.weight.item() == pytest.approx(expected)
        assert weight.weight.item() == seen[-1]
    assert len(seen) == 1 + 16
    assert weight.weight.item() == pytest.approx(expected)
    assert weight.weight.item() > seen[-1]  # it lags behind


def test_each_group_has_its_own_rate_which_rises_and_falls_to_nothing() -> None:
    slow, fast = nn.Linear(1, 1), nn.Linear(1, 1)
    groups = [{"params": slow.parameters(), "lr": 1e-3}, {"params": fast.parameters(), "lr": 1e-1}]
    loop, rates = Loop("two", nn.ModuleList([slow, fast]), groups, CONFIG, ROWS), []
    for _ in loop.epochs():
        for _chosen in loop.batches():
            rates.append([group["lr"] for group in loop._optimiser.param_groups])
            loop.step(slow.weight.sum() + fast.weight.sum())
    lower, higher = np.array(rates).T
    np.testing.assert_allclose(higher, 100 * lower)
    assert lower.argmax() == 3  # a quarter of 16 steps
    assert lower.max() == pytest.approx(1e-3)
    assert lower[-1] < 1e-5


def test_a_loss_that_is_no_number_stops_the_run_and_spares_the_checkpoint(tmp_path: Path) -> None:
    layer = nn.Linear(1, 1)
    loop = Loop("layer", layer, [{"params": layer.parameters(), "lr": 0.1}], replace(CONFIG, clip=0.0), ROWS, tmp_path)

    def fit() -> None:
        for epoch in loop.epochs():
            for _ in loop.batches():
                loop.step(layer.weight.sum() * (float("nan") if epoch == 1 else 1))

    with pytest.raises(FloatingPointError, match="layer: the loss of epoch 2 is nan"):
        fit()
    saved = torch.load(tmp_path / "layer.ckpt", weights_only=True)
    assert saved["epoch"] == 1
    assert all(bool(item.isfinite().all()) for item in saved["model"].values())


def test_few_rows_make_one_batch_and_none_make_an_error() -> None:
    layer = nn.Linear(1, 1)
    groups = [{"params": layer.parameters(), "lr": 0.1}]
    loop = Loop("layer", layer, groups, replace(CONFIG, epochs=5), 5)
    assert [sorted(chosen) for chosen in loop.batches()] == [[0, 1, 2, 3, 4]]
    with pytest.raises(ConfigError, match="layer: a batch of 0"):
        Loop("layer", layer, groups, CONFIG, 0)


def test_progress_is_told_with_the_time_that_is_left(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        train(CONFIG, dropout=0.0)
    assert caplog.messages[-1].startswith("towers: epoch 4 of 4, loss ")
    assert caplog.messages[-1].endswith(", 0:00:00 left")


def test_two_processes_take_the_steps_of_one(tmp_path: Path) -> None:
    alone = train(CONFIG, dropout=0.0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "CUDA_VISIBLE_DEVICES": ""}
    started = [
        subprocess.Popen(
            [sys.executable, __file__, str(tmp_path)],
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    for process in started:
        _, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors
    first, second = (torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in range(2))
    assert difference(first, second) == 0
    assert difference(first, alone) < 1e-5
    assert (tmp_path / "order.txt").read_text() == "01"
    saved = torch.load(tmp_path / "towers.ckpt", weights_only=True)
    assert saved["epoch"] == CONFIG.epochs


if __name__ == "__main__":  # what each of the two processes runs
    target = Path(sys.argv[1])
    torch.set_num_threads(1)
    with World.join().first():
        order = target / "order.txt"
        order.write_text((order.read_text() if order.exists() else "") + os.environ["RANK"])
    torch.save(train(CONFIG, dropout=0.0, folder=target), target / f"rank{os.environ['RANK']}.pt")
