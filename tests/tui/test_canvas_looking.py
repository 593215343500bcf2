"""Looking at an image in other ways than it is stored: from near, turned, brighter, page by page. Regions never notice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.geometry import Box
from tests.tui.canvas import draw_box, image, play, regions, seated
from tests.tui.house import House, Seat
from tui.canvas.render import Look
from tui.screens.canvas.screen import CanvasScreen

PAGES = ((200, 30, 30), (30, 200, 30), (30, 30, 200))


def book(folder: Path) -> None:
    """A TIFF of three pages, the last of another size."""
    pages = [Image.new("RGB", (48, 32), color) for color in PAGES[:2]] + [Image.new("RGB", (24, 64), PAGES[2])]
    pages[0].save(folder / "book.tif", save_all=True, append_images=pages[1:])


async def shows(seat: Seat, screen: CanvasScreen, color: tuple[int, int, int]) -> None:
    """Wait until the open page is of one colour."""
    await seat.until(
        lambda: screen._image is not None and tuple(screen._image.levels[0][0, 0].tolist()) == color,
        f"the page of {color}",
    )


def test_brackets_turn_the_pages_of_a_file(tmp_path: Path) -> None:
    """`]` and `[` go round the pages; regions, zoom and the words in the header go with them."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await draw_box(seat)
            drawn = regions(screen)
            await seat.press("plus", "]")
            await shows(seat, screen, PAGES[1])
            zoomed = screen._viewport
            assert zoomed is not None
            assert not zoomed.is_fitting
            assert "page 2 of 3" in seat.text
            await seat.press("]")
            await shows(seat, screen, PAGES[2])
            assert screen._viewport is not None
            assert screen._viewport.image_wh == (24, 64), "a page of another size is seen whole"
            await seat.press("]")
            await shows(seat, screen, PAGES[0])
            await seat.press("[")
            await shows(seat, screen, PAGES[2])
            assert regions(screen) == drawn

    play(tmp_path, story, images=0, files=book)


def test_a_file_of_one_page_says_so(tmp_path: Path) -> None:
    """`]` on an ordinary image changes nothing."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            await seated(seat)
            await seat.press("]")
            assert "this file has one page" in seat.text

    play(tmp_path, story)


def test_a_box_drawn_on_a_turned_view_has_the_images_coordinates(tmp_path: Path) -> None:
    """The left top of a view turned clockwise is the image's left bottom; stored is what the file has there."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await seat.press("v")
            view = screen._viewport
            assert view is not None
            assert view.rotation == 90
            await seat.press("r", "b", "b", "space")
            first = screen._hand.points[0]
            await seat.press("c", "c", "space")
            (drawn,) = regions(screen)
            assert isinstance(drawn.shape, Box)
            assert first[0] < 6, "the view's left is the image's left, turned down to up"
            assert first[1] > 32 - 6, "the view's left top is the image's left bottom"
            assert first in ((drawn.shape.x0, drawn.shape.y1), (drawn.shape.x1, drawn.shape.y1))
            await seat.press("escape", "v", "v", "v")
            assert screen._viewport is not None
            assert screen._viewport.rotation == 0
            assert regions(screen) == (drawn,)

    play(tmp_path, story)


def test_an_arrow_on_a_turned_view_moves_the_way_it_points(tmp_path: Path) -> None:
    """On a view turned clockwise, right is the file's up; the region is seen to move right."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await seat.press("r", "f", "f", "space", "h", "h", "space", "escape", "v", "m")
            before = regions(screen)[0].shape.bounds
            await seat.press("right")
            after = regions(screen)[0].shape.bounds
            assert (after.x0, round(after.y0 - before.y0, 6)) == (before.x0, -1)
            assert screen._viewport is not None
            assert screen._viewport.box_to_view(after).x0 > screen._viewport.box_to_view(before).x0

    play(tmp_path, story)


def test_the_crosshair_stays_on_its_image_point(tmp_path: Path) -> None:
    """Zoomed, px for px, shown whole, in a smaller window: the next point still goes where it was meant."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            await seat.press("r", "b", "c", "space", "h", "g")
            there = pytest.approx(screen._crosshair_xy(), abs=0.01)
            for key in ("plus", "minus", "equals_sign", "0"):
                await seat.press(key)
                assert screen._crosshair_xy() == there
            shown = screen._viewport
            await seat.pilot.resize_terminal(90, 30)
            await seat.until(lambda: screen._viewport != shown, "the view in the smaller window")
            assert screen._crosshair_xy() == there

    play(tmp_path, story)


def test_a_dark_image_can_be_made_to_fill_the_range() -> None:
    """Brighter, then harder: values that lie between 0 and 40, as of a microscope, become nearly black to nearly white."""
    table = Look().changed(brightness=9, contrast=10).table()
    assert table[0] < 20
    assert table[40] > 235
    assert (np.diff(table.astype(int)) >= 0).all()


def test_brightness_and_contrast_change_what_is_seen_and_no_file(tmp_path: Path) -> None:
    """`>` and `)` make the picture brighter and harder, `<` and `(` take it back; another image keeps the look."""

    async def story(house: House) -> None:
        async with house.session() as seat:
            screen = await seated(seat)
            canvas, first = screen.canvas, screen._holding  # the cells of the picture, before and after

            def cells() -> str:
                return (
                    ""
                    if canvas.picture is None
                    else "".join(row.full[canvas.size.width // 2] for row in canvas.picture.cell_rows)
                )

            await seat.until(lambda: canvas.is_settled and cells(), "the picture")
            plain, stored = cells(), np.asarray(screen._image.levels[0]).copy()  # type: ignore[union-attr]
            await seat.press(">", ")")
            await seat.until(lambda: canvas.is_settled and cells() != plain, "a brighter picture")
            assert "bright +1 contrast +1" in seat.text
            assert (screen._image.levels[0] == stored).all()  # type: ignore[union-attr]
            await seat.press("<", "(")
            await seat.until(lambda: canvas.is_settled and cells() == plain, "the picture as it was")
            assert screen._look == Look()
            await seat.press(">", "enter", "enter")
            await seat.until(lambda: "saved 1" in seat.text, "the submission")
            await image(seat, screen)
            assert screen._look == Look().changed(brightness=1)
            assert screen._holding is first

    play(tmp_path, story)
