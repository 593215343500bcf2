"""Agreement figures against the packages that define them."""

from __future__ import annotations

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from core.votes import ABSENT, Codes, cohen_kappa, nominal_alpha, presence_alpha

votes = st.integers(2, 5).flatmap(
    lambda labelers: st.lists(st.lists(st.integers(ABSENT, 3), min_size=labelers, max_size=labelers), min_size=1)
)


def reference_alpha(table: Codes) -> float | None:
    """What the package krippendorff says, or None where nothing is compared."""
    shared = np.where(table == ABSENT, np.nan, table.astype(float))[:, (table != ABSENT).sum(axis=0) >= 2]
    if shared.size == 0 or len(np.unique(shared[~np.isnan(shared)])) < 2:
        return None
    return float(krippendorff.alpha(shared, level_of_measurement="nominal"))


def test_nothing_to_compare_has_no_figure() -> None:
    """Full agreement is 1, and where nobody differs in anything there is no figure rather than a false one."""
    assert nominal_alpha(np.array([[1, 2, ABSENT], [1, 2, 3]])) == 1.0
    assert nominal_alpha(np.array([[1, 1], [1, 1]])) is None
    assert nominal_alpha(np.array([[1, ABSENT], [ABSENT, 1]])) is None
    assert cohen_kappa(np.array([1, 2]), np.array([2, 1])) == pytest.approx(-1.0)
    assert cohen_kappa(np.array([], dtype=np.int64), np.array([], dtype=np.int64)) is None


@given(votes)
def test_alpha_is_krippendorffs(columns: list[list[int]]) -> None:
    """Over any votes, with answers missing, alpha is what the package krippendorff says; of one label alike."""
    table = np.array(columns, dtype=np.int64).T
    assert nominal_alpha(table) == pytest.approx(reference_alpha(table))
    holds = np.array([False, True, False, True])
    binary = np.where(table == ABSENT, ABSENT, holds[table].astype(np.int64))
    assert presence_alpha(holds, table) == pytest.approx(reference_alpha(binary))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_kappa_is_cohens(both: list[tuple[int, int]]) -> None:
    """Over any answers of two labelers, kappa is what scikit-learn says."""
    first, second = np.array(both, dtype=np.int64).T
    found = cohen_kappa(first, second)
    if len(np.unique([*first, *second])) < 2:
        assert found is None
    else:
        assert found == pytest.approx(cohen_kappa_score(first, second))
