"""Labels that a model which has not learned from them confidently disagrees with. Pure; rows and chances in, rows out.

Source: confident learning (Northcutt, Jiang and Chuang, 2021): a row is in doubt where another class is as likely as that
class usually is where it was given, and likelier than the given one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def of_classes(chance: Floats, given: NDArray[np.int64]) -> list[tuple[int, int, float]]:
    """Rows in doubt with the class that the model would say and how sure it is, the surest first.

    Args:
        chance: (N, C), of each row by a model that did not learn from it.
        given: (N), the column that people said.
    """
    usual = np.array([_usual(chance[given == n, n]) for n in range(chance.shape[1])])
    confident = np.where(chance >= usual, chance, -1.0)
    said = confident.argmax(1)
    rows = np.flatnonzero((confident.max(1) >= 0) & (said != given) & (said == chance.argmax(1)))
    found = [(int(n), int(said[n]), float(chance[n, said[n]])) for n in rows]
    return sorted(found, key=lambda doubt: -doubt[2])


def _usual(chance: Floats) -> float:
    """How likely a class is on average where it was given; out of reach where it never was."""
    return float(chance.mean()) if len(chance) else 2.0


def of_labels(chance: Floats, given: NDArray[np.bool_]) -> list[tuple[int, NDArray[np.bool_], float]]:
    """The same for several labels an image, each asked by itself: rows, what the model would say (C), how sure it is."""
    said, sure = given.copy(), np.zeros(len(given))
    for n in range(given.shape[1]):
        both = np.stack([1 - chance[:, n], chance[:, n]], 1)
        for row, other, how_sure in of_classes(both, given[:, n].astype(np.int64)):
            said[row, n] = bool(other)
            sure[row] = max(sure[row], how_sure)
    return [(int(row), said[row], float(sure[row])) for row in np.argsort(-sure, kind="stable") if sure[row]]
