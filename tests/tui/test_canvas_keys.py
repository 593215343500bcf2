"""Any edits at all make no impossible region; a view and its image agree; letters and arrows point where they should."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.annotation import Region
from core.errors import BadInput
from core.geometry import Box, invalid_reason
from core.ids import LabelId
from core.region_edits import (
    Add,
    Choose,
    Delete,
    DeleteAll,
    Duplicate,
    Lock,
    RegionDraft,
    Relabel,
    Reshape,
    apply,
)
from tui.canvas import pointing
from tui.canvas.viewport import Viewport

SIZE = (64, 48)
coordinates = st.floats(-20, 90, allow_nan=False)
boxes = st.builds(Box, coordinates, coordinates, coordinates, coordinates)
labels = st.integers(1, 3).map(LabelId)
edits: Any = st.one_of(
    st.builds(Add, st.builds(Region, labels, boxes)),
    st.builds(Reshape, boxes),
    st.builds(Relabel, labels),
    st.just(Duplicate()),
    st.just(Delete()),
    st.just(DeleteAll()),
    st.just(Lock()),
    st.builds(Choose, st.one_of(st.none(), st.integers(-1, 6))),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(edits, max_size=30))
def test_edits_keep_every_region_possible(sequence: list[Any]) -> None:
    """Whatever is asked, what is drawn lies in the image and has an area; a refusal changes nothing."""
    draft = RegionDraft()
    for edit in sequence:
        try:
            after = apply(draft, edit, SIZE)
        except BadInput:
            continue
        assert all(invalid_reason(region.shape, SIZE) is None for region in after.regions)
        assert after.chosen is None or 0 <= after.chosen < len(after.regions)
        assert all(0 <= n < len(after.regions) for n in after.locked)
        locked = [draft.regions[n] for n in sorted(draft.locked)]
        assert [region for region in after.regions if region in locked][: len(locked)] == locked
        draft = after


@settings(deadline=None, max_examples=200)
@given(
    st.tuples(st.integers(1, 9000), st.integers(1, 9000)),
    st.tuples(st.integers(20, 2000), st.integers(20, 1500)),
    st.lists(st.tuples(st.floats(0.3, 3), st.floats(0, 1), st.floats(0, 1)), max_size=8),
    st.integers(0, 3),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_view_and_image_agree_at_every_zoom_and_turn(
    image_wh: tuple[int, int], view_wh: tuple[int, int], zooms: list[Any], turns: int, at: tuple[float, float]
) -> None:
    """Image to view and back is the same point within half a pixel; zooming keeps the point under the crosshair in place."""
    view = Viewport.fitting(image_wh, view_wh)
    for _ in range(turns):
        view = view.rotated()
    for factor, x, y in zooms:
        view = view.zoomed(factor, (x * image_wh[0], y * image_wh[1])).panned(x * 40 - 20, y * 40 - 20)
    point = (at[0] * image_wh[0], at[1] * image_wh[1])
    back = view.to_image(view.to_view(point))
    assert abs(back[0] - point[0]) < 0.5
    assert abs(back[1] - point[1]) < 0.5
    box = view.visible
    assert 0 <= box.x0 <= box.x1 <= image_wh[0]
    assert 0 <= box.y0 <= box.y1 <= image_wh[1]


def test_zooming_in_keeps_the_point_in_place() -> None:
    """The image point under the crosshair stays under it."""
    view = Viewport.fitting((4000, 3000), (1024, 768))
    about = (1234.0, 987.0)
    for factor in (1.5, 2.0, 1.5, 0.8):
        before = view.to_view(about)
        view = view.zoomed(factor, about)
        after = view.to_view(about)
        assert abs(before[0] - after[0]) < 0.5
        assert abs(before[1] - after[1]) < 0.5


@settings(deadline=None, max_examples=200)
@given(st.tuples(st.floats(0.02, 0.98), st.floats(0.02, 0.98)))
def test_about_six_letters_reach_any_pixel(target: tuple[float, float]) -> None:
    """Two letters, then one at a time: within six letters the crosshair is nearer than two pixels of the view to any place."""
    area = Box(0, 0, 1000, 700)
    x, y = target[0] * 1000, target[1] * 700
    pointer, count = pointing.begin(area), 0
    while (grid := pointer.grid) is not None and count < 6:
        box = grid.box_px
        column = min(grid.columns - 1, int((x - box.x0) / (box.x1 - box.x0) * grid.columns))
        row = min(grid.rows - 1, int((y - box.y0) / (box.y1 - box.y0) * grid.rows))
        letters = [column, row] if not grid.is_fine else [row * grid.columns + column]
        for letter in letters:
            pointer = pointing.typed(pointer, pointing.LETTERS[letter])
            count += 1
    assert abs(pointer.at[0] - x) < 2
    assert abs(pointer.at[1] - y) < 2


@pytest.mark.parametrize("seed", range(3))
def test_held_arrows_grow_and_stay_inside(seed: int) -> None:
    """An arrow held down moves in growing steps, one pressed now and then in small ones; none leaves the image."""
    rng, area = random.Random(seed), Box(10, 10, 500, 400)
    pointer, now_s = pointing.begin(area), 100.0
    first = pointing.nudged(pointer, (1, 0), area, now_s).at[0] - pointer.at[0]
    for _ in range(12):
        now_s += 0.03
        before, pointer = pointer, pointing.nudged(pointer, (1, 0), area, now_s)
    assert pointer.at[0] - before.at[0] > first
    for _ in range(300):
        now_s += rng.choice((0.03, 0.5))
        pointer = pointing.nudged(
            pointer, rng.choice(((1, 0), (-1, 0), (0, 1), (0, -1))), area, now_s, far=rng.random() < 0.5
        )
        assert area.x0 <= pointer.at[0] <= area.x1
        assert area.y0 <= pointer.at[1] <= area.y1
