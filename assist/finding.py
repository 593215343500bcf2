"""From what a detector says of every place to the regions of a picture: the best of those that overlap, with outlines."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from assist.detector import MASK_PX, Detector, iou
from assist.found import Found, Frame
from core.geometry import Box, Polygon, invalid_reason

CANDIDATES = 300
MOST = 100
LEAST_SCORE = 0.05
SAME_OBJECT = 0.55
SIMPLER = 0.004


def find(detector: Detector, pyramid: Sequence[torch.Tensor], frames: Sequence[Frame]) -> list[list[Found]]:
    """What is on each picture of a batch, the surest first, in px of the pictures."""
    with torch.inference_mode():
        levels = [level.float() for level in pyramid]
        raw, finest = detector(levels)
        kept = [_best(raw.logits[n].sigmoid(), raw.boxes[n]) for n in range(len(frames))]
        outlines = None
        if detector.with_masks:
            said = detector.masks(levels, finest, [boxes for _, _, boxes in kept]).sigmoid().cpu().numpy()
            outlines = np.split(said, np.cumsum([len(boxes) for _, _, boxes in kept])[:-1])
    return [_regions(kept[n], frame, None if outlines is None else outlines[n]) for n, frame in enumerate(frames)]


def _best(scores: torch.Tensor, boxes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Scores (K), classes (K), boxes (K, 4): of places of one class that mean one object the surest; (P, C) and (P, 4) in."""
    values, at = scores.flatten().topk(min(CANDIDATES, scores.numel()))
    columns, there = at % scores.shape[1], boxes[at // scores.shape[1]]
    rivals = (iou(there, there) > SAME_OBJECT) & (columns[:, None] == columns[None])
    free = (values >= LEAST_SCORE).tolist()
    kept: list[int] = []
    for n, near in enumerate(rivals.cpu().numpy()):
        if free[n] and len(kept) < MOST:
            kept.append(n)
            for other in np.flatnonzero(near).tolist():
                free[other] = False
    return values[kept], columns[kept], there[kept]


def _regions(
    kept: tuple[torch.Tensor, torch.Tensor, torch.Tensor], frame: Frame, masks: NDArray[np.float32] | None
) -> list[Found]:
    """Scores, classes and boxes as regions that may be stored; what would be invalid is left out."""
    scores, columns, boxes = (part.cpu().numpy() for part in kept)
    found = []
    for n, corners in enumerate(boxes / frame.scale):
        box = _inside(corners.tolist(), frame.size_wh)
        shape = box if masks is None else outline(masks[n], corners.tolist(), frame.size_wh)
        if shape is not None and invalid_reason(shape, frame.size_wh) is None:
            found.append(Found(int(columns[n]), float(scores[n]), shape))
    return found


def _inside(corners: Sequence[float], size_wh: tuple[int, int]) -> Box:
    x0, y0, x1, y1 = (min(max(0.0, round(value, 1)), float(size_wh[n % 2])) for n, value in enumerate(corners))
    return Box(x0, y0, x1, y1)


def outline(mask: NDArray[np.float32], corners: Sequence[float], size_wh: tuple[int, int]) -> Polygon | None:
    """The largest part of a mask (MASK_PX, MASK_PX) as a simple ring in px of the picture, or None where it is empty."""
    finer = 4
    large = cv2.resize(mask, (MASK_PX * finer, MASK_PX * finer), interpolation=cv2.INTER_LINEAR)
    rings, _ = cv2.findContours((large > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not rings:
        return None
    ring = max(rings, key=cv2.contourArea)
    points = cv2.approxPolyDP(ring, SIMPLER * cv2.arcLength(ring, True), True)[:, 0, :]
    x0, y0, x1, y1 = corners
    step = np.array([x1 - x0, y1 - y0]) / (MASK_PX * finer)
    placed = np.clip(np.array([x0, y0]) + (points + 0.5) * step, 0, size_wh)
    return Polygon(tuple((round(float(x), 1), round(float(y), 1)) for x, y in placed)) if len(points) >= 3 else None
