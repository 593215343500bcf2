"""The curve of a model on the dashboard."""

from __future__ import annotations

from tui.screens.manage.learning import curve_cells


def test_the_curve_goes_from_the_surest_answers_to_all() -> None:
    """However wide the section, its left end is the strictest threshold and its right end everything that was found."""
    points = [(0.9, 0.2, 1.0), (0.6, 0.5, 0.9), (0.2, 0.8, 0.7)]
    assert [precision for _, precision in curve_cells(points, 4)] == [1.0, 0.9, 0.7, 0.7]
    assert curve_cells(points, 8)[-1] == (0.8, 0.7)


def test_a_single_point_fills_the_section() -> None:
    """One audit image is a curve, too."""
    assert curve_cells([(0.9, 1.0, 1.0)], 3) == [(1 / 3, 1.0), (2 / 3, 1.0), (1.0, 1.0)]
