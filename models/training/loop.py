"""The training loop of every head that learns by gradients.

The same lines run on a laptop's processor and on machines full of GPUs. What a GPU offers (mixed
precision, recomputed activations) is switched on where one is, and off elsewhere. `torchrun` starts
several processes; each then works on its share of every batch, and all take the same step:

    loop = Loop("embedding", model, [{"params": model.parameters(), "lr": 1e-3}], config, len(rows), work)
    for _ in loop.epochs():  # goes on after the last epoch that a killed run finished
        for chosen in loop.batches():
            with loop.autocast():
                loss = ...
            loop.step(loss)

All chance of an epoch comes from the seed, the epoch's number and the process's rank. So a checkpoint
needs no state of random numbers, and a run that was killed and resumed ends in the very weights that
an uninterrupted one ends in.
"""

from __future__ import annotations

import io
import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.utils.checkpoint import checkpoint

from photos_engine.errors import ConfigError
from photos_engine.files import write_atomically
from photos_engine.models.training.config import LoopConfig
from photos_engine.models.training.world import World

log = logging.getLogger(__name__)

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
QUIET_S = 5.0  # between two lines of progress; small heads have epochs of milliseconds


class Loop:
    """Epochs, batches and steps (AdamW, one cycle) of one training; see the module's example.

    model: every module that learns (a ModuleList of several); its batch norms' statistics are each
    process's own, and the first one's are kept. groups: as AdamW takes them, each with its highest `lr`.
    count: rows to learn from. folder: where the checkpoint `NAME.ckpt` goes, shared by all processes;
    without one, none is written. Its presence resumes. Raises: ConfigError for an unknown precision and
    for a checkpoint that another recipe made.
    """

    def __init__(
        self, name: str, model: nn.Module, groups: Sequence[dict[str, Any]], config: LoopConfig, count: int,
        folder: Path | None = None,
    ) -> None:  # fmt: skip
        self.name, self.config, self.count, self.epoch = name, config, count, 0
        self.world = World.join()
        self.device = self.world.device
        self.recompute = config.recompute and self.device.type != "cpu"  # whether `recomputing` is worth its time
        self.random = np.random.default_rng()  # of this process; seeded anew by every epoch
        self.model = model.to(self.device)
        self._path = None if folder is None else folder / f"{name}.ckpt"
        settings = [{key: value for key, value in group.items() if key != "params"} for group in groups]
        self._recipe = {**asdict(config), "count": count, "groups": settings}
        self._share = min(config.batch, count) // self.world.size
        if not self._share:
            raise ConfigError(f"{name}: a batch of {min(config.batch, count)} for {self.world.size} processes")
        self._steps = count // (self._share * self.world.size)
        self._loss = torch.zeros((), device=self.device)
        self._dtype = _precision(config.precision, self.device)
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=self._dtype == torch.float16)
        self._optimiser = torch.optim.AdamW(groups)
        learning = [item for group in self._optimiser.param_groups for item in group["params"]]
        self._parameters = [item for item in learning if item.requires_grad]
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, [group["lr"] for group in self._optimiser.param_groups],
            total_steps=config.epochs * self._steps, pct_start=config.warm_up,
        )  # fmt: skip
        self.world.agree(item for item in self.model.state_dict().values() if isinstance(item, Tensor))
        self._mean = [item.detach().clone() for item in self._parameters] if config.average else []
        self._load()

    def epochs(self) -> Iterator[int]:
        """Yield the numbers of the epochs that are left.

        Afterwards the model lies in main memory and holds the averaged weights, if any are kept.
        """
        began, told, first = time.monotonic(), 0.0, self.epoch
        while self.epoch < self.config.epochs:
            self._seed()
            self.model.train()
            self._loss.zero_()
            yield self.epoch
            self.epoch += 1
            self.world.average([self._loss])
            loss = float(self._loss) / self._steps
            if not np.isfinite(loss):
                raise FloatingPointError(f"{self.name}: the loss of epoch {self.epoch} is {loss}")
            self._save()
            now, missing = time.monotonic(), self.config.epochs - self.epoch
            if self.world.rank == 0 and (now - told > QUIET_S or not missing):
                left, done = (now - began) / (self.epoch - first) * missing, f"{self.epoch} of {self.config.epochs}"
                log.info("%s: epoch %s, loss %.4f, %s left", self.name, done, loss, timedelta(seconds=round(left)))
                told = now
        self._exchange()
        self.model.cpu()

    def batches(self) -> Iterator[NDArray[np.int64]]:
        """Yield this process's rows of each batch, in an order that all processes share."""
        order = np.random.default_rng([self.config.seed, self.epoch]).permutation(self.count)
        for step in range(self._steps):
            begin = (step * self.world.size + self.world.rank) * self._share
            yield order[begin : begin + self._share]

    def autocast(self) -> torch.autocast:
        """A context for what leads to the loss: 16-bit products where the device is good at them."""
        return torch.autocast(self.device.type, self._dtype, enabled=self._dtype != torch.float32)

    def step(self, loss: Tensor) -> None:
        """Take one step down a loss that is the mean over this process's rows."""
        self._scaler.scale(loss).backward()
        for parameter in self._parameters if self.world.size > 1 else ():
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        # Averaged before it is unscaled: one process's overflow must be seen by all.
        self.world.average([item.grad for item in self._parameters if item.grad is not None])
        self._scaler.unscale_(self._optimiser)
        if self.config.clip:
            clip_grad_norm_(self._parameters, self.config.clip)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self._optimiser.zero_grad()
        self._schedule.step()
        self._loss += loss.detach()
        taken = self._schedule.last_epoch
        decay = min(self.config.average, (1 + taken) / (10 + taken))  # the first weights are soon forgotten
        for mean, parameter in zip(self._mean, self._parameters, strict=False):
            mean.lerp_(parameter.detach(), 1 - decay)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within, the model holds the averaged weights, if any are kept; to measure it between two epochs."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def in_chunks(self, encode: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
        """Encode a batch with the memory of `config.chunk` rows; the gradient is that of `encode(*inputs)`.

        Gradient caching (Gao et al., RepL4NLP 2021), by which contrastive batches outgrow the memory: only
        the embeddings are kept, and the backward pass computes each chunk again, with the same dropout.
        """
        if not self.config.chunk:
            return encode(*inputs)
        chunks = zip(*(item.split(self.config.chunk) for item in inputs), strict=True)
        return torch.cat([checkpoint(encode, *chunk, use_reentrant=False) for chunk in chunks])

    def _exchange(self) -> None:
        for parameter, mean in zip(self._parameters, self._mean, strict=False):
            weight = parameter.detach().clone()
            parameter.data.copy_(mean)
            mean.copy_(weight)

    def _seed(self) -> None:
        chance = np.random.SeedSequence([self.config.seed, self.epoch, self.world.rank])
        self.random = np.random.default_rng(chance)
        number = int(chance.generate_state(1)[0])
        random.seed(number)
        np.random.seed(number)
        torch.manual_seed(number)

    def _state(self) -> dict[str, Any]:
        return {"model": self.model, "optimiser": self._optimiser, "schedule": self._schedule, "scaler": self._scaler}

    def _save(self) -> None:
        if self._path is not None and self.world.rank == 0:
            content = {name: part.state_dict() for name, part in self._state().items()}
            file = io.BytesIO()
            torch.save({**content, "mean": self._mean, "epoch": self.epoch, "recipe": self._recipe}, file)
            write_atomically(self._path, file.getvalue(), make_folders=True)

    def _load(self) -> None:
        if self._path is None or not self._path.is_file():
            return
        saved = torch.load(self._path, map_location="cpu", weights_only=True)  # AdamW counts its steps there
        if saved["recipe"] != self._recipe:
            raise ConfigError(f"{self._path} was made by another recipe, {saved['recipe']}: delete it to begin anew")
        for name, part in self._state().items():
            part.load_state_dict(saved[name])
        for mean, kept in zip(self._mean, saved["mean"], strict=True):
            mean.copy_(kept)
        self.epoch = saved["epoch"]
        log.info("%s: resumed after epoch %d of %d", self.name, self.epoch, self.config.epochs)


@contextmanager
def recomputing(blocks: Iterable[nn.Module]) -> Iterator[None]:
    """Within, blocks keep their inputs only and compute the rest again in the backward pass, to the same gradient."""
    wrapped = list(blocks)
    for block in wrapped:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)
    try:
        yield
    finally:
        for block in wrapped:
            del block.forward  # the class's own shows again


def _precision(name: str, device: torch.device) -> torch.dtype:
    """The dtype of products; "automatic" is bfloat16, or float16 on GPUs without it, or float32 without a GPU."""
    if name != "automatic":
        if name not in PRECISIONS:
            raise ConfigError(f"precision must be automatic or one of {', '.join(PRECISIONS)}, not {name!r}")
        return PRECISIONS[name]
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
