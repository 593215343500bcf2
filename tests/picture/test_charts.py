"""Charts as pictures say what their numbers say."""

from __future__ import annotations

import numpy as np
import pytest

from tui.charts import beside, columns, ring

RED, GREEN, GREY, WHITE = (200, 0, 0), (0, 150, 0), (90, 90, 90), (255, 255, 255)


def share_of(picture: np.ndarray, color: tuple[int, int, int]) -> float:
    """Part of what is drawn that has this colour."""
    drawn = (picture != WHITE).any(axis=2)
    return float((picture == color).all(axis=2).sum() / drawn.sum())


def test_a_ring_shows_shares() -> None:
    """A quarter is a quarter of the ring, clockwise from the top; nothing at all is a grey ring, and the middle is free."""
    drawn = ring([(1, RED), (3, GREEN)], 200, GREY, WHITE)
    assert drawn.shape == (200, 200, 3)
    assert share_of(drawn, RED) == pytest.approx(0.25, abs=0.02)
    assert share_of(drawn, GREEN) == pytest.approx(0.75, abs=0.03)
    assert (drawn[30, 130] == RED).all()
    assert (drawn[100, 100] == WHITE).all()
    assert share_of(ring([(0, RED)], 100, GREY, WHITE), GREY) > 0.9


def test_columns_are_as_high_as_their_counts() -> None:
    """The highest count fills the height, half of it half; nothing is a line on the ground, and the last has its colour."""
    drawn = columns([10, 5, 0, 10], (80, 40), RED, GREEN, WHITE)
    high = (drawn != WHITE).any(axis=2).sum(axis=0)
    assert (high[2], high[22], high[42], high[62]) == (40, 20, 1, 40)
    assert (drawn[-1, 2] == RED).all()
    assert (drawn[-1, 62] == GREEN).all()
    assert (drawn[:, 19] == WHITE).all(), "columns stand apart"


def test_pictures_side_by_side_are_cut_at_the_edge() -> None:
    """What does not fit is cut off; nothing is drawn outside."""
    whole = beside(
        [(0, ring([(1, RED)], 50, GREY, WHITE)), (60, columns([1], (50, 50), RED, GREEN, WHITE))], (90, 40), WHITE
    )
    assert whole.shape == (40, 90, 3)
    assert (whole[39, 65] == GREEN).all()
