"""Several processes that train one network together: started by `torchrun`, on CPU cores (gloo) or GPUs (nccl).

Tried with two processes on CPU cores; not tried on more than one GPU.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Team:
    """This process's place among `size` of them. Alone, every operation here is nothing."""

    rank: int = 0
    size: int = 1
    device: torch.device = _CPU

    @property
    def leads(self) -> bool:
        """Whether this process is the one that reports and writes."""
        return self.rank == 0

    @property
    def sparse_table(self) -> bool:
        """Whether the n-gram table may have sparse gradients: nccl, between GPUs, cannot average such."""
        return self.size == 1 or self.device.type != "cuda"

    def threads_each(self, threads: int) -> int:
        """Threads for this process where all together may use `threads`."""
        return max(1, threads // self.size)

    def join(self, network: nn.Module) -> nn.Module:
        """The network with gradients averaged over all processes, starting from the leader's weights."""
        if self.size == 1:
            return network
        devices = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(network, device_ids=devices)

    def share_of_leader(self, value: float) -> float:
        """The leader's `value`, in every process: so that all stop at the same step."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=self.device)
        distributed.broadcast(shared, src=0)
        return float(shared.item())

    def wait(self) -> None:
        """Until every process is here."""
        if self.size > 1:
            distributed.barrier()


@contextmanager
def team() -> Iterator[Team]:
    """This process's team: as `torchrun` set it up, or just this process."""
    if "RANK" not in os.environ:
        yield Team(device=torch.device("cuda" if torch.cuda.is_available() else "cpu"))
        return
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if cuda else torch.device("cpu")
    if cuda:
        # Before anything else speaks to a GPU: otherwise every process would also take memory of the first one.
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if cuda else "gloo")
    try:
        yield Team(distributed.get_rank(), distributed.get_world_size(), device)
    finally:
        distributed.destroy_process_group()
