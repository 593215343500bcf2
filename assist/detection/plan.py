"""Which images of a project of regions are served how, and in which order. Pure: suggestions in, places in the queue out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from assist.detection.detections import Detection
from assist.queue_plan import AUDIT_PART, AUDITED, LATER, Plan, extend_audit
from core.annotation import Answer, Region
from core.assist.settings import AssistSettings, Order
from core.assist.suggestions import Place, Suggestion
from core.ids import ItemId, ItemKind, LabelId

OFFERED = 40
LEAST_OFFERED = 0.08


def suggestion(
    item: ItemId, found: Sequence[Detection], labels: Sequence[LabelId], least: Sequence[float | None]
) -> Suggestion:
    """What is drawn for a labeler, what is offered by letters, and which part of the work that does, as far as is known.

    Args:
        labels: the label of each class index.
        least: the score from which each class's regions are drawn; None where none is trusted.
    """
    ranked = sorted(found, key=lambda one: -one.score)
    drawn = [one for one in ranked if (t := least[one.class_index]) is not None and one.score >= t]
    rest = [one for one in ranked if one not in drawn and one.score >= LEAST_OFFERED][:OFFERED]
    right = sum(one.score for one in drawn)
    work = len(drawn) + sum(one.score for one in rest)
    return Suggestion(
        item, right / work if work else 0.0, Answer(regions=_regions(drawn, labels)), _regions(rest, labels)
    )


def _regions(found: Sequence[Detection], labels: Sequence[LabelId]) -> tuple[Region, ...]:
    return tuple(Region(labels[one.class_index], one.shape) for one in found)


def audit_wanted(settings: AssistSettings, *, by_hand: int, audited: int, open_items: int) -> int:
    """How many more images the audit stream needs: all of the first labels, then a fifth of what is labeled by hand."""
    wanted = max(settings.first, round(AUDIT_PART * by_hand))
    return min(max(0, wanted - audited), open_items // 2)


def arranged(
    items: Sequence[ItemId],
    audit: NDArray[np.bool_],
    said: Mapping[ItemId, Suggestion],
    settings: AssistSettings,
    *,
    model: int | None,
    more_audit: int,
    seed: int,
) -> Plan:
    """The plan with what a model says, or before there is one: then `said` is empty. `audit` marks items of the stream (N)."""
    rng = np.random.default_rng(seed)
    joined, stream = extend_audit(audit, more_audit, rng)
    places = [Place(items[n], ItemKind.MANUAL, AUDITED) for n in np.flatnonzero(stream).tolist()]
    rest = [items[n] for n in np.flatnonzero(~stream).tolist()]
    drawn = [item for item in rest if item in said and said[item].answer.regions]
    places += [
        Place(item, ItemKind.PRELABELED, rank, model=model)
        for rank, item in enumerate(in_order(drawn, said, settings.order, rng))
    ]
    places += [Place(item, ItemKind.MANUAL, LATER) for item in set(rest) - set(drawn)]
    return Plan(tuple(places), tuple(items[n] for n in joined.tolist()))


def in_order(
    items: Sequence[ItemId], said: Mapping[ItemId, Suggestion], order: Order, rng: np.random.Generator
) -> list[ItemId]:
    """Prelabeled images as the project wants them: those with the least left to do first, or the most, or any."""
    if order is Order.DIVERSE:
        return [items[n] for n in rng.permutation(len(items)).tolist()]
    return sorted(items, key=lambda item: said[item].score, reverse=order is Order.EASIEST)
