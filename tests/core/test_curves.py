"""Round polygons: a few points say a round thing, and the line goes where they were put."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.curves import rounded
from core.geometry import Point, Polygon

SIZE_WH = (200, 150)
points = st.tuples(st.integers(0, 200).map(float), st.integers(0, 150).map(float))


def circle(count: int, radius: float = 50.0) -> tuple[Point, ...]:
    """So many points evenly on a circle around (80, 70)."""
    turns = [2 * math.pi * n / count for n in range(count)]
    return tuple((80 + radius * math.cos(t), 70 + radius * math.sin(t)) for t in turns)


@pytest.mark.parametrize(("count", "off"), [(3, 0.1), (4, 0.02), (5, 0.02), (8, 0.02)])
def test_a_few_points_on_a_circle_make_the_circle(count: int, off: float) -> None:
    """Four points on a round thing give its area within 2 %, where straight lines miss 36 % of it."""
    area = math.pi * 50**2
    assert abs(rounded(circle(count), SIZE_WH).area / area - 1) < off
    assert Polygon(circle(4)).area / area < 0.64


@settings(deadline=None, max_examples=200)
@given(st.lists(points, min_size=3, max_size=12, unique=True))
def test_the_line_goes_through_each_point_and_stays_on_the_image(placed: list[Point]) -> None:
    """What was pointed at is on the outline; nothing of the outline leaves the image."""
    ring = rounded(tuple(placed), SIZE_WH).points
    assert set(placed) <= set(ring)
    assert all(0 <= x <= 200 and 0 <= y <= 150 for x, y in ring)


def test_fewer_than_three_points_come_back_as_they_are() -> None:
    """There is no ring through two points: they are refused as any polygon of two is."""
    assert rounded(((1.0, 2.0), (3.0, 4.0)), SIZE_WH).points == ((1.0, 2.0), (3.0, 4.0))
