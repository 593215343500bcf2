"""Fits a detector to samples whose pyramids were made once: assignment of locations to regions, losses, steps.

Locations are assigned by score and IoU together (Feng et al., 2021, "TOOD").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - as all of PyTorch's users call it

from assist.detection.detector import MASK_PX, Detector, RawOutput, iou
from assist.device import has_bf16

BATCH = 4
LEARNING_RATE = 2e-3
WARM_UP_STEPS = 30
WEIGHT_DECAY = 0.02
EMA_DECAY = 0.99
TOP_K = 9
ALPHA, BETA = 0.5, 4.0
BOX_WEIGHT, MASK_WEIGHT = 2.0, 1.0
MASKS_A_STEP = 32

Tick = Callable[[float], None]


@dataclass(frozen=True)
class Target:
    """What is on one input: boxes (N, 4) px, classes (N), masks (N, MASK_PX, MASK_PX) within the boxes, or None."""

    boxes: Tensor
    classes: Tensor
    masks: Tensor | None = None


@dataclass(frozen=True)
class TrainingSample:
    """One input as the detector is trained on it: its pyramid, each level (1, C, H, W), and what is there."""

    pyramid: tuple[Tensor, ...]
    target: Target


def ring_masks(boxes: NDArray[np.float32], rings: Sequence[NDArray[np.float32]]) -> Tensor:
    """Each outline drawn inside its box, (N, MASK_PX, MASK_PX), 0 or 1."""
    drawn = np.zeros((len(rings), MASK_PX, MASK_PX), dtype=np.uint8)
    for n, (box, ring) in enumerate(zip(boxes, rings, strict=True)):
        scaled = (ring - box[:2]) / np.maximum(box[2:] - box[:2], 1e-3) * MASK_PX
        cv2.fillPoly(drawn[n], [np.round(scaled * 16 - 8).astype(np.int32)], (1,), shift=4)
    return torch.from_numpy(drawn).float()


def fit(
    detector: Detector,
    samples: Sequence[TrainingSample],
    *,
    steps: int,
    seed: int,
    device: str,
    tick: Tick | None = None,
) -> Detector:
    """The detector after so many steps, its weights averaged over the last ones; `tick` hears how far it is, 0 to 1."""
    rng = np.random.default_rng(seed)
    detector.to(device).train()
    optimizer = torch.optim.AdamW(detector.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _learning_rate(step, steps))
    average = {name: value.detach().clone() for name, value in detector.state_dict().items()}
    for step in range(steps):
        some = [samples[n] for n in rng.choice(len(samples), min(BATCH, len(samples)), replace=False)]
        optimizer.zero_grad()
        _loss(detector, some, rng, device).backward()
        torch.nn.utils.clip_grad_norm_(detector.parameters(), 10.0)
        optimizer.step()
        schedule.step()
        keep = min(EMA_DECAY, (1 + step) / (10 + step))
        for name, value in detector.state_dict().items():
            average[name].lerp_(value, 1 - keep)
        if tick is not None:
            tick((step + 1) / steps)
    detector.load_state_dict(average)
    detector.eval()
    return detector


def _learning_rate(step: int, steps: int) -> float:
    """Warm up, then down a half cosine."""
    return min((step + 1) / WARM_UP_STEPS, 0.5 * (1 + math.cos(math.pi * step / steps)) + 0.01)


def _loss(detector: Detector, samples: Sequence[TrainingSample], rng: np.random.Generator, device: str) -> Tensor:
    levels = zip(*(sample.pyramid for sample in samples), strict=True)
    pyramid = [torch.cat(level).to(device).float() for level in levels]
    targets = [_moved(sample.target, device) for sample in samples]
    with torch.autocast(device, half_type(device), enabled=half_type(device) is not None):
        raw, level = detector(pyramid)
        masks = _mask_loss(detector, pyramid, level, targets, rng) if detector.with_masks else 0.0
    return _box_loss(raw, targets) + MASK_WEIGHT * masks


def half_type(device: str) -> torch.dtype | None:
    """The shorter floats that a device computes with faster, or None. They halve the time of a step where a CPU has them."""
    if device == "cpu":
        return torch.bfloat16 if has_bf16() else None
    return torch.bfloat16 if device == "cuda" else None


def _moved(target: Target, device: str) -> Target:
    masks = None if target.masks is None else target.masks.to(device)
    return Target(target.boxes.to(device), target.classes.to(device), masks)


def _box_loss(raw: RawOutput, targets: Sequence[Target]) -> Tensor:
    """Quality focal loss of the scores and GIoU loss of the boxes, weighted by the quality of the positive locations."""
    wanted = torch.zeros_like(raw.logits)
    box_losses, weight = [], raw.logits.new_zeros(())
    for n, target in enumerate(targets):
        place, region, quality = assign(raw.logits[n].detach(), raw.boxes[n].detach(), raw.locations, target)
        wanted[n, place, target.classes[region]] = quality
        box_losses.append((1 - _giou(raw.boxes[n, place], target.boxes[region])) * quality)
        weight = weight + quality.sum()
    chance = raw.logits.sigmoid()
    focal = F.binary_cross_entropy_with_logits(raw.logits, wanted, reduction="none") * (chance - wanted).abs() ** 2
    return (focal.sum() + BOX_WEIGHT * torch.cat(box_losses).sum()) / weight.clamp(min=1)


def assign(logits: Tensor, boxes: Tensor, locations: Tensor, target: Target) -> tuple[Tensor, Tensor, Tensor]:
    """Which locations are positive for which regions: locations (K), regions (K), and the quality that each should predict, 0 to 1 (K)."""
    if not len(target.boxes):
        nothing = torch.zeros(0, dtype=torch.long, device=logits.device)
        return nothing, nothing, logits.new_zeros(0)
    overlap = iou(target.boxes, boxes)  # (N, P)
    score = logits.sigmoid()[:, target.classes].T
    alignment = score**ALPHA * overlap**BETA * _inside(target.boxes, locations)
    best = alignment.topk(min(TOP_K, alignment.shape[1]), dim=1)
    chosen = torch.zeros_like(alignment).scatter_(1, best.indices, (best.values > 0).float())
    owner = (chosen * overlap.clamp(min=1e-6)).max(0)
    place = torch.nonzero(owner.values > 0)[:, 0]
    region = owner.indices[place]
    there = alignment[region, place]
    top_alignment, top_overlap = alignment.max(1).values, (overlap * chosen).max(1).values
    quality = there / top_alignment[region].clamp(min=1e-9) * top_overlap[region]
    return place, region, quality.clamp(0, 1)


def _inside(boxes: Tensor, locations: Tensor) -> Tensor:
    """Which locations lie in which boxes, (N, P); a box too small to hold one gets the nearest of the finest level."""
    x, y = locations[:, 0], locations[:, 1]
    held = (x > boxes[:, 0:1]) & (x < boxes[:, 2:3]) & (y > boxes[:, 1:2]) & (y < boxes[:, 3:4])
    near = (x - boxes[:, [0, 2]].mean(1, keepdim=True)) ** 2 + (y - boxes[:, [1, 3]].mean(1, keepdim=True)) ** 2
    near = near + (locations[:, 2] - locations[:, 2].min()) * 1e6
    held[torch.arange(len(boxes)), near.argmin(1)] = True
    return held.float()


def _giou(a: Tensor, b: Tensor) -> Tensor:
    """Generalized IoU of pairs (Rezatofighi et al., 2019), (N)."""
    shared = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(-1)
    both = (a[:, 2:] - a[:, :2]).prod(-1) + (b[:, 2:] - b[:, :2]).prod(-1) - shared
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(-1)
    return shared / both.clamp(min=1e-6) - (hull - both) / hull.clamp(min=1e-6)


def _mask_loss(
    detector: Detector, pyramid: Sequence[Tensor], level: Tensor, targets: Sequence[Target], rng: np.random.Generator
) -> Tensor:
    """Of some regions of each input, aligned by their true boxes."""
    boxes, masks = [], []
    for target in targets:
        assert target.masks is not None
        count = min(len(target.boxes), MASKS_A_STEP // len(targets))
        some = torch.from_numpy(rng.choice(len(target.boxes), count, replace=False)).to(level.device)
        boxes.append(target.boxes[some])
        masks.append(target.masks[some])
    wanted = torch.cat(masks)
    if not len(wanted):
        return level.new_zeros(())
    said = detector.masks(pyramid, level, boxes)
    chance = said.sigmoid()
    dice = 1 - (2 * (chance * wanted).sum((1, 2)) + 1) / (chance.sum((1, 2)) + wanted.sum((1, 2)) + 1)
    return F.binary_cross_entropy_with_logits(said, wanted) + dice.mean()
