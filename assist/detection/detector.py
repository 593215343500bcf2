"""A small one-stage detector on the frozen pyramid of a backbone, and masks of what it finds. It knows no image files.

Free of anchors, as FCOS (Tian et al., 2019), with scores that tell the expected IoU (Li et al., 2020, "Generalized Focal
Loss") and a RoI mask branch as Mask R-CNN (He et al., 2017). Only what stands here is trained; the pyramid is frozen.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as all of PyTorch's users call it

STRIDES = (8, 16, 32)
WIDTH = 96
MASK_PX, POOLED = 28, 14
PRIOR_LOGIT = -4.0  # scores start low: most locations hold nothing


class RawOutput(NamedTuple):
    """What the head predicts at every location: logits (B, P, C), boxes (B, P, 4) xyxy px of the input, locations (P, 3) x, y, stride."""

    logits: Tensor
    boxes: Tensor
    locations: Tensor


def _block(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, nn.GroupNorm(8, outputs), nn.SiLU())


class Detector(nn.Module):  # type: ignore[misc]
    """Boxes, and masks where `with_masks`, from a pyramid.

    Args:
        channels: of the pyramid's levels at strides 4, 8, 16 and 32.
        classes: how many labels there are.
    """

    def __init__(self, channels: Sequence[int], classes: int, *, with_masks: bool) -> None:
        super().__init__()
        self.channels, self.classes, self.with_masks = tuple(channels), classes, with_masks
        self.lateral = nn.ModuleList(nn.Conv2d(n, WIDTH, 1) for n in channels[1:])
        self.smooth = nn.ModuleList(_block(WIDTH, WIDTH) for _ in STRIDES)
        self.shared = _block(WIDTH, WIDTH)
        self.for_class, self.for_box = _block(WIDTH, WIDTH), _block(WIDTH, WIDTH)
        self.score = nn.Conv2d(WIDTH, classes, 3, padding=1)
        self.distances = nn.Conv2d(WIDTH, 4, 3, padding=1)
        self.scale = nn.Parameter(torch.full((len(STRIDES),), 1.0))
        nn.init.constant_(self.score.bias, PRIOR_LOGIT)
        nn.init.normal_(self.score.weight, std=0.01)
        nn.init.normal_(self.distances.weight, std=0.01)
        if with_masks:
            self.fine = nn.Conv2d(channels[0], WIDTH, 1)
            self.mask = nn.Sequential(
                _block(2 * WIDTH, WIDTH), _block(WIDTH, WIDTH), nn.ConvTranspose2d(WIDTH, 64, 2, stride=2), nn.SiLU(),
                nn.Conv2d(64, 1, 1),
            )  # fmt: skip

    def forward(self, pyramid: Sequence[Tensor]) -> tuple[RawOutput, Tensor]:
        """What it predicts at every location, and the finest level of its neck, (B, WIDTH, H / 8, W / 8), that masks are cut from."""
        levels = self._neck(pyramid)
        logits, boxes, locations = [], [], []
        for n, (level, stride) in enumerate(zip(levels, STRIDES, strict=True)):
            at = _locations(level, stride)
            x = self.shared(level)
            logits.append(self.score(self.for_class(x)).flatten(2).mT.float())  # (B, H * W, C)
            # In half precision boxes would be off by px.
            said = self.distances(self.for_box(x)).flatten(2).mT.float()  # (B, H * W, 4)
            sides = (said + self.scale[n]).clamp(max=6).exp() * stride
            boxes.append(torch.cat([at[:, :2] - sides[..., :2], at[:, :2] + sides[..., 2:]], -1))
            locations.append(at)
        return RawOutput(torch.cat(logits, 1), torch.cat(boxes, 1), torch.cat(locations)), levels[0]

    def _neck(self, pyramid: Sequence[Tensor]) -> list[Tensor]:
        """Each level with what the coarser ones know (Lin et al., 2017)."""
        found: list[Tensor] = []
        above: Tensor | None = None
        for n in reversed(range(len(STRIDES))):
            x: Tensor = self.lateral[n](pyramid[n + 1])
            above = x if above is None else x + F.interpolate(above, scale_factor=2.0)
            found.insert(0, self.smooth[n](above))
        return found

    def masks(self, pyramid: Sequence[Tensor], level: Tensor, boxes: Sequence[Tensor]) -> Tensor:
        """Logits (N, MASK_PX, MASK_PX) of the masks inside boxes, which are given image by image, (n, 4) each."""
        coarse, fine = _roi_align(level, boxes, STRIDES[0]), _roi_align(self.fine(pyramid[0]), boxes, STRIDES[0] // 2)
        return self.mask(torch.cat([coarse, fine], 1))[:, 0].float()


def _locations(level: Tensor, stride: int) -> Tensor:
    """Centres of a level's cells and its stride, (H * W, 3)."""
    ys, xs = (torch.arange(n, device=level.device) * stride + stride / 2 for n in level.shape[2:])
    y, x = torch.meshgrid(ys, xs, indexing="ij")
    return torch.stack([x, y, torch.full_like(x, stride)], -1).reshape(-1, 3).float()


def _roi_align(level: Tensor, boxes: Sequence[Tensor], stride: int) -> Tensor:
    """The part of a level inside each box, brought to (N, C, POOLED, POOLED), bilinear as RoIAlign with one sample a bin."""
    parts = []
    wide, high = level.shape[3] * stride, level.shape[2] * stride
    steps = (torch.arange(POOLED, device=level.device) + 0.5) / POOLED
    for n, some in enumerate(boxes):
        x = (some[:, 0:1] + steps * (some[:, 2:3] - some[:, 0:1])) / wide * 2 - 1  # (n, POOLED)
        y = (some[:, 1:2] + steps * (some[:, 3:4] - some[:, 1:2])) / high * 2 - 1
        grid = torch.stack(
            [x[:, None, :].expand(-1, POOLED, -1), y[:, :, None].expand(-1, -1, POOLED)], -1
        )  # (n, P, P, 2)
        flat = grid.reshape(1, -1, POOLED, 2).to(level.dtype)
        cut = F.grid_sample(level[n : n + 1], flat, align_corners=False, padding_mode="border")
        parts.append(cut[0].reshape(level.shape[1], len(some), POOLED, POOLED).transpose(0, 1))
    return torch.cat(parts)


def iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU of every box of a (N, 4) with every one of b (M, 4), (N, M)."""
    low, high = torch.maximum(a[:, None, :2], b[None, :, :2]), torch.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    areas = [(some[:, 2:] - some[:, :2]).prod(-1) for some in (a, b)]
    return shared / (areas[0][:, None] + areas[1][None] - shared).clamp(min=1e-6)


def to_bytes(detector: Detector, facts: dict[str, Any]) -> bytes:
    """A stored form, half as long as the floats; `facts` come back as they were."""
    file = io.BytesIO()
    state = {name: value.half() for name, value in detector.state_dict().items()}
    torch.save({"state": state, "channels": detector.channels, "with_masks": detector.with_masks, **facts}, file)
    return file.getvalue()


def from_bytes(data: bytes) -> tuple[Detector, dict[str, Any]]:
    """Read what `to_bytes` wrote."""
    found: dict[str, Any] = torch.load(io.BytesIO(data), weights_only=True)
    state = {name: value.float() for name, value in found.pop("state").items()}
    classes = len(state["score.bias"])
    detector = Detector(found.pop("channels"), classes, with_masks=found.pop("with_masks"))
    detector.load_state_dict(state)
    detector.eval()
    return detector, found
