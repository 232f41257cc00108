"""The processes that train together, and what they tell one another.

`torchrun` starts them, one for each GPU; without it there is one process, and nothing here does
anything. On processors the same code runs over gloo, which is how it is tested.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed

PATIENCE = timedelta(hours=12)  # with which processes wait while the first one does what only one may do


@dataclass(frozen=True, slots=True)
class World:
    """All processes, of which this is number `rank`, and its device."""

    rank: int
    size: int
    device: torch.device

    @classmethod
    def join(cls) -> World:
        """Meet the other processes, if there are any, and take a device: a GPU of one's own before the processor."""
        rank, local, size = (int(os.environ.get(name, default)) for name, default in
                             (("RANK", "0"), ("LOCAL_RANK", "0"), ("WORLD_SIZE", "1")))  # fmt: skip
        kind = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        if size > 1 and kind == "mps":
            kind = "cpu"  # Metal has no collectives
        if kind == "cuda":
            torch.cuda.set_device(local)
        if size > 1 and not distributed.is_initialized():
            distributed.init_process_group("nccl" if kind == "cuda" else "gloo", timeout=PATIENCE)
            atexit.register(distributed.destroy_process_group)
        return cls(rank, size, torch.device(kind, local) if kind == "cuda" else torch.device(kind))

    def wait(self) -> None:
        """Wait until all processes have come here."""
        if self.size > 1:
            distributed.barrier()

    @contextmanager
    def first(self) -> Iterator[None]:
        """Let the first process go through a block before all others, so that they find what it leaves on disk."""
        if self.rank:
            self.wait()
        yield
        if not self.rank:
            self.wait()

    def agree(self, tensors: Iterable[Tensor]) -> None:
        """Give all processes the first one's values."""
        for tensor in tensors if self.size > 1 else ():
            distributed.broadcast(tensor, 0)

    def gather(self, rows: Tensor) -> Tensor:
        """Join the processes' (n, d) to (n * size, d), in the order of ranks; gradients find their way back."""
        result: Tensor = _Gather.apply(rows) if self.size > 1 else rows
        return result

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their means over all processes.

        One reduction after the backward pass. DistributedDataParallel would hide it behind that pass, but
        wants one forward call of one module per backward call, which two towers in chunks don't have.
        """
        if self.size > 1 and tensors:
            flat = torch.cat([tensor.flatten() for tensor in tensors])
            distributed.all_reduce(flat)
            means = (flat / self.size).split([tensor.numel() for tensor in tensors])
            for tensor, mean in zip(tensors, means, strict=True):
                tensor.copy_(mean.view_as(tensor))


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, rows: Tensor) -> Tensor:
        parts = [torch.empty_like(rows) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        # Every process's loss depends on these rows; `World.average` divides the sum of all that.
        total = gradient.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        share: Tensor = total.chunk(distributed.get_world_size())[distributed.get_rank()]
        return share
