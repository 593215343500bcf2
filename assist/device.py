"""On what the worker computes: CUDA, Apple's MPS or the CPU, kept within bounds so that labeling stays fluid beside it."""

from __future__ import annotations

import importlib.util
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from threadpoolctl import threadpool_limits

NICE = 10
NO_TORCH = (
    "PyTorch is not installed beside the learning worker, so projects that need it wait; labeling is not affected. "
    "Install it with `pip install tagline[assist]`, then start the worker again."
)


@dataclass(frozen=True)
class Device:
    """Where tensors live.

    Attributes:
        torch: as PyTorch names it: `cuda`, `mps` or `cpu`.
        name: as people name it.
        batch: images in one forward pass.
    """

    torch: str
    name: str
    batch: int


def has_torch() -> bool:
    """True where PyTorch can be imported; finding that out does not load it."""
    return importlib.util.find_spec("torch") is not None


def choose_device() -> Device:
    """The best device of this machine. Without PyTorch it is the CPU."""
    if not has_torch():
        return Device("cpu", "cpu without PyTorch", 16)
    import torch

    if torch.cuda.is_available():
        return Device("cuda", torch.cuda.get_device_name(0)[:60], 256)
    if torch.backends.mps.is_available():
        return Device("mps", "Apple GPU", 64)
    return Device("cpu", f"cpu ({torch.backends.cpu.get_cpu_capability()})", 16)


def has_bf16() -> bool:
    """True where this CPU computes in bfloat16 itself, which is twice as fast as float32."""
    try:
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def stay_modest(threads: int) -> None:
    """Bound this process's threads and give way to others: to be called once, before anything is computed."""
    with suppress(OSError):
        os.nice(NICE)
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for libraries that are loaded later, such as faiss
    threadpool_limits(threads)
    if has_torch():
        import torch

        torch.set_num_threads(threads)
        with suppress(RuntimeError):  # only possible before the first parallel work
            torch.set_num_interop_threads(1)
