"""Pages of likeness: near-duplicates together, the cheapest pages first. Pure; neighbours by scikit-learn, or faiss where it is.

A clustered page costs its labeler one digit, Enter, and some keys for each odd one out; `expected_keys` is what pages are
ordered by.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

PAGE = 9
LEAST_PAGE = 4
NEIGHBOURS = 32
COMPONENTS = 128
FAISS_FROM = 50_000
SAMPLE = 20_000
KEYS_A_PAGE = 2.0
KEYS_AN_ERROR = 2.5


@dataclass(frozen=True)
class ClusterPage:
    """Rows that belong on one page, the doubtful ones first, and what labeling it is expected to cost in keys."""

    rows: tuple[int, ...]
    expected_keys: float

    @property
    def keys_a_row(self) -> float:
        """Keys an image."""
        return self.expected_keys / len(self.rows)


def reduced(features: NDArray[np.floating], seed: int) -> Floats:
    """Unit vectors (N, at most 128) whose inner products tell likeness, float32.

    The directions are found on a sample, and rows are turned a few at a time: 500,000 of them need no second copy.
    """
    rng = np.random.default_rng(seed)
    some = np.sort(rng.choice(len(features), min(len(features), SAMPLE), replace=False))
    sample = np.asarray(features[some], dtype=np.float32)
    mean, scale = sample.mean(0), 1 / (sample.std(0) + 1e-3)
    parts = min(COMPONENTS, *sample.shape)
    turn: Any = None
    if parts > 1 and float(sample.std(0).max()) > 1e-6:
        turn = PCA(parts, svd_solver="randomized", random_state=seed).fit((sample - mean) * scale).transform
    steps = range(0, len(features), SAMPLE)
    return np.concatenate([_unit((features[at : at + SAMPLE] - mean) * scale, turn) for at in steps])


def _unit(x: NDArray[np.floating], turn: Any) -> Floats:
    turned = np.asarray(x if turn is None else turn(x), dtype=np.float32)
    return np.asarray(turned / (np.linalg.norm(turned, axis=1, keepdims=True) + 1e-9), dtype=np.float32)


def neighbours(unit: Floats, k: int = NEIGHBOURS) -> tuple[Floats, Ints]:
    """Likeness (N, k) and row numbers (N, k) of each row's nearest, itself left out, the likest first."""
    k = min(k, len(unit) - 1)
    if k < 1:
        return np.zeros((len(unit), 0), dtype=np.float32), np.zeros((len(unit), 0), dtype=np.int64)
    if len(unit) >= FAISS_FROM and importlib.util.find_spec("faiss") is not None:
        likeness, rows = _by_faiss(unit, k + 1)
    else:
        found = NearestNeighbors(n_neighbors=k + 1, algorithm="brute", metric="euclidean").fit(unit)
        distance, rows = found.kneighbors(unit)
        likeness = 1 - distance**2 / 2
    return _without_self(np.asarray(likeness, dtype=np.float32), np.asarray(rows, dtype=np.int64), k)


def _by_faiss(unit: Floats, k: int) -> Any:
    import faiss

    lists = int(4 * np.sqrt(len(unit)))
    index: Any = faiss.index_factory(unit.shape[1], f"IVF{lists},Flat", faiss.METRIC_INNER_PRODUCT)
    index.train(unit[np.random.default_rng(0).permutation(len(unit))[: 40 * lists]])
    index.add(unit)
    index.nprobe = 16
    return index.search(unit, k)


def _without_self(likeness: Floats, rows: Ints, k: int) -> tuple[Floats, Ints]:
    """Drop each row from its own list; where equals hide it, the last one goes instead."""
    own = rows == np.arange(len(rows))[:, None]
    own[~own.any(1), -1] = True
    return likeness[~own].reshape(-1, k), rows[~own].reshape(-1, k)


