"""From what a detector predicts at every location to the regions of an image: non-maximum suppression, and outlines."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from assist.detection.detections import Detection
from assist.detection.detector import MASK_PX, Detector, iou
from assist.detection.letterbox import Letterbox
from core.geometry import Box, Polygon, invalid_reason

CANDIDATES = 300
MOST_DETECTIONS = 100
LEAST_SCORE = 0.05
NMS_IOU = 0.55
SIMPLIFY = 0.004


def detect_batch(
    detector: Detector, pyramid: Sequence[torch.Tensor], letterboxes: Sequence[Letterbox]
) -> list[list[Detection]]:
    """What is on each image of a batch, the surest first, in px of the images."""
    with torch.inference_mode():
        levels = [level.float() for level in pyramid]
        raw, finest = detector(levels)
        kept = [_non_max_suppressed(raw.logits[n].sigmoid(), raw.boxes[n]) for n in range(len(letterboxes))]
        outlines = None
        if detector.with_masks:
            said = detector.masks(levels, finest, [boxes for _, _, boxes in kept]).sigmoid().cpu().numpy()
            outlines = np.split(said, np.cumsum([len(boxes) for _, _, boxes in kept])[:-1])
    return [
        _regions(kept[n], letterbox, None if outlines is None else outlines[n])
        for n, letterbox in enumerate(letterboxes)
    ]


def _non_max_suppressed(scores: torch.Tensor, boxes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Scores (K), class indexes (K) and boxes (K, 4) that are left of (P, C) scores and (P, 4) boxes."""
    values, at = scores.flatten().topk(min(CANDIDATES, scores.numel()))
    class_indexes, there = at % scores.shape[1], boxes[at // scores.shape[1]]
    rivals = (iou(there, there) > NMS_IOU) & (class_indexes[:, None] == class_indexes[None])
    free = (values >= LEAST_SCORE).tolist()
    kept: list[int] = []
    for n, near in enumerate(rivals.cpu().numpy()):
        if free[n] and len(kept) < MOST_DETECTIONS:
            kept.append(n)
            for other in np.flatnonzero(near).tolist():
                free[other] = False
    return values[kept], class_indexes[kept], there[kept]


def _regions(
    kept: tuple[torch.Tensor, torch.Tensor, torch.Tensor], letterbox: Letterbox, masks: NDArray[np.float32] | None
) -> list[Detection]:
    """Scores, classes and boxes as regions that may be stored; what would be invalid is left out."""
    scores, class_indexes, boxes = (part.cpu().numpy() for part in kept)
    found = []
    for n, corners in enumerate(boxes / letterbox.scale):
        box = _inside(corners.tolist(), letterbox.size_wh)
        shape = box if masks is None else outline(masks[n], corners.tolist(), letterbox.size_wh)
        if shape is not None and invalid_reason(shape, letterbox.size_wh) is None:
            found.append(Detection(int(class_indexes[n]), float(scores[n]), shape))
    return found


def _inside(corners: Sequence[float], size_wh: tuple[int, int]) -> Box:
    x0, y0, x1, y1 = (min(max(0.0, round(value, 1)), float(size_wh[n % 2])) for n, value in enumerate(corners))
    return Box(x0, y0, x1, y1)


def outline(mask: NDArray[np.float32], corners: Sequence[float], size_wh: tuple[int, int]) -> Polygon | None:
    """The largest part of a mask (MASK_PX, MASK_PX) as a simple ring in px of the image, or None where it is empty."""
    finer = 4
    large = cv2.resize(mask, (MASK_PX * finer, MASK_PX * finer), interpolation=cv2.INTER_LINEAR)
    rings, _ = cv2.findContours((large > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not rings:
        return None
    ring = max(rings, key=cv2.contourArea)
    points = cv2.approxPolyDP(ring, SIMPLIFY * cv2.arcLength(ring, True), True)[:, 0, :]
    x0, y0, x1, y1 = corners
    step = np.array([x1 - x0, y1 - y0]) / (MASK_PX * finer)
    placed = np.clip(np.array([x0, y0]) + (points + 0.5) * step, 0, size_wh)
    return Polygon(tuple((round(float(x), 1), round(float(y), 1)) for x, y in placed)) if len(points) >= 3 else None
