"""The lettered grid over a picture: what is drawn can be read."""

from __future__ import annotations

from itertools import combinations

import pytest

from core.geometry import Box
from tui.canvas.grid import LETTERS, grid_marks
from tui.canvas.marks import ACCENT, BLACK, Tag
from tui.canvas.overlay import Grid

VIEW_WH, CELL_WH = (720, 378), (9, 18)


@pytest.mark.parametrize(
    "box",
    [
        pytest.param(Box(0, 0, 720, 378), id="fills the view"),
        pytest.param(Box(100, 0, 620, 378), id="room at the sides"),
        pytest.param(Box(0, 30, 720, 348), id="room above"),
        pytest.param(Box(140, 40, 620, 378), id="a second corner"),
    ],
)
def test_every_letter_is_read_somewhere_and_none_hides_another(box: Box) -> None:
    """In a window of 80 by 24 each column and each row of the grid has its letter, and no two lie on one another."""
    tags = [mark for mark in grid_marks(Grid(box, 26, 26), VIEW_WH, CELL_WH) if isinstance(mark, Tag)]
    for paper in (BLACK, ACCENT):
        assert {tag.text for tag in tags if tag.paper == paper} == set(LETTERS)
    for a, b in combinations(tags, 2):
        if a.paper != b.paper:
            (x, y, wide, high), (left, top, width, height) = a.area, b.area
            assert not (x < left + width and left < x + wide and y < top + height and top < y + high)
