"""Agreement figures of votes on items. Pure, and vectorised over items: a front end serves other sessions while it computes.

Votes are a table of codes, a row a labeler, a column an item, `ABSENT` where a labeler gave no answer. The figures equal those
of the packages krippendorff and scikit-learn, which tests compare them with; those take seconds where this takes milliseconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ABSENT = -1
Codes = NDArray[np.int64]
"""int64, (labelers, items) for a table or (items,) for one labeler's votes."""
Reals = NDArray[np.float64]


def sharing(table: Codes) -> Codes:
    """int64 (P, 2): every two labelers who answered one item both, the lower place first."""
    answered = (table != ABSENT).astype(np.float32)
    return np.argwhere(np.triu(answered @ answered.T, 1) > 0)


def nominal_alpha(table: Codes) -> float | None:
    """Krippendorff's alpha for nominal votes; None where fewer than two values are compared.

    Source: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C.
    """
    table = table[:, (table != ABSENT).sum(axis=0) >= 2]
    items = np.broadcast_to(np.arange(table.shape[1]), table.shape)[table != ABSENT]
    codes = table[table != ABSENT]
    if not len(codes):
        return None
    cells, counts = np.unique(items * (codes.max() + 1) + codes, return_counts=True)
    squares = np.bincount(cells // (codes.max() + 1), weights=counts.astype(np.float64) ** 2).astype(np.float64)
    votes, totals = (np.bincount(one).astype(np.float64) for one in (items, codes))
    return _alpha(votes, squares, totals)


def presence_alpha(given: NDArray[np.bool_], table: Codes) -> float | None:
    """The same for one label, given or not: `given` says of each code whether it holds the label."""
    answered = table != ABSENT
    several = answered.sum(axis=0) >= 2
    votes = answered.sum(axis=0)[several].astype(np.float64)
    with_it = (given[table] & answered).sum(axis=0)[several].astype(np.float64)
    without = votes - with_it
    return _alpha(votes, with_it**2 + without**2, np.array([with_it.sum(), without.sum()]))


def _alpha(votes: Reals, squares: Reals, totals: Reals) -> float | None:
    """From each item's votes, the sum of squares of each item's counts by value, and all counts by value."""
    n = totals.sum()
    expected = n**2 - (totals**2).sum()
    if expected <= 0:
        return None
    return float(1 - (n - 1) * ((votes**2 - squares) / (votes - 1)).sum() / expected)


def cohen_kappa(first: Codes, second: Codes) -> float | None:
    """Cohen's kappa of two labelers over the items that both answered; None where it is not defined."""
    n = len(first)
    if n == 0:
        return None
    size = int(max(first.max(), second.max())) + 1
    expected = float(np.bincount(first, minlength=size) @ np.bincount(second, minlength=size)) / n**2
    return None if expected == 1 else (float((first == second).mean()) - expected) / (1 - expected)
