"""When several labelers answer one item: do they agree, and on what? Pure; no database.

Labels of the image are voted one by one. Regions are matched between labelers by IoU (the Hungarian method) within one
label; what more than half of the labelers drew stands, a box as the median of its edges, a polygon as the one nearest to the
others. A result counts as agreed only when more than half of the labelers are close to it as a whole.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from shapely import Polygon as ShapelyPolygon
from shapely import make_valid

from core.annotation import Answer, Region
from core.errors import BadInput
from core.geometry import Box, Polygon, box_iou
from core.ids import LabelId, TaskType

CLOSE_ENOUGH = 0.5
MOST_LABELERS = 99


@dataclass(frozen=True)
class Quorum:
    """How many labelers answer an item, and how well regions must overlap to be the same one (IoU, 0 to 1)."""

    min_labelers: int = 1
    max_labelers: int = 1
    least_iou: float = 0.5

    def __post_init__(self) -> None:
        if not 1 <= self.min_labelers <= self.max_labelers <= MOST_LABELERS:
            raise BadInput(
                f"{self.min_labelers} to {self.max_labelers} labelers cannot be: at least 1 are asked of each image, and "
                f"at most as many or more, up to {MOST_LABELERS}, such as 2 to 3."
            )
        if not 0 < self.least_iou <= 1:
            raise BadInput(
                f"The IoU at which two regions are the same lies over 0 and up to 1, not {self.least_iou:g}."
            )

    @property
    def is_single(self) -> bool:
        """True where the first answer decides."""
        return self.max_labelers == 1


@dataclass(frozen=True)
class Agreed:
    """The labelers agree on this answer."""

    answer: Answer


@dataclass(frozen=True)
class MoreNeeded:
    """Another labeler is to be asked."""


@dataclass(frozen=True)
class Conflict:
    """As many as may be asked were asked, and they do not agree."""


Verdict = Agreed | MoreNeeded | Conflict


def decide(task_type: TaskType, answers: Sequence[Answer], quorum: Quorum) -> Verdict:
    """What so many answers of different labelers come to."""
    if len(answers) < quorum.min_labelers:
        return MoreNeeded()
    found = combine(task_type, answers, quorum.least_iou)
    if found is not None:
        return Agreed(found)
    return MoreNeeded() if len(answers) < quorum.max_labelers else Conflict()


def combine(task_type: TaskType, answers: Sequence[Answer], least_iou: float = 0.5) -> Answer | None:
    """The answer that more than half of the labelers stand behind, or None."""
    if len(answers) == 1:
        return answers[0]
    if task_type is TaskType.MULTI_CLASS:
        return _majority_class(answers)
    found = _majority_regions(answers, least_iou) if task_type.has_regions else _majority_labels(answers)
    if found is None:
        return None
    close = sum(likeness(task_type, answer, found, least_iou) >= CLOSE_ENOUGH for answer in answers)
    return found if 2 * close > len(answers) else None


def likeness(task_type: TaskType, a: Answer, b: Answer, least_iou: float = 0.5) -> float:
    """How alike two answers are, 0 to 1: same class or not, labels by Jaccard, regions by F1 of those that match."""
    if task_type is TaskType.MULTI_CLASS:
        return float(a.labels == b.labels)
    if task_type is TaskType.MULTI_LABEL:
        either = set(a.labels) | set(b.labels)
        return len(set(a.labels) & set(b.labels)) / len(either) if either else 1.0
    return region_likeness(a.regions, b.regions, least_iou)[0]


def region_likeness(
    a: Sequence[Region], b: Sequence[Region], least_iou: float
) -> tuple[float, Mapping[LabelId, float]]:
    """F1 of the regions that match, over all and of each label that either has; 1 where there are none."""
    matched = Counter(a[place].label for place, _, _ in match(a, b, least_iou))
    drawn = Counter(region.label for region in (*a, *b))
    f1 = {label: 2 * matched[label] / count for label, count in drawn.items()}
    return (2 * matched.total() / drawn.total() if drawn else 1.0), f1


def _majority_class(answers: Sequence[Answer]) -> Answer | None:
    votes, count = Counter(answer.labels for answer in answers).most_common(1)[0]
    return Answer(votes) if 2 * count > len(answers) else None


def _majority_labels(answers: Sequence[Answer]) -> Answer | None:
    votes = Counter(label for answer in answers for label in dict.fromkeys(answer.labels))
    if any(2 * count == len(answers) for count in votes.values()):
        return None
    kept = tuple(label for label, count in votes.items() if 2 * count > len(answers))
    return Answer(kept) if kept else None


def _majority_regions(answers: Sequence[Answer], least_iou: float) -> Answer | None:
    groups = group_regions([answer.regions for answer in answers], least_iou)
    if any(2 * len(group) == len(answers) for group in groups):
        return None
    kept = (group for group in groups if 2 * len(group) > len(answers))
    return Answer(regions=tuple(Region(group[0].label, _middle([r.shape for r in group])) for group in kept))


def group_regions(drawn: Sequence[Sequence[Region]], least_iou: float) -> list[list[Region]]:
    """Regions of several labelers that mean the same thing, at most one of each labeler in a group."""
    groups: list[list[Region]] = []
    for regions in drawn:
        heads = [Region(group[0].label, _middle([r.shape for r in group])) for group in groups]
        matched = {theirs: place for place, theirs, _ in match(heads, regions, least_iou)}
        for n, region in enumerate(regions):
            if n in matched:
                groups[matched[n]].append(region)
            else:
                groups.append([region])
    return groups


def match(a: Sequence[Region], b: Sequence[Region], least_iou: float) -> tuple[tuple[int, int, float], ...]:
    """Pairs of places with their IoU, one to one, that overlap most in sum; only regions of one label match."""
    from scipy.optimize import linear_sum_assignment  # half a second that no front end pays before it needs it

    if not a or not b:
        return ()
    overlap = np.array([[_overlap(first, second) for second in b] for first in a])
    overlap[overlap < least_iou] = 0.0
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    return tuple(
        (int(i), int(j), float(overlap[i, j])) for i, j in zip(rows, columns, strict=True) if overlap[i, j] > 0
    )


def _overlap(a: Region, b: Region) -> float:
    if a.label != b.label or box_iou(a.shape.bounds, b.shape.bounds) == 0:
        return 0.0
    return shape_iou(a.shape, b.shape)


def shape_iou(a: Box | Polygon, b: Box | Polygon) -> float:
    """Intersection over union of two shapes of any kind, 0 to 1."""
    if isinstance(a, Box) and isinstance(b, Box):
        return box_iou(a, b)
    first, second = _area(a), _area(b)
    union = first.union(second).area
    return float(first.intersection(second).area / union) if union > 0 else 0.0


def _area(shape: Box | Polygon) -> ShapelyPolygon:
    if isinstance(shape, Box):
        return ShapelyPolygon([(shape.x0, shape.y0), (shape.x1, shape.y0), (shape.x1, shape.y1), (shape.x0, shape.y1)])
    return make_valid(ShapelyPolygon(shape.points))


def _middle(shapes: Sequence[Box | Polygon]) -> Box | Polygon:
    """The shape that stands for its group."""
    if len(shapes) == 1:
        return shapes[0]
    boxes = [shape for shape in shapes if isinstance(shape, Box)]
    if len(boxes) == len(shapes):
        return Box(*(statistics.median(getattr(box, edge) for box in boxes) for edge in ("x0", "y0", "x1", "y1")))
    return max(shapes, key=lambda shape: sum(shape_iou(shape, other) for other in shapes))


def classes_of(answers: Sequence[Answer]) -> frozenset[LabelId]:
    """Every label that any of the answers uses."""
    return frozenset().union(*(answer.label_set for answer in answers))
