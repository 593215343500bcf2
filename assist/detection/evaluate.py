"""How far a detector may be trusted: what it finds on audit images that it did not learn from, threshold by class. Pure.

A region is right when it has its label and overlaps a drawn one, which no surer one has taken, by half or more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assist import calibrate
from assist.calibrate import Threshold
from assist.detection.detections import Detection
from core.annotation import Answer, Region
from core.assist.doubts import Doubt
from core.assist.suggestions import SAME_IOU
from core.consensus import shape_iou
from core.geometry import box_iou
from core.ids import ItemId, LabelId

FOLDS = 2  # each costs a whole training
LEAST_IMAGES = 10
LEAST_AUDIT = 10
LEAST_THRESHOLD = 0.15
SURELY = 0.6


@dataclass(frozen=True)
class EvaluatedImage:
    """What was found on one audit image beside what people drew there."""

    item: ItemId
    found: tuple[Detection, ...]
    right: tuple[bool, ...]
    drawn: int


def evaluate(
    item: ItemId, found: Sequence[Detection], drawn: Sequence[Region], labels: Sequence[LabelId]
) -> EvaluatedImage:
    """Compare, the surest first."""
    ranked = sorted(found, key=lambda one: -one.score)
    free = list(drawn)
    right = []
    for one in ranked:
        there = [(_overlap(one, region, labels), n) for n, region in enumerate(free)]
        best, place = max(there, default=(0.0, 0))
        right.append(best >= SAME_IOU)
        if right[-1]:
            del free[place]
    return EvaluatedImage(item, tuple(ranked), tuple(right), len(drawn))


def _overlap(found: Detection, region: Region, labels: Sequence[LabelId]) -> float:
    if labels[found.class_index] != region.label or box_iou(found.shape.bounds, region.shape.bounds) == 0:
        return 0.0
    return shape_iou(found.shape, region.shape)


def folds(audit: NDArray[np.bool_], seed: int) -> list[NDArray[np.int64]]:
    """Rows of audit images in as many parts, each held out once."""
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(audit))
    return [part for part in np.array_split(rows, min(FOLDS, len(rows) or 1)) if len(part)]


def thresholds(evaluated: Sequence[EvaluatedImage], classes: int, target: float) -> tuple[Threshold | None, ...]:
    """The lowest score of each class from which what it finds is proven right often enough, or None."""
    return tuple(_threshold(evaluated, class_index, target) for class_index in range(classes))


def _threshold(evaluated: Sequence[EvaluatedImage], class_index: int, target: float) -> Threshold | None:
    pairs = [
        (one.score, right)
        for image in evaluated
        for one, right in zip(image.found, image.right, strict=True)
        if one.class_index == class_index and one.score >= LEAST_THRESHOLD
    ]
    scores = np.array([score for score, _ in pairs])
    return calibrate.choose(scores, np.array([right for _, right in pairs], dtype=bool), target)


def doubts(
    evaluated: Sequence[EvaluatedImage], least: Sequence[Threshold | None], labels: Sequence[LabelId]
) -> list[Doubt]:
    """Pictures on which a trusted label is surely found where nobody drew it, the surest first."""
    found = []
    for image in evaluated:
        missed = [
            one
            for one, right in zip(image.found, image.right, strict=True)
            if not right and (t := least[one.class_index]) is not None and one.score >= max(t.score, SURELY)
        ]
        if missed:
            answer = Answer(regions=tuple(Region(labels[one.class_index], one.shape) for one in missed))
            found.append(Doubt(image.item, missed[0].score, answer))
    return sorted(found, key=lambda doubt: -doubt.sure)


def metrics(
    evaluated: Sequence[EvaluatedImage], found: Sequence[Threshold | None], names: Sequence[str], target: float
) -> Mapping[str, Any]:
    """What the dashboard says of the model."""
    shown = [_shown(image, found) for image in evaluated]
    right, said, drawn = (sum(part[n] for part in shown) for n in range(3))
    scores = np.array([one.score for image in evaluated for one in image.found])
    hits = np.array([right for image in evaluated for right in image.right], dtype=bool)
    good = [one for one in found if one is not None]
    return {
        "audit": len(evaluated), "regions": drawn, "classes": len(names),
        "threshold": round(min(t.score for t in good), 4) if good else None,
        "coverage": round(right / drawn, 4) if drawn else None,
        "precision": round(right / said, 4) if said else None,
        "bound": round(min(t.bound for t in good), 4) if good else None,
        "by_class": {name: _by_class(one) for name, one in zip(names, found, strict=True)},
        "image_right": round(sum(r == s == d for r, s, d in shown) / len(shown), 4) if shown else None,
        "curve": calibrate.curve(scores, hits, of=drawn),
        "why": "" if good else _why(evaluated, target),
    }  # fmt: skip


def _shown(image: EvaluatedImage, found: Sequence[Threshold | None]) -> tuple[int, int, int]:
    """Regions right, said, and drawn, of what a labeler would have seen on an image."""
    rights = [
        right
        for one, right in zip(image.found, image.right, strict=True)
        if (least := found[one.class_index]) is not None and one.score >= least.score
    ]
    return sum(rights), len(rights), image.drawn


def _by_class(found: Threshold | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"threshold": round(found.score, 4), "precision": round(found.precision, 4), "bound": round(found.bound, 4)}


def _why(evaluated: Sequence[EvaluatedImage], target: float) -> str:
    if len(evaluated) < LEAST_AUDIT:
        return calibrate.too_few(len(evaluated), LEAST_AUDIT)
    return (
        f"No label's regions are proven right {target:.0%} of the time at any score, so none is drawn for you; likely ones are "
        "offered by letters. More labels, or a lower target, will help."
    )
