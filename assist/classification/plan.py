"""Which items are served how, and in which order. Pure: what is known of the open items in, places in the queue out.

Before there is a model: a few near-duplicate pages, the most typical images, and a random audit sample. With one: prelabels
where it may be trusted, pages of one answer where that saves keys, and the rest by hand, the most instructive first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from assist.classification.cluster import PAGE, ClusterPage, pages_by_likeness, pages_by_model, typical
from assist.classification.train import Prediction
from assist.queue_plan import AUDIT_PART, AUDITED, SOON, Plan, extend_audit
from core.assist.settings import AssistSettings, Order
from core.assist.suggestions import Place
from core.ids import ItemId, ItemKind

TYPICAL = 50
NEAR_DUPLICATE = 0.75
WORTH_KEYS = 0.9
CLUSTER_PART = 0.5
LEAST_PAGES = 3
AUDIT_LEAST = 80


def audit_wanted(settings: AssistSettings, *, by_hand: int, audited: int, open_items: int) -> int:
    """How many more items the audit stream needs: most of the first labels, then a fifth of what is labeled by hand.

    Args:
        by_hand: items labeled without a prelabel so far.
        audited: items of the stream, labeled or not.
    """
    wanted = max(AUDIT_LEAST, settings.first - min(TYPICAL, settings.first // 3), round(AUDIT_PART * by_hand))
    return min(max(0, wanted - audited), open_items // 2)


def cold(
    items: Sequence[ItemId],
    features: NDArray[np.floating],
    audit: NDArray[np.bool_],
    settings: AssistSettings,
    *,
    more_audit: int,
    seed: int,
) -> Plan:
    """The plan before the first model. `audit` marks the items that are in the stream already."""
    joined, stream = extend_audit(audit, more_audit, np.random.default_rng(seed))
    rest = np.flatnonzero(~stream)
    third = max(1, settings.first // 3)
    pages = pages_by_likeness(features[rest], least_likeness=NEAR_DUPLICATE, seed=seed)
    pages = pages[: max(1, third // PAGE)]
    in_pages = {n for page in pages for n in page.rows}
    left = np.array([n for n in range(len(rest)) if n not in in_pages], dtype=np.int64)
    first = typical(features[rest[left]], min(TYPICAL, third), seed) if len(left) else []
    places = [Place(items[n], ItemKind.MANUAL, AUDITED) for n in np.flatnonzero(stream).tolist()]
    places += [Place(items[rest[left[n]]], ItemKind.MANUAL, SOON + rank) for rank, n in enumerate(first)]
    places += _clustered([items[n] for n in rest.tolist()], pages)
    return Plan(tuple(places), tuple(items[n] for n in joined.tolist()))


def _clustered(items: Sequence[ItemId], pages: Sequence[ClusterPage]) -> list[Place]:
    return [
        Place(items[row], ItemKind.CLUSTERED, number * PAGE + rank, cluster=number)
        for number, page in enumerate(pages)
        for rank, row in enumerate(page.rows)
    ]


def with_model(
    items: Sequence[ItemId],
    features: NDArray[np.floating],
    audit: NDArray[np.bool_],
    predictions: Sequence[Prediction],
    settings: AssistSettings,
    *,
    model: int,
    more_audit: int,
    growth: int,
    seed: int,
) -> Plan:
    """The plan when a model has predicted every open item; `growth` is how many labels are wanted until the next training."""
    rng = np.random.default_rng(seed)
    joined, stream = extend_audit(audit, more_audit, rng)
    sure = np.array([prediction.sure for prediction in predictions])
    suggested = np.array([not prediction.suggested.is_empty for prediction in predictions], dtype=bool) & ~stream
    rest = np.flatnonzero(~suggested & ~stream)
    pages = pages_by_model(
        features[rest], answer_groups([predictions[n] for n in rest.tolist()]), sure[rest], worth=WORTH_KEYS, seed=seed
    )
    pages = affordable(pages, share=CLUSTER_PART, growth=growth)
    in_pages = rest[np.array(sorted({n for page in pages for n in page.rows}), dtype=np.int64)]
    by_hand = np.setdiff1d(rest, in_pages)
    places = [Place(items[n], ItemKind.MANUAL, AUDITED) for n in np.flatnonzero(stream).tolist()]
    places += [
        Place(items[n], ItemKind.PRELABELED, rank, model=model)
        for rank, n in enumerate(in_order(np.flatnonzero(suggested), predictions, settings.order, rng))
    ]
    places += _clustered([items[n] for n in rest.tolist()], pages)
    places += [
        Place(items[n], ItemKind.MANUAL, SOON + rank)
        for rank, n in enumerate(by_hand[np.argsort(sure[by_hand])].tolist())
    ]
    return Plan(tuple(places), tuple(items[n] for n in joined.tolist()))


def affordable(pages: list[ClusterPage], *, share: float, growth: int) -> list[ClusterPage]:
    """The cheapest pages, up to a share of the labels until the next training.

    Pages of like images are cheap and teach little; were all of them served first, the model would learn from what it knows.
    """
    kept: list[ClusterPage] = []
    images = 0
    for page in pages:
        if images >= share * growth and len(kept) >= LEAST_PAGES:
            break
        kept.append(page)
        images += len(page.rows)
    return kept


def answer_groups(predictions: Sequence[Prediction]) -> NDArray[np.int64]:
    """A number for each different answer, (N)."""
    numbers: dict[frozenset[int], int] = {}
    groups = [numbers.setdefault(frozenset(prediction.answer.labels), len(numbers)) for prediction in predictions]
    return np.asarray(groups, dtype=np.int64)


def in_order(
    rows: NDArray[np.int64], predictions: Sequence[Prediction], order: Order, rng: np.random.Generator
) -> list[int]:
    """Prelabeled rows as the project wants them: pages of like answers, the doubtful image of each page first.

    An image that is wrong is then near the focus, so that putting it right costs few keys.
    """
    groups = answer_groups([predictions[n] for n in rows.tolist()])
    sure = np.array([predictions[n].sure for n in rows.tolist()])
    pages = []
    for group in np.unique(groups):
        mine = np.flatnonzero(groups == group)
        ranked = mine[np.argsort(-sure[mine], kind="stable")]
        pages += [ranked[at : at + PAGE][::-1] for at in range(0, len(ranked), PAGE)]
    if order is Order.DIVERSE:
        rng.shuffle(pages)
    else:
        pages.sort(key=lambda page: sure[page].mean(), reverse=order is Order.EASIEST)
    return [int(rows[n]) for page in pages for n in page]
