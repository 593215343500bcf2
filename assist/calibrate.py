"""How far a model may be trusted: temperature, and the lowest threshold whose precision is proven. Pure.

Only answers of the audit stream count: items drawn at random that were never shown with a suggestion. Answers to prelabels
agree with the model because it was asked first; an estimate on them overstated precision by up to 30 points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from scipy.stats import beta

Floats = NDArray[np.float64]

CONFIDENCE = 0.9
LEAST_AUDIT = 30
LEAST_COVERED = 15
CURVE_POINTS = 40


@dataclass(frozen=True)
class Threshold:
    """A score from which suggestions are right often enough.

    Attributes:
        coverage: part of the audit items that reach it, 0 to 1.
        precision: part of those that were right.
        bound: what their precision is at least, with the confidence `CONFIDENCE` (Clopper and Pearson, 1934).
        n: audit items that reach it.
    """

    score: float
    coverage: float
    precision: float
    bound: float
    n: int


def temperature(logits: Floats, labels: NDArray[np.int64]) -> float:
    """The temperature by which softmax tells real probabilities (Guo et al., 2017); logits (N, C), labels (N)."""
    rows = np.arange(len(labels))

    def loss(log_t: float) -> float:
        return -float(log_softmax(logits / np.exp(log_t), axis=1)[rows, labels].mean())

    found = minimize_scalar(loss, bounds=(-3.0, 4.0), method="bounded")
    return float(np.exp(found.x))


def probabilities(logits: Floats, at: float) -> Floats:
    """Softmax at a temperature, (N, C)."""
    return np.asarray(softmax(logits / at, axis=1))


def lower_bound(right: int, n: int, confidence: float = CONFIDENCE) -> float:
    """What the precision is at least, with this confidence, when `right` of `n` were right."""
    return 0.0 if not right else float(beta.ppf(1 - confidence, right, n - right + 1))


def upper_bound(right: float, n: int, confidence: float = CONFIDENCE) -> float:
    """What the precision is at most, with this confidence."""
    return 1.0 if right >= n else float(beta.ppf(confidence, right + 1, n - right))


def choose(scores: Floats, right: NDArray[np.bool_], target: float, confidence: float = CONFIDENCE) -> Threshold | None:
    """The lowest threshold whose bound meets the target, or None. Scores of equal value stand or fall together."""
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(right[order])
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, dtype=int)
    best = None
    for end in ends:
        n, good = int(end) + 1, int(hits[end])
        if n >= LEAST_COVERED and (bound := lower_bound(good, n, confidence)) >= target:
            best = Threshold(float(ranked[end]), n / len(scores), good / n, bound, n)
    return best


def why_none(scores: Floats, right: NDArray[np.bool_], target: float) -> str:
    """A sentence for people on why no threshold was good enough."""
    if len(scores) < LEAST_AUDIT:
        return too_few(len(scores), LEAST_AUDIT)
    rate = float(right.mean())
    return (
        f"No threshold was good enough: {rate:.0%} of {len(scores)} audit images were predicted right, and at no score does "
        f"the proven precision reach {target:.0%}. More labels, or a lower target, will help."
    )


def too_few(audited: int, least: int) -> str:
    """A sentence for people on an audit sample of which too little is labeled."""
    return (
        f"Only {audited} labeled images belong to the random audit sample; {least} are needed before "
        "suggestions can be trusted. Label on; the next training looks again."
    )


def curve(scores: Floats, right: NDArray[np.bool_], *, of: int | None = None) -> list[tuple[float, float, float]]:
    """Points (threshold, coverage, precision) for the dashboard, from the strictest to the loosest.

    Coverage is the part of the scores that reach the threshold; where there are `of` things to find, the part of those found.
    """
    if not len(scores):
        return []
    order = np.argsort(-scores, kind="stable")
    hits: NDArray[np.int64] = np.cumsum(right[order], dtype=np.int64)
    ends = np.unique(np.linspace(0, len(scores) - 1, min(CURVE_POINTS, len(scores))).astype(int))
    return [
        (round(float(scores[order][e]), 4), round(_covered(e, hits, of), 4), round(float(hits[e]) / (e + 1), 4))
        for e in ends.tolist()
    ]


def _covered(end: int, hits: NDArray[np.int64], of: int | None) -> float:
    return (end + 1) / len(hits) if of is None else float(hits[end]) / max(1, of)
