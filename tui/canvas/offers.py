"""What is offered by letters on a picture: regions that a model finds likely, then places that only the pixels speak for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.annotation import Region
from core.geometry import Box, Polygon, box_iou
from core.ids import LabelId

SAME_PLACE, NEARBY = 0.5, 0.1


@dataclass(frozen=True)
class Offer:
    """A shape that its letter turns into a region; without a label it takes the one that is in hand."""

    shape: Box | Polygon
    label: LabelId | None = None


def offers(likely: Sequence[Region], seen: Sequence[Box], drawn: Sequence[Region], limit: int) -> tuple[Offer, ...]:
    """At most so many, the likeliest first; none where a region of its label is drawn, or a likelier offer stands.

    Beside a model the pixels speak only for places where nothing is drawn or offered, or letters would hide the picture.
    """
    found: list[Offer] = []
    for region in likely:
        there = [one.shape.bounds for one in drawn if one.label == region.label]
        there += [one.shape.bounds for one in found if one.label == region.label]
        if not _is_taken(region.shape.bounds, there):
            found.append(Offer(region.shape, region.label))
    known = [one.shape.bounds for one in found] + ([one.shape.bounds for one in drawn] if found else [])
    found += [Offer(box) for box in seen if not _is_taken(box, known, NEARBY)]
    return tuple(found[:limit])


def _is_taken(box: Box, others: Sequence[Box], least: float = SAME_PLACE) -> bool:
    return any(box_iou(box, other) >= least for other in others)