def gather(unit: Floats, *, size: int = PAGE, least: int = LEAST_PAGE, least_likeness: float = -1.0) -> list[Ints]:
    """Groups of `least` to `size` rows that are like each other, the densest first; rows that fit nowhere are in none."""
    likeness, near = neighbours(unit)
    free = np.ones(len(unit), dtype=bool)
    density = likeness[:, : size - 1].mean(1) if likeness.shape[1] else np.zeros(len(unit))
    groups = []
    for seed in np.argsort(-density, kind="stable"):
        if not free[seed]:
            continue
        fits = near[seed][free[near[seed]] & (likeness[seed] >= least_likeness)][: size - 1]
        if len(fits) + 1 >= least:
            group = np.concatenate([[seed], fits])
            free[group] = False
            groups.append(group)
    return groups


def gather_all(unit: Floats, *, size: int = PAGE, least: int = LEAST_PAGE, rounds: int = 4) -> list[Ints]:
    """Like `gather`, and again among what was left over, until little is."""
    left, groups = np.arange(len(unit)), []
    for _ in range(rounds):
        found = gather(unit[left], size=size, least=min(least + 2, size)) if len(left) >= least else []
        if not found:
            break
        groups += [left[group] for group in found]
        left = np.setdiff1d(left, np.concatenate(groups))
    return groups + [part for part in np.array_split(left, -(-len(left) // size) or 1) if len(part) >= least]


def pages_by_likeness(features: NDArray[np.floating], *, least_likeness: float, seed: int) -> list[ClusterPage]:
    """Before there is a model: near-duplicates only; each page costs as if all were one label."""
    if len(features) < LEAST_PAGE:
        return []
    groups = gather(reduced(features, seed), least_likeness=least_likeness)
    return [ClusterPage(tuple(int(n) for n in group), KEYS_A_PAGE) for group in groups]


def pages_by_model(
    features: NDArray[np.floating], groups: Ints, sure: NDArray[np.float64], *, worth: float, seed: int
) -> list[ClusterPage]:
    """With a model: rows that it gives the same answer, as alike and as sure as can be, cheapest first.

    Args:
        groups: (N), a number for each different answer.
        sure: (N), the chance that the answer is right.
        worth: keys an image up to which a page saves work; dearer ones are left out.
    """
    pages = []
    unit = reduced(features, seed) if len(features) >= LEAST_PAGE else np.zeros((0, 1), dtype=np.float32)
    for group in np.unique(groups):
        for band in _bands(np.flatnonzero(groups == group), sure):
            if len(band) >= LEAST_PAGE:
                pages += [_page(band[rows], sure) for rows in gather_all(unit[band])]
    kept = [page for page in pages if page.keys_a_row <= worth]
    return sorted(kept, key=lambda page: page.keys_a_row)


def _bands(rows: Ints, sure: NDArray[np.float64]) -> Sequence[Ints]:
    """Rows of like certainty, so that a sure page is not spoilt by a doubtful image that looks the same."""
    edges = (0.5, 0.7, 0.85, 0.95)
    band = np.searchsorted(edges, sure[rows])
    return [rows[band == n] for n in range(len(edges), -1, -1)]


def _page(rows: Ints, sure: NDArray[np.float64]) -> ClusterPage:
    ordered = rows[np.argsort(sure[rows], kind="stable")]
    errors = float((1 - sure[rows]).sum())
    return ClusterPage(tuple(int(n) for n in ordered), KEYS_A_PAGE + KEYS_AN_ERROR * errors)


def typical(features: NDArray[np.floating], count: int, seed: int) -> list[int]:
    """Rows to label first: one a cluster, the one in the densest place (Hacohen et al., 2022, "TypiClust")."""
    from sklearn.cluster import MiniBatchKMeans

    if count >= len(features):
        return list(range(len(features)))
    unit = reduced(features, seed)
    groups = MiniBatchKMeans(count, random_state=seed, n_init=3, batch_size=1024).fit_predict(unit)
    likeness, _ = neighbours(unit, 20)
    density = likeness.mean(1)
    found = []
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        found.append(int(rows[density[rows].argmax()]))
    return found
