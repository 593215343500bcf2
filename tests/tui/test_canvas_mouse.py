"""The mouse on the region screen: a press and a drag, clicks, a double click, as a terminal reports them."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.geometry import HANDLES, Box, Polygon
from core.ids import TaskType
from tests.tui.canvas import image, play, regions, seated
from tests.tui.house import House, Seat
from tui.canvas.view import CanvasView
from tui.screens.canvas.screen import CanvasScreen

Cell = tuple[int, int]


def under(screen: CanvasScreen, cell: Cell) -> tuple[float, float]:
    """The image point under the middle of a cell of the canvas."""
    assert screen._viewport is not None
    wide, high = screen.canvas.cell_wh_px
    x, y = screen._viewport.clamped(screen._viewport.to_image(((cell[0] + 0.5) * wide, (cell[1] + 0.5) * high)))
    return round(x, 2), round(y, 2)


def spans(screen: CanvasScreen, start: Cell, end: Cell) -> bool:
    """Whether the first region's box lies between the points under two cells, within rounding."""
    bounds = regions(screen)[0].shape.bounds
    return (bounds.x0, bounds.y0, bounds.x1, bounds.y1) == pytest.approx(
        (*under(screen, start), *under(screen, end)), abs=0.02
    )


async def drag(seat: Seat, start: Cell, end: Cell) -> None:
    """Press, move in steps, let go."""
    await seat.pilot.mouse_down(CanvasView, offset=start)
    for n in (1, 2):
        at = (start[0] + (end[0] - start[0]) * n // 2, start[1] + (end[1] - start[1]) * n // 2)
        await seat.pilot.hover(CanvasView, offset=at)
    await seat.pilot.mouse_up(CanvasView, offset=end)


def test_a_drag_draws_a_box(tmp_path: Path) -> None:
    """Press at one corner, let go at the other: that box, exactly under the pointer."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await seat.press("r")
            await drag(seat, (20, 8), (50, 24))
            (drawn,) = regions(screen)
            assert drawn.shape == Box(*under(screen, (20, 8)), *under(screen, (50, 24)))
            await drag(seat, (70, 30), (55, 26))
            assert regions(screen)[1].shape == Box(*under(screen, (55, 26)), *under(screen, (70, 30)))

    play(tmp_path, story)


def test_two_clicks_draw_a_box_and_a_click_chooses(tmp_path: Path) -> None:
    """A click is pointing and Space; without a tool it chooses the region under it, or none."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await seat.press("r")
            await seat.pilot.click(CanvasView, offset=(20, 8))
            await seat.pilot.click(CanvasView, offset=(50, 24))
            assert [region.shape for region in regions(screen)] == [
                Box(*under(screen, (20, 8)), *under(screen, (50, 24)))
            ]
            await seat.press("escape", "escape")
            assert screen._regions.chosen is None
            await seat.pilot.click(CanvasView, offset=(30, 15))
            assert screen._regions.chosen == 0
            await seat.pilot.click(CanvasView, offset=(70, 30))
            assert screen._regions.chosen is None

    play(tmp_path, story)


def test_a_double_click_closes_a_polygon(tmp_path: Path) -> None:
    """Clicks put points, the last one twice: the polygon has each of them once."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await seat.press("p")
            places = [(20, 8), (60, 8), (60, 30), (20, 30)]
            for place in places[:-1]:
                await seat.pilot.click(CanvasView, offset=place)
            await seat.pilot.click(CanvasView, offset=places[-1], times=2)
            (drawn,) = regions(screen)
            assert drawn.shape == Polygon(tuple(under(screen, place) for place in places))

    play(tmp_path, story, TaskType.INSTANCE_SEGMENTATION)


def test_a_drag_moves_a_corner_an_edge_and_the_whole(tmp_path: Path) -> None:
    """With move in hand a handle follows the pointer, inside the box all of it does; each drag is one step of undo."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await seat.press("r")
            await drag(seat, (26, 17), (46, 22))
            await seat.press("escape", "m")
            await drag(seat, (46, 22), (50, 25))
            assert spans(screen, (26, 17), (50, 25))
            await drag(seat, (26, 21), (30, 23))
            assert spans(screen, (30, 17), (50, 25))
            await drag(seat, (41, 22), (44, 21))
            assert spans(screen, (33, 16), (53, 24))
            await seat.press("ctrl+z", "ctrl+z", "ctrl+z")
            assert spans(screen, (26, 17), (46, 22))

    play(tmp_path, story)


def test_a_drag_moves_a_point_of_a_polygon(tmp_path: Path) -> None:
    """The point under the pointer, no other; let go beside the picture or where edges would cross, it stays."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await seat.press("p")
            places = [(26, 16), (54, 16), (54, 25), (26, 25)]
            for place in places[:-1]:
                await seat.pilot.click(CanvasView, offset=place)
            await seat.pilot.click(CanvasView, offset=places[-1], times=2)
            await seat.press("escape", "u")
            await drag(seat, (54, 25), (50, 22))
            moved = Polygon(tuple(under(screen, place) for place in (places[0], places[1], (50, 22), places[3])))
            assert regions(screen)[0].shape == moved
            await drag(seat, (54, 16), (24, 20))
            assert "cross" in seat.text
            await seat.pilot.mouse_down(CanvasView, offset=(50, 22))
            await seat.pilot.mouse_up("RegionList", offset=(3, 3))
            assert regions(screen)[0].shape == moved

    play(tmp_path, story, TaskType.INSTANCE_SEGMENTATION)


def test_with_move_in_hand_a_click_still_chooses(tmp_path: Path) -> None:
    """A click inside the chosen box takes the smaller one that lies in it; a click on a handle marks it for the arrows."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await seat.press("r")
            await drag(seat, (24, 15), (58, 26))
            await drag(seat, (30, 19), (36, 23))
            await seat.press("escape", "escape")
            await seat.pilot.click(CanvasView, offset=(50, 17))
            assert screen._regions.chosen == 0
            await seat.press("m")
            await seat.pilot.click(CanvasView, offset=(34, 20))
            assert screen._regions.chosen == 1
            await seat.pilot.click(CanvasView, offset=(36, 23))
            assert HANDLES[screen._hand.part] == "bottom right"
            assert len(screen._history.past) == 2

    play(tmp_path, story)


def test_a_press_beside_the_picture_draws_nothing(tmp_path: Path) -> None:
    """A drag that begins on the list or ends there leaves no stub behind, and the next image begins with none."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await seat.press("r")
            await seat.pilot.mouse_down("RegionList", offset=(3, 3))
            await seat.pilot.mouse_up(CanvasView, offset=(30, 10))
            await seat.pilot.mouse_down(CanvasView, offset=(30, 10))
            await seat.pilot.hover(CanvasView, offset=(60, 12))
            assert len(screen._hand.points) == 1
            await seat.pilot.mouse_up("RegionList", offset=(3, 3))
            assert regions(screen) == ()
            assert screen._hand.points == ()
            await seat.press("enter", "enter")
            await seat.until(lambda: "saved 1" in seat.text, "the submission")
            await image(seat, screen)
            assert regions(screen) == ()

    play(tmp_path, story)
