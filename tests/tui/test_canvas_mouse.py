"""The mouse on the region screen: a press and a drag, clicks, a double click, as a terminal reports them."""

from __future__ import annotations

from pathlib import Path

from core.geometry import Box, Polygon
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
